//! Waits of tests for what must come: it is looked for, never slept for, and the wait has an end. How long something takes is nobody's
//! business here.

use std::future::Future;
use std::panic::Location;
use std::time::Duration;

/// Far longer than anything takes that a test waits for.
const PATIENCE: Duration = Duration::from_secs(60);

/// What must come.
///
/// # Panics
/// It does not come; the place of the call is named.
#[track_caller]
pub fn in_time<T>(what: impl Future<Output = T>) -> impl Future<Output = T> {
    let place = Location::caller();
    async move {
        let came = tokio::time::timeout(PATIENCE, what).await;
        let Ok(came) = came else {
            #[expect(clippy::panic, reason = "a test fails so")]
            {
                panic!("{place}: what is waited for did not come in {} seconds", PATIENCE.as_secs())
            }
        };
        came
    }
}

/// Looks again and again until it is so, and lets others do their work between.
///
/// # Panics
/// It never is; the place of the call is named.
#[track_caller]
pub fn until(mut is_so: impl AsyncFnMut() -> bool) -> impl Future<Output = ()> {
    in_time(async move {
        while !is_so().await {
            tokio::task::yield_now().await;
        }
    })
}

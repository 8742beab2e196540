//! Keeps the background loop going on what stands on disk now: while enrolment or keys are missing it looks again, and where the box was
//! enrolled anew it begins again with the new keys and address. Nobody has to start the program anew for it.

use super::error::SyncError;
use super::exchange::Syncer;
use super::run::{Ended, Loop, SyncHandle, stopped};
use futures_util::future::BoxFuture;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};
use tokio::task::JoinHandle;

/// How often a box that cannot speak with the hub looks whether it can.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// What makes ready to exchange.
pub type Opening = BoxFuture<'static, Result<Syncer, SyncError>>;

/// Of what is open already; there is no second time.
pub fn opened(syncer: Syncer) -> impl Fn() -> Opening + Send + 'static {
    let once = Mutex::new(Some(syncer));
    move || {
        let syncer = once.lock().unwrap_or_else(PoisonError::into_inner).take();
        Box::pin(async move { syncer.ok_or(SyncError::NotEnrolled) })
    }
}

/// Starts. It ends soon after `stop` becomes true; what is under way is left at a point where it goes on later.
pub fn start(
    open: impl Fn() -> Opening + Send + 'static,
    stop: watch::Receiver<bool>,
) -> (SyncHandle, JoinHandle<()>) {
    let (wake, changed) = (Arc::<Notify>::default(), watch::Sender::new(0));
    let handle = SyncHandle { wake: wake.clone(), changed: changed.subscribe() };
    (handle, tokio::spawn(keep(open, wake, changed, stop)))
}

async fn keep(
    open: impl Fn() -> Opening,
    wake: Arc<Notify>,
    changed: watch::Sender<u64>,
    mut stop: watch::Receiver<bool>,
) {
    // What kept it from starting is said once: it may be so for weeks.
    let mut said = String::new();
    loop {
        match open().await {
            Ok(syncer) => {
                said.clear();
                let syncer = Syncer { changed: changed.clone(), ..syncer };
                if Loop::new(syncer, wake.clone(), stop.clone()).run().await == Ended::Stopped {
                    return;
                }
                tracing::info!("this box was enrolled anew; it goes on with its new keys");
            }
            Err(error) => {
                let words = error.to_string();
                if words != said {
                    tracing::error!("this box works, but does not speak with the hub: {words}");
                    said = words;
                }
                tokio::select! {
                    () = tokio::time::sleep(LOOK_EVERY) => {}
                    () = stopped(&mut stop) => return,
                }
            }
        }
    }
}

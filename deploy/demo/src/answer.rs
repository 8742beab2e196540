//! Reading what the nodes say in JSON, and waiting until they say something.

use anyhow::{Context, Result, ensure};
use serde_json::Value;
use std::time::{Duration, Instant};

/// How long to wait for something that happens by itself.
pub const PATIENCE: Duration = Duration::from_secs(45);

/// Between two looks.
const LOOK_EVERY: Duration = Duration::from_millis(150);

/// A field that holds text.
///
/// # Errors
/// When there is none.
pub fn text<'a>(value: &'a Value, field: &str) -> Result<&'a str> {
    value[field].as_str().with_context(|| format!("no {field} in {value}"))
}

/// A field that holds a number of something.
///
/// # Errors
/// When there is none.
pub fn count(value: &Value, field: &str) -> Result<u64> {
    value[field].as_u64().with_context(|| format!("no {field} in {value}"))
}

/// Asks again and again until the answer is there.
///
/// # Errors
/// The question's own, or that [`PATIENCE`] was not enough.
pub async fn until<T, F: Future<Output = Result<Option<T>>>>(
    what: &str,
    mut ask: impl FnMut() -> F,
) -> Result<T> {
    let started = Instant::now();
    loop {
        if let Some(answer) = ask().await? {
            return Ok(answer);
        }
        ensure!(started.elapsed() < PATIENCE, "waited {} s in vain: {what}", PATIENCE.as_secs());
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

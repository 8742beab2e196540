//! How long somebody waits who guesses at passwords: the same at a hub and at an office. Where tries are counted is each node's own.

use crate::problem::{Kind, Problem};
use std::time::Duration;

/// Wrong tries that nobody has to wait for: people mistype.
pub const FREE_TRIES: u32 = 4;
/// The longest wait, in seconds. It bounds what somebody can do to a person by guessing at their name or number.
const WAIT_MAX_S: u64 = 15 * 60;
/// After how long wrong tries are forgotten.
pub const FORGET_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

/// The wait after so many wrong tries: none for the first few, then 2, 4, 8 seconds, and so on up to a quarter of an hour.
pub fn wait(failures: u32) -> Duration {
    let seconds = match failures.checked_sub(FREE_TRIES) {
        None => 0,
        Some(over) => 2u64.checked_shl(over.min(20)).unwrap_or(WAIT_MAX_S).min(WAIT_MAX_S),
    };
    Duration::from_secs(seconds)
}

/// What a try is told that comes so many seconds too early. `what` is tried for: a name, a number.
pub fn too_early(what: &str, left_s: u64) -> Problem {
    let detail =
        format!("There were too many wrong passwords for this {what}. Try again in {left_s} seconds.");
    Kind::TooManyAttempts.because(detail).retry_after_s(left_s)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_up_to_a_bound() {
        let waits: Vec<_> = (1..=16).map(|failures| wait(failures).as_secs()).collect();
        assert_eq!(waits, [0, 0, 0, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900, 900, 900]);
        assert_eq!(wait(u32::MAX).as_secs(), WAIT_MAX_S);
    }
}

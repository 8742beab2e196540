//! How long a job that failed waits for its next attempt: longer each time, up to a bound, and spread, so that what failed together
//! does not come back together.

use std::time::Duration;

/// The longest wait before its spread. Whatever is away for longer is asked a few times a day.
const WAIT_MAX_S: u64 = 6 * 3600;

/// The wait after so many attempts: their number to the power of four, in seconds, a tenth more or less. `random` says where in between.
pub(super) fn wait(attempts: u32, random: u32) -> Duration {
    let seconds = u64::from(attempts.max(1)).saturating_pow(4).min(WAIT_MAX_S);
    let spread = f64::from(random) / f64::from(u32::MAX);
    Duration::from_secs(seconds).mul_f64(0.9 + 0.2 * spread)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_grows_with_the_fourth_power_up_to_six_hours() {
        let middle = |attempts| wait(attempts, u32::MAX / 2).as_secs_f64().round() as u64;
        assert_eq!([1, 2, 3, 4, 5, 10].map(middle), [1, 16, 81, 256, 625, 10_000]);
        assert_eq!([12, 13, 100, u32::MAX].map(middle), [20_736, 21_600, 21_600, 21_600]);
        assert_eq!(middle(0), 1, "no wait of nothing");
    }

    #[test]
    fn it_is_spread_by_a_tenth_both_ways() {
        assert_eq!(wait(10, 0), Duration::from_secs(9_000));
        let most = wait(10, u32::MAX).as_secs_f64();
        assert!((10_999.9..=11_000.1).contains(&most), "{most}");
        let all = (0..=10).map(|n| wait(3, u32::MAX / 10 * n)).collect::<Vec<_>>();
        assert!(all.is_sorted() && all[0] < all[10]);
    }
}

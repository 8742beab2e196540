//! When a message may go: not at night unless somebody waits for it, and not more in a day than the office pays for. Pure.

use crate::config::SmsSettings;

/// Seconds before the same message is tried again after the first failure.
const BACKOFF_FIRST_S: i64 = 30;

/// No pause is longer, in seconds: not between two tries, and what waits for an hour of the day is looked at again so often, for
/// nobody here knows for certain what time it is.
pub(super) const PAUSE_MAX_S: i64 = 3_600;

/// Seconds before a message is tried again that may have gone out: time for a report on it to come.
pub(super) const UNCLEAR_PAUSE_S: i64 = 300;

/// Tries of one message before it counts as failed: about four hours.
pub(super) const TRIES_MAX: u32 = 9;

/// Tries of a message that may have gone out each time: better twice than never, but not a third time.
pub(super) const UNCLEAR_TRIES_MAX: u32 = 2;

impl SmsSettings {
    /// When it is quiet now: in how many seconds that ends. `None` when it is not quiet.
    pub(super) fn quiet_for_s(&self, now_s: i64, offset_s: i64) -> Option<i64> {
        let (from, to) = (i64::from(self.quiet_from) * 3_600, i64::from(self.quiet_to) * 3_600);
        let day_s = (now_s + offset_s).rem_euclid(DAY_S);
        let is_quiet = match from.cmp(&to) {
            std::cmp::Ordering::Less => (from..to).contains(&day_s),
            std::cmp::Ordering::Equal => false,
            std::cmp::Ordering::Greater => day_s >= from || day_s < to,
        };
        is_quiet.then(|| (to - day_s).rem_euclid(DAY_S))
    }
}

const DAY_S: i64 = 86_400;

/// The day that it is now in a country, counted from 1970.
pub(super) fn day_of(now_s: i64, offset_s: i64) -> i64 {
    (now_s + offset_s).div_euclid(DAY_S)
}

/// In how many seconds the next day begins there.
pub(super) fn day_lasts_s(now_s: i64, offset_s: i64) -> i64 {
    DAY_S - (now_s + offset_s).rem_euclid(DAY_S)
}

/// The pause after so many tries, in seconds; `jitter` of 0 to 255 spreads it over its second half.
pub(super) fn backoff_s(tries: u32, jitter: u8) -> i64 {
    let whole = (BACKOFF_FIRST_S << tries.saturating_sub(1).min(16)).min(PAUSE_MAX_S);
    whole / 2 + whole / 2 * i64::from(jitter) / 255
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::utc_offset_s;
    use sync_protocol::country::COUNTRIES;

    /// 2026-03-01 00:00 UTC.
    const MIDNIGHT_S: i64 = 1_772_323_200;

    #[test]
    fn it_is_quiet_from_the_evening_to_the_morning_of_the_country() {
        let settings = SmsSettings::default();
        let malawi = utc_offset_s("MWI");
        let quiet = |utc_hour: i64| settings.quiet_for_s(MIDNIGHT_S + utc_hour * 3_600, malawi);
        assert_eq!(quiet(18), None, "20:00 in Malawi");
        assert_eq!(quiet(19), Some(9 * 3_600), "21:00 until 6:00");
        assert_eq!(quiet(3), Some(3_600), "5:00");
        assert_eq!(quiet(4), None, "6:00");
        let never = SmsSettings { quiet_from: 0, quiet_to: 0, ..settings.clone() };
        assert!((0..24).all(|hour| never.quiet_for_s(MIDNIGHT_S + hour * 3_600, 0).is_none()));
        let noon = SmsSettings { quiet_from: 12, quiet_to: 13, ..settings };
        assert_eq!(noon.quiet_for_s(MIDNIGHT_S + 12 * 3_600 + 60, 0), Some(3_540));
    }

    #[test]
    fn the_day_of_a_budget_is_the_countrys() {
        let kenya = utc_offset_s("KEN");
        let evening = MIDNIGHT_S + 22 * 3_600;
        assert_eq!(day_of(evening, kenya), day_of(MIDNIGHT_S, kenya) + 1, "1:00 of the next day in Kenya");
        assert_eq!(day_lasts_s(evening, kenya), 23 * 3_600);
    }

    #[test]
    fn every_country_has_its_own_time() {
        let central = ["BDI", "MOZ", "MWI", "RWA", "ZMB", "ZWE"];
        for country in COUNTRIES {
            let hours = utc_offset_s(country.iso3) / 3_600;
            assert_eq!(hours == 2, central.contains(&country.iso3), "{}", country.iso3);
        }
    }

    #[test]
    fn pauses_grow_and_end() {
        assert_eq!(backoff_s(1, 255), 30);
        assert_eq!(backoff_s(1, 0), 15);
        assert!(backoff_s(2, 0) >= backoff_s(1, 255));
        assert_eq!(backoff_s(u32::MAX, 255), PAUSE_MAX_S);
    }

    #[test]
    fn an_hour_is_0_to_23() {
        assert!(SmsSettings::default().check().is_ok());
        let wrong = SmsSettings { quiet_to: 24, ..SmsSettings::default() };
        assert!(wrong.check().unwrap_err().contains("quiet_to 24"));
    }
}

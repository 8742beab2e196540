//! Which prices break with their series so hard that a slip is likelier than the market.
//!
//! A suspect price is kept and shown, but nothing is sent because of it. Nothing here may change or drop a price.

/// How many times its neighbour a price may be, either way, before it is a jump.
pub const JUMP_FACTOR: i64 = 4;

/// Whether one price is more than [`JUMP_FACTOR`] times the other, whichever is larger. Exactly four times is not.
pub fn is_jump(one_minor: i64, other_minor: i64) -> bool {
    let (low, high) = (one_minor.min(other_minor), one_minor.max(other_minor));
    i128::from(high) > i128::from(low) * i128::from(JUMP_FACTOR)
}

/// Whether a price is suspect, given the prices just before and after it in its series (same market, commodity,
/// unit, price type and currency; the months need not touch).
///
/// It is when it jumps from every neighbour that it has. So a slip between two normal months is suspect and they are
/// not; the newest price is suspect when it jumps, until a later one agrees with it; a new level that holds is
/// believed from its second month on. A price alone in its series is not suspect.
pub fn is_suspect(price_minor: i64, before_minor: Option<i64>, after_minor: Option<i64>) -> bool {
    let mut neighbours = [before_minor, after_minor].into_iter().flatten().peekable();
    neighbours.peek().is_some() && neighbours.all(|neighbour| is_jump(price_minor, neighbour))
}

/// [`is_suspect`] for each price of a whole series, in the order of its months.
///
/// A price that is added, changed or withdrawn can only change the answer for itself and the two beside it.
pub fn suspects(series_minor: &[i64]) -> impl Iterator<Item = bool> {
    series_minor.iter().enumerate().map(|(place, &price_minor)| {
        let before = place.checked_sub(1).and_then(|place| series_minor.get(place)).copied();
        is_suspect(price_minor, before, series_minor.get(place + 1).copied())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn marks(series: &[i64]) -> String {
        suspects(series).map(|suspect| if suspect { '?' } else { '.' }).collect()
    }

    #[test]
    fn a_slip_is_suspect_and_its_neighbours_are_not() {
        // 90 KG of beans in Kitengela.
        assert_eq!(marks(&[700_000, 720_000, 113_400, 720_000, 710_000]), "..?..");
        assert_eq!(marks(&[100, 110, 1_000, 120, 115]), "..?..");
    }

    #[test]
    fn the_newest_jump_is_suspect_until_the_next_month_agrees() {
        assert_eq!(marks(&[100, 110, 500]), "..?");
        assert_eq!(marks(&[100, 110, 500, 510]), "....");
        assert_eq!(marks(&[500, 100, 110]), "?..");
        // Right after a slip it is not known yet which of the two is the slip.
        assert_eq!(marks(&[100, 110, 500, 105]), "..??");
    }

    #[test]
    fn four_times_is_no_jump_and_one_price_has_no_neighbour() {
        assert!(!is_jump(100, 400) && !is_jump(400, 100));
        assert!(is_jump(100, 401) && is_jump(401, 100));
        assert_eq!(marks(&[]), "");
        assert_eq!(marks(&[5]), ".");
        // Two that disagree: nobody can say which one is wrong.
        assert_eq!(marks(&[5, 5_000]), "??");
    }

    proptest! {
        #[test]
        fn no_number_overflows_and_direction_does_not_matter(one: i64, other: i64) {
            prop_assert_eq!(is_jump(one, other), is_jump(other, one));
        }

        #[test]
        fn a_calm_series_has_no_suspect(series in proptest::collection::vec(100i64..=400, 0..50)) {
            prop_assert!(suspects(&series).all(|suspect| !suspect));
        }
    }
}

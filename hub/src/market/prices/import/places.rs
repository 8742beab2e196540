//! Where markets are: what a file says, what is known, and which regions touch which.
//!
//! A blank never overwrites what is known: a market keeps its region and coordinates when a later publication leaves
//! them out. Pure: nothing here knows a database.

use sync_protocol::units::Month;

use super::super::wfp::{Coordinates, PriceRow};
use super::Precedence;

/// Hundredths of a degree, in hundred-thousandths: what coordinates are cut to in files since 2025.
const COARSE_E5: i32 = 1_000;

/// Pairs of regions that share a border, by the names of the price source, once each.
///
/// Malawi: the three regions lie in a row from north to south. Kenya: the eight provinces in which the source still
/// files its markets, though they ended in 2013. Facts of geography, as on any map of the two countries.
const BORDERS: &[(&str, &[(&str, &str)])] = &[
    ("MWI", &[("Northern Region", "Central Region"), ("Central Region", "Southern Region")]),
    (
        "KEN",
        &[
            ("Nairobi", "Central"),
            ("Nairobi", "Eastern"),
            ("Nairobi", "Rift Valley"),
            ("Central", "Eastern"),
            ("Central", "Rift Valley"),
            ("Coast", "Eastern"),
            ("Coast", "North Eastern"),
            ("Coast", "Rift Valley"),
            ("Eastern", "North Eastern"),
            ("Eastern", "Rift Valley"),
            ("Nyanza", "Rift Valley"),
            ("Nyanza", "Western"),
            ("Rift Valley", "Western"),
        ],
    ),
];

/// The borders between a country's regions that are known; none for a country that is not in the list.
pub(super) fn borders(country: &str) -> &'static [(&'static str, &'static str)] {
    BORDERS.iter().find(|(iso3, _)| *iso3 == country).map_or(&[], |(_, pairs)| pairs)
}

/// A value with the month of the row that gave it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Seen<T> {
    value: T,
    month: Month,
}

/// Takes a value unless a newer row gave one. Within one month the first stands, so that a file that contradicts
/// itself gives the same answer however often it is read.
fn see<T: Clone + PartialEq>(known: &mut Option<Seen<T>>, value: Option<&T>, month: Month) {
    let Some(value) = value else { return };
    match known {
        Some(known) if month <= known.month => {}
        // Most rows of a market say the same: nothing is copied then.
        Some(known) if known.value == *value => known.month = month,
        _ => *known = Some(Seen { value: value.clone(), month }),
    }
}

/// A market's place by one file: for each part the newest row that fills it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct FilePlace {
    region: Option<Seen<String>>,
    district: Option<Seen<String>>,
    coordinates: Option<Seen<Coordinates>>,
}

impl FilePlace {
    /// Takes in what one row says.
    pub(super) fn see(&mut self, row: &PriceRow) {
        see(&mut self.region, row.admin1.as_ref(), row.month);
        see(&mut self.district, row.admin2.as_ref(), row.month);
        see(&mut self.coordinates, row.coordinates.as_ref(), row.month);
    }

    pub(super) fn region(&self) -> Option<&str> {
        self.region.as_ref().map(|seen| seen.value.as_str())
    }

    pub(super) fn district(&self) -> Option<&str> {
        self.district.as_ref().map(|seen| seen.value.as_str())
    }

    pub(super) fn coordinates(&self) -> Option<Coordinates> {
        self.coordinates.as_ref().map(|seen| seen.value)
    }
}

/// A market's place as it is kept.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) region_id: Option<i32>,
    /// Empty where it is not known.
    pub(super) district: String,
    pub(super) coordinates: Option<Coordinates>,
}

impl Place {
    /// What is to be kept, given what was known and what a file says. A newer file's word counts where it says
    /// something, an older one's only where nothing was known.
    pub(super) fn merge(known: &Self, file: &Self, precedence: Precedence) -> Self {
        let (first, second) = match precedence {
            Precedence::File => (file, known),
            Precedence::Known => (known, file),
        };
        let district = if first.district.is_empty() { &second.district } else { &first.district };
        let coordinates = match (known.coordinates, file.coordinates) {
            (Some(known), Some(file)) if is_cut(known, file) => Some(known),
            _ => first.coordinates.or(second.coordinates),
        };
        Self { region_id: first.region_id.or(second.region_id), district: district.clone(), coordinates }
    }
}

/// Whether one place is the other with decimals cut off: then it says nothing new.
fn is_cut(fine: Coordinates, coarse: Coordinates) -> bool {
    let cut = |fine: i32, coarse: i32| coarse % COARSE_E5 == 0 && (fine - coarse).abs() < COARSE_E5;
    cut(fine.latitude_e5, coarse.latitude_e5) && cut(fine.longitude_e5, coarse.longitude_e5)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn at(latitude_e5: i32, longitude_e5: i32) -> Option<Coordinates> {
        Some(Coordinates { latitude_e5, longitude_e5 })
    }

    fn place(region_id: Option<i32>, district: &str, coordinates: Option<Coordinates>) -> Place {
        Place { region_id, district: district.to_string(), coordinates }
    }

    #[test]
    fn a_blank_never_overwrites_what_is_known() {
        let known = place(Some(1), "Tana River", at(-150_012, 4_003_456));
        let blank = Place::default();
        for precedence in [Precedence::File, Precedence::Known] {
            assert_eq!(Place::merge(&known, &blank, precedence), known);
            assert_eq!(Place::merge(&blank, &known, precedence), known);
        }
    }

    #[test]
    fn the_newer_word_counts_and_an_older_one_fills_gaps_only() {
        let known = place(Some(1), "Lamu", None);
        let file = place(Some(2), "Tana River", at(-150_000, 4_000_000));
        assert_eq!(Place::merge(&known, &file, Precedence::File), file);
        let filled = place(Some(1), "Lamu", file.coordinates);
        assert_eq!(Place::merge(&known, &file, Precedence::Known), filled);
    }

    #[test]
    fn coordinates_that_were_cut_short_say_nothing_new() {
        let fine = place(None, "", at(-405_466, 3_966_359));
        for (cut, kept) in [
            // Rounded, cut, unchanged: the finer ones stay.
            (at(-405_000, 3_967_000), fine.coordinates),
            (at(-406_000, 3_966_000), fine.coordinates),
            (fine.coordinates, fine.coordinates),
            // Another place, and one that is as fine: they count.
            (at(-407_000, 3_967_000), at(-407_000, 3_967_000)),
            (at(-405_465, 3_966_359), at(-405_465, 3_966_359)),
        ] {
            assert_eq!(Place::merge(&fine, &place(None, "", cut), Precedence::File).coordinates, kept);
        }
    }

    #[test]
    fn the_newest_row_that_fills_a_part_decides_in_any_order() {
        let row = |month, region: Option<&str>| {
            let mut known = None;
            see(&mut known, region.map(String::from).as_ref(), Month(month));
            known
        };
        assert_eq!(row(5, None), None);
        let mut known = row(5, Some("A"));
        see(&mut known, Some(&"A".to_string()), Month(9));
        see(&mut known, Some(&"B".to_string()), Month(7));
        assert_eq!(known.as_ref().map(|seen| seen.value.as_str()), Some("A"));
        see(&mut known, Some(&"B".to_string()), Month(9));
        assert_eq!(known.as_ref().map(|seen| seen.value.as_str()), Some("A"));
        see(&mut known, Some(&"B".to_string()), Month(10));
        assert_eq!(known.map(|seen| seen.value), Some("B".to_string()));
    }

    #[test]
    fn borders_stand_once_each_and_nobody_borders_itself() {
        for (country, pairs) in BORDERS {
            let set: HashSet<_> = pairs.iter().map(|(a, b)| if a < b { (a, b) } else { (b, a) }).collect();
            assert_eq!(set.len(), pairs.len(), "{country}");
            assert!(pairs.iter().all(|(a, b)| a != b), "{country}");
        }
        let names = |country| borders(country).iter().flat_map(|(a, b)| [a, b]).collect::<HashSet<_>>().len();
        assert_eq!((names("MWI"), names("KEN"), names("UGA")), (3, 8, 0));
    }
}

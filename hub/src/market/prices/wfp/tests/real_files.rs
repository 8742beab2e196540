//! The two files that are kept, whole, with their exact counts.

use super::*;
use std::collections::{HashMap, HashSet};
use std::path::PathBuf;
use std::sync::LazyLock;

fn real_file(iso3: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("data/prices/wfp_food_prices_{iso3}.csv"))
}

/// A whole real file, read once for all tests.
fn read_real(iso3: &str) -> &'static (Counts, Vec<DataRow>) {
    static MWI: LazyLock<(Counts, Vec<DataRow>)> = LazyLock::new(|| read_file("mwi"));
    static KEN: LazyLock<(Counts, Vec<DataRow>)> = LazyLock::new(|| read_file("ken"));
    if iso3 == "mwi" { &MWI } else { &KEN }
}

fn read_file(iso3: &str) -> (Counts, Vec<DataRow>) {
    let mut counts = Counts::default();
    let reader = PriceReader::open_path(&real_file(iso3), None).unwrap();
    let rows: Vec<DataRow> = reader.collect::<Result<_, _>>().unwrap();
    rows.iter().for_each(|data| counts.add(&data.row));
    (counts, rows)
}

fn accepted(rows: &[DataRow]) -> impl Iterator<Item = &PriceRow> {
    rows.iter().filter_map(|data| if let Row::Price(price) = &data.row { Some(price) } else { None })
}

/// Market, commodity, unit, price type and currency: what one series is of.
fn series(price: &PriceRow) -> (&str, &str, &str, &str, &str) {
    (&price.market, &price.commodity, &price.unit, price.price_type.as_str(), price.currency.as_str())
}

#[test]
fn malawi_has_the_counts_that_were_measured() {
    let (counts, rows) = read_real("mwi");
    let expected = Counts {
        read: 20_644,
        accepted: 17_709,
        forecast_skipped: 2_364,
        quarantined: 571,
        refused: 0,
        // 367 rows are without a place; 14 of them are forecasts.
        without_coordinates: 353,
    };
    assert_eq!(*counts, expected);
    let (first, last) = (&rows[0], &rows[rows.len() - 1]);
    // Line 1 is the header, line 2 the HXL tags.
    assert_eq!((first.line, last.line), (3, 20_646));
    let first = price(first);
    assert_eq!((first.month, first.price_minor), (Month::new(1990, 10).unwrap(), 190));
    assert_eq!(
        (first.admin1.as_deref(), first.market.as_str(), first.coordinates),
        (None, "National Average", None)
    );
    assert!(accepted(rows).all(|price| price.currency.as_str() == "MWK" && price.wfp_market_id.is_none()));
    let quarantined: Vec<_> = rows.iter().filter(|data| matches!(data.row, Row::Quarantined(_))).collect();
    assert!(quarantined.iter().all(|data| matches!(
        &data.row,
        Row::Quarantined(Reject { reason: Reason::ForeignCurrency { text, .. }, raw }) if text == "SOS" && raw[3] == "Marka"
    )));
}

#[test]
fn kenya_has_the_counts_that_were_measured() {
    let (counts, rows) = read_real("ken");
    let expected = Counts { read: 26_745, accepted: 26_745, without_coordinates: 68, ..Counts::default() };
    assert_eq!(*counts, expected);
    assert_eq!((rows[0].line, rows[rows.len() - 1].line), (2, 26_746));
    let first = price(&rows[0]);
    assert_eq!((first.wfp_market_id, first.wfp_commodity_id), (Some(191), Some(51)));
    assert_eq!(first.coordinates, Some(Coordinates { latitude_e5: -405_000, longitude_e5: 3_967_000 }));
    assert_eq!((first.price_minor, &first.price_type), (1_613, &PriceType::Wholesale));
    assert_eq!(price(&rows[1]).price_minor, 148_000);
    assert!(
        accepted(rows)
            .filter(|price| price.coordinates.is_none())
            .all(|price| price.market.starts_with("Hola"))
    );
    let both = PriceFlags::ACTUAL.with(PriceFlags::AGGREGATE);
    assert_eq!(accepted(rows).filter(|price| price.flags == both).count(), 233);
    assert_eq!(accepted(rows).filter(|price| price.flags == PriceFlags::AGGREGATE).count(), 8_651);
}

#[test]
fn series_and_month_are_a_key_in_both_files_and_price_type_is_part_of_it() {
    for (iso3, without_type) in [("mwi", 0), ("ken", 1)] {
        let (_, rows) = read_real(iso3);
        let keys: HashSet<_> = accepted(rows).map(|price| (series(price), price.month)).collect();
        assert_eq!(keys.len(), accepted(rows).count(), "{iso3}");
        let loose: HashSet<_> = keys.iter().map(|((m, c, u, _, k), month)| (m, c, u, k, month)).collect();
        assert_eq!(keys.len() - loose.len(), without_type, "{iso3}");
    }
}

#[test]
fn every_commodity_of_the_files_has_its_number() {
    let ids = names::CommodityIds::built_in().unwrap();
    for iso3 in ["mwi", "ken"] {
        for price in accepted(&read_real(iso3).1) {
            let id = ids.find(&price.commodity);
            assert!(id.is_some(), "{}", price.commodity);
            assert!(price.wfp_commodity_id.is_none() || price.wfp_commodity_id == id, "{}", price.commodity);
        }
    }
}

#[test]
fn units_of_the_files_are_understood_and_fuel_stays_off_the_menus() {
    let (_, rows) = read_real("ken");
    let mut pieces = HashSet::new();
    for price in accepted(rows) {
        let unit = unit::Unit::parse(&price.unit);
        assert_ne!(unit.base, UnitBase::Unknown, "{}", price.unit);
        assert!(unit.price_per_base_minor(price.price_minor).is_some());
        if unit.base == UnitBase::Piece {
            pieces.insert(price.unit.as_str());
        }
    }
    assert_eq!(pieces, HashSet::from(["Unit", "Head", "Bunch"]));
    let off = |price: &&PriceRow| !unit::belongs_on_farmer_menu(&price.category, &price.unit);
    assert!(accepted(rows).filter(off).all(|price| price.commodity.starts_with("Fuel")));
    assert_eq!(accepted(rows).filter(off).count(), 196);
    assert_eq!(accepted(&read_real("mwi").1).filter(off).count(), 353);
}

#[test]
fn jumps_and_suspects_of_the_files_are_those_that_were_measured() {
    for (iso3, jumps, suspects) in [("mwi", 23, 11), ("ken", 23, 14)] {
        let (_, rows) = read_real(iso3);
        let mut all: HashMap<_, Vec<(Month, i64)>> = HashMap::new();
        for price in accepted(rows) {
            all.entry(series(price)).or_default().push((price.month, price.price_minor));
        }
        let (mut found_jumps, mut found_suspects) = (0, 0);
        for prices in all.values_mut() {
            prices.sort_unstable();
            let prices: Vec<i64> = prices.iter().map(|(_, price_minor)| *price_minor).collect();
            found_jumps += prices.windows(2).filter(|pair| suspect::is_jump(pair[0], pair[1])).count();
            found_suspects += suspect::suspects(&prices).filter(|suspect| *suspect).count();
        }
        assert_eq!((found_jumps, found_suspects), (jumps, suspects), "{iso3}");
    }
}

#[test]
fn a_file_for_the_wrong_country_yields_no_price() {
    let reader = PriceReader::open_path(&real_file("ken"), Country::by_iso3("MWI")).unwrap();
    assert_eq!(reader.country().iso3, "MWI");
    let mut counts = Counts::default();
    reader.for_each(|data| counts.add(&data.unwrap().row));
    assert_eq!((counts.accepted, counts.quarantined), (0, 26_745));
}

#[test]
fn the_kenya_file_saved_by_a_spreadsheet_gives_the_same_prices() {
    let original = std::fs::read_to_string(real_file("ken")).unwrap();
    let mut saved = String::from("\u{feff}");
    for line in original.lines() {
        let (date, rest) = line.split_once(',').unwrap();
        let date = match date.split('-').collect::<Vec<_>>()[..] {
            [year, month, day] => format!("{}/{day}/{year}", month.trim_start_matches('0')),
            _ => date.to_string(),
        };
        saved.push_str(&format!("{date},{rest}\r\n"));
    }
    assert_eq!(rows(saved), read_real("ken").1);
}

#[test]
fn the_files_have_their_published_size_and_all_of_it_is_read() {
    for (iso3, size) in [("mwi", 2_601_106), ("ken", 3_441_263)] {
        let mut reader = PriceReader::open_path(&real_file(iso3), None).unwrap();
        while reader.next().is_some() {}
        assert_eq!(reader.bytes_read(), size, "{iso3}: keep the bytes, line ends included");
    }
}

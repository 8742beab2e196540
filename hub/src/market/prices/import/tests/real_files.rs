//! The two real files: the counts that were measured, nothing changed by a second import, and by the same rows saved
//! by a spreadsheet.

use std::path::PathBuf;

use sync_protocol::country::Country;

use super::super::{ImportOptions, ImportReport, Warning};
use super::support::*;

fn real_file(iso3: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join(format!("data/prices/wfp_food_prices_{iso3}.csv"))
}

async fn import(bench: &Bench, iso3: &str) -> ImportReport {
    bench.try_import(&real_file(iso3), bench.options()).await.unwrap()
}

fn counts(report: &ImportReport) -> [u64; 5] {
    [report.read, report.accepted, report.forecast_skipped, report.quarantined, report.refused]
}

const MALAWI: [u64; 5] = [20_644, 17_709, 2_364, 571, 0];
const KENYA: [u64; 5] = [26_745, 26_745, 0, 0, 0];

#[tokio::test]
async fn both_files_have_their_counts_and_coming_again_they_change_nothing() {
    let bench = bench().await;
    let malawi = import(&bench, "mwi").await;
    assert_eq!((counts(&malawi), did(&malawi)), (MALAWI, (17_709, 0, 0)));
    assert_eq!(malawi.warnings, []);
    let list = Bench::rejects(&malawi);
    assert_eq!(list.len(), 1 + 571);
    assert!(list[0].starts_with("line,outcome,reason,date,admin1"), "{}", list[0]);
    assert!(list[1..].iter().all(|line| line.contains("quarantined,\"the currency is SOS")));
    let kenya = import(&bench, "ken").await;
    assert_eq!((counts(&kenya), did(&kenya)), (KENYA, (26_745, 0, 0)));
    assert_eq!((kenya.warnings.len(), kenya.rejects_file.as_ref()), (0, None));

    look_at_the_tables(&bench).await;
    bench.assert_feed_equals_tables().await;

    let (heads, prices) = (bench.heads().await, bench.prices().await);
    for (iso3, first) in [("mwi", MALAWI), ("ken", KENYA)] {
        let again = import(&bench, iso3).await;
        assert_eq!((counts(&again), did(&again)), (first, (0, 0, first[1])));
        assert_eq!(again.warnings, []);
    }
    for saved in [spreadsheet("mwi", Saved::WithBom), spreadsheet("ken", Saved::Plain)] {
        let path = bench.folder.path().join(saved.0);
        std::fs::write(&path, saved.1).unwrap();
        let again = bench.try_import(&path, bench.options()).await.unwrap();
        assert_eq!((again.new, again.changed), (0, 0), "{}", again.file);
        assert!([MALAWI, KENYA].contains(&counts(&again)), "{again:?}");
    }
    let wrong = ImportOptions { country: Country::by_iso3("MWI"), ..bench.options() };
    let wrong = bench.try_import(&real_file("ken"), wrong).await.unwrap();
    assert_eq!(counts(&wrong), [26_745, 0, 0, 26_745, 0]);
    assert!(matches!(wrong.warnings[..], [Warning::WrongCountry { country: "Malawi", .. }]));
    assert_eq!(bench.heads().await, heads);
    assert_eq!(bench.prices().await, prices);
}

async fn look_at_the_tables(bench: &Bench) {
    for (what, sql, expected) in [
        ("prices", "SELECT count(*) FROM prices", 17_709 + 26_745),
        ("markets", "SELECT count(*) FROM markets", 124 + 226),
        ("regions, with Kenya's eighth, that has no market", "SELECT count(*) FROM regions", 3 + 8),
        ("neighbours", "SELECT count(*) FROM region_neighbours", 4 + 26),
        ("suspects", "SELECT count(*) FROM prices WHERE flags & 4 <> 0", 11 + 14),
        ("both flags", "SELECT count(*) FROM prices WHERE flags & 3 = 3", 690 + 233),
        ("revisions", "SELECT count(*) FROM price_revisions", 0),
        ("tombstones", "SELECT count(*) FROM sync_rows WHERE deleted", 0),
        ("fuel on menus", "SELECT count(*) FROM commodities WHERE on_menus AND name LIKE 'Fuel%'", 0),
        ("foreign currencies", "SELECT count(*) FROM price_series WHERE currency NOT IN ('MWK', 'KES')", 0),
        (
            "newest months ahead",
            "SELECT count(*) FROM price_series s WHERE newest_month <> (SELECT max(month) FROM prices WHERE series_id = s.id)",
            0,
        ),
    ] {
        assert_eq!(bench.number(sql).await, expected, "{what}");
    }
    let without_region = "SELECT country || ' ' || name FROM markets WHERE region_id IS NULL ORDER BY 1";
    assert_eq!(bench.lines(without_region).await, ["KEN Hola (Tana River)", "MWI National Average"]);
    let in_country = "SELECT DISTINCT concat_ws(' ', bucket, entity) FROM sync_rows
        WHERE bucket LIKE 'country:%' AND NOT deleted ORDER BY 1";
    let expected = ["KEN 3", "KEN 4", "KEN 5", "KEN 6", "MWI 3", "MWI 4", "MWI 5", "MWI 6"];
    assert_eq!(bench.lines(in_country).await, expected.map(|rest| format!("country:{rest}")));
    let maize = "SELECT concat_ws(' ', name, name_sw, name_ny, name_fr, wfp_id) FROM commodities WHERE name LIKE 'Maize' ";
    assert_eq!(bench.lines(maize).await, ["Maize Mahindi Chimanga Maïs 51"]);
    let sack = "SELECT concat_ws(' ', base, factor_milli) FROM units WHERE code = '90 KG'";
    assert_eq!(bench.lines(sack).await, ["1 90000"]);
}

enum Saved {
    /// Byte order mark, CRLF, dates as 1/15/2006.
    WithBom,
    /// LF, dates as 1/15/2006, no last newline.
    Plain,
}

/// A real file as a spreadsheet saves it, without the row of tags.
fn spreadsheet(iso3: &str, saved: Saved) -> (String, Vec<u8>) {
    let mut reader = csv::Reader::from_path(real_file(iso3)).unwrap();
    let mut writer = csv::WriterBuilder::new();
    if matches!(saved, Saved::WithBom) {
        writer.terminator(csv::Terminator::CRLF);
    }
    let mut writer = writer.from_writer(Vec::new());
    writer.write_record(reader.headers().unwrap()).unwrap();
    for record in reader.records().map(Result::unwrap).filter(|record| !record[0].starts_with('#')) {
        let (year, rest) = record[0].split_once('-').unwrap();
        let (month, day) = rest.split_once('-').unwrap();
        let date = format!("{}/{day}/{year}", month.trim_start_matches('0'));
        writer.write_record(std::iter::once(date.as_str()).chain(record.iter().skip(1))).unwrap();
    }
    let mut bytes = writer.into_inner().unwrap();
    match saved {
        Saved::WithBom => bytes.splice(..0, *b"\xef\xbb\xbf").for_each(drop),
        Saved::Plain => {
            bytes.pop();
        }
    }
    (format!("wfp_food_prices_{iso3}.csv"), bytes)
}

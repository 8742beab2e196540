//! One rule, one small file.

use std::time::Duration;

use super::super::db::prices;
use super::super::plan::Stored;
use super::super::{ImportError, ImportOptions, Warning};
use super::support::*;
use crate::db::q;
use crate::market::prices::wfp::FileError;

const NO_REGION: Line = Line { region: "", ..LINE };

#[tokio::test]
async fn the_report_has_the_fields_that_scripts_rely_on() {
    let bench = bench().await;
    let report = bench.import(&text([LINE])).await;
    let json = serde_json::to_value(&report).unwrap();
    let keys: Vec<&String> = json.as_object().unwrap().keys().collect();
    let mut expected = [
        "file",
        "read",
        "accepted",
        "forecast_skipped",
        "quarantined",
        "refused",
        "new",
        "changed",
        "unchanged",
        "seconds",
    ];
    expected.sort_unstable();
    assert_eq!(keys, expected);
    assert!(json["file"].as_str().unwrap().ends_with("/wfp_food_prices_ken.csv"));
    let imports = "SELECT concat_ws(' ', source, file, country, newest_month, finished_at IS NOT NULL, read_rows, accepted)
        FROM price_imports";
    assert_eq!(bench.lines(imports).await, ["wfp wfp_food_prices_ken.csv KEN 24240 t 1 1"]);
}

#[tokio::test]
async fn a_changed_price_is_a_revision_and_flags_are_a_set() {
    let bench = bench().await;
    bench.import(&maize(&[("2020-01", "10"), ("2020-02", "11"), ("2020-03", "12")])).await;
    let newer = [
        Line { month: "2020-01", price: "10", ..LINE },
        Line { month: "2020-02", price: "11.50", ..LINE },
        Line { month: "2020-03", price: "12", flag: "aggregate,actual", ..LINE },
        Line { month: "2020-04", price: "12", ..LINE },
    ];
    let report = bench.import(&text(newer)).await;
    assert_eq!(did(&report), (1, 2, 1));
    assert_eq!(bench.series().await, ["2020-1 1000 1", "2020-2 1150 1", "2020-3 1200 3", "2020-4 1200 1"]);
    let revisions = "SELECT concat_ws(' ', month % 12 + 1, price_minor, flags, import_id) FROM price_revisions ORDER BY month";
    assert_eq!(bench.lines(revisions).await, ["2 1100 1 2", "3 1200 1 2"]);
    let imports = "SELECT import_id::text FROM prices ORDER BY month";
    assert_eq!(bench.lines(imports).await, ["1", "2", "2", "2"]);
    bench.assert_feed_equals_tables().await;
    let heads = bench.heads().await;
    assert_eq!(did(&bench.import(&text(newer)).await), (0, 0, 4));
    assert_eq!(bench.heads().await, heads);
}

/// Tables that were put back by hand lack prices that the feed has.
#[tokio::test]
async fn a_price_that_is_new_to_the_tables_and_stands_in_the_feed_is_taken() {
    let bench = bench().await;
    let file = maize(&[("2020-01", "10"), ("2020-02", "11")]);
    bench.import(&file).await;
    bench.commit("DELETE FROM prices WHERE month % 12 = 1").await;
    let report = bench.import(&maize(&[("2020-01", "10"), ("2020-02", "12")])).await;
    assert_eq!(did(&report), (1, 0, 1));
    assert_eq!(bench.series().await, ["2020-1 1000 1", "2020-2 1200 1"]);
    bench.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn a_price_has_a_series_that_stays() {
    let bench = bench().await;
    bench.import(&maize(&[("2020-01", "10")])).await;
    let mut rows = prices::Rows::default();
    rows.push(77, &Stored { month: 24_240, price_minor: 100, flags: 1 }, true).unwrap();
    let mut tx = bench.db.begin().await.unwrap();
    let refused = prices::insert(&mut tx, 1, rows).await.unwrap_err().to_string();
    assert!(refused.contains("prices.series_id"), "{refused}");
    tx.rollback().await.unwrap();
    for sql in ["DELETE FROM price_series", "TRUNCATE price_series"] {
        let mut tx = bench.db.begin().await.unwrap();
        let refused = q(sql).execute(&mut *tx).await.unwrap_err().to_string();
        assert!(refused.contains("a price series stays"), "{refused}");
        tx.rollback().await.unwrap();
    }
}

#[tokio::test]
async fn an_older_publication_adds_what_is_missing_and_undoes_nothing() {
    let bench = bench().await;
    bench.import(&maize(&[("2020-02", "11"), ("2020-03", "12"), ("2020-05", "13")])).await;
    let older = maize(&[("2020-01", "10"), ("2020-02", "99"), ("2020-03", "12"), ("2020-04", "12")]);
    let report = bench.import(&older).await;
    assert_eq!(did(&report), (2, 0, 2));
    assert_eq!(report.warnings, [Warning::OlderPublication { differing: 1 }]);
    let expected = ["2020-1 1000 1", "2020-2 1100 1", "2020-3 1200 1", "2020-4 1200 1", "2020-5 1300 1"];
    assert_eq!(bench.series().await, expected);
    let list = Bench::rejects(&report);
    assert_eq!(list.len(), 2, "{list:?}");
    assert!(list[1].starts_with("3,kept,") && list[1].contains("11.00"), "{}", list[1]);
    assert!(list[1].ends_with("2020-02,,,Mombasa,,,,Maize,KG,actual,Retail,KES,99.00,"), "{}", list[1]);
    bench.assert_feed_equals_tables().await;

    let told = ImportOptions { older_wins: true, ..bench.options() };
    let report = bench.try_import(&bench.file(&older), told).await.unwrap();
    assert_eq!(did(&report), (0, 1, 3));
    assert_eq!(bench.series().await[1], "2020-2 9900 5");
    // The newest publication comes again: it counts, as ever.
    let newer = maize(&[("2020-02", "11"), ("2020-03", "12"), ("2020-05", "13")]);
    let report = bench.import(&newer).await;
    assert_eq!(did(&report), (0, 1, 2));
    assert_eq!(report.warnings, [Warning::Withdrawn { prices: 2 }]);
    assert_eq!(bench.series().await, expected);
}

#[tokio::test]
async fn a_blank_never_overwrites_a_known_place() {
    let bench = bench().await;
    bench.import(&text([LINE])).await;
    let place = "SELECT concat_ws(' ', r.name, m.district, m.latitude_e5, m.longitude_e5)
        FROM markets m LEFT JOIN regions r ON r.id = m.region_id";
    assert_eq!(bench.lines(place).await, ["Coast District -405466 3966359"]);
    let heads = bench.heads().await;
    assert_eq!(did(&bench.import(&text([NO_REGION])).await), (0, 0, 1));
    assert_eq!(bench.heads().await, heads);
    // Cut to two decimals.
    let cut = text([LINE]).replace("-4.05466,39.66359", "-4.05,39.66");
    assert_eq!(did(&bench.import(&cut).await), (0, 0, 1));
    assert_eq!(bench.lines(place).await, ["Coast District -405466 3966359"]);
    assert_eq!(bench.heads().await, heads);
    bench.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn a_market_that_gets_a_region_takes_its_prices_along() {
    let bench = bench().await;
    let other = Line { market: "Hola", ..NO_REGION };
    bench.import(&text([NO_REGION, other, Line { month: "2010-01", ..NO_REGION }])).await;
    let live = "SELECT concat_ws(' ', split_part(bucket, ':', 1), entity, count(*)) FROM sync_rows
        WHERE NOT deleted AND entity IN (4, 5, 6) GROUP BY bucket, entity ORDER BY bucket, entity";
    assert_eq!(bench.lines(live).await, ["country 4 2", "country 5 2", "country 6 2"]);
    let report = bench.import(&text([Line { month: "2020-02", ..LINE }, other])).await;
    assert_eq!(did(&report), (1, 0, 1));
    let expected = ["country 4 1", "country 5 1", "country 6 1", "region 4 1", "region 5 1", "region 6 2"];
    assert_eq!(bench.lines(live).await, expected);
    bench.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn a_file_that_contradicts_itself_about_a_place_gives_one_answer() {
    let bench = bench().await;
    let file = text([
        Line { month: "2020-01", region: "Coast", ..LINE },
        Line { month: "2020-03", region: "Eastern", ..LINE },
        Line { month: "2020-02", region: "Nairobi", ..LINE },
    ]);
    bench.import(&file).await;
    let region = "SELECT r.name FROM markets m JOIN regions r ON r.id = m.region_id";
    assert_eq!(bench.lines(region).await, ["Eastern"]);
    let heads = bench.heads().await;
    assert_eq!(did(&bench.import_in_chunks(&file, 1).await), (0, 0, 3));
    assert_eq!(bench.heads().await, heads);
}

#[tokio::test]
async fn all_regions_of_a_known_country_are_there_with_their_neighbours() {
    let bench = bench().await;
    bench.import(&text([NO_REGION])).await;
    let neighbours = "SELECT concat_ws(' ', a.country, a.name, string_agg(b.name, ', ' ORDER BY b.name))
        FROM region_neighbours n JOIN regions a ON a.id = n.region_id JOIN regions b ON b.id = n.neighbour_id
        WHERE a.name IN ('Western', 'Nairobi') GROUP BY a.country, a.name ORDER BY 1";
    let expected = ["KEN Nairobi Central, Eastern, Rift Valley", "KEN Western Nyanza, Rift Valley"];
    assert_eq!(bench.lines(neighbours).await, expected);
    assert_eq!(
        bench.number("SELECT count(*) FROM sync_rows WHERE bucket = 'country:KEN' AND entity = 3").await,
        8
    );
    bench.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn suspicion_is_of_the_whole_series_whatever_the_chunks() {
    let prices = [
        ("2020-01", "7000"),
        ("2020-02", "7200"),
        ("2020-03", "1134"),
        ("2020-04", "7200"),
        ("2020-05", "7100"),
        ("2020-06", "90000"),
    ];
    let expected = ["1 1", "2 1", "3 5", "4 1", "5 1", "6 5"];
    let flags = "SELECT concat_ws(' ', month % 12 + 1, flags) FROM prices ORDER BY month";
    for chunk_rows in [1, 2, 4, 100] {
        let bench = bench().await;
        assert_eq!(did(&bench.import_in_chunks(&maize(&prices), chunk_rows).await), (6, 0, 0));
        assert_eq!(bench.lines(flags).await, expected, "{chunk_rows}");
        bench.assert_feed_equals_tables().await;
        // A later month agrees with the jump: it is a new level. Nobody's price has changed.
        let mut later = prices.to_vec();
        later.push(("2020-07", "91000"));
        assert_eq!(did(&bench.import(&maize(&later)).await), (1, 0, 6));
        assert_eq!(bench.lines(flags).await[5..], ["6 1", "7 1"]);
        assert_eq!(bench.number("SELECT count(*) FROM price_revisions").await, 0);
        bench.assert_feed_equals_tables().await;
    }
}

fn month(number: u32) -> String {
    format!("{}-{:02}", 2015 + number / 12, number % 12 + 1)
}

/// One series with a price for each of so many months from 2015-01.
fn months(numbers: std::ops::Range<u32>) -> String {
    let months: Vec<String> = numbers.map(month).collect();
    maize(&months.iter().map(|month| (month.as_str(), "10")).collect::<Vec<_>>())
}

const LIVE_PRICES: &str = "SELECT count(*) FROM sync_rows WHERE entity = 6 AND NOT deleted";
const DELETED_PRICES: &str = "SELECT count(*) FROM sync_rows WHERE entity = 6 AND deleted";

#[tokio::test]
async fn only_the_newest_months_are_in_the_feed_and_older_ones_leave_it() {
    let bench = bench().await;
    // Old months come first in a file; none of them may enter the feed only to leave it.
    assert_eq!(did(&bench.import_in_chunks(&months(0..50), 7).await), (50, 0, 0));
    assert_eq!((bench.number(LIVE_PRICES).await, bench.number(DELETED_PRICES).await), (36, 0));
    bench.assert_feed_equals_tables().await;
    assert_eq!(did(&bench.import_in_chunks(&months(0..60), 7).await), (10, 0, 50));
    assert_eq!((bench.number(LIVE_PRICES).await, bench.number(DELETED_PRICES).await), (36, 10));
    assert_eq!(bench.number("SELECT count(*) FROM prices").await, 60);
    bench.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn an_import_that_broke_off_is_resumed_by_running_it_again() {
    let (whole, broken) = (bench().await, bench().await);
    let months: Vec<String> = (0..60).map(month).collect();
    let markets = ["Mombasa", "Garissa", "Hola"];
    let file = text(months.iter().flat_map(|month| markets.map(|market| Line { month, market, ..LINE })));
    assert_eq!(did(&whole.import(&file).await), (180, 0, 0));
    broken.broken_import(&file, 25, 3).await;
    assert_eq!(broken.number("SELECT count(*) FROM prices").await, 75);
    broken.assert_feed_equals_tables().await;
    assert_eq!(did(&broken.import(&file).await), (105, 0, 75));
    assert_eq!(broken.prices().await, whole.prices().await);
    broken.assert_feed_equals_tables().await;
    assert_eq!(broken.number(LIVE_PRICES).await, 3 * 36);
    let heads = broken.heads().await;
    assert_eq!(did(&broken.import(&file).await), (0, 0, 180));
    assert_eq!(broken.heads().await, heads);
}

#[tokio::test]
async fn what_a_broken_import_announced_and_never_brought_is_put_back() {
    let bench = bench().await;
    bench.broken_import(&months(0..60), 10, 1).await;
    let newest = "SELECT (newest_month - 2015 * 12)::bigint FROM price_series";
    assert_eq!(bench.number(newest).await, 59);
    assert_eq!(bench.number(LIVE_PRICES).await, 0);
    // Not the same file: the one that was announced never comes.
    assert_eq!(did(&bench.import(&months(0..12)).await), (2, 0, 10));
    assert_eq!(bench.number(newest).await, 11);
    assert_eq!(bench.number(LIVE_PRICES).await, 12);
    bench.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn a_line_that_contradicts_an_earlier_one_is_refused_every_time() {
    let bench = bench().await;
    let file = maize(&[("2020-01", "10"), ("2020-02", "11"), ("2020-01", "10"), ("2020-02", "12")]);
    for (chunk_rows, new) in [(100, 2), (1, 0), (100, 0)] {
        let report = bench.import_in_chunks(&file, chunk_rows).await;
        assert_eq!(did(&report), (new, 0, 3 - new), "{chunk_rows}");
        assert_eq!((report.read, report.refused), (4, 1));
        let list = Bench::rejects(&report);
        assert!(list[1].starts_with("5,refused,\"an earlier line has another price"), "{list:?}");
        assert_eq!(bench.series().await, ["2020-1 1000 1", "2020-2 1100 1"]);
    }
    assert_eq!(bench.number("SELECT refused FROM price_imports ORDER BY id DESC LIMIT 1").await, 1);
}

#[tokio::test]
async fn a_line_that_repeats_a_price_with_another_flag_is_no_contradiction() {
    let bench = bench().await;
    let again = Line { flag: "aggregate", ..LINE };
    for new in [1, 0] {
        let report = bench.import(&text([LINE, again])).await;
        assert_eq!((did(&report), report.refused), ((new, 0, 2 - new), 0));
        let list = Bench::rejects(&report);
        let kept = "3,kept,an earlier line has the same price with another flag (actual)";
        assert!(list[1].starts_with(kept), "{list:?}");
        assert_eq!(bench.series().await, ["2020-1 1613 1"]);
    }
}

#[tokio::test]
async fn real_forms_of_files_are_taken_whole() {
    let bench = bench().await;
    bench.clock.set_wall_s("2026-11-20T12:00:00Z".parse::<jiff::Timestamp>().unwrap().as_second());
    let rows = |rows: &[&str]| format!("{HEADER}\n{}\n", rows.join("\n"));
    let zimbabwe = rows(&[
        "2024-06-15,Harare,Harare,Mbare,-17.86,31.03,cereals and tubers,Maize,KG,actual,Retail,ZiG,8.5,0.6",
        "2024-7-15,Harare,Harare,Mbare,-17.86,31.03,cereals and tubers,Maize,KG,actual,Retail,ZWG,8.7,0.6",
    ]);
    let mozambique = rows(&[
        "2026-09-15,Gaza,Gaza,Chókwè,-24.53,33.01,cereals and tubers,Maize (white),KG,actual,Retail,MZN,30,1",
        "2026/10/15,Gaza,Gaza,Chókwè,-24.53,33.01,cereals and tubers,Maize (white),KG,actual,Retail,MZN,31,1",
        "2026-10-15,Gaza,Gaza,Manjacaze,-24.71,33.88,cereals and tubers,Maize (white),KG,actual,Retail,MZN,33,1",
        "2026-10-15,Tete,Tete,Angónia,-14.71,34.37,cereals and tubers,Maize (white),KG,actual,Retail,MZN,25,1",
    ]);
    let nigeria = rows(&[
        "2026-09-15,North,North,Cap-Haitien,19.76,-72.20,pulses,Beans (black),Marmite,actual,Retail,NGN,1300,1",
        "2026-10-15,North,North,Cap-Haitien,19.76,-72.20,pulses,Beans (black),Marmite,actual,Retail,NGN,1051.90,1",
        "2026-07-15,North,North,Cap-Haitien,19.76,-72.20,pulses,Beans (black),KG,actual,Retail,NGN,400,1",
        "2026-10-15,North-East,North-East,Ouanaminthe,19.55,-71.72,pulses,Beans (black),Marmite,actual,Retail,NGN,1287.50,1",
    ]);
    let kenya = rows(&[
        "2026-09-15,Nairobi,Nairobi,Nairobi,-1.28,36.81,cereals,Maize,KG,actual,Wholesale,KES,40,1",
        "2026-10-15,Nairobi,Nairobi,Nairobi,-1.28,36.81,cereals,Maize,KG,actual,Wholesale,KES,42,1",
        "2026-09-15,Nairobi,Nairobi,Nairobi,-1.28,36.81,cereals,Maize (white),90 KG,actual,Wholesale,KES,2700,1",
        "2026-10-15,Nairobi,Nairobi,Nairobi,-1.28,36.81,cereals,Maize (white),90 KG,actual,Wholesale,KES,2783.25,1",
        "2026-09-15,Nairobi,Nairobi,Nairobi,-1.28,36.81,cereals,Rice,KG,actual,Retail,KES,150,1",
        "2026-10-15,Nairobi,Nairobi,Nairobi,-1.28,36.81,cereals,Rice,KG,actual,Retail,KES,155,1",
    ]);
    for (iso3, text, rows) in
        [("zwe", &zimbabwe, 2), ("moz", &mozambique, 4), ("nga", &nigeria, 4), ("ken", &kenya, 6)]
    {
        let path = bench.folder.path().join(format!("wfp_food_prices_{iso3}.csv"));
        std::fs::write(&path, text).unwrap();
        let report = bench.try_import(&path, bench.options()).await.unwrap();
        assert_eq!((report.read, report.accepted, report.new), (rows, rows, rows), "{iso3}: {report:?}");
    }
    let zig = "SELECT concat_ws(' ', s.currency, p.price_minor) FROM prices p
        JOIN price_series s ON s.id = p.series_id WHERE s.currency = 'ZWG' ORDER BY p.month";
    assert_eq!(bench.lines(zig).await, ["ZWG 850", "ZWG 870"]);
    // Whole: names as they are written, each measure by itself, prices to the last digit.
    let newest = "SELECT concat_ws(' ', m.name, c.name, u.code, s.currency, p.price_minor, count(*) OVER (PARTITION BY s.id))
        FROM prices p JOIN price_series s ON s.id = p.series_id JOIN markets m ON m.id = s.market_id
        JOIN commodities c ON c.id = s.commodity_id JOIN units u ON u.id = s.unit_id
        WHERE m.country <> 'ZWE' ORDER BY p.month DESC, p.price_minor";
    let newest = bench.lines(newest).await;
    for row in [
        "Angónia Maize (white) KG MZN 2500 1",
        "Chókwè Maize (white) KG MZN 3100 2",
        "Manjacaze Maize (white) KG MZN 3300 1",
        "Cap-Haitien Beans (black) Marmite NGN 105190 2",
        "Cap-Haitien Beans (black) KG NGN 40000 1",
        "Ouanaminthe Beans (black) Marmite NGN 128750 1",
        "Nairobi Maize KG KES 4200 2",
        "Nairobi Maize (white) 90 KG KES 278325 2",
        "Nairobi Rice KG KES 15500 2",
    ] {
        assert!(newest.iter().any(|found| found == row), "no {row} in {newest:#?}");
    }
}

#[tokio::test]
async fn a_file_whose_numbers_have_separators_is_refused_whole() {
    let bench = bench().await;
    for price in ["\"2,450.00\"", "\"45,50\"", "2 450", "1.234.567"] {
        let second = LINE.to_string().replace("2020-01", "2020-02").replace("16.13", price);
        let file = bench.file(&format!("{HEADER}\n{LINE}\n{second}\n"));
        let error = bench.try_import(&file, bench.options()).await.unwrap_err();
        let told = matches!(&error, ImportError::File(FileError::SeparatedNumbers { line: 3, .. }));
        assert!(told, "{price}: {error}");
    }
    assert_eq!(bench.number("SELECT count(*) FROM prices").await, 0);
}

#[tokio::test]
async fn a_month_that_has_not_begun_is_refused() {
    let bench = bench().await;
    let file = maize(&[("2026-05", "10"), ("2026-06", "11")]);
    let report = bench.import(&file).await;
    assert_eq!((report.accepted, report.refused), (1, 1));
    bench.clock.advance(Duration::from_secs(12 * 24 * 3600));
    assert_eq!(did(&bench.import(&file).await), (1, 0, 1));
}

#[tokio::test]
async fn two_imports_at_once_store_everything_once() {
    let bench = bench().await;
    let file = bench.file(&months(0..60));
    let (one, other) = tokio::join!(
        bench.try_import(&file, ImportOptions::default()),
        bench.try_import(&file, ImportOptions::default())
    );
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!((one.new + other.new, one.unchanged + other.unchanged), (60, 60));
    assert_eq!(bench.number("SELECT count(*) FROM prices").await, 60);
    bench.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn a_file_that_cannot_be_read_changes_nothing() {
    let bench = bench().await;
    let nameless = bench.folder.path().join("prices.csv");
    std::fs::write(&nameless, text([LINE])).unwrap();
    let error = bench.try_import(&nameless, bench.options()).await.unwrap_err();
    assert!(matches!(error, ImportError::File(FileError::NoCountry { .. })), "{error}");
    let missing = bench.folder.path().join("wfp_food_prices_uga.csv");
    let error = bench.try_import(&missing, bench.options()).await.unwrap_err();
    assert!(matches!(error, ImportError::File(FileError::Open(_))), "{error}");
    // What is not there is not told that its name is wrong.
    let nothing = bench.folder.path().join("nofile.csv");
    let error = bench.try_import(&nothing, bench.options()).await.unwrap_err();
    assert!(matches!(error, ImportError::File(FileError::Open(_))), "{error}");
    let error = bench.try_import(bench.folder.path(), bench.options()).await.unwrap_err();
    assert!(matches!(error, ImportError::File(FileError::Folder)), "{error}");
    let ambiguous = bench.file(&text([LINE]).replace("2020-01-15", "1/2/2020"));
    let error = bench.try_import(&ambiguous, bench.options()).await.unwrap_err();
    assert!(matches!(error, ImportError::File(FileError::AmbiguousDates { .. })), "{error}");
    assert_eq!(bench.number("SELECT count(*) FROM price_imports").await, 0);
}

#[tokio::test]
async fn a_file_that_changes_between_its_readings_is_named() {
    let bench = bench().await;
    let mut import = bench.begin(&maize(&[("2020-01", "10"), ("2020-02", "11")])).await;
    bench.file(&maize(&[("2020-01", "10")]));
    let mut reading = import.chunks(10);
    import.take(&reading.recv().await.unwrap().unwrap()).await.unwrap();
    let error = reading.recv().await.unwrap().err().unwrap();
    assert!(matches!(error, ImportError::FileChanged), "{error}");
}

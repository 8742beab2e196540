//! The importer's rules as tests: every trap of the format.

mod anything;
mod real_files;

use sync_protocol::country::Country;
use sync_protocol::limits::PRICE_MAX_MINOR;
use sync_protocol::market::{PriceFlags, UnitBase};
use sync_protocol::units::Month;

use super::rejects::RejectsWriter;
use super::*;

const HEADER_14: &str = "date,admin1,admin2,market,latitude,longitude,category,commodity,unit,priceflag,pricetype,currency,price,usdprice";
const HXL: &str = "#date,#adm1+name,#adm2+name,#loc+market+name,#geo+lat,#geo+lon,#item+type,#item+name,#item+unit,#item+price+flag,#item+price+type,#currency,#value,#value+usd";
const ROW: &str = "2006-01-15,Coast,Mombasa,Mombasa,-4.05,39.67,cereals and tubers,Maize,KG,actual,Wholesale,KES,16.13,0.22";

fn kenya() -> &'static Country {
    Country::by_iso3("KEN").unwrap()
}

fn open(text: &[u8]) -> Result<PriceReader<&[u8]>, FileError> {
    PriceReader::open(kenya(), || Ok(text))
}

fn rows(text: impl AsRef<[u8]>) -> Vec<DataRow> {
    open(text.as_ref()).unwrap().collect::<Result<_, _>>().unwrap()
}

fn file_error(text: impl AsRef<[u8]>) -> FileError {
    open(text.as_ref()).err().expect("the file should be refused")
}

fn price(data: &DataRow) -> &PriceRow {
    match &data.row {
        Row::Price(price) => price,
        other => panic!("line {}: {other:?}", data.line),
    }
}

fn only_price(text: impl AsRef<[u8]>) -> PriceRow {
    let rows = rows(text);
    assert_eq!(rows.len(), 1, "{rows:?}");
    price(&rows[0]).clone()
}

/// `ROW` with one field replaced.
fn row_with(column: &str, value: &str) -> String {
    let place = HEADER_14.split(',').position(|name| name == column).unwrap();
    let mut fields: Vec<&str> = ROW.split(',').collect();
    fields[place] = value;
    fields.join(",")
}

fn refusal(column: &str, value: &str) -> &'static str {
    let rows = rows(format!("{HEADER_14}\n{}\n", row_with(column, value)));
    match &rows[0].row {
        Row::Refused(reject) => reject.reason.code(),
        other => panic!("{column}={value}: {other:?}"),
    }
}

#[test]
fn both_formats_give_the_same_row_wherever_the_columns_stand() {
    let plain = only_price(format!("{HEADER_14}\n{ROW}\n"));
    assert_eq!(plain, only_price(format!("{HEADER_14}\n{HXL}\n{ROW}\n")));
    let mut with_ids = plain.clone();
    (with_ids.wfp_market_id, with_ids.wfp_commodity_id) = (Some(191), None);
    let reordered = " Price ,note,commodity_id,currency,priceTYPE,priceflag,unit,commodity,category,longitude,latitude,market_id,market,admin2,admin1,date\n\
        16.13,=1+1,,kes,wholesale,Actual,KG,Maize,cereals and tubers,39.67,-4.05,191, Mombasa ,Mombasa,Coast,2006-01-15\n";
    assert_eq!(with_ids, only_price(reordered));
}

#[test]
fn line_ends_byte_order_mark_and_blank_rows_do_no_harm() {
    let expected = only_price(format!("{HEADER_14}\n{ROW}\n"));
    for end in ["\n", "\r\n", "\r"] {
        for bom in ["", "\u{feff}"] {
            for last in ["", end] {
                let text =
                    format!("{bom}{HEADER_14}{end}{HXL}{end}{end}{ROW}{end},,,,,,,,,,,,,{end}  {last}");
                let found = rows(&text);
                assert_eq!(found.len(), 1, "{text:?}");
                assert_eq!((found[0].line, price(&found[0])), (4, &expected), "{text:?}");
            }
        }
    }
}

#[test]
fn tags_are_passed_over_only_under_the_header() {
    let found = rows(format!("{HEADER_14}\n{ROW}\n{HXL}\n"));
    assert!(matches!(&found[1].row, Row::Refused(reject) if reject.reason.code() == "unknown_date"));
    // A spreadsheet that numbered the rows has put something before the first tag.
    let numbered = only_price(format!("n,{HEADER_14}\n0,{HXL}\n1,{ROW}\n"));
    assert_eq!(numbered.market, "Mombasa");
}

#[test]
fn quoted_commas_quotes_and_accents_stay_in_their_field() {
    let row = ROW
        .replace("Maize", "\"Fuel (kerosene, \"\"paraffin\"\")\"")
        .replace("actual", "\"actual,aggregate\"");
    let found = only_price(format!("{HEADER_14}\n{}\n", row.replace("Coast", "Côte")));
    assert_eq!(found.commodity, "Fuel (kerosene, \"paraffin\")");
    assert_eq!(found.admin1.as_deref(), Some("Côte"));
    assert_eq!(found.flags, PriceFlags::ACTUAL.with(PriceFlags::AGGREGATE));
}

#[test]
fn a_forgotten_quotation_mark_spoils_one_row() {
    let broken = ROW.replace("Maize", "\"Maize");
    let mixed = ROW.replace("Coast", "Co\"ast").replace("Maize", "\"Maize");
    let found = rows(format!("{HEADER_14}\n{broken}\n{ROW}\n{mixed}\n{ROW}"));
    let codes: Vec<_> = found
        .iter()
        .map(|data| match &data.row {
            Row::Refused(reject) => reject.reason.code(),
            Row::Price(_) => "price",
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(codes, ["open_quote", "price", "open_quote", "price"]);
}

#[test]
fn lines_that_cannot_be_split_are_refused_and_the_rest_is_read() {
    let mut text = format!("{HEADER_14}\n").into_bytes();
    text.extend(ROW.replace("Coast", "C?te").bytes().map(|byte| if byte == b'?' { 0xf4 } else { byte }));
    text.extend(format!("\n{ROW},extra\nshort,row\n{}\n{ROW}\n", "x".repeat(LINE_MAX_BYTES + 1)).bytes());
    let found = rows(&text);
    let refused: Vec<_> = found
        .iter()
        .filter_map(
            |data| if let Row::Refused(reject) = &data.row { Some((data.line, reject)) } else { None },
        )
        .collect();
    let codes: Vec<_> = refused.iter().map(|(line, reject)| (*line, reject.reason.code())).collect();
    assert_eq!(codes, [(2, "not_utf8"), (3, "field_count"), (4, "field_count"), (5, "line_too_long")]);
    assert_eq!(refused[0].1.raw[1], "C\u{fffd}te");
    assert_eq!(refused[1].1.reason, Reason::FieldCount { found: 15, expected: 14 });
    assert_eq!((found.len(), found[4].line), (5, 6));
    price(&found[4]);
}

#[test]
fn malformed_values_are_refused_by_name() {
    for (column, value, code) in [
        ("price", "-5", "negative_price"),
        ("price", "-99999999999999999999", "negative_price"),
        ("price", "0", "zero_price"),
        ("price", "0.00", "zero_price"),
        ("price", "0.004", "zero_price"),
        ("price", "", "blank"),
        ("price", "abc", "not_a_number"),
        ("price", "1e30", "not_a_number"),
        ("price", "NaN", "not_a_number"),
        ("price", "1 000", "separated_number"),
        ("price", "\"1,000\"", "separated_number"),
        ("price", "\"2,450.00\"", "separated_number"),
        ("price", "\"45,50\"", "separated_number"),
        ("price", "1.234.567", "separated_number"),
        ("latitude", "\"-4,05\"", "separated_number"),
        ("price", "10000000000.01", "price_too_large"),
        ("price", "99999999999999999999999", "price_too_large"),
        ("date", "", "blank"),
        ("date", "yesterday", "unknown_date"),
        ("date", "2006-02-30", "unknown_date"),
        ("date", "1/15/2006", "ambiguous?"),
        ("date", "1066-10-15", "date_out_of_range"),
        ("date", "2101-01-15", "date_out_of_range"),
        ("commodity", "", "blank"),
        ("commodity", "  ", "blank"),
        ("market", "", "blank"),
        ("unit", "", "blank"),
        ("category", "", "blank"),
        ("pricetype", "", "blank"),
        ("currency", "", "blank"),
        ("priceflag", "", "blank"),
        ("priceflag", "guessed", "unknown_flag"),
        ("priceflag", "\"actual,\"", "unknown_flag"),
        ("priceflag", "forecast", "forecast_price"),
        ("market", "Mom\u{7}basa", "control_character"),
        ("latitude", "", "half_coordinates"),
        ("latitude", "north", "not_a_number"),
        ("latitude", "91", "coordinate_out_of_range"),
        ("longitude", "-180.1", "coordinate_out_of_range"),
        ("longitude", "99999999999999999999", "coordinate_out_of_range"),
    ] {
        if code == "ambiguous?" {
            // Alone in a file, this one is month first: 15 is no month. After a year-first date it is a stranger.
            let found = rows(format!("{HEADER_14}\n{ROW}\n{}\n", row_with(column, value)));
            assert!(matches!(&found[1].row, Row::Refused(reject) if reject.reason.code() == "unknown_date"));
        } else {
            assert_eq!(refusal(column, value), code, "{column}={value}");
        }
    }
    assert_eq!(refusal("market", &"x".repeat(TEXT_MAX_CHARS + 1)), "text_too_long");
    let largest = only_price(format!("{HEADER_14}\n{}", row_with("price", "10000000000")));
    assert_eq!(largest.price_minor, PRICE_MAX_MINOR);
}

#[test]
fn numbers_of_markets_and_commodities_must_be_numbers() {
    for (ids, code) in [("x,1", "not_a_number"), ("1,-1", "not_a_number"), ("1,4294967296", "not_a_number")] {
        let found = rows(format!("{HEADER_14},market_id,commodity_id\n{ROW},{ids}\n"));
        assert!(matches!(&found[0].row, Row::Refused(reject) if reject.reason.code() == code), "{ids}");
    }
}

#[test]
fn forecasts_are_skipped_before_their_currency_is_looked_at() {
    let forecast = ROW.replace("actual", "forecast").replace("16.13", "0.0").replace("KES", "SOS");
    let foreign = ROW.replace("KES", "SOS");
    let found = rows(format!("{HEADER_14}\n{forecast}\n{foreign}\n"));
    assert_eq!(found[0].row, Row::Forecast);
    assert!(matches!(&found[1].row, Row::Quarantined(reject)
        if reject.reason.to_string() == "the currency is SOS, not the country's KES"));
}

#[test]
fn prices_finer_than_the_currency_are_rounded_half_up() {
    let uganda = Country::by_iso3("UGA").unwrap();
    let text = format!("{HEADER_14}\n{}\n", ROW.replace("KES", "UGX").replace("16.13", "1056.5"));
    let row = PriceReader::open(uganda, || Ok(text.as_bytes())).unwrap().next().unwrap().unwrap();
    assert_eq!(price(&row).price_minor, 1057);
}

#[test]
fn rows_of_another_country_in_a_worldwide_file_are_refused() {
    let found = rows(format!("countryiso3,{HEADER_14}\nKEN,{ROW}\nUGA,{ROW}\n"));
    price(&found[0]);
    assert!(matches!(&found[1].row, Row::Refused(reject) if reject.reason.code() == "other_country"));
}

#[test]
fn a_nearer_bound_refuses_what_lies_in_the_future() {
    let text = format!("{HEADER_14}\n{ROW}\n{}\n", row_with("date", "2006-02-15"));
    let reader = open(text.as_bytes()).unwrap().newest(Month::new(2006, 1).unwrap());
    let found: Vec<DataRow> = reader.collect::<Result<_, _>>().unwrap();
    price(&found[0]);
    assert!(matches!(&found[1].row, Row::Refused(reject) if reject.reason.code() == "date_out_of_range"));
}

/// A file with one row for each date.
fn dated(dates: &[&str]) -> String {
    let rows: Vec<String> = dates.iter().map(|date| row_with("date", date)).collect();
    format!("{HEADER_14}\n{}\n", rows.join("\n"))
}

#[test]
fn slash_dates_are_taken_only_when_the_whole_file_proves_month_first() {
    let months = |dates: &[&str]| -> Vec<String> {
        rows(dated(dates)).iter().map(|data| price(data).month.to_string()).collect()
    };
    assert_eq!(months(&["1/15/2006", "12/15/2006"]), ["2006-01", "2006-12"]);
    // The proof may stand in the last row, and year-first dates may stand between.
    assert_eq!(months(&["2/3/2006", "2007-04-15", "2/13/2006"]), ["2006-02", "2007-04", "2006-02"]);
    assert!(matches!(file_error(dated(&["1/2/2006", "13/2/2006"])), FileError::DayFirstDates { line: 3 }));
    assert!(matches!(
        file_error(dated(&["1/15/2006", "15/1/2006"])),
        FileError::MixedDates { month_first_line: 2, day_first_line: 3 }
    ));
    assert!(matches!(file_error(dated(&["1/2/2006", "2/3/2006"])), FileError::AmbiguousDates { line: 2 }));
    for dates in [&["13/2/2006"][..], &["1/2/2006"], &["1/15/2006", "15/1/2006"]] {
        assert!(file_error(dated(dates)).to_string().contains("YYYY-MM-DD"));
    }
}

#[test]
fn a_file_that_is_no_price_file_is_refused_by_name() {
    for (text, code) in [
        (&b""[..], "empty_file"),
        (b"\n\r\n \n", "empty_file"),
        (b"\xef\xbb\xbf", "empty_file"),
        (b"PK\x03\x04\x14\x00\x06\x00", "not_csv"),
        (b"\xff\xfed\x00a\x00t\x00e\x00", "not_csv"),
        (b"d\x00a\x00t\x00e\x00,\x00", "not_csv"),
        (b"\"date,admin1", "not_csv"),
        (b"date;admin1;admin2;market\n", "not_comma_separated"),
        (b"date\tadmin1\tadmin2\n", "not_comma_separated"),
        (b"<html>\n", "missing_columns"),
    ] {
        assert_eq!(file_error(text).code(), code, "{text:?}");
    }
    assert_eq!(file_error("x,".repeat(LINE_MAX_BYTES)).code(), "not_csv");
    let repeated = file_error(format!("{HEADER_14},Price\n"));
    assert_eq!(repeated.to_string(), "the header has the column price twice: remove one of them");
}

#[test]
fn missing_columns_are_named() {
    for column in HEADER_14.split(',').filter(|column| *column != "usdprice") {
        let names = HEADER_14.split(',').map(|name| if name == column { "other" } else { name });
        let error = file_error(names.collect::<Vec<_>>().join(",")).to_string();
        assert!(error.starts_with(&format!("the header lacks the column {column}:")), "{error}");
    }
    let error =
        file_error("date,admin1,admin2,market,latitude,longitude,category,commodity,unit").to_string();
    assert!(error.contains("lacks the columns priceflag, pricetype, currency, price:"), "{error}");
    // The dollar price is never read, so nothing misses it.
    assert_eq!(rows(HEADER_14.replace(",usdprice", "")).len(), 0);
}

#[test]
fn the_file_name_says_the_country() {
    let iso3 = |name: &str| country_from_file_name(name.as_ref()).map(|country| country.iso3);
    for name in
        ["wfp_food_prices_mwi.csv", "some/where/WFP_FOOD_PRICES_MWI.CSV", "wfp_food_prices_mwi (1).csv"]
    {
        assert_eq!(iso3(name).unwrap(), "MWI", "{name}");
    }
    for name in
        ["prices.csv", "wfp_food_prices_.csv", "wfp_food_prices_global_2026.csv", "wfp_food_prices_é.csv", ""]
    {
        assert_eq!(iso3(name).unwrap_err().code(), "no_country", "{name}");
    }
    let error = iso3("wfp_food_prices_hti.csv").unwrap_err();
    assert!(error.to_string().contains("\"HTI\" is not known"), "{error}");
}

#[test]
fn a_source_that_fails_is_reported_once_with_its_line() {
    struct Fails;
    impl std::io::Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the stick was pulled"))
        }
    }
    let text = format!("{HEADER_14}\n{ROW}\n");
    let mut calls = 0;
    let reader = PriceReader::open(kenya(), || {
        calls += 1;
        let after: Box<dyn std::io::Read> =
            if calls == 1 { Box::new(std::io::empty()) } else { Box::new(Fails) };
        Ok(std::io::Read::chain(text.as_bytes(), after))
    });
    let items: Vec<_> = reader.unwrap().collect();
    assert_eq!(items.len(), 2);
    assert!(matches!(&items[1], Err(FileError::Read { line: 2, .. })));
    let closed = PriceReader::<&[u8]>::open(kenya(), || Err(std::io::Error::other("gone")));
    assert!(matches!(closed, Err(FileError::Open(_))));
    let missing = PriceReader::open_path("no/such/wfp_food_prices_ken.csv".as_ref(), None);
    assert!(matches!(missing, Err(FileError::Open(_))));
}

#[test]
fn rejects_are_listed_with_line_reason_and_the_row_as_it_stood() {
    let quoted = ROW.replace("Maize", "\"Rice (imported, Pakistan)\"").replace("16.13", "-1");
    let text = format!("{HEADER_14}\n{ROW}\n{quoted}\n{}\n", ROW.replace("KES", "SOS"));
    let reader = open(text.as_bytes()).unwrap();
    let mut rejects = RejectsWriter::new(Vec::new(), reader.header());
    for data in reader {
        rejects.add(&data.unwrap()).unwrap();
    }
    assert_eq!(rejects.rows(), 2);
    let list = String::from_utf8(rejects.finish().unwrap()).unwrap();
    let expected = format!(
        "line,outcome,reason,{HEADER_14}\n3,refused,the price is negative,{quoted}\n\
         4,quarantined,\"the currency is SOS, not the country's KES\",{}\n",
        ROW.replace("KES", "SOS")
    );
    assert_eq!(list, expected);
}

#[test]
fn a_file_without_rejects_leaves_an_empty_list() {
    let text = format!("{HEADER_14}\n{ROW}\n");
    let reader = open(text.as_bytes()).unwrap();
    let mut rejects = RejectsWriter::new(Vec::new(), reader.header());
    reader.for_each(|data| rejects.add(&data.unwrap()).unwrap());
    assert_eq!(rejects.finish().unwrap(), b"");
}

//! Any bytes, and good files with bytes changed: nothing panics, and what is counted adds up.

use super::super::rejects::RejectsWriter;
use super::*;
use proptest::prelude::*;

/// Reads whatever it is to the end and checks what must hold for any file.
fn read_anything(text: &[u8]) {
    let Ok(reader) = open(text) else { return };
    let mut counts = Counts::default();
    let mut rejects = RejectsWriter::new(Vec::new(), reader.header());
    let mut last_line = 1;
    for data in reader {
        let data = data.unwrap();
        assert!(data.line > last_line);
        last_line = data.line;
        counts.add(&data.row);
        rejects.add(&data).unwrap();
        if let Row::Price(price) = &data.row {
            assert!((1..=PRICE_MAX_MINOR).contains(&price.price_minor));
            assert!(!price.commodity.trim().is_empty() && price.commodity.chars().count() <= TEXT_MAX_CHARS);
            assert!((YEAR_MIN..=YEAR_MAX).contains(&price.month.year()));
            assert_ne!(price.flags, PriceFlags::default());
        }
    }
    assert_eq!(counts.read, counts.accepted + counts.forecast_skipped + counts.quarantined + counts.refused);
    assert_eq!(rejects.rows(), counts.quarantined + counts.refused);
    rejects.finish().unwrap();
}

proptest! {
    #[test]
    fn any_bytes_never_panic(text in proptest::collection::vec(any::<u8>(), 0..2_000)) {
        read_anything(&text);
    }

    #[test]
    fn any_bytes_under_a_header_never_panic(
        text in proptest::collection::vec(prop_oneof![any::<u8>(), Just(b','), Just(b'"'), Just(b'\n'), Just(b'\r')], 0..2_000),
    ) {
        read_anything(&[HEADER_14.as_bytes(), b"\n", &text].concat());
    }

    #[test]
    fn a_good_file_with_bytes_changed_never_panics(
        changes in proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..20),
        cut in any::<prop::sample::Index>(),
    ) {
        let mut text = format!("{HEADER_14}\r\n{HXL}\r\n{ROW}\r\n{}\r\n", row_with("date", "1/15/2006")).into_bytes();
        for (place, byte) in changes {
            let place = place.index(text.len());
            text[place] = byte;
        }
        text.truncate(cut.index(text.len() + 1));
        read_anything(&text);
    }

    #[test]
    fn fields_are_those_that_any_csv_reader_finds(
        fields in proptest::collection::vec("[a-z ,\"#é]{0,12}", 14..=14),
    ) {
        let mut writer = csv::Writer::from_writer(format!("{HEADER_14}\n{ROW}\n").into_bytes());
        writer.write_record(&fields).unwrap();
        let text = writer.into_inner().unwrap();
        let found = rows(&text);
        if fields.iter().all(|field| field.trim().is_empty()) {
            prop_assert_eq!(found.len(), 1);
        } else {
            let Row::Refused(reject) = &found[1].row else { panic!("{found:?}") };
            prop_assert_eq!(&reject.raw, &fields);
        }
    }
}

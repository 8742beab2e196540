//! Frames of rows come back as they went, and what is none is refused by name.

use super::super::column::{write_ints, write_strings};
use super::block::write_bits;
use super::*;
use crate::bucket::CountryCode;
use crate::ids::RegionId;
use crate::limits::FRAME_ROWS_MAX;
use crate::row::Key;
use crate::value::{Fields, Value};
use proptest::prelude::*;
use uuid::Uuid;

/// Sets a field to any value.
fn setting() -> impl Strategy<Value = (u16, u8, i64, String)> {
    (0u16..9, 0u8..4, any::<i64>(), "[a-z]{0,6}")
}

fn key() -> impl Strategy<Value = Key> {
    prop_oneof![
        any::<u32>().prop_map(Key::Int),
        any::<(u32, u32)>().prop_map(|(a, b)| Key::Pair(a, b)),
        any::<u128>().prop_map(|n| Key::Uuid(Uuid::from_u128(n))),
        any::<(u128, u32)>().prop_map(|(n, step)| Key::Step(Uuid::from_u128(n), step)),
    ]
}

fn body() -> impl Strategy<Value = Option<Fields>> {
    prop::option::of(prop::collection::vec(setting(), 0..6).prop_map(|list| {
        let mut fields = Fields::new();
        for (number, kind, int, text) in &list {
            let value = match kind {
                0 => Value::Int(*int),
                1 => Value::Text(text),
                2 => Value::Bytes(text.as_bytes()),
                _ => Value::Uuid(Uuid::from_u64_pair(*int as u64, 7)),
            };
            fields.set(*number, value);
        }
        fields
    }))
}

proptest! {
    #[test]
    fn frames_come_back(list in prop::collection::vec((0u16..4, key(), body()), 0..40), after in 0u64..1 << 40) {
        let rows: Vec<Row> = (1..).zip(list).map(|(n, (entity, key, body))| Row { entity, key, version: after + n, body }).collect();
        let upto = after + rows.len() as u64 + 3;
        let frame = Rows { bucket: Bucket::Region(RegionId(7)), reach: Reach::Delta, after, upto, rows };
        prop_assert_eq!(decode(&encode(&frame)), Ok(frame));
    }

    #[test]
    fn any_bytes_decode_to_a_frame_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..256)) {
        let _ = decode(&bytes);
    }

    #[test]
    fn a_damaged_frame_never_panics(at in 0usize..200, to in any::<u8>()) {
        let fields = { let mut f = Fields::new(); f.set(1, Value::Int(5)); f.set(2, Value::Text("x")); f };
        let rows = (1..30).map(|n| Row { entity: 6, key: Key::Pair(1, n), version: u64::from(n), body: Some(fields.clone()) }).collect();
        let bucket = Bucket::Country(CountryCode::new("KEN").unwrap());
        let mut bytes = encode(&Rows { bucket, reach: Reach::Snapshot { head: 30 }, after: 0, upto: 30, rows });
        let at = at % bytes.len();
        bytes[at] = to;
        let _ = decode(&bytes);
    }
}

/// A frame of one block of so many rows, as far as the rows' number.
fn begun(out: &mut Writer, blocks: u64, rows: u64) {
    write_bucket(out, Bucket::Global);
    out.byte(0);
    out.varint(0);
    out.varint(u64::from(u32::MAX));
    out.varint(blocks);
    block(out, rows);
}

fn block(out: &mut Writer, rows: u64) {
    out.varint(6);
    out.byte(1);
    out.varint(rows);
}

/// Keys, versions and flags of so many rows that are all alike.
fn alike(out: &mut Writer, rows: usize) {
    write_ints(out, &vec![1; rows]);
    write_ints(out, &vec![1; rows]);
    write_bits(out, &vec![false; rows]);
}

fn is_too_large(out: Writer, which: &str) {
    let got = decode(&out.into_bytes()).map(|frame| frame.rows.len());
    assert!(matches!(got, Err(WireError::TooLarge { what, .. }) if what == which), "{which}: {got:?}");
}

#[test]
fn a_huge_constant_block_is_refused_before_memory_is_taken() {
    let mut out = Writer::default();
    begun(&mut out, 1, u64::from(u32::MAX));
    is_too_large(out, "row count");
}

#[test]
fn blocks_do_not_count_past_the_end_of_numbers() {
    let mut out = Writer::default();
    begun(&mut out, 2, 1);
    alike(&mut out, 1);
    out.varint(0);
    block(&mut out, u64::MAX);
    is_too_large(out, "row count");
}

#[test]
fn a_long_text_in_every_row_is_refused_before_it_is_copied() {
    let long = vec![b'x'; 4_000_000];
    for rows in [17, FRAME_ROWS_MAX] {
        for kind in [1, 2] {
            let mut out = Writer::default();
            begun(&mut out, 1, rows as u64);
            alike(&mut out, rows);
            out.varint(1);
            out.varint(3 << 2 | kind);
            write_bits(&mut out, &vec![false; rows]);
            // All the same.
            out.byte(0);
            out.bytes(&long);
            is_too_large(out, "unfolded frame");
        }
    }
}

#[test]
fn a_row_with_two_values_of_one_field_is_refused() {
    let frame = |absent: [[bool; 2]; 2]| {
        let mut out = Writer::default();
        begun(&mut out, 1, 2);
        write_ints(&mut out, &[1, 2]);
        write_ints(&mut out, &[1, 2]);
        write_bits(&mut out, &[false; 2]);
        out.varint(2);
        for (kind, absent) in (0..).zip(absent) {
            out.varint(3 << 2 | kind);
            write_bits(&mut out, &absent);
            let present = absent.iter().filter(|absent| !**absent).count();
            match kind {
                0 => write_ints(&mut out, &vec![5; present]),
                _ => write_strings(&mut out, &vec![b"five".as_slice(); present]),
            }
        }
        decode(&out.into_bytes())
    };
    let apart = frame([[false, true], [true, false]]).unwrap();
    let of = |row: &Row| row.body.as_ref().unwrap().get(3).map(|value| value.type_code());
    assert_eq!(apart.rows.iter().map(of).collect::<Vec<_>>(), [Some(0), Some(1)]);
    assert_eq!(frame([[false, true], [false, false]]), Err(WireError::Malformed("two values of one field")));
}

#[test]
fn columns_that_are_only_stated_take_no_memory() {
    let mut out = Writer::default();
    begun(&mut out, 1, FRAME_ROWS_MAX as u64);
    alike(&mut out, FRAME_ROWS_MAX);
    out.varint(64);
    is_too_large(out, "value count");
}

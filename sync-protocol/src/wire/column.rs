//! Columns: the values of one field over many rows, written the shortest of a few ways. All modes are exact.

use crate::bytes::{Reader, WireError, Writer, unzigzag, zigzag};
use std::collections::HashMap;
use uuid::Uuid;

const CONSTANT: u8 = 0;
const PLAIN: u8 = 1;
const DELTA: u8 = 2;
const EVEN_STEPS: u8 = 3;
const FIXED: u8 = 4;
const DICTIONARY: u8 = 5;

fn varint_len(n: u64) -> usize {
    (64 - (n | 1).leading_zeros() as usize).div_ceil(7)
}

/// Writes whole numbers. Modes: one value for all; each by itself; differences; a first value and one step; eight bytes each.
pub fn write_ints(out: &mut Writer, values: &[i64]) {
    let Some((&first, rest)) = values.split_first() else { return };
    let steps = || values.windows(2).map(|w| w[1].wrapping_sub(w[0]));
    if rest.iter().all(|v| *v == first) {
        out.byte(CONSTANT);
        out.zigzag(first);
        return;
    }
    let step = rest[0].wrapping_sub(first);
    if steps().all(|s| s == step) {
        out.byte(EVEN_STEPS);
        out.zigzag(first);
        out.zigzag(step);
        return;
    }
    let plain: usize = values.iter().map(|v| varint_len(zigzag(*v))).sum();
    let delta: usize = varint_len(zigzag(first)) + steps().map(|s| varint_len(zigzag(s))).sum::<usize>();
    if values.len() * 8 < plain.min(delta) {
        out.byte(FIXED);
        values.iter().for_each(|v| out.raw(&v.to_le_bytes()));
    } else if delta < plain {
        out.byte(DELTA);
        out.zigzag(first);
        steps().for_each(|s| out.zigzag(s));
    } else {
        out.byte(PLAIN);
        values.iter().for_each(|v| out.zigzag(*v));
    }
}

/// Reads `n` numbers.
///
/// # Errors
/// An unknown mode, or fewer values than stated.
pub fn read_ints(input: &mut Reader<'_>, n: usize) -> Result<Vec<i64>, WireError> {
    if n == 0 {
        return Ok(Vec::new());
    }
    let mode = input.byte()?;
    if matches!(mode, PLAIN | DELTA) && input.remaining() < n || mode == FIXED && input.remaining() / 8 < n {
        return Err(WireError::Truncated);
    }
    let mut values = Vec::with_capacity(n);
    match mode {
        CONSTANT => values.resize(n, input.zigzag()?),
        EVEN_STEPS => {
            let (first, step) = (input.zigzag()?, input.zigzag()?);
            values.extend((0..n as i64).map(|i| first.wrapping_add(step.wrapping_mul(i))));
        }
        PLAIN => {
            for _ in 0..n {
                values.push(unzigzag(input.varint()?));
            }
        }
        DELTA => {
            let mut last = 0i64;
            for _ in 0..n {
                last = last.wrapping_add(input.zigzag()?);
                values.push(last);
            }
        }
        FIXED => {
            for _ in 0..n {
                values.push(i64::from_le_bytes(input.array()?));
            }
        }
        _ => return Err(WireError::Malformed("column mode")),
    }
    Ok(values)
}

/// Writes byte strings (texts too): all alike, a dictionary, or lengths then bytes.
pub fn write_strings(out: &mut Writer, values: &[&[u8]]) {
    let Some((first, rest)) = values.split_first() else { return };
    if rest.iter().all(|v| v == first) {
        out.byte(CONSTANT);
        out.bytes(first);
        return;
    }
    let mut places: HashMap<&[u8], i64> = HashMap::new();
    let mut distinct: Vec<&[u8]> = Vec::new();
    let indexes: Vec<i64> = values
        .iter()
        .map(|v| {
            *places.entry(v).or_insert_with(|| {
                distinct.push(v);
                distinct.len() as i64 - 1
            })
        })
        .collect();
    if distinct.len() * 2 <= values.len() {
        out.byte(DICTIONARY);
        out.varint(distinct.len() as u64);
        write_plain(out, &distinct);
        write_ints(out, &indexes);
    } else {
        out.byte(PLAIN);
        write_plain(out, values);
    }
}

fn write_plain(out: &mut Writer, values: &[&[u8]]) {
    let lengths: Vec<i64> = values.iter().map(|v| v.len() as i64).collect();
    write_ints(out, &lengths);
    values.iter().for_each(|v| out.raw(v));
}

fn read_plain<'a>(input: &mut Reader<'a>, n: usize) -> Result<Vec<&'a [u8]>, WireError> {
    let lengths = read_ints(input, n)?;
    let mut values = Vec::with_capacity(n);
    for length in lengths {
        values.push(input.take(usize::try_from(length).map_err(|_| WireError::Malformed("length"))?)?);
    }
    Ok(values)
}

/// Reads `n` byte strings.
///
/// # Errors
/// An unknown mode, a place outside the dictionary, or fewer bytes than stated.
pub fn read_strings<'a>(input: &mut Reader<'a>, n: usize) -> Result<Vec<&'a [u8]>, WireError> {
    if n == 0 {
        return Ok(Vec::new());
    }
    match input.byte()? {
        CONSTANT => Ok(vec![input.bytes()?; n]),
        PLAIN => read_plain(input, n),
        DICTIONARY => {
            let size = usize::try_from(input.varint()?).ok().filter(|size| *size <= n);
            let distinct = read_plain(input, size.ok_or(WireError::Malformed("dictionary"))?)?;
            let indexes = read_ints(input, n)?;
            let pick = |at: i64| usize::try_from(at).ok().and_then(|at| distinct.get(at)).copied();
            indexes.into_iter().map(|at| pick(at).ok_or(WireError::Malformed("dictionary place"))).collect()
        }
        _ => Err(WireError::Malformed("column mode")),
    }
}

/// Writes UUIDs as two columns of halves, so that hub-given ones and their shared beginnings shrink.
pub fn write_uuids(out: &mut Writer, values: &[Uuid]) {
    let (high, low): (Vec<i64>, Vec<i64>) =
        values.iter().map(|v| v.as_u64_pair()).map(|(h, l)| (h as i64, l as i64)).unzip();
    write_ints(out, &high);
    write_ints(out, &low);
}

/// Reads `n` UUIDs.
///
/// # Errors
/// As [`read_ints`].
pub fn read_uuids(input: &mut Reader<'_>, n: usize) -> Result<Vec<Uuid>, WireError> {
    let (high, low) = (read_ints(input, n)?, read_ints(input, n)?);
    Ok(high.into_iter().zip(low).map(|(h, l)| Uuid::from_u64_pair(h as u64, l as u64)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn size(values: &[i64]) -> usize {
        let mut out = Writer::default();
        write_ints(&mut out, values);
        out.len()
    }

    #[test]
    fn regular_columns_take_a_handful_of_bytes() {
        assert_eq!(size(&[7; 1000]), 2);
        assert_eq!(size(&(5..1005).collect::<Vec<_>>()), 3);
        assert!(size(&[i64::MAX, 3, i64::MIN, 9, -1]) <= 1 + 5 * 10);
    }

    proptest! {
        #[test]
        fn ints_come_back(values in prop::collection::vec(prop_oneof![any::<i64>(), -300i64..300], 0..200)) {
            let mut out = Writer::default();
            write_ints(&mut out, &values);
            let bytes = out.into_bytes();
            prop_assert_eq!(read_ints(&mut Reader::new(&bytes), values.len()), Ok(values));
        }

        #[test]
        fn strings_come_back(values in prop::collection::vec("[a-c]{0,4}", 0..100)) {
            let mut out = Writer::default();
            let slices: Vec<&[u8]> = values.iter().map(|v| v.as_bytes()).collect();
            write_strings(&mut out, &slices);
            let bytes = out.into_bytes();
            prop_assert_eq!(read_strings(&mut Reader::new(&bytes), slices.len()), Ok(slices));
        }

        #[test]
        fn any_bytes_decode_to_values_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..64), n in 0usize..5000) {
            let _ = read_ints(&mut Reader::new(&bytes), n);
            let _ = read_strings(&mut Reader::new(&bytes), n);
            let _ = read_uuids(&mut Reader::new(&bytes), n);
        }
    }
}

//! Rows of one entity and one kind of key, column by column: keys, versions, which are gone, then a column for each field. A cell goes
//! from its row's bytes into its column, and back, without standing anywhere else.

use super::super::column::{read_ints, read_strings, read_uuids, write_ints, write_strings, write_uuids};
use super::super::unfold::Unfolded;
use crate::bytes::{Reader, WireError, Writer, text};
use crate::limits::FRAME_CELLS_MAX;
use crate::row::{Key, Row};
use crate::value::{Fields, Value};
use uuid::Uuid;

/// Bytes of a cell in its row, at first guess.
const CELL_BYTES: usize = 6;

/// Writes a block.
pub(super) fn write_block(out: &mut Writer, after: u64, rows: &[&Row]) {
    write_keys(out, rows);
    let versions: Vec<i64> = rows.iter().map(|r| r.version.wrapping_sub(after) as i64).collect();
    write_ints(out, &versions);
    let gone: Vec<bool> = rows.iter().map(|r| r.body.is_none()).collect();
    write_bits(out, &gone);
    // A deleted row has no cells anywhere, so only live rows count as "absent".
    let live: Vec<&Fields> = rows.iter().filter_map(|row| row.body.as_ref()).collect();
    let columns = columns(&live);
    out.varint(columns.len() as u64);
    for Column { of: (number, kind), mut absent, cells } in columns {
        out.varint(u64::from(number) << 2 | u64::from(kind));
        absent.resize(live.len(), true);
        write_bits(out, &absent);
        match cells {
            Cells::Ints(ints) => write_ints(out, &ints),
            Cells::Strings(strings) => write_strings(out, &strings),
            Cells::Uuids(ids) => write_uuids(out, &ids),
        }
    }
}

/// A field of one type over many rows.
struct Column<'a> {
    /// Its number and its type.
    of: (u16, u8),
    /// Which of the rows so far have no such field.
    absent: Vec<bool>,
    cells: Cells<'a>,
}

/// Those that are there, one after the other.
enum Cells<'a> {
    Ints(Vec<i64>),
    Strings(Vec<&'a [u8]>),
    Uuids(Vec<Uuid>),
}

impl<'a> Column<'a> {
    fn new(of: (u16, u8), rows: usize) -> Self {
        let cells = match of.1 {
            0 => Cells::Ints(Vec::with_capacity(rows)),
            3 => Cells::Uuids(Vec::with_capacity(rows)),
            _ => Cells::Strings(Vec::with_capacity(rows)),
        };
        Self { of, absent: Vec::with_capacity(rows), cells }
    }

    /// Takes in a cell of a row by its place, none of which come after it so far.
    fn push(&mut self, row: usize, value: Value<'a>) {
        self.absent.resize(row, true);
        self.absent.push(false);
        match (&mut self.cells, value) {
            (Cells::Ints(cells), Value::Int(value)) => cells.push(value),
            (Cells::Strings(cells), Value::Text(value)) => cells.push(value.as_bytes()),
            (Cells::Strings(cells), Value::Bytes(value)) => cells.push(value),
            (Cells::Uuids(cells), Value::Uuid(value)) => cells.push(value),
            // A column has one type.
            _ => {}
        }
    }
}

/// The columns of rows, in their order.
fn columns<'a>(rows: &[&'a Fields]) -> Vec<Column<'a>> {
    let mut columns: Vec<Column<'a>> = Vec::new();
    for (row, fields) in rows.iter().enumerate() {
        // Fields come in the order of columns, and most rows have those of the row before.
        let mut next = 0;
        for (number, value) in fields.iter() {
            let of = (number, value.type_code());
            if columns.get(next).is_none_or(|column| column.of != of) {
                next = columns.binary_search_by_key(&of, |column| column.of).unwrap_or_else(|place| {
                    columns.insert(place, Column::new(of, rows.len()));
                    place
                });
            }
            columns[next].push(row, value);
            next += 1;
        }
    }
    columns
}

fn write_keys(out: &mut Writer, rows: &[&Row]) {
    let (mut ints, mut seconds, mut uuids) = (Vec::new(), Vec::new(), Vec::new());
    for row in rows {
        match row.key {
            Key::Int(a) => ints.push(i64::from(a)),
            Key::Pair(a, b) => {
                ints.push(i64::from(a));
                seconds.push(i64::from(b));
            }
            Key::Uuid(id) => uuids.push(id),
            Key::Step(id, step) => {
                uuids.push(id);
                ints.push(i64::from(step));
            }
        }
    }
    write_uuids(out, &uuids);
    write_ints(out, &ints);
    write_ints(out, &seconds);
}

/// Flags: 0 when all are false, 1 when all are true, else 2 and a bitmap.
pub(super) fn write_bits(out: &mut Writer, bits: &[bool]) {
    match (bits.iter().any(|b| *b), bits.iter().all(|b| *b)) {
        (false, _) => out.byte(0),
        (true, true) => out.byte(1),
        (true, false) => {
            out.byte(2);
            for chunk in bits.chunks(8) {
                out.byte(chunk.iter().enumerate().fold(0, |byte, (i, bit)| byte | u8::from(*bit) << i));
            }
        }
    }
}

fn read_bits(input: &mut Reader<'_>, n: usize) -> Result<Vec<bool>, WireError> {
    match input.byte()? {
        0 => Ok(vec![false; n]),
        1 => Ok(vec![true; n]),
        2 => {
            let map = input.take(n.div_ceil(8))?;
            Ok((0..n).map(|i| map[i / 8] >> (i % 8) & 1 == 1).collect())
        }
        _ => Err(WireError::Malformed("flags")),
    }
}

/// What the frame at hand has unfolded to.
#[derive(Default)]
pub(super) struct Room {
    cells: u64,
    texts: Unfolded,
}

impl Room {
    /// Counts the cells of so many columns, before there is room for them.
    fn add_columns(&mut self, columns: u64, rows: usize) -> Result<(), WireError> {
        self.cells = self.cells.saturating_add(columns.saturating_mul(rows.max(1) as u64));
        let (size, limit) = (self.cells, FRAME_CELLS_MAX as u64);
        if size > limit { Err(WireError::TooLarge { what: "value count", size, limit }) } else { Ok(()) }
    }
}

/// Reads a block of so many rows behind those that are here.
pub(super) fn read_block(
    input: &mut Reader<'_>,
    (entity, kind): (u16, u8),
    after: u64,
    n: usize,
    room: &mut Room,
    rows: &mut Vec<Row>,
) -> Result<(), WireError> {
    let keys = read_keys(input, kind, n)?;
    let versions = read_ints(input, n)?;
    let gone = read_bits(input, n)?;
    let columns = input.varint()?;
    let live = gone.iter().filter(|gone| !**gone).count();
    room.add_columns(columns, live)?;
    let start = rows.len();
    let bytes = usize::try_from(columns).unwrap_or(usize::MAX).min(64) * CELL_BYTES;
    for ((key, version), gone) in keys.into_iter().zip(versions).zip(&gone) {
        let version = after.wrapping_add(version as u64);
        rows.push(Row { entity, key, version, body: (!gone).then(|| Fields::with_capacity(bytes)) });
    }
    let (mut last, mut without) = (None, Vec::new());
    for _ in 0..columns {
        let head = input.varint()?;
        if last.is_some_and(|last| head <= last) {
            return Err(WireError::Malformed("column order"));
        }
        let number = u16::try_from(head >> 2).map_err(|_| WireError::Malformed("field number"))?;
        let is_other_type = last.is_some_and(|last| head >> 2 == last >> 2);
        last = Some(head);
        let absent = read_bits(input, live)?;
        let in_neither = is_other_type.then(|| without_both(&without, &absent)).transpose()?;
        let present = absent.iter().filter(|absent| !**absent).count();
        let bodies = rows[start..].iter_mut().filter_map(|row| row.body.as_mut()).zip(&absent);
        let mut bodies = bodies.filter_map(|(body, absent)| (!absent).then_some(body));
        let mut put = |value: Value<'_>| {
            if let Some(body) = bodies.next() {
                body.append(number, value);
            }
        };
        match head & 3 {
            0 => read_ints(input, present)?.into_iter().for_each(|v| put(Value::Int(v))),
            1 => {
                for v in read_texts(input, present, &mut room.texts)? {
                    put(Value::Text(text(v)?));
                }
            }
            2 => read_texts(input, present, &mut room.texts)?.into_iter().for_each(|v| put(Value::Bytes(v))),
            _ => read_uuids(input, present)?.into_iter().for_each(|v| put(Value::Uuid(v))),
        }
        without = in_neither.unwrap_or(absent);
    }
    Ok(())
}

/// The rows that have no cell in either of two columns of one field. A row has a cell in at most one of them.
fn without_both(before: &[bool], absent: &[bool]) -> Result<Vec<bool>, WireError> {
    let both = before.iter().zip(absent);
    if both.clone().any(|(before, absent)| !before && !absent) {
        return Err(WireError::Malformed("two values of one field"));
    }
    Ok(both.map(|(before, absent)| *before && *absent).collect())
}

fn read_keys(input: &mut Reader<'_>, kind: u8, n: usize) -> Result<Vec<Key>, WireError> {
    let has = |kinds: &[u8]| if kinds.contains(&kind) { n } else { 0 };
    let uuids = read_uuids(input, has(&[3, 4]))?;
    let ints = read_ints(input, has(&[1, 2, 4]))?;
    let seconds = read_ints(input, has(&[2]))?;
    let small = |n: i64| u32::try_from(n).map_err(|_| WireError::Malformed("row key"));
    match kind {
        1 => ints.into_iter().map(|a| Ok(Key::Int(small(a)?))).collect(),
        2 => ints.into_iter().zip(seconds).map(|(a, b)| Ok(Key::Pair(small(a)?, small(b)?))).collect(),
        3 => Ok(uuids.into_iter().map(Key::Uuid).collect()),
        4 => uuids.into_iter().zip(ints).map(|(id, step)| Ok(Key::Step(id, small(step)?))).collect(),
        _ => Err(WireError::Malformed("row key")),
    }
}

/// Texts before they are copied: in a column they may all be one.
fn read_texts<'a>(input: &mut Reader<'a>, n: usize, room: &mut Unfolded) -> Result<Vec<&'a [u8]>, WireError> {
    let texts = read_strings(input, n)?;
    texts.iter().try_for_each(|text| room.add(text.len(), 1))?;
    Ok(texts)
}

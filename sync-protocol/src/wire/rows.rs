//! The body of a rows frame: rows of one entity together, column by column. Knows no entity by name.

use super::bytes::{Reader, WireError, Writer};
use super::column::{read_ints, read_strings, read_uuids, write_ints, write_strings, write_uuids};
use super::unfold::Unfolded;
use crate::bucket::Bucket;
use crate::limits::{FRAME_CELLS_MAX, FRAME_ROWS_MAX};
use crate::row::{Key, Row};
use crate::value::{Fields, Value};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What a frame's range means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every live or deleted row with `after < version <= upto`.
    Delta,
    /// A step of a first snapshot, walking down: every row still live with `after < version <= upto`.
    Snapshot {
        /// Where the bucket stood before the rows were read: what was gone at that version is not among them.
        head: u64,
    },
    /// Every live row of one slot with `after < version <= upto`, as it stood at a head; what the receiver has more of within that
    /// range goes. The whole slot where `after` is 0 and `upto` the head; in parts since 2.
    Repair {
        /// The entity mended.
        entity: u16,
        /// First and second byte of the slot, see [`crate::row::slot`].
        slot: [u8; 2],
        /// Where the bucket stood when the rows were read.
        head: u64,
    },
}

/// What a frame of rows speaks for, without the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Whose rows.
    pub bucket: Bucket,
    /// What the range means.
    pub reach: Reach,
    /// Exclusive lower bound of the range.
    pub after: u64,
    /// Inclusive upper bound of the range.
    pub upto: u64,
}

/// One frame of rows of one bucket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// Whose rows.
    pub bucket: Bucket,
    /// What the range means.
    pub reach: Reach,
    /// Exclusive lower bound of the range.
    pub after: u64,
    /// Inclusive upper bound of the range.
    pub upto: u64,
    /// The rows, in order of version.
    pub rows: Vec<Row>,
}

impl Rows {
    /// What the frame speaks for.
    pub fn span(&self) -> Span {
        Span { bucket: self.bucket, reach: self.reach, after: self.after, upto: self.upto }
    }
}

/// Encodes a frame's body.
pub fn encode(frame: &Rows) -> Vec<u8> {
    encode_part(frame, &frame.rows)
}

/// As [`encode`], of these rows in place of the frame's own: a long page is cut into frames without being copied.
pub(super) fn encode_part(frame: &Rows, rows: &[Row]) -> Vec<u8> {
    let mut out = Writer::with_capacity(rows.len() * 12 + 32);
    write_bucket(&mut out, frame.bucket);
    match frame.reach {
        Reach::Delta => out.byte(0),
        Reach::Snapshot { head } => {
            out.byte(1);
            out.varint(head);
        }
        Reach::Repair { entity, slot, head } => {
            let is_whole = frame.after == 0 && frame.upto == head;
            out.byte(if is_whole { 2 } else { 3 });
            out.varint(entity.into());
            out.raw(&slot);
            if !is_whole {
                out.varint(head);
            }
        }
    }
    out.varint(frame.after);
    out.varint(frame.upto.wrapping_sub(frame.after));
    let mut blocks: BTreeMap<(u16, u8), Vec<&Row>> = BTreeMap::new();
    for row in rows {
        blocks.entry((row.entity, row.key.kind())).or_default().push(row);
    }
    out.varint(blocks.len() as u64);
    for ((entity, kind), rows) in blocks {
        out.varint(entity.into());
        out.byte(kind);
        out.varint(rows.len() as u64);
        write_block(&mut out, frame.after, &rows);
    }
    out.into_bytes()
}

/// Decodes a frame's body. Rows come back in order of version.
///
/// # Errors
/// A named [`WireError`]; counts are checked before memory is taken.
pub fn decode(bytes: &[u8]) -> Result<Rows, WireError> {
    let mut input = Reader::new(bytes);
    let bucket = read_bucket(&mut input)?;
    let (reach, after, upto) = read_range(&mut input)?;
    let mut rows = Vec::new();
    let mut room = Room::default();
    for _ in 0..input.varint()? {
        let entity = read_entity(&mut input)?;
        let kind = input.byte()?;
        let n = input.varint()?;
        let total = n.saturating_add(rows.len() as u64);
        if total > FRAME_ROWS_MAX as u64 {
            return Err(WireError::TooLarge { what: "row count", size: total, limit: FRAME_ROWS_MAX as u64 });
        }
        read_block(&mut input, (entity, kind), after, n as usize, &mut room, &mut rows)?;
    }
    if !input.is_at_end() {
        return Err(WireError::Malformed("end of frame"));
    }
    rows.sort_by_key(|row: &Row| row.version);
    if rows
        .iter()
        .any(|row| row.version > upto || row.version <= after && !matches!(reach, Reach::Repair { .. }))
    {
        return Err(WireError::Malformed("version outside the range"));
    }
    Ok(Rows { bucket, reach, after, upto, rows })
}

/// What a frame covers: reach, `after`, `upto`. A repair of a whole slot does not say its head, which is where it ends.
fn read_range(input: &mut Reader<'_>) -> Result<(Reach, u64, u64), WireError> {
    let kind = input.byte()?;
    let mut reach = match kind {
        0 => Reach::Delta,
        1 => Reach::Snapshot { head: input.varint()? },
        2 | 3 => {
            let (entity, slot) = (read_entity(input)?, input.array()?);
            Reach::Repair { entity, slot, head: if kind == 3 { input.varint()? } else { 0 } }
        }
        _ => return Err(WireError::Malformed("reach")),
    };
    let after = input.varint()?;
    let upto = after.checked_add(input.varint()?).ok_or(WireError::Malformed("range"))?;
    if let (2, Reach::Repair { head, .. }) = (kind, &mut reach) {
        *head = upto;
    }
    Ok((reach, after, upto))
}

/// A bucket as kind byte and number.
pub(crate) fn write_bucket(out: &mut Writer, bucket: Bucket) {
    let (kind, number) = bucket.code();
    out.byte(kind);
    out.varint(number.into());
}

/// The inverse of [`write_bucket`].
pub(crate) fn read_bucket(input: &mut Reader<'_>) -> Result<Bucket, WireError> {
    let (kind, number) = (input.byte()?, input.varint32()?);
    Bucket::from_code(kind, number).ok_or(WireError::Malformed("bucket"))
}

fn read_entity(input: &mut Reader<'_>) -> Result<u16, WireError> {
    u16::try_from(input.varint()?).map_err(|_| WireError::Malformed("entity number"))
}

fn write_block(out: &mut Writer, after: u64, rows: &[&Row]) {
    write_keys(out, rows);
    let versions: Vec<i64> = rows.iter().map(|r| r.version.wrapping_sub(after) as i64).collect();
    write_ints(out, &versions);
    let gone: Vec<bool> = rows.iter().map(|r| r.body.is_none()).collect();
    write_bits(out, &gone);
    let columns = columns(rows);
    out.varint(columns.len() as u64);
    for ((number, kind), cells) in columns {
        out.varint(u64::from(number) << 2 | u64::from(kind));
        // A deleted row has no cells anywhere, so only live rows count as "absent".
        let absent: Vec<bool> =
            cells.iter().zip(&gone).filter(|(_, gone)| !**gone).map(|(c, _)| c.is_none()).collect();
        write_bits(out, &absent);
        write_cells(out, kind, &cells.into_iter().flatten().collect::<Vec<_>>());
    }
}

/// A column's field and type, and its cell of each row.
type Column<'a> = ((u16, u8), Vec<Option<&'a Value>>);

/// The columns of rows, in their order.
fn columns<'a>(rows: &[&'a Row]) -> Vec<Column<'a>> {
    let mut columns: Vec<Column<'a>> = Vec::new();
    for (at, row) in rows.iter().enumerate() {
        // Fields come in the order of columns, and most rows have those of the row before.
        let mut next = 0;
        for (number, value) in row.body.iter().flat_map(Fields::iter) {
            let of = (*number, value.type_code());
            if columns.get(next).is_none_or(|(column, _)| *column != of) {
                next = columns.binary_search_by_key(&of, |(column, _)| *column).unwrap_or_else(|place| {
                    columns.insert(place, (of, vec![None; rows.len()]));
                    place
                });
            }
            columns[next].1[at] = Some(value);
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

fn write_cells(out: &mut Writer, kind: u8, cells: &[&Value]) {
    let strings = || -> Vec<&[u8]> {
        cells
            .iter()
            .filter_map(|v| match v {
                Value::Text(v) => Some(v.as_bytes()),
                Value::Bytes(v) => Some(&**v),
                Value::Int(_) | Value::Uuid(_) => None,
            })
            .collect()
    };
    match kind {
        0 => {
            let ints: Vec<i64> =
                cells.iter().filter_map(|v| if let Value::Int(v) = v { Some(*v) } else { None }).collect();
            write_ints(out, &ints);
        }
        3 => {
            let ids: Vec<Uuid> =
                cells.iter().filter_map(|v| if let Value::Uuid(v) = v { Some(*v) } else { None }).collect();
            write_uuids(out, &ids);
        }
        _ => write_strings(out, &strings()),
    }
}

/// Flags: 0 when all are false, 1 when all are true, else 2 and a bitmap.
fn write_bits(out: &mut Writer, bits: &[bool]) {
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
struct Room {
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

fn read_block(
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
    let per_row = usize::try_from(columns).unwrap_or(usize::MAX).min(64);
    for ((key, version), gone) in keys.into_iter().zip(versions).zip(&gone) {
        let version = after.wrapping_add(version as u64);
        rows.push(Row { entity, key, version, body: (!gone).then(|| Fields::with_capacity(per_row)) });
    }
    let mut last = None;
    for _ in 0..columns {
        let head = input.varint()?;
        if last.is_some_and(|last| head <= last) {
            return Err(WireError::Malformed("column order"));
        }
        last = Some(head);
        let number = u16::try_from(head >> 2).map_err(|_| WireError::Malformed("field number"))?;
        let absent = read_bits(input, live)?;
        let present = absent.iter().filter(|absent| !**absent).count();
        let values = read_cells(input, (head & 3) as u8, present, &mut room.texts)?;
        let mut values = values.into_iter();
        let bodies = rows[start..].iter_mut().filter_map(|row| row.body.as_mut());
        for body in bodies.zip(absent).filter_map(|(body, absent)| (!absent).then_some(body)) {
            if let Some(value) = values.next() {
                body.set(number, value);
            }
        }
    }
    Ok(())
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

fn read_cells(
    input: &mut Reader<'_>,
    kind: u8,
    n: usize,
    room: &mut Unfolded,
) -> Result<Vec<Value>, WireError> {
    let text = |v: &[u8]| {
        std::str::from_utf8(v).map(|v| Value::Text(v.into())).map_err(|_| WireError::Malformed("text"))
    };
    match kind {
        0 => Ok(read_ints(input, n)?.into_iter().map(Value::Int).collect()),
        1 => read_texts(input, n, room)?.into_iter().map(text).collect(),
        2 => Ok(read_texts(input, n, room)?.into_iter().map(|v| Value::Bytes(v.into())).collect()),
        _ => Ok(read_uuids(input, n)?.into_iter().map(Value::Uuid).collect()),
    }
}

#[cfg(test)]
mod tests;

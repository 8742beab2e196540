//! The body of a rows frame: rows of one entity together, column by column. Knows no entity by name.

pub use crate::cursor::{Reach, Span};

use crate::bucket::Bucket;
use crate::bytes::{Reader, WireError, Writer};
use crate::limits::FRAME_ROWS_MAX;
use crate::row::Row;
use block::{Room, read_block, write_block};
use std::collections::BTreeMap;

mod block;

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

#[cfg(test)]
mod tests;

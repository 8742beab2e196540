//! Mends one slot of one entity, whole or in parts: the rows of the frame take the place of whatever is here, and what is here
//! besides goes, as far as the frame's range of versions reaches. The
//! sum is added up anew from the disk, because either of the two, rows or sum, may have been what was wrong.

use super::ready::Ready;
use super::writer::RowWriter;
use crate::db::DbError;
use std::collections::HashSet;
use sync_protocol::row::{Key, slot};
use sync_protocol::wire::rows::{Reach, Span};

/// Whether a frame of a repair speaks for a row that stands here at this version. The part that ends at the head also speaks for
/// versions beyond it, which only damage can have made.
pub(crate) fn covers(frame: Span, version: u64) -> bool {
    let Reach::Repair { head, .. } = frame.reach else { return false };
    let is_above = frame.after == 0 || version > frame.after;
    is_above && (version <= frame.upto || frame.upto == head)
}

/// Puts the rows of a frame in place of what is here of its slot, as far as the frame speaks for it.
pub(super) fn replace_slot(
    writer: &mut RowWriter<'_>,
    frame: &Ready,
    entity: u16,
    at: [u8; 2],
) -> Result<(), DbError> {
    let mut sent: HashSet<Key> = HashSet::new();
    for row in frame.rows().iter().filter(|row| row.entity == entity && slot(entity, row.key) == at) {
        sent.insert(row.key);
        let here = writer.here(entity, row.key)?;
        writer.replace(frame, row, here)?;
    }
    for (key, version) in keys_of_slot(writer, entity, at)? {
        if !sent.contains(&key) && covers(frame.span(), version) {
            writer.remove(entity, key)?;
        }
    }
    writer.recount(entity)
}

fn keys_of_slot(writer: &RowWriter<'_>, entity: u16, at: [u8; 2]) -> Result<Vec<(Key, u64)>, DbError> {
    let mut statement =
        writer.conn().prepare_cached("SELECT id, version FROM replica WHERE entity = ?1 AND bucket = ?2")?;
    let mut rows = statement.query((entity, writer.bucket()))?;
    let mut keys = Vec::new();
    while let Some(row) = rows.next()? {
        let id = row.get_ref(0)?.as_blob().unwrap_or_default();
        let key = Key::from_bytes(id).map_err(|_| DbError::bad_value("replica", "id", entity))?;
        if slot(entity, key) == at {
            keys.push((key, row.get(1)?));
        }
    }
    Ok(keys)
}

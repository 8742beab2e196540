//! Applies a frame of rows: rows, index, digest and cursor in the caller's transaction, so that all move together or not at all.
//! Frames may come late, twice or out of order. A row is written only over a lower version, except in a repair.

use super::bucket::{self, Stored};
use super::many::AT_ONCE;
use super::ready::{Ready, ReadyRow};
use super::writer::RowWriter;
use super::{ReplicaError, repair};
use rusqlite::Transaction;
use sync_protocol::session::{Judged, judge};
use sync_protocol::wire::rows::Reach;

/// Applies a frame. `Judged::Apply` says that it was written and gives the cursor that it moved to; `Skip` that it brought
/// nothing new; `Gap` that rows before it are missing: then nothing was changed and the hub has to be asked again.
///
/// To be followed by [`crate::commands::settle`] in the same transaction.
///
/// # Errors
/// When the bucket is not in the scope, or those of the database; then the transaction must not be committed.
pub fn apply_rows(tx: &Transaction<'_>, frame: &Ready) -> Result<Judged, ReplicaError> {
    let span = frame.span();
    let at = bucket::find(tx, span.bucket)?.ok_or(ReplicaError::NotInScope(span.bucket))?;
    let judged = judge(&at.cursor, span);
    let Judged::Apply(next) = judged else { return Ok(judged) };
    let mut writer = RowWriter::new(tx, at.number, next.reached.is_some())?;
    match span.reach {
        Reach::Repair { entity, slot, .. } => repair::replace_slot(&mut writer, frame, entity, slot)?,
        Reach::Delta | Reach::Snapshot { .. } => write_rows(&mut writer, &at, frame)?,
    }
    writer.finish()?;
    if next.is_whole() && !at.cursor.is_whole() {
        // Nothing older can come any more, so nothing has to be kept from rising again.
        tx.prepare_cached("DELETE FROM replica WHERE bucket = ?1 AND payload IS NULL")?
            .execute([at.number])?;
    }
    bucket::set_cursor(tx, at.number, &next)?;
    Ok(judged)
}

fn write_rows(writer: &mut RowWriter<'_>, at: &Stored, frame: &Ready) -> Result<(), ReplicaError> {
    // Everything that is here already is newer than what a snapshot has not walked down to yet.
    let older_than_all = match frame.span().reach {
        _ if at.cursor.upto == 0 => u64::MAX,
        Reach::Snapshot { .. } => at.cursor.reached.unwrap_or(0),
        Reach::Delta | Reach::Repair { .. } => 0,
    };
    let is_added = |row: &ReadyRow| row.live.is_some() && row.version <= older_than_all;
    // Those whose index entries are written when all rows are, in the order of the index.
    let mut without_entries = vec![false; frame.rows().len()];
    let mut done = 0;
    // A part of several has rows of one entity, all of which are added.
    for part in frame.rows().chunk_by(|a, b| a.entity == b.entity && is_added(a) && is_added(b)) {
        let (many, rest) = part.as_chunks::<AT_ONCE>();
        for rows in many {
            let written = writer.add_many_unless_here(frame, rows)?;
            without_entries[done..done + written].fill(true);
            done += AT_ONCE;
        }
        for row in rest {
            if is_added(row) {
                writer.add_unless_here(frame, row)?;
            } else {
                writer.write_over_lower(frame, row)?;
            }
        }
        done += rest.len();
    }
    Ok(writer.add_entries(frame, |place| without_entries[place])?)
}

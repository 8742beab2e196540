//! Sums that are kept over rows which hang on one thing, such as the stock of a listing. Here they are only forgotten, when one of these rows
//! came, changed or went; which rows these are, the protocol says of each entity ([`summed_by`]). Who keeps them adds them up again.

use super::index::{entries, index_key};
use crate::db::DbError;
use rusqlite::Transaction;
use sync_protocol::market::summed_by;
use sync_protocol::value::{Fields, Value};
use uuid::Uuid;

/// Whether an indexed field of an entity names a thing whose kept sums hang on the row.
pub(super) fn hangs_on(entity: u16, field: u16) -> bool {
    summed_by(entity) == Some(field)
}

/// The sums that hang on a row, which goes or changes, have to be added up again.
pub(crate) fn forget_sums(tx: &Transaction<'_>, entity: u16, fields: &Fields) -> Result<(), DbError> {
    for (_, value) in entries(entity, fields).filter(|(field, _)| hangs_on(entity, *field)) {
        forget_by_index_key(tx, &index_key(value))?;
    }
    Ok(())
}

/// The sums of one thing.
pub(crate) fn forget_sums_of(tx: &Transaction<'_>, thing: Uuid) -> Result<(), DbError> {
    forget_by_index_key(tx, &index_key(Value::Uuid(thing)))
}

/// The same by the thing's value in the index, whose first byte is its type.
pub(super) fn forget_by_index_key(tx: &Transaction<'_>, value: &[u8]) -> Result<(), DbError> {
    tx.prepare_cached("DELETE FROM stock_sum WHERE listing = ?1")?
        .execute([value.get(1..).unwrap_or_default()])?;
    Ok(())
}

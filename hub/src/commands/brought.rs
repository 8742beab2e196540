//! Rows that offices brought to a hub which was restored from a backup: which of them may stand here yet, for those who wait for one.
//! Each table says what may (`tables::stands_under`). Changes nothing; what stands is `sync::salvage`'s to say.

use crate::db::{Cells, any_of, q};
use crate::tables;
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use sync_protocol::bucket::Bucket;
use sync_protocol::market::{Entity, Listing, Order};
use sync_protocol::row::Key;
use sync_protocol::value::Fields;
use uuid::Uuid;

/// Which of these listings and orders were brought here and may stand yet.
pub(super) async fn brought(conn: &mut PgConnection, ids: &[Uuid]) -> Result<Vec<Uuid>, sqlx::Error> {
    let keys: Vec<Vec<u8>> = ids.iter().map(|id| Key::Uuid(*id).to_bytes().to_vec()).collect();
    let rows = q(concat!(
        "SELECT bucket, entity, id, payload FROM salvaged_rows
        WHERE NOT stands AND ended IS NULL AND entity IN ($2, $3) AND id = ",
        any_of!(1, "bytea")
    ))
    .bind(keys)
    .bind(i32::from(Listing::NUMBER))
    .bind(i32::from(Order::NUMBER))
    .fetch_all(conn)
    .await?;
    rows.iter().filter_map(|row| may_stand(row).transpose()).collect()
}

/// The row's id, if it may stand.
fn may_stand(row: &PgRow) -> Result<Option<Uuid>, sqlx::Error> {
    let cells = Cells::of("salvaged_rows", row);
    let (bucket, key): (&str, Vec<u8>) = (cells.get(0)?, cells.get(2)?);
    // What cannot be read cannot stand.
    let (Ok(Bucket::Coop(own)), Ok(entity)) = (bucket.parse(), u16::try_from(cells.number(1)?)) else {
        return Ok(None);
    };
    let Ok(key @ Key::Uuid(id)) = Key::from_bytes(&key) else { return Ok(None) };
    let Ok(fields) = Fields::from_canonical(cells.get(3)?) else { return Ok(None) };
    Ok(tables::stands_under(own, entity, key, &fields).map(|_| id))
}

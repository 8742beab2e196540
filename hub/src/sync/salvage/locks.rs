//! The locks under which rows stand again. A statement that waits for a row looks at everything else as it was before it waited; so what may
//! be done here at this moment is waited for first, in statements of their own, in the order in which everybody locks: listings, members,
//! orders, each by its id. Nothing is changed here.

use crate::db::{Cells, phone};
use crate::db::{int, q};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use std::collections::BTreeSet;
use sync_protocol::market::{Entity, Listing, Member, Order, StockEntry};
use sync_protocol::row::Key;
use sync_protocol::value::Fields;
use uuid::Uuid;

/// What rows have to do with.
#[derive(Default)]
struct Things {
    /// Listings, also those whose stock or orders they are: both change under the listing's lock.
    listings: BTreeSet<Uuid>,
    /// Cooperatives and numbers under which members may have been registered anew.
    numbers: BTreeSet<(i32, i64)>,
    orders: BTreeSet<Uuid>,
}

/// Locks what the rows may change: `entity, id, payload` of each. What cannot be read of one is passed over, for it will not stand either.
pub(super) async fn take(conn: &mut PgConnection, rows: &[PgRow]) -> Result<(), sqlx::Error> {
    let mut things = Things::default();
    for row in rows {
        // One that cannot be read has to do with nothing.
        let _ = things.add(row);
    }
    let ids = |ids: &BTreeSet<Uuid>| ids.iter().copied().collect::<Vec<_>>();
    if !things.listings.is_empty() {
        q("SELECT FROM listings WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE")
            .bind(ids(&things.listings))
            .execute(&mut *conn)
            .await?;
    }
    if !things.numbers.is_empty() {
        let (cooperatives, phones): (Vec<i32>, Vec<i64>) = things.numbers.iter().copied().unzip();
        q("SELECT FROM members WHERE id IN (SELECT m.id FROM members m
                JOIN unnest($1::int[], $2::bigint[]) AS p (cooperative_id, phone)
                ON m.cooperative_id = p.cooperative_id AND m.phone = p.phone)
            ORDER BY id FOR NO KEY UPDATE")
        .bind(cooperatives)
        .bind(phones)
        .execute(&mut *conn)
        .await?;
    }
    if !things.orders.is_empty() {
        q("SELECT FROM orders WHERE id = ANY($1) ORDER BY id FOR NO KEY UPDATE")
            .bind(ids(&things.orders))
            .execute(conn)
            .await?;
    }
    Ok(())
}

impl Things {
    /// Adds what a row has to do with; nothing where it cannot be read.
    fn add(&mut self, row: &PgRow) -> Option<()> {
        let cells = Cells::of("salvaged_rows", row);
        let entity = u16::try_from(cells.number(0).ok()?).ok()?;
        let key = Key::from_bytes(cells.get(1).ok()?).ok()?;
        let fields = Fields::from_canonical(cells.get(2).ok()?).ok()?;
        match entity {
            Listing::NUMBER => {
                self.listings.insert(Listing::from_fields(key, &fields).ok()?.id.0);
            }
            StockEntry::NUMBER => {
                self.listings.insert(StockEntry::from_fields(key, &fields).ok()?.listing.0);
            }
            Order::NUMBER => {
                let order = Order::from_fields(key, &fields).ok()?;
                self.listings.insert(order.listing.0);
                self.orders.insert(order.id.0);
            }
            Member::NUMBER => {
                let member = Member::from_fields(key, &fields).ok()?;
                self.numbers.insert((int(member.cooperative.0).ok()?, phone(member.phone).ok()?));
            }
            _ => {}
        }
        Some(())
    }
}

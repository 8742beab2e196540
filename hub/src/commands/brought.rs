//! Rows that offices brought to a hub which was restored from a backup: which of them may stand here again is said here alone, for those who
//! let them stand and for those who wait for one. Changes nothing; what stands is `sync::salvage`'s to say.

use crate::db::Cells;
use crate::db::{any_of, q};
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CooperativeId, Holder};
use sync_protocol::market::{Alias, Entity, Listing, Member, Order, StockEntry};
use sync_protocol::row::Key;
use sync_protocol::value::Fields;
use uuid::Uuid;

/// A row that says what happened, as what it may stand here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Fact {
    Member(Member),
    Alias(Alias),
    Listing(Listing),
    Entry(StockEntry),
    /// An order, from the bucket of the cooperative that sells.
    Sold(Order),
    /// An order of the hub's units, from the bucket of its buyer's cooperative. What it did to the stock lies in the seller's.
    Bought(Order),
}

impl Fact {
    /// Reads a row of a cooperative's bucket; `None` where it cannot be read, or may not stand from there.
    pub(crate) fn read(own: CooperativeId, entity: u16, key: Key, fields: &Fields) -> Option<Self> {
        match entity {
            Member::NUMBER => {
                let row = Member::from_fields(key, fields).ok()?;
                (row.cooperative == own).then_some(Self::Member(row))
            }
            Alias::NUMBER => Some(Self::Alias(Alias::from_fields(key, fields).ok()?)),
            Listing::NUMBER => {
                let row = Listing::from_fields(key, fields).ok()?;
                (row.cooperative == own).then_some(Self::Listing(row))
            }
            StockEntry::NUMBER => Some(Self::Entry(StockEntry::from_fields(key, fields).ok()?)),
            Order::NUMBER => {
                let row = Order::from_fields(key, fields).ok()?;
                // An office's own units are its own cooperative's: of another's it can only have asked the hub.
                let is_bought = row.buyer_cooperative == Some(own) && row.holder == Some(Holder::Hub);
                match () {
                    () if row.cooperative == own => Some(Self::Sold(row)),
                    () if is_bought => Some(Self::Bought(row)),
                    () => None,
                }
            }
            _ => None,
        }
    }
}

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
    Ok(Fact::read(own, entity, key, &fields).map(|_| id))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sync_protocol::ids::{EdgeId, ListingId, OrderId, hub_born};
    use sync_protocol::market::{Channel, OrderStatus};
    use sync_protocol::units::{Currency, Quantity};

    #[test]
    fn an_order_stands_from_its_sellers_bucket_and_one_of_the_hubs_units_from_its_buyers() {
        let [seller, buyer, other] = [1, 2, 3].map(CooperativeId);
        let order = Order {
            id: OrderId(hub_born(1)),
            listing: ListingId(hub_born(2)),
            cooperative: seller,
            quantity: Quantity::units(2),
            unit_price_minor: 500,
            currency: Currency::new("MWK").unwrap(),
            holder: Some(Holder::Hub),
            buyer_phone: 265_888_000_001,
            buyer_name: String::new(),
            buyer_cooperative: Some(buyer),
            status: OrderStatus::Confirmed,
            channel: Channel::Ussd,
            placed_at_s: 0,
            odd_price: false,
            buyer_unconfirmed: false,
            recorded_at_s: None,
        };
        let read = |own, order: &Order| Fact::read(own, Order::NUMBER, order.key(), &order.to_fields());
        assert_eq!(read(seller, &order), Some(Fact::Sold(order.clone())));
        assert_eq!(read(buyer, &order), Some(Fact::Bought(order.clone())));
        assert_eq!(read(other, &order), None);
        let of_an_office = Order { holder: Some(Holder::Edge(EdgeId(7))), ..order };
        assert_eq!(read(seller, &of_an_office), Some(Fact::Sold(of_an_office.clone())));
        assert_eq!(read(buyer, &of_an_office), None, "no other cooperative sells these");
    }
}

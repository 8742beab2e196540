//! `orders`: what was bought, from whose units, and how far it is.

use super::columns::{column, fitting_column};
use super::keys::Keys;
use super::rows::{Beside, Rows};
use super::table::{Again, Brought, Catalogue, Loaded, Standing, Standings, Table, View, Written, uuids};
use super::wanted::Wanted;
use crate::db::{Cells, any_of, int, listed, phone, q};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use std::collections::HashMap;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CooperativeId, Holder, ListingId, OrderId};
use sync_protocol::market::{
    Channel, Entity, EntryId, Facts, Listing, Needs, Order, OrderStatus, Settled, StockEntry, WorkingSet,
};
use sync_protocol::row::Key;
use sync_protocol::units::Quantity;
use sync_protocol::value::Fields;
use uuid::Uuid;

/// The columns that [`Table::read`] reads, of `orders o`. What offices are told beside them is added where it is told.
macro_rules! columns {
    () => {
        "o.id, o.listing_id, o.cooperative_id, o.quantity_milli, o.unit_price_minor, o.currency, o.holder, o.buyer_phone, o.buyer_name,
             o.buyer_cooperative_id, o.status, o.channel, o.placed_at_s, o.odd_price"
    };
}
pub(crate) use columns as order_columns;
/// How many these are.
const WIDTH: usize = 14;

impl Table for Order {
    const TABLE: &'static str = "orders";
    const KEYS: Keys = Keys::Uuid("SELECT id FROM orders WHERE id > $1 ORDER BY id LIMIT $2");
    const CATALOGUE: Catalogue = Catalogue::Nothing;

    fn read(cells: &Cells<'_>) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: OrderId(cells.get(0)?),
            listing: ListingId(cells.get(1)?),
            cooperative: CooperativeId(cells.number(2)?),
            quantity: Quantity(cells.get(3)?),
            unit_price_minor: cells.get(4)?,
            currency: cells.currency(5)?,
            holder: cells.number_or_null(6)?.map(Holder::from_code),
            buyer_phone: cells.count(7)?,
            buyer_name: cells.get(8)?,
            buyer_cooperative: cells.number_or_null(9)?.map(CooperativeId),
            status: OrderStatus::from_code(cells.number(10)?),
            channel: Channel::from_code(cells.number(11)?),
            placed_at_s: cells.get(12)?,
            odd_price: cells.get(13)?,
            buyer_unconfirmed: false,
            recorded_at_s: None,
        })
    }

    async fn standing(conn: &mut PgConnection, _: View, keys: &[Key]) -> Standings {
        let rows = q(concat!(
            "SELECT ",
            columns!(),
            ", coalesce(NOT a.phone_confirmed, false),
                CASE WHEN o.says_recorded THEN floor(extract(epoch FROM o.recorded_at))::bigint END
            FROM orders o LEFT JOIN users a ON a.id = o.buyer_user_id WHERE o.id = ",
            any_of!(1, "uuid")
        ))
        .bind(uuids(keys))
        .fetch_all(conn)
        .await?;
        // Where it stands hangs on nothing but itself.
        let nothing = WorkingSet::default();
        let mut standings = Vec::with_capacity(rows.len());
        for row in &rows {
            let cells = Cells::of(Self::TABLE, row);
            let (buyer_unconfirmed, recorded_at_s) = (cells.get(WIDTH)?, cells.get(WIDTH + 1)?);
            let order = Self { buyer_unconfirmed, recorded_at_s, ..Self::read(&cells)? };
            let home = order.home(&nothing).unwrap_or_default();
            standings.extend(home.into_iter().map(|bucket| Standing::new(bucket, &order)));
        }
        Ok(standings)
    }
}

macro_rules! locked {
    () => {
        concat!(
            "SELECT ",
            columns!(),
            ", o.short_by, o.status = 3 AND EXISTS (SELECT FROM commands c WHERE c.id = o.id AND c.short) FROM orders o WHERE "
        )
    };
}

impl Loaded for Order {
    const FOUND_BY: &'static [&'static [u16]] = &[&[Self::LISTING.number()]];

    /// Locked, with what is known of why one is short; of a listing's those that are open. One that was not there yet when its listing was
    /// looked for, so that this is neither known nor locked, counts as one that may come.
    async fn load(conn: &mut PgConnection, wanted: &Wanted, set: &mut WorkingSet) -> Result<(), sqlx::Error> {
        let ids = wanted.uuids::<Self>();
        let of = wanted.found::<Self>().filter_map(|search| search.value(Self::LISTING.number()));
        let of: Vec<Uuid> = of.map(|listing: ListingId| listing.0).collect();
        let query = match (ids.is_empty(), of.is_empty()) {
            (true, true) => return Ok(()),
            (_, true) => {
                let sql =
                    concat!(locked!(), "o.id = ", any_of!(1, "uuid"), " ORDER BY o.id FOR NO KEY UPDATE OF o");
                q(sql).bind(ids)
            }
            (_, false) => q(concat!(
                locked!(),
                "o.id = ANY($1 || ARRAY(SELECT i.id FROM orders i WHERE i.listing_id = ANY($2) AND i.status IN ($3, $4)))
                 ORDER BY o.id FOR NO KEY UPDATE OF o"
            ))
            .bind(ids)
            .bind(of)
            .bind(OrderStatus::Confirmed.code() as i32)
            .bind(OrderStatus::Short.code() as i32),
        };
        for row in &query.fetch_all(conn).await? {
            let cells = Cells::of(Self::TABLE, row);
            let order = Self::read(&cells)?;
            let came_since =
                wanted.known.contains(&(Self::NUMBER, order.key())) && !set.has::<Listing>(order.listing);
            if came_since {
                continue;
            }
            if let Some(count) = cells.get(WIDTH)?
                && order.status == OrderStatus::Short
            {
                set.facts.made_short.insert(order.id, count);
            }
            if cells.get(WIDTH + 1)? {
                set.facts.sold_beyond.insert(order.id);
            }
            set.put(&order);
        }
        Ok(())
    }

    /// Their listings. An order never changes its own, so this needs no lock.
    async fn beside(conn: &mut PgConnection, wanted: &Wanted) -> Result<Vec<(u16, Key)>, sqlx::Error> {
        let known: Vec<Uuid> = wanted.known::<Self>().collect();
        if known.is_empty() {
            return Ok(Vec::new());
        }
        let sql = concat!("SELECT DISTINCT listing_id FROM orders WHERE id = ", any_of!(1, "uuid"));
        let rows = q(sql).bind(known).fetch_all(conn).await?;
        let listing = |row| Ok((Listing::NUMBER, Key::Uuid(Cells::of(Self::TABLE, row).get(0)?)));
        rows.iter().map(listing).collect()
    }
}

impl Written for Order {
    /// What changes of those that are there. One that is new and was made short in the same batch gets its mark with them.
    async fn write(
        conn: &mut PgConnection,
        rows: &Rows,
        facts: &Facts,
        _: Timestamp,
    ) -> Result<Vec<(u16, Key, Fields)>, sqlx::Error> {
        let mut orders = rows.of::<Self>()?;
        orders.retain(|(order, beside)| beside.was_there || facts.made_short.contains_key(&order.id));
        if !orders.is_empty() || rows.tries_all {
            change(conn, &orders, facts).await?;
        }
        Ok(Vec::new())
    }
}

/// Adds entries and new orders, which nearly always come together. Returns those that were put where none was.
pub(super) async fn write_sales(
    conn: &mut PgConnection,
    rows: &Rows,
    at: Timestamp,
) -> Result<Vec<(u16, Key, Fields)>, sqlx::Error> {
    let entries = rows.of::<StockEntry>()?;
    let mut new = rows.of::<Order>()?;
    new.retain(|(_, beside)| !beside.was_there);
    if entries.is_empty() && new.is_empty() && !rows.tries_all {
        return Ok(Vec::new());
    }
    let recorded_at_s = Some(at.as_second());
    // The database is asked first, and worked for while it works.
    let (added, (contents, orders)) = tokio::join!(
        biased;
        add_sales(conn, &entries, &new, at),
        async {
            let entry = |(entry, _): &(StockEntry, Beside)| (entry.id, (entry.key(), entry.to_fields()));
            let contents: HashMap<_, _> = entries.iter().map(entry).collect();
            let told = new.iter().filter(|(_, beside)| !beside.is_unconfirmed);
            let told = told.map(|(order, _)| Order { recorded_at_s, ..order.clone() });
            (contents, told.map(|order| (Order::NUMBER, order.key(), order.to_fields())).collect::<Vec<_>>())
        }
    );
    let mut contents = contents;
    let added = added?.into_iter().filter_map(|id| contents.remove(&id));
    Ok(added.map(|(key, fields)| (StockEntry::NUMBER, key, fields)).chain(orders).collect())
}

/// Returns the entries that were not there yet.
async fn add_sales(
    conn: &mut PgConnection,
    entries: &[(StockEntry, Beside)],
    orders: &[(Order, Beside)],
    at: Timestamp,
) -> Result<Vec<EntryId>, sqlx::Error> {
    // Said in one row, however many they are.
    let added = q("WITH ordered AS (
            INSERT INTO orders (id, listing_id, cooperative_id, quantity_milli, unit_price_minor, currency, holder, buyer_phone,
                buyer_name, buyer_cooperative_id, status, channel, placed_at_s, buyer_user_id, odd_price, recorded_at)
            SELECT t.*, $1 FROM unnest($9::uuid[], $10::uuid[], $11::int[], $12::bigint[], $13::bigint[], $14::text[], $15::int[],
                $16::bigint[], $17::text[], $18::int[], $19::int[], $20::int[], $21::bigint[], $22::uuid[], $23::bool[]) AS t),
        added AS (
            INSERT INTO stock_entries (of_id, step, listing_id, cooperative_id, holder, quantity_milli, kind, recorded_at)
            SELECT t.*, $1 FROM unnest($2::uuid[], $3::int[], $4::uuid[], $5::int[], $6::int[], $7::bigint[], $8::int[]) AS t
            ON CONFLICT (of_id, step) DO NOTHING RETURNING of_id, step)
        SELECT coalesce(array_agg(of_id), '{}'), coalesce(array_agg(step), '{}') FROM added")
    .bind(at.to_sqlx())
    .bind(column!(entries, (e, _) => e.id.of))
    .bind(fitting_column!(entries, (e, _) => int(e.id.step)))
    .bind(column!(entries, (e, _) => e.listing.0))
    .bind(fitting_column!(entries, (_, beside) => int(beside.cooperative.0)))
    .bind(fitting_column!(entries, (e, _) => int(e.holder.code())))
    .bind(column!(entries, (e, _) => e.quantity.0))
    .bind(fitting_column!(entries, (e, _) => int(e.kind.code())))
    .bind(column!(orders, (o, _) => o.id.0))
    .bind(column!(orders, (o, _) => o.listing.0))
    .bind(fitting_column!(orders, (o, _) => int(o.cooperative.0)))
    .bind(column!(orders, (o, _) => o.quantity.0))
    .bind(column!(orders, (o, _) => o.unit_price_minor))
    .bind(column!(orders, (o, _) => o.currency.as_str()))
    .bind(fitting_column!(orders, (o, _) => holder(o)))
    .bind(fitting_column!(orders, (o, _) => phone(o.buyer_phone)))
    .bind(column!(orders, (o, _) => o.buyer_name.as_str()))
    .bind(fitting_column!(orders, (o, _) => o.buyer_cooperative.map(|coop| int(coop.0)).transpose()))
    .bind(fitting_column!(orders, (o, _) => int(o.status.code())))
    .bind(fitting_column!(orders, (o, _) => int(o.channel.code())))
    .bind(column!(orders, (o, _) => o.placed_at_s))
    .bind(column!(orders, (_, beside) => beside.user))
    .bind(column!(orders, (o, _) => o.odd_price))
    .fetch_one(conn)
    .await?;
    let cells = Cells::of("stock_entries", &added);
    let (of, steps): (Vec<Uuid>, Vec<i32>) = (cells.get(0)?, cells.get(1)?);
    let id = |(of, step)| Ok(EntryId { of, step: u32::try_from(step).map_err(|_| cells.misfit(1))? });
    of.into_iter().zip(steps).map(id).collect()
}

/// What changes of an order that is there, along the orders' key, however many: its other columns stay.
async fn change(
    conn: &mut PgConnection,
    orders: &[(Order, Beside)],
    facts: &Facts,
) -> Result<(), sqlx::Error> {
    q(concat!(
        "UPDATE orders SET holder = t.holder, status = t.status, short_by = t.short_by FROM unnest(",
        listed!(1, "uuid"),
        ", ",
        listed!(2, "int"),
        ", ",
        listed!(3, "int"),
        ", ",
        listed!(4, "uuid"),
        ") AS t (id, holder, status, short_by)
        WHERE orders.id = t.id AND orders.id = ",
        any_of!(1, "uuid")
    ))
    .bind(column!(orders, (o, _) => o.id.0))
    .bind(fitting_column!(orders, (o, _) => holder(o)))
    .bind(fitting_column!(orders, (o, _) => int(o.status.code())))
    .bind(column!(orders, (o, _) => facts.made_short.get(&o.id).copied()))
    .execute(conn)
    .await?;
    Ok(())
}

/// Whose units an order spends, as a column.
fn holder(order: &Order) -> Result<Option<i32>, sqlx::Error> {
    order.holder.map(|holder| int(holder.code())).transpose()
}

impl Again for Order {
    /// From the bucket of the cooperative that sells; one of the hub's units also from that of its buyer's.
    fn may_stand(&self, own: CooperativeId) -> bool {
        // An office's own units are its own cooperative's: of another's it can only have asked the hub.
        let is_bought = self.buyer_cooperative == Some(own) && self.holder == Some(Holder::Hub);
        self.cooperative == own || is_bought
    }

    fn stands_under(&self) -> Needs {
        Needs::of::<Listing>(self.listing).row::<Self>(self.id)
    }

    /// Who ordered over REST is found again by the number.
    async fn stand(
        &self,
        conn: &mut PgConnection,
        brought: &Brought<'_>,
        also: &mut Vec<(Bucket, u16, Key)>,
    ) -> Result<bool, sqlx::Error> {
        if let Some(buyer) = self.buyer_cooperative {
            also.push((Bucket::Coop(buyer), Self::NUMBER, self.key()));
        }
        let done = q("INSERT INTO orders (id, listing_id, cooperative_id, quantity_milli, unit_price_minor, currency, holder, buyer_phone,
            buyer_name, buyer_cooperative_id, buyer_user_id, status, channel, placed_at_s, odd_price, recorded_at)
        SELECT $1, l.id, l.cooperative_id, $3, $4, $5, $6, $7, $8, $9, (SELECT id FROM users WHERE phone = $7 AND $11 = 0), $10, $11,
            $12, $13, coalesce(to_timestamp($18::bigint), now()) FROM listings l WHERE l.id = $2
        ON CONFLICT (id) DO UPDATE SET status = excluded.status, holder = excluded.holder, short_by = NULL
        WHERE NOT EXISTS (SELECT FROM sync_rows WHERE bucket = $14 AND entity = $15 AND id = $16 AND version > $17 AND version <> $19)")
    .bind(self.id.0)
    .bind(self.listing.0)
    .bind(self.quantity.0)
    .bind(self.unit_price_minor)
    .bind(self.currency.as_str())
    .bind(self.holder.map(|holder: Holder| int(holder.code())).transpose()?)
    .bind(phone(self.buyer_phone)?)
    .bind(&self.buyer_name)
    .bind(self.buyer_cooperative.map(|coop| int(coop.0)).transpose()?)
    .bind(int(self.status.code())?)
    .bind(int(self.channel.code())?)
    .bind(self.placed_at_s)
    .bind(self.odd_price)
    .bind(brought.bucket.to_string())
    .bind(brought.entity.cast_signed())
    .bind(brought.id)
    .bind(brought.unchanged_upto)
    .bind(self.recorded_at_s)
    .bind(brought.published)
    .execute(conn)
    .await?;
        Ok(done.rows_affected() > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sync_protocol::ids::EdgeId;
    use sync_protocol::market::Sample;

    #[test]
    fn an_order_stands_from_its_sellers_bucket_and_one_of_the_hubs_units_from_its_buyers() {
        let [seller, buyer, other] = [1, 2, 3].map(CooperativeId);
        let order = Order { cooperative: seller, buyer_cooperative: Some(buyer), ..Sample::sample() };
        assert_eq!([seller, buyer, other].map(|own| order.may_stand(own)), [true, true, false]);
        let of_an_office = Order { holder: Some(Holder::Edge(EdgeId(7))), ..order };
        assert!(of_an_office.may_stand(seller));
        assert!(!of_an_office.may_stand(buyer), "no other cooperative sells these");
    }
}

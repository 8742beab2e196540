//! Collects the rows that a batch sets and writes them: one statement for each table, the last state of each row alone.
//!
//! Tables are written in an order that foreign keys allow, rows in order of id. Entries are only ever added: the same entry
//! reached by two roads is there once. An order is made once, and changes few of its columns after.

use super::load::Existing;
use super::{ApplyError, Incoming};
use crate::db::q;
use crate::db::{any_of, int, listed};
use crate::feed::Touched;
use crate::rows::{Cells, phone};
use jiff_sqlx::{Timestamp, ToSqlx};
use mizili_node::deps::Deps;
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet, HashMap};
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CooperativeId, ListingId, MemberId, OrderId};
use sync_protocol::market::{
    ActorKind, Alias, EffectRow, Entity, EntryId, Listing, Member, Order, StockEntry, WorkingSet,
};
use uuid::Uuid;

/// What a batch sets.
#[derive(Default)]
pub(super) struct Effects {
    /// The names of what is set, for the feed.
    pub(super) touched: Touched,
    members: BTreeMap<MemberId, Member>,
    aliases: BTreeMap<MemberId, (Alias, CooperativeId)>,
    listings: BTreeMap<ListingId, Listing>,
    entries: BTreeMap<EntryId, (StockEntry, CooperativeId)>,
    /// Each with the account that ordered over REST.
    orders: BTreeMap<OrderId, (Order, Option<Uuid>)>,
    /// Orders that a count made short, by that count.
    made_short: BTreeMap<OrderId, Uuid>,
    /// New orders of accounts whose numbers nobody has confirmed: whether that still holds, the feed asks under its lock.
    unconfirmed: BTreeSet<OrderId>,
}

impl Effects {
    /// Takes in one row that a command sets. `set` has it already. Returns the buckets where it stands.
    pub(super) fn add(
        &mut self,
        row: &EffectRow,
        incoming: &Incoming,
        set: &WorkingSet,
    ) -> Result<Vec<Bucket>, ApplyError> {
        let command = &incoming.command;
        let astray = || ApplyError::Poison(format!("an effect of {} stands in no cooperative", command.id));
        let buckets = Self::buckets_of(row, set).ok_or_else(astray)?;
        let (entity, key, _) = row.to_row();
        buckets.iter().for_each(|bucket| self.touched.add(*bucket, entity, key));
        let Some(Bucket::Coop(cooperative)) = buckets.first().copied() else { return Err(astray()) };
        match row {
            EffectRow::Member(member) => {
                self.members.insert(member.id, member.clone());
            }
            EffectRow::Alias(alias) => {
                self.aliases.insert(alias.from, (alias.clone(), cooperative));
            }
            EffectRow::Listing(listing) => {
                self.listings.insert(listing.id, listing.clone());
            }
            EffectRow::StockEntry(entry) => {
                self.entries.entry(entry.id).or_insert_with(|| (entry.clone(), cooperative));
            }
            EffectRow::Order(order) => {
                let is_new = order.id.0 == command.id.0 && command.actor.kind == ActorKind::User;
                let user = command.actor.id.filter(|_| is_new);
                let before = self.orders.get(&order.id).and_then(|(_, user)| *user);
                if incoming.is_unconfirmed && is_new {
                    self.unconfirmed.insert(order.id);
                }
                self.made_short.remove(&order.id);
                if let Some(count) = set.made_short.get(&order.id) {
                    self.made_short.insert(order.id, *count);
                }
                self.orders.insert(order.id, (order.clone(), before.or(user)));
            }
        }
        Ok(buckets)
    }

    /// The buckets where a row stands, the one of its own cooperative first; `None` where that is not in the working set.
    pub(super) fn buckets_of(row: &EffectRow, set: &WorkingSet) -> Option<Vec<Bucket>> {
        let cooperative = match row {
            EffectRow::Member(member) => member.cooperative,
            EffectRow::Alias(alias) => set.members.get(&alias.to)?.cooperative,
            EffectRow::Listing(listing) => listing.cooperative,
            EffectRow::StockEntry(entry) => set.listings.get(&entry.listing)?.cooperative,
            EffectRow::Order(order) => order.cooperative,
        };
        let mut buckets = vec![Bucket::Coop(cooperative)];
        if let EffectRow::Order(Order { buyer_cooperative: Some(buyer), .. }) = row
            && *buyer != cooperative
        {
            buckets.push(Bucket::Coop(*buyer));
        }
        Some(buckets)
    }

    /// Writes everything, and notes what the feed has to ask nobody about because it was made here.
    pub(super) async fn write(
        &mut self,
        conn: &mut PgConnection,
        deps: &Deps,
        existing: &Existing,
    ) -> Result<(), sqlx::Error> {
        let at = deps.clock.now();
        let now = at.to_sqlx();
        if !self.members.is_empty() {
            write_members(conn, self.members.values(), now).await?;
        }
        if !self.aliases.is_empty() {
            write_aliases(conn, self.aliases.values()).await?;
        }
        if !self.listings.is_empty() {
            write_listings(conn, self.listings.values(), now).await?;
        }
        let is_new = |order: &&(Order, _)| !existing.orders.contains(&order.0.id);
        let new = self.orders.values().filter(is_new);
        if !self.entries.is_empty() || new.clone().next().is_some() {
            let recorded_at_s = Some(at.as_second());
            let told = new.clone().filter(|(order, _)| !self.unconfirmed.contains(&order.id));
            let told = told.map(|(order, _)| Order { recorded_at_s, ..order.clone() });
            // The database is asked first, and worked for while it works.
            let (added, (entries, orders)) = tokio::join!(
                biased;
                write_sales(conn, self.entries.values(), new, now),
                async {
                    let entries = self.entries.iter().map(|(id, (entry, _))| (*id, (entry.key(), entry.to_fields())));
                    let orders = told.map(|order| (order.key(), order.to_fields()));
                    (entries.collect::<HashMap<_, _>>(), orders.collect::<Vec<_>>())
                }
            );
            for id in added? {
                if let Some((key, fields)) = entries.get(&id) {
                    self.touched.made(StockEntry::NUMBER, *key, fields);
                }
            }
            orders.iter().for_each(|(key, fields)| self.touched.made(Order::NUMBER, *key, fields));
        }
        // One that is new and was made short in the same batch gets its mark with those that are known.
        let is_changed =
            |order: &&(Order, Option<Uuid>)| !is_new(order) || self.made_short.contains_key(&order.0.id);
        let known = self.orders.values().filter(is_changed).map(|(order, _)| order);
        if known.clone().next().is_some() {
            change_orders(conn, known, &self.made_short).await?;
        }
        Ok(())
    }

    /// Runs each table's statement, also where there is nothing to write.
    pub(super) async fn write_whatever(
        &self,
        conn: &mut PgConnection,
        deps: &Deps,
    ) -> Result<(), sqlx::Error> {
        let now = deps.clock.now().to_sqlx();
        write_members(conn, self.members.values(), now).await?;
        write_aliases(conn, self.aliases.values()).await?;
        write_listings(conn, self.listings.values(), now).await?;
        write_sales(conn, self.entries.values(), self.orders.values(), now).await?;
        change_orders(conn, self.orders.values().map(|(order, _)| order), &self.made_short).await
    }
}

/// Gathers one column of a statement's arrays.
macro_rules! column {
    ($rows:ident, $row:pat => $value:expr) => {
        $rows.clone().map(|$row| $value).collect::<Vec<_>>()
    };
}

/// The same, where a value may not fit its column.
macro_rules! fitting_column {
    ($rows:ident, $row:pat => $value:expr) => {
        $rows.clone().map(|$row| $value).collect::<Result<Vec<_>, sqlx::Error>>()?
    };
}

async fn write_members<'a>(
    conn: &mut PgConnection,
    rows: impl Iterator<Item = &'a Member> + Clone,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    q("INSERT INTO members AS m (id, cooperative_id, name, phone, language, registered_at_s, recorded_at)
        SELECT t.*, $7 FROM unnest($1::uuid[], $2::int[], $3::text[], $4::bigint[], $5::text[], $6::bigint[]) AS t
        ON CONFLICT (id) DO UPDATE SET name = excluded.name, language = excluded.language")
    .bind(column!(rows, m => m.id.0))
    .bind(fitting_column!(rows, m => int(m.cooperative.0)))
    .bind(column!(rows, m => m.name.as_str()))
    .bind(fitting_column!(rows, m => phone(m.phone)))
    .bind(column!(rows, m => m.language.as_str()))
    .bind(column!(rows, m => m.registered_at_s))
    .bind(now)
    .execute(conn)
    .await?;
    Ok(())
}

async fn write_aliases<'a>(
    conn: &mut PgConnection,
    rows: impl Iterator<Item = &'a (Alias, CooperativeId)> + Clone,
) -> Result<(), sqlx::Error> {
    q("INSERT INTO member_aliases (from_id, to_id, cooperative_id)
        SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[])
        ON CONFLICT (from_id) DO UPDATE SET to_id = excluded.to_id")
    .bind(column!(rows, (a, _) => a.from.0))
    .bind(column!(rows, (a, _) => a.to.0))
    .bind(fitting_column!(rows, (_, cooperative) => int(cooperative.0)))
    .execute(conn)
    .await?;
    Ok(())
}

async fn write_listings<'a>(
    conn: &mut PgConnection,
    rows: impl Iterator<Item = &'a Listing> + Clone,
    now: Timestamp,
) -> Result<(), sqlx::Error> {
    // A new one's prices are all known from here on.
    q("INSERT INTO listings (id, cooperative_id, commodity_id, unit_id, title, price_minor, currency, seller_id, status,
            posted_at_s, recorded_at, prices_whole)
        SELECT t.*, $11, true FROM unnest($1::uuid[], $2::int[], $3::int[], $4::int[], $5::text[], $6::bigint[], $7::text[],
            $8::uuid[], $9::int[], $10::bigint[]) AS t
        ON CONFLICT (id) DO UPDATE SET title = excluded.title, price_minor = excluded.price_minor,
            currency = excluded.currency, seller_id = excluded.seller_id, status = excluded.status")
    .bind(column!(rows, l => l.id.0))
    .bind(fitting_column!(rows, l => int(l.cooperative.0)))
    .bind(fitting_column!(rows, l => int(l.commodity.0)))
    .bind(fitting_column!(rows, l => int(l.unit.0)))
    .bind(column!(rows, l => l.title.as_str()))
    .bind(column!(rows, l => l.price_minor))
    .bind(column!(rows, l => l.currency.as_str()))
    .bind(column!(rows, l => l.seller.map(|seller| seller.0)))
    .bind(fitting_column!(rows, l => int(l.status.code())))
    .bind(column!(rows, l => l.posted_at_s))
    .bind(now)
    .execute(&mut *conn)
    .await?;
    q("INSERT INTO listing_prices (listing_id, price_minor) SELECT * FROM unnest($1::uuid[], $2::bigint[]) ON CONFLICT DO NOTHING")
        .bind(column!(rows, l => l.id.0))
        .bind(column!(rows, l => l.price_minor))
        .execute(conn)
        .await?;
    Ok(())
}

/// Adds entries and new orders, which nearly always come together. Returns the entries that were not there yet.
async fn write_sales<'a>(
    conn: &mut PgConnection,
    entries: impl Iterator<Item = &'a (StockEntry, CooperativeId)> + Clone,
    orders: impl Iterator<Item = &'a (Order, Option<Uuid>)> + Clone,
    now: Timestamp,
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
    .bind(now)
    .bind(column!(entries, (e, _) => e.id.of))
    .bind(fitting_column!(entries, (e, _) => int(e.id.step)))
    .bind(column!(entries, (e, _) => e.listing.0))
    .bind(fitting_column!(entries, (_, cooperative) => int(cooperative.0)))
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
    .bind(column!(orders, (_, user) => *user))
    .bind(column!(orders, (o, _) => o.odd_price))
    .fetch_one(conn)
    .await?;
    let cells = Cells::of("stock_entries", &added);
    let (of, steps): (Vec<Uuid>, Vec<i32>) = (cells.get(0)?, cells.get(1)?);
    let id = |(of, step)| Ok(EntryId { of, step: u32::try_from(step).map_err(|_| cells.misfit(1))? });
    of.into_iter().zip(steps).map(id).collect()
}

/// What changes of an order that is there, along the orders' key, however many: its other columns stay.
async fn change_orders<'a>(
    conn: &mut PgConnection,
    orders: impl Iterator<Item = &'a Order> + Clone,
    made_short: &BTreeMap<OrderId, Uuid>,
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
    .bind(column!(orders, o => o.id.0))
    .bind(fitting_column!(orders, o => holder(o)))
    .bind(fitting_column!(orders, o => int(o.status.code())))
    .bind(column!(orders, o => made_short.get(&o.id).copied()))
    .execute(conn)
    .await?;
    Ok(())
}

/// Whose units an order spends, as a column.
fn holder(order: &Order) -> Result<Option<i32>, sqlx::Error> {
    order.holder.map(|holder| int(holder.code())).transpose()
}

//! Fills the working set of a batch: one query for each table, whatever the batch's size, and the locks that make it safe.
//!
//! Rows that a batch may change are locked in the order of their table's name and their id: listings, members, orders. Whoever
//! changes a listing's stock or makes an order of it holds the listing's lock, so what is read after that lock stays true until
//! the commit.

use super::may_come::{Unknown, may_come};
use crate::db::int;
use crate::db::{any_of, q};
use crate::rows::{self, Cells, phone, step_milli};
use sqlx::PgConnection;
use std::collections::{BTreeSet, HashMap, HashSet};
use sync_protocol::ids::{CommodityId, CooperativeId, Holder, ListingId, MemberId, OrderId, UnitId};
use sync_protocol::market::{EntryId, Needs, OrderStatus, WorkingSet};
use sync_protocol::units::Quantity;
use uuid::Uuid;

/// What a batch asks for.
#[derive(Default)]
pub(super) struct Wanted {
    /// What its commands read.
    pub(super) needs: Needs,
    /// Orders that are there already, if they are anywhere: their listings are needed too.
    pub(super) known_orders: BTreeSet<Uuid>,
    /// The batch's own commands.
    pub(super) ids: Vec<Uuid>,
    /// Listings and commands whose stock entries may be there already.
    pub(super) repeated: BTreeSet<Uuid>,
    /// Whether the batch is an edge's, which waits for listings that may come. People at the hub are told that there is none.
    pub(super) is_of_edge: bool,
    /// Listings with prices at which their units were sold.
    pub(super) sold_at: BTreeSet<(ListingId, i64)>,
    /// Whether listings that somebody else holds are left out instead of waited for.
    pub(super) passes_over: bool,
}

impl Wanted {
    /// Everything that can be asked for, by ids that nothing has. What is asked in one of two ways is asked in both.
    pub(super) fn of_nothing(cooperative: CooperativeId) -> [Self; 2] {
        let nil = Uuid::nil();
        let one = || {
            let mut wanted = Self { is_of_edge: true, ..Self::default() };
            wanted.needs.listings.insert(ListingId(nil));
            wanted.needs.orders.insert(OrderId(nil));
            wanted.needs.members.insert(MemberId(nil));
            wanted.needs.commodities.insert(CommodityId(0));
            wanted.needs.units.insert(UnitId(0));
            wanted.known_orders.insert(nil);
            // Another than that of the listing, which would count as being made.
            wanted.repeated.insert(Uuid::max());
            wanted
        };
        let mut other = one();
        other.needs.phones.insert((cooperative, 0));
        other.needs.orders_of.insert(ListingId(nil));
        other.passes_over = true;
        [one(), other]
    }

    /// What the set lacks of it. Not what the batch itself is to make: that is new as a rule, and nobody else brings it.
    fn unknown(&self, set: &WorkingSet) -> Unknown {
        let is_made = |id: &ListingId| self.repeated.contains(&id.0);
        let asked = self.needs.listings.iter().filter(|_| self.is_of_edge);
        let listings = asked.filter(|id| !set.listings.contains_key(id) && !is_made(id));
        let orders = self.known_orders.iter().filter(|id| !set.orders.contains_key(&OrderId(**id)));
        Unknown { listings: listings.map(|id| id.0).collect(), orders: orders.copied().collect() }
    }
}

/// What was there before the batch.
#[derive(Default)]
pub(super) struct Existing {
    /// Stock entries of [`Wanted::repeated`].
    pub(super) entries: HashMap<EntryId, Quantity>,
    /// Orders of those that were asked for; any other is new.
    pub(super) orders: HashSet<OrderId>,
}

/// Reads and locks what the batch asks for.
pub(super) async fn load(
    conn: &mut PgConnection,
    wanted: &Wanted,
) -> Result<(WorkingSet, Existing), sqlx::Error> {
    let (mut set, mut existing) = (WorkingSet::default(), Existing::default());
    let needs = &wanted.needs;
    let mut listings: BTreeSet<Uuid> = needs.listings.iter().chain(&needs.orders_of).map(|id| id.0).collect();
    if !wanted.known_orders.is_empty() {
        listings.extend(listings_of(conn, &wanted.known_orders).await?);
    }
    let listings: Vec<Uuid> = listings.into_iter().collect();
    if !listings.is_empty() {
        lock_listings(conn, &listings, wanted.passes_over, &mut set).await?;
        let sold_at = wanted.sold_at.iter().filter(|(listing, price)| set.never_stood_at(*listing, *price));
        let sold_at: Vec<_> = sold_at.copied().collect();
        if !sold_at.is_empty() {
            earlier_prices(conn, &sold_at, &mut set).await?;
        }
    }
    members(conn, needs, &mut set).await?;
    if !needs.orders.is_empty() || !needs.orders_of.is_empty() {
        lock_orders(conn, needs, &mut set).await?;
        leave_out_what_came_since(wanted, &mut set);
        existing.orders.extend(set.orders.keys());
    }
    let unknown = wanted.unknown(&set);
    if !unknown.is_empty() {
        set.may_come = may_come(conn, &unknown, &wanted.ids).await?;
    }
    if !listings.is_empty() {
        stock(conn, &listings, &mut set).await?;
    }
    let entries_of: BTreeSet<Uuid> = wanted.repeated.union(&needs.entries_of).copied().collect();
    if !entries_of.is_empty() {
        set.entries_of.extend(needs.entries_of.iter().map(|of| (*of, Vec::new())));
        entries(conn, entries_of, &mut set, &mut existing).await?;
    }
    reference(conn, needs, &mut set).await?;
    Ok((set, existing))
}

/// An order that was not there yet when its listing was looked for, so that this is neither known nor locked, counts as one that may come.
fn leave_out_what_came_since(wanted: &Wanted, set: &mut WorkingSet) {
    let listings = &set.listings;
    set.orders
        .retain(|id, order| !wanted.known_orders.contains(&id.0) || listings.contains_key(&order.listing));
}

/// An order never changes its listing, so this needs no lock.
async fn listings_of(conn: &mut PgConnection, orders: &BTreeSet<Uuid>) -> Result<Vec<Uuid>, sqlx::Error> {
    let orders: Vec<Uuid> = orders.iter().copied().collect();
    let rows = q(concat!("SELECT DISTINCT listing_id FROM orders WHERE id = ", any_of!(1, "uuid")))
        .bind(orders)
        .fetch_all(conn)
        .await?;
    rows.iter().map(|row| Cells::of("orders", row).get(0)).collect()
}

macro_rules! lock_listings {
    () => {
        concat!("SELECT l.id, l.cooperative_id, l.commodity_id, l.unit_id, l.title, l.price_minor, l.currency, l.seller_id, l.status,
            l.posted_at_s, l.prices_whole, u.base, u.factor_milli, l.cooperative_id IN (SELECT cooperative_id FROM awaited_offices WHERE NOT rows_came)
        FROM listings l JOIN units u ON u.id = l.unit_id WHERE l.id = ", any_of!(1, "uuid"), " ORDER BY l.id FOR NO KEY UPDATE OF l")
    };
}

async fn lock_listings(
    conn: &mut PgConnection,
    ids: &[Uuid],
    passes_over: bool,
    set: &mut WorkingSet,
) -> Result<(), sqlx::Error> {
    let sql = if passes_over { concat!(lock_listings!(), " SKIP LOCKED") } else { lock_listings!() };
    let rows = q(sql).bind(ids).fetch_all(conn).await?;
    for row in &rows {
        let listing = rows::listing(row)?;
        if Cells::of("listings", row).get(10)? {
            set.priced.insert(listing.id);
        }
        if Cells::of("awaited_offices", row).get(13)? {
            set.awaited.insert(listing.id);
        }
        set.units.insert(listing.unit, step_milli(row)?.unwrap_or(1));
        set.put_listing(listing);
    }
    Ok(())
}

/// Which of the prices that sales name their listings have had before. Hardly ever another than today's, so this is hardly asked.
pub(super) async fn earlier_prices(
    conn: &mut PgConnection,
    sold_at: &[(ListingId, i64)],
    set: &mut WorkingSet,
) -> Result<(), sqlx::Error> {
    let (listings, prices): (Vec<Uuid>, Vec<i64>) =
        sold_at.iter().map(|(listing, price)| (listing.0, *price)).unzip();
    let rows = q("SELECT p.listing_id, p.price_minor FROM unnest($1::uuid[], $2::bigint[]) AS s (listing_id, price_minor)
        JOIN listing_prices p ON p.listing_id = s.listing_id AND p.price_minor = s.price_minor")
    .bind(listings)
    .bind(prices)
    .fetch_all(conn)
    .await?;
    for row in &rows {
        let cells = Cells::of("listing_prices", row);
        set.prices.insert((ListingId(cells.get(0)?), cells.get(1)?));
    }
    Ok(())
}

/// Members by id and by number, and the aliases through which ids resolve. Locked only where one is registered.
async fn members(conn: &mut PgConnection, needs: &Needs, set: &mut WorkingSet) -> Result<(), sqlx::Error> {
    let sellers = set.listings.values().filter_map(|listing| listing.seller);
    let asked: BTreeSet<Uuid> = needs.members.iter().copied().chain(sellers).map(|id| id.0).collect();
    if !asked.is_empty() {
        let asked: Vec<Uuid> = asked.into_iter().collect();
        let rows = q("SELECT from_id, to_id FROM member_aliases WHERE from_id = ANY($1)")
            .bind(asked)
            .fetch_all(&mut *conn)
            .await?;
        for row in &rows {
            let cells = Cells::of("member_aliases", row);
            set.aliases.insert(MemberId(cells.get(0)?), MemberId(cells.get(1)?));
        }
    }
    let ids: BTreeSet<Uuid> = needs.members.iter().flat_map(|id| [id.0, set.resolve(*id).0]).collect();
    let ids: Vec<Uuid> = ids.into_iter().collect();
    let rows = if needs.phones.is_empty() {
        if ids.is_empty() {
            return Ok(());
        }
        q("SELECT id, cooperative_id, name, phone, language, registered_at_s FROM members WHERE id = ANY($1)")
            .bind(ids)
            .fetch_all(conn)
            .await?
    } else {
        let (mut cooperatives, mut phones) = (Vec::new(), Vec::new());
        for (cooperative, number) in &needs.phones {
            // A number that fits no column is no number; the command's own check refuses it.
            if let Ok(number) = phone(*number) {
                cooperatives.push(int(cooperative.0)?);
                phones.push(number);
            }
        }
        q("SELECT id, cooperative_id, name, phone, language, registered_at_s FROM members
            WHERE id = ANY($1 || ARRAY(SELECT m.id FROM members m
                JOIN unnest($2::int[], $3::bigint[]) AS p (cooperative_id, phone)
                ON m.cooperative_id = p.cooperative_id AND m.phone = p.phone))
            ORDER BY id FOR NO KEY UPDATE")
        .bind(ids)
        .bind(cooperatives)
        .bind(phones)
        .fetch_all(conn)
        .await?
    };
    for row in &rows {
        set.put_member(rows::member(row)?);
    }
    Ok(())
}

macro_rules! orders {
    () => {
        "SELECT id, listing_id, cooperative_id, quantity_milli, unit_price_minor, currency, holder, buyer_phone, buyer_name,
             buyer_cooperative_id, status, channel, placed_at_s, odd_price, short_by,
             status = 3 AND EXISTS (SELECT FROM commands c WHERE c.id = orders.id AND c.short) FROM orders WHERE "
    };
}

async fn lock_orders(
    conn: &mut PgConnection,
    needs: &Needs,
    set: &mut WorkingSet,
) -> Result<(), sqlx::Error> {
    set.orders_of.extend(needs.orders_of.iter().map(|listing| (*listing, Default::default())));
    let ids: Vec<Uuid> = needs.orders.iter().map(|id| id.0).collect();
    let of: Vec<Uuid> = needs.orders_of.iter().map(|id| id.0).collect();
    let query = if of.is_empty() {
        q(concat!(orders!(), "id = ", any_of!(1, "uuid"), " ORDER BY id FOR NO KEY UPDATE")).bind(ids)
    } else {
        q(concat!(
            orders!(),
            "id = ANY($1 || ARRAY(SELECT o.id FROM orders o WHERE o.listing_id = ANY($2) AND o.status IN ($3, $4)))
             ORDER BY id FOR NO KEY UPDATE"
        ))
        .bind(ids)
        .bind(of)
        .bind(OrderStatus::Confirmed.code() as i32)
        .bind(OrderStatus::Short.code() as i32)
    };
    let rows = query.fetch_all(conn).await?;
    for row in &rows {
        let order = rows::order(row)?;
        if let Some(count) = Cells::of("orders", row).get(14)? {
            set.made_short.insert(order.id, count);
        }
        if Cells::of("orders", row).get(15)? {
            set.sold_beyond.insert(order.id);
        }
        set.put_order(order);
    }
    Ok(())
}

/// What each holder has of each listing: the sum of its entries, read after the listings' locks.
async fn stock(conn: &mut PgConnection, listings: &[Uuid], set: &mut WorkingSet) -> Result<(), sqlx::Error> {
    let rows = q(concat!(
        "SELECT listing_id, holder, total(quantity_milli) FROM stock_entries WHERE listing_id = ",
        any_of!(1, "uuid"),
        " GROUP BY listing_id, holder"
    ))
    .bind(listings)
    .fetch_all(conn)
    .await?;
    for row in &rows {
        let cells = Cells::of("stock_entries", row);
        let of = (ListingId(cells.get(0)?), Holder::from_code(cells.number(1)?));
        set.stock.insert(of, Quantity(cells.get(2)?));
    }
    Ok(())
}

async fn entries(
    conn: &mut PgConnection,
    of: BTreeSet<Uuid>,
    set: &mut WorkingSet,
    existing: &mut Existing,
) -> Result<(), sqlx::Error> {
    let of: Vec<Uuid> = of.into_iter().collect();
    let rows = q(concat!(
        "SELECT of_id, step, listing_id, holder, quantity_milli, kind FROM stock_entries WHERE of_id = ",
        any_of!(1, "uuid")
    ))
    .bind(of)
    .fetch_all(conn)
    .await?;
    for row in &rows {
        let entry = rows::stock_entry(row)?;
        set.entries.insert(entry.id);
        existing.entries.insert(entry.id, entry.quantity);
        if let Some(entries) = set.entries_of.get_mut(&entry.id.of) {
            entries.push(entry);
        }
    }
    Ok(())
}

/// Which of the commodities and units named exist.
async fn reference(conn: &mut PgConnection, needs: &Needs, set: &mut WorkingSet) -> Result<(), sqlx::Error> {
    // A number beyond the column's range names nothing.
    let known = |id: u32| i32::try_from(id).ok();
    if !needs.commodities.is_empty() {
        let ids: Vec<i32> = needs.commodities.iter().filter_map(|id| known(id.0)).collect();
        let rows = q(concat!("SELECT id FROM commodities WHERE id = ", any_of!(1, "int")))
            .bind(ids)
            .fetch_all(&mut *conn)
            .await?;
        for row in &rows {
            set.commodities.insert(CommodityId(Cells::of("commodities", row).number(0)?));
        }
    }
    if !needs.units.is_empty() {
        let ids: Vec<i32> = needs.units.iter().filter_map(|id| known(id.0)).collect();
        let sql = concat!("SELECT id, base, factor_milli FROM units WHERE id = ", any_of!(1, "int"));
        for row in &q(sql).bind(ids).fetch_all(&mut *conn).await? {
            set.units.insert(UnitId(Cells::of("units", row).number(0)?), step_milli(row)?.unwrap_or(1));
        }
    }
    Ok(())
}

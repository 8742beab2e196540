//! SQL of orders. Who may see an order is part of the query of a list; of a single one the application function decides.

use super::OrderRow;
use crate::db::{Cells, Narrowed, any_of, int, q};
use crate::market::newest::{Newest, RecordedAt};
use crate::tables::{Table, order_columns, step_milli};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use mizili_node::market::orders::OrderFilter;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use std::collections::{HashMap, HashSet};
use sync_protocol::ids::{CooperativeId, ListingId, MemberId, OrderId, UserId};
use sync_protocol::market::{Order, OrderStatus};
use sync_protocol::units::Quantity;
use uuid::Uuid;

/// Whose orders a list may hold: the union of what is set.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Visible {
    /// All of them.
    pub(crate) all: bool,
    /// Those that this cooperative sells.
    pub(crate) cooperative: Option<CooperativeId>,
    /// Those that this account made.
    pub(crate) user: Option<UserId>,
    /// Those of this number.
    pub(crate) phone: Option<u64>,
}

/// What a list is narrowed to. Cooperatives are kept by Postgres' `int`.
pub(crate) type Filter = OrderFilter<OrderStatus, i32>;

macro_rules! select_order {
    ($with:literal, $from:literal, $tail:literal) => {
        concat!(
            $with,
            " SELECT ",
            order_columns!(),
            ", o.buyer_user_id,
                     (extract(epoch FROM o.recorded_at) * 1000000)::bigint AS recorded_at_us,
                     CASE WHEN l.title = '' THEN c.name ELSE l.title END AS product, u.code AS unit, u.base, u.factor_milli,
                     coalesce((SELECT NOT a.phone_confirmed FROM users a WHERE a.id = o.buyer_user_id), false) AS buyer_unconfirmed
              FROM ",
            $from,
            " o JOIN listings l ON l.id = o.listing_id
                JOIN commodities c ON c.id = l.commodity_id
                JOIN units u ON u.id = l.unit_id ",
            $tail
        )
    };
}

fn order_of(row: &PgRow) -> Result<OrderRow, sqlx::Error> {
    let (product, unit) = (row.try_get("product")?, row.try_get("unit")?);
    let buyer_unconfirmed = row.try_get("buyer_unconfirmed")?;
    let buyer_user = row.try_get("buyer_user_id")?;
    let step_milli = step_milli(row)?.unwrap_or(1);
    Ok(OrderRow {
        order: Order::read(&Cells::of(Order::TABLE, row))?,
        product,
        unit,
        step_milli,
        buyer_user,
        buyer_unconfirmed,
    })
}

fn listed(row: &PgRow) -> Result<(Newest, OrderRow), sqlx::Error> {
    let order = order_of(row)?;
    let recorded_at = RecordedAt::of_row(row.try_get("recorded_at_us")?);
    Ok(((recorded_at, order.order.id.0), order))
}

/// One order.
pub(crate) async fn get(conn: &mut PgConnection, id: Uuid) -> Result<Option<OrderRow>, sqlx::Error> {
    const SQL: &str = select_order!("", "orders", "WHERE o.id = $1");
    q(SQL).bind(id).fetch_optional(conn).await?.as_ref().map(order_of).transpose()
}

/// Orders that somebody may see, newest first by when the hub recorded them, after a key, at least so many where there are.
pub(crate) async fn list(
    conn: &mut PgConnection,
    visible: &Visible,
    filter: &Filter,
    after: Option<Newest>,
    rows: i64,
) -> Result<Vec<(Newest, OrderRow)>, sqlx::Error> {
    let after = match after.map(|(at, id)| Timestamp::from_microsecond(at.microseconds()).map(|at| (at, id)))
    {
        // Nothing is that old or that new.
        Some(Err(_)) => return Ok(Vec::new()),
        Some(Ok(key)) => Some(key),
        None => None,
    };
    text(visible, filter, after, rows)?.fetch_all(conn).await?.iter().map(listed).collect()
}

/// Each way in which an order may be visible is a walk along an index that stops after a page; the page is cut of them all.
fn text(
    visible: &Visible,
    filter: &Filter,
    after: Option<(Timestamp, Uuid)>,
    rows: i64,
) -> Result<Narrowed, sqlx::Error> {
    let mut text = Narrowed::of(
        "WITH page AS MATERIALIZED (SELECT DISTINCT ON (recorded_at, id) * FROM (SELECT * FROM orders WHERE false",
    );
    let branch = |text: Narrowed| text.then(" UNION ALL (SELECT * FROM orders WHERE ");
    let end = |text: Narrowed| narrowed(text, filter, after).at_least(NEWEST, rows).then(")");
    if visible.all {
        text = end(branch(text).then("true"));
    }
    if let Some(cooperative) = visible.cooperative.filter(|_| !visible.all) {
        text = end(branch(text).with("cooperative_id = ?", int(cooperative.0)?));
    }
    if let Some(user) = visible.user.filter(|_| !visible.all) {
        text = end(branch(text).with("buyer_user_id = ?", user.0));
    }
    if let Some(phone) = visible.phone.filter(|_| !visible.all) {
        text = end(branch(text).with("buyer_phone = ?", phone.cast_signed()));
    }
    let text = text.then(") seen").at_least(NEWEST, rows).then(")");
    Ok(text.then(select_order!("", "page", "ORDER BY o.recorded_at DESC, o.id DESC")))
}

/// The order of a list, up to where it is cut.
const NEWEST: &str = " ORDER BY recorded_at DESC, id DESC LIMIT";

fn narrowed(text: Narrowed, filter: &Filter, after: Option<(Timestamp, Uuid)>) -> Narrowed {
    let text = text
        .maybe(" AND status = ?", filter.status.map(|status| status.code().cast_signed()))
        .rarely(" AND listing_id = ?", filter.product)
        .rarely(" AND cooperative_id = ?", filter.cooperative);
    match after {
        Some((at, id)) => text.with(" AND (recorded_at, id) < (?,", at.to_sqlx()).with(" ?)", id),
        None => text,
    }
}

/// The names of what a product is and how it is measured, as they stand now.
pub(crate) struct Named {
    pub(crate) commodity: String,
    pub(crate) unit: String,
    /// The steps in which the unit can be had, in thousandths.
    pub(crate) step_milli: i64,
}

/// For whoever met an id that is not kept in the process.
pub(crate) async fn named(conn: &mut PgConnection, commodity: i32, unit: i32) -> Result<Named, sqlx::Error> {
    let sql = "SELECT c.name, u.code, u.base, u.factor_milli FROM commodities c, units u WHERE c.id = $1 AND u.id = $2";
    let row = q(sql).bind(commodity).bind(unit).fetch_one(conn).await?;
    let step_milli = step_milli(&row)?.unwrap_or(1);
    Ok(Named { commodity: row.try_get("name")?, unit: row.try_get("code")?, step_milli })
}

/// Which of these products there are, whoever holds them.
pub(crate) async fn there_are(
    conn: &mut PgConnection,
    listings: &[Uuid],
) -> Result<HashSet<ListingId>, sqlx::Error> {
    let sql = concat!("SELECT id FROM listings WHERE id = ", any_of!(1, "uuid"));
    let rows = q(sql).bind(listings).fetch_all(conn).await?;
    rows.iter().map(|row| Ok(ListingId(row.try_get("id")?))).collect()
}

/// Members' numbers: E.164 without the plus sign.
pub(crate) async fn phones_of(
    conn: &mut PgConnection,
    members: &[Uuid],
) -> Result<HashMap<MemberId, u64>, sqlx::Error> {
    let sql = concat!("SELECT id, phone FROM members WHERE id = ", any_of!(1, "uuid"));
    let rows = q(sql).bind(members).fetch_all(conn).await?;
    rows.iter()
        .map(|row| Ok((MemberId(row.try_get("id")?), row.try_get::<i64, _>("phone")?.cast_unsigned())))
        .collect()
}

/// Orders of anything that accounts have not got yet, with the accounts locked: of two orders at once the second sees the first. Nobody
/// who holds another row of the market waits for an account.
pub(crate) async fn lock_and_count_open(
    conn: &mut PgConnection,
    users: &[Uuid],
) -> Result<HashMap<UserId, i64>, sqlx::Error> {
    q(concat!("SELECT 1 FROM users WHERE id = ", any_of!(1, "uuid"), " ORDER BY id FOR NO KEY UPDATE"))
        .bind(users)
        .fetch_all(&mut *conn)
        .await?;
    count_open(conn, users).await
}

/// Orders that accounts made and that are not fetched, cancelled or refused yet; of an account that has none nothing is said.
pub(crate) async fn count_open(
    conn: &mut PgConnection,
    users: &[Uuid],
) -> Result<HashMap<UserId, i64>, sqlx::Error> {
    let sql = concat!(
        "SELECT buyer_user_id, count(*) AS open FROM orders WHERE buyer_user_id = ",
        any_of!(1, "uuid"),
        " AND status = ANY($2) GROUP BY buyer_user_id"
    );
    let rows = q(sql).bind(users).bind(&open_codes()[..]).fetch_all(conn).await?;
    rows.iter().map(|row| Ok((UserId(row.try_get("buyer_user_id")?), row.try_get("open")?))).collect()
}

/// Units of products, which the caller has locked, that all accounts together have ordered and not got yet whom nobody has confirmed.
pub(crate) async fn reserved(
    conn: &mut PgConnection,
    listings: &[Uuid],
) -> Result<HashMap<ListingId, Quantity>, sqlx::Error> {
    let sql = concat!(
        "SELECT o.listing_id, total(o.quantity_milli) AS reserved_milli
        FROM orders o JOIN users u ON u.id = o.buyer_user_id AND NOT u.phone_confirmed AND u.role IN ('buyer', 'farmer')
        WHERE o.listing_id = ",
        any_of!(1, "uuid"),
        " AND o.status = ANY($2) GROUP BY o.listing_id"
    );
    let rows = q(sql).bind(listings).bind(&open_codes()[..]).fetch_all(conn).await?;
    let reserved =
        |row: &PgRow| Ok((ListingId(row.try_get("listing_id")?), Quantity(row.try_get("reserved_milli")?)));
    rows.iter().map(reserved).collect()
}

/// How orders stand that were not fetched yet.
fn open_codes() -> [i32; 3] {
    [OrderStatus::Asked, OrderStatus::Confirmed, OrderStatus::Short].map(|status| status.code().cast_signed())
}

/// The orders that an account made: each with the cooperatives where it stands, the seller's and the buyer's where that is another.
pub(crate) async fn places_of_orders_by(
    conn: &mut PgConnection,
    account: UserId,
) -> Result<Vec<(OrderId, CooperativeId, Option<CooperativeId>)>, sqlx::Error> {
    let sql = "SELECT id, cooperative_id, buyer_cooperative_id FROM orders WHERE buyer_user_id = $1";
    let rows = q(sql).bind(account.0).fetch_all(conn).await?;
    let cooperative = |id: i32| CooperativeId(id.cast_unsigned());
    let place = |row: &PgRow| {
        let buyer: Option<i32> = row.try_get("buyer_cooperative_id")?;
        Ok((OrderId(row.try_get("id")?), cooperative(row.try_get("cooperative_id")?), buyer.map(cooperative)))
    };
    rows.iter().map(place).collect()
}

//! Orders as this office sees them: every one of its cooperative, with those that the hub refused, which must not vanish from
//! the screen that made them. Reading only; see `place.rs` for the rest.

use super::me::Me;
use super::names::Names;
use crate::commands::{self, ListKey, RecordOrder, RefusedOrder, key_of_refused};
use crate::db::DbError;
use crate::http::problem::ApiError;
use crate::local_api::Caller;
use crate::node;
use crate::replica;
use crate::state::AppState;
use crate::text::{Lang, office as words};
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use mizili_node::api::{Money, Page};
use mizili_node::id::PathId;
use mizili_node::market::orders::{Order as OrderJson, OrderFilter, OrderQuery};
use mizili_node::query::{NoParams, Params};
use mizili_node::text::{money, phone_text, rfc3339};
use rusqlite::Connection;
use sync_protocol::ids::{Holder, ListingId};
use sync_protocol::market::{Order, OrderStatus};
use sync_protocol::row::Key;
use sync_protocol::units::{Currency, Quantity, total_minor};
use uuid::Uuid;

/// The status of an order that the hub refused.
const REFUSED: &str = "refused";

/// The words of a status.
const STATUSES: &str = "asked, confirmed, short, cancelled, fulfilled or refused";

/// What a list is narrowed to. Cooperatives are kept by their numbers as the hub writes them.
type Filter = OrderFilter<String, u32>;

/// An order of the list, before it is shown, with its place there.
enum Entry {
    Standing(ListKey, Box<Order>),
    Refused(ListKey, Box<RefusedOrder>),
}

impl Entry {
    fn key(&self) -> ListKey {
        match self {
            Self::Standing(key, _) | Self::Refused(key, _) => *key,
        }
    }

    fn show(self, conn: &Connection, names: &mut Names<'_>, lang: Lang) -> Result<OrderJson, ApiError> {
        Ok(match self {
            Self::Standing(_, order) => show(conn, names, &order, lang)?,
            Self::Refused(_, order) => show_refused(conn, names, &order, lang)?,
        })
    }
}

/// List orders
///
/// All that concern this cooperative, newest first, and those of the last 30 days that the hub refused. `asked` is not confirmed:
/// the hub has yet to answer. `synced` says whether the hub has the order as it is shown.
#[utoipa::path(get, path = "/api/v1/orders", operation_id = "list_orders", tag = "Orders", security(("office" = []), ("cookie" = [])), params(OrderQuery),
    responses((status = 200, body = Page<OrderJson>)))]
pub async fn list(
    State(state): State<AppState>,
    _: Caller,
    query: Params<OrderQuery>,
    headers: HeaderMap,
) -> Result<Response, ApiError> {
    let (filter, slice) = query.given.read("office.orders", status_of, STATUSES)?;
    let lang = reader(&headers);
    let page = state.db.read(move |conn| {
        let mut entries = entries(conn, &filter)?;
        entries.sort_unstable_by_key(|entry| std::cmp::Reverse(entry.key()));
        let mut names = Names::in_language(conn, lang);
        slice.cut_whole(entries, Entry::key, |a, b| b.cmp(a), |entry| entry.show(conn, &mut names, lang))
    });
    Ok(page.await?.respond(&query.address))
}

/// The language in which an order's sentence is said: the first of `Accept-Language`.
pub(super) fn reader(headers: &HeaderMap) -> Lang {
    let wanted = headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
    wanted.and_then(|list| Lang::from_code(list.split([',', ';']).next()?)).unwrap_or(Lang::En)
}

fn status_of(word: &str) -> Option<String> {
    (word == REFUSED || OrderStatus::parse(word).is_some()).then(|| word.to_owned())
}

fn entries(conn: &Connection, filter: &Filter) -> Result<Vec<Entry>, ApiError> {
    let cooperative = |id: u32| filter.cooperative.is_none_or(|wanted| wanted == id);
    let mut list = Vec::new();
    if filter.status.as_deref() != Some(REFUSED) {
        let orders = match filter.product {
            Some(listing) => replica::find_readable(conn, Order::LISTING, &ListingId(listing))?,
            None => replica::all_readable::<Order>(conn)?,
        };
        let status = filter.status.as_deref();
        let fits = |order: &Order| {
            status.is_none_or(|word| word == order.status.as_str()) && cooperative(order.cooperative.0)
        };
        let recorded = RecordOrder::load(conn)?;
        let entry = |order: Order| Entry::Standing(recorded.key(&order), Box::new(order));
        list.extend(orders.into_iter().filter(fits).map(entry));
    }
    let is_one = |word: &str| word == REFUSED || word == OrderStatus::Cancelled.as_str();
    if filter.status.as_deref().is_none_or(is_one) {
        let seller = |order: &RefusedOrder| order.cooperative();
        let fits = |order: &RefusedOrder| {
            filter.status.as_deref().is_none_or(|word| word == status(order))
                && filter.product.is_none_or(|listing| listing == order.listing.0)
                && cooperative(seller(order))
        };
        let refused = commands::refused_orders(conn, None)?;
        let entry = |order: RefusedOrder| Entry::Refused(key_of_refused(&order), Box::new(order));
        list.extend(refused.into_iter().filter(fits).map(entry));
    }
    Ok(list)
}

/// See an order
#[utoipa::path(get, path = "/api/v1/orders/{id}", operation_id = "get_order", tag = "Orders", security(("office" = []), ("cookie" = [])),
    params(("id" = Uuid, Path, description = "The order.")),
    responses((status = 200, body = OrderJson)))]
pub async fn get(
    State(state): State<AppState>,
    _: Caller,
    PathId(id): PathId<Uuid>,
    _: Params<NoParams>,
    headers: HeaderMap,
) -> Result<Json<OrderJson>, ApiError> {
    let lang = reader(&headers);
    let order = state.db.read(move |conn| find(conn, id, lang)).await?;
    Ok(Json(order.ok_or_else(|| ApiError::not_found("order"))?))
}

/// One order, standing or refused.
pub(super) fn find(conn: &Connection, id: Uuid, lang: Lang) -> Result<Option<OrderJson>, ApiError> {
    let mut names = Names::in_language(conn, lang);
    if let Some(order) = replica::get::<Order>(conn, Key::Uuid(id))? {
        return Ok(Some(show(conn, &mut names, &order, lang)?));
    }
    let refused = commands::refused_orders(conn, None)?;
    let refused = refused.into_iter().find(|order| order.id.0 == id);
    Ok(refused.map(|order| show_refused(conn, &mut names, &order, lang)).transpose()?)
}

/// An order as it is shown at this office.
pub(super) fn show(
    conn: &Connection,
    names: &mut Names<'_>,
    order: &Order,
    lang: Lang,
) -> Result<OrderJson, DbError> {
    let sent: Option<Order> = replica::get_sent(conn, Key::Uuid(order.id.0))?;
    let waits_for_cancel = order.status == OrderStatus::Cancelled
        && sent.as_ref().is_some_and(|sent| sent.status != OrderStatus::Cancelled);
    let (product, unit) = names.ordered(order.id.0, order.listing)?;
    let step_milli = names.step_of(order.listing)?;
    Ok(OrderJson {
        id: order.id.0,
        product_id: order.listing.0,
        product,
        quantity: order.quantity,
        unit,
        unit_price: money(order.unit_price_minor, order.currency),
        total: money(order.total_minor(), order.currency),
        status: order.status.as_str().to_owned(),
        synced: sent.as_ref() == Some(order),
        channel: order.channel.as_str().to_owned(),
        buyer_phone: phone_text(order.buyer_phone),
        buyer_name: Some(order.buyer_name.clone()).filter(|name| !name.is_empty()),
        buyer_unconfirmed: order.buyer_unconfirmed,
        cooperative_id: order.cooperative.0,
        placed_at: rfc3339(order.placed_at_s),
        reason: waits_for_cancel.then(|| words::say(lang, "order-cancel-waiting", &[])),
        flag: order.flag(step_milli).map(str::to_owned),
    })
}

/// How an order stands that the hub refused.
fn status(order: &RefusedOrder) -> &'static str {
    if order.was_taken_back { OrderStatus::Cancelled.as_str() } else { REFUSED }
}

fn show_refused(
    conn: &Connection,
    names: &mut Names<'_>,
    order: &RefusedOrder,
    lang: Lang,
) -> Result<OrderJson, DbError> {
    let (product, unit) = names.ordered(order.id.0, order.listing)?;
    let currency = match order.currency() {
        Some(currency) => Some(currency),
        None => node::own_currency(conn)?,
    };
    let amount = |minor| amount(minor, currency);
    let reason = words::why::why(lang, order.reason.as_ref(), &unit, currency);
    Ok(OrderJson {
        id: order.id.0,
        product_id: order.listing.0,
        product,
        quantity: order.quantity,
        unit,
        unit_price: amount(order.unit_price_minor),
        total: amount(total_minor(order.quantity, order.unit_price_minor).unwrap_or(i64::MAX)),
        status: status(order).to_owned(),
        synced: true,
        channel: order.channel.as_str().to_owned(),
        buyer_phone: phone_text(order.buyer_phone),
        buyer_name: Some(order.buyer_name.clone()).filter(|name| !name.is_empty()),
        buyer_unconfirmed: false,
        cooperative_id: order.cooperative(),
        placed_at: rfc3339(order.placed_at_s),
        reason: (!order.was_taken_back).then_some(reason),
        flag: None,
    })
}

/// An amount as it is shown; without a currency where this box has not even its own settings yet.
pub(super) fn amount(minor: i64, currency: Option<Currency>) -> Money {
    currency.map_or(Money { amount: minor, currency: String::new() }, |currency| money(minor, currency))
}

/// Open orders of one listing, by what they mean for its stock.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Sold {
    /// Sold and not fetched yet, by any holder.
    pub(super) not_fetched: Quantity,
    /// Whether this office sold more than it had.
    pub(super) short: bool,
}

/// What a holder has sold of a listing that it may not have, or that was not found.
pub(super) fn short_of(conn: &Connection, holder: Holder, listing: ListingId) -> Result<Quantity, DbError> {
    let orders = replica::find(conn, Order::LISTING, &listing)?;
    let is_short = |order: &&Order| order.holder == Some(holder) && order.status == OrderStatus::Short;
    Ok(orders.iter().filter(is_short).fold(Quantity::ZERO, |sum, order| sum.plus(order.quantity)))
}

/// Adds up the orders of a listing.
pub(super) fn sold(conn: &Connection, me: &Me, listing: ListingId) -> Result<Sold, DbError> {
    let mut sum = Sold::default();
    for order in replica::find(conn, Order::LISTING, &listing)? {
        let ours = order.holder == Some(me.holder());
        match order.status {
            OrderStatus::Confirmed => sum.not_fetched = sum.not_fetched.plus(order.quantity),
            OrderStatus::Short => {
                sum.not_fetched = sum.not_fetched.plus(order.quantity);
                sum.short |= ours;
            }
            OrderStatus::Cancelled | OrderStatus::Asked | OrderStatus::Fulfilled | OrderStatus::Other(_) => {}
        }
    }
    Ok(sum)
}

//! Placing and cancelling orders at this office. What the office surely holds is sold at once; for anything else the hub is asked,
//! and the answer says `asked`, never `confirmed`.

use super::attempt::{Attempt, Made};
use super::names::Names;
use super::orders::{amount as money_of, find, reader, show};
use super::sell::reused;
use crate::commands::{self, CommandState, Submission, SubmitError};
use crate::config::Config;
use crate::db::DbError;
use crate::http::answers::NotTaken;
use crate::http::problem::{self, ApiError, Kind};
use crate::local_api::{Caller, phone};
use crate::market_view::{NotHere, not_here};
use crate::node;
use crate::replica;
use crate::state::AppState;
use crate::text::Lang;
use crate::time;
use crate::told;
use axum::Json;
use axum::extract::State;
use axum::http::HeaderMap;
use axum::response::Response;
use mizili_node::body::Body as JsonBody;
use mizili_node::id::PathId;
use mizili_node::market::orders::{NewOrder, OWN_OFFER, Order as OrderJson};
use mizili_node::market::products::in_steps;
use mizili_node::name::tidy;
use mizili_node::openapi::answers::{NotFound, TooLate};
use mizili_node::query::{NoParams, Params};
use mizili_node::text::{money, phone_text, rfc3339};
use rusqlite::{Connection, Transaction};
use sync_protocol::ids::{CommandId, ListingId};
use sync_protocol::market::{
    Body, Certainty, Channel, Listing, Order, OrderCancel, OrderPlace, OrderStatus, Source,
};
use sync_protocol::row::Key;
use sync_protocol::units::total_minor;
use sync_protocol::verdict::{Reject, RejectCode};
use uuid::Uuid;

/// Place an order
///
/// For a buyer at the office. `confirmed`: the office holds the units and has sold them, with or without a line. `asked`: it does
/// not hold enough, so the hub is asked, and may refuse. More than there is anywhere, as far as is known here, is refused at once. Send an `Idempotency-Key` of your own and, when no answer came, send the
/// same request again: it is done once, and the first answer comes again, with `Idempotent-Replay: true`.
#[utoipa::path(post, path = "/api/v1/orders", operation_id = "place_order", tag = "Orders", security(("office" = []), ("cookie" = [])), request_body = NewOrder,
    params(("Idempotency-Key" = String, Header, description = "A text of your own, such as a UUID, the same on every retry.")),
    responses((status = 201, body = OrderJson), NotFound, NotTaken,
        (status = 409, description = "`not_enough` (with `available`): not even with what the hub and other offices hold; `price_changed` (with `unit_price`), `withdrawn`")))]
pub async fn place(
    State(state): State<AppState>,
    caller: Caller,
    _: Params<NoParams>,
    headers: HeaderMap,
    JsonBody(new): JsonBody<NewOrder>,
) -> Result<Response, ApiError> {
    let attempt = Attempt::read(&headers, "POST /api/v1/orders", &caller)?;
    let (deps, config) = (state.deps.clone(), state.config.clone());
    let made = state.db.write(move |tx| {
        let id = attempt.id(tx)?;
        if let Some(stored) = commands::outcome(tx, id)? {
            return repeated(tx, &stored, &new, &config);
        }
        if let Some(order) = replica::get::<Order>(tx, Key::Uuid(id.0))? {
            return placed_before(tx, &order, &new, &config);
        }
        let listing: Option<Listing> = replica::get(tx, Key::Uuid(new.product_id))?;
        let step_milli = match &listing {
            Some(listing) => Names::new(tx).step_milli(listing.unit)?,
            None => 1,
        };
        let body = draft(&new, listing.as_ref(), step_milli, &config)?;
        if let Some(why) = not_here(tx, id, &body, body.buyer_phone)? {
            return Err(refused_here(tx, why, listing.as_ref()));
        }
        let submission =
            Submission { id, actor: caller.actor, body: body.into(), clerk: true, caller_phone: 0 };
        let taken =
            commands::submit(tx, &deps, submission).map_err(|error| refusal(tx, error, listing.as_ref()))?;
        if taken.certainty == Certainty::Record {
            told::receipt(tx, id, &time::now(tx, deps.clock.read())?)?;
        }
        let order: Order = replica::get(tx, Key::Uuid(id.0))?
            .ok_or_else(|| ApiError::internal("a placed order is not there"))?;
        Ok(Made { id: id.0, body: show(tx, &mut Names::new(tx), &order, Lang::En)?, repeated: false })
    });
    Ok(made.await?.respond("/api/v1/orders"))
}

/// The command of a new order, with everything that is wrong with it said at once.
fn draft(
    new: &NewOrder,
    listing: Option<&Listing>,
    step_milli: i64,
    config: &Config,
) -> Result<OrderPlace, ApiError> {
    let mut wrong = Vec::new();
    let buyer_phone = phone::read_optional("/buyer_phone", new.buyer_phone.as_deref(), config)
        .map_err(|problem| wrong.push(problem))
        .ok()
        .flatten()
        .map_or(0, |phone| phone.number());
    if let (Some(price), Some(listing)) = (&new.unit_price, listing) {
        let currency = listing.currency.as_str();
        if !price.currency.eq_ignore_ascii_case(currency) {
            wrong
                .push(problem::field("/unit_price/currency", format!("This product is sold in {currency}.")));
        }
    }
    let today = listing.map_or(1, |listing| listing.price_minor);
    let body = OrderPlace {
        listing: new.product_id,
        quantity_milli: new.quantity.0,
        unit_price_minor: new.unit_price.as_ref().map_or(today, |price| price.amount),
        // The office chooses whose units when it takes the order.
        source: Source::Ask,
        buyer_phone,
        buyer_name: tidy(new.buyer_name.as_deref().unwrap_or_default()),
        channel: Channel::Office.code(),
    };
    wrong.extend(problem::fields(Body::from(body.clone()).check()));
    wrong.extend(in_steps("/quantity", new.quantity, step_milli));
    if wrong.is_empty() { Ok(body) } else { Err(ApiError::fields(wrong)) }
}

/// The first answer again, made from the stored command; or 422 when the key now comes with another order.
fn repeated(
    tx: &Transaction<'_>,
    stored: &CommandState,
    new: &NewOrder,
    config: &Config,
) -> Result<Made<OrderJson>, ApiError> {
    let Ok(Some(Body::OrderPlace(first))) = Body::from_raw(&stored.command.body) else {
        return Err(Kind::IdempotencyKeyReused.error());
    };
    let listing: Option<Listing> = replica::get(tx, Key::Uuid(first.listing))?;
    // What was taken once was right.
    let mut again = draft(new, listing.as_ref(), 1, config)?;
    if new.unit_price.is_none() {
        // The buyer named no price: the one of the first time counts, whatever it is today.
        again.unit_price_minor = first.unit_price_minor;
    }
    if Body::from(again).as_asked() != Body::from(first.clone()).as_asked() {
        return Err(Kind::IdempotencyKeyReused.error());
    }
    let id = stored.command.id.0;
    Ok(Made { id, body: first_answer(tx, stored, &first, listing.as_ref())?, repeated: true })
}

/// What was ordered under this key so long ago, or by a box that was replaced since, that it is in no log any more: as it stands.
fn placed_before(
    tx: &Transaction<'_>,
    order: &Order,
    new: &NewOrder,
    config: &Config,
) -> Result<Made<OrderJson>, ApiError> {
    let listing: Option<Listing> = replica::get(tx, Key::Uuid(order.listing.0))?;
    let again = draft(new, listing.as_ref(), 1, config)?;
    let price = new.unit_price.as_ref().map_or(order.unit_price_minor, |price| price.amount);
    let is_the_same =
        (again.listing, again.quantity_milli, price, again.buyer_phone, again.buyer_name.as_str())
            == (
                order.listing.0,
                order.quantity.0,
                order.unit_price_minor,
                order.buyer_phone,
                order.buyer_name.as_str(),
            );
    if !is_the_same {
        return Err(Kind::IdempotencyKeyReused.error());
    }
    let body = show(tx, &mut Names::new(tx), order, Lang::En)?;
    Ok(Made { id: order.id.0, body, repeated: true })
}

/// What was said when the order was taken.
fn first_answer(
    conn: &Connection,
    stored: &CommandState,
    first: &OrderPlace,
    listing: Option<&Listing>,
) -> Result<OrderJson, DbError> {
    let (product, unit) = Names::new(conn).ordered(stored.command.id.0, ListingId(first.listing))?;
    let quantity = sync_protocol::units::Quantity(first.quantity_milli);
    let thing = commands::thing(conn, stored)?;
    let kept = thing.as_ref().and_then(commands::Thing::currency);
    let currency = match listing.map(|listing| listing.currency).or(kept) {
        Some(currency) => Some(currency),
        None => node::own_currency(conn)?,
    };
    let amount = |minor| money_of(minor, currency);
    let status =
        if stored.certainty == Certainty::Record { OrderStatus::Confirmed } else { OrderStatus::Asked };
    Ok(OrderJson {
        id: stored.command.id.0,
        product_id: first.listing,
        product,
        quantity,
        unit,
        unit_price: amount(first.unit_price_minor),
        total: amount(total_minor(quantity, first.unit_price_minor).unwrap_or(i64::MAX)),
        status: status.as_str().to_owned(),
        synced: false,
        channel: Channel::from_code(first.channel).as_str().to_owned(),
        buyer_phone: phone_text(first.buyer_phone),
        buyer_name: Some(first.buyer_name.clone()).filter(|name| !name.is_empty()),
        buyer_unconfirmed: false,
        cooperative_id: listing
            .map(|listing| listing.cooperative.0)
            .or(thing.map(|thing| thing.cooperative))
            .unwrap_or(0),
        placed_at: rfc3339(stored.command.made_at_s),
        reason: None,
        flag: None,
    })
}

/// Why an order was not taken, with what the buyer needs to know.
fn refusal(conn: &Connection, error: SubmitError, listing: Option<&Listing>) -> ApiError {
    let SubmitError::Rejected(reject) = error else { return error.into() };
    match (reject.code, listing) {
        (RejectCode::NotFound, _) => ApiError::not_found("product"),
        (RejectCode::PriceChanged, Some(listing)) => {
            let now = money(listing.price_minor, listing.currency);
            refused_in(conn, &reject, listing)
                .member("unit_price", serde_json::json!({ "amount": now.amount, "currency": now.currency }))
        }
        (_, Some(listing)) => refused_in(conn, &reject, listing),
        (_, None) => reused(SubmitError::Rejected(reject), false),
    }
}

/// Why an order is not taken here, in words.
fn refused_here(conn: &Connection, why: NotHere, listing: Option<&Listing>) -> ApiError {
    match (why, listing) {
        (NotHere::Only(left), Some(listing)) => {
            refused_in(conn, &Reject::with(RejectCode::NotEnough, [left.to_string()]), listing)
        }
        (NotHere::Only(_), None) => ApiError::not_found("product"),
        (NotHere::Own, _) => ApiError::fields(vec![problem::field("/buyer_phone", OWN_OFFER)]),
    }
}

fn refused_in(conn: &Connection, reject: &Reject, listing: &Listing) -> ApiError {
    // Without its name the unit is left out of the sentence; the refusal itself must not be lost.
    ApiError::refused(reject, &Names::new(conn).unit(listing.unit).unwrap_or_default())
}

/// Cancel an order
///
/// What never left this office is cancelled for certain. Of any other order the hub is asked: until it agrees, `synced` is false,
/// `reason` says so, and its units do not come back. Cancelling twice does no harm.
#[utoipa::path(post, path = "/api/v1/orders/{id}/cancel", operation_id = "cancel_order", tag = "Orders", security(("office" = []), ("cookie" = [])),
    params(("id" = Uuid, Path, description = "The order.")),
    responses((status = 200, body = OrderJson), TooLate, NotTaken))]
pub async fn cancel(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<Uuid>,
    _: Params<NoParams>,
    headers: HeaderMap,
) -> Result<Json<OrderJson>, ApiError> {
    let (deps, lang) = (state.deps.clone(), reader(&headers));
    let order = state.db.write(move |tx| {
        let Some(order) = replica::get::<Order>(tx, Key::Uuid(id))? else {
            return match find(tx, id, lang)? {
                Some(order) if order.status == OrderStatus::Cancelled.as_str() => Ok(order),
                Some(_) => {
                    Err(Kind::TooLate.because("The hub refused this order; there is nothing to cancel."))
                }
                None => Err(ApiError::not_found("order")),
            };
        };
        if order.status != OrderStatus::Cancelled {
            let command = CommandId(deps.ids.uuid_v7());
            let body = OrderCancel::new(id).into();
            commands::submit(
                tx,
                &deps,
                Submission { id: command, actor: caller.actor, body, clerk: true, caller_phone: 0 },
            )?;
        }
        find(tx, id, lang)?.ok_or_else(|| ApiError::not_found("order"))
    });
    Ok(Json(order.await?))
}

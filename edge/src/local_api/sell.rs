//! Offering, changing and withdrawing products at this office. An offer says what was taken in and holds at once; a change is
//! asked of the hub, which may refuse it when somebody else changed the same.

use super::attempt::{Attempt, Made};
use super::me::Me;
use super::names::Names;
use super::products::show;
use crate::commands::{self, Submission, SubmitError};
use crate::http::answers::NotTaken;
use crate::http::problem::{self, ApiError, Kind, field};
use crate::local_api::Caller;
use crate::replica;
use crate::state::AppState;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use mizili_node::body::Body as JsonBody;
use mizili_node::etag::{header_value, require};
use mizili_node::id::PathId;
use mizili_node::market::products::{
    NewProduct, Product, ProductChange, Standing, etag, in_steps, posting, with_etag,
};
use mizili_node::openapi::answers::{NotAllowed, ProductChanged};
use mizili_node::query::{NoParams, Params};
use rusqlite::{Connection, Transaction};
use sync_protocol::ids::CommandId;
use sync_protocol::market::{Body, Commodity, Listing, ListingPost, Unit};
use sync_protocol::row::Key;
use sync_protocol::verdict::RejectCode;
use uuid::Uuid;

/// Offer a product
///
/// Takes produce in for this cooperative. A share of it goes to the hub at once, for phones and the web; this office sells the
/// rest, also without a line. With an `Idempotency-Key`, a retry is done once.
#[utoipa::path(post, path = "/api/v1/products", operation_id = "offer_product", tag = "Products", security(("office" = []), ("cookie" = [])), request_body = NewProduct,
    params(("Idempotency-Key" = Option<String>, Header, description = "A text of your own, the same on every retry.")),
    responses((status = 201, body = Product), NotAllowed, NotTaken))]
pub async fn post(
    State(state): State<AppState>,
    caller: Caller,
    _: Params<NoParams>,
    headers: HeaderMap,
    JsonBody(new): JsonBody<NewProduct>,
) -> Result<Response, ApiError> {
    let attempt = Attempt::read_optional(&headers, "POST /api/v1/products", &caller)?;
    let deps = state.deps.clone();
    let made = state.db.write(move |tx| {
        let me = Me::load(tx)?;
        if new.cooperative_id.is_some_and(|wanted| wanted != me.identity.cooperative.0) {
            return Err(Kind::NotAllowed
                .because("This office sells for its own cooperative only; leave `cooperative_id` out."));
        }
        let id = match &attempt {
            Some(attempt) => attempt.id(tx)?,
            None => CommandId(deps.ids.uuid_v7()),
        };
        let body = posting(commands::listing_of(id), &new, None);
        let listing_id = body.listing;
        let is_repeat = commands::outcome(tx, id)?.is_some();
        if !is_repeat {
            if let Some(product) = posted_before(tx, &me, id, &body)? {
                return Ok(Made { id: listing_id, body: product, repeated: true });
            }
            check_new(tx, &me, &new, &body)?;
        }
        let submission =
            Submission { id, actor: caller.actor, body: body.into(), clerk: true, caller_phone: 0 };
        let done = commands::submit(tx, &deps, submission).map_err(|error| reused(error, is_repeat))?;
        let listing: Listing =
            replica::get(tx, Key::Uuid(listing_id))?.ok_or_else(|| ApiError::not_found("product"))?;
        let product: Product = show(tx, &me, &mut Names::new(tx), &listing)?;
        Ok(Made { id: listing_id, body: product, repeated: done.repeated })
    });
    let made = made.await?;
    let tag = header_value(&etag(&made.body));
    let mut response = made.respond("/api/v1/products");
    // So that it can be changed at once, without being read first.
    response.headers_mut().insert(header::ETAG, tag);
    Ok(response)
}

/// What was posted under this key so long ago, or by a box that was replaced since, that it is in no log any more.
fn posted_before(
    conn: &Connection,
    me: &Me,
    id: CommandId,
    body: &ListingPost,
) -> Result<Option<Product>, ApiError> {
    let Some(listing) = replica::get::<Listing>(conn, Key::Uuid(body.listing))? else { return Ok(None) };
    // Its price and its title may be others by now.
    let looks_alike = (listing.commodity.0, listing.unit.0) == (body.commodity, body.unit);
    if !commands::is_the_same(conn, id, &body.clone().into())?.unwrap_or(looks_alike) {
        return Err(Kind::IdempotencyKeyReused.error());
    }
    Ok(Some(show(conn, me, &mut Names::new(conn), &listing)?))
}

/// An id that is taken by another body means that the key was used before.
pub(super) fn reused(error: SubmitError, is_repeat: bool) -> ApiError {
    match error {
        SubmitError::Rejected(reject) if is_repeat && reject.code == RejectCode::Duplicate => {
            Kind::IdempotencyKeyReused.error()
        }
        other => other.into(),
    }
}

/// Everything that is wrong with a new product, at once.
fn check_new(conn: &Connection, me: &Me, new: &NewProduct, body: &ListingPost) -> Result<(), ApiError> {
    let cooperative = me.cooperative.as_ref().ok_or_else(|| Kind::NotComplete.error())?;
    let mut wrong = problem::fields(Body::from(body.clone()).check());
    if replica::get::<Commodity>(conn, Key::Int(new.commodity_id))?.is_none() {
        wrong.push(field("/commodity_id", "There is no such commodity: see /api/v1/commodities."));
    }
    match replica::get::<Unit>(conn, Key::Int(new.unit_id))? {
        None => wrong.push(field("/unit_id", "There is no such unit: see /api/v1/units.")),
        Some(unit) => wrong.extend(in_steps("/quantity", new.quantity, unit.step_milli())),
    }
    let currency = cooperative.currency.as_str();
    if body.currency != currency && !wrong.iter().any(|w| w.pointer == "/price/currency") {
        wrong.push(field("/price/currency", format!("This cooperative sells in {currency}.")));
    }
    if wrong.is_empty() { Ok(()) } else { Err(ApiError::fields(wrong)) }
}

/// Change a product, or take it off sale
///
/// Send the ETag of the product in `If-Match`. The change shows here at once and is asked of the hub, which may refuse it when
/// somebody else changed the same; see `/api/v1/office/refusals`. Orders made before keep their price.
#[utoipa::path(patch, path = "/api/v1/products/{id}", operation_id = "change_product", tag = "Products", security(("office" = []), ("cookie" = [])), request_body = ProductChange,
    params(("id" = Uuid, Path, description = "The product."), ("If-Match" = String, Header, description = "The product's ETag.")),
    responses((status = 200, body = Product), NotAllowed, ProductChanged, NotTaken))]
pub async fn change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<Uuid>,
    _: Params<NoParams>,
    headers: HeaderMap,
    JsonBody(wanted): JsonBody<ProductChange>,
) -> Result<Response, ApiError> {
    let deps = state.deps.clone();
    let product = state.db.write(move |tx| {
        let me = Me::load(tx)?;
        let listing = read(tx, id)?;
        if listing.cooperative != me.identity.cooperative {
            return Err(
                Kind::NotAllowed.because("This office can change products of its own cooperative only.")
            );
        }
        let standing = Standing {
            listing: id,
            price_minor: listing.price_minor,
            currency: listing.currency.as_str(),
            title: &listing.title,
        };
        let bodies = standing.changed(&wanted)?;
        require(&headers, &etag(&show(tx, &me, &mut Names::new(tx), &listing)?))?;
        for body in bodies {
            let id = CommandId(deps.ids.uuid_v7());
            commands::submit(
                tx,
                &deps,
                Submission { id, actor: caller.actor, body, clerk: true, caller_phone: 0 },
            )?;
        }
        Ok(show(tx, &me, &mut Names::new(tx), &read(tx, id)?)?)
    });
    Ok(with_etag(&product.await?))
}

fn read(tx: &Transaction<'_>, id: Uuid) -> Result<Listing, ApiError> {
    replica::get(tx, Key::Uuid(id))?.ok_or_else(|| ApiError::not_found("product"))
}

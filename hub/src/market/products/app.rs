//! Rules of products. Who may change what, and the commands that do it.
//!
//! Anybody may look. A clerk sells for the own cooperative, an admin for any; a farmer sells as a member of the own cooperative,
//! once an operator vouched for the farmer's number (the member is known by it).

use super::ProductRow;
use super::db::{self, Filter};
use crate::auth::Caller;
use crate::auth::caller::Role;
use crate::error::{self, ApiError, Kind, Problem, field};
use crate::http::idempotency::{Answer, Attempt};
use crate::market::act::{Act, Done, decide, in_one, in_one_under_key};
use crate::market::newest::Newest;
use crate::names::Asked;
use crate::names::kept::Kept;
use crate::state::AppState;
use axum::http::HeaderMap;
use mizili_node::etag::require;
use mizili_node::market::products::{NewProduct, Product, ProductChange, etag, in_steps, posting};
use mizili_node::page::{Cut, Slice};
use sqlx::PgConnection;
use sync_protocol::ids::{CommandId, CooperativeId, derived, hub_born};
use sync_protocol::market::{Actor, ActorKind, Body, ListingPost};
use sync_protocol::verdict::{Reject, RejectCode};
use uuid::Uuid;

/// A page of products.
pub(crate) async fn list(
    state: &AppState,
    filter: &Filter,
    slice: &Slice<Newest>,
) -> Result<Cut<Product>, ApiError> {
    let asked = Asked {
        commodity: filter.commodity.as_ref(),
        crop: filter.crop.as_deref(),
        region: filter.region.as_ref(),
        market: None,
    };
    let (names, meant) = state.names.meant(&state.db, &state.deps, asked).await?;
    let (meant, wanted) = (&meant, slice.fetch());
    let rows = state.db.read(&state.deps, |mut conn| async move {
        db::list(&mut conn, filter, meant, slice.after, wanted).await
    });
    let rows = rows.await?;
    let rows = rows.iter().map(db::listed).collect::<Result<Vec<_>, _>>()?;
    let named = |names: &Kept| {
        rows.iter().map(|row| Some((row.key, row.named(names)?.show()))).collect::<Option<Vec<_>>>()
    };
    Ok(slice.cut(state.names.shown(&state.db, &state.deps, &names, named).await?))
}

/// One product.
pub(crate) async fn get(state: &AppState, id: Uuid) -> Result<Product, ApiError> {
    let row = state.db.read(&state.deps, |mut conn| async move { db::get(&mut conn, id).await }).await?;
    Ok(row.map(ProductRow::show).ok_or_else(|| Problem::not_found("product"))?)
}

/// Takes produce in and offers it. With an attempt's key, a repeat gets the first answer.
pub(crate) async fn post(
    state: &AppState,
    caller: &Caller,
    attempt: Option<&Attempt>,
    new: &NewProduct,
) -> Result<Answer, ApiError> {
    let cooperative = seller_cooperative(caller, new)?;
    // The id is the same on every try, so that one whose commit took effect unseen is recognised.
    let number = state.db.read(&state.deps, |mut conn| async move { db::next_number(&mut conn).await });
    let listing = hub_born(number.await?);
    let made_at_s = state.deps.clock.now_s();
    in_one_under_key(state, attempt, |mut tx| async move {
        let (actor, seller) = acting_as(&mut tx, caller, cooperative).await?;
        let body = posting(listing, new, seller);
        check_new(&mut tx, new, &body, cooperative).await?;
        let id = CommandId(derived("listing.post", listing));
        let act = Act { caller, actor, cooperative: Some(cooperative), made_at_s };
        let moved = decide(&state.deps, &mut tx, &act, vec![(id, body.into())])
            .await?
            .map_err(|reject| refusal(&reject))?;
        let row = db::get(&mut tx, listing)
            .await?
            .ok_or_else(|| Problem::internal("a posted listing is not there"))?;
        Ok(Done { tx, answer: Answer::created(&row.show())?, moved })
    })
    .await
}

fn refusal(reject: &Reject) -> Problem {
    if reject.code == RejectCode::NotFound {
        Problem::not_found("product")
    } else {
        Problem::refused(reject, "")
    }
}

/// Edits a product or takes it off sale, provided that it still is what the caller read.
pub(crate) async fn change(
    state: &AppState,
    caller: &Caller,
    id: Uuid,
    headers: &HeaderMap,
    change: &ProductChange,
) -> Result<Product, ApiError> {
    let made_at_s = state.deps.clock.now_s();
    in_one(state, |mut tx| async move {
        if !db::lock(&mut tx, id).await? {
            return Err(Problem::not_found("product").into());
        }
        let row = db::get(&mut tx, id).await?.ok_or_else(|| Problem::not_found("product"))?;
        let cooperative = row.listing.cooperative;
        may_change(&mut tx, caller, &row).await?;
        let (actor, _) = acting_as(&mut tx, caller, cooperative).await?;
        let bodies = row.standing().changed(change)?;
        require(headers, &etag(&row.show()))?;
        let commands = bodies.into_iter().map(|body| (CommandId(state.deps.ids.uuid_v7()), body)).collect();
        let act = Act { caller, actor, cooperative: Some(cooperative), made_at_s };
        let moved = decide(&state.deps, &mut tx, &act, commands).await?.map_err(|reject| refusal(&reject))?;
        let row = db::get(&mut tx, id).await?.ok_or_else(|| Problem::not_found("product"))?;
        Ok(Done { tx, answer: row.show(), moved })
    })
    .await
}

/// The cooperative that a new product is sold by.
fn seller_cooperative(caller: &Caller, new: &NewProduct) -> Result<CooperativeId, Problem> {
    let own = caller.cooperative;
    let wanted = new.cooperative_id.map(CooperativeId);
    match caller.role {
        Role::Admin => {
            wanted.ok_or_else(|| Problem::invalid("/cooperative_id", "Say which cooperative sells it."))
        }
        Role::Clerk | Role::Farmer if own.is_some() && (wanted.is_none() || wanted == own) => {
            own.ok_or_else(|| Kind::NotAllowed.error())
        }
        Role::Clerk => Err(Kind::NotAllowed.because("You can sell for your own cooperative only.")),
        Role::Farmer if own.is_none() => Err(Kind::NotAllowed.because(
            "Your account names no cooperative. Ask the office of your cooperative to sell for you.",
        )),
        Role::Farmer => Err(Kind::NotAllowed.because("You can sell through your own cooperative only.")),
        Role::Buyer => Err(Kind::NotAllowed.because("A buyer's account cannot sell.")),
    }
}

/// Who the command says made it: for a farmer the member, for everybody else the account; and whose produce it is.
async fn acting_as(
    conn: &mut PgConnection,
    caller: &Caller,
    cooperative: CooperativeId,
) -> Result<(Actor, Option<Uuid>), ApiError> {
    if caller.role != Role::Farmer {
        return Ok((caller.actor(), None));
    }
    if !caller.phone_confirmed {
        let detail = "Your phone number is not confirmed yet. Ask the operator of this hub, or sell at your cooperative's office.";
        return Err(Kind::NotAllowed.because(detail).into());
    }
    let cooperative = i32::try_from(cooperative.0).map_err(Problem::internal)?;
    let member = db::member(conn, cooperative, caller.phone).await?;
    let member = member.ok_or_else(|| {
        Kind::NotAllowed.because(
            "Your number is not among the members of your cooperative. Register at its office first.",
        )
    })?;
    Ok((Actor { kind: ActorKind::Member, id: Some(member), phone: caller.phone }, Some(member)))
}

/// Whether the caller may change the product. Said before anything else about it is.
async fn may_change(conn: &mut PgConnection, caller: &Caller, row: &ProductRow) -> Result<(), ApiError> {
    let cooperative = row.listing.cooperative;
    let allowed = match caller.role {
        Role::Farmer if caller.cooperative == Some(cooperative) => {
            let (_, member) = acting_as(conn, caller, cooperative).await?;
            member.is_some() && member == row.listing.seller.map(|seller| seller.0)
        }
        _ => caller.serves(cooperative),
    };
    let not_own = Kind::NotAllowed.because("You can change products of your own only.");
    if allowed { Ok(()) } else { Err(not_own.into()) }
}

/// Everything that is wrong with a new product, at once.
async fn check_new(
    conn: &mut PgConnection,
    new: &NewProduct,
    body: &ListingPost,
    cooperative: CooperativeId,
) -> Result<(), ApiError> {
    let mut wrong = error::fields(Body::from(body.clone()).check());
    // An id that no column can hold is none that is there; 0 never is.
    let id = |n: u32| i32::try_from(n).unwrap_or(0);
    let there = db::references(conn, id(cooperative.0), id(new.commodity_id), id(new.unit_id)).await?;
    if !there.commodity {
        wrong.push(field("/commodity_id", "There is no such commodity: see /api/v1/commodities."));
    }
    match there.unit_step_milli {
        None => wrong.push(field("/unit_id", "There is no such unit: see /api/v1/units.")),
        Some(step_milli) => wrong.extend(in_steps("/quantity", new.quantity, step_milli)),
    }
    match there.currency {
        None => {
            wrong.push(field("/cooperative_id", "There is no such cooperative: see /api/v1/cooperatives."))
        }
        Some(currency)
            if currency != body.currency && !wrong.iter().any(|w| w.pointer == "/price/currency") =>
        {
            wrong.push(field("/price/currency", format!("This cooperative sells in {currency}.")));
        }
        Some(_) => {}
    }
    if wrong.is_empty() { Ok(()) } else { Err(Problem::fields(wrong).into()) }
}

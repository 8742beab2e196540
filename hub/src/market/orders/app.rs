//! Rules of orders: who may order, see and cancel, and the commands that do it.
//!
//! Everybody who is signed in may order. An order is seen by the account that made it, by the cooperative that sells, by admins,
//! and by whoever's number it was made under, once an operator vouched for that number.

use super::OrderRow;
use super::db::{self, Filter, Visible};
use super::offer::Offer;
use super::unconfirmed;
use crate::auth::Caller;
use crate::auth::caller::Role;
use crate::commands::{ApplyError, Unknown, may_come, open};
use crate::db::retrying;
use crate::error::{self, ApiError, Problem, field};
use crate::http::idempotency::{Answer, Attempt};
use crate::market::decide::{Act, Done, decide, decide_opened};
use crate::market::newest::Newest;
use crate::market::reference::kept::Kept;
use crate::news::Moved;
use crate::state::AppState;
use mizili_node::name::tidy;
use mizili_node::page::{Cut, Slice};
use mizili_node::phone::read_optional;
use mizili_node::product::{OWN_OFFER, in_steps};
use sqlx::PgConnection;
use sync_protocol::api::FieldProblem;
use sync_protocol::api::market::{NewOrder, Order};
use sync_protocol::command::{Body, OrderCancel, OrderPlace, Source};
use sync_protocol::country::Country;
use sync_protocol::entity::Channel;
use sync_protocol::ids::{CommandId, ListingId, MemberId, OrderId};
use sync_protocol::verdict::{Reject, RejectCode};
use uuid::Uuid;

/// An order about to be placed.
struct Draft<'a> {
    caller: &'a Caller,
    attempt: &'a Attempt,
    new: &'a NewOrder,
    buyer_phone: u64,
    buyer_name: String,
    /// The same on every try, like the time.
    id: CommandId,
    made_at_s: i64,
}

/// Places an order. A repeat with the same key gets the first answer, also when that was a refusal by the market's rules.
pub(crate) async fn place(
    state: &AppState,
    caller: &Caller,
    attempt: &Attempt,
    new: &NewOrder,
) -> Result<Answer, ApiError> {
    let mut wrong = Vec::new();
    let buyer_phone = buyer_phone(caller, new).map_err(|problem| wrong.push(problem)).unwrap_or(0);
    let own_name = if new.buyer_phone.is_none() { caller.name.as_str() } else { "" };
    let buyer_name = tidy(new.buyer_name.as_deref().unwrap_or(own_name));
    let (id, made_at_s) = (CommandId(state.deps.ids.uuid_v7()), state.deps.clock.now_s());
    let draft = Draft { caller, attempt, new, buyer_phone, buyer_name, id, made_at_s };
    // With any price: what is wrong with the rest is said before anything is looked up.
    wrong.extend(
        error::fields(draft.body(1).check()).into_iter().filter(|w| w.pointer != "/unit_price/amount"),
    );
    if new.unit_price.as_ref().is_some_and(|price| price.amount <= 0) {
        wrong.push(field("/unit_price/amount", "The price must be more than zero."));
    }
    if !wrong.is_empty() {
        return Err(Problem::fields(wrong).into());
    }
    let names = state.names.now(&state.db, &state.deps).await?;
    retrying(&state.deps, || place_once(state, &names, &draft)).await
}

/// Every round trip to the database is counted here (a test holds how many there are), most of them with the product locked.
async fn place_once(state: &AppState, names: &Kept, draft: &Draft<'_>) -> Result<Answer, ApiError> {
    let Draft { caller, new, .. } = draft;
    let mut tx = state.db.begin().await?;
    if let Some(answer) = draft.attempt.begin(&mut tx).await? {
        return Ok(answer);
    }
    // The account is locked before the product, and what is said of it last.
    let reserved = unconfirmed::lock(&mut tx, caller).await?;
    let (actor, cooperative) = (caller.actor(), caller.office());
    let act = Act { caller, actor, cooperative, made_at_s: draft.made_at_s };
    // What an order needs does not hang on its price, which is read with the product.
    let mut commands = act.commands(&mut tx, vec![(draft.id, draft.body(1))]).await?;
    let opened = open(&mut tx, &commands).await?;
    let listing = opened.set().listings.get(&ListingId(new.product_id));
    let listing = listing.ok_or_else(|| Problem::not_found("product"))?;
    let (offer, seller) = (Offer::of(&mut tx, names, listing).await?, listing.seller);
    let body = draft.body(draft.price(&offer)?);
    let mut wrong = error::fields(body.check());
    wrong.extend(in_steps("/quantity", new.quantity, offer.step_milli));
    if is_own(&mut tx, seller, draft.buyer_phone).await? {
        let pointer = if new.buyer_phone.is_some() { "/buyer_phone" } else { "/product_id" };
        wrong.push(field(pointer, OWN_OFFER));
    }
    if !wrong.is_empty() {
        return Err(Problem::fields(wrong).into());
    }
    unconfirmed::check(&mut tx, reserved, new.product_id, new.quantity).await?;
    commands.iter_mut().for_each(|of| of.command.body = body.to_raw());
    let (answer, moved) = match decide_opened(&state.deps, &mut tx, opened, &commands).await? {
        Ok(Done { mut set, moved }) => {
            let order = set.orders.remove(&OrderId(draft.id.0));
            let order = order.ok_or_else(|| Problem::internal("a placed order is not there"))?;
            let buyer_user = Some(caller.id.0);
            let buyer_unconfirmed = !caller.phone_confirmed;
            let Offer { product, unit, step_milli, .. } = offer;
            let row = OrderRow { order, product, unit, step_milli, buyer_user, buyer_unconfirmed };
            (Answer::created(&row.show())?, moved)
        }
        Err(reject) => (Answer::refused(&refusal(&reject, &offer)), Moved::default()),
    };
    draft.attempt.finish(&mut tx, &answer).await?;
    state.db.commit_and_tell(tx, &moved).await?;
    Ok(answer)
}

/// Whether the member who offers it, where one does, has the buyer's number. Asked here and not by the command: what an office has sold
/// stands, whoever bought it.
async fn is_own(
    conn: &mut PgConnection,
    seller: Option<MemberId>,
    buyer_phone: u64,
) -> Result<bool, sqlx::Error> {
    match seller {
        Some(member) => Ok(buyer_phone != 0 && db::phone_of(conn, member).await? == Some(buyer_phone)),
        None => Ok(false),
    }
}

impl Draft<'_> {
    fn body(&self, unit_price_minor: i64) -> Body {
        let body = OrderPlace {
            listing: self.new.product_id,
            quantity_milli: self.new.quantity.0,
            unit_price_minor,
            source: Source::Ask,
            buyer_phone: self.buyer_phone,
            buyer_name: self.buyer_name.clone(),
            channel: Channel::Rest.code(),
        };
        body.into()
    }

    /// The price that the buyer saw, or today's.
    fn price(&self, offer: &Offer) -> Result<i64, Problem> {
        match &self.new.unit_price {
            None => Ok(offer.price_minor),
            Some(price) if price.currency.eq_ignore_ascii_case(&offer.currency) => Ok(price.amount),
            Some(_) => Err(Problem::invalid(
                "/unit_price/currency",
                format!("This product is sold in {}.", offer.currency),
            )),
        }
    }
}

/// The number that owns the order: the caller's, or for an office the one it orders for.
fn buyer_phone(caller: &Caller, new: &NewOrder) -> Result<u64, FieldProblem> {
    // As dialled at home, in the country of whoever orders.
    let home = Country::by_international_number(&caller.phone.to_string());
    let given = read_optional("/buyer_phone", new.buyer_phone.as_deref(), home)?;
    let Some(phone) = given.map(|phone| phone.number()) else { return Ok(caller.phone) };
    let for_others = matches!(caller.role, Role::Clerk | Role::Admin);
    if for_others || phone == caller.phone {
        return Ok(phone);
    }
    Err(field("/buyer_phone", "Only an office can order for somebody else; leave it out."))
}

fn refusal(reject: &Reject, offer: &Offer) -> Problem {
    let error = Problem::refused(reject, &offer.unit);
    match reject.code {
        RejectCode::PriceChanged => {
            let price = reject.args.first().and_then(|price| price.parse::<i64>().ok());
            let now = price.map(|amount| serde_json::json!({ "amount": amount, "currency": offer.currency }));
            error.member("unit_price", now)
        }
        RejectCode::NotFound => Problem::not_found("product"),
        _ => error,
    }
}

/// Whose orders the caller sees.
fn visible(caller: &Caller) -> Visible {
    Visible {
        all: caller.is_admin(),
        cooperative: caller.office(),
        user: Some(caller.id),
        phone: Some(caller.phone).filter(|_| caller.phone_confirmed),
    }
}

fn may_see(caller: &Caller, row: &OrderRow) -> bool {
    let visible = visible(caller);
    visible.all
        || visible.cooperative == Some(row.order.cooperative)
        || row.buyer_user == Some(caller.id.0)
        || visible.phone == Some(row.order.buyer_phone)
}

/// A page of orders that the caller may see.
pub(crate) async fn list(
    state: &AppState,
    caller: &Caller,
    filter: &Filter,
    slice: &Slice<Newest>,
) -> Result<Cut<Order>, ApiError> {
    let rows = state.db.read(&state.deps, |mut conn| async move {
        db::list(&mut conn, &visible(caller), filter, slice.after, slice.fetch()).await
    });
    let rows = rows.await?;
    Ok(slice.cut(rows.into_iter().map(|(key, row)| (key, row.show())).collect()))
}

/// One order. One that the caller may not see is answered like one that is not there.
pub(crate) async fn get(state: &AppState, caller: &Caller, id: Uuid) -> Result<Order, ApiError> {
    let row = state.db.read(&state.deps, |mut conn| async move { db::get(&mut conn, id).await }).await?;
    let row = row.filter(|row| may_see(caller, row)).ok_or_else(|| Problem::not_found("order"))?;
    Ok(row.show())
}

/// Takes an order back. Doing so twice is one cancellation.
pub(crate) async fn cancel(state: &AppState, caller: &Caller, id: Uuid) -> Result<Order, ApiError> {
    let (command, made_at_s) = (CommandId(state.deps.ids.uuid_v7()), state.deps.clock.now_s());
    retrying(&state.deps, || async {
        let mut tx = state.db.begin().await?;
        let known = db::get(&mut tx, id).await?;
        // It may come, and stand then.
        let of_none = Unknown { orders: vec![id], ..Unknown::default() };
        if known.is_none() && may_come(&mut tx, &of_none, &[]).await?.contains(&id) {
            return Err(ApplyError::Awaited.into());
        }
        let row = known.filter(|row| may_see(caller, row)).ok_or_else(|| Problem::not_found("order"))?;
        let mut actor = caller.actor();
        if row.buyer_user == Some(caller.id.0) {
            // Whoever ordered for somebody may take it back for them.
            actor.phone = row.order.buyer_phone;
        }
        let cooperative =
            caller.office().or_else(|| Some(row.order.cooperative).filter(|_| caller.is_admin()));
        let act = Act { caller, actor, cooperative, made_at_s };
        let cancel = OrderCancel::new(id);
        let moved = decide(&state.deps, &mut tx, &act, vec![(command, cancel.into())]).await?;
        let moved = moved.map_err(|reject| Problem::refused(&reject, ""))?.moved;
        let row = db::get(&mut tx, id).await?.ok_or_else(|| Problem::not_found("order"))?;
        state.db.commit_and_tell(tx, &moved).await?;
        Ok::<_, ApiError>(row.show())
    })
    .await
}

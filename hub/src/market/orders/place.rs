//! Places orders: those that wait at the same moment in one transaction, which costs the database little more than one of them. Each is
//! judged by itself and gets its own answer, in the order in which they came. Where a transaction of many is not done, because one of
//! them broke it or had to wait for somebody, each is placed in one of its own.

use super::OrderRow;
use super::db;
use super::draft::Draft;
use super::offer::Offer;
use super::unconfirmed::Reserved;
use crate::auth::Caller;
use crate::commands::{ApplyError, Incoming, Opened, moved, open};
use crate::db::{Transaction, in_time, retrying};
use crate::error::{ApiError, Problem};
use crate::http::idempotency::{Answer, Attempt, earlier, keep};
use crate::market::decide::{Act, said};
use crate::market::reference::kept::Kept;
use crate::state::AppState;
use crate::together::Together;
use sqlx::PgConnection;
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use sync_protocol::api::market::NewOrder;
use sync_protocol::ids::{Holder, MemberId};
use sync_protocol::verdict::{Reject, RejectCode};
use uuid::Uuid;

/// What became of a draft. An error is not kept: whoever sends the same again is judged again.
type Placed = Result<Answer, ApiError>;

/// Orders that wait to be placed.
#[derive(Clone, Default)]
pub struct Placing(Together<Arc<Draft>, Placed>);

/// Places an order. A repeat with the same key gets the first answer, also when that was a refusal by the market's rules.
pub(crate) async fn place(state: &AppState, caller: Caller, attempt: Attempt, new: NewOrder) -> Placed {
    let draft = Arc::new(Draft::read(&state.deps, caller, attempt, new)?);
    let placing = {
        let state = state.clone();
        move |drafts| place_together(state.clone(), drafts)
    };
    if let Some(placed) = state.placing.0.with_others(&state.deps, draft.clone(), placing).await {
        return placed;
    }
    let alone = || async {
        let names = state.names.now(&state.db, &state.deps).await?;
        let tx = state.db.begin().await?;
        let placed = place_in(state, tx, &names, &[&draft]).await?.pop();
        placed.ok_or_else(|| Problem::internal("a draft was left without an answer"))?
    };
    retrying(&state.deps, alone).await
}

/// Places drafts in one transaction, which waits for nobody for long. `None` for those that have to be placed alone.
async fn place_together(state: AppState, drafts: Vec<Arc<Draft>>) -> Vec<Option<Placed>> {
    // The first of those that were sent twice; the others will find its answer.
    let is_first =
        |at: &usize| !drafts[..*at].iter().any(|before| before.attempt.has_key_of(&drafts[*at].attempt));
    let firsts: Vec<usize> = (0..drafts.len()).filter(is_first).collect();
    let placing = async {
        let names = state.names.now(&state.db, &state.deps).await?;
        let tx = state.db.begin_impatient().await?;
        let of: Vec<&Draft> = firsts.iter().map(|at| &*drafts[*at]).collect();
        place_in(&state, tx, &names, &of).await
    };
    let mut placed: Vec<Option<Placed>> = drafts.iter().map(|_| None).collect();
    match in_time(placing).await {
        Ok(answers) => firsts.iter().zip(answers).for_each(|(at, answer)| placed[*at] = Some(answer)),
        Err(error) => {
            tracing::debug!(%error, orders = firsts.len(), "orders are placed one by one: together it was not done");
        }
    }
    placed
}

/// Every round trip to the database is counted here (a test holds how many there are), most of them with the products locked. Where it
/// is an error nothing is done.
async fn place_in(
    state: &AppState,
    mut tx: Transaction,
    names: &Kept,
    drafts: &[&Draft],
) -> Result<Vec<Placed>, ApiError> {
    let attempts: Vec<&Attempt> = drafts.iter().map(|draft| &draft.attempt).collect();
    let known = earlier(&mut tx, &attempts).await?;
    let fresh: Vec<&Draft> =
        drafts.iter().zip(&known).filter(|(_, known)| known.is_none()).map(|(draft, _)| *draft).collect();
    let mut judged = Vec::new().into_iter();
    if !fresh.is_empty() {
        judged = place_fresh(state, tx, names, &fresh).await?.into_iter();
    }
    let placed = known.into_iter().map(|known| match known {
        Some(answer) => Some(answer.map_err(ApiError::from)),
        None => judged.next(),
    });
    Ok(placed.flatten().collect())
}

/// Places drafts that nobody has answered yet.
async fn place_fresh(
    state: &AppState,
    mut tx: Transaction,
    names: &Kept,
    drafts: &[&Draft],
) -> Result<Vec<Placed>, ApiError> {
    let (mut market, commands) = Market::open(&mut tx, names, drafts).await?;
    let mut placed = Vec::with_capacity(drafts.len());
    for (draft, command) in drafts.iter().zip(commands) {
        placed.push(market.place(&mut tx, draft, command).await?);
    }
    // What is not kept may be wrong because the same draft was placed elsewhere since: its locks were waited for.
    let not_kept: Vec<usize> = (0..drafts.len()).filter(|at| placed[*at].is_err()).collect();
    if !not_kept.is_empty() {
        let attempts: Vec<&Attempt> = not_kept.iter().map(|at| &drafts[*at].attempt).collect();
        for (at, found) in not_kept.into_iter().zip(earlier(&mut tx, &attempts).await?) {
            if let Some(found) = found {
                placed[at] = found.map_err(ApiError::from);
            }
        }
    }
    let answers = drafts.iter().zip(&placed);
    let answers = answers.filter_map(|(draft, placed)| Some((&draft.attempt, placed.as_ref().ok()?)));
    let answers: Vec<(&Attempt, &Answer)> = answers.filter(|(_, answer)| !answer.is_replayed()).collect();
    if answers.is_empty() {
        return Ok(placed);
    }
    keep(&mut tx, &answers).await?;
    let moved = moved(&market.opened.finish(&mut tx, &state.deps).await?);
    state.db.commit_and_tell(tx, &moved).await?;
    Ok(placed)
}

/// What drafts are judged by, read and locked; it goes on with each that is placed.
struct Market<'a> {
    names: &'a Kept,
    opened: Opened,
    reserved: Reserved,
    /// Of members who offer what is asked for.
    phones: HashMap<MemberId, u64>,
}

impl<'a> Market<'a> {
    /// Also the drafts as commands, at any price. Accounts are locked before products, and what is said of them last.
    async fn open(
        conn: &mut PgConnection,
        names: &'a Kept,
        drafts: &[&Draft],
    ) -> Result<(Self, Vec<Incoming>), ApiError> {
        let mut reserved = Reserved::lock(conn, drafts.iter().map(|draft| &draft.caller)).await?;
        let mut commands = Vec::with_capacity(drafts.len());
        for draft in drafts {
            let Draft { caller, made_at_s, .. } = draft;
            let (actor, cooperative) = (caller.actor(), caller.office());
            let act = Act { caller, actor, cooperative, made_at_s: *made_at_s };
            commands.extend(act.commands(conn, vec![(draft.id, draft.body())]).await?);
        }
        let opened = open(conn, &commands).await?;
        let listings = &opened.set().listings;
        let sellers = drafts.iter().filter(|draft| draft.buyer_phone != 0);
        let sellers = sellers.filter_map(|draft| listings.get(&draft.listing())?.seller);
        let sellers: BTreeSet<Uuid> = sellers.map(|member| member.0).collect();
        let phones = if sellers.is_empty() {
            HashMap::new()
        } else {
            db::phones_of(conn, &sellers.into_iter().collect::<Vec<_>>()).await?
        };
        reserved.read(conn, drafts.iter().map(|draft| (&draft.caller, draft.listing()))).await?;
        Ok((Self { names, opened, reserved, phones }, commands))
    }

    /// Judges a draft; its command is one of those that were opened. Where it is placed, that is written with the others.
    async fn place(
        &mut self,
        conn: &mut PgConnection,
        draft: &Draft,
        mut command: Incoming,
    ) -> Result<Placed, ApiError> {
        let Some(listing) = self.opened.set().listings.get(&draft.listing()) else {
            return Ok(Err(Problem::not_found("product").into()));
        };
        // Asked here and not by the command: what an office has sold stands, whoever bought it.
        let is_own =
            listing.seller.is_some_and(|member| self.phones.get(&member) == Some(&draft.buyer_phone));
        let offer = Offer::of(conn, self.names, listing).await?;
        let left = self.opened.set().stock.get(&(listing.id, Holder::Hub)).copied().unwrap_or_default();
        let (caller, listing, quantity) = (&draft.caller, draft.listing(), draft.quantity());
        let body = draft.body_for(&offer, is_own);
        let body = body.and_then(|body| self.reserved.check(caller, listing, quantity, left).map(|()| body));
        match body {
            Ok(body) => command.command.body = body.to_raw(),
            Err(problem) => return Ok(Err(problem.into())),
        }
        let verdict = match self.opened.decide(&command) {
            Err(awaited @ ApplyError::Awaited) => return Ok(Err(awaited.into())),
            verdict => said(verdict?)?,
        };
        if let Err(reject) = verdict {
            return Ok(Ok(Answer::refused(&refusal(&reject, &offer))));
        }
        self.reserved.add(caller, listing, quantity);
        let order = self.opened.set().orders.get(&draft.order()).cloned();
        let order = order.ok_or_else(|| Problem::internal("a placed order is not there"))?;
        let (buyer_user, buyer_unconfirmed) = (Some(caller.id.0), !caller.phone_confirmed);
        let Offer { product, unit, step_milli, .. } = offer;
        let row = OrderRow { order, product, unit, step_milli, buyer_user, buyer_unconfirmed };
        Ok(Ok(Answer::created(&row.show())?))
    }
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

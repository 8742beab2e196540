//! Places orders: those that wait at the same moment in one transaction, which costs the database little more than one of them. Each is
//! judged by itself and gets its own answer, in the order in which they came. Where a transaction of many is not done, because one of
//! them broke it or had to wait for somebody, each is placed in one of its own.
//!
//! Nobody waits in the database for a product that somebody else holds: whoever does keeps a connection, and a few such buyers would
//! keep them all. He comes again a moment later, a bounded number of times.

use super::OrderRow;
use super::db;
use super::draft::Draft;
use super::offer::Offer;
use super::unconfirmed::Reserved;
use crate::auth::Caller;
use crate::commands::{ApplyError, Incoming, Opened, moved, open_free};
use crate::db::{Transaction, Transient as _, is_locked, once, retrying};
use crate::error::{ApiError, Kind, Problem};
use crate::http::idempotency::{Answer, Attempt, earlier, keep};
use crate::market::act::{Act, said};
use crate::names::kept::Kept;
use crate::state::AppState;
use crate::together::{Line, Together};
use mizili_node::market::orders::NewOrder;
use sqlx::PgConnection;
use std::collections::hash_map::Entry;
use std::collections::{BTreeSet, HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use sync_protocol::ids::{Holder, ListingId, MemberId};
use sync_protocol::market::{Listing, Order};
use sync_protocol::verdict::{Reject, RejectCode};
use uuid::Uuid;

/// Transactions of many that are under way at once, at most. More meet at the same buckets.
const GROUPS_MAX: usize = 4;

/// How long a transaction of many may take: far longer than it does, and not so long that a line that went dead keeps everybody.
const TOGETHER_FOR: Duration = Duration::from_secs(2);

/// What became of a draft. An error is not kept: whoever sends the same again is judged again.
type Placed = Result<Answer, ApiError>;

/// What came of placing a draft once.
enum Came {
    /// This.
    Of(Placed),
    /// Nothing: somebody holds the product.
    Held,
    /// Nothing: somebody holds what goes with it, and it was waited for. It would keep a group waiting, too.
    HeldUp,
}

/// How long a product is asked for that somebody holds.
const ASKED_FOR: Duration = Duration::from_secs(5);
/// How often, at most.
const ASKED_MAX: u32 = 50;
/// The first and the longest pause before it is asked for again, in milliseconds; each is twice the one before.
const PAUSE_MS: (u64, u64) = (10, 100);
/// The pause of whoever waited for a lock, in vain and with a connection.
const PAUSE_ALONE: Duration = Duration::from_millis(400);

/// Orders that wait to be placed.
#[derive(Clone)]
pub struct Placing(Line<Waiting>);

impl Placing {
    /// Nobody waits. `threads` are those of this machine: half of them are the database's, of which each group keeps one at work.
    pub fn new(threads: usize) -> Self {
        Self(Line::new((threads / 2).min(GROUPS_MAX)))
    }
}

/// An order that waits, and what it is to be placed by.
struct Waiting {
    state: AppState,
    draft: Arc<Draft>,
}

/// Places an order. A repeat with the same key gets the first answer, also when that was a refusal by the market's rules.
pub(crate) async fn place(
    state: &AppState,
    placing: &Placing,
    caller: Caller,
    attempt: Attempt,
    new: NewOrder,
) -> Placed {
    let draft = Arc::new(Draft::read(&state.deps, caller, attempt, new)?);
    let (begun, mut goes_alone) = (state.deps.clock.monotonic(), false);
    for asked in 0..ASKED_MAX {
        let came = if goes_alone {
            place_alone(state, &draft).await?
        } else {
            try_to_place(state, placing, &draft).await?
        };
        let pause = match came {
            Came::Of(placed) => return placed,
            Came::Held => Duration::from_millis((PAUSE_MS.0 << asked.min(8)).min(PAUSE_MS.1)),
            Came::HeldUp => PAUSE_ALONE,
        };
        goes_alone = matches!(came, Came::HeldUp);
        if state.deps.clock.monotonic().saturating_sub(begun) > ASKED_FOR {
            break;
        }
        tokio::time::sleep(pause).await;
    }
    // A try that was given up at its commit may stand all the same.
    let detail = "Somebody else is at work on this product. Send the same request again in a few seconds, under the same key: it is done once.";
    Err(Kind::Busy.because(detail).into())
}

async fn try_to_place(state: &AppState, placing: &Placing, draft: &Arc<Draft>) -> Result<Came, ApiError> {
    let waiting = Waiting { state: state.clone(), draft: draft.clone() };
    if let Some(came) = placing.0.stand_in(&state.deps, waiting).await {
        return Ok(came);
    }
    place_alone(state, draft).await
}

async fn place_alone(state: &AppState, draft: &Draft) -> Result<Came, ApiError> {
    let alone = || async {
        let names = state.names.now(&state.db, &state.deps).await?;
        let tx = state.db.begin_impatient().await?;
        match place_in(state, tx, &names, &[draft]).await?.pop() {
            // For the sake of those that are worth another try.
            Some(Came::Of(placed)) => placed.map(|answer| Came::Of(Ok(answer))),
            Some(came) => Ok(came),
            None => Err(left_out()),
        }
    };
    match retrying(&state.deps, alone).await {
        Err(error) if error.transient().is_some_and(is_locked) => Ok(Came::HeldUp),
        came => came,
    }
}

fn left_out() -> ApiError {
    Problem::internal("a draft was left without an answer").into()
}

impl Together for Waiting {
    type Outcome = Came;

    /// In one transaction, which waits for nobody for long. What was sent twice is placed once, and the others find its answer.
    async fn together(waiting: Vec<Self>) -> Vec<Option<Came>> {
        let mut placed: Vec<Option<Came>> = waiting.iter().map(|_| None).collect();
        let Some(Self { state, .. }) = waiting.first() else { return placed };
        let mut keys = HashSet::new();
        let firsts = waiting.iter().enumerate().filter(|(_, of)| keys.insert(of.draft.attempt.key()));
        let (at, drafts): (Vec<usize>, Vec<&Draft>) = firsts.map(|(at, of)| (at, &*of.draft)).unzip();
        let placing = async {
            let names = state.names.now(&state.db, &state.deps).await?;
            let tx = state.db.begin_impatient().await?;
            place_in(state, tx, &names, &drafts).await
        };
        match once(TOGETHER_FOR, placing).await {
            Ok(answers) => at.into_iter().zip(answers).for_each(|(at, answer)| placed[at] = Some(answer)),
            Err(error) => {
                tracing::debug!(%error, orders = at.len(), "orders are placed one by one: together it was not done");
            }
        }
        placed
    }
}

/// Places drafts. Where it is an error nothing is done. Every round trip to the database is counted here (a test holds how many one order
/// takes), most of them with the products locked.
async fn place_in(
    state: &AppState,
    mut tx: Transaction,
    names: &Kept,
    drafts: &[&Draft],
) -> Result<Vec<Came>, ApiError> {
    let attempts: Vec<&Attempt> = drafts.iter().map(|draft| &draft.attempt).collect();
    let known = earlier(&mut tx, &attempts).await?;
    let fresh = drafts.iter().zip(&known).filter(|(_, known)| known.is_none()).map(|(draft, _)| *draft);
    let fresh: Vec<&Draft> = fresh.collect();
    let mut judged = if fresh.is_empty() {
        Vec::new().into_iter()
    } else {
        place_fresh(state, tx, names, &fresh).await?.into_iter()
    };
    let came = known.into_iter().map(|known| match known {
        Some(answer) => Came::Of(answer.map_err(ApiError::from)),
        None => judged.next().unwrap_or_else(|| Came::Of(Err(left_out()))),
    });
    Ok(came.collect())
}

/// Places drafts that nobody has answered yet.
async fn place_fresh(
    state: &AppState,
    mut tx: Transaction,
    names: &Kept,
    drafts: &[&Draft],
) -> Result<Vec<Came>, ApiError> {
    let (mut market, commands) = Market::open(&mut tx, names, drafts).await?;
    let mut came = Vec::with_capacity(drafts.len());
    for (draft, command) in drafts.iter().zip(commands) {
        came.push(market.place(&mut tx, draft, command).await?);
    }
    look_again(&mut tx, drafts, &mut came).await?;
    let answers = drafts.iter().zip(&came).filter_map(|(draft, came)| match came {
        Came::Of(Ok(answer)) if !answer.is_replayed() => Some((&draft.attempt, answer)),
        _ => None,
    });
    let new: Vec<(&Attempt, &Answer)> = answers.collect();
    if !new.is_empty() {
        keep(&mut tx, &new).await?;
        let moved = moved(&market.opened.finish(&mut tx, &state.deps).await?);
        state.db.commit_and_tell(tx, &moved).await?;
    }
    Ok(came)
}

/// What would not be kept may be wrong only because the same draft was placed elsewhere since: its locks were waited for. Then that
/// answer stands.
async fn look_again(
    conn: &mut PgConnection,
    drafts: &[&Draft],
    came: &mut [Came],
) -> Result<(), sqlx::Error> {
    let not_kept: Vec<usize> = (0..came.len()).filter(|at| matches!(came[*at], Came::Of(Err(_)))).collect();
    if not_kept.is_empty() {
        return Ok(());
    }
    let attempts: Vec<&Attempt> = not_kept.iter().map(|at| &drafts[*at].attempt).collect();
    for (at, found) in not_kept.into_iter().zip(earlier(conn, &attempts).await?) {
        if let Some(found) = found {
            came[at] = Came::Of(found.map_err(ApiError::from));
        }
    }
    Ok(())
}

/// What drafts are judged by, read and locked; it goes on with each that is placed.
struct Market<'a> {
    names: &'a Kept,
    opened: Opened,
    reserved: Reserved,
    /// What somebody else holds.
    held: HashSet<ListingId>,
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
        let mut contexts = HashMap::new();
        for draft in drafts {
            let Draft { caller, made_at_s, .. } = draft;
            let (actor, cooperative) = (caller.actor(), caller.office());
            let act = Act { caller, actor, cooperative, made_at_s: *made_at_s };
            let context = match contexts.entry((cooperative, caller.is_admin())) {
                Entry::Occupied(known) => *known.get(),
                Entry::Vacant(new) => *new.insert(act.context(conn).await?),
            };
            commands.push(act.command(context, draft.id, &draft.body()));
        }
        let opened = open_free(conn, &commands).await?;
        let set = opened.set();
        let missing = drafts.iter().map(|draft| draft.listing()).filter(|id| !set.has::<Listing>(*id));
        let missing: BTreeSet<Uuid> = missing.map(|id| id.0).collect();
        let held = if missing.is_empty() {
            HashSet::new()
        } else {
            db::there_are(conn, &missing.into_iter().collect::<Vec<_>>()).await?
        };
        let sellers = drafts.iter().filter(|draft| draft.buyer_phone != 0);
        let sellers = sellers.filter_map(|draft| set.get::<Listing>(draft.listing())?.seller);
        let sellers: BTreeSet<Uuid> = sellers.map(|member| member.0).collect();
        let phones = if sellers.is_empty() {
            HashMap::new()
        } else {
            db::phones_of(conn, &sellers.into_iter().collect::<Vec<_>>()).await?
        };
        reserved.read(conn, drafts.iter().map(|draft| (&draft.caller, draft.listing()))).await?;
        Ok((Self { names, opened, reserved, held, phones }, commands))
    }

    /// Judges a draft; its command is one of those that were opened. Where it is placed, that is written with the others.
    async fn place(
        &mut self,
        conn: &mut PgConnection,
        draft: &Draft,
        command: Incoming,
    ) -> Result<Came, ApiError> {
        if self.held.contains(&draft.listing()) {
            return Ok(Came::Held);
        }
        self.judge(conn, draft, command).await.map(Came::Of)
    }

    async fn judge(
        &mut self,
        conn: &mut PgConnection,
        draft: &Draft,
        mut command: Incoming,
    ) -> Result<Placed, ApiError> {
        let Some(listing) = self.opened.set().get::<Listing>(draft.listing()) else {
            return Ok(Err(Problem::not_found("product").into()));
        };
        // Asked here and not by the command: what an office has sold stands, whoever bought it.
        let is_own =
            listing.seller.is_some_and(|member| self.phones.get(&member) == Some(&draft.buyer_phone));
        let offer = Offer::of(conn, self.names, &listing).await?;
        let left = self.opened.set().available(listing.id, Holder::Hub);
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
        let order = self.opened.set().get::<Order>(draft.order());
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

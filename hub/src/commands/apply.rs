//! Applies a batch of commands within the caller's transaction: load, decide in order, write, publish.

use super::effects::Effects;
use super::load::{Asked, Existing, load};
use super::names::in_one_form;
use super::{ApplyError, Incoming, Outcome};
use crate::feed::{Touched, publish, read};
use mizili_node::deps::Deps;
use mizili_node::name::tidy;
use sqlx::PgConnection;
use std::collections::{BTreeSet, HashMap};
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CommandId, Holder, OrderId};
use sync_protocol::market::{
    Aggregates, Blocked, Body, Made, Order, OrderStatus, WorkingSet, home, needed_beside,
};
use sync_protocol::verdict::{Applied, Reject, RejectCode, Verdict};

/// A command's bytes, read.
enum Read {
    Known(Body),
    Unknown,
    Malformed(Reject),
}

/// A command, decided.
struct Decided {
    verdict: Verdict,
    /// Where its effects stand.
    buckets: BTreeSet<Bucket>,
}

/// Applies commands that come from no stream: nothing waits before them.
///
/// # Errors
/// See [`ApplyError`]; the caller has to roll back.
pub async fn apply_batch(
    conn: &mut PgConnection,
    deps: &Deps,
    batch: &[Incoming],
) -> Result<Vec<Outcome>, ApplyError> {
    apply_in_stream(conn, deps, batch, &mut Blocked::none(), Feed::Trusts).await
}

/// What commands need, read and locked until the transaction ends, and what was decided of them so far.
pub struct Opened {
    set: WorkingSet,
    existing: Existing,
    effects: Effects,
    decided: Vec<Decided>,
}

/// The first half of [`apply_batch`], for whoever has to see what the commands are about before they are worded.
///
/// # Errors
/// As there.
pub async fn open(conn: &mut PgConnection, batch: &[Incoming]) -> Result<Opened, ApplyError> {
    open_asked(conn, batch, asked(batch)).await
}

/// The same, passing over listings that somebody else holds: they are as if there were none, and what needs one must not be decided.
///
/// # Errors
/// As there.
pub async fn open_free(conn: &mut PgConnection, batch: &[Incoming]) -> Result<Opened, ApplyError> {
    let mut asked = asked(batch);
    asked.wanted.passes_over = true;
    open_asked(conn, batch, asked).await
}

async fn open_asked(conn: &mut PgConnection, batch: &[Incoming], asked: Asked) -> Result<Opened, ApplyError> {
    let (set, existing) = load(conn, asked).await?;
    Ok(Opened { set, existing, effects: Effects::default(), decided: Vec::with_capacity(batch.len()) })
}

impl Opened {
    /// What was read, as it stands after what was decided.
    pub fn set(&self) -> &WorkingSet {
        &self.set
    }

    /// Decides a command that needs nothing but what was opened. Nothing is written yet.
    ///
    /// # Errors
    /// As [`apply_batch`]. After [`ApplyError::Awaited`] others can be decided still.
    pub fn decide(&mut self, incoming: &Incoming) -> Result<&Verdict, ApplyError> {
        self.decide_in_stream(incoming, &mut Blocked::none())
    }

    fn decide_in_stream(
        &mut self,
        incoming: &Incoming,
        blocked: &mut Blocked,
    ) -> Result<&Verdict, ApplyError> {
        let body = match read_body(incoming) {
            Read::Known(mut body) => {
                body.as_it_stands(&self.set, tidy);
                Read::Known(body)
            }
            other => other,
        };
        let decided = decide(incoming, &body, blocked, &mut self.set, &self.existing, &mut self.effects)?;
        Ok(&self.decided.push_mut(decided).verdict)
    }

    /// The second half: writes and publishes what was decided. An outcome for each, in their order.
    ///
    /// # Errors
    /// As [`apply_batch`].
    pub async fn finish(self, conn: &mut PgConnection, deps: &Deps) -> Result<Vec<Outcome>, ApplyError> {
        let written = self.write(conn, deps).await?;
        publish_written(conn, written).await
    }

    async fn write(mut self, conn: &mut PgConnection, deps: &Deps) -> Result<Written, ApplyError> {
        self.effects.write(conn, deps, &self.set.facts).await?;
        Ok(Written { decided: self.decided, touched: self.effects.touched })
    }
}

/// How the feed takes what is new.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Feed {
    /// Without asking for each row whether it stands already.
    Trusts,
    /// Looking at every row: for what may have broken before by one that should not stand there.
    Looks,
}

/// Applies commands of a stream in which some aggregates wait. A command that needs one of these gets [`Verdict::Held`]; what
/// becomes held or unsupported in the batch joins `blocked`. The caller holds the lock on the stream's row.
///
/// # Errors
/// As [`apply_batch`].
pub async fn apply_in_stream(
    conn: &mut PgConnection,
    deps: &Deps,
    batch: &[Incoming],
    blocked: &mut Blocked,
    feed: Feed,
) -> Result<Vec<Outcome>, ApplyError> {
    let written = write_in_stream(conn, deps, batch, blocked).await?;
    match feed {
        Feed::Trusts => publish_written(conn, written).await,
        Feed::Looks => publish_looking(conn, written).await,
    }
}

/// Commands that are decided, with their effects in the tables and not yet in the feed.
#[derive(Default)]
pub(super) struct Written {
    decided: Vec<Decided>,
    touched: Touched,
}

impl Written {
    /// Takes in what came after.
    pub(super) fn extend(&mut self, after: Self) {
        self.decided.extend(after.decided);
        self.touched.extend(after.touched);
    }

    /// Takes in a command that has no effects.
    pub(super) fn push(&mut self, verdict: Verdict) {
        self.decided.push(Decided { verdict, buckets: BTreeSet::new() });
    }
}

/// The first half of [`apply_in_stream`]: decides and writes. Nothing locks a bucket yet, so more may be written after it.
pub(super) async fn write_in_stream(
    conn: &mut PgConnection,
    deps: &Deps,
    batch: &[Incoming],
    blocked: &mut Blocked,
) -> Result<Written, ApplyError> {
    let mut opened = open_in_stream(conn, batch).await?;
    for incoming in batch {
        opened.decide_in_stream(incoming, blocked)?;
    }
    opened.write(conn, deps).await
}

/// The second half: puts what was written into the feed.
pub(super) async fn publish_written(
    conn: &mut PgConnection,
    Written { decided, touched }: Written,
) -> Result<Vec<Outcome>, ApplyError> {
    let mut heads: HashMap<Bucket, u64> = HashMap::new();
    if !touched.is_empty() {
        heads.extend(publish(conn, &touched).await?);
    }
    // Buckets that stand as they did: what was committed there before this transaction is at or below the head read here.
    let others: BTreeSet<Bucket> = decided
        .iter()
        .flat_map(|d| &d.buckets)
        .filter(|bucket| !heads.contains_key(bucket))
        .copied()
        .collect();
    if !others.is_empty() {
        let others: Vec<Bucket> = others.into_iter().collect();
        heads.extend(
            read::heads(conn, &others).await?.into_iter().map(|(bucket, head)| (bucket, head.version)),
        );
    }
    Ok(decided.into_iter().map(|d| d.outcome(&heads)).collect())
}

/// As [`publish_written`], with the feed looking at every row.
pub(super) async fn publish_looking(
    conn: &mut PgConnection,
    mut written: Written,
) -> Result<Vec<Outcome>, ApplyError> {
    written.touched.look_at_all();
    publish_written(conn, written).await
}

/// Takes the locks of everything that a batch may change, in their order, so that its parts can be written one after the other.
pub(super) async fn lock_for(conn: &mut PgConnection, batch: &[Incoming]) -> Result<(), ApplyError> {
    open_in_stream(conn, batch).await?;
    Ok(())
}

/// As [`open`], for commands of edges: what one of them would make must not be there as something else.
async fn open_in_stream(conn: &mut PgConnection, batch: &[Incoming]) -> Result<Opened, ApplyError> {
    let opened = open(conn, batch).await?;
    let set = &opened.set;
    let is_taken = |incoming: &&Incoming| {
        let Incoming { command, context, .. } = incoming;
        let Read::Known(body) = read_body(incoming) else { return false };
        context.origin != Holder::Hub && body.is_taken(command, context, set, tidy)
    };
    let taken: Vec<CommandId> = batch.iter().filter(is_taken).map(|incoming| incoming.command.id).collect();
    if taken.is_empty() { Ok(opened) } else { Err(ApplyError::Taken(taken)) }
}

fn read_body(incoming: &Incoming) -> Read {
    match Body::from_raw(&incoming.command.body) {
        Ok(Some(body)) => Read::Known(in_one_form(body)),
        Ok(None) => Read::Unknown,
        Err(refusal) => Read::Malformed(refusal),
    }
}

fn asked(batch: &[Incoming]) -> Asked {
    let mut asked = Asked::default();
    for incoming in batch {
        let Incoming { command, context, is_new, .. } = incoming;
        asked.ids.push(command.id.0);
        asked.is_of_edge |= context.origin != Holder::Hub;
        let Read::Known(body) = read_body(incoming) else { continue };
        let mut needs = body.needs(command.id, &command.actor, context);
        let made = body.makes(command.id);
        let makes = |entity, key| made == Some(Made::Row(entity, key));
        if *is_new {
            needs.rows.retain(|(entity, key)| !makes(*entity, *key));
        }
        asked.wanted.known.extend(needs.rows.iter().filter(|(entity, key)| !makes(*entity, *key)));
        asked.wanted.needs.extend(needs);
        asked.made.extend(made);
    }
    asked
}

fn decide(
    incoming: &Incoming,
    body: &Read,
    blocked: &mut Blocked,
    set: &mut WorkingSet,
    existing: &Existing,
    effects: &mut Effects,
) -> Result<Decided, ApplyError> {
    let Incoming { command, context, .. } = incoming;
    let open = |verdict| Decided { verdict, buckets: BTreeSet::new() };
    let body = match body {
        Read::Known(body) => body,
        Read::Malformed(refusal) => return Ok(open(Verdict::Rejected(refusal.clone()))),
        Read::Unknown => {
            blocked.add(&Aggregates::of(command, context, |_| None));
            return Ok(open(Verdict::Unsupported));
        }
    };
    if !blocked.is_empty() {
        let sold = |order| set.sold_by(context.origin, order);
        let of_command = Aggregates::of_body(command.id, body, &command.actor, context, sold);
        if blocked.holds(&of_command) {
            blocked.add(&of_command);
            return Ok(open(Verdict::Held));
        }
    }
    if body.is_repeat(command, context, set, tidy) {
        let order = set.get::<Order>(OrderId(command.id.0));
        let short = order.is_some_and(|order| order.status == OrderStatus::Short);
        let applied = Applied { short, ..Applied::default() };
        return Ok(Decided { verdict: Verdict::Applied(applied), buckets: standing_in(incoming, body, set) });
    }
    if body.is_taken(command, context, set, tidy) {
        // An edge's waits for an operator, also where it is one of the same batch that made it.
        if context.origin != Holder::Hub {
            return Err(ApplyError::Taken(vec![command.id]));
        }
        return Ok(open(Verdict::Rejected(Reject::new(RejectCode::Duplicate))));
    }
    if body.is_awaited(context, set) {
        if context.origin != Holder::Hub {
            let sold = |order| set.sold_by(context.origin, order);
            blocked.add(&Aggregates::of_body(command.id, body, &command.actor, context, sold));
            return Ok(open(Verdict::Held));
        }
        // Whoever asks here asks again himself.
        return Err(ApplyError::Awaited);
    }
    match body.decide(command, context, set) {
        Err(refusal) => Ok(open(Verdict::Rejected(refusal))),
        Ok(decision) => {
            set.apply(&decision.effects);
            body.note(command.id, &decision.effects, set);
            let mut buckets = BTreeSet::new();
            for effect in &decision.effects {
                let was_there = existing.contains(&(effect.entity, effect.key));
                buckets.extend(effects.add(effect, incoming, set, was_there)?);
            }
            if buckets.is_empty() {
                // It changed nothing because what it wanted holds already; that it holds stands there.
                buckets = standing_in(incoming, body, set);
            }
            Ok(Decided { verdict: Verdict::Applied(decision.applied), buckets })
        }
    }
}

/// The buckets of everything that a command reads.
fn standing_in(incoming: &Incoming, body: &Body, set: &WorkingSet) -> BTreeSet<Bucket> {
    let Incoming { command, context, .. } = incoming;
    let needs = body.needs(command.id, &command.actor, context);
    let mut buckets = BTreeSet::new();
    for (entity, key) in &needs.rows {
        // Where a row gave way to another of its id, that says where it stands.
        let beside =
            needed_beside(*entity).iter().filter(|(field, _)| *field == 0).map(|(_, beside)| *beside);
        for entity in [*entity].into_iter().chain(beside) {
            let row = set.row(entity, *key);
            buckets.extend(row.and_then(|row| home(entity, *key, row, set)).into_iter().flatten());
        }
    }
    buckets
}

impl Decided {
    fn outcome(self, heads: &HashMap<Bucket, u64>) -> Outcome {
        let at = |bucket: &Bucket| (*bucket, heads.get(bucket).copied().unwrap_or(0));
        Outcome { stands_at: self.buckets.iter().map(at).collect(), verdict: self.verdict }
    }
}

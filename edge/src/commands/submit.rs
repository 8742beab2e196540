//! Takes a person's act: decides it on what this node knows, and stores it with what it does here in the caller's transaction. Only
//! when that is on disk may the person be told. The same id a second time is the same act: it gets the stored answer.

use super::at_office::{Office, at_office, at_office_mut};
use super::thing::Thing;
use super::{known, local, log, outcome, working_set};
use crate::db::DbError;
use crate::node::{self, Identity};
use crate::replica::{self, is_complete};
use crate::time;
use mizili_node::deps::Deps;
use rusqlite::{Connection, Transaction};
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::CommandId;
use sync_protocol::limits::COMMAND_BODY_MAX_BYTES;
use sync_protocol::market::{Actor, Body, Certainty, Command, Context, Decision, RawBody};
use sync_protocol::verdict::{Applied, Reject, RejectCode, Verdict};

/// An act of a person, not yet decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submission {
    /// Made with the draft; the same on every retry.
    pub id: CommandId,
    /// Who acts.
    pub actor: Actor,
    /// What is meant. Whose units an order spends is chosen here, whatever its source says.
    pub body: Body,
    /// Whether the actor works for this office and has signed in.
    pub clerk: bool,
    /// Whose act it is where the office presses the keys for somebody, who is told what becomes of it: E.164 without the plus sign; 0 for
    /// nobody else's.
    pub caller_phone: u64,
}

/// An act that is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Submitted {
    /// Its place in the stream.
    pub seq: u64,
    /// Whether the hub may still refuse: a screen says "done" only for a record.
    pub certainty: Certainty,
    /// What it does here. For a repeat: what of it still waits for the hub, see also `verdict`.
    pub decision: Decision,
    /// Whether it had been stored before.
    pub repeated: bool,
    /// The hub's word on a repeat, where it is here already.
    pub verdict: Option<Verdict>,
}

/// Why an act was not taken. Nothing of it is stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SubmitError {
    /// It breaks a rule of the market.
    #[error("refused: {}", .0.code.as_str())]
    Rejected(Reject),
    /// The box belongs to no office yet.
    #[error("this box is not enrolled yet: run 'mizili-edge enrol' first")]
    NotEnrolled,
    /// What it needs has not been fetched from the hub yet.
    #[error("this office is still fetching its data: try again when that is done")]
    NotComplete,
    /// A count, while nobody knows what should be there before the hub was heard.
    #[error(
        "this box may not know of everything that was sold here: connect this office to the hub, then count"
    )]
    HubFirst,
    /// What is to be taken back can be taken back by a newer hub alone.
    #[error("{HUB_TOO_OLD}")]
    HubTooOld,
    /// It was taken under this id before, and what became of it is kept no longer.
    #[error("this was done before, and what became of it is not kept any more")]
    Forgotten {
        /// Whether the same was asked for then.
        was_the_same: bool,
    },
    /// Too many acts wait for the hub.
    #[error("too many acts wait for the line: connect this office first")]
    LogFull,
    /// The hub has shut this box out: nobody answers what is asked here.
    #[error("the hub does not let this box in")]
    ShutOut,
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

/// The sentence for a person whose hub would take in the whole difference of a count, whatever it moved.
pub const HUB_TOO_OLD: &str =
    "The hub is of an older version, which cannot take this back: count the product again.";

impl From<rusqlite::Error> for SubmitError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Db(error.into())
    }
}

/// Decides and stores an act. The caller commits, and tells the person only after that.
///
/// # Errors
/// Why it was not taken; then the transaction holds nothing of it.
pub fn submit(tx: &Transaction<'_>, deps: &Deps, submission: Submission) -> Result<Submitted, SubmitError> {
    let identity = node::identity(tx)?.ok_or(SubmitError::NotEnrolled)?;
    if let Some(stored) = outcome(tx, submission.id)? {
        return repeated(tx, stored, submission.body);
    }
    if let Some(was_the_same) = known::is_the_same(tx, submission.id, &submission.body)? {
        return Err(SubmitError::Forgotten { was_the_same });
    }
    // Who is not at the office would wait for an answer, and no hub gives this box one.
    if !submission.clerk && node::shut_out(tx)?.is_some() {
        return Err(SubmitError::ShutOut);
    }
    if !log::has_room(tx)? {
        return Err(SubmitError::LogFull);
    }
    let Submission { id, actor, mut body, clerk, caller_phone } = submission;
    let office = Office::open(tx, &identity)?;
    at_office(&body).may_be_taken(&office)?;
    let context = context(&office, clerk);
    let set = working_set::load(tx, &body.needs(id, &actor, &context))?;
    at_office_mut(&mut body).state_facts(&office, &context, &set)?;
    let raw = body.to_raw();
    if raw.bytes.len() > COMMAND_BODY_MAX_BYTES {
        return Err(SubmitError::Rejected(Reject::with(RejectCode::Invalid, [String::new()])));
    }
    let seq = node::highest_seq(tx)? + 1;
    let made_at_s = time::now(tx, deps.clock.read())?.best_s;
    let command = Command { id, seq, made_at_s, actor, body: raw };
    let decision = match body.decide(&command, &context, &set) {
        Ok(decision) => decision,
        Err(reject) if may_be_unfetched(reject.code) && is_fetching(tx, &identity)? => {
            return Err(SubmitError::NotComplete);
        }
        Err(reject) => return Err(SubmitError::Rejected(reject)),
    };
    let (short, has_rows) = (decision.applied.short, !decision.effects.is_empty());
    // Before its effects: a cancelled order still says what it was.
    let thing = at_office(&body).thing(tx)?.map(|thing| Thing { caller_phone, ..thing });
    log::append(tx, &command, decision.certainty, short, has_rows, thing.as_ref())?;
    known::note(tx, seq, &body)?;
    local::put(tx, seq, &decision.effects)?;
    at_office(&body).note_taken(tx, seq)?;
    Ok(Submitted { seq, certainty: decision.certainty, decision, repeated: false, verdict: None })
}

/// The stored answer. Another act under the same id is refused: its id is taken.
fn repeated(tx: &Transaction<'_>, stored: super::CommandState, body: Body) -> Result<Submitted, SubmitError> {
    if !asks_the_same(&body, &stored.command.body) {
        return Err(SubmitError::Rejected(Reject::new(RejectCode::Duplicate)));
    }
    let seq = stored.command.seq;
    let applied = match &stored.verdict {
        Some(Verdict::Applied(applied)) => applied.clone(),
        _ => Applied::default(),
    };
    let certainty = stored.certainty;
    let decision = Decision { certainty, applied, effects: local::effects(tx, seq)? };
    Ok(Submitted { seq, certainty, decision, repeated: true, verdict: stored.verdict })
}

/// Whether a stored body is of the same request.
fn asks_the_same(body: &Body, stored: &RawBody) -> bool {
    matches!(Body::from_raw(stored), Ok(Some(stored)) if stored.as_asked() == body.as_asked())
}

/// This office, deciding for its own screens.
fn context(office: &Office<'_>, clerk: bool) -> Context {
    let percent = office.cooperative.as_ref().map_or(0, |coop| coop.hub_share_percent.min(100));
    Context {
        place: office.identity.holder(),
        origin: office.identity.holder(),
        cooperative: Some(office.identity.cooperative),
        clerk,
        admin: false,
        share_with: None,
        hub_share_percent: percent as u8,
    }
}

/// Refusals that only say that something is not here.
fn may_be_unfetched(code: RejectCode) -> bool {
    matches!(code, RejectCode::NotFound | RejectCode::UnknownCommodity | RejectCode::UnknownUnit)
}

/// Whether the first fetch is still under way. A bucket that is empty at the hub never arrives, so only those that never are
/// empty are asked whether they have begun.
fn is_fetching(conn: &Connection, identity: &Identity) -> Result<bool, DbError> {
    let under_way = replica::cursors(conn)?.iter().any(|cursor| cursor.reached.is_some());
    Ok(under_way || !is_complete(conn, identity.coop_bucket())? || !is_complete(conn, Bucket::Global)?)
}

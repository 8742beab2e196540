//! One run of exchanges: requests and responses until both sides have what the other had for them.
//!
//! Whatever was applied before a cut, a refusal or a kill stays applied, and the next request goes on from there. One run at a
//! time for a data directory, also across processes. Nothing here waits for a person or decides what the market holds.

use super::client::Transport;
use super::error::SyncError;
use super::lock;
use super::mend::{self, Mending, Part};
use super::meter::Meter;
use super::pace::Pace;
use super::session::{self, Parties};
use super::state;
use crate::commands;
use crate::config::Senders;
use crate::db::Db;
use crate::identity::Identity;
use crate::line::tls::BestTime;
use crate::node::{self, ShutOut};
use crate::time;
use mizili_node::deps::Deps;
use mizili_node::text::counted;
use serde::Serialize;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use sync_protocol::wire::message::{Refusal, RefusalCode};
use tokio::sync::watch;

/// Exchanges without anything new, though the hub says that there is more, after which it is a fault.
const IDLE_ROUNDS_MAX: u32 = 3;

/// What a run came to. Its JSON form is what `sync --once` prints.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct ExchangeReport {
    /// Rows that came and were written.
    pub rows: u64,
    /// Commands that were sent.
    pub commands: u64,
    /// Verdicts that say a command took effect.
    pub applied: u64,
    /// Verdicts that refuse one.
    pub rejected: u64,
    /// Verdicts that put one before an operator of the hub.
    pub quarantined: u64,
    /// Bytes to the hub, HTTP heads included, TLS not.
    pub bytes_sent: u64,
    /// Bytes from the hub, counted in the same way.
    pub bytes_received: u64,
    /// HTTP requests that were answered, sign-in included.
    pub round_trips: u64,
    /// How long it took.
    pub seconds: f64,
    /// Whether both sides hold the same at the end; false also when that could not be told.
    pub digests_equal: bool,
    /// Rows that differed from the hub's and were mended.
    #[serde(skip)]
    pub mended: u64,
    /// Whether there is more to do at once: the run was told to stop in between.
    #[serde(skip)]
    pub is_unfinished: bool,
    /// The number of the link that the hub gave out last.
    #[serde(skip)]
    pub contact: Option<u64>,
    /// When a full hub would like to be asked again.
    #[serde(skip)]
    pub retry_after: Option<Duration>,
}

/// What a run compares with the hub. Rows on disk are added up anew once a day in any case: that finds what changed there by
/// itself, and takes a second where there are a million.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Check {
    /// The sums of what moved.
    Moved,
    /// The sums of everything, as they are kept.
    Kept,
    /// The sums of everything, added up anew from the rows on disk.
    Disk,
}

/// How far one run goes.
#[derive(Clone, Copy, Debug)]
pub struct Bounds {
    /// How long to wait for another run of the same box.
    pub lock_patience: Duration,
    /// After how long to leave the rest to the next run; `None` for never.
    pub work: Option<Duration>,
    /// What is compared with the hub beside what moved.
    pub check: Check,
    /// Whether to leave commands for later: the hub takes none until its operator has looked.
    pub hold_commands: bool,
}

/// What runs exchanges for one box.
pub struct Syncer {
    /// The database.
    pub db: Db,
    /// Clock and randomness.
    pub deps: Deps,
    /// The data directory.
    pub data_dir: PathBuf,
    /// The way to the hub.
    pub transport: Arc<dyn Transport>,
    /// The address of the hub that enrolment named when this was opened, whatever the settings say.
    pub enrolled_at: String,
    /// The box's keys.
    pub identity: Arc<Identity>,
    /// What certificates' dates are checked by.
    pub time: Arc<BestTime>,
    /// What SMS can be sent with: the hub is told of those that wait in vain.
    pub senders: Senders,
    /// Counts up when something of the replica or a verdict changed.
    pub changed: watch::Sender<u64>,
}

/// What lasts from one exchange of a run to the next.
pub(super) struct Run<'a> {
    pub(super) meter: Meter<'a>,
    pub(super) parties: Parties,
    pub(super) token: String,
    pub(super) pace: Pace,
    pub(super) mending: Mending,
    /// Whether every bucket is to be compared, moved or not.
    pub(super) want_points: bool,
    /// Commands up to this number were sent in this run and answered or not; they are not sent again in it.
    pub(super) sent_upto: u64,
    /// The exchange before was cut while commands were on their way: what the hub has of them is asked first.
    pub(super) is_unsure: bool,
    /// What the next request has to show, because the hub asked for it.
    pub(super) proof: Vec<u8>,
    /// Commands are not sent (any more) in this run; why, where the hub has refused them in it.
    pub(super) holds_commands: bool,
    pub(super) refused: Option<Refusal>,
    pub(super) report: ExchangeReport,
}

/// What is to be done after an exchange.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Next {
    Done,
    Again { is_idle: bool },
}

impl Syncer {
    /// Exchanges until nothing is left to send or fetch, and both sides were compared.
    ///
    /// # Errors
    /// What stopped it; see [`SyncError::is_temporary`]. What was applied until then stays.
    pub async fn run_once(&self, bounds: Bounds) -> Result<ExchangeReport, SyncError> {
        let held = lock::exchange(&self.data_dir, bounds.lock_patience).await;
        let held =
            held.map_err(|cause| SyncError::File { what: self.data_dir.display().to_string(), cause })?;
        let Some(_held) = held else { return Err(SyncError::Locked) };
        let started = self.deps.clock.monotonic();
        let at = self.deps.clock.read();
        let enrolled_at = self.enrolled_at.clone();
        let (parties, state, now) = self
            .db
            .read(move |conn| {
                must_be_of(conn, &enrolled_at)?;
                Ok::<_, SyncError>((parties(conn)?, state::load(conn)?, time::now(conn, at)?))
            })
            .await?;
        let suspect = self.suspect(bounds.check == Check::Disk || state.recount_is_due(&now)).await?;
        let mut run = Run {
            meter: Meter::new(&*self.transport),
            token: session::kept_token(&self.data_dir, &parties).unwrap_or_default(),
            parties,
            pace: state.pace,
            want_points: bounds.check != Check::Moved
                || !suspect.is_empty()
                || state.digests_equal == Some(false),
            mending: Mending::new(suspect),
            sent_upto: 0,
            is_unsure: state.failure.is_some(),
            proof: Vec::new(),
            holds_commands: bounds.hold_commands,
            refused: None,
            report: ExchangeReport::default(),
        };
        let ended = self.rounds(&mut run, bounds, started).await;
        // Rows came all the same; what was said of the commands must not be lost over it.
        let ended = ended
            .and_then(|()| run.refused.take().map_or(Ok(()), |refusal| Err(SyncError::Refused(refusal))));
        let ended = match ended {
            Err(error) => Err(self.before_giving_up(error).await),
            ended => ended,
        };
        let carried = run.meter.carried();
        run.report.bytes_sent = carried.sent;
        run.report.bytes_received = carried.received;
        run.report.round_trips = carried.round_trips;
        run.report.seconds = (self.deps.clock.monotonic().saturating_sub(started)).as_secs_f64();
        let (pace, at) = (run.pace, self.deps.clock.read());
        let failure = ended.as_ref().err().map(|error| (error.code(), error.to_string()));
        let noted = self
            .db
            .write(move |tx| {
                let now = time::now(tx, at)?;
                commands::prune(tx, &now)?;
                state::note_attempt(tx, now.best_s, pace, failure)
            })
            .await;
        ended?;
        noted?;
        Ok(run.report)
    }

    /// What is done about an error that ends a run: a box that was shut out promises nothing from now on, and one that was for good leaves
    /// what it has with the hub, and says so.
    async fn before_giving_up(&self, error: SyncError) -> SyncError {
        let why = match &error {
            SyncError::Refused(Refusal { code: RefusalCode::Rewound, .. }) => ShutOut::Replaced,
            SyncError::Refused(Refusal { code: RefusalCode::Revoked, .. }) => ShutOut::Revoked,
            _ => return error,
        };
        // By itself, and first: leaving things takes minutes on a slow line.
        if let Err(error) = self.db.write(move |tx| node::note_shut_out(tx, why)).await {
            tracing::error!(%error, "that the hub has shut this box out could not be stored: it goes on selling");
        }
        if why == ShutOut::Replaced {
            return error;
        }
        let detail = match self.leave().await {
            Ok(0) => String::new(),
            Ok(left) => format!(
                "it keeps {} of this box that it had not heard of, for the operator to look at",
                counted(left, "entry", "entries")
            ),
            Err(cause) => {
                tracing::warn!(%cause, "what the hub has not heard of could not be left with it");
                "it has not heard of everything that waits here. Leave this box on, or show the operator what it holds".to_owned()
            }
        };
        SyncError::Refused(Refusal { code: RefusalCode::Revoked, detail })
    }

    async fn rounds(&self, run: &mut Run<'_>, bounds: Bounds, started: Duration) -> Result<(), SyncError> {
        let (mut idle_rounds, mut has_rejoined) = (0, false);
        loop {
            let next = match self.signed_in_round(run).await {
                // Once: a hub that forgets again at once is no hub to go on with.
                Err(SyncError::Refused(refusal))
                    if refusal.code == RefusalCode::HubRestored && !has_rejoined =>
                {
                    has_rejoined = true;
                    run.parties.incarnation = match self.rejoin().await {
                        // A hub of an earlier version: its operator puts it right.
                        Err(SyncError::HttpStatus { status: 404, .. }) => {
                            return Err(SyncError::Refused(refusal));
                        }
                        rejoined => rejoined?,
                    };
                    run.token.clear();
                    run.proof.clear();
                    (run.sent_upto, run.is_unsure, run.want_points) = (0, false, true);
                    continue;
                }
                next => next?,
            };
            match next {
                Next::Done => return Ok(()),
                Next::Again { is_idle } => idle_rounds = if is_idle { idle_rounds + 1 } else { 0 },
            }
            if idle_rounds == IDLE_ROUNDS_MAX {
                return Err(SyncError::Stuck);
            }
            let worked = self.deps.clock.monotonic().saturating_sub(started);
            if bounds.work.is_some_and(|most| worked >= most) {
                run.report.is_unfinished = true;
                return Ok(());
            }
        }
    }

    /// One exchange; signs in before it where there is no session, and once more where the hub has ended it.
    async fn signed_in_round(&self, run: &mut Run<'_>) -> Result<Next, SyncError> {
        if run.token.is_empty() {
            self.sign_in(run).await?;
            return self.round(run).await;
        }
        match self.round(run).await {
            Err(SyncError::Refused(Refusal { code: RefusalCode::Unauthorized, .. })) => {
                session::forget_token(&self.data_dir);
                self.sign_in(run).await?;
                self.round(run).await
            }
            other => other,
        }
    }

    async fn sign_in(&self, run: &mut Run<'_>) -> Result<(), SyncError> {
        let signed_in = session::sign_in(&run.meter, &self.data_dir, &self.identity, &run.parties).await?;
        run.token = signed_in.token;
        if signed_in.hub_keys != run.parties.hub_keys {
            // The hub has changed its keys; the ones it vouched for take the place of the ones before.
            let keys = signed_in.hub_keys.clone();
            self.db.write(move |tx| node::set_hub_keys(tx, &keys)).await?;
            run.parties.hub_keys = signed_in.hub_keys;
        }
        Ok(())
    }

    /// Adds up all rows on disk anew, if it is time, and gives what is not as it was written.
    async fn suspect(&self, is_due: bool) -> Result<Vec<Part>, SyncError> {
        if !is_due {
            return Ok(Vec::new());
        }
        let wrong = self.db.read(mend::recounted).await?;
        let at = self.deps.clock.read();
        let suspect = wrong.iter().map(|(part, _)| *part).collect();
        self.db
            .write(move |tx| {
                for (part, sum) in &wrong {
                    tracing::warn!(bucket = %part.0, entity = part.1, "rows on this disk have changed by themselves");
                    mend::keep_sum(tx, *part, *sum)?;
                }
                if !wrong.is_empty() {
                    state::note_differing(tx)?;
                }
                state::note_recount(tx, &time::now(tx, at)?)
            })
            .await?;
        Ok(suspect)
    }
}

/// Whoever is at the address by which this was opened is the hub of the enrolment still.
///
/// # Errors
/// When it is another's since.
pub(super) fn must_be_of(conn: &rusqlite::Connection, enrolled_at: &str) -> Result<(), SyncError> {
    match node::identity(conn)? {
        Some(me) if me.hub_url != enrolled_at => Err(SyncError::EnrolledAnew),
        _ => Ok(()),
    }
}

/// Who speaks with whom.
///
/// # Errors
/// When the box was never enrolled.
pub fn parties(conn: &rusqlite::Connection) -> Result<Parties, SyncError> {
    let me = node::identity(conn)?.ok_or(SyncError::NotEnrolled)?;
    Ok(Parties { edge: me.edge.0, incarnation: me.incarnation, hub_keys: me.hub_keys })
}

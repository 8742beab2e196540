//! The background loop: exchanges when the hub has news, when somebody here did something, and after a pause when the line failed.
//!
//! It never ends because of an error but one that a new enrolment explains, never hurries a hub that asked for time, and never runs beside another exchange of the
//! same box.

use super::client::{Payload, Request, Transport};
use super::error::SyncError;
use super::exchange::{Bounds, Check, ExchangeReport, Syncer, must_be_of, parties};
use super::round::is_about_commands;
use super::session::{self, kept_token};
use crate::db::Db;
use crate::identity::Identity;
use crate::line::LineError;
use crate::node;
use crate::replica;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use futures_util::FutureExt as _;
use futures_util::future::BoxFuture;
use mizili_node::deps::Deps;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;
use sync_protocol::session::{MINOR_WITH_NEWS_IN_A_BODY, NEWS_PATH};
use sync_protocol::wire::message::{Message, Standing, cursors_to_bytes, scope_hash};
use tokio::sync::{Notify, watch};

/// The first pause after a failure is at most this long, each next at most twice the one before.
const PAUSE_FIRST: Duration = Duration::from_secs(1);

/// No pause is longer.
const PAUSE_MAX: Duration = Duration::from_secs(15 * 60);

/// Nor any after the disk was full.
const STORAGE_PAUSE_MAX: Duration = Duration::from_secs(20);

/// No pause is shorter, so that a hub that fails at once is not asked hundreds of times a second.
const PAUSE_MIN: Duration = Duration::from_millis(200);

/// Shortest time between two long polls: a hub that answers at once must not be asked without end.
const POLL_EVERY: Duration = Duration::from_millis(500);

/// The hub holds a poll for up to 25 s; nothing for so long means that the line is dead.
const POLL_PATIENCE: Duration = Duration::from_secs(60);

/// After a failure of the line, a new command makes the box try again no sooner than this.
const COMMAND_PATIENCE: Duration = Duration::from_secs(10);

/// How often a paused loop looks whether another process of this box got through.
const LOOK_EVERY: Duration = Duration::from_secs(5);

/// How far one run of the loop goes before it lets another process have its turn.
const BOUNDS: Bounds = Bounds {
    lock_patience: Duration::from_secs(60),
    work: Some(Duration::from_secs(30)),
    check: Check::Moved,
    hold_commands: false,
};

/// To speak with the loop.
#[derive(Clone)]
pub struct SyncHandle {
    pub(super) wake: Arc<Notify>,
    pub(super) changed: watch::Receiver<u64>,
}

impl SyncHandle {
    /// A handle without a loop behind it: for a process that shows screens but does not sync.
    pub fn idle() -> Self {
        Self::told_by(watch::channel(0).1)
    }

    /// The same, with news from elsewhere that count up.
    pub fn told_by(changed: watch::Receiver<u64>) -> Self {
        Self { wake: Arc::default(), changed }
    }

    /// Asks for an exchange now.
    pub fn wake(&self) {
        self.wake.notify_one();
    }

    /// Counts up when something of the replica or a verdict changed.
    pub fn changed(&self) -> watch::Receiver<u64> {
        self.changed.clone()
    }
}

/// A long poll under way.
struct Poll {
    answer: BoxFuture<'static, Result<bool, SyncError>>,
    /// How many exchanges had been made when it began.
    begun_after: u64,
}

/// The loop of one opening.
pub(super) struct Loop {
    syncer: Syncer,
    wake: Arc<Notify>,
    new_command: watch::Receiver<u64>,
    stop: watch::Receiver<bool>,
    /// Kept while an exchange runs beside it: opening its connection anew costs more than a needless answer.
    poll: Option<Poll>,
    exchanges: u64,
    failures: u32,
    poll_failures: u32,
    /// Commands are not offered before this, on the monotonic clock: the hub has refused to take any.
    held_until: Duration,
    /// The hub said so when it last heard of them, and that has been told.
    is_told_to_wait: bool,
    /// The link that the hub gave out last, to whichever process, as far as this one knows.
    contact: Option<u64>,
}

/// Why a wait ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Woken {
    Go,
    Stop,
    Outdated,
}

/// Why a loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ended {
    /// It was told to stop.
    Stopped,
    /// The box was enrolled anew since: its keys or the hub's address are others.
    Outdated,
}

impl Loop {
    pub(super) fn new(syncer: Syncer, wake: Arc<Notify>, stop: watch::Receiver<bool>) -> Self {
        let new_command = syncer.db.watch_highest_seq();
        Self {
            syncer,
            wake,
            new_command,
            stop,
            poll: None,
            exchanges: 0,
            failures: 0,
            poll_failures: 0,
            held_until: Duration::ZERO,
            is_told_to_wait: false,
            contact: None,
        }
    }

    /// Exchanges until it is told to stop; what is under way is then left at a point where it goes on later.
    pub(super) async fn run(mut self) -> Ended {
        loop {
            self.new_command.mark_unchanged();
            let bounds = Bounds { hold_commands: self.holds_commands(), ..BOUNDS };
            let ended = tokio::select! {
                ended = self.syncer.run_once(bounds) => ended,
                () = stopped(&mut self.stop) => return Ended::Stopped,
            };
            self.exchanges += 1;
            self.contact = match &ended {
                Ok(report) => report.contact,
                Err(_) => last_contact(&self.syncer.db).await,
            };
            match self.after(ended).await {
                Woken::Go => {}
                Woken::Stop => return Ended::Stopped,
                Woken::Outdated => return Ended::Outdated,
            }
        }
    }

    /// Waits as long as the end of a run says.
    pub(super) async fn after(&mut self, ended: Result<ExchangeReport, SyncError>) -> Woken {
        let error = match ended {
            Ok(report) => {
                self.failures = 0;
                log(&report);
                if report.retry_after.is_some() && !self.is_told_to_wait {
                    tracing::warn!(
                        "somebody at the hub holds what an entry is about; it is offered again from time to time"
                    );
                }
                // A run that held them back heard nothing of it.
                self.is_told_to_wait |= report.retry_after.is_some();
                self.is_told_to_wait &= report.commands == 0 || report.retry_after.is_some();
                if let Some(wait) = report.retry_after {
                    // Commands alone are offered later.
                    let deps = &self.syncer.deps;
                    self.held_until = deps.clock.monotonic() + stretched(deps, wait);
                }
                return match report.is_unfinished {
                    true => self.pause(PAUSE_MIN, None).await,
                    false => self.news().await,
                };
            }
            Err(error) => error,
        };
        if self.is_outdated().await {
            return Woken::Outdated;
        }
        self.failures = self.failures.saturating_add(1);
        self.complain(&error);
        if matches!(&error, SyncError::Refused(refusal) if is_about_commands(refusal.code)) {
            // Rows go on coming; commands are offered again after a while, when the operator may have looked.
            self.held_until = self.syncer.deps.clock.monotonic() + PAUSE_MAX;
            return self.news().await;
        }
        self.pause(pause_after(&self.syncer.deps, self.failures, &error), Some(&error)).await
    }

    /// Whether the box was enrolled anew by another process since what this loop goes by was opened. What cannot be read says nothing.
    pub(super) async fn is_outdated(&mut self) -> bool {
        let Syncer { db, data_dir, identity, enrolled_at, .. } = &self.syncer;
        let has_new_key = Identity::load(data_dir).is_ok_and(|now| now.public_key() != identity.public_key());
        let me = db.read(node::identity).await;
        has_new_key || me.is_ok_and(|me| me.is_some_and(|me| me.hub_url != *enrolled_at))
    }

    pub(super) fn holds_commands(&self) -> bool {
        self.syncer.deps.clock.monotonic() < self.held_until
    }

    /// Waits until the hub has news, somebody here did something, or somebody asked.
    async fn news(&mut self) -> Woken {
        loop {
            let begun = self.syncer.deps.clock.monotonic();
            let (exchanges, holds_commands) = (self.exchanges, self.holds_commands());
            if !holds_commands && !std::mem::take(&mut self.held_until).is_zero() {
                return Woken::Go;
            }
            let Syncer { transport, db, data_dir, enrolled_at, .. } = &self.syncer;
            let poll = self.poll.get_or_insert_with(|| Poll {
                answer: poll(transport.clone(), db.clone(), data_dir.clone(), enrolled_at.clone()).boxed(),
                begun_after: exchanges,
            });
            let answer = tokio::select! {
                answer = &mut poll.answer => answer,
                _ = self.new_command.changed(), if !holds_commands => return Woken::Go,
                () = self.wake.notified() => return Woken::Go,
                () = stopped(&mut self.stop) => return Woken::Stop,
                () = tokio::time::sleep(LOOK_EVERY) => {
                    self.look_at_others().await;
                    continue;
                }
            };
            // A poll that began before the last exchange tells of what that exchange has brought: ask anew.
            let is_fresh = poll.begun_after == self.exchanges;
            self.poll = None;
            match answer {
                Ok(true) if is_fresh => {
                    self.poll_failures = 0;
                    return Woken::Go;
                }
                Ok(_) => self.poll_failures = 0,
                Err(error) if is_fresh => {
                    tracing::debug!(%error, "waiting for news ended");
                    self.poll_failures = self.poll_failures.saturating_add(1);
                    let pause = poll_pause_after(&self.syncer.deps, self.poll_failures, &error);
                    return self.pause(pause, None).await;
                }
                Err(_) => {}
            }
            let took = self.syncer.deps.clock.monotonic().saturating_sub(begun);
            if took < POLL_EVERY && self.pause(POLL_EVERY, None).await == Woken::Stop {
                return Woken::Stop;
            }
        }
    }

    /// Waits. A command ends the pause early where the line had failed, another process's success and a wish always do.
    async fn pause(&mut self, pause: Duration, after: Option<&SyncError>) -> Woken {
        let is_line = matches!(after, Some(SyncError::Line(_)));
        let mut waited = Duration::ZERO;
        let mut has_command = false;
        while waited < pause {
            if has_command && waited >= COMMAND_PATIENCE {
                return Woken::Go;
            }
            let step = LOOK_EVERY.min(pause - waited);
            tokio::select! {
                () = tokio::time::sleep(step) => waited += step,
                () = self.wake.notified() => return Woken::Go,
                () = stopped(&mut self.stop) => return Woken::Stop,
            }
            has_command |= is_line && self.new_command.has_changed().unwrap_or(false);
            if self.look_at_others().await {
                return Woken::Go;
            }
        }
        Woken::Go
    }

    /// Whether another process of this box has exchanged since this one did; then what hangs on the replica is told.
    async fn look_at_others(&mut self) -> bool {
        let contact = last_contact(&self.syncer.db).await;
        let is_new = contact != self.contact;
        if is_new {
            self.contact = contact;
            self.syncer.changed.send_modify(|n| *n += 1);
        }
        is_new
    }

    /// Says what went wrong, the first time loudly: a box that is offline for weeks must not fill its disk with it.
    fn complain(&self, error: &SyncError) {
        if self.failures == 1 || !error.is_temporary() {
            tracing::warn!(code = error.code(), "sync: {error}");
        } else {
            tracing::debug!(code = error.code(), failures = self.failures, "sync: {error}");
        }
    }
}

pub(super) async fn stopped(stop: &mut watch::Receiver<bool>) {
    // The sender going away means the same as its word.
    let _ = stop.wait_for(|stop| *stop).await;
}

/// The number of the last link: another one after each exchange, whatever the clock says.
async fn last_contact(db: &Db) -> Option<u64> {
    db.read(node::link).await.ok().flatten().map(|link| link.number)
}

/// One long poll: whether the hub has something for this box.
pub(super) async fn poll(
    transport: Arc<dyn Transport>,
    db: Db,
    data_dir: PathBuf,
    enrolled_at: String,
) -> Result<bool, SyncError> {
    let (parties, cursors, verdicts_upto, hub_minor) = db
        .read(move |conn| {
            must_be_of(conn, &enrolled_at)?;
            let (cursors, verdicts_upto) = (replica::cursors(conn)?, node::verdicts_upto(conn)?);
            Ok::<_, SyncError>((parties(conn)?, cursors, verdicts_upto, node::hub_minor(conn)?))
        })
        .await?;
    let scope: Vec<_> = cursors.iter().map(|cursor| cursor.bucket).collect();
    let cursors = cursors_to_bytes(&cursors);
    let (path, body) = asked(Standing { scope: scope_hash(&scope), cursors, verdicts_upto }, hub_minor);
    let token = kept_token(&data_dir, &parties);
    let request = Request { path, token, body, patience: POLL_PATIENCE };
    let answer = transport.send(request).await?;
    match answer.status {
        200 | 204 => {
            let has_news = answer.status == 200;
            answer.whole().await?;
            Ok(has_news)
        }
        _ => Err(session::refusal(answer).await),
    }
}

/// Where this box stands, as the hub understands it: in a body, or in the address where it has not said that it knows of bodies.
fn asked(standing: Standing, hub_minor: u16) -> (String, Payload) {
    if hub_minor >= MINOR_WITH_NEWS_IN_A_BODY {
        return (NEWS_PATH.to_owned(), Payload::Frames(Message::News(standing).to_bytes().into()));
    }
    let Standing { scope, cursors, verdicts_upto } = standing;
    let cursors = BASE64.encode(cursors);
    (format!("{NEWS_PATH}?scope={scope}&cursors={cursors}&verdicts={verdicts_upto}"), Payload::Nothing)
}

fn log(report: &ExchangeReport) {
    let ExchangeReport { rows, commands, applied, rejected, quarantined, mended, .. } = *report;
    let (sent, received, trips) = (report.bytes_sent, report.bytes_received, report.round_trips);
    if rows + commands + applied + rejected + quarantined + mended == 0 {
        tracing::debug!(sent, received, trips, "synced, nothing new");
    } else {
        tracing::info!(
            rows,
            commands,
            applied,
            rejected,
            quarantined,
            mended,
            sent,
            received,
            trips,
            "synced"
        );
    }
}

/// How long to wait after a failure.
fn pause_after(deps: &Deps, failures: u32, error: &SyncError) -> Duration {
    match error {
        SyncError::Line(LineError::Certificate(_)) => jittered(deps, failures),
        // Nobody else is kept waiting by looking often whether there is room again.
        SyncError::Storage(cause) if cause.is_retryable() => fraction(deps, STORAGE_PAUSE_MAX).max(PAUSE_MIN),
        _ if !error.is_temporary() => PAUSE_MAX / 2 + fraction(deps, PAUSE_MAX / 2),
        _ => match error.retry_after() {
            Some(wait) => stretched(deps, wait),
            None => jittered(deps, failures),
        },
    }
}

/// How long to wait after a poll that failed: as long as a full hub asked for, else as after any failure. Whatever else was wrong,
/// the exchange after it says.
fn poll_pause_after(deps: &Deps, failures: u32, error: &SyncError) -> Duration {
    error.retry_after().map_or_else(|| jittered(deps, failures), |wait| stretched(deps, wait))
}

/// Anything up to a bound that doubles with each failure: boxes that lost the line together do not come back together.
fn jittered(deps: &Deps, failures: u32) -> Duration {
    let doubled = 1u32.checked_shl(failures.saturating_sub(1)).unwrap_or(u32::MAX);
    let most = PAUSE_FIRST.saturating_mul(doubled).min(PAUSE_MAX);
    fraction(deps, most).max(PAUSE_MIN)
}

/// At least as long as the hub asked for, and a little longer for some than for others.
fn stretched(deps: &Deps, wait: Duration) -> Duration {
    let wait = wait.min(PAUSE_MAX);
    wait + fraction(deps, wait / 2)
}

fn fraction(deps: &Deps, most: Duration) -> Duration {
    let random = u32::from_le_bytes(deps.ids.random());
    most.mul_f64(f64::from(random) / f64::from(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sync_protocol::wire::message::{Refusal, RefusalCode};

    #[test]
    fn pauses_grow_to_a_quarter_of_an_hour_with_full_jitter() {
        let deps = Deps::fixed(9);
        let offline = SyncError::Line(LineError::Unreachable("x".into()));
        for failures in 1..=64 {
            let most = Duration::from_secs(1u64 << (failures - 1).min(20)).min(PAUSE_MAX);
            let pauses: Vec<_> = (0..50).map(|_| pause_after(&deps, failures, &offline)).collect();
            assert!(pauses.iter().all(|p| *p >= PAUSE_MIN && *p <= most), "{failures}: {pauses:?}");
            assert!(pauses.iter().any(|p| *p > most / 2), "{failures}: it uses the whole range");
        }
    }

    #[test]
    fn a_hub_that_asks_for_time_gets_it_and_what_needs_a_person_is_not_hurried() {
        let deps = Deps::fixed(9);
        let busy = SyncError::Busy { retry_after: Some(Duration::from_secs(40)) };
        assert!((0..50).all(|_| (40..=60).contains(&pause_after(&deps, 1, &busy).as_secs())));
        assert!((0..50).all(|_| (40..=60).contains(&poll_pause_after(&deps, 1, &busy).as_secs())));
        let revoked = SyncError::Refused(Refusal { code: RefusalCode::Revoked, detail: String::new() });
        assert!((0..50).all(|_| pause_after(&deps, 1, &revoked) >= PAUSE_MAX / 2));
    }
}

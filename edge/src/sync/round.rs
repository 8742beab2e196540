//! One request and its response: what goes into it, how it is carried, what follows from how it ended.
//!
//! It never waits between two exchanges and never decides what is true; see [`super::exchange`] for the run that it is part of.

use super::arriving::Arriving;
use super::client::{Payload, Request, Transport as _};
use super::error::SyncError;
use super::exchange::{Next, Run, Syncer};
use super::intake::{Intake, Taken};
use super::pace::Pace;
use super::request::{self, Batches, Opening, Sent};
use super::{session, state};
use crate::commands;
use crate::db::DbError;
use crate::line::LineError;
use std::sync::Arc;
use std::time::Duration;
use sync_protocol::session::EXCHANGE_PATH;
use sync_protocol::wire::message::{Refusal, RefusalCode};

/// How long nothing may move during an exchange: what a loaded hub may take for one batch, and a lost packet on 2G.
const PATIENCE: Duration = Duration::from_secs(90);

impl Syncer {
    /// One request and its response.
    pub(super) async fn round(&self, run: &mut Run<'_>) -> Result<Next, SyncError> {
        let (pace, after) = (run.pace, run.sent_upto);
        let opening = Opening {
            incarnation: run.parties.incarnation,
            pace,
            at: self.deps.clock.read(),
            senders: self.senders.clone(),
            want_points: run.want_points || !run.mending.is_equal(),
            proof: std::mem::take(&mut run.proof),
        };
        let (hello, waiting) = self
            .db
            .read(move |conn| {
                let waiting = commands::pending(conn, after, 1)?.first().map(|command| command.seq);
                Ok::<_, SyncError>((request::hello(conn, opening)?, waiting))
            })
            .await?;
        // After a cut the hub may have batches whose verdicts never arrived. Asking first is one small round trip; sending them
        // all again could be hours.
        let is_unsure = std::mem::take(&mut run.is_unsure);
        let asks_first = is_unsure && self.has_much_unanswered(pace).await?;
        let sent = Arc::new(Sent::default());
        let batches = (waiting.is_some() && !asks_first && !run.holds_commands)
            .then(|| Batches::new(self.db.clone(), after, pace, sent.clone()));
        let audits = run.mending.begin_round();
        let body = request::body(&hello, batches, &audits);
        let ended = self.carry(run, body, &sent).await;
        let taken = match ended {
            Ok(Taken { proof: Some(proof), .. }) => {
                // Nothing was taken; the same again, as the answer to that question.
                run.mending.end_round();
                run.proof = proof.to_vec();
                run.is_unsure = is_unsure;
                return Ok(Next::Again { is_idle: true });
            }
            Ok(taken) => taken,
            Err((error, taken)) => {
                run.report.commands += sent.commands();
                return self.after_failure(run, error, &taken, &sent);
            }
        };
        run.report.commands += sent.commands();
        // An answer that ends before everything is there compares nothing.
        run.want_points &= taken.close.as_ref().is_none_or(|close| close.more) || taken.has_gap;
        run.sent_upto = run.sent_upto.max(sent.upto());
        report(run, &taken);
        self.after_round(run, &taken, asks_first).await
    }

    /// Sends a request and takes its response in. With an error comes what had been taken in before.
    async fn carry(
        &self,
        run: &mut Run<'_>,
        body: Payload,
        sent: &Sent,
    ) -> Result<Taken, (SyncError, Taken)> {
        let begun = self.deps.clock.monotonic();
        let token = Some(run.token.clone());
        let request = Request { path: EXCHANGE_PATH.to_owned(), token, body, patience: PATIENCE };
        let answer = match run.meter.send(request).await {
            Ok(answer) => answer,
            Err(error) => return Err((sent.failure().unwrap_or(error.into()), Taken::default())),
        };
        if answer.status != 200 {
            return Err((session::refusal(answer).await, Taken::default()));
        }
        let mut arriving = Arriving::of(answer.body);
        let (db, deps) = (&self.db, &self.deps);
        let mending = &mut run.mending;
        let mut intake = Intake { db, deps, mending, taken: Taken::default(), answers: Vec::new() };
        let headed = self.deps.clock.monotonic();
        let mut first = true;
        let mut error = None;
        while let Some(arrived) = arriving.next().await {
            let next = match arrived {
                Ok(message) => {
                    if std::mem::take(&mut first) {
                        run.pace.went_up(sent.bytes(), self.deps.clock.monotonic().saturating_sub(begun));
                    }
                    intake.message(message, &mut arriving).await
                }
                Err(e) => Err(e),
            };
            match next {
                Ok(true) => {}
                Ok(false) => break,
                Err(e) => {
                    error = Some(e);
                    break;
                }
            }
        }
        let down_bytes = arriving.bytes();
        // The answer had begun: where it is cut before a whole piece of it has come (over HTTP/2 a part of one is never seen),
        // smaller pieces have to be asked for, or none would ever come.
        let taken = Taken { bytes: down_bytes.max(1), ..intake.taken };
        run.pace.came_down(down_bytes, self.deps.clock.monotonic().saturating_sub(headed));
        if taken.has_news || taken.has_new_scope {
            self.changed.send_modify(|n| *n += 1);
        }
        match error {
            None if taken.close.is_some() || taken.proof.is_some() => {
                // The line is used again only when the response was read to its end.
                drop(
                    tokio::time::timeout(PATIENCE, async { while arriving.next().await.is_some() {} }).await,
                );
                Ok(taken)
            }
            None => Err((LineError::Cut("the answer ended early".into()).into(), taken)),
            Some(e) => Err((sent.failure().unwrap_or(e), taken)),
        }
    }

    /// After a cut with something new before it: go on at once. Else the error stands.
    fn after_failure(
        &self,
        run: &mut Run<'_>,
        error: SyncError,
        taken: &Taken,
        sent: &Sent,
    ) -> Result<Next, SyncError> {
        report(run, taken);
        run.mending.end_round();
        match &error {
            SyncError::Line(_) | SyncError::Damaged(_) => {
                if taken.bytes > 0 || sent.bytes() > 0 {
                    run.pace.was_cut(taken.bytes);
                }
                run.is_unsure = true;
                run.sent_upto = 0;
                if !taken.has_news && !taken.has_new_scope {
                    return Err(error);
                }
                tracing::info!(%error, "the exchange was cut; what came before stays, and it goes on");
                Ok(Next::Again { is_idle: false })
            }
            SyncError::Refused(Refusal { code: RefusalCode::SequenceGap, .. }) if run.sent_upto > 0 => {
                // Commands of an exchange before did not stay at the hub after all: from the first that waits.
                run.sent_upto = 0;
                Ok(Next::Again { is_idle: false })
            }
            SyncError::Refused(refusal) if sent.commands() > 0 && is_about_commands(refusal.code) => {
                // Rows never wait for commands: fetch them without.
                tracing::warn!("{error}");
                run.holds_commands = true;
                run.refused = Some(refusal.clone());
                Ok(Next::Again { is_idle: false })
            }
            _ => Err(error),
        }
    }

    async fn after_round(
        &self,
        run: &mut Run<'_>,
        taken: &Taken,
        asked_first: bool,
    ) -> Result<Next, SyncError> {
        let Some(close) = &taken.close else { return Ok(Next::Again { is_idle: true }) };
        let now_s = self.deps.clock.now_s();
        self.time.heard(close.clock_s, close.clock_s.saturating_sub(now_s));
        if close.retry_after_s > 0 {
            // Rows never wait for commands.
            run.report.retry_after = Some(Duration::from_secs(u64::from(close.retry_after_s)));
            run.holds_commands = true;
        }
        let after = run.sent_upto;
        let has_waiting = !run.holds_commands
            && self
                .db
                .read(move |conn| Ok::<_, DbError>(!commands::pending(conn, after, 1)?.is_empty()))
                .await?;
        let has_more = close.more
            || taken.has_gap
            || taken.has_new_scope
            || taken.has_filled
            || has_waiting
            || run.mending.has_work();
        let is_idle = !taken.has_news
            && !taken.has_new_scope
            && !asked_first
            && !has_waiting
            && !run.mending.has_work();
        Ok(if has_more { Next::Again { is_idle } } else { Next::Done })
    }

    /// Whether more than one batch has left this box without a verdict.
    async fn has_much_unanswered(&self, pace: Pace) -> Result<bool, SyncError> {
        let count = self.db.read(state::sent_without_verdict).await?;
        Ok(count > request::commands_in_a_batch(pace))
    }
}

fn report(run: &mut Run<'_>, taken: &Taken) {
    run.report.rows += taken.rows;
    run.report.applied += taken.applied;
    run.report.rejected += taken.rejected;
    run.report.quarantined += taken.quarantined;
    run.report.mended += taken.mended;
    run.report.digests_equal = taken.digests_equal;
    run.report.contact = taken.contact.or(run.report.contact);
}

/// Whether a refusal is about the commands alone: then rows can still be fetched.
pub(super) fn is_about_commands(code: RefusalCode) -> bool {
    matches!(code, RefusalCode::SequenceReused | RefusalCode::SequenceGap | RefusalCode::StreamHalted)
}

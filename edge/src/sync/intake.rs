//! What a response brings, message by message. Each is on disk before the next is looked at, but for rows that have arrived one after
//! the other: they share a transaction. So a cut at any byte costs no more than the frame it fell into; rows, cursor and what waited
//! for them move in one transaction.

use super::arriving::{Arrived, Arriving, Batch};
use super::error::SyncError;
use super::mend::{self, Mending};
use super::state;
use crate::commands::{self, VerdictError};
use crate::db::{Db, DbError};
use crate::node::{self, Doubt};
use crate::replica::{self, ReplicaError};
use crate::time;
use crate::told;
use mizili_node::deps::{Deps, Reading};
use rusqlite::Transaction;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::OrderId;
use sync_protocol::session::{BucketCursor, Judged};
use sync_protocol::verdict::Numbered;
use sync_protocol::wire::message::{BucketPoint, Close, Message, SlotSums, Welcome};
use sync_protocol::wire::rows::{Reach, Rows};

impl From<ReplicaError> for SyncError {
    fn from(error: ReplicaError) -> Self {
        match error {
            ReplicaError::Db(cause) => Self::Storage(cause),
            ReplicaError::NotInScope(_) | ReplicaError::BadScope(_) => Self::Unexpected(error.to_string()),
        }
    }
}

/// What one response came to.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// Bytes of frames that arrived.
    pub(super) bytes: u64,
    /// Rows that were written.
    pub(super) rows: u64,
    /// Commands that took effect at the hub.
    pub(super) applied: u64,
    /// Commands that were refused.
    pub(super) rejected: u64,
    /// Commands that wait for an operator of the hub.
    pub(super) quarantined: u64,
    /// Rows that differed and were mended.
    pub(super) mended: u64,
    /// Rows before those that came are missing: ask again.
    pub(super) has_gap: bool,
    /// The scope or the epoch changed.
    pub(super) has_new_scope: bool,
    /// The first snapshot of a bucket has come to its end: the hub is to hear of it, or it takes this box for far behind.
    pub(super) has_filled: bool,
    /// Something came that was not here before.
    pub(super) has_news: bool,
    /// Whether everything is here and the same on both sides, as far as is known at the end.
    pub(super) digests_equal: bool,
    /// The number of the link that the end of the response brought: another one each time.
    pub(super) contact: Option<u64>,
    /// The end of the response.
    pub(super) close: Option<Close>,
    /// The hub has taken nothing: it asks for this proof that the request was made now.
    pub(super) proof: Option<[u8; 16]>,
}

/// Most rows of frames that share a transaction, whatever has arrived behind them: nobody else writes meanwhile. As many as a hub puts
/// into the largest frame; one with more has a transaction of its own.
const ROWS_AT_ONCE: u64 = 16_384;

/// What became of the frames of one transaction.
#[derive(Default)]
struct Written {
    rows: u64,
    is_any: bool,
    has_gap: bool,
    has_filled: bool,
    /// Orders of which there may be something to tell.
    changed: Vec<OrderId>,
}

impl Written {
    fn add(&mut self, batch: Batch, judged: Judged) {
        let (bucket, reach) = (batch.rows.span().bucket, batch.rows.span().reach);
        match judged {
            Judged::Apply(next) => {
                self.has_filled |= next.is_whole() && matches!(reach, Reach::Snapshot { .. });
                self.rows += batch.rows.came();
                self.is_any = true;
                self.changed.extend(batch.changed);
            }
            Judged::Skip => tracing::debug!(%bucket, "skipped rows that are here already"),
            Judged::Gap => {
                tracing::warn!(%bucket, "rows came after a gap; they are asked for again");
                self.has_gap = true;
            }
        }
    }
}

/// What has to follow in the transaction of every verdict, every row and every change of the scope.
fn settle_and_tell(tx: &Transaction<'_>, at: Reading, changed: &[OrderId]) -> Result<(), DbError> {
    commands::settle(tx)?;
    let now = time::now(tx, at)?;
    told::tell(tx, &now)?;
    told::tell_changes(tx, changed, &now)?;
    Ok(())
}

/// Takes in one response.
pub(super) struct Intake<'a> {
    pub(super) db: &'a Db,
    pub(super) deps: &'a Deps,
    pub(super) mending: &'a mut Mending,
    pub(super) taken: Taken,
    /// Answers to questions hold at the head of each bucket, which is reached only when its rows are in.
    pub(super) answers: Vec<Message>,
}

impl Intake<'_> {
    /// Takes in one message, and what of the same kind has arrived behind it. `false` when it was the last.
    pub(super) async fn message(
        &mut self,
        arrived: Arrived,
        arriving: &mut Arriving,
    ) -> Result<bool, SyncError> {
        let message = match arrived {
            Arrived::Rows(batch) => return self.rows(batch, arriving).await.map(|()| true),
            Arrived::Message(message) => message,
        };
        match message {
            Message::Welcome(welcome) => self.welcome(welcome).await?,
            Message::Verdicts(list) => self.verdicts(list).await?,
            Message::Rows(_) | Message::SlotSums(_) => self.answers.push(message),
            Message::Complete(points) => {
                self.answers().await?;
                self.complete(points).await?;
            }
            Message::Close(close) => {
                self.answers().await?;
                self.close(close).await?;
                return Ok(false);
            }
            Message::Prove(proof) => {
                self.taken.proof = Some(proof);
                return Ok(false);
            }
            Message::Refusal(refusal) => return Err(SyncError::Refused(refusal)),
            Message::Unknown(kind) => tracing::debug!(kind, "skipped a message of a newer hub"),
            Message::Hello(_)
            | Message::Commands(_)
            | Message::Audit(_)
            | Message::End
            | Message::News(_) => {
                return Err(SyncError::Unexpected("a request in place of an answer".into()));
            }
        }
        Ok(true)
    }

    /// Takes in the answers to questions, once the rows are in.
    async fn answers(&mut self) -> Result<(), SyncError> {
        for answer in std::mem::take(&mut self.answers) {
            match answer {
                Message::Rows(rows) => self.repair(rows).await?,
                Message::SlotSums(sums) => self.slot_sums(sums).await?,
                _ => {}
            }
        }
        Ok(())
    }

    async fn welcome(&mut self, welcome: Welcome) -> Result<(), SyncError> {
        let at = self.deps.clock.read();
        self.taken.has_new_scope = self
            .db
            .write(move |tx| {
                let before = (node::scope(tx)?, node::epoch(tx)?);
                let is_new = before != (welcome.scope.clone(), welcome.epoch);
                replica::take_scope(tx, &welcome)?;
                node::set_epoch(tx, welcome.epoch)?;
                settle_and_tell(tx, at, &[])?;
                Ok::<_, SyncError>(is_new)
            })
            .await?;
        Ok(())
    }

    async fn verdicts(&mut self, list: Vec<Numbered>) -> Result<(), SyncError> {
        let at = self.deps.clock.read();
        let stored = self
            .db
            .write(move |tx| {
                let (now, before) = (time::now(tx, at)?, node::verdicts_upto(tx)?);
                let recorded = commands::record_verdicts(tx, &list, now.best_s)?;
                settle_and_tell(tx, at, &[])?;
                Ok::<_, VerdictError>((recorded, node::verdicts_upto(tx)? > before))
            })
            .await;
        match stored {
            Ok((recorded, is_new)) => {
                self.taken.has_news |= is_new;
                self.taken.applied += recorded.applied;
                self.taken.rejected += recorded.rejected;
                self.taken.quarantined += recorded.quarantined;
            }
            Err(VerdictError::Gap { expected, got }) => {
                tracing::warn!(expected, got, "verdicts came after a gap; they are asked for again");
                self.taken.has_gap = true;
            }
            Err(VerdictError::Db(error)) => return Err(error.into()),
        }
        Ok(())
    }

    /// Writes rows down, with those that have arrived behind them: what a fast line brings costs few syncs of the disk, and on a slow
    /// one each frame is on disk before the next has come.
    async fn rows(&mut self, first: Batch, arriving: &mut Arriving) -> Result<(), SyncError> {
        let mut line = arriving.take();
        let at = self.deps.clock.read();
        let written = self.db.write(move |tx| {
            let (mut written, mut next) = (Written::default(), Some(first));
            while let Some(batch) = next {
                let judged = replica::apply_rows(tx, &batch.rows)?;
                written.add(batch, judged);
                next = ROWS_AT_ONCE.checked_sub(written.rows).and_then(|room| line.rows_at_hand(room));
            }
            if written.is_any {
                settle_and_tell(tx, at, &written.changed)?;
            }
            Ok::<_, SyncError>((written, line))
        });
        let (written, line) = written.await?;
        *arriving = line;
        self.taken.rows += written.rows;
        self.taken.has_news |= written.is_any;
        self.taken.has_gap |= written.has_gap;
        self.taken.has_filled |= written.has_filled;
        Ok(())
    }

    /// Puts rows of a slot in place of what is here.
    async fn repair(&mut self, rows: Rows) -> Result<(), SyncError> {
        let Reach::Repair { entity, .. } = rows.reach else { return Ok(()) };
        let (bucket, part) = (rows.bucket, (rows.bucket, entity));
        let at = self.deps.clock.read();
        let mended = self
            .db
            .write(move |tx| {
                let mended = mend::rows_to_mend(tx, &rows)?;
                let batch = Batch::of(&rows);
                let is_applied = matches!(replica::apply_rows(tx, &batch.rows)?, Judged::Apply(_));
                if is_applied {
                    state::note_mended(tx, mended)?;
                    settle_and_tell(tx, at, &batch.changed)?;
                }
                Ok::<_, SyncError>(is_applied.then_some(mended))
            })
            .await?;
        let Some(mended) = mended else {
            tracing::debug!(%bucket, "skipped rows of another version");
            return Ok(());
        };
        self.taken.mended += mended;
        self.taken.has_news = true;
        self.mending.mended(part);
        tracing::warn!(%bucket, entity, rows = mended, "mended rows that differed from the hub's");
        Ok(())
    }

    async fn complete(&mut self, points: Vec<BucketPoint>) -> Result<(), SyncError> {
        let (compared, differing) = self
            .db
            .write(move |tx| {
                let cursors = replica::cursors(tx)?;
                let is_there = |point: &&BucketPoint| {
                    let cursor = cursors.iter().find(|cursor| cursor.bucket == point.bucket);
                    cursor.is_some_and(|cursor| cursor.is_whole() && cursor.upto == point.head)
                };
                let compared: Vec<Bucket> =
                    points.iter().filter(is_there).map(|point| point.bucket).collect();
                Ok::<_, SyncError>((compared, replica::compare(tx, &points)?))
            })
            .await?;
        if !differing.is_empty() {
            tracing::warn!(?differing, "rows differ from the hub's; they are looked for");
        }
        self.mending.compared(&compared, &differing);
        Ok(())
    }

    async fn slot_sums(&mut self, sums: SlotSums) -> Result<(), SyncError> {
        let SlotSums { of, head, sums } = sums;
        let asked = of.clone();
        let ours = self
            .db
            .read(move |conn| {
                let cursor = replica::cursors(conn)?.into_iter().find(|cursor| cursor.bucket == asked.bucket);
                if !cursor.is_some_and(|cursor| cursor.is_whole() && cursor.upto == head) {
                    return Ok(None);
                }
                Ok::<_, DbError>(Some(replica::slot_sums(conn, &asked)?))
            })
            .await?;
        // At another version the sums say nothing; the next comparison begins from the top.
        let Some(ours) = ours else { return Ok(()) };
        self.taken.has_news = true;
        if !self.mending.sums_came(&of, &ours, &sums) && of.slot.is_empty() {
            // The rows are the same, so if anything differed it was the sum that is kept here.
            self.db
                .write(move |tx| {
                    let sum = replica::recount(tx, of.bucket, of.entity)?;
                    mend::keep_sum(tx, (of.bucket, of.entity), sum)
                })
                .await?;
        }
        Ok(())
    }

    async fn close(&mut self, close: Close) -> Result<(), SyncError> {
        self.mending.end_round();
        let at = self.deps.clock.read();
        let has_all = !close.more && !self.taken.has_gap;
        let is_equal = self.mending.is_equal();
        let stored = close.clone();
        let known = self
            .db
            .write(move |tx| {
                node::set_link(tx, &stored.link)?;
                let now = time::heard(tx, at, stored.clock_s)?;
                commands::date(tx, stored.clock_s, &now)?;
                node::set_hub_minor(tx, stored.hub_minor())?;
                node::set_backed_up_s(tx, stored.backed_up_s)?;
                // The hub knows this link for the one it gave out last, so no other copy is in use.
                node::note_let_in(tx)?;
                if node::of_the_data(tx)? == Some(Doubt::Copied) {
                    node::clear_doubt(tx)?;
                }
                let is_complete = has_all && replica::cursors(tx)?.iter().all(BucketCursor::is_whole);
                state::note_compared(tx, is_complete, is_equal)?;
                if is_complete {
                    node::counts::list(tx)?;
                }
                state::load(tx)
            })
            .await?;
        self.taken.digests_equal = known.is_complete && known.digests_equal == Some(true);
        self.taken.contact = Some(close.link.number);
        self.taken.close = Some(close);
        Ok(())
    }
}

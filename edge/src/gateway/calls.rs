//! The calls under way, in memory, each behind a lock of its own: two callbacks of one call wait for each other, those of different
//! calls never do.
//!
//! A price screen must not cost a wait for the disk, and an office box has a slow one. So steps through menus live here and are
//! written behind, many in one transaction, a moment later; only what acts is on disk before it is answered, in the act's own
//! transaction. A kill loses at most that moment of menu steps and no act: the gateway sends the whole way again with the next
//! key, and a call whose last keys are missing is walked anew along it (see [`super::turns`]). What is written is found again after
//! a restart. What a number has begun belongs to the number and not to a call: see [`super::drafts`].

use super::drafts::{Acting, Drafts};
use super::store::{self, CALL_KEPT_S, KeptDraft};
use crate::db::{Db, DbError};
use crate::time;
use crate::ussd::Session;
use mizili_node::deps::Deps;
use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Notify, watch};

/// Calls that are kept in memory; of about a kilobyte each, within the node's 32 MiB. Older ones are read from the disk again.
const CALLS_MAX: usize = 8_192;

/// Parts of the table that are locked apart.
const SHARDS: usize = 16;

/// How long a step may wait to be written.
const WRITE_BEHIND: Duration = Duration::from_millis(250);

/// Calls that one transaction writes at most. Each transaction waits for the disk and writes again the pages that the one before has
/// written; an act that comes meanwhile waits for some hundredths of a second.
const BATCH_MAX: usize = 2_048;

/// The pause after the disk refused.
const REFUSED_PAUSE: Duration = Duration::from_secs(2);

/// How often old calls and drafts are dropped.
const TIDY_EVERY: Duration = Duration::from_secs(60);

/// One call.
pub(super) struct Call {
    pub(super) gateway: Arc<str>,
    pub(super) session_id: Box<str>,
    pub(super) slot: tokio::sync::Mutex<Slot>,
    pub(super) is_dirty: AtomicBool,
    /// Counts the acts of this call. What was collected before one must not be written over what it has written.
    acts: AtomicU64,
    /// When it was last asked for, in milliseconds of the monotonic clock.
    touched_ms: AtomicU64,
}

/// What is known of a call.
#[derive(Default)]
pub(super) struct Slot {
    /// Whether the disk was asked.
    pub(super) is_loaded: bool,
    pub(super) session: Option<Session>,
    /// Whose it is: E.164 without the plus sign.
    pub(super) phone: u64,
}

type Shard = HashMap<Box<str>, Arc<Call>>;

/// All calls.
pub(super) struct Calls {
    db: Db,
    deps: Deps,
    /// What numbers have left, as far as it is not written.
    pub(super) drafts: Arc<Drafts>,
    /// Tells rows of this start of the program from earlier ones.
    pub(super) run: i64,
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
    dirty: Mutex<Vec<Arc<Call>>>,
    wake: Notify,
}

impl Calls {
    pub(super) fn new(db: Db, deps: Deps) -> Self {
        let run = i64::from_le_bytes(deps.ids.random::<8>());
        let shards = std::array::from_fn(|_| Mutex::default());
        Self {
            db,
            deps,
            drafts: Arc::default(),
            run,
            hasher: RandomState::new(),
            shards,
            dirty: Mutex::default(),
            wake: Notify::new(),
        }
    }

    /// The call of a gateway, known or new.
    pub(super) fn get(&self, gateway: &Arc<str>, session_id: &str) -> Arc<Call> {
        let now_ms = u64::try_from(self.deps.clock.monotonic().as_millis()).unwrap_or(u64::MAX);
        let key = format!("{gateway}/{session_id}");
        let mut shard = lock(&self.shards[self.hasher.hash_one(&key) as usize % SHARDS]);
        if let Some(call) = shard.get(key.as_str()) {
            let before_ms = call.touched_ms.swap(now_ms, Ordering::Relaxed);
            if now_ms.saturating_sub(before_ms) <= CALL_KEPT_S as u64 * 1_000
                || call.is_dirty.load(Ordering::Relaxed)
            {
                return call.clone();
            }
        }
        if shard.len() >= CALLS_MAX / SHARDS {
            make_room(&mut shard);
        }
        let call = Arc::new(Call {
            gateway: gateway.clone(),
            session_id: session_id.into(),
            slot: tokio::sync::Mutex::default(),
            is_dirty: AtomicBool::new(false),
            acts: AtomicU64::new(0),
            touched_ms: AtomicU64::new(now_ms),
        });
        shard.insert(key.into(), call.clone());
        call
    }

    /// Notes that a call is about to act, and so to write its own state: what waits to be written of it is out of date, and
    /// so is what its number has begun.
    pub(super) fn acts(&self, call: &Call, phone: u64) -> Acting {
        call.acts.fetch_add(1, Ordering::AcqRel);
        self.drafts.acts(phone)
    }

    /// Notes that a call changed; it is written soon.
    pub(super) fn changed(&self, call: &Arc<Call>) {
        if !call.is_dirty.swap(true, Ordering::AcqRel) {
            let mut dirty = lock(&self.dirty);
            dirty.push(call.clone());
            if dirty.len() == 1 {
                self.wake.notify_one();
            }
        }
    }

    /// Writes what changed, until told to stop, and once more then.
    pub(super) async fn write_behind(self: Arc<Self>, draft_window_s: i64, mut stop: watch::Receiver<bool>) {
        let mut tidied: Option<Duration> = None;
        let mut has_failed = false;
        loop {
            let woken = tokio::select! {
                () = self.wake.notified() => true,
                _ = stop.wait_for(|stop| *stop) => false,
            };
            if woken {
                tokio::time::sleep(if has_failed { REFUSED_PAUSE } else { WRITE_BEHIND }).await;
            }
            let written = self.write().await;
            if let Err(error) = &written
                && !has_failed
            {
                tracing::warn!(%error, "calls are kept in memory only; menus go on");
            }
            has_failed = written.is_err();
            if !woken {
                return;
            }
            let now = self.deps.clock.monotonic();
            if !has_failed && tidied.is_none_or(|at| now.saturating_sub(at) >= TIDY_EVERY) {
                tidied = Some(now);
                let at = self.deps.clock.read();
                let tidy =
                    self.db.write_grouped(move |tx| store::tidy(tx, draft_window_s, &time::now(tx, at)?));
                if let Err(error) = tidy.await {
                    tracing::warn!(%error, "old calls cannot be dropped");
                }
            }
        }
    }

    /// Writes what has changed so far.
    pub(super) async fn write(&self) -> Result<(), DbError> {
        loop {
            let batch: Vec<Arc<Call>> = {
                let mut dirty = lock(&self.dirty);
                let from = dirty.len().saturating_sub(BATCH_MAX);
                dirty.split_off(from)
            };
            if batch.is_empty() {
                return Ok(());
            }
            self.write_batch(batch).await?;
        }
    }

    async fn write_batch(&self, batch: Vec<Arc<Call>>) -> Result<(), DbError> {
        let (run, at) = (self.run, self.deps.clock.read());
        let mut rows = Vec::with_capacity(batch.len());
        for call in &batch {
            let slot = call.slot.lock().await;
            call.is_dirty.store(false, Ordering::Release);
            let Some(session) = &slot.session else { continue };
            let state = session.to_json();
            let left = self.drafts.collect(slot.phone);
            let draft = left.map(|(draft, change)| (slot.phone, draft.as_ref().map(KeptDraft::from), change));
            rows.push((call.clone(), call.acts.load(Ordering::Acquire), state, draft));
        }
        let changes: Vec<(u64, u64)> = rows
            .iter()
            .filter_map(|(.., draft)| draft.as_ref().map(|(phone, _, change)| (*phone, *change)))
            .collect();
        let drafts = self.drafts.clone();
        let written = self
            .db
            .write_grouped(move |tx| {
                let now = time::now(tx, at)?;
                for (call, acts, state, draft) in &rows {
                    if call.acts.load(Ordering::Acquire) == *acts {
                        store::put_call(tx, &call.gateway, &call.session_id, run, state, &now)?;
                    }
                    if let Some((phone, draft, change)) = draft
                        && drafts.is_last(*phone, *change)
                    {
                        store::put_draft(tx, *phone, draft.as_ref())?;
                    }
                }
                Ok::<_, DbError>(())
            })
            .await;
        if written.is_ok() {
            for (phone, change) in changes {
                self.drafts.written(phone, change);
            }
        } else {
            for call in &batch {
                self.changed(call);
            }
            self.wake.notify_one();
        }
        written
    }
}

/// Takes the older half of what is written out of a full part of the table. Where nothing is, as on a full disk, the oldest call
/// goes all the same: the gateway sends its way again.
fn make_room(shard: &mut Shard) {
    let mut by_age: Vec<(bool, u64, Box<str>)> = shard
        .iter()
        .map(|(key, call)| {
            let is_needed = call.is_dirty.load(Ordering::Relaxed) || Arc::strong_count(call) > 1;
            (is_needed, call.touched_ms.load(Ordering::Relaxed), key.clone())
        })
        .collect();
    by_age.sort_unstable();
    let written = by_age.iter().filter(|(is_needed, ..)| !is_needed).count();
    for (.., key) in by_age.iter().take((written / 2).max(1)) {
        shard.remove(key);
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

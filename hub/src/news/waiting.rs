//! Who waits for news, and of which buckets, in memory. A waiter was looked at once in the database; from then on what moves is
//! compared here, and only whose own bucket moved has to look again. It stays known for a while after its poll has ended, so that
//! the next poll, which says the same, asks nobody.
//!
//! It holds nothing that the database does not: what is lost with the process is looked up again.

use super::Moved;
use jiff::Timestamp;
use std::collections::{BTreeSet, HashMap};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::EdgeId;
use sync_protocol::wire::message::Standing;
use tokio::sync::watch;
use tokio::time::Instant;

/// Between two waiters of one shared bucket that are sent to look: an import of prices must not bring every office at once.
const STEP: Duration = Duration::from_millis(25);
/// Nor does the last of them look later than this.
const SPREAD_MAX: Duration = Duration::from_secs(60);

/// What a poll came with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// The hash of its session's token.
    pub token: [u8; 32],
    /// Where it stands. Compared whole, never read here.
    pub standing: Standing,
}

/// What a look in the database found out about somebody for whom there is nothing yet.
#[derive(Clone, Debug)]
pub struct Looked {
    /// The edge.
    pub edge: EdgeId,
    /// Its buckets.
    pub buckets: Vec<Bucket>,
    /// When its session ends.
    pub session_ends: Timestamp,
}

/// Why a wait ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Word {
    /// It does not.
    Wait,
    /// One of its own buckets moved: to look, at this moment or later.
    Look(Instant),
    /// There is something.
    News,
    /// A newer poll of the same edge has begun.
    Replaced,
}

/// All who wait at this hub.
#[derive(Debug, Default)]
pub struct Waiting(Mutex<Seats>);

#[derive(Debug, Default)]
struct Seats {
    number: u64,
    of_edge: HashMap<EdgeId, Seat>,
    of_token: HashMap<[u8; 32], EdgeId>,
    of_bucket: HashMap<Bucket, BTreeSet<EdgeId>>,
    /// What moved since somebody began to look, by their numbers: nobody knows their buckets yet.
    watches: HashMap<u64, Moved>,
}

#[derive(Debug)]
struct Seat {
    asker: Asker,
    looked: Looked,
    poll: u64,
    is_taken: bool,
    /// Whether a poll came since the last regular look.
    is_heard: bool,
    word: watch::Sender<Word>,
}

/// Notes what moves, from before a look in the database until its end.
#[derive(Debug)]
pub struct Watch<'a> {
    waiting: &'a Waiting,
    number: u64,
}

/// A poll that waits. Dropped, its place stays known for a while.
#[derive(Debug)]
pub struct Seated<'a> {
    waiting: &'a Waiting,
    edge: EdgeId,
    poll: u64,
    word: watch::Receiver<Word>,
}

/// Somebody who is known here, for the regular look.
#[derive(Clone, Debug)]
pub struct Waiter {
    /// The edge.
    pub edge: EdgeId,
    /// Its buckets when it was looked at.
    pub buckets: Vec<Bucket>,
    /// What it said.
    pub asker: Asker,
    /// Its poll.
    pub poll: u64,
    /// Whether it was heard since the last regular look.
    pub is_heard: bool,
}

/// What the regular look found out about a waiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// There is nothing for it.
    Nothing,
    /// There is something.
    News,
    /// Its session has ended, or worse.
    Gone,
}

impl Waiting {
    /// The number of a poll that begins. Of two polls of one edge the one with the higher number stays.
    pub fn arrive(&self) -> u64 {
        self.seats().next()
    }

    /// To be held while a look in the database goes on.
    pub fn watch(&self) -> Watch<'_> {
        let mut seats = self.seats();
        let number = seats.next();
        seats.watches.insert(number, Moved::default());
        Watch { waiting: self, number }
    }

    /// Somebody comes again and says the same, and nothing of theirs has moved since they were looked at. They wait on without
    /// another look. `None` where a look is needed.
    pub fn back(&self, poll: u64, asker: &Asker, now: Timestamp) -> Option<Seated<'_>> {
        let mut seats = self.seats();
        let edge = *seats.of_token.get(&asker.token)?;
        let seat = seats.of_edge.get_mut(&edge)?;
        let is_quiet = *seat.word.borrow() == Word::Wait;
        let holds = seat.poll < poll && seat.asker == *asker && now < seat.looked.session_ends;
        (is_quiet && holds).then(|| seat.begin(self, poll, Word::Wait))
    }

    /// The number of the edge's newest poll that came to wait.
    pub fn newest(&self, edge: EdgeId) -> Option<u64> {
        self.seats().of_edge.get(&edge).map(|seat| seat.poll)
    }

    /// How many polls wait now.
    pub fn polls(&self) -> usize {
        self.seats().of_edge.values().filter(|seat| seat.is_taken).count()
    }

    /// Everybody who is known, for the regular look; whoever neither waits nor came since the last one is forgotten.
    pub fn round(&self) -> Vec<Waiter> {
        let mut seats = self.seats();
        let gone: Vec<EdgeId> =
            seats.of_edge.iter().filter(|(_, s)| !s.is_taken && !s.is_heard).map(|(edge, _)| *edge).collect();
        gone.into_iter().for_each(|edge| seats.remove(edge));
        let waiter = |seat: &mut Seat| Waiter {
            edge: seat.looked.edge,
            buckets: seat.looked.buckets.clone(),
            asker: seat.asker.clone(),
            poll: seat.poll,
            is_heard: std::mem::take(&mut seat.is_heard) || seat.is_taken,
        };
        seats.of_edge.values_mut().map(waiter).collect()
    }

    /// What the regular look found out about those of [`Waiting::round`].
    pub fn found(&self, found: &[(EdgeId, u64, Found)]) {
        let seats = self.seats();
        let now = Instant::now();
        for (edge, poll, found) in found {
            let Some(seat) = seats.of_edge.get(edge).filter(|seat| seat.poll == *poll) else { continue };
            match found {
                Found::Nothing => {}
                Found::News => seat.say(Word::News),
                Found::Gone => seat.say(Word::Look(now)),
            }
        }
    }

    /// Something moved: whose it is has to look.
    pub(super) fn tell(&self, moved: &Moved) {
        let mut seats = self.seats();
        seats.watches.values_mut().for_each(|watch| watch.extend(moved));
        let now = Instant::now();
        match moved {
            Moved::All => spread(seats.of_edge.values(), now),
            Moved::Buckets(buckets) => {
                for bucket in buckets {
                    let Some(edges) = seats.of_bucket.get(bucket) else { continue };
                    let whose = edges.iter().filter_map(|edge| seats.of_edge.get(edge));
                    match bucket {
                        // What people of one office did: it is to be on their screen within a second.
                        Bucket::Edge(_) | Bucket::Coop(_) => whose.for_each(|s| s.say(Word::Look(now))),
                        _ => spread(whose, now),
                    }
                }
            }
        }
    }

    fn seats(&self) -> MutexGuard<'_, Seats> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Sends these to look, one after the other.
fn spread<'a>(seats: impl Iterator<Item = &'a Seat>, now: Instant) {
    let seats: Vec<&Seat> = seats.collect();
    let count = u32::try_from(seats.len()).unwrap_or(u32::MAX).max(1);
    let step = STEP.min(SPREAD_MAX / count);
    for (place, seat) in (0u32..).zip(seats) {
        seat.say(Word::Look(now + step * place));
    }
}

impl<'a> Watch<'a> {
    /// There was nothing yet: the poll of that number takes a seat. What moved since the watch began counts. `None` where a newer
    /// poll of the edge waits already.
    pub fn sit(self, poll: u64, asker: Asker, looked: Looked) -> Option<Seated<'a>> {
        let waiting = self.waiting;
        let mut seats = waiting.seats();
        let edge = looked.edge;
        if seats.of_edge.get(&edge).is_some_and(|seat| seat.poll > poll) {
            return None;
        }
        let moved = seats.watches.remove(&self.number).unwrap_or_default();
        let word = match moved.has_any(|bucket| looked.buckets.contains(bucket)) {
            true => Word::Look(Instant::now()),
            false => Word::Wait,
        };
        seats.remove(edge);
        seats.of_token.insert(asker.token, edge);
        for bucket in &looked.buckets {
            seats.of_bucket.entry(*bucket).or_default().insert(edge);
        }
        let seat =
            Seat { asker, looked, poll, is_taken: false, is_heard: false, word: watch::Sender::new(word) };
        let seat = seats.of_edge.entry(edge).insert_entry(seat).into_mut();
        let seated = seat.begin(waiting, poll, word);
        drop(seats);
        Some(seated)
    }
}

impl Drop for Watch<'_> {
    fn drop(&mut self) {
        self.waiting.seats().watches.remove(&self.number);
    }
}

impl Seats {
    fn next(&mut self) -> u64 {
        self.number += 1;
        self.number
    }

    fn remove(&mut self, edge: EdgeId) {
        let Some(seat) = self.of_edge.remove(&edge) else { return };
        seat.say(Word::Replaced);
        self.of_token.remove(&seat.asker.token);
        for bucket in &seat.looked.buckets {
            if let Some(edges) = self.of_bucket.get_mut(bucket) {
                edges.remove(&edge);
                if edges.is_empty() {
                    self.of_bucket.remove(bucket);
                }
            }
        }
    }
}

impl Seat {
    /// A poll begins to wait here; the one before it ends.
    fn begin<'a>(&mut self, waiting: &'a Waiting, poll: u64, word: Word) -> Seated<'a> {
        self.word.send_replace(Word::Replaced);
        self.word = watch::Sender::new(word);
        (self.poll, self.is_taken, self.is_heard) = (poll, true, true);
        Seated { waiting, edge: self.looked.edge, poll, word: self.word.subscribe() }
    }

    /// The earlier of two looks stands; what ends the wait, stays.
    fn say(&self, said: Word) {
        self.word.send_if_modified(|word| {
            let is_more = match (*word, said) {
                (Word::Wait, _) | (Word::Look(_), Word::News | Word::Replaced) => true,
                (Word::Look(before), Word::Look(now)) => now < before,
                (_, Word::Replaced) => true,
                _ => false,
            };
            if is_more {
                *word = said;
            }
            is_more
        });
    }
}

impl Seated<'_> {
    /// What was said so far.
    #[cfg(test)]
    pub(super) fn said(&self) -> Word {
        *self.word.borrow()
    }

    /// Waits for a word; never [`Word::Wait`]. A look that is due later is waited for.
    pub async fn word(&mut self) -> Word {
        loop {
            let word = *self.word.borrow_and_update();
            match word {
                Word::Wait => {
                    if self.word.changed().await.is_err() {
                        return Word::Replaced;
                    }
                }
                Word::Look(at) if at <= Instant::now() => return word,
                Word::Look(at) => tokio::select! {
                    () = tokio::time::sleep_until(at) => return word,
                    // Another word may be more urgent; without one who speaks, this one stands.
                    Ok(()) = self.word.changed() => {}
                },
                word => return word,
            }
        }
    }
}

impl Drop for Seated<'_> {
    fn drop(&mut self) {
        let mut seats = self.waiting.seats();
        if let Some(seat) = seats.of_edge.get_mut(&self.edge).filter(|seat| seat.poll == self.poll) {
            seat.is_taken = false;
        }
    }
}

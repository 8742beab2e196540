//! An edge in memory: replica, command log and overlay on maps. Each call is one transaction; a kill between calls loses nothing
//! that a call has kept. Its wall clock is only ever claimed; ages are counted by what the hub says.

use crate::hub::put_reference;
use std::collections::{BTreeMap, BTreeSet};
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CommandId, CooperativeId, EdgeId, Holder, ListingId};
use sync_protocol::market::{
    Actor, ActorKind, Alias, Body, Certainty, Command, Context, Effect, Entity, Listing, Member, Order,
    OrderStatus, Source, StockAdjust, StockEntry, WorkingSet, spendable,
};
use sync_protocol::overlay;
use sync_protocol::row::{Digest, Key, Row};
use sync_protocol::session::{BucketCursor, Judged, Link, MINOR_VERSION, judge};
use sync_protocol::units::Quantity;
use sync_protocol::value::Fields;
use sync_protocol::verdict::{Numbered, Reject, Verdict};
use sync_protocol::wire::frame::FrameReader;
use sync_protocol::wire::message::{Hello, Message, RefusalCode, cursors_to_bytes, scope_hash};
use sync_protocol::wire::rows::{Reach, Rows};

/// One command in the log.
pub(crate) struct Logged {
    pub(crate) command: Command,
    pub(crate) certainty: Certainty,
    pub(crate) effects: Vec<Effect>,
    pub(crate) sent: bool,
    pub(crate) verdict: Option<Numbered>,
    pub(crate) dropped: bool,
    /// The count when the end of the answer that brought the final verdict said the hub's time.
    settled_heard_s: Option<i64>,
}

impl Logged {
    /// Whether its final verdict is here.
    pub(crate) fn is_settled(&self) -> bool {
        self.verdict.as_ref().is_some_and(|v| v.verdict.is_final())
    }
}

/// Seconds for which a settled command stays, by the hub's word.
pub(crate) const KEPT_S: i64 = 30 * 86_400;
/// The most by which one word of the hub puts the count forward.
pub(crate) const STEP_MAX_S: i64 = 7 * 86_400;

/// What somebody was told later of an act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Word {
    Yes,
    No,
}

pub(crate) struct Edge {
    pub(crate) id: EdgeId,
    pub(crate) coop: CooperativeId,
    pub(crate) scope: Vec<Bucket>,
    pub(crate) cursors: BTreeMap<Bucket, BucketCursor>,
    pub(crate) rows: BTreeMap<(Bucket, u16, Key), (u64, Option<Fields>)>,
    /// By number; without what was pruned.
    pub(crate) log: BTreeMap<u64, Logged>,
    highest_seq: u64,
    /// Seconds that have passed by the hub's word, and its last word.
    heard_s: i64,
    hub_s: Option<i64>,
    /// Messages to people, by command.
    pub(crate) outbox: BTreeMap<CommandId, Vec<Word>>,
    pub(crate) pruned: u32,
    link: Link,
    proof: Vec<u8>,
    verdicts_upto: u64,
    /// Every verdict ever taken, by sequence number: a second final one would be a broken promise.
    pub(crate) taken: BTreeMap<u64, u32>,
    pub(crate) halted: Option<RefusalCode>,
    pub(crate) compared: u32,
}

impl Edge {
    pub(crate) fn new(id: EdgeId, coop: CooperativeId, link: Link) -> Self {
        Self {
            id,
            coop,
            scope: Vec::new(),
            cursors: BTreeMap::new(),
            rows: BTreeMap::new(),
            log: BTreeMap::new(),
            highest_seq: 0,
            heard_s: 0,
            hub_s: None,
            outbox: BTreeMap::new(),
            pruned: 0,
            link,
            proof: Vec::new(),
            verdicts_upto: 0,
            taken: BTreeMap::new(),
            halted: None,
            compared: 0,
        }
    }

    fn typed<E: Entity>(&self) -> Vec<E> {
        let mut ranked: BTreeMap<Key, (u8, E)> = BTreeMap::new();
        for ((bucket, entity, key), (_, body)) in &self.rows {
            if let (true, Some(body)) = (*entity == E::NUMBER, body) {
                let entity = E::from_fields(*key, body).unwrap();
                let rank = bucket.read_rank();
                if ranked.get(key).is_none_or(|(other, _)| rank < *other) {
                    ranked.insert(*key, (rank, entity));
                }
            }
        }
        ranked.into_values().map(|(_, e)| e).collect()
    }

    pub(crate) fn local(&self) -> impl Iterator<Item = &Effect> {
        self.log.values().filter(|l| !l.dropped).flat_map(|l| &l.effects)
    }

    pub(crate) fn spendable(&self, listing: ListingId) -> Quantity {
        self.spendable_by(Holder::Edge(self.id), listing)
    }

    fn holders_of(&self, listing: ListingId) -> BTreeSet<Holder> {
        let sent = self.typed::<StockEntry>().into_iter();
        let local = self.local().filter_map(Effect::read::<StockEntry>);
        let of_it = sent.chain(local).filter(|entry| entry.listing == listing);
        of_it.map(|entry| entry.holder).chain([Holder::Edge(self.id)]).collect()
    }

    fn spendable_by(&self, holder: Holder, listing: ListingId) -> Quantity {
        let replica: Vec<StockEntry> =
            self.typed::<StockEntry>().into_iter().filter(|e| e.listing == listing).collect();
        let entry = |effect: &Effect| Some((effect.read::<StockEntry>()?, effect.at_once));
        let local: Vec<_> =
            self.local().filter_map(entry).filter(|(entry, _)| entry.listing == listing).collect();
        spendable(holder, &replica, local.iter().map(|(entry, at_once)| (entry, *at_once)))
    }

    /// The entries that a command made, as far as they are here.
    fn entries_caused_by(&self, of: uuid::Uuid) -> Vec<StockEntry> {
        let mut found: Vec<StockEntry> = self.typed();
        for entry in self.local().filter_map(Effect::read::<StockEntry>) {
            if found.iter().all(|sent| sent.id != entry.id) {
                found.push(entry);
            }
        }
        found.retain(|entry| entry.id.of == of);
        found
    }

    /// Whether an order that this edge filled is short: it sells no more of that until a person has settled it.
    fn stands_short(&self, set: &WorkingSet, listing: ListingId) -> bool {
        set.all::<Order>().any(|order| {
            order.listing == listing
                && order.holder == Some(Holder::Edge(self.id))
                && order.status == OrderStatus::Short
        })
    }

    /// Replica joined with what waits: later local effects stand over the row of the same id.
    pub(crate) fn view(&self) -> WorkingSet {
        let mut set = WorkingSet::default();
        put_reference(&mut set);
        self.typed::<Alias>().iter().for_each(|alias| set.put(alias));
        self.typed::<Member>().iter().for_each(|member| set.put(member));
        self.typed::<Listing>().iter().for_each(|listing| set.put(listing));
        self.typed::<Order>().iter().for_each(|order| set.put(order));
        for effect in self.local().filter(|effect| effect.entity != StockEntry::NUMBER) {
            set.put_row(effect.entity, effect.key, effect.fields.clone());
        }
        for listing in set.all::<Listing>().map(|listing| listing.id).collect::<Vec<_>>() {
            for holder in self.holders_of(listing) {
                set.set_available(listing, holder, self.spendable_by(holder, listing));
            }
        }
        set
    }

    pub(crate) fn is_complete(&self) -> bool {
        self.cursors.get(&Bucket::Coop(self.coop)).is_some_and(|c| c.upto > 0 && c.is_whole())
    }

    /// Decides for the screen, and keeps the command with its local effects.
    pub(crate) fn submit(
        &mut self,
        id: uuid::Uuid,
        body: Body,
        made_at_s: i64,
        phone: u64,
    ) -> Result<Certainty, Reject> {
        let mut set = self.view();
        let mut body = body;
        if let Body::StockAdjust(StockAdjust { undoes: Some(of), .. }) = &body {
            self.entries_caused_by(*of).iter().for_each(|entry| set.put(entry));
        }
        if let Body::OrderPlace(order) = &mut body {
            let held = self.is_complete()
                && !self.stands_short(&set, ListingId(order.listing))
                && set.available(ListingId(order.listing), Holder::Edge(self.id)).0 >= order.quantity_milli;
            order.source = if held { Source::Held } else { Source::Ask };
        }
        if let Body::OrderCancel(cancel) = &mut body {
            let placed = self.log.values().find(|l| l.command.id.0 == cancel.order);
            cancel.never_left = placed.is_some_and(|l| !l.sent);
        }
        // The cooperative has changed its share meanwhile; the last edge is of the version before and cannot say by which it acted.
        let hub_share_percent = [80, 20, 50][(self.id.0 as usize - 1) % 3];
        if let (Body::ListingPost(post), false) = (&mut body, hub_share_percent == 50) {
            post.hub_milli = Some(post.hub_part(hub_share_percent).0);
        }
        let context = Context {
            place: Holder::Edge(self.id),
            origin: Holder::Edge(self.id),
            cooperative: Some(self.coop),
            clerk: true,
            admin: false,
            share_with: None,
            hub_share_percent,
        };
        let actor = Actor { kind: ActorKind::Office, id: None, phone };
        let seq = self.highest_seq + 1;
        let command = Command { id: CommandId(id), seq, made_at_s, actor, body: body.to_raw() };
        let decision = body.decide(&command, &context, &set)?;
        let (certainty, effects) = (decision.certainty, decision.effects);
        let (sent, dropped) = (false, false);
        let logged =
            Logged { command, certainty, effects, sent, verdict: None, dropped, settled_heard_s: None };
        self.log.insert(seq, logged);
        self.highest_seq = seq;
        Ok(certainty)
    }

    /// The bytes of a request. What it carries is marked sent before anything leaves.
    pub(crate) fn request(&mut self) -> Vec<u8> {
        let cursors: Vec<BucketCursor> = self.scope.iter().map(|bucket| self.cursors[bucket]).collect();
        let hello = Hello {
            minor: MINOR_VERSION,
            incarnation: 1,
            link: self.link.clone(),
            highest_seq: self.highest_seq,
            verdicts_upto: self.verdicts_upto,
            epoch: 1,
            scope: scope_hash(&self.scope),
            cursors: cursors_to_bytes(&cursors),
            clock_s: 0,
            room_bytes: 1000,
            frame_bytes: 2048,
            want_points: true,
            proof: std::mem::take(&mut self.proof),
            stuck_sms: None,
            refused_left: None,
        };
        let mut out = Message::Hello(hello).to_bytes();
        let waiting: Vec<Command> = self
            .log
            .values_mut()
            .filter(|l| l.verdict.is_none())
            .take(7)
            .map(|l| {
                l.sent = true;
                l.command.clone()
            })
            .collect();
        for batch in waiting.chunks(3) {
            Message::Commands(batch.to_vec()).write(&mut out);
        }
        Message::End.write(&mut out);
        out
    }

    /// Takes what arrived of a response. `kill_after` messages it dies, keeping what was kept. True when it was whole.
    pub(crate) fn receive(&mut self, bytes: &[u8], kill_after: Option<usize>) -> Received {
        let mut reader = FrameReader::default();
        reader.push(bytes);
        let mut n = 0;
        while let Ok(Some(frame)) = reader.next_frame() {
            if kill_after.is_some_and(|k| n >= k) {
                return Received::Cut;
            }
            n += 1;
            match Message::from_frame(&frame).unwrap() {
                Message::Welcome(welcome) => self.take_scope(welcome.scope),
                Message::Verdicts(list) => self.take_verdicts(list),
                Message::Rows(rows) => assert!(self.take_rows(&rows), "the hub sent a frame after a gap"),
                Message::Complete(points) => self.compare(&points),
                Message::Close(close) => {
                    self.link = close.link;
                    self.hear(close.clock_s);
                    return Received::Whole { more: close.more };
                }
                Message::Refusal(refusal) => {
                    if refusal.code != RefusalCode::Fenced {
                        self.halted = Some(refusal.code);
                    }
                    return Received::Refused;
                }
                Message::Prove(proof) => {
                    self.proof = proof.to_vec();
                    return Received::Refused;
                }
                other => panic!("unexpected {other:?}"),
            }
        }
        Received::Cut
    }

    fn take_scope(&mut self, scope: Vec<Bucket>) {
        self.cursors.retain(|bucket, _| scope.contains(bucket));
        self.rows.retain(|(bucket, _, _), _| scope.contains(bucket));
        for bucket in &scope {
            self.cursors.entry(*bucket).or_insert_with(|| BucketCursor::new(*bucket));
        }
        self.scope = scope;
        self.settle();
    }

    fn take_verdicts(&mut self, list: Vec<Numbered>) {
        for v in list {
            if v.number <= self.verdicts_upto {
                continue;
            }
            assert_eq!(v.number, self.verdicts_upto + 1, "a verdict was skipped");
            self.verdicts_upto = v.number;
            // What was pruned was final here: nothing more can come of it.
            let logged = self.log.get_mut(&v.seq).expect("a verdict on a command that was forgotten");
            if v.verdict.is_final() {
                *self.taken.entry(v.seq).or_default() += 1;
                let is_yes = matches!(v.verdict, Verdict::Applied(_));
                if logged.certainty == Certainty::Request || !is_yes {
                    let word = if is_yes { Word::Yes } else { Word::No };
                    self.outbox.entry(logged.command.id).or_default().push(word);
                }
            }
            logged.verdict = Some(v);
        }
        self.settle();
    }

    /// Takes in the hub's time, and forgets what is old by it.
    fn hear(&mut self, hub_s: i64) {
        let step_s = self.hub_s.map_or(0, |before| hub_s - before);
        self.heard_s += step_s.clamp(0, STEP_MAX_S);
        self.hub_s = Some(hub_s);
        let heard_s = self.heard_s;
        for logged in self.log.values_mut().filter(|logged| logged.is_settled()) {
            logged.settled_heard_s.get_or_insert(heard_s);
        }
        let before = self.log.len();
        let is_old = |logged: &Logged| logged.settled_heard_s.is_some_and(|at_s| heard_s - at_s > KEPT_S);
        self.log.retain(|_, logged| !(logged.dropped && is_old(logged)));
        self.pruned += (before - self.log.len()) as u32;
    }

    /// Takes some of the row frames of an old response, as a late bundle would bring them. Says how many came after a gap.
    pub(crate) fn receive_late(&mut self, bytes: &[u8], wanted: impl Fn(usize) -> bool) -> u32 {
        let mut reader = FrameReader::default();
        reader.push(bytes);
        let (mut n, mut gaps) = (0, 0);
        while let Ok(Some(frame)) = reader.next_frame() {
            if let Message::Rows(rows) = Message::from_frame(&frame).unwrap() {
                n += 1;
                gaps += u32::from(wanted(n) && !self.take_rows(&rows));
            }
        }
        gaps
    }

    /// False when the frame came after a gap and was refused.
    fn take_rows(&mut self, frame: &Rows) -> bool {
        let Some(cursor) = self.cursors.get(&frame.bucket) else { return true };
        match judge(cursor, frame.span()) {
            Judged::Skip => {}
            Judged::Gap => return false,
            Judged::Apply(next) => {
                for row in &frame.rows {
                    let at = (frame.bucket, row.entity, row.key);
                    if self.rows.get(&at).is_none_or(|(version, _)| *version < row.version) {
                        self.rows.insert(at, (row.version, row.body.clone()));
                    }
                }
                if next.is_whole() {
                    self.rows.retain(|(bucket, _, _), (_, body)| *bucket != frame.bucket || body.is_some());
                }
                self.cursors.insert(frame.bucket, next);
                assert!(
                    !matches!(frame.reach, Reach::Snapshot { .. })
                        || frame.rows.iter().all(|r| r.body.is_some())
                );
                self.settle();
            }
        }
        true
    }

    fn settle(&mut self) {
        let cursors: Vec<BucketCursor> = self.cursors.values().copied().collect();
        for logged in self.log.values_mut().filter(|l| !l.dropped) {
            if let Some(v) = &logged.verdict {
                logged.dropped = overlay::may_drop(&v.verdict, &v.stands_at, &cursors);
            }
        }
    }

    fn compare(&mut self, points: &[sync_protocol::wire::message::BucketPoint]) {
        for point in points {
            if self.cursors.get(&point.bucket).is_some_and(|c| c.upto == point.head && c.is_whole()) {
                self.compared += 1;
                assert_eq!(
                    self.sums(point.bucket),
                    point.sums,
                    "digests of {} differ at {}",
                    point.bucket,
                    point.head
                );
            }
        }
    }

    pub(crate) fn sums(&self, of: Bucket) -> Vec<(u16, u64)> {
        let mut sums: BTreeMap<u16, Digest> = BTreeMap::new();
        for ((_, entity, key), (version, body)) in
            self.rows.iter().filter(|((bucket, _, _), _)| *bucket == of)
        {
            let row = Row { entity: *entity, key: *key, version: *version, body: body.clone() };
            if let Some(hash) = row.hash() {
                sums.entry(*entity).or_default().add(hash);
            }
        }
        sums.into_iter().map(|(entity, digest)| (entity, digest.sum as u64)).collect()
    }
}

/// How a response ended.
#[derive(PartialEq, Eq)]
pub(crate) enum Received {
    Whole { more: bool },
    Cut,
    Refused,
}

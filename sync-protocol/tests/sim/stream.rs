//! What a hub keeps of one edge's stream: links, verdicts, commands that wait, and what was forgotten of old ones; and the operator's
//! desk over it. A command is decided by `hub`.

use crate::hub::Hub;
use std::collections::{BTreeMap, BTreeSet};
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CommandId, EdgeId, Holder};
use sync_protocol::market::{Aggregates, Blocked, Command, Context, EntryId};
use sync_protocol::session::{Link, LinkState};
use sync_protocol::verdict::{Numbered, Verdict};
use sync_protocol::wire::message::{Hello, RefusalCode};

/// Seconds for which the hub keeps what it was sent, where the edge has acknowledged the verdict.
const KEPT_S: i64 = 90 * 86_400;

/// Whether a command of a batch is to be decided.
pub(crate) enum Taken {
    Before,
    New,
}

pub(crate) struct Stream {
    pub(crate) links: LinkState,
    /// The number of the newest exchange.
    exchange: u64,
    last_verdict: u64,
    verdicts: Vec<Numbered>,
    acked: u64,
    /// What was taken, and when; without the old ones.
    hashes: BTreeMap<u64, ([u8; 32], i64)>,
    /// Commands without a final verdict.
    pub(crate) open: BTreeMap<u64, Command>,
    /// Whether what took effect left something short, for this simulation's counts alone.
    said: BTreeMap<CommandId, bool>,
}

impl Stream {
    pub(crate) fn new(links: LinkState) -> Self {
        let (verdicts, hashes, open) = (Vec::new(), BTreeMap::new(), BTreeMap::new());
        let said = BTreeMap::new();
        Self { links, exchange: 0, last_verdict: 0, verdicts, acked: 0, hashes, open, said }
    }

    /// A new exchange begins. Gives its number.
    pub(crate) fn begin(&mut self, hello: &Hello, next: Link) -> u64 {
        self.links.previous = Some(hello.link.clone());
        self.links.last = next;
        self.acked = self.acked.max(hello.verdicts_upto);
        self.exchange += 1;
        self.exchange
    }

    pub(crate) fn is_fenced(&self, exchange: u64) -> bool {
        exchange != self.exchange
    }

    /// Whether a command can be taken, and has to be decided.
    pub(crate) fn admits(&self, exchange: u64, command: &Command) -> Result<Taken, RefusalCode> {
        if self.is_fenced(exchange) {
            return Err(RefusalCode::Fenced);
        }
        if command.seq <= self.links.applied_seq {
            // What was pruned was acknowledged.
            let kept = self.hashes.get(&command.seq);
            let is_same = kept.is_none_or(|(hash, _)| *hash == command.body_hash());
            return if is_same { Ok(Taken::Before) } else { Err(RefusalCode::SequenceReused) };
        }
        if command.seq == self.links.applied_seq + 1 { Ok(Taken::New) } else { Err(RefusalCode::SequenceGap) }
    }

    pub(crate) fn keep(
        &mut self,
        command: Command,
        verdict: Verdict,
        stands_at: Vec<(Bucket, u64)>,
        now_s: i64,
    ) {
        self.links.applied_seq = command.seq;
        self.hashes.insert(command.seq, (command.body_hash(), now_s));
        self.say(&command, verdict.clone(), stands_at);
        if !verdict.is_final() {
            self.open.insert(command.seq, command);
        }
    }

    fn say(&mut self, command: &Command, verdict: Verdict, stands_at: Vec<(Bucket, u64)>) {
        let seq = command.seq;
        if let Verdict::Applied(applied) = &verdict {
            self.said.insert(command.id, applied.short);
        }
        self.last_verdict += 1;
        if verdict.is_final() {
            self.open.remove(&seq);
        }
        self.verdicts.push(Numbered { number: self.last_verdict, seq, verdict, stands_at });
    }

    pub(crate) fn verdicts_after(&self, number: u64) -> Vec<Numbered> {
        self.verdicts.iter().filter(|v| v.number > number).cloned().collect()
    }

    /// Forgets what is old and acknowledged. Gives how much it was.
    fn prune(&mut self, now_s: i64) -> usize {
        let before = self.verdicts.len() + self.hashes.len();
        let open = &self.open;
        self.verdicts.retain(|v| v.number > self.acked);
        let unacked: BTreeSet<u64> = self.verdicts.iter().map(|v| v.seq).collect();
        let is_kept = |seq: &u64| open.contains_key(seq) || unacked.contains(seq);
        self.hashes.retain(|seq, (_, at_s)| is_kept(seq) || now_s - *at_s < KEPT_S);
        before - self.verdicts.len() - self.hashes.len()
    }
}

impl Hub {
    /// The verdict on a command of a stream: it may break this hub, or wait for one that does.
    pub(crate) fn judge(
        &mut self,
        edge: EdgeId,
        command: &Command,
        context: &Context,
    ) -> (Verdict, Vec<(Bucket, u64)>) {
        if self.waits(edge, command, context) {
            (Verdict::Held, Vec::new())
        } else if self.poisoned.contains(&command.id.0) {
            (Verdict::Quarantined, Vec::new())
        } else {
            self.apply(command, context)
        }
    }

    /// Whether an open command before this one would have made what it needs.
    fn waits(&self, edge: EdgeId, command: &Command, context: &Context) -> bool {
        let sold = |order| self.set.sold_by(Holder::Edge(edge), order);
        let mut blocked = Blocked::none();
        for open in self.streams[&edge].open.range(..command.seq).map(|(_, open)| open) {
            blocked.add(&Aggregates::of(open, context, sold));
        }
        blocked.holds(&Aggregates::of(command, context, sold))
    }

    /// The first commands of each stream that are quarantined.
    pub(crate) fn quarantined(&self) -> Vec<(EdgeId, u64)> {
        let is_aside = |command: &Command| self.poisoned.contains(&command.id.0);
        let of = |(edge, stream): (&EdgeId, &Stream)| {
            stream.open.values().find(|c| is_aside(c)).map(|c| (*edge, c.seq))
        };
        self.streams.iter().filter_map(of).collect()
    }

    /// The operator mends what broke over a command and tries it again, or puts it aside; then what waited for it is tried.
    pub(crate) fn settle(&mut self, edge: EdgeId, seq: u64, dismiss: bool) {
        let context = self.context(Holder::Edge(edge), self.coop_of[&edge]);
        let command = self.streams[&edge].open[&seq].clone();
        self.poisoned.remove(&command.id.0);
        let (verdict, stands_at) =
            if dismiss { (Verdict::Dismissed, Vec::new()) } else { self.judge(edge, &command, &context) };
        self.end(edge, &command, verdict, stands_at);
        let later: Vec<Command> = self.streams[&edge].open.values().cloned().collect();
        for command in later {
            if self.waits(edge, &command, &context) {
                continue;
            }
            // One that would break stays where it is, quarantined if it was held.
            let (verdict, stands_at) = self.judge(edge, &command, &context);
            if verdict.is_final() {
                self.end(edge, &command, verdict, stands_at);
            }
        }
    }

    fn end(&mut self, edge: EdgeId, command: &Command, verdict: Verdict, stands_at: Vec<(Bucket, u64)>) {
        if verdict == Verdict::Dismissed {
            self.dismissed.insert(command.id.0);
        }
        self.streams.get_mut(&edge).unwrap().say(command, verdict, stands_at);
    }

    /// Whether a count made orders short, then or now, and what it booked of the units of the edge that made it, if the hub has taken it.
    pub(crate) fn made_by(&self, change: CommandId) -> (bool, Option<i64>) {
        let verdict = |stream: &Stream| stream.said.get(&change).copied();
        let short = self.streams.values().find_map(verdict).unwrap_or(false);
        let of = |step| self.entries.get(&EntryId { of: change.0, step }).map(|entry| entry.quantity.0);
        let booked = of(EntryId::WRITTEN_OFF).or(of(EntryId::INTAKE)).unwrap_or(0);
        (short, self.applied.contains_key(&change.0).then_some(booked))
    }

    /// Forgets what is old of all streams. Gives how much it was.
    pub(crate) fn prune(&mut self) -> usize {
        let now_s = self.clock_s;
        self.streams.values_mut().map(|stream| stream.prune(now_s)).sum()
    }
}

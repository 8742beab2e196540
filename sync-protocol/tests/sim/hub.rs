//! A hub in memory: the same rules as the real one, on maps. Each call is one transaction. Hubs keep nothing else, so any number of
//! them over one database are this one, whoever of them takes the next message. What it keeps of edges' streams is in `stream`.

use crate::random::Random;
use crate::stream::{Stream, Taken};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CommodityId, CooperativeId, EdgeId, Holder, RegionId, UnitId};
use sync_protocol::market::{
    Body, Command, Commodity, Context, Effect, EntryId, Order, OrderStatus, Sample, StockEntry, Unit,
    WorkingSet, home,
};
use sync_protocol::row::{Digest, Key, Row};
use sync_protocol::session::{
    Admission, BucketCursor, Issuer, Link, LinkState, MINOR_VERSION, Page, next_pages,
};
use sync_protocol::units::Quantity;
use sync_protocol::value::Fields;
use sync_protocol::verdict::{Numbered, Verdict};
use sync_protocol::wire::frame::FrameReader;
use sync_protocol::wire::message::{
    BucketPoint, Close, Hello, Message, Refusal, RefusalCode, Welcome, cursors_from_bytes, scope_hash,
};
use sync_protocol::wire::rows::{Reach, Rows};

const KEY: [u8; 32] = [42; 32];

/// What the hub has taken in of commodities and units.
pub(crate) fn put_reference(set: &mut WorkingSet) {
    (1..=3).for_each(|id| set.put(&Commodity { id: CommodityId(id), ..Sample::sample() }));
    (1..=2).for_each(|id| set.put(&Unit { id: UnitId(id), ..Sample::sample() }));
}

/// One bucket's feed.
#[derive(Default)]
pub(crate) struct Feed {
    pub(crate) version: u64,
    pub(crate) rows: BTreeMap<(u16, Key), (u64, Option<Fields>)>,
}

impl Feed {
    pub(crate) fn sums(&self) -> Vec<(u16, u64)> {
        let mut sums: BTreeMap<u16, Digest> = BTreeMap::new();
        for ((entity, key), (version, body)) in &self.rows {
            let row = Row { entity: *entity, key: *key, version: *version, body: body.clone() };
            if let Some(hash) = row.hash() {
                sums.entry(*entity).or_default().add(hash);
            }
        }
        sums.into_iter().map(|(entity, digest)| (entity, digest.sum as u64)).collect()
    }
}

/// An exchange that some hub has begun and not ended.
pub(crate) struct Begun {
    edge: EdgeId,
    hello: Hello,
    /// The link that its answer brings.
    next: Link,
    /// A newer one fences it.
    number: u64,
    rest: VecDeque<Message>,
}

/// What the beginning of a request came to.
pub(crate) enum Began {
    /// There is nobody to answer.
    Nothing,
    /// This is all.
    Answer(Vec<u8>),
    Serving(Box<Begun>),
}

pub(crate) struct Hub {
    pub(crate) feeds: BTreeMap<Bucket, Feed>,
    pub(crate) set: WorkingSet,
    pub(crate) entries: BTreeMap<EntryId, StockEntry>,
    pub(crate) streams: BTreeMap<EdgeId, Stream>,
    /// The database's clock, seconds; no test of order or age at an edge may depend on it alone.
    pub(crate) clock_s: i64,
    pub(crate) scopes: BTreeMap<EdgeId, Vec<Bucket>>,
    pub(crate) applied: BTreeMap<uuid::Uuid, u32>,
    /// Commands that break this hub, until an operator has mended it for them.
    pub(crate) poisoned: BTreeSet<uuid::Uuid>,
    /// Commands that an operator put aside.
    pub(crate) dismissed: BTreeSet<uuid::Uuid>,
    pub(crate) coop_of: BTreeMap<EdgeId, CooperativeId>,
    /// By this things happen in the middle of the next long answer.
    pub(crate) meanwhile: Option<Random>,
    /// How often they did.
    pub(crate) happened_meanwhile: u32,
}

impl Hub {
    pub(crate) fn new(edges: &[(EdgeId, CooperativeId)], random: &mut Random) -> Self {
        let mut set = WorkingSet::default();
        put_reference(&mut set);
        let mut hub = Self {
            feeds: BTreeMap::new(),
            set,
            entries: BTreeMap::new(),
            streams: BTreeMap::new(),
            clock_s: 1_772_352_000,
            scopes: BTreeMap::new(),
            applied: BTreeMap::new(),
            poisoned: BTreeSet::new(),
            dismissed: BTreeSet::new(),
            coop_of: edges.iter().copied().collect(),
            meanwhile: None,
            happened_meanwhile: 0,
        };
        for (edge, coop) in edges {
            let links = LinkState {
                last: Issuer { key: &KEY, edge: edge.0, incarnation: 1 }.issue(0, random.bytes()),
                previous: None,
                applied_seq: 0,
            };
            hub.streams.insert(*edge, Stream::new(links));
            hub.scopes
                .insert(*edge, vec![Bucket::Edge(*edge), Bucket::Coop(*coop), Bucket::Region(RegionId(1))]);
        }
        hub
    }

    pub(crate) fn first_link(&self, edge: EdgeId) -> Link {
        self.streams[&edge].links.last.clone()
    }

    /// The edge that shares what the hub takes in for a cooperative: its first.
    fn share_with(&self, coop: CooperativeId) -> Option<EdgeId> {
        self.coop_of.iter().find(|(_, c)| **c == coop).map(|(edge, _)| *edge)
    }

    pub(crate) fn context(&self, origin: Holder, coop: CooperativeId) -> Context {
        Context {
            place: Holder::Hub,
            origin,
            cooperative: Some(coop),
            clerk: true,
            admin: false,
            share_with: self.share_with(coop),
            hub_share_percent: 50,
        }
    }

    /// Decides and applies, and publishes: one transaction.
    pub(crate) fn apply(&mut self, command: &Command, context: &Context) -> (Verdict, Vec<(Bucket, u64)>) {
        let body = Body::from_raw(&command.body).unwrap().unwrap();
        match body.decide(command, context, &self.set) {
            Err(reject) => (Verdict::Rejected(reject), Vec::new()),
            Ok(decision) => {
                *self.applied.entry(command.id.0).or_default() += 1;
                self.set.apply(&decision.effects);
                body.note(command.id, &decision.effects, &mut self.set);
                let mut stands_at = self.publish(&decision.effects);
                if let (true, Some(coop)) = (stands_at.is_empty(), context.cooperative) {
                    // What it wanted holds already; that it holds stands there.
                    let bucket = Bucket::Coop(coop);
                    stands_at.push((bucket, self.feeds.get(&bucket).map_or(0, |feed| feed.version)));
                }
                (Verdict::Applied(decision.applied), stands_at)
            }
        }
    }

    fn publish(&mut self, effects: &[Effect]) -> Vec<(Bucket, u64)> {
        let mut touched: BTreeMap<Bucket, Vec<(u16, Key, Fields)>> = BTreeMap::new();
        for effect in effects {
            if let Some(entry) = effect.read::<StockEntry>() {
                self.entries.entry(entry.id).or_insert(entry);
            }
            let Effect { entity, key, fields, .. } = effect;
            for bucket in home(*entity, *key, fields, &self.set).expect("a place") {
                touched.entry(bucket).or_default().push((*entity, *key, fields.clone()));
            }
        }
        touched.into_iter().map(|(bucket, rows)| (bucket, self.write(bucket, rows))).collect()
    }

    fn write(&mut self, bucket: Bucket, rows: Vec<(u16, Key, Fields)>) -> u64 {
        let feed = self.feeds.entry(bucket).or_default();
        for (entity, key, fields) in rows {
            if feed.rows.get(&(entity, key)).is_none_or(|(_, old)| old.as_ref() != Some(&fields)) {
                feed.version += 1;
                feed.rows.insert((entity, key), (feed.version, Some(fields)));
            }
        }
        feed.version
    }

    /// A clerk at the hub hands an order over: it can no longer be cancelled.
    pub(crate) fn fulfil(&mut self, order: sync_protocol::ids::OrderId) {
        let Some(order) = self.set.get::<Order>(order) else { return };
        if order.status == OrderStatus::Confirmed {
            let order = Order { status: OrderStatus::Fulfilled, ..order };
            let effects = [Effect::of(&order, true)];
            self.set.apply(&effects);
            self.publish(&effects);
        }
    }

    /// A job writes, or removes, rows of a shared bucket.
    pub(crate) fn set_price(&mut self, region: RegionId, series: u32, month: u32, price: Option<i64>) {
        let feed = self.feeds.entry(Bucket::Region(region)).or_default();
        let body = price.map(|price| {
            let mut fields = Fields::new();
            fields.set(1, sync_protocol::value::Value::Int(price));
            fields
        });
        if body.is_some() || feed.rows.contains_key(&(6, Key::Pair(series, month))) {
            feed.version += 1;
            feed.rows.insert((6, Key::Pair(series, month)), (feed.version, body));
        }
    }

    /// Takes the bytes of a request, whole or cut, and answers; `None` when there is nobody to answer.
    pub(crate) fn exchange(&mut self, edge: EdgeId, request: &[u8], random: &mut Random) -> Option<Vec<u8>> {
        match self.begin(edge, request, random) {
            Began::Nothing => None,
            Began::Answer(answer) => Some(answer),
            Began::Serving(mut begun) => self.go_on(&mut begun, usize::MAX),
        }
    }

    /// Lets an edge in, and takes nothing yet.
    pub(crate) fn begin(&mut self, edge: EdgeId, request: &[u8], random: &mut Random) -> Began {
        let mut reader = FrameReader::default();
        reader.push(request);
        let mut rest = VecDeque::new();
        while let Ok(Some(frame)) = reader.next_frame() {
            rest.push_back(Message::from_frame(&frame).unwrap());
        }
        let Some(Message::Hello(hello)) = rest.pop_front() else { return Began::Nothing };
        let stream = self.streams.get_mut(&edge).unwrap();
        let issuer = Issuer { key: &KEY, edge: edge.0, incarnation: 1 };
        match issuer.admit(&stream.links, &hello.link, &hello.proof, hello.highest_seq) {
            Admission::Follows => {}
            Admission::Prove(proof) => return Began::Answer(Message::Prove(proof).to_bytes()),
            Admission::Rewound => return Began::Answer(refusal(RefusalCode::Rewound)),
            Admission::HubRestored => return Began::Answer(refusal(RefusalCode::HubRestored)),
            Admission::NotOurs => return Began::Nothing,
        }
        let next = issuer.issue(stream.links.last.number + 1, random.bytes());
        let number = stream.begin(&hello, next.clone());
        Began::Serving(Box::new(Begun { edge, hello, next, number, rest }))
    }

    /// Takes so many more messages of a request. The answer when it has ended; `None` also where it was cut.
    pub(crate) fn go_on(&mut self, begun: &mut Begun, messages: usize) -> Option<Vec<u8>> {
        for _ in 0..messages {
            match begun.rest.pop_front()? {
                Message::Commands(batch) => {
                    if let Err(code) = self.take(begun.edge, begun.number, batch) {
                        return Some(refusal(code));
                    }
                }
                Message::End if self.streams[&begun.edge].is_fenced(begun.number) => {
                    return Some(refusal(RefusalCode::Fenced));
                }
                Message::End => return Some(self.answer(begun.edge, &begun.hello, begun.next.clone())),
                _ => {}
            }
        }
        None
    }

    fn take(&mut self, edge: EdgeId, number: u64, batch: Vec<Command>) -> Result<(), RefusalCode> {
        for command in batch {
            match self.streams[&edge].admits(number, &command)? {
                Taken::Before => {}
                Taken::New => {
                    let context = self.context(Holder::Edge(edge), self.coop_of[&edge]);
                    let (verdict, stands_at) = self.judge(edge, &command, &context);
                    self.streams.get_mut(&edge).unwrap().keep(command, verdict, stands_at, self.clock_s);
                }
            }
        }
        Ok(())
    }

    fn answer(&mut self, edge: EdgeId, hello: &Hello, link: Link) -> Vec<u8> {
        let mut out = Vec::new();
        let scope = self.scopes[&edge].clone();
        let clock_s = self.clock_s;
        let close = |more| {
            let (minor, link) = (Some(MINOR_VERSION), link.clone());
            Message::Close(Close { link, more, clock_s, retry_after_s: 0, minor, backed_up_s: None })
        };
        let is_elsewhere = hello.scope != scope_hash(&scope);
        if is_elsewhere {
            Message::Welcome(Welcome { epoch: 1, scope: scope.clone() }).write(&mut out);
        }
        let verdicts_upto = self.write_verdicts(edge, hello.verdicts_upto, &mut out);
        let mut cursors = match hello.cursors.as_slice() {
            [] => scope.iter().copied().map(BucketCursor::new).collect(),
            _ if is_elsewhere => {
                close(true).write(&mut out);
                return out;
            }
            cursors => cursors_from_bytes(cursors, &scope).unwrap(),
        };
        let pages = self.pages(&cursors);
        let is_short = pages.iter().all(|p| p.reach == Reach::Delta);
        let mut room = 6usize;
        for page in pages {
            for frame in self.frames(&page, 3) {
                if !is_short && room == 0 {
                    close(true).write(&mut out);
                    return out;
                }
                room = room.saturating_sub(1);
                Message::Rows(frame).write(&mut out);
            }
        }
        if !is_short {
            for cursor in &mut cursors {
                *cursor =
                    BucketCursor { upto: self.head(&cursor.bucket), ..BucketCursor::new(cursor.bucket) };
            }
            self.goes_on_meanwhile();
            self.write_verdicts(edge, verdicts_upto, &mut out);
            for page in self.pages(&cursors) {
                for frame in self.frames(&page, 3) {
                    Message::Rows(frame).write(&mut out);
                }
            }
        }
        let point = |bucket: &Bucket| BucketPoint {
            bucket: *bucket,
            head: self.head(bucket),
            sums: self.feeds.get(bucket).map(Feed::sums).unwrap_or_default(),
        };
        Message::Complete(scope.iter().map(point).collect()).write(&mut out);
        close(false).write(&mut out);
        out
    }

    fn head(&self, bucket: &Bucket) -> u64 {
        self.feeds.get(bucket).map_or(0, |feed| feed.version)
    }

    fn pages(&self, cursors: &[BucketCursor]) -> Vec<Page> {
        next_pages(cursors.iter().map(|cursor| (*cursor, self.head(&cursor.bucket))).collect())
    }

    /// Gives the number of the last one that the edge has then.
    fn write_verdicts(&self, edge: EdgeId, after: u64, out: &mut Vec<u8>) -> u64 {
        let verdicts: Vec<Numbered> = self.streams[&edge].verdicts_after(after);
        let Some(last) = verdicts.last().map(|last| last.number) else { return after };
        Message::Verdicts(verdicts).write(out);
        last
    }

    /// What happens between the pages of a long answer and its end.
    fn goes_on_meanwhile(&mut self) {
        let Some(mut random) = self.meanwhile.take() else { return };
        self.happened_meanwhile += 1;
        for _ in 0..random.below(4) {
            let (series, month) = (1 + random.below(3) as u32, 24_000 + random.below(8) as u32);
            let price = random.chance(60).then(|| 100 + random.below(900) as i64);
            self.set_price(RegionId(1 + random.below(2) as u32), series, month, price);
        }
        let orders: Vec<_> = self.set.all::<Order>().map(|order| order.id).collect();
        if let Some(order) = random.pick(&orders).filter(|_| random.chance(30)) {
            self.fulfil(order);
        }
        if let Some((edge, seq)) = random.pick(&self.quarantined()) {
            self.settle(edge, seq, false);
        }
    }

    /// A page in small frames, upwards or downwards.
    fn frames(&self, page: &Page, size: usize) -> Vec<Rows> {
        let bucket = page.cursor.bucket;
        let feed = &self.feeds[&bucket];
        let mut rows: Vec<Row> = feed
            .rows
            .iter()
            .filter(|(_, (version, _))| *version > page.after && *version <= page.upto)
            .filter(|(_, (_, body))| page.reach == Reach::Delta || body.is_some())
            .map(|((entity, key), (version, body))| Row {
                entity: *entity,
                key: *key,
                version: *version,
                body: body.clone(),
            })
            .collect();
        rows.sort_by_key(|r| r.version);
        let mut frames = Vec::new();
        if page.reach == Reach::Delta {
            let mut after = page.after;
            let chunks: Vec<_> = rows.chunks(size).map(<[Row]>::to_vec).collect();
            let last = chunks.len();
            for (n, rows) in chunks.into_iter().enumerate() {
                let upto =
                    if n + 1 == last { page.upto } else { rows.last().map_or(page.upto, |r| r.version) };
                frames.push(Rows { bucket, reach: page.reach, after, upto, rows });
                after = upto;
            }
            if after < page.upto {
                frames.push(Rows { bucket, reach: page.reach, after, upto: page.upto, rows: Vec::new() });
            }
        } else {
            let mut upto = page.upto;
            let mut rest = rows;
            while upto > 0 {
                let rows = rest.split_off(rest.len().saturating_sub(size));
                let after = if rest.is_empty() { 0 } else { rows[0].version - 1 };
                frames.push(Rows { bucket, reach: page.reach, after, upto, rows });
                upto = after;
            }
        }
        frames
    }

    /// Everything a listing's holders have by the hub's books.
    pub(crate) fn held(&self, listing: sync_protocol::ids::ListingId, holder: Holder) -> Quantity {
        self.entries
            .values()
            .filter(|e| e.listing == listing && e.holder == holder)
            .fold(Quantity::ZERO, |sum, e| sum.plus(e.quantity))
    }
}

impl Hub {
    /// What an exchange is told that a newer one overtook.
    pub(crate) fn fenced() -> Vec<u8> {
        refusal(RefusalCode::Fenced)
    }
}

fn refusal(code: RefusalCode) -> Vec<u8> {
    Message::Refusal(Refusal { code, detail: String::new() }).to_bytes()
}

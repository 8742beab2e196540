//! The scheduler: people at the hub and at edges act, lines are cut, requests come twice and late, edges die, scopes move.

use crate::edge::{Edge, Received};
use crate::hub::Hub;
use crate::random::Random;
use std::collections::{BTreeMap, BTreeSet};
use sync_protocol::bucket::Bucket;
use sync_protocol::command::{
    Actor, ActorKind, Adjustment, Body, Certainty, Command, ListingEdit, ListingPost, ListingWithdraw,
    MemberRegister, OrderCancel, OrderPlace, Source, StockAdjust, WholeChange,
};
use sync_protocol::ids::{CommandId, CooperativeId, EdgeId, Holder, ListingId, OrderId, RegionId};
use sync_protocol::verdict::{RejectCode, Verdict};

/// What really went wrong, and what was really done.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    pub(crate) cut_requests: u32,
    pub(crate) cut_responses: u32,
    pub(crate) copies: u32,
    pub(crate) late_requests: u32,
    pub(crate) kills: u32,
    pub(crate) scope_changes: u32,
    pub(crate) refused: u32,
    pub(crate) sold_offline: u32,
    pub(crate) shorts: u32,
    pub(crate) handed_over_between: u32,
    pub(crate) gaps: u32,
    pub(crate) too_late: u32,
}

impl Faults {
    pub(crate) fn add(&mut self, other: &Self) {
        self.cut_requests += other.cut_requests;
        self.cut_responses += other.cut_responses;
        self.copies += other.copies;
        self.late_requests += other.late_requests;
        self.kills += other.kills;
        self.scope_changes += other.scope_changes;
        self.refused += other.refused;
        self.sold_offline += other.sold_offline;
        self.shorts += other.shorts;
        self.handed_over_between += other.handed_over_between;
        self.gaps += other.gaps;
        self.too_late += other.too_late;
    }
}

/// An outside book of what people were told, kept by nobody in the system.
#[derive(Default)]
pub(crate) struct Book {
    pub(crate) taken_in: BTreeMap<ListingId, i64>,
    /// Orders that an edge confirmed from its own units.
    pub(crate) sold: BTreeMap<OrderId, (ListingId, i64)>,
    /// Those of them that were taken back before they left the edge.
    pub(crate) taken_back: BTreeSet<OrderId>,
}

pub(crate) struct World {
    pub(crate) random: Random,
    pub(crate) hub: Hub,
    pub(crate) edges: Vec<Edge>,
    pub(crate) faults: Faults,
    pub(crate) book: Book,
    old_requests: Vec<(usize, Vec<u8>)>,
    /// Requests that an edge gave up waiting for and that have not reached the hub yet.
    under_way: Vec<(usize, Vec<u8>)>,
    old_responses: Vec<(usize, Vec<u8>)>,
    step: i64,
}

const COOPS: u32 = 2;

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let ids: Vec<(EdgeId, CooperativeId)> =
            (1..=3).map(|n| (EdgeId(n), CooperativeId((n - 1) % COOPS + 1))).collect();
        let hub = Hub::new(&ids, &mut random);
        let edges = ids.into_iter().map(|(id, coop)| Edge::new(id, coop, hub.first_link(id))).collect();
        Self {
            random,
            hub,
            edges,
            faults: Faults::default(),
            book: Book::default(),
            old_requests: Vec::new(),
            under_way: Vec::new(),
            old_responses: Vec::new(),
            step: 0,
        }
    }

    pub(crate) fn step(&mut self) {
        self.step += 1;
        match self.random.below(14) {
            0..=6 => self.act_at_an_edge(),
            7 | 8 => self.act_at_the_hub(),
            9 if self.random.chance(60) => self.hand_over(),
            9 => self.move_prices(),
            10 if self.random.chance(25) => self.move_scope(),
            _ => self.exchange_with_faults(),
        }
    }

    fn listing(&mut self) -> Option<ListingId> {
        let mut all: Vec<ListingId> = self.hub.set.listings.keys().copied().collect();
        all.extend(self.edges.iter().flat_map(|e| e.view().listings.into_keys()));
        all.sort_unstable();
        all.dedup();
        self.random.pick(&all)
    }

    fn intent(&mut self, set: &sync_protocol::command::WorkingSet) -> Option<Body> {
        let units = |random: &mut Random| 1000 * (1 + random.below(12) as i64);
        let seen = self.listing();
        Some(match self.random.below(13) {
            0 => Body::MemberRegister(MemberRegister {
                member: self.random.uuid(),
                phone: 265_990_000_000 + self.random.below(6) as u64,
                name: "Chikondi".into(),
                language: "ny".into(),
            }),
            // Few listings, so that their units run out and are fought over.
            1 | 2 if set.listings.len() < 2 || self.random.chance(5) => Body::ListingPost(ListingPost {
                listing: self.random.uuid(),
                commodity: 1 + self.random.below(3) as u32,
                unit: 1,
                title: String::new(),
                quantity_milli: units(&mut self.random) * 4,
                price_minor: 500,
                currency: "MWK".into(),
                seller: None,
                hub_milli: None,
            }),
            3 => {
                let listing = seen?;
                let old = set.listings.get(&listing)?.price_minor;
                let change = WholeChange { old, new: 400 + self.random.below(3) as i64 * 100 };
                Body::ListingEdit(ListingEdit { listing: listing.0, price_minor: Some(change), title: None })
            }
            4 if self.random.chance(30) => Body::ListingWithdraw(ListingWithdraw { listing: seen?.0 }),
            5 | 6 => {
                let mut orders: Vec<_> = set.orders.keys().copied().collect();
                orders.sort_unstable();
                Body::OrderCancel(OrderCancel::new(self.random.pick(&orders)?.0))
            }
            7 => {
                let q = units(&mut self.random);
                let found =
                    if self.random.chance(50) { Adjustment::Intake(q) } else { Adjustment::WriteOff(q) };
                Body::StockAdjust(StockAdjust { listing: seen?.0, found, reason: String::new() })
            }
            _ => {
                let listing = seen?;
                let unit_price_minor = set.listings.get(&listing).map_or(500, |l| l.price_minor);
                let quantity_milli = units(&mut self.random);
                let (buyer_phone, buyer_name) =
                    (265_990_000_000 + self.random.below(6) as u64, String::new());
                Body::OrderPlace(OrderPlace {
                    listing: listing.0,
                    quantity_milli,
                    unit_price_minor,
                    source: Source::Ask,
                    buyer_phone,
                    buyer_name,
                    channel: 1,
                })
            }
        })
    }

    fn act_at_an_edge(&mut self) {
        let at = self.random.below(self.edges.len());
        let set = self.edges[at].view();
        let Some(body) = self.intent(&set) else { return };
        let id = self.random.uuid();
        // The clock of edge 0 is right, of 1 ten years off, of 2 jumping: nothing may depend on it.
        let clock = [self.step, self.step + 315_360_000, self.random.next() as i64 >> 20][at];
        let Ok(certainty) = self.edges[at].submit(id, body.clone(), clock, 265_990_000_000) else { return };
        let raw = &self.edges[at].log.last().unwrap().command.body;
        match Body::from_raw(raw).unwrap().unwrap() {
            Body::ListingPost(post) => {
                *self.book.taken_in.entry(ListingId(post.listing)).or_default() += post.quantity_milli
            }
            Body::StockAdjust(StockAdjust { listing, found: Adjustment::Intake(q), .. }) => {
                *self.book.taken_in.entry(ListingId(listing)).or_default() += q;
            }
            Body::StockAdjust(StockAdjust { listing, found: Adjustment::WriteOff(q), .. }) => {
                *self.book.taken_in.entry(ListingId(listing)).or_default() -= q;
            }
            Body::OrderPlace(order) if order.source == Source::Held => {
                assert_eq!(certainty, Certainty::Record);
                self.faults.sold_offline += 1;
                self.book.sold.insert(OrderId(id), (ListingId(order.listing), order.quantity_milli));
            }
            Body::OrderCancel(cancel) if certainty == Certainty::Record => {
                self.book.taken_back.insert(OrderId(cancel.order));
            }
            _ => {}
        }
    }

    fn act_at_the_hub(&mut self) {
        let coop = CooperativeId(1 + self.random.below(COOPS as usize) as u32);
        let set = self.hub.set.clone();
        let Some(mut body) = self.intent(&set) else { return };
        if let Body::OrderPlace(order) = &mut body {
            order.source = Source::Ask;
        }
        let actor = Actor { kind: ActorKind::User, id: None, phone: 265_990_000_000 };
        let id = CommandId(self.random.uuid());
        let command = Command { id, seq: 0, made_at_s: self.step, actor, body: body.to_raw() };
        let context = self.hub.context(Holder::Hub, coop);
        let (verdict, _) = self.hub.apply(&command, &context);
        self.note(&body, &verdict);
    }

    /// What the hub's word on a command means for the outside book.
    fn note(&mut self, body: &Body, verdict: &Verdict) {
        if !matches!(verdict, Verdict::Applied(_)) {
            return;
        }
        match body {
            Body::ListingPost(post) => {
                *self.book.taken_in.entry(ListingId(post.listing)).or_default() += post.quantity_milli
            }
            Body::StockAdjust(StockAdjust { listing, found: Adjustment::Intake(q), .. }) => {
                *self.book.taken_in.entry(ListingId(*listing)).or_default() += q;
            }
            Body::StockAdjust(StockAdjust { listing, found: Adjustment::WriteOff(q), .. }) => {
                *self.book.taken_in.entry(ListingId(*listing)).or_default() -= q;
            }
            _ => {}
        }
    }

    fn hand_over(&mut self) {
        let mut orders: Vec<_> = self.hub.set.orders.keys().copied().collect();
        orders.sort_unstable();
        if let Some(order) = self.random.pick(&orders) {
            self.hub.fulfil(order);
        }
    }

    /// Some of the rows of an old response arrive once more, or for the first time, as a late bundle would bring them.
    fn deliver_late(&mut self) {
        if self.old_responses.is_empty() {
            return;
        }
        let (at, bytes) = self.old_responses[self.random.below(self.old_responses.len())].clone();
        let mask = self.random.next();
        self.faults.gaps += self.edges[at].receive_late(&bytes, |n| mask >> (n % 64) & 1 == 1);
    }

    fn move_prices(&mut self) {
        for _ in 0..=self.random.below(6) {
            let (series, month) = (1 + self.random.below(3) as u32, 24_000 + self.random.below(8) as u32);
            let price = self.random.chance(85).then(|| 100 + self.random.below(900) as i64);
            let region = RegionId(1 + self.random.below(2) as u32);
            self.hub.set_price(region, series, month, price);
        }
    }

    fn move_scope(&mut self) {
        self.faults.scope_changes += 1;
        let edge = EdgeId(1 + self.random.below(3) as u32);
        let second = Bucket::Region(RegionId(2));
        let scope = self.hub.scopes.get_mut(&edge).unwrap();
        match scope.iter().position(|bucket| *bucket == second) {
            Some(at) => {
                scope.remove(at);
            }
            None => scope.push(second),
        }
    }

    fn exchange_with_faults(&mut self) {
        let at = self.random.below(self.edges.len());
        if !self.old_requests.is_empty() && self.random.chance(15) {
            // A request of some time ago comes once more; its answer goes nowhere.
            let (edge, bytes) = self.old_requests[self.random.below(self.old_requests.len())].clone();
            self.faults.copies += 1;
            let _ = self.hub.exchange(EdgeId(edge as u32 + 1), &bytes, &mut self.random);
        }
        if self.random.chance(20) {
            self.deliver_late();
        }
        if !self.under_way.is_empty() && self.random.chance(30) {
            // A request arrives for the first time, long after its edge has given it up; perhaps others overtook it.
            let (edge, bytes) = self.under_way.swap_remove(self.random.below(self.under_way.len()));
            self.faults.late_requests += 1;
            let _ = self.hub.exchange(EdgeId(edge as u32 + 1), &bytes, &mut self.random);
        }
        let mut request = self.edges[at].request();
        if self.random.chance(10) {
            self.under_way.push((at, request));
            return;
        }
        let whole = request.clone();
        if self.random.chance(20) {
            self.faults.cut_requests += 1;
            let to = self.random.below(request.len());
            request.truncate(to);
        }
        let response = self.hub.exchange(EdgeId(at as u32 + 1), &request, &mut self.random);
        if request.len() == whole.len() {
            self.old_requests.push((at, whole));
            let over = self.old_requests.len().saturating_sub(6);
            self.old_requests.drain(..over);
        }
        let Some(mut response) = response else { return };
        self.old_responses.push((at, response.clone()));
        let over = self.old_responses.len().saturating_sub(6);
        self.old_responses.drain(..over);
        let mut kill_after = None;
        if self.random.chance(25) {
            self.faults.cut_responses += 1;
            let to = self.random.below(response.len());
            response.truncate(to);
        } else if self.random.chance(15) {
            self.faults.kills += 1;
            kill_after = Some(self.random.below(5));
        }
        let _ = self.edges[at].receive(&response, kill_after);
    }

    /// The network heals and everybody catches up: a bounded number of round trips.
    pub(crate) fn heal(&mut self) {
        for at in 0..self.edges.len() {
            let mut rounds = 0;
            loop {
                rounds += 1;
                assert!(rounds < 400, "edge {at} does not come to rest");
                let request = self.edges[at].request();
                let response = self
                    .hub
                    .exchange(EdgeId(at as u32 + 1), &request, &mut self.random)
                    .expect("a whole request is answered");
                let received = self.edges[at].receive(&response, None);
                let waiting = self.edges[at].log.iter().any(|l| !l.dropped);
                if received == (Received::Whole { more: false }) && !waiting {
                    break;
                }
                assert!(
                    self.edges[at].halted.is_none(),
                    "edge {at} was refused: {:?}",
                    self.edges[at].halted
                );
            }
        }
        // What one edge's commands did to another's buckets.
        for at in 0..self.edges.len() {
            for _ in 0..60 {
                let request = self.edges[at].request();
                let response = self.hub.exchange(EdgeId(at as u32 + 1), &request, &mut self.random).unwrap();
                if self.edges[at].receive(&response, None) == (Received::Whole { more: false }) {
                    break;
                }
            }
        }
        for edge in &self.edges {
            for logged in &edge.log {
                match logged.verdict.as_ref().map(|v| &v.verdict) {
                    Some(Verdict::Rejected(reject)) => {
                        self.faults.refused += 1;
                        self.faults.too_late += u32::from(reject.code == RejectCode::TooLate);
                    }
                    Some(Verdict::Applied(applied)) if applied.short => {
                        let is_sale =
                            matches!(Body::from_raw(&logged.command.body), Ok(Some(Body::OrderPlace(_))));
                        *(if is_sale {
                            &mut self.faults.shorts
                        } else {
                            &mut self.faults.handed_over_between
                        }) += 1;
                    }
                    _ => {}
                }
            }
        }
    }
}

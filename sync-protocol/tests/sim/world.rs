//! The scheduler: people at the hub and at edges act, lines are cut, requests come twice and late, edges die, scopes move.

use crate::book::Book;
use crate::edge::{Edge, Received};
use crate::faults::Faults;
use crate::hub::{Began, Hub};
use crate::random::Random;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CooperativeId, EdgeId, RegionId};
use sync_protocol::market::Body;
use sync_protocol::verdict::{RejectCode, Verdict};

/// Cooperatives; of three edges two are offices of the first.
pub(crate) const COOPS: u32 = 2;

const DAY_S: i64 = 86_400;

/// How far wall clocks of edges are off: twenty years, forty days, fourteen years ahead, not at all.
const CLOCKS_OFF_S: [i64; 4] = [-20 * 365 * DAY_S, -40 * DAY_S, 14 * 365 * DAY_S, 0];

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
    /// By how much the wall clock of each edge is off.
    clocks_off_s: Vec<i64>,
    /// True seconds since the beginning.
    pub(crate) now_s: i64,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        let mut random = Random::new(seed);
        let ids: Vec<(EdgeId, CooperativeId)> =
            (1..=3).map(|n| (EdgeId(n), CooperativeId((n - 1) % COOPS + 1))).collect();
        let hub = Hub::new(&ids, &mut random);
        let clocks_off_s = ids.iter().map(|_| CLOCKS_OFF_S[random.below(CLOCKS_OFF_S.len())]).collect();
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
            clocks_off_s,
            now_s: 0,
        }
    }

    pub(crate) fn step(&mut self) {
        match self.random.below(17) {
            0..=6 => self.act_at_an_edge(),
            7 | 8 => self.act_at_the_hub(),
            9 if self.random.chance(60) => self.hand_over(),
            9 => self.move_prices(),
            10 if self.random.chance(25) => self.move_scope(),
            11 | 12 => self.time_passes(),
            13 if self.random.chance(30) => self.operator_looks(),
            _ => self.exchange_with_faults(),
        }
        self.note_settled();
    }

    /// What an edge says that the time is.
    pub(crate) fn claimed_s(&self, at: usize) -> i64 {
        self.hub.clock_s + self.clocks_off_s[at]
    }

    /// Days go by; a clock is set; old things are forgotten at the hub.
    fn time_passes(&mut self) {
        match self.random.below(4) {
            0 | 1 => {
                let seconds = self.random_days();
                self.pass(seconds);
            }
            2 => {
                let at = self.random.below(self.edges.len());
                self.clocks_off_s[at] = CLOCKS_OFF_S[self.random.below(CLOCKS_OFF_S.len())];
            }
            _ if self.random.chance(80) => self.faults.pruned_at_the_hub += self.hub.prune() as u32,
            _ => {
                // For one round of forgetting and one exchange the hub's clock is in another year.
                self.hub.clock_s += 14 * 365 * DAY_S;
                self.faults.pruned_at_the_hub += self.hub.prune() as u32;
                self.exchange_with_faults();
                self.hub.clock_s -= 14 * 365 * DAY_S;
                self.faults.hub_jumps += 1;
            }
        }
    }

    fn random_days(&mut self) -> i64 {
        DAY_S * (1 + self.random.below(7) as i64)
    }

    pub(crate) fn pass(&mut self, seconds: i64) {
        self.now_s += seconds;
        self.hub.clock_s += seconds;
    }

    /// The operator sees to one command that broke the hub.
    fn operator_looks(&mut self) {
        let aside = self.hub.quarantined();
        let Some((edge, seq)) = self.random.pick(&aside) else { return };
        // What was weighed, or taken back and sold again, stays so, whatever an operator says: it has been sold from.
        let command = &self.hub.streams[&edge].open[&seq];
        let body = Body::from_raw(&command.body).unwrap().unwrap();
        let took = |id| self.book.changes.get(&id).is_some_and(|change| change.milli <= 0);
        let stays =
            matches!(body, Body::StockAdjust(_)) && !took(command.id) || body.gives_back_at_once().is_some();
        let percent = if took(command.id) { 60 } else { 25 };
        let dismiss = !stays && self.random.chance(percent);
        self.hub.settle(edge, seq, dismiss);
        *(if dismiss { &mut self.faults.dismissed } else { &mut self.faults.retried }) += 1;
    }

    /// The book notes when a final word is seen for the first time.
    pub(crate) fn note_settled(&mut self) {
        for logged in self.edges.iter().flat_map(|edge| edge.log.values()).filter(|l| l.is_settled()) {
            self.book.settled.entry(logged.command.id).or_insert(self.now_s);
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
        self.hub.meanwhile = self.random.chance(50).then(|| Random::new(self.random.next()));
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
        let response = if self.random.chance(10) {
            self.exchange_beside_another_hub(at, &request)
        } else {
            self.hub.exchange(EdgeId(at as u32 + 1), &request, &mut self.random)
        };
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

    /// One hub has begun to serve a request when the edge gives up and comes to another hub of the same database; then the first goes on.
    /// Gives what the second answers.
    fn exchange_beside_another_hub(&mut self, at: usize, request: &[u8]) -> Option<Vec<u8>> {
        let edge = EdgeId(at as u32 + 1);
        let Began::Serving(mut begun) = self.hub.begin(edge, request, &mut self.random) else { return None };
        let messages = self.random.below(3);
        if self.hub.go_on(&mut begun, messages).is_some() {
            return None;
        }
        // The link was given out again meanwhile, so the edge has to show first that it is asking now.
        let first = self.edges[at].request();
        if let Some(answer) = self.hub.exchange(edge, &first, &mut self.random) {
            let _ = self.edges[at].receive(&answer, None);
        }
        let again = self.edges[at].request();
        let response = self.hub.exchange(edge, &again, &mut self.random);
        let late = self.hub.go_on(&mut begun, usize::MAX);
        // Without a newer one let in, the older may end.
        self.faults.fenced += u32::from(late.is_some_and(|bytes| bytes == Hub::fenced()));
        response
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
                let waiting = self.edges[at].log.values().any(|l| l.verdict.is_none());
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
        // Whatever waits is mended, and tried again.
        let open = self.hub.streams.values().map(|stream| stream.open.len()).sum::<usize>() as u32;
        while let Some((edge, seq)) = self.hub.quarantined().first().copied() {
            self.hub.settle(edge, seq, false);
            self.faults.quarantined += 1;
        }
        self.faults.held += open.saturating_sub(self.faults.quarantined);
        self.faults.meanwhile += self.hub.happened_meanwhile;
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
        self.note_settled();
        self.count_changes();
        for edge in &self.edges {
            self.faults.pruned_at_edges += edge.pruned;
            for logged in edge.log.values() {
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

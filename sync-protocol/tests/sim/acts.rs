//! What people do, at edges and at the hub, as clerks and as buyers, and what they are told.

use crate::random::Random;
use crate::world::{COOPS, World};
use sync_protocol::ids::{CommandId, CooperativeId, Holder, ListingId, OrderId, RegionId, hub_born};
use sync_protocol::market::{
    Actor, ActorKind, Adjustment, Body, Certainty, Command, Context, Listing, ListingEdit, ListingPost,
    ListingWithdraw, MemberRegister, Order, OrderCancel, OrderPlace, Source, StockAdjust, WholeChange,
    WorkingSet,
};
use sync_protocol::verdict::Verdict;
use uuid::Uuid;

/// Of a hundred commands of edges so many break the hub until an operator has seen to them.
const POISON_PERCENT: u64 = 4;
/// And of a hundred changes of the stock, which are fewer.
const STOCK_POISON_PERCENT: u64 = 15;

/// The commands that `intent` draws with figures of their own.
const DRAWN: [u16; 7] = [
    MemberRegister::KIND,
    ListingPost::KIND,
    ListingEdit::KIND,
    ListingWithdraw::KIND,
    OrderPlace::KIND,
    OrderCancel::KIND,
    StockAdjust::KIND,
];

/// The others, as their samples are.
fn undrawn(about: Uuid) -> Vec<Body> {
    Body::samples(about).into_iter().filter(|body| !DRAWN.contains(&body.kind())).collect()
}

impl World {
    fn listing(&mut self) -> Option<ListingId> {
        let listings = |set: &WorkingSet| set.all::<Listing>().map(|listing| listing.id).collect::<Vec<_>>();
        let mut all = listings(&self.hub.set);
        all.extend(self.edges.iter().flat_map(|edge| listings(&edge.view())));
        all.sort_unstable();
        all.dedup();
        self.random.pick(&all)
    }

    /// What somebody wants, at an edge or, without one, at the hub.
    fn intent(&mut self, set: &WorkingSet, at: Option<usize>) -> Option<Body> {
        let units = |random: &mut Random| 1000 * (1 + random.below(12) as i64);
        let seen = self.listing();
        let mut plain = undrawn(seen.map_or(hub_born(1), |listing| listing.0));
        if !plain.is_empty() && self.random.chance(7) {
            return Some(plain.swap_remove(self.random.below(plain.len())));
        }
        Some(match self.random.below(14) {
            0 => Body::MemberRegister(MemberRegister {
                member: self.random.uuid(),
                phone: 265_990_000_000 + self.random.below(6) as u64,
                name: "Chikondi".into(),
                language: "ny".into(),
            }),
            // Few listings, so that their units run out and are fought over.
            1 | 2 if set.all::<Listing>().count() < 2 || self.random.chance(5) => {
                Body::ListingPost(ListingPost {
                    listing: self.random.uuid(),
                    commodity: 1 + self.random.below(3) as u32,
                    unit: 1,
                    title: String::new(),
                    quantity_milli: units(&mut self.random) * 4,
                    price_minor: 500,
                    currency: "MWK".into(),
                    seller: None,
                    hub_milli: None,
                })
            }
            3 => {
                let listing = seen?;
                let old = set.get::<Listing>(listing)?.price_minor;
                let change = WholeChange { old, new: 400 + self.random.below(3) as i64 * 100 };
                Body::ListingEdit(ListingEdit { listing: listing.0, price_minor: Some(change), title: None })
            }
            4 if self.random.chance(30) => Body::ListingWithdraw(ListingWithdraw { listing: seen?.0 }),
            5 | 6 => {
                let orders: Vec<_> = set.all::<Order>().map(|order| order.id).collect();
                Body::OrderCancel(OrderCancel::new(self.random.pick(&orders)?.0))
            }
            7 | 8 if at.is_some() => self.change_of_the_stock(at?, seen?),
            7 => {
                let q = units(&mut self.random);
                let found =
                    if self.random.chance(50) { Adjustment::Intake(q) } else { Adjustment::WriteOff(q) };
                Body::StockAdjust(StockAdjust {
                    listing: seen?.0,
                    found,
                    reason: String::new(),
                    undoes: None,
                })
            }
            _ => {
                let listing = seen?;
                let unit_price_minor = set.get::<Listing>(listing).map_or(500, |l| l.price_minor);
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

    pub(crate) fn act_at_an_edge(&mut self) {
        let at = self.random.below(self.edges.len());
        let set = self.edges[at].view();
        let Some(body) = self.intent(&set, Some(at)) else { return };
        let id = self.random.uuid();
        let clock_s = self.claimed_s(at);
        let Ok(certainty) = self.edges[at].submit(id, body, clock_s, 265_990_000_000) else { return };
        self.book.told.insert(CommandId(id), (self.edges[at].id, certainty));
        let (_, logged) = self.edges[at].log.last_key_value().unwrap();
        self.book.drawn.insert(logged.command.body.kind);
        let body = Body::from_raw(&logged.command.body).unwrap().unwrap();
        let percent =
            if matches!(body, Body::StockAdjust(_)) { STOCK_POISON_PERCENT } else { POISON_PERCENT };
        if self.random.chance(percent) {
            self.hub.poisoned.insert(id);
        }
        match body {
            Body::ListingPost(post) => {
                *self.book.taken_in.entry(ListingId(post.listing)).or_default() += post.quantity_milli
            }
            Body::StockAdjust(adjust) => self.note_changed(at, CommandId(id), &adjust),
            Body::OrderPlace(order) if order.source == Source::Held => {
                assert_eq!(certainty, Certainty::Record);
                self.faults.sold_offline += 1;
                self.book.sold.insert(OrderId(id), (ListingId(order.listing), order.quantity_milli));
            }
            Body::OrderCancel(cancel) if certainty == Certainty::Record => {
                self.book.taken_back.insert(OrderId(cancel.order));
                self.faults.broken_cancels += u32::from(self.hub.poisoned.contains(&id));
            }
            _ => {}
        }
    }

    pub(crate) fn act_at_the_hub(&mut self) {
        if self.random.chance(20) {
            return self.cancel_at_the_hub();
        }
        let coop = CooperativeId(1 + self.random.below(COOPS as usize) as u32);
        let set = self.hub.set.clone();
        let Some(mut body) = self.intent(&set, None) else { return };
        if let Body::OrderPlace(order) = &mut body {
            order.source = Source::Ask;
        }
        let context = self.hub.context(Holder::Hub, coop);
        let verdict = self.at_the_hub(265_990_000_000, &body, &context);
        self.note(&body, &verdict);
    }

    /// The buyer takes an order back at the hub, wherever it was made, or a clerk of the cooperative that sells does.
    fn cancel_at_the_hub(&mut self) {
        let orders: Vec<_> = self.hub.set.all::<Order>().map(|order| order.id).collect();
        let Some(id) = self.random.pick(&orders) else { return };
        let Some(order) = self.hub.set.get::<Order>(id) else { return };
        let seller = self.hub.context(Holder::Hub, order.cooperative);
        let by_buyer = order.buyer_phone != 0 && self.random.chance(50);
        let (phone, context) = match by_buyer {
            true => (order.buyer_phone, Context { cooperative: None, clerk: false, ..seller }),
            false => (265_990_000_000, seller),
        };
        let verdict = self.at_the_hub(phone, &OrderCancel::new(id.0).into(), &context);
        if matches!(verdict, Verdict::Applied(_)) {
            self.book.cancelled_at_the_hub.insert(id);
            let count = match by_buyer {
                true => &mut self.faults.cancels_by_buyers_at_the_hub,
                false => &mut self.faults.cancels_by_clerks_at_the_hub,
            };
            *count += 1;
        }
    }

    fn at_the_hub(&mut self, phone: u64, body: &Body, context: &Context) -> Verdict {
        let actor = Actor { kind: ActorKind::User, id: None, phone };
        let (id, made_at_s) = (CommandId(self.random.uuid()), self.hub.clock_s);
        let command = Command { id, seq: 0, made_at_s, actor, body: body.to_raw() };
        self.hub.apply(&command, context).0
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

    pub(crate) fn hand_over(&mut self) {
        let orders: Vec<_> = self.hub.set.all::<Order>().map(|order| order.id).collect();
        if let Some(order) = self.random.pick(&orders) {
            self.hub.fulfil(order);
        }
    }

    pub(crate) fn move_prices(&mut self) {
        for _ in 0..=self.random.below(6) {
            let (series, month) = (1 + self.random.below(3) as u32, 24_000 + self.random.below(8) as u32);
            let price = self.random.chance(85).then(|| 100 + self.random.below(900) as i64);
            let region = RegionId(1 + self.random.below(2) as u32);
            self.hub.set_price(region, series, month, price);
        }
    }
}

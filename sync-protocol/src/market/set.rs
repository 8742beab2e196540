//! The small part of the market that a batch of commands reads and changes. The hub fills it from Postgres, the edge from its
//! replica and what waits beside it; deciding itself touches nothing else.

use super::{Body, Effect, EffectRow};
use crate::ids::{CommandId, CommodityId, CooperativeId, Holder, ListingId, MemberId, OrderId, UnitId};
use crate::market::{Alias, EntryId, Listing, Member, Order, OrderStatus, StockEntry};
use crate::units::Quantity;
use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};
use uuid::Uuid;

/// What a command reads. Sorted, so that rows are locked in one order.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Needs {
    /// Members, with their aliases.
    pub members: BTreeSet<MemberId>,
    /// Members by number within a cooperative.
    pub phones: BTreeSet<(CooperativeId, u64)>,
    /// Listings, with what each holder has of them.
    pub listings: BTreeSet<ListingId>,
    /// Listings whose open orders are needed too.
    pub orders_of: BTreeSet<ListingId>,
    /// Orders, with their listings.
    pub orders: BTreeSet<OrderId>,
    /// Commands whose stock entries are needed.
    pub entries_of: BTreeSet<Uuid>,
    /// Commodities, for whether they exist.
    pub commodities: BTreeSet<CommodityId>,
    /// Units, for whether they exist, and in which steps they can be had; those of [`Needs::listings`] come with them.
    pub units: BTreeSet<UnitId>,
}

impl Needs {
    /// Takes in another command's needs.
    pub fn extend(&mut self, other: Self) {
        self.members.extend(other.members);
        self.phones.extend(other.phones);
        self.listings.extend(other.listings);
        self.orders_of.extend(other.orders_of);
        self.orders.extend(other.orders);
        self.entries_of.extend(other.entries_of);
        self.commodities.extend(other.commodities);
        self.units.extend(other.units);
    }
}

/// What was read, and what the batch has set so far.
#[derive(Clone, Debug, Default)]
pub struct WorkingSet {
    /// Members by id.
    pub members: HashMap<MemberId, Member>,
    /// Aliases by the id that gave way.
    pub aliases: HashMap<MemberId, MemberId>,
    /// Members by number.
    pub by_phone: HashMap<(CooperativeId, u64), MemberId>,
    /// Listings by id.
    pub listings: HashMap<ListingId, Listing>,
    /// Prices at which listings have stood, as far as they were asked about.
    pub prices: HashSet<(ListingId, i64)>,
    /// Listings of which every price is known that they ever had: at the hub those that were posted since it keeps them.
    pub priced: HashSet<ListingId>,
    /// What each holder can spend of a listing.
    pub stock: HashMap<(ListingId, Holder), Quantity>,
    /// Listings of which the hub may have sold what it has forgotten: it was restored from a backup, and an office of their cooperative has
    /// not come since.
    pub awaited: HashSet<ListingId>,
    /// Orders that were not known here when this was read, and may come all the same: an office is awaited that may bring them, or what
    /// makes them lies here undecided. Listings too where an edge's commands are decided: to people at the hub one that is not known there
    /// is none.
    pub may_come: HashSet<Uuid>,
    /// Stock entries that the batch has set, so that one reached twice counts once.
    pub entries: HashSet<EntryId>,
    /// The stock entries of a command, where [`Needs::entries_of`] asked.
    pub entries_of: HashMap<Uuid, Vec<StockEntry>>,
    /// Orders that a count made short, and that count's command. Known to the hub alone, of the orders of [`Needs::orders_of`].
    pub made_short: HashMap<OrderId, Uuid>,
    /// Orders that were short when they were placed, of the same orders: their holder sold beyond its books. Known to the hub alone.
    pub sold_beyond: HashSet<OrderId>,
    /// Orders by id.
    pub orders: HashMap<OrderId, Order>,
    /// Orders of a listing, where [`Needs::orders_of`] asked.
    pub orders_of: HashMap<ListingId, BTreeMap<OrderId, i64>>,
    /// Commodities that exist.
    pub commodities: HashSet<CommodityId>,
    /// Units that exist, each with the smallest step in which it can be had, in thousandths ([`Unit::step_milli`]).
    ///
    /// [`Unit::step_milli`]: crate::market::Unit::step_milli
    pub units: HashMap<UnitId, i64>,
}

impl WorkingSet {
    /// The member that an id stands for, through at most a few aliases.
    pub fn resolve(&self, member: MemberId) -> MemberId {
        let mut at = member;
        for _ in 0..4 {
            match self.aliases.get(&at) {
                Some(to) if *to != at => at = *to,
                _ => break,
            }
        }
        at
    }

    /// Whether there can be so much of a unit: what is counted in pieces is whole. Of a unit that is not known here nothing is said.
    pub fn is_in_steps(&self, unit: UnitId, quantity: Quantity) -> bool {
        quantity.0 % self.units.get(&unit).copied().unwrap_or(1).max(1) == 0
    }

    /// What a holder can spend of a listing.
    pub fn available(&self, listing: ListingId, holder: Holder) -> Quantity {
        self.stock.get(&(listing, holder)).copied().unwrap_or_default()
    }

    /// The listing of an order that spends a holder's units; `None` for any other order.
    pub fn sold_by(&self, holder: Holder, order: OrderId) -> Option<ListingId> {
        self.orders.get(&order).filter(|order| order.holder == Some(holder)).map(|order| order.listing)
    }

    /// Holders that have units of a listing, the hub first, then edges by number.
    pub fn holders(&self, listing: ListingId) -> Vec<(Holder, Quantity)> {
        let mut held: Vec<_> =
            self.stock.iter().filter(|((l, _), _)| *l == listing).map(|((_, h), q)| (*h, *q)).collect();
        held.sort();
        held
    }

    /// Takes in what a decided command sets, so that the next command of the batch sees it.
    pub fn apply(&mut self, effects: &[Effect]) {
        for effect in effects {
            match &effect.row {
                EffectRow::Member(member) => self.put_member(member.clone()),
                EffectRow::Alias(Alias { from, to }) => {
                    self.aliases.insert(*from, *to);
                }
                EffectRow::Listing(listing) => {
                    if !self.listings.contains_key(&listing.id) {
                        self.priced.insert(listing.id);
                    }
                    self.put_listing(listing.clone());
                }
                EffectRow::StockEntry(entry) => self.put_entry(entry),
                EffectRow::Order(order) => self.put_order(order.clone()),
            }
        }
    }

    /// Whether a listing has never stood at a price, for certain.
    pub fn never_stood_at(&self, listing: ListingId, price_minor: i64) -> bool {
        self.priced.contains(&listing) && !self.prices.contains(&(listing, price_minor))
    }

    /// Adds a listing, with the price at which it stands.
    pub fn put_listing(&mut self, listing: Listing) {
        self.prices.insert((listing.id, listing.price_minor));
        self.listings.insert(listing.id, listing);
    }

    /// Adds a member, found by id and by number.
    pub fn put_member(&mut self, member: Member) {
        self.by_phone.insert((member.cooperative, member.phone), member.id);
        self.members.insert(member.id, member);
    }

    /// Notes of the orders that stand short among what a command sets why they do: a count found less, or they were sold so. To be called
    /// after [`WorkingSet::apply`].
    pub fn note_short(&mut self, command: CommandId, body: &Body, effects: &[Effect]) {
        let short = effects.iter().filter_map(|effect| match &effect.row {
            EffectRow::Order(order) if order.status == OrderStatus::Short => Some(order.id),
            _ => None,
        });
        match body {
            Body::StockAdjust(_) => self.made_short.extend(short.map(|order| (order, command.0))),
            Body::OrderPlace(_) => self.sold_beyond.extend(short),
            _ => {}
        }
    }

    /// Adds an order, also to its listing's open ones.
    pub fn put_order(&mut self, order: Order) {
        if order.status != OrderStatus::Short {
            self.made_short.remove(&order.id);
        }
        if let Some(open) = self.orders_of.get_mut(&order.listing) {
            if matches!(order.status, OrderStatus::Confirmed | OrderStatus::Short) {
                open.insert(order.id, order.placed_at_s);
            } else {
                open.remove(&order.id);
            }
        }
        self.orders.insert(order.id, order);
    }

    fn put_entry(&mut self, entry: &StockEntry) {
        if self.entries.insert(entry.id) {
            let held = self.stock.entry((entry.listing, entry.holder)).or_default();
            *held = held.plus(entry.quantity);
            if let Some(entries) = self.entries_of.get_mut(&entry.id.of) {
                entries.push(entry.clone());
            }
        }
    }
}

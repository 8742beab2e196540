//! `stock.adjust`: what a person found in the store: more taken in, some spoilt, or a count.

use crate::cbor::{uuid_bytes, uuid_bytes_opt};
use crate::ids::{CommandId, Holder, ListingId};
use crate::market::check::{self, Invalid};
use crate::market::listings::changing;
use crate::market::orders::short_orders;
use crate::market::reference::in_steps;
use crate::market::{
    Actor, Certainty, Command, Context, Decision, Effect, EntryId, EntryKind, Form, Listing, Made, Needs,
    Order, OrderStatus, Rule, StockEntry, WorkingSet,
};
use crate::units::Quantity;
use crate::verdict::{Reject, RejectCode};
use minicbor::{Decode, Encode};
use std::cmp::Reverse;
use uuid::Uuid;

/// What was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub enum Adjustment {
    /// So much more was taken in, in thousandths.
    #[n(0)]
    Intake(#[n(0)] i64),
    /// So much was spoilt or lost, in thousandths.
    #[n(1)]
    WriteOff(#[n(0)] i64),
    /// So much is in the store, where so much was expected (everything free or sold and not yet fetched), in thousandths.
    #[n(2)]
    Count {
        /// What is there.
        #[n(0)]
        counted_milli: i64,
        /// What should be there, as the counter's screen said.
        #[n(1)]
        expected_milli: i64,
    },
}

/// Adjusts the stock of a listing at the node where it was found.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct StockAdjust {
    /// The listing.
    #[cbor(n(0), with = "uuid_bytes")]
    pub listing: Uuid,
    /// What was found.
    #[n(1)]
    pub found: Adjustment,
    /// The person's words, or empty.
    #[n(2)]
    pub reason: String,
    /// The change of this listing's stock that this one takes back, by its command's id: exactly what that one moved comes back, to whom it
    /// was taken from, and the orders that it made short are confirmed again. `found` says the change the other way about, and is what
    /// would count with a hub that does not know this field: none is sent to one. `None` for a change of its own.
    #[cbor(n(3), with = "uuid_bytes_opt", has_nil)]
    pub undoes: Option<Uuid>,
}

impl Rule for StockAdjust {
    const REFUSES: &'static [RejectCode] =
        &[RejectCode::NotFound, RejectCode::NotAllowed, RejectCode::NotEnough, RejectCode::Invalid];

    fn check(&self) -> Vec<Invalid> {
        let [first, second] = match self.found {
            Adjustment::Intake(q) | Adjustment::WriteOff(q) => {
                [check::quantity("/quantity", Quantity(q)), None]
            }
            Adjustment::Count { counted_milli, expected_milli } => [
                check::counted("/counted", Quantity(counted_milli)),
                check::counted("/expected", Quantity(expected_milli)),
            ],
        };
        let is_odd = self.undoes.is_some() && matches!(self.found, Adjustment::Count { .. });
        let message = "A count takes nothing back; leave it out.".to_owned();
        let odd = is_odd.then_some(Invalid { pointer: "/undoes", message });
        check::all([first, second, check::text("/reason", &self.reason, true), odd])
    }

    fn needs(&self, id: CommandId, actor: &Actor, _: &Context) -> Needs {
        let listing = ListingId(self.listing);
        let moves_orders = !matches!(self.found, Adjustment::WriteOff(_)) || self.undoes.is_some();
        changing(self.listing, actor)
            .found(moves_orders.then(|| Order::open_of(listing)))
            .steps::<StockEntry>(self.undoes.into_iter().chain([id.0]))
    }

    fn decide(&self, command: &Command, context: &Context, set: &WorkingSet) -> Result<Decision, Reject> {
        let listing =
            set.get::<Listing>(ListingId(self.listing)).ok_or_else(|| Reject::new(RejectCode::NotFound))?;
        if !(context.admin || context.clerk && context.cooperative == Some(listing.cooperative)) {
            return Err(Reject::new(RejectCode::NotAllowed));
        }
        if let Some(undone) = self.undoes {
            return self.take_back(undone, context, set);
        }
        // A count says what is there, also where an older version has sold parts; its screen asks for whole pieces.
        if let (Adjustment::Intake(q) | Adjustment::WriteOff(q), true) =
            (self.found, context.is_entered_here())
        {
            in_steps(set, listing.unit, Quantity(q))?;
        }
        let mut decision = Decision::new(Certainty::Record);
        let own = set.available(listing.id, context.origin);
        let mut entry = |step, holder, quantity, kind| {
            let id = EntryId { of: command.id.0, step };
            let row = StockEntry { id, listing: listing.id, holder, quantity, kind };
            decision.set(&row, holder == context.place);
        };
        match self.found {
            Adjustment::Intake(q) => {
                entry(EntryId::INTAKE, context.origin, Quantity(q), EntryKind::Intake);
                cover(&mut decision, context, set, listing.id, own.plus(Quantity(q)));
            }
            Adjustment::WriteOff(q) => {
                if context.is_entered_here() && own < Quantity(q) {
                    // Refused where it is entered; what an edge has recorded already is applied and flagged.
                    return Err(Reject::with(RejectCode::NotEnough, [own.max(Quantity::ZERO).to_string()]));
                }
                entry(EntryId::WRITTEN_OFF, context.origin, Quantity(q).negated(), EntryKind::WriteOff);
                decision.applied.short = own < Quantity(q);
            }
            Adjustment::Count { counted_milli, expected_milli } => {
                let difference = Quantity(counted_milli).minus(Quantity(expected_milli));
                if difference > Quantity::ZERO {
                    entry(EntryId::INTAKE, context.origin, difference, EntryKind::Count);
                } else if difference < Quantity::ZERO {
                    self.write_down(&mut decision, command, context, set, difference.negated());
                }
                let sum = own.plus(difference);
                if difference >= Quantity::ZERO || sum >= Quantity::ZERO {
                    cover(&mut decision, context, set, listing.id, sum);
                }
            }
        }
        Ok(decision)
    }

    fn about(&self, _: CommandId) -> Uuid {
        self.listing
    }

    fn makes(&self, id: CommandId) -> Option<Made> {
        Some(Made::steps::<StockEntry>(id.0))
    }

    /// The entries' id is the command's. Taken back twice is once, by the ids of what it moves.
    fn is_repeat(&self, command: &Command, _: &Context, set: &WorkingSet, _: Form) -> bool {
        let made =
            |step| set.get::<StockEntry>(EntryId { of: command.id.0, step }).map(|entry| entry.quantity);
        self.undoes.is_none()
            && match self.found {
                Adjustment::Intake(q) => made(EntryId::INTAKE) == Some(Quantity(q)),
                Adjustment::WriteOff(q) => made(EntryId::WRITTEN_OFF) == Some(Quantity(-q)),
                Adjustment::Count { .. } => {
                    set.steps::<StockEntry>(command.id.0).iter().any(|entry| entry.id.is_of_a_change())
                }
            }
    }

    fn is_awaited(&self, _: &Context, set: &WorkingSet) -> bool {
        set.may_come::<Listing>(ListingId(self.listing))
    }

    fn renamed(self, new: &dyn Fn(Uuid) -> Uuid) -> Self {
        Self { listing: new(self.listing), undoes: self.undoes.map(new), ..self }
    }

    fn names(&mut self) -> Vec<&mut String> {
        // The reason is a person's own words.
        Vec::new()
    }

    fn spends_own(&self) -> Option<ListingId> {
        match self.found {
            Adjustment::WriteOff(_) | Adjustment::Count { .. } => Some(ListingId(self.listing)),
            // Taken back, it takes as much away again.
            Adjustment::Intake(_) => self.undoes.map(|_| ListingId(self.listing)),
        }
    }

    fn note(&self, id: CommandId, effects: &[Effect], set: &mut WorkingSet) {
        set.facts.made_short.extend(short_orders(effects).map(|order| (order, id.0)));
    }

    fn sample(about: Uuid) -> Self {
        let found = Adjustment::Count { counted_milli: 1, expected_milli: 2 };
        Self { listing: about, found, reason: String::new(), undoes: None }
    }
}

impl StockAdjust {
    /// Takes back what another change moved, entry by entry, and nothing that it only said: a count that found less than was sold took less
    /// than its difference. Each of these entries has its id from the one that it takes back, so that nothing comes back twice.
    fn take_back(&self, undone: Uuid, context: &Context, set: &WorkingSet) -> Result<Decision, Reject> {
        let listing = ListingId(self.listing);
        let mut decision = Decision::new(Certainty::Record);
        let moved = set.steps::<StockEntry>(undone).into_iter();
        for entry in moved.filter(|entry| entry.listing == listing && entry.id.is_of_a_change()) {
            let id = entry.id.undone();
            if set.has::<StockEntry>(id) {
                continue;
            }
            let quantity = entry.quantity.negated();
            let own = set.available(listing, entry.holder);
            if quantity < Quantity::ZERO && own < entry.quantity {
                if context.is_entered_here() {
                    return Err(Reject::with(RejectCode::NotEnough, [own.max(Quantity::ZERO).to_string()]));
                }
                decision.applied.short = true;
            }
            decision.set(&StockEntry { id, quantity, ..entry }, true);
        }
        // Only the hub knows which orders a count made short.
        let is_of_it = |order: &Order| {
            order.status == OrderStatus::Short && set.facts.made_short.get(&order.id) == Some(&undone)
        };
        for order in set.open_orders(listing).into_iter().filter(is_of_it) {
            decision.set(&Order { status: OrderStatus::Confirmed, ..order }, true);
        }
        Ok(decision)
    }

    /// Less is there than expected: first the counter's own free units go, then (at the hub) other holders', the hub's own first;
    /// what is still missing was sold, so the youngest open orders are marked short.
    fn write_down(
        &self,
        decision: &mut Decision,
        command: &Command,
        context: &Context,
        set: &WorkingSet,
        missing: Quantity,
    ) {
        let listing = ListingId(self.listing);
        let mut missing = missing;
        let take = |decision: &mut Decision, missing: &mut Quantity, step, holder: Holder, kind| {
            let part = set.available(listing, holder).min(*missing);
            if part > Quantity::ZERO {
                *missing = missing.minus(part);
                let id = EntryId { of: command.id.0, step };
                let row = StockEntry { id, listing, holder, quantity: part.negated(), kind };
                decision.set(&row, true);
            }
        };
        take(decision, &mut missing, EntryId::WRITTEN_OFF, context.origin, EntryKind::Count);
        if context.place != Holder::Hub {
            // For the hub to settle. What comes free here meanwhile may be what is missing.
            if missing > Quantity::ZERO {
                let id = EntryId { of: command.id.0, step: EntryId::MISSING };
                let (holder, quantity) = (context.origin, missing.negated());
                let row = StockEntry { id, listing, holder, quantity, kind: EntryKind::Count };
                decision.set(&row, true);
            }
            return;
        }
        for (holder, _) in set.holders(listing).into_iter().filter(|(holder, _)| *holder != context.origin) {
            take(decision, &mut missing, EntryId::SHORTAGE + holder.code(), holder, EntryKind::Shortage);
        }
        if missing > Quantity::ZERO {
            decision.applied.short = true;
            let is_sure = |order: &Order| order.status == OrderStatus::Confirmed;
            for order in youngest_first(set, listing).into_iter().filter(is_sure) {
                if missing <= Quantity::ZERO {
                    break;
                }
                missing = missing.minus(order.quantity);
                decision.set(&Order { status: OrderStatus::Short, ..order }, true);
            }
        }
    }
}

/// Orders that were short at their own sale, because the holder sold beyond its books, are confirmed again, but for the youngest, as far as
/// its sum is below zero. Those that a count made short are booked nowhere, and wait for that count's end. Known to the hub alone.
fn cover(decision: &mut Decision, context: &Context, set: &WorkingSet, listing: ListingId, sum: Quantity) {
    if context.place != Holder::Hub {
        return;
    }
    let mut lacking = Quantity::ZERO.minus(sum);
    let sold_beyond = |order: &Order| {
        order.status == OrderStatus::Short
            && order.holder == Some(context.origin)
            && set.facts.sold_beyond.contains(&order.id)
            && !set.facts.made_short.contains_key(&order.id)
    };
    for order in youngest_first(set, listing).into_iter().filter(sold_beyond) {
        if lacking > Quantity::ZERO {
            lacking = lacking.minus(order.quantity);
        } else {
            decision.set(&Order { status: OrderStatus::Confirmed, ..order }, true);
        }
    }
}

/// Open orders of a listing, the youngest first.
fn youngest_first(set: &WorkingSet, listing: ListingId) -> Vec<Order> {
    let mut open = set.open_orders(listing);
    open.sort_unstable_by_key(|order| Reverse((order.placed_at_s, order.id)));
    open
}

//! `stock.adjust`: what a person found in the store: more taken in, some spoilt, or a count.

use crate::ids::{CommandId, Holder, ListingId, OrderId};
use crate::market::check::{self, Invalid};
use crate::market::command::in_steps;
use crate::market::listings::listing_needs;
use crate::market::{
    Actor, Certainty, Command, Context, Decision, EffectRow, EntryId, EntryKind, Needs, Order, OrderStatus,
    StockEntry, WorkingSet,
};
use crate::units::Quantity;
use crate::verdict::{Reject, RejectCode};
use crate::wire::cbor::{uuid_bytes, uuid_bytes_opt};
use minicbor::{Decode, Encode};
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

impl StockAdjust {
    pub(in crate::market) fn check(&self) -> Vec<Invalid> {
        let quantities = match self.found {
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
        quantities
            .into_iter()
            .flatten()
            .chain(check::text("/reason", &self.reason, true))
            .chain(odd)
            .collect()
    }

    pub(in crate::market) fn needs(&self, _: CommandId, actor: &Actor, _: &Context) -> Needs {
        let moves_orders = !matches!(self.found, Adjustment::WriteOff(_)) || self.undoes.is_some();
        let orders_of = moves_orders.then_some(ListingId(self.listing)).into_iter().collect();
        let entries_of = self.undoes.into_iter().collect();
        Needs { orders_of, entries_of, ..listing_needs(self.listing, actor) }
    }

    pub(in crate::market) fn decide(
        &self,
        command: &Command,
        context: &Context,
        set: &WorkingSet,
    ) -> Result<Decision, Reject> {
        let listing =
            set.listings.get(&ListingId(self.listing)).ok_or_else(|| Reject::new(RejectCode::NotFound))?;
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
            decision.set(EffectRow::StockEntry(row), holder == context.place);
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

    /// Takes back what another change moved, entry by entry, and nothing that it only said: a count that found less than was sold took less
    /// than its difference. Each of these entries has its id from the one that it takes back, so that nothing comes back twice.
    fn take_back(&self, undone: Uuid, context: &Context, set: &WorkingSet) -> Result<Decision, Reject> {
        let listing = ListingId(self.listing);
        let mut decision = Decision::new(Certainty::Record);
        let moved = set.entries_of.get(&undone).into_iter().flatten();
        for entry in moved.filter(|entry| entry.listing == listing && entry.id.is_of_a_change()) {
            let id = entry.id.undone();
            if set.entries.contains(&id) {
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
            decision.set(EffectRow::StockEntry(StockEntry { id, quantity, ..entry.clone() }), true);
        }
        // Only the hub knows which orders a count made short.
        let made_short = set.orders_of.get(&listing).into_iter().flat_map(|orders| orders.keys());
        let made_short = made_short.filter(|order| set.made_short.get(order) == Some(&undone));
        for order in made_short.filter_map(|order| set.orders.get(order)) {
            if order.status == OrderStatus::Short {
                let order = Order { status: OrderStatus::Confirmed, ..order.clone() };
                decision.set(EffectRow::Order(order), true);
            }
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
                decision.set(EffectRow::StockEntry(row), true);
            }
        };
        take(decision, &mut missing, EntryId::WRITTEN_OFF, context.origin, EntryKind::Count);
        if context.place != Holder::Hub {
            // For the hub to settle. What comes free here meanwhile may be what is missing.
            if missing > Quantity::ZERO {
                let id = EntryId { of: command.id.0, step: EntryId::MISSING };
                let (holder, quantity) = (context.origin, missing.negated());
                let row = StockEntry { id, listing, holder, quantity, kind: EntryKind::Count };
                decision.set(EffectRow::StockEntry(row), true);
            }
            return;
        }
        for (holder, _) in set.holders(listing).into_iter().filter(|(holder, _)| *holder != context.origin) {
            take(decision, &mut missing, EntryId::SHORTAGE + holder.code(), holder, EntryKind::Shortage);
        }
        if missing > Quantity::ZERO {
            decision.applied.short = true;
            let is_sure = |order: &&Order| order.status == OrderStatus::Confirmed;
            for order in youngest_first(set, listing).into_iter().filter(is_sure) {
                if missing <= Quantity::ZERO {
                    break;
                }
                missing = missing.minus(order.quantity);
                decision.set(EffectRow::Order(Order { status: OrderStatus::Short, ..order.clone() }), true);
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
    let sold_beyond = |order: &&Order| {
        order.status == OrderStatus::Short
            && order.holder == Some(context.origin)
            && set.sold_beyond.contains(&order.id)
            && !set.made_short.contains_key(&order.id)
    };
    for order in youngest_first(set, listing).into_iter().filter(sold_beyond) {
        if lacking > Quantity::ZERO {
            lacking = lacking.minus(order.quantity);
        } else {
            decision.set(EffectRow::Order(Order { status: OrderStatus::Confirmed, ..order.clone() }), true);
        }
    }
}

/// Open orders of a listing, confirmed or short.
fn youngest_first(set: &WorkingSet, listing: ListingId) -> Vec<&Order> {
    let mut open: Vec<(i64, OrderId)> = set
        .orders_of
        .get(&listing)
        .into_iter()
        .flatten()
        .map(|(order, placed_at_s)| (*placed_at_s, *order))
        .collect();
    open.sort_unstable_by(|a, b| b.cmp(a));
    open.into_iter().filter_map(|(_, id)| set.orders.get(&id)).collect()
}

//! `order.place`: buys. From units held at the selling node it is a record; for units held elsewhere it is a request.

use crate::ids::{CommandId, CooperativeId, Holder, ListingId, OrderId};
use crate::market::check::{self, Invalid};
use crate::market::command::in_steps;
use crate::market::{
    Actor, ActorKind, Certainty, Channel, Command, Context, Decision, EffectRow, EntryId, EntryKind, Listing,
    ListingStatus, Needs, Order, OrderStatus, StockEntry, WorkingSet,
};
use crate::units::{Quantity, total_minor};
use crate::verdict::{Reject, RejectCode};
use crate::wire::cbor::uuid_bytes;
use minicbor::{Decode, Encode};
use uuid::Uuid;

/// Whose units the order spends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
#[cbor(index_only)]
pub enum Source {
    /// The units held by the node that took the order: they are spent already.
    #[n(0)]
    Held,
    /// The hub's units: the hub says whether there are enough.
    #[n(1)]
    Ask,
}

/// Orders a quantity of a listing. The order's id is the command's.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct OrderPlace {
    /// What is bought.
    #[cbor(n(0), with = "uuid_bytes")]
    pub listing: Uuid,
    /// How much, in thousandths of the listing's unit.
    #[n(1)]
    pub quantity_milli: i64,
    /// The price of one unit that the buyer saw, in minor units.
    #[n(2)]
    pub unit_price_minor: i64,
    /// Whose units.
    #[n(3)]
    pub source: Source,
    /// The buyer's number where it is not the actor's: E.164 without the plus sign; 0 for none.
    #[n(4)]
    pub buyer_phone: u64,
    /// The buyer's name, or empty.
    #[n(5)]
    pub buyer_name: String,
    /// [`Channel`]'s code.
    #[n(6)]
    pub channel: u32,
}

impl OrderPlace {
    /// The number that owns the order.
    fn buyer(&self, actor: &Actor) -> u64 {
        if self.buyer_phone == 0 && actor.kind != ActorKind::Office { actor.phone } else { self.buyer_phone }
    }

    pub(in crate::market) fn check(&self) -> Vec<Invalid> {
        let total = total_minor(Quantity(self.quantity_milli), self.unit_price_minor).is_none();
        [
            check::quantity("/quantity", Quantity(self.quantity_milli)),
            check::price("/unit_price/amount", self.unit_price_minor),
            check::phone("/buyer_phone", self.buyer_phone, true),
            check::text("/buyer_name", &self.buyer_name, true),
            total.then(|| Invalid { pointer: "/quantity", message: "The total is too large.".into() }),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    pub(in crate::market) fn needs(&self, id: CommandId, actor: &Actor, _: &Context) -> Needs {
        Needs {
            listings: [ListingId(self.listing)].into(),
            orders: [OrderId(id.0)].into(),
            members: actor.member().into_iter().collect(),
            ..Needs::default()
        }
    }

    pub(in crate::market) fn decide(
        &self,
        command: &Command,
        context: &Context,
        set: &WorkingSet,
    ) -> Result<Decision, Reject> {
        let listing =
            set.listings.get(&ListingId(self.listing)).ok_or_else(|| Reject::new(RejectCode::NotFound))?;
        if set.orders.contains_key(&OrderId(command.id.0)) {
            return Err(Reject::new(RejectCode::Duplicate));
        }
        if context.origin != Holder::Hub && command.actor.kind == ActorKind::Office && !context.clerk {
            return Err(Reject::new(RejectCode::NotAllowed));
        }
        let quantity = Quantity(self.quantity_milli);
        if self.source == Source::Ask || context.is_entered_here() {
            in_steps(set, listing.unit, quantity)?;
        }
        match self.source {
            // Nobody but its cooperative's office holds a listing's units, so no honest edge says this of another's.
            Source::Held if context.cooperative != Some(listing.cooperative) => {
                Err(Reject::new(RejectCode::NotAllowed))
            }
            Source::Held => Ok(self.sold(command, context, set, listing, quantity)),
            Source::Ask => self.asked(command, context, set, listing, quantity),
        }
    }

    /// The origin sold its own units. It says what happened; a sale beyond what was held, or at a price that the listing never
    /// had, is flagged, not refused.
    fn sold(
        &self,
        command: &Command,
        context: &Context,
        set: &WorkingSet,
        listing: &Listing,
        quantity: Quantity,
    ) -> Decision {
        let mut decision = Decision::new(Certainty::Record);
        decision.applied.short = set.available(listing.id, context.origin) < quantity;
        let status = if decision.applied.short { OrderStatus::Short } else { OrderStatus::Confirmed };
        let order = self.order(command, context, listing, status, Some(context.origin));
        let odd_price = set.never_stood_at(listing.id, self.unit_price_minor);
        decision.set(EffectRow::Order(Order { odd_price, ..order }), true);
        decision.set(EffectRow::StockEntry(sale(command.id, listing.id, context.origin, quantity)), true);
        decision
    }

    /// The hub is asked for its units. At an edge this changes nothing but the order's own row.
    fn asked(
        &self,
        command: &Command,
        context: &Context,
        set: &WorkingSet,
        listing: &Listing,
        quantity: Quantity,
    ) -> Result<Decision, Reject> {
        if listing.status != ListingStatus::Active {
            return Err(Reject::new(RejectCode::Withdrawn));
        }
        if listing.price_minor != self.unit_price_minor {
            return Err(Reject::with(RejectCode::PriceChanged, [listing.price_minor.to_string()]));
        }
        let mut decision = Decision::new(Certainty::Request);
        if context.place != Holder::Hub {
            decision
                .set(EffectRow::Order(self.order(command, context, listing, OrderStatus::Asked, None)), true);
            return Ok(decision);
        }
        let left = set.available(listing.id, Holder::Hub);
        if left < quantity {
            return Err(Reject::with(RejectCode::NotEnough, [left.max(Quantity::ZERO).to_string()]));
        }
        let order = self.order(command, context, listing, OrderStatus::Confirmed, Some(Holder::Hub));
        decision.set(EffectRow::Order(order), true);
        decision.set(EffectRow::StockEntry(sale(command.id, listing.id, Holder::Hub, quantity)), true);
        Ok(decision)
    }

    fn order(
        &self,
        command: &Command,
        context: &Context,
        listing: &Listing,
        status: OrderStatus,
        holder: Option<Holder>,
    ) -> Order {
        let other = |coop: &CooperativeId| *coop != listing.cooperative && context.origin != Holder::Hub;
        Order {
            id: OrderId(command.id.0),
            listing: listing.id,
            cooperative: listing.cooperative,
            quantity: Quantity(self.quantity_milli),
            unit_price_minor: self.unit_price_minor,
            currency: listing.currency,
            holder,
            buyer_phone: self.buyer(&command.actor),
            buyer_name: self.buyer_name.trim().to_owned(),
            buyer_cooperative: context.cooperative.filter(other),
            status,
            channel: Channel::from_code(self.channel),
            placed_at_s: command.made_at_s,
            odd_price: false,
            buyer_unconfirmed: false,
            recorded_at_s: None,
        }
    }
}

fn sale(id: CommandId, listing: ListingId, holder: Holder, quantity: Quantity) -> StockEntry {
    let id = EntryId { of: id.0, step: EntryId::SOLD };
    StockEntry { id, listing, holder, quantity: quantity.negated(), kind: EntryKind::Sale }
}

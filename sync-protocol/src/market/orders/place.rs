//! `order.place`: buys. From units held at the selling node it is a record; for units held elsewhere it is a request.

use super::short_orders;
use crate::cbor::uuid_bytes;
use crate::ids::{CommandId, CooperativeId, Holder, ListingId, OrderId};
use crate::market::check::{self, Invalid};
use crate::market::reference::in_steps;
use crate::market::{
    Actor, ActorKind, Certainty, Channel, Command, Context, Decision, Effect, EntryId, EntryKind, Form,
    Listing, ListingStatus, Made, Member, Needs, Order, OrderStatus, Rule, StockEntry, WorkingSet,
};
use crate::units::{Quantity, total_minor};
use crate::verdict::{Reject, RejectCode};
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

impl Rule for OrderPlace {
    const REFUSES: &'static [RejectCode] = &[
        RejectCode::NotFound,
        RejectCode::Duplicate,
        RejectCode::NotAllowed,
        RejectCode::Invalid,
        RejectCode::Withdrawn,
        RejectCode::PriceChanged,
        RejectCode::NotEnough,
    ];

    fn check(&self) -> Vec<Invalid> {
        let total = total_minor(Quantity(self.quantity_milli), self.unit_price_minor).is_none();
        check::all([
            check::quantity("/quantity", Quantity(self.quantity_milli)),
            check::price("/unit_price/amount", self.unit_price_minor),
            check::phone("/buyer_phone", self.buyer_phone, true),
            check::text("/buyer_name", &self.buyer_name, true),
            total.then(|| Invalid { pointer: "/quantity", message: "The total is too large.".into() }),
        ])
    }

    fn needs(&self, id: CommandId, actor: &Actor, _: &Context) -> Needs {
        let listing = ListingId(self.listing);
        let needs = Needs::of::<Listing>(listing).row::<Order>(OrderId(id.0)).rows::<Member>(actor.member());
        match self.source {
            Source::Held => needs.stood_at(listing, self.unit_price_minor),
            Source::Ask => needs,
        }
    }

    fn decide(&self, command: &Command, context: &Context, set: &WorkingSet) -> Result<Decision, Reject> {
        let listing =
            set.get::<Listing>(ListingId(self.listing)).ok_or_else(|| Reject::new(RejectCode::NotFound))?;
        if set.has::<Order>(OrderId(command.id.0)) {
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
            Source::Held => Ok(self.sold(command, context, set, &listing, quantity)),
            Source::Ask => self.asked(command, context, set, &listing, quantity),
        }
    }

    /// The order: its effect on its listing's stock holds nobody else's order up.
    fn about(&self, id: CommandId) -> Uuid {
        id.0
    }

    fn makes(&self, id: CommandId) -> Option<Made> {
        Some(Made::row::<Order>(OrderId(id.0)))
    }

    /// The order's id is the command's, so only the content is compared that a person could have changed.
    fn is_repeat(&self, command: &Command, _: &Context, set: &WorkingSet, form: Form) -> bool {
        set.get::<Order>(OrderId(command.id.0)).is_some_and(|order| {
            order.listing.0 == self.listing
                && order.quantity.0 == self.quantity_milli
                && order.unit_price_minor == self.unit_price_minor
                && form(&order.buyer_name) == self.buyer_name
        })
    }

    fn is_awaited(&self, _: &Context, set: &WorkingSet) -> bool {
        let listing = ListingId(self.listing);
        let is_left_unknown = self.source == Source::Ask && set.facts.awaited.contains(&listing);
        is_left_unknown || set.may_come::<Listing>(listing)
    }

    fn renamed(self, new: &dyn Fn(Uuid) -> Uuid) -> Self {
        Self { listing: new(self.listing), ..self }
    }

    fn names(&mut self) -> Vec<&mut String> {
        vec![&mut self.buyer_name]
    }

    /// Whose units it spends is found, not asked for.
    fn as_asked(&self) -> Self {
        Self { source: Source::Ask, ..self.clone() }
    }

    fn spends_own(&self) -> Option<ListingId> {
        (self.source == Source::Held).then_some(ListingId(self.listing))
    }

    fn note(&self, _: CommandId, effects: &[Effect], set: &mut WorkingSet) {
        set.facts.sold_beyond.extend(short_orders(effects));
    }

    fn sample(about: Uuid) -> Self {
        Self {
            listing: about,
            quantity_milli: 1,
            unit_price_minor: 1,
            source: Source::Ask,
            buyer_phone: 0,
            buyer_name: String::new(),
            channel: 0,
        }
    }
}

impl OrderPlace {
    /// The number that owns the order.
    fn buyer(&self, actor: &Actor) -> u64 {
        if self.buyer_phone == 0 && actor.kind != ActorKind::Office { actor.phone } else { self.buyer_phone }
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
        let odd_price = set.facts.never_stood_at(listing.id, self.unit_price_minor);
        decision.set(&Order { odd_price, ..order }, true);
        decision.set(&sale(command.id, listing.id, context.origin, quantity), true);
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
            decision.set(&self.order(command, context, listing, OrderStatus::Asked, None), true);
            return Ok(decision);
        }
        let left = set.available(listing.id, Holder::Hub);
        if left < quantity {
            return Err(Reject::with(RejectCode::NotEnough, [left.max(Quantity::ZERO).to_string()]));
        }
        let order = self.order(command, context, listing, OrderStatus::Confirmed, Some(Holder::Hub));
        decision.set(&order, true);
        decision.set(&sale(command.id, listing.id, Holder::Hub, quantity), true);
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

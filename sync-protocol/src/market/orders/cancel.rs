//! `order.cancel`: takes an order back. Its units return to the holder who sold them.

use crate::cbor::uuid_bytes;
use crate::ids::{CommandId, Holder, OrderId};
use crate::market::check::Invalid;
use crate::market::{
    Actor, Certainty, Command, Context, Decision, EntryId, EntryKind, Form, Made, Needs, Order, OrderStatus,
    Rule, StockEntry, WorkingSet,
};
use crate::verdict::{Reject, RejectCode};
use minicbor::{Decode, Encode};
use uuid::Uuid;

/// Cancels an order.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct OrderCancel {
    /// The order.
    #[cbor(n(0), with = "uuid_bytes")]
    pub order: Uuid,
    /// At an edge: the order never left it, so its units were free at once and perhaps sold again; nobody can refuse that any
    /// more. The edge's log says so when it takes the command in, never who asks.
    #[n(1)]
    pub never_left: bool,
}

impl OrderCancel {
    /// Cancels that order.
    pub fn new(order: Uuid) -> Self {
        Self { order, never_left: false }
    }
}

impl Rule for OrderCancel {
    const REFUSES: &'static [RejectCode] =
        &[RejectCode::NotFound, RejectCode::NotAllowed, RejectCode::TooLate];

    fn check(&self) -> Vec<Invalid> {
        Vec::new()
    }

    fn needs(&self, _: CommandId, _: &Actor, _: &Context) -> Needs {
        Needs::of::<Order>(OrderId(self.order))
    }

    fn decide(&self, command: &Command, context: &Context, set: &WorkingSet) -> Result<Decision, Reject> {
        let Some(order) = set.get::<Order>(OrderId(self.order)) else {
            // An edge cancels only what it has seen: an order unknown here is one whose placing was refused, so it is off already. (Where
            // the hub may have forgotten it or has not decided it, this is not asked yet: see `is_awaited`.)
            let refused_before = context.origin != Holder::Hub && context.place == Holder::Hub;
            return if refused_before {
                Ok(Decision::new(Certainty::Request))
            } else {
                Err(Reject::new(RejectCode::NotFound))
            };
        };
        let own = command.actor.phone != 0 && command.actor.phone == order.buyer_phone;
        let office = context.clerk && context.cooperative == Some(order.cooperative);
        if !(own || office || context.admin) {
            return Err(Reject::new(RejectCode::NotAllowed));
        }
        // At the hub nobody but an edge can have kept an order to itself, and only one that it made: its cooperative sells or buys.
        let ours = [Some(order.cooperative), order.buyer_cooperative].contains(&context.cooperative);
        let never_left = self.never_left && context.origin != Holder::Hub && ours;
        let certainty = if never_left { Certainty::Record } else { Certainty::Request };
        let mut decision = Decision::new(certainty);
        match order.status {
            // Cancelled by phone and at the office: one cancellation.
            OrderStatus::Cancelled => return Ok(decision),
            OrderStatus::Confirmed | OrderStatus::Asked | OrderStatus::Short => {}
            // Its making came to the hub before its end did, and it was handed over between: a person has to settle it.
            OrderStatus::Fulfilled if never_left => decision.applied.short = true,
            OrderStatus::Fulfilled | OrderStatus::Other(_) => return Err(Reject::new(RejectCode::TooLate)),
        }
        let status = if decision.applied.short { OrderStatus::Short } else { OrderStatus::Cancelled };
        decision.set(&Order { status, ..order.clone() }, true);
        if let Some(holder) = order.holder {
            let id = EntryId { of: order.id.0, step: EntryId::RELEASED };
            let (listing, quantity) = (order.listing, order.quantity);
            let entry = StockEntry { id, listing, holder, quantity, kind: EntryKind::Release };
            // Elsewhere the goods may be on their way already: the units count when their row arrives.
            decision.set(&entry, never_left);
        }
        Ok(decision)
    }

    fn about(&self, _: CommandId) -> Uuid {
        self.order
    }

    fn makes(&self, _: CommandId) -> Option<Made> {
        None
    }

    // Setting the same again is harmless by itself.
    fn is_repeat(&self, _: &Command, _: &Context, _: &WorkingSet, _: Form) -> bool {
        false
    }

    fn is_awaited(&self, context: &Context, set: &WorkingSet) -> bool {
        // One that never left the box that takes it back is nobody else's: unknown here, its placing was refused a moment ago.
        let never_left = self.never_left && context.origin != Holder::Hub;
        set.may_come::<Order>(OrderId(self.order)) && !never_left
    }

    fn renamed(self, new: &dyn Fn(Uuid) -> Uuid) -> Self {
        Self { order: new(self.order), ..self }
    }

    fn names(&mut self) -> Vec<&mut String> {
        Vec::new()
    }

    /// Whether its order had left is found, not asked for.
    fn as_asked(&self) -> Self {
        Self { never_left: false, ..self.clone() }
    }

    fn gives_back_at_once(&self) -> Option<OrderId> {
        self.never_left.then_some(OrderId(self.order))
    }

    fn sample(about: Uuid) -> Self {
        Self::new(about)
    }
}

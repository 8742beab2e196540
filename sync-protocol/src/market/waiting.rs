//! What commands change and need, as far as it matters for order: while a command waits for an operator or for a newer hub, later
//! ones of its stream that need what it would have made wait behind it. All others go on.
//!
//! Units count too: what a cancel gave back at once at its office was perhaps sold again there. While that cancel waits, the hub has not
//! given the units back, so whatever spends that office's units of the listing waits with it, or an honest sale would come out short.

use super::{Actor, Body, Command, Context, RawBody, Search};
use crate::ids::{CommandId, ListingId, OrderId};
use crate::row::Key;
use std::collections::HashSet;
use uuid::Uuid;

/// The aggregates (listings, orders, members) that a command has to do with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aggregates {
    /// What it makes or changes: waits with it.
    pub changes: Vec<Uuid>,
    /// What it reads or changes: it waits for these.
    pub needs: Vec<Uuid>,
    /// The listing of which it gave units back at once to the node that made it: who spends that node's units waits with it.
    pub gives_back: Option<ListingId>,
    /// The listing of which it spends units of the node that made it: it waits for those that gave some back.
    pub spends: Option<ListingId>,
}

/// What waits, with what a batch has added on its way.
#[derive(Clone, Debug, Default)]
pub struct Blocked {
    things: HashSet<Uuid>,
    units: HashSet<ListingId>,
}

impl Blocked {
    /// Nothing.
    pub fn none() -> Self {
        Self::default()
    }

    /// Takes in what an open command would have changed.
    pub fn add(&mut self, command: &Aggregates) {
        self.things.extend(&command.changes);
        self.units.extend(command.gives_back);
    }

    /// Whether a command needs something that waits.
    pub fn holds(&self, command: &Aggregates) -> bool {
        let needs_a_thing =
            !self.things.is_empty() && command.needs.iter().any(|id| self.things.contains(id));
        needs_a_thing || command.spends.is_some_and(|listing| self.units.contains(&listing))
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.things.is_empty() && self.units.is_empty()
    }
}

impl Aggregates {
    /// Those of a command, also of one that this version does not know: the first field of every command body is the id of the
    /// aggregate that it is about, and what it makes may bear its own id. `sold` gives the listing of an order that spent units of
    /// the node that made the command, and nothing for any other order.
    pub fn of(command: &Command, context: &Context, sold: impl Fn(OrderId) -> Option<ListingId>) -> Self {
        match Body::from_raw(&command.body) {
            Ok(Some(body)) => Self::of_body(command.id, &body, &command.actor, context, sold),
            Ok(None) | Err(_) => {
                let about: Vec<Uuid> = first_field(&command.body).into_iter().chain([command.id.0]).collect();
                Self { needs: about.clone(), changes: about, ..Self::default() }
            }
        }
    }

    /// The same of a body that was read already.
    pub fn of_body(
        id: CommandId,
        body: &Body,
        actor: &Actor,
        context: &Context,
        sold: impl Fn(OrderId) -> Option<ListingId>,
    ) -> Self {
        let read = body.needs(id, actor, context);
        let of_rows =
            read.rows.iter().filter_map(|(_, key)| if let Key::Uuid(id) = key { Some(*id) } else { None });
        let needs = of_rows.chain(read.found.iter().flat_map(Search::ids)).collect();
        let gives_back = body.gives_back_at_once().and_then(sold);
        Self { changes: vec![body.about(id)], needs, gives_back, spends: body.spends_own() }
    }
}

/// The UUID in the first place of a CBOR array: a short array's head, then a byte string of 16.
fn first_field(body: &RawBody) -> Option<Uuid> {
    match body.bytes.as_slice() {
        [0x81..=0x97, 0x50, rest @ ..] | [0x98, _, 0x50, rest @ ..] => Uuid::from_slice(rest.get(..16)?).ok(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{EdgeId, Holder, hub_born};
    use crate::market::cases::at_the_hub;
    use crate::market::{ActorKind, Adjustment, OrderCancel, OrderPlace, Source, StockAdjust};

    fn command(body: RawBody) -> Command {
        let actor = Actor { kind: ActorKind::Office, id: None, phone: 0 };
        Command { id: CommandId(hub_born(99)), seq: 1, made_at_s: 0, actor, body }
    }

    /// Those of a command, where order 7 spent the office's own units of listing 5, and no other did.
    fn aggregates(command: &Command) -> Aggregates {
        let sold = |order: OrderId| (order.0 == hub_born(7)).then(|| ListingId(hub_born(5)));
        Aggregates::of(command, &at_the_hub(Holder::Edge(EdgeId(1))), sold)
    }

    #[test]
    fn the_first_field_of_every_command_is_what_it_is_about() {
        let about = hub_born(5);
        let all = Body::samples(about);
        for body in all {
            let raw = body.to_raw();
            assert_eq!(first_field(&raw), Some(about), "{body:?}");
            let of_known = aggregates(&command(raw.clone()));
            assert!(of_known.needs.contains(&about), "{body:?}");
            // The same bytes under a number that no hub knows yet.
            let of_unknown = aggregates(&command(RawBody { kind: 999, ..raw }));
            assert_eq!(of_unknown.changes, [about, hub_born(99)]);
        }
    }

    #[test]
    fn a_waiting_order_holds_its_own_cancel_and_nobody_elses_order() {
        let listing = hub_born(5);
        let place = command(Body::samples(listing)[4].to_raw());
        let mut blocked = Blocked::none();
        blocked.add(&aggregates(&place));
        let other = Command { id: CommandId(hub_born(100)), ..place.clone() };
        assert!(!blocked.holds(&aggregates(&other)));
        let cancel = command(Body::from(OrderCancel::new(place.id.0)).to_raw());
        assert!(blocked.holds(&aggregates(&cancel)));
    }

    #[test]
    fn what_spends_the_offices_own_units_waits_for_a_cancel_that_gave_some_back() {
        let (listing, sold) = (hub_born(5), hub_born(7));
        let mut blocked = Blocked::none();
        let of = |body: Body| aggregates(&command(body.to_raw()));
        // One that the hub may refuse gave nothing back yet; nor did one of an order that spent another's units.
        blocked.add(&of(OrderCancel::new(sold).into()));
        blocked.add(&of(OrderCancel { order: hub_born(8), never_left: true }.into()));
        let place = |source| {
            let Body::OrderPlace(place) = Body::samples(listing).remove(4) else {
                panic!("another order of the list")
            };
            of(OrderPlace { source, ..place }.into())
        };
        assert!(!blocked.holds(&place(Source::Held)));
        blocked.add(&of(OrderCancel { order: sold, never_left: true }.into()));
        assert!(blocked.holds(&place(Source::Held)));
        assert!(!blocked.holds(&place(Source::Ask)), "it spends the hub's");
        let adjust = |found| of(StockAdjust { listing, found, reason: String::new(), undoes: None }.into());
        assert!(blocked.holds(&adjust(Adjustment::WriteOff(1))));
        assert!(blocked.holds(&adjust(Adjustment::Count { counted_milli: 1, expected_milli: 2 })));
        assert!(!blocked.holds(&adjust(Adjustment::Intake(1))), "more is there whatever was given back");
        assert!(!blocked.holds(&of(Body::samples(hub_born(6)).remove(4))), "another listing");
    }

    #[test]
    fn bytes_that_are_no_command_are_about_nothing_but_themselves() {
        for bytes in [vec![], vec![0x81], vec![0x81, 0x50, 1, 2], vec![0xff; 40]] {
            let raw = RawBody { kind: 999, bytes };
            assert_eq!(aggregates(&command(raw)).changes, [hub_born(99)]);
        }
    }
}

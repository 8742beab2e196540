//! What commands change and need, as far as it matters for order: while a command waits for an operator or for a newer hub, later
//! ones of its stream that need what it would have made wait behind it. All others go on.

use std::collections::HashSet;
use sync_protocol::command::{Actor, Body, Command, Context, RawBody};
use sync_protocol::ids::CommandId;
use uuid::Uuid;

/// The aggregates (listings, orders, members) that a command has to do with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Aggregates {
    /// What it makes or changes: waits with it.
    pub changes: Vec<Uuid>,
    /// What it reads or changes: it waits for these.
    pub needs: Vec<Uuid>,
}

/// Aggregates that wait, with those that a batch has added on its way.
#[derive(Clone, Debug, Default)]
pub struct Blocked(HashSet<Uuid>);

impl Blocked {
    /// None.
    pub fn none() -> Self {
        Self::default()
    }

    /// Takes in what an open command would have changed.
    pub fn add(&mut self, command: &Aggregates) {
        self.0.extend(&command.changes);
    }

    /// Whether a command needs something that waits.
    pub fn holds(&self, command: &Aggregates) -> bool {
        !self.0.is_empty() && command.needs.iter().any(|id| self.0.contains(id))
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// The aggregates of a command, also of one that this hub does not know: the first field of every command body is the id of the
/// aggregate that it is about, and what it makes may bear its own id.
pub fn aggregates(command: &Command, context: &Context) -> Aggregates {
    match Body::from_raw(&command.body) {
        Ok(Some(body)) => known(command.id, &body, &command.actor, context),
        Ok(None) | Err(_) => {
            let about: Vec<Uuid> = first_field(&command.body).into_iter().chain([command.id.0]).collect();
            Aggregates { needs: about.clone(), changes: about }
        }
    }
}

/// [`aggregates`] of a body that was read already.
pub(super) fn known(id: CommandId, body: &Body, actor: &Actor, context: &Context) -> Aggregates {
    let read = body.needs(id, actor, context);
    let mut needs: Vec<Uuid> = read.listings.iter().map(|id| id.0).collect();
    needs.extend(read.orders_of.iter().map(|id| id.0));
    needs.extend(read.orders.iter().map(|id| id.0));
    needs.extend(read.members.iter().map(|id| id.0));
    let changes = match body {
        Body::MemberRegister(b) => b.member,
        Body::ListingPost(b) => b.listing,
        Body::ListingEdit(b) => b.listing,
        Body::ListingWithdraw(b) => b.listing,
        Body::StockAdjust(b) => b.listing,
        Body::OrderCancel(b) => b.order,
        // An order's effect on its listing's stock holds nobody else's order up.
        Body::OrderPlace(_) => id.0,
    };
    Aggregates { changes: vec![changes], needs }
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
    use sync_protocol::command::{
        ActorKind, Adjustment, ListingEdit, ListingPost, ListingWithdraw, MemberRegister, OrderCancel,
        OrderPlace, Source, StockAdjust,
    };
    use sync_protocol::ids::{EdgeId, Holder, hub_born};

    fn context() -> Context {
        Context {
            place: Holder::Hub,
            origin: Holder::Edge(EdgeId(1)),
            cooperative: None,
            clerk: true,
            admin: false,
            share_with: None,
            hub_share_percent: 50,
        }
    }

    fn command(body: RawBody) -> Command {
        let actor = Actor { kind: ActorKind::Office, id: None, phone: 0 };
        Command { id: CommandId(hub_born(99)), seq: 1, made_at_s: 0, actor, body }
    }

    fn every_command(about: Uuid) -> Vec<Body> {
        let adjust = Adjustment::Count { counted_milli: 1, expected_milli: 2 };
        let place = OrderPlace {
            listing: about,
            quantity_milli: 1,
            unit_price_minor: 1,
            source: Source::Ask,
            buyer_phone: 0,
            buyer_name: String::new(),
            channel: 0,
        };
        let post = ListingPost {
            listing: about,
            commodity: 1,
            unit: 1,
            title: String::new(),
            quantity_milli: 1,
            price_minor: 1,
            currency: "MWK".into(),
            seller: None,
            hub_milli: None,
        };
        vec![
            MemberRegister { member: about, phone: 1, name: "A".into(), language: "en".into() }.into(),
            post.into(),
            ListingEdit { listing: about, price_minor: None, title: None }.into(),
            ListingWithdraw { listing: about }.into(),
            place.into(),
            OrderCancel::new(about).into(),
            StockAdjust { listing: about, found: adjust, reason: String::new() }.into(),
        ]
    }

    #[test]
    fn the_first_field_of_every_command_is_what_it_is_about() {
        let about = hub_born(5);
        let all = every_command(about);
        assert_eq!(all.len(), sync_protocol::command::ALL.len(), "a command is missing here");
        for body in all {
            let raw = body.to_raw();
            assert_eq!(first_field(&raw), Some(about), "{body:?}");
            let of_known = aggregates(&command(raw.clone()), &context());
            assert!(of_known.needs.contains(&about), "{body:?}");
            // The same bytes under a number that no hub knows yet.
            let of_unknown = aggregates(&command(RawBody { kind: 999, ..raw }), &context());
            assert_eq!(of_unknown.changes, [about, hub_born(99)]);
        }
    }

    #[test]
    fn a_waiting_order_holds_its_own_cancel_and_nobody_elses_order() {
        let listing = hub_born(5);
        let place = command(every_command(listing)[4].to_raw());
        let mut blocked = Blocked::none();
        blocked.add(&aggregates(&place, &context()));
        let other = Command { id: CommandId(hub_born(100)), ..place.clone() };
        assert!(!blocked.holds(&aggregates(&other, &context())));
        let cancel = command(Body::from(OrderCancel::new(place.id.0)).to_raw());
        assert!(blocked.holds(&aggregates(&cancel, &context())));
    }

    #[test]
    fn bytes_that_are_no_command_are_about_nothing_but_themselves() {
        for bytes in [vec![], vec![0x81], vec![0x81, 0x50, 1, 2], vec![0xff; 40]] {
            let raw = RawBody { kind: 999, bytes };
            assert_eq!(aggregates(&command(raw), &context()).changes, [hub_born(99)]);
        }
    }
}

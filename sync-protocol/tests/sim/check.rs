//! The invariants, looked at from outside.

use crate::world::World;
use std::collections::BTreeMap;
use sync_protocol::command::{Body, Certainty};
use sync_protocol::entity::OrderStatus;
use sync_protocol::ids::{Holder, ListingId, OrderId};
use sync_protocol::units::Quantity;
use sync_protocol::verdict::Verdict;

/// What holds after every step.
pub(crate) fn always(world: &World) {
    for edge in &world.edges {
        for (seq, times) in &edge.taken {
            assert_eq!(*times, 1, "command {seq} of edge {} got {times} verdicts", edge.id);
        }
        let scope = &edge.scope;
        assert!(edge.rows.keys().all(|(bucket, _, _)| scope.contains(bucket)), "a row outside the scope");
        // While a first snapshot walks down, sales arrive before the intakes they were made from; nothing is sold then.
        for listing in world.hub.set.listings.keys().filter(|_| edge.is_complete()) {
            assert!(
                edge.spendable(*listing) >= Quantity::ZERO,
                "edge {} spends units of {listing} that it does not hold",
                edge.id
            );
        }
    }
    for (id, times) in &world.hub.applied {
        assert_eq!(*times, 1, "command {id} was applied {times} times");
    }
    for (listing, holder) in world.hub.set.stock.keys() {
        let (books, set) = (world.hub.held(*listing, *holder), world.hub.set.available(*listing, *holder));
        assert_eq!(books, set, "sums of entries and the working set differ");
    }
    never_oversold(world);
}

/// Of each listing, what edges and the hub have confirmed and nobody has taken back never exceeds what was taken in anywhere.
fn never_oversold(world: &World) {
    let is_off = |order: &OrderId| {
        world.book.taken_back.contains(order)
            || world.hub.set.orders.get(order).is_some_and(|o| o.status == OrderStatus::Cancelled)
    };
    let mut sold: BTreeMap<ListingId, i64> = BTreeMap::new();
    for (listing, quantity) in
        world.book.sold.iter().filter(|(order, _)| !is_off(order)).map(|(_, sold)| sold)
    {
        *sold.entry(*listing).or_default() += quantity;
    }
    for order in world.hub.set.orders.values().filter(|o| o.holder == Some(Holder::Hub) && !is_off(&o.id)) {
        *sold.entry(order.listing).or_default() += order.quantity.0;
    }
    for (listing, sold) in sold {
        let taken = world.book.taken_in.get(&listing).copied().unwrap_or(0);
        assert!(sold <= taken, "{listing}: {sold} sold of {taken}");
    }
}

/// What holds when everything was delivered.
pub(crate) fn when_quiet(world: &World) {
    for edge in &world.edges {
        assert!(edge.compared > 0, "digests were never compared");
        for logged in &edge.log {
            let verdict = logged.verdict.as_ref().map(|v| &v.verdict);
            assert!(
                verdict.is_some_and(Verdict::is_final),
                "command {} of edge {} has no final verdict",
                logged.command.seq,
                edge.id
            );
            assert!(logged.dropped, "a local effect was left behind");
            let applied = matches!(verdict, Some(Verdict::Applied(_)));
            assert!(
                applied || logged.certainty == Certainty::Request || registers_again(&logged.command),
                "a record was rejected: {verdict:?}"
            );
        }
        for bucket in &edge.scope {
            let mine: BTreeMap<_, _> = edge
                .rows
                .iter()
                .filter(|((b, _, _), _)| b == bucket)
                .map(|((_, e, k), (v, body))| ((*e, *k), (*v, body.clone())))
                .collect();
            let theirs: BTreeMap<_, _> = world
                .hub
                .feeds
                .get(bucket)
                .map(|f| {
                    f.rows
                        .iter()
                        .filter(|(_, (_, body))| body.is_some())
                        .map(|(k, v)| (*k, v.clone()))
                        .collect()
                })
                .unwrap_or_default();
            assert_eq!(mine, theirs, "edge {}'s {bucket} is not the hub's", edge.id);
        }
    }
    for (listing, holder) in world.hub.set.stock.keys() {
        let held = world.hub.held(*listing, *holder);
        assert!(held >= Quantity::ZERO, "{holder:?} holds {held} of {listing}");
        if let Holder::Edge(id) = holder {
            let edge = &world.edges[id.0 as usize - 1];
            assert_eq!(edge.spendable(*listing), held, "edge {id} and the hub disagree on {listing}");
        }
    }
}

/// The one record that the hub may refuse: a number that two members would share is settled by a person.
fn registers_again(command: &sync_protocol::command::Command) -> bool {
    matches!(Body::from_raw(&command.body), Ok(Some(Body::MemberRegister(_))))
}

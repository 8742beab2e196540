//! The invariants, looked at from outside.

use crate::edge::{KEPT_S, STEP_MAX_S, Word};
use crate::stock::Change;
use crate::truth::nobody_counts_what_is_not_there;
use crate::world::World;
use std::collections::{BTreeMap, HashSet};
use sync_protocol::ids::{CommandId, Holder, ListingId, OrderId};
use sync_protocol::market::{Body, Certainty, Command, EntryKind, Listing, Order, OrderStatus, StockEntry};
use sync_protocol::units::Quantity;
use sync_protocol::verdict::Verdict;
use uuid::Uuid;

/// What holds after every step.
pub(crate) fn always(world: &World) {
    for edge in &world.edges {
        for (seq, times) in &edge.taken {
            assert_eq!(*times, 1, "command {seq} of edge {} got {times} verdicts", edge.id);
        }
        let scope = &edge.scope;
        assert!(edge.rows.keys().all(|(bucket, _, _)| scope.contains(bucket)), "a row outside the scope");
        // While a first snapshot walks down, sales arrive before the intakes they were made from; nothing is sold then.
        let listings = world.hub.set.all::<Listing>().map(|listing| listing.id);
        for listing in listings.filter(|_| edge.is_complete()) {
            assert!(
                edge.spendable(listing) >= Quantity::ZERO || may_lack(world, listing, Holder::Edge(edge.id)),
                "edge {} spends units of {listing} that it does not hold",
                edge.id
            );
        }
    }
    for (id, times) in &world.hub.applied {
        assert_eq!(*times, 1, "command {id} was applied {times} times");
    }
    for (listing, holder, held) in world.hub.set.held() {
        assert_eq!(world.hub.held(listing, holder), held, "sums of entries and the working set differ");
    }
    never_oversold(world);
    nobody_counts_what_is_not_there(world);
    nothing_is_forgotten_too_early(world);
}

/// What became of an act stays at its edge for thirty days; a clock of the hub that was wrong for a moment may take a week off.
fn nothing_is_forgotten_too_early(world: &World) {
    let logged = world.edges.iter().flat_map(|edge| edge.log.values()).map(|logged| logged.command.id);
    let logged: HashSet<CommandId> = logged.collect();
    for id in world.book.told.keys().filter(|id| !logged.contains(id)) {
        let settled_s = world.book.settled.get(id).copied();
        let settled_s = settled_s.unwrap_or_else(|| panic!("{id:?} was forgotten without an answer"));
        let (kept_s, age_s) =
            (KEPT_S - STEP_MAX_S * i64::from(world.faults.hub_jumps), world.now_s - settled_s);
        assert!(age_s >= kept_s, "{id:?} was forgotten after {age_s} s");
    }
}

/// Of each listing, what edges and the hub have confirmed and nobody has taken back never exceeds what was taken in anywhere.
fn never_oversold(world: &World) {
    let is_off = |order: &OrderId| {
        world.book.taken_back.contains(order)
            || world.hub.dismissed.contains(&order.0)
            || world.hub.set.get::<Order>(*order).is_some_and(|o| o.status == OrderStatus::Cancelled)
    };
    let mut sold: BTreeMap<ListingId, i64> = BTreeMap::new();
    for (listing, quantity) in
        world.book.sold.iter().filter(|(order, _)| !is_off(order)).map(|(_, sold)| sold)
    {
        *sold.entry(*listing).or_default() += quantity;
    }
    for order in world.hub.set.all::<Order>().filter(|o| o.holder == Some(Holder::Hub) && !is_off(&o.id)) {
        *sold.entry(order.listing).or_default() += order.quantity.0;
    }
    for (listing, sold) in sold {
        let taken = world.taken_in_milli(listing);
        assert!(sold <= taken, "{listing}: {sold} sold of {taken}");
    }
}

/// What holds when everything was delivered.
pub(crate) fn when_quiet(world: &World) {
    changes_are_as_told(world);
    for edge in &world.edges {
        assert!(edge.compared > 0, "digests were never compared");
        for logged in edge.log.values() {
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
                applied || logged.certainty == Certainty::Request || may_be_refused(world, &logged.command),
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
    for (listing, holder, held) in world.hub.set.held() {
        let is_odd = held < Quantity::ZERO && !may_lack(world, listing, holder);
        assert!(!is_odd, "{holder:?} holds {held} of {listing}");
        if let Holder::Edge(id) = holder {
            let edge = &world.edges[id.0 as usize - 1];
            assert_eq!(edge.spendable(listing), held, "edge {id} and the hub disagree on {listing}");
        }
    }
}

/// Whether a count elsewhere took units from a holder, which may have sold them meanwhile.
pub(crate) fn lost_to_a_count(world: &World, listing: ListingId, holder: Holder) -> bool {
    let of_this = |entry: &&StockEntry| entry.listing == listing && entry.holder == holder;
    world.hub.entries.values().filter(of_this).any(|entry| entry.kind == EntryKind::Shortage)
}

/// Whether a holder may lack what it has sold: a count took it elsewhere, or found here that it is not there.
fn may_lack(world: &World, listing: ListingId, holder: Holder) -> bool {
    let found_less = |change: &Change| {
        change.listing == listing && change.counted.is_some_and(|counted| counted < change.milli)
    };
    lost_to_a_count(world, listing, holder) || world.book.changes.values().any(found_less)
}

/// Whether an order may be short: handed out before the cancel came, or a count found less than was sold. A person settles those.
pub(crate) fn may_be_short(world: &World, order: &Order) -> bool {
    world.book.taken_back.contains(&order.id)
        || world.hub.set.facts.made_short.contains_key(&order.id)
        || order.holder.is_some_and(|holder| may_lack(world, order.listing, holder))
}

/// What changed the stock did what people were told of it, and what took one back left nothing of it.
fn changes_are_as_told(world: &World) {
    for (id, change) in &world.book.changes {
        let is_its = |entry: &&StockEntry| entry.id.of == id.0 && entry.listing == change.listing;
        let moved: i64 = world.hub.entries.values().filter(is_its).map(|entry| entry.quantity.0).sum();
        let made_short = world
            .hub
            .set
            .facts
            .made_short
            .iter()
            .filter(|(_, count)| **count == id.0)
            .map(|(order, _)| order);
        let made_short: Vec<_> = made_short.collect();
        if change.is_undone || !world.hub.applied.contains_key(&id.0) {
            assert!(moved == 0, "{id:?} was taken back, and {moved} of it are left: {change:?}");
            assert!(made_short.is_empty(), "{id:?} was taken back, and {made_short:?} are short");
        } else {
            // A count takes away what it finds, and makes short what was sold of the rest.
            let told = change.counted.unwrap_or(change.milli);
            let is_right = if told < 0 { (told..=0).contains(&moved) } else { moved == told };
            assert!(is_right, "{id:?} moved {moved}: {change:?}");
        }
    }
}

/// The records that the hub may refuse: a number that two members would share is settled by a person; and an operator may have put an
/// act aside, or the listing that it needs.
fn may_be_refused(world: &World, command: &Command) -> bool {
    let listing = match Body::from_raw(&command.body) {
        Ok(Some(Body::MemberRegister(_))) => return true,
        Ok(Some(Body::ListingPost(body))) => body.listing,
        Ok(Some(Body::OrderPlace(body))) => body.listing,
        Ok(Some(Body::StockAdjust(body))) => body.listing,
        _ => Uuid::nil(),
    };
    world.hub.dismissed.contains(&command.id.0) || !world.hub.set.has::<Listing>(ListingId(listing))
}

/// Each acknowledged person has exactly one last word: who was told that it is done hears no more, unless it was put aside; who was told
/// that it is asked hears once, and what stands at the hub.
pub(crate) fn everybody_has_one_last_word(world: &World) {
    for (id, (edge, certainty)) in &world.book.told {
        let edge = &world.edges[edge.0 as usize - 1];
        let said = edge.outbox.get(id).map(Vec::as_slice).unwrap_or_default();
        let is_applied = world.hub.applied.contains_key(&id.0);
        let wanted: &[Word] = match (certainty, is_applied) {
            (Certainty::Record, true) => &[],
            (Certainty::Request, true) => &[Word::Yes],
            (_, false) => &[Word::No],
        };
        assert_eq!(said, wanted, "{id:?}, {certainty:?}, applied: {is_applied}");
        assert!(world.book.settled.contains_key(id), "{id:?} never had its answer");
    }
    let short = world.hub.set.all::<Order>().filter(|order| order.status == OrderStatus::Short);
    let short: Vec<_> = short.filter(|order| !may_be_short(world, order)).map(|order| order.id).collect();
    assert!(short.is_empty(), "orders are short: {short:?}");
    for id in &world.book.cancelled_at_the_hub {
        let order = world.hub.set.get::<Order>(*id).unwrap();
        assert_eq!(order.status, OrderStatus::Cancelled, "{id:?} was cancelled at the hub");
    }
}

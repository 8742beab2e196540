//! The checkers would notice: a world in which all is well is changed past all books, and the checker whose matter that is fails.

use crate::edge::Word;
use crate::world::World;
use crate::{check, run, truth};
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use sync_protocol::ids::Holder;
use sync_protocol::market::{Order, OrderStatus};
use sync_protocol::units::Quantity;

/// Worlds that are looked through for one in which something happens.
const SEEDS: Range<u64> = 8..40;

/// What a checker says of the first world in which there is something to change.
fn said(change: impl Fn(&mut World), checker: impl FnOnce(&World)) -> String {
    let changed = SEEDS.map(run).find_map(|mut world| {
        let is_changed = catch_unwind(AssertUnwindSafe(|| change(&mut world))).is_ok();
        is_changed.then_some(world)
    });
    let world = changed.expect("it happens in some world");
    let noticed = catch_unwind(AssertUnwindSafe(|| checker(&world))).expect_err("nobody noticed");
    noticed.downcast_ref::<String>().cloned().unwrap_or_default()
}

#[test]
fn a_word_that_is_lost_or_doubled_or_another_is_noticed() {
    let words = check::everybody_has_one_last_word;
    let first = |world: &World| {
        let of = |edge: usize| world.edges[edge].outbox.keys().next().map(|id| (edge, *id));
        (0..world.edges.len()).find_map(of).unwrap()
    };
    let lost = said(
        |world| {
            let (edge, id) = first(world);
            world.edges[edge].outbox.remove(&id);
        },
        words,
    );
    assert!(lost.contains("applied"), "{lost}");
    let doubled = said(
        |world| {
            let (edge, id) = first(world);
            world.edges[edge].outbox.get_mut(&id).unwrap().push(Word::No);
        },
        words,
    );
    assert!(doubled.contains("applied"), "{doubled}");
    let another = said(
        |world| {
            let (edge, id) = first(world);
            let word = &mut world.edges[edge].outbox.get_mut(&id).unwrap()[0];
            *word = if *word == Word::Yes { Word::No } else { Word::Yes };
        },
        words,
    );
    assert!(another.contains("applied"), "{another}");
}

#[test]
fn a_unit_that_stands_twice_a_row_that_differs_and_an_order_that_is_short_are_noticed() {
    let doubled = said(
        |world| {
            let entry = world.hub.entries.values_mut().next().unwrap();
            entry.quantity = entry.quantity.plus(Quantity::units(1));
        },
        check::always,
    );
    assert!(doubled.contains("sums of entries"), "{doubled}");
    let differs = said(
        |world| {
            let (_, (version, _)) = world.edges[0].rows.iter_mut().next().unwrap();
            *version += 1;
        },
        check::when_quiet,
    );
    assert!(differs.contains("is not the hub's"), "{differs}");
    let short = said(
        |world| {
            let sure = world.hub.set.all::<Order>().find(|order| !check::may_be_short(world, order)).unwrap();
            world.hub.set.put(&Order { status: OrderStatus::Short, ..sure });
        },
        check::everybody_has_one_last_word,
    );
    assert!(short.contains("orders are short"), "{short}");
    let sold = said(
        |world| world.book.sold.values_mut().for_each(|(_, quantity)| *quantity *= 1_000),
        check::always,
    );
    assert!(sold.contains("sold of"), "{sold}");
}

#[test]
fn what_is_forgotten_too_early_or_applied_twice_is_noticed() {
    let forgotten = said(
        |world| {
            world.faults.hub_jumps = 0;
            let (_, logged) = world.edges[0].log.pop_last().unwrap();
            world.book.settled.insert(logged.command.id, world.now_s);
        },
        check::always,
    );
    assert!(forgotten.contains("was forgotten after"), "{forgotten}");
    let twice = said(|world| *world.hub.applied.values_mut().next().unwrap() += 1, check::always);
    assert!(twice.contains("applied 2 times"), "{twice}");
}

#[test]
fn a_change_that_moved_something_else_and_one_that_was_half_taken_back_are_noticed() {
    let other = said(
        |world| {
            let change = world.book.changes.values_mut().find(|change| !change.is_undone && change.milli > 0);
            let change = change.unwrap();
            change.milli += 1_000;
            change.counted = change.counted.map(|milli| milli + 1_000);
        },
        check::when_quiet,
    );
    assert!(other.contains(" moved "), "{other}");
    let half = said(
        |world| {
            let is_undone =
                |id: &uuid::Uuid| world.book.changes.iter().any(|(of, c)| c.is_undone && of.0 == *id);
            let id = world.hub.entries.keys().find(|id| is_undone(&id.of)).copied().unwrap();
            world.hub.entries.remove(&id);
        },
        check::when_quiet,
    );
    assert!(half.contains("are left"), "{half}");
}

#[test]
fn an_edge_that_counts_what_is_not_there_is_noticed() {
    // Somewhere on its way something was taken back that the hub has not heard of; then the hub has less than the edge knows.
    let mut world = World::new(SEEDS.start);
    while world.edges.iter().all(|edge| !edge.is_complete() || edge.given_back_at_once().is_empty()) {
        world.step();
        check::always(&world);
    }
    let edge = world.edges.iter().find(|edge| edge.is_complete() && !edge.given_back_at_once().is_empty());
    let edge = edge.unwrap();
    let (listing, holder) = (edge.given_back_at_once()[0], Holder::Edge(edge.id));
    world.hub.set.set_available(listing, holder, Quantity::units(-100));
    let check = || truth::nobody_counts_what_is_not_there(&world);
    let noticed = catch_unwind(AssertUnwindSafe(check)).expect_err("nobody noticed");
    let noticed = noticed.downcast_ref::<String>().unwrap();
    assert!(noticed.contains("are there for it"), "{noticed}");
}

//! Whose: an edge's record touches its own cooperative alone, and what no honest edge says is refused, not flagged.

use crate::support::{
    A, B, EDGE, PRICE, World, caller, cancel, command, id, office, order_of, place, post, units, user, word,
};
use sync_protocol::ids::Holder;
use sync_protocol::market::{
    Adjustment, Body, ListingEdit, OrderPlace, OrderStatus, Source, StockAdjust, WholeChange,
};
use sync_protocol::verdict::Verdict;

const OFFICE: Holder = Holder::Edge(EDGE);

fn sold_at(listing: uuid::Uuid, quantity: i64, unit_price_minor: i64) -> Body {
    match place(listing, quantity, Source::Held) {
        Body::OrderPlace(body) => OrderPlace { unit_price_minor, ..body }.into(),
        other => other,
    }
}

fn priced(listing: uuid::Uuid, old: i64, new: i64) -> Body {
    ListingEdit { listing, price_minor: Some(WholeChange { old, new }), title: None }.into()
}

/// 100 units of the other cooperative at the hub.
async fn others(world: &World) -> uuid::Uuid {
    let mut tx = world.db.begin().await.unwrap();
    let context = mizili_hub::commands::hub_context(&mut tx, Some(B), true, false).await.unwrap();
    tx.commit().await.unwrap();
    let command = command(0, office(), &post(id(70), 100));
    mizili_hub::commands::execute(&world.db, &world.deps, context, command).await.unwrap();
    id(70)
}

async fn words(world: &World) -> Vec<String> {
    world.verdicts().await.iter().map(|v| word(&v.verdict)).collect()
}

#[tokio::test]
async fn an_edge_sells_nothing_of_another_cooperative_whatever_it_says_it_holds() {
    let world = World::new().await;
    let listing = others(&world).await;
    let bodies = [sold_at(listing, 1, 1), sold_at(listing, 1, PRICE), sold_at(listing, 900_000, PRICE)];
    let commands = (1..).zip(&bodies).map(|(seq, body)| command(seq, caller(265_999_999_999), body));
    world.take(commands.collect()).await.unwrap();
    assert_eq!(words(&world).await, ["rejected not_allowed "; 3]);
    assert_eq!(world.available(listing, Holder::Hub).await, 100);
    assert_eq!(world.number("SELECT count(*) FROM orders").await, 0);
    // What it does not hold it may ask for, as everybody.
    world.take(vec![command(4, caller(265_999_999_999), &place(listing, 10, Source::Ask))]).await.unwrap();
    assert_eq!(world.available(listing, Holder::Hub).await, 90);
    // Nor does it count, or take in, what is another's.
    for (seq, found) in [
        (5, Adjustment::Intake(units(5))),
        (6, Adjustment::Count { counted_milli: 0, expected_milli: units(90) }),
    ] {
        let adjust = StockAdjust { listing, found, reason: String::new(), undoes: None }.into();
        world.take(vec![command(seq, office(), &adjust)]).await.unwrap();
    }
    assert_eq!(words(&world).await[4..], ["rejected not_allowed ", "rejected not_allowed "]);
    world.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn a_price_that_the_listing_never_had_is_flagged_and_one_that_it_had_is_not() {
    let world = World::new().await;
    world
        .take(vec![
            command(1, office(), &post(id(50), 100)),
            command(2, caller(7_000_000_001), &sold_at(id(50), 1, PRICE)),
        ])
        .await
        .unwrap();
    // The price rises at the hub while the office, cut off, still sells at the old one; then at one that it made up.
    world.rest(office(), &priced(id(50), PRICE, PRICE + 500)).await;
    world
        .take(vec![
            command(3, caller(7_000_000_002), &sold_at(id(50), 1, PRICE)),
            command(4, caller(7_000_000_003), &sold_at(id(50), 1, PRICE + 500)),
            command(5, caller(7_000_000_004), &sold_at(id(50), 1, 1)),
            // Within one batch, too.
            command(6, office(), &priced(id(50), PRICE + 500, PRICE + 900)),
            command(7, caller(7_000_000_005), &sold_at(id(50), 1, PRICE + 500)),
            command(8, caller(7_000_000_006), &sold_at(id(50), 1, PRICE + 900)),
        ])
        .await
        .unwrap();
    assert_eq!(world.last_words().await, ["applied"; 8], "a record is never refused for its price");
    let odd = world.texts("SELECT id::text FROM orders WHERE odd_price").await;
    assert_eq!(odd, [order_of(5).to_string()]);
    world.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn of_a_listing_whose_history_is_not_known_nothing_is_said() {
    let world = World::new().await;
    world.take(vec![command(1, office(), &post(id(50), 100))]).await.unwrap();
    // As a database of before has it.
    world.sql("UPDATE listings SET prices_whole = false").await;
    world.take(vec![command(2, caller(7_000_000_001), &sold_at(id(50), 1, PRICE - 500))]).await.unwrap();
    assert_eq!(world.number("SELECT count(*) FROM orders WHERE odd_price").await, 0);
}

#[tokio::test]
async fn an_incarnation_acts_for_the_cooperative_that_it_was_enrolled_for() {
    let world = World::new().await;
    world.sql("UPDATE edge_streams SET cooperative_id = 1").await;
    world.sql("UPDATE edges SET cooperative_id = 2").await;
    world.take(vec![command(1, office(), &post(id(50), 100))]).await.unwrap();
    assert_eq!(world.number("SELECT cooperative_id::bigint FROM listings").await, i64::from(A.0));
    let listing = others(&world).await;
    world.take(vec![command(2, caller(7_000_000_001), &sold_at(listing, 1, PRICE))]).await.unwrap();
    assert_eq!(words(&world).await[1], "rejected not_allowed ");
}

#[tokio::test]
async fn an_edge_takes_back_for_certain_only_what_it_can_have_kept_to_itself() {
    let world = World::new().await;
    let listing = others(&world).await;
    // Somebody orders at the hub and comes to fetch it; an edge far away claims that it never left the box.
    let placed = world.rest_as(id(9_000), user(1), &place(listing, 10, Source::Ask)).await;
    assert!(matches!(placed.verdict, Verdict::Applied(_)));
    world.sql(format!("UPDATE orders SET status = {}", OrderStatus::Fulfilled.code())).await;
    let claim = match cancel(id(9_000)) {
        Body::OrderCancel(mut body) => {
            body.never_left = true;
            body.into()
        }
        other => other,
    };
    world.take(vec![command(1, caller(265_992_000_001), &claim)]).await.unwrap();
    assert_eq!(words(&world).await, ["rejected too_late "]);
    assert_eq!(world.available(listing, OFFICE).await, 0);
}

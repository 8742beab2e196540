//! What waits at a hub that was restored from a backup until an office has come that knows what became of it: it is decided then, whatever
//! becomes of the office's line or of the hub meanwhile.

use crate::doors::{arrived, world};
use crate::goods;
use crate::restored::BACKUP;
use crate::salvage_bought::bought_at;
use crate::world::World;
use mizili_hub::jobs::retry_held;
use mizili_hub::sync::edges;
use mizili_node::testing::wait::in_time;
use sync_protocol::ids::{CommandId, ListingId};
use sync_protocol::market::{OrderCancel, OrderStatus};
use sync_protocol::units::Quantity;

/// A hub that was restored, and has forgotten that 12 of 20 were sold; or, where `office_knows` does not hold, forgot something of the
/// other office alone. That one has come and asks for 3 and for 10. The first office is awaited.
async fn asked_while_awaited(seed: u64, office_knows: bool) -> (World, ListingId) {
    let (world, listing) = world(seed).await;
    let (office, other) = (&world.offices[0], &world.offices[1]);
    world.both_sides_are_equal().await.unwrap();
    world.at_the_hub(goods::order(listing, if office_knows { 2 } else { 12 })).await;
    office.sync().await.unwrap();
    world.sql(BACKUP).await;
    world.sql("CALL backup()").await;
    if office_knows {
        world.at_the_hub(goods::order(listing, 10)).await;
        office.sync().await.unwrap();
    }
    other.sync().await.unwrap();
    other.sync().await.unwrap();
    world.sql("CALL restore()").await;
    other.order(listing, 3).await.unwrap();
    other.order(listing, 10).await.unwrap();
    other.sync().await.unwrap();
    other.sync().await.unwrap();
    assert_eq!(other.words().await, ["held", "held"], "neither sold nor refused");
    (world, listing)
}

/// Asks until both were decided as they have to be.
async fn decided(world: &World) {
    let other = &world.offices[1];
    let words = async {
        while other.words().await.iter().any(|word| word == "held") {
            other.sync().await.unwrap();
        }
        other.words().await
    };
    assert_eq!(in_time(words).await, ["applied", "rejected"], "8 were left");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_office_asks_for_waits_until_the_one_has_come_that_knows_what_is_left_after_a_restore() {
    let (world, _) = asked_while_awaited(59, true).await;
    world.offices[0].sync().await.unwrap();
    world.offices[1].sync().await.unwrap();
    assert_eq!(world.offices[1].words().await, ["applied", "rejected"], "8 were left");
    arrived(&world, 3).await;
    world.nothing_was_oversold().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waited_for_an_office_is_decided_though_its_line_drops_at_that_moment() {
    for (seed, office_knows) in [(71, true), (72, false)] {
        let (world, _) = asked_while_awaited(seed, office_knows).await;
        // Somebody holds what the decision needs, until the office has hung up.
        let mut busy = world.db.begin().await.unwrap();
        mizili_hub::db::q("SELECT FROM edge_streams WHERE edge_id = 2 FOR UPDATE")
            .execute(&mut *busy)
            .await
            .unwrap();
        tokio::select! {
            done = world.offices[0].sync() => panic!("nothing was decided: {done:?}"),
            () = world.until_waiting(1) => {}
        }
        busy.rollback().await.unwrap();
        decided(&world).await;
        arrived(&world, if office_knows { 3 } else { 2 }).await;
        world.nothing_was_oversold().await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waited_for_an_office_is_decided_though_the_hub_ends_at_that_moment() {
    let (world, _) = asked_while_awaited(73, false).await;
    assert_eq!(retry_held(&world.db, &world.deps).await.unwrap(), 0, "it is awaited");
    // It came; and then nobody did what follows from it.
    world.sql("DELETE FROM awaited_offices").await;
    assert_eq!(retry_held(&world.db, &world.deps).await.unwrap(), 2);
    decided(&world).await;
}

/// Bought at one office and taken back at another: the hub was restored between, and has forgotten the order.
async fn taken_back_elsewhere(seed: u64, [buyer, other]: [usize; 2]) -> (World, ListingId) {
    let (world, listing) = bought_at(seed, [buyer, other]).await;
    let other = &world.offices[other];
    let [order] = other.orders().await.try_into().unwrap();
    let himself = goods::caller(goods::BUYER);
    let cancel = OrderCancel::new(order.id.0);
    other.act_as(CommandId(other.new_id()), himself, cancel.into()).await.unwrap();
    (world, listing)
}

/// The order was placed and cancelled.
async fn was_cancelled(world: &World, listing: ListingId) {
    let cancelled = i64::from(OrderStatus::Cancelled.code());
    assert_eq!(world.count("SELECT status::bigint FROM orders").await, cancelled);
    assert_eq!(world.held_by_the_hub(listing).await, Quantity::units(20), "given back");
}

/// The office where it was made comes last.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_of_an_order_that_was_forgotten_waits_until_somebody_brings_the_order() {
    let (world, listing) = taken_back_elsewhere(741, [1, 2]).await;
    let (seller, buyer, other) = (&world.offices[0], &world.offices[1], &world.offices[2]);
    other.sync().await.unwrap();
    other.sync().await.unwrap();
    assert_eq!(other.words().await, ["held"], "nobody knows yet that there is such an order");
    seller.sync().await.unwrap();
    other.sync().await.unwrap();
    assert_eq!(other.words().await, ["held"]);
    // Nothing comes through.
    buyer.line.cut_request_after(Some(0));
    assert!(buyer.sync().await.is_err());
    buyer.line.cut_request_after(None);
    other.sync().await.unwrap();
    assert_eq!(other.words().await, ["held"]);
    // Its rows alone do not bring it, and then its line drops.
    buyer.line.lose_answers_where(Some("\"last\":true"));
    assert!(buyer.sync().await.is_err());
    buyer.line.lose_answers_where(None);
    other.sync().await.unwrap();
    assert_eq!(other.words().await, ["held"]);
    // Who looks for what everybody waits for finds it.
    let edges = edges::list(&world.db, world.deps.clock.now()).await.unwrap();
    assert_eq!((edges[0].id, edges[0].state), (buyer.edge.0, "awaited_commands"));
    assert!(edges[0].reason.as_ref().unwrap().contains("offers again"), "{edges:?}");
    assert!(edges[1..].iter().all(|edge| edge.state == "enrolled"), "{edges:?}");
    buyer.sync().await.unwrap();
    other.sync().await.unwrap();
    assert_eq!((other.words().await, buyer.words().await), (vec!["applied".into()], vec!["applied".into()]));
    was_cancelled(&world, listing).await;
    arrived(&world, 1).await;
}

/// The cancel's office has the lower number, so its turn is before that of the office whose order it takes back.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_whose_order_lies_here_undecided_waits_for_the_order_and_not_for_an_office() {
    let (world, listing) = taken_back_elsewhere(751, [2, 1]).await;
    let (seller, other, buyer) = (&world.offices[0], &world.offices[1], &world.offices[2]);
    for office in [other, buyer, other, buyer] {
        office.sync().await.unwrap();
    }
    assert_eq!((other.words().await, buyer.words().await), (vec!["held".into()], vec!["held".into()]));
    // The seller's office will never come.
    world.revoke(seller).await;
    other.sync().await.unwrap();
    buyer.sync().await.unwrap();
    assert_eq!((other.words().await, buyer.words().await), (vec!["applied".into()], vec!["applied".into()]));
    was_cancelled(&world, listing).await;
}

/// Between looking for the order and asking whether anybody may bring it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_whose_order_comes_at_that_very_moment_does_not_count_as_one_of_nothing() {
    let (world, listing) = world(76).await;
    world.at_the_hub(goods::order(listing, 2)).await;
    let [late] = world.column::<uuid::Uuid>("SELECT id FROM orders").await.try_into().unwrap();
    world.sql("CREATE TABLE elsewhere AS TABLE orders").await;
    world.sql("DELETE FROM orders").await;
    world.sql("INSERT INTO awaited_offices (edge_id, cooperative_id) SELECT id, cooperative_id FROM edges WHERE id = 1").await;
    let mut brings = world.db.begin().await.unwrap();
    sqlx::raw_sql("LOCK TABLE awaited_offices").execute(&mut *brings).await.unwrap();
    let brought = async {
        world.until_waiting(1).await;
        let all = "INSERT INTO orders SELECT * FROM elsewhere; DELETE FROM awaited_offices";
        sqlx::raw_sql(all).execute(&mut *brings).await.unwrap();
        brings.commit().await.unwrap();
    };
    let (word, ()) = tokio::join!(world.at_the_hub_word(OrderCancel::new(late)), brought);
    assert_eq!(word, "awaited", "it is asked again");
    assert_eq!(world.at_the_hub_word(OrderCancel::new(late)).await, "applied");
    let cancelled = i64::from(OrderStatus::Cancelled.code());
    assert_eq!(world.count("SELECT status::bigint FROM orders").await, cancelled);
}

//! Units that a cancel gave back at once at its office, where the hub has not taken that cancel yet: who bought them there waits with it.

use crate::support::{EDGE, STREAM, World, caller, command, id, office, order_of, place, post};
use mizili_hub::commands::stream::{dismiss, retry_quarantined};
use sync_protocol::ids::Holder;
use sync_protocol::market::{Adjustment, Body, Command, OrderCancel, OrderStatus, Source, StockAdjust};

/// What the order of eight gives back breaks the hub.
const POISON: &str = "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.step = 5 AND NEW.quantity_milli = 8000 THEN RAISE EXCEPTION 'planted poison'; END IF; RETURN NEW; END $$;
    CREATE TRIGGER poison BEFORE INSERT ON stock_entries FOR EACH ROW EXECUTE FUNCTION poison()";

fn sold(seq: u64, listing: u64, quantity: i64) -> Command {
    command(seq, caller(7_000_000_000 + seq), &place(id(listing), quantity, Source::Held))
}

/// An office that holds ten sells eight, takes that order back before it has left, and sells eight again.
async fn world_with_a_broken_cancel() -> World {
    let world = World::new().await;
    world.sql(POISON).await;
    let sure = Body::from(OrderCancel { order: order_of(3), never_left: true });
    world
        .take(vec![
            command(1, office(), &post(id(50), 20)),
            command(2, office(), &post(id(51), 20)),
            sold(3, 50, 8),
            command(4, office(), &sure),
            sold(5, 50, 8),
            sold(6, 51, 9),
            command(7, caller(7_000_000_001), &place(id(50), 2, Source::Ask)),
        ])
        .await
        .unwrap();
    // Another batch, so that what waits is found in the database; a count of what is there would take other holders' units.
    let found = Adjustment::Count { counted_milli: 9_000, expected_milli: 10_000 };
    let count = Body::from(StockAdjust { listing: id(50), found, reason: String::new(), undoes: None });
    world.take(vec![sold(8, 50, 1), command(9, office(), &count), sold(10, 51, 1)]).await.unwrap();
    assert_eq!(
        world.last_words().await,
        [
            "applied",
            "applied",
            "applied",
            "quarantined",
            "held",
            "applied",
            "applied",
            "held",
            "held",
            "applied"
        ]
    );
    world
}

async fn status(world: &World, seq: u64) -> OrderStatus {
    OrderStatus::from_code(world.order_status(order_of(seq)).await.cast_unsigned())
}

#[tokio::test]
async fn what_was_sold_of_units_that_a_broken_cancel_gave_back_waits_for_it_and_is_not_short() {
    let world = world_with_a_broken_cancel().await;
    assert_eq!(retry_quarantined(&world.db, &world.deps, STREAM, 4).await.unwrap(), 0, "it breaks again");
    world.sql("DROP TRIGGER poison ON stock_entries").await;
    assert_eq!(retry_quarantined(&world.db, &world.deps, STREAM, 4).await.unwrap(), 4);
    assert_eq!(world.last_words().await, ["applied"; 10]);
    assert_eq!(status(&world, 3).await, OrderStatus::Cancelled);
    for seq in [5, 6, 7, 8, 10] {
        assert_eq!(status(&world, seq).await, OrderStatus::Confirmed, "{seq}");
    }
    assert_eq!(world.available(id(50), Holder::Edge(EDGE)).await, 0, "ten, less nine sold and one not found");
    assert_eq!(world.available(id(50), Holder::Hub).await, 8);
    world.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn what_was_sold_of_them_is_short_where_an_operator_puts_the_cancel_aside() {
    let world = world_with_a_broken_cancel().await;
    assert_eq!(dismiss(&world.db, &world.deps, STREAM, 4).await.unwrap(), 4);
    assert_eq!(status(&world, 3).await, OrderStatus::Confirmed, "the first buyer has his eight again");
    assert_eq!(status(&world, 5).await, OrderStatus::Short, "so the second has not");
    assert_eq!(status(&world, 8).await, OrderStatus::Short);
    world.assert_feed_equals_tables().await;
}

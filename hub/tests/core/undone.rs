//! A change of the stock that is taken back: exactly what it moved comes back, also where it found less than was sold, and the orders that
//! it made short are confirmed again.

use crate::support::{EDGE, World, caller, cancel, command, id, office, order_of, place, post, units};
use sync_protocol::ids::Holder;
use sync_protocol::market::{Adjustment, Body, Command, OrderStatus, Source, StockAdjust};
use uuid::Uuid;

fn adjust(seq: u64, found: Adjustment, undoes: Option<Uuid>) -> Command {
    let body = StockAdjust { listing: id(50), found, reason: String::new(), undoes };
    command(seq, office(), &Body::from(body))
}

fn counted(seq: u64, found: i64, expected: i64) -> Command {
    let count = Adjustment::Count { counted_milli: units(found), expected_milli: units(expected) };
    adjust(seq, count, None)
}

/// Takes back what a command did whose number in the stream that was; the page calls it an intake of the count's whole difference.
fn undone(seq: u64, of: u64) -> Command {
    adjust(seq, Adjustment::Intake(units(90)), Some(order_of(of)))
}

fn sold(seq: u64, quantity: i64) -> Command {
    command(seq, caller(7_000_000_000 + seq), &place(id(50), quantity, Source::Held))
}

/// What the hub and the office hold, and where orders stand.
async fn standing(world: &World, orders: &[u64]) -> (i64, i64, Vec<OrderStatus>) {
    let hub = world.available(id(50), Holder::Hub).await;
    let here = world.available(id(50), Holder::Edge(EDGE)).await;
    let mut stand = Vec::new();
    for seq in orders {
        stand.push(OrderStatus::from_code(world.order_status(order_of(*seq)).await.cast_unsigned()));
    }
    (hub, here, stand)
}

#[tokio::test]
async fn after_a_count_below_what_is_sold_is_taken_back_all_is_as_it_was() {
    use OrderStatus::{Confirmed, Short};
    let world = World::new().await;
    world.take(vec![command(1, office(), &post(id(50), 100)), sold(2, 40)]).await.unwrap();
    assert_eq!(standing(&world, &[2]).await, (50, 10, vec![Confirmed]));
    world.take(vec![counted(3, 10, 100)]).await.unwrap();
    assert_eq!(standing(&world, &[2]).await, (0, 0, vec![Short]));
    world.take(vec![undone(4, 3)]).await.unwrap();
    assert_eq!(standing(&world, &[2]).await, (50, 10, vec![Confirmed]));
    // By whomever, it is taken back once.
    world.take(vec![undone(5, 3)]).await.unwrap();
    assert_eq!(standing(&world, &[2]).await, (50, 10, vec![Confirmed]));
    // Another count, taken back in the batch that brings it.
    world.take(vec![counted(6, 10, 100), undone(7, 6)]).await.unwrap();
    assert_eq!(standing(&world, &[2]).await, (50, 10, vec![Confirmed]));
    assert_eq!(world.last_words().await, ["applied"; 7]);
    world.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn what_happened_between_a_count_and_its_end_stays() {
    use OrderStatus::{Cancelled, Confirmed, Short};
    let world = World::new().await;
    // The first is short by itself, it is more than the office had; the others are not.
    let mut commands = vec![command(1, office(), &post(id(50), 100)), sold(2, 55)];
    commands.extend([sold(3, 4), sold(4, 3), sold(5, 2)]);
    world.take(commands).await.unwrap();
    world.sql("UPDATE orders SET status = 0 WHERE quantity_milli < 55000").await;
    assert_eq!(
        standing(&world, &[2, 3, 4, 5]).await,
        (50, -14, vec![Short, Confirmed, Confirmed, Confirmed])
    );
    // The hub's fifty go, and what is missing beyond them is sold: the youngest two. Then another finds more missing.
    world.take(vec![counted(6, 46, 100), counted(7, 0, 3)]).await.unwrap();
    assert_eq!(standing(&world, &[2, 3, 4, 5]).await, (0, -14, vec![Short, Short, Short, Short]));
    world.take(vec![command(8, office(), &cancel(order_of(5)))]).await.unwrap();
    world.take(vec![undone(9, 6)]).await.unwrap();
    // The one that was cancelled stays so, and those that something else made short stay short.
    let stand = vec![Short, Short, Confirmed, Cancelled];
    assert_eq!(standing(&world, &[2, 3, 4, 5]).await, (50, -12, stand));
    assert_eq!(world.number("SELECT count(*) FROM orders WHERE short_by IS NOT NULL").await, 1);
    world.take(vec![undone(10, 7)]).await.unwrap();
    let stand = vec![Short, Confirmed, Confirmed, Cancelled];
    assert_eq!(standing(&world, &[2, 3, 4, 5]).await, (50, -12, stand));
    world.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn an_intake_and_a_write_off_are_taken_back_and_what_is_sold_since_is_flagged() {
    let world = World::new().await;
    let (intake, loss) = (Adjustment::Intake(units(5)), Adjustment::WriteOff(units(5)));
    world.take(vec![command(1, office(), &post(id(50), 20)), adjust(2, loss, None)]).await.unwrap();
    world.take(vec![adjust(3, intake, Some(order_of(2)))]).await.unwrap();
    assert_eq!(standing(&world, &[]).await, (10, 10, vec![]));
    // The office sold what it took in before it took that back: its books say so, and a person has to look.
    world.take(vec![adjust(4, intake, None), sold(5, 13), adjust(6, loss, Some(order_of(4)))]).await.unwrap();
    assert_eq!(standing(&world, &[5]).await, (10, -3, vec![OrderStatus::Confirmed]));
    // One that moved nothing, or is none at all, gives nothing.
    world.take(vec![undone(7, 5), undone(8, 99)]).await.unwrap();
    assert_eq!(standing(&world, &[5]).await, (10, -3, vec![OrderStatus::Confirmed]));
    world.assert_feed_equals_tables().await;
}

/// As it is where the line was down: the sale, the count and what takes it back are one batch, or two.
#[tokio::test]
async fn an_order_that_its_own_batch_made_short_is_confirmed_again() {
    use OrderStatus::{Confirmed, Short};
    let world = World::new().await;
    world.take(vec![command(1, office(), &post(id(50), 100))]).await.unwrap();
    world.take(vec![sold(2, 40), counted(3, 10, 100)]).await.unwrap();
    assert_eq!(standing(&world, &[2]).await, (0, 0, vec![Short]));
    world.take(vec![undone(4, 3)]).await.unwrap();
    assert_eq!(standing(&world, &[2]).await, (50, 10, vec![Confirmed]));
    world.take(vec![sold(5, 10), counted(6, 0, 50), undone(7, 6)]).await.unwrap();
    assert_eq!(standing(&world, &[2, 5]).await, (50, 0, vec![Confirmed, Confirmed]));
    world.assert_feed_equals_tables().await;
}

/// What comes back is there already, and what was taken in is sold since.
#[tokio::test]
async fn what_was_taken_back_before_is_not_called_short() {
    let world = World::new().await;
    let (intake, loss) = (Adjustment::Intake(units(5)), Adjustment::WriteOff(units(5)));
    world.take(vec![command(1, office(), &post(id(50), 20)), adjust(2, intake, None)]).await.unwrap();
    world.take(vec![adjust(3, loss, Some(order_of(2))), sold(4, 10)]).await.unwrap();
    assert_eq!(standing(&world, &[4]).await, (10, 0, vec![OrderStatus::Confirmed]));
    world.take(vec![adjust(5, loss, Some(order_of(2)))]).await.unwrap();
    assert_eq!(standing(&world, &[4]).await, (10, 0, vec![OrderStatus::Confirmed]));
    assert_eq!(world.number("SELECT count(*) FROM commands WHERE short").await, 0);
}

//! A verdict that an exchange brings reaches the person who waits for it, however often it is brought.

use super::*;
use crate::db::DbError;
use crate::outbox;
use sync_protocol::ids::{ListingId, OrderId};
use sync_protocol::market::{Entity as _, Order, OrderStatus};
use sync_protocol::row::Key;

fn texts(bed: &Bed) -> Vec<String> {
    let list = bed.edge.read(|conn| outbox::list(conn, None, None, 10));
    list.into_iter().map(|message| message.text).collect()
}

#[tokio::test]
async fn a_refused_order_is_told_to_its_buyer_once() {
    let bed = Bed::with_market().await;
    let listing = bed.edge.post_listing(50);
    bed.sync().await.unwrap();
    // More than this office holds, so that the hub is asked; and more than the hub holds.
    bed.edge.place_order(listing, 40).unwrap();
    assert_eq!(texts(&bed), [""; 0]);
    bed.sync().await.unwrap();
    assert_eq!(texts(&bed), ["Your order was NOT taken: 40 kg Maize. Only 25 kg left."]);
    bed.sync().await.unwrap();
    assert_eq!(texts(&bed).len(), 1);
}

/// An office with five of fifty left and twenty-five at the hub, and the order that took the others, sure and unsent.
async fn market_with_a_sale() -> (Bed, ListingId, OrderId) {
    let bed = Bed::with_market().await;
    let listing = bed.edge.post_listing(50);
    bed.sync().await.unwrap();
    let (sold, _) = bed.edge.place_order(listing, 20).unwrap();
    (bed, listing, sold)
}

/// An order stands otherwise at the hub.
fn stands_at_the_hub(bed: &Bed, order: OrderId, status: OrderStatus) {
    let row = bed.hub.lock().feeds[&COOP].rows[&(Order::NUMBER, Key::Uuid(order.0))].clone();
    let stands = Order::from_fields(row.key, row.body.as_ref().unwrap()).unwrap();
    bed.hub.write(COOP, vec![live(&Order { status, ..stands })]);
}

/// Somebody takes an order back at the hub.
fn take_back_at_the_hub(bed: &Bed, order: OrderId) {
    stands_at_the_hub(bed, order, OrderStatus::Cancelled);
}

async fn lose_the_answer(bed: &Bed) {
    bed.hub.lock().faults.cut_response_at = Some(0);
    bed.sync().await.unwrap_err();
}

const CONFIRMED: &str = "Your order is CONFIRMED: 20 kg Maize. To pay: MWK 9,000.";
const CANCELLED: &str = "Your order is cancelled: 20 kg Maize.";

#[tokio::test]
async fn an_order_taken_back_at_the_hub_before_its_answer_came_is_told_as_it_ended() {
    let (bed, listing, sold) = market_with_a_sale().await;
    let (asked, _) = bed.edge.place_order(listing, 20).unwrap();
    lose_the_answer(&bed).await;
    take_back_at_the_hub(&bed, asked);
    bed.sync().await.unwrap();
    assert_eq!(texts(&bed), [CANCELLED], "never that it is confirmed");
    // One that was sure, and is called so on the screen: its buyer hears of its end too.
    take_back_at_the_hub(&bed, sold);
    bed.sync().await.unwrap();
    assert_eq!(texts(&bed), [CANCELLED, CANCELLED]);
    bed.hub.write(COOP, vec![live(&testing::coop(testing::COOP, "Another name"))]);
    for order in [asked, sold] {
        take_back_at_the_hub(&bed, order);
        bed.sync().await.unwrap();
    }
    assert_eq!(texts(&bed).len(), 2, "rows that come again say nothing again");
}

#[tokio::test]
async fn a_sure_order_taken_back_at_the_hub_before_its_row_came_is_told() {
    let (bed, _, sold) = market_with_a_sale().await;
    lose_the_answer(&bed).await;
    take_back_at_the_hub(&bed, sold);
    bed.sync().await.unwrap();
    assert_eq!(texts(&bed), [CANCELLED]);
}

#[tokio::test]
async fn an_order_that_was_confirmed_and_is_taken_back_at_the_hub_later_is_told_both() {
    let (bed, listing, _) = market_with_a_sale().await;
    let (asked, _) = bed.edge.place_order(listing, 20).unwrap();
    bed.sync().await.unwrap();
    assert_eq!(texts(&bed), [CONFIRMED]);
    take_back_at_the_hub(&bed, asked);
    bed.sync().await.unwrap();
    assert_eq!(texts(&bed), [CANCELLED, CONFIRMED], "the newest first");
    take_back_at_the_hub(&bed, asked);
    bed.sync().await.unwrap();
    assert_eq!(texts(&bed).len(), 2);
}

#[tokio::test]
async fn who_took_the_order_back_here_hears_of_it_once() {
    let (bed, _, sold) = market_with_a_sale().await;
    bed.sync().await.unwrap();
    bed.edge.cancel_order(sold).unwrap();
    bed.sync().await.unwrap();
    assert_eq!(texts(&bed), [CANCELLED]);
    take_back_at_the_hub(&bed, sold);
    bed.sync().await.unwrap();
    assert_eq!(texts(&bed), [CANCELLED]);
}

#[tokio::test]
async fn a_damaged_entry_among_the_short_orders_stops_no_exchange_and_keeps_nobody_from_hearing() {
    let (bed, _, sold) = market_with_a_sale().await;
    bed.sync().await.unwrap();
    stands_at_the_hub(&bed, sold, OrderStatus::Short);
    bed.sync().await.unwrap();
    let short = "There is not enough for your order: 20 kg Maize. Please speak to the office.";
    assert_eq!(texts(&bed), [short]);
    // That of the offer comes before the order's.
    let damage = "UPDATE command SET heard_short = 1, id = x'01' WHERE seq = (SELECT min(seq) FROM command)";
    assert_eq!(bed.edge.write(move |tx| Ok::<_, DbError>(tx.execute(damage, [])?)), 1);
    stands_at_the_hub(&bed, sold, OrderStatus::Confirmed);
    let report = bed.sync().await.unwrap();
    assert!(report.digests_equal, "{report:?}");
    let again = "Your order is CONFIRMED again: 20 kg Maize. To pay: MWK 9,000.";
    assert_eq!(texts(&bed), [again, short], "the newest first");
}

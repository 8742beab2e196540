//! A box comes back after another had its place for a while and was counted: what it sold before is in nobody's count, so its sales are short
//! by the books. Its product is to be counted, and the count says what is so.

use crate::doors::{arrived, world};
use crate::office::Office;
use crate::world::World;
use sync_protocol::ids::{Holder, ListingId};
use sync_protocol::market::{Adjustment, OrderCancel, StockAdjust};
use sync_protocol::units::Quantity;

async fn count(office: &Office, listing: ListingId, counted: i64, expected: i64) {
    let found = Adjustment::Count { counted_milli: counted * 1000, expected_milli: expected * 1000 };
    office.act(StockAdjust { listing: listing.0, found, reason: String::new(), undoes: None }).await.unwrap();
}

/// What buyers were told here after they had been told that it is sold.
async fn heard(office: &Office) -> Vec<String> {
    let texts: Vec<String> =
        office.column("SELECT text FROM sms_out WHERE kind = 'verdict' ORDER BY id").await;
    texts.into_iter().map(|text| text.split(':').next().unwrap().to_owned()).collect()
}

const NOT_ENOUGH: &str = "There is not enough for your order";
const AGAIN: &str = "Your order is CONFIRMED again";

async fn statuses(world: &World, units: i64) -> Vec<i32> {
    world.column(format!("SELECT status FROM orders WHERE quantity_milli = {units}000")).await
}

const SHORT: i32 = 3;
const CONFIRMED: i32 = 0;

/// The first office sold 6 that the box in its place counts as gone; that one sells all that is left, and the first is back.
async fn back_after_another_sold_the_rest(seed: u64) -> (World, ListingId) {
    let (world, listing) = world(seed).await;
    let office = &world.offices[0];
    office.order(listing, 6).await.expect("held here: the buyer was told that it is sold");
    let other = world.open_new_box_of(office).await;
    other.sync().await.unwrap();
    // A person knows that six of what lies there are sold.
    count(&other, listing, 34, 40).await;
    other.order(listing, 14).await.unwrap();
    other.sync().await.unwrap();
    world.enrol_again(office).await.unwrap();
    office.sync().await.unwrap();
    office.sync().await.unwrap();
    assert_eq!((statuses(&world, 6).await, statuses(&world, 14).await), (vec![SHORT], vec![CONFIRMED]));
    assert_eq!(world.held(listing, Holder::Edge(office_id(office).await)).await, Quantity::units(-6));
    assert_eq!(office.to_count().await, [listing], "nothing is held of it, and its books are wrong");
    assert_eq!(heard(office).await, [NOT_ENOUGH]);
    (world, listing)
}

async fn office_id(office: &Office) -> sync_protocol::ids::EdgeId {
    office.read(mizili_edge::node::identity).await.unwrap().edge
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_box_sold_before_another_had_its_place_stands_once_it_is_counted() {
    let (world, listing) = back_after_another_sold_the_rest(33).await;
    let office = &world.offices[0];
    count(office, listing, 40, 34).await;
    assert!(!office.is_in_doubt().await);
    arrived(&world, 2).await;
    assert_eq!((statuses(&world, 6).await, statuses(&world, 14).await), (vec![CONFIRMED], vec![CONFIRMED]));
    assert_eq!(heard(office).await, [NOT_ENOUGH, AGAIN]);
    assert_eq!(office.spendable(listing).await, Quantity::ZERO);
    world.nothing_was_oversold().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sale_that_is_short_after_the_count_too_stays_so_and_is_told_once() {
    let (world, listing) = back_after_another_sold_the_rest(34).await;
    let office = &world.offices[0];
    count(office, listing, 34, 34).await;
    arrived(&world, 2).await;
    assert_eq!(statuses(&world, 6).await, [SHORT]);
    assert_eq!(heard(office).await, [NOT_ENOUGH]);
    // What is found later covers it, also where nobody counts.
    let found = Adjustment::Intake(6_000);
    office.act(StockAdjust { listing: listing.0, found, reason: String::new(), undoes: None }).await.unwrap();
    arrived(&world, 2).await;
    assert_eq!(
        (statuses(&world, 6).await, heard(office).await),
        (vec![CONFIRMED], vec![NOT_ENOUGH.to_owned(), AGAIN.to_owned()])
    );
}

/// By the books nothing is left then, and nobody has looked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_in_place_of_a_count_leaves_the_product_to_be_counted() {
    let (world, listing) = back_after_another_sold_the_rest(35).await;
    let office = &world.offices[0];
    let order = office.orders().await.into_iter().find(|order| order.quantity == Quantity::units(6)).unwrap();
    office.act(OrderCancel { order: order.id.0, never_left: false }).await.unwrap();
    arrived(&world, 2).await;
    assert_eq!((office.spendable(listing).await, office.to_count().await), (Quantity::ZERO, vec![listing]));
    count(office, listing, 40, 34).await;
    assert!(!office.is_in_doubt().await);
    arrived(&world, 2).await;
    assert_eq!(office.spendable(listing).await, Quantity::units(6));
    world.nothing_was_oversold().await.unwrap();
}

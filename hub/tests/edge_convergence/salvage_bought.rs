//! Orders of which a restored hub hears from the buyer's office alone, because nobody who sold or made them comes again.

use crate::doors::arrived;
use crate::goods;
use crate::office::{Office, Start};
use crate::restored::BACKUP;
use crate::world::World;
use mizili_hub::sync::{salvage, salvaged};
use sync_protocol::ids::{CommandId, ListingId};
use sync_protocol::market::{OrderCancel, OrderStatus};
use sync_protocol::units::Quantity;

/// Three offices: of the seller, and two of another cooperative. At one of these 5 of the hub's 20 were bought, and the other has heard of it;
/// the hub was restored since, and has forgotten the order.
pub(crate) async fn bought_at(seed: u64, [buyer, other]: [usize; 2]) -> (World, ListingId) {
    let offices = [(1, Start::right(seed)), (2, Start::right(seed + 1)), (2, Start::right(seed + 2))];
    let world = World::with_two_hubs(&offices).await;
    let (seller, buyer, other) = (&world.offices[0], &world.offices[buyer], &world.offices[other]);
    seller.sync().await.unwrap();
    let listing = seller.post_listing(40).await;
    seller.sync().await.unwrap();
    world.both_sides_are_equal().await.unwrap();
    world.sql(BACKUP).await;
    world.sql("CALL backup()").await;
    buyer.order(listing, 5).await.unwrap();
    buyer.sync().await.unwrap();
    other.sync().await.unwrap();
    world.sql("CALL restore()").await;
    (world, listing)
}

/// Bought at the second office; the third alone has heard of it.
async fn bought(seed: u64) -> (World, ListingId) {
    bought_at(seed, [1, 2]).await
}

/// The rows that it brought which are left: they do not stand, and that may change.
async fn left_of(world: &World, office: &Office) -> usize {
    salvaged::of_edge(&world.db, office.edge, None, true).await.unwrap().len()
}

async fn order_is(world: &World, status: OrderStatus) {
    assert_eq!(world.column::<i32>("SELECT status FROM orders").await, [status.code().cast_signed()]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_its_buyers_office_alone_brings_stands_once_nobody_is_awaited() {
    let (world, listing) = bought(901).await;
    let (seller, buyer, other) = (&world.offices[0], &world.offices[1], &world.offices[2]);
    other.sync().await.unwrap();
    seller.sync().await.unwrap();
    assert_eq!(
        (world.orders_at_the_hub().await, left_of(&world, other).await),
        (0, 1),
        "it may be offered again"
    );
    assert_eq!(salvage::retry(&world.db, &world.deps).await.unwrap(), 0);
    // Its box was lost, so nobody will.
    world.revoke(buyer).await;
    order_is(&world, OrderStatus::Confirmed).await;
    assert_eq!(
        (world.held_by_the_hub(listing).await, left_of(&world, other).await),
        (Quantity::units(15), 0)
    );
    for office in [seller, other] {
        office.sync().await.unwrap();
        assert_eq!(office.orders().await.len(), 1);
    }
    world.nothing_was_oversold().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_whose_units_were_sold_again_is_marked_for_its_seller() {
    let (world, listing) = bought(911).await;
    let (seller, buyer, other) = (&world.offices[0], &world.offices[1], &world.offices[2]);
    // Before anybody notices that it was restored.
    world.at_the_hub(goods::order(listing, 18)).await;
    for office in [other, seller] {
        office.sync().await.unwrap();
    }
    world.revoke(buyer).await;
    let brought = "SELECT status FROM orders WHERE buyer_cooperative_id = 2";
    assert_eq!(world.column::<i32>(brought).await, [OrderStatus::Short.code().cast_signed()]);
    seller.sync().await.unwrap();
    let order = seller.orders().await.into_iter().find(|order| order.status == OrderStatus::Short).unwrap();
    seller.act(OrderCancel::new(order.id.0)).await.unwrap();
    seller.sync().await.unwrap();
    assert_eq!(world.column::<i32>(brought).await, [OrderStatus::Cancelled.code().cast_signed()]);
    assert_eq!(world.held_by_the_hub(listing).await, Quantity::units(2));
    assert_eq!(left_of(&world, other).await, 0);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_was_offered_again_and_refused_gives_way_to_that_word() {
    let (world, listing) = bought(921).await;
    let (seller, buyer, other) = (&world.offices[0], &world.offices[1], &world.offices[2]);
    world.at_the_hub(goods::order(listing, 18)).await;
    for office in [other, seller, buyer] {
        office.sync().await.unwrap();
        office.sync().await.unwrap();
    }
    assert_eq!((buyer.words().await, left_of(&world, other).await), (vec!["rejected".into()], 0));
    assert_eq!(world.texts("SELECT ended FROM salvaged_rows WHERE entity = 14").await, ["gave_way"]);
    arrived(&world, 1).await;
    world.nothing_was_oversold().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_stands_by_another_road_is_not_left_over() {
    // Offered again by who made it.
    let (world, listing) = bought(931).await;
    for office in [2, 0, 1, 2] {
        world.offices[office].sync().await.unwrap();
    }
    assert_eq!(
        (world.held_by_the_hub(listing).await, left_of(&world, &world.offices[2]).await),
        (Quantity::units(15), 0)
    );
    arrived(&world, 1).await;
    // Taken back by a person at the hub: only the buyer's office has heard of that.
    world.sql("CALL backup()").await;
    world.offices[2].sync().await.unwrap();
    let [order] = world.offices[2].orders().await.try_into().unwrap();
    world
        .at_the_hub_as(
            goods::user(goods::BUYER),
            None,
            CommandId(world.deps.ids.uuid_v7()).0,
            OrderCancel::new(order.id.0),
        )
        .await
        .unwrap();
    world.offices[2].sync().await.unwrap();
    world.sql("CALL restore()").await;
    for office in [2, 0, 1, 2] {
        world.offices[office].sync().await.unwrap();
    }
    order_is(&world, OrderStatus::Cancelled).await;
    assert_eq!(
        (world.held_by_the_hub(listing).await, left_of(&world, &world.offices[2]).await),
        (Quantity::units(20), 0)
    );
    world.both_sides_are_equal().await.unwrap();
}

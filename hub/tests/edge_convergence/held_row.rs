//! Somebody at the hub holds a product for long (an operator's `psql`, a long job): that holds up what is about it, and nothing else.

use crate::doors::world;
use crate::goods;
use mizili_hub::db::q;
use mizili_node::testing::log::Log;
use sqlx::Row as _;
use sync_protocol::ids::ListingId;

#[tokio::test]
async fn while_a_product_is_held_an_office_gets_all_the_rest_and_its_order_follows() {
    let (world, listing) = world(97).await;
    world.both_sides_are_equal().await.unwrap();
    let office = &world.offices[0];
    office.order(listing, 3).await.unwrap();
    let mut holder = world.db.begin().await.unwrap();
    q("SELECT FROM listings WHERE id = $1 FOR UPDATE").bind(listing.0).execute(&mut *holder).await.unwrap();
    let other = ListingId(office.new_id());
    world.at_the_hub(goods::post(other.0, 5)).await;
    let session: i32 = q("SELECT pg_backend_pid()").fetch_one(&mut *holder).await.unwrap().get(0);
    let log = Log::default();
    let here = log.here();
    let report = office.sync().await.unwrap();
    drop(here);
    let ends = format!("SELECT pg_terminate_backend({session})");
    let lines = log.take();
    let told = lines.lines().filter(|line| line.contains("mizili_hub::sync::exchange"));
    let told: Vec<_> = told.collect();
    assert!(told.len() == 1 && told[0].contains(" WARN "), "{lines}");
    for part in [&format!("edge={}", office.edge.0), "is held", &ends] {
        assert!(told[0].contains(part), "no {part} in {lines}");
    }
    assert!(report.retry_after.is_some() && report.commands == 1 && report.applied == 0, "{report:?}");
    assert_eq!(office.unsettled().await, 1);
    assert!(office.listings().await.iter().any(|listing| listing.id == other));
    holder.rollback().await.unwrap();
    let report = office.sync().await.unwrap();
    assert_eq!((report.retry_after, report.applied, office.unsettled().await), (None, 1, 0));
    assert_eq!(world.orders_at_the_hub().await, 1);
}

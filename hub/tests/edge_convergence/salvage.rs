//! What offices bring back to a hub that was restored from a backup, where this hub has gone on meanwhile, or another office was first.

use crate::doors::{arrived, world};
use crate::goods::{self, PRICE_MINOR};
use crate::office::Start;
use crate::restored::BACKUP;
use crate::world::World;
use mizili_hub::sync::{salvage, salvaged};
use sync_protocol::ids::{EdgeId, ListingId};
use sync_protocol::market::{ListingEdit, ListingPost, WholeChange};
use sync_protocol::units::Quantity;

fn price(listing: ListingId, old: i64, new: i64) -> ListingEdit {
    ListingEdit { listing: listing.0, price_minor: Some(WholeChange { old, new }), title: None }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_newer_state_stands_though_an_office_with_an_older_one_came_first() {
    let world = World::with_two_hubs(&[(1, Start::right(601)), (1, Start::right(602))]).await;
    let (first, second) = (&world.offices[0], &world.offices[1]);
    for office in [first, second] {
        office.sync().await.unwrap();
    }
    world.sql(BACKUP).await;
    world.sql("CALL backup()").await;
    let [here, there] = [(); 2].map(|()| ListingId(world.deps.ids.uuid_v7()));
    for listing in [here, there] {
        world.at_the_hub(goods::post(listing.0, 10)).await;
    }
    for office in [first, second] {
        office.sync().await.unwrap();
    }
    for listing in [here, there] {
        world.at_the_hub(price(listing, PRICE_MINOR, 600)).await;
    }
    second.sync().await.unwrap();
    world.sql("CALL restore()").await;
    first.sync().await.unwrap();
    assert_eq!(world.price_at_the_hub(here).await, PRICE_MINOR);
    // Done here since: that is the newest.
    world.at_the_hub(price(there, PRICE_MINOR, 700)).await;
    second.sync().await.unwrap();
    assert_eq!((world.price_at_the_hub(here).await, world.price_at_the_hub(there).await), (600, 700));
    world.both_sides_are_equal().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_forgotten_stands_though_the_hub_went_on_before_anybody_noticed() {
    let (world, listing) = world(61).await;
    let office = &world.offices[0];
    world.sql(BACKUP).await;
    world.sql("CALL backup()").await;
    world.at_the_hub(goods::order(listing, 3)).await;
    office.sync().await.unwrap();
    world.sql("CALL restore()").await;
    // Under the versions of what was forgotten, and above.
    for units in [1, 2, 4] {
        world.at_the_hub(goods::order(listing, units)).await;
    }
    let report = office.sync().await.unwrap();
    assert!(report.digests_equal, "{report:?}");
    arrived(&world, 4).await;
    assert_eq!(world.held_by_the_hub(listing).await, Quantity::units(20 - 3 - 7));
    world.nothing_was_oversold().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_wait_for_what_nobody_brings_stand_once_it_was_made_again() {
    let beans = "INSERT INTO commodities (id, name, category, on_menus) OVERRIDING SYSTEM VALUE VALUES (2, 'Beans', 'pulses', true)";
    let (world, _) = world(62).await;
    let office = &world.offices[0];
    world.sql(BACKUP).await;
    world.sql("CALL backup()").await;
    world.sql(beans).await;
    let listing = world.deps.ids.uuid_v7();
    world.at_the_hub(ListingPost { commodity: 2, ..goods::post(listing, 10) }).await;
    office.sync().await.unwrap();
    world.sql("CALL restore()").await;
    office.sync().await.unwrap();
    assert_eq!(world.listings_at_the_hub().await, 1);
    let left = || salvaged::of_edge(&world.db, EdgeId(1), None, true);
    assert!(left().await.unwrap().iter().any(|row| row.kind == "listing"));
    assert_eq!(salvage::retry(&world.db, &world.deps).await.unwrap(), 0);
    world.sql(beans).await;
    assert!(salvage::retry(&world.db, &world.deps).await.unwrap() >= 2, "the product and its units");
    assert_eq!(world.listings_at_the_hub().await, 2);
    assert!(!left().await.unwrap().iter().any(|row| ["listing", "stock_entry"].contains(&row.kind.as_str())));
    office.sync().await.unwrap();
    assert!(office.listings().await.iter().any(|found| found.id.0 == listing));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_the_tables_do_not_take_keeps_no_other_from_standing() {
    let (world, _) = world(63).await;
    let office = &world.offices[0];
    world.sql(BACKUP).await;
    world.sql("CALL backup()").await;
    // More on both sides of the bad one than are tried between one pair of savepoints.
    let all = [(); 2 * 70 + 1].map(|()| world.deps.ids.uuid_v7());
    let bad = all[70];
    for listing in all {
        world.at_the_hub(goods::post(listing, 10)).await;
    }
    office.sync().await.unwrap();
    world.sql("CALL restore()").await;
    let refuse = format!(
        "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted'; END $$;
        CREATE TRIGGER refuse BEFORE INSERT ON listings FOR EACH ROW WHEN (NEW.id = '{bad}') EXECUTE FUNCTION refuse()"
    );
    world.sql(&refuse).await;
    office.sync().await.unwrap();
    let missing = format!(
        "SELECT count(*) FROM unnest('{{{}}}'::uuid[]) AS u (id) WHERE NOT EXISTS (SELECT FROM listings l WHERE l.id = u.id)",
        all.map(|id| id.to_string()).join(",")
    );
    assert_eq!(
        (world.count(&missing).await, world.listings_at_the_hub().await),
        (1, 141),
        "beside the one of before"
    );
    world.sql("DROP TRIGGER refuse ON listings").await;
    assert!(salvage::retry(&world.db, &world.deps).await.unwrap() >= 2, "the product and its units");
    assert_eq!((world.count(&missing).await, world.listings_at_the_hub().await), (0, 142));
    office.sync().await.unwrap();
    world.both_sides_are_equal().await.unwrap();
}

//! What waits at a hub that was restored from a backup until an office has come that knows what became of it: it is decided then, whatever
//! becomes of the office's line or of the hub meanwhile.

use crate::doors::{arrived, world};
use crate::goods;
use crate::restored::BACKUP;
use crate::world::World;
use mizili_hub::jobs::retry_held;
use std::time::Duration;
use sync_protocol::ids::ListingId;

/// How long a test looks for what must come: far longer than it takes.
const AT_MOST: Duration = Duration::from_secs(60);

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
    assert_eq!(tokio::time::timeout(AT_MOST, words).await.unwrap(), ["applied", "rejected"], "8 were left");
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
    assert_eq!(retry_held(&world.db, &world.deps).await.unwrap(), 0, "it is not time yet");
    world.pass(Duration::from_secs(600));
    assert_eq!(retry_held(&world.db, &world.deps).await.unwrap(), 2);
    decided(&world).await;
}

//! The time of hubs that share a database.

use crate::support::World;
use mizili_hub::clock::DatabaseClock;
use mizili_node::deps::{Clock, Deps};

#[tokio::test]
async fn hubs_whose_machines_are_years_apart_tell_the_same_time() {
    let world = World::new().await;
    let mut told = Vec::new();
    for wall_s in [0, 86_400, 4_102_444_800] {
        let (deps, own) = Deps::fixed_with_clock(1);
        own.set_wall_s(wall_s);
        told.push(DatabaseClock::over(deps.clock, &world.db).await.unwrap().now_s());
    }
    let theirs = world.number("SELECT extract(epoch FROM clock_timestamp())::bigint").await;
    assert!(told.iter().all(|hub_s| (theirs - hub_s).abs() < 3_600), "{told:?} {theirs}");
}

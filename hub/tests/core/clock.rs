//! The time of hubs that share a database.

use crate::support::World;
use mizili_hub::clock::DatabaseClock;
use mizili_hub::config::Config;
use mizili_hub::sync::code::VALID_DAYS;
use mizili_hub::sync::edges;
use mizili_node::deps::{Clock, Deps};
use std::time::Duration;

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

#[tokio::test]
async fn a_machine_whose_clock_is_set_while_it_runs_tells_the_same_time() {
    let world = World::new().await;
    let (deps, own) = Deps::fixed_with_clock(1);
    let clock = DatabaseClock::over(deps.clock, &world.db).await.unwrap();
    let before = clock.now_s();
    for wall_s in [2_208_988_800, 0] {
        own.set_wall_s(wall_s);
        assert_eq!(clock.now_s(), before);
    }
    own.advance(Duration::from_secs(40));
    assert_eq!(clock.now_s(), before + 40);
}

#[tokio::test]
async fn an_operators_command_goes_by_the_databases_time_too() {
    let world = World::new().await;
    let (machine, own) = Deps::fixed_with_clock(1);
    own.set_wall_s(2_208_988_800);
    let dir = tempfile::tempdir().unwrap();
    let url = Some(world.url().to_owned());
    let config = Config { data_dir: dir.path().to_owned(), direct_url: url.clone(), database_url: url };
    let opened = config.open_on(machine).await.unwrap();
    edges::add(&opened.db, &opened.deps(), 1, false).await.unwrap();
    let days = world
        .number("SELECT round(extract(epoch FROM max(expires_at) - clock_timestamp()) / 86400)::bigint FROM enrolment_codes");
    assert_eq!(days.await, i64::from(VALID_DAYS));
    opened.close().await.unwrap();
}

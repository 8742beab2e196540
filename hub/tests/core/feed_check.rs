//! The regular check finds and mends what went past the feed.

use crate::support::{A, World, bucket, id, office, post};
use mizili_hub::bad_rows::BadRows;
use mizili_hub::feed::{Touched, check::compare_all};
use sync_protocol::market::{Entity, Member};
use sync_protocol::row::Key;

async fn world_with_members() -> World {
    let world = World::new().await;
    let mut touched = Touched::new();
    for n in 1..=20 {
        let member = world.member(n, A).await;
        touched.add(bucket(A), Member::NUMBER, Key::Uuid(member));
    }
    world.publish(&touched).await;
    world.rest(office(), &post(id(50), 10)).await;
    world.assert_feed_equals_tables().await;
    world
}

/// What a check finds after some damage, and that the next one finds nothing.
async fn found(world: &World, damage: &str) -> (u64, u64, u64, u64) {
    world.sql(damage).await;
    let report = compare_all(&world.db, &world.deps).await.unwrap();
    world.assert_feed_equals_tables().await;
    (report.missing, report.stale, report.stray, report.digests)
}

#[tokio::test]
async fn each_kind_of_damage_is_found_counted_and_mended() {
    let world = world_with_members().await;
    let of = |n| format!("'\\x03'::bytea || uuid_send('{}')", id(n));
    // A writer that went past the feed.
    assert_eq!(
        found(&world, &format!("UPDATE members SET name = 'x' WHERE id = '{}'", id(1))).await,
        (0, 1, 0, 0)
    );
    world.member(99, A).await;
    assert_eq!(found(&world, "SELECT 1").await, (1, 0, 0, 0));
    assert_eq!(found(&world, &format!("DELETE FROM members WHERE id = '{}'", id(2))).await, (0, 0, 1, 0));
    // One that named too few buckets.
    assert_eq!(
        found(&world, &format!("UPDATE members SET cooperative_id = 2 WHERE id = '{}'", id(3))).await,
        (1, 0, 1, 0)
    );
    // A damaged row: its content alone, its hash alone, all of it.
    let content = format!("UPDATE sync_rows SET payload = '\\x0800' WHERE id = {}", of(4));
    assert_eq!(found(&world, &content).await, (0, 1, 0, 0));
    let hash =
        format!("UPDATE sync_rows SET hash = '\\x00000000000000000000000000000001' WHERE id = {}", of(5));
    assert_eq!(found(&world, &hash).await, (0, 1, 0, 1));
    assert_eq!(found(&world, &format!("DELETE FROM sync_rows WHERE id = {}", of(6))).await, (1, 0, 0, 1));
    // Damaged digests and heads.
    assert_eq!(found(&world, "UPDATE buckets SET digests = '' WHERE name = 'coop:1'").await, (0, 0, 0, 1));
    assert_eq!(
        found(&world, "UPDATE buckets SET digests = '\\x01' WHERE name = 'coop:2'").await,
        (0, 0, 0, 1)
    );
    assert_eq!(found(&world, "UPDATE buckets SET version = 1 WHERE name = 'coop:1'").await, (0, 0, 0, 1));
}

#[tokio::test]
async fn a_catalogue_that_is_only_late_is_no_difference() {
    let world = world_with_members().await;
    let report = compare_all(&world.db, &world.deps).await.unwrap();
    assert_eq!(report.differences(), 0);
    // The first check brought the catalogues up, though the job has never run.
    assert_eq!(world.number("SELECT count(*) FROM sync_rows WHERE bucket = 'catalogue:1'").await, 2);
    mizili_hub::jobs::catalogue::run_once(&world.db, &world.deps, &mut BadRows::of("test")).await.unwrap();
    // Now that the job is up to date, a wrong row there counts.
    world.sql("UPDATE sync_rows SET payload = '\\x0800' WHERE bucket = 'catalogue:1' AND entity = 13").await;
    let report = compare_all(&world.db, &world.deps).await.unwrap();
    assert_eq!((report.stale, report.late), (1, 0));
}

#[tokio::test]
async fn rows_of_an_entity_that_only_a_newer_hub_knows_are_left_alone() {
    let world = World::new().await;
    world
        .sql("INSERT INTO sync_rows VALUES ('coop:1', 900, '\\x0100000001', 500, false, '\\x00000000000000000000000000000001', '')")
        .await;
    world.sql("UPDATE buckets SET version = 500 WHERE name = 'coop:1'").await;
    let report = compare_all(&world.db, &world.deps).await.unwrap();
    assert_eq!((report.stray, report.digests), (0, 1));
    assert_eq!(world.number("SELECT count(*) FROM sync_rows WHERE entity = 900 AND NOT deleted").await, 1);
}

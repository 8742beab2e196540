//! A restore that is noticed twice at the same moment: one epoch begins, and nobody waits for somebody who waits for him. What is locked in
//! which order is looked at while everybody stands before a lock that the test holds.

use crate::doors::{arrived, world};
use crate::office::Office;
use crate::restored::{BACKUP, link_of, lose_the_link_of};
use crate::world::World;
use mizili_hub::db::Transaction;

const EPOCH: &str = "SELECT epoch::bigint FROM hub";
/// Everything that somebody who began an epoch would have locked beside the hub's row, but for his own edge's.
const NOBODY_HAS: [&str; 2] =
    ["SELECT FROM buckets FOR NO KEY UPDATE NOWAIT", "SELECT FROM edges FOR KEY SHARE NOWAIT"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_offices_that_notice_a_restore_at_the_same_moment_begin_one_epoch() {
    let (world, listing) = world(61).await;
    let (office, other) = (&world.offices[0], &world.offices[1]);
    other.sync().await.unwrap();
    let others = other.post_listing(40).await;
    other.sync().await.unwrap();
    world.both_sides_are_equal().await.unwrap();
    world.sql(BACKUP).await;
    // This key would refuse a second beginning, which then comes again and finds the first. Nobody is to need it.
    world.sql("ALTER TABLE restored_heads DROP CONSTRAINT restored_heads_pkey").await;
    // Each shows it by a link that the hub has forgotten, at the door for that; or, where its link was lost, by what came with it, in an
    // exchange.
    let ways = [[false, false], [true, false], [false, true], [true, true]];
    for (orders, lost) in (2..).step_by(2).zip(ways.into_iter().chain(ways)) {
        world.sql("CALL backup()").await;
        let links = [link_of(office).await, link_of(other).await];
        office.order(listing, 1).await.unwrap();
        other.order(others, 1).await.unwrap();
        for ((office, link), lost) in [office, other].into_iter().zip(links).zip(lost) {
            office.sync().await.unwrap();
            if lost {
                lose_the_link_of(office, &link).await;
            }
        }
        world.sql("CALL restore()").await;
        let epoch = world.count(EPOCH).await;
        let mut gate = world.db.begin().await.unwrap();
        sqlx::raw_sql("SELECT FROM hub FOR UPDATE").execute(&mut *gate).await.unwrap();
        let opened = async {
            world.until_waiting(2).await;
            for free in NOBODY_HAS {
                world.sql(free).await;
            }
            gate.commit().await.unwrap();
        };
        let (one, two, ()) = tokio::join!(office.sync(), other.sync(), opened);
        assert!(one.unwrap().digests_equal && two.unwrap().digests_equal, "{lost:?}");
        assert_eq!(world.count(EPOCH).await, epoch + 1, "{lost:?}");
        // Each bucket has jumped once, from where the backup stood.
        let furthest = "SELECT max(b.version - h.version) FROM buckets b JOIN restored_heads h ON h.bucket = b.name AND h.epoch = (SELECT epoch FROM hub)";
        let jumped = world.count(furthest).await;
        assert!((1 << 20..2 << 20).contains(&jumped), "{lost:?} {jumped}");
        assert_eq!(world.count("SELECT count(*) FROM awaited_offices").await, 0);
        other.sync().await.unwrap();
        arrived(&world, orders).await;
    }
    world.nothing_was_oversold().await.unwrap();
}

/// A restored hub that has forgotten the second office's incarnation, so that this one comes by the door for that at once.
async fn whose_incarnation_is_forgotten(seed: u64) -> World {
    let (world, _) = world(seed).await;
    let office = &world.offices[1];
    office.sync().await.unwrap();
    world.sql(BACKUP).await;
    world.sql("CALL backup()").await;
    world.enrol_again(office).await.unwrap();
    office.sync().await.unwrap();
    world.sql("CALL restore()").await;
    world
}

/// An office comes while somebody has locked what it needs, who then wants more: none of that is the office's yet.
async fn locks_in_order(world: &World, office: &Office, mut before: Transaction, more: &'static str) {
    let goes_on = async {
        world.until_waiting(1).await;
        sqlx::raw_sql(more).execute(&mut *before).await.expect("whoever waits has none of it");
        before.commit().await.unwrap();
    };
    let (report, ()) = tokio::join!(office.sync(), goes_on);
    assert!(report.unwrap().digests_equal);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_begins_an_epoch_locks_the_buckets_in_the_order_of_everybody() {
    let (world, listing) = world(62).await;
    let office = &world.offices[0];
    world.sql(BACKUP).await;
    world.sql("CALL backup()").await;
    office.order(listing, 1).await.unwrap();
    office.sync().await.unwrap();
    world.sql("CALL restore()").await;
    // Where the table is read as it lies, the first one comes last.
    world.sql("UPDATE buckets SET version = version WHERE name = (SELECT min(name) FROM buckets)").await;
    assert_eq!(
        world.texts("SELECT name FROM buckets").await.last(),
        world.texts("SELECT min(name) FROM buckets").await.first()
    );
    // Somebody who publishes has locked the first one, and wants another.
    let mut publisher = world.db.begin().await.unwrap();
    let first = "SELECT FROM buckets ORDER BY name LIMIT 1 FOR NO KEY UPDATE";
    sqlx::raw_sql(first).execute(&mut *publisher).await.unwrap();
    locks_in_order(&world, office, publisher, "SELECT FROM buckets ORDER BY name FOR NO KEY UPDATE NOWAIT")
        .await;
    arrived(&world, 1).await;
}

/// Whoever takes commands of the office has its stream locked, and wants to know that it is not revoked.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_office_that_comes_after_a_restore_locks_its_stream_before_itself() {
    let world = whose_incarnation_is_forgotten(63).await;
    let mut takes = world.db.begin().await.unwrap();
    let streams = "SELECT FROM edge_streams WHERE edge_id = 2 FOR UPDATE";
    sqlx::raw_sql(streams).execute(&mut *takes).await.unwrap();
    locks_in_order(&world, &world.offices[1], takes, "SELECT FROM edges WHERE id = 2 FOR SHARE NOWAIT").await;
    arrived(&world, 0).await;
}

/// Whoever revokes an office ends its sessions, and then waits for it no more.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_begins_an_epoch_ends_the_sessions_before_he_waits_for_the_offices() {
    let world = whose_incarnation_is_forgotten(64).await;
    // Of an earlier restore.
    world.sql("INSERT INTO awaited_offices (edge_id, cooperative_id) VALUES (1, 1)").await;
    let mut revokes = world.db.begin().await.unwrap();
    let ended =
        sqlx::query("DELETE FROM edge_sessions WHERE edge_id = 1").execute(&mut *revokes).await.unwrap();
    assert!(ended.rows_affected() > 0);
    let awaited = "DELETE FROM awaited_offices WHERE edge_id = 1 AND EXISTS (SELECT FROM awaited_offices FOR UPDATE NOWAIT)";
    locks_in_order(&world, &world.offices[1], revokes, awaited).await;
    arrived(&world, 0).await;
}

/// Somebody who knows an office's number alone stops nothing of it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_has_not_signed_waits_for_nothing_of_the_office() {
    let (world, _) = world(65).await;
    let stranger = &world.offices[0];
    world.sql("UPDATE edges SET public_key = decode(repeat('07', 32), 'hex') WHERE id = 1").await;
    let mut exchange = world.db.begin().await.unwrap();
    let taken =
        "SELECT FROM edge_streams WHERE edge_id = 1 FOR UPDATE; SELECT FROM edges WHERE id = 1 FOR UPDATE";
    sqlx::raw_sql(taken).execute(&mut *exchange).await.unwrap();
    tokio::select! {
        refused = stranger.rejoin() => {
            let refused = refused.unwrap_err().to_string();
            assert!(refused.contains("not known here, or its key is another"), "{refused}");
        }
        () = world.until_waiting(1) => panic!("it waits for the office's exchange"),
    }
    exchange.rollback().await.unwrap();
}

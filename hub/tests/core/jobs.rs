//! Jobs: the catalogue follows its cooperatives and skips nothing; what is old is forgotten, and nothing else.

use crate::support::{A, B, EDGE, World, bucket, caller, command, id, office, place, post, raw, units, user};
use mizili_hub::bad_rows::BadRows;
use mizili_hub::db::q;
use mizili_hub::feed::{Touched, check::compare_all, publish, read};
use mizili_hub::jobs::catalogue;
use mizili_hub::jobs::prune::{Pruned, ScopeFuture, prune_once};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use std::time::Duration;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CooperativeId, EdgeId, RegionId};
use sync_protocol::market::{
    Body, Cooperative, Entity, Listing, ListingEdit, ListingPost, ListingWithdraw, Member, RawBody, Source,
    WholeChange,
};
use sync_protocol::row::Key;
use sync_protocol::session::BucketCursor;
use sync_protocol::wire::message::{cursors_to_bytes, scope_hash};
use uuid::Uuid;

const CENTRAL: Bucket = Bucket::Catalogue(RegionId(1));
const SOUTHERN: Bucket = Bucket::Catalogue(RegionId(2));

async fn follow(world: &World) -> usize {
    let read = catalogue::run_once(&world.db, &world.deps, &mut BadRows::of("test")).await.unwrap();
    let report = compare_all(&world.db, &world.deps).await.unwrap();
    assert_eq!((report.differences(), report.late), (0, 0), "{report:?}");
    read
}

/// The listings that stand in a catalogue.
async fn offered(world: &World, catalogue: Bucket) -> BTreeMap<Uuid, Listing> {
    let mut tx = world.db.begin().await.unwrap();
    let rows = read::page_up(&mut tx, catalogue, 0, u64::MAX, 100_000).await.unwrap();
    let live = rows.into_iter().filter(|row| row.entity == Listing::NUMBER);
    live.filter_map(|row| Some(Listing::from_fields(row.key, row.body.as_ref()?).unwrap()))
        .map(|l| (l.id.0, l))
        .collect()
}

#[tokio::test]
async fn a_catalogue_shows_what_the_hub_can_sell_and_never_who_offers_it() {
    let world = World::new().await;
    world.member(70, A).await;
    let mut member = Touched::new();
    member.add(bucket(A), Member::NUMBER, Key::Uuid(id(70)));
    world.publish(&member).await;
    let Body::ListingPost(posting) = post(id(50), 50) else { unreachable!() };
    let posting = ListingPost { seller: Some(id(70)), ..posting };
    world.take(vec![command(1, office(), &posting.into())]).await.unwrap();
    follow(&world).await;
    let listing = offered(&world, CENTRAL).await.remove(&id(50)).unwrap();
    assert_eq!((listing.seller, listing.available.map(|q| q.0)), (None, Some(units(25))));
    // A sale by the hub and a new price show; a sale by the office does not.
    world.rest(user(1), &place(id(50), 20, Source::Ask)).await;
    let price_minor = Some(WholeChange { old: 50_000, new: 55_000 });
    let edit = ListingEdit { listing: id(50), price_minor, title: None };
    world
        .take(vec![
            command(2, caller(7_000_000_001), &place(id(50), 3, Source::Held)),
            command(3, office(), &edit.into()),
        ])
        .await
        .unwrap();
    assert!(follow(&world).await > 0);
    let listing = offered(&world, CENTRAL).await.remove(&id(50)).unwrap();
    assert_eq!((listing.price_minor, listing.available.map(|q| q.0)), (55_000, Some(units(5))));
    // Nothing to do: nothing moves.
    assert_eq!(follow(&world).await, 0);
    world.take(vec![command(4, office(), &ListingWithdraw { listing: id(50) }.into())]).await.unwrap();
    follow(&world).await;
    assert!(offered(&world, CENTRAL).await.is_empty());
    assert_eq!(
        world.number("SELECT count(*) FROM sync_rows WHERE bucket = 'catalogue:1' AND deleted").await,
        1
    );
}

/// With marks of what is to be done the late row would be forgotten: a job has a cursor, and what is committed late is above it.
#[tokio::test]
async fn the_mark_is_taken_back_while_the_writers_transaction_is_still_open() {
    let world = World::new().await;
    world
        .take(vec![command(1, office(), &post(id(50), 10)), command(2, office(), &post(id(51), 10))])
        .await
        .unwrap();
    follow(&world).await;
    let rename = |listing: Uuid, title: &'static str| {
        q("UPDATE listings SET title = $2 WHERE id = $1").bind(listing).bind(title)
    };
    let named = |listing| {
        let mut touched = Touched::new();
        touched.add(bucket(A), Listing::NUMBER, Key::Uuid(listing));
        touched
    };
    let mut slow = world.db.begin().await.unwrap();
    rename(id(50), "slow").execute(&mut *slow).await.unwrap();
    let mut fast = world.db.begin().await.unwrap();
    rename(id(51), "fast").execute(&mut *fast).await.unwrap();
    publish(&mut fast, &named(id(51))).await.unwrap();
    fast.commit().await.unwrap();
    publish(&mut slow, &named(id(50))).await.unwrap();
    // The job runs while the slow one still holds the cooperative's bucket.
    catalogue::run_once(&world.db, &world.deps, &mut BadRows::of("test")).await.unwrap();
    assert_eq!(offered(&world, CENTRAL).await[&id(51)].title, "fast");
    assert_eq!(offered(&world, CENTRAL).await[&id(50)].title, "");
    slow.commit().await.unwrap();
    follow(&world).await;
    assert_eq!(offered(&world, CENTRAL).await[&id(50)].title, "slow");
}

/// More than go into one transaction; one of them is bad, one has moved far, and one has moved itself.
#[tokio::test]
async fn many_cooperatives_are_followed_together_and_none_is_left_out() {
    const MANY: u32 = 150;
    let world = World::new().await;
    world
        .sql(&format!(
            "INSERT INTO cooperatives (id, name, country, region_id, currency) OVERRIDING SYSTEM VALUE
                SELECT n, 'Cooperative ' || n, 'MWI', 1, 'MWK' FROM generate_series(100, {}) n;
            INSERT INTO listings (id, cooperative_id, commodity_id, unit_id, title, price_minor, currency, status, posted_at_s)
                SELECT ('00000000-0000-8000-8000-' || lpad(to_hex(n * 1000 + m), 12, '0'))::uuid, n, 1, 1, '', 100, 'MWK', 0, 0
                FROM generate_series(100, {}) n, generate_series(1, CASE n WHEN 120 THEN 200 ELSE 14 END) m",
            99 + MANY,
            99 + MANY
        ))
        .await;
    let listing = |cooperative: u32, m: u32| {
        Key::Uuid(Uuid::from_u128(0x8000_8000_0000_0000_0000 | u128::from(cooperative * 1000 + m)))
    };
    let mut all = Touched::new();
    for cooperative in 100..100 + MANY {
        let count = if cooperative == 120 { 200 } else { 14 };
        (1..=count).for_each(|m| {
            all.add(bucket(CooperativeId(cooperative)), Listing::NUMBER, listing(cooperative, m))
        });
    }
    world.publish(&all).await;
    world.sql("UPDATE sync_rows SET payload = '\\xff' WHERE bucket = 'coop:130' AND version = 1").await;
    let mut moved = Touched::new();
    moved.add(bucket(CooperativeId(140)), Cooperative::NUMBER, Key::Int(140));
    world.publish(&moved).await;
    let before = world.number("SELECT count(*) FROM listings WHERE cooperative_id >= 100").await;
    let mut bad = BadRows::of("test");
    catalogue::run_once(&world.db, &world.deps, &mut bad).await.unwrap();
    assert_eq!(bad.count(), 1);
    let transactions = "SELECT count(DISTINCT xmin::text) FROM sync_rows WHERE bucket = 'catalogue:1'";
    assert!(world.number(transactions).await < 10, "for {MANY} cooperatives");
    let most = "SELECT max(rows) FROM (SELECT count(*) AS rows FROM sync_rows WHERE bucket = 'catalogue:1' GROUP BY xmin::text) t";
    assert!(world.number(most).await <= 1_000, "rows of one transaction");
    assert_eq!(
        offered(&world, CENTRAL).await.len() as i64,
        before - 1,
        "all but the one that cannot be read"
    );
    let mut tx = world.db.begin().await.unwrap();
    assert!(!catalogue::is_behind(&mut tx).await.unwrap());
}

#[tokio::test]
async fn two_runners_do_not_disturb_each_other() {
    let world = World::new().await;
    world.take((1..=40).map(|n| command(n, office(), &post(id(100 + n), 10))).collect()).await.unwrap();
    let (mut at_one, mut at_other) = (BadRows::of("one"), BadRows::of("other"));
    let (one, two) = tokio::join!(
        catalogue::run_once(&world.db, &world.deps, &mut at_one),
        catalogue::run_once(&world.db, &world.deps, &mut at_other)
    );
    one.unwrap();
    two.unwrap();
    follow(&world).await;
    assert_eq!(offered(&world, CENTRAL).await.len(), 40);
}

/// More listings than one transaction moves, and a cooperative that changes its region, leaves all regions, and comes back.
#[tokio::test]
async fn a_cooperative_that_moves_takes_all_its_listings_along() {
    let world = World::new().await;
    world
        .sql("INSERT INTO listings (id, cooperative_id, commodity_id, unit_id, title, price_minor, currency, status, posted_at_s)
            SELECT ('018f0000-0000-7000-8000-' || lpad(n::text, 12, '0'))::uuid, 1, 1, 1, n::text, 100, 'MWK', (n = 7)::int, 0
            FROM generate_series(1, 2300) n")
        .await;
    let mut touched = Touched::new();
    let ids: Vec<String> = world.texts("SELECT id::text FROM listings").await;
    for listing in &ids {
        touched.add(bucket(A), Listing::NUMBER, Key::Uuid(listing.parse().unwrap()));
    }
    world.publish(&touched).await;
    follow(&world).await;
    assert_eq!(offered(&world, CENTRAL).await.len(), 2_299);
    for (region, central, southern) in [("2", 0, 2_299), ("NULL", 0, 0), ("1", 2_299, 0)] {
        world.sql(format!("UPDATE cooperatives SET region_id = {region} WHERE id = 1")).await;
        let mut touched = Touched::new();
        touched.add(bucket(A), Cooperative::NUMBER, Key::Int(A.0));
        world.publish(&touched).await;
        follow(&world).await;
        let standing = (offered(&world, CENTRAL).await.len(), offered(&world, SOUTHERN).await.len());
        assert_eq!(standing, (central, southern), "region {region}");
    }
}

fn scope() -> Vec<Bucket> {
    vec![Bucket::Edge(EDGE), bucket(A), CENTRAL]
}

fn scope_of(_: &mut PgConnection, _: EdgeId) -> ScopeFuture<'_> {
    Box::pin(async { Ok(scope()) })
}

async fn prune(world: &World) -> Pruned {
    prune_once(&world.db, &world.deps, scope_of).await.unwrap()
}

/// The edge presents these cursors.
async fn hear(world: &World, upto: u64) {
    let cursors: Vec<BucketCursor> =
        scope().into_iter().map(|bucket| BucketCursor { bucket, upto, reached: None }).collect();
    let mut tx = world.db.begin().await.unwrap();
    q("UPDATE edge_streams SET heard_scope = $1, heard_cursors = $2")
        .bind(scope_hash(&scope()) as i32)
        .bind(cursors_to_bytes(&cursors))
        .execute(&mut *tx)
        .await
        .unwrap();
    q("UPDATE edges SET last_contact_at = $1")
        .bind(jiff_sqlx::Timestamp::from(world.deps.clock.now()))
        .execute(&mut *tx)
        .await
        .unwrap();
    tx.commit().await.unwrap();
}

#[tokio::test]
async fn a_tombstone_stays_until_every_living_edge_and_job_has_passed_it() {
    let world = World::new().await;
    let named = |cooperative, n| {
        let mut touched = Touched::new();
        touched.add(bucket(cooperative), Member::NUMBER, Key::Uuid(id(n)));
        touched
    };
    for (n, cooperative) in [(70, A), (71, A), (72, B)] {
        world.member(n, cooperative).await;
        world.publish(&named(cooperative, n)).await;
    }
    hear(&world, 0).await;
    world.sql("DELETE FROM members").await;
    let mut version = 0;
    for (n, cooperative) in [(70, A), (71, A), (72, B)] {
        let head = world.publish(&named(cooperative, n)).await[0].1;
        version = if n == 70 { head } else { version };
    }
    // Its first snapshot may be on its way. B's bucket is in nobody's scope, but the catalogue's job has not read it.
    assert_eq!(prune(&world).await.tombstones, 0);
    catalogue::run_once(&world.db, &world.deps, &mut BadRows::of("test")).await.unwrap();
    assert_eq!(prune(&world).await.tombstones, 1, "B's");
    hear(&world, version).await;
    assert_eq!(prune(&world).await.tombstones, 1, "the first of A's");
    // A scope that changed since: where the edge stands is not known.
    world.sql("UPDATE edge_streams SET heard_scope = 1").await;
    assert_eq!(prune(&world).await.tombstones, 0);
    // An edge that was silent for half a year holds nothing back.
    world.clock.advance(Duration::from_secs(181 * 86_400));
    assert_eq!(prune(&world).await.tombstones, 1);
    assert_eq!(world.number("SELECT count(*) FROM sync_rows WHERE deleted").await, 0);
    world.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn old_commands_lose_their_bodies_and_then_go_but_open_ones_stay() {
    let world = World::new().await;
    let unknown = raw(2, office(), RawBody { kind: 999, bytes: vec![0x80] });
    let order = |seq| command(seq, caller(7_000_000_001), &place(id(50), 1, Source::Held));
    let old = vec![command(1, office(), &post(id(50), 10)), unknown, order(3)];
    world.take(old.clone()).await.unwrap();
    world.clock.advance(Duration::from_secs(89 * 86_400));
    assert_eq!(prune(&world).await, Pruned::default());
    world.clock.advance(Duration::from_secs(2 * 86_400));
    world.take(vec![order(4)]).await.unwrap();
    assert_eq!(prune(&world).await, Pruned { bodies: 2, ..Pruned::default() });
    assert_eq!(prune(&world).await, Pruned::default(), "once");
    assert_eq!(world.texts("SELECT seq::text FROM commands WHERE body <> '' ORDER BY seq").await, ["2", "4"]);
    // The same again is still recognised, and another one under its number too.
    world.take(old).await.unwrap();
    assert!(
        world.take(vec![command(3, caller(7_000_000_002), &place(id(50), 2, Source::Held))]).await.is_err()
    );
    // That one froze the stream, whose verdicts nobody can ask for any more; this is about one that goes on.
    world.sql("UPDATE edge_streams SET frozen_at = NULL").await;
    world.clock.advance(Duration::from_secs(800 * 86_400));
    // Not acknowledged: the edge may still ask for the verdicts.
    assert_eq!(prune(&world).await, Pruned { bodies: 1, ..Pruned::default() });
    assert_eq!(world.number("SELECT count(*) FROM commands").await, 4);
}

#[tokio::test]
async fn acknowledged_commands_go_after_two_years() {
    let world = World::new().await;
    let commands = vec![command(1, office(), &post(id(50), 10)), command(2, office(), &post(id(51), 10))];
    world.take(commands.clone()).await.unwrap();
    world.sql("UPDATE edge_streams SET verdicts_acked = 2").await;
    world.clock.advance(Duration::from_secs(731 * 86_400));
    assert_eq!(prune(&world).await, Pruned { bodies: 2, commands: 2, ..Pruned::default() });
    // What was taken stays taken.
    world.take(commands).await.unwrap();
    assert_eq!(world.number("SELECT count(*) FROM commands").await, 0);
    assert_eq!(world.available(id(50), sync_protocol::ids::Holder::Hub).await, 5);
}

#[tokio::test]
async fn ended_sessions_and_acknowledged_superseded_verdicts_are_forgotten() {
    let world = World::new().await;
    world
        .sql("INSERT INTO edge_sessions VALUES ('\\x01', 1, 1, to_timestamp(1772351999)), ('\\x02', 1, 1, to_timestamp(1772352001))")
        .await;
    world.sql("INSERT INTO superseded_verdicts VALUES (1, 1, 3, 1, 'held'), (1, 1, 4, 2, 'held')").await;
    world.sql("UPDATE edge_streams SET verdicts_acked = 3").await;
    assert_eq!(prune(&world).await, Pruned { sessions: 1, verdicts: 1, ..Pruned::default() });
}

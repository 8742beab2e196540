//! The feed's rules: versions under the bucket's lock, content read after it, nothing written for what did not change.

use crate::support::{A, B, World, bucket, id, post};
use mizili_hub::db::q;
use mizili_hub::feed::{FeedError, Touched, prices::touch_window, publish, read};
use mizili_node::testing::wait::until;
use rand::rngs::StdRng;
use rand::{Rng, SeedableRng};
use sqlx::PgConnection;
use std::collections::BTreeMap;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CooperativeId, RegionId, SeriesId};
use sync_protocol::market::{Entity, Listing, Market, Member, Price, PriceSeries};
use sync_protocol::row::{Digest, Key, Row, slot};
use uuid::Uuid;

fn named(cooperative: CooperativeId, member: Uuid) -> Touched {
    let mut touched = Touched::new();
    touched.add(bucket(cooperative), Member::NUMBER, Key::Uuid(member));
    touched
}

async fn rename(conn: &mut PgConnection, member: Uuid, name: &str) {
    q("UPDATE members SET name = $2 WHERE id = $1").bind(member).bind(name).execute(conn).await.unwrap();
}

/// Everything in a bucket after a version, and its head.
async fn after(world: &World, of: Bucket, version: u64) -> (Vec<Row>, u64) {
    let mut tx = world.db.begin().await.unwrap();
    let head = read::heads(&mut tx, &[of]).await.unwrap().get(&of).map_or(0, |h| h.version);
    (read::page_up(&mut tx, of, version, head, 10_000).await.unwrap(), head)
}

#[tokio::test]
async fn a_row_committed_late_is_never_skipped() {
    let world = World::new().await;
    let (early, late) = (world.member(1, A).await, world.member(2, A).await);
    let (_, mut cursor) = after(&world, bucket(A), 0).await;
    // One transaction starts first and writes its row, another overtakes it.
    let mut slow = world.db.begin().await.unwrap();
    rename(&mut slow, early, "early").await;
    let mut fast = world.db.begin().await.unwrap();
    rename(&mut fast, late, "late").await;
    publish(&mut fast, &named(A, late)).await.unwrap();
    // The slow one comes to the feed while the fast one holds the bucket: it has to wait for its version.
    let slow = tokio::spawn(async move {
        publish(&mut slow, &named(A, early)).await.unwrap();
        slow.commit().await.unwrap();
    });
    world.until_waiting(1).await;
    assert_eq!(after(&world, bucket(A), cursor).await.0, [], "nothing is committed yet");
    fast.commit().await.unwrap();
    slow.await.unwrap();
    let mut seen = Vec::new();
    loop {
        let (rows, head) = after(&world, bucket(A), cursor).await;
        if rows.is_empty() {
            break;
        }
        seen.extend(rows.iter().map(|row| row.key));
        cursor = head;
    }
    assert_eq!(seen, [Key::Uuid(late), Key::Uuid(early)]);
    world.assert_feed_equals_tables().await;
}

/// The same with a reader between the two commits: it must find the late row above where it stopped.
#[tokio::test]
async fn a_reader_between_two_commits_finds_the_later_row() {
    let world = World::new().await;
    let (early, late) = (world.member(1, A).await, world.member(2, A).await);
    let mut slow = world.db.begin().await.unwrap();
    rename(&mut slow, early, "early").await;
    let mut fast = world.db.begin().await.unwrap();
    publish(&mut fast, &named(A, late)).await.unwrap();
    fast.commit().await.unwrap();
    let (rows, cursor) = after(&world, bucket(A), 0).await;
    assert!(rows.iter().any(|row| row.key == Key::Uuid(late)));
    publish(&mut slow, &named(A, early)).await.unwrap();
    slow.commit().await.unwrap();
    let (rows, _) = after(&world, bucket(A), cursor).await;
    assert_eq!(rows.iter().map(|row| row.key).collect::<Vec<_>>(), [Key::Uuid(early)]);
}

/// Two transactions each add an entry to one product. Had either encoded the product before it held the lock, the last commit
/// would lack the other's entry for ever.
#[tokio::test]
async fn two_writers_of_one_product_each_encode_before_the_lock() {
    let world = World::new().await;
    let listing = id(50);
    world.rest(crate::support::office(), &post(listing, 10)).await;
    let catalogue = Bucket::Catalogue(RegionId(1));
    let mut touched = Touched::new();
    touched.add(catalogue, Listing::NUMBER, Key::Uuid(listing));
    let entry = |n: i32| {
        q("INSERT INTO stock_entries (of_id, step, listing_id, cooperative_id, holder, quantity_milli, kind)
            VALUES ($1, $2, $1, 1, 0, 1000, 1)")
        .bind(listing)
        .bind(n)
    };
    let mut first = world.db.begin().await.unwrap();
    let mut second = world.db.begin().await.unwrap();
    entry(101).execute(&mut *first).await.unwrap();
    entry(102).execute(&mut *second).await.unwrap();
    publish(&mut first, &touched).await.unwrap();
    let of_second = touched.clone();
    let second = tokio::spawn(async move {
        publish(&mut second, &of_second).await.unwrap();
        second.commit().await.unwrap();
    });
    world.until_waiting(1).await;
    first.commit().await.unwrap();
    second.await.unwrap();
    let (rows, _) = after(&world, catalogue, 0).await;
    let listing = Listing::from_fields(rows[0].key, rows[0].body.as_ref().unwrap()).unwrap();
    let hub_part = listing.available.unwrap().0 / 1000;
    assert_eq!(hub_part, world.available(id(50), sync_protocol::ids::Holder::Hub).await);
    assert_eq!(rows.len(), 1);
}

#[tokio::test]
async fn what_did_not_change_is_not_written() {
    let world = World::new().await;
    let member = world.member(1, A).await;
    let first = world.publish(&named(A, member)).await;
    assert_eq!(world.publish(&named(A, member)).await, first, "the head stays");
    let mut tx = world.db.begin().await.unwrap();
    rename(&mut tx, member, "other").await;
    let moved = publish(&mut tx, &named(A, member)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(moved[0].1, first[0].1 + 1);
}

#[tokio::test]
async fn a_row_in_a_bucket_that_nobody_named_is_an_error() {
    let world = World::new().await;
    let member = world.member(1, B).await;
    let mut tx = world.db.begin().await.unwrap();
    let error = publish(&mut tx, &named(A, member)).await.unwrap_err();
    assert!(matches!(error, FeedError::UnnamedBucket { bucket: Bucket::Coop(B), .. }), "{error}");
}

/// A member moves from A to B: a tombstone in A never touches the row in B.
#[tokio::test]
async fn a_member_who_moves_leaves_a_tombstone_and_stands_in_the_other_bucket() {
    let world = World::new().await;
    let member = world.member(1, A).await;
    world.publish(&named(A, member)).await;
    world.sql("UPDATE members SET cooperative_id = 2").await;
    let mut both = named(A, member);
    both.extend(named(B, member));
    world.publish(&both).await;
    let last = |rows: Vec<Row>| rows.into_iter().rfind(|row| row.key == Key::Uuid(member)).unwrap();
    assert_eq!(last(after(&world, bucket(A), 0).await.0).body, None);
    assert!(last(after(&world, bucket(B), 0).await.0).body.is_some());
    // What no program writes: bytes of a row that is gone are nobody's, and keep no other row of its page.
    let behind = world.member(2, A).await;
    world.publish(&named(A, behind)).await;
    world.sql("UPDATE sync_rows SET payload = '\\x0102' WHERE deleted").await;
    let page = after(&world, bucket(A), 0).await.0;
    assert_eq!(page.last().map(|row| (row.key, row.body.is_some())), Some((Key::Uuid(behind), true)));
    assert_eq!(last(page).body, None);
    // And back again: the tombstone comes to life at a new version.
    world.sql("UPDATE members SET cooperative_id = 1").await;
    world.publish(&both).await;
    assert!(last(after(&world, bucket(A), 0).await.0).body.is_some());
    world.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn two_new_buckets_made_at_once_are_made_once() {
    let world = World::new().await;
    let (one, two) = (world.member(1, A).await, world.member(2, A).await);
    world.sql("DELETE FROM buckets").await;
    world.sql("DELETE FROM sync_rows").await;
    let mut first = world.db.begin().await.unwrap();
    publish(&mut first, &named(A, one)).await.unwrap();
    let mut second = world.db.begin().await.unwrap();
    let second = tokio::spawn(async move {
        let heads = publish(&mut second, &named(A, two)).await.unwrap();
        second.commit().await.unwrap();
        heads
    });
    world.until_waiting(1).await;
    first.commit().await.unwrap();
    assert_eq!(second.await.unwrap(), [(bucket(A), 2)]);
}

#[tokio::test]
async fn only_the_newest_months_of_a_series_stand() {
    let world = World::new().await;
    world.sql("INSERT INTO markets (country, name, region_id) VALUES ('MWI', 'Lilongwe', 1), ('MWI', 'Border', NULL)").await;
    world
        .sql("INSERT INTO price_series (market_id, commodity_id, unit_id, price_type, currency, source, newest_month)
            VALUES (1, 1, 1, 'Retail', 'MWK', 'wfp', 24300), (2, 1, 1, 'Retail', 'MWK', 'wfp', 24250)")
        .await;
    world
        .sql("INSERT INTO prices SELECT s.id, m, 100 + m, 1, 1 FROM price_series s, generate_series(s.newest_month - 49, s.newest_month) m")
        .await;
    let (region, nation) = (Bucket::Region(RegionId(1)), Bucket::Country(crate::support::country()));
    let mut touched = Touched::new();
    for (series, newest, of) in [(1, 24_300, region), (2, 24_250, nation)] {
        touched.add(of, Market::NUMBER, Key::Int(series));
        touched.add(of, PriceSeries::NUMBER, Key::Int(series));
        (newest - 49..=newest).for_each(|month| touched.add(of, Price::NUMBER, Key::Pair(series, month)));
    }
    world.publish(&touched).await;
    let live_months = async |of: Bucket| -> Vec<u32> {
        let (rows, _) = after(&world, of, 0).await;
        let live = rows.into_iter().filter(|row| row.entity == Price::NUMBER && row.body.is_some());
        let mut months: Vec<u32> =
            live.map(|row| if let Key::Pair(_, month) = row.key { month } else { 0 }).collect();
        months.sort_unstable();
        months
    };
    assert_eq!(live_months(region).await, (24_265..=24_300).collect::<Vec<_>>());
    assert_eq!(live_months(nation).await, (24_215..=24_250).collect::<Vec<_>>());
    // Two newer months: two old ones go, and nothing else moves.
    let (_, head) = after(&world, region, 0).await;
    world.sql("INSERT INTO prices VALUES (1, 24301, 9, 1, 2), (1, 24302, 9, 1, 2)").await;
    world.sql("UPDATE price_series SET newest_month = 24302 WHERE id = 1").await;
    let mut touched = Touched::new();
    (24_301..=24_302).for_each(|month| touched.add(region, Price::NUMBER, Key::Pair(1, month)));
    let mut tx = world.db.begin().await.unwrap();
    touch_window(&mut tx, &mut touched, &[SeriesId(1), SeriesId(2)]).await.unwrap();
    publish(&mut tx, &touched).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(live_months(region).await, (24_267..=24_302).collect::<Vec<_>>());
    let (moved, _) = after(&world, region, head).await;
    assert_eq!(moved.len(), 4);
    // Fewer months by the operator's word, then more again.
    for (months, first) in [(12, 24_291), (40, 24_263)] {
        world.sql(format!("UPDATE hub SET price_history_months = {months}")).await;
        let mut touched = Touched::new();
        let mut tx = world.db.begin().await.unwrap();
        touch_window(&mut tx, &mut touched, &[SeriesId(1), SeriesId(2)]).await.unwrap();
        publish(&mut tx, &touched).await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(live_months(region).await, (first..=24_302).collect::<Vec<_>>());
    }
    world.assert_feed_equals_tables().await;
}

/// Sums of what a replica that had walked the whole bucket would hold.
fn recount(rows: &[Row]) -> BTreeMap<u16, Digest> {
    let mut digests: BTreeMap<u16, Digest> = BTreeMap::new();
    for row in rows {
        if let Some(hash) = row.hash() {
            digests.entry(row.entity).or_default().add(hash);
        }
    }
    digests
}

#[tokio::test]
async fn digests_equal_a_recount_under_random_operations() {
    let world = World::new().await;
    for seed in 0..3 {
        let mut random = StdRng::seed_from_u64(seed);
        world.sql("DELETE FROM members").await;
        for step in 0..60 {
            let mut tx = world.db.begin().await.unwrap();
            let mut touched = Touched::new();
            for _ in 0..random.random_range(1..6) {
                let member = id(random.random_range(1..12));
                let cooperative = if random.random() { 1 } else { 2 };
                match random.random_range(0..4) {
                    0 => q("DELETE FROM members WHERE id = $1").bind(member),
                    1 => q("UPDATE members SET cooperative_id = $2 WHERE id = $1").bind(member).bind(cooperative),
                    2 => q("UPDATE members SET name = $2 WHERE id = $1").bind(member).bind(step.to_string()),
                    _ => q("INSERT INTO members (id, cooperative_id, name, phone, language, registered_at_s)
                            VALUES ($1, $2, 'M', ('x' || right(replace($1::text, '-', ''), 6))::bit(24)::int, 'en', 0) ON CONFLICT DO NOTHING")
                        .bind(member)
                        .bind(cooperative),
                }
                .execute(&mut *tx)
                .await
                .unwrap();
                touched.extend(named(A, member));
                touched.extend(named(B, member));
            }
            publish(&mut tx, &touched).await.unwrap();
            if random.random_range(0..5) == 0 {
                tx.rollback().await.unwrap();
            } else {
                tx.commit().await.unwrap();
            }
        }
        for of in [bucket(A), bucket(B)] {
            let (rows, head) = after(&world, of, 0).await;
            let mut tx = world.db.begin().await.unwrap();
            let stored = read::heads(&mut tx, &[of]).await.unwrap().remove(&of).unwrap();
            assert_eq!(
                stored.digests.iter().collect::<BTreeMap<_, _>>(),
                recount(&rows),
                "seed {seed}, {of}"
            );
            assert!(rows.windows(2).all(|two| two[0].version < two[1].version));
            assert_eq!(rows.last().unwrap().version, head);
        }
        world.sql("DELETE FROM sync_rows WHERE entity = 8").await;
        mizili_hub::feed::check::compare_all(&world.db, &world.deps).await.unwrap();
    }
}

#[tokio::test]
async fn pages_up_and_down_and_slots_bring_the_same_rows() {
    let world = World::new().await;
    let mut touched = Touched::new();
    for n in 1..=700 {
        world.member(n, A).await;
        touched.extend(named(A, id(n)));
    }
    world.publish(&touched).await;
    world.sql(format!("DELETE FROM members WHERE id = '{}'", id(5))).await;
    world.publish(&named(A, id(5))).await;
    let (all, head) = after(&world, bucket(A), 0).await;
    let mut tx = world.db.begin().await.unwrap();
    let (mut up, mut at) = (Vec::new(), 0);
    while at < head {
        let page = read::page_up(&mut tx, bucket(A), at, head, 97).await.unwrap();
        at = if page.len() == 97 { page[96].version } else { head };
        up.extend(page);
    }
    assert_eq!(up, all);
    let (mut down, mut at) = (Vec::new(), head);
    while at > 0 {
        let page = read::page_down(&mut tx, bucket(A), at, 97).await.unwrap();
        at = if page.len() == 97 { page[96].version - 1 } else { 0 };
        down.extend(page);
    }
    down.reverse();
    let live: Vec<Row> = all.into_iter().filter(|row| row.body.is_some()).collect();
    assert_eq!(down, live);
    let members: Vec<&Row> = live.iter().filter(|row| row.entity == Member::NUMBER).collect();
    assert_eq!(members.len(), 699);
    let sums = read::slot_sums(&mut tx, bucket(A), Member::NUMBER, &[]).await.unwrap();
    let total = sums.iter().fold(0u64, |sum, slot| sum.wrapping_add(*slot));
    let heads = read::heads(&mut tx, &[bucket(A)]).await.unwrap();
    assert!(heads[&bucket(A)].sums().contains(&(Member::NUMBER, total)));
    let of = slot(Member::NUMBER, members[0].key);
    let within = read::slot_sums(&mut tx, bucket(A), Member::NUMBER, &of[..1]).await.unwrap();
    assert_eq!(within.iter().fold(0u64, |sum, slot| sum.wrapping_add(*slot)), sums[usize::from(of[0])]);
    let rows = read::slot_rows(&mut tx, bucket(A), Member::NUMBER, of).await.unwrap();
    let expected: Vec<Row> =
        members.into_iter().filter(|row| slot(Member::NUMBER, row.key) == of).cloned().collect();
    assert_eq!(rows, expected);
}

#[tokio::test]
async fn a_listing_posted_while_its_cooperatives_region_changes_has_the_new_one() {
    let world = World::new().await;
    let mut posting = world.db.begin().await.unwrap();
    q("INSERT INTO listings (id, cooperative_id, commodity_id, unit_id, title, price_minor, currency, status, posted_at_s)
        VALUES ('00000000-0000-0000-0000-000000000001', 1, 1, 1, '', 1, 'MWK', 0, 0)")
    .execute(&mut *posting)
    .await
    .unwrap();
    tokio::join!(world.sql("UPDATE cooperatives SET region_id = 2 WHERE id = 1"), async {
        // Where nothing waits, the change is done before the posting is.
        let changed = "SELECT count(*) FROM cooperatives WHERE id = 1 AND region_id = 2";
        tokio::select! {
            () = world.until_waiting(1) => {}
            () = until(async || world.number(changed).await == 1) => {}
        }
        posting.commit().await.unwrap();
    });
    assert_eq!(world.number("SELECT region_id::bigint FROM listings").await, 2);
}

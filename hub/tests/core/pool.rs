//! The hub's connections on real Postgres: what was broken off leaves nothing for whoever gets the connection next.

use crate::support::World;
use mizili_hub::db::holders::longest_held;
use mizili_hub::db::{Db, is_transient, q, q_scalar};
use mizili_node::testing::wait::in_time;
use sqlx::PgConnection;
use std::time::Duration;

/// A hub's database over one connection, so that everybody gets the same.
async fn one(world: &World) -> Db {
    let url = world.db.direct_url();
    Db::connect_with(url, url, 1).await.unwrap()
}

async fn session(conn: &mut PgConnection) -> i32 {
    q_scalar("SELECT pg_backend_pid()").fetch_one(conn).await.unwrap()
}

async fn session_of(db: &Db) -> i32 {
    let mut tx = db.begin().await.unwrap();
    let session = session(&mut tx).await;
    tx.commit().await.unwrap();
    session
}

#[tokio::test]
async fn what_was_not_committed_is_gone_before_the_next_gets_the_connection() {
    let world = World::new().await;
    let db = one(&world).await;
    let first = session_of(&db).await;
    let mut tx = db.begin().await.unwrap();
    q("UPDATE cooperatives SET name = 'nobody' WHERE id = 1").execute(&mut *tx).await.unwrap();
    drop(tx);
    let mut tx = db.begin().await.unwrap();
    assert_eq!(session(&mut tx).await, first, "it is lent again");
    let renamed: i64 = q_scalar("SELECT count(*) FROM cooperatives WHERE name = 'nobody'")
        .fetch_one(&mut *tx)
        .await
        .unwrap();
    assert_eq!(renamed, 0);
    // In a failed transaction too.
    assert!(q("SELECT 1 / 0").execute(&mut *tx).await.is_err());
    drop(tx);
    assert_eq!(session_of(&db).await, first);
    let failed: Result<(), _> = db
        .read(&world.deps, |mut conn| async move { q("SELECT 1 / 0").execute(&mut *conn).await.map(drop) })
        .await;
    assert!(failed.is_err());
    assert_eq!(session_of(&db).await, first);
    // What was rolled back holds no lock.
    world.sql("UPDATE cooperatives SET name = 'somebody' WHERE id = 1").await;
}

#[tokio::test]
async fn whoever_goes_away_in_the_middle_leaves_the_connection_to_the_next() {
    let world = World::new().await;
    let db = one(&world).await;
    let first = session_of(&db).await;
    let mut locked = world.db.begin().await.unwrap();
    q("LOCK TABLE units").execute(&mut *locked).await.unwrap();
    let waits = tokio::spawn({
        let (db, deps) = (db.clone(), world.deps.clone());
        async move {
            let read = db.read(&deps, |mut conn| async move {
                q_scalar::<i64>("SELECT count(*) FROM units").fetch_one(&mut *conn).await
            });
            read.await
        }
    });
    world.until_waiting(1).await;
    waits.abort();
    assert!(waits.await.unwrap_err().is_cancelled());
    locked.commit().await.unwrap();
    assert_eq!(session_of(&db).await, first);
}

#[tokio::test]
async fn a_connection_that_was_lost_while_it_lay_there_fails_nobody_and_a_closed_hub_lends_none() {
    let world = World::new().await;
    let db = one(&world).await;
    let first = session_of(&db).await;
    let mut tx = world.db.begin().await.unwrap();
    let ended = q("SELECT pg_terminate_backend($1, 5000)").bind(first).execute(&mut *tx).await;
    ended.unwrap();
    tx.commit().await.unwrap();
    assert_ne!(session_of(&db).await, first);
    db.close().await;
    assert!(matches!(db.begin().await, Err(sqlx::Error::PoolClosed)));
    let mut tx = world.db.begin().await.unwrap();
    let left = "SELECT count(*) FROM pg_stat_activity WHERE pid = $1";
    assert_eq!(q_scalar::<i64>(left).bind(first).fetch_one(&mut *tx).await.unwrap(), 0);
}

#[tokio::test]
async fn who_is_impatient_waits_for_no_lock_and_the_next_is_patient_again() {
    let world = World::new().await;
    let db = one(&world).await;
    let mut locked = world.db.begin().await.unwrap();
    q("LOCK TABLE units").execute(&mut *locked).await.unwrap();
    let mut tx = db.begin_impatient().await.unwrap();
    let refused = in_time(q("SELECT 1 FROM units").execute(&mut *tx)).await.unwrap_err();
    assert!(is_transient(&refused), "{refused}");
    drop(tx);
    let mut tx = db.begin().await.unwrap();
    let patience: String =
        q_scalar("SELECT current_setting('lock_timeout')").fetch_one(&mut *tx).await.unwrap();
    assert_eq!(patience, "5s");
    tx.commit().await.unwrap();
    let mut tx = db.begin_snapshot().await.unwrap();
    let patience: String =
        q_scalar("SELECT current_setting('lock_timeout')").fetch_one(&mut *tx).await.unwrap();
    assert_eq!(patience, "0", "it ends with its transaction");
}

/// Who changes something may wait for others for long; whoever only looks does not wait for them.
#[tokio::test]
async fn a_connection_is_left_to_those_who_read() {
    let world = World::new().await;
    let url = world.db.direct_url();
    let db = Db::connect_with(url, url, 4).await.unwrap();
    let mut changing = Vec::new();
    for _ in 0..3 {
        changing.push(db.begin().await.unwrap());
    }
    let none_left = in_time(db.begin()).await.unwrap_err();
    assert!(matches!(none_left, sqlx::Error::PoolTimedOut), "{none_left}");
    let read =
        db.read(&world.deps, |mut conn| async move { q("SELECT 1").execute(&mut *conn).await.map(drop) });
    in_time(read).await.unwrap();
    in_time(db.ping()).await.unwrap();
    in_time(db.begin_snapshot()).await.unwrap();
    changing.pop();
    in_time(db.begin()).await.unwrap();
}

/// Few look at once on a machine of few cores.
#[tokio::test]
async fn looks_that_were_broken_off_keep_nobody_from_looking() {
    let world = World::new().await;
    let url = world.db.direct_url();
    let db = Db::connect_with(url, url, 16).await.unwrap();
    let mut locked = world.db.begin().await.unwrap();
    q("LOCK TABLE units").execute(&mut *locked).await.unwrap();
    let look = |what: &'static str| {
        let (db, deps) = (db.clone(), world.deps.clone());
        async move { db.read(&deps, |mut conn| async move { q(what).execute(&mut *conn).await.map(drop) }).await }
    };
    let waiting: Vec<_> = (0..8).map(|_| tokio::spawn(look("SELECT FROM units"))).collect();
    world.until_waiting(8).await;
    in_time(db.begin()).await.unwrap();
    for looks in waiting {
        looks.abort();
        assert!(looks.await.unwrap_err().is_cancelled());
    }
    in_time(look("SELECT 1")).await.unwrap();
    locked.commit().await.unwrap();
}

#[tokio::test]
async fn who_holds_something_is_named_and_nobody_who_only_reads() {
    let world = World::new().await;
    let held = async |at_least| longest_held(&world.db, at_least).await.unwrap();
    assert_eq!(held(Duration::ZERO).await, None, "whoever asks is not meant");
    let (db, reader) = (one(&world).await, one(&world).await);
    let mut reads = reader.begin().await.unwrap();
    q("SELECT FROM cooperatives").execute(&mut *reads).await.unwrap();
    assert_eq!(held(Duration::ZERO).await, None);
    let mut holds = db.begin().await.unwrap();
    let session = session(&mut holds).await;
    q("SELECT FROM cooperatives WHERE id = 1 FOR UPDATE").execute(&mut *holds).await.unwrap();
    let found = held(Duration::ZERO).await.unwrap();
    assert_eq!(found.session, session);
    assert!(found.open_s.is_some_and(|s| (0..3_600).contains(&s)), "{found:?}");
    assert_eq!(held(Duration::from_secs(3_600)).await, None);
    drop((reads, holds));
}

//! Statements that are prepared once and kept, on real Postgres: what is done when they are gone or outdated. In a program of its
//! own, since how statements are sent is one switch for a process. (What a pooler does to them: `pgbouncer/`.)
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use mizili_hub::db::{Db, Statements, q, q_scalar, statements};
use mizili_hub::testing::postgres::{TemplateKey, TestPostgres};
use mizili_node::deps::Deps;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::path::Path;

async fn run(conn: &mut PgConnection, sql: &str) {
    sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(conn).await.unwrap();
}

/// What the hub asks for, over and over.
async fn crops(db: &Db, deps: &Deps) -> Vec<String> {
    let read = db.read(deps, |mut conn| async move {
        q_scalar("SELECT name FROM crops ORDER BY name").fetch_all(&mut *conn).await
    });
    read.await.unwrap()
}

#[tokio::test]
async fn a_changed_table_is_nobodys_fault_and_a_second_time_ends_prepared_statements() {
    let nothing = |_| async { Ok::<_, sqlx::Error>(()) };
    let postgres = TestPostgres::new(&TemplateKey::of_parts("bare", [""]), nothing).await.unwrap();
    let db = Db::connect_with(postgres.url(), postgres.url(), 4).await.unwrap();
    let deps = Deps::real();
    let mut operator = PgConnection::connect(postgres.url()).await.unwrap();
    run(&mut operator, "CREATE TABLE crops (name text); INSERT INTO crops VALUES ('beans'), ('maize')").await;

    assert!(!statements::are_named(), "before anybody knows whether a pooler stands between");
    db.settle_statements(&deps, Statements::Auto).await.unwrap();
    assert!(statements::are_named(), "nothing stands between");
    // One connection alone: a pool of several may give another to who comes next.
    let one = Db::connect_with(postgres.url(), postgres.url(), 1).await.unwrap();
    for _ in 0..3 {
        assert_eq!(crops(&one, &deps).await, ["beans", "maize"]);
    }
    let kept = one.read(&deps, |mut conn| async move {
        q_scalar::<i64>("SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE 'SELECT name FROM crops%' AND NOT from_sql")
            .fetch_one(&mut *conn)
            .await
    });
    assert_eq!(kept.await.unwrap(), 1, "prepared once on the connection that is used again");
    one.close().await;
    // Several at once, so that several connections have the statement.
    for names in futures_util::future::join_all((0..4).map(|_| crops(&db, &deps))).await {
        assert_eq!(names, ["beans", "maize"]);
    }

    run(&mut operator, "ALTER TABLE crops ALTER name TYPE varchar(80)").await;
    let all = (0..12).map(|_| crops(&db, &deps));
    for names in futures_util::future::join_all(all).await {
        assert_eq!(names, ["beans", "maize"]);
    }
    assert!(statements::are_named(), "once, however many connections had it");

    run(&mut operator, "ALTER TABLE crops ALTER name TYPE text").await;
    assert_eq!(crops(&db, &deps).await, ["beans", "maize"]);
    assert!(!statements::are_named(), "the second time");
    run(&mut operator, "ALTER TABLE crops ALTER name TYPE varchar(80)").await;
    assert_eq!(crops(&db, &deps).await, ["beans", "maize"], "nothing is outdated any more");

    let one = Db::connect_with(postgres.url(), postgres.url(), 1).await.unwrap();
    a_swapped_session_fails_nobody(&one, &deps).await;
    one.close().await;

    // A connection that was lost in the pool: neither who reads nor who begins a transaction notices.
    for named in [Statements::Named, Statements::Unnamed] {
        db.settle_statements(&deps, named).await.unwrap();
        futures_util::future::join_all((0..4).map(|_| crops(&db, &deps))).await;
        run(&mut operator, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").await;
        assert_eq!(crops(&db, &deps).await, ["beans", "maize"]);
        run(&mut operator, "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()").await;
        let mut tx = db.begin().await.unwrap();
        q("SELECT 1").execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }
}

/// Statements that a connection should have and has not, and names that somebody else has given: what a pooler does that swaps
/// sessions under who asks.
async fn a_swapped_session_fails_nobody(db: &Db, deps: &Deps) {
    let names: String = (1..40).map(|n| format!("PREPARE sqlx_s_{n} AS SELECT 1;")).collect();
    for swap in ["DEALLOCATE ALL".to_owned(), format!("DEALLOCATE ALL; {names}")] {
        db.settle_statements(deps, Statements::Named).await.unwrap();
        assert_eq!(crops(db, deps).await, ["beans", "maize"]);
        let mut tx = db.begin().await.unwrap();
        run(&mut tx, &swap).await;
        tx.commit().await.unwrap();
        let read = db.read(deps, |mut conn| async move {
            q_scalar::<i64>("SELECT count(*) FROM crops").fetch_one(&mut *conn).await
        });
        assert_eq!((read.await.unwrap(), crops(db, deps).await.len()), (2, 2), "after {swap}");
        assert!(!statements::are_named(), "it was noticed");
    }
}

/// Places in a source text where a statement's text is given.
fn texts(folder: &Path) -> usize {
    let count = |file: &Path| {
        let text = std::fs::read_to_string(file).unwrap();
        ["q(", "q_scalar("]
            .iter()
            .flat_map(|call| text.match_indices(call))
            .filter(|(at, _)| !text[..*at].ends_with(|c: char| c.is_alphanumeric() || c == '_'))
            .count()
    };
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.map(|path| if path.is_dir() { texts(&path) } else { count(&path) }).sum()
}

#[test]
fn a_connection_keeps_more_statements_than_there_are_texts() {
    let texts = texts(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"));
    assert!(texts > 100, "the search finds them: {texts}");
    assert!(texts < statements::KEPT_MAX / 2, "{texts} texts beside those of lists: raise KEPT_MAX");
}

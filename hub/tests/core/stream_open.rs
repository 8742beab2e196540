//! Verdicts that are still open: what waits behind them, and how they end.

use crate::support::{
    A, B, EDGE, STREAM, World, caller, cancel, command, id, office, order_of, place, post, raw, user, word,
};
use mizili_hub::commands::stream::{
    Quarantined, dismiss, retry_all_held, retry_all_open, retry_all_quarantined, retry_open,
    retry_quarantined, take_batch,
};
use mizili_hub::jobs;
use mizili_node::testing::log::Log;
use sync_protocol::ids::Holder;
use sync_protocol::market::{Adjustment, Body, Command, RawBody, Source, StockAdjust};
use tracing::Level;

const POISON: &str = "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.buyer_name = 'Poison' THEN RAISE EXCEPTION 'planted poison'; END IF; RETURN NEW; END $$;
    CREATE TRIGGER poison BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION poison()";

fn poisoned(seq: u64) -> Command {
    let sync_protocol::market::Body::OrderPlace(order) = place(id(50), 2, Source::Held) else {
        unreachable!()
    };
    let body = sync_protocol::market::OrderPlace { buyer_name: "Poison".into(), ..order };
    command(seq, caller(7_000_000_001), &body.into())
}

/// Post, a poisoned order and its cancellation, an order of somebody else.
async fn world_with_a_quarantined_order() -> World {
    let world = World::new().await;
    world.sql(POISON).await;
    world
        .take(vec![
            command(1, office(), &post(id(50), 20)),
            poisoned(2),
            command(3, caller(7_000_000_001), &cancel(order_of(2))),
            command(4, caller(7_000_000_002), &place(id(50), 1, Source::Held)),
        ])
        .await
        .unwrap();
    // Another batch, so that what waits is found in the database.
    world
        .take(vec![
            command(5, office(), &cancel(order_of(2))),
            command(6, caller(7_000_000_002), &cancel(order_of(4))),
        ])
        .await
        .unwrap();
    assert_eq!(world.last_words().await, ["applied", "quarantined", "held", "applied", "held", "applied"]);
    world
}

#[tokio::test]
async fn what_needs_a_quarantined_order_waits_and_is_applied_after_it() {
    let world = world_with_a_quarantined_order().await;
    assert_eq!(retry_open(&world.db, &world.deps, EDGE).await.unwrap(), 0, "the blocker still stands");
    assert_eq!(retry_quarantined(&world.db, &world.deps, STREAM, 2).await.unwrap(), 0, "it breaks again");
    assert_eq!(world.verdicts().await.len(), 6);
    world.sql("DROP TRIGGER poison ON orders").await;
    assert_eq!(retry_quarantined(&world.db, &world.deps, STREAM, 2).await.unwrap(), 3);
    assert_eq!(world.last_words().await, ["applied"; 6]);
    // The order was placed and cancelled, once.
    assert_eq!(world.available(id(50), Holder::Edge(EDGE)).await, 10);
    let given: Vec<(u64, &str)> =
        world.verdicts().await.iter().map(|v| (v.seq, v.verdict.as_str())).collect();
    assert_eq!(
        given[1],
        (2, "quarantined"),
        "what was said before is still sent, so that numbers have no gap"
    );
    assert_eq!(given[6..], [(2, "applied"), (3, "applied"), (5, "applied")]);
    world.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn verdicts_that_were_acknowledged_are_not_kept_when_they_change() {
    let world = world_with_a_quarantined_order().await;
    world.sql("UPDATE edge_streams SET verdicts_acked = 6").await;
    world.sql("DROP TRIGGER poison ON orders").await;
    retry_quarantined(&world.db, &world.deps, STREAM, 2).await.unwrap();
    assert_eq!(world.number("SELECT count(*) FROM superseded_verdicts").await, 0);
    let mut tx = world.db.begin().await.unwrap();
    let after = mizili_hub::commands::stream::verdicts_after(&mut tx, EDGE, 1, 6, 10).await.unwrap();
    assert_eq!(after.iter().map(|v| v.number).collect::<Vec<_>>(), [7, 8, 9]);
}

#[tokio::test]
async fn a_dismissed_command_frees_what_waited_behind_it() {
    let world = world_with_a_quarantined_order().await;
    assert_eq!(dismiss(&world.db, &world.deps, STREAM, 2).await.unwrap(), 3);
    assert_eq!(
        world.last_words().await,
        ["applied", "dismissed", "applied", "applied", "applied", "applied"]
    );
    assert_eq!(
        world.available(id(50), Holder::Edge(EDGE)).await,
        10,
        "an order that was never placed gives nothing back"
    );
    assert_eq!(dismiss(&world.db, &world.deps, STREAM, 2).await.unwrap(), 0, "it is final");
    assert_eq!(world.number("SELECT count(*) FROM commands WHERE verdict = 'quarantined'").await, 0);
}

/// A count that a newer edge sends in a form this hub does not know yet: sales of that product wait, since what they may spend
/// is not known; all else goes on.
#[tokio::test]
async fn an_unknown_command_waits_with_what_needs_it_until_the_hub_knows_it() {
    let world = World::new().await;
    let intake = StockAdjust {
        listing: id(50),
        found: Adjustment::Intake(5_000),
        reason: String::new(),
        undoes: None,
    };
    let body = sync_protocol::market::Body::from(intake).to_raw();
    world
        .take(vec![
            command(1, office(), &post(id(50), 4)),
            command(2, office(), &post(id(51), 4)),
            raw(3, office(), RawBody { kind: 999, ..body.clone() }),
            command(4, caller(7_000_000_001), &place(id(50), 6, Source::Held)),
            command(5, caller(7_000_000_001), &place(id(51), 1, Source::Held)),
        ])
        .await
        .unwrap();
    assert_eq!(world.last_words().await, ["applied", "applied", "unsupported", "held", "applied"]);
    assert_eq!(retry_open(&world.db, &world.deps, EDGE).await.unwrap(), 0);
    // The hub's version rises: 999 means what 7 does.
    world.sql("UPDATE commands SET kind = 7 WHERE kind = 999").await;
    assert_eq!(retry_open(&world.db, &world.deps, EDGE).await.unwrap(), 2);
    assert_eq!(world.last_words().await, ["applied"; 5]);
    let short = world.number("SELECT count(*) FROM commands WHERE short").await;
    assert_eq!(short, 0, "the intake counted before the sale");
    assert_eq!(world.available(id(50), Holder::Edge(EDGE)).await, 1);
    world.assert_feed_equals_tables().await;
}

/// More open commands than one batch holds, with a quarantined one among them and one that breaks when it is tried.
#[tokio::test]
async fn many_open_commands_are_tried_in_order_across_batches() {
    let world = World::new().await;
    let order = |n: i64| place(id(50), n, Source::Held).to_raw();
    let mut commands = vec![command(1, office(), &post(id(50), 10_000))];
    for seq in 2..=1_500 {
        commands.push(raw(seq, caller(7_000_000_001), RawBody { kind: 999, ..order(1) }));
    }
    commands.push(command(1_501, caller(7_000_000_001), &cancel(order_of(1_500))));
    let mut rest = commands.split_off(1_000);
    world.take(commands).await.unwrap();
    rest[10] = Command { body: RawBody { kind: 998, ..poisoned(1_011).body }, ..rest[10].clone() };
    world.take(rest).await.unwrap();
    world.sql(POISON).await;
    world.sql("UPDATE commands SET kind = 5 WHERE kind IN (998, 999)").await;
    world.sql("UPDATE commands SET verdict = 'quarantined' WHERE seq = 700").await;
    assert_eq!(retry_open(&world.db, &world.deps, EDGE).await.unwrap(), 1_499);
    let mut words = world.last_words().await;
    assert_eq!((words.remove(1_010), words.remove(699)), ("quarantined", "quarantined"));
    assert!(words.iter().all(|word| *word == "applied"));
    // 1,499 orders of one, less the two that wait, less the cancelled one.
    assert_eq!(world.available(id(50), Holder::Edge(EDGE)).await, 5_000 - 1_496);
    world.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn nothing_of_a_revoked_edge_is_tried_again_but_what_an_operator_names() {
    let world = world_with_a_quarantined_order().await;
    world.take(vec![raw(7, office(), RawBody { kind: 999, bytes: vec![] })]).await.unwrap();
    world.sql("DROP TRIGGER poison ON orders; UPDATE commands SET ours = true WHERE seq = 2").await;
    // Decided by a hub that knows it: here it is a withdrawal of what is not there.
    world.sql("UPDATE commands SET kind = 5, body = '\\xff' WHERE seq = 7").await;
    world.sql("UPDATE edges SET revoked_at = now()").await;
    let before = world.verdicts().await.len();
    assert_eq!(retry_all_open(&world.db, &world.deps).await.unwrap(), 0);
    for which in [Quarantined::Ours, Quarantined::All] {
        assert_eq!(retry_all_quarantined(&world.db, &world.deps, which).await.unwrap(), []);
    }
    assert_eq!(
        (world.verdicts().await.len(), world.available(id(50), Holder::Edge(EDGE)).await),
        (before, 10)
    );
    // The one that is named, and not what waited for it nor what has nothing to do with it; then all of the edge's.
    assert_eq!(retry_quarantined(&world.db, &world.deps, STREAM, 2).await.unwrap(), 1);
    assert_eq!(retry_open(&world.db, &world.deps, EDGE).await.unwrap(), 3);
    world.assert_feed_equals_tables().await;
}

/// The database takes no verdict on the first edge's commands just now.
#[tokio::test]
async fn one_edges_trouble_keeps_no_other_from_its_turn() {
    let world = World::new().await;
    let edge = world.another_edge(B).await;
    let unknown = |seq| raw(seq, office(), RawBody { kind: 999, bytes: vec![] });
    world.take(vec![unknown(1)]).await.unwrap();
    let other = Command { seq: 1, ..unknown(2) };
    take_batch(&world.db, &world.deps, edge, 1, 1, vec![other]).await.unwrap();
    world
        .sql("CREATE FUNCTION busy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                RAISE EXCEPTION 'busy' USING ERRCODE = 'serialization_failure'; END $$;
            CREATE TRIGGER busy BEFORE UPDATE OF verdict_number ON commands FOR EACH ROW WHEN (NEW.edge_id = 1) EXECUTE FUNCTION busy()")
        .await;
    for (verdict, door) in [("held", 0), ("unsupported", 1), ("quarantined", 2)] {
        // By a hub that knows what they are: withdrawals of what is not there.
        let sql = format!(
            "ALTER TABLE commands DISABLE TRIGGER busy; UPDATE commands SET kind = 5, body = '\\xff', verdict = '{verdict}';
            ALTER TABLE commands ENABLE TRIGGER busy"
        );
        world.sql(sql).await;
        let tried = match door {
            0 => retry_all_held(&world.db, &world.deps).await.map(|_| ()),
            1 => retry_all_open(&world.db, &world.deps).await.map(|_| ()),
            _ => retry_all_quarantined(&world.db, &world.deps, Quarantined::All).await.map(|_| ()),
        };
        assert!(tried.is_err(), "somebody has to hear of it");
        let words = world.texts("SELECT verdict FROM commands ORDER BY edge_id").await;
        assert_eq!(words, [verdict, "rejected"]);
    }
}

/// Between asking which product it is of and locking it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_whose_order_comes_while_it_is_tried_again_waits_on_and_breaks_over_nothing() {
    let world = World::with_an_order().await;
    world
        .sql(
            "CREATE TABLE elsewhere AS TABLE orders; DELETE FROM orders;
            INSERT INTO awaited_offices (edge_id, cooperative_id) VALUES (1, 1)",
        )
        .await;
    world.take(vec![command(1, office(), &cancel(id(60)))]).await.unwrap();
    assert_eq!(world.last_words().await, ["held"]);
    let mut brings = world.db.begin().await.unwrap();
    // Whoever reads orders goes on; whoever locks them waits.
    sqlx::raw_sql("LOCK TABLE orders IN EXCLUSIVE MODE").execute(&mut *brings).await.unwrap();
    let brought = async {
        world.until_waiting(1).await;
        let all = "INSERT INTO orders SELECT * FROM elsewhere; DELETE FROM awaited_offices";
        sqlx::raw_sql(all).execute(&mut *brings).await.unwrap();
        brings.commit().await.unwrap();
    };
    let (tried, ()) = tokio::join!(retry_open(&world.db, &world.deps, EDGE), brought);
    assert_eq!((tried.unwrap(), world.last_words().await), (0, vec!["held"]));
    assert_eq!(retry_open(&world.db, &world.deps, EDGE).await.unwrap(), 1);
    assert_eq!(world.last_words().await, ["applied"]);
    assert_eq!(world.available(id(50), Holder::Hub).await, 10, "given back");
}

/// Two offices after a restore: one offers its posting again, which breaks here; another knows the product, and sells it.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_about_a_product_whose_posting_lies_here_undecided_waits_for_it() {
    for is_mended in [true, false] {
        let world = World::new().await;
        let another = world.another_edge(A).await;
        world
            .sql(
                "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted poison'; END $$;
                CREATE TRIGGER poison BEFORE INSERT ON listings FOR EACH ROW EXECUTE FUNCTION poison()",
            )
            .await;
        world.take(vec![command(1, office(), &post(id(50), 20))]).await.unwrap();
        assert_eq!(world.last_words().await, ["quarantined"]);
        let others = |seq, body: &Body| Command { seq, ..command(100 + seq, office(), body) };
        let order = others(1, &place(id(50), 2, Source::Ask));
        let unheard_of = others(2, &place(id(51), 2, Source::Ask));
        take_batch(&world.db, &world.deps, another, 1, 1, vec![order, unheard_of]).await.unwrap();
        let words = "SELECT verdict FROM commands WHERE edge_id = 2 ORDER BY seq";
        assert_eq!(world.texts(words).await, ["held", "rejected"]);
        // A person at the hub is told what he sees: there is no such product.
        assert_eq!(
            word(&world.rest(user(1), &place(id(50), 1, Source::Ask)).await.verdict),
            "rejected not_found "
        );
        world.sql("DROP TRIGGER poison ON listings").await;
        let (db, deps) = (&world.db, &world.deps);
        if is_mended {
            assert_eq!(jobs::retry_quarantined(db, deps, Quarantined::All).await.unwrap(), 2);
        } else {
            let posting = id(1_000_001).to_string();
            let done = world.told(&["commands", "dismiss", &posting, "--yes"]);
            assert_eq!((&done[0]["decided"], &done[0]["waiting"]), (&2.into(), &0.into()), "of all offices");
        }
        let came_to = if is_mended { "applied" } else { "rejected" };
        assert_eq!(world.texts(words).await, [came_to, "rejected"]);
    }
}

/// What an edge asks for may wait for a posting that lies here undecided; to a person there is no such product, whatever lies here.
#[tokio::test]
async fn people_at_the_hub_ask_no_edges_postings() {
    let world = World::new().await;
    let log = Log::default();
    let _here = log.here_at(Level::DEBUG);
    let asks = || log.take().contains("SELECT body FROM commands");
    let unknown = place(id(50), 1, Source::Ask);
    assert_eq!(word(&world.rest(user(1), &unknown).await.verdict), "rejected not_found ");
    assert!(!asks());
    world.take(vec![command(1, caller(7_000_000_001), &unknown)]).await.unwrap();
    assert!(asks());
}

//! One row that cannot be used stops no job: it is counted, and the others are seen to.

use crate::support::{A, EDGE, World, bucket, caller, command, id, office, place, post, raw};
use mizili_hub::bad_rows::BadRows;
use mizili_hub::commands::stream::{
    Quarantined, desk, dismiss, retry_all_held, retry_all_open, retry_all_quarantined,
};
use mizili_hub::feed::{Touched, check::compare_all};
use mizili_hub::jobs::catalogue;
use mizili_hub::jobs::prune::{ScopeFuture, prune_once};
use sqlx::PgConnection;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::EdgeId;
use sync_protocol::market::{Entity, Member, RawBody, Source};
use sync_protocol::row::Key;
use sync_protocol::session::BucketCursor;
use sync_protocol::wire::message::{cursors_to_bytes, scope_hash};

fn scope_of(_: &mut PgConnection, edge: EdgeId) -> ScopeFuture<'_> {
    Box::pin(async move {
        match edge {
            EdgeId(3) => Err(sqlx::Error::Decode("no country".into())),
            edge => Ok(vec![Bucket::Edge(edge), bucket(A)]),
        }
    })
}

/// The edge has said these cursors.
async fn hears(world: &World, edge: EdgeId, cursors: &[u8]) {
    let scope = scope_hash(&[Bucket::Edge(edge), bucket(A)]).cast_signed();
    let cursors: String = cursors.iter().map(|byte| format!("{byte:02x}")).collect();
    world
        .sql(format!(
            "INSERT INTO edge_streams (edge_id, incarnation, link_random) VALUES ({edge}, 1, '') ON CONFLICT DO NOTHING;
             UPDATE edge_streams SET heard_scope = {scope}, heard_cursors = '\\x{cursors}' WHERE edge_id = {edge};
             UPDATE edges SET last_contact_at = now() + interval '10 years' WHERE id = {edge}"
        ))
        .await;
}

#[tokio::test]
async fn nonsense_of_one_edge_does_not_stop_forgetting_for_all() {
    let world = World::new().await;
    world.sql("INSERT INTO edges (cooperative_id, incarnation) VALUES (1, 1), (2, 1)").await;
    let member = world.member(70, A).await;
    let mut named = Touched::new();
    named.add(bucket(A), Member::NUMBER, Key::Uuid(member));
    world.publish(&named).await;
    world.sql("DELETE FROM members").await;
    let head = world.publish(&named).await[0].1;
    let cursors =
        [Bucket::Edge(EdgeId(2)), bucket(A)].map(|b| BucketCursor { upto: head, ..BucketCursor::new(b) });
    hears(&world, EDGE, &[1]).await;
    hears(&world, EdgeId(2), &cursors_to_bytes(&cursors)).await;
    hears(&world, EdgeId(3), &[]).await;
    catalogue::run_once(&world.db, &world.deps, &mut BadRows::of("test")).await.unwrap();
    world.sql("INSERT INTO edge_sessions VALUES ('\\x01', 1, 1, to_timestamp(0))").await;
    let pruned = prune_once(&world.db, &world.deps, scope_of).await.unwrap();
    assert_eq!((pruned.sessions, pruned.tombstones, pruned.bad), (1, 1, 2));
}

/// An edge and a stream with numbers that no program gives out, and one whose old commands the database does not let go.
#[tokio::test]
async fn an_edge_and_a_stream_that_no_program_made_do_not_stop_forgetting_for_all() {
    let world = World::new().await;
    world.sql("INSERT INTO edges (cooperative_id, incarnation) VALUES (2, 1)").await;
    world
        .sql("INSERT INTO edges (id, cooperative_id, incarnation) OVERRIDING SYSTEM VALUE VALUES (-7, 1, 1)")
        .await;
    hears(&world, EDGE, &[]).await;
    hears(&world, EdgeId(2), &[]).await;
    world
        .sql(
            "INSERT INTO edge_streams (edge_id, incarnation, link_random) VALUES (1, -1, '');
             INSERT INTO edge_streams (edge_id, incarnation, link_random, heard_cursors) VALUES (-7, 1, '', '');
             UPDATE edges SET last_contact_at = now() + interval '10 years' WHERE id = -7;
             INSERT INTO commands (edge_id, incarnation, seq, id, made_at_s, actor_kind, actor_phone, kind, body, body_hash, verdict,
                verdict_number, received_at)
                SELECT e, 1, 1, gen_random_uuid(), 0, 2, 1, 5, '\\x01', '', 'applied', 1, to_timestamp(0) FROM (VALUES (1), (2)) AS v (e);
             CREATE FUNCTION kept() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted'; END $$;
             CREATE TRIGGER kept BEFORE UPDATE ON commands FOR EACH ROW WHEN (OLD.edge_id = 1) EXECUTE FUNCTION kept();
             INSERT INTO edge_sessions VALUES ('\\x01', 1, 1, to_timestamp(0))",
        )
        .await;
    let pruned = prune_once(&world.db, &world.deps, scope_of).await.unwrap();
    assert_eq!((pruned.sessions, pruned.bodies), (1, 1), "{pruned:?}");
    assert!(pruned.bad >= 4, "the edge, its stream, the other one, and what was kept: {pruned:?}");
}

/// Of an edge whose own number cannot be read nothing can be tried.
#[tokio::test]
async fn an_edge_that_no_program_made_does_not_keep_the_others_from_what_they_wait_for() {
    for retry in ["held", "open"] {
        let world = World::new().await;
        world.sql("INSERT INTO edges (id, cooperative_id, incarnation) OVERRIDING SYSTEM VALUE VALUES (-7, 1, 1)").await;
        world.take(vec![command(1, caller(7_000_000_001), &place(id(50), 1, Source::Ask))]).await.unwrap();
        world
            .sql(
                "UPDATE commands SET verdict = 'held';
                 INSERT INTO commands (edge_id, incarnation, seq, id, made_at_s, actor_kind, actor_phone, kind, body, body_hash, verdict, verdict_number)
                 VALUES (-7, 1, 1, gen_random_uuid(), 0, 2, 265991000900, 5, '\\xff', '', 'held', 1)",
            )
            .await;
        let changed = match retry {
            "held" => retry_all_held(&world.db, &world.deps).await,
            _ => retry_all_open(&world.db, &world.deps).await,
        };
        assert_eq!(changed.unwrap(), 1, "{retry}");
        assert_eq!(world.texts("SELECT verdict FROM commands ORDER BY edge_id").await, ["held", "rejected"]);
    }
}

#[tokio::test]
async fn a_damaged_row_and_a_bucket_that_is_none_do_not_stop_the_catalogues() {
    let world = World::new().await;
    world.rest(office(), &post(id(50), 10)).await;
    world.rest(office(), &post(id(51), 10)).await;
    world
        .sql(format!(
            "INSERT INTO buckets (name, version) VALUES ('coop:', 7);
             UPDATE sync_rows SET payload = '\\xff' WHERE bucket = 'coop:1' AND id = '\\x03'::bytea || uuid_send('{}')",
            id(50)
        ))
        .await;
    let mut bad = BadRows::of("test");
    assert!(catalogue::run_once(&world.db, &world.deps, &mut bad).await.unwrap() > 2);
    assert_eq!(bad.count(), 2);
    let listed = world.number(
        "SELECT count(*) FROM sync_rows WHERE bucket = 'catalogue:1' AND entity = 13 AND NOT deleted",
    );
    assert!(listed.await >= 1, "the other listing stands there");
    let behind = world.number(
        "SELECT count(*) FROM buckets b JOIN job_cursors j ON j.bucket = b.name
        WHERE j.job = 'catalogue' AND j.version < b.version",
    );
    assert_eq!(behind.await, 0, "and it goes on after the damaged row");
}

#[tokio::test]
async fn the_check_names_a_row_that_it_cannot_read_and_mends_the_others() {
    let world = World::new().await;
    for n in 50..60 {
        world.rest(office(), &post(id(n), 10)).await;
    }
    world.assert_feed_equals_tables().await;
    world
        .sql(format!(
            "UPDATE listings SET currency = '?' WHERE id = '{}';
             UPDATE listings SET title = 'x' WHERE id = '{}';
             INSERT INTO sync_rows VALUES ('coop:1', 13, '\\xffff', 90000, false, decode(repeat('00', 16), 'hex'), '')",
            id(53),
            id(57),
        ))
        .await;
    let report = compare_all(&world.db, &world.deps).await.unwrap();
    // In the cooperative's bucket; and in the catalogue, which its job has not got to yet.
    assert_eq!((report.stale, report.late), (1, 1), "{report:?}");
    assert!(report.bad >= 2, "{report:?}");
    let again = compare_all(&world.db, &world.deps).await.unwrap();
    assert_eq!((again.stale, again.late), (0, 0), "the other rows were mended: {again:?}");
    assert!(again.bad >= 2, "{again:?}");
}

#[tokio::test]
async fn an_edge_whose_open_command_cannot_be_read_does_not_keep_the_others_from_theirs() {
    let world = World::new().await;
    world
        .sql(
            "INSERT INTO edges (cooperative_id, incarnation) VALUES (2, 1);
             INSERT INTO edge_streams (edge_id, incarnation, link_random) VALUES (2, 1, '');
             INSERT INTO commands (edge_id, incarnation, seq, id, made_at_s, actor_kind, actor_phone, kind, body, body_hash, verdict, verdict_number)
             VALUES (2, 1, 1, gen_random_uuid(), 0, 2, 265991000900, 5, '\\xff', '', 'unsupported', 1);
             UPDATE edge_streams SET applied_seq = 1, last_verdict = 1 WHERE edge_id = 2",
        )
        .await;
    world.take(vec![raw(1, office(), RawBody { kind: 999, bytes: vec![0x80] })]).await.unwrap();
    // No program wrote this.
    world.sql("UPDATE commands SET kind = 70000 WHERE edge_id = 1").await;
    assert_eq!(retry_all_open(&world.db, &world.deps).await.unwrap(), 1);
    assert_eq!(world.texts("SELECT verdict FROM commands WHERE edge_id = 2").await, ["rejected"]);
}

/// Two quarantined commands of two edges, of which the first cannot be read.
async fn a_command_that_no_program_wrote() -> World {
    let world = World::new().await;
    world
        .sql(
            "INSERT INTO edges (cooperative_id, incarnation) VALUES (2, 1);
             INSERT INTO edge_streams (edge_id, incarnation, link_random, applied_seq, last_verdict) VALUES (2, 1, '', 1, 1);
             UPDATE edge_streams SET applied_seq = 1, last_verdict = 1 WHERE edge_id = 1;
             INSERT INTO commands (edge_id, incarnation, seq, id, made_at_s, actor_kind, actor_phone, kind, body, body_hash, verdict, verdict_number, ours)
             VALUES (1, 1, 1, gen_random_uuid(), 0, 2, 265991000900, 70000, '', '', 'quarantined', 1, true),
                (2, 1, 1, gen_random_uuid(), 0, 2, 265991000900, 5, '\\xff', '', 'quarantined', 1, true),
                (1, -1, 7, gen_random_uuid(), 0, 2, 265991000900, 5, '\\xff', '', 'quarantined', 9, true)",
        )
        .await;
    world
}

#[tokio::test]
async fn a_quarantined_command_that_cannot_be_read_does_not_keep_the_others_from_theirs() {
    for which in [Quarantined::Ours, Quarantined::All] {
        let world = a_command_that_no_program_wrote().await;
        assert_eq!(retry_all_quarantined(&world.db, &world.deps, which).await.unwrap(), [(EdgeId(2), 1)]);
        assert_eq!(world.texts("SELECT verdict FROM commands WHERE edge_id = 2").await, ["rejected"]);
    }
}

#[tokio::test]
async fn a_command_that_cannot_be_read_is_named_among_the_others() {
    let world = a_command_that_no_program_wrote().await;
    let listed = desk::list(&world.db, None).await.unwrap();
    let shown: Vec<_> = listed.iter().map(|w| (w.edge, w.seq, w.state.as_str(), w.kind.as_str())).collect();
    assert_eq!(
        shown,
        [
            (1, 7, "unreadable", ""),
            (1, 1, "quarantined", "70000"),
            (2, 1, "quarantined", listed[2].kind.as_str())
        ]
    );
    assert!(listed[0].error.as_ref().unwrap().contains("commands.incarnation"), "{listed:?}");
}

#[tokio::test]
async fn a_command_that_cannot_be_read_is_shown_as_far_as_it_can_and_put_aside() {
    let world = a_command_that_no_program_wrote().await;
    for waiting in desk::list(&world.db, None).await.unwrap().into_iter().filter(|waiting| waiting.seq == 1) {
        let shown = desk::show(&world.db, waiting.id).await.unwrap().unwrap();
        let read = (shown.waiting.state.as_str(), shown.says, shown.body.as_str());
        assert_eq!(read, ("quarantined", None, if waiting.edge == 2 { "ff" } else { "" }));
        let (stream, seq) = desk::place(&waiting);
        assert_eq!(dismiss(&world.db, &world.deps, stream, seq).await.unwrap(), 1);
    }
    let unreadable = &desk::list(&world.db, None).await.unwrap()[0];
    assert_eq!(desk::show(&world.db, unreadable.id).await.unwrap().unwrap().waiting.state, "unreadable");
    assert_eq!(
        world.texts("SELECT verdict FROM commands ORDER BY seq, edge_id").await,
        ["dismissed", "dismissed", "quarantined"]
    );
    assert_eq!(desk::count(&world.db).await.unwrap(), 1);
}

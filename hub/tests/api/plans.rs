//! Plans that are kept. Postgres may make one plan for every use of a statement; on as many rows as a country has, that plan must
//! walk along the index that was made for it, and never read a large table from end to end.

use crate::NOUNS;
use crate::noun::{Walk, World};
use crate::support::{CONNECTIONS, TestHub, Who};
use mizili_hub::commands::stream::{take_batch, verdicts_after};
use mizili_hub::db::{Db, q_scalar};
use mizili_hub::feed::read;
use serde_json::json;
use sqlx::{AssertSqlSafe, PgConnection, Row};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::RangeInclusive;
use std::sync::Arc;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CommandId, CooperativeId, EdgeId, hub_born};
use sync_protocol::market::{
    Actor, ActorKind, Body, Command, ListingWithdraw, OrderCancel, OrderPlace, Source,
};

/// Beside what the nouns fill, as the bench has it: people whom offices keep, and what the hub keeps for offices.
const OFFICES: &str = "
    INSERT INTO members (id, cooperative_id, name, phone, language, registered_at_s)
        SELECT gen_random_uuid(), 1 + n % 2000, 'M', 265770000000 + n, 'ny', 0 FROM generate_series(1, 20000) n;
    INSERT INTO member_aliases (from_id, to_id, cooperative_id) SELECT gen_random_uuid(), id, cooperative_id FROM members;
    INSERT INTO buckets (name, version) SELECT 'coop:' || n, 20 FROM generate_series(1, 2000) n ON CONFLICT DO NOTHING;
    INSERT INTO sync_rows (bucket, entity, id, version, deleted, hash, payload)
        SELECT 'coop:' || 1 + n % 2000, 11, decode(lpad(to_hex(n), 16, '0'), 'hex'), n, false, '', '' FROM generate_series(1, 40000) n;
    INSERT INTO edges (cooperative_id, incarnation, enrolled_at) SELECT n, 1, now() FROM generate_series(1, 500) n;
    INSERT INTO edge_streams (edge_id, incarnation, link_random, exchange) SELECT n, 1, '', 1 FROM generate_series(1, 500) n;
    INSERT INTO commands (edge_id, incarnation, seq, id, made_at_s, actor_kind, actor_phone, kind, body, body_hash, verdict, verdict_number)
        SELECT 2 + n % 400, 1, n, gen_random_uuid(), 0, 0, 0, 1, '', '', 'applied', n FROM generate_series(1, 20000) n;
    INSERT INTO commands (edge_id, incarnation, seq, id, made_at_s, actor_kind, actor_phone, kind, body, body_hash, verdict, verdict_number)
        SELECT 2 + n % 400, 1, 20000 + n, gen_random_uuid(), 0, 0, 0, 2, uuid_send(gen_random_uuid()), '', 'quarantined', 20000 + n
            FROM generate_series(1, 20000) n;
    INSERT INTO salvaged_rows (epoch, bucket, entity, id, version, payload, edge_id, stands)
        SELECT 2, 'coop:' || n % 500, 14, '\\x03'::bytea || uuid_send(gen_random_uuid()), n, '', 1 + n % 500, false
            FROM generate_series(1, 20000) n;";

/// So many rows make a table large: no kept statement may read it from end to end.
const LARGE: u32 = 1_000;

/// Tables that are no noun's: a row or a few for an office, an import or an operator's act, what is gone when its work is done, and what is
/// only written where something has gone wrong. Each other table is large in a country, or `small` of a noun.
const SMALL: [&str; 20] = [
    "_sqlx_migrations",
    "awaited_offices",
    "backup_marks",
    "brought_rows",
    "command_conflicts",
    "command_failures",
    "command_renames",
    "edge_sessions",
    "edge_streams",
    "edges",
    "enrolment_codes",
    "hub",
    "job_cursors",
    "job_schedules",
    "jobs",
    "price_imports",
    "restored_heads",
    "sign_in_lines",
    "sign_in_tries",
    "superseded_verdicts",
];

/// What may read a large table from end to end all the same, by a part of its statement. Of every series the newest price, the newest of
/// them first: nothing stands in this order, and there are as many series as places and crops have together.
const READS_ALL: [(&str, &str); 1] = [("price_series", "LIMIT 1) p WHERE true ORDER BY p.month DESC")];

/// The tables that are large in this country.
async fn large(hub: &TestHub) -> Vec<String> {
    let mut tx = hub.state.db.begin().await.unwrap();
    let sql = "SELECT relname::text, reltuples >= $1 FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace";
    let tables: Vec<(String, bool)> =
        sqlx::query_as(sql).bind(LARGE as f32).fetch_all(&mut *tx).await.unwrap();
    let small: BTreeSet<&str> = NOUNS.iter().flat_map(|noun| noun.small).copied().chain(SMALL).collect();
    let forgotten: Vec<_> =
        tables.iter().filter(|(name, is_large)| !is_large && !small.contains(name.as_str())).collect();
    assert!(
        forgotten.is_empty(),
        "fill them by `country` of their noun, or say there that they stay `small`: {forgotten:?}"
    );
    let is_there = |name: &&str| tables.iter().any(|(table, _)| table == name);
    let gone: Vec<_> = small.iter().filter(|name| !is_there(name)).collect();
    assert!(gone.is_empty(), "no such tables: {gone:?}");
    tables.into_iter().map(|(name, _)| name).filter(|name| !small.contains(name.as_str())).collect()
}

/// The lists that nouns say the walk of.
fn walks() -> impl Iterator<Item = &'static Walk> {
    NOUNS.iter().flat_map(|noun| noun.walks)
}

/// One connection, so that every statement is kept on it, while no test beside this one has the connections of the process closed; and no names are known from before it was filled.
async fn one_connection(mut hub: TestHub) -> TestHub {
    let url = hub.state.db.direct_url().to_owned();
    let db = Db::connect_with(&url, &url, 1).await.unwrap();
    hub.change(|shared| {
        shared.db = db;
        shared.names = Arc::default();
    });
    hub
}

async fn use_everything(world: &World) {
    let hub = &world.hub;
    for Walk { who, address, .. } in walks() {
        hub.get(&address.replace(' ', "%20")).by(*who).send().await.is(200);
    }
    for (method, path, statuses) in NOUNS.iter().flat_map(|noun| noun.routes) {
        world.ask(method, path, Who::Admin).await.is(*statuses.last().unwrap());
    }
    let product = hub_born(1).to_string();
    let some = hub.ask("SELECT id FROM listings LIMIT 1").await;
    assert_eq!(product.len(), some.len());
    use_commands(hub, &some, 1..=3).await;
    ask_for_what_is_not_here(hub, 4).await;
    use_everything_of(hub, &some).await;
}

/// An office takes an order back, and a product, of which the hub has never heard.
async fn ask_for_what_is_not_here(hub: &TestHub, from: u64) {
    let (order, listing) = (hub_born(900_001), hub_born(900_002));
    let actor = Actor { kind: ActorKind::Office, id: None, phone: 265_700_000_000 };
    let bodies: [Body; 2] = [OrderCancel::new(order).into(), ListingWithdraw { listing }.into()];
    let commands = (from..).zip(bodies).map(|(seq, body)| {
        let id = CommandId(hub.state.deps.ids.uuid_v7());
        Command { id, seq, made_at_s: 0, actor, body: body.to_raw() }
    });
    take_batch(&hub.state.db, &hub.state.deps, EdgeId(1), 1, 1, commands.collect()).await.unwrap();
}

/// What people do with a product.
async fn use_everything_of(hub: &TestHub, product: &str) {
    let order = hub.order(Who::Buyer, product, 1).await;
    hub.get(&format!("/api/v1/orders/{order}")).by(Who::Buyer).send().await.is(200);
    hub.post(&format!("/api/v1/orders/{order}/cancel")).by(Who::Buyer).send().await.is(200);
    for who in [Who::Admin, Who::Clerk, Who::Buyer] {
        hub.get("/api/v1/orders").by(who).send().await.is(200);
    }
    let posted = json!({ "commodity_id": 1, "unit_id": 1, "quantity": "5", "cooperative_id": 1,
        "price": { "amount": 100, "currency": "MWK" } });
    hub.post("/api/v1/products").by(Who::Admin).json(&posted).send().await.is(201);
}

/// What an office's exchange asks for.
async fn use_commands(hub: &TestHub, product: &str, seqs: RangeInclusive<u64>) {
    let (db, deps, edge) = (&hub.state.db, &hub.state.deps, EdgeId(1));
    let sale = |seq: u64| {
        let actor = Actor { kind: ActorKind::Caller, id: None, phone: 265_700_000_000 + seq };
        let body = Body::from(OrderPlace {
            listing: product.parse().unwrap(),
            quantity_milli: 1_000,
            unit_price_minor: 100,
            source: Source::Ask,
            buyer_phone: 0,
            buyer_name: String::new(),
            channel: 1,
        });
        Command { id: CommandId(deps.ids.uuid_v7()), seq, made_at_s: 0, actor, body: body.to_raw() }
    };
    let (before, count) = (seqs.start() - 1, seqs.clone().count());
    take_batch(db, deps, edge, 1, 1, seqs.map(sale).collect()).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    assert_eq!(verdicts_after(&mut tx, edge, 1, before, 10).await.unwrap().len(), count);
    let bucket = Bucket::Coop(CooperativeId(7));
    read::heads(&mut tx, &[bucket]).await.unwrap();
    tx.commit().await.unwrap();
}

/// Every kept statement with its plan.
async fn plans(conn: &mut PgConnection) -> Vec<(String, String)> {
    sqlx::raw_sql("SET LOCAL plan_cache_mode = force_generic_plan").execute(&mut *conn).await.unwrap();
    let kept =
        "SELECT name, statement, cardinality(parameter_types) FROM pg_prepared_statements WHERE NOT from_sql";
    let kept = sqlx::raw_sql(kept).fetch_all(&mut *conn).await.unwrap();
    let mut plans = Vec::new();
    for row in kept {
        let (name, text): (String, String) = (row.get(0), row.get(1));
        let values = vec!["NULL"; row.get::<i32, _>(2) as usize].join(", ");
        let values = if values.is_empty() { values } else { format!("({values})") };
        let explain = AssertSqlSafe(format!("EXPLAIN EXECUTE {name}{values}"));
        let lines = sqlx::raw_sql(explain).fetch_all(&mut *conn).await.unwrap();
        let lines: Vec<String> = lines.iter().map(|line| line.get(0)).collect();
        plans.push((text, lines.join("\n")));
    }
    plans
}

#[tokio::test]
async fn every_kept_plan_walks_along_its_index() {
    let _alone = CONNECTIONS.lock().await;
    let mut world = World::new().await;
    for sql in NOUNS.iter().map(|noun| noun.country).chain([OFFICES, "ANALYZE"]) {
        world.hub.sql(sql).await;
    }
    let large = large(&world.hub).await;
    assert!(large.len() >= 12, "{large:?}");
    world.hub = one_connection(world.hub).await;
    use_everything(&world).await;
    let hub = world.hub;
    let mut tx = hub.state.db.begin().await.unwrap();
    let plans = plans(&mut tx).await;
    assert!(plans.len() > 40, "{}", plans.len());
    let mut wrong = Vec::new();
    let mut reads_all = Vec::new();
    for (text, plan) in &plans {
        for table in &large {
            let scan = format!("Seq Scan on {table}");
            if !plan.lines().any(|line| line.contains(&format!("{scan} ")) || line.ends_with(&scan)) {
                continue;
            }
            let known = READS_ALL.into_iter().find(|(of, part)| of == table && text.contains(part));
            wrong.extend(known.is_none().then(|| format!("reads all {table}:\n{text}\n{plan}")));
            reads_all.extend(known);
        }
    }
    assert_eq!(reads_all, READS_ALL, "each once");
    for Walk { part, index, .. } in walks() {
        let mut found = plans.iter().filter(|(text, _)| text.contains(part));
        let (text, plan) = found.next().unwrap_or_else(|| panic!("nothing has {part}"));
        wrong.extend((!plan.contains(index)).then(|| format!("not along {index}:\n{text}\n{plan}")));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    tx.rollback().await.unwrap();
    // The region that a listing is found by is its cooperative's, also after that has moved.
    hub.sql("UPDATE cooperatives SET region_id = 1 WHERE id = 7").await;
    let mut tx = hub.state.db.begin().await.unwrap();
    let astray = "SELECT count(*) FROM listings l JOIN cooperatives k ON k.id = l.cooperative_id WHERE l.region_id IS DISTINCT FROM k.region_id";
    assert_eq!(q_scalar::<i64>(astray).fetch_one(&mut *tx).await.unwrap(), 0);
}

/// How often each kept statement was planned for its very values, by its text.
async fn planned(hub: &TestHub) -> BTreeMap<String, i64> {
    let mut tx = hub.state.db.begin().await.unwrap();
    let counts = "SELECT statement, custom_plans FROM pg_prepared_statements WHERE NOT from_sql";
    let rows = sqlx::raw_sql(counts).fetch_all(&mut *tx).await.unwrap();
    tx.rollback().await.unwrap();
    rows.iter().map(|row| (row.get(0), row.get(1))).collect()
}

/// Postgres keeps a plan only where it finds it as cheap as one for the very values; for a short list it never does, unless the list's
/// length is hidden from it. Whoever plans at each use spends more on that than on what is asked.
#[tokio::test]
async fn what_is_asked_again_and_again_is_planned_no_more() {
    let _alone = CONNECTIONS.lock().await;
    let hub = one_connection(TestHub::with_market().await).await;
    hub.sql("INSERT INTO edges (cooperative_id, incarnation, enrolled_at) VALUES (1, 1, now()); INSERT INTO edge_streams (edge_id, incarnation, link_random, exchange) VALUES (1, 1, '', 1)").await;
    hub.confirm(Who::Buyer).await;
    let product = hub.maize(1, 900).await;
    let use_all = async |first: u64| {
        for seq in first..first + 8 {
            use_commands(&hub, &product, seq..=seq).await;
            use_everything_of(&hub, &product).await;
        }
    };
    use_all(1).await;
    let before = planned(&hub).await;
    use_all(9).await;
    let after = planned(&hub).await;
    let again: Vec<_> =
        after.iter().filter(|(text, count)| before.get(*text).is_some_and(|b| b < count)).collect();
    assert!(before.len() > 40 && again.is_empty(), "{again:#?}");
}

/// A hub's first weeks: nothing was ever analysed, and the plans of then are kept while tables grow. Whoever looks rows up by a list of
/// keys has to find each by its whole key: an index that only begins alike is read from end to end for each of them.
#[tokio::test]
async fn a_plan_made_for_empty_tables_looks_rows_up_by_their_whole_keys() {
    let _alone = CONNECTIONS.lock().await;
    let hub = one_connection(TestHub::with_market().await).await;
    hub.sql("INSERT INTO edges (cooperative_id, incarnation, enrolled_at) VALUES (1, 1, now()); INSERT INTO edge_streams (edge_id, incarnation, link_random, exchange) VALUES (1, 1, '', 1)").await;
    let product = hub.maize(1, 50).await;
    use_commands(&hub, &product, 1..=3).await;
    let mut tx = hub.state.db.begin().await.unwrap();
    let plans = plans(&mut tx).await;
    tx.rollback().await.unwrap();
    let by_list = |text: &str| text.contains("JOIN LATERAL");
    let reads_on = |line: &str| line.trim().starts_with("Filter: ") && line.contains(" = t");
    assert!(plans.iter().filter(|(text, _)| by_list(text)).count() >= 2, "{plans:#?}");
    let wrong: Vec<String> = plans
        .iter()
        .filter(|(text, plan)| by_list(text) && plan.lines().any(reads_on))
        .map(|(text, plan)| format!("{text}\n{plan}"))
        .collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

//! A small world for tests: two cooperatives in two regions, an edge at the first, and short ways to act and to look.

use mizili_hub::commands::stream::{StreamError, take_batch, verdicts_after};
use mizili_hub::commands::{Outcome, execute, hub_context};
use mizili_hub::db::{Db, Statements, migrate, q, q_scalar};
use mizili_hub::feed::{Touched, check, publish};
use mizili_hub::migrations::MIGRATOR;
use mizili_hub::testing::locks::until_waiting;
use mizili_hub::testing::postgres::{TemplateKey, TestPostgres};
use mizili_node::deps::{Deps, HandClock};
use sqlx::AssertSqlSafe;
use std::sync::Arc;
use sync_protocol::bucket::{Bucket, CountryCode};
use sync_protocol::ids::{CommandId, CooperativeId, EdgeId, Holder, Stream};
use sync_protocol::market::{
    Actor, ActorKind, Body, Command, Commodity, Cooperative, EdgeSettings, Entity, ListingPost, OrderCancel,
    OrderPlace, RawBody, Region, Source, Unit,
};
use sync_protocol::row::Key;
use sync_protocol::units::Quantity;
use sync_protocol::verdict::{Numbered, Verdict};
use uuid::Uuid;

pub(crate) const A: CooperativeId = CooperativeId(1);
pub(crate) const B: CooperativeId = CooperativeId(2);
pub(crate) const EDGE: EdgeId = EdgeId(1);
pub(crate) const STREAM: Stream = Stream { edge: EDGE, incarnation: 1 };
pub(crate) const EXCHANGE: i64 = 1;
pub(crate) const PRICE: i64 = 50_000;

pub(crate) struct World {
    pub(crate) db: Db,
    pub(crate) deps: Deps,
    pub(crate) clock: Arc<HandClock>,
    /// Dropped last, and with it the database.
    postgres: TestPostgres,
}

pub(crate) fn bucket(cooperative: CooperativeId) -> Bucket {
    Bucket::Coop(cooperative)
}

pub(crate) fn country() -> CountryCode {
    CountryCode::new("MWI").unwrap()
}

/// The n-th id of a test.
pub(crate) fn id(n: u64) -> Uuid {
    sync_protocol::ids::hub_born(n)
}

pub(crate) fn units(n: i64) -> i64 {
    Quantity::units(n).0
}

pub(crate) fn office() -> Actor {
    Actor { kind: ActorKind::Office, id: Some(id(900)), phone: 265_991_000_900 }
}

pub(crate) fn caller(phone: u64) -> Actor {
    Actor { kind: ActorKind::Caller, id: None, phone }
}

pub(crate) fn user(n: u64) -> Actor {
    Actor { kind: ActorKind::User, id: Some(id(10_000 + n)), phone: 265_992_000_000 + n }
}

pub(crate) fn post(listing: Uuid, quantity: i64) -> Body {
    ListingPost {
        listing,
        commodity: 1,
        unit: 1,
        title: String::new(),
        quantity_milli: units(quantity),
        price_minor: PRICE,
        currency: "MWK".into(),
        seller: None,
        hub_milli: None,
    }
    .into()
}

pub(crate) fn place(listing: Uuid, quantity: i64, source: Source) -> Body {
    OrderPlace {
        listing,
        quantity_milli: units(quantity),
        unit_price_minor: PRICE,
        source,
        buyer_phone: 0,
        buyer_name: "Buyer".into(),
        channel: 1,
    }
    .into()
}

pub(crate) fn cancel(order: Uuid) -> Body {
    OrderCancel::new(order).into()
}

/// A command of the edge's stream. Its id is made from its number.
pub(crate) fn command(seq: u64, actor: Actor, body: &Body) -> Command {
    raw(seq, actor, body.to_raw())
}

pub(crate) fn raw(seq: u64, actor: Actor, body: RawBody) -> Command {
    Command {
        id: CommandId(id(1_000_000 + seq)),
        seq,
        made_at_s: HandClock::START_S + seq as i64,
        actor,
        body,
    }
}

/// The id of the order that the stream's n-th command places.
pub(crate) fn order_of(seq: u64) -> Uuid {
    id(1_000_000 + seq)
}

impl World {
    pub(crate) async fn new() -> Self {
        let key = TemplateKey::of_migrator("hub", &MIGRATOR);
        let postgres = TestPostgres::new(&key, |url| async move { migrate(&url).await }).await.unwrap();
        let db = Db::connect(postgres.url(), postgres.url()).await.unwrap();
        db.settle_statements(&Deps::real(), Statements::Named).await.unwrap();
        let (deps, clock) = Deps::fixed_with_clock(1);
        let world = Self { db, deps, clock, postgres };
        world.sql("INSERT INTO regions (country, name) VALUES ('MWI', 'Central'), ('MWI', 'Southern')").await;
        world
            .sql("INSERT INTO cooperatives (name, country, region_id, currency) VALUES ('Alpha', 'MWI', 1, 'MWK'), ('Beta', 'MWI', 2, 'MWK')")
            .await;
        world
            .sql("INSERT INTO commodities (name, category, on_menus) VALUES ('Maize', 'cereals', true)")
            .await;
        world.sql("INSERT INTO units (code, base, factor_milli) VALUES ('50 KG', 1, 50000)").await;
        world.sql("INSERT INTO edges (cooperative_id, incarnation, enrolled_at) VALUES (1, 1, now())").await;
        world
            .sql("INSERT INTO edge_streams (edge_id, incarnation, link_random, exchange) VALUES (1, 1, '\\x00', 1)")
            .await;
        let mut touched = Touched::new();
        for n in [1, 2] {
            touched.add(Bucket::Country(country()), Region::NUMBER, Key::Int(n));
            touched.add(bucket(CooperativeId(n)), Cooperative::NUMBER, Key::Int(n));
        }
        touched.add(Bucket::Global, Commodity::NUMBER, Key::Int(1));
        touched.add(Bucket::Global, Unit::NUMBER, Key::Int(1));
        touched.add(Bucket::Edge(EDGE), EdgeSettings::NUMBER, Key::Int(1));
        world.publish(&touched).await;
        world
    }

    /// An office of a cooperative, with its stream, beside [`EDGE`].
    pub(crate) async fn another_edge(&self, cooperative: CooperativeId) -> EdgeId {
        let made = "WITH made AS (INSERT INTO edges (cooperative_id, incarnation, enrolled_at) VALUES ($1, 1, now()) RETURNING id)
            INSERT INTO edge_streams (edge_id, incarnation, link_random, exchange) SELECT id, 1, '\\x00', 1 FROM made RETURNING edge_id";
        let mut tx = self.db.begin().await.unwrap();
        let id: i32 = q_scalar(made).bind(cooperative.0 as i32).fetch_one(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
        EdgeId(id as u32)
    }

    /// The database's address.
    pub(crate) fn url(&self) -> &str {
        self.postgres.url()
    }

    /// A statement put together by a test.
    pub(crate) async fn sql(&self, sql: impl Into<String>) {
        let mut tx = self.db.begin().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql.into())).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) async fn number(&self, sql: &'static str) -> i64 {
        let mut tx = self.db.begin().await.unwrap();
        q_scalar(sql).fetch_one(&mut *tx).await.unwrap()
    }

    pub(crate) async fn texts(&self, sql: &'static str) -> Vec<String> {
        let mut tx = self.db.begin().await.unwrap();
        q_scalar(sql).fetch_all(&mut *tx).await.unwrap()
    }

    pub(crate) async fn publish(&self, touched: &Touched) -> Vec<(Bucket, u64)> {
        let mut tx = self.db.begin().await.unwrap();
        let heads = publish(&mut tx, touched).await.unwrap();
        tx.commit().await.unwrap();
        heads
    }

    /// Takes commands as an exchange does.
    pub(crate) async fn take(&self, commands: Vec<Command>) -> Result<(), StreamError> {
        take_batch(&self.db, &self.deps, EDGE, 1, EXCHANGE, commands).await
    }

    /// All verdicts of the stream, which must be numbered without a gap.
    pub(crate) async fn verdicts(&self) -> Vec<Numbered> {
        let mut tx = self.db.begin().await.unwrap();
        let verdicts = verdicts_after(&mut tx, EDGE, 1, 0, 100_000).await.unwrap();
        assert!(verdicts.iter().map(|v| v.number).eq(1..=verdicts.len() as u64), "numbers without a gap");
        verdicts
    }

    /// The last word on each command, in order of sequence.
    pub(crate) async fn last_words(&self) -> Vec<&'static str> {
        let mut last = std::collections::BTreeMap::new();
        for v in self.verdicts().await {
            last.insert(v.seq, v.verdict.as_str());
        }
        assert!(last.keys().copied().eq(1..=last.len() as u64), "every command has a verdict");
        last.into_values().collect()
    }

    /// A person's command over REST.
    pub(crate) async fn rest(&self, actor: Actor, body: &Body) -> Outcome {
        self.rest_as(self.deps.ids.uuid_v7(), actor, body).await
    }

    pub(crate) async fn rest_as(&self, id: Uuid, actor: Actor, body: &Body) -> Outcome {
        let mut tx = self.db.begin().await.unwrap();
        let office = actor.kind == ActorKind::Office;
        let context = hub_context(&mut tx, office.then_some(A), office, false).await.unwrap();
        tx.commit().await.unwrap();
        let made_at_s = self.deps.clock.now_s();
        let command = Command { id: CommandId(id), seq: 0, made_at_s, actor, body: body.to_raw() };
        execute(&self.db, &self.deps, context, command).await.unwrap()
    }

    /// With the order 60 of two units of the product 50, made over REST.
    pub(crate) async fn with_an_order() -> Self {
        let world = Self::new().await;
        world.rest_as(id(1), office(), &post(id(50), 20)).await;
        world.rest_as(id(60), user(1), &place(id(50), 2, Source::Ask)).await;
        world
    }

    pub(crate) async fn available(&self, listing: Uuid, holder: Holder) -> i64 {
        let mut tx = self.db.begin().await.unwrap();
        let milli: i64 = q_scalar("SELECT coalesce(sum(quantity_milli), 0)::bigint FROM stock_entries WHERE listing_id = $1 AND holder = $2")
            .bind(listing)
            .bind(holder.code() as i32)
            .fetch_one(&mut *tx)
            .await
            .unwrap();
        assert_eq!(milli % 1000, 0);
        milli / 1000
    }

    pub(crate) async fn order_status(&self, order: Uuid) -> i32 {
        let mut tx = self.db.begin().await.unwrap();
        q_scalar("SELECT status FROM orders WHERE id = $1").bind(order).fetch_one(&mut *tx).await.unwrap()
    }

    /// The feed must be what the tables say, without anything mended.
    pub(crate) async fn assert_feed_equals_tables(&self) {
        let report = check::compare_all(&self.db, &self.deps).await.unwrap();
        assert_eq!(report.differences(), 0, "{report:?}");
        assert!(report.rows > 0);
    }

    /// Waits until so many transactions wait for a lock.
    #[track_caller]
    pub(crate) fn until_waiting(&self, transactions: i64) -> impl Future<Output = ()> {
        until_waiting(&self.db, transactions)
    }

    /// What an operator's command prints, as objects.
    pub(crate) fn told(&self, words: &[&str]) -> Vec<serde_json::Value> {
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_mizili-hub"));
        let folder = tempfile::tempdir().unwrap();
        program
            .args(words)
            .arg("--json")
            .arg("--data-dir")
            .arg(folder.path())
            .env("DATABASE_URL", self.db.direct_url());
        let done = program.output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout)
            .unwrap()
            .lines()
            .map(|line| serde_json::from_str(line).unwrap())
            .collect()
    }

    /// A member of a cooperative, written past the feed.
    pub(crate) async fn member(&self, n: u64, cooperative: CooperativeId) -> Uuid {
        let mut tx = self.db.begin().await.unwrap();
        q("INSERT INTO members (id, cooperative_id, name, phone, language, registered_at_s) VALUES ($1, $2, 'M', $3, 'en', 0)")
            .bind(id(n))
            .bind(cooperative.0 as i32)
            .bind(265_990_000_000_i64 + n as i64)
            .execute(&mut *tx)
            .await
            .unwrap();
        tx.commit().await.unwrap();
        id(n)
    }
}

/// The verdict's word, with the refusal's code.
pub(crate) fn word(verdict: &Verdict) -> String {
    match verdict {
        Verdict::Rejected(reject) => format!("rejected {} {}", reject.code.as_str(), reject.args.join(",")),
        other => other.as_str().to_owned(),
    }
}

//! Hubs over one database, and offices with their lines: how they are put together, and what people and operators do at the hub. What
//! has to hold is in `checks`.

use crate::goods::{self, lay_out};
use crate::line::Line;
use crate::office::{KeptRow, Office, Start};
use mizili_edge::db::Db as EdgeDb;
use mizili_edge::sync::SyncError;
use mizili_edge::sync::enrol::Enrolment;
use mizili_hub::commands::stream::{self, verdicts_after};
use mizili_hub::commands::{ApplyError, execute, hub_context};
use mizili_hub::db::{Db, Statements, migrate, q_scalar};
use mizili_hub::feed::read;
use mizili_hub::keys::HubKeys;
use mizili_hub::limits::Limits;
use mizili_hub::migrations::MIGRATOR;
use mizili_hub::room::Room;
use mizili_hub::router::router;
use mizili_hub::state::{AppState, Auth, Shared};
use mizili_hub::sync::edges;
use mizili_hub::testing::locks::until_waiting;
use mizili_hub::testing::postgres::{TemplateKey, TestPostgres};
use mizili_hub::token::TokenKey;
use mizili_node::deps::{Deps, HandClock};
use mizili_node::password::Passwords;
use mizili_node::throttle::UnderWay;
use sqlx::postgres::Postgres;
use sqlx::{AssertSqlSafe, Connection, Decode, PgConnection, Type};
use std::sync::Arc;
use std::time::Duration;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CommandId, CooperativeId, Holder, ListingId, Stream};
use sync_protocol::limits::FRAME_VERDICTS_MAX;
use sync_protocol::market::{Actor, Body, Command};
use sync_protocol::session::Sizer;
use sync_protocol::units::Quantity;
use sync_protocol::verdict::Verdict;
use sync_protocol::wire::message::Message;
use tempfile::TempDir;

/// Connections of one hub.
const CONNECTIONS: u32 = 6;
/// By how much the second hub's clock is behind the first one's.
const APART_S: i64 = 1;

pub(crate) struct World {
    pub(crate) offices: Vec<Office>,
    /// The first hub's.
    pub(crate) db: Db,
    /// The first hub's.
    pub(crate) deps: Deps,
    /// Hubs that share the database, with their clocks.
    hubs: Vec<(AppState, Arc<HandClock>)>,
    _keys: TempDir,
    _postgres: TestPostgres,
}

impl World {
    /// One hub, and an office of each of two cooperatives.
    pub(crate) async fn new(seed: u64) -> Self {
        let world = Self::empty().await;
        lay_out(&world).await;
        world.with_offices(&[(1, Start::right(seed * 10 + 1)), (2, Start::right(seed * 10 + 2))]).await
    }

    /// Two hubs, and offices of the cooperatives named.
    pub(crate) async fn with_two_hubs(offices: &[(u32, Start)]) -> Self {
        let mut world = Self::empty().await;
        lay_out(&world).await;
        world.add_a_hub().await;
        world.with_offices(offices).await
    }

    async fn empty() -> Self {
        let key = TemplateKey::of_migrator("hub", &MIGRATOR);
        let postgres = TestPostgres::new(&key, |url| async move { migrate(&url).await }).await.unwrap();
        Self::on(postgres, None).await
    }

    async fn with_offices(mut self, offices: &[(u32, Start)]) -> Self {
        for (cooperative, start) in offices {
            let added = edges::add(&self.db, &self.deps, *cooperative, false).await.unwrap();
            let (line, dir) = (self.line(), tempfile::tempdir().unwrap());
            self.offices.push(Office::open(dir, line, *start, Some(&added.code)).await);
        }
        self
    }

    /// The hub and the office that programs of protocol 0.1 left behind, brought up to date: see the files in `kept`.
    pub(crate) async fn kept() -> Self {
        const HUB: &str = include_str!("kept/hub.sql");
        const EDGE: &str = include_str!("kept/edge.sql");
        let mut keys = include_str!("kept/keys.txt").lines();
        let load = |url: String| async move {
            let mut connection = PgConnection::connect(&url).await?;
            sqlx::raw_sql(AssertSqlSafe(HUB)).execute(&mut connection).await?;
            connection.close().await
        };
        let postgres = TestPostgres::new(&TemplateKey::of_parts("hub 0.1", [HUB]), load).await.unwrap();
        migrate(postgres.url()).await.unwrap();
        let mut world = Self::on(postgres, keys.next()).await;
        let dir = tempfile::tempdir().unwrap();
        rusqlite::Connection::open(dir.path().join("edge.db")).unwrap().execute_batch(EDGE).unwrap();
        for name in ["signing.key", "bundle.key"] {
            let hex = keys.next().unwrap().as_bytes();
            let byte = |pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap();
            std::fs::write(dir.path().join(name), hex.chunks(2).map(byte).collect::<Vec<_>>()).unwrap();
        }
        let line = world.line();
        world.offices.push(Office::open(dir, line, Start::right(1), None).await);
        world
    }

    async fn on(postgres: TestPostgres, hub_keys: Option<&str>) -> Self {
        let keys = tempfile::tempdir().unwrap();
        let hub_keys = HubKeys::load(hub_keys, keys.path(), |secret| secret.fill(7)).unwrap();
        let first = hub(&postgres, Arc::new(hub_keys), 1).await;
        let (db, deps) = (first.0.db.clone(), first.0.deps.clone());
        Self { offices: Vec::new(), db, deps, hubs: vec![first], _keys: keys, _postgres: postgres }
    }

    /// Another hub over the same database, with the same keys, pool and clock of its own.
    async fn add_a_hub(&mut self) {
        let keys = Arc::clone(&self.hubs[0].0.keys);
        let (state, clock) = hub(&self._postgres, keys, 2_000_003).await;
        clock.set_wall_s(HandClock::START_S - APART_S);
        self.hubs.push((state, clock));
    }

    fn line(&self) -> Arc<Line> {
        Line::new(router(self.hubs[0].0.clone()))
    }

    /// An office's line leads to one of the hubs from now on.
    pub(crate) fn lead(&self, office: usize, hub: usize) {
        self.offices[office].line.lead_to(router(self.hubs[hub].0.clone()));
    }

    /// Another hub serves the database, with keys of its own; all lines lead to it.
    pub(crate) fn other_hub(&self, secret: u8) -> Arc<HubKeys> {
        let dir = tempfile::tempdir().unwrap();
        let keys = Arc::new(HubKeys::load(None, dir.path(), |bytes| bytes.fill(secret)).unwrap());
        let state = AppState::from(Shared { keys: Arc::clone(&keys), ..Shared::clone(&self.hubs[0].0) });
        self.offices.iter().for_each(|office| office.line.lead_to(router(state.clone())));
        keys
    }

    /// All lines lead to the first hub again.
    pub(crate) fn the_first_hub(&self) {
        (0..self.offices.len()).for_each(|office| self.lead(office, 0));
    }

    pub(crate) fn keys(&self) -> &HubKeys {
        &self.hubs[0].0.keys
    }

    /// Time passes, everywhere alike.
    pub(crate) fn pass(&self, time: Duration) {
        self.hubs.iter().for_each(|(_, clock)| clock.advance(time));
        self.offices.iter().for_each(|office| office.pass(time));
    }

    /// The database's clock, by which all hubs go, is set ahead by so much, or back.
    pub(crate) fn set_hubs_ahead(&self, by_s: i64) {
        for (state, clock) in &self.hubs {
            clock.set_wall_s(state.deps.clock.now_s() + by_s);
        }
    }

    /// A statement put together by a test.
    pub(crate) async fn sql(&self, sql: impl Into<String>) {
        let mut tx = self.db.begin().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql.into())).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// The first column of a query at the hub, row by row.
    pub(crate) async fn column<T>(&self, sql: impl Into<String>) -> Vec<T>
    where
        T: for<'r> Decode<'r, Postgres> + Type<Postgres> + Send + Unpin,
    {
        let mut tx = self.db.begin().await.unwrap();
        let query = sqlx::query_scalar(AssertSqlSafe(sql.into())).persistent(false);
        query.fetch_all(&mut *tx).await.unwrap()
    }

    /// The first column of a query at the hub, as texts.
    pub(crate) async fn texts(&self, sql: impl Into<String>) -> Vec<String> {
        self.column(sql).await
    }

    pub(crate) async fn count(&self, sql: impl Into<String>) -> i64 {
        self.column(sql).await[0]
    }

    /// Waits until so many transactions wait for a lock.
    #[track_caller]
    pub(crate) fn until_waiting(&self, transactions: i64) -> impl Future<Output = ()> {
        until_waiting(&self.db, transactions)
    }

    pub(crate) async fn orders_at_the_hub(&self) -> i64 {
        self.count("SELECT count(*) FROM orders").await
    }

    pub(crate) async fn listings_at_the_hub(&self) -> i64 {
        self.count("SELECT count(*) FROM listings").await
    }

    pub(crate) async fn price_at_the_hub(&self, listing: ListingId) -> i64 {
        let mut tx = self.db.begin().await.unwrap();
        q_scalar("SELECT price_minor FROM listings WHERE id = $1")
            .bind(listing.0)
            .fetch_one(&mut *tx)
            .await
            .unwrap()
    }

    pub(crate) async fn held(&self, listing: ListingId, holder: Holder) -> Quantity {
        let mut tx = self.db.begin().await.unwrap();
        let milli: i64 = q_scalar("SELECT coalesce(sum(quantity_milli), 0)::bigint FROM stock_entries WHERE listing_id = $1 AND holder = $2")
            .bind(listing.0)
            .bind(holder.code() as i32)
            .fetch_one(&mut *tx)
            .await
            .unwrap();
        Quantity(milli)
    }

    pub(crate) async fn held_by_the_hub(&self, listing: ListingId) -> Quantity {
        self.held(listing, Holder::Hub).await
    }

    pub(crate) async fn rows_at_the_hub(&self, bucket: Bucket) -> Vec<KeptRow> {
        let mut tx = self.db.begin().await.unwrap();
        let head = read::heads(&mut tx, &[bucket]).await.unwrap().get(&bucket).map_or(0, |h| h.version);
        let rows = read::page_up(&mut tx, bucket, 0, head, 100_000).await.unwrap();
        let kept = |row: sync_protocol::row::Row| {
            let (entity, version) = (i64::from(row.entity), row.version as i64);
            row.body.map(|body| (entity, row.key.to_bytes().to_vec(), version, body.canonical().to_vec()))
        };
        let mut rows: Vec<_> = rows.into_iter().filter_map(kept).collect();
        rows.sort();
        rows
    }

    /// Bytes that the first office's verdicts take on a good line, in frames as large as they come.
    pub(crate) async fn bytes_of_verdicts(&self) -> (usize, u64) {
        let mut tx = self.db.begin().await.unwrap();
        let verdicts = verdicts_after(&mut tx, self.offices[0].edge, 1, 0, i64::MAX).await.unwrap();
        let message = |part: &[_]| Message::Verdicts(part.to_vec());
        let frames = Sizer::new(usize::MAX).all(&verdicts, FRAME_VERDICTS_MAX, message);
        (verdicts.len(), frames.iter().map(|frame| frame.len() as u64).sum())
    }

    /// An operator puts a command of the first office aside.
    pub(crate) async fn dismiss(&self, seq: u64) {
        let stream = Stream { edge: self.offices[0].edge, incarnation: 1 };
        stream::dismiss(&self.db, &self.deps, stream, seq).await.unwrap();
    }

    /// A clerk of the first cooperative acts at the hub.
    pub(crate) async fn at_the_hub(&self, body: impl Into<Body>) {
        let clerk = goods::user(265_991_000_001);
        self.at_the_hub_as(clerk, Some(CooperativeId(1)), self.deps.ids.uuid_v7(), body).await.unwrap();
    }

    /// The same, and what came of it in a word: `applied`, or why not.
    pub(crate) async fn at_the_hub_word(&self, body: impl Into<Body>) -> &'static str {
        let clerk = goods::user(265_991_000_001);
        let id = self.deps.ids.uuid_v7();
        match self.at_the_hub_as(clerk, Some(CooperativeId(1)), id, body).await {
            Err(ApplyError::Awaited) => "awaited",
            Ok(Verdict::Rejected(reject)) => reject.code.as_str(),
            said => said.unwrap().as_str(),
        }
    }

    /// Somebody acts at the hub, for a cooperative if he works for one.
    pub(crate) async fn at_the_hub_as(
        &self,
        actor: Actor,
        cooperative: Option<CooperativeId>,
        id: uuid::Uuid,
        body: impl Into<Body>,
    ) -> Result<Verdict, ApplyError> {
        let mut tx = self.db.begin().await.unwrap();
        let context = hub_context(&mut tx, cooperative, cooperative.is_some(), false).await.unwrap();
        tx.commit().await.unwrap();
        let (id, made_at_s) = (CommandId(id), self.deps.clock.now_s());
        let command = Command { id, seq: 0, made_at_s, actor, body: body.into().to_raw() };
        Ok(execute(&self.db, &self.deps, context, command).await?.verdict)
    }

    /// Many things on offer at the hub whose rows are large and do not compress.
    pub(crate) async fn offer_under_long_names(&self, count: usize) {
        for _ in 0..count {
            let (listing, a, b) =
                (self.deps.ids.uuid_v7(), self.deps.ids.random::<16>(), self.deps.ids.random::<16>());
            let title = format!("{:032x} {:032x}", u128::from_le_bytes(a), u128::from_le_bytes(b));
            self.at_the_hub(sync_protocol::market::ListingPost { title, ..goods::post(listing, 1) }).await;
        }
    }

    pub(crate) async fn revoke(&self, office: &Office) {
        edges::revoke(&self.db, &self.deps, office.edge.0).await.unwrap();
    }

    pub(crate) async fn open_copy(&self, of: &Office, disk: TempDir) -> Office {
        Office::open(disk, Arc::clone(&of.line), Start::right(77), None).await
    }

    /// The operator gives an office a new code, and somebody types it in at another machine.
    pub(crate) async fn open_new_box_of(&self, office: &Office) -> Office {
        let added = edges::new_code(&self.db, &self.deps, office.edge.0).await.unwrap();
        Office::open(tempfile::tempdir().unwrap(), self.line(), Start::right(503), Some(&added.code)).await
    }

    /// The operator gives an office a new code, and somebody types it in there.
    pub(crate) async fn enrol_again(&self, office: &Office) -> Result<(), SyncError> {
        let added = edges::new_code(&self.db, &self.deps, office.edge.0).await.unwrap();
        office.enrol_with(&added.code).await
    }

    /// A box whose first enrolment did what it was asked, but whose answer was lost. It tries again with the same code.
    pub(crate) async fn enrol_over_a_bad_line(&self) -> Office {
        let added = edges::add(&self.db, &self.deps, 1, false).await.unwrap();
        let (line, dir) = (self.line(), tempfile::tempdir().unwrap());
        line.lose_answers(true);
        assert!(self.enrol_anew(&dir, &line, 500, &added.code).await.is_err());
        line.lose_answers(false);
        let office = Office::open(dir, Arc::clone(&line), Start::right(501), Some(&added.code)).await;
        // Somebody else with the same code, but without the box's key, gets nothing.
        let stranger = tempfile::tempdir().unwrap();
        assert!(self.enrol_anew(&stranger, &line, 502, &added.code).await.is_err());
        office
    }

    async fn enrol_anew(&self, dir: &TempDir, line: &Line, seed: u64, code: &str) -> Result<(), SyncError> {
        let (db, deps) = (EdgeDb::open(dir.path()).unwrap(), Deps::fixed(seed));
        let enrolment = Enrolment {
            db: &db,
            deps: &deps,
            data_dir: dir.path(),
            transport: line,
            insecure_http: false,
            same_hub: false,
        };
        enrolment.run(code, Some("a password for tests")).await.map(|_| ())
    }

    pub(crate) fn cuts(&self) -> u64 {
        self.offices.iter().map(|o| o.line.cuts()).sum()
    }
}

/// A hub over a database, with its clock.
async fn hub(postgres: &TestPostgres, keys: Arc<HubKeys>, seed: u64) -> (AppState, Arc<HandClock>) {
    let db = Db::connect_with(postgres.url(), postgres.url(), CONNECTIONS).await.unwrap();
    db.settle_statements(&Deps::real(), Statements::Named).await.unwrap();
    let (deps, clock) = Deps::fixed_with_clock(seed);
    let auth =
        Auth { passwords: Passwords::new(1), key: TokenKey::new(&[9; 32]), under_way: UnderWay::default() };
    let state = Shared {
        db,
        deps,
        room: Room::default(),
        limits: Limits::default(),
        keys,
        auth: Arc::new(auth),
        names: Arc::default(),
        threads: 2,
        proxies: Arc::default(),
    };
    (state.into(), clock)
}

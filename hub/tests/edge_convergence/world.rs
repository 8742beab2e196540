//! A hub with two cooperatives and two offices, and short ways to act and to look.

use crate::line::Line;
use mizili_edge::commands::{Submission, SubmitError, Submitted};
use mizili_edge::db::{Db as EdgeDb, DbError};
use mizili_edge::identity::Identity;
use mizili_edge::sync::enrol::Enrolment;
use mizili_edge::sync::tls::BestTime;
use mizili_edge::sync::{Bounds, Check, ExchangeReport, SyncError, Syncer};
use mizili_edge::{commands as edge_commands, replica};
use mizili_hub::auth::Auth;
use mizili_hub::auth::token::TokenKey;
use mizili_hub::commands::stream::{self, verdicts_after};
use mizili_hub::commands::{execute, hub_context};
use mizili_hub::db::{Db, Statements, migrate, q_scalar};
use mizili_hub::feed::{Touched, check, publish, read};
use mizili_hub::migrations::MIGRATOR;
use mizili_hub::router::router;
use mizili_hub::state::AppState;
use mizili_hub::sync::edges;
use mizili_hub::sync::keys::HubKeys;
use mizili_hub::sync::room::Room;
use mizili_hub::testing::postgres::{TemplateKey, TestPostgres};
use mizili_node::deps::Deps;
use mizili_node::password::Passwords;
use mizili_node::throttle::UnderWay;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::sync::Arc;
use std::time::Duration;
use sync_protocol::bucket::{Bucket, CountryCode};
use sync_protocol::command::{Actor, ActorKind, Body, Command, ListingPost, OrderCancel, OrderPlace, Source};
use sync_protocol::entity::{
    Commodity, Cooperative, Entity, Listing, Market, Order, Price, PriceSeries, Region, Unit,
};
use sync_protocol::ids::{CommandId, CooperativeId, EdgeId, Holder, ListingId, RegionId, Stream};
use sync_protocol::limits::FRAME_VERDICTS_MAX;
use sync_protocol::row::Key;
use sync_protocol::session::Sizer;
use sync_protocol::units::Quantity;
use sync_protocol::wire::message::Message;
use tempfile::TempDir;
use tokio::sync::watch;
use uuid::Uuid;

/// The price of what offices post, in minor units.
pub(crate) const PRICE_MINOR: i64 = 500;
const FIRST_MONTH: u32 = 24_240;
const MONTHS: u32 = 30;

/// A small seeded generator (SplitMix64).
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }
    pub(crate) fn below(&mut self, n: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        ((z ^ (z >> 31)) % n.max(1) as u64) as usize
    }
}

/// One office: a box with its disk, and its line.
pub(crate) struct Office {
    pub(crate) line: Arc<Line>,
    pub(crate) edge: EdgeId,
    syncer: Syncer,
    deps: Deps,
    dir: TempDir,
}

pub(crate) struct World {
    pub(crate) offices: Vec<Office>,
    pub(crate) db: Db,
    pub(crate) deps: Deps,
    state: AppState,
    _keys: TempDir,
    _postgres: TestPostgres,
}

impl Office {
    async fn open(dir: TempDir, line: Arc<Line>, seed: u64, code: Option<&str>) -> Self {
        let db = EdgeDb::open(dir.path()).unwrap();
        let deps = Deps::fixed(seed);
        if let Some(code) = code {
            let enrolment = Enrolment {
                db: &db,
                deps: &deps,
                data_dir: dir.path(),
                transport: &*line,
                insecure_http: false,
            };
            enrolment.run(code, Some("a password for tests")).await.unwrap();
        }
        let me = db.read(mizili_edge::node::identity).await.unwrap().unwrap();
        let syncer = Syncer {
            identity: Arc::new(Identity::load(dir.path()).unwrap()),
            time: Arc::new(BestTime::new(deps.clock.clone(), None, 0)),
            transport: line.clone(),
            data_dir: dir.path().to_owned(),
            deps: deps.clone(),
            changed: watch::Sender::new(0),
            db,
        };
        Self { line, edge: me.edge, syncer, deps, dir }
    }

    async fn run(&self, check: Check) -> Result<ExchangeReport, SyncError> {
        let bounds =
            Bounds { lock_patience: Duration::from_secs(30), work: None, check, hold_commands: false };
        self.syncer.run_once(bounds).await
    }

    pub(crate) async fn sync(&self) -> Result<ExchangeReport, SyncError> {
        self.run(Check::Moved).await
    }

    pub(crate) async fn sync_and_recount(&self) -> Result<ExchangeReport, SyncError> {
        self.run(Check::Disk).await
    }

    pub(crate) async fn act(&self, body: impl Into<Body>) -> Result<Submitted, SubmitError> {
        let actor = Actor { kind: ActorKind::Office, id: None, phone: 265_991_000_000 };
        let (id, body, deps) = (CommandId(self.deps.ids.uuid_v7()), body.into(), self.deps.clone());
        let submission = Submission { id, actor, body, clerk: true };
        self.syncer.db.write(move |tx| edge_commands::submit(tx, &deps, submission)).await
    }

    /// Many acts at once, in one transaction of the box.
    pub(crate) async fn act_often(&self, bodies: Vec<Body>) {
        let actor = Actor { kind: ActorKind::Office, id: None, phone: 265_991_000_000 };
        let deps = self.deps.clone();
        let stored = self.syncer.db.write(move |tx| {
            for body in bodies {
                let id = CommandId(deps.ids.uuid_v7());
                edge_commands::submit(tx, &deps, Submission { id, actor, body, clerk: true })?;
            }
            Ok::<_, SubmitError>(())
        });
        stored.await.unwrap();
    }

    /// The verdict's word on each command of the log, in order; empty for one that waits.
    pub(crate) async fn words(&self) -> Vec<String> {
        let read = self.syncer.db.read(|conn| {
            let sql = "SELECT coalesce(verdict, '') FROM command ORDER BY seq";
            let mut statement = conn.prepare(sql)?;
            let words = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            Ok::<_, DbError>(words)
        });
        read.await.unwrap()
    }

    /// What the box knows of the hub's version.
    pub(crate) async fn hub_minor(&self) -> u16 {
        self.syncer.db.read(mizili_edge::node::hub_minor).await.unwrap()
    }

    /// Acts that have no final verdict here.
    pub(crate) async fn unsettled(&self) -> u64 {
        let sql = "SELECT count(*) FROM command WHERE settled_at_s IS NULL";
        let count = self.syncer.db.read(|conn| Ok::<_, DbError>(conn.query_row(sql, [], |row| row.get(0))?));
        count.await.unwrap()
    }

    pub(crate) async fn post_listing(&self, units: i64) -> ListingId {
        let listing = self.deps.ids.uuid_v7();
        let post = ListingPost {
            listing,
            commodity: 1,
            unit: 1,
            title: String::new(),
            quantity_milli: units * 1000,
            price_minor: PRICE_MINOR,
            currency: "MWK".into(),
            seller: None,
            hub_milli: None,
        };
        self.act(post).await.unwrap();
        ListingId(listing)
    }

    pub(crate) async fn order(&self, listing: ListingId, units: i64) -> Result<Submitted, SubmitError> {
        self.act(order(listing, units)).await
    }

    pub(crate) async fn spendable(&self, listing: ListingId) -> Quantity {
        let holder = Holder::Edge(self.edge);
        self.syncer.db.read(move |conn| replica::spendable(conn, listing, holder)).await.unwrap()
    }

    async fn listings(&self) -> Vec<Listing> {
        self.syncer.db.read(replica::all::<Listing>).await.unwrap()
    }

    async fn orders(&self) -> Vec<Order> {
        self.syncer.db.read(replica::all::<Order>).await.unwrap()
    }

    pub(crate) async fn buckets(&self) -> Vec<Bucket> {
        let cursors = self.syncer.db.read(replica::cursors).await.unwrap();
        cursors.into_iter().map(|c| c.bucket).collect()
    }

    pub(crate) async fn has_only_rows_of(&self, buckets: &[Bucket]) -> bool {
        let named: i64 = self
            .syncer
            .db
            .read(|conn| Ok::<_, DbError>(conn.query_row("SELECT count(*) FROM replica r LEFT JOIN bucket b ON b.number = r.bucket WHERE b.number IS NULL", [], |r| r.get(0))?))
            .await
            .unwrap();
        named == 0 && self.buckets().await == buckets
    }

    /// One byte of one price's payload changes on the disk, past all books.
    pub(crate) async fn damage_one_price(&self) {
        let entity = i64::from(Price::NUMBER);
        let changed = self
            .syncer
            .db
            .write(move |tx| {
                let sql = "UPDATE replica SET payload = x'04c801' WHERE entity = ?1 AND id = (SELECT min(id) FROM replica WHERE entity = ?1)";
                Ok::<_, DbError>(tx.execute(sql, [entity])?)
            })
            .await
            .unwrap();
        assert_eq!(changed, 1);
    }

    /// The operator gives it a new code, and somebody types it in at the box.
    pub(crate) async fn enrol_again(&self, world: &World) -> Result<(), SyncError> {
        let added = edges::new_code(&world.db, &world.deps, self.edge.0).await.unwrap();
        self.enrol_with(&added.code).await
    }

    pub(crate) async fn enrol_with(&self, code: &str) -> Result<(), SyncError> {
        let enrolment = Enrolment {
            db: &self.syncer.db,
            deps: &self.deps,
            data_dir: self.dir.path(),
            transport: &*self.line,
            insecure_http: false,
        };
        enrolment.run(code, None).await.map(|_| ())
    }

    /// Products that a person has to count here.
    pub(crate) async fn to_count(&self) -> Vec<ListingId> {
        self.syncer.db.read(mizili_edge::node::counts::to_count).await.unwrap()
    }

    pub(crate) async fn is_in_doubt(&self) -> bool {
        self.syncer.db.read(mizili_edge::node::doubt).await.unwrap().is_some()
    }

    pub(crate) async fn copy_of_the_disk(&self) -> TempDir {
        let copy = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(self.dir.path()).unwrap() {
            let file = file.unwrap();
            if file.file_type().unwrap().is_file() {
                std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
            }
        }
        copy
    }

    /// The box is switched off and on: everything in memory is gone.
    async fn restart(&mut self, seed: u64) {
        let dir = std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap());
        *self = Self::open(dir, Arc::clone(&self.line), seed, None).await;
    }
}

fn order(listing: ListingId, units: i64) -> OrderPlace {
    OrderPlace {
        listing: listing.0,
        quantity_milli: units * 1000,
        unit_price_minor: PRICE_MINOR,
        source: Source::Ask,
        buyer_phone: 265_888_000_001,
        buyer_name: String::new(),
        channel: 3,
    }
}

impl World {
    pub(crate) async fn new(seed: u64) -> Self {
        let key = TemplateKey::of_migrator("hub", &MIGRATOR);
        let postgres = TestPostgres::new(&key, |url| async move { migrate(&url).await }).await.unwrap();
        let mut world = Self::on(postgres, None).await;
        world.lay_out().await;
        for n in 1..=2 {
            let added = edges::add(&world.db, &world.deps, n, false).await.unwrap();
            let line = Line::new(router(world.state.clone()));
            let dir = tempfile::tempdir().unwrap();
            world.offices.push(Office::open(dir, line, seed * 10 + u64::from(n), Some(&added.code)).await);
        }
        world
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
        let line = Line::new(router(world.state.clone()));
        world.offices.push(Office::open(dir, line, 1, None).await);
        world
    }

    async fn on(postgres: TestPostgres, hub_keys: Option<&str>) -> Self {
        let db = Db::connect_with(postgres.url(), postgres.url(), 8).await.unwrap();
        db.settle_statements(&Deps::real(), Statements::Named).await.unwrap();
        let (keys, deps) = (tempfile::tempdir().unwrap(), Deps::fixed(1));
        let hub_keys = HubKeys::load(hub_keys, keys.path(), |secret| secret.fill(7)).unwrap();
        let auth = Auth {
            passwords: Passwords::new(1),
            key: TokenKey::new(&[9; 32]),
            under_way: UnderWay::default(),
        };
        let state = AppState {
            db: db.clone(),
            deps: deps.clone(),
            room: Room::default(),
            keys: Arc::new(hub_keys),
            auth: Arc::new(auth),
            names: Arc::default(),
            proxies: Arc::default(),
        };
        Self { offices: Vec::new(), db, deps, state, _keys: keys, _postgres: postgres }
    }

    /// Another hub serves the database, with keys of its own; all lines lead to it.
    pub(crate) fn other_hub(&self, secret: u8) -> Arc<HubKeys> {
        let dir = tempfile::tempdir().unwrap();
        let keys = Arc::new(HubKeys::load(None, dir.path(), |bytes| bytes.fill(secret)).unwrap());
        let state = AppState { keys: Arc::clone(&keys), ..self.state.clone() };
        self.offices.iter().for_each(|office| office.line.lead_to(router(state.clone())));
        keys
    }

    /// All lines lead to the first hub again.
    pub(crate) fn the_first_hub(&self) {
        self.offices.iter().for_each(|office| office.line.lead_to(router(self.state.clone())));
    }

    pub(crate) fn keys(&self) -> &HubKeys {
        &self.state.keys
    }

    /// Reference data and a price history of two regions.
    async fn lay_out(&self) {
        self.sql("INSERT INTO regions (country, name) VALUES ('MWI', 'Central'), ('MWI', 'Southern')").await;
        self.sql("INSERT INTO region_neighbours VALUES (1, 2), (2, 1)").await;
        self.sql("INSERT INTO cooperatives (name, country, region_id, currency) VALUES ('Alpha', 'MWI', 1, 'MWK'), ('Beta', 'MWI', 2, 'MWK')").await;
        self.sql("INSERT INTO commodities (name, category, on_menus) VALUES ('Maize', 'cereals', true)")
            .await;
        self.sql("INSERT INTO units (code, base, factor_milli) VALUES ('KG', 1, 1000)").await;
        self.sql("INSERT INTO markets (country, name, region_id) VALUES ('MWI', 'Lilongwe', 1), ('MWI', 'Zomba', 2)").await;
        let newest = FIRST_MONTH + MONTHS - 1;
        self.sql(format!(
            "INSERT INTO price_series (market_id, commodity_id, unit_id, price_type, currency, source, newest_month)
             SELECT m, 1, 1, t, 'MWK', 'wfp', {newest} FROM generate_series(1, 2) m, (VALUES ('Retail'), ('Wholesale')) v (t)"
        ))
        .await;
        self.sql(format!(
            "INSERT INTO prices (series_id, month, price_minor, flags, import_id)
             SELECT s, m, 20000 + s * 100 + m % 7, 1, 1 FROM generate_series(1, 4) s, generate_series({FIRST_MONTH}, {newest}) m"
        ))
        .await;
        let mut touched = Touched::new();
        let country = Bucket::Country(CountryCode::new("MWI").unwrap());
        for n in [1, 2] {
            touched.add(country, Region::NUMBER, Key::Int(n));
            touched.add(Bucket::Coop(CooperativeId(n)), Cooperative::NUMBER, Key::Int(n));
            touched.add(Bucket::Region(RegionId(n)), Market::NUMBER, Key::Int(n));
        }
        touched.add(Bucket::Global, Commodity::NUMBER, Key::Int(1));
        touched.add(Bucket::Global, Unit::NUMBER, Key::Int(1));
        for series in 1..=4u32 {
            let region = Bucket::Region(RegionId((series - 1) / 2 + 1));
            touched.add(region, PriceSeries::NUMBER, Key::Int(series));
            (FIRST_MONTH..=newest)
                .for_each(|month| touched.add(region, Price::NUMBER, Key::Pair(series, month)));
        }
        let mut tx = self.db.begin().await.unwrap();
        publish(&mut tx, &touched).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// A statement put together by a test.
    pub(crate) async fn sql(&self, sql: impl Into<String>) {
        let mut tx = self.db.begin().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql.into())).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    pub(crate) async fn count(&self, sql: &'static str) -> i64 {
        let mut tx = self.db.begin().await.unwrap();
        q_scalar(sql).fetch_one(&mut *tx).await.unwrap()
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

    async fn held(&self, listing: ListingId, holder: Holder) -> Quantity {
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

    /// The first column of a query at the hub, as texts.
    pub(crate) async fn texts(&self, sql: &'static str) -> Vec<String> {
        let mut tx = self.db.begin().await.unwrap();
        q_scalar(sql).fetch_all(&mut *tx).await.unwrap()
    }

    /// A clerk of the first cooperative acts at the hub.
    pub(crate) async fn at_the_hub(&self, body: impl Into<Body>) {
        let mut tx = self.db.begin().await.unwrap();
        let context = hub_context(&mut tx, Some(CooperativeId(1)), true, false).await.unwrap();
        tx.commit().await.unwrap();
        let (id, made_at_s) = (CommandId(self.deps.ids.uuid_v7()), self.deps.clock.now_s());
        let actor = Actor { kind: ActorKind::User, id: Some(Uuid::nil()), phone: 265_991_000_001 };
        let command = Command { id, seq: 0, made_at_s, actor, body: body.into().to_raw() };
        execute(&self.db, &self.deps, context, command).await.unwrap();
    }

    /// Many things on offer at the hub whose rows are large and do not compress.
    pub(crate) async fn offer_under_long_names(&self, count: usize) {
        for _ in 0..count {
            let (listing, a, b) =
                (self.deps.ids.uuid_v7(), self.deps.ids.random::<16>(), self.deps.ids.random::<16>());
            let title = format!("{:032x} {:032x}", u128::from_le_bytes(a), u128::from_le_bytes(b));
            self.at_the_hub(ListingPost {
                listing,
                commodity: 1,
                unit: 1,
                title,
                quantity_milli: 1000,
                price_minor: PRICE_MINOR,
                currency: "MWK".into(),
                seller: None,
                hub_milli: None,
            })
            .await;
        }
    }

    pub(crate) async fn revoke(&self, office: &Office) {
        edges::revoke(&self.db, &self.deps, office.edge.0).await.unwrap();
    }

    pub(crate) async fn open_copy(&self, of: &Office, disk: TempDir) -> Office {
        Office::open(disk, Arc::clone(&of.line), 77, None).await
    }

    /// A box whose first enrolment did what it was asked, but whose answer was lost. It tries again with the same code.
    pub(crate) async fn enrol_over_a_bad_line(&self) -> Office {
        let added = edges::add(&self.db, &self.deps, 1, false).await.unwrap();
        let line = Line::new(router(self.state.clone()));
        let dir = tempfile::tempdir().unwrap();
        {
            let db = EdgeDb::open(dir.path()).unwrap();
            let deps = Deps::fixed(500);
            let enrolment = Enrolment {
                db: &db,
                deps: &deps,
                data_dir: dir.path(),
                transport: &*line,
                insecure_http: false,
            };
            line.lose_answers(true);
            assert!(enrolment.run(&added.code, Some("a password for tests")).await.is_err());
            line.lose_answers(false);
        }
        let office = Office::open(dir, line, 501, Some(&added.code)).await;
        // Somebody else with the same code, but without the box's key, gets nothing.
        let stranger = tempfile::tempdir().unwrap();
        let db = EdgeDb::open(stranger.path()).unwrap();
        let (deps, line) = (Deps::fixed(502), Arc::clone(&office.line));
        let enrolment = Enrolment {
            db: &db,
            deps: &deps,
            data_dir: stranger.path(),
            transport: &*line,
            insecure_http: false,
        };
        assert!(enrolment.run(&added.code, Some("a password for tests")).await.is_err());
        office
    }

    pub(crate) fn cuts(&self) -> u64 {
        self.offices.iter().map(|o| o.line.cuts()).sum()
    }

    pub(crate) async fn step(&mut self, chance: &mut Chance) {
        let at = chance.below(self.offices.len());
        match chance.below(12) {
            0 | 1 => {
                if self.offices[at].buckets().await.is_empty() || self.offices[at].listings().await.len() > 6
                {
                    return;
                }
                // Before the first catch-up the office does not know any commodity yet.
                let _ = self.try_post(at, 4 + 2 * chance.below(10) as i64).await;
            }
            2..=5 => {
                let listings = self.offices[at].listings().await;
                if let Some(listing) = listings.get(chance.below(listings.len())) {
                    let _ = self.offices[at].order(listing.id, 1 + chance.below(9) as i64).await;
                }
            }
            6 => {
                let orders = self.offices[at].orders().await;
                if let Some(order) = orders.get(chance.below(orders.len())) {
                    let _ = self.offices[at].act(OrderCancel::new(order.id.0)).await;
                }
            }
            7 => {
                let listings = self.offices[0].listings().await;
                if let Some(listing) = listings.get(chance.below(listings.len())) {
                    self.at_the_hub(order(listing.id, 1 + chance.below(9) as i64)).await;
                }
            }
            8 => self.offices[at].restart(1_000 + chance.below(1_000_000) as u64).await,
            _ => {
                let office = &self.offices[at];
                if chance.below(4) == 0 {
                    office.line.deliver_held().await;
                }
                office.line.hold_requests(chance.below(5) == 0);
                let (request, response) = match chance.below(4) {
                    0 => (Some(chance.below(150)), None),
                    1 | 2 => (None, Some(chance.below(250))),
                    _ => (None, None),
                };
                office.line.cut_request_after(request);
                office.line.cut_response_after(response);
                if let Err(error) = office.sync().await {
                    assert!(error.is_temporary(), "{error}");
                }
            }
        }
    }

    async fn try_post(&self, at: usize, units: i64) -> Result<Submitted, SubmitError> {
        let listing = self.offices[at].deps.ids.uuid_v7();
        let post = ListingPost {
            listing,
            commodity: 1,
            unit: 1,
            title: String::new(),
            quantity_milli: units * 1000,
            price_minor: PRICE_MINOR,
            currency: "MWK".into(),
            seller: None,
            hub_milli: None,
        };
        self.offices[at].act(post).await
    }

    pub(crate) async fn heal(&self) {
        for _ in 0..2 {
            for office in &self.offices {
                office.line.cut_request_after(None);
                office.line.cut_response_after(None);
                office.line.hold_requests(false);
                let report = office.sync().await.unwrap();
                assert!(report.digests_equal, "{report:?}");
            }
        }
    }

    /// While a bucket is whole, no office may believe that it has less than nothing.
    pub(crate) async fn nobody_spends_what_it_lacks(&self) {
        for office in &self.offices {
            let coop = Bucket::Coop(CooperativeId(office.edge.0));
            if !office.syncer.db.read(move |conn| replica::is_complete(conn, coop)).await.unwrap() {
                continue;
            }
            for listing in office.listings().await {
                assert!(
                    office.spendable(listing.id).await >= Quantity::ZERO,
                    "{} at {}",
                    listing.id,
                    office.edge
                );
            }
        }
    }

    pub(crate) async fn all_is_settled(&self) {
        for office in &self.offices {
            let sql = "SELECT count(*) FROM command WHERE verdict IS NULL OR verdict NOT IN ('applied', 'rejected')";
            let count = |sql: &'static str| {
                office.syncer.db.read(move |conn| Ok::<i64, DbError>(conn.query_row(sql, [], |r| r.get(0))?))
            };
            assert_eq!(
                count(sql).await.unwrap(),
                0,
                "commands of edge {} without a final verdict",
                office.edge
            );
            assert_eq!(
                count("SELECT count(*) FROM local_row").await.unwrap(),
                0,
                "local effects left behind"
            );
        }
        assert_eq!(
            self.count("SELECT count(*) FROM commands WHERE verdict NOT IN ('applied', 'rejected')").await,
            0
        );
    }

    pub(crate) async fn both_sides_are_equal(&self) {
        let report = check::compare_all(&self.db, &self.deps).await.unwrap();
        assert_eq!(report.differences(), 0, "the feed is not what the tables say: {report:?}");
        // The check let the catalogue's job catch up; the offices hear of that too.
        self.heal().await;
        for office in &self.offices {
            let mut compared = 0;
            for bucket in office.buckets().await {
                let rows = self.rows_at_the_hub(bucket).await;
                let here = office.rows(bucket).await;
                compared += rows.len();
                assert_eq!(here, rows, "{bucket} at edge {}", office.edge);
            }
            assert!(compared > 50 || office.buckets().await.is_empty(), "{compared} rows compared");
        }
    }

    async fn rows_at_the_hub(&self, bucket: Bucket) -> Vec<(i64, Vec<u8>, i64, Vec<u8>)> {
        let mut tx = self.db.begin().await.unwrap();
        let head = read::heads(&mut tx, &[bucket]).await.unwrap().get(&bucket).map_or(0, |h| h.version);
        let rows = read::page_up(&mut tx, bucket, 0, head, 100_000).await.unwrap();
        let mut rows: Vec<_> = rows
            .into_iter()
            .filter_map(|row| {
                row.body.map(|body| {
                    (
                        i64::from(row.entity),
                        row.key.to_bytes().to_vec(),
                        row.version as i64,
                        body.to_canonical(),
                    )
                })
            })
            .collect();
        rows.sort();
        rows
    }

    pub(crate) async fn nothing_was_oversold(&self) {
        let over = "SELECT count(*) FROM (SELECT listing_id, holder FROM stock_entries GROUP BY 1, 2 HAVING sum(quantity_milli) < 0) x";
        assert_eq!(self.count(over).await, 0);
        assert_eq!(self.count("SELECT count(*) FROM orders WHERE status = 3").await, 0, "no order is short");
        for office in &self.offices {
            for listing in office.listings().await.iter().filter(|l| l.cooperative.0 == office.edge.0) {
                let held = self.held(listing.id, Holder::Edge(office.edge)).await;
                assert_eq!(
                    office.spendable(listing.id).await,
                    held,
                    "office and hub disagree on {}",
                    listing.id
                );
            }
        }
    }
}

impl Office {
    async fn rows(&self, bucket: Bucket) -> Vec<(i64, Vec<u8>, i64, Vec<u8>)> {
        let name = bucket.to_string();
        self.syncer
            .db
            .read(move |conn| {
                let mut statement = conn.prepare(
                    "SELECT entity, id, version, payload FROM replica WHERE bucket = (SELECT number FROM bucket WHERE name = ?1)
                     AND payload IS NOT NULL ORDER BY entity, id",
                )?;
                let rows = statement.query_map([name], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))?;
                Ok::<_, DbError>(rows.collect::<Result<_, _>>()?)
            })
            .await
            .unwrap()
    }
}

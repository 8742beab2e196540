//! A hub for one test: its own database, a clock moved by hand, the same ids each time, and requests through the whole router.

use axum::Router;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, HeaderName, Method, Request, StatusCode, header};
use http_body_util::BodyExt;
use mizili_hub::db::{Db, Statements, migrate};
use mizili_hub::keys::HubKeys;
use mizili_hub::limits::Limits;
use mizili_hub::migrations::MIGRATOR;
use mizili_hub::room::Room;
use mizili_hub::router::router;
use mizili_hub::state::{AppState, Auth, Shared};
use mizili_hub::testing::postgres::{TemplateKey, TestPostgres};
use mizili_hub::token::TokenKey;
use mizili_node::deps::{Deps, HandClock};
use mizili_node::password::Passwords;
use mizili_node::throttle::UnderWay;
use serde_json::{Value, json};
use sqlx::{AssertSqlSafe, PgConnection, Row};
use std::net::SocketAddr;
use std::sync::Arc;
use sync_protocol::ids::UserId;
use tower::ServiceExt;
use uuid::Uuid;

/// Held by a test that looks at what is kept on its one connection, and by one after which no connection of the process is used again.
pub(crate) static CONNECTIONS: tokio::sync::Mutex<()> = tokio::sync::Mutex::const_new(());

/// Cooperatives that [`TestHub::with_market`] makes.
pub(crate) const OWN: u32 = 1;
pub(crate) const OTHER: u32 = 2;
/// Commodities and units that it makes.
pub(crate) const MAIZE: u32 = 1;
pub(crate) const SEED: u32 = 3;
pub(crate) const KG: u32 = 1;

/// Who asks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Who {
    Anonymous,
    Buyer,
    /// A farmer of [`OWN`], a member of it by a confirmed number.
    Farmer,
    /// A clerk of [`OWN`].
    Clerk,
    /// A clerk of [`OTHER`].
    OtherClerk,
    Admin,
}

impl Who {
    pub(crate) const ALL: [Self; 6] =
        [Self::Anonymous, Self::Buyer, Self::Farmer, Self::Clerk, Self::OtherClerk, Self::Admin];

    /// The account's id and number.
    fn account(self) -> Option<(Uuid, u64)> {
        let n = match self {
            Self::Anonymous => return None,
            Self::Buyer => 1,
            Self::Farmer => 2,
            Self::Clerk => 3,
            Self::OtherClerk => 4,
            Self::Admin => 5,
        };
        Some((Uuid::from_u128(n), 265_991_000_000 + u64::try_from(n).unwrap()))
    }

    pub(crate) fn id(self) -> Uuid {
        self.account().unwrap().0
    }
}

pub(crate) struct TestHub {
    pub(crate) state: AppState,
    pub(crate) clock: Arc<HandClock>,
    pub(crate) router: Router,
    // Dropped last: the pool is closed before the database goes.
    _dir: Arc<tempfile::TempDir>,
    _postgres: Arc<TestPostgres>,
}

/// An answer.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body)
            .unwrap_or_else(|e| panic!("{e}: {}", String::from_utf8_lossy(&self.body)))
    }

    pub(crate) fn header(&self, name: impl Into<HeaderName>) -> &str {
        let name = name.into();
        self.headers.get(&name).unwrap_or_else(|| panic!("no {name} in {self:?}")).to_str().unwrap()
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    /// Checks the status, with the body where it is another.
    #[track_caller]
    pub(crate) fn is(self, status: u16) -> Self {
        assert_eq!(self.status.as_u16(), status, "{}", String::from_utf8_lossy(&self.body));
        self
    }

    /// Checks that it is a problem with this code.
    #[track_caller]
    pub(crate) fn problem(self, status: u16, code: &str) -> Value {
        let answer = self.is(status);
        assert_eq!(answer.header(header::CONTENT_TYPE), "application/problem+json");
        let json = answer.json();
        assert_eq!(json["code"], code, "{json}");
        assert_eq!(json["status"], status);
        assert_eq!(json["type"], format!("/api/docs/problems#{code}"));
        assert!(json["detail"].as_str().is_some_and(|detail| !detail.is_empty()), "{json}");
        json
    }

    /// Checks that it is a 422 which points at exactly these fields.
    #[track_caller]
    pub(crate) fn invalid(self, pointers: &[&str]) -> Value {
        let json = self.problem(422, "invalid");
        let mut found: Vec<_> =
            json["errors"].as_array().unwrap().iter().map(|e| e["pointer"].as_str().unwrap()).collect();
        found.sort_unstable();
        assert_eq!(found, pointers, "{json}");
        json
    }
}

/// A request about to be sent.
#[must_use]
pub(crate) struct Call<'a> {
    hub: &'a TestHub,
    request: axum::http::request::Builder,
    body: Vec<u8>,
}

impl Call<'_> {
    pub(crate) fn by(self, who: Who) -> Self {
        match who.account() {
            None => self,
            Some((id, _)) => {
                let token = self
                    .hub
                    .state
                    .auth
                    .key
                    .issue(UserId(id), self.hub.state.deps.clock.now_s(), Uuid::nil())
                    .unwrap();
                self.token(&token)
            }
        }
    }

    pub(crate) fn token(self, token: &str) -> Self {
        self.header(header::AUTHORIZATION, &format!("Bearer {token}"))
    }

    pub(crate) fn header(mut self, name: impl Into<HeaderName>, value: &str) -> Self {
        self.request = self.request.header(name.into(), value);
        self
    }

    /// Comes from this address.
    pub(crate) fn from(mut self, address: &str) -> Self {
        self.request = self.request.extension(ConnectInfo(SocketAddr::new(address.parse().unwrap(), 4711)));
        self
    }

    pub(crate) fn key(self, key: &str) -> Self {
        self.header(HeaderName::from_static("idempotency-key"), key)
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.raw(body.to_string())
    }

    pub(crate) fn raw(mut self, body: impl Into<Vec<u8>>) -> Self {
        self.body = body.into();
        self.header(header::CONTENT_TYPE, "application/json")
    }

    pub(crate) async fn send(self) -> Answer {
        let request: Request<Body> = self.request.body(Body::from(self.body)).unwrap();
        let response = self.hub.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes().to_vec();
        Answer { status: parts.status, headers: parts.headers, body }
    }
}

impl TestHub {
    /// A hub with nothing in it.
    pub(crate) async fn empty() -> Self {
        let key = TemplateKey::of_migrator("hub", &MIGRATOR);
        let postgres = TestPostgres::new(&key, |url| async move { migrate(&url).await }).await.unwrap();
        let db = Db::connect_with(postgres.url(), postgres.url(), 8).await.unwrap();
        db.settle_statements(&Deps::real(), Statements::Named).await.unwrap();
        let dir = Arc::new(tempfile::tempdir().unwrap());
        let (deps, clock) = Deps::fixed_with_clock(1);
        let keys = HubKeys::load(None, dir.path(), |secret| secret.fill(7)).unwrap();
        let auth = Auth {
            passwords: Passwords::new(2),
            key: TokenKey::new(&[9; 32]),
            under_way: UnderWay::default(),
        };
        let state = AppState::from(Shared {
            db,
            deps,
            room: Room::default(),
            limits: Limits::default(),
            keys: Arc::new(keys),
            auth: Arc::new(auth),
            names: Arc::default(),
            threads: 2,
            proxies: Arc::default(),
        });
        Self { router: router(state.clone()), state, clock, _dir: dir, _postgres: Arc::new(postgres) }
    }

    /// Another hub over the same database and with the same secrets; it makes other ids, and its clock stands where this one's began.
    pub(crate) fn another(&self, seed: u64) -> Self {
        let (deps, clock) = Deps::fixed_with_clock(seed);
        let state = AppState::from(Shared {
            deps,
            room: Room::default(),
            names: Arc::default(),
            threads: 2,
            ..Shared::clone(&self.state)
        });
        let (dir, postgres) = (self._dir.clone(), self._postgres.clone());
        Self { router: router(state.clone()), state, clock, _dir: dir, _postgres: postgres }
    }

    /// A hub with commodities, units, two cooperatives and an account of each kind.
    pub(crate) async fn with_market() -> Self {
        let hub = Self::empty().await;
        hub.sql(
            "INSERT INTO commodities (name, category, name_sw, name_ny, name_fr, on_menus) VALUES
                 ('Maize', 'cereals and tubers', 'mahindi', 'chimanga', 'maïs', true),
                 ('Beans', 'pulses and nuts', 'maharage', 'nyemba', 'haricots', true),
                 ('Maize seed', 'cereals and tubers', '', '', '', true),
                 ('Fuel (diesel)', 'non-food', '', '', '', false)",
        )
        .await;
        hub.sql("INSERT INTO units (code, base, factor_milli) VALUES ('KG', 1, 1000), ('90 KG', 1, 90000), ('Bunch', 3, 1000), ('L', 2, 1000)").await;
        hub.sql("INSERT INTO regions (country, name) VALUES ('MWI', 'Central Region'), ('MWI', 'Northern Region'), ('KEN', 'Coast')").await;
        hub.sql(
            "INSERT INTO cooperatives (name, country, region_id, currency) VALUES
                 ('Kasungu Growers', 'MWI', 1, 'MWK'), ('Mzuzu Farmers', 'MWI', 2, 'MWK')",
        )
        .await;
        for who in Who::ALL {
            hub.account(who).await;
        }
        hub.sql(
            "INSERT INTO members (id, cooperative_id, name, phone, language, registered_at_s)
             VALUES ('00000000-0000-0000-0000-0000000000aa', 1, 'Grace Banda', 265991000002, 'ny', 0)",
        )
        .await;
        hub
    }

    /// From here on passwords are hashed in this pool.
    pub(crate) fn set_passwords(&mut self, passwords: Passwords) {
        let Auth { key, under_way, .. } = &*self.state.auth;
        let auth = Auth { passwords, key: key.clone(), under_way: under_way.clone() };
        self.change(|shared| shared.auth = Arc::new(auth));
    }

    /// From here on its handlers share something else.
    pub(crate) fn change(&mut self, change: impl FnOnce(&mut Shared)) {
        let mut shared = Shared::clone(&self.state);
        change(&mut shared);
        self.state = shared.into();
        self.router = router(self.state.clone());
    }

    /// From here on requests have these limits.
    pub(crate) fn set_limits(&mut self, limits: Limits) {
        self.change(|shared| shared.limits = limits);
    }

    async fn account(&self, who: Who) {
        let Some((id, phone)) = who.account() else { return };
        let (role, cooperative, confirmed) = match who {
            Who::Anonymous => return,
            Who::Buyer => ("buyer", "NULL", false),
            Who::Farmer => ("farmer", "1", true),
            Who::Clerk => ("clerk", "1", true),
            Who::OtherClerk => ("clerk", "2", true),
            Who::Admin => ("admin", "NULL", true),
        };
        self.sql(&format!(
            "INSERT INTO users (id, phone, phone_confirmed, name, role, cooperative_id, password_hash)
             VALUES ('{id}', {phone}, {confirmed}, '{who:?}', '{role}', {cooperative}, '')"
        ))
        .await;
    }

    /// Somebody has confirmed that the phone number is theirs: no bound on what they reserve.
    pub(crate) async fn confirm(&self, who: Who) {
        let (id, _) = who.account().unwrap();
        self.sql(&format!("UPDATE users SET phone_confirmed = true WHERE id = '{id}'")).await;
    }

    pub(crate) async fn sql(&self, sql: &str) {
        let mut tx = self.state.db.begin().await.unwrap();
        sqlx::raw_sql(AssertSqlSafe(sql.to_owned())).execute(&mut *tx).await.unwrap();
        tx.commit().await.unwrap();
    }

    /// The first column of the first row, as text.
    pub(crate) async fn ask(&self, sql: &str) -> String {
        let mut tx = self.state.db.begin().await.unwrap();
        let connection: &mut PgConnection = &mut tx;
        let sql = format!("SELECT ({sql})::text");
        sqlx::raw_sql(AssertSqlSafe(sql)).fetch_one(connection).await.unwrap().try_get(0).unwrap()
    }

    pub(crate) fn call(&self, method: Method, path: &str) -> Call<'_> {
        Call { hub: self, request: Request::builder().method(method).uri(path), body: Vec::new() }
    }

    pub(crate) fn get(&self, path: &str) -> Call<'_> {
        self.call(Method::GET, path)
    }

    pub(crate) fn post(&self, path: &str) -> Call<'_> {
        self.call(Method::POST, path)
    }

    pub(crate) fn patch(&self, path: &str) -> Call<'_> {
        self.call(Method::PATCH, path)
    }

    /// Maize of a cooperative, so many KG at 500.00 MWK; its id.
    pub(crate) async fn maize(&self, cooperative: u32, quantity: u32) -> String {
        let body = json!({
            "commodity_id": MAIZE, "unit_id": KG, "quantity": quantity.to_string(), "cooperative_id": cooperative,
            "price": { "amount": 50_000, "currency": "MWK" },
        });
        let answer = self.post("/api/v1/products").by(Who::Admin).json(&body).send().await.is(201);
        answer.json()["id"].as_str().unwrap().to_owned()
    }

    /// An order by somebody; its id.
    pub(crate) async fn order(&self, who: Who, product: &str, quantity: u32) -> String {
        let body = json!({ "product_id": product, "quantity": quantity.to_string() });
        let key = self.state.deps.ids.uuid_v7().to_string();
        let answer = self.post("/api/v1/orders").by(who).key(&key).json(&body).send().await.is(201);
        answer.json()["id"].as_str().unwrap().to_owned()
    }
}

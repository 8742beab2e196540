//! The hub behind PgBouncer in transaction mode, with fewer connections to Postgres than people who ask: the programs an operator
//! runs, what apps ask for, and an office that syncs and hears of news.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use mizili_edge::commands::{self, Submission};
use mizili_edge::config::Senders;
use mizili_edge::db::Db as EdgeDb;
use mizili_edge::identity::Identity;
use mizili_edge::sync::client::HttpTransport;
use mizili_edge::sync::enrol::Enrolment;
use mizili_edge::sync::tls::{self, BestTime};
use mizili_edge::sync::{Bounds, Check, Syncer, keep};
use mizili_edge::{node, replica};
use mizili_hub::testing::postgres::{TemplateKey, TestPostgres};
use mizili_node::deps::Deps;
use serde_json::{Value, json};
use sqlx::postgres::PgConnectOptions;
use sqlx::{Connection, PgConnection};
use std::io::{BufRead, BufReader, Read, Write};
use std::os::unix::fs::{MetadataExt, chown};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::Arc;
use std::time::Duration;
use sync_protocol::command::{Actor, ActorKind, ListingPost};
use sync_protocol::entity::Order;
use sync_protocol::ids::CommandId;
use tempfile::TempDir;
use tokio::sync::watch;

/// Connections of the pooler to Postgres.
const POOL: usize = 2;
/// Those that the hub keeps beside it: one hears news, one tells them.
const DIRECT: i64 = 2;
const PRICES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/prices/wfp_food_prices_mwi.csv");

/// A program that ends with the test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // An error says that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// PgBouncer before a database, on a socket in a folder of its own.
struct Pooler {
    url: String,
    _running: Running,
    _dir: TempDir,
}

impl Pooler {
    /// As the user of the server, since it does not run as root. It ends with this thread, also when that is killed.
    fn before(database: &TestPostgres) -> Self {
        let options: PgConnectOptions = database.url().parse().unwrap();
        let server = options.get_socket().unwrap();
        let owner = std::fs::metadata(server).unwrap();
        let dir = tempfile::tempdir().unwrap();
        let config = dir.path().join("pgbouncer.ini");
        let text = format!(
            "[databases]\n* = host=/proc/self/cwd port={} user=mizili\n\
             [pgbouncer]\npool_mode = transaction\ndefault_pool_size = {POOL}\nauth_type = any\n\
             unix_socket_dir = {}\nlisten_port = 6432\n",
            options.get_port(),
            dir.path().display(),
        );
        std::fs::write(&config, text).unwrap();
        chown(dir.path(), Some(owner.uid()), Some(owner.gid())).unwrap();
        // It works in the folder of the server's socket, since that user may not be let through the folders above it.
        let mut command = Command::new("setpriv");
        command.current_dir(server);
        command.args(["--pdeathsig", "KILL"]);
        if std::fs::metadata("/proc/self").unwrap().uid() == 0 {
            command.arg(format!("--reuid={}", owner.uid())).arg(format!("--regid={}", owner.gid()));
            command.arg("--clear-groups");
        }
        command.args(["--", "pgbouncer"]).arg(&config).env("PATH", "/usr/sbin:/usr/bin:/sbin:/bin");
        let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let running = Running(child);
        let mut said = String::new();
        while !said.contains("process up") {
            let read = log.read_line(&mut said).unwrap();
            assert!(read > 0, "PgBouncer does not start; deploy/setup installs it: {said}");
        }
        std::thread::spawn(move || std::io::copy(&mut log, &mut std::io::sink()));
        let dir_in_url = dir.path().to_str().unwrap().replace('/', "%2F");
        let url = format!(
            "postgres:///{}?host={dir_in_url}&port=6432&user=mizili&sslmode=disable",
            database.name()
        );
        Self { url, _running: running, _dir: dir }
    }
}

/// The hub's program with its folder and its addresses of one database.
struct Hub<'a> {
    dir: TempDir,
    pooler: &'a str,
    direct: &'a str,
}

impl Hub<'_> {
    fn program(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_mizili-hub"));
        command.args(words).args(["--data-dir".as_ref(), self.dir.path().as_os_str()]);
        command.env("DATABASE_URL", self.pooler).env("DATABASE_DIRECT_URL", self.direct);
        for variable in ["PORT", "MIZILI_JWT_SECRET", "MIZILI_HUB_KEYS", "RUST_LOG"] {
            command.env_remove(variable);
        }
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        command
    }

    /// What the program prints, which must succeed.
    #[track_caller]
    fn run(&self, words: &[&str], stdin: &str) -> Vec<Value> {
        let mut child = self.program(words).arg("--json").spawn().unwrap();
        child.stdin.take().unwrap().write_all(stdin.as_bytes()).unwrap();
        let Output { status, stdout, stderr } = child.wait_with_output().unwrap();
        assert!(status.success(), "{words:?}: {}", String::from_utf8_lossy(&stderr));
        String::from_utf8(stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
    }

    /// Starts to serve; the address.
    fn serve(&self) -> (Running, String) {
        let mut child = self.program(&["serve", "--listen", "127.0.0.1:0"]).spawn().unwrap();
        let mut log = BufReader::new(child.stderr.take().unwrap());
        let running = Running(child);
        let mut said = String::new();
        let address = loop {
            let before = said.len();
            assert!(log.read_line(&mut said).unwrap() > 0, "the hub does not start: {said}");
            if let Some((_, rest)) = said[before..].split_once("listening on ") {
                assert!(said.contains("statements are planned each time"), "found out, and said: {said}");
                break rest.split(';').next().unwrap().to_owned();
            }
        };
        std::thread::spawn(move || log.read_to_end(&mut Vec::new()));
        (running, address)
    }
}

/// A person's app.
struct App {
    client: reqwest::Client,
    address: String,
    token: String,
}

impl App {
    async fn sign_in(address: &str, phone: &str, password: &str) -> Self {
        let mut app =
            Self { client: reqwest::Client::new(), address: address.to_owned(), token: String::new() };
        let body = json!({ "phone": phone, "password": password });
        let (status, answer) = app.post("/api/v1/auth/login", &body).await;
        assert_eq!(status, 200, "{answer}");
        app.token = answer["access_token"].as_str().unwrap().to_owned();
        app
    }

    async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let key = Deps::real().ids.uuid_v7().to_string();
        let request = self.client.post(format!("{}{path}", self.address)).bearer_auth(&self.token).json(body);
        let answer = request.header("idempotency-key", key).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    async fn get(&self, path: &str) -> Value {
        let request = self.client.get(format!("{}{path}", self.address)).bearer_auth(&self.token);
        request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    }

    async fn order(&self, product: &str, quantity: u32) -> (u16, Value) {
        let body = json!({ "product_id": product, "quantity": quantity.to_string() });
        self.post("/api/v1/orders", &body).await
    }

    /// An order by everybody at once; how many were confirmed.
    async fn orders_at_once(&self, n: usize, product: &str, quantity: u32) -> usize {
        let all = (0..n).map(|_| self.order(product, quantity));
        let answers = futures_util::future::join_all(all).await;
        let refused = answers.iter().filter(|(status, _)| *status == 409).count();
        let confirmed = answers.iter().filter(|(status, _)| *status == 201).count();
        assert_eq!(confirmed + refused, n, "{answers:?}");
        confirmed
    }
}

/// An office's box that is enrolled.
async fn office(dir: &Path, address: &str, code: &str) -> Syncer {
    let (db, deps) = (EdgeDb::open(dir).unwrap(), Deps::real());
    let time = Arc::new(BestTime::new(deps.clock.clone(), None, 0));
    let transport = Arc::new(HttpTransport::new(address, false, time.clone()).unwrap());
    let enrolment = Enrolment {
        db: &db,
        deps: &deps,
        data_dir: dir,
        transport: &*transport,
        insecure_http: false,
        same_hub: false,
    };
    enrolment.run(code, Some("a password for tests")).await.unwrap();
    let identity = Arc::new(Identity::load(dir).unwrap());
    let changed = watch::Sender::new(0);
    Syncer {
        identity,
        time,
        transport,
        senders: Senders::default(),
        data_dir: dir.to_owned(),
        deps,
        changed,
        db,
    }
}

async fn orders_at(office: &EdgeDb) -> usize {
    office.read(replica::all::<Order>).await.unwrap().len()
}

async fn post_listing(office: &Syncer) {
    let post = ListingPost {
        listing: office.deps.ids.uuid_v7(),
        commodity: 1,
        unit: 1,
        title: "From the office".into(),
        quantity_milli: 7_000,
        price_minor: 40_000,
        currency: "MWK".into(),
        seller: None,
        hub_milli: None,
    };
    let actor = Actor { kind: ActorKind::Office, id: None, phone: 265_991_000_000 };
    let submission = Submission {
        id: CommandId(office.deps.ids.uuid_v7()),
        actor,
        body: post.into(),
        clerk: true,
        caller_phone: 0,
    };
    let deps = office.deps.clone();
    office.db.write(move |tx| commands::submit(tx, &deps, submission)).await.unwrap();
}

/// The hub's connections to Postgres, without the one that asks.
async fn connections(direct: &str) -> i64 {
    let mut connection = PgConnection::connect(direct).await.unwrap();
    let sql = "SELECT count(*) FROM pg_stat_activity
               WHERE datname = current_database() AND pid <> pg_backend_pid()";
    let count = sqlx::query_scalar(sql).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    count
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_day_through_a_pooler_in_transaction_mode() {
    tls::install_provider();
    // The program makes the schema, so the database begins without one.
    let nothing = |_| async { Ok::<_, sqlx::Error>(()) };
    let database = TestPostgres::new(&TemplateKey::of_parts("bare", [""]), nothing).await.unwrap();
    let pooler = Pooler::before(&database);
    let hub = Hub { dir: tempfile::tempdir().unwrap(), pooler: &pooler.url, direct: database.url() };

    let without = hub.program(&["migrate"]).env_remove("DATABASE_DIRECT_URL").output().unwrap();
    let said = String::from_utf8(without.stderr).unwrap();
    assert!(!without.status.success() && said.contains("DATABASE_DIRECT_URL"), "{said}");
    hub.run(&["migrate"], "");
    hub.run(&["prices", "import", "--source", "wfp", PRICES], "");
    hub.run(&["cooperative", "add", "--name", "Mbewu", "--country", "MWI", "--region", "Central Region"], "");
    hub.run(&["user", "add", "--phone", "+265991000001", "--role", "admin"], "nyemba 2026\n");

    let (_running, address) = hub.serve();
    let app = App::sign_in(&address, "+265991000001", "nyemba 2026").await;
    let prices = app.get("/api/v1/market-prices?limit=5").await;
    assert_eq!(prices["items"].as_array().unwrap().len(), 5);
    let commodity = prices["items"][0]["commodity_id"].clone();
    let product = json!({
        "commodity_id": commodity, "unit_id": 1, "cooperative_id": 1, "quantity": "100",
        "price": { "amount": 50_000, "currency": "MWK" },
    });
    let (status, product) = app.post("/api/v1/products", &product).await;
    assert_eq!(status, 201, "{product}");
    let product = product["id"].as_str().unwrap();
    assert_eq!(app.orders_at_once(30, product, 5).await, 20, "100 are for sale, by fives");

    let code = hub.run(&["edge", "add", "--cooperative", "1"], "");
    let dir = tempfile::tempdir().unwrap();
    let office = office(dir.path(), &address, code[0]["code"].as_str().unwrap()).await;
    let bounds = Bounds {
        lock_patience: Duration::from_secs(30),
        work: None,
        check: Check::Disk,
        hold_commands: false,
    };
    office.run_once(bounds).await.unwrap();
    post_listing(&office).await;
    let report = office.run_once(bounds).await.unwrap();
    assert!(report.digests_equal && (report.commands, report.applied) == (1, 1), "{report:?}");
    assert_eq!(orders_at(&office.db).await, 20);
    assert_eq!(office.db.read(node::identity).await.unwrap().unwrap().edge.0, 1);

    // A long poll brings what an app orders of the office's goods.
    let (stop, stopped) = watch::channel(false);
    let db = office.db.clone();
    let (handle, syncing) = keep::start(keep::opened(office), stopped);
    let mut changed = handle.changed();
    let products = app.get("/api/v1/products?limit=10").await;
    let products = products["items"].as_array().unwrap();
    let of_the_office = products.iter().find(|product| product["name"] == "From the office").unwrap();
    let (status, order) = app.order(of_the_office["id"].as_str().unwrap(), 1).await;
    assert_eq!(status, 201, "{order}");
    let arrived = async {
        while orders_at(&db).await < 21 {
            changed.changed().await.unwrap();
        }
    };
    tokio::time::timeout(Duration::from_secs(60), arrived).await.unwrap();
    stop.send_replace(true);
    syncing.await.unwrap();

    let connections = connections(database.url()).await;
    assert!((1..=POOL as i64 + DIRECT).contains(&connections), "{connections}");
}

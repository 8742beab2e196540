//! Behind a pooler that takes no named statements: a hub that finds it out by itself, while a column changes its type, and nobody who
//! asks notices; one that is told to name them does not start.

use crate::callers::{App, BOUNDS, office, post_listing};
use crate::programs::{Hub, Pooler};
use futures_util::future::join_all;
use mizili_edge::line::tls;
use mizili_hub::testing::postgres::{TemplateKey, TestPostgres};
use mizili_node::testing::wait::until;
use serde_json::json;
use sqlx::{AssertSqlSafe, Connection, PgConnection};
use std::sync::atomic::{AtomicU32, Ordering};

/// Apps that ask at once, and how often each asks.
const APPS: usize = 6;
const ASKS: u32 = 40;
/// Exchanges of the office meanwhile, each with a command.
const EXCHANGES: usize = 6;

const PRICES: &str = "date,admin1,admin2,market,latitude,longitude,category,commodity,unit,priceflag,pricetype,currency,price,usdprice
2026-03-15,Central Region,Lilongwe,Lilongwe,-13.98,33.78,cereals and tubers,Maize,KG,actual,Retail,MWK,250,0.1
";
const CHANGE: &str = "ALTER TABLE listings ALTER title TYPE varchar(500);
    ALTER TABLE orders ALTER buyer_name TYPE varchar(500);
    ALTER TABLE cooperatives ALTER country TYPE varchar(3)";

/// Asks in turn for what reads and what writes; each has to be answered.
async fn asks(app: &App, product: &str, answers: &AtomicU32) {
    for n in 0..ASKS {
        match n % 4 {
            0 => drop(app.get("/api/v1/products?limit=10").await),
            1 => drop(app.get("/api/v1/orders?limit=10").await),
            2 => drop(app.get(&format!("/api/v1/products/{product}")).await),
            _ => {
                let (status, answer) = app.order(product, 1).await;
                assert_eq!(status, 201, "{answer}");
            }
        }
        answers.fetch_add(1, Ordering::Relaxed);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn neither_a_pooler_that_takes_no_names_nor_a_changed_column_fails_anybody() {
    tls::install_provider();
    let nothing = |_| async { Ok::<_, sqlx::Error>(()) };
    let database = TestPostgres::new(&TemplateKey::of_parts("bare", [""]), nothing).await.unwrap();
    let pooler = Pooler::before(&database);
    let hub = Hub { dir: tempfile::tempdir().unwrap(), pooler: &pooler.url, direct: database.url() };
    hub.run(&["migrate"], "");
    hub.run(&["cooperative", "add", "--name", "Mbewu", "--country", "MWI", "--region", "Central Region"], "");
    hub.run(&["user", "add", "--phone", "+265991000001", "--role", "admin"], "nyemba 2026\n");
    let mut operator = PgConnection::connect(database.url()).await.unwrap();
    let file = hub.dir.path().join("wfp_food_prices_mwi.csv");
    std::fs::write(&file, PRICES).unwrap();
    hub.run(&["prices", "import", "--source", "wfp", file.to_str().unwrap()], "");

    let serving = hub.serve();
    let app = App::sign_in(&serving.address, "+265991000001", "nyemba 2026").await;
    let product = json!({
        "commodity_id": 1, "unit_id": 1, "cooperative_id": 1, "quantity": "1000",
        "price": { "amount": 50_000, "currency": "MWK" },
    });
    let (status, product) = app.post("/api/v1/products", &product).await;
    assert_eq!(status, 201, "{product}");
    let product = product["id"].as_str().unwrap();
    let code = hub.run(&["edge", "add", "--cooperative", "1"], "");
    let dir = tempfile::tempdir().unwrap();
    let office = office(dir.path(), &serving.address, code[0]["code"].as_str().unwrap()).await;
    office.run_once(BOUNDS).await.unwrap();

    let answers = AtomicU32::new(0);
    let exchanges = async {
        for _ in 0..EXCHANGES {
            post_listing(&office).await;
            let report = office.run_once(BOUNDS).await.unwrap();
            assert_eq!(report.applied, 1, "{report:?}");
        }
    };
    let changes = async {
        until(async || answers.load(Ordering::Relaxed) >= ASKS).await;
        sqlx::raw_sql(CHANGE).execute(&mut operator).await.unwrap();
    };
    let everybody = join_all((0..APPS).map(|_| asks(&app, product, &answers)));
    tokio::join!(everybody, exchanges, changes);

    let said = serving.said();
    assert!(said.contains("a pooler between here and the database takes no named ones"), "{said}");
    assert!(!said.contains("gone or outdated"), "{said}");
    assert!(!said.contains(" ERROR "), "{said}");
    let ask = async |operator: &mut PgConnection, sql: &str| -> i64 {
        sqlx::query_scalar(AssertSqlSafe(sql.to_owned())).fetch_one(operator).await.unwrap()
    };
    let decided =
        ask(&mut operator, "SELECT count(*) FROM commands WHERE edge_id = 1 AND verdict = 'applied'").await;
    assert_eq!(decided, EXCHANGES as i64, "and none is quarantined");
    assert_eq!(ask(&mut operator, "SELECT count(*) FROM commands WHERE verdict = 'quarantined'").await, 0);
    let orders = APPS as i64 * i64::from(ASKS) / 4;
    assert_eq!(ask(&mut operator, "SELECT count(*) FROM orders").await, orders, "each once");
    operator.close().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_must_name_them_does_not_start_behind_it() {
    let nothing = |_| async { Ok::<_, sqlx::Error>(()) };
    let database = TestPostgres::new(&TemplateKey::of_parts("bare", [""]), nothing).await.unwrap();
    let pooler = Pooler::before(&database);
    let hub = Hub { dir: tempfile::tempdir().unwrap(), pooler: &pooler.url, direct: database.url() };
    hub.run(&["migrate"], "");
    let mut serve = hub.program(&["serve", "--listen", "127.0.0.1:0"]);
    let ended = serve.env("MIZILI_STATEMENTS", "named").output().unwrap();
    let said = String::from_utf8_lossy(&ended.stderr);
    assert!(!ended.status.success(), "{said}");
    assert!(said.contains("keeps no named statements") && said.contains("Leave the setting out"), "{said}");
}

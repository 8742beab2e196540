//! A day of an operator, of people and of an office, from an empty database on.

use crate::callers::{App, BOUNDS, office, orders_at, post_listing};
use crate::programs::{Hub, POOL, Pooler};
use mizili_edge::line::tls;
use mizili_edge::node;
use mizili_edge::sync::keep;
use mizili_hub::testing::postgres::{TemplateKey, TestPostgres};
use serde_json::json;
use sqlx::{Connection, PgConnection};
use std::time::Duration;
use tokio::sync::watch;

/// Connections to Postgres that the hub keeps beside the pooler: one hears news, one tells them.
const DIRECT: i64 = 2;
const PRICES: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/data/prices/wfp_food_prices_mwi.csv");

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

    let serving = hub.serve();
    let (address, said) = (serving.address.clone(), serving.said());
    assert!(said.contains("statements are planned each time"), "found out, and said: {said}");
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
    office.run_once(BOUNDS).await.unwrap();
    post_listing(&office).await;
    let report = office.run_once(BOUNDS).await.unwrap();
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

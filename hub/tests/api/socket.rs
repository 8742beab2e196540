//! Through a real socket, over a Postgres that goes and comes back.

use mizili_hub::db::{Db, Statements, migrate};
use mizili_hub::postgres::{Durability, LocalPostgres};
use mizili_hub::serve::{Secrets, serve_until, state};
use mizili_node::address::Proxies;
use mizili_node::deps::Deps;
use reqwest::header::RETRY_AFTER;
use serde_json::Value;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use tokio::sync::oneshot;

struct Served {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    done: tokio::task::JoinHandle<()>,
}

async fn serve(db: Db, dir: &std::path::Path) -> Served {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let state = state(db, Deps::real(), dir, &Secrets::default(), Proxies::default()).unwrap();
    let (stop, stopped) = oneshot::channel();
    let stopped = async {
        let _ = stopped.await;
    };
    let done = tokio::spawn(async move { serve_until(listener, state, stopped).await });
    Served { address, stop, done }
}

async fn get(address: SocketAddr, path: &str) -> reqwest::Response {
    // The provider of ciphers is one for the process; another test may have set it.
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::get(format!("http://{address}{path}")).await.unwrap()
}

#[tokio::test]
async fn a_database_that_goes_and_comes_back_needs_no_restart() {
    let dir = tempfile::tempdir().unwrap();
    let postgres = LocalPostgres::start(&dir.path().join("pg"), Durability::Throwaway).await.unwrap();
    postgres.create_database_if_missing("mizili").await.unwrap();
    let url = postgres.url("mizili");
    let db = Db::connect_with(&url, &url, 4).await.unwrap();
    db.settle_statements(&Deps::real(), Statements::Named).await.unwrap();
    let hub = serve(db.clone(), dir.path()).await;

    let unready = get(hub.address, "/readyz").await;
    assert_eq!(unready.status(), 503);
    assert!(unready.text().await.unwrap().contains("mizili-hub migrate"));
    migrate(&url).await.unwrap();
    assert_eq!(get(hub.address, "/readyz").await.status(), 200);
    assert_eq!(get(hub.address, "/api/v1/units").await.status(), 200);

    postgres.stop().await.unwrap();
    for path in ["/readyz", "/api/v1/units", "/api/v1/products"] {
        let away = get(hub.address, path).await;
        assert_eq!(away.status(), 503, "{path}");
        assert_eq!(away.headers()[RETRY_AFTER], "5");
        let problem: Value = serde_json::from_str(&away.text().await.unwrap()).unwrap();
        assert_eq!(problem["code"], "unavailable");
    }
    assert_eq!(get(hub.address, "/healthz").await.status(), 200);

    let postgres = LocalPostgres::start(&dir.path().join("pg"), Durability::Throwaway).await.unwrap();
    let mut status = 0;
    for _ in 0..50 {
        status = get(hub.address, "/api/v1/units").await.status().as_u16();
        if status == 200 {
            break;
        }
    }
    assert_eq!(status, 200);
    assert_eq!(get(hub.address, "/readyz").await.status(), 200);

    hub.stop.send(()).unwrap();
    tokio::time::timeout(Duration::from_secs(60), hub.done).await.unwrap().unwrap();
    db.close().await;
    postgres.stop().await.unwrap();
}

//! What the machine itself can do, measured in the same run: bare SQLite, bare Postgres, a static answer of nginx. Each does no
//! more than store or send; nothing real can do its work in less.

use crate::bench_dir;
use crate::data::{Price, Product};
use crate::ussd::Walk;
use anyhow::{Context as _, Result, ensure};
use mizili_hub::db::{Db, q};
use serde::Deserialize;
use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};
use tokio::process::{Child, Command};
use uuid::Uuid;

/// How long nginx may take to listen.
const LISTEN_WITHIN: Duration = Duration::from_secs(10);

/// Rows a second of a bare insert of prices and products into a new SQLite file, in one transaction, in the order of their keys, with
/// nothing derived from them and no index beside them.
pub(crate) fn sqlite_rows_s(folder: &Path, prices: &[Price], products: &[Product]) -> Result<f64> {
    let folder = tempfile::tempdir_in(folder)?;
    let mut conn = rusqlite::Connection::open(folder.path().join("limit.db"))?;
    conn.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
         CREATE TABLE prices (series INTEGER, month INTEGER, price_minor INTEGER, PRIMARY KEY (series, month)) WITHOUT ROWID;
         CREATE TABLE products (id BLOB PRIMARY KEY, cooperative INTEGER, crop INTEGER, unit INTEGER, name TEXT,
                                price_minor INTEGER, currency TEXT, quantity INTEGER) WITHOUT ROWID",
    )?;
    let began = Instant::now();
    let tx = conn.transaction()?;
    {
        let mut insert = tx.prepare("INSERT INTO prices VALUES (?1, ?2, ?3)")?;
        for price in prices {
            insert.execute((price.series as i64, price.month.0, price.price_minor))?;
        }
        let mut insert = tx.prepare("INSERT INTO products VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)")?;
        for (number, product) in products.iter().enumerate() {
            let Product { cooperative, commodity, unit, name, price_minor, quantity, currency } = product;
            let id = (number as u128).to_be_bytes();
            let places = [cooperative, commodity, unit].map(|place| *place as i64);
            let [cooperative, crop, unit] = places;
            insert.execute((id, cooperative, crop, unit, name, price_minor, currency, quantity))?;
        }
    }
    tx.commit()?;
    Ok((prices.len() + products.len()) as f64 / began.elapsed().as_secs_f64())
}

/// Rows a second of a bare insert of orders into the hub's Postgres, so many a transaction: no check, no feed, no answer.
pub(crate) async fn postgres_rows_s(db: &Db, rows: usize, a_transaction: usize) -> Result<f64> {
    let mut tx = db.begin().await?;
    q("DROP TABLE IF EXISTS bench_limit").execute(&mut *tx).await?;
    q("CREATE TABLE bench_limit (id uuid PRIMARY KEY, listing uuid NOT NULL, quantity bigint NOT NULL, phone bigint NOT NULL)")
        .execute(&mut *tx)
        .await?;
    tx.commit().await?;
    let ids: Vec<Uuid> = (0..rows as u128).map(|n| Uuid::from_u128(n << 64 | n)).collect();
    let began = Instant::now();
    for part in ids.chunks(a_transaction) {
        let numbers: Vec<i64> = (0..part.len() as i64).collect();
        let mut tx = db.begin().await?;
        q("INSERT INTO bench_limit SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bigint[])")
            .bind(part)
            .bind(part)
            .bind(&numbers)
            .bind(&numbers)
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
    }
    let rate = rows as f64 / began.elapsed().as_secs_f64();
    let mut tx = db.begin().await?;
    q("DROP TABLE bench_limit").execute(&mut *tx).await?;
    tx.commit().await?;
    Ok(rate)
}

/// nginx with one static answer.
pub(crate) struct Nginx {
    child: Child,
    /// Host and port.
    pub(crate) address: String,
}

impl Nginx {
    /// Starts it, with its files below `folder`.
    pub(crate) async fn start(folder: &Path) -> Result<Self> {
        let address = crate::nodes::free_address()?;
        let port = address.rsplit(':').next().context("no port")?;
        let mut command = Command::new("bash");
        command.arg(bench_dir().join("limits/nginx-start")).env("TMPDIR", folder).env("NGINX_PORT", port);
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
        let mut child = command.process_group(0).spawn().context("cannot start nginx")?;
        let began = Instant::now();
        while tokio::net::TcpStream::connect(&address).await.is_err() {
            ensure!(child.try_wait()?.is_none(), "nginx ended at once");
            ensure!(began.elapsed() < LISTEN_WITHIN, "nginx does not listen");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        Ok(Self { child, address })
    }

    /// Ends it with its workers.
    pub(crate) async fn stop(mut self) {
        if let Some(pid) = self.child.id() {
            let _ = Command::new("kill").args(["-TERM", &pid.to_string()]).status().await;
        }
        let _ = tokio::time::timeout(LISTEN_WITHIN, self.child.wait()).await;
    }
}

/// What wrk found.
#[derive(Debug, Deserialize)]
pub(crate) struct Load {
    /// Answers a second.
    pub(crate) rps: f64,
    /// Milliseconds that half of the answers took at most.
    pub(crate) p50: f64,
    /// Milliseconds that 99 of 100 answers took at most.
    pub(crate) p99: f64,
    bad_status: u64,
    socket_errors: u64,
}

/// Whether wrk and nginx are installed.
pub(crate) fn has_load_tools() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<_> = std::env::split_paths(&path).chain(["/usr/sbin".into()]).collect();
    ["wrk", "nginx"].iter().all(|name| folders.iter().any(|folder| folder.join(name).is_file()))
}

/// Runs the load script of the price walk against an address for some seconds.
pub(crate) async fn walk(address: &str, walk: &Walk, seconds: u32) -> Result<Load> {
    load(address, "ussd.lua", walk.variables(), seconds).await
}

/// Runs a load script with its settings against an address for some seconds: one thread, 16 connections.
pub(crate) async fn load(
    address: &str,
    script: &str,
    settings: impl IntoIterator<Item = (&'static str, String)>,
    seconds: u32,
) -> Result<Load> {
    let load = bench_dir().join("load");
    let mut command = Command::new("wrk");
    command.args(["-t1", "-c16", "--timeout", "10s", "-s"]).arg(load.join(script));
    command.arg(format!("-d{seconds}s")).arg(format!("http://{address}/")).env("LOAD_DIR", &load);
    command.envs(settings).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.context("cannot run wrk")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix("RESULT "));
    let found: Load = serde_json::from_str(line.with_context(|| format!("wrk said: {text}"))?)?;
    ensure!(found.bad_status + found.socket_errors == 0, "requests failed: {found:?}");
    Ok(found)
}

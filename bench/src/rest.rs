//! The hub's REST API under load: wrk with the same scripts as every peer, and pgbench with the statements that the hub keeps, on
//! the hub's own Postgres. It prepares what the two need: accounts with tokens, and which crops, regions and markets there are.

use crate::bench_dir;
use crate::data::Dataset;
use crate::limits::{self, Load};
use anyhow::{Context as _, Result, ensure};
use mizili_hub::db::{Db, q};
use mizili_hub::token::TokenKey;
use mizili_node::deps::Deps;
use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use sync_protocol::ids::{UserId, hub_born};
use tokio::process::Command;
use uuid::Uuid;

/// Accounts that order.
pub(crate) const ACCOUNTS: u32 = 1_000;
/// The first account's phone number.
const FIRST_PHONE: i64 = 254_711_000_000;
/// Connections of wrk; of pgbench half as many, with which it is at its quickest here.
const CONNECTIONS: u32 = 16;
/// Filters of which pgbench runs a script each. Few: Postgres plans a statement anew for its first five uses by each client, and
/// nothing but that would be measured with many.
const SAMPLES: usize = 8;

/// What is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scenario {
    /// Twenty of the products, by crop and region.
    Products,
    /// The latest price of a crop in a market.
    Price,
    /// An order of one unit.
    Order,
}

impl Scenario {
    /// The load script and the settings that make it ask a hub. Crops and places are asked for by name, as people do.
    fn script(self) -> (&'static str, &'static [(&'static str, &'static str)]) {
        match self {
            Self::Products => (
                "products.lua",
                &[("PRODUCTS_PATH", "/api/v1/products?commodity={crop}&region={region}&limit=20")],
            ),
            Self::Price => (
                "prices.lua",
                &[(
                    "PRICES_PATH",
                    "/api/v1/market-prices?commodity={commodityName}&market={marketName}&latest=true",
                )],
            ),
            Self::Order => (
                "orders.lua",
                &[
                    ("ORDER_BODY", r#"{"product_id":"{product}","quantity":"1"}"#),
                    ("ORDER_KEY_HEADER", "Idempotency-Key"),
                    ("PRODUCT_FORM", "4d697a69-6c69-8000-8000-%012x"),
                ],
            ),
        }
    }
}

/// Makes the accounts where they are missing, and a file with a token for each, one a line. They are good for a quarter of an hour.
pub(crate) async fn tokens(db: &Db, hub_dir: &Path) -> Result<String> {
    let deps = Deps::real();
    let user = |n: u32| hub_born(1_000_000 + u64::from(n));
    let ids: Vec<Uuid> = (0..ACCOUNTS).map(user).collect();
    let phones: Vec<i64> = (0..ACCOUNTS).map(|n| FIRST_PHONE + i64::from(n)).collect();
    let mut tx = db.begin().await?;
    // Confirmed: others may have ten orders at a time.
    q("INSERT INTO users (id, phone, name, role, password_hash, phone_confirmed)
        SELECT t.id, t.phone, 'Buyer', 'buyer', '', true FROM unnest($1::uuid[], $2::bigint[]) AS t (id, phone) ON CONFLICT DO NOTHING")
    .bind(&ids)
    .bind(phones)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    let key = TokenKey::load(None, hub_dir, |secret| deps.ids.fill(secret))?;
    let mut text = String::new();
    for id in ids {
        let token = key.issue(UserId(id), deps.clock.now_s(), deps.ids.uuid_v7());
        let token = token.map_err(|problem| anyhow::anyhow!("no token: {problem}"))?;
        writeln!(text, "{token}")?;
    }
    Ok(text)
}

/// Runs a scenario against a hub for some seconds.
pub(crate) async fn load(
    address: &str,
    scenario: Scenario,
    data: &Path,
    tokens: &Path,
    seconds: u32,
) -> Result<Load> {
    let (script, settings) = scenario.script();
    let paths = [("DATA", data), ("TOKENS", tokens)];
    let paths = paths.map(|(name, path)| (name, path.display().to_string()));
    let settings = settings.iter().map(|(name, value)| (*name, (*value).to_owned()));
    limits::load(address, script, settings.chain(paths), seconds).await
}

/// Whether pgbench is installed.
pub(crate) fn has_pgbench() -> bool {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|folder| folder.join("pgbench").is_file())
}

/// Transactions a second of pgbench with the statements that the hub keeps for a scenario; for an order, with what writes the same
/// rows. Scripts are written into `folder`.
pub(crate) async fn pgbench(
    db: &Db,
    scenario: Scenario,
    data: &Dataset,
    folder: &Path,
    seconds: u32,
) -> Result<f64> {
    let scripts = scripts(scenario, data, folder)?;
    let clients = (CONNECTIONS / 2).to_string();
    let mut command = Command::new("pgbench");
    command.args(["-n", "-M", "prepared", "-c", &clients, "-j", "1", "-T", &seconds.to_string()]);
    for script in scripts {
        command.arg("-f").arg(script);
    }
    command.arg(db.direct_url()).stdin(Stdio::null()).kill_on_drop(true);
    let output = command.output().await.context("cannot run pgbench")?;
    let text = String::from_utf8_lossy(&output.stdout);
    let line = text.lines().find_map(|line| line.strip_prefix("tps = "));
    let said = || format!("pgbench said: {text}{}", String::from_utf8_lossy(&output.stderr));
    let tps = line.with_context(said)?.split(' ').next().unwrap_or_default();
    ensure!(output.status.success(), "{}", said());
    Ok(tps.parse()?)
}

fn scripts(scenario: Scenario, data: &Dataset, folder: &Path) -> Result<Vec<PathBuf>> {
    let limits = bench_dir().join("limits");
    let (file, names, pairs): (_, _, BTreeSet<(usize, usize)>) = match scenario {
        Scenario::Order => return Ok(vec![limits.join("rest-order.sql")]),
        Scenario::Products => (
            "rest-products.sql",
            ["commodity", "region"],
            data.products.iter().map(|p| (p.commodity, data.cooperatives[p.cooperative].region)).collect(),
        ),
        Scenario::Price => (
            "rest-price.sql",
            ["commodity", "market"],
            data.series.iter().map(|series| (series.commodity, series.market)).collect(),
        ),
    };
    let text = std::fs::read_to_string(limits.join(file))?;
    let step = (pairs.len() / SAMPLES).max(1);
    let mut scripts = Vec::new();
    for (n, (first, second)) in pairs.into_iter().step_by(step).take(SAMPLES).enumerate() {
        let script = folder.join(format!("{n}-{file}"));
        let [one, other] = names;
        // Ids count from 1.
        std::fs::write(&script, format!("\\set {one} {}\n\\set {other} {}\n{text}", first + 1, second + 1))?;
        scripts.push(script);
    }
    Ok(scripts)
}

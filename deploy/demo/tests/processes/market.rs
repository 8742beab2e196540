//! What every test here begins with: a hub with real prices, a cooperative, and an office that was enrolled.

use crate::chance::{SEED_VARIABLE, seed};
use crate::guard::Guard;
use crate::programs;
use anyhow::{Context, Result};
use mizili_demo::answer::{count, text};
use mizili_demo::api::Api;
use mizili_demo::nodes::Nodes;
use mizili_demo::phone::Phone;
use serde_json::{Value, json};
use std::path::Path;
use tempfile::TempDir;

const ADMIN: &str = "+265991000001";
const CLERK: &str = "+265991000002";
const BUYER: &str = "+265991000003";
const PASSWORD: &str = "maize and beans";

/// A market with one cooperative. The fields are dropped in this order: programs before their data.
pub(crate) struct Market {
    pub(crate) nodes: Nodes,
    _guard: Guard,
    home: TempDir,
    _programs: TempDir,
    /// The cooperative's number.
    pub(crate) cooperative: String,
    /// At the hub.
    pub(crate) admin: Api,
    pub(crate) clerk: Api,
    pub(crate) buyer: Api,
    /// Numbers of things on offer.
    pub(crate) maize: u64,
    pub(crate) kilogram: u64,
}

/// Runs a test in a market of its own, and ends all that it started. A failure names the seed.
pub(crate) async fn in_a_market(name: &str, test: impl AsyncFnOnce(&mut Market, u64) -> Result<()>) {
    mizili_demo::install_crypto();
    let seed = seed();
    let mut market = Market::open().await.unwrap();
    let ended = test(&mut market, seed).await;
    if ended.is_err() {
        market.nodes.show_logs();
    }
    market.nodes.stop().await;
    if let Err(error) = ended {
        panic!(
            "{error:#}\nThe seed was {seed}. To run it again:\n  \
             {SEED_VARIABLE}={seed} cargo test -p mizili-demo --test processes {name}"
        );
    }
}

impl Market {
    async fn open() -> Result<Self> {
        let programs = programs::folder()?;
        let home = tempfile::Builder::new().prefix("mizili-processes-").tempdir()?;
        let guard = Guard::of(home.path())?;
        let mut nodes = Nodes::of(programs.path(), home.path())?;
        nodes.start_hub().await?;
        let prices =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("../../hub/data/prices/wfp_food_prices_mwi.csv");
        let prices = prices.display().to_string();
        nodes.ask("mizili-hub", &["prices", "import", "--source", "wfp", &prices], "").await?;
        let cooperative = add_cooperative(&nodes, "Mbewu Farmers").await?;
        let at_cooperative = ["--cooperative", &cooperative];
        let admin = add_user(&nodes, ADMIN, "admin", &[]).await?;
        let clerk = add_user(&nodes, CLERK, "clerk", &at_cooperative).await?;
        let new = json!({"phone": BUYER, "name": "Grace Banda", "password": PASSWORD, "role": "buyer"});
        Api::at(&nodes.hub_address).post("/users", new, None).await?;
        // Who is not confirmed can reserve only so much.
        nodes.ask("mizili-hub", &["user", "confirm", "--phone", BUYER], "").await?;
        let buyer = sign_in(&nodes, BUYER).await?;
        let maize = number(&clerk.get("/commodities?limit=100").await?, "name", "Maize")?;
        let kilogram = number(&clerk.get("/units?limit=100").await?, "code", "KG")?;
        Ok(Self {
            nodes,
            _guard: guard,
            home,
            _programs: programs,
            cooperative,
            admin,
            clerk,
            buyer,
            maize,
            kilogram,
        })
    }

    /// Where everything of this market is kept.
    pub(crate) fn home(&self) -> &Path {
        self.home.path()
    }

    /// Takes in produce at the hub; gives its id.
    pub(crate) async fn offer(&self, title: &str, quantity: u64) -> Result<String> {
        self.offer_by(&self.clerk, title, quantity).await
    }

    /// The same by a clerk of some cooperative.
    pub(crate) async fn offer_by(&self, clerk: &Api, title: &str, quantity: u64) -> Result<String> {
        let price = json!({"amount": 120_000, "currency": "MWK"});
        let product = json!({"commodity_id": self.maize, "unit_id": self.kilogram, "title": title,
            "quantity": quantity.to_string(), "price": price});
        let product = clerk.post("/products", product, Some(title)).await?;
        Ok(text(&product, "id")?.to_owned())
    }

    /// Enrols the box of some office of a cooperative over a line; gives the office password.
    pub(crate) async fn enrol(&self, box_of: &Nodes, cooperative: &str, line: &str) -> Result<String> {
        let edge = self.nodes.ask("mizili-hub", &["edge", "add", "--cooperative", cooperative], "").await?;
        let code = text(&edge, "code")?;
        let enrolled = box_of.ask("mizili-edge", &["enrol", "--hub", line, "--code", code], "").await?;
        Ok(text(&enrolled, "office_password")?.to_owned())
    }

    /// A phone whose calls go to the office.
    pub(crate) async fn phone(&self, number: &str) -> Result<Phone> {
        phone_at(&self.nodes, number).await
    }
}

/// A phone whose calls go to some office.
pub(crate) async fn phone_at(nodes: &Nodes, number: &str) -> Result<Phone> {
    let status = nodes.ask("mizili-edge", &["status"], "").await?;
    let url = |field: &str| -> Result<String> {
        let url = text(&status["gateways"][0], field)?;
        let (_, path) = url.split_once("/gateway/").context("no path")?;
        Ok(format!("http://{}/gateway/{path}", nodes.edge_address))
    };
    Ok(Phone::new(number, &url("ussd_url")?, &url("sms_url")?))
}

/// Makes a cooperative in the Central Region; gives its number.
pub(crate) async fn add_cooperative(nodes: &Nodes, name: &str) -> Result<String> {
    let add = ["cooperative", "add", "--name", name, "--country", "MWI", "--region", "Central Region"];
    Ok(count(&nodes.ask("mizili-hub", &add, "").await?, "id")?.to_string())
}

pub(crate) async fn add_user(nodes: &Nodes, phone: &str, role: &str, more: &[&str]) -> Result<Api> {
    let add = [&["user", "add", "--phone", phone, "--role", role], more].concat();
    nodes.ask("mizili-hub", &add, &format!("{PASSWORD}\n")).await?;
    sign_in(nodes, phone).await
}

async fn sign_in(nodes: &Nodes, phone: &str) -> Result<Api> {
    Api::sign_in(&nodes.hub_address, phone, PASSWORD).await
}

fn number(page: &Value, field: &str, wanted: &str) -> Result<u64> {
    let items = page["items"].as_array().context("no items")?;
    let found = items.iter().find(|item| item[field] == wanted);
    count(found.with_context(|| format!("no {wanted} in the list"))?, "id")
}

/// All items of a list, page by page.
pub(crate) async fn all(api: &Api, path: &str) -> Result<Vec<Value>> {
    let mut items = Vec::new();
    let mut next = Some(path.to_owned());
    while let Some(path) = next {
        let page = api.get(&path).await?;
        items.extend(page["items"].as_array().context("no items")?.iter().cloned());
        next = page["next"].as_str().map(|path| path.trim_start_matches("/api/v1").to_owned());
    }
    Ok(items)
}

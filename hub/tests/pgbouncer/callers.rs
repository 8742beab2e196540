//! Who asks the hub: apps of people, and an office's box.

use mizili_edge::commands::{self, Submission};
use mizili_edge::config::Senders;
use mizili_edge::db::Db as EdgeDb;
use mizili_edge::identity::Identity;
use mizili_edge::line::tls::BestTime;
use mizili_edge::replica;
use mizili_edge::sync::client::HttpTransport;
use mizili_edge::sync::enrol::Enrolment;
use mizili_edge::sync::{Bounds, Check, Syncer};
use mizili_node::deps::Deps;
use serde_json::{Value, json};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use sync_protocol::ids::CommandId;
use sync_protocol::market::{Actor, ActorKind, ListingPost, Order};
use tokio::sync::watch;

/// An exchange of which everything is checked.
pub(crate) const BOUNDS: Bounds =
    Bounds { lock_patience: Duration::from_secs(30), work: None, check: Check::Disk, hold_commands: false };

/// A person's app.
pub(crate) struct App {
    client: reqwest::Client,
    address: String,
    token: String,
}

impl App {
    pub(crate) async fn sign_in(address: &str, phone: &str, password: &str) -> Self {
        let mut app =
            Self { client: reqwest::Client::new(), address: address.to_owned(), token: String::new() };
        let body = json!({ "phone": phone, "password": password });
        let (status, answer) = app.post("/api/v1/auth/login", &body).await;
        assert_eq!(status, 200, "{answer}");
        app.token = answer["access_token"].as_str().unwrap().to_owned();
        app
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> (u16, Value) {
        let key = Deps::real().ids.uuid_v7().to_string();
        let request = self.client.post(format!("{}{path}", self.address)).bearer_auth(&self.token).json(body);
        let answer = request.header("idempotency-key", key).send().await.unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }

    pub(crate) async fn get(&self, path: &str) -> Value {
        let request = self.client.get(format!("{}{path}", self.address)).bearer_auth(&self.token);
        request.send().await.unwrap().error_for_status().unwrap().json().await.unwrap()
    }

    pub(crate) async fn order(&self, product: &str, quantity: u32) -> (u16, Value) {
        let body = json!({ "product_id": product, "quantity": quantity.to_string() });
        self.post("/api/v1/orders", &body).await
    }

    /// An order by everybody at once; how many were confirmed.
    pub(crate) async fn orders_at_once(&self, n: usize, product: &str, quantity: u32) -> usize {
        let all = (0..n).map(|_| self.order(product, quantity));
        let answers = futures_util::future::join_all(all).await;
        let refused = answers.iter().filter(|(status, _)| *status == 409).count();
        let confirmed = answers.iter().filter(|(status, _)| *status == 201).count();
        assert_eq!(confirmed + refused, n, "{answers:?}");
        confirmed
    }
}

/// An office's box that is enrolled.
pub(crate) async fn office(dir: &Path, address: &str, code: &str) -> Syncer {
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
    let enrolled_at = db.read(mizili_edge::node::identity).await.unwrap().unwrap().hub_url;
    let changed = watch::Sender::new(0);
    Syncer {
        identity,
        time,
        transport,
        enrolled_at,
        senders: Senders::default(),
        data_dir: dir.to_owned(),
        deps,
        changed,
        db,
    }
}

pub(crate) async fn orders_at(office: &EdgeDb) -> usize {
    office.read(replica::all::<Order>).await.unwrap().len()
}

pub(crate) async fn post_listing(office: &Syncer) {
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

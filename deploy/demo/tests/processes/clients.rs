//! People who go on until they get an answer: apps at the hub and clerks at the office, who order, offer and cancel; farmers with phones
//! are in `farmers`. Each note in the ledger is an answer that somebody got.

use crate::chance::Chance;
use crate::farmers::Farmer;
use crate::ledger::{By, Cancel, Ledger, Offer, Order};
use anyhow::{Context, Result, bail, ensure};
use mizili_demo::answer::text;
use mizili_demo::api::Api;
use mizili_demo::phone::Phone;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;

/// How long somebody goes on asking for one answer.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long an answer is waited for before the same is sent again.
pub(crate) const ANSWER_PATIENCE: Duration = Duration::from_secs(20);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(40);
/// How many of the newest orders people think of when they take one back.
const REMEMBERED: usize = 12;

/// How busy people are.
#[derive(Clone, Copy)]
struct Pace {
    /// Longest pause of a person between two acts, in milliseconds.
    thinks_ms: u64,
    /// Acts of one person at most.
    acts_max: u64,
}

/// For a test of a minute.
const BUSY: Pace = Pace { thinks_ms: 60, acts_max: 400 };
/// For one that goes on for as long as somebody wants.
const STEADY: Pace = Pace { thinks_ms: 600, acts_max: u64::MAX };

/// What is for sale.
pub(crate) struct Goods {
    /// Id and name of what there is plenty of.
    pub(crate) plenty: Vec<(String, String)>,
    /// What is soon sold out.
    pub(crate) scarce: String,
    /// What new offers are of, so that they do not come between: commodity, unit.
    pub(crate) other: (u64, u64),
}

/// Where the office is, and how to get in.
pub(crate) struct Office {
    pub(crate) address: String,
    pub(crate) password: String,
    session: Mutex<Option<Api>>,
}

impl Office {
    pub(crate) fn new(address: &str, password: &str) -> Self {
        Self { address: address.to_owned(), password: password.to_owned(), session: Mutex::default() }
    }

    /// Somebody signed in. A restart of the office ends its sessions.
    pub(crate) async fn sign_in(&self) -> Result<Api> {
        let mut session = self.session.lock().await;
        if session.is_none() {
            let login = json!({"user": "office", "password": self.password});
            let answer = Api::at(&self.address).post("/office/login", login, None).await?;
            *session = Some(Api::signed_in(&self.address, text(&answer, "token")?));
        }
        let token = session.as_ref().map(Api::token).unwrap_or_default();
        Ok(Api::signed_in(&self.address, &token))
    }

    /// Forgets the session.
    pub(crate) async fn sign_out(&self) {
        *self.session.lock().await = None;
    }

    /// One try of a POST; `None` when there was no answer that counts.
    async fn post(&self, path: &str, body: Option<&Value>, key: &str) -> Option<(StatusCode, Value)> {
        let answer = post(&self.sign_in().await.ok()?, path, body, key).await?;
        if answer.0 == StatusCode::UNAUTHORIZED {
            self.sign_out().await;
            return None;
        }
        Some(answer)
    }
}

async fn post(api: &Api, path: &str, body: Option<&Value>, key: &str) -> Option<(StatusCode, Value)> {
    let sent = api.send(Method::POST, path, body.cloned(), Some(key));
    let (status, body) = tokio::time::timeout(ANSWER_PATIENCE, sent).await.ok()?.ok()?;
    // Somebody who cannot serve now has not said what became of it.
    (!status.is_server_error() && status != StatusCode::TOO_MANY_REQUESTS).then_some((status, body))
}

/// Tries of the same until there is an answer.
pub(crate) struct Tries {
    what: &'static str,
    begun: Instant,
}

impl Tries {
    pub(crate) fn of(what: &'static str) -> Self {
        Self { what, begun: Instant::now() }
    }

    /// After a try without an answer.
    pub(crate) async fn again(&self) -> Result<()> {
        ensure!(self.begun.elapsed() < PATIENCE, "no answer in {} s: {}", PATIENCE.as_secs(), self.what);
        tokio::time::sleep(PAUSE).await;
        Ok(())
    }
}

/// Where somebody asks.
enum Desk {
    Hub { buyer: Api, clerk: Api },
    Office(Arc<Office>),
}

impl Desk {
    fn by(&self) -> By {
        match self {
            Self::Hub { .. } => By::App,
            Self::Office(_) => By::Office,
        }
    }

    /// The same request under the same key until there is an answer. `as_buyer` says who asks at the hub.
    async fn ask(
        &self,
        as_buyer: bool,
        path: &str,
        body: Option<&Value>,
        key: &str,
    ) -> Result<(StatusCode, Value)> {
        let tries = Tries::of("a request");
        loop {
            let answer = match self {
                Self::Hub { buyer, clerk } => {
                    post(if as_buyer { buyer } else { clerk }, path, body, key).await
                }
                Self::Office(office) => office.post(path, body, key).await,
            };
            match answer {
                Some(answer) => return Ok(answer),
                None => tries.again().await?,
            }
        }
    }
}

/// Somebody at a desk.
struct Desker {
    desk: Desk,
    ledger: Arc<Ledger>,
    goods: Arc<Goods>,
}

impl Desker {
    async fn offers(&self, n: u64, key: &str, chance: &mut Chance) -> Result<()> {
        let (quantity, price) = (1 + chance.below(90), 10_000 + n);
        let (commodity, unit) = self.goods.other;
        let body = json!({"commodity_id": commodity, "unit_id": unit, "title": key,
            "quantity": quantity.to_string(), "price": {"amount": price, "currency": "MWK"}});
        let answer = self.desk.ask(false, "/products", Some(&body), key).await?;
        note_offer(&self.ledger, &self.desk.by(), quantity, price, &answer)
    }

    async fn orders(&self, key: &str, chance: &mut Chance) -> Result<()> {
        let plenty = &chance.one_of(&self.goods.plenty).0;
        let product = if chance.once_in(4) { &self.goods.scarce } else { plenty };
        let quantity = 1 + chance.below(9);
        let body = json!({"product_id": product, "quantity": quantity.to_string()});
        let answer = self.desk.ask(true, "/orders", Some(&body), key).await?;
        note_order(&self.ledger, &self.desk.by(), product, quantity, &answer)
    }

    /// Takes one of the newest orders back that has a number: one made here, or one made at the other desk, if it is known here.
    async fn cancels(&self, key: &str, chance: &mut Chance) -> Result<()> {
        let of = |order: &Order| order.by == By::App || order.by == By::Office;
        let Some(order) = self.ledger.one_to_cancel(of, REMEMBERED, chance) else { return Ok(()) };
        let id = order.id.context("an order of a desk has a number")?;
        let as_buyer = order.by == By::App && chance.once_in(2);
        let is_it = |order: &Order| order.id.as_ref() == Some(&id);
        self.ledger.note_cancel(Cancel::Tried, is_it);
        let (status, body) = self.desk.ask(as_buyer, &format!("/orders/{id}/cancel"), None, key).await?;
        match status {
            StatusCode::OK => {
                ensure!(body["status"] == "cancelled", "a cancelled order is {body}");
                self.ledger.note_cancel(Cancel::Done, is_it);
                Ok(())
            }
            // It has not come here yet, or the hub has refused it.
            StatusCode::NOT_FOUND if order.by != self.desk.by() || !order.is_confirmed => Ok(()),
            StatusCode::CONFLICT if !order.is_confirmed => Ok(()),
            _ => bail!("to cancel {id}, {:?} at {:?}, got {status} {body}", order.by, self.desk.by()),
        }
    }
}

/// Everybody who acts during a test.
pub(crate) struct Crowd {
    pub(crate) ledger: Arc<Ledger>,
    goods: Arc<Goods>,
    pace: Pace,
    stop: watch::Sender<bool>,
    people: JoinSet<Result<()>>,
}

impl Crowd {
    pub(crate) fn new(goods: Goods) -> Self {
        Self {
            ledger: Arc::default(),
            goods: Arc::new(goods),
            pace: BUSY,
            stop: watch::channel(false).0,
            people: JoinSet::new(),
        }
    }

    /// People who never have enough.
    pub(crate) fn steady(goods: Goods) -> Self {
        Self { pace: STEADY, ..Self::new(goods) }
    }

    /// An app that orders and offers at the hub.
    pub(crate) fn app(&mut self, buyer: &Api, clerk: &Api, name: &'static str, chance: Chance) {
        self.rest(Desk::Hub { buyer: buyer.again(), clerk: clerk.again() }, name, chance);
    }

    /// A clerk who orders and offers at the office.
    pub(crate) fn clerk(&mut self, office: &Arc<Office>, name: &'static str, chance: Chance) {
        self.rest(Desk::Office(office.clone()), name, chance);
    }

    fn rest(&mut self, desk: Desk, name: &'static str, mut chance: Chance) {
        let (pace, stop) = (self.pace, self.stop.subscribe());
        let desker = Desker { desk, ledger: self.ledger.clone(), goods: self.goods.clone() };
        self.people.spawn(async move {
            for n in 1..=pace.acts_max {
                if *stop.borrow() {
                    break;
                }
                let key = format!("{name}-{n}");
                match chance.below(12) {
                    0 | 1 => desker.offers(n, &key, &mut chance).await?,
                    2 | 3 => desker.cancels(&key, &mut chance).await?,
                    _ => desker.orders(&key, &mut chance).await?,
                }
                tokio::time::sleep(chance.moment(pace.thinks_ms)).await;
            }
            Ok(())
        });
    }

    /// A farmer with a phone, who orders, offers and cancels at the office.
    pub(crate) fn farmer(&mut self, phone: Phone, mut chance: Chance) {
        let pace = self.pace;
        let (ledger, goods, stop) = (self.ledger.clone(), self.goods.clone(), self.stop.subscribe());
        self.people.spawn(async move {
            let farmer = Farmer { phone, ledger, goods };
            for n in 1..=pace.acts_max {
                if *stop.borrow() {
                    break;
                }
                match chance.below(12) {
                    0 | 1 => farmer.offers(n).await?,
                    2 | 3 => farmer.cancels(&mut chance).await?,
                    _ => farmer.orders(n, &mut chance).await?,
                }
                tokio::time::sleep(chance.moment(pace.thinks_ms)).await;
            }
            Ok(())
        });
    }

    /// Waits until so many more answers were given than now, or everybody has done all that they wanted.
    pub(crate) async fn act(&mut self, answers: usize) -> Result<()> {
        let wanted = self.ledger.write().answers() + answers;
        let begun = Instant::now();
        while self.ledger.write().answers() < wanted && !self.people.is_empty() {
            if let Some(ended) = self.people.try_join_next() {
                ended.context("somebody stopped")??;
            }
            ensure!(begun.elapsed() < PATIENCE, "nobody got an answer any more");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        Ok(())
    }

    /// Fails when somebody had to stop.
    pub(crate) async fn are_well(&mut self) -> Result<()> {
        while let Some(ended) = self.people.try_join_next() {
            ended.context("somebody stopped")??;
        }
        Ok(())
    }

    /// Lets everybody finish what they have begun.
    pub(crate) async fn go_home(&mut self) -> Result<()> {
        self.stop.send_replace(true);
        while let Some(ended) = self.people.join_next().await {
            ended.context("somebody stopped")??;
        }
        Ok(())
    }
}

fn note_order(
    ledger: &Ledger,
    by: &By,
    product: &str,
    quantity: u64,
    answer: &(StatusCode, Value),
) -> Result<()> {
    let (status, body) = answer;
    if *status == StatusCode::CONFLICT {
        ledger.write().refused += 1;
        return Ok(());
    }
    ensure!(*status == StatusCode::CREATED, "an order got {status} {body}");
    let is_confirmed = match text(body, "status")? {
        "confirmed" => true,
        "asked" => false,
        other => bail!("a new order is {other}"),
    };
    let id = Some(text(body, "id")?.to_owned());
    let (by, product) = (by.clone(), product.to_owned());
    let order = Order { by, id, product, quantity, what: String::new(), is_confirmed, cancel: None };
    ledger.write().orders.push(order);
    Ok(())
}

fn note_offer(
    ledger: &Ledger,
    by: &By,
    quantity: u64,
    price: u64,
    answer: &(StatusCode, Value),
) -> Result<()> {
    let (status, body) = answer;
    ensure!(*status == StatusCode::CREATED, "an offer got {status} {body}");
    let id = Some(text(body, "id")?.to_owned());
    ledger.write().offers.push(Offer { by: by.clone(), id, quantity, price });
    Ok(())
}

//! People who go on until they get an answer: apps at the hub, clerks at the office, farmers with phones. Each note in the ledger
//! is an answer that somebody got.

use crate::chance::Chance;
use crate::ledger::{By, Ledger, Offer, Order};
use anyhow::{Context, Result, bail, ensure};
use mizili_demo::answer::text;
use mizili_demo::api::Api;
use mizili_demo::phone::{Phone, Session};
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::{Mutex, watch};
use tokio::task::JoinSet;

/// How long somebody goes on asking for one answer.
const PATIENCE: Duration = Duration::from_secs(90);
/// How long an answer is waited for before the same is sent again.
const ANSWER_PATIENCE: Duration = Duration::from_secs(20);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(40);
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
        let token = session.as_ref().map(|api| api.token().to_owned()).unwrap_or_default();
        Ok(Api::signed_in(&self.address, &token))
    }

    /// Forgets the session.
    pub(crate) async fn sign_out(&self) {
        *self.session.lock().await = None;
    }

    /// One try of a POST; `None` when there was no answer that counts.
    async fn post(&self, path: &str, body: &Value, key: &str) -> Option<(StatusCode, Value)> {
        let answer = post(&self.sign_in().await.ok()?, path, body, key).await?;
        if answer.0 == StatusCode::UNAUTHORIZED {
            self.sign_out().await;
            return None;
        }
        Some(answer)
    }
}

async fn post(api: &Api, path: &str, body: &Value, key: &str) -> Option<(StatusCode, Value)> {
    let sent = api.send(Method::POST, path, Some(body.clone()), Some(key));
    let (status, body) = tokio::time::timeout(ANSWER_PATIENCE, sent).await.ok()?.ok()?;
    // Somebody who cannot serve now has not said what became of it.
    (!status.is_server_error() && status != StatusCode::TOO_MANY_REQUESTS).then_some((status, body))
}

/// Tries of the same until there is an answer.
struct Tries {
    what: &'static str,
    begun: Instant,
}

impl Tries {
    fn of(what: &'static str) -> Self {
        Self { what, begun: Instant::now() }
    }

    /// After a try without an answer.
    async fn again(&self) -> Result<()> {
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

    /// The same request under the same key until there is an answer.
    async fn ask(&self, is_order: bool, body: &Value, key: &str) -> Result<(StatusCode, Value)> {
        let path = if is_order { "/orders" } else { "/products" };
        let tries = Tries::of("a request");
        loop {
            let answer = match self {
                Self::Hub { buyer, clerk } => {
                    post(if is_order { buyer } else { clerk }, path, body, key).await
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
        let pace = self.pace;
        let (ledger, goods, stop) = (self.ledger.clone(), self.goods.clone(), self.stop.subscribe());
        self.people.spawn(async move {
            let by = desk.by();
            for n in 1..=pace.acts_max {
                if *stop.borrow() {
                    break;
                }
                let key = format!("{name}-{n}");
                if chance.once_in(6) {
                    let (quantity, price) = (1 + chance.below(90), 10_000 + n);
                    let body = json!({"commodity_id": goods.other.0, "unit_id": goods.other.1, "title": key,
                        "quantity": quantity.to_string(), "price": {"amount": price, "currency": "MWK"}});
                    note_offer(&ledger, &by, quantity, price, &desk.ask(false, &body, &key).await?)?;
                } else {
                    let plenty = &chance.one_of(&goods.plenty).0;
                    let product = if chance.once_in(4) { &goods.scarce } else { plenty };
                    let quantity = 1 + chance.below(9);
                    let body = json!({"product_id": product, "quantity": quantity.to_string()});
                    note_order(&ledger, &by, product, quantity, &desk.ask(true, &body, &key).await?)?;
                }
                tokio::time::sleep(chance.moment(pace.thinks_ms)).await;
            }
            Ok(())
        });
    }

    /// A farmer with a phone, who orders and offers at the office.
    pub(crate) fn farmer(&mut self, phone: Phone, mut chance: Chance) {
        let pace = self.pace;
        let (ledger, goods, stop) = (self.ledger.clone(), self.goods.clone(), self.stop.subscribe());
        self.people.spawn(async move {
            let farmer = Farmer { phone, ledger, goods };
            for n in 1..=pace.acts_max {
                if *stop.borrow() {
                    break;
                }
                if chance.once_in(6) {
                    farmer.offers(n).await?;
                } else {
                    farmer.orders(n, &mut chance).await?;
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
    let order = Order { by: by.clone(), id, product: product.to_owned(), quantity, is_confirmed };
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

/// Somebody with a phone.
struct Farmer {
    phone: Phone,
    ledger: Arc<Ledger>,
    goods: Arc<Goods>,
}

impl Farmer {
    fn by(&self) -> By {
        By::Phone(self.phone.number().to_owned())
    }

    /// Orders `n` of something.
    async fn orders(&self, n: u64, chance: &mut Chance) -> Result<()> {
        let (product, title) = chance.one_of(&self.goods.plenty);
        let mut call = dial(&self.phone).await?;
        let quantity = n.to_string();
        let walked = walk(&mut call, &["Buy", "Maize", title], &[&quantity]).await?;
        if !walked {
            return hang_up(call).await;
        }
        let wanted = format!("Buy {n} kg {title}");
        let told = confirm(&mut call, &wanted).await?;
        let is_confirmed = match &*told {
            told if told.starts_with("CONFIRMED") => true,
            told if told.starts_with("ASKED") => false,
            told if told.starts_with("NOT done") => {
                self.ledger.write().refused += 1;
                return Ok(());
            }
            // The way led elsewhere after a restart, and the caller saw that in time.
            told => return ensure_nothing_was_said(told),
        };
        let order = Order { by: self.by(), id: None, product: product.clone(), quantity: n, is_confirmed };
        self.ledger.write().orders.push(order);
        Ok(())
    }

    /// Offers `n` of something, at a price of its own.
    async fn offers(&self, n: u64) -> Result<()> {
        let mut call = dial(&self.phone).await?;
        // By the phone's last digit, so that no two phones offer at one price.
        let digit = self.phone.number().bytes().last().map_or(0, |digit| u64::from(digit & 0xf));
        let (quantity, price) = (n.to_string(), 500 + 10_000 * digit + n);
        let walked =
            walk(&mut call, &["Sell", "Offer", "Beans", "kg"], &[&quantity, &price.to_string()]).await?;
        if !walked {
            return hang_up(call).await;
        }
        let told = confirm(&mut call, &format!("Sell {n} kg Beans")).await?;
        match &*told {
            told if told.starts_with("On sale now") => {
                let offer = Offer { by: self.by(), id: None, quantity: n, price: price * 100 };
                self.ledger.write().offers.push(offer);
                Ok(())
            }
            told if told.starts_with("NOT done") => {
                self.ledger.write().refused += 1;
                Ok(())
            }
            told => ensure_nothing_was_said(told),
        }
    }
}

fn ensure_nothing_was_said(told: &str) -> Result<()> {
    for word in ["CONFIRMED", "ASKED", "On sale now", "Sent to"] {
        ensure!(!told.contains(word), "somebody was told of something else: {told}");
    }
    Ok(())
}

/// Joins the cooperative by phone.
pub(crate) async fn join(phone: &Phone, name: &str) -> Result<()> {
    let mut call = phone.dial().await?;
    call.choose("Me").await?;
    call.choose("Register").await?;
    call.enter(name).await?;
    call.choose("English").await?;
    call.choose("Yes").await?;
    ensure!(call.screen.contains("registered"), "{}", call.screen);
    Ok(())
}

/// Dials until the first screen is there, and leaves what an earlier call began.
async fn dial(phone: &Phone) -> Result<Session<'_>> {
    let tries = Tries::of("a call");
    let mut call = loop {
        match tokio::time::timeout(ANSWER_PATIENCE, phone.dial()).await {
            Ok(Ok(call)) => break call,
            _ => tries.again().await?,
        }
    };
    if let Some(key) = call.key_of("No, leave it") {
        press(&mut call, &key).await?;
    }
    Ok(call)
}

/// Presses keys and sends the same again until there is an answer, as a gateway does.
async fn press(call: &mut Session<'_>, keys: &str) -> Result<()> {
    let first = tokio::time::timeout(ANSWER_PATIENCE, call.enter(keys)).await;
    if matches!(first, Ok(Ok(_))) {
        return Ok(());
    }
    ensure!(!call.is_answered(), "the call had ended: {}", call.screen);
    let tries = Tries::of("a key of a phone");
    while !matches!(tokio::time::timeout(ANSWER_PATIENCE, call.again()).await, Ok(Ok(_))) {
        tries.again().await?;
    }
    Ok(())
}

/// Chooses items, then types answers. False when a screen was another than expected: then the caller hangs up.
async fn walk(call: &mut Session<'_>, items: &[&str], answers: &[&str]) -> Result<bool> {
    for item in items {
        for _ in 0..20 {
            if !call.is_open() {
                return Ok(false);
            }
            let key = call.key_of(item);
            let Some(press_now) = key.clone().or_else(|| call.more_key().map(str::to_owned)) else {
                return Ok(false);
            };
            press(call, &press_now).await?;
            if key.is_some() {
                break;
            }
        }
    }
    for answer in answers {
        if !call.is_open() {
            return Ok(false);
        }
        press(call, answer).await?;
    }
    Ok(true)
}

/// Says yes to a screen that begins with `wanted`, and gives what is said then. After a restart the same question may come again.
async fn confirm(call: &mut Session<'_>, wanted: &str) -> Result<String> {
    for _ in 0..10 {
        let Some(yes) = call.key_of("Yes").filter(|_| call.is_open() && call.screen.starts_with(wanted))
        else {
            break;
        };
        press(call, &yes).await?;
    }
    Ok(call.screen.clone())
}

async fn hang_up(call: Session<'_>) -> Result<()> {
    ensure_nothing_was_said(&call.screen).with_context(|| format!("hung up after {}", call.typed()))
}

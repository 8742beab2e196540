//! Farmers with feature phones, who order, offer and cancel at the office by USSD and go on until they get an answer. Each note in the
//! ledger is a screen that said what became of it.

use crate::chance::Chance;
use crate::clients::{ANSWER_PATIENCE, Goods, Tries};
use crate::ledger::{By, Cancel, Ledger, Offer, Order};
use anyhow::{Context, Result, ensure};
use mizili_demo::phone::{Phone, Session};
use std::sync::Arc;

/// How many of the newest orders somebody thinks of who takes one back: those on the first pages of the list.
const REMEMBERED: usize = 6;

/// A whole number as screens show it: `1,250`.
fn shown(n: u64) -> String {
    if n < 1_000 { n.to_string() } else { format!("{},{:03}", shown(n / 1_000), n % 1_000) }
}

/// Somebody with a phone.
pub(crate) struct Farmer {
    pub(crate) phone: Phone,
    pub(crate) ledger: Arc<Ledger>,
    pub(crate) goods: Arc<Goods>,
}

impl Farmer {
    fn by(&self) -> By {
        By::Phone(self.phone.number().to_owned())
    }

    /// Orders `n` of something.
    pub(crate) async fn orders(&self, n: u64, chance: &mut Chance) -> Result<()> {
        let (product, title) = chance.one_of(&self.goods.plenty);
        let mut call = dial(&self.phone).await?;
        let quantity = n.to_string();
        let walked = walk(&mut call, &["Buy", "Maize", title], &[&quantity]).await?;
        if !walked {
            return hang_up(call).await;
        }
        let what = format!("{} kg {title}", shown(n));
        let told = confirm(&mut call, &format!("Buy {what}")).await?;
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
        let (by, product) = (self.by(), product.clone());
        let order = Order { by, id: None, product, quantity: n, what, is_confirmed, cancel: None };
        self.ledger.write().orders.push(order);
        Ok(())
    }

    /// Takes one of the own newest orders back.
    pub(crate) async fn cancels(&self, chance: &mut Chance) -> Result<()> {
        let by = self.by();
        let Some(order) = self.ledger.one_to_cancel(|order| order.by == by, REMEMBERED, chance) else {
            return Ok(());
        };
        let what = &order.what;
        let mut call = dial(&self.phone).await?;
        let walked = walk(&mut call, &["Orders", what], &[]).await?;
        // Another order's line may hold the same words after a digit.
        if !walked || !call.screen.starts_with(&format!("{what}, ")) {
            return hang_up(call).await;
        }
        // What was refused meanwhile cannot be cancelled.
        if !walk(&mut call, &["Cancel it"], &[]).await? {
            return hang_up(call).await;
        }
        let is_it = |other: &Order| other.by == order.by && other.quantity == order.quantity;
        self.ledger.note_cancel(Cancel::Tried, is_it);
        let told = confirm(&mut call, &format!("Cancel your order of {what},")).await?;
        let cancel = match &*told {
            told if told.starts_with("Order cancelled") => Cancel::Done,
            told if told.starts_with("We asked to cancel") => Cancel::Asked,
            told if told.starts_with("NOT done") => return Ok(()),
            told => return ensure_nothing_was_said(told),
        };
        self.ledger.note_cancel(cancel, is_it);
        Ok(())
    }

    /// Offers `n` of something, at a price of its own.
    pub(crate) async fn offers(&self, n: u64) -> Result<()> {
        let mut call = dial(&self.phone).await?;
        // By the phone's last digit, so that no two phones offer at one price.
        let digit = self.phone.number().bytes().last().map_or(0, |digit| u64::from(digit & 0xf));
        let (quantity, price) = (n.to_string(), 500 + 10_000 * digit + n);
        let walked =
            walk(&mut call, &["Sell", "Offer", "Beans", "kg"], &[&quantity, &price.to_string()]).await?;
        if !walked {
            return hang_up(call).await;
        }
        let told = confirm(&mut call, &format!("Sell {} kg Beans", shown(n))).await?;
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
    for word in ["CONFIRMED", "ASKED", "On sale now", "Sent to", "Order cancelled", "We asked"] {
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

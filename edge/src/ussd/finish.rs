//! Says what became of an act, and makes the act of a draft.
//!
//! The truth, in this order: what was not done is never called done, what is only asked for is never called sure.

use super::dated::when;
use super::intent::{Act, NotTaken, Outcome};
use super::screens::resume::doing;
use super::session::{Draft, Pending, Plan};
use super::view::{Cx, fit, short, word};
use crate::text::Msg;
use crate::text::numbers::{money, quantity_of, total};
use crate::text::shorten::clean_name;
use crate::text::why::{Terms, why_text};

/// Longest number of an order that a screen shows.
const REFERENCE_MAX_LETTERS: usize = 16;

/// The act that a draft has come to; `None` while something is missing.
pub(super) fn act_of(draft: &Draft) -> Option<Act> {
    let id = draft.command_id;
    Some(match &draft.plan {
        Plan::Sell { commodity, unit, quantity_milli, price_minor, .. } => Act::PostListing {
            listing_id: id,
            commodity: *commodity,
            unit: unit.as_ref()?.id,
            quantity_milli: (*quantity_milli)?,
            price_minor: (*price_minor)?,
        },
        Plan::Buy { thing, quantity_milli, .. } => Act::PlaceOrder {
            order_id: id,
            listing: thing.id,
            quantity_milli: (*quantity_milli)?,
            unit_price_minor: thing.unit_price_minor,
        },
        Plan::Withdraw { thing, .. } => Act::WithdrawListing { listing: thing.id },
        Plan::Cancel { thing, .. } => Act::CancelOrder { order: thing.id },
        Plan::Register { name, lang, .. } => {
            Act::RegisterMember { member_id: id, name: name.clone()?, lang: (*lang)? }
        }
    })
}

/// What became of a draft's act, as a whole screen.
pub(super) fn draft_text(cx: &Cx<'_>, plan: &Plan, outcome: &Outcome) -> String {
    fit(cx.room, "", |width| match outcome {
        Outcome::NotTaken(why) => not_taken(cx, *why, &doing(cx, plan, width)),
        Outcome::Rejected(why) => {
            let why = why_text(cx.words, cx.lang, why, &terms_of(cx, plan));
            cx.fill(Msg::Rejected, &[("doing", &doing(cx, plan, width)), ("why", &why)])
        }
        Outcome::Done => taken(cx, plan, false, None, width),
        Outcome::Confirmed { reference } => taken(cx, plan, true, reference.as_deref(), width),
        Outcome::Asked { reference } => asked(cx, plan, reference.as_deref(), width),
    })
}

/// What became of the choice of a language; `None` when it simply holds.
pub(super) fn language_text(cx: &Cx<'_>, outcome: &Outcome) -> Option<String> {
    let doing = cx.text(Msg::DoingLanguage);
    match outcome {
        Outcome::NotTaken(why) => Some(not_taken(cx, *why, &doing)),
        Outcome::Rejected(why) => {
            let terms = Terms { unit: String::new(), currency: Some(cx.settings.currency) };
            let why = why_text(cx.words, cx.lang, why, &terms);
            Some(cx.fill(Msg::Rejected, &[("doing", &doing), ("why", &why)]))
        }
        Outcome::Done | Outcome::Confirmed { .. } | Outcome::Asked { .. } => None,
    }
}

/// The same, by what was handed out.
pub(super) fn failed_text(
    cx: &Cx<'_>,
    pending: Pending,
    draft: Option<&Draft>,
    outcome: &Outcome,
) -> Option<String> {
    match (pending, draft) {
        (Pending::Language(_), _) => language_text(cx, outcome),
        (Pending::Draft, Some(draft)) => Some(draft_text(cx, &draft.plan, outcome)),
        (Pending::Draft, None) => Some(cx.text(Msg::DialAgain)),
    }
}

fn not_taken(cx: &Cx<'_>, why: NotTaken, doing: &str) -> String {
    let msg = match why {
        NotTaken::Storage => Msg::NotTaken,
        NotTaken::Paused => Msg::Paused,
        NotTaken::Closed => Msg::Closed,
    };
    cx.fill(msg, &[("doing", doing)])
}

/// The words and figures of a plan, as messages want them.
struct Said {
    what: String,
    price: String,
    unit: String,
    total: String,
    seller: String,
}

fn said(cx: &Cx<'_>, plan: &Plan, width: usize) -> Said {
    let (name, unit, milli, price_minor, currency, seller) = match plan {
        Plan::Sell { crop, unit, quantity_milli, price_minor, .. } => {
            let unit = unit.as_ref().map_or("", |unit| unit.text.as_str());
            (crop, unit, quantity_milli.unwrap_or(0), price_minor.unwrap_or(0), cx.settings.currency, "")
        }
        Plan::Buy { thing, seller, quantity_milli, .. } => {
            let milli = quantity_milli.unwrap_or(0);
            (&thing.name, &*thing.unit_text, milli, thing.unit_price_minor, thing.currency, &**seller)
        }
        Plan::Withdraw { thing, left_milli: milli } | Plan::Cancel { thing, quantity_milli: milli } => {
            (&thing.name, &*thing.unit_text, *milli, thing.unit_price_minor, thing.currency, "")
        }
        Plan::Register { .. } => {
            let empty = String::new;
            return Said { what: empty(), price: empty(), unit: empty(), total: empty(), seller: empty() };
        }
    };
    let unit = word(unit);
    Said {
        what: cx.what(&quantity_of(milli, &unit), &short(name, width)) + &when(cx, plan.made_at_s(), width),
        price: money(price_minor, currency),
        total: total(milli, price_minor, currency),
        seller: short(seller, width),
        unit,
    }
}

fn taken(cx: &Cx<'_>, plan: &Plan, sure: bool, reference: Option<&str>, width: usize) -> String {
    let msg = match plan {
        // "Done" says nothing about whether the units are there.
        Plan::Buy { .. } if !sure => return asked(cx, plan, reference, width),
        Plan::Buy { .. } => Msg::DoneBuy,
        Plan::Sell { .. } => Msg::DoneSell,
        Plan::Withdraw { .. } => Msg::DoneWithdraw,
        Plan::Cancel { .. } => Msg::DoneCancel,
        Plan::Register { .. } => Msg::DoneRegister,
    };
    say(cx, msg, plan, reference, width)
}

fn asked(cx: &Cx<'_>, plan: &Plan, reference: Option<&str>, width: usize) -> String {
    let msg = match plan {
        Plan::Buy { .. } => Msg::AskedBuy,
        Plan::Sell { .. } => Msg::AskedSell,
        Plan::Withdraw { .. } => Msg::AskedWithdraw,
        Plan::Cancel { .. } => Msg::AskedCancel,
        // Nobody can refuse a member: at worst the number is known already under another id.
        Plan::Register { .. } => Msg::DoneRegister,
    };
    say(cx, msg, plan, reference, width)
}

fn say(cx: &Cx<'_>, msg: Msg, plan: &Plan, reference: Option<&str>, width: usize) -> String {
    let said = said(cx, plan, width);
    let name = match plan {
        Plan::Register { name: Some(name), .. } => short(name, width),
        _ => String::new(),
    };
    let values = [
        ("what", &*said.what),
        ("price", &said.price),
        ("unit", &said.unit),
        ("total", &said.total),
        ("seller", &said.seller),
        ("name", &name),
    ];
    let text = cx.fill(msg, &values);
    match reference.map(|reference| short(&clean_name(reference), REFERENCE_MAX_LETTERS)) {
        Some(reference) if !reference.is_empty() => {
            format!("{text}\n{}", cx.fill(Msg::Reference, &[("reference", &reference)]))
        }
        _ => text,
    }
}

/// What a plan's refusal is told in.
fn terms_of(cx: &Cx<'_>, plan: &Plan) -> Terms {
    let (unit, currency) = match plan {
        Plan::Sell { unit, .. } => (unit.as_ref().map_or("", |unit| &*unit.text), cx.settings.currency),
        Plan::Buy { thing, .. } | Plan::Withdraw { thing, .. } | Plan::Cancel { thing, .. } => {
            (&*thing.unit_text, thing.currency)
        }
        Plan::Register { .. } => ("", cx.settings.currency),
    };
    Terms { unit: word(unit), currency: Some(currency) }
}

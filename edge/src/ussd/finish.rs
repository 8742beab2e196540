//! Says what became of an act.
//!
//! The truth, in this order: what was not done is never called done, what is only asked for is never called sure.

use super::acts::{Figures, Plan};
use super::intent::{NotTaken, Outcome};
use super::view::{Cx, fit, short};
use crate::text::Msg;
use crate::text::shorten::clean_name;
use crate::text::why::why_text;

/// Longest number of an order that a screen shows.
const REFERENCE_MAX_LETTERS: usize = 16;

/// What became of an act, as a whole screen.
pub(super) fn outcome_text(cx: &Cx<'_>, plan: &Plan, outcome: &Outcome) -> String {
    let act = plan.act();
    fit(cx.room, "", |width| match outcome {
        Outcome::NotTaken(why) => {
            let msg = match why {
                NotTaken::Storage => Msg::NotTaken,
                NotTaken::Paused => Msg::Paused,
                NotTaken::Closed => Msg::Closed,
            };
            cx.fill(msg, &[("doing", &act.doing(cx, width))])
        }
        Outcome::Rejected(why) => {
            let why = why_text(cx.words, cx.lang, why, &act.terms(cx));
            cx.fill(Msg::Rejected, &[("doing", &act.doing(cx, width)), ("why", &why)])
        }
        Outcome::Done { reference } => say(cx, plan, true, reference.as_deref(), width),
        Outcome::Asked { reference } => say(cx, plan, false, reference.as_deref(), width),
    })
}

fn say(cx: &Cx<'_>, plan: &Plan, is_sure: bool, reference: Option<&str>, width: usize) -> String {
    let Figures { what, price, unit, total, seller, name } = plan.act().figures(cx, width);
    let values = [
        ("what", &*what),
        ("price", &price),
        ("unit", &unit),
        ("total", &total),
        ("seller", &seller),
        ("name", &name),
    ];
    let text = cx.fill(plan.act().said(is_sure), &values);
    match reference.map(|reference| short(&clean_name(reference), REFERENCE_MAX_LETTERS)) {
        Some(reference) if !reference.is_empty() => {
            format!("{text}\n{}", cx.fill(Msg::Reference, &[("reference", &reference)]))
        }
        _ => text,
    }
}

//! Offers to go on with what a dropped call had gathered. Shown at the start of a call only, never on a dialled path.

use super::Move;
use crate::text::Msg;
use crate::text::numbers::quantity_of;
use crate::ussd::dated::when;
use crate::ussd::session::{Draft, Plan};
use crate::ussd::view::{Cx, Foot, Hint, View, page, short, word};

pub(super) fn show(cx: &Cx<'_>, draft: Option<&Draft>) -> View {
    let no = cx.text(Msg::ResumeNo);
    page(cx, Foot::Home, &[], |width| {
        let what = draft.map(|draft| doing(cx, &draft.plan, width)).unwrap_or_default();
        let go = cx.fill(Msg::ResumeGo, &[("what", &what)]);
        format!("{}\n1 {go}\n2 {no}", cx.text(Msg::ResumeTitle))
    })
}

pub(super) fn take(input: &str) -> Move {
    match input {
        "1" => Move::Resume,
        "2" => Move::Dropped,
        _ => Move::Stay(Hint::Choose),
    }
}

/// What a draft is about, as a verb: `sell 50 kg Maize`. Of what was made before, also when: it may have its like.
pub(in crate::ussd) fn doing(cx: &Cx<'_>, plan: &Plan, width: usize) -> String {
    let (msg, quantity, unit, name) = match plan {
        Plan::Register { .. } => return cx.text(Msg::DoingRegister),
        Plan::Sell { crop, unit, quantity_milli, .. } => {
            (Msg::DoingSell, *quantity_milli, unit.as_ref().map(|unit| unit.text.as_str()), crop)
        }
        Plan::Buy { thing, quantity_milli, .. } => {
            (Msg::DoingBuy, *quantity_milli, Some(thing.unit_text.as_str()), &thing.name)
        }
        Plan::Withdraw { thing, left_milli } => {
            (Msg::DoingWithdraw, Some(*left_milli), Some(thing.unit_text.as_str()), &thing.name)
        }
        Plan::Cancel { thing, quantity_milli } => {
            (Msg::DoingCancel, Some(*quantity_milli), Some(thing.unit_text.as_str()), &thing.name)
        }
    };
    let name = short(name, width);
    let what = match (quantity, unit) {
        (Some(milli), Some(unit)) => cx.what(&quantity_of(milli, &word(unit)), &name),
        _ => name,
    };
    cx.fill(msg, &[("what", &(what + &when(cx, plan.made_at_s(), width)))])
}

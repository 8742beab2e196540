//! How much to offer.

use super::{Desk, Move, Screen};
use crate::text::Msg;
use crate::text::numbers::{QUANTITY_MAX_MILLI, quantity, read_quantity};
use crate::ussd::session::Plan;
use crate::ussd::view::{Cx, Foot, Hint, View, page, short, word};

pub(super) fn show(cx: &Cx<'_>, plan: Option<&Plan>) -> View {
    let Some(Plan::Sell { crop, unit: Some(unit), .. }) = plan else { return super::lost_view(cx) };
    page(cx, Foot::Back, &[], |width| {
        cx.fill(Msg::SellQuantity, &[("crop", &short(crop, width)), ("unit", &word(&unit.text))])
    })
}

pub(super) fn take(desk: &mut Desk<'_>, input: &str) -> Move {
    let Some(Plan::Sell { quantity_milli, unit, .. }) = desk.draft.as_mut().map(|draft| &mut draft.plan)
    else {
        return Move::Home;
    };
    match read_quantity(input, unit.as_ref().map_or(1, |unit| unit.step_milli)) {
        Ok(milli) => {
            *quantity_milli = Some(milli);
            Move::Go(Screen::SellPrice)
        }
        Err(error) => Move::Stay(Hint::Number(error, quantity(QUANTITY_MAX_MILLI))),
    }
}

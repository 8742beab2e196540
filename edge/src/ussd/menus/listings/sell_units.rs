//! In which unit to offer: by the kilogram, by the bag.

use super::{Desk, Move, Screen};
use crate::text::Msg;
use crate::ussd::lists::picked_small;
use crate::ussd::market::Read;
use crate::ussd::session::Plan;
use crate::ussd::view::{Cx, Foot, Hint, Key, ROWS_MAX, Row, View, list, page, short};

pub(super) fn show(cx: &Cx<'_>, plan: Option<&Plan>) -> Read<View> {
    let Some(Plan::Sell { commodity, crop, .. }) = plan else { return super::lost(cx) };
    let mut units = cx.market.units(*commodity, cx.lang)?;
    if units.is_empty() {
        return Ok(page(cx, Foot::Back, &[], |_| cx.text(Msg::SellCropsNone)));
    }
    // A commodity has a handful of units; a page has no second one here.
    units.truncate(ROWS_MAX);
    let rows: Vec<Row> = units.into_iter().map(|unit| Row::name(Key::Small(unit.id), unit.text)).collect();
    let mut view = list(cx, |width| cx.fill(Msg::SellUnitsTitle, &[("crop", &short(crop, width))]), &rows, 0);
    view.next_offset = None;
    Ok(view)
}

pub(super) fn take(cx: &Cx<'_>, desk: &mut Desk<'_>, input: &str) -> Read<Move> {
    let picked = picked_small(desk.shown, input);
    let Some(Plan::Sell { commodity, unit, .. }) = desk.draft.as_mut().map(|draft| &mut draft.plan) else {
        return Ok(Move::Home);
    };
    let Some(id) = picked else { return Ok(Move::Stay(Hint::Choose)) };
    let chosen = cx.market.units(*commodity, cx.lang)?.into_iter().find(|choice| choice.id == id);
    if chosen.is_none() {
        return Ok(Move::Gone);
    }
    *unit = chosen;
    Ok(Move::Go(Screen::SellQuantity))
}

//! In which unit to offer: by the kilogram, by the bag.

use super::Sell;
use crate::text::Msg;
use crate::ussd::acts::{Gathered as _, Plan};
use crate::ussd::lists::picked_small;
use crate::ussd::market::Read;
use crate::ussd::menus::{Desk, Move, Page, Screen, lost};
use crate::ussd::view::{Cx, Foot, Hint, Key, ROWS_MAX, Row, View, list, page, short};

pub(in crate::ussd::menus) struct SellUnits;

impl Page for SellUnits {
    fn show(&self, cx: &Cx<'_>, plan: Option<&Plan>) -> Read<View> {
        let Some(Sell { commodity, crop, .. }) = Sell::of(plan) else { return lost(cx) };
        let mut units = cx.market.units(*commodity, cx.lang)?;
        if units.is_empty() {
            return Ok(page(cx, Foot::Back, &[], |_| cx.text(Msg::SellCropsNone)));
        }
        // A commodity has a handful of units; a page has no second one here.
        units.truncate(ROWS_MAX);
        let rows: Vec<Row> =
            units.into_iter().map(|unit| Row::name(Key::Small(unit.id), unit.text)).collect();
        let mut view =
            list(cx, |width| cx.fill(Msg::SellUnitsTitle, &[("crop", &short(crop, width))]), &rows, 0);
        view.next_offset = None;
        Ok(view)
    }

    fn take(&self, cx: &Cx<'_>, desk: &mut Desk<'_>, input: &str) -> Read<Move> {
        let picked = picked_small(desk.shown, input);
        let Some(Sell { commodity, unit, .. }) = Sell::of_mut(desk.plan()) else {
            return Ok(Move::Home);
        };
        let Some(id) = picked else { return Move::stay(Hint::Choose) };
        let chosen = cx.market.units(*commodity, cx.lang)?.into_iter().find(|choice| choice.id == id);
        if chosen.is_none() {
            return Ok(Move::Gone);
        }
        *unit = chosen;
        Move::to(Screen::SellQuantity)
    }
}

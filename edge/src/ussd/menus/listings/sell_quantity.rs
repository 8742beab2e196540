//! How much to offer.

use super::Sell;
use crate::text::Msg;
use crate::text::numbers::{QUANTITY_MAX_MILLI, quantity, read_quantity};
use crate::ussd::acts::{Gathered as _, Plan};
use crate::ussd::market::Read;
use crate::ussd::menus::{Desk, Move, Page, Screen, lost};
use crate::ussd::view::{Cx, Foot, Hint, View, page, short, word};

pub(in crate::ussd::menus) struct SellQuantity;

impl Page for SellQuantity {
    fn show(&self, cx: &Cx<'_>, plan: Option<&Plan>) -> Read<View> {
        let Some(Sell { crop, unit: Some(unit), .. }) = Sell::of(plan) else { return lost(cx) };
        Ok(page(cx, Foot::Back, &[], |width| {
            cx.fill(Msg::SellQuantity, &[("crop", &short(crop, width)), ("unit", &word(&unit.text))])
        }))
    }

    fn take(&self, _: &Cx<'_>, desk: &mut Desk<'_>, input: &str) -> Read<Move> {
        let Some(Sell { quantity_milli, unit, .. }) = Sell::of_mut(desk.plan()) else {
            return Ok(Move::Home);
        };
        Ok(match read_quantity(input, unit.as_ref().map_or(1, |unit| unit.step_milli)) {
            Ok(milli) => {
                *quantity_milli = Some(milli);
                Move::Go(Screen::SellPrice)
            }
            Err(error) => Move::Stay(Hint::Number(error, quantity(QUANTITY_MAX_MILLI))),
        })
    }
}

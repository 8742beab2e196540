//! What, how much and the price once more, before it is offered.

use super::Sell;
use crate::text::Msg;
use crate::text::numbers::{money, quantity_of, total};
use crate::ussd::acts::{Gathered as _, Plan};
use crate::ussd::market::Read;
use crate::ussd::menus::{Desk, Move, Page, confirm, confirmed, lost};
use crate::ussd::view::{Cx, Foot, View, page, short, word};

pub(in crate::ussd::menus) struct SellConfirm;

impl Page for SellConfirm {
    fn show(&self, cx: &Cx<'_>, plan: Option<&Plan>) -> Read<View> {
        let Some(Sell {
            crop, unit: Some(unit), quantity_milli: Some(milli), price_minor: Some(minor), ..
        }) = Sell::of(plan)
        else {
            return lost(cx);
        };
        let currency = cx.settings.currency;
        let (unit, price, total) =
            (word(&unit.text), money(*minor, currency), total(*milli, *minor, currency));
        Ok(page(cx, Foot::Back, &confirm(Msg::SellYes), |width| {
            let what = cx.what(&quantity_of(*milli, &unit), &short(crop, width));
            cx.fill(
                Msg::SellConfirm,
                &[("what", &what), ("price", &price), ("unit", &unit), ("total", &total)],
            )
        }))
    }

    fn take(&self, _: &Cx<'_>, _: &mut Desk<'_>, input: &str) -> Read<Move> {
        confirmed(input)
    }
}

//! The order once more, before it is cancelled.

use super::Cancel;
use crate::text::Msg;
use crate::text::numbers::{quantity_of, total};
use crate::ussd::acts::{Gathered as _, Plan};
use crate::ussd::dated::when;
use crate::ussd::market::Read;
use crate::ussd::menus::{Desk, Move, Page, confirm, confirmed, lost};
use crate::ussd::view::{Cx, Foot, View, page, short, word};

pub(in crate::ussd::menus) struct CancelConfirm;

impl Page for CancelConfirm {
    fn show(&self, cx: &Cx<'_>, plan: Option<&Plan>) -> Read<View> {
        let Some(Cancel { thing, quantity_milli }) = Cancel::of(plan) else { return lost(cx) };
        let total = total(*quantity_milli, thing.unit_price_minor, thing.currency);
        Ok(page(cx, Foot::Back, &confirm(Msg::CancelYes), |width| {
            let quantity = quantity_of(*quantity_milli, &word(&thing.unit_text));
            let what = cx.what(&quantity, &short(&thing.name, width)) + &when(cx, thing.made_at_s, width);
            cx.fill(Msg::CancelConfirm, &[("what", &what), ("total", &total)])
        }))
    }

    fn take(&self, _: &Cx<'_>, _: &mut Desk<'_>, input: &str) -> Read<Move> {
        confirmed(input)
    }
}

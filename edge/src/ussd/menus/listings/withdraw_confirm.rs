//! What is taken back from sale once more, before it is.

use super::Withdraw;
use crate::text::Msg;
use crate::text::numbers::{money, quantity_of};
use crate::ussd::acts::{Gathered as _, Plan};
use crate::ussd::dated::when;
use crate::ussd::market::Read;
use crate::ussd::menus::{Desk, Move, Page, confirm, confirmed, lost};
use crate::ussd::view::{Cx, Foot, View, page, short, word};

pub(in crate::ussd::menus) struct WithdrawConfirm;

impl Page for WithdrawConfirm {
    fn show(&self, cx: &Cx<'_>, plan: Option<&Plan>) -> Read<View> {
        let Some(Withdraw { thing, left_milli }) = Withdraw::of(plan) else { return lost(cx) };
        let unit = word(&thing.unit_text);
        Ok(page(cx, Foot::Back, &confirm(Msg::WithdrawYes), |width| {
            let what = cx.what(&quantity_of(*left_milli, &unit), &short(&thing.name, width));
            let what = what + &when(cx, thing.made_at_s, width);
            let price = money(thing.unit_price_minor, thing.currency);
            cx.fill(Msg::WithdrawConfirm, &[("what", &what), ("price", &price), ("unit", &unit)])
        }))
    }

    fn take(&self, _: &Cx<'_>, _: &mut Desk<'_>, input: &str) -> Read<Move> {
        confirmed(input)
    }
}

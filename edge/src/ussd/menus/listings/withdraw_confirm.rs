//! What is taken back from sale once more, before it is.

use crate::text::Msg;
use crate::text::numbers::{money, quantity_of};
use crate::ussd::dated::when;
use crate::ussd::session::Plan;
use crate::ussd::view::{Cx, Foot, View, page, short, word};

pub(super) fn show(cx: &Cx<'_>, plan: Option<&Plan>) -> View {
    let Some(Plan::Withdraw { thing, left_milli }) = plan else { return super::lost_view(cx) };
    let unit = word(&thing.unit_text);
    page(cx, Foot::Back, &super::confirm(Msg::WithdrawYes), |width| {
        let what = cx.what(&quantity_of(*left_milli, &unit), &short(&thing.name, width));
        let what = what + &when(cx, thing.made_at_s, width);
        let price = money(thing.unit_price_minor, thing.currency);
        cx.fill(Msg::WithdrawConfirm, &[("what", &what), ("price", &price), ("unit", &unit)])
    })
}

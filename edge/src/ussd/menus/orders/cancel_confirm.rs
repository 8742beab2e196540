//! The order once more, before it is cancelled.

use crate::text::Msg;
use crate::text::numbers::{quantity_of, total};
use crate::ussd::dated::when;
use crate::ussd::session::Plan;
use crate::ussd::view::{Cx, Foot, View, page, short, word};

pub(super) fn show(cx: &Cx<'_>, plan: Option<&Plan>) -> View {
    let Some(Plan::Cancel { thing, quantity_milli }) = plan else { return super::lost_view(cx) };
    let total = total(*quantity_milli, thing.unit_price_minor, thing.currency);
    page(cx, Foot::Back, &super::confirm(Msg::CancelYes), |width| {
        let quantity = quantity_of(*quantity_milli, &word(&thing.unit_text));
        let what = cx.what(&quantity, &short(&thing.name, width)) + &when(cx, thing.made_at_s, width);
        cx.fill(Msg::CancelConfirm, &[("what", &what), ("total", &total)])
    })
}

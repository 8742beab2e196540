//! What, how much and the price once more, before it is offered.

use crate::text::Msg;
use crate::text::numbers::{money, quantity_of, total};
use crate::ussd::session::Plan;
use crate::ussd::view::{Cx, Foot, View, page, short, word};

pub(super) fn show(cx: &Cx<'_>, plan: Option<&Plan>) -> View {
    let Some(Plan::Sell {
        crop,
        unit: Some(unit),
        quantity_milli: Some(milli),
        price_minor: Some(minor),
        ..
    }) = plan
    else {
        return super::lost_view(cx);
    };
    let currency = cx.settings.currency;
    let (unit, price, total) = (word(&unit.text), money(*minor, currency), total(*milli, *minor, currency));
    page(cx, Foot::Back, &super::confirm(Msg::SellYes), |width| {
        let what = cx.what(&quantity_of(*milli, &unit), &short(crop, width));
        cx.fill(Msg::SellConfirm, &[("what", &what), ("price", &price), ("unit", &unit), ("total", &total)])
    })
}

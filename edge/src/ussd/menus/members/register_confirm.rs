//! Name, number and language once more, before the member is registered.

use crate::text::Msg;
use crate::ussd::session::Plan;
use crate::ussd::view::{Cx, Foot, View, page, short};

pub(super) fn show(cx: &Cx<'_>, plan: Option<&Plan>) -> View {
    let Some(Plan::Register { name: Some(name), lang: Some(lang), .. }) = plan else {
        return super::lost_view(cx);
    };
    page(cx, Foot::Back, &super::confirm(Msg::RegisterYes), |width| {
        let values = [
            ("name", &*short(name, width)),
            ("phone", &cx.phone.masked_with('*')),
            ("language", &cx.words.text(*lang, Msg::LanguageName)),
        ];
        cx.fill(Msg::RegisterConfirm, &values)
    })
}

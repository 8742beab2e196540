//! Name, number and language once more, before the member is registered.

use super::Register;
use crate::text::Msg;
use crate::ussd::acts::{Gathered as _, Plan};
use crate::ussd::market::Read;
use crate::ussd::menus::{Desk, Move, Page, confirm, confirmed, lost};
use crate::ussd::view::{Cx, Foot, View, page, short};

pub(in crate::ussd::menus) struct RegisterConfirm;

impl Page for RegisterConfirm {
    fn show(&self, cx: &Cx<'_>, plan: Option<&Plan>) -> Read<View> {
        let Some(Register { name: Some(name), lang: Some(lang), .. }) = Register::of(plan) else {
            return lost(cx);
        };
        Ok(page(cx, Foot::Back, &confirm(Msg::RegisterYes), |width| {
            let values = [
                ("name", &*short(name, width)),
                ("phone", &cx.phone.masked_with('*')),
                ("language", &cx.words.text(*lang, Msg::LanguageName)),
            ];
            cx.fill(Msg::RegisterConfirm, &values)
        }))
    }

    fn take(&self, _: &Cx<'_>, _: &mut Desk<'_>, input: &str) -> Read<Move> {
        confirmed(input)
    }
}

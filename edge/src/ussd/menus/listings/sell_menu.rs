//! Offer something, or see what one offers.

use super::{MyListings, SellCrops};
use crate::text::Msg;
use crate::ussd::acts::Plan;
use crate::ussd::market::Read;
use crate::ussd::menus::{At, Desk, Move, Page};
use crate::ussd::view::{Cx, Foot, Hint, View, page};

pub(in crate::ussd::menus) struct SellMenu;

impl Page for SellMenu {
    fn show(&self, cx: &Cx<'_>, _: Option<&Plan>) -> Read<View> {
        Ok(page(cx, Foot::Back, &[(1, Msg::SellNew), (2, Msg::SellMine)], |_| cx.text(Msg::SellTitle)))
    }

    fn take(&self, _: &Cx<'_>, _: &mut Desk<'_>, input: &str) -> Read<Move> {
        Ok(match input {
            "1" => Move::Go(SellCrops { at: At::default() }.into()),
            "2" => Move::Go(MyListings { offset: 0 }.into()),
            _ => Move::Stay(Hint::Choose),
        })
    }
}

//! One offer of the caller, and taking it back.

use super::Withdraw;
use crate::text::Msg;
use crate::text::numbers::{money, quantity, quantity_of};
use crate::ussd::acts::Plan;
use crate::ussd::dated::when;
use crate::ussd::market::{self, ListingState, Read};
use crate::ussd::menus::{Desk, Move, Page, Screen};
use crate::ussd::thing::Thing;
use crate::ussd::view::{Cx, Foot, Hint, View, page, short, word};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// The screen of one offer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MyListing {
    pub(in crate::ussd) id: Uuid,
}

impl Page for MyListing {
    fn show(&self, cx: &Cx<'_>, _: Option<&Plan>) -> Read<View> {
        let Some(listing) = cx.market.my_listing(cx.phone, self.id, cx.lang)? else {
            return Ok(page(cx, Foot::Back, &[], |_| cx.text(Msg::MineGone)));
        };
        let state = match listing.state {
            ListingState::OnSale => Msg::StateOnSale,
            ListingState::Waiting => Msg::StateWaiting,
            ListingState::SoldOut => Msg::StateSoldOut,
            ListingState::Withdrawn => Msg::StateWithdrawn,
        };
        let unit = word(&listing.unit_text);
        let choices: &[(u8, Msg)] = if can_withdraw(&listing) { &[(1, Msg::MineWithdraw)] } else { &[] };
        Ok(page(cx, Foot::Back, choices, |width| {
            let price = money(listing.unit_price_minor, listing.currency);
            let values = [
                ("crop", &*(short(&listing.name, width) + &when(cx, Some(listing.posted_at_s), width))),
                ("price", &price),
                ("unit", &unit),
                ("left", &quantity(listing.left_milli)),
                ("all", &quantity_of(listing.quantity_milli, &unit)),
                ("state", &cx.text(state)),
            ];
            cx.fill(Msg::MineOne, &values)
        }))
    }

    fn take(&self, cx: &Cx<'_>, desk: &mut Desk<'_>, input: &str) -> Read<Move> {
        if input != "1" {
            return Move::stay(Hint::Choose);
        }
        let Some(listing) = cx.market.my_listing(cx.phone, self.id, cx.lang)?.filter(can_withdraw) else {
            return Move::stay(Hint::Choose);
        };
        let screen = Screen::WithdrawConfirm;
        let left_milli = listing.left_milli;
        let thing = Thing {
            id: self.id,
            name: listing.name,
            unit_text: listing.unit_text,
            unit_price_minor: listing.unit_price_minor,
            currency: listing.currency,
            made_at_s: Some(listing.posted_at_s),
        };
        desk.begin(cx, Withdraw { thing, left_milli }, screen)
    }
}

fn can_withdraw(listing: &market::MyListing) -> bool {
    matches!(listing.state, ListingState::OnSale | ListingState::Waiting)
}

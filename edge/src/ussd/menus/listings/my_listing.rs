//! One offer of the caller, and taking it back.

use super::{Desk, Move, Screen};
use crate::text::Msg;
use crate::text::numbers::{money, quantity, quantity_of};
use crate::ussd::dated::when;
use crate::ussd::market::{ListingState, MyListing, Read};
use crate::ussd::session::{Plan, Thing};
use crate::ussd::view::{Cx, Foot, Hint, View, page, short, word};
use uuid::Uuid;

pub(super) fn show(cx: &Cx<'_>, id: Uuid) -> Read<View> {
    let Some(listing) = cx.market.my_listing(cx.phone, id, cx.lang)? else {
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

fn can_withdraw(listing: &MyListing) -> bool {
    matches!(listing.state, ListingState::OnSale | ListingState::Waiting)
}

pub(super) fn take(cx: &Cx<'_>, desk: &mut Desk<'_>, id: Uuid, input: &str) -> Read<Move> {
    if input != "1" {
        return Ok(Move::Stay(Hint::Choose));
    }
    let Some(listing) = cx.market.my_listing(cx.phone, id, cx.lang)?.filter(can_withdraw) else {
        return Ok(Move::Stay(Hint::Choose));
    };
    let screen = Screen::WithdrawConfirm;
    let left_milli = listing.left_milli;
    let thing = Thing {
        id,
        name: listing.name,
        unit_text: listing.unit_text,
        unit_price_minor: listing.unit_price_minor,
        currency: listing.currency,
        made_at_s: Some(listing.posted_at_s),
    };
    desk.begin(cx, Plan::Withdraw { thing, left_milli }, &screen)?;
    Ok(Move::Go(screen))
}

//! How much to buy. The offer is read again: the price that is confirmed next is the one shown here.

use super::Buy;
use crate::text::Msg;
use crate::text::numbers::{QUANTITY_MAX_MILLI, money, quantity, quantity_of, read_quantity};
use crate::ussd::acts::{Gathered as _, Plan};
use crate::ussd::market::Read;
use crate::ussd::menus::{Desk, Move, Page, Screen, lost};
use crate::ussd::view::{Cx, Foot, Hint, View, page, short, word};

pub(in crate::ussd::menus) struct BuyQuantity;

impl Page for BuyQuantity {
    fn show(&self, cx: &Cx<'_>, plan: Option<&Plan>) -> Read<View> {
        let Some(Buy { thing, .. }) = Buy::of(plan) else { return lost(cx) };
        let Some(listing) = cx.market.listing(thing.id, cx.lang)? else {
            return Ok(page(cx, Foot::Back, &[], |_| cx.text(Msg::BuyGone)));
        };
        let unit = word(&listing.unit_text);
        Ok(page(cx, Foot::Back, &[], |width| {
            let values = [
                ("crop", &*short(&listing.name, width)),
                ("price", &money(listing.unit_price_minor, listing.currency)),
                ("unit", &unit),
                ("seller", &short(&listing.seller, width)),
                ("here", &quantity(listing.here_milli)),
                ("total", &quantity(listing.total_milli.max(listing.here_milli))),
            ];
            cx.fill(Msg::BuyQuantity, &values)
        }))
    }

    fn take(&self, cx: &Cx<'_>, desk: &mut Desk<'_>, input: &str) -> Read<Move> {
        let Some(Buy { thing, quantity_milli, held, .. }) = Buy::of_mut(desk.plan()) else {
            return Ok(Move::Home);
        };
        let Some(listing) = cx.market.listing(thing.id, cx.lang)? else {
            *desk.draft = None;
            return Ok(Move::Gone);
        };
        let wanted = match read_quantity(input, listing.step_milli) {
            Ok(milli) => milli,
            Err(error) => return Ok(Move::Stay(Hint::Number(error, quantity(QUANTITY_MAX_MILLI)))),
        };
        if let Some(most) = listing.most_milli.filter(|most| wanted > *most) {
            return Ok(Move::Stay(Hint::Only(quantity_of(most, &word(&listing.unit_text)))));
        }
        thing.unit_price_minor = listing.unit_price_minor;
        thing.currency = listing.currency;
        *quantity_milli = Some(wanted);
        *held = wanted <= listing.here_milli;
        Move::to(Screen::BuyConfirm)
    }
}

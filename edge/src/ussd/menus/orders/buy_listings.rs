//! From whom to buy: quantity and price of each offer, then who sells.

use super::Buy;
use crate::text::Msg;
use crate::text::numbers::{amount, quantity_of};
use crate::ussd::acts::Plan;
use crate::ussd::dated::rows_apart;
use crate::ussd::lists::picked_id;
use crate::ussd::market::{Listing, Read};
use crate::ussd::menus::{Desk, Move, Page, Screen};
use crate::ussd::thing::Thing;
use crate::ussd::view::{Cx, Foot, Hint, Key, Row, View, list, page, short, word};
use serde::{Deserialize, Serialize};

/// The screen of one crop, at a place in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct BuyListings {
    pub(in crate::ussd) commodity: u32,
    pub(in crate::ussd) offset: u32,
}

impl Page for BuyListings {
    fn show(&self, cx: &Cx<'_>, _: Option<&Plan>) -> Read<View> {
        let crop = cx.market.crop_name(self.commodity, cx.lang)?.unwrap_or_default();
        let listings = |part| cx.market.listings(self.commodity, cx.lang, part);
        let made = |listing: &Listing| listing.posted_at_s;
        let rows = rows_apart(cx, self.offset, listings, made, |listing, date| row(listing, &crop, date))?;
        if rows.is_empty() && self.offset > 0 {
            // The last page has sold out: that says nothing of those before it.
            return Self { offset: 0, ..self.clone() }.show(cx, None);
        }
        if rows.is_empty() {
            return Ok(page(cx, Foot::Back, &[], |width| {
                cx.fill(Msg::BuyListingsNone, &[("crop", &short(&crop, width))])
            }));
        }
        Ok(list(
            cx,
            |width| cx.fill(Msg::BuyListingsTitle, &[("crop", &short(&crop, width))]),
            &rows,
            self.offset,
        ))
    }

    fn take(&self, cx: &Cx<'_>, desk: &mut Desk<'_>, input: &str) -> Read<Move> {
        let Some(id) = picked_id(desk.shown, input) else { return Move::stay(Hint::Choose) };
        let Some(listing) = cx.market.listing(id, cx.lang)? else { return Ok(Move::Gone) };
        if listing.seller_phone == cx.phone.number() {
            return Move::stay(Hint::Own);
        }
        let screen = Screen::BuyQuantity;
        let seller = listing.seller.clone();
        let thing = thing(listing);
        desk.begin(cx, Buy { thing, seller, quantity_milli: None, held: false }, screen)
    }

    fn moved_to(&self, offset: u32) -> Option<Screen> {
        Some(Self { offset, ..self.clone() }.into())
    }
}

fn row(listing: &Listing, crop: &str, date: &str) -> Row {
    let unit = word(&listing.unit_text);
    let all = quantity_of(listing.total_milli.max(listing.here_milli), &unit);
    let price = amount(listing.unit_price_minor, listing.currency);
    // An offer with a name of its own shows it, else who sells is what tells it apart.
    let name = if listing.name == crop {
        listing.seller.clone()
    } else {
        format!("{}, {}", listing.name, listing.seller)
    };
    Row { key: Key::Id(listing.id), head: format!("{all}, {price}/{unit}, "), name, tail: date.to_owned() }
}

/// A listing, as a draft keeps it.
fn thing(listing: Listing) -> Thing {
    Thing {
        id: listing.id,
        name: listing.name,
        unit_text: listing.unit_text,
        unit_price_minor: listing.unit_price_minor,
        currency: listing.currency,
        made_at_s: None,
    }
}

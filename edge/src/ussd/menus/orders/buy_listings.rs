//! From whom to buy: quantity and price of each offer, then who sells.

use super::{Desk, Move, Screen};
use crate::text::Msg;
use crate::text::numbers::{amount, quantity_of};
use crate::ussd::dated::rows_apart;
use crate::ussd::lists::picked_id;
use crate::ussd::market::{Listing, Read};
use crate::ussd::session::{Plan, Thing};
use crate::ussd::view::{Cx, Foot, Hint, Key, Row, View, list, page, short, word};

pub(super) fn show(cx: &Cx<'_>, commodity: u32, offset: u32) -> Read<View> {
    let crop = cx.market.crop_name(commodity, cx.lang)?.unwrap_or_default();
    let listings = |part| cx.market.listings(commodity, cx.lang, part);
    let made = |listing: &Listing| listing.posted_at_s;
    let rows = rows_apart(cx, offset, listings, made, |listing, date| row(listing, &crop, date))?;
    if rows.is_empty() && offset > 0 {
        // The last page has sold out: that says nothing of those before it.
        return show(cx, commodity, 0);
    }
    if rows.is_empty() {
        return Ok(page(cx, Foot::Back, &[], |width| {
            cx.fill(Msg::BuyListingsNone, &[("crop", &short(&crop, width))])
        }));
    }
    Ok(list(cx, |width| cx.fill(Msg::BuyListingsTitle, &[("crop", &short(&crop, width))]), &rows, offset))
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

pub(super) fn take(cx: &Cx<'_>, desk: &mut Desk<'_>, input: &str) -> Read<Move> {
    let Some(id) = picked_id(desk.shown, input) else { return Ok(Move::Stay(Hint::Choose)) };
    let Some(listing) = cx.market.listing(id, cx.lang)? else { return Ok(Move::Gone) };
    if listing.seller_phone == cx.phone.number() {
        return Ok(Move::Stay(Hint::Own));
    }
    let screen = Screen::BuyQuantity;
    let seller = listing.seller.clone();
    let thing = thing(listing);
    desk.begin(cx, Plan::Buy { thing, seller, quantity_milli: None, held: false }, &screen)?;
    Ok(Move::Go(screen))
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

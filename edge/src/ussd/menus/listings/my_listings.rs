//! What the caller offers.

use super::{Desk, Move, Screen};
use crate::text::Msg;
use crate::text::numbers::{amount, quantity_of};
use crate::ussd::dated::rows_apart;
use crate::ussd::lists::picked_id;
use crate::ussd::market::{MyListing, Read};
use crate::ussd::view::{Cx, Foot, Hint, Key, Row, View, list, page, word};

pub(super) fn show(cx: &Cx<'_>, offset: u32) -> Read<View> {
    let mine = |part| cx.market.my_listings(cx.phone, cx.lang, part);
    let rows = rows_apart(cx, offset, mine, |listing| listing.posted_at_s, row)?;
    if rows.is_empty() {
        return Ok(page(cx, Foot::Back, &[], |_| cx.text(Msg::MineNone)));
    }
    Ok(list(cx, |_| cx.text(Msg::MineTitle), &rows, offset))
}

fn row(listing: &MyListing, date: &str) -> Row {
    let unit = word(&listing.unit_text);
    let left = quantity_of(listing.left_milli, &unit);
    let price = amount(listing.unit_price_minor, listing.currency);
    let tail = format!(", {left}, {price}/{unit}{date}");
    Row { key: Key::Id(listing.id), head: String::new(), name: listing.name.clone(), tail }
}

pub(super) fn take(desk: &Desk<'_>, input: &str) -> Move {
    match picked_id(desk.shown, input) {
        Some(id) => Move::Go(Screen::MyListing { id }),
        None => Move::Stay(Hint::Choose),
    }
}

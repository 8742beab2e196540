//! What the caller offers.

use super::MyListing;
use crate::text::Msg;
use crate::text::numbers::{amount, quantity_of};
use crate::ussd::acts::Plan;
use crate::ussd::dated::rows_apart;
use crate::ussd::lists::picked_id;
use crate::ussd::market::{self, Read};
use crate::ussd::menus::{Desk, Move, Page, Screen};
use crate::ussd::view::{Cx, Foot, Hint, Key, Row, View, list, page, word};
use serde::{Deserialize, Serialize};

/// The screen, at a place in the list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct MyListings {
    pub(in crate::ussd) offset: u32,
}

impl Page for MyListings {
    fn show(&self, cx: &Cx<'_>, _: Option<&Plan>) -> Read<View> {
        let mine = |part| cx.market.my_listings(cx.phone, cx.lang, part);
        let rows = rows_apart(cx, self.offset, mine, |listing| listing.posted_at_s, row)?;
        if rows.is_empty() {
            return Ok(page(cx, Foot::Back, &[], |_| cx.text(Msg::MineNone)));
        }
        Ok(list(cx, |_| cx.text(Msg::MineTitle), &rows, self.offset))
    }

    fn take(&self, _: &Cx<'_>, desk: &mut Desk<'_>, input: &str) -> Read<Move> {
        Ok(match picked_id(desk.shown, input) {
            Some(id) => Move::Go(MyListing { id }.into()),
            None => Move::Stay(Hint::Choose),
        })
    }

    fn moved_to(&self, offset: u32) -> Option<Screen> {
        Some(Self { offset }.into())
    }
}

fn row(listing: &market::MyListing, date: &str) -> Row {
    let unit = word(&listing.unit_text);
    let left = quantity_of(listing.left_milli, &unit);
    let price = amount(listing.unit_price_minor, listing.currency);
    let tail = format!(", {left}, {price}/{unit}{date}");
    Row { key: Key::Id(listing.id), head: String::new(), name: listing.name.clone(), tail }
}

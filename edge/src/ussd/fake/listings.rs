//! Offers in memory.

use super::{Fake, MADE_AT_S, currency, id, part};
use crate::text::Lang;
use crate::ussd::market::*;
use sync_protocol::phone::Phone;
use uuid::Uuid;

impl Listings for Fake {
    fn listings(&self, _: u32, lang: Lang, window: Window) -> Read<Vec<Listing>> {
        self.readable()?;
        let all = self.listings.iter().cloned();
        Ok(part(all.map(|one| Listing { name: self.local(&one.name, lang), ..one }), window))
    }

    fn listing(&self, id: Uuid, lang: Lang) -> Read<Option<Listing>> {
        let all = Window { offset: 0, limit: 100 };
        Ok(self.listings(0, lang, all)?.into_iter().find(|listing| listing.id == id))
    }

    fn my_listings(&self, _: &Phone, lang: Lang, window: Window) -> Read<Vec<MyListing>> {
        let all = self.mine.iter().cloned();
        Ok(part(all.map(|one| MyListing { name: self.local(&one.name, lang), ..one }), window))
    }

    fn my_listing(&self, phone: &Phone, id: Uuid, lang: Lang) -> Read<Option<MyListing>> {
        let all = Window { offset: 0, limit: 100 };
        Ok(self.my_listings(phone, lang, all)?.into_iter().find(|one| one.id == id))
    }
}

pub(crate) fn listing(
    number: u128,
    name: &str,
    seller: &str,
    unit_text: &str,
    unit_price_minor: i64,
    here_milli: i64,
    total_milli: i64,
) -> Listing {
    Listing {
        id: id(number),
        name: name.into(),
        seller: seller.into(),
        seller_phone: 0,
        unit_text: unit_text.into(),
        step_milli: 1,
        unit_price_minor,
        currency: currency("MWK"),
        here_milli,
        total_milli,
        most_milli: Some(total_milli),
        posted_at_s: MADE_AT_S,
    }
}

pub(super) fn my_listing(
    number: u128,
    name: &str,
    quantity_milli: i64,
    left_milli: i64,
    state: ListingState,
) -> MyListing {
    MyListing {
        id: id(number),
        name: name.into(),
        unit_text: "kg".into(),
        quantity_milli,
        left_milli,
        unit_price_minor: 40_000,
        currency: currency("MWK"),
        state,
        posted_at_s: MADE_AT_S,
    }
}

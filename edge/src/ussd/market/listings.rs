//! Offers: those of others, and the caller's own.

use super::{Read, Window};
use crate::text::Lang;
use sync_protocol::phone::Phone;
use sync_protocol::units::Currency;
use uuid::Uuid;

/// Something that can be bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Its id.
    pub id: Uuid,
    /// Its own name, or the commodity's.
    pub name: String,
    /// Who sells.
    pub seller: String,
    /// The number of the member who does: E.164 without the plus sign; 0 where it is no member, or not known.
    pub seller_phone: u64,
    /// One unit of it, as a screen shows it.
    pub unit_text: String,
    /// The smallest step in which it can be had, in thousandths of the unit: pieces are whole.
    pub step_milli: i64,
    /// Price of one unit, in minor units.
    pub unit_price_minor: i64,
    /// The currency.
    pub currency: Currency,
    /// Held at this box: an order of so much is confirmed at once. In thousandths of the unit.
    pub here_milli: i64,
    /// As far as known for sale in all, held here or not. In thousandths of the unit.
    pub total_milli: i64,
    /// More than so much cannot be ordered; `None` where nobody here knows how much there is, and the hub is asked. In thousandths of the
    /// unit.
    pub most_milli: Option<i64>,
    /// When it was offered, seconds since 1970 UTC, as the node where that was claimed.
    pub posted_at_s: i64,
}

/// How an offer of the caller stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListingState {
    /// On sale.
    OnSale,
    /// On sale, and the hub does not know yet.
    Waiting,
    /// Nothing left.
    SoldOut,
    /// Taken back.
    Withdrawn,
}

/// An offer of the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MyListing {
    /// Its id.
    pub id: Uuid,
    /// Its own name, or the commodity's.
    pub name: String,
    /// One unit of it.
    pub unit_text: String,
    /// As it was offered, in thousandths.
    pub quantity_milli: i64,
    /// Not sold yet, as far as known here, in thousandths.
    pub left_milli: i64,
    /// Price of one unit, in minor units.
    pub unit_price_minor: i64,
    /// The currency.
    pub currency: Currency,
    /// How it stands.
    pub state: ListingState,
    /// When it was offered, seconds since 1970 UTC, as the node where that was claimed.
    pub posted_at_s: i64,
}

/// What is on offer.
pub trait Listings {
    /// Offers of a commodity that can be bought, with something left, those with units here first.
    fn listings(&self, commodity: u32, lang: Lang, window: Window) -> Read<Vec<Listing>>;

    /// One offer; `None` when it cannot be bought (any more).
    fn listing(&self, id: Uuid, lang: Lang) -> Read<Option<Listing>>;

    /// Offers of the caller, the newest first.
    fn my_listings(&self, phone: &Phone, lang: Lang, window: Window) -> Read<Vec<MyListing>>;

    /// One offer of the caller; `None` when there is none, or it is somebody else's.
    fn my_listing(&self, phone: &Phone, id: Uuid, lang: Lang) -> Read<Option<MyListing>>;
}

#[cfg(test)]
mod in_memory {
    use crate::text::Lang;
    use crate::ussd::fake::{Fake, part};
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
}

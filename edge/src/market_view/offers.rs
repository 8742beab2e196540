//! What can be bought: the office's own listings with what is held here and at the hub, other offices' as their catalogue says.

use super::may_order::{most_milli, seller_phone};
use super::reference::Reference;
use super::{View, db, unreadable};
use crate::db::DbError;
use crate::node;
use crate::replica::{self, is_complete};
use crate::stock;
use crate::text::units::unit_name;
use crate::text::{Lang, Messages};
use crate::ussd::market::{self, ListingState, Listings, MyListing, Read, Window};
use rusqlite::Connection;
use std::cmp::Reverse;
use std::collections::HashMap;
use std::sync::Arc;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CommodityId, Holder, ListingId};
use sync_protocol::market::{
    Cooperative, Entity as _, EntryId, Listing, ListingStatus, Member, StockEntry, Unit,
};
use sync_protocol::phone::Phone;
use sync_protocol::row::Key;
use sync_protocol::units::Quantity;
use uuid::Uuid;

/// An offer as lists keep it; the rest is read again when it is shown.
#[derive(Clone, Copy)]
pub(super) struct Offer {
    id: ListingId,
    here_milli: i64,
    posted_at_s: i64,
}

/// Lists of offers, good while nothing that is on offer has moved.
#[derive(Default)]
pub(super) struct OfferCache {
    moves: u64,
    of_crop: HashMap<u32, Arc<Vec<Offer>>>,
    crops: Option<Arc<Vec<u32>>>,
}

impl OfferCache {
    fn at(&mut self, moves: u64) -> &mut Self {
        if self.moves != moves {
            *self = Self { moves, ..Self::default() };
        }
        self
    }
}

/// Held here, and for sale in all, as far as known: thousandths of the unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Amounts {
    pub(super) here_milli: i64,
    pub(super) total_milli: i64,
}

impl View<'_> {
    /// Commodities with something on offer, in the order of menus.
    pub(super) fn offered_crops(&self) -> Result<Arc<Vec<u32>>, DbError> {
        let moves = self.moves.offers;
        if let Some(kept) = self.offers().and_then(|mut cache| cache.at(moves).crops.clone()) {
            return Ok(kept);
        }
        self.long_read()?;
        let mut crops = Vec::new();
        for commodity in db::commodities_of(self.conn, Listing::COMMODITY)? {
            for key in db::keys_of(self.conn, Listing::COMMODITY, &commodity)? {
                if let Some((_, amounts)) =
                    self.on_sale(key)?.filter(|(listing, _)| listing.commodity == commodity)
                    && amounts.total_milli > 0
                {
                    crops.push(commodity.0);
                    break;
                }
            }
        }
        self.reference.in_menu_order(&mut crops);
        let crops = Arc::new(crops);
        if let Some(mut cache) = self.offers() {
            cache.at(moves).crops = Some(crops.clone());
        }
        Ok(crops)
    }

    /// The offers of a commodity with something left: those with units here first, then the newest.
    pub(super) fn offers_of(&self, commodity: u32) -> Result<Arc<Vec<Offer>>, DbError> {
        let moves = self.moves.offers;
        if let Some(kept) =
            self.offers().and_then(|mut cache| cache.at(moves).of_crop.get(&commodity).cloned())
        {
            return Ok(kept);
        }
        self.long_read()?;
        let mut offers = Vec::new();
        for key in db::keys_of(self.conn, Listing::COMMODITY, &CommodityId(commodity))? {
            let Some((listing, amounts)) = self.on_sale(key)? else { continue };
            if listing.commodity == CommodityId(commodity) && amounts.total_milli > 0 {
                let Listing { id, posted_at_s, .. } = listing;
                offers.push(Offer { id, here_milli: amounts.here_milli, posted_at_s });
            }
        }
        offers.sort_by_key(|offer| (offer.here_milli <= 0, std::cmp::Reverse(offer.posted_at_s), offer.id));
        let offers = Arc::new(offers);
        if let Some(mut cache) = self.offers() {
            cache.at(moves).of_crop.insert(commodity, offers.clone());
        }
        Ok(offers)
    }

    /// A part of them, as a screen shows it.
    pub(super) fn offers_shown(
        &self,
        commodity: u32,
        lang: Lang,
        window: market::Window,
    ) -> Result<Vec<market::Listing>, DbError> {
        let offers = self.offers_of(commodity)?;
        let part = offers.iter().skip(window.offset as usize).take(window.limit as usize);
        let mut list = Vec::new();
        for offer in part {
            list.extend(self.offer_shown(Key::Uuid(offer.id.0), lang)?);
        }
        Ok(list)
    }

    /// One offer, as a screen shows it; `None` when nothing of it can be bought.
    pub(super) fn offer_shown(&self, key: Key, lang: Lang) -> Result<Option<market::Listing>, DbError> {
        let Some((listing, amounts)) = self.on_sale(key)?.filter(|(_, amounts)| amounts.total_milli > 0)
        else {
            return Ok(None);
        };
        Ok(Some(market::Listing {
            id: listing.id.0,
            name: listing_name(&self.reference, &listing, lang),
            seller: self.seller(&listing)?,
            seller_phone: seller_phone(self.conn, &listing)?,
            unit_text: unit_text(&self.reference, listing.unit.0, lang),
            step_milli: self.reference.units.get(&listing.unit.0).map_or(1, Unit::step_milli),
            unit_price_minor: listing.price_minor,
            currency: listing.currency,
            here_milli: amounts.here_milli,
            total_milli: amounts.total_milli,
            most_milli: most_milli(self.conn, &listing)?,
            posted_at_s: listing.posted_at_s,
        }))
    }

    fn on_sale(&self, key: Key) -> Result<Option<(Listing, Amounts)>, DbError> {
        let Some(listing) = replica::get::<Listing>(self.conn, key)? else { return Ok(None) };
        if listing.status != ListingStatus::Active {
            return Ok(None);
        }
        let amounts = self.amounts(&listing)?;
        Ok(Some((listing, amounts)))
    }

    /// What is left of a listing.
    pub(super) fn amounts(&self, listing: &Listing) -> Result<Amounts, DbError> {
        let own = self.reference.own.as_ref().filter(|own| own.cooperative == listing.cooperative);
        if own.is_none()
            && let Some(available) = listing.available
        {
            return Ok(Amounts { here_milli: 0, total_milli: available.0.max(0) });
        }
        let held = stock::holdings(self.conn, listing.id)?;
        let total_milli =
            sum_milli(&held).saturating_add(sum_milli(&stock::on_its_way(self.conn, listing.id)?));
        let Some(own) = own else { return Ok(Amounts { here_milli: 0, total_milli }) };
        let here = held.iter().find(|(holder, _)| *holder == own.holder()).map_or(0, |(_, q)| q.0.max(0));
        let here_milli = if here > 0 && self.may_sell(listing, own.holder())? { here } else { 0 };
        Ok(Amounts { here_milli, total_milli })
    }

    /// Whether an order from units held here would be taken at once: the same question that is asked when it is made.
    fn may_sell(&self, listing: &Listing, holder: Holder) -> Result<bool, DbError> {
        let may = match self.may_sell.get() {
            Some(may) => may,
            None => {
                let may = sells_now(self.conn, listing)?;
                self.may_sell.set(Some(may));
                may
            }
        };
        let may = may && node::counts::doubt_about(self.conn, listing.id)?.is_none();
        Ok(may && !stock::stands_short(self.conn, listing.id, holder)?)
    }

    /// Who sells: the member who offers it, else the cooperative.
    fn seller(&self, listing: &Listing) -> Result<String, DbError> {
        if let Some(member) = listing.seller
            && let Some(member) = replica::get::<Member>(self.conn, Key::Uuid(member.0))?
        {
            return Ok(member.name);
        }
        let cooperative = replica::get::<Cooperative>(self.conn, Key::Int(listing.cooperative.0))?;
        Ok(cooperative.map_or_else(String::new, |cooperative| cooperative.name))
    }
}

/// What there is of a listing of this office's cooperative, whoever holds it, also what the hub has yet to hear of: an order of that is
/// asked for behind it, so that it is there when the order comes. In thousandths.
///
/// # Errors
/// Those of the database.
pub(crate) fn left_milli(conn: &Connection, listing: ListingId) -> Result<i64, DbError> {
    let (held, coming) = (stock::holdings(conn, listing)?, stock::on_its_way(conn, listing)?);
    Ok(sum_milli(&held).saturating_add(sum_milli(&coming)))
}

fn sum_milli(held: &[(Holder, Quantity)]) -> i64 {
    held.iter().map(|(_, quantity)| quantity.0.max(0)).sum()
}

fn sells_now(conn: &Connection, listing: &Listing) -> Result<bool, DbError> {
    is_complete(conn, Bucket::Coop(listing.cooperative))
}

/// A listing's own name, or its commodity's.
pub(crate) fn listing_name(reference: &Reference, listing: &Listing, lang: Lang) -> String {
    if listing.title.is_empty() {
        reference.crop(listing.commodity.0).map_or_else(String::new, |crop| crop.name(lang).to_owned())
    } else {
        listing.title.clone()
    }
}

/// One unit, as a screen shows it.
pub(crate) fn unit_text(reference: &Reference, unit: u32, lang: Lang) -> String {
    let code = reference.units.get(&unit).map_or("", |unit| unit.code.as_str());
    unit_name(Messages::get(), lang, code)
}

impl Listings for View<'_> {
    fn listings(&self, commodity: u32, lang: Lang, window: Window) -> Read<Vec<market::Listing>> {
        self.offers_shown(commodity, lang, window).map_err(unreadable)
    }

    fn listing(&self, id: Uuid, lang: Lang) -> Read<Option<market::Listing>> {
        self.offer_shown(Key::Uuid(id), lang).map_err(unreadable)
    }

    fn my_listings(&self, phone: &Phone, lang: Lang, window: Window) -> Read<Vec<MyListing>> {
        let listings = self.listings_by(phone.number()).map_err(unreadable)?;
        let shown = listings.iter().skip(window.offset as usize).take(window.limit as usize);
        shown.map(|listing| self.my_listing_of(listing, lang).map_err(unreadable)).collect()
    }

    fn my_listing(&self, phone: &Phone, id: Uuid, lang: Lang) -> Read<Option<MyListing>> {
        let listing = || {
            let Some(member) = self.member(phone.number())? else { return Ok(None) };
            let listing = replica::get::<Listing>(self.conn, Key::Uuid(id))?;
            let own = listing.filter(|listing| listing.seller == Some(member.id));
            own.map(|listing| self.my_listing_of(&listing, lang)).transpose()
        };
        listing().map_err(unreadable)
    }
}

impl View<'_> {
    /// Offers of the member with a number, the newest first.
    pub(super) fn listings_by(&self, phone: u64) -> Result<Vec<Listing>, DbError> {
        let Some(member) = self.member(phone)? else { return Ok(Vec::new()) };
        let mut listings = replica::find_readable(self.conn, Listing::SELLER, &Some(member.id))?;
        listings.sort_by_key(|listing| (Reverse(listing.posted_at_s), Reverse(listing.id)));
        Ok(listings)
    }

    pub(super) fn my_listing_of(&self, listing: &Listing, lang: Lang) -> Result<MyListing, DbError> {
        let left_milli = self.amounts(listing)?.total_milli;
        let intake = Key::Step(listing.id.0, EntryId::INTAKE);
        let quantity =
            replica::get::<StockEntry>(self.conn, intake)?.map_or(left_milli, |entry| entry.quantity.0);
        let is_sent = replica::get_sent::<Listing>(self.conn, listing.key())?.is_some();
        let state = match listing.status {
            ListingStatus::Active if left_milli <= 0 => ListingState::SoldOut,
            ListingStatus::Active if !is_sent => ListingState::Waiting,
            ListingStatus::Active => ListingState::OnSale,
            ListingStatus::Withdrawn | ListingStatus::Other(_) => ListingState::Withdrawn,
        };
        Ok(MyListing {
            id: listing.id.0,
            name: listing_name(&self.reference, listing, lang),
            unit_text: unit_text(&self.reference, listing.unit.0, lang),
            quantity_milli: quantity,
            left_milli,
            unit_price_minor: listing.price_minor,
            currency: listing.currency,
            state,
            posted_at_s: listing.posted_at_s,
        })
    }
}

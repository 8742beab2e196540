//! Names as texts show them for sending back: each is found again as the one thing it stands for, so that nobody is asked the same
//! question twice. An example is always answered with a price.

use super::market::{Market, Named, Read, Shelf, Window};
use super::{Settings, oldest};
use crate::text::keywords::{as_typed, price_request, start_word};
use crate::text::names::{Found, Names, words};
use crate::text::{Lang, Msg};
use sync_protocol::units::Month;

/// Crops and markets that are tried for an example.
const TRIED_MAX: u32 = 8;

/// Letters of a name in an example, first of one that is quickly typed.
const EXAMPLE_LETTERS: [usize; 2] = [14, 24];

/// A name to send that means one thing alone: the first of its names that does, without what stands in brackets where that will do.
pub(crate) fn to_send<'n>(
    among: &Names,
    id: u32,
    names: impl IntoIterator<Item = &'n str>,
) -> Option<String> {
    let typed = |name: &str| Some(as_typed(name)).filter(|typed| among.means(&words(typed), id));
    names.into_iter().find_map(|name| typed(name.split('(').next().unwrap_or(name)).or_else(|| typed(name)))
}

/// A crop to send, by its name in the reader's language or else by any other.
pub(crate) fn crop_to_send(all: &[Named], among: &Names, own: &str, id: u32) -> Option<String> {
    let others = all.iter().filter(|named| named.id == id).map(|named| named.name.as_str());
    to_send(among, id, [own].into_iter().chain(others))
}

/// Makes the texts that people are told to send for a price.
#[derive(Clone, Copy)]
pub(crate) struct Examples<'a> {
    market: &'a dyn Market,
    lang: Lang,
    /// The word with which SMS to a shared number begin.
    shared: Option<&'a str>,
    /// A market that most people here know.
    known: &'a str,
    /// The oldest month of which a price is not called old.
    not_before: Month,
}

impl<'a> Examples<'a> {
    /// For a reader of a language, in a month.
    pub(crate) fn new(market: &'a dyn Market, settings: &'a Settings, lang: Lang, month: Month) -> Self {
        Self {
            market,
            lang,
            shared: settings.sms_keyword.as_deref(),
            known: &settings.example_market,
            not_before: oldest(month, settings.old_after_months),
        }
    }

    /// Any price; the keyword alone where there is none yet. One that is not old where there is such, for it is what people judge by.
    pub(crate) fn any(&self) -> Read<String> {
        let crops =
            self.market.crops(Shelf::Prices, self.lang, "", Window { offset: 0, limit: TRIED_MAX })?;
        let ids: Vec<u32> = crops.iter().map(|crop| crop.id).collect();
        let found = self.among(&ids)?;
        Ok(found.unwrap_or_else(|| start_word(self.lang, Msg::KeywordPrice, self.shared)))
    }

    /// A price of a crop that was chosen already.
    pub(crate) fn of(&self, commodity: u32) -> Read<String> {
        match self.among(&[commodity])? {
            Some(sms) => Ok(sms),
            None => self.any(),
        }
    }

    /// This very price; `None` where no words mean it alone.
    pub(crate) fn request(&self, commodity: u32, place: u32) -> Read<Option<String>> {
        let near = self.market.nearest(commodity, Some(place))?;
        let only = near.iter().filter(|named| named.id == place);
        Ok(self.texts(commodity, &near, only, usize::MAX)?.into_iter().next().map(|(_, sms)| sms))
    }

    /// The first of some crops' prices that is not old, one that is quickly typed before the others; else the newest.
    fn among(&self, crops: &[u32]) -> Read<Option<String>> {
        let mut newest: Option<(Month, String)> = None;
        for letters_max in EXAMPLE_LETTERS {
            for crop in crops {
                let near = self.market.nearest(*crop, None)?;
                // The one that most people know, then those that are near.
                let is_known = |named: &&Named| as_typed(&named.name) == as_typed(self.known);
                let tried = near.iter().filter(is_known).chain(near.iter().take(TRIED_MAX as usize));
                for (place, sms) in self.texts(*crop, &near, tried, letters_max)? {
                    let month = self.month_of(*crop, place)?;
                    if month >= self.not_before {
                        return Ok(Some(sms));
                    }
                    if newest.as_ref().is_none_or(|(before, _)| month > *before) {
                        newest = Some((month, sms));
                    }
                }
            }
        }
        Ok(newest.map(|(_, sms)| sms))
    }

    /// The month of what a price request is answered with.
    fn month_of(&self, commodity: u32, place: u32) -> Read<Month> {
        let quote = self.market.quote(commodity, place, self.lang)?;
        let series = quote.as_ref().and_then(|quote| quote.series.first());
        Ok(series.map_or(Month(0), |series| series.latest.month))
    }

    /// The SMS that ask for a price of a crop at some markets, of those that are understood; `near` is all of the crop's.
    fn texts<'n>(
        &self,
        commodity: u32,
        near: &[Named],
        tried: impl Iterator<Item = &'n Named>,
        letters_max: usize,
    ) -> Read<Vec<(u32, String)>> {
        let all = self.market.crop_names()?;
        let crops = Names::new(&all);
        let own = self.market.crop_name(commodity, self.lang)?.unwrap_or_default();
        let fits = |typed: &String| typed.len() <= letters_max;
        let Some(crop) = crop_to_send(&all, &crops, &own, commodity).filter(fits) else {
            return Ok(Vec::new());
        };
        let markets = Names::new(near);
        let text = |place: &Named| {
            let name = to_send(&markets, place.id, [place.name.as_str()]).filter(fits)?;
            // Each of the crop's markets has a price of it: see `Market::nearest`.
            is_found(&crops, &markets, commodity, place.id, &format!("{crop} {name}"))
                .then(|| (place.id, price_request(self.lang, self.shared, &crop, &name)))
        };
        Ok(tried.filter_map(text).collect())
    }
}

/// Whether a text is read as this crop at this market.
fn is_found(crops: &Names, markets: &Names, crop: u32, market: u32, text: &str) -> bool {
    let asked = words(text);
    let Some(hit) = crops.search(&asked).filter(|hit| hit.found == Found::One(crop)) else { return false };
    let rest = [&asked[..hit.start], &asked[hit.start + hit.count..]].concat();
    markets.search(&rest).is_some_and(|hit| hit.found == Found::One(market))
}

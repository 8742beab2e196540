//! Names as texts show them for sending back: each is found again as the one thing it stands for, so that nobody is asked the same
//! question twice. An example is always answered with a price.

use super::keywords::{as_typed, price_request, start_word};
use super::names::{Found, Names, words};
use crate::text::{Lang, Msg};
use crate::ussd::market::{Market, Named, Read, Shelf, Window};

/// Crops and markets that are tried for an example.
const TRIED_MAX: u32 = 8;

/// Letters of a name in an example, first of one that is quickly typed.
const EXAMPLE_LETTERS: [usize; 2] = [14, 24];

/// A name to send that means one thing alone: the first of its names that does, without what stands in brackets where that will do.
pub(super) fn to_send<'n>(
    among: &Names,
    id: u32,
    names: impl IntoIterator<Item = &'n str>,
) -> Option<String> {
    let typed = |name: &str| Some(as_typed(name)).filter(|typed| among.means(&words(typed), id));
    names.into_iter().find_map(|name| typed(name.split('(').next().unwrap_or(name)).or_else(|| typed(name)))
}

/// A crop to send, by its name in the reader's language or else by any other.
pub(super) fn crop_to_send(all: &[Named], among: &Names, own: &str, id: u32) -> Option<String> {
    let others = all.iter().filter(|named| named.id == id).map(|named| named.name.as_str());
    to_send(among, id, [own].into_iter().chain(others))
}

/// The SMS that asks for a price, as an example; the keyword alone where there is no price yet. `known` is a market that most people
/// here know.
pub(crate) fn example(market: &dyn Market, lang: Lang, shared: Option<&str>, known: &str) -> Read<String> {
    let crops = market.crops(Shelf::Prices, lang, "", Window { offset: 0, limit: TRIED_MAX })?;
    for letters_max in EXAMPLE_LETTERS {
        for crop in &crops {
            if let Some(sms) = found(market, lang, shared, known, crop.id, letters_max)? {
                return Ok(sms);
            }
        }
    }
    Ok(start_word(lang, Msg::KeywordPrice, shared))
}

/// The same, for a crop that was chosen already.
pub(crate) fn example_of(
    market: &dyn Market,
    lang: Lang,
    shared: Option<&str>,
    known: &str,
    commodity: u32,
) -> Read<String> {
    for letters_max in EXAMPLE_LETTERS {
        if let Some(sms) = found(market, lang, shared, known, commodity, letters_max)? {
            return Ok(sms);
        }
    }
    example(market, lang, shared, known)
}

/// The SMS that asks for this very price; `None` where no words mean it alone.
pub(crate) fn request(
    market: &dyn Market,
    lang: Lang,
    shared: Option<&str>,
    commodity: u32,
    place: u32,
) -> Read<Option<String>> {
    let near = market.nearest(commodity, Some(place))?;
    let only = near.iter().filter(|named| named.id == place);
    sms_of(market, lang, shared, commodity, &near, only, usize::MAX)
}

/// An example of a crop with names of so many letters at most.
fn found(
    market: &dyn Market,
    lang: Lang,
    shared: Option<&str>,
    known: &str,
    commodity: u32,
    letters_max: usize,
) -> Read<Option<String>> {
    let near = market.nearest(commodity, None)?;
    // The one that most people know, then those that are near.
    let is_known = |named: &&Named| as_typed(&named.name) == as_typed(known);
    let tried = near.iter().filter(is_known).chain(near.iter().take(TRIED_MAX as usize));
    sms_of(market, lang, shared, commodity, &near, tried, letters_max)
}

/// The SMS that asks for a price of a crop at the first of some markets that it is understood for; `near` is all of the crop's.
fn sms_of<'n>(
    market: &dyn Market,
    lang: Lang,
    shared: Option<&str>,
    commodity: u32,
    near: &[Named],
    tried: impl Iterator<Item = &'n Named>,
    letters_max: usize,
) -> Read<Option<String>> {
    let all = market.crop_names()?;
    let crops = Names::new(&all);
    let own = market.crop_name(commodity, lang)?.unwrap_or_default();
    let fits = |typed: &String| typed.len() <= letters_max;
    let Some(crop) = crop_to_send(&all, &crops, &own, commodity).filter(fits) else { return Ok(None) };
    let markets = Names::new(near);
    for place in tried {
        let Some(name) = to_send(&markets, place.id, [place.name.as_str()]).filter(fits) else { continue };
        // Each of the crop's markets has a price of it: see `Market::nearest`.
        if is_found(&crops, &markets, commodity, place.id, &format!("{crop} {name}")) {
            return Ok(Some(price_request(lang, shared, &crop, &name)));
        }
    }
    Ok(None)
}

/// Whether a text is read as this crop at this market.
fn is_found(crops: &Names, markets: &Names, crop: u32, market: u32, text: &str) -> bool {
    let asked = words(text);
    let Some(hit) = crops.search(&asked).filter(|hit| hit.found == Found::One(crop)) else { return false };
    let rest = [&asked[..hit.start], &asked[hit.start + hit.count..]].concat();
    markets.search(&rest).is_some_and(|hit| hit.found == Found::One(market))
}

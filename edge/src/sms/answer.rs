//! What to do about an incoming SMS: at most one effect, at most one answer. Pure: the caller knows who wrote what before.
//!
//! Two machines that answer each other must fall silent: a text that is not understood gets one helpful answer a day, and
//! nobody gets more than a bounded number of answers an hour.

use super::keywords::{Asked, as_typed, example, read, start_word};
use super::names::{Found, Level, Names};
use crate::text::gsm7::SMS_SINGLE_SEPTETS;
use crate::text::shorten::{clean_name, fitting_bytes, length, shorten};
use crate::text::{Lang, Messages, Msg};
use crate::ussd::market::{Market, Read};
use crate::ussd::{Settings, Voice, facts, month_of};
use jiff::Timestamp;
use sync_protocol::phone::Phone;

/// Seconds for which a number that was helped once gets no second helpful answer: a day.
pub const UNKNOWN_SILENCE_S: i64 = 24 * 60 * 60;

/// Answers that one number gets in an hour: a person asks less, two machines ask for ever.
pub const ANSWERS_MAX_PER_HOUR: u32 = 12;

/// Choices that an answer lists.
const OPTIONS_MAX: usize = 4;

/// What the caller knows of this number from before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recent {
    /// Seconds since a text of this number was not understood and got the helpful answer; `None` when never.
    pub unknown_answered_s_ago: Option<i64>,
    /// Answers to this number within the last hour.
    pub answers_last_hour: u32,
    /// Whether this number said STOP, and not START since.
    pub opted_out: bool,
}

/// One incoming text.
#[derive(Clone, Debug)]
pub struct Incoming<'a> {
    /// Who wrote. Only a number: a sender with a name (a bank, the network) never gets an answer.
    pub phone: &'a Phone,
    /// What was written.
    pub text: &'a str,
    /// What is known from before.
    pub recent: Recent,
}

/// What an incoming text changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing.
    None,
    /// From now on no message that was not asked for.
    OptOut,
    /// Messages again.
    OptIn,
}

/// What to do about an incoming text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// What it changes; to be kept before the answer goes out.
    pub effect: Effect,
    /// The answer: one SMS, in the telephone alphabet. `None` for silence.
    pub reply: Option<String>,
    /// Whether the answer is the helpful one to a text that was not understood: note when.
    pub not_understood: bool,
}

/// Decides about one incoming text.
///
/// # Errors
/// When the market cannot be read: STOP and START never need it.
pub fn answer(
    market: &dyn Market,
    settings: &Settings,
    incoming: &Incoming<'_>,
    now: Timestamp,
) -> Read<Decision> {
    let (asked, keyword_lang) = read(incoming.text);
    let words = Messages::get();
    // STOP and START come before all else: before any reading that may fail, and whatever was answered before.
    let effect = match asked {
        Asked::Stop => Some((Effect::OptOut, Msg::SmsStop)),
        Asked::Start => Some((Effect::OptIn, Msg::SmsStart)),
        _ => None,
    };
    let flood = incoming.recent.answers_last_hour >= ANSWERS_MAX_PER_HOUR;
    if let Some((effect, msg)) = effect {
        let lang = keyword_lang.unwrap_or(settings.lang);
        // Said twice, it is confirmed once.
        let news = incoming.recent.opted_out != (effect == Effect::OptOut) || effect == Effect::OptIn;
        let reply = (news && !flood).then(|| net(&words.text(lang, msg)));
        return Ok(Decision { effect, reply, not_understood: false });
    }
    let silence = Decision { effect: Effect::None, reply: None, not_understood: false };
    if flood {
        return Ok(silence);
    }
    let lang = market.caller(incoming.phone)?.lang.or(keyword_lang).unwrap_or(settings.lang);
    let desk = Desk { market, words, settings, lang, phone: incoming.phone, now };
    let reply = match asked {
        Asked::Help => desk.help(),
        Asked::Price(rest) => desk.price(&rest, true)?,
        // Many leave the keyword out: an exact name of a crop is as good.
        Asked::Other(rest) => match desk.price(&rest, false)? {
            Some(reply) => Some(reply),
            None => return Ok(unknown(&desk, incoming.recent).unwrap_or(silence)),
        },
        Asked::Stop | Asked::Start => None,
    };
    Ok(Decision { reply: reply.map(|reply| net(&reply)), ..silence })
}

fn unknown(desk: &Desk<'_>, recent: Recent) -> Option<Decision> {
    let helped = recent.unknown_answered_s_ago.is_some_and(|ago| ago < UNKNOWN_SILENCE_S);
    if helped || recent.opted_out {
        return None;
    }
    let example = desk.example();
    let reply = net(&desk.words.fill(desk.lang, Msg::SmsUnknown, &[("example", &example)]));
    Some(Decision { effect: Effect::None, reply: Some(reply), not_understood: true })
}

/// The last net: one SMS, whatever the data held.
fn net(text: &str) -> String {
    let text = crate::text::gsm7::sanitise(text);
    text[..fitting_bytes(&text, SMS_SINGLE_SEPTETS)].to_owned()
}

struct Desk<'a> {
    market: &'a dyn Market,
    words: &'a Messages,
    settings: &'a Settings,
    lang: Lang,
    phone: &'a Phone,
    now: Timestamp,
}

impl Desk<'_> {
    fn fill(&self, msg: Msg, values: &[(&str, &str)]) -> String {
        self.words.fill(self.lang, msg, values)
    }

    fn example(&self) -> String {
        example(self.words, self.lang, &self.settings.example_market)
    }

    fn help(&self) -> Option<String> {
        let example = self.example();
        Some(match &self.settings.service_code {
            Some(code) => self.fill(Msg::SmsHelpDial, &[("example", &example), ("code", code)]),
            None => self.fill(Msg::SmsHelp, &[("example", &example)]),
        })
    }

    /// The answer to words that ask for a price; `None` when they ask for none. Without a keyword only an exact name at
    /// the beginning counts.
    fn price(&self, asked: &[String], keyword: bool) -> Read<Option<String>> {
        if asked.is_empty() {
            return Ok(keyword.then(|| self.which_market()));
        }
        let names = Names::new(&self.market.crop_names()?);
        let Some(hit) = names.search(asked) else {
            let (crop, example) = (shorten(&asked.join(" "), 30), self.example());
            return Ok(keyword.then(|| self.fill(Msg::SmsNoCrop, &[("crop", &crop), ("example", &example)])));
        };
        if !keyword && (hit.level > Level::Head || hit.start > 0) {
            return Ok(None);
        }
        match hit.found {
            Found::One(commodity) => {
                let (before, after) = (&asked[..hit.start], &asked[hit.start + hit.count..]);
                self.price_at(commodity, &[before, after].concat()).map(Some)
            }
            Found::Many(ids) => {
                // The crop's own name in the writer's language, which may not be the one that was typed.
                let mut options = Vec::new();
                for id in ids.into_iter().take(OPTIONS_MAX) {
                    options.extend(self.market.crop_name(id, self.lang)?);
                }
                Ok(Some(self.which(&start_word(self.words, self.lang, Msg::KeywordPrice), &options)))
            }
        }
    }

    /// The price of a crop at the market that the rest of the words name, or at the one nearest.
    fn price_at(&self, commodity: u32, rest: &[String]) -> Read<String> {
        let names = if rest.is_empty() { Vec::new() } else { self.market.market_names(commodity)? };
        let found = Names::new(&names).search(rest).map(|hit| hit.found);
        let crop = || Ok(self.market.crop_name(commodity, self.lang)?.unwrap_or_default());
        match found {
            Some(Found::One(market)) => self.quote(commodity, market),
            Some(Found::Many(ids)) => {
                let same = names.iter().filter(|named| ids.contains(&named.id)).take(OPTIONS_MAX);
                let options: Vec<String> = same.map(|named| named.name.clone()).collect();
                let keyword = start_word(self.words, self.lang, Msg::KeywordPrice);
                Ok(self.which(&format!("{keyword} {}", shorten(&as_typed(&crop()?), 24)), &options))
            }
            // "MAIZE10", "maize pls": nothing that could be a market.
            None if rest
                .iter()
                .all(|word| word.len() < 4 || word.starts_with(|c: char| c.is_ascii_digit())) =>
            {
                match self.market.home_market(self.phone, commodity)? {
                    Some(market) => self.quote(commodity, market),
                    None => Ok(self.which_market()),
                }
            }
            None => {
                let near: Vec<String> =
                    names.iter().take(OPTIONS_MAX).map(|named| named.name.clone()).collect();
                let (crop, asked) = (shorten(&crop()?, 24), shorten(&rest.join(" "), 24));
                Ok(self.listing(&near, |options| {
                    self.fill(Msg::SmsNoMarket, &[("market", &asked), ("crop", &crop), ("options", options)])
                }))
            }
        }
    }

    fn which_market(&self) -> String {
        self.fill(Msg::SmsAddMarket, &[("example", &self.example())])
    }

    fn which(&self, keyword: &str, options: &[String]) -> String {
        self.listing(options, |options| {
            self.fill(Msg::SmsWhich, &[("keyword", keyword), ("options", options)])
        })
    }

    /// An answer with as many choices as fit, written as one types them.
    fn listing(&self, options: &[String], say: impl Fn(&str) -> String) -> String {
        let typed: Vec<String> = options.iter().map(|option| as_typed(option)).collect();
        (1..=typed.len())
            .rev()
            .map(|count| say(&typed[..count].join("; ")))
            .find(|text| length(text) <= SMS_SINGLE_SEPTETS)
            .unwrap_or_else(|| say(&shorten(typed.first().map_or("", |first| first), 24)))
    }

    fn quote(&self, commodity: u32, market: u32) -> Read<String> {
        let Some(quote) = self.market.quote(commodity, market, self.lang)? else {
            return Ok(self.which_market());
        };
        let voice = Voice {
            words: self.words,
            lang: self.lang,
            month: month_of(self.now),
            old_after_months: self.settings.old_after_months,
        };
        let Some(series) = quote.series.first() else {
            let (crop, place) = (shorten(&quote.crop, 40), shorten(&quote.market, 40));
            return Ok(self.fill(Msg::SmsPriceNone, &[("crop", &crop), ("market", &place)]));
        };
        let best = self.market.best_near(commodity, market, series, voice.not_before())?;
        let say = |width: usize| {
            let facts = facts(&voice, series, market, best.as_ref(), width).join(". ");
            let (crop, place) = (shorten(&clean_name(&quote.crop), width), shorten(&quote.market, width));
            self.fill(Msg::SmsPrice, &[("crop", &crop), ("market", &place), ("facts", &facts)])
        };
        let widths = [40, 28, 22, 17, 13, 10, 8];
        let fits = widths.into_iter().map(say).find(|text| length(text) <= SMS_SINGLE_SEPTETS);
        Ok(fits.unwrap_or_else(|| say(8)))
    }
}

//! What to do about an incoming SMS: at most one consent, at most one answer. Pure: the caller knows who wrote what before.
//!
//! Two machines that answer each other must fall silent: a text that is not understood gets one helpful answer a day, and
//! nobody gets more than a bounded number of answers an hour.

use crate::text::gsm7::{SMS_SINGLE_SEPTETS, length};
use crate::text::keywords::{Asked, Reading, price_request, read, start_word};
use crate::text::names::{Found, Level, Names};
use crate::text::shorten::{fitting_bytes, shorten};
use crate::text::{Lang, Messages, Msg};
use crate::ussd::examples::{Examples, crop_to_send, to_send};
use crate::ussd::market::{Market, Read, Window};
use crate::ussd::{Settings, Voice, facts, month_of};
use jiff::Timestamp;
use sync_protocol::phone::Phone;

/// Seconds for which a number that was helped once gets no second helpful answer: a day.
pub const UNKNOWN_SILENCE_S: i64 = 24 * 60 * 60;

/// Answers that one number gets in an hour: a person asks less, two machines ask for ever.
pub const ANSWERS_MAX_PER_HOUR: u32 = 12;

/// Choices that an answer lists.
const OPTIONS_MAX: usize = 4;

/// Orders of a number that are looked at for one that could be taken back.
const ORDERS_MAX: u32 = 20;

/// What the caller knows of this number from before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Recent {
    /// Seconds since a text of this number was not understood and got the helpful answer; `None` when never.
    pub unknown_answered_s_ago: Option<i64>,
    /// Answers to this number within the last hour.
    pub answers_last_hour: u32,
    /// Whether this number said STOP, and not START since.
    pub opted_out: bool,
    /// Whether this number was written to, as far as that is kept, or has a member or an order here: it may be written to.
    pub is_known: bool,
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

/// What an incoming text says of messages to whoever wrote it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Consent {
    /// Nothing.
    Same,
    /// From now on no message that was not asked for.
    OptOut,
    /// Messages again.
    OptIn,
}

/// What to do about an incoming text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    /// What it changes; to be kept before the answer goes out.
    pub consent: Consent,
    /// The answer: one SMS, in the telephone alphabet. `None` for silence.
    pub reply: Option<String>,
    /// Whether the answer is the helpful one to a text that was not understood: note when.
    pub not_understood: bool,
    /// Whether it was for this service at all, where the number is shared with others.
    pub is_ours: bool,
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
) -> Read<Answer> {
    let Reading { asked, lang: keyword_lang, words: written, guessed, is_ours } =
        read(incoming.text, settings.sms_keyword.as_deref());
    if !is_ours && !comes_or_goes(&asked, incoming.recent) {
        let nothing = Answer { consent: Consent::Same, reply: None, not_understood: false, is_ours };
        return Ok(nothing);
    }
    let words = Messages::get();
    // STOP and START come before all else: before any reading that may fail, and whatever was answered before.
    let consent = match asked {
        Asked::Stop => Some((Consent::OptOut, Msg::SmsStop)),
        Asked::StopOrCancel if !has_open_order(market, incoming.phone, settings.lang) => {
            Some((Consent::OptOut, Msg::SmsStop))
        }
        Asked::Start => Some((Consent::OptIn, Msg::SmsStart)),
        _ => None,
    };
    let flood = incoming.recent.answers_last_hour >= ANSWERS_MAX_PER_HOUR;
    if let Some((consent, msg)) = consent {
        let lang = keyword_lang.unwrap_or(settings.lang);
        // Said twice, it is confirmed once.
        let news = incoming.recent.opted_out != (consent == Consent::OptOut) || consent == Consent::OptIn;
        let shared = settings.sms_keyword.as_deref();
        let reply = (news && !flood).then(|| net(&words.fill(lang, msg, &keywords_of(lang, shared).each())));
        return Ok(Answer { consent, reply, not_understood: false, is_ours: true });
    }
    let silence = Answer { consent: Consent::Same, reply: None, not_understood: false, is_ours: true };
    if flood {
        return Ok(silence);
    }
    let lang = market.caller(incoming.phone)?.lang.or(keyword_lang).unwrap_or(settings.lang);
    let desk = Desk { market, words, settings, lang, phone: incoming.phone, now };
    // Many leave the keyword out: an exact name of a crop is as good, and surer than a slip of a keyword.
    let by_name = match asked {
        Asked::Other => desk.price(&written, false)?,
        _ if guessed => desk.price(&written, false)?,
        _ => None,
    };
    let reply = match asked {
        _ if by_name.is_some() => by_name,
        Asked::Help => Some(desk.help()?),
        Asked::Price(rest) => desk.price(&rest, true)?,
        Asked::Cancel | Asked::StopOrCancel => Some(desk.cancel()),
        Asked::Other | Asked::Stop | Asked::Start => {
            return Ok(unknown(&desk, incoming.recent)?.unwrap_or(silence));
        }
    };
    Ok(Answer { reply: reply.map(|reply| net(&reply)), ..silence })
}

/// Whether a text to a shared number that names no service is honoured all the same: it is STOP from somebody who gets messages of this
/// one, or START from somebody who left it. Nobody who wants no more has to know for whom a word stands.
fn comes_or_goes(asked: &Asked, recent: Recent) -> bool {
    match asked {
        Asked::Stop => recent.is_known && !recent.opted_out,
        Asked::Start => recent.opted_out,
        _ => false,
    }
}

/// Whether a number has an order that could be taken back. What cannot be read is no order: leaving never needs the market.
fn has_open_order(market: &dyn Market, phone: &Phone, lang: Lang) -> bool {
    let recent = Window { offset: 0, limit: ORDERS_MAX };
    market.my_orders(phone, lang, recent).is_ok_and(|orders| orders.iter().any(|order| order.can_cancel))
}

/// The words that texts tell people to send.
struct Keywords {
    stop: String,
    start: String,
    help: String,
}

fn keywords_of(lang: Lang, shared: Option<&str>) -> Keywords {
    let word = |msg| start_word(lang, msg, shared);
    Keywords { stop: word(Msg::KeywordStop), start: word(Msg::KeywordStart), help: word(Msg::KeywordHelp) }
}

impl Keywords {
    fn each(&self) -> [(&str, &str); 3] {
        [("stop", &self.stop), ("start", &self.start), ("help", &self.help)]
    }
}

fn unknown(desk: &Desk<'_>, recent: Recent) -> Read<Option<Answer>> {
    let helped = recent.unknown_answered_s_ago.is_some_and(|ago| ago < UNKNOWN_SILENCE_S);
    if helped || recent.opted_out {
        return Ok(None);
    }
    let reply = net(&desk.fill(Msg::SmsUnknown, &[("example", &desk.example()?)]));
    Ok(Some(Answer { consent: Consent::Same, reply: Some(reply), not_understood: true, is_ours: true }))
}

/// The last net: one SMS, whatever the data held.
fn net(text: &str) -> String {
    let text = crate::text::gsm7::sanitise(text);
    text[..fitting_bytes(&text, SMS_SINGLE_SEPTETS)].to_owned()
}

/// An answer with as many choices as fit; `None` where not even one does.
fn listing(options: &[String], say: impl Fn(&str) -> String) -> Option<String> {
    let texts = (1..=options.len()).rev().map(|count| say(&options[..count].join("; ")));
    texts.into_iter().find(|text| length(text) <= SMS_SINGLE_SEPTETS)
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
    /// A message; what it tells people to send is filled in by itself.
    fn fill(&self, msg: Msg, values: &[(&str, &str)]) -> String {
        let keywords = keywords_of(self.lang, self.shared());
        let all: Vec<(&str, &str)> = keywords.each().into_iter().chain(values.iter().copied()).collect();
        self.words.fill(self.lang, msg, &all)
    }

    fn shared(&self) -> Option<&str> {
        self.settings.sms_keyword.as_deref()
    }

    fn example(&self) -> Read<String> {
        self.examples().any()
    }

    fn examples(&self) -> Examples<'_> {
        Examples::new(self.market, self.settings, self.lang, month_of(self.now))
    }

    fn help(&self) -> Read<String> {
        let example = self.example()?;
        Ok(match &self.settings.service_code {
            Some(code) => self.fill(Msg::SmsHelpDial, &[("example", &example), ("code", code)]),
            None => self.fill(Msg::SmsHelp, &[("example", &example)]),
        })
    }

    /// How an order is taken back.
    fn cancel(&self) -> String {
        match &self.settings.service_code {
            Some(code) => {
                let orders = self.words.text(self.lang, Msg::HomeOrders);
                self.fill(Msg::SmsCancelDial, &[("code", code), ("orders", &orders)])
            }
            None => self.fill(Msg::SmsCancel, &[]),
        }
    }

    /// The answer to words that ask for a price; `None` when they ask for none. Without a keyword only an exact name at
    /// the beginning counts.
    fn price(&self, asked: &[String], keyword: bool) -> Read<Option<String>> {
        if asked.is_empty() {
            return if keyword { self.which_market(None).map(Some) } else { Ok(None) };
        }
        let all = self.market.crop_names()?;
        let names = Names::new(&all);
        let Some(hit) = names.search(asked) else {
            if !keyword {
                return Ok(None);
            }
            let (crop, example) = (shorten(&asked.join(" "), 30).into_owned(), self.example()?);
            return Ok(Some(self.fill(Msg::SmsNoCrop, &[("crop", &crop), ("example", &example)])));
        };
        if !keyword && (hit.level > Level::Head || hit.start > 0) {
            return Ok(None);
        }
        let (before, after) = (&asked[..hit.start], &asked[hit.start + hit.count..]);
        let rest = [before, after].concat();
        let ids = match hit.found {
            Found::One(commodity) => return self.price_at(commodity, &rest).map(Some),
            Found::Many(ids) => ids,
        };
        let mut options = Vec::new();
        for id in ids.iter().take(OPTIONS_MAX) {
            // The crop's own name in the writer's language, which may not be the one that was typed, nor mean it alone.
            let own = self.market.crop_name(*id, self.lang)?.unwrap_or_default();
            if let Some(crop) = crop_to_send(&all, &names, &own, *id) {
                options.push(format!("{crop} {}", self.place_to_send(*id, &rest)?).trim_end().to_owned());
            }
        }
        let keyword = start_word(self.lang, Msg::KeywordPrice, self.shared());
        match (self.which(&keyword, &options), ids.first()) {
            (Some(asked_back), _) => Ok(Some(asked_back)),
            // None of them can be told from the others by a word: the first is as good as any.
            (None, Some(first)) => self.price_at(*first, &rest).map(Some),
            (None, None) => Ok(None),
        }
    }

    /// The market of a crop that words name, as one types it; nothing where they name none, or several.
    fn place_to_send(&self, commodity: u32, asked: &[String]) -> Read<String> {
        let markets = if asked.is_empty() { Vec::new() } else { self.market.nearest(commodity, None)? };
        let names = Names::new(&markets);
        let Some(Found::One(id)) = names.search(asked).map(|hit| hit.found) else { return Ok(String::new()) };
        let named = markets.iter().find(|named| named.id == id);
        Ok(named.and_then(|named| to_send(&names, id, [named.name.as_str()])).unwrap_or_default())
    }

    /// The price of a crop at the market that the rest of the words name, or at the one nearest.
    fn price_at(&self, commodity: u32, rest: &[String]) -> Read<String> {
        let markets = if rest.is_empty() { Vec::new() } else { self.market.nearest(commodity, None)? };
        let names = Names::new(&markets);
        match names.search(rest).map(|hit| hit.found) {
            Some(Found::One(market)) => self.quote(commodity, market),
            Some(Found::Many(ids)) => {
                let same = markets.iter().filter(|named| ids.contains(&named.id)).take(OPTIONS_MAX);
                let options: Vec<String> =
                    same.filter_map(|named| to_send(&names, named.id, [named.name.as_str()])).collect();
                let request = self.crop_request(commodity)?;
                match (self.which(&request, &options), ids.first()) {
                    (Some(asked_back), _) => Ok(asked_back),
                    (None, Some(first)) => self.quote(commodity, *first),
                    (None, None) => self.which_market(Some(commodity)),
                }
            }
            // "MAIZE10", "maize pls": nothing that could be a market.
            None if rest
                .iter()
                .all(|word| word.len() < 4 || word.starts_with(|c: char| c.is_ascii_digit())) =>
            {
                match self.market.home_market(self.phone, commodity)? {
                    Some(market) => self.quote(commodity, market),
                    None => self.which_market(Some(commodity)),
                }
            }
            None => self.no_market(commodity, rest),
        }
    }

    /// The beginning of an SMS that asks for a price of this crop.
    fn crop_request(&self, commodity: u32) -> Read<String> {
        let all = self.market.crop_names()?;
        let own = self.market.crop_name(commodity, self.lang)?.unwrap_or_default();
        let crop = crop_to_send(&all, &Names::new(&all), &own, commodity).unwrap_or(own);
        Ok(price_request(self.lang, self.shared(), &crop, ""))
    }

    /// No price there: where there is one, near what was asked for if that is a market, else near this office.
    fn no_market(&self, commodity: u32, rest: &[String]) -> Read<String> {
        let everywhere = self.market.all_markets()?;
        let asked_for = match Names::new(&everywhere).search(rest).map(|hit| hit.found) {
            Some(Found::One(market)) => Some(market),
            _ => None,
        };
        let near = self.market.nearest(commodity, asked_for)?;
        let names = Names::new(&near);
        let mut options: Vec<String> =
            near.iter().filter_map(|named| to_send(&names, named.id, [named.name.as_str()])).collect();
        options.truncate(OPTIONS_MAX);
        let (request, asked) = (self.crop_request(commodity)?, shorten(&rest.join(" "), 24).into_owned());
        let said = listing(&options, |options| {
            self.fill(Msg::SmsNoMarket, &[("market", &asked), ("keyword", &request), ("options", options)])
        });
        match said {
            Some(said) => Ok(said),
            None => self.which_market(Some(commodity)),
        }
    }

    /// Asks for the market; of a crop that is known already, with an example of it.
    fn which_market(&self, commodity: Option<u32>) -> Read<String> {
        let example = match commodity {
            Some(commodity) => self.examples().of(commodity)?,
            None => self.example()?,
        };
        Ok(self.fill(Msg::SmsAddMarket, &[("example", &example)]))
    }

    fn which(&self, keyword: &str, options: &[String]) -> Option<String> {
        listing(options, |options| self.fill(Msg::SmsWhich, &[("keyword", keyword), ("options", options)]))
    }

    fn quote(&self, commodity: u32, market: u32) -> Read<String> {
        let Some(quote) = self.market.quote(commodity, market, self.lang)? else {
            return self.which_market(Some(commodity));
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
            let (crop, place) = (shorten(&quote.crop, width), shorten(&quote.market, width));
            self.fill(Msg::SmsPrice, &[("crop", &crop), ("market", &place), ("facts", &facts)])
        };
        let widths = [40, 28, 22, 17, 13, 10, 8];
        let fits = widths.into_iter().map(say).find(|text| length(text) <= SMS_SINGLE_SEPTETS);
        Ok(fits.unwrap_or_else(|| say(8)))
    }
}

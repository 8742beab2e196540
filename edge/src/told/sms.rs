//! One SMS that nobody asked for just now: what it says, in the person's language, and that it is queued once.

use crate::commands::{Thing, Unsaid};
use crate::db::{DbError, pass_over};
use crate::market_view::{language_of, member_of};
use crate::node;
use crate::outbox::{self, Kind, Outgoing};
use crate::text::gsm7::{SMS_SINGLE_SEPTETS, length};
use crate::text::numbers::{quantity_of, total};
use crate::text::shorten::shorten;
use crate::text::units::unit_name;
use crate::text::why::{Rejection, Terms, why_text};
use crate::text::{Lang, Messages, Msg};
use crate::time::Now;
use rusqlite::{Connection, Transaction};
use sync_protocol::units::Currency;
use uuid::Uuid;

/// What is to be said, and to whom.
pub(super) struct Sms {
    /// Whom: E.164 without the plus sign; 0 for nobody.
    pub(super) phone: u64,
    pub(super) msg: Msg,
    pub(super) why: Option<Rejection>,
    /// The thing that it says has ended, and how: said once, whatever brings the word.
    pub(super) ends: Option<(Uuid, &'static str)>,
    /// Whether it leaves its buyer knowing that an order is short; `None` where nothing is said of that.
    pub(super) leaves_short: Option<bool>,
}

impl Sms {
    pub(super) fn to(phone: u64, msg: Msg) -> Self {
        Self { phone, msg, why: None, ends: None, leaves_short: None }
    }

    pub(super) fn because(self, why: Rejection) -> Self {
        Self { why: Some(why), ..self }
    }

    pub(super) fn ending(self, thing: Uuid, how: &'static str) -> Self {
        Self { ends: Some((thing, how)), ..self }
    }

    pub(super) fn leaving_short(self, is_short: bool) -> Self {
        Self { leaves_short: Some(is_short), ..self }
    }
}

/// Which of the words on an act a message brings: each is said once.
#[derive(Clone, Copy)]
pub(super) enum Word {
    /// That it holds, said at once.
    Receipt,
    /// What the hub says of it.
    Verdict,
    /// What a restored hub says of it, by its verdict of that number, where it had said something else.
    Other(u64),
    /// How its thing stands since, for the so manieth time.
    Standing(u64),
    /// How its thing ended later.
    End(&'static str),
}

impl Word {
    fn kind(self) -> Kind {
        match self {
            Self::Receipt => Kind::Receipt,
            Self::Verdict | Self::Other(_) | Self::Standing(_) | Self::End(_) => Kind::Verdict,
        }
    }

    /// What a message is about: the act, a word on it that is not the first, or the thing's end in that way.
    fn about(self, command: Uuid) -> String {
        match self {
            Self::Receipt | Self::Verdict => command.to_string(),
            Self::Other(number) => format!("{command}/{number}"),
            Self::Standing(number) => format!("{command}/standing/{number}"),
            Self::End(how) => format!("{command}/{how}"),
        }
    }
}

/// What became of a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Queued,
    /// It was queued at an earlier time.
    Before,
    Not(Unsaid),
}

impl Said {
    /// Why nobody hears it; `None` where somebody does.
    pub(super) fn unsaid(self) -> Option<Unsaid> {
        if let Self::Not(why) = self { Some(why) } else { None }
    }
}

/// Queues one message, unless there is nobody to get it or the person wants none.
pub(super) fn send(
    tx: &Transaction<'_>,
    word: Word,
    command: Uuid,
    sms: &Sms,
    thing: Option<&Thing>,
    now: &Now,
) -> Result<Said, DbError> {
    let phone = sms.phone;
    if phone == 0 {
        return Ok(Said::Not(Unsaid::Nobody));
    }
    if outbox::has_opted_out(tx, phone)? {
        return Ok(Said::Not(Unsaid::Stop));
    }
    let lang = match pass_over(lang_of(tx, phone))? {
        Some(lang) => lang,
        // Nobody goes without an answer because something about the person cannot be read.
        None => outbox::default_language(tx)?,
    };
    let text = text(lang, sms.msg, sms.why.as_ref(), &about(tx, command, thing, lang)?);
    let (kind, about) = (word.kind(), word.about(command));
    let message = Outgoing { phone, text, kind, about, gateway: None, link_id: None };
    Ok(if outbox::queue(tx, &message, now)? { Said::Queued } else { Said::Before })
}

fn lang_of(conn: &Connection, phone: u64) -> Result<Lang, DbError> {
    let member = match node::identity(conn)? {
        Some(me) => member_of(conn, me.cooperative, phone)?,
        None => None,
    };
    match language_of(conn, member.as_ref(), phone)? {
        Some(lang) => Ok(lang),
        None => outbox::default_language(conn),
    }
}

/// What an act is about, in the words of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
struct About {
    name: String,
    /// One unit of it, as a screen shows it.
    unit_text: String,
    quantity_milli: i64,
    unit_price_minor: i64,
    /// The currency, where it is known.
    currency: Option<Currency>,
}

/// The words of a thing. Where an act of an earlier version kept none and its listing is gone, the beginning of its id stands for the
/// name: the office finds it by that, and nobody is left without an answer.
fn about(conn: &Connection, command: Uuid, thing: Option<&Thing>, lang: Lang) -> Result<About, DbError> {
    let nameless;
    let thing = match thing {
        Some(thing) if !thing.name.is_empty() => thing,
        other => {
            let name = format!("#{:.8}", command.simple().to_string());
            nameless = Thing { name, ..other.cloned().unwrap_or_default() };
            &nameless
        }
    };
    let currency = match thing.currency() {
        Some(currency) => Some(currency),
        None => pass_over(node::own_currency(conn))?.flatten(),
    };
    Ok(About {
        name: thing.name(lang).to_owned(),
        unit_text: unit_name(Messages::get(), lang, &thing.unit),
        quantity_milli: thing.quantity_milli,
        unit_price_minor: thing.unit_price_minor,
        currency,
    })
}

/// The text of a message: one SMS, in the telephone alphabet.
fn text(lang: Lang, msg: Msg, why: Option<&Rejection>, about: &About) -> String {
    let words = Messages::get();
    let unit = shorten(&about.unit_text, 12).into_owned();
    let quantity = quantity_of(about.quantity_milli, &unit);
    let pay = total(about.quantity_milli, about.unit_price_minor, about.currency);
    let terms = Terms { unit, currency: about.currency };
    let why = why.map_or_else(String::new, |why| why_text(words, lang, why, &terms));
    let say = |width: usize| {
        let name = shorten(&about.name, width);
        let what = words.fill(lang, Msg::What, &[("quantity", &quantity), ("crop", &name)]);
        words.fill(lang, msg, &[("what", &what), ("total", &pay), ("why", &why)])
    };
    let fits = [40, 28, 20, 14].into_iter().map(say).find(|text| length(text) <= SMS_SINGLE_SEPTETS);
    fits.unwrap_or_else(|| say(8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::gsm7::{Encoding, sms_size};
    use crate::text::numbers::{PRICE_MAX_UNITS, QUANTITY_MAX_MILLI};

    const REASONS: [Rejection; 10] = [
        Rejection::NotEnough { left_milli: Some(QUANTITY_MAX_MILLI - 1) },
        Rejection::NotEnough { left_milli: None },
        Rejection::Gone,
        Rejection::PriceChanged { price_minor: Some(PRICE_MAX_UNITS * 100 - 1) },
        Rejection::PriceChanged { price_minor: None },
        Rejection::TooLate,
        Rejection::NotAllowed,
        Rejection::Own,
        Rejection::Duplicate,
        Rejection::Other,
    ];

    #[test]
    fn every_notice_is_one_sms_with_the_longest_names() {
        let about = About {
            name: "Rice (imported, Pakistan), the long-grained sort of last year’s harvest".to_owned(),
            unit_text: "500 ml".to_owned(),
            quantity_milli: QUANTITY_MAX_MILLI - 1,
            unit_price_minor: PRICE_MAX_UNITS * 100 - 1,
            currency: Currency::new("MWK"),
        };
        let notices: Vec<Msg> =
            Msg::ALL.iter().copied().filter(|msg| msg.id().starts_with("notice-")).collect();
        assert!(notices.len() >= 10, "{notices:?}");
        for lang in Lang::ALL {
            for (msg, why) in notices.iter().flat_map(|msg| REASONS.iter().map(move |why| (*msg, why))) {
                let text = text(*lang, msg, Some(why), &about);
                let size = sms_size(&text);
                assert_eq!((size.encoding, size.segments), (Encoding::Gsm7, 1), "{text}");
                assert!(!text.contains(['{', '}']), "{text}");
            }
        }
    }

    #[test]
    fn a_notice_says_what_and_why() {
        let about = About {
            name: "Maize".to_owned(),
            unit_text: "kg".to_owned(),
            quantity_milli: 20_000,
            unit_price_minor: 90_000,
            currency: Currency::new("MWK"),
        };
        let confirmed = "Your order is CONFIRMED: 20 kg Maize. To pay: MWK 18,000.";
        assert_eq!(text(Lang::En, Msg::NoticeConfirmed, None, &about), confirmed);
        let why = Rejection::NotEnough { left_milli: Some(5_000) };
        let refused = |lang| text(lang, Msg::NoticeRefused, Some(&why), &about);
        assert_eq!(refused(Lang::En), "Your order was NOT taken: 20 kg Maize. Only 5 kg left.");
        assert_eq!(refused(Lang::Sw), "Oda yako HAIJAKUBALIWA: Maize 20 kg. Zimebaki 5 kg tu.");
        // Of a currency that is not known nothing is said, least of all that there is none.
        let unknown = About { currency: None, ..about };
        let confirmed = "Your order is CONFIRMED: 20 kg Maize. To pay: 18,000.";
        assert_eq!(text(Lang::En, Msg::NoticeConfirmed, None, &unknown), confirmed);
        let changed = Rejection::PriceChanged { price_minor: Some(95_000) };
        let text = text(Lang::En, Msg::NoticeRefused, Some(&changed), &unknown);
        assert!(text.contains(" 950/kg") && !text.contains("XXX"), "{text}");
    }
}

//! SMS that nobody asked for just now: the verdict on an order or an offer, once, in the farmer's language.

use crate::text::gsm7::{SMS_SINGLE_SEPTETS, length};
use crate::text::numbers::{quantity_of, total};
use crate::text::shorten::shorten;
use crate::text::why::{Rejection, Terms, why_text};
use crate::text::{Lang, Messages, Msg};
use sync_protocol::units::Currency;

/// What an order or an offer is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct About {
    /// Its name.
    pub name: String,
    /// One unit of it, as a screen shows it.
    pub unit_text: String,
    /// In thousandths of the unit.
    pub quantity_milli: i64,
    /// Price of one unit, in minor units.
    pub unit_price_minor: i64,
    /// The currency, where it is known.
    pub currency: Option<Currency>,
}

/// What a farmer hears by SMS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// An order that was asked for is confirmed.
    OrderConfirmed(About),
    /// An order that was asked for is refused.
    OrderRefused(About, Rejection),
    /// There is not enough for an order that was confirmed: a person settles it.
    OrderShort(About),
    /// There is enough again for an order that was short.
    OrderConfirmedAgain(About),
    /// An order is cancelled.
    OrderCancelled(About),
    /// It could not be cancelled.
    CancelRefused(About, Rejection),
    /// An offer was refused.
    OfferRefused(About, Rejection),
    /// An offer is taken back.
    Withdrawn(About),
    /// An offer could not be taken back.
    WithdrawRefused(About, Rejection),
    /// A registration was refused.
    RegisterRefused(Rejection),
}

/// The text of a notice: one SMS, in the telephone alphabet.
pub fn notice(lang: Lang, notice: &Notice) -> String {
    let words = Messages::get();
    let (msg, about, why) = match notice {
        Notice::OrderConfirmed(about) => (Msg::NoticeConfirmed, Some(about), None),
        Notice::OrderRefused(about, why) => (Msg::NoticeRefused, Some(about), Some(why)),
        Notice::OrderShort(about) => (Msg::NoticeShort, Some(about), None),
        Notice::OrderConfirmedAgain(about) => (Msg::NoticeConfirmedAgain, Some(about), None),
        Notice::OrderCancelled(about) => (Msg::NoticeCancelled, Some(about), None),
        Notice::CancelRefused(about, why) => (Msg::NoticeCancelRefused, Some(about), Some(why)),
        Notice::OfferRefused(about, why) => (Msg::NoticeOfferRefused, Some(about), Some(why)),
        Notice::Withdrawn(about) => (Msg::NoticeWithdrawn, Some(about), None),
        Notice::WithdrawRefused(about, why) => (Msg::NoticeWithdrawRefused, Some(about), Some(why)),
        Notice::RegisterRefused(why) => (Msg::NoticeRegisterRefused, None, Some(why)),
    };
    let why = why.map(|why| {
        let unit = about.map_or_else(String::new, |about| shorten(&about.unit_text, 12).into_owned());
        let currency = about.and_then(|about| about.currency);
        why_text(words, lang, why, &Terms { unit, currency })
    });
    let say = |width: usize| {
        let (mut what, mut pay) = (String::new(), String::new());
        if let Some(about) = about {
            let quantity = quantity_of(about.quantity_milli, &shorten(&about.unit_text, 12));
            let name = shorten(&about.name, width);
            what = words.fill(lang, Msg::What, &[("quantity", &quantity), ("crop", &name)]);
            pay = total(about.quantity_milli, about.unit_price_minor, about.currency);
        }
        let why = why.as_deref().unwrap_or_default();
        words.fill(lang, msg, &[("what", &what), ("total", &pay), ("why", why)])
    };
    let fits = [40, 28, 20, 14].into_iter().map(say).find(|text| length(text) <= SMS_SINGLE_SEPTETS);
    fits.unwrap_or_else(|| say(8))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::gsm7::{Encoding, sms_size};
    use crate::text::numbers::{PRICE_MAX_UNITS, QUANTITY_MAX_MILLI};

    fn all(about: &About) -> Vec<Notice> {
        let reasons = [
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
        let mut all = vec![
            Notice::OrderConfirmed(about.clone()),
            Notice::OrderShort(about.clone()),
            Notice::OrderConfirmedAgain(about.clone()),
            Notice::OrderCancelled(about.clone()),
            Notice::Withdrawn(about.clone()),
        ];
        for why in reasons {
            all.push(Notice::OrderRefused(about.clone(), why));
            all.push(Notice::CancelRefused(about.clone(), why));
            all.push(Notice::OfferRefused(about.clone(), why));
            all.push(Notice::WithdrawRefused(about.clone(), why));
            all.push(Notice::RegisterRefused(why));
        }
        all
    }

    #[test]
    fn every_notice_is_one_sms_with_the_longest_names() {
        let about = About {
            name: "Rice (imported, Pakistan), the long-grained sort of last year’s harvest".to_owned(),
            unit_text: "500 ml".to_owned(),
            quantity_milli: QUANTITY_MAX_MILLI - 1,
            unit_price_minor: PRICE_MAX_UNITS * 100 - 1,
            currency: Currency::new("MWK"),
        };
        for lang in Lang::ALL {
            for each in all(&about) {
                let text = notice(*lang, &each);
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
        let say = |lang, each: &Notice| notice(lang, each);
        assert_eq!(
            say(Lang::En, &Notice::OrderConfirmed(about.clone())),
            "Your order is CONFIRMED: 20 kg Maize. To pay: MWK 18,000."
        );
        let refused = Notice::OrderRefused(about.clone(), Rejection::NotEnough { left_milli: Some(5_000) });
        assert_eq!(say(Lang::En, &refused), "Your order was NOT taken: 20 kg Maize. Only 5 kg left.");
        assert_eq!(say(Lang::Sw, &refused), "Oda yako HAIJAKUBALIWA: Maize 20 kg. Zimebaki 5 kg tu.");
        // Of a currency that is not known nothing is said, least of all that there is none.
        let unknown = About { currency: None, ..about };
        assert_eq!(
            say(Lang::En, &Notice::OrderConfirmed(unknown.clone())),
            "Your order is CONFIRMED: 20 kg Maize. To pay: 18,000."
        );
        let changed = Rejection::PriceChanged { price_minor: Some(95_000) };
        let text = say(Lang::En, &Notice::OrderRefused(unknown, changed));
        assert!(text.contains(" 950/kg") && !text.contains("XXX"), "{text}");
    }
}

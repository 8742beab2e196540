//! Why the hub refused something, as the office reads it: it says more than a screen does.

use super::{quantity as with_unit, say};
use crate::text::{Lang, numbers};
use sync_protocol::units::{Currency, Quantity};
use sync_protocol::verdict::{Conflict, Reject, RejectCode};

/// The reason; `None` when its operator put it aside.
pub(crate) fn why(lang: Lang, reject: Option<&Reject>, unit: &str, currency: Option<Currency>) -> String {
    let Some(reject) = reject else { return say(lang, "why-dismissed", &[]) };
    let arg = |n: usize| reject.args.get(n).map(String::as_str).unwrap_or_default();
    match reject.code {
        RejectCode::Invalid => say(lang, "why-invalid", &[]),
        RejectCode::NotEnough => match arg(0).parse::<Quantity>() {
            Ok(left) if left > Quantity::ZERO => {
                say(lang, "why-not-enough", &[("left", &with_unit(left, unit))])
            }
            _ => say(lang, "why-nothing-left", &[]),
        },
        RejectCode::NotFound => say(lang, "why-not-found", &[]),
        RejectCode::Withdrawn => say(lang, "why-withdrawn", &[]),
        RejectCode::Conflict if reject.args.len() >= 2 => {
            let (field, current, wanted) = (arg(0).to_owned(), arg(1).to_owned(), String::new());
            conflict(lang, &Conflict { field, current, wanted }, currency)
        }
        RejectCode::Conflict => say(lang, "why-conflict-plain", &[]),
        RejectCode::NotAllowed => say(lang, "why-not-allowed", &[]),
        RejectCode::PriceChanged => say(lang, "why-price-changed", &[("price", &price(arg(0), currency))]),
        RejectCode::TooLate => say(lang, "why-too-late", &[]),
        RejectCode::UnknownCommodity => say(lang, "why-unknown-commodity", &[]),
        RejectCode::UnknownUnit => say(lang, "why-unknown-unit", &[]),
        RejectCode::Duplicate => say(lang, "why-duplicate", &[]),
        RejectCode::Other(_) => say(lang, "why-other", &[]),
    }
}

/// What of a change clashed with another's.
pub(crate) fn conflict(lang: Lang, clash: &Conflict, currency: Option<Currency>) -> String {
    let (field, current) = match clash.field.as_str() {
        "price_minor" => (say(lang, "field-price", &[]), price(&clash.current, currency)),
        "title" => (say(lang, "field-title", &[]), format!("\"{}\"", clash.current)),
        _ => (say(lang, "field-other", &[]), format!("\"{}\"", clash.current)),
    };
    say(lang, "why-conflict", &[("field", &field), ("current", &current)])
}

/// Minor units in a text as money; as it is where it is no number.
fn price(minor: &str, currency: Option<Currency>) -> String {
    minor.parse::<i64>().map_or_else(|_| minor.to_owned(), |minor| numbers::money(minor, currency))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_sentence_in_every_language() {
        let kwacha = Currency::new("MWK");
        for lang in Lang::ALL {
            for code in RejectCode::ALL {
                let reject = Reject::with(*code, ["5".to_owned(), "6".to_owned()]);
                let text = why(*lang, Some(&reject), "KG", kwacha);
                assert!(
                    text.ends_with('.') && text.len() > 10 && !text.contains("why-"),
                    "{} {text}",
                    lang.code()
                );
            }
            assert!(why(*lang, None, "", None).ends_with('.'));
        }
        let left = |args: &[&str]| {
            let reject = Reject::with(RejectCode::NotEnough, args.iter().map(|arg| (*arg).to_owned()));
            why(Lang::En, Some(&reject), "KG", None)
        };
        assert_eq!(left(&["5"]), "Only 5 KG were left at the hub.");
        assert_eq!(left(&["0"]), "Nothing was left at the hub.");
        assert_eq!(left(&[]), "Nothing was left at the hub.");
        let changed = Reject::with(RejectCode::PriceChanged, ["52000".to_owned()]);
        assert_eq!(why(Lang::En, Some(&changed), "KG", kwacha), "The price had changed to MWK 520.");
        assert_eq!(why(Lang::En, Some(&changed), "KG", None), "The price had changed to 520.");
    }
}

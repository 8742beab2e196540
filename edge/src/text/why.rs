//! Why something was refused, as people hear it on a screen or by SMS. (The office page says more: `text/office/why.rs`.)

use super::numbers::{money, quantity_of};
use super::{Lang, Messages, Msg};
use sync_protocol::units::{Currency, Quantity};
use sync_protocol::verdict::{Reject, RejectCode};

/// Why a rule refused, with what the sentence needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// There is not as much as was asked for.
    NotEnough {
        /// What is left, in thousandths; `None` when it is not known.
        left_milli: Option<i64>,
    },
    /// The listing or order is not there any more.
    Gone,
    /// The price changed in between.
    PriceChanged {
        /// The price now, in minor units; `None` when it is not known.
        price_minor: Option<i64>,
    },
    /// The order is on its way or done.
    TooLate,
    /// This number may not do that.
    NotAllowed,
    /// It is the caller's own offer.
    Own,
    /// It was done before.
    Duplicate,
    /// Something else: the office can say.
    Other,
}

impl From<&Reject> for Rejection {
    fn from(reject: &Reject) -> Self {
        let first = reject.args.first();
        match reject.code {
            RejectCode::NotEnough => {
                let left = first.and_then(|text| text.parse::<Quantity>().ok());
                Self::NotEnough { left_milli: left.map(|quantity| quantity.0.max(0)) }
            }
            RejectCode::NotFound | RejectCode::Withdrawn => Self::Gone,
            RejectCode::PriceChanged => {
                Self::PriceChanged { price_minor: first.and_then(|text| text.parse().ok()) }
            }
            RejectCode::TooLate => Self::TooLate,
            RejectCode::NotAllowed => Self::NotAllowed,
            RejectCode::Duplicate => Self::Duplicate,
            RejectCode::Invalid
            | RejectCode::Conflict
            | RejectCode::UnknownCommodity
            | RejectCode::UnknownUnit
            | RejectCode::Other(_) => Self::Other,
        }
    }
}

/// What a reason is told in: the unit and the currency of the thing that was refused.
pub(crate) struct Terms {
    /// One unit, as a screen shows it.
    pub(crate) unit: String,
    /// The currency, where it is known.
    pub(crate) currency: Option<Currency>,
}

/// Why something was refused, as a sentence for a screen or an SMS.
pub(crate) fn why_text(words: &Messages, lang: Lang, why: &Rejection, terms: &Terms) -> String {
    match why {
        Rejection::NotEnough { left_milli: Some(left) } => {
            words.fill(lang, Msg::WhyNotEnough, &[("left", &quantity_of(*left, &terms.unit))])
        }
        Rejection::PriceChanged { price_minor: Some(minor) } => {
            let price = money(*minor, terms.currency);
            words.fill(lang, Msg::WhyPrice, &[("price", &price), ("unit", &terms.unit)])
        }
        Rejection::Gone => words.text(lang, Msg::WhyGone),
        Rejection::TooLate => words.text(lang, Msg::WhyTooLate),
        Rejection::Own => words.text(lang, Msg::WhyOwn),
        Rejection::NotAllowed => words.text(lang, Msg::WhyNotAllowed),
        Rejection::Duplicate => words.text(lang, Msg::WhyDuplicate),
        Rejection::NotEnough { left_milli: None }
        | Rejection::PriceChanged { price_minor: None }
        | Rejection::Other => words.text(lang, Msg::WhyOther),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refusals_of_the_protocol_become_reasons_of_a_screen() {
        let of = |code, args: &[&str]| {
            Rejection::from(&Reject::with(code, args.iter().map(|arg| (*arg).to_owned())))
        };
        assert_eq!(of(RejectCode::NotEnough, &["5"]), Rejection::NotEnough { left_milli: Some(5_000) });
        assert_eq!(of(RejectCode::NotEnough, &["-5"]), Rejection::NotEnough { left_milli: Some(0) });
        assert_eq!(of(RejectCode::NotEnough, &["x"]), Rejection::NotEnough { left_milli: None });
        assert_eq!(
            of(RejectCode::PriceChanged, &["90000"]),
            Rejection::PriceChanged { price_minor: Some(90_000) }
        );
        assert_eq!(of(RejectCode::PriceChanged, &[]), Rejection::PriceChanged { price_minor: None });
        assert_eq!(of(RejectCode::Withdrawn, &[]), Rejection::Gone);
        assert_eq!(of(RejectCode::UnknownUnit, &[]), Rejection::Other);
    }
}

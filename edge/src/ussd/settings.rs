//! What is fixed for one gateway's menu: set by the operator, the same for every caller.

use crate::text::Lang;
use sync_protocol::units::Currency;

/// Seconds for which an unfinished draft is offered again: a day.
pub const DRAFT_WINDOW_S: i64 = 24 * 60 * 60;

/// Months after which a price is called old and stays out of "best near".
pub const OLD_AFTER_MONTHS: u32 = 3;

/// The settings of one gateway's menu and SMS answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// The language of callers who have chosen none.
    pub lang: Lang,
    /// The currency in which this office sells.
    pub currency: Currency,
    /// Seconds for which an unfinished draft is offered again.
    pub draft_window_s: i64,
    /// A price older than this many months is old.
    pub old_after_months: u32,
    /// What people dial, such as `*384*55#`; `None` where there is no USSD.
    pub service_code: Option<String>,
    /// The number that takes SMS; `None` where there is none.
    pub sms_number: Option<String>,
    /// The word with which SMS to a shared number begin; `None` where the number is this service's own.
    pub sms_keyword: Option<String>,
    /// A market that everybody here knows, in capital letters: for examples such as `PRICE MAIZE LILONGWE`.
    pub example_market: String,
}

impl Settings {
    /// The usual settings, for a language and a currency.
    pub fn new(lang: Lang, currency: Currency, example_market: &str) -> Self {
        Self {
            lang,
            currency,
            draft_window_s: DRAFT_WINDOW_S,
            old_after_months: OLD_AFTER_MONTHS,
            service_code: None,
            sms_number: None,
            sms_keyword: None,
            example_market: example_market.to_uppercase(),
        }
    }
}

//! Africa's Talking, USSD: its form becomes a [`Turn`], a [`Reply`] becomes its answer. Only translates.
//!
//! Its requests carry no signature: whoever calls this has checked the secret in the path first, and compares
//! [`Turn::service_code`] with the code that is configured.

use super::session::Reply;
use super::turn::{Turn, TurnText};
use crate::text::form::{Fields, FormError};
use sync_protocol::country::Country;
use sync_protocol::phone::Phone;

/// Longest session id, in bytes; real ones have about 40.
const SESSION_ID_MAX_BYTES: usize = 128;

/// Longest text of a call, in bytes: three minutes of typing.
const TEXT_MAX_BYTES: usize = 1_000;

/// Longest of the other fields, in bytes.
const FIELD_MAX_BYTES: usize = 64;

/// Reads one request. `country` completes local numbers.
///
/// # Errors
/// When a field is missing, too long, or the number is none. Answer 200 with an `END` text all the same: on an error the
/// gateway ends the call without a word.
pub fn turn(fields: &Fields<'_>, country: &Country) -> Result<Turn, FormError> {
    Ok(Turn {
        session_id: fields.need_some("sessionId", SESSION_ID_MAX_BYTES)?.to_owned(),
        phone: fields.phone("phoneNumber", FIELD_MAX_BYTES, country)?,
        service_code: optional(fields, "serviceCode")?,
        network: optional(fields, "networkCode")?,
        text: TurnText::Cumulative(fields.need("text", TEXT_MAX_BYTES)?.to_owned()),
    })
}

fn optional(fields: &Fields<'_>, name: &'static str) -> Result<String, FormError> {
    match fields.get(name) {
        Some(_) => Ok(fields.need(name, FIELD_MAX_BYTES)?.to_owned()),
        None => Ok(String::new()),
    }
}

/// The body of the answer: `CON` goes on, `END` ends. Send it as `text/plain` with status 200.
pub fn body(reply: &Reply) -> String {
    format!("{} {}", if reply.more { "CON" } else { "END" }, reply.text)
}

/// How a call ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum EndStatus {
    /// On a screen that ended it.
    Success,
    /// On a screen that wanted an answer: the caller left, or the line dropped.
    Incomplete,
    /// We gave no answer that the gateway could use.
    Failed,
    /// A word that is not known.
    Other(String),
}

/// The notice at the end of a call. What was typed is in it too and is left out on purpose: it may hold a PIN.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// The gateway's name for the call.
    pub session_id: String,
    /// Who called.
    pub phone: Phone,
    /// How it ended.
    pub status: EndStatus,
    /// How long it took, in milliseconds; `None` when not told.
    pub duration_ms: Option<u64>,
    /// Screens that were shown; `None` when not told.
    pub hops: Option<u32>,
    /// What it cost, as the gateway writes it, such as `KES 0.10`; may be empty.
    pub cost: String,
    /// What the gateway says went wrong; may be empty.
    pub error: String,
}

/// Reads the notice at the end of a call.
///
/// # Errors
/// When the session id or the number is missing or unusable. Answer 200 all the same.
pub fn ended(fields: &Fields<'_>, country: &Country) -> Result<Ended, FormError> {
    let status = match fields.need("status", FIELD_MAX_BYTES)? {
        "Success" => EndStatus::Success,
        "Incomplete" => EndStatus::Incomplete,
        "Failed" => EndStatus::Failed,
        other => EndStatus::Other(other.to_owned()),
    };
    let short = |name: &str| fields.get(name).unwrap_or_default().chars().take(200).collect();
    Ok(Ended {
        session_id: fields.need_some("sessionId", SESSION_ID_MAX_BYTES)?.to_owned(),
        phone: fields.phone("phoneNumber", FIELD_MAX_BYTES, country)?,
        status,
        duration_ms: fields.get("durationInMillis").and_then(|text| text.parse().ok()),
        hops: fields.get("hopsCount").and_then(|text| text.parse().ok()),
        cost: short("cost"),
        error: short("errorMessage"),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kenya() -> &'static Country {
        Country::by_iso3("KEN").unwrap()
    }

    const FIRST: &str =
        "sessionId=ATUid_abc&serviceCode=*384*1234%23&phoneNumber=%2B254711000111&networkCode=63902&text=";

    #[test]
    fn a_request_becomes_a_turn() {
        let form = format!("{FIRST}1*2");
        let fields = Fields::read(form.as_bytes()).unwrap();
        let turn = turn(&fields, kenya()).unwrap();
        assert_eq!(turn.session_id, "ATUid_abc");
        assert_eq!(turn.phone.as_str(), "+254711000111");
        assert_eq!(turn.service_code, "*384*1234#");
        assert_eq!(turn.network, "63902");
        assert_eq!(turn.text, TurnText::Cumulative("1*2".to_owned()));
    }

    #[test]
    fn local_numbers_are_completed_by_the_country() {
        for raw in ["0711000111", "254711000111", "+254 711 000111", "+254711000111"] {
            let fields = Fields::from_iter([("sessionId", "s"), ("phoneNumber", raw), ("text", "")]);
            assert_eq!(turn(&fields, kenya()).unwrap().phone.as_str(), "+254711000111", "{raw}");
        }
    }

    #[test]
    fn what_is_missing_is_named() {
        for (body, wrong) in [
            ("phoneNumber=0711000111&text=", "the field 'sessionId' is missing"),
            ("sessionId=a&text=", "the field 'phoneNumber' is missing"),
            ("sessionId=a&phoneNumber=0711000111", "the field 'text' is missing"),
            ("sessionId=a&phoneNumber=MTN&text=", "the field 'phoneNumber' is no phone number"),
            ("sessionId=&phoneNumber=0711000111&text=", "the field 'sessionId' is missing"),
        ] {
            let error = turn(&Fields::read(body.as_bytes()).unwrap(), kenya()).unwrap_err();
            assert!(error.to_string().starts_with(wrong), "{body}: {error}");
        }
        let long = format!("{FIRST}{}", "1".repeat(2_000));
        assert_eq!(turn(&Fields::read(long.as_bytes()).unwrap(), kenya()), Err(FormError::TooLong("text")));
    }

    #[test]
    fn answers_go_on_or_end() {
        let reply = |more| Reply { text: "Mizili".to_owned(), more };
        assert_eq!(body(&reply(true)), "CON Mizili");
        assert_eq!(body(&reply(false)), "END Mizili");
    }

    #[test]
    fn the_notice_at_the_end_keeps_nothing_that_was_typed() {
        let form = "date=2026-11-22+10%3A00%3A00&sessionId=ATUid_abc&serviceCode=*384*1234%23&networkCode=63902\
            &phoneNumber=%2B254711000111&status=Incomplete&cost=KES+0.10&durationInMillis=12345&hopsCount=3\
            &input=1*2*4321&lastAppResponse=CON+x&errorMessage=";
        let ended = ended(&Fields::read(form.as_bytes()).unwrap(), kenya()).unwrap();
        assert_eq!(ended.status, EndStatus::Incomplete);
        assert_eq!((ended.duration_ms, ended.hops, ended.cost.as_str()), (Some(12_345), Some(3), "KES 0.10"));
        assert!(!format!("{ended:?}").contains("4321"));
        assert!(!format!("{ended:?}").contains("711000"), "a number is masked in logs");
    }
}

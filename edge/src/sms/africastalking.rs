//! Africa's Talking, SMS: incoming texts, delivery reports, the form that sends and the judgement of its answer.
//!
//! Only translates; sends nothing. Success of sending is judged for each recipient: the gateway answers 201 also where
//! every one of them failed.

use crate::text::form::{Fields, FormError};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use serde::Deserialize;
use sync_protocol::country::Country;
use sync_protocol::phone::Phone;

/// Where messages are sent by POST, with the header `apiKey` and `Accept: application/json`.
pub const SEND_URL: &str = "https://api.africastalking.com/version1/messaging";

/// Where they are sent while trying things out.
pub const SANDBOX_SEND_URL: &str = "https://api.sandbox.africastalking.com/version1/messaging";

/// Longest message id, in bytes; real ones have about 40.
const ID_MAX_BYTES: usize = 128;

/// Longest incoming text, in bytes: more than ten joined messages.
const TEXT_MAX_BYTES: usize = 4_000;

/// Longest of the other fields, in bytes.
const FIELD_MAX_BYTES: usize = 200;

/// Who wrote an SMS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A person's number.
    Phone(Phone),
    /// A name or a short code, such as a bank or the network: never answered.
    Name(String),
}

/// One incoming SMS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inbound {
    /// The gateway's id of it; the same when it comes again.
    pub id: String,
    /// What was written; may be empty.
    pub text: String,
    /// Who wrote.
    pub from: Sender,
    /// The number or short code that it was sent to; may be empty.
    pub to: String,
    /// When it was sent, as the gateway says; `None` where it says nothing that can be read.
    pub sent_at: Option<Timestamp>,
    /// To be given back with the answer on services that charge for it.
    pub link_id: Option<String>,
}

/// Reads an incoming SMS.
///
/// # Errors
/// When the id, the text or the sender is missing. Answer 200 all the same and log it, else it comes again for ten minutes.
pub fn inbound(fields: &Fields<'_>, country: &Country) -> Result<Inbound, FormError> {
    let from = fields.need_some("from", FIELD_MAX_BYTES)?;
    let phone = fields.phone("from", FIELD_MAX_BYTES, country);
    Ok(Inbound {
        id: fields.need_some("id", ID_MAX_BYTES)?.to_owned(),
        text: fields.need("text", TEXT_MAX_BYTES)?.to_owned(),
        from: phone.map_or_else(|_| Sender::Name(from.to_owned()), Sender::Phone),
        to: fields.get("to").unwrap_or_default().chars().take(FIELD_MAX_BYTES).collect(),
        sent_at: fields.get("date").and_then(read_date),
        link_id: fields
            .get("linkId")
            .filter(|id| !id.is_empty() && id.len() <= ID_MAX_BYTES)
            .map(str::to_owned),
    })
}

/// `2017-05-03T06:04:45Z`, or `2017-05-03 06:04:45` in UTC.
fn read_date(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse::<Timestamp>().ok().or_else(|| {
        let civil: DateTime = text.parse().ok()?;
        // A date without a time of day is no instant.
        let has_time = text.len() >= "2017-05-03 06:04:45".len();
        has_time.then(|| civil.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())).flatten()
    })
}

/// How far a sent message is. The order is the order of its life: a state never goes back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeliveryState {
    /// With the gateway or the network.
    Underway,
    /// On the phone. Final.
    Delivered,
    /// Never reached the phone. Final.
    Failed,
    /// A word that is not known: to be logged, changes nothing.
    Other(String),
}

/// A report on a sent message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The id that sending gave.
    pub id: String,
    /// How far it is.
    pub state: DeliveryState,
    /// The gateway's word for it, for the log.
    pub status: String,
    /// Why it failed; may be empty.
    pub reason: String,
    /// Whether it failed because the receiver refuses messages: treat as STOP.
    pub opted_out: bool,
}

/// Reads a delivery report.
///
/// # Errors
/// When the id or the status is missing. Answer 200 all the same.
pub fn delivery(fields: &Fields<'_>) -> Result<Delivery, FormError> {
    let status = fields.need_some("status", FIELD_MAX_BYTES)?;
    let state = match status {
        "Sent" | "Submitted" | "Buffered" => DeliveryState::Underway,
        "Success" => DeliveryState::Delivered,
        "Failed" | "Rejected" | "Expired" => DeliveryState::Failed,
        other => DeliveryState::Other(other.to_owned()),
    };
    let reason: String =
        fields.get("failureReason").unwrap_or_default().chars().take(FIELD_MAX_BYTES).collect();
    Ok(Delivery {
        id: fields.need_some("id", ID_MAX_BYTES)?.to_owned(),
        opted_out: state == DeliveryState::Failed && refuses_messages(&reason),
        state,
        status: status.to_owned(),
        reason,
    })
}

/// Whether the gateway's word for a failure is that the receiver wants no messages. Its pages spell it in two ways.
fn refuses_messages(word: &str) -> bool {
    word.trim().eq_ignore_ascii_case("UserInBlacklist")
}

/// Reads the notice that somebody refuses messages from now on: their number.
///
/// # Errors
/// When the number is missing or none.
pub fn opt_out(fields: &Fields<'_>, country: &Country) -> Result<Phone, FormError> {
    fields.phone("phoneNumber", FIELD_MAX_BYTES, country)
}

/// The form that sends one text. `from` is the short code or name of the service, where there is one; `link_id` that of the
/// SMS which is answered.
pub fn send_form(
    username: &str,
    to: &[Phone],
    message: &str,
    from: Option<&str>,
    link_id: Option<&str>,
) -> Vec<(&'static str, String)> {
    let to: Vec<&str> = to.iter().map(Phone::as_str).collect();
    let mut form =
        vec![("username", username.to_owned()), ("to", to.join(",")), ("message", message.to_owned())];
    form.extend(from.map(|from| ("from", from.to_owned())));
    form.push(("bulkSMSMode", "1".to_owned()));
    form.push(("enqueue", "1".to_owned()));
    form.extend(link_id.map(|id| ("linkId", id.to_owned())));
    form
}

/// What became of sending a message to one number.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Sent {
    /// The gateway has it.
    Accepted {
        /// Its id: delivery reports name it. Empty where the gateway gave none.
        message_id: String,
        /// What it costs, as the gateway writes it, such as `KES 0.8000`.
        cost: String,
    },
    /// Not now: try the same again later.
    Retry(String),
    /// Nothing will go out until an operator acts (no credit, a wrong key, a wrong sender name): keep the queue, say so.
    Hold(String),
    /// This number will never get it.
    Failed(String),
    /// This number refuses messages: treat as STOP.
    OptedOut,
    /// It may have gone out or not. Sending again may send and bill it twice.
    Unclear(String),
}

#[derive(Deserialize)]
struct SendAnswer {
    #[serde(rename = "SMSMessageData")]
    data: SendData,
}

#[derive(Deserialize)]
struct SendData {
    #[serde(rename = "Message", default)]
    message: String,
    #[serde(rename = "Recipients", default)]
    recipients: Vec<Recipient>,
}

#[derive(Deserialize)]
struct Recipient {
    #[serde(rename = "statusCode", default)]
    status_code: i64,
    #[serde(default)]
    number: String,
    #[serde(default)]
    status: String,
    #[serde(default)]
    cost: String,
    #[serde(rename = "messageId", default)]
    message_id: String,
}

/// Judges the answer to [`send_form`]: one verdict for each number of `to`, in that order. A connection that broke before an
/// answer came is for the caller to judge: before the request was written it is [`Sent::Retry`], after it [`Sent::Unclear`].
pub fn judge(http_status: u16, body: &[u8], to: &[Phone]) -> Vec<Sent> {
    let all = |verdict: Sent| vec![verdict; to.len()];
    match http_status {
        200..=299 => {}
        401 | 403 => return all(Sent::Hold(format!("the gateway refuses our key (HTTP {http_status})"))),
        429 => return all(Sent::Retry("the gateway is busy (HTTP 429)".to_owned())),
        // The request may have been taken before the gateway broke.
        500..=599 => return all(Sent::Unclear(format!("the gateway failed (HTTP {http_status})"))),
        _ => return all(Sent::Hold(format!("the gateway refuses the request (HTTP {http_status})"))),
    }
    let Ok(SendAnswer { data }) = serde_json::from_slice::<SendAnswer>(body) else {
        return all(Sent::Unclear("the gateway's answer cannot be read".to_owned()));
    };
    if data.recipients.is_empty() {
        // "InvalidSenderId", "InsufficientBalance" and the like stand in place of all recipients.
        let note: String = data.message.chars().take(FIELD_MAX_BYTES).collect();
        return all(Sent::Hold(format!("the gateway took no recipient: {note}")));
    }
    to.iter()
        .map(|phone| match data.recipients.iter().find(|recipient| same_number(&recipient.number, phone)) {
            Some(recipient) => judge_recipient(recipient),
            None => Sent::Unclear("the gateway's answer does not name the number".to_owned()),
        })
        .collect()
}

fn same_number(number: &str, phone: &Phone) -> bool {
    let number = number.trim();
    number == phone.as_str() || number == &phone.as_str()[1..]
}

fn judge_recipient(recipient: &Recipient) -> Sent {
    let word: String = recipient.status.chars().take(60).collect();
    let note = || format!("{word} ({})", recipient.status_code);
    match recipient.status_code {
        0 if refuses_messages(&recipient.status) => Sent::OptedOut,
        100..=102 => {
            Sent::Accepted { message_id: recipient.message_id.clone(), cost: recipient.cost.clone() }
        }
        // Some answers carry the word alone.
        0 if recipient.status == "Success" => {
            Sent::Accepted { message_id: recipient.message_id.clone(), cost: recipient.cost.clone() }
        }
        // Risk hold, wrong sender, no credit: the same for the next message.
        401 | 402 | 405 => Sent::Hold(note()),
        406 => Sent::OptedOut,
        407 | 500 | 501 => Sent::Retry(note()),
        _ => Sent::Failed(note()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn kenya() -> &'static Country {
        Country::by_iso3("KEN").unwrap()
    }

    fn read(body: &str) -> Result<Inbound, FormError> {
        inbound(&Fields::read(body.as_bytes()).unwrap(), kenya())
    }

    const TAIL: &str = "&to=21512&id=ec9adc86-51d5-4bc8-8eb0-d8ab0bb53dc3&from=%2B254791541111";

    #[test]
    fn an_incoming_text_is_read_with_either_date() {
        let with =
            |date: &str| read(&format!("linkId=03090445075804249226&text=Msg&date={date}{TAIL}")).unwrap();
        let one = with("2017-05-03T06%3A04%3A45Z");
        assert_eq!(one.text, "Msg");
        assert_eq!(one.to, "21512");
        assert_eq!(one.id, "ec9adc86-51d5-4bc8-8eb0-d8ab0bb53dc3");
        assert_eq!(one.link_id.as_deref(), Some("03090445075804249226"));
        assert_eq!(one.from, Sender::Phone(Phone::parse("+254791541111").unwrap()));
        assert_eq!(one.sent_at.map(|at| at.to_string()).as_deref(), Some("2017-05-03T06:04:45Z"));
        assert_eq!(with("2017-05-03+06%3A04%3A45").sent_at, one.sent_at);
        assert_eq!(with("2017-05-03T06%3A04").sent_at, None, "a date that cannot be read loses no SMS");
        assert_eq!(with("").sent_at, None);
    }

    #[test]
    fn what_is_missing_is_named_and_a_named_sender_is_no_number() {
        assert_eq!(read("id=1&from=0791541111"), Err(FormError::Missing("text")));
        assert_eq!(read("text=x&from=0791541111"), Err(FormError::Missing("id")));
        assert_eq!(read("text=x&id=1"), Err(FormError::Missing("from")));
        assert_eq!(read("text=x&id=1&from=MTN").unwrap().from, Sender::Name("MTN".to_owned()));
        assert_eq!(read("text=x&id=1&from=21512").unwrap().from, Sender::Name("21512".to_owned()));
        assert_eq!(read("text=&id=1&from=0791541111").unwrap().text, "");
        assert_eq!(read(&format!("text={}&id=1&from=1", "x".repeat(5_000))), Err(FormError::TooLong("text")));
    }

    #[test]
    fn delivery_reports_are_read() {
        let report = |tail: &str| {
            let body = format!("id=ATXid_dda018a640edfcc5d2ce455de3e4a6e7&{tail}");
            delivery(&Fields::read(body.as_bytes()).unwrap())
        };
        assert_eq!(report("status=Success").unwrap().state, DeliveryState::Delivered);
        assert_eq!(report("status=Expired").unwrap().state, DeliveryState::Failed);
        assert_eq!(report("status=Buffered").unwrap().state, DeliveryState::Underway);
        assert_eq!(report("status=Borked").unwrap().state, DeliveryState::Other("Borked".to_owned()));
        for word in ["UserInBlacklist", "UserInBlackList"] {
            for status in ["Failed", "Rejected"] {
                assert!(
                    report(&format!("status={status}&failureReason={word}")).unwrap().opted_out,
                    "{status} {word}"
                );
            }
            assert!(!report(&format!("status=Success&failureReason={word}")).unwrap().opted_out);
        }
        assert_eq!(report("x=1"), Err(FormError::Missing("status")));
        let left = Fields::read(b"senderId=MIZILI&phoneNumber=%2B254791541111").unwrap();
        assert_eq!(opt_out(&left, kenya()).unwrap().as_str(), "+254791541111");
    }

    #[test]
    fn the_sending_form_leaves_out_what_is_not_set() {
        let to = [Phone::parse("+254711000111").unwrap(), Phone::parse("+254711000112").unwrap()];
        let form = send_form("coop", &to, "Habari", None, None);
        assert_eq!(form[1], ("to", "+254711000111,+254711000112".to_owned()));
        assert!(form.iter().all(|(name, _)| *name != "from" && *name != "linkId"));
        let form = send_form("coop", &to[..1], "Habari", Some("21512"), Some("99"));
        assert!(form.contains(&("from", "21512".to_owned())) && form.contains(&("linkId", "99".to_owned())));
    }

    fn answer(recipients: &str) -> String {
        format!(
            "{{\"SMSMessageData\":{{\"Message\":\"Sent to 1/1 Total Cost: KES 0.8000\",\"Recipients\":[{recipients}]}}}}"
        )
    }

    #[test]
    fn success_is_judged_by_recipient() {
        let to = [Phone::parse("+254711000111").unwrap(), Phone::parse("+254711000112").unwrap()];
        let body = answer(
            r#"{"statusCode":406,"number":"+254711000112","status":"UserInBlacklist","cost":"0","messageId":"None"},
               {"statusCode":101,"number":"+254711000111","status":"Success","cost":"KES 0.8000","messageId":"ATXid_1"}"#,
        );
        assert_eq!(
            judge(201, body.as_bytes(), &to),
            [Sent::Accepted { message_id: "ATXid_1".into(), cost: "KES 0.8000".into() }, Sent::OptedOut]
        );
        let one = |code: i64| {
            let body = answer(&format!(
                r#"{{"statusCode":{code},"number":"+254711000111","status":"Word","cost":"0","messageId":"None"}}"#
            ));
            judge(201, body.as_bytes(), &to[..1]).remove(0)
        };
        for code in [100, 101, 102] {
            assert!(matches!(one(code), Sent::Accepted { .. }), "{code}");
        }
        for code in [401, 402, 405] {
            assert!(matches!(one(code), Sent::Hold(_)), "{code}");
        }
        for code in [403, 404, 409, 502, 999] {
            assert!(matches!(one(code), Sent::Failed(_)), "{code}");
        }
        for code in [407, 500, 501] {
            assert!(matches!(one(code), Sent::Retry(_)), "{code}");
        }
    }

    #[test]
    fn a_broken_answer_never_counts_as_sent() {
        let to = [Phone::parse("+254711000111").unwrap()];
        assert!(matches!(judge(201, b"<html>", &to)[..], [Sent::Unclear(_)]));
        assert!(matches!(judge(201, answer("").as_bytes(), &to)[..], [Sent::Hold(_)]));
        let other = answer(r#"{"statusCode":101,"number":"+254700000000","status":"Success"}"#);
        assert!(matches!(judge(201, other.as_bytes(), &to)[..], [Sent::Unclear(_)]));
        assert!(matches!(judge(429, b"", &to)[..], [Sent::Retry(_)]));
        assert!(matches!(judge(503, b"", &to)[..], [Sent::Unclear(_)]));
        assert!(matches!(judge(401, b"", &to)[..], [Sent::Hold(_)]));
        assert!(matches!(judge(400, b"", &to)[..], [Sent::Hold(_)]));
    }

    proptest! {
        #[test]
        fn any_answer_gets_a_verdict_for_each_number(status in 100u16..600, body in prop::collection::vec(any::<u8>(), 0..200)) {
            let to = [Phone::parse("+254711000111").unwrap(), Phone::parse("+254711000112").unwrap()];
            prop_assert_eq!(judge(status, &body, &to).len(), 2);
        }
    }
}

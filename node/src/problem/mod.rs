//! The one place where an error becomes an HTTP answer: an RFC 9457 problem with a stable code.
//!
//! A cause goes to the log, once, by [`Failures`](crate::failures::Failures); it must never reach the client.

mod kind;
pub mod page;

pub use kind::{Kind, Node};

use crate::api::{self, FieldProblem};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Map, Value};
use std::error::Error as StdError;
use sync_protocol::market::Invalid;
use sync_protocol::verdict::{Reject, RejectCode};

/// Seconds after which a client may try again when something is away, busy or still under way, where nobody knows better.
const RETRY_AFTER_S: u64 = 5;

/// The media type of every problem.
pub const PROBLEM_JSON: &str = "application/problem+json";

type Behind = Box<dyn StdError + Send + Sync>;

/// What is behind a problem, on one line: for layers that look at the answer.
#[derive(Clone, Debug)]
pub(crate) struct Cause(pub(crate) String);

/// Why a request was not done. Made by [`Kind::error`] and refined by the methods below.
#[derive(Debug)]
pub struct Problem(Box<Parts>);

#[derive(Debug)]
struct Parts {
    kind: Kind,
    detail: Option<String>,
    errors: Vec<FieldProblem>,
    members: Map<String, Value>,
    retry_after_s: Option<u64>,
    cause: Option<Behind>,
}

impl Kind {
    /// A problem of this kind.
    pub fn error(self) -> Problem {
        Problem(Box::new(Parts {
            kind: self,
            detail: None,
            errors: Vec::new(),
            members: Map::new(),
            retry_after_s: None,
            cause: None,
        }))
    }

    /// A problem of this kind that says what happened and what to do.
    pub fn because(self, detail: impl Into<String>) -> Problem {
        self.error().detail(detail)
    }
}

impl Problem {
    /// What kind of problem it is.
    pub fn kind(&self) -> Kind {
        self.0.kind
    }

    /// Whether the same request may succeed a little later.
    pub fn is_temporary(&self) -> bool {
        matches!(self.0.kind, Kind::Unavailable | Kind::Busy | Kind::NotComplete | Kind::HubFirst)
    }

    /// Says what happened and what to do, a plain sentence.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.0.detail = Some(detail.into());
        self
    }

    /// Adds a member of its own beside the standard ones.
    #[must_use]
    pub fn member(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.0.members.insert(name.to_owned(), value.into());
        self
    }

    /// Says when to try again. What is temporary says a few seconds by itself.
    #[must_use]
    pub fn retry_after_s(mut self, seconds: u64) -> Self {
        self.0.retry_after_s = Some(seconds);
        self
    }

    /// Keeps the cause for the log.
    #[must_use]
    pub fn caused_by(mut self, cause: impl Into<Behind>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Something that the server did wrong.
    pub fn internal(cause: impl Into<Behind>) -> Self {
        Kind::Internal.error().caused_by(cause)
    }

    /// Fields of the body that are wrong, each with a JSON pointer.
    pub fn fields(errors: Vec<FieldProblem>) -> Self {
        let detail = match errors.as_slice() {
            [one] if !one.pointer.is_empty() => format!("{}: {}", one.pointer, one.detail),
            [one] => one.detail.clone(),
            many => format!("{} fields are wrong; see `errors`.", many.len()),
        };
        let mut error = Kind::Invalid.because(detail);
        error.0.errors = errors;
        error
    }

    /// One field of the body that is wrong.
    pub fn invalid(pointer: &str, detail: impl Into<String>) -> Self {
        Self::fields(vec![field(pointer, detail)])
    }

    /// A query parameter that is wrong.
    pub fn parameter(name: &str, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        let mut error = Kind::InvalidParameter.because(format!("`{name}`: {detail}"));
        error.0.errors = vec![field(&format!("?{name}"), detail)];
        error
    }

    /// A thing that is not there, or that this caller may not know of.
    pub fn not_found(what: &str) -> Self {
        Kind::NotFound.because(format!("There is no such {what} here."))
    }

    /// What the market's rules said to a command. `unit` is what quantities are counted in, for the sentence.
    pub fn refused(reject: &Reject, unit: &str) -> Self {
        let arg = |n: usize| reject.args.get(n).map(String::as_str).unwrap_or_default();
        match reject.code {
            RejectCode::Invalid => Self::invalid(arg(0), "This value cannot be used."),
            RejectCode::UnknownCommodity => {
                Self::invalid(arg(0), "There is no such commodity: see /api/v1/commodities.")
            }
            RejectCode::UnknownUnit => Self::invalid(arg(0), "There is no such unit: see /api/v1/units."),
            RejectCode::NotEnough => {
                let left =
                    if arg(0) == "0" { "Nothing is left.".to_owned() } else { only_left(arg(0), unit) };
                Kind::NotEnough.because(left).member("available", arg(0))
            }
            RejectCode::NotFound => Kind::NotFound.error(),
            RejectCode::Withdrawn => Kind::Withdrawn.error(),
            RejectCode::Conflict => Kind::Conflict.because(format!("`{}` is now {}.", arg(0), arg(1))),
            RejectCode::NotAllowed => Kind::NotAllowed.error(),
            RejectCode::PriceChanged => Kind::PriceChanged.error(),
            RejectCode::TooLate => Kind::TooLate.error(),
            RejectCode::Duplicate => Kind::Duplicate.error(),
            RejectCode::Other(code) => Self::internal(format!("a refusal with the unknown code {code}")),
        }
    }

    /// The body of the answer.
    pub fn to_json(&self) -> Value {
        let kind = self.0.kind;
        let problem = api::Problem {
            kind: format!("/api/docs/problems#{}", kind.code()),
            title: kind.title().to_owned(),
            status: kind.status().as_u16(),
            detail: self.0.detail.clone().or_else(|| Some(kind.help().to_owned())),
            code: kind.code().to_owned(),
            errors: self.0.errors.clone(),
        };
        let mut json = serde_json::to_value(problem).unwrap_or_default();
        if let Value::Object(object) = &mut json {
            object.extend(self.0.members.clone());
        }
        json
    }

    /// The problem and what caused it, on one line: for the log and the operator's terminal, never for a client.
    pub fn chain(&self) -> String {
        one_line(self)
    }
}

fn only_left(quantity: &str, unit: &str) -> String {
    // A unit that starts with a digit ("90 KG") reads badly straight after a number.
    let times = if unit.starts_with(|c: char| c.is_ascii_digit()) { " × " } else { " " };
    let verb = if quantity == "1" { "is" } else { "are" };
    format!("Only {quantity}{times}{unit} {verb} left.")
}

/// An error and what is behind it, on one line, each part once.
pub fn one_line(error: &dyn StdError) -> String {
    let mut text = error.to_string().replace('\n', " ");
    let mut at = error.source();
    while let Some(source) = at {
        let next = source.to_string().replace('\n', " ");
        if !text.contains(&next) {
            text = format!("{text}: {next}");
        }
        at = source.source();
    }
    text
}

/// One field problem.
pub fn field(pointer: &str, detail: impl Into<String>) -> FieldProblem {
    FieldProblem { pointer: pointer.to_owned(), detail: detail.into() }
}

/// What is wrong with a command's payload, in the words of the JSON that it came from.
pub fn fields(invalid: Vec<Invalid>) -> Vec<FieldProblem> {
    invalid.into_iter().map(|i| field(i.pointer, i.message)).collect()
}

impl std::fmt::Display for Problem {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.0.detail.as_deref().unwrap_or(self.0.kind.title()))
    }
}

impl StdError for Problem {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as &(dyn StdError + 'static))
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let kind = self.0.kind;
        let retry_after_s = self.0.retry_after_s.or(self.is_temporary().then_some(RETRY_AFTER_S));
        let headers = [
            (header::CONTENT_TYPE, HeaderValue::from_static(PROBLEM_JSON)),
            (header::CACHE_CONTROL, HeaderValue::from_static("no-store")),
        ];
        let mut response = (kind.status(), headers, self.to_json().to_string()).into_response();
        // For layers that look at the answer.
        response.extensions_mut().insert(kind);
        if let Some(cause) = &self.0.cause {
            response.extensions_mut().insert(Cause(one_line(cause.as_ref())));
        }
        if let Some(seconds) = retry_after_s {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        if kind.status() == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_for_want_of_stock_says_what_is_left() {
        let refused = |left: &str, unit| {
            let reject = Reject::with(RejectCode::NotEnough, [left.to_owned()]);
            Problem::refused(&reject, unit).to_json()
        };
        let json = refused("5", "KG");
        assert_eq!(json["detail"], "Only 5 KG are left.");
        assert_eq!(json["available"], "5");
        assert_eq!(json["status"], 409);
        assert_eq!(json["type"], "/api/docs/problems#not_enough");
        assert_eq!(refused("0", "KG")["detail"], "Nothing is left.");
        assert_eq!(refused("1", "90 KG")["detail"], "Only 1 × 90 KG is left.");
    }

    #[test]
    fn a_cause_never_reaches_the_client() {
        let error = Problem::internal("password of the database is hunter2");
        assert!(!error.to_json().to_string().contains("hunter2"));
        assert_eq!(error.kind(), Kind::Internal);
        assert_eq!(
            error.source().map(ToString::to_string).as_deref(),
            Some("password of the database is hunter2")
        );
    }

    #[test]
    fn headers_say_when_to_come_back_and_how_to_show_who_one_is() {
        for kind in Kind::ALL.iter().copied() {
            let problem = kind.because("Come back.");
            let is_temporary = problem.is_temporary();
            let answer = problem.into_response();
            let after = answer.headers().get(header::RETRY_AFTER).map(HeaderValue::as_bytes);
            assert_eq!(after, is_temporary.then_some(&b"5"[..]), "{kind:?}");
        }
        let busy = Kind::Busy.error().retry_after_s(60).into_response();
        assert_eq!(
            (busy.status().as_u16(), busy.headers()[header::RETRY_AFTER].as_bytes()),
            (503, &b"60"[..])
        );
        assert_eq!(busy.headers()[header::CONTENT_TYPE], PROBLEM_JSON);
        assert_eq!(Kind::Unauthorized.error().into_response().headers()[header::WWW_AUTHENTICATE], "Bearer");
    }

    #[test]
    fn every_refusal_of_the_protocol_has_an_answer_of_the_same_code() {
        for code in RejectCode::ALL {
            let kind = Problem::refused(&Reject::with(*code, ["/x".to_owned(), "y".to_owned()]), "KG").kind();
            let expected = match code {
                RejectCode::UnknownCommodity | RejectCode::UnknownUnit => "invalid",
                other => other.as_str(),
            };
            assert_eq!(kind.code(), expected);
        }
    }
}

//! THE list of problems: each with its status, code, title and a sentence of help. The page at `/api/docs/problems` is made
//! from it. A code, once released, never changes its meaning.

use axum::http::StatusCode;

macro_rules! kinds {
    ($($kind:ident $status:ident $code:literal $title:literal $help:literal;)+) => {
        /// A kind of problem.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind { $(#[doc = $title] $kind,)+ }

        impl Kind {
            /// All kinds, in the order of their list.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];

            /// The kind of a code; `None` for a code that is not in the list.
            pub fn of(code: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|kind| kind.code() == code)
            }

            /// The HTTP status.
            pub fn status(self) -> StatusCode {
                match self { $(Self::$kind => StatusCode::$status,)+ }
            }

            /// The stable code for programs.
            pub fn code(self) -> &'static str {
                match self { $(Self::$kind => $code,)+ }
            }

            /// A few words.
            pub fn title(self) -> &'static str {
                match self { $(Self::$kind => $title,)+ }
            }

            /// What it means and what to do; also the `detail` where nothing more exact is known.
            pub fn help(self) -> &'static str {
                match self { $(Self::$kind => $help,)+ }
            }
        }
    };
}

kinds! {
    MalformedJson BAD_REQUEST "malformed_json" "The body is not JSON"
        "The body could not be read as JSON. The detail says at which line and column.";
    InvalidParameter BAD_REQUEST "invalid_parameter" "A query parameter is wrong"
        "A parameter after the `?` has a value that cannot be used. The detail names it.";
    UnknownParameter BAD_REQUEST "unknown_parameter" "No such query parameter"
        "A parameter after the `?` is not known here. The detail names it and lists the known ones.";
    InvalidHeader BAD_REQUEST "invalid_header" "A header is wrong"
        "A request header has a value that cannot be used. The detail names it.";
    IdempotencyKeyRequired BAD_REQUEST "idempotency_key_required" "An Idempotency-Key is needed"
        "Send an `Idempotency-Key` header with a text of your own, such as a UUID, and the same one on every retry.";
    Malformed BAD_REQUEST "malformed" "The request was not understood"
        "The request does not follow the protocol. The detail says where it went wrong.";
    Truncated BAD_REQUEST "truncated" "The request ended too early"
        "The connection ended before the whole request had arrived. What was confirmed before stands; send the rest again.";
    Unauthorized UNAUTHORIZED "unauthorized" "Please log in"
        "Send `Authorization: Bearer TOKEN` with an access token of /api/v1/auth/login.";
    TokenExpired UNAUTHORIZED "token_expired" "The token has expired"
        "Get a new access token from /api/v1/auth/refresh, or log in again.";
    EdgeToken UNAUTHORIZED "edge_token" "Tokens of an edge are not accepted here"
        "This is a token of an edge or of its office. The hub has accounts of its own: log in at /api/v1/auth/login.";
    BadCredentials UNAUTHORIZED "bad_credentials" "Wrong phone number or password"
        "The phone number or the password is wrong.";
    TokenReused UNAUTHORIZED "token_reused" "The refresh token was used before"
        "A refresh token works once. As this one was used again, its session was ended: log in again.";
    EdgeUnknown UNAUTHORIZED "edge_unknown" "This edge is not known"
        "No edge of that number and key is known here. Enrol it again with a new code.";
    EdgeSession UNAUTHORIZED "edge_session" "A session of an edge is needed"
        "Open a session first. This address is for edges; accounts of people are not accepted here.";
    ChallengeExpired UNAUTHORIZED "challenge_expired" "The challenge has expired"
        "The challenge is not one of this hub's, or has expired. Ask for a new one.";
    EnrolmentCode UNAUTHORIZED "code" "The enrolment code does not work"
        "The code is wrong, was used before, or has expired. Ask the operator for a new one.";
    Signature UNAUTHORIZED "signature" "The signature does not fit"
        "The signature does not fit the key that was sent with it. Try again.";
    EdgeRevoked FORBIDDEN "edge_revoked" "This edge was revoked"
        "The operator revoked this edge. Ask the operator.";
    EdgeReplaced FORBIDDEN "edge_replaced" "This edge was enrolled again"
        "The edge was enrolled again since, so this copy of it is out of date. Enrol it with a new code.";
    NotAllowed FORBIDDEN "not_allowed" "Not allowed"
        "Your account may not do this.";
    NotFound NOT_FOUND "not_found" "Not found"
        "There is no such thing, or your account may not see it.";
    MethodNotAllowed METHOD_NOT_ALLOWED "method_not_allowed" "This method is not for this address"
        "See the `Allow` header, or /api/docs/.";
    NotEnough CONFLICT "not_enough" "Not enough is left"
        "There is not as much left as was asked for. `available` says how much there is.";
    Withdrawn CONFLICT "withdrawn" "Not for sale any more"
        "This product was taken off sale.";
    Conflict CONFLICT "conflict" "Somebody else changed it"
        "Somebody else changed it in between. Get it again, look, and repeat your change.";
    PriceChanged CONFLICT "price_changed" "The price has changed"
        "The price has changed since it was shown. Get the product again and repeat the order with the new price.";
    TooLate CONFLICT "too_late" "Too late"
        "The order is on its way already, or done.";
    Duplicate CONFLICT "duplicate" "It is there already"
        "Something with this id or name is there already.";
    PhoneTaken CONFLICT "phone_taken" "The number has an account"
        "There is an account with this phone number. Log in instead.";
    PreconditionFailed PRECONDITION_FAILED "precondition_failed" "It was changed since you read it"
        "The `If-Match` header names an older state. Get the thing again, look, and repeat your change with its new ETag.";
    TooLarge PAYLOAD_TOO_LARGE "too_large" "The body is too large"
        "The request body is larger than this address takes.";
    UnsupportedMediaType UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" "The body must be JSON"
        "Send the header `Content-Type: application/json` and a JSON body.";
    Invalid UNPROCESSABLE_ENTITY "invalid" "Something in the body is wrong"
        "One or more fields have a value that cannot be used. `errors` points at each and says what to write instead.";
    IdempotencyKeyReused UNPROCESSABLE_ENTITY "idempotency_key_reused" "This Idempotency-Key was used for something else"
        "The same `Idempotency-Key` came before with another body. Use a new key for a new request.";
    PreconditionRequired PRECONDITION_REQUIRED "precondition_required" "An If-Match header is needed"
        "Send the ETag of what you read in an `If-Match` header, so that nobody's change is lost.";
    TooManyAttempts TOO_MANY_REQUESTS "too_many_attempts" "Too many attempts"
        "There were too many wrong passwords for this number. Wait as long as `Retry-After` says, in seconds.";
    Internal INTERNAL_SERVER_ERROR "internal" "The hub made a mistake"
        "The hub made a mistake. It has been noted; try again later.";
    Busy SERVICE_UNAVAILABLE "busy" "The hub is busy"
        "Too many requests wait already. Try again after `Retry-After` seconds.";
    Unavailable SERVICE_UNAVAILABLE "unavailable" "The hub cannot do this now"
        "The hub cannot reach what it needs, such as its database. Nothing was changed; try again after `Retry-After` seconds.";
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    #[test]
    fn codes_are_unique_words_and_every_text_is_a_sentence() {
        let codes: HashSet<_> = Kind::ALL.iter().map(|k| k.code()).collect();
        assert_eq!(codes.len(), Kind::ALL.len());
        for kind in Kind::ALL {
            assert!(kind.code().bytes().all(|b| b.is_ascii_lowercase() || b == b'_'), "{}", kind.code());
            assert!(kind.help().ends_with('.'), "{}", kind.code());
            assert!(kind.status().is_client_error() || kind.status().is_server_error());
        }
    }
}

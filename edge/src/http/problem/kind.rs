//! THE list of problems of the office's API: each with its status, code, title and a sentence of help. The page at
//! `/api/docs/problems` is made from it. A code means the same at the hub; once released it never changes its meaning.

use axum::http::StatusCode;

macro_rules! kinds {
    ($($kind:ident $status:ident $code:literal $title:literal $help:literal;)+) => {
        /// A kind of problem.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind { $(#[doc = $title] $kind,)+ }

        impl Kind {
            /// All kinds, in the order of their list.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];

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
    Truncated BAD_REQUEST "truncated" "The request ended too early"
        "The connection ended before the whole request had arrived. Send it again.";
    Unauthorized UNAUTHORIZED "unauthorized" "Please sign in"
        "Sign in at /api/v1/office/login with the office password. A session ends when it is not used for a while, and when this box starts again.";
    HubToken UNAUTHORIZED "hub_token" "Tokens of the hub are not accepted here"
        "This is a token of the hub. The office has passwords of its own: sign in at /api/v1/office/login.";
    BadCredentials UNAUTHORIZED "bad_credentials" "Wrong name or password"
        "The name (or phone number) or the password is wrong.";
    CrossSite FORBIDDEN "cross_site" "The request came from another site"
        "A page of another site tried to act with this browser's office session. Programs sign in and send `Authorization: Bearer TOKEN`.";
    NotAllowed FORBIDDEN "not_allowed" "Not allowed"
        "This office may not do this.";
    NotFound NOT_FOUND "not_found" "Not found"
        "There is no such thing here.";
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
        "Something with this id is there already.";
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
        "There were too many wrong passwords for this name. Wait as long as `Retry-After` says, in seconds.";
    Internal INTERNAL_SERVER_ERROR "internal" "This box made a mistake"
        "This box made a mistake. It has been noted; try again later.";
    Busy SERVICE_UNAVAILABLE "busy" "This box is busy"
        "It has too much to do at the moment, and this was not taken. Try again after `Retry-After` seconds.";
    NotEnrolled SERVICE_UNAVAILABLE "not_enrolled" "This box belongs to no office yet"
        "Run `mizili-edge enrol` on it first.";
    NotComplete SERVICE_UNAVAILABLE "not_complete" "This office is still fetching its data"
        "What is needed has not come from the hub yet, so this was not taken. Try again when it has.";
    DiskFull INSUFFICIENT_STORAGE "disk_full" "Not taken: the disk is full"
        "This was not taken, because the disk of this box is full. Make room, then try again. Reading goes on.";
    ReadOnly INSUFFICIENT_STORAGE "read_only" "Not taken: the disk cannot be written to"
        "This was not taken, because the data folder of this box cannot be written to. Check its owner and its disk, then try again. Reading goes on.";
    DiskFailed INSUFFICIENT_STORAGE "disk_failed" "Not taken: the disk failed"
        "This was not taken, because the disk of this box failed. Check it, then try again.";
    LogFull INSUFFICIENT_STORAGE "log_full" "Not taken: too much waits for the line"
        "This was not taken, because too many entries wait for the hub already. Connect this office first.";
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

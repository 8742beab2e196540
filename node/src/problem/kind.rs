//! THE list of problems: each with the nodes that answer with it, its status, code, title and a sentence of help. The page at
//! `/api/docs/problems` is made from it. A code means the same at hub and edge; once released it never changes its meaning.
//!
//! A sentence here fits every node that it is for. What only one of them can say, where to sign in for instance, the node says
//! itself with [`Kind::because`].

use axum::http::StatusCode;

/// The two sorts of node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    /// The market's authority.
    Hub,
    /// An office's box.
    Edge,
}

// Which nodes answer with a kind.
const HUB: &[Node] = &[Node::Hub];
const EDGE: &[Node] = &[Node::Edge];
const BOTH: &[Node] = &[Node::Hub, Node::Edge];

macro_rules! kinds {
    ($($at:ident $kind:ident $status:ident $code:literal $title:literal $help:literal;)+) => {
        /// A kind of problem.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Kind { $(#[doc = $title] $kind,)+ }

        impl Kind {
            /// All kinds, in the order of their list.
            pub const ALL: &'static [Self] = &[$(Self::$kind),+];

            /// Whether such a node answers with it.
            pub fn is_of(self, node: Node) -> bool {
                match self { $(Self::$kind => $at.contains(&node),)+ }
            }

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
    BOTH MalformedJson BAD_REQUEST "malformed_json" "The body is not JSON"
        "The body could not be read as JSON. The detail says at which line and column.";
    BOTH InvalidParameter BAD_REQUEST "invalid_parameter" "A query parameter is wrong"
        "A parameter after the `?` has a value that cannot be used. The detail names it.";
    BOTH UnknownParameter BAD_REQUEST "unknown_parameter" "No such query parameter"
        "A parameter after the `?` is not known here. The detail names it and lists the known ones.";
    BOTH InvalidHeader BAD_REQUEST "invalid_header" "A header is wrong"
        "A request header has a value that cannot be used. The detail names it.";
    BOTH IdempotencyKeyRequired BAD_REQUEST "idempotency_key_required" "An Idempotency-Key is needed"
        "Send an `Idempotency-Key` header with a text of your own, such as a UUID, and the same one on every retry.";
    BOTH Malformed BAD_REQUEST "malformed" "The request was not understood"
        "The request does not follow the protocol. The detail says where it went wrong.";
    BOTH Truncated BAD_REQUEST "truncated" "The request ended too early"
        "The connection ended before the whole request had arrived. What was confirmed before stands; send the rest again.";
    BOTH Unauthorized UNAUTHORIZED "unauthorized" "Please sign in"
        "Sign in, and send the token that you got as `Authorization: Bearer TOKEN`. /api/docs/ says where to sign in.";
    EDGE HubToken UNAUTHORIZED "hub_token" "Tokens of the hub are not accepted here"
        "This is a token of the hub. The office has passwords of its own: sign in at /api/v1/office/login.";
    HUB TokenExpired UNAUTHORIZED "token_expired" "The token has expired"
        "Get a new access token from /api/v1/auth/refresh, or log in again.";
    HUB EdgeToken UNAUTHORIZED "edge_token" "Tokens of an edge are not accepted here"
        "This is a token of an edge or of its office. The hub has accounts of its own: log in at /api/v1/auth/login.";
    BOTH BadCredentials UNAUTHORIZED "bad_credentials" "Wrong name, number or password"
        "The name, the phone number or the password is wrong.";
    HUB TokenReused UNAUTHORIZED "token_reused" "The refresh token was used before"
        "A refresh token works once. As this one was used again, its session was ended: log in again.";
    HUB EdgeUnknown UNAUTHORIZED "edge_unknown" "This edge is not known"
        "No edge of that number and key is known here. Enrol it again with a new code.";
    HUB EdgeSession UNAUTHORIZED "edge_session" "A session of an edge is needed"
        "Open a session first. This address is for edges; accounts of people are not accepted here.";
    HUB ChallengeExpired UNAUTHORIZED "challenge_expired" "The challenge has expired"
        "The challenge is not one of this hub's, or has expired. Ask for a new one.";
    HUB EnrolmentCode UNAUTHORIZED "code" "The enrolment code does not work"
        "The code is wrong, was used before, or has expired. Ask the operator for a new one.";
    HUB Signature UNAUTHORIZED "signature" "The signature does not fit"
        "The signature does not fit the key that was sent with it. Try again.";
    HUB EdgeRevoked FORBIDDEN "edge_revoked" "This edge was revoked"
        "The operator revoked this edge. Ask the operator.";
    HUB EdgeReplaced FORBIDDEN "edge_replaced" "This edge was enrolled again"
        "The edge was enrolled again since, so this copy of it is out of date. Enrol it with a new code.";
    HUB HubRestored CONFLICT "hub_restored" "This hub was restored from a backup"
        "The hub has forgotten what it told this edge, and asks it for that. The edge does so by itself; one of an older version is enrolled again.";
    HUB EdgeLink FORBIDDEN "edge_link" "This edge was last let in by other keys"
        "What the edge shows was made with other keys than this hub's. Enrol it again, in place, with a new code.";
    EDGE CrossSite FORBIDDEN "cross_site" "The request came from another site"
        "A page of another site tried to act with this browser's office session. Programs sign in and send `Authorization: Bearer TOKEN`.";
    BOTH NotAllowed FORBIDDEN "not_allowed" "Not allowed"
        "You may not do this here.";
    HUB Unconfirmed FORBIDDEN "unconfirmed" "The phone number is not confirmed"
        "Somebody has to confirm that the account's phone number is its own. Until then it can reserve only so much.";
    BOTH NotFound NOT_FOUND "not_found" "Not found"
        "There is no such thing here, or you may not see it.";
    BOTH MethodNotAllowed METHOD_NOT_ALLOWED "method_not_allowed" "This method is not for this address"
        "See the `Allow` header, or /api/docs/.";
    BOTH TooSlow REQUEST_TIMEOUT "too_slow" "The request came too slowly"
        "The body of the request did not arrive in time, so nothing was done. Send it again.";
    EDGE OtherHost MISDIRECTED_REQUEST "other_host" "The office has another name"
        "This office is not called as in the `Host` header. Its settings (`hosts` in edge.toml) list its names.";
    BOTH NotEnough CONFLICT "not_enough" "Not enough is left"
        "There is not as much left as was asked for. `available` says how much there is.";
    BOTH Withdrawn CONFLICT "withdrawn" "Not for sale any more"
        "This product was taken off sale.";
    BOTH Conflict CONFLICT "conflict" "Somebody else changed it"
        "Somebody else changed it in between. Get it again, look, and repeat your change.";
    BOTH PriceChanged CONFLICT "price_changed" "The price has changed"
        "The price has changed since it was shown. Get the product again and repeat the order with the new price.";
    BOTH TooLate CONFLICT "too_late" "Too late"
        "The order is on its way already, or done.";
    BOTH Duplicate CONFLICT "duplicate" "It is there already"
        "Something with this id or name is there already.";
    HUB PhoneTaken CONFLICT "phone_taken" "The number has an account"
        "There is an account with this phone number. Log in instead.";
    BOTH PreconditionFailed PRECONDITION_FAILED "precondition_failed" "It was changed since you read it"
        "The `If-Match` header names an older state. Get the thing again, look, and repeat your change with its new ETag.";
    BOTH AddressTooLong URI_TOO_LONG "address_too_long" "The address is too long"
        "Send fewer or shorter parameters after the `?`.";
    BOTH HeadTooLarge REQUEST_HEADER_FIELDS_TOO_LARGE "head_too_large" "The headers are too large"
        "The request's headers are too large, or too many. Send fewer or shorter ones.";
    BOTH TooLarge PAYLOAD_TOO_LARGE "too_large" "The body is too large"
        "The request body is larger than this address takes.";
    BOTH UnsupportedMediaType UNSUPPORTED_MEDIA_TYPE "unsupported_media_type" "The body must be JSON"
        "Send the header `Content-Type: application/json` and a JSON body.";
    BOTH Invalid UNPROCESSABLE_ENTITY "invalid" "Something in the body is wrong"
        "One or more fields have a value that cannot be used. `errors` points at each and says what to write instead.";
    BOTH IdempotencyKeyReused UNPROCESSABLE_ENTITY "idempotency_key_reused" "This Idempotency-Key was used for something else"
        "The same `Idempotency-Key` came before with another body. Use a new key for a new request.";
    BOTH PreconditionRequired PRECONDITION_REQUIRED "precondition_required" "An If-Match header is needed"
        "Send the ETag of what you read in an `If-Match` header, so that nobody's change is lost.";
    BOTH TooManyAttempts TOO_MANY_REQUESTS "too_many_attempts" "Too many attempts"
        "There were too many wrong passwords for this name or number. Wait as long as `Retry-After` says, in seconds.";
    BOTH Internal INTERNAL_SERVER_ERROR "internal" "The server made a mistake"
        "The server made a mistake. It has been noted; try again later.";
    BOTH Busy SERVICE_UNAVAILABLE "busy" "Busy at the moment"
        "There is too much to do at the moment, and this was not taken. Try again after `Retry-After` seconds.";
    EDGE NotEnrolled SERVICE_UNAVAILABLE "not_enrolled" "This box belongs to no office yet"
        "Run `mizili-edge enrol` on it first.";
    EDGE NotComplete SERVICE_UNAVAILABLE "not_complete" "This office is still fetching its data"
        "What is needed has not come from the hub yet, so this was not taken. Try again when it has.";
    EDGE HubFirst SERVICE_UNAVAILABLE "hub_first" "The hub has to be reached before the stock is counted"
        "This box may not know of everything that was sold here, and what should be there is only known when the hub was reached. This was not taken: connect this office, then count.";
    EDGE ShutOut CONFLICT "shut_out" "The hub does not let this box in"
        "This was not taken: the hub does not let this box in, and would never hear of it. The status of this office says what to do.";
    EDGE DiskFull INSUFFICIENT_STORAGE "disk_full" "Not taken: the disk is full"
        "This was not taken, because the disk of this box is full. Make room, then try again. Reading goes on.";
    EDGE ReadOnly INSUFFICIENT_STORAGE "read_only" "Not taken: the disk cannot be written to"
        "This was not taken, because the data folder of this box cannot be written to. Check its owner and its disk, then try again. Reading goes on.";
    EDGE DiskFailed INSUFFICIENT_STORAGE "disk_failed" "Not taken: the disk failed"
        "This was not taken, because the disk of this box failed. Check it, then try again.";
    EDGE LogFull INSUFFICIENT_STORAGE "log_full" "Not taken: too much waits for the line"
        "This was not taken, because too many entries wait for the hub already. Connect this office first.";
    HUB Unavailable SERVICE_UNAVAILABLE "unavailable" "The hub cannot do this now"
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
            assert_eq!(Kind::of(kind.code()), Some(*kind));
        }
    }

    #[test]
    fn each_node_answers_with_most_kinds_and_neither_with_all() {
        for node in [Node::Hub, Node::Edge] {
            let own = Kind::ALL.iter().filter(|kind| kind.is_of(node)).count();
            assert!(Kind::ALL.len() / 2 < own && own < Kind::ALL.len(), "{node:?}: {own}");
        }
        assert!(Kind::PhoneTaken.is_of(Node::Hub) && !Kind::PhoneTaken.is_of(Node::Edge));
        assert!(Kind::DiskFull.is_of(Node::Edge) && !Kind::DiskFull.is_of(Node::Hub));
    }
}

//! One exchange between an edge and the hub, as pure steps: what is let in, what is sent next, what is applied.
//!
//! The request is a stream of messages, `Hello`, `Commands`…, `Audit`…, `End`; the response another, `Welcome`?, `Verdicts`…,
//! `Rows`…, both once more for what moved meanwhile, `Complete`?, `Close`, or a `Refusal`, or a `Prove`. Whoever drives it does the reading and writing; nothing here waits.

pub mod identity;
mod serve;
mod sizer;

pub use crate::cursor::{BucketCursor, Judged, judge};
pub use crate::link::{Admission, Issuer, Link, LinkState};
pub use serve::{Page, next_pages};
pub use sizer::Sizer;

/// Minor version of the protocol that this build speaks; the major version stands in the path.
///
/// Bytes grow, they never change. A new form is a trailing optional field whose absence means the old rule, a new code, a new
/// kind of message or a new command; never a changed sense, and never a new variant in an enum inside a command, which an older
/// hub would refuse for good. Hubs are upgraded first: an edge uses the forms of a minor once the hub has said that it speaks it
/// ([`Close::hub_minor`](crate::wire::message::Close::hub_minor)). Samples of each version's forms are in `tests/golden`.
pub const MINOR_VERSION: u16 = 2;

/// From this minor on, commands carry the facts that the edge decided by, such as how a posting was shared; a hub of before works
/// them out anew, by its settings of the day.
pub const MINOR_WITH_FACTS: u16 = 2;

/// From this minor on, a long poll says where the edge stands in a body: an address has a bound that a node with many buckets exceeds.
pub const MINOR_WITH_NEWS_IN_A_BODY: u16 = 2;

/// From this minor on, a slot that is mended comes in parts, as large as suits the line.
pub const MINOR_WITH_REPAIR_IN_PARTS: u16 = 2;

/// The header that carries a session's token, as it is. Not `Authorization`: HTTP/2 sends that one anew with each request, so that
/// whoever makes others ask in a person's name learns nothing by their length. Nobody asks in a box's name, and it pays for each byte.
pub const TOKEN_HEADER: &str = "session-token";

/// The path of the exchange at the hub.
pub const EXCHANGE_PATH: &str = "/sync/v1/exchange";

/// The path where a one-time code becomes an edge.
pub const ENROL_PATH: &str = "/sync/v1/enrol";

/// The path where an edge gets the hub's signed challenge.
pub const CHALLENGE_PATH: &str = "/sync/v1/challenge";

/// The path where a signed challenge becomes a session token.
pub const SESSION_PATH: &str = "/sync/v1/session";

/// The path where a revoked edge leaves what the hub has not heard of, for the hub's operator to look at.
pub const LEFT_PATH: &str = "/sync/v1/left";

/// The path where an edge shows a hub that was restored from a backup what it was told since, and begins a new stream with it.
pub const RESTORED_PATH: &str = "/sync/v1/restored";

/// The path of the long poll at the hub.
pub const NEWS_PATH: &str = "/sync/v1/news";

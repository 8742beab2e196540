//! What hub and edge say to each other: roles, messages, promises, limits. No I/O, no clock, no random source.
//!
//! **Roles.** The hub is the authority. An edge keeps a partial replica and takes commands while it is cut off.
//!
//! **Down** go rows: whole aggregates set by id ([`market`]), each in a [`bucket`], at a version of that bucket, carried by
//! [`wire::rows`] frames that hold everything between two versions. A [`row::Digest`] proves that both sides hold the same.
//!
//! **Up** go commands ([`market::Command`]): what a person meant, with an id and a place in the edge's stream. Each gets exactly one
//! final [`verdict`]. One pure function per command decides at both ends: at the hub for good, at the edge for the screen.
//!
//! **Between** them stands one exchange ([`session`]): a request of frames, a response of frames, one round trip. Before the first an
//! edge becomes known and signs in, in JSON: [`enrolment`].
//!
//! What a command does at the edge before the hub has answered lives beside the replica: [`overlay`].
//!
//! Bounds are in [`limits`]; exact amounts in [`units`]; bytes in [`wire`] alone.

pub mod bucket;
pub mod bytes;
pub mod cbor;
pub mod country;
mod cursor;
pub mod enrolment;
pub mod field;
pub mod ids;
pub mod limits;
mod link;
pub mod market;
pub mod overlay;
pub mod phone;
pub mod row;
pub mod session;
pub mod text;
pub mod units;
pub mod value;
pub mod verdict;
pub mod wire;

//! What screens and SMS answers read: a narrow trait and plain structs for each noun, and the sum of them.
//!
//! Names come in the asked language where one is known. Lists are read by the window, never whole.

mod crops;
mod listings;
mod orders;
mod people;
mod prices;

pub use crops::{Crops, Shelf, UnitChoice};
pub use listings::{Listing, ListingState, Listings, MyListing};
pub use orders::{MyOrder, OrderState, Orders};
pub use people::{Caller, Member, People};
pub use prices::{Best, Point, PriceKind, Prices, Quote, Series};

pub use crate::text::names::Named;

use uuid::Uuid;

/// The replica could not be read. The text is for the log; the caller sees a plain sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read the replica: {0}")]
pub struct ReadError(pub String);

/// What reading gives.
pub type Read<T> = Result<T, ReadError>;

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How many to leave out.
    pub offset: u32,
    /// How many to give at most.
    pub limit: u32,
}

/// What the engine reads. All of it comes from the local replica joined with what is still waiting; none of it waits for
/// the network or a lock.
///
/// `starts_with` is empty, or at least two letters in plain form (lower case, no accents): then only names are given of which a word
/// starts with them.
pub trait Market: Crops + Listings + Orders + People + Prices {
    /// What became of the command with this id; `None` when none was taken. A command that has been taken must be found
    /// here from the moment it is durable.
    fn outcome(&self, command_id: Uuid) -> Read<Option<super::Outcome>>;
}

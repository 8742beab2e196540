//! Stock: immutable entries whose sum, by holder, is what that holder may sell.

mod adjust;
mod spend;
#[cfg(test)]
mod tests;

pub use adjust::{Adjustment, StockAdjust};
pub use spend::spendable;

use super::Listing;
use super::entity::{Sample, Settled, entity};
use super::set::WorkingSet;
use crate::bucket::Bucket;
use crate::field::codes;
use crate::ids::{EdgeId, Holder, Id, ListingId, hub_born};
use crate::row::Key;
use crate::units::Quantity;
use uuid::Uuid;

/// An entry's identity: the thing that caused it (a listing, an order, a command) and a step of it. The same effect reached by
/// two roads has the same identity, so it counts once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct EntryId {
    /// The listing, order or command that caused it.
    pub of: Uuid,
    /// Which step of it, see the constants.
    pub step: u32,
}

impl EntryId {
    /// Units taken in when a listing is posted, or by a stock command.
    pub const INTAKE: u32 = 1;
    /// The giver's side of a transfer.
    pub const GIVEN: u32 = 2;
    /// The receiver's side of a transfer.
    pub const RECEIVED: u32 = 3;
    /// Units spent by an order.
    pub const SOLD: u32 = 4;
    /// Units that came back from a cancelled order.
    pub const RELEASED: u32 = 5;
    /// Units written off by their holder.
    pub const WRITTEN_OFF: u32 = 6;
    /// What a count at an office missed beyond what was free there. It stands beside the replica alone, until the hub has settled it.
    pub const MISSING: u32 = 7;
    /// Units written off from another holder because a count fell short; one step for each holder, from here on.
    pub const SHORTAGE: u32 = 1_000;
    /// What takes back the entry of a change of the stock that has the step beyond this one.
    pub const UNDONE: u32 = 1_000_000_000;

    /// Whether a change of the stock by hand makes such entries: an intake, a write-off or a count.
    pub fn is_of_a_change(self) -> bool {
        matches!(self.step, Self::INTAKE | Self::WRITTEN_OFF | Self::MISSING | Self::SHORTAGE..Self::UNDONE)
    }

    /// The entry that this one takes back, if it takes one back: both together are nothing.
    pub fn takes_back(self) -> Option<Self> {
        let step = match self.step {
            Self::RELEASED => Self::SOLD,
            Self::UNDONE.. => self.step - Self::UNDONE,
            _ => return None,
        };
        Some(Self { step, ..self })
    }

    /// The entry that takes back one of a change of the stock.
    pub fn undone(self) -> Self {
        Self { step: Self::UNDONE + self.step, ..self }
    }
}

codes! {
    /// Why an entry was made.
    EntryKind {
        Intake = 1 "intake", Transfer = 2 "transfer", Sale = 3 "sale", Release = 4 "release",
        WriteOff = 5 "write_off", Count = 6 "count", Shortage = 7 "shortage",
    }
}

impl Id for EntryId {
    fn to_key(self) -> Key {
        Key::Step(self.of, self.step)
    }
    fn from_key(key: Key) -> Option<Self> {
        if let Key::Step(of, step) = key { Some(Self { of, step }) } else { None }
    }
}

entity! {
    /// One change of what a holder has of a listing. Never edited, never deleted while its listing stands. In `coop:C`.
    StockEntry = 12 "stock_entry", id id: EntryId;
    summed by LISTING;
    {
        /// The listing.
        1 listing: ListingId => LISTING,
        /// Who has more or less.
        2 holder: Holder,
        /// How much more (positive) or less (negative), in the listing's unit.
        3 quantity: Quantity,
        /// Why.
        4 kind: EntryKind,
    }
}

impl Settled for StockEntry {
    fn home(&self, set: &WorkingSet) -> Option<Vec<Bucket>> {
        set.get::<Listing>(self.listing)?.home(set)
    }

    /// One reached twice counts once.
    fn enter(&self, set: &mut WorkingSet) {
        if !set.has::<Self>(self.id) {
            set.put(self);
            set.add_available(self.listing, self.holder, self.quantity);
        }
    }
}

impl Sample for StockEntry {
    fn sample() -> Self {
        let listing = ListingId(hub_born(1));
        Self {
            id: EntryId { of: listing.0, step: EntryId::GIVEN },
            listing,
            holder: Holder::Edge(EdgeId(4)),
            quantity: Quantity::units(-25),
            kind: EntryKind::Transfer,
        }
    }
}

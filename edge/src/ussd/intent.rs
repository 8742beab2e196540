//! What a caller confirmed, and what became of it. Plain data: nothing here acts.

use super::acts::Plan;
use crate::text::why::Rejection;
use sync_protocol::phone::Phone;
use uuid::Uuid;

/// One thing to be done, which a person confirmed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    /// The command's id: made with the draft, the same on every retry. Executing an id twice must give the first outcome.
    /// It is also the id of what the act makes (the order, the listing, the member).
    pub command_id: Uuid,
    /// Who confirmed.
    pub phone: Phone,
    /// What.
    pub plan: Plan,
}

/// What became of an intent, once it is durable or was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It happened, and nobody can refuse it any more. Of an order: the buyer has the units.
    Done {
        /// A short number for the counter, at most 16 letters; where there is one.
        reference: Option<String>,
    },
    /// It was taken, and somebody else still decides. An SMS will say.
    Asked {
        /// As above.
        reference: Option<String>,
    },
    /// It was not taken and left no trace; the same may be tried again.
    NotTaken(NotTaken),
    /// It was refused by a rule.
    Rejected(Rejection),
}

/// Why nothing was taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// The disk is full, read-only or broken.
    Storage,
    /// This box may not act just now: its stock must be counted, or its data fetched again.
    Paused,
    /// The hub has shut this box out: nobody would answer.
    Closed,
}

impl NotTaken {
    /// All of them.
    pub const ALL: &'static [Self] = &[Self::Storage, Self::Paused, Self::Closed];
}

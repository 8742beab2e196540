//! What a caller confirmed, and what became of it. Plain data: nothing here acts.

use crate::text::Lang;
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
    pub act: Act,
}

/// What is to be done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Act {
    /// The caller joins.
    RegisterMember {
        /// The new member's id.
        member_id: Uuid,
        /// Name as given: 2 to 40 letters.
        name: String,
        /// The language chosen.
        lang: Lang,
    },
    /// The caller wants another language. A member's is changed by a command; another number's choice is remembered here.
    SetLanguage {
        /// The language chosen.
        lang: Lang,
    },
    /// The caller offers produce.
    PostListing {
        /// The new listing's id.
        listing_id: Uuid,
        /// What it is.
        commodity: u32,
        /// What one unit of it is.
        unit: u32,
        /// How much, in thousandths of the unit.
        quantity_milli: i64,
        /// Price of one unit, in minor units of the office's currency.
        price_minor: i64,
    },
    /// The caller takes an offer back.
    WithdrawListing {
        /// The listing.
        listing: Uuid,
    },
    /// The caller orders.
    PlaceOrder {
        /// The new order's id.
        order_id: Uuid,
        /// What is bought.
        listing: Uuid,
        /// How much, in thousandths of the listing's unit.
        quantity_milli: i64,
        /// The price of one unit that the caller saw.
        unit_price_minor: i64,
    },
    /// The caller cancels an order.
    CancelOrder {
        /// The order.
        order: Uuid,
    },
}

/// What became of an intent, once it is durable or was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It happened. For an order say [`Outcome::Confirmed`] or [`Outcome::Asked`]; this one is shown as asked.
    Done,
    /// An order from units that are held here: the buyer has them.
    Confirmed {
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

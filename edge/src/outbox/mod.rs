//! Outgoing SMS: a queue on disk with one owner for each message, sent when there is a gateway to send with.
//!
//! A message is queued in the transaction of what it tells about, so that neither is there without the other. Queuing the same thing
//! twice is queuing it once. Whoever said STOP gets nothing that was not asked for. Nothing here decides what is said.

mod db;
mod rules;
mod sender;
#[cfg(test)]
mod tests;
pub(crate) mod upkeep;

pub use db::{
    Report, ReportOf, Stored, Stuck, given_up, has_opted_out, list, note_opt_in, note_opt_out, queue, report,
    stuck,
};
pub use sender::{Sender, Step};

pub(crate) use db::{default_language, note_default_language, replies_within, was_written_to};

/// Why a message is sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// It answers an SMS that came.
    Reply,
    /// It says that an act made just now holds.
    Receipt,
    /// It brings the hub's word on an act, some time later.
    Verdict,
}

impl Kind {
    /// The word in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Reply => "reply",
            Self::Receipt => "receipt",
            Self::Verdict => "verdict",
        }
    }

    fn parse(word: &str) -> Option<Self> {
        [Self::Reply, Self::Receipt, Self::Verdict].into_iter().find(|kind| kind.as_str() == word)
    }
}

/// A message to be queued.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outgoing {
    /// To whom: E.164 without the plus sign, as a number.
    pub phone: u64,
    /// What it says.
    pub text: String,
    /// Why.
    pub kind: Kind,
    /// The command's id, or `GATEWAY/ID` of the SMS that it answers. One message of a kind about one thing goes to a number.
    pub about: String,
    /// The gateway that it must go by; `None` for any.
    pub gateway: Option<String>,
    /// What the gateway wants back with an answer.
    pub link_id: Option<String>,
}

/// How far a message is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// Waits to be sent.
    Queued,
    /// The request has left, or was about to.
    Sending,
    /// The gateway has it.
    Sent,
    /// It is on the phone.
    Delivered,
    /// It will never be.
    Failed,
    /// It was not sent, because it must not or need not be.
    Cancelled,
}

impl State {
    const ALL: [Self; 6] =
        [Self::Queued, Self::Sending, Self::Sent, Self::Delivered, Self::Failed, Self::Cancelled];

    /// The word in the database and in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Sending => "sending",
            Self::Sent => "sent",
            Self::Delivered => "delivered",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    /// The state of a word; `None` for none.
    pub fn parse(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == word)
    }
}

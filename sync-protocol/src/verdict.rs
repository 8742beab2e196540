//! What became of a command. Each gets exactly one final verdict; a refusal has a code that a phone screen can show.

use crate::bucket::Bucket;
use crate::ids::MemberId;
use crate::limits::{VERDICT_TEXTS_MAX, bounded};

/// The hub's word on one command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It took effect. Final.
    Applied(Applied),
    /// It did not, and will not. Final.
    Rejected(Reject),
    /// An operator put a quarantined command aside. Final.
    Dismissed,
    /// It needs an aggregate whose earlier command failed; tried again when that is settled. Open.
    Held,
    /// It broke the handler; kept whole for an operator. Open.
    Quarantined,
    /// This hub does not know the command; tried again when its version rises. Open.
    Unsupported,
}

impl Verdict {
    /// Whether nothing more will come.
    pub fn is_final(&self) -> bool {
        matches!(self, Self::Applied(_) | Self::Rejected(_) | Self::Dismissed)
    }

    /// The word in JSON, logs and databases.
    pub fn as_str(&self) -> &'static str {
        match self {
            Self::Applied(_) => "applied",
            Self::Rejected(_) => "rejected",
            Self::Dismissed => "dismissed",
            Self::Held => "held",
            Self::Quarantined => "quarantined",
            Self::Unsupported => "unsupported",
        }
    }
}

/// What is said of a command that took effect.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// It sold more than its holder held: a person settles it, and the holder sells no more of the product until then.
    pub short: bool,
    /// The person whom it registered was known already, under this id.
    pub alias: Option<MemberId>,
    /// Fields of an edit that did not take effect, because somebody else had changed them.
    pub conflicts: Vec<Conflict>,
}

/// One field of an edit that clashed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Conflict {
    /// The field's name.
    pub field: String,
    /// What stands now.
    pub current: String,
    /// What the edit wanted.
    pub wanted: String,
}

impl Conflict {
    /// A clash; what goes beyond the bounds of a verdict's texts is left out.
    pub fn new(field: &str, current: &str, wanted: &str) -> Self {
        Self { field: field.to_owned(), current: bounded(current), wanted: bounded(wanted) }
    }
}

/// Why a command was refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// The reason.
    pub code: RejectCode,
    /// What the sentence needs: for `not_enough` the quantity left; for `invalid` a JSON pointer; for `conflict` field and current value.
    pub args: Vec<String>,
}

impl Reject {
    /// A refusal without arguments.
    pub fn new(code: RejectCode) -> Self {
        Self { code, args: Vec::new() }
    }

    /// A refusal with arguments; what goes beyond the bounds of a verdict is left out.
    pub fn with(code: RejectCode, args: impl IntoIterator<Item = String>) -> Self {
        Self { code, args: args.into_iter().take(VERDICT_TEXTS_MAX).map(|arg| bounded(&arg)).collect() }
    }
}

crate::field::codes! {
    /// Reasons for a refusal.
    RejectCode {
        /// A value is out of range or malformed.
        Invalid = 1 "invalid",
        /// There is not as much left as was asked for.
        NotEnough = 2 "not_enough",
        /// No such listing, order or member.
        NotFound = 3 "not_found",
        /// It is not for sale any more.
        Withdrawn = 4 "withdrawn",
        /// Somebody else changed it in between.
        Conflict = 5 "conflict",
        /// This person, or this office, may not do that.
        NotAllowed = 6 "not_allowed",
        /// The price has changed in between.
        PriceChanged = 7 "price_changed",
        /// The order is already on its way, or done.
        TooLate = 8 "too_late",
        /// No such commodity.
        UnknownCommodity = 9 "unknown_commodity",
        /// No such unit.
        UnknownUnit = 10 "unknown_unit",
        /// The id is taken by something else.
        Duplicate = 11 "duplicate",
    }
}

/// A verdict as it is kept and sent: numbered per edge, with the versions at which its effects stand.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Numbered {
    /// Its number; counts from 1 per edge, without gaps.
    pub number: u64,
    /// The command's place in the stream.
    pub seq: u64,
    /// The verdict.
    pub verdict: Verdict,
    /// Buckets and versions whose arrival brings everything that the command did.
    pub stands_at: Vec<(Bucket, u64)>,
}

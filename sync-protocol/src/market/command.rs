//! THE list of commands, their envelope, and the one function that decides each.
//!
//! A command is what a person meant, never a row difference. Each type has a file: its payload, its checks, what it needs to
//! read, and a pure `decide` that both sides call: the hub for good, the edge for what the screen may say meanwhile.

use super::entity::Entity;
use super::{
    Alias, Invalid, Listing, ListingEdit, ListingPost, ListingWithdraw, Member, MemberRegister, Needs, Order,
    OrderCancel, OrderPlace, Source, StockAdjust, StockEntry, WorkingSet,
};
use crate::ids::{CommandId, CooperativeId, EdgeId, Holder, MemberId, UnitId};
use crate::row::Key;
use crate::units::Quantity;
use crate::value::Fields;
use crate::verdict::{Applied, Reject, RejectCode};
use uuid::Uuid;

/// One command as it is kept and sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Command {
    /// Made with the draft, the same on every retry.
    pub id: CommandId,
    /// Place in the stream; counts from 1 without gaps.
    pub seq: u64,
    /// When it was made, seconds since 1970 UTC, as the edge's clock claimed.
    pub made_at_s: i64,
    /// Who made it.
    pub actor: Actor,
    /// What was meant.
    pub body: RawBody,
}

/// A body as it travels: known or not, its bytes are kept whole.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawBody {
    /// The command type's number.
    pub kind: u16,
    /// CBOR.
    pub bytes: Vec<u8>,
}

/// Who made a command.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Actor {
    /// How the person is known.
    pub kind: ActorKind,
    /// Member or user id, where there is one.
    pub id: Option<Uuid>,
    /// The person's number: E.164 without the plus sign, as a number; 0 when unknown.
    pub phone: u64,
}

impl Actor {
    /// The member who acts, where one does.
    pub fn member(&self) -> Option<MemberId> {
        self.id.filter(|_| self.kind == ActorKind::Member).map(MemberId)
    }
}

crate::field::codes! {
    /// How an actor is known.
    ActorKind {
        /// A caller with no membership.
        Caller = 0 "caller",
        /// A member, by phone.
        Member = 1 "member",
        /// A person signed in at the office page.
        Office = 2 "office",
        /// A person signed in at the hub.
        User = 3 "user",
    }
}

/// Where and for whom a command is decided.
#[derive(Clone, Copy, Debug)]
pub struct Context {
    /// Who decides: the hub for good, or the edge for its own screen.
    pub place: Holder,
    /// Whose stream it came by: the edge's, or the hub's own REST API.
    pub origin: Holder,
    /// The cooperative the command acts within: an edge's own, or a hub user's.
    pub cooperative: Option<CooperativeId>,
    /// Whether the actor works for that cooperative.
    pub clerk: bool,
    /// Whether the actor may act for any cooperative.
    pub admin: bool,
    /// The edge that shares listings taken in at the hub, if the cooperative has one.
    pub share_with: Option<EdgeId>,
    /// Percent of a new listing that goes to the hub.
    pub hub_share_percent: u8,
}

impl Context {
    /// Whether it is decided where it is made: a person is there, and can still say it otherwise.
    pub fn is_entered_here(&self) -> bool {
        self.place == self.origin
    }
}

/// Whether the hub may still refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// It says what happened. The hub applies it, and flags it where it breaks a rule.
    Record,
    /// It asks. The hub may refuse; a screen must not say "done".
    Request,
}

/// One row that a command sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The row.
    pub row: EffectRow,
    /// Whether an increase of stock counts at the edge before the hub has answered. Decreases always do.
    pub at_once: bool,
}

/// The rows that commands set.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "each is the entity of that name")]
pub enum EffectRow {
    Member(Member),
    Alias(Alias),
    Listing(Listing),
    StockEntry(StockEntry),
    Order(Order),
}

impl EffectRow {
    /// Entity number, key and fields, as a replica keeps them.
    pub fn to_row(&self) -> (u16, Key, Fields) {
        fn row<E: Entity>(e: &E) -> (u16, Key, Fields) {
            (E::NUMBER, e.key(), e.to_fields())
        }
        match self {
            Self::Member(e) => row(e),
            Self::Alias(e) => row(e),
            Self::Listing(e) => row(e),
            Self::StockEntry(e) => row(e),
            Self::Order(e) => row(e),
        }
    }
}

/// What deciding a command came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether the hub may still refuse; meaningful at an edge.
    pub certainty: Certainty,
    /// What is said of it.
    pub applied: Applied,
    /// What it sets.
    pub effects: Vec<Effect>,
}

/// Refuses parts of what is counted in pieces (half a head): a request wherever it is decided, a record only where it is entered. What an
/// office has recorded is applied, and an order of it is flagged.
pub(super) fn in_steps(set: &WorkingSet, unit: UnitId, quantity: Quantity) -> Result<(), Reject> {
    let refusal = || Reject::with(RejectCode::Invalid, ["/quantity".to_owned()]);
    if set.is_in_steps(unit, quantity) { Ok(()) } else { Err(refusal()) }
}

impl Decision {
    pub(super) fn new(certainty: Certainty) -> Self {
        Self { certainty, applied: Applied::default(), effects: Vec::new() }
    }

    pub(super) fn set(&mut self, row: EffectRow, at_once: bool) {
        self.effects.push(Effect { row, at_once });
    }
}

macro_rules! commands {
    ($($number:literal $name:literal $variant:ident),+ $(,)?) => {
        /// A command that this version knows.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "each is the command type of that name")]
        pub enum Body { $($variant($variant),)+ }

        /// Number and name of every command of this version.
        pub const COMMANDS: &[(u16, &str)] = &[$(($number, $name)),+];

        impl Body {
            /// The command type's number.
            pub fn kind(&self) -> u16 { match self { $(Self::$variant(_) => $number,)+ } }

            /// As it travels.
            pub fn to_raw(&self) -> RawBody {
                let bytes = match self { $(Self::$variant(b) => minicbor::to_vec(b),)+ };
                // Writing to memory cannot fail; an empty body would be refused by name at the other end.
                RawBody { kind: self.kind(), bytes: bytes.unwrap_or_default() }
            }

            /// From what travelled: `Ok(None)` for a type that this version does not know.
            ///
            /// # Errors
            /// When the bytes are no payload of that type.
            pub fn from_raw(raw: &RawBody) -> Result<Option<Self>, Reject> {
                let bad = |_| Reject::with(RejectCode::Invalid, [String::new()]);
                Ok(match raw.kind {
                    $($number => Some(Self::$variant(minicbor::decode(&raw.bytes).map_err(bad)?)),)+
                    _ => None,
                })
            }

            /// What is wrong with the payload by itself, before anything is looked up. Empty when nothing is.
            pub fn check(&self) -> Vec<Invalid> { match self { $(Self::$variant(b) => b.check(),)+ } }

            /// What has to be in the working set before [`Body::decide`].
            pub fn needs(&self, id: CommandId, actor: &Actor, context: &Context) -> Needs {
                match self { $(Self::$variant(b) => b.needs(id, actor, context),)+ }
            }

            /// Decides. Reads the working set, changes nothing.
            ///
            /// # Errors
            /// The refusal.
            pub fn decide(&self, command: &Command, context: &Context, set: &WorkingSet) -> Result<Decision, Reject> {
                if let Some(wrong) = self.check().first() {
                    return Err(Reject::with(RejectCode::Invalid, [wrong.pointer.to_owned()]));
                }
                match self { $(Self::$variant(b) => b.decide(command, context, set),)+ }
            }
        }

        $(impl $variant {
            /// The command type's number.
            pub const KIND: u16 = $number;
        })+

        $(impl From<$variant> for Body { fn from(b: $variant) -> Self { Self::$variant(b) } })+
    };
}

commands! {
    1 "member.register" MemberRegister,
    2 "listing.post" ListingPost,
    3 "listing.edit" ListingEdit,
    4 "listing.withdraw" ListingWithdraw,
    5 "order.place" OrderPlace,
    6 "order.cancel" OrderCancel,
    7 "stock.adjust" StockAdjust,
}

impl Body {
    /// What a person asked for, without what the node found when it took that in (whose units, whether an order had left, how a
    /// posting was shared): the same request again may find otherwise, and is the same request.
    #[must_use]
    pub fn as_asked(&self) -> Self {
        match self.clone() {
            Self::OrderPlace(body) => OrderPlace { source: Source::Ask, ..body }.into(),
            Self::OrderCancel(body) => OrderCancel { never_left: false, ..body }.into(),
            Self::ListingPost(body) => ListingPost { hub_milli: None, ..body }.into(),
            other => other,
        }
    }

    /// 16 bytes of BLAKE3 over [`Body::as_asked`]: enough to know a request again whose body is kept no longer.
    pub fn asked_hash(&self) -> [u8; 16] {
        let raw = self.as_asked().to_raw();
        let mut hasher = blake3::Hasher::new();
        hasher.update(&raw.kind.to_le_bytes()).update(&raw.bytes);
        let mut hash = [0; 16];
        hash.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        hash
    }
}

/// The command type's name; `None` for one this version does not know.
pub fn command_name(kind: u16) -> Option<&'static str> {
    COMMANDS.iter().find(|(number, _)| *number == kind).map(|(_, name)| *name)
}

impl Command {
    /// BLAKE3 over everything but the sequence number: tells a retry from a reused number.
    pub fn body_hash(&self) -> [u8; 32] {
        let mut hasher = blake3::Hasher::new();
        hasher.update(self.id.0.as_bytes());
        hasher.update(&self.made_at_s.to_le_bytes());
        hasher.update(&self.actor.kind.code().to_le_bytes());
        hasher.update(self.actor.id.unwrap_or_default().as_bytes());
        hasher.update(&self.actor.phone.to_le_bytes());
        hasher.update(&self.body.kind.to_le_bytes());
        hasher.update(&self.body.bytes);
        *hasher.finalize().as_bytes()
    }
}

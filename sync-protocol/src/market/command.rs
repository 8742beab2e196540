//! The envelope of a command, and what each type of command has to say for itself.
//!
//! A command is what a person meant, never a row difference. Each type has a file: its payload and its [`Rule`].

use super::Body;
use super::check::Invalid;
use super::decision::{Decision, Effect};
use super::set::{Made, Needs, Search, WorkingSet};
use crate::ids::{CommandId, CooperativeId, EdgeId, Holder, ListingId, MemberId, OrderId};
use crate::verdict::{Reject, RejectCode};
use std::collections::BTreeSet;
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

/// How names are put into the one form in which they are kept: the nodes have the tables for it, the protocol has none.
pub type Form = fn(&str) -> String;

/// What a type of command has to say for itself. Whoever keeps, sends, holds or shows commands asks this, and knows no type by name.
pub trait Rule: Clone + Sized {
    /// The codes by which [`Rule::decide`] may refuse it; what [`Rule::check`] finds comes before, and is `invalid`.
    const REFUSES: &'static [RejectCode];

    /// What is wrong with the payload by itself, before anything is looked up. Empty when nothing is.
    fn check(&self) -> Vec<Invalid>;

    /// What has to be in the working set before [`Rule::decide`].
    fn needs(&self, id: CommandId, actor: &Actor, context: &Context) -> Needs;

    /// Decides: both sides call this, the hub for good, the edge for what the screen may say meanwhile. Reads the working set, changes
    /// nothing.
    ///
    /// # Errors
    /// The refusal.
    fn decide(&self, command: &Command, context: &Context, set: &WorkingSet) -> Result<Decision, Reject>;

    /// The thing that it changes: what needs that waits while this command waits.
    fn about(&self, id: CommandId) -> Uuid;

    /// What it makes, if it makes anything.
    fn makes(&self, id: CommandId) -> Option<Made>;

    /// Whether everything that it would make is there, and is what it would make: the same command again after an answer was lost. It is
    /// answered as it was the first time, and changes nothing. Edges' commands are known by their stream before this is asked; it is for
    /// REST, and for what an edge offers again after the hub has forgotten it. `false` where doing it twice is harmless by itself.
    fn is_repeat(&self, command: &Command, context: &Context, set: &WorkingSet, form: Form) -> bool;

    /// Whether it is about what may still come: units that the hub may have sold, something that it may have forgotten or has not
    /// decided. It neither takes effect nor is refused meanwhile; what follows from that is the hub's.
    fn is_awaited(&self, context: &Context, set: &WorkingSet) -> bool;

    /// The same with every id in it replaced: for an edge whose order or listing had to be given another id than it made.
    #[must_use]
    fn renamed(self, new: &dyn Fn(Uuid) -> Uuid) -> Self;

    /// Names in it, which are kept in one form.
    fn names(&mut self) -> Vec<&mut String>;

    /// One about a thing, with nothing in it that refuses it by itself, that looks for rows in each way in which any of its kind does: for
    /// tests of the rules about all commands, and for [`Body::searches`].
    fn sample(about: Uuid) -> Self;

    /// What a person asked for, without what the node found when it took that in: the same request again may find otherwise, and is
    /// the same request.
    #[must_use]
    fn as_asked(&self) -> Self {
        self.clone()
    }

    /// The same as it is meant where what it says was seen is kept in an older form than names have now.
    fn as_it_stands(&mut self, _: &WorkingSet, _: Form) {}

    /// Whether something else is there under the id of what it would make.
    fn is_taken(&self, command: &Command, context: &Context, set: &WorkingSet, form: Form) -> bool {
        self.makes(command.id).is_some_and(|made| set.has_made(made))
            && !self.is_repeat(command, context, set, form)
    }

    /// The order whose units count again where this was made before the hub has heard of it.
    fn gives_back_at_once(&self) -> Option<OrderId> {
        None
    }

    /// The listing of which it spends units of the node that made it.
    fn spends_own(&self) -> Option<ListingId> {
        None
    }

    /// Notes beside the rows what the hub alone will know of them, after [`WorkingSet::apply`].
    fn note(&self, _: CommandId, _: &[Effect], _: &mut WorkingSet) {}
}

/// Declares the commands of this version, by number and name.
macro_rules! commands {
    ($($number:literal $name:literal $variant:ident),+ $(,)?) => {
        /// A command that this version knows.
        #[derive(Clone, Debug, PartialEq, Eq)]
        #[expect(missing_docs, reason = "each is the command type of that name")]
        pub enum Body { $($variant($variant),)+ }

        /// Number and name of every command of this version.
        pub const COMMANDS: &[(u16, &str)] = &[$(($number, $name)),+];

        /// Does the same with the rule of whichever command it is: whoever gives every command something of its own names none.
        #[macro_export]
        macro_rules! each_command {
            ($body:expr, $rule:pat => $does:expr) => { match $body { $($crate::market::Body::$variant($rule) => $does,)+ } };
        }

        /// The command type's name; `None` for one this version does not know.
        pub fn command_name(kind: u16) -> Option<&'static str> {
            COMMANDS.iter().find(|(number, _)| *number == kind).map(|(_, name)| *name)
        }

        impl Body {
            /// The command type's number.
            pub fn kind(&self) -> u16 { match self { $(Self::$variant(_) => $number,)+ } }

            /// As it travels.
            pub fn to_raw(&self) -> RawBody {
                let bytes = each_command!(self, body => minicbor::to_vec(body));
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

            /// What each command is tried with: see `cases.rs`.
            #[cfg(test)]
            fn cases() -> Vec<cases::Case> { [$($variant::cases()),+].concat() }

            /// One of each command, about one thing: for tests of the rules about all of them.
            pub fn samples(about: Uuid) -> Vec<Self> { vec![$(Self::$variant(Rule::sample(about)),)+] }
        }

        // As the rule of each says, see [`Rule`].
        impl Body {
            /// See [`Rule::check`].
            pub fn check(&self) -> Vec<Invalid> { each_command!(self, body => body.check()) }

            /// See [`Rule::needs`].
            pub fn needs(&self, id: CommandId, actor: &Actor, context: &Context) -> Needs {
                each_command!(self, body => body.needs(id, actor, context))
            }

            /// See [`Rule::decide`]; a payload that is wrong by itself is refused before.
            ///
            /// # Errors
            /// The refusal.
            pub fn decide(&self, command: &Command, context: &Context, set: &WorkingSet) -> Result<Decision, Reject> {
                if let Some(wrong) = self.check().first() {
                    return Err(Reject::with(RejectCode::Invalid, [wrong.pointer.to_owned()]));
                }
                let decided = each_command!(self, body => body.decide(command, context, set));
                debug_assert!(decided.as_ref().err().is_none_or(|reject| self.refuses().contains(&reject.code)), "{decided:?}");
                decided
            }

            /// See [`Rule::REFUSES`].
            pub fn refuses(&self) -> &'static [RejectCode] {
                fn of<R: Rule>(_: &R) -> &'static [RejectCode] { R::REFUSES }
                each_command!(self, body => of(body))
            }

            /// See [`Rule::about`].
            pub fn about(&self, id: CommandId) -> Uuid { each_command!(self, body => body.about(id)) }

            /// See [`Rule::makes`].
            pub fn makes(&self, id: CommandId) -> Option<Made> { each_command!(self, body => body.makes(id)) }

            /// See [`Rule::is_repeat`].
            pub fn is_repeat(&self, command: &Command, context: &Context, set: &WorkingSet, form: Form) -> bool {
                each_command!(self, body => body.is_repeat(command, context, set, form))
            }

            /// See [`Rule::is_taken`].
            pub fn is_taken(&self, command: &Command, context: &Context, set: &WorkingSet, form: Form) -> bool {
                each_command!(self, body => body.is_taken(command, context, set, form))
            }

            /// See [`Rule::is_awaited`].
            pub fn is_awaited(&self, context: &Context, set: &WorkingSet) -> bool {
                each_command!(self, body => body.is_awaited(context, set))
            }

            /// See [`Rule::renamed`].
            #[must_use]
            pub fn renamed(&self, new: impl Fn(Uuid) -> Uuid) -> Self { each_command!(self.clone(), body => body.renamed(&new).into()) }

            /// See [`Rule::names`].
            pub fn names(&mut self) -> Vec<&mut String> { each_command!(self, body => body.names()) }

            /// See [`Rule::as_asked`].
            #[must_use]
            pub fn as_asked(&self) -> Self { each_command!(self, body => body.as_asked().into()) }

            /// See [`Rule::as_it_stands`].
            pub fn as_it_stands(&mut self, set: &WorkingSet, form: Form) { each_command!(self, body => body.as_it_stands(set, form)); }

            /// See [`Rule::gives_back_at_once`].
            pub fn gives_back_at_once(&self) -> Option<OrderId> { each_command!(self, body => body.gives_back_at_once()) }

            /// See [`Rule::spends_own`].
            pub fn spends_own(&self) -> Option<ListingId> { each_command!(self, body => body.spends_own()) }

            /// See [`Rule::note`].
            pub fn note(&self, id: CommandId, effects: &[Effect], set: &mut WorkingSet) {
                each_command!(self, body => body.note(id, effects, set));
            }
        }

        $(impl $variant {
            /// The command type's number.
            pub const KIND: u16 = $number;
        })+

        $(impl From<$variant> for Body { fn from(b: $variant) -> Self { Self::$variant(b) } })+
    };
}
pub(super) use commands;

impl Body {
    /// 16 bytes of BLAKE3 over [`Body::as_asked`]: enough to know a request again whose body is kept no longer.
    pub fn asked_hash(&self) -> [u8; 16] {
        let raw = self.as_asked().to_raw();
        let mut hasher = blake3::Hasher::new();
        hasher.update(&raw.kind.to_le_bytes()).update(&raw.bytes);
        let mut hash = [0; 16];
        hash.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
        hash
    }

    /// Every way in which commands look for rows, by what no row holds: for whoever tries whether each can be answered.
    pub fn searches() -> BTreeSet<Search> {
        let nobody = Actor { kind: ActorKind::Member, id: Some(Uuid::nil()), phone: 0 };
        let context = Context {
            place: Holder::Hub,
            origin: Holder::Hub,
            cooperative: Some(CooperativeId(0)),
            clerk: true,
            admin: true,
            share_with: None,
            hub_share_percent: 0,
        };
        let needs = |body: Self| body.needs(CommandId(Uuid::nil()), &nobody, &context);
        let found = Self::samples(Uuid::nil()).into_iter().flat_map(|body| needs(body).found);
        found.map(|search| search.of_nothing()).collect()
    }

    /// The id of what the command makes, where that is not the command's own.
    pub fn makes_apart(&self, id: CommandId) -> Option<Uuid> {
        self.makes(id)?.id().filter(|made| *made != id.0)
    }
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

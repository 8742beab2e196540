//! What a caller can do. Each act has a file in its noun's folder under `menus`: what is gathered for it, its words, and the command that
//! it becomes, or the note; they are listed beside the screens. Whatever else handles acts knows none by name.

use super::market::Read;
use super::menus::Screen;
use super::view::{Cx, Key};
use crate::text::why::Terms;
use crate::text::{Lang, Msg};
use sync_protocol::market::{Body, Channel, Member};
use sync_protocol::units::Currency;
use uuid::Uuid;

pub use super::menus::Plan;

/// Who does it, as is known in the transaction that stores it.
#[derive(Clone, Copy, Debug)]
pub struct Who<'a> {
    /// The caller: E.164 without the plus sign.
    pub phone: u64,
    /// The member with that number.
    pub member: Option<&'a Member>,
    /// By what way.
    pub channel: Channel,
    /// In what this office sells; `None` where that is not known yet.
    pub currency: Option<Currency>,
}

/// What an act becomes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Becomes {
    /// A command.
    Command(Body),
    /// A note at this office alone: the language of a number that no member has.
    Note(Lang),
}

/// How an act that was cut off goes on.
pub(super) enum Resumed {
    /// Where it stood.
    AsItStood,
    /// From an earlier screen: something has changed since.
    From(Screen),
    /// Not at all: what it was about is gone. Another can be chosen there.
    Gone(Screen),
}

/// The words and figures of an act, as messages want them.
#[derive(Default)]
pub(super) struct Figures {
    pub(super) what: String,
    pub(super) price: String,
    pub(super) unit: String,
    pub(super) total: String,
    pub(super) seller: String,
    pub(super) name: String,
}

/// Something that a caller can do, as far as it was gathered. Names are kept as they were shown, for the offer to go on and for the
/// outcome.
pub(super) trait Act {
    /// Whether anything was entered that would have to be entered again.
    fn is_begun(&self) -> bool;

    /// Whether nothing is missing.
    fn is_whole(&self) -> bool;

    /// What it is about: the same act about the same thing is one, whatever was gathered, and keeps its command's id. `None` where there
    /// is only one.
    fn matter(&self) -> Option<Key>;

    /// The screens that lead to its last one, the first one first.
    fn trail(&self) -> Vec<Screen>;

    /// As a verb: `sell 50 kg Maize`. Of what was made before, also when: it may have its like.
    fn doing(&self, cx: &Cx<'_>, width: usize) -> String;

    /// What is said of it once it is taken: that it is done, or only asked for.
    fn said(&self, is_sure: bool) -> Msg;

    /// What that is filled in with.
    fn figures(&self, cx: &Cx<'_>, width: usize) -> Figures;

    /// What its refusal is told in.
    fn terms(&self, cx: &Cx<'_>) -> Terms;

    /// What it becomes; `None` where something is missing, or not known yet at this office.
    fn becomes(&self, id: Uuid, who: &Who<'_>) -> Option<Becomes>;

    /// The language that was chosen by it.
    fn language(&self) -> Option<Lang> {
        None
    }

    /// Where the call goes on once it is taken; `None` where it ends.
    fn goes_on(&self) -> Option<Screen> {
        None
    }

    /// Looks again at what it is about, after a call dropped.
    fn resume(&self, _: &Cx<'_>) -> Read<Resumed> {
        Ok(Resumed::AsItStood)
    }
}

/// What was gathered of an act, in a plan.
pub(super) trait Gathered: Sized {
    /// To show it, where it is this act.
    fn of(plan: Option<&Plan>) -> Option<&Self>;

    /// To gather more.
    fn of_mut(plan: Option<&mut Plan>) -> Option<&mut Self>;
}

/// Makes the list of acts, in `menus/mod.rs`.
macro_rules! acts {
    ($($name:ident($act:ty) = $text:literal),+ $(,)?) => {
        /// An act, as far as it was gathered.
        #[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
        #[expect(missing_docs, reason = "each is the act of that name")]
        pub enum Plan { $($name($act),)+ }

        impl Plan {
            pub(super) fn act(&self) -> &dyn $crate::ussd::acts::Act {
                match self { $(Self::$name(act) => act,)+ }
            }

            /// Its name in logs.
            pub fn name(&self) -> &'static str {
                match self { $(Self::$name(_) => $text,)+ }
            }

            /// The names of all acts.
            #[cfg(test)]
            pub(super) const NAMES: &'static [&'static str] = &[$($text),+];
        }

        $(impl From<$act> for Plan { fn from(act: $act) -> Self { Self::$name(act) } })+

        $(impl $crate::ussd::acts::Gathered for $act {
            fn of(plan: Option<&Plan>) -> Option<&Self> {
                if let Some(Plan::$name(act)) = plan { Some(act) } else { None }
            }

            fn of_mut(plan: Option<&mut Plan>) -> Option<&mut Self> {
                if let Some(Plan::$name(act)) = plan { Some(act) } else { None }
            }
        })+
    };
}
pub(super) use acts;

impl Plan {
    /// Whether two plans are about the same thing, whatever was gathered: then they share the command's id.
    pub(super) fn same_matter(&self, other: &Self) -> bool {
        self.name() == other.name() && self.act().matter() == other.act().matter()
    }

    /// What it becomes, done by somebody; `None` where something is missing, or not known yet at this office.
    pub fn becomes(&self, id: Uuid, who: &Who<'_>) -> Option<Becomes> {
        self.act().becomes(id, who)
    }
}

//! What somebody wanted, in the words of the office's page.

use super::told;
use crate::commands::Thing;
use crate::text::Lang;
use crate::text::office::{quantity, say};
use sync_protocol::market::{ActorKind, Body};
use sync_protocol::units::Quantity;

/// What was wanted; `None` is a command that this version cannot read.
pub(crate) fn wanted(lang: Lang, body: Option<&Body>, thing: Option<&Thing>, actor: ActorKind) -> String {
    let words = Wanted { lang, thing, actor };
    body.map_or_else(|| words.say("did-unknown", ""), |body| told(body).wanted(&words))
}

/// What there is to say it with.
pub(super) struct Wanted<'a> {
    pub(super) lang: Lang,
    pub(super) thing: Option<&'a Thing>,
    pub(super) actor: ActorKind,
}

impl Wanted<'_> {
    /// One of the sentences that say what was done to something.
    pub(super) fn say(&self, id: &str, what: &str) -> String {
        say(self.lang, id, &[("what", what)])
    }

    /// What the thing is called. Of an act of an earlier version whose listing is gone nothing is known but that.
    pub(super) fn name(&self) -> String {
        let name = self.thing.map(|thing| thing.name(self.lang)).filter(|name| !name.is_empty());
        name.map_or_else(|| say(self.lang, "product-gone", &[]), str::to_owned)
    }

    /// So much of it.
    pub(super) fn much(&self, milli: i64) -> String {
        let unit = self.thing.map_or("", |thing| thing.unit.as_str());
        format!("{} {}", quantity(Quantity(milli), unit), self.name())
    }
}

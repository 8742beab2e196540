//! What is kept between two requests of a call, and the draft that is kept between two calls.
//!
//! Both are stored as JSON by the caller. A form that this version cannot read is treated as not there: the caller starts
//! anew, and nothing is done twice, because the command's id decides that.

use super::acts::Plan;
use super::menus::Screen;
use super::menus::members::Language;
use super::view::Key;
use crate::text::Lang;
use serde::{Deserialize, Serialize};
use sync_protocol::phone::Phone;
use uuid::Uuid;

/// Screens that Back can return to. Deeper ones are forgotten; Home is always there.
pub(super) const BACK_MAX: usize = 24;

/// What a gateway shows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Reply {
    /// The screen's text, at most 182 septets.
    pub text: String,
    /// Whether the call goes on.
    pub more: bool,
}

/// One call, as it is kept between two requests. Keep it under (gateway, session id), for at least three minutes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Session {
    /// Who called: the session is bound to the number.
    #[serde(with = "phone_text")]
    pub(super) phone: Phone,
    pub(super) lang: Lang,
    pub(super) screen: Screen,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) back: Vec<Screen>,
    /// What the numbers of the screen on show stand for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub(super) shown: Vec<Key>,
    /// Septets of the line that stands above the screen on show.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) top_septets: usize,
    /// Where the list on show goes on, if it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) next_offset: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) draft: Option<Draft>,
    /// Wrong keys in a row.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) wrong: u8,
    /// Whether the last answer ended the call.
    #[serde(default, skip_serializing_if = "is_default")]
    pub(super) ended: bool,
    /// What was handed out to be done by the turn that is not finished yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) pending: Option<Pending>,
    pub(super) last_text: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) last_sequence: Option<u32>,
    pub(super) last_reply: Reply,
}

/// What is as at first need not be written: every step through a menu writes one of these.
fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// What an intent was made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Pending {
    /// The draft.
    Draft,
    /// The choice of a language.
    Language(Lang),
}

impl Session {
    pub(super) fn new(phone: &Phone, lang: Lang, draft: Option<Draft>) -> Self {
        Self {
            phone: phone.clone(),
            lang,
            screen: Screen::Home,
            back: Vec::new(),
            shown: Vec::new(),
            top_septets: 0,
            next_offset: None,
            draft,
            wrong: 0,
            ended: false,
            pending: None,
            last_text: String::new(),
            last_sequence: None,
            last_reply: Reply { text: String::new(), more: false },
        }
    }

    /// For the caller's store.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// From the caller's store; `None` for what this version cannot read.
    pub fn from_json(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// What the caller began and has not finished: to be kept under the number too, where anything was entered.
    pub fn draft(&self) -> Option<&Draft> {
        self.draft.as_ref().filter(|draft| draft.plan.act().is_begun())
    }

    /// What the gateway had sent by the last turn that is in here, where it sends everything each time.
    pub fn last_text(&self) -> &str {
        &self.last_text
    }

    /// The language of the call.
    pub fn lang(&self) -> Lang {
        self.lang
    }

    /// What was confirmed.
    pub(super) fn confirmed(&self, pending: Pending) -> Option<Plan> {
        match pending {
            Pending::Draft => self.draft.as_ref().map(|draft| draft.plan.clone()),
            Pending::Language(lang) => Some(Language { lang }.into()),
        }
    }

    /// The screen on show, for logs: a name without anything personal.
    pub fn screen_name(&self) -> &'static str {
        self.screen.name()
    }

    /// Goes to a screen that Back leaves again.
    pub(super) fn go(&mut self, screen: Screen) {
        if self.back.len() >= BACK_MAX {
            self.back.remove(0);
        }
        let from = std::mem::replace(&mut self.screen, screen);
        self.back.push(from);
    }

    /// Goes to the first screen.
    pub(super) fn go_home(&mut self) {
        self.back.clear();
        self.screen = Screen::Home;
    }

    /// Goes back one screen.
    pub(super) fn go_back(&mut self) {
        self.screen = self.back.pop().unwrap_or(Screen::Home);
    }
}

/// Something that a person began and did not finish. Keep it under the phone number.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Draft {
    /// The id of the command that it becomes, from the start and across calls.
    pub command_id: Uuid,
    /// When it was last worked on, as [`crate::time::Now::lived_s`].
    pub touched_lived_s: i64,
    /// What was gathered.
    pub(super) plan: Plan,
    /// The screen on which it stood.
    pub(super) screen: Screen,
}

impl Draft {
    /// For the caller's store.
    pub fn to_json(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// From the caller's store; `None` for what this version cannot read.
    pub fn from_json(json: &str) -> Option<Self> {
        serde_json::from_str(json).ok()
    }

    /// What was gathered.
    pub fn plan(&self) -> &Plan {
        &self.plan
    }
}

/// A phone number in E.164.
mod phone_text {
    use serde::{Deserialize, Deserializer, Serializer};
    use sync_protocol::phone::Phone;

    pub(super) fn serialize<S: Serializer>(phone: &Phone, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(phone.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Phone, D::Error> {
        let text = String::deserialize(from)?;
        Phone::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn phone() -> Phone {
        Phone::parse("+265999123456").unwrap()
    }

    #[test]
    fn what_cannot_be_read_is_not_there() {
        assert_eq!(Session::from_json(""), None);
        assert_eq!(Session::from_json("{\"phone\":1}"), None);
        assert_eq!(Draft::from_json("[]"), None);
        let session = Session::new(&phone(), Lang::Sw, None);
        assert!(!format!("{session:?}").contains("999123"), "a number is masked in logs");
        assert_eq!(Session::from_json(&session.to_json()), Some(session));
    }

    #[test]
    fn the_way_back_is_bounded() {
        let mut session = Session::new(&phone(), Lang::En, None);
        for _ in 0..100 {
            session.go(Screen::Me);
        }
        assert_eq!(session.back.len(), BACK_MAX);
    }
}

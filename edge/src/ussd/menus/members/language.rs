//! Another language. Each is written in itself; choosing is confirming, since it can be chosen back. A member's is changed by a command;
//! another number's choice is remembered here.

use crate::text::why::Terms;
use crate::text::{Lang, Msg};
use crate::ussd::acts::{Act, Becomes, Figures, Plan, Who};
use crate::ussd::lists::picked_small;
use crate::ussd::market::Read;
use crate::ussd::menus::{Desk, Move, Page, Screen};
use crate::ussd::session::Pending;
use crate::ussd::view::{Cx, Hint, Key, Row, View, list};
use serde::{Deserialize, Serialize};
use sync_protocol::market::MemberRegister;
use uuid::Uuid;

/// To be spoken to in another language.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Language {
    /// The language chosen.
    pub lang: Lang,
}

impl Act for Language {
    fn is_begun(&self) -> bool {
        false
    }

    fn is_whole(&self) -> bool {
        true
    }

    fn matter(&self) -> Option<Key> {
        None
    }

    fn trail(&self) -> Vec<Screen> {
        vec![Screen::Me]
    }

    fn doing(&self, cx: &Cx<'_>, _: usize) -> String {
        cx.text(Msg::DoingLanguage)
    }

    fn said(&self, _: bool) -> Msg {
        Msg::DoneLanguage
    }

    fn figures(&self, _: &Cx<'_>, _: usize) -> Figures {
        Figures::default()
    }

    fn terms(&self, cx: &Cx<'_>) -> Terms {
        Terms { unit: String::new(), currency: Some(cx.settings.currency) }
    }

    fn becomes(&self, _: Uuid, who: &Who<'_>) -> Option<Becomes> {
        let Some(member) = who.member else { return Some(Becomes::Note(self.lang)) };
        let (name, language) = (member.name.clone(), self.lang.code().to_owned());
        Some(Becomes::Command(
            MemberRegister { member: member.id.0, phone: who.phone, name, language }.into(),
        ))
    }

    fn language(&self) -> Option<Lang> {
        Some(self.lang)
    }

    fn goes_on(&self) -> Option<Screen> {
        Some(Screen::Home)
    }
}

/// The screen on which it is chosen.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChooseLanguage {
    /// Made when the screen is opened.
    pub(in crate::ussd) command_id: Uuid,
}

impl Page for ChooseLanguage {
    fn show(&self, cx: &Cx<'_>, _: Option<&Plan>) -> Read<View> {
        Ok(choices(cx, |_| cx.text(Msg::LanguageTitle)))
    }

    fn take(&self, _: &Cx<'_>, desk: &mut Desk<'_>, input: &str) -> Read<Move> {
        Ok(match picked(desk.shown, input) {
            Some(lang) => Move::Act(Pending::Language(lang)),
            None => Move::Stay(Hint::Choose),
        })
    }
}

/// A screen of all languages.
pub(super) fn choices(cx: &Cx<'_>, title: impl Fn(usize) -> String) -> View {
    let rows: Vec<Row> = Lang::ALL
        .iter()
        .enumerate()
        .map(|(place, lang)| Row::name(Key::Small(place as u32), cx.words.text(*lang, Msg::LanguageName)))
        .collect();
    list(cx, title, &rows, 0)
}

/// The language of a choice.
pub(super) fn picked(shown: &[Key], input: &str) -> Option<Lang> {
    Lang::ALL.get(picked_small(shown, input)? as usize).copied()
}

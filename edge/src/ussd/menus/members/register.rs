//! Joining the cooperative.

use crate::text::why::Terms;
use crate::text::{Lang, Msg};
use crate::ussd::acts::{Act, Becomes, Figures, Who};
use crate::ussd::menus::orders::{BuyCrops, MyOrders};
use crate::ussd::menus::{At, Screen};
use crate::ussd::view::{Cx, Key, short};
use serde::{Deserialize, Serialize};
use sync_protocol::market::MemberRegister;
use uuid::Uuid;

/// To register.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Register {
    /// Name, once given.
    pub name: Option<String>,
    /// Language, once chosen.
    pub lang: Option<Lang>,
    /// Where to go on.
    pub goal: Goal,
}

/// Where to go on after registering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Goal {
    /// The first screen.
    Home,
    /// Sell.
    Sell,
    /// Buy.
    Buy,
    /// My orders.
    Orders,
}

impl Goal {
    /// The screen it means.
    pub(in crate::ussd::menus) fn screen(self) -> Screen {
        match self {
            Self::Home => Screen::Home,
            Self::Sell => Screen::SellMenu,
            Self::Buy => BuyCrops { at: At::default() }.into(),
            Self::Orders => MyOrders { offset: 0 }.into(),
        }
    }
}

impl Register {
    /// Nothing gathered yet.
    pub(in crate::ussd::menus) fn towards(goal: Goal) -> Self {
        Self { name: None, lang: None, goal }
    }
}

impl Act for Register {
    fn is_begun(&self) -> bool {
        self.name.is_some()
    }

    fn is_whole(&self) -> bool {
        self.name.is_some() && self.lang.is_some()
    }

    fn matter(&self) -> Option<Key> {
        None
    }

    fn trail(&self) -> Vec<Screen> {
        vec![Screen::RegisterName, Screen::RegisterLanguage]
    }

    fn doing(&self, cx: &Cx<'_>, _: usize) -> String {
        cx.text(Msg::DoingRegister)
    }

    /// Nobody can refuse a member: at worst the number is known already under another id.
    fn said(&self, _: bool) -> Msg {
        Msg::DoneRegister
    }

    fn figures(&self, _: &Cx<'_>, width: usize) -> Figures {
        let name = self.name.as_ref().map_or_else(String::new, |name| short(name, width));
        Figures { name, ..Figures::default() }
    }

    fn terms(&self, cx: &Cx<'_>) -> Terms {
        Terms { unit: String::new(), currency: Some(cx.settings.currency) }
    }

    fn becomes(&self, id: Uuid, who: &Who<'_>) -> Option<Becomes> {
        let (name, language) = (self.name.clone()?, self.lang?.code().to_owned());
        Some(Becomes::Command(MemberRegister { member: id, phone: who.phone, name, language }.into()))
    }

    fn language(&self) -> Option<Lang> {
        self.lang
    }

    fn goes_on(&self) -> Option<Screen> {
        Some(self.goal.screen())
    }
}

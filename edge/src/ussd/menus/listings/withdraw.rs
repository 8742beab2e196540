//! Taking an offer back.

use super::{MyListing, MyListings};
use crate::text::Msg;
use crate::text::why::Terms;
use crate::ussd::acts::{Act, Becomes, Figures, Who};
use crate::ussd::menus::Screen;
use crate::ussd::thing::Thing;
use crate::ussd::view::{Cx, Key};
use serde::{Deserialize, Serialize};
use sync_protocol::market::ListingWithdraw;
use uuid::Uuid;

/// To take an offer back.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Withdraw {
    /// What.
    pub thing: Thing,
    /// What is left of it, in thousandths.
    pub left_milli: i64,
}

impl Act for Withdraw {
    fn is_begun(&self) -> bool {
        true
    }

    fn is_whole(&self) -> bool {
        true
    }

    fn matter(&self) -> Option<Key> {
        Some(Key::Id(self.thing.id))
    }

    fn trail(&self) -> Vec<Screen> {
        vec![Screen::SellMenu, MyListings { offset: 0 }.into(), MyListing { id: self.thing.id }.into()]
    }

    fn doing(&self, cx: &Cx<'_>, width: usize) -> String {
        self.thing.doing(cx, Msg::DoingWithdraw, Some(self.left_milli), width)
    }

    fn said(&self, is_sure: bool) -> Msg {
        if is_sure { Msg::DoneWithdraw } else { Msg::AskedWithdraw }
    }

    fn figures(&self, cx: &Cx<'_>, width: usize) -> Figures {
        self.thing.figures(cx, self.left_milli, width)
    }

    fn terms(&self, _: &Cx<'_>) -> Terms {
        self.thing.terms()
    }

    fn becomes(&self, _: Uuid, _: &Who<'_>) -> Option<Becomes> {
        Some(Becomes::Command(ListingWithdraw { listing: self.thing.id }.into()))
    }
}

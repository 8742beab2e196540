//! Offering produce.

use super::SellCrops;
use crate::text::Msg;
use crate::text::numbers::{money, total};
use crate::text::why::Terms;
use crate::ussd::acts::{Act, Becomes, Figures, Who};
use crate::ussd::market::UnitChoice;
use crate::ussd::menus::{At, Screen};
use crate::ussd::thing::{doing, figures};
use crate::ussd::view::{Cx, Key, word};
use serde::{Deserialize, Serialize};
use sync_protocol::market::ListingPost;
use uuid::Uuid;

/// To offer produce.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Sell {
    /// What.
    pub commodity: u32,
    /// Its name.
    pub crop: String,
    /// In which unit, once chosen.
    pub unit: Option<UnitChoice>,
    /// How much, once given.
    pub quantity_milli: Option<i64>,
    /// At what price a unit, once given.
    pub price_minor: Option<i64>,
}

impl Sell {
    fn unit_text(&self) -> &str {
        self.unit.as_ref().map_or("", |unit| unit.text.as_str())
    }
}

impl Act for Sell {
    fn is_begun(&self) -> bool {
        true
    }

    fn is_whole(&self) -> bool {
        self.unit.is_some() && self.quantity_milli.is_some() && self.price_minor.is_some()
    }

    fn matter(&self) -> Option<Key> {
        Some(Key::Small(self.commodity))
    }

    fn trail(&self) -> Vec<Screen> {
        vec![
            Screen::SellMenu,
            SellCrops { at: At::default() }.into(),
            Screen::SellUnits,
            Screen::SellQuantity,
            Screen::SellPrice,
        ]
    }

    fn doing(&self, cx: &Cx<'_>, width: usize) -> String {
        let quantity = self.quantity_milli.zip(self.unit.as_ref().map(|unit| unit.text.as_str()));
        doing(cx, Msg::DoingSell, quantity, &self.crop, None, width)
    }

    fn said(&self, is_sure: bool) -> Msg {
        if is_sure { Msg::DoneSell } else { Msg::AskedSell }
    }

    fn figures(&self, cx: &Cx<'_>, width: usize) -> Figures {
        let (milli, minor) = (self.quantity_milli.unwrap_or(0), self.price_minor.unwrap_or(0));
        let currency = cx.settings.currency;
        Figures {
            price: money(minor, currency),
            total: total(milli, minor, currency),
            ..figures(cx, milli, self.unit_text(), &self.crop, width)
        }
    }

    fn terms(&self, cx: &Cx<'_>) -> Terms {
        Terms { unit: word(self.unit_text()), currency: Some(cx.settings.currency) }
    }

    fn becomes(&self, id: Uuid, who: &Who<'_>) -> Option<Becomes> {
        let post = ListingPost {
            listing: id,
            commodity: self.commodity,
            unit: self.unit.as_ref()?.id,
            title: String::new(),
            quantity_milli: self.quantity_milli?,
            price_minor: self.price_minor?,
            currency: who.currency?.as_str().to_owned(),
            seller: who.member.map(|member| member.id.0),
            hub_milli: None,
        };
        Some(Becomes::Command(post.into()))
    }
}

//! Ordering what somebody offers.

use super::BuyCrops;
use crate::text::Msg;
use crate::text::why::Terms;
use crate::ussd::acts::{Act, Becomes, Figures, Resumed, Who};
use crate::ussd::market::Read;
use crate::ussd::menus::{At, Screen};
use crate::ussd::thing::Thing;
use crate::ussd::view::{Cx, Key, short};
use serde::{Deserialize, Serialize};
use sync_protocol::market::{OrderPlace, Source};
use uuid::Uuid;

/// To order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Buy {
    /// What.
    pub thing: Thing,
    /// Who sells.
    pub seller: String,
    /// How much, once given.
    pub quantity_milli: Option<i64>,
    /// Whether so much was held here when it was given.
    pub held: bool,
}

impl Act for Buy {
    fn is_begun(&self) -> bool {
        true
    }

    fn is_whole(&self) -> bool {
        self.quantity_milli.is_some()
    }

    fn matter(&self) -> Option<Key> {
        Some(Key::Id(self.thing.id))
    }

    fn trail(&self) -> Vec<Screen> {
        vec![BuyCrops { at: At::default() }.into(), Screen::BuyQuantity]
    }

    fn doing(&self, cx: &Cx<'_>, width: usize) -> String {
        self.thing.doing(cx, Msg::DoingBuy, self.quantity_milli, width)
    }

    fn said(&self, is_sure: bool) -> Msg {
        if is_sure { Msg::DoneBuy } else { Msg::AskedBuy }
    }

    fn figures(&self, cx: &Cx<'_>, width: usize) -> Figures {
        let of = self.thing.figures(cx, self.quantity_milli.unwrap_or(0), width);
        Figures { seller: short(&self.seller, width), ..of }
    }

    fn terms(&self, _: &Cx<'_>) -> Terms {
        self.thing.terms()
    }

    fn becomes(&self, _: Uuid, who: &Who<'_>) -> Option<Becomes> {
        let place = OrderPlace {
            listing: self.thing.id,
            quantity_milli: self.quantity_milli?,
            unit_price_minor: self.thing.unit_price_minor,
            // Whose units is chosen when the command is taken.
            source: Source::Ask,
            buyer_phone: who.phone,
            buyer_name: who.member.map_or_else(String::new, |member| member.name.clone()),
            channel: who.channel.code(),
        };
        Some(Becomes::Command(place.into()))
    }

    /// With a changed offer, from its quantity.
    fn resume(&self, cx: &Cx<'_>) -> Read<Resumed> {
        Ok(match cx.market.listing(self.thing.id, cx.lang)? {
            None => Resumed::Gone(BuyCrops { at: At::default() }.into()),
            Some(listing) if listing.unit_price_minor != self.thing.unit_price_minor => {
                Resumed::From(Screen::BuyQuantity)
            }
            Some(_) => Resumed::AsItStood,
        })
    }
}

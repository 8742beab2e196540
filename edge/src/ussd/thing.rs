//! What an act is about, as a draft keeps it: a listing or an order.

use super::acts::Figures;
use super::dated::when;
use super::view::{Cx, short, word};
use crate::text::Msg;
use crate::text::numbers::{money, quantity_of, total};
use crate::text::why::Terms;
use serde::{Deserialize, Serialize};
use sync_protocol::units::Currency;
use uuid::Uuid;

/// A listing or an order, as it was shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Thing {
    /// The listing's or the order's id.
    pub id: Uuid,
    /// Its name.
    pub name: String,
    /// One unit of it.
    pub unit_text: String,
    /// Price of one unit, in minor units.
    pub unit_price_minor: i64,
    /// The currency.
    #[serde(with = "currency_code")]
    pub currency: Currency,
    /// When the caller made it, seconds since 1970 UTC; none of what others offer, and of a draft that was kept before this was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_at_s: Option<i64>,
}

impl Thing {
    /// As a verb, of so much of it.
    pub(super) fn doing(&self, cx: &Cx<'_>, msg: Msg, milli: Option<i64>, width: usize) -> String {
        doing(cx, msg, milli.map(|milli| (milli, &*self.unit_text)), &self.name, self.made_at_s, width)
    }

    /// The words and figures of so much of it.
    pub(super) fn figures(&self, cx: &Cx<'_>, milli: i64, width: usize) -> Figures {
        let of = figures(cx, milli, &self.unit_text, &self.name, width);
        Figures {
            what: of.what + &when(cx, self.made_at_s, width),
            price: money(self.unit_price_minor, self.currency),
            total: total(milli, self.unit_price_minor, self.currency),
            ..of
        }
    }

    pub(super) fn terms(&self) -> Terms {
        Terms { unit: word(&self.unit_text), currency: Some(self.currency) }
    }
}

/// What is done to something, as a verb: `sell 50 kg Maize`.
pub(super) fn doing(
    cx: &Cx<'_>,
    msg: Msg,
    quantity: Option<(i64, &str)>,
    name: &str,
    made_at_s: Option<i64>,
    width: usize,
) -> String {
    let name = short(name, width);
    let what = match quantity {
        Some((milli, unit)) => cx.what(&quantity_of(milli, &word(unit)), &name),
        None => name,
    };
    cx.fill(msg, &[("what", &(what + &when(cx, made_at_s, width)))])
}

/// So much of something, and its unit.
pub(super) fn figures(cx: &Cx<'_>, milli: i64, unit: &str, name: &str, width: usize) -> Figures {
    let unit = word(unit);
    let what = cx.what(&quantity_of(milli, &unit), &short(name, width));
    Figures { what, unit, ..Figures::default() }
}

/// A currency as its three letters.
mod currency_code {
    use serde::{Deserialize, Deserializer, Serializer};
    use sync_protocol::units::Currency;

    pub(super) fn serialize<S: Serializer>(currency: &Currency, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(currency.as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Currency, D::Error> {
        let code = String::deserialize(from)?;
        Currency::new(&code).ok_or_else(|| serde::de::Error::custom("no currency code"))
    }
}

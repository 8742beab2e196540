//! What there is to sell, buy and ask the price of.

use super::{Named, Read, Window};
use crate::text::Lang;

/// Which commodities a list is of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shelf {
    /// Those with a price at some market.
    Prices,
    /// Those that members may offer.
    Sell,
    /// Those that are on offer now, with something left.
    Offered,
}

/// A selling unit.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct UnitChoice {
    /// Its id.
    pub id: u32,
    /// As a screen shows it, such as `kg` or `90 kg`.
    pub text: String,
    /// The smallest step in which it can be had, in thousandths: pieces are whole.
    #[serde(default = "any_part")]
    pub step_milli: i64,
}

/// Of a unit that was kept before steps were: any part of it.
fn any_part() -> i64 {
    1
}

/// Commodities and the units they are sold by. No two commodities of one answer have the same name.
pub trait Crops {
    /// Commodities, in an order that stays the same from day to day (dial codes are learnt by heart).
    fn crops(&self, shelf: Shelf, lang: Lang, starts_with: &str, window: Window) -> Read<Vec<Named>>;

    /// A commodity's name.
    fn crop_name(&self, commodity: u32, lang: Lang) -> Read<Option<String>>;

    /// Every name of every commodity with prices, in all languages: for finding one in an SMS.
    fn crop_names(&self) -> Read<Vec<Named>>;

    /// The units in which members may offer a commodity, the usual one first.
    fn units(&self, commodity: u32, lang: Lang) -> Read<Vec<UnitChoice>>;
}

#[cfg(test)]
mod in_memory {
    use crate::text::Lang;
    use crate::ussd::fake::{Crop, Fake, begins, part};
    use crate::ussd::market::*;

    impl Crops for Fake {
        fn crops(&self, shelf: Shelf, lang: Lang, starts_with: &str, window: Window) -> Read<Vec<Named>> {
            self.readable()?;
            let offered = |id: u32| shelf != Shelf::Offered || self.crops.len() > 10 || id == 8;
            let all = self.crops.iter().filter(|crop| offered(crop.0));
            let all = all.map(|crop| Named { id: crop.0, name: Self::name(crop, lang) });
            Ok(part(all.filter(|named| begins(&named.name, starts_with)), window))
        }

        fn crop_name(&self, commodity: u32, lang: Lang) -> Read<Option<String>> {
            self.readable()?;
            Ok(self.crops.iter().find(|crop| crop.0 == commodity).map(|crop| Self::name(crop, lang)))
        }

        fn crop_names(&self) -> Read<Vec<Named>> {
            self.readable()?;
            let both = |crop: &Crop| [(crop.0, crop.1), (crop.0, crop.2)];
            Ok(self.crops.iter().flat_map(both).map(|(id, name)| Named { id, name: name.into() }).collect())
        }

        fn units(&self, _: u32, _: Lang) -> Read<Vec<UnitChoice>> {
            Ok(self.units.clone())
        }
    }
}

//! Crops and units in memory.

use super::{Crop, Fake, begins, part};
use crate::text::Lang;
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

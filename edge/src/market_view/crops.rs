//! Crops and the units they are sold by.

use super::{View, begins, part, unreadable};
use crate::db::DbError;
use crate::text::units::unit_name;
use crate::text::{Lang, Messages};
use crate::ussd::market::{Crops, Named, Read, Shelf, UnitChoice, Window};
use sync_protocol::market::UnitBase;

/// Units that a seller is offered at most.
const UNITS_MAX: usize = 8;

/// Sizes in which produce is sold everywhere, in thousandths of a kilogram.
const USUAL_SIZES: &[i64] = &[1_000, 50_000, 90_000];

impl Crops for View<'_> {
    fn crops(&self, shelf: Shelf, lang: Lang, starts_with: &str, window: Window) -> Read<Vec<Named>> {
        match shelf {
            Shelf::Prices => Ok(self.named_crops(&self.reference.priced, lang, starts_with, window)),
            Shelf::Sell => Ok(self.named_crops(&self.reference.offerable, lang, starts_with, window)),
            Shelf::Offered => {
                let crops = self.offered_crops().map_err(unreadable)?;
                Ok(self.named_crops(&crops, lang, starts_with, window))
            }
        }
    }

    fn crop_name(&self, commodity: u32, lang: Lang) -> Read<Option<String>> {
        Ok(self.reference.crop(commodity).map(|crop| crop.name(lang).to_owned()))
    }

    fn crop_names(&self) -> Read<Vec<Named>> {
        let priced = &self.reference.priced;
        let names = priced.iter().filter_map(|id| Some((*id, self.reference.crop(*id)?.names())));
        Ok(names
            .flat_map(|(id, names)| names.map(move |name| (id, name)))
            .filter(|(_, name)| !name.means_another(self.reference.crops(priced)))
            .map(|(id, name)| Named { id, name: name.text.to_owned() })
            .collect())
    }

    fn units(&self, commodity: u32, lang: Lang) -> Read<Vec<UnitChoice>> {
        self.unit_choices(commodity, lang).map_err(unreadable)
    }
}

impl View<'_> {
    fn named_crops(&self, ids: &[u32], lang: Lang, starts_with: &str, window: Window) -> Vec<Named> {
        let found = ids.iter().filter_map(|id| {
            let crop = self.reference.crop(*id)?;
            let name = crop.name(lang);
            // Whatever people call it: many a caller has another language on his phone than in his mouth.
            let mut called = crop.names().filter(|name| begins(name.text, starts_with));
            let is_meant = begins(name, starts_with)
                || called.any(|name| !name.means_another(self.reference.crops(ids)));
            is_meant.then(|| Named { id: *id, name: name.to_owned() })
        });
        part(found, window)
    }

    fn unit_choices(&self, commodity: u32, lang: Lang) -> Result<Vec<UnitChoice>, DbError> {
        let units = &self.reference.units;
        let usual = USUAL_SIZES.iter().flat_map(|size| {
            let fits = |unit: &&sync_protocol::market::Unit| {
                unit.base == UnitBase::Kilogram && unit.factor_milli == *size
            };
            units.values().filter(fits).map(|unit| unit.id.0).min()
        });
        let usual: Vec<u32> = usual.collect();
        let seen = self.lines(commodity)?.units();
        // A crop that is sold by the kilogram somewhere is sold by the bag too; eggs are not.
        let by_weight = |id: &u32| units.get(id).is_some_and(|unit| unit.base == UnitBase::Kilogram);
        let mut ids: Vec<u32> = Vec::new();
        if seen.is_empty() || seen.iter().any(by_weight) {
            ids.extend(usual.first());
            ids.extend(seen.iter().chain(&usual));
        } else {
            ids.extend(&seen);
        }
        let mut choices: Vec<UnitChoice> = Vec::new();
        for id in ids {
            let Some(unit) = units.get(&id) else { continue };
            let text = unit_name(Messages::get(), lang, &unit.code);
            if choices.len() < UNITS_MAX
                && choices.iter().all(|choice| choice.id != id && choice.text != text)
            {
                choices.push(UnitChoice { id, text, step_milli: unit.step_milli() });
            }
        }
        Ok(choices)
    }
}

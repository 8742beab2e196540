//! Prices in memory.

use super::{Fake, begins, part};
use crate::text::Lang;
use crate::ussd::market::*;
use sync_protocol::phone::Phone;
use sync_protocol::units::Month;

impl Prices for Fake {
    fn markets(&self, _: u32, _: &Phone, starts_with: &str, window: Window) -> Read<Vec<Named>> {
        self.readable()?;
        Ok(part(self.markets.iter().filter(|named| begins(&named.name, starts_with)).cloned(), window))
    }

    /// Those with a price, as a replica has it.
    fn nearest(&self, _: u32, _: Option<u32>) -> Read<Vec<Named>> {
        let mut markets = self.all_markets()?;
        markets.pop();
        Ok(markets)
    }

    fn all_markets(&self) -> Read<Vec<Named>> {
        self.readable()?;
        Ok(self.markets.clone())
    }

    fn home_market(&self, _: &Phone, _: u32) -> Read<Option<u32>> {
        Ok(self.markets.first().map(|named| named.id))
    }

    fn quote(&self, commodity: u32, market: u32, lang: Lang) -> Read<Option<Quote>> {
        let Some(crop) = self.crop_name(commodity, lang)? else { return Ok(None) };
        let Some(named) = self.markets.iter().find(|named| named.id == market) else { return Ok(None) };
        // The last market of the list has no price yet: it is near nothing.
        let mut series =
            if named.id as usize == self.markets.len() { Vec::new() } else { self.series.clone() };
        let month = self.months.iter().find(|(of, _)| *of == (commodity, market)).map(|(_, month)| *month);
        if let (Some(first), Some(month)) = (series.first_mut(), month) {
            first.latest.month = month;
        }
        Ok(Some(Quote { crop, market: named.name.clone(), series }))
    }

    fn best_near(&self, _: u32, _: u32, _: &Series, not_before: Month) -> Read<Option<Best>> {
        Ok(self.best.clone().filter(|best| best.point.month >= not_before))
    }
}

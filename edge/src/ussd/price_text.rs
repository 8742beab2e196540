//! Says a price in words: how much, how old, how it moved, where it is best. The same for a screen and for an SMS.
//!
//! A price is never said without its month, and an old one is always called old.

use super::market::{Best, PriceKind, Series};
use super::view::word;
use crate::text::shorten::shorten;
use crate::text::{Lang, Messages, Msg, numbers};
use sync_protocol::units::{Currency, Month};

/// What to say prices with.
#[derive(Clone, Copy)]
pub(crate) struct Voice<'a> {
    pub(crate) words: &'a Messages,
    pub(crate) lang: Lang,
    /// The month of today.
    pub(crate) month: Month,
    pub(crate) old_after_months: u32,
}

impl Voice<'_> {
    /// `Apr 2026`
    fn month_text(&self, month: Month) -> String {
        let name = month_name(i64::from(month.month()));
        let (name, year) = (self.words.text(self.lang, name), month.year().to_string());
        self.words.fill(self.lang, Msg::Month, &[("name", &name), ("year", &year)])
    }

    fn is_old(&self, month: Month) -> bool {
        month.months_until(self.month) > self.old_after_months
    }

    /// The oldest month that may still be called the best price.
    pub(crate) fn not_before(&self) -> Month {
        oldest(self.month, self.old_after_months)
    }
}

/// The oldest month of which a price is not called old.
pub(crate) fn oldest(today: Month, old_after_months: u32) -> Month {
    Month(today.0.saturating_sub(old_after_months))
}

/// The short name of a month of the year, from 1.
pub(super) fn month_name(number: i64) -> Msg {
    const NAMES: [Msg; 12] = [
        Msg::Month1,
        Msg::Month2,
        Msg::Month3,
        Msg::Month4,
        Msg::Month5,
        Msg::Month6,
        Msg::Month7,
        Msg::Month8,
        Msg::Month9,
        Msg::Month10,
        Msg::Month11,
        Msg::Month12,
    ];
    let place = usize::try_from(number - 1).unwrap_or_default();
    NAMES.get(place).copied().unwrap_or(Msg::Month1)
}

/// Below this width of names there is no room to say how a price moved.
const BRIEF_WIDTH: usize = 10;

/// The lines about one series: the price; its month; how it moved; the best near, where there is one. The name of the
/// best market takes at most `width` septets; with very few, how the price moved is left out.
pub(crate) fn facts(
    voice: &Voice<'_>,
    series: &Series,
    here: u32,
    best: Option<&Best>,
    width: usize,
) -> Vec<String> {
    let (words, lang) = (voice.words, voice.lang);
    let currency = series.currency;
    let kind = match series.kind {
        PriceKind::Retail => words.text(lang, Msg::PriceRetail),
        PriceKind::Wholesale => words.text(lang, Msg::PriceWholesale),
        PriceKind::FarmGate => words.text(lang, Msg::PriceFarmGate),
        PriceKind::Other => String::new(),
    };
    let price = numbers::money(series.latest.price_minor, currency);
    let unit = word(&series.unit_text);
    let now = words.fill(lang, Msg::PriceNow, &[("price", &price), ("unit", &unit), ("kind", &kind)]);
    let mut when = voice.month_text(series.latest.month);
    let source = word(&series.source);
    if !source.is_empty() {
        when = words.fill(lang, Msg::PriceWhen, &[("month", &when), ("source", &source)]);
    }
    if voice.is_old(series.latest.month) {
        when = words.fill(lang, Msg::PriceOld, &[("when", &when)]);
    }
    let mut lines = vec![now.trim_end().to_owned(), when];
    if let Some(before) = series.previous.filter(|_| width > BRIEF_WIDTH) {
        let since = voice.month_text(before.month);
        let moved = series.latest.price_minor.saturating_sub(before.price_minor);
        let amount = numbers::amount(moved.saturating_abs(), currency);
        let msg = match moved.signum() {
            1 => Msg::PriceUp,
            -1 => Msg::PriceDown,
            _ => Msg::PriceSame,
        };
        lines.push(words.fill(lang, msg, &[("amount", &amount), ("month", &since)]));
    }
    // An old price is never the best one, whatever was found.
    match best.filter(|best| best.point.month >= voice.not_before()) {
        Some(best) if best.market == here => lines.push(words.text(lang, Msg::PriceBestHere)),
        Some(best) => lines.push(best_line(voice, best, currency, width)),
        None => {}
    }
    lines
}

fn best_line(voice: &Voice<'_>, best: &Best, currency: Currency, width: usize) -> String {
    let name = shorten(&best.name, width);
    let price = numbers::amount(best.point.price_minor, currency);
    let month = voice.month_text(best.point.month);
    voice.words.fill(voice.lang, Msg::PriceBest, &[("market", &name), ("price", &price), ("month", &month)])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ussd::market::Point;

    fn series(latest: Month, price_minor: i64, previous: Option<Point>) -> Series {
        Series {
            unit: 1,
            unit_text: "kg".to_owned(),
            kind: PriceKind::Retail,
            currency: Currency::new("MWK").unwrap(),
            latest: Point { price_minor, month: latest },
            previous,
            source: "WFP".to_owned(),
        }
    }

    fn voice(lang: Lang) -> Voice<'static> {
        Voice { words: Messages::get(), lang, month: Month::new(2026, 11).unwrap(), old_after_months: 3 }
    }

    #[test]
    fn a_price_older_than_three_months_is_called_old() {
        let line = |year, month| {
            facts(&voice(Lang::En), &series(Month::new(year, month).unwrap(), 25_000, None), 1, None, 20)[1]
                .clone()
        };
        assert_eq!(line(2026, 8), "Aug 2026 (WFP)");
        assert_eq!(line(2026, 7), "OLD: Jul 2026 (WFP)");
        assert_eq!(line(2022, 6), "OLD: Jun 2022 (WFP)");
        assert_eq!(line(2027, 1), "Jan 2027 (WFP)", "a clock that is behind makes nothing old");
    }

    #[test]
    fn says_how_it_moved_and_where_it_is_best() {
        let month = Month::new(2026, 10).unwrap();
        let before = |price_minor| Some(Point { price_minor, month: Month::new(2026, 9).unwrap() });
        let moved = |before| facts(&voice(Lang::En), &series(month, 25_050, before), 1, None, 20)[2].clone();
        assert_eq!(moved(before(24_000)), "Up 10.50 since Sep 2026");
        assert_eq!(moved(before(25_150)), "Down 1 since Sep 2026");
        assert_eq!(moved(before(25_050)), "Same as in Sep 2026");
        let best = Best {
            market: 2,
            name: "Illbissil Food Market".into(),
            point: Point { price_minor: 28_000, month },
        };
        let lines = facts(&voice(Lang::Sw), &series(month, 25_050, None), 1, Some(&best), 14);
        assert_eq!(lines[2], "Bei bora karibu: Illbissil Food 280, Okt 2026");
        let lines = facts(&voice(Lang::En), &series(month, 25_050, None), 2, Some(&best), 14);
        assert_eq!(lines[2], "Best near: here");
    }
}

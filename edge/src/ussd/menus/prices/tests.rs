//! Prices on the phone: how the screens look, and the walks to them.

use super::{Price, PriceCrops, PriceMarkets};
use crate::text::Lang;
use crate::ussd::fake::month;
use crate::ussd::menus::At;
use crate::ussd::tests::dialler::{member, stranger};
use crate::ussd::tests::screens::{Case, Figures, Noun, empty, same};

pub(in crate::ussd) const NOUN: Noun = Noun { plans: |_, _| Vec::new(), cases };

fn cases(figures: &Figures, _: Lang) -> Vec<Case> {
    let (at, commodity, last) = (At::default, figures.crop, (figures.make)().markets.len() as u32);
    let price = |market, series| Price { commodity, market, series }.into();
    vec![
        figures.list(PriceCrops { at: at() }, |fake| fake.crops.len()),
        figures.case("none", PriceCrops { at: at() }.into(), None, empty),
        figures.list(PriceMarkets { commodity, at: at() }, |fake| fake.markets.len()),
        figures.case("none", PriceMarkets { commodity, at: at() }.into(), None, |fake| fake.markets.clear()),
        figures.case("", price(1, 0), None, same),
        figures.case("", price(1, 1), None, same),
        figures.case("best here", price(2, 0), None, same),
        figures.case("fresh", price(1, 0), None, |fake| fake.series[0].latest.month = month(2026, 10)),
        figures.case("none", price(last, 0), None, same),
    ]
}

#[test]
fn a_price_is_read_by_anybody() {
    let mut phone = stranger();
    assert_eq!(phone.dial(), "Welcome to Mizili\n1 Prices\n2 Sell\n3 Buy\n4 My orders\n8 Me");
    assert!(phone.press("1").starts_with("Price of what? Number or name:\n1 Maize\n2 Rice\n"));
    assert!(phone.press("1").starts_with("Maize: which market?\n1 Lilongwe\n2 Mitundu\n"));
    assert_eq!(
        phone.press("1"),
        "Maize, Lilongwe\nMWK 250/kg retail\nOLD: Jun 2022 (WFP)\nUp 12 since May 2022\n\
         Best near: Mitundu 280, Oct 2026\n98 More 0 Back 00 Home"
    );
    assert!(phone.press("98").contains("MWK 21,500/90 kg wholesale"));
    assert!(phone.press("0").contains("MWK 250/kg"), "back to the first line of prices");
    assert!(phone.press("0").starts_with("Maize: which market?"));
    assert!(phone.press("00").starts_with("Welcome"));
    assert!(phone.intents.is_empty());
}

#[test]
fn letters_find_what_is_pages_away() {
    let mut phone = member();
    phone.dial();
    assert!(
        phone.walk(&["1", "cas"]).starts_with("Cassava: which market?"),
        "one found is as good as picked"
    );
    let found = phone.press("mango");
    assert_eq!(
        found,
        "Cassava: which market?\n1 Mangochi\n2 Mangochi Turn Off\n3 Mangochi Boma\n0 Back 00 Home"
    );
    assert!(phone.press("3").starts_with("Cassava, Mangochi Boma\n"));
    // A row whose words are typed as the screen shows them is that row, also where another begins with them.
    assert!(phone.walk(&["0", "mango", "Mangochi"]).starts_with("Cassava, Mangochi\n"));
    phone.press("0");
    phone.press("0");
    assert!(phone.walk(&["zz"]).starts_with("Nothing found for that.\nCassava: which market?"));
}

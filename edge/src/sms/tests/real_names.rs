//! Texts as people wrote them, on the names of crops and markets as the price files write them: each gets a price, or a question of
//! which every answer gets one. On a real replica.

use super::told_to_send;
use crate::db::DbError;
use crate::market_view::MarketCache;
use crate::replica;
use crate::sms::{Incoming, Recent, answer};
use crate::testing::{COOP, EDGE, KG, REGION, TestEdge, live, malawi};
use crate::text::Lang;
use crate::text::shorten::clean_name;
use crate::ussd::Settings;
use crate::ussd::examples::Examples;
use crate::ussd::fake::currency;
use crate::ussd::market::{Crops as _, Prices as _, Shelf, Window};
use std::collections::{BTreeMap, BTreeSet};
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CommodityId, MarketId, SeriesId};
use sync_protocol::market::{
    Commodity, EdgeSettings, Market, Price, PriceFlags, PriceSeries, Unit, UnitBase,
};
use sync_protocol::phone::Phone;
use sync_protocol::row::Row;
use sync_protocol::units::{Currency, Month};

/// What the files hold: crop, market.
type Lines = BTreeSet<(String, String)>;

/// Real names, as the World Food Programme writes them, of countries whose files are not here.
const GHANA: (&[&str], &[&str]) = (
    &["Rice (local)", "Rice (imported)", "Rice (paddy)", "Maize", "Maize (yellow)"],
    &["Accra", "Tumu", "Techiman", "Kumasi", "Tamale", "Wa", "Bolga", "Cape Coast", "Sekondi/Takoradi"],
);
const UGANDA: (&[&str], &[&str]) = (
    &["Rice", "Maize", "Maize (white)", "Maize flour", "Beans", "Beans (fresh)"],
    &[
        "Owino",
        "Kampala",
        "Gulu",
        "Adjumani (Refugee Settlement)",
        "Adjumani",
        "Bidibidi (Refugee Settlement)",
    ],
);

const MOZAMBIQUE: (&[&str], &[&str]) =
    (&["Maize (white)", "Rice (imported)", "Beans (butter)"], &["Chókwè", "Manjacaze", "Angónia", "Tete"]);

fn all_of((crops, markets): (&[&str], &[&str])) -> Lines {
    let pairs = crops.iter().flat_map(|crop| markets.iter().map(move |market| (crop, market)));
    pairs.map(|(crop, market)| ((*crop).to_owned(), (*market).to_owned())).collect()
}

/// The fields of a line of CSV, of which some stand in quotation marks.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut is_quoted) = (vec![String::new()], false);
    for letter in line.chars() {
        match letter {
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => fields.push(String::new()),
            other => fields.last_mut().unwrap().push(other),
        }
    }
    fields
}

/// Every crop at every market of which a real file has a price, of the crops that people asked for.
fn file(iso3: &str) -> Lines {
    let path = format!("{}/../hub/data/prices/wfp_food_prices_{iso3}.csv", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    let head = fields(text.lines().next().unwrap());
    let at = |name: &str| head.iter().position(|field| field == name).unwrap();
    let (market, crop) = (at("market"), at("commodity"));
    let lines = text.lines().skip(1).filter(|line| !line.starts_with('#')).map(fields);
    let asked = |crop: &str| ["Rice", "Maize", "Beans"].iter().any(|name| crop.starts_with(name));
    lines.filter(|line| asked(&line[crop])).map(|line| (line[crop].clone(), line[market].clone())).collect()
}

/// An office that knows these prices, each of last month.
struct Office {
    edge: TestEdge,
    cache: MarketCache,
    currency: Currency,
}

impl Office {
    fn with(lines: &Lines, code: &str) -> Self {
        let (edge, currency) = (TestEdge::enrolled(), currency(code));
        let number = |names: BTreeSet<&String>| -> BTreeMap<String, u32> {
            (1..).zip(names).map(|(n, name)| (name.clone(), n)).collect()
        };
        let crops = number(lines.iter().map(|(crop, _)| crop).collect());
        let markets = number(lines.iter().map(|(_, market)| market).collect());
        let settings = EdgeSettings {
            id: EDGE,
            cooperative: COOP,
            country: malawi(),
            currency,
            national: true,
            name: String::new(),
        };
        edge.feed(Bucket::Edge(EDGE), vec![live(&settings)]);
        let mut global: Vec<Row> = crops.iter().map(|(name, id)| live(&crop(*id, name))).collect();
        global.push(live(&Unit { id: KG, code: "KG".into(), base: UnitBase::Kilogram, factor_milli: 1_000 }));
        edge.feed(Bucket::Global, global);
        let mut rows: Vec<Row> = markets.iter().map(|(name, id)| live(&market(*id, name))).collect();
        for (n, (crop, market)) in (1..).zip(lines) {
            let (id, kind) = (SeriesId(n), "Retail".to_owned());
            let (market, commodity) = (MarketId(markets[market]), CommodityId(crops[crop]));
            rows.push(live(&PriceSeries { id, market, commodity, unit: KG, price_type: kind, currency }));
            let at = (id, Month::new(2026, 2).unwrap());
            rows.push(live(&Price {
                at,
                price_minor: 155 * 10_i64.pow(currency.digits()),
                flags: PriceFlags::ACTUAL,
            }));
        }
        edge.feed(Bucket::Region(REGION), rows);
        Self { edge, cache: MarketCache::default(), currency }
    }

    /// What a text is answered with.
    fn say(&self, text: &str) -> String {
        let at = self.edge.deps().clock.read();
        self.edge.read(|conn| -> Result<String, DbError> {
            let view = self.cache.patient(conn, at)?;
            let phone = Phone::parse("+265999123432").unwrap();
            let incoming = Incoming { phone: &phone, text, recent: Recent::default() };
            let now = "2026-03-01T10:00:00Z".parse().unwrap();
            let decision =
                answer(&view, &self.settings(&view.place().example_market), &incoming, now).unwrap();
            Ok(decision.reply.unwrap_or_else(|| panic!("silence to {text}")))
        })
    }

    fn settings(&self, example_market: &str) -> Settings {
        Settings {
            sms_number: Some("21512".into()),
            ..Settings::new(Lang::En, self.currency, example_market)
        }
    }

    /// A text is answered with a price; or with a question, of which each answer is, and none is asked the same again.
    fn leads_to_prices(&self, text: &str) -> Vec<String> {
        let mut prices = Vec::new();
        let mut asked = vec![(text.to_owned(), Vec::new())];
        while let Some((text, before)) = asked.pop() {
            let said = self.say(&text);
            if said.contains(&format!("{} 155/kg retail", self.currency)) {
                prices.push(said);
                continue;
            }
            let options = told_to_send(&said);
            assert!(!options.is_empty(), "{before:?} {text}: {said}");
            assert!(!before.contains(&said), "{before:?} {text}: asked again: {said}");
            let before = [&before[..], &[said]].concat();
            asked.extend(options.into_iter().map(|option| (option, before.clone())));
        }
        prices
    }
}

impl Office {
    /// Every crop at every so many of its markets, with the SMS that a screen shows for that.
    fn requests(&self, every: usize) -> Vec<(String, String, Option<String>)> {
        let at = self.edge.deps().clock.read();
        self.edge.read(|conn| -> Result<Vec<_>, DbError> {
            let view = self.cache.patient(conn, at)?;
            let settings = self.settings("");
            let examples = Examples::new(&view, &settings, Lang::En, Month::new(2026, 3).unwrap());
            let crops = view.crops(Shelf::Prices, Lang::En, "", Window { offset: 0, limit: 1_000 }).unwrap();
            let mut asked = Vec::new();
            for crop in crops {
                for place in view.nearest(crop.id, None).unwrap().into_iter().step_by(every) {
                    let sms = examples.request(crop.id, place.id).unwrap();
                    asked.push((crop.name.clone(), place.name, sms));
                }
            }
            Ok(asked)
        })
    }

    /// That a text is answered with this price and no other.
    fn answers_with_the_price(&self, sms: &str, crop: &str, place: &str) {
        let said = self.say(sms);
        assert!(said.contains(" 155/kg retail"), "{sms}: {said}");
        // As far as there was room for them.
        let named = |name: &str| clean_name(name).chars().take(7).collect::<String>();
        let (what, _) = said.split_once(": ").unwrap();
        let is_there = what.contains(&format!(", {}", named(place)));
        assert!(what.starts_with(&named(crop)) && is_there, "{crop}, {place}: {sms}: {said}");
    }
}

fn crop(id: u32, name: &str) -> Commodity {
    Commodity {
        id: CommodityId(id),
        name: name.to_owned(),
        category: "cereals and tubers".into(),
        name_sw: String::new(),
        name_ny: String::new(),
        name_fr: String::new(),
        on_menus: true,
    }
}

fn market(id: u32, name: &str) -> Market {
    Market {
        id: MarketId(id),
        name: name.to_owned(),
        country: malawi(),
        region: Some(REGION),
        district: String::new(),
        latitude_e5: None,
        longitude_e5: None,
    }
}

#[test]
fn rice_is_asked_for_as_people_wrote_it() {
    let offices = [
        ("KEN", Office::with(&file("ken"), "KES")),
        ("MWI", Office::with(&file("mwi"), "MWK")),
        ("GHA", Office::with(&all_of(GHANA), "GHS")),
        ("UGA", Office::with(&all_of(UGANDA), "UGX")),
        ("MOZ", Office::with(&all_of(MOZAMBIQUE), "MZN")),
    ];
    for (country, text, crop, place) in [
        ("KEN", "RICE NAIROBI", "Rice", "Nairobi"),
        ("KEN", "Rice nairobi please", "Rice", "Nairobi"),
        ("MWI", "RICE BLANTYRE", "Rice", ""),
        ("MWI", "Rice, Zomba", "Rice", "Zomba"),
        ("GHA", "RICE ACCRA", "Rice", "Accra"),
        ("GHA", "RICE LOCAL TUMU", "Rice (local)", "Tumu"),
        ("UGA", "RICE OWINO", "Rice", "Owino"),
        ("UGA", "RICE", "Rice", ""),
        ("MOZ", "PRICE MAIZE CHOKWE", "Maize (white)", "Ch"),
        ("MOZ", "Maize chókwè", "Maize (white)", "Ch"),
        ("MOZ", "maize angonia", "Maize (white)", "Ang"),
    ] {
        let (_, office) = offices.iter().find(|(code, _)| *code == country).unwrap();
        for price in office.leads_to_prices(text) {
            let (what, rest) = price.split_once(", ").unwrap();
            assert!(
                what.starts_with(crop) && rest.split(':').next().unwrap().contains(place),
                "{country} {text}: {price}"
            );
        }
    }
    // Two kinds of rice: each of them at the market that was named.
    let ghana = &offices[2].1;
    assert_eq!(
        ghana.say("RICE ACCRA"),
        "Which one? Send PRICE and one of these: RICE IMPORTED ACCRA; RICE LOCAL ACCRA; RICE PADDY ACCRA"
    );
    assert!(ghana.say("RICE LOCAL TUMU").starts_with("Rice (local), Tumu: GHS "));
    // Alone it is asked about as maize is.
    let uganda = &offices[3].1;
    let alone = uganda.say("MAIZE");
    assert_eq!(uganda.say("RICE").replace(" RICE ", " MAIZE "), alone);
}

#[test]
fn an_example_is_answered_with_a_price_and_has_no_brackets() {
    for office in [
        Office::with(&file("ken"), "KES"),
        Office::with(&file("mwi"), "MWK"),
        Office::with(&all_of(GHANA), "GHS"),
        Office::with(&all_of(UGANDA), "UGX"),
        Office::with(&all_of(MOZAMBIQUE), "MZN"),
    ] {
        for text in ["HELP", "what is this?", "PRICE", "PRICE goats"] {
            let said = office.say(text);
            let examples = told_to_send(&said).into_iter().filter(|example| example.starts_with("PRICE "));
            let examples: Vec<String> = examples.collect();
            assert_eq!(examples.len(), 1, "{text}: {said}");
            assert!(!examples[0].contains(['(', ')']), "{said}");
            assert!(office.say(&examples[0]).contains(" 155/kg retail"), "{said}");
        }
    }
}

#[test]
fn the_sms_for_a_real_price_is_answered_with_that_price() {
    // Of more than a thousand.
    const EVERY: usize = 9;
    for (lines, code) in [(file("ken"), "KES"), (file("mwi"), "MWK")] {
        let office = Office::with(&lines, code);
        let asked = office.requests(EVERY);
        assert!(asked.len() * EVERY >= lines.len());
        // Names that no words tell apart have none, and such a screen says HELP.
        let (with, without): (Vec<_>, Vec<_>) = asked.into_iter().partition(|(_, _, sms)| sms.is_some());
        assert!(without.len() * 20 < with.len(), "{without:?}");
        for (crop, place, sms) in &with {
            office.answers_with_the_price(sms.as_ref().unwrap(), crop, place);
        }
    }
}

#[test]
fn no_sms_is_shown_that_is_read_as_another_crop_or_market() {
    // "Rice" at the "Imported Food Market" would be imported rice; and of so many words the last are not looked at.
    let long =
        ["Upper Shire Valley Irrigation Scheme East Gate", "Upper Shire Valley Irrigation Scheme West Gate"];
    let crops = ["Rice", "Rice (imported)", "Oil (vegetable, palm, refined, fortified)"];
    let office = Office::with(&all_of((&crops, &["Imported Food Market", "Zomba", long[0], long[1]])), "MWK");
    let asked = office.requests(1);
    assert_eq!(asked.len(), 12);
    let mut without = Vec::new();
    for (crop, place, sms) in &asked {
        match sms {
            Some(sms) => office.answers_with_the_price(sms, crop, place),
            None => without.push((crop.as_str(), place.as_str())),
        }
    }
    assert!(without.contains(&("Rice", "Imported Food Market")), "{without:?}");
    assert!(without.iter().all(|(_, place)| *place != "Zomba"), "{without:?}");
}

#[test]
fn a_market_without_a_price_is_answered_with_those_that_are_near_it() {
    // In hundred-thousandths of a degree.
    const KENYA: [(&str, i64, i64); 7] = [
        ("Busia", 46_000, 3_411_000),
        ("Eldoret", 52_000, 3_527_000),
        ("Kisumu", -9_000, 3_477_000),
        ("Malindi", -322_000, 4_012_000),
        ("Mombasa", -405_000, 3_967_000),
        ("Nairobi", -129_000, 3_682_000),
        ("Nakuru", -30_000, 3_607_000),
    ];
    const WITHOUT: [(&str, i64, i64); 2] = [("Kilifi", -363_000, 3_985_000), ("Siaya", 6_000, 3_429_000)];
    let office = Office::with(&all_of((&["Maize"], &KENYA.map(|(name, _, _)| name))), "KES");
    let known = office.edge.read(replica::all::<Market>);
    let rows = KENYA.iter().chain(&WITHOUT).zip(100..).map(|((name, north, east), new)| {
        let id = known.iter().find(|market| market.name == *name).map_or(new, |market| market.id.0);
        live(&Market { latitude_e5: Some(*north), longitude_e5: Some(*east), ..market(id, name) })
    });
    office.edge.feed(Bucket::Region(REGION), rows.collect());
    for (asked, near) in [("KILIFI", ["MOMBASA", "MALINDI"]), ("SIAYA", ["BUSIA", "KISUMU"])] {
        let said = office.say(&format!("PRICE MAIZE {asked}"));
        let options = told_to_send(&said);
        assert_eq!(options[..2], near.map(|place| format!("PRICE MAIZE {place}")), "{said}");
        assert!(office.say(&options[0]).contains(" 155/kg retail"), "{said}");
    }
}

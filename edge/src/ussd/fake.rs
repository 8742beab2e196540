//! A market in memory for tests: plain data as on a good day, or the longest and largest that real data holds. How it is read stands
//! beside each noun's trait, in `market/`; what an act does to it is here.

use super::acts::Plan;
use super::market::*;
use super::{Intent, NotTaken, Outcome};
use crate::text::Lang;
use crate::text::why::Rejection;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use sync_protocol::units::{Currency, Month};
use uuid::Uuid;

/// What an intent does when nothing else is said.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mood {
    /// It works; an order of what is here is confirmed, another asked for.
    Good,
    /// The disk is full.
    Full,
    /// The hub has shut the box out.
    Closed,
    /// Somebody else was faster.
    Late,
}

/// Id, English and Swahili name.
pub(super) type Crop = (u32, &'static str, &'static str);

/// Crops as a Malawian office sells them.
const PLAIN_CROPS: &[Crop] = &[
    (1, "Maize", "Mahindi"),
    (2, "Rice", "Mchele"),
    (3, "Beans", "Maharagwe"),
    (4, "Cassava", "Muhogo"),
    (5, "Groundnuts (shelled)", "Karanga"),
    (6, "Pigeon peas", "Mbaazi"),
    (7, "Cowpeas", "Kunde"),
    (8, "Seed maize", "Mbegu ya mahindi"),
    (9, "Soya beans", "Soya"),
    (10, "Sunflower", "Alizeti"),
];

/// The longest names of the price files.
const WORST_CROPS: &[Crop] = &[
    (1, "Rice (imported, Pakistan)", "Mchele (kutoka Pakistan)"),
    (2, "Oil (vegetable, fortified)", "Mafuta (mboga, yameongezwa)"),
    (3, "Milk (cow, pasteurized)", "Maziwa (ng'ombe, yamechemshwa)"),
    (4, "Fuel (kerosene, paraffin)", "Mafuta (taa, parafini)"),
    (5, "Potatoes (Irish, white)", "Viazi (Irish, nyeupe)"),
    (6, "Potatoes (Irish, red)", "Viazi (Irish, nyekundu)"),
    (7, "Groundnuts (shelled)", "Karanga (zilizobanguliwa)"),
    (8, "Maize flour (white)", "Unga wa mahindi (mweupe)"),
    (9, "Maize flour", "Unga wa mahindi"),
    (10, "Maize (white, dry)", "Mahindi (meupe, makavu)"),
    (11, "Maize (white)", "Mahindi (meupe)"),
];

pub(crate) struct Fake {
    pub(crate) crops: Vec<Crop>,
    pub(crate) markets: Vec<Named>,
    pub(crate) series: Vec<Series>,
    /// The months of the first price of some commodities at some markets, where they are others than that of `series`.
    pub(crate) months: Vec<((u32, u32), Month)>,
    pub(crate) best: Option<Best>,
    pub(crate) units: Vec<UnitChoice>,
    pub(crate) listings: Vec<Listing>,
    pub(crate) mine: Vec<MyListing>,
    pub(crate) orders: Vec<MyOrder>,
    pub(crate) member: RefCell<Option<Member>>,
    pub(crate) lang: Cell<Option<Lang>>,
    pub(crate) mood: Cell<Mood>,
    pub(crate) unreadable: Cell<bool>,
    /// Everything that was executed, once for each id.
    pub(crate) done: RefCell<Vec<Intent>>,
    pub(crate) outcomes: RefCell<HashMap<Uuid, Outcome>>,
}

pub(crate) fn currency(code: &str) -> Currency {
    Currency::new(code).unwrap()
}

pub(crate) fn month(year: u32, month: u32) -> Month {
    Month::new(year, month).unwrap()
}

pub(crate) fn id(number: u128) -> Uuid {
    Uuid::from_u128(number)
}

fn unit(id: u32, text: &str) -> UnitChoice {
    UnitChoice { id, text: text.to_owned(), step_milli: 1 }
}

fn named(names: &[&str]) -> Vec<Named> {
    names.iter().enumerate().map(|(i, name)| Named { id: i as u32 + 1, name: (*name).to_owned() }).collect()
}

impl Fake {
    /// A cooperative near Lilongwe on a good day, with a member who calls.
    pub(crate) fn plain() -> Self {
        let mwk = currency("MWK");
        let series = Series {
            unit: 1,
            unit_text: "kg".into(),
            kind: PriceKind::Retail,
            currency: mwk,
            latest: Point { price_minor: 25_000, month: month(2022, 6) },
            previous: Some(Point { price_minor: 23_800, month: month(2022, 5) }),
            source: "WFP".into(),
        };
        let bags = Series {
            unit: 2,
            unit_text: "90 kg".into(),
            kind: PriceKind::Wholesale,
            latest: Point { price_minor: 2_150_000, month: month(2026, 10) },
            previous: None,
            ..series.clone()
        };
        Self {
            crops: PLAIN_CROPS.to_vec(),
            markets: named(&[
                "Lilongwe",
                "Mitundu",
                "Nsungwi",
                "Chimbiya",
                "Mchinji",
                "Salima",
                "Dowa",
                "Ntchisi",
                "Kasungu",
                "Nkhotakota",
                "Mangochi",
                "Mangochi Turn Off",
                "Mangochi Boma",
                "Zomba",
            ]),
            series: vec![series, bags],
            months: Vec::new(),
            best: Some(Best {
                market: 2,
                name: "Mitundu".into(),
                point: Point { price_minor: 28_000, month: month(2026, 10) },
            }),
            units: vec![unit(1, "kg"), unit(2, "90 kg")],
            listings: vec![
                listing(101, "Seed maize", "Kasungu Coop", "kg", 90_000, 25_000, 50_000),
                listing(102, "Seed maize", "Jane Banda", "kg", 95_000, 0, 12_500),
            ],
            mine: vec![
                my_listing(201, "Maize", 50_000, 30_000, ListingState::OnSale),
                my_listing(202, "Beans", 10_000, 0, ListingState::SoldOut),
            ],
            orders: vec![
                my_order(301, "Seed maize", 20_000, OrderState::Confirmed, true),
                my_order(302, "Seed maize", 5_000, OrderState::Asked, true),
                my_order(303, "Beans", 40_000, OrderState::Fulfilled, false),
            ],
            member: RefCell::new(Some(Member { id: id(1), name: "Jane Banda".into() })),
            lang: Cell::new(None),
            mood: Cell::new(Mood::Good),
            unreadable: Cell::new(false),
            done: RefCell::default(),
            outcomes: RefCell::default(),
        }
    }

    /// The longest names and the largest numbers: markets, crops and units as the price files have them, people and
    /// listings as long as the office lets them be.
    pub(crate) fn worst() -> Self {
        let kes = currency("KES");
        let point = Point { price_minor: 999_999_999, month: month(2026, 10) };
        let series = |text: &str, kind| Series {
            unit: 1,
            unit_text: text.into(),
            kind,
            currency: kes,
            latest: Point { price_minor: 999_999_999, month: month(2022, 5) },
            previous: Some(Point { price_minor: 111, month: month(2021, 11) }),
            source: "WFP and others".into(),
        };
        let person = "Wanjiku-Nyambura O'Higgins wa Kamau Mwangi";
        let title = "Rice (imported, Pakistan), long grain, last year's harvest, second grade in bags";
        let unit_text = "500 ml";
        let mut listings = Vec::new();
        let (mut mine, mut orders) = (Vec::new(), Vec::new());
        for n in 0..12 {
            listings.push(Listing {
                currency: kes,
                ..listing(100 + n, title, person, unit_text, 999_999_999, 99_999_999, 99_999_999)
            });
            let states = [ListingState::Waiting, ListingState::OnSale, ListingState::Withdrawn];
            mine.push(MyListing {
                unit_text: unit_text.into(),
                unit_price_minor: 999_999_999,
                currency: kes,
                ..my_listing(200 + n, title, 99_999_999, 99_999_999, states[n as usize % 3])
            });
            let states =
                [OrderState::Short, OrderState::Asked, OrderState::CancelAsked, OrderState::Confirmed];
            orders.push(MyOrder {
                unit_text: unit_text.into(),
                unit_price_minor: 999_999_999,
                currency: kes,
                ..my_order(300 + n, title, 99_999_999, states[n as usize % 4], true)
            });
        }
        Self {
            crops: WORST_CROPS.to_vec(),
            markets: named(&[
                "Illbissil Food Market (Kajiado)",
                "Tala Centre Market (Machakos)",
                "Eldoret town (Uasin Gishu)",
                "Marigat town (Baringo)",
                "Kisumu Ndogo (Mombasa)",
                "Garissa town (Garissa)",
                "Kaanwa (Tharaka Nithi)",
                "Kalobeyei (Village 1)",
                "Kalobeyei (Village 2)",
                "Kalobeyei (Village 3)",
                "Kathonzweni (Makueni)",
                "Mangochi Turn Off",
                "Tsangano turn off",
            ]),
            series: vec![series(unit_text, PriceKind::Wholesale), series("126 kg", PriceKind::FarmGate)],
            best: Some(Best { market: 2, name: "Tala Centre Market (Machakos)".into(), point }),
            units: vec![unit(1, "500 ml"), unit(2, "126 kg"), unit(3, "packet"), unit(4, "bunch")],
            listings,
            mine,
            orders,
            member: RefCell::new(Some(Member { id: id(1), name: person.into() })),
            ..Self::plain()
        }
    }

    /// Executes as a durable log does: the same id gives the same outcome and has its effect once.
    pub(crate) fn execute(&self, intent: &Intent) -> Outcome {
        if let Some(outcome) = self.outcomes.borrow().get(&intent.command_id) {
            return outcome.clone();
        }
        let outcome = match (self.mood.get(), &intent.plan) {
            (Mood::Full, _) => return Outcome::NotTaken(NotTaken::Storage),
            (Mood::Closed, _) => return Outcome::NotTaken(NotTaken::Closed),
            (Mood::Late, _) => return Outcome::Rejected(Rejection::NotEnough { left_milli: Some(5_000) }),
            (Mood::Good, Plan::Buy(buy)) => {
                let here = self.listings.iter().find(|l| l.id == buy.thing.id).map_or(0, |l| l.here_milli);
                let reference = Some("KAS-000123".to_owned());
                if buy.quantity_milli.unwrap() <= here {
                    Outcome::Done { reference }
                } else {
                    Outcome::Asked { reference }
                }
            }
            (Mood::Good, plan) => {
                if let Plan::Register(register) = plan {
                    let name = register.name.clone().unwrap();
                    *self.member.borrow_mut() = Some(Member { id: intent.command_id, name });
                }
                if let Some(lang) = plan.act().language() {
                    self.lang.set(Some(lang));
                }
                Outcome::Done { reference: None }
            }
        };
        self.done.borrow_mut().push(intent.clone());
        self.outcomes.borrow_mut().insert(intent.command_id, outcome.clone());
        outcome
    }

    pub(super) fn readable(&self) -> Read<()> {
        if self.unreadable.get() { Err(ReadError("disk I/O error".into())) } else { Ok(()) }
    }

    /// A listing that is named like a crop is named in the language, as a replica does it.
    pub(super) fn local(&self, name: &str, lang: Lang) -> String {
        self.crops
            .iter()
            .find(|crop| crop.1 == name)
            .map_or_else(|| name.to_owned(), |crop| Self::name(crop, lang))
    }

    pub(super) fn name(crop: &Crop, lang: Lang) -> String {
        match lang {
            Lang::En => crop.1,
            Lang::Sw => crop.2,
        }
        .to_owned()
    }
}

/// When everything was made: 15 November 2026, 8:12 UTC.
pub(crate) const MADE_AT_S: i64 = 1_794_730_320;

pub(super) fn part<T>(all: impl Iterator<Item = T>, window: Window) -> Vec<T> {
    all.skip(window.offset as usize).take(window.limit as usize).collect()
}

pub(super) fn begins(name: &str, letters: &str) -> bool {
    let name = crate::text::names::words(name).join(" ");
    letters.is_empty() || format!(" {name}").contains(&format!(" {letters}"))
}

impl Market for Fake {
    fn outcome(&self, command_id: Uuid) -> Read<Option<Outcome>> {
        self.readable()?;
        Ok(self.outcomes.borrow().get(&command_id).cloned())
    }
}

pub(crate) fn listing(
    number: u128,
    name: &str,
    seller: &str,
    unit_text: &str,
    unit_price_minor: i64,
    here_milli: i64,
    total_milli: i64,
) -> Listing {
    Listing {
        id: id(number),
        name: name.into(),
        seller: seller.into(),
        seller_phone: 0,
        unit_text: unit_text.into(),
        step_milli: 1,
        unit_price_minor,
        currency: currency("MWK"),
        here_milli,
        total_milli,
        most_milli: Some(total_milli),
        posted_at_s: MADE_AT_S,
    }
}

fn my_listing(
    number: u128,
    name: &str,
    quantity_milli: i64,
    left_milli: i64,
    state: ListingState,
) -> MyListing {
    MyListing {
        id: id(number),
        name: name.into(),
        unit_text: "kg".into(),
        quantity_milli,
        left_milli,
        unit_price_minor: 40_000,
        currency: currency("MWK"),
        state,
        posted_at_s: MADE_AT_S,
    }
}

fn my_order(number: u128, name: &str, quantity_milli: i64, state: OrderState, can_cancel: bool) -> MyOrder {
    MyOrder {
        id: id(number),
        name: name.into(),
        unit_text: "kg".into(),
        quantity_milli,
        unit_price_minor: 90_000,
        currency: currency("MWK"),
        state,
        can_cancel,
        placed_at_s: MADE_AT_S,
    }
}

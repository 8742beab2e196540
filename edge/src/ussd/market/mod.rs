//! What screens and SMS answers read: one narrow trait and plain structs.
//!
//! Names come in the asked language where one is known. Lists are read by the window, never whole. Prices that were only
//! forecast, and commodities that are not on farmers' menus, must not come through here.

use crate::text::Lang;
use sync_protocol::phone::Phone;
use sync_protocol::units::{Currency, Month};
use uuid::Uuid;

/// The replica could not be read. The text is for the log; the caller sees a plain sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cannot read the replica: {0}")]
pub struct ReadError(pub String);

/// What reading gives.
pub type Read<T> = Result<T, ReadError>;

/// A part of a list.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// How many to leave out.
    pub offset: u32,
    /// How many to give at most.
    pub limit: u32,
}

/// A commodity or market by its small id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Its id.
    pub id: u32,
    /// Its name.
    pub name: String,
}

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

/// Who calls.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Caller {
    /// The member with this number, if there is one.
    pub member: Option<Member>,
    /// The language of the member, or one that this number chose before it was registered.
    pub lang: Option<Lang>,
}

/// A registered person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Member {
    /// Its id.
    pub id: Uuid,
    /// Name as given.
    pub name: String,
}

/// Whose price it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PriceKind {
    /// What a buyer of small quantities pays.
    Retail,
    /// What a trader pays.
    Wholesale,
    /// What a farmer gets.
    FarmGate,
    /// Something else: shown without a word.
    Other,
}

impl PriceKind {
    /// From the price source's word.
    pub fn from_source(word: &str) -> Self {
        match word {
            "Retail" => Self::Retail,
            "Wholesale" => Self::Wholesale,
            "Farm Gate" | "Producer" => Self::FarmGate,
            _ => Self::Other,
        }
    }
}

/// One price.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Point {
    /// Minor units of the series' currency for one of the series' units.
    pub price_minor: i64,
    /// Its month.
    pub month: Month,
}

/// One line of prices: a commodity at a market in one unit and of one kind.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Series {
    /// The unit's id: best prices are compared within it.
    pub unit: u32,
    /// The unit as a screen shows it, such as `kg` or `90 kg`.
    pub unit_text: String,
    /// Whose price.
    pub kind: PriceKind,
    /// The currency.
    pub currency: Currency,
    /// The newest price.
    pub latest: Point,
    /// The one before it.
    pub previous: Option<Point>,
    /// Who says so, in a word: `WFP`. May be empty.
    pub source: String,
}

/// What is known about a commodity at a market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quote {
    /// The commodity's name.
    pub crop: String,
    /// The market's name.
    pub market: String,
    /// Its lines of prices, the most useful first; empty when there is none.
    pub series: Vec<Series>,
}

/// The best price near a market.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Best {
    /// The market's id; it may be the very one that was asked about.
    pub market: u32,
    /// The market's name.
    pub name: String,
    /// The price.
    pub point: Point,
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

/// Something that can be bought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// Its id.
    pub id: Uuid,
    /// Its own name, or the commodity's.
    pub name: String,
    /// Who sells.
    pub seller: String,
    /// The number of the member who does: E.164 without the plus sign; 0 where it is no member, or not known.
    pub seller_phone: u64,
    /// One unit of it, as a screen shows it.
    pub unit_text: String,
    /// The smallest step in which it can be had, in thousandths of the unit: pieces are whole.
    pub step_milli: i64,
    /// Price of one unit, in minor units.
    pub unit_price_minor: i64,
    /// The currency.
    pub currency: Currency,
    /// Held at this box: an order of so much is confirmed at once. In thousandths of the unit.
    pub here_milli: i64,
    /// As far as known for sale in all, held here or not. In thousandths of the unit.
    pub total_milli: i64,
    /// More than so much cannot be ordered; `None` where nobody here knows how much there is, and the hub is asked. In thousandths of the
    /// unit.
    pub most_milli: Option<i64>,
    /// When it was offered, seconds since 1970 UTC, as the node where that was claimed.
    pub posted_at_s: i64,
}

/// How an offer of the caller stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ListingState {
    /// On sale.
    OnSale,
    /// On sale, and the hub does not know yet.
    Waiting,
    /// Nothing left.
    SoldOut,
    /// Taken back.
    Withdrawn,
}

/// An offer of the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MyListing {
    /// Its id.
    pub id: Uuid,
    /// Its own name, or the commodity's.
    pub name: String,
    /// One unit of it.
    pub unit_text: String,
    /// As it was offered, in thousandths.
    pub quantity_milli: i64,
    /// Not sold yet, as far as known here, in thousandths.
    pub left_milli: i64,
    /// Price of one unit, in minor units.
    pub unit_price_minor: i64,
    /// The currency.
    pub currency: Currency,
    /// How it stands.
    pub state: ListingState,
    /// When it was offered, seconds since 1970 UTC, as the node where that was claimed.
    pub posted_at_s: i64,
}

/// How an order of the caller stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OrderState {
    /// The units are kept for the buyer.
    Confirmed,
    /// Asked for; nobody has said yes.
    Asked,
    /// There was not enough: a person settles it.
    Short,
    /// Received.
    Fulfilled,
    /// Cancelled.
    Cancelled,
    /// Asked to be cancelled; it may be too late.
    CancelAsked,
    /// Refused.
    Refused,
}

/// An order of the caller.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MyOrder {
    /// Its id.
    pub id: Uuid,
    /// The listing's own name, or the commodity's.
    pub name: String,
    /// One unit of it.
    pub unit_text: String,
    /// In thousandths of the unit.
    pub quantity_milli: i64,
    /// Price of one unit, in minor units.
    pub unit_price_minor: i64,
    /// The currency.
    pub currency: Currency,
    /// How it stands.
    pub state: OrderState,
    /// Whether cancelling it is offered.
    pub can_cancel: bool,
    /// When it was made, seconds since 1970 UTC, as the node where that was claimed.
    pub placed_at_s: i64,
}

/// What the engine reads. All of it comes from the local replica joined with what is still waiting; none of it waits for
/// the network or a lock.
///
/// `starts_with` is empty, or at least two letters in plain form (lower case, no accents): then only names are given of which a word
/// starts with them. No two commodities of one answer have the same name.
pub trait Market {
    /// Who this number is.
    fn caller(&self, phone: &Phone) -> Read<Caller>;

    /// Commodities, in an order that stays the same from day to day (dial codes are learnt by heart).
    fn crops(&self, shelf: Shelf, lang: Lang, starts_with: &str, window: Window) -> Read<Vec<Named>>;

    /// A commodity's name.
    fn crop_name(&self, commodity: u32, lang: Lang) -> Read<Option<String>>;

    /// Every name of every commodity with prices, in all languages: for finding one in an SMS.
    fn crop_names(&self) -> Read<Vec<Named>>;

    /// Markets with a price of a commodity, those near the caller or this office first.
    fn markets(&self, commodity: u32, phone: &Phone, starts_with: &str, window: Window) -> Read<Vec<Named>>;

    /// All markets with a price of a commodity, those nearest to a market first; without one, those near this office, or those with
    /// most prices where it is nowhere in particular.
    fn nearest(&self, commodity: u32, to: Option<u32>) -> Read<Vec<Named>>;

    /// All markets, with prices or without: for finding in an SMS one that has none.
    fn all_markets(&self) -> Read<Vec<Named>>;

    /// The market to answer about when an SMS names none; `None` where there is no obvious one.
    fn home_market(&self, phone: &Phone, commodity: u32) -> Read<Option<u32>>;

    /// The prices of a commodity at a market; `None` when either does not exist.
    fn quote(&self, commodity: u32, market: u32, lang: Lang) -> Read<Option<Quote>>;

    /// The highest price near a market (itself included) in the same unit, kind and currency, not older than a month.
    fn best_near(
        &self,
        commodity: u32,
        market: u32,
        series: &Series,
        not_before: Month,
    ) -> Read<Option<Best>>;

    /// The units in which members may offer a commodity, the usual one first.
    fn units(&self, commodity: u32, lang: Lang) -> Read<Vec<UnitChoice>>;

    /// Offers of a commodity that can be bought, with something left, those with units here first.
    fn listings(&self, commodity: u32, lang: Lang, window: Window) -> Read<Vec<Listing>>;

    /// One offer; `None` when it cannot be bought (any more).
    fn listing(&self, id: Uuid, lang: Lang) -> Read<Option<Listing>>;

    /// Offers of the caller, the newest first.
    fn my_listings(&self, phone: &Phone, lang: Lang, window: Window) -> Read<Vec<MyListing>>;

    /// One offer of the caller; `None` when there is none, or it is somebody else's.
    fn my_listing(&self, phone: &Phone, id: Uuid, lang: Lang) -> Read<Option<MyListing>>;

    /// Orders of the caller, the newest first.
    fn my_orders(&self, phone: &Phone, lang: Lang, window: Window) -> Read<Vec<MyOrder>>;

    /// One order of the caller; `None` when there is none, or it is somebody else's.
    fn my_order(&self, phone: &Phone, id: Uuid, lang: Lang) -> Read<Option<MyOrder>>;

    /// What became of the command with this id; `None` when none was taken. A command that has been taken must be found
    /// here from the moment it is durable.
    fn outcome(&self, command_id: Uuid) -> Read<Option<super::Outcome>>;
}

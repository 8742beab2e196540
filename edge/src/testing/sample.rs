//! The market of the tests: who and what there is, as the hub would send it, and what people ask for on it.

use mizili_node::deps::HandClock;
use sync_protocol::bucket::CountryCode;
use sync_protocol::ids::{
    CommodityId, CooperativeId, EdgeId, Holder, ListingId, MarketId, MemberId, OrderId, RegionId, SeriesId,
    UnitId, UserId, hub_born,
};
use sync_protocol::market::{
    Actor, ActorKind, Channel, Commodity, Cooperative, Entity, EntryId, EntryKind, Listing, ListingStatus,
    Market, Member, OfficeRole, OfficeUser, Order, OrderPlace, OrderStatus, Price, PriceFlags, PriceSeries,
    Source, StockEntry, Unit, UnitBase,
};
use sync_protocol::row::{Key, Row};
use sync_protocol::units::{Currency, Month, Quantity};

/// The edge's number.
pub const EDGE: EdgeId = EdgeId(3);
/// Its cooperative.
pub const COOP: CooperativeId = CooperativeId(12);
/// A cooperative of the same region whose listings it sees.
pub const OTHER_COOP: CooperativeId = CooperativeId(13);
/// Its region.
pub const REGION: RegionId = RegionId(2);
/// The phone number of [`clerk_of`]'s clerk.
pub const CLERK_PHONE: u64 = 265_991_000_001;

/// Maize, with prices at [`LILONGWE`] and [`MITUNDU`].
pub const MAIZE: CommodityId = CommodityId(51);
/// Beans, with no price anywhere.
pub const BEANS: CommodityId = CommodityId(52);
/// One kilogram.
pub const KG: UnitId = UnitId(5);
/// A market of the region.
pub const LILONGWE: MarketId = MarketId(1);
/// Another.
pub const MITUNDU: MarketId = MarketId(2);
/// Retail maize at Lilongwe, 36 months to 2022-06.
pub const MAIZE_LILONGWE: SeriesId = SeriesId(100);
/// Retail maize at Mitundu, 12 months to 2026-02.
pub const MAIZE_MITUNDU: SeriesId = SeriesId(101);
/// A member of the cooperative: Mercy Banda.
pub const MEMBER_PHONE: u64 = 265_991_234_567;
/// Somebody without membership.
pub const CALLER_PHONE: u64 = 265_888_000_111;
/// The price of what [`super::TestEdge::post_listing`] posts, in minor units.
pub const PRICE_MINOR: i64 = 45_000;

/// Malawi.
pub fn malawi() -> CountryCode {
    CountryCode::new("MWI").unwrap()
}

/// Its currency.
pub fn kwacha() -> Currency {
    Currency::new("MWK").unwrap()
}

/// A row to send; the version is set by [`super::TestEdge::feed`].
pub fn live<E: Entity>(entity: &E) -> Row {
    Row { entity: E::NUMBER, key: entity.key(), version: 0, body: Some(entity.to_fields()) }
}

/// A row that is gone; the version is set by [`super::TestEdge::feed`].
pub fn gone<E: Entity>(key: Key) -> Row {
    Row { entity: E::NUMBER, key, version: 0, body: None }
}

/// A clerk at the office page.
pub fn clerk() -> Actor {
    Actor { kind: ActorKind::Office, id: Some(hub_born(900)), phone: 265_991_000_001 }
}

/// Somebody who calls and is no member.
pub fn caller() -> Actor {
    Actor { kind: ActorKind::Caller, id: None, phone: CALLER_PHONE }
}

/// Mercy Banda, a member.
pub fn member() -> Actor {
    Actor { kind: ActorKind::Member, id: Some(member_id().0), phone: MEMBER_PHONE }
}

/// Her id.
pub fn member_id() -> MemberId {
    MemberId(hub_born(700))
}

/// An order of whole units at the usual price, made by USSD.
pub fn order_of(listing: ListingId, units: i64) -> OrderPlace {
    OrderPlace {
        listing: listing.0,
        quantity_milli: Quantity::units(units).0,
        unit_price_minor: PRICE_MINOR,
        source: Source::Ask,
        buyer_phone: 0,
        buyer_name: String::new(),
        channel: 1,
    }
}

/// A stock entry as the hub sends it.
pub fn entry(
    of: uuid::Uuid,
    step: u32,
    listing: ListingId,
    holder: Holder,
    units: i64,
    kind: EntryKind,
) -> StockEntry {
    StockEntry { id: EntryId { of, step }, listing, holder, quantity: Quantity::units(units), kind }
}

/// A cooperative of the region that shares half of what it takes in.
pub fn coop(id: CooperativeId, name: &str) -> Cooperative {
    Cooperative {
        id,
        name: name.to_owned(),
        country: malawi(),
        region: Some(REGION),
        currency: kwacha(),
        hub_share_percent: 50,
    }
}

/// What [`OTHER_COOP`] offers: 40 kg of beans at the hub.
pub fn other_listing() -> Listing {
    Listing {
        id: ListingId(hub_born(500)),
        cooperative: OTHER_COOP,
        commodity: BEANS,
        unit: KG,
        title: String::new(),
        price_minor: PRICE_MINOR,
        currency: kwacha(),
        seller: None,
        status: ListingStatus::Active,
        posted_at_s: HandClock::START_S - 86_400,
        available: Some(Quantity::units(40)),
    }
}

pub(super) fn global_rows() -> Vec<Row> {
    let commodity = |id, name: &str, name_sw: &str, name_ny: &str| Commodity {
        id,
        name: name.to_owned(),
        category: "cereals and tubers".to_owned(),
        name_sw: name_sw.to_owned(),
        name_ny: name_ny.to_owned(),
        name_fr: String::new(),
        on_menus: true,
    };
    vec![
        live(&commodity(MAIZE, "Maize", "Mahindi", "Chimanga")),
        live(&commodity(BEANS, "Beans", "Maharagwe", "Nyemba")),
        live(&Unit { id: KG, code: "KG".to_owned(), base: UnitBase::Kilogram, factor_milli: 1_000 }),
        live(&Unit {
            id: UnitId(6),
            code: "90 KG".to_owned(),
            base: UnitBase::Kilogram,
            factor_milli: 90_000,
        }),
    ]
}

pub(super) fn region_rows() -> Vec<Row> {
    let market = |id, name: &str| Market {
        id,
        name: name.to_owned(),
        country: malawi(),
        region: Some(REGION),
        district: "Lilongwe".to_owned(),
        latitude_e5: Some(-1_396_000),
        longitude_e5: Some(3_378_000),
    };
    let series = |id, market| PriceSeries {
        id,
        market,
        commodity: MAIZE,
        unit: KG,
        price_type: "Retail".to_owned(),
        currency: kwacha(),
    };
    let prices = |series: SeriesId, newest: Month, months: u32| {
        (0..months).rev().map(move |back| {
            let at = (series, Month(newest.0 - back));
            live(&Price { at, price_minor: 30_000 - i64::from(back) * 100, flags: PriceFlags::ACTUAL })
        })
    };
    let mut rows = vec![
        live(&market(LILONGWE, "Lilongwe")),
        live(&market(MITUNDU, "Mitundu")),
        live(&series(MAIZE_LILONGWE, LILONGWE)),
        live(&series(MAIZE_MITUNDU, MITUNDU)),
    ];
    rows.extend(prices(MAIZE_LILONGWE, Month::new(2022, 6).unwrap(), 36));
    rows.extend(prices(MAIZE_MITUNDU, Month::new(2026, 2).unwrap(), 12));
    rows
}

pub(super) fn coop_rows() -> Vec<Row> {
    let member = Member {
        id: member_id(),
        cooperative: COOP,
        name: "Mercy Banda".to_owned(),
        phone: MEMBER_PHONE,
        language: "en".to_owned(),
        registered_at_s: HandClock::START_S - 1_000_000,
    };
    vec![live(&coop(COOP, "Mitundu Farmers")), live(&member), live(&clerk_of(COOP, String::new()))]
}

/// A clerk of a cooperative's office, with this hash of her password; none signs in with an empty one.
pub fn clerk_of(cooperative: CooperativeId, password_hash: String) -> OfficeUser {
    OfficeUser {
        id: UserId(hub_born(900)),
        cooperative,
        name: "Chisomo Phiri".to_owned(),
        phone: CLERK_PHONE,
        role: OfficeRole::Clerk,
        password_hash,
        disabled: false,
    }
}

/// An order that somebody placed at the hub, of what another cooperative sells; the hub says when it recorded it.
pub fn web_order(number: u64) -> Order {
    Order {
        id: OrderId(hub_born(number)),
        listing: other_listing().id,
        cooperative: COOP,
        quantity: Quantity::units(2),
        unit_price_minor: PRICE_MINOR,
        currency: kwacha(),
        holder: Some(Holder::Hub),
        buyer_phone: CALLER_PHONE,
        buyer_name: "Grace Banda".into(),
        buyer_cooperative: None,
        status: OrderStatus::Confirmed,
        channel: Channel::Rest,
        placed_at_s: 1_700_000_000,
        odd_price: false,
        buyer_unconfirmed: false,
        recorded_at_s: Some(1_700_000_001),
    }
}

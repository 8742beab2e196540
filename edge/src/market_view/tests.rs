//! The market as screens read it, on a real replica that moves.

use super::{MarketCache, Moment, UNSEEN_MAX, ViewError};
use crate::db::DbError;
use crate::testing::{
    BEANS, CALLER_PHONE, COOP, EDGE, KG, LILONGWE, MAIZE, MAIZE_LILONGWE, MEMBER_PHONE, MITUNDU, OTHER_COOP,
    REGION, TestEdge, coop, entry, gone, kwacha, live, malawi, other_listing,
};
use crate::text::Lang;
use crate::ussd::market::{
    Best, Crops as _, ListingState, Listings as _, Named, OrderState, Orders as _, Prices as _, Quote, Shelf,
    Window,
};
use mizili_node::deps::{Reading, Uptime};
use std::fmt::Debug;
use std::time::Duration;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CommodityId, Holder, MarketId, RegionId, SeriesId, UnitId, hub_born};
use sync_protocol::market::{
    Commodity, EntryId, EntryKind, Listing, Market, Order, OrderStatus, Price, PriceFlags, PriceSeries,
    StockEntry,
};
use sync_protocol::phone::Phone;
use sync_protocol::row::Key;
use sync_protocol::units::{Month, Quantity};

const ALL: Window = Window { offset: 0, limit: 100 };

/// What a patient view says.
fn seen<T: Debug>(edge: &TestEdge, cache: &MarketCache, ask: impl FnOnce(&super::View<'_>) -> T) -> T {
    edge.read(|conn| -> Result<T, DbError> { Ok(ask(&cache.patient(conn, edge.deps().clock.read())?)) })
}

fn month(year: u32, month: u32) -> Month {
    Month::new(year, month).unwrap()
}

fn price(series: SeriesId, at: Month, price_minor: i64, flags: PriceFlags) -> sync_protocol::row::Row {
    live(&Price { at: (series, at), price_minor, flags })
}

fn quote(edge: &TestEdge, cache: &MarketCache, market: MarketId) -> Quote {
    seen(edge, cache, |view| view.quote(MAIZE.0, market.0, Lang::En).unwrap().unwrap())
}

fn best(edge: &TestEdge, cache: &MarketCache, market: MarketId) -> Option<Best> {
    seen(edge, cache, |view| {
        let here = view.quote(MAIZE.0, market.0, Lang::En).unwrap().unwrap();
        view.best_near(MAIZE.0, market.0, &here.series[0], month(2025, 12)).unwrap()
    })
}

fn phone(number: u64) -> Phone {
    Phone::from_number(number).unwrap()
}

#[test]
fn a_quick_view_sees_this_processs_writes_at_once_and_anothers_soon() {
    let (edge, cache) = (TestEdge::with_market(), MarketCache::default());
    let at = |since| {
        let clocks = edge.deps().clock.read();
        let uptime = Uptime { since, ..clocks.uptime };
        Moment { clocks: Reading { uptime, ..clocks }, commits: edge.db().commits() }
    };
    let is_current = |monotonic| {
        let read = |conn: &_| cache.quick(conn, at(monotonic)).map(|_| ());
        edge.db().read_blocking(read) == Ok(())
    };
    let load = || seen(&edge, &cache, |view| view.crop_name(MAIZE.0, Lang::En).unwrap());
    load();
    assert!(is_current(Duration::ZERO));
    let new_price = |price_minor| price(MAIZE_LILONGWE, month(2026, 2), price_minor, PriceFlags::ACTUAL);
    edge.feed(Bucket::Region(REGION), vec![new_price(41_000)]);
    assert!(!is_current(Duration::ZERO), "written by this process");
    load();
    assert!(is_current(Duration::ZERO));
    let other = rusqlite::Connection::open(edge.data_dir().join("edge.db")).unwrap();
    other.execute("UPDATE market_move SET reference = reference + 1", []).unwrap();
    assert!(is_current(Duration::ZERO), "not looked at so soon again");
    assert!(!is_current(UNSEEN_MAX), "written by another process");
}

#[test]
fn the_age_of_a_price_is_counted_by_the_hubs_clock() {
    let (edge, cache) = (TestEdge::with_market(), MarketCache::default());
    let at = edge.deps().clock.read();
    let ahead = || seen(&edge, &cache, |view| view.now().best_s - at.wall_s);
    assert_eq!(ahead(), 0, "never heard");
    edge.write(move |tx| crate::time::heard(tx, at, at.wall_s + 3_600));
    assert_eq!(ahead(), 3_600);
    edge.clock().set_wall_s(0);
    edge.clock().advance(Duration::from_secs(60));
    assert_eq!(ahead(), 3_660, "whatever happens to this box's own");
}

#[test]
fn what_is_kept_follows_the_replica() {
    let (edge, cache) = (TestEdge::with_market(), MarketCache::default());
    assert_eq!(quote(&edge, &cache, LILONGWE).series[0].latest.price_minor, 30_000);
    edge.feed(
        Bucket::Region(REGION),
        vec![price(MAIZE_LILONGWE, month(2026, 2), 41_000, PriceFlags::ACTUAL)],
    );
    let now = quote(&edge, &cache, LILONGWE);
    assert_eq!((now.series[0].latest.price_minor, now.series[0].latest.month), (41_000, month(2026, 2)));
    assert_eq!(now.series[0].previous.map(|point| point.month), Some(month(2022, 6)));
    let beans = Commodity {
        id: BEANS,
        name: "Beans (red)".to_owned(),
        category: "pulses and nuts".to_owned(),
        name_sw: String::new(),
        name_ny: String::new(),
        name_fr: String::new(),
        on_menus: true,
    };
    edge.feed(Bucket::Global, vec![live(&beans)]);
    assert_eq!(
        seen(&edge, &cache, |view| view.crop_name(BEANS.0, Lang::Sw).unwrap()).as_deref(),
        Some("Beans (red)"),
        "English where no other name is known"
    );
    edge.take_scope(&[Bucket::Coop(COOP), Bucket::Global]);
    assert_eq!(seen(&edge, &cache, |view| view.quote(MAIZE.0, LILONGWE.0, Lang::En).unwrap()), None);
}

#[test]
fn a_quick_view_needs_what_is_in_memory_and_says_so_when_it_is_not() {
    let (edge, cache) = (TestEdge::with_market(), MarketCache::default());
    let quick = || {
        let moment = Moment { clocks: edge.deps().clock.read(), commits: edge.db().commits() };
        edge.db().read_blocking(|conn| -> Result<bool, ViewError> {
            let view = cache.quick(conn, moment)?;
            let read = view.quote(MAIZE.0, LILONGWE.0, Lang::En);
            Ok(read.is_ok() && !view.was_long())
        })
    };
    assert_eq!(quick(), Err(ViewError::Long));
    seen(&edge, &cache, |view| view.crop_name(MAIZE.0, Lang::En).unwrap());
    assert_eq!(quick(), Ok(false), "names are here, prices of maize are not");
    quote(&edge, &cache, LILONGWE);
    assert_eq!(quick(), Ok(true));
    edge.feed(
        Bucket::Region(REGION),
        vec![price(MAIZE_LILONGWE, month(2026, 2), 41_000, PriceFlags::ACTUAL)],
    );
    assert_eq!(quick(), Err(ViewError::Long), "never an old price");
    quote(&edge, &cache, LILONGWE);
    edge.post_listing(50);
    assert_eq!(quick(), Ok(true), "what is on offer has moved, prices have not");
    // The office's own row comes with its listings and moves the menus all the same.
    edge.feed(Bucket::Coop(COOP), vec![live(&coop(COOP, "Another name"))]);
    assert_eq!(quick(), Err(ViewError::Long));
}

#[test]
fn the_best_price_is_neither_old_nor_doubtful_nor_far() {
    let (edge, cache) = (TestEdge::with_market(), MarketCache::default());
    assert_eq!(
        best(&edge, &cache, LILONGWE).map(|best| best.market),
        Some(MITUNDU.0),
        "Lilongwe's is of 2022"
    );
    let far = MarketId(9);
    let (near, doubtful) = (MarketId(10), MarketId(11));
    let market = |id, name: &str, latitude_e5| {
        live(&Market {
            id,
            name: name.to_owned(),
            country: malawi(),
            region: Some(RegionId(99)),
            district: String::new(),
            latitude_e5: Some(latitude_e5),
            longitude_e5: Some(3_378_000),
        })
    };
    let series = |id, market| {
        let (price_type, currency) = ("Retail".to_owned(), kwacha());
        live(&PriceSeries { id: SeriesId(id), market, commodity: MAIZE, unit: KG, price_type, currency })
    };
    let fresh = |id, minor, flags| price(SeriesId(id), month(2026, 2), minor, flags);
    edge.feed(
        Bucket::Region(REGION),
        vec![
            market(far, "Karonga", -995_000),
            market(near, "Dedza", -1_436_000),
            market(doubtful, "Salima", -1_378_000),
            series(200, far),
            series(201, near),
            series(202, doubtful),
            fresh(200, 90_000, PriceFlags::ACTUAL),
            fresh(201, 35_000, PriceFlags::ACTUAL),
            fresh(202, 99_000, PriceFlags::ACTUAL.with(PriceFlags::SUSPECT)),
        ],
    );
    let found = best(&edge, &cache, LILONGWE).unwrap();
    assert_eq!((found.name.as_str(), found.point.price_minor), ("Dedza", 35_000));
    assert_eq!(quote(&edge, &cache, doubtful).series[0].latest.price_minor, 99_000, "shown all the same");
    assert_eq!(best(&edge, &cache, near).map(|best| best.market), Some(near.0), "it may be the very market");
    let names = seen(&edge, &cache, |view| view.nearest(MAIZE.0, None).unwrap());
    let names: Vec<&str> = names.iter().map(|named| named.name.as_str()).collect();
    assert_eq!(
        names,
        ["Lilongwe", "Mitundu", "Salima", "Dedza", "Karonga"],
        "the own region, then by distance"
    );
    let near_far = seen(&edge, &cache, |view| view.nearest(MAIZE.0, Some(far.0)).unwrap());
    let near_far: Vec<&str> = near_far.iter().map(|named| named.name.as_str()).take(3).collect();
    assert_eq!(near_far, ["Karonga", "Salima", "Lilongwe"], "by the way from the market that was asked for");
}

#[test]
fn a_crop_is_found_by_whatever_people_call_it() {
    let (edge, cache) = (TestEdge::with_market(), MarketCache::default());
    let maize = Commodity {
        id: MAIZE,
        name: "Maize".to_owned(),
        category: "cereals and tubers".to_owned(),
        name_sw: "Mahindi".to_owned(),
        name_ny: "Chimanga".to_owned(),
        name_fr: "Maïs".to_owned(),
        on_menus: true,
    };
    edge.feed(Bucket::Global, vec![live(&maize)]);
    let window = Window { offset: 0, limit: 5 };
    for (lang, shown) in [(Lang::En, "Maize"), (Lang::Sw, "Mahindi")] {
        for letters in ["maiz", "mahi", "chimanga", "mais"] {
            let found = seen(&edge, &cache, |view| view.crops(Shelf::Prices, lang, letters, window).unwrap());
            assert_eq!(found, [Named { id: MAIZE.0, name: shown.to_owned() }], "{letters}");
        }
    }
    let names = seen(&edge, &cache, |view| view.crop_names().unwrap());
    for name in ["Maize", "Mahindi", "Chimanga", "Maïs"] {
        assert!(names.iter().any(|named| named.id == MAIZE.0 && named.name == name), "{name}");
    }
    // What is another crop's name in a language that is spoken here means that one, where there is any.
    let grain = Commodity {
        id: CommodityId(67),
        name: "Grain".to_owned(),
        category: "cereals and tubers".to_owned(),
        name_sw: "Chimanga".to_owned(),
        name_ny: String::new(),
        name_fr: String::new(),
        on_menus: true,
    };
    edge.feed(Bucket::Global, vec![live(&grain)]);
    let found = |shelf| {
        let found = seen(&edge, &cache, |view| view.crops(shelf, Lang::En, "chimanga", window).unwrap());
        found.into_iter().map(|named| named.name).collect::<Vec<_>>()
    };
    assert_eq!(found(Shelf::Prices), ["Maize"], "nobody has a price of the other");
    assert_eq!(found(Shelf::Sell), ["Grain"]);
}

#[test]
fn crops_of_one_word_are_told_apart_and_accents_do_not_matter() {
    let (edge, cache) = (TestEdge::with_market(), MarketCache::default());
    let white = CommodityId(53);
    let row = Commodity {
        id: white,
        name: "Maize (white)".to_owned(),
        category: "cereals and tubers".to_owned(),
        name_sw: "Mahindi".to_owned(),
        name_ny: String::new(),
        name_fr: String::new(),
        on_menus: true,
    };
    edge.feed(Bucket::Global, vec![live(&row)]);
    let chokwe = MarketId(77);
    let market = Market {
        id: chokwe,
        name: "Chókwè".to_owned(),
        country: malawi(),
        region: Some(REGION),
        district: String::new(),
        latitude_e5: None,
        longitude_e5: None,
    };
    let line = PriceSeries {
        id: SeriesId(777),
        market: chokwe,
        commodity: white,
        unit: KG,
        price_type: "Retail".to_owned(),
        currency: kwacha(),
    };
    let prices =
        vec![live(&market), live(&line), price(SeriesId(777), month(2026, 2), 31_000, PriceFlags::ACTUAL)];
    edge.feed(Bucket::Region(REGION), prices);
    let crops = |lang, letters: &str| {
        let found = seen(&edge, &cache, |view| view.crops(Shelf::Prices, lang, letters, ALL).unwrap());
        found.into_iter().map(|named| named.name).collect::<Vec<_>>()
    };
    assert_eq!(crops(Lang::Sw, ""), ["Mahindi - Maize", "Mahindi - Maize (white)"]);
    assert_eq!(crops(Lang::Sw, "mahindi maize w"), ["Mahindi - Maize (white)"]);
    assert_eq!(crops(Lang::En, ""), ["Maize", "Maize (white)"]);
    for letters in ["chokwe", "cho"] {
        let found =
            seen(&edge, &cache, |view| view.markets(white.0, &phone(CALLER_PHONE), letters, ALL).unwrap());
        assert_eq!(found.iter().map(|named| named.id).collect::<Vec<_>>(), [chokwe.0], "{letters}");
    }
}

#[test]
fn lists_are_read_by_the_window_and_by_first_letters() {
    let (edge, cache) = (TestEdge::with_market(), MarketCache::default());
    let markets = |letters: &str, window| {
        let found =
            seen(&edge, &cache, |view| view.markets(MAIZE.0, &phone(CALLER_PHONE), letters, window).unwrap());
        found.into_iter().map(|named| named.id).collect::<Vec<_>>()
    };
    assert_eq!(markets("", ALL), [LILONGWE.0, MITUNDU.0]);
    assert_eq!(markets("", Window { offset: 1, limit: 1 }), [MITUNDU.0]);
    assert_eq!(markets("", Window { offset: 5, limit: 5 }), [0; 0]);
    assert_eq!(markets("mit", ALL), [MITUNDU.0]);
    assert_eq!(markets("ilongwe", ALL), [0; 0]);
    let crops = |shelf, lang, letters: &str| {
        let found = seen(&edge, &cache, |view| view.crops(shelf, lang, letters, ALL).unwrap());
        found.into_iter().map(|named| named.name).collect::<Vec<_>>()
    };
    assert_eq!(crops(Shelf::Prices, Lang::En, ""), ["Maize"]);
    assert_eq!(crops(Shelf::Sell, Lang::Sw, ""), ["Mahindi", "Maharagwe"], "those with a price first");
    assert_eq!(crops(Shelf::Offered, Lang::En, ""), ["Beans"]);
    edge.post_listing(2);
    assert_eq!(crops(Shelf::Offered, Lang::En, ""), ["Maize", "Beans"], "in the order of menus");
    let all = seen(&edge, &cache, |view| view.crop_names().unwrap());
    assert_eq!(
        all.iter().map(|named| named.name.as_str()).collect::<Vec<_>>(),
        ["Maize", "Mahindi", "Chimanga"]
    );
    assert_eq!(
        seen(&edge, &cache, |view| view.home_market(&phone(CALLER_PHONE), MAIZE.0).unwrap()),
        None,
        "two of them"
    );
    let units = seen(&edge, &cache, |view| view.units(MAIZE.0, Lang::En).unwrap());
    assert_eq!(units.iter().map(|unit| unit.text.as_str()).collect::<Vec<_>>(), ["kg", "90 kg"]);
}

#[test]
fn commodities_off_the_menus_are_nowhere() {
    let (edge, cache) = (TestEdge::with_market(), MarketCache::default());
    let (diesel, series) = (CommodityId(600), SeriesId(600));
    let row = Commodity {
        id: diesel,
        name: "Fuel (diesel)".to_owned(),
        category: "non-food".to_owned(),
        name_sw: String::new(),
        name_ny: String::new(),
        name_fr: String::new(),
        on_menus: false,
    };
    let line = PriceSeries {
        id: series,
        market: LILONGWE,
        commodity: diesel,
        unit: UnitId(6),
        price_type: "Retail".to_owned(),
        currency: kwacha(),
    };
    edge.feed(Bucket::Global, vec![live(&row)]);
    let prices = vec![live(&line), price(series, month(2026, 2), 5, PriceFlags::ACTUAL)];
    edge.feed(Bucket::Region(REGION), prices);
    for shelf in [Shelf::Prices, Shelf::Sell] {
        let crops = seen(&edge, &cache, |view| view.crops(shelf, Lang::En, "", ALL).unwrap());
        assert!(crops.iter().all(|crop| crop.id != diesel.0), "{shelf:?}");
    }
}

#[test]
fn offers_say_what_is_here_and_what_is_elsewhere() {
    let (edge, cache) = (TestEdge::with_market(), MarketCache::default());
    let offers = |commodity: CommodityId| {
        let found = seen(&edge, &cache, |view| view.listings(commodity.0, Lang::En, ALL).unwrap());
        found.into_iter().map(|l| (l.seller, l.here_milli, l.total_milli)).collect::<Vec<_>>()
    };
    assert_eq!(offers(BEANS), [("Dowa Growers".to_owned(), 0, 40_000)]);
    let listing = edge.post_listing(50);
    assert_eq!(offers(MAIZE), [("Mitundu Farmers".to_owned(), 25_000, 50_000)]);
    edge.place_order(listing, 20).unwrap();
    assert_eq!(offers(MAIZE), [("Mitundu Farmers".to_owned(), 5_000, 30_000)]);
    edge.place_order(listing, 5).unwrap();
    assert_eq!(offers(MAIZE), [("Mitundu Farmers".to_owned(), 0, 25_000)]);
    let empty = Listing { available: Some(Quantity::ZERO), ..other_listing() };
    edge.feed(Bucket::Catalogue(REGION), vec![live(&empty)]);
    assert!(offers(BEANS).is_empty(), "nothing left is not for sale");
    assert_eq!(seen(&edge, &cache, |view| view.listing(empty.id.0, Lang::En).unwrap()), None);
    edge.feed(Bucket::Catalogue(REGION), vec![gone::<Listing>(Key::Uuid(empty.id.0))]);
    assert_eq!(seen(&edge, &cache, |view| view.crops(Shelf::Offered, Lang::En, "", ALL).unwrap().len()), 1);
}

#[test]
fn a_holder_that_sold_too_much_sells_no_more_here() {
    let (edge, cache) = (TestEdge::with_market(), MarketCache::default());
    let id = sync_protocol::ids::ListingId(hub_born(40));
    let listing = Listing { id, cooperative: COOP, commodity: MAIZE, available: None, ..other_listing() };
    let here = Holder::Edge(EDGE);
    let intake: StockEntry = entry(id.0, EntryId::INTAKE, id, here, 30, EntryKind::Intake);
    let order = Order {
        id: sync_protocol::ids::OrderId(hub_born(41)),
        listing: id,
        cooperative: COOP,
        quantity: Quantity::units(9),
        unit_price_minor: 1,
        currency: kwacha(),
        holder: Some(here),
        buyer_phone: MEMBER_PHONE,
        buyer_name: String::new(),
        buyer_cooperative: None,
        status: OrderStatus::Confirmed,
        channel: sync_protocol::market::Channel::Ussd,
        placed_at_s: 5,
        odd_price: false,
        buyer_unconfirmed: false,
        recorded_at_s: None,
    };
    edge.feed(Bucket::Coop(COOP), vec![live(&listing), live(&intake), live(&order)]);
    let here_milli = || seen(&edge, &cache, |view| view.listing(id.0, Lang::En).unwrap().unwrap().here_milli);
    assert_eq!(here_milli(), 30_000);
    edge.feed(Bucket::Coop(COOP), vec![live(&Order { status: OrderStatus::Short, ..order })]);
    assert_eq!(here_milli(), 0);
    let mine = seen(&edge, &cache, |view| view.my_orders(&phone(MEMBER_PHONE), Lang::En, ALL).unwrap());
    assert_eq!((mine[0].state, mine[0].can_cancel), (OrderState::Short, true));
}

#[test]
fn a_cancellation_that_may_be_refused_is_only_asked_for() {
    let (edge, cache) = (TestEdge::with_market(), MarketCache::default());
    let listing = edge.post_listing(50);
    let state = |order: sync_protocol::ids::OrderId| {
        let mine =
            seen(&edge, &cache, |view| view.my_order(&phone(CALLER_PHONE), order.0, Lang::En).unwrap());
        mine.map(|order| (order.state, order.can_cancel))
    };
    let (first, _) = edge.place_order(listing, 5).unwrap();
    edge.cancel_order(first).unwrap();
    assert_eq!(state(first), Some((OrderState::Cancelled, false)), "it never left this box");
    let (second, _) = edge.place_order(listing, 5).unwrap();
    edge.write(|tx| crate::commands::mark_sent(tx, 100));
    edge.cancel_order(second).unwrap();
    assert_eq!(state(second), Some((OrderState::CancelAsked, false)));
    assert_eq!(
        seen(&edge, &cache, |view| view.my_order(&phone(MEMBER_PHONE), second.0, Lang::En).unwrap()),
        None,
        "somebody else's order is none"
    );
}

#[test]
fn a_members_offer_says_how_it_stands() {
    let (edge, cache) = (TestEdge::with_market(), MarketCache::default());
    let post = sync_protocol::market::ListingPost {
        listing: edge.deps().ids.uuid_v7(),
        commodity: MAIZE.0,
        unit: KG.0,
        title: String::new(),
        quantity_milli: 50_000,
        price_minor: 45_000,
        currency: "MWK".to_owned(),
        seller: Some(crate::testing::member_id().0),
        hub_milli: None,
    };
    let id = post.listing;
    edge.submit(crate::testing::member(), false, post).unwrap();
    let mine = || seen(&edge, &cache, |view| view.my_listings(&phone(MEMBER_PHONE), Lang::En, ALL).unwrap());
    let [offer] = mine().try_into().unwrap();
    assert_eq!((offer.id, offer.quantity_milli, offer.left_milli), (id, 50_000, 50_000));
    assert_eq!(offer.state, ListingState::Waiting);
    assert!(
        seen(&edge, &cache, |view| view.my_listings(&phone(CALLER_PHONE), Lang::En, ALL).unwrap()).is_empty()
    );
    // The hub has it now.
    let listing: Listing = edge.read(|conn| crate::replica::get(conn, Key::Uuid(id))).unwrap();
    edge.feed(Bucket::Coop(COOP), vec![live(&listing)]);
    assert_eq!(mine()[0].state, ListingState::OnSale);
    assert_eq!(
        seen(&edge, &cache, |view| view.my_listing(&phone(CALLER_PHONE), id, Lang::En).unwrap()),
        None
    );
    assert_ne!(listing.cooperative, OTHER_COOP);
}

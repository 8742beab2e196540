//! Typed reads over several buckets and over what waits beside the replica.

use crate::db::DbError;
use crate::replica::{all, find, get, get_sent, newest, page};
use crate::testing::{
    BEANS, COOP, MAIZE, MAIZE_LILONGWE, MAIZE_MITUNDU, OTHER_COOP, PRICE_MINOR, REGION, TestEdge, clerk,
    live, other_listing,
};
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CooperativeId, MarketId, SeriesId};
use sync_protocol::market::{
    Commodity, Entity, Listing, ListingEdit, ListingStatus, Market, Price, PriceFlags, PriceSeries,
    WholeChange,
};
use sync_protocol::row::Key;
use sync_protocol::units::Month;

#[test]
fn the_row_of_the_lowest_rank_is_read_and_what_waits_stands_before_it() {
    let edge = TestEdge::with_market();
    let theirs = other_listing();
    let key = theirs.key();
    let seen = |edge: &TestEdge| edge.read(|conn| get::<Listing>(conn, key)).unwrap();
    assert_eq!(seen(&edge), theirs);
    // The same thing in the own cooperative's bucket, with another payload.
    let ours =
        Listing { title: "Beans, sorted".into(), cooperative: COOP, available: None, ..theirs.clone() };
    edge.feed(Bucket::Coop(COOP), vec![live(&ours)]);
    assert_eq!(seen(&edge), ours);
    assert_eq!(edge.read(all::<Listing>), std::slice::from_ref(&ours));
    let edit = ListingEdit {
        listing: theirs.id.0,
        price_minor: Some(WholeChange { old: PRICE_MINOR, new: 50_000 }),
        title: None,
    };
    edge.submit(clerk(), true, edit).unwrap();
    let edited = Listing { price_minor: 50_000, ..ours.clone() };
    assert_eq!(seen(&edge), edited);
    assert_eq!(edge.read(all::<Listing>), std::slice::from_ref(&edited));
    assert_eq!(edge.read(|conn| page::<Listing>(conn, None, 9)), std::slice::from_ref(&edited));
    assert_eq!(edge.read(|conn| find(conn, Listing::COMMODITY, &BEANS)), [edited]);
    assert_eq!(edge.read(|conn| get_sent::<Listing>(conn, key)), Some(ours));
}

#[test]
fn a_row_is_found_by_what_it_says_now_and_not_by_what_another_bucket_says() {
    let edge = TestEdge::with_market();
    let theirs = other_listing();
    let ours = Listing { commodity: MAIZE, ..theirs.clone() };
    edge.feed(Bucket::Coop(COOP), vec![live(&ours)]);
    assert!(
        edge.read(|conn| find(conn, Listing::COMMODITY, &BEANS)).is_empty(),
        "the catalogue's row is not the one read"
    );
    assert_eq!(edge.read(|conn| find(conn, Listing::COMMODITY, &MAIZE)), std::slice::from_ref(&ours));
    let changed = Listing { commodity: BEANS, ..ours };
    edge.feed(Bucket::Coop(COOP), vec![live(&changed)]);
    assert!(edge.read(|conn| find(conn, Listing::COMMODITY, &MAIZE)).is_empty());
    assert_eq!(edge.read(|conn| find(conn, Listing::COMMODITY, &BEANS)), [changed]);
}

#[test]
fn reference_data_and_prices_are_read() {
    let edge = TestEdge::with_market();
    let names: Vec<String> = edge.read(all::<Commodity>).into_iter().map(|c| c.name).collect();
    assert_eq!(names, ["Maize", "Beans"]);
    assert_eq!(edge.read(|conn| get::<Market>(conn, Key::Int(1))).unwrap().name, "Lilongwe");
    assert_eq!(edge.read(|conn| get::<Market>(conn, Key::Int(99))), None);
    let series: Vec<SeriesId> =
        edge.read(|conn| find(conn, PriceSeries::COMMODITY, &MAIZE)).into_iter().map(|s| s.id).collect();
    assert_eq!(series, [MAIZE_LILONGWE, MAIZE_MITUNDU]);
    assert_eq!(edge.read(|conn| find(conn, PriceSeries::MARKET, &MarketId(2))).len(), 1);
    let history = edge.read(|conn| newest::<Price>(conn, MAIZE_LILONGWE.0, 100));
    assert_eq!(history.len(), 36);
    assert!(history.windows(2).all(|pair| pair[0].at.1 > pair[1].at.1), "newest first");
    assert_eq!(edge.read(|conn| newest::<Price>(conn, MAIZE_LILONGWE.0, 3)), history[..3]);
    let newest_one = |series| edge.read(move |conn| newest::<Price>(conn, series, 1)).pop();
    let price = newest_one(MAIZE_LILONGWE.0).unwrap();
    assert_eq!((price.at.1, price.price_minor), (Month::new(2022, 6).unwrap(), 30_000));
    assert_eq!(newest_one(999), None);
}

#[test]
fn a_price_in_two_buckets_is_shown_once() {
    let edge = TestEdge::with_market();
    let before = edge.read(|conn| newest::<Price>(conn, MAIZE_MITUNDU.0, 1)).pop().unwrap();
    let at = before.at;
    let national = Price { at, price_minor: before.price_minor + 1, flags: PriceFlags::ACTUAL };
    edge.feed(Bucket::Country(crate::testing::malawi()), vec![live(&national)]);
    let history = edge.read(|conn| newest::<Price>(conn, MAIZE_MITUNDU.0, 100));
    assert_eq!((history.len(), &history[0]), (12, &before), "the region's row comes before the country's");
}

#[test]
fn pages_follow_each_other_over_both_sides() {
    let edge = TestEdge::with_market();
    for n in 1..=7 {
        edge.post_listing(n);
    }
    let whole = edge.read(all::<Listing>);
    assert_eq!(whole.len(), 8);
    let mut paged: Vec<Listing> = Vec::new();
    loop {
        let after = paged.last().map(Listing::key);
        let next = edge.read(|conn| page::<Listing>(conn, after, 3));
        if next.is_empty() {
            break;
        }
        assert!(next.len() <= 3);
        paged.extend(next);
    }
    assert_eq!(paged, whole);
}

#[test]
fn a_row_that_does_not_fit_its_entity_is_named_and_no_panic() {
    let edge = TestEdge::with_market();
    edge.write(|tx| -> Result<(), DbError> {
        tx.execute("UPDATE replica SET payload = x'05FF' WHERE entity = ?1", [Market::NUMBER])?;
        tx.execute("UPDATE replica SET payload = x'' WHERE entity = ?1", [Listing::NUMBER])?;
        Ok(())
    });
    let broken = edge.db().read_blocking(|conn| get::<Market>(conn, Key::Int(1)));
    assert!(matches!(broken, Err(DbError::BadRow(_))), "{broken:?}");
    let broken = edge.db().read_blocking(all::<Listing>);
    assert_eq!(broken, Err(DbError::BadRow("listing row: field currency does not fit".into())));
}

#[test]
fn an_office_sees_its_own_and_its_regions_listings() {
    let edge = TestEdge::with_market();
    edge.post_listing(5);
    let mut sellers: Vec<CooperativeId> =
        edge.read(all::<Listing>).into_iter().map(|l| l.cooperative).collect();
    sellers.sort();
    assert_eq!(sellers, [COOP, OTHER_COOP]);
    let active = edge.read(all::<Listing>).into_iter().all(|l| l.status == ListingStatus::Active);
    assert!(active && edge.head(Bucket::Catalogue(REGION)) > 0);
}

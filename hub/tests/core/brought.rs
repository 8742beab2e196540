//! Rows that an office brought to a hub which has forgotten them: what waits for them, what lets them stand, and how an operator puts them
//! aside.

use crate::support::{A, B, PRICE, World, cancel, command, id, office};
use sync_protocol::ids::{Holder, OrderId};
use sync_protocol::market::{Entity, Listing, Order, OrderStatus};
use sync_protocol::row::Key;
use sync_protocol::value::Fields;

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The hub was restored and has forgotten the order 60 of the product 50. An office brought its row, from that bucket.
async fn with_an_order_that_was_brought(bucket: &str) -> World {
    let world = World::with_an_order().await;
    world
        .sql(format!(
            "INSERT INTO salvaged_rows (epoch, bucket, entity, id, version, payload, edge_id, stands)
                SELECT 2, {bucket}, entity, id, version, payload, 1, false FROM sync_rows WHERE entity = {};
            DELETE FROM orders",
            Order::NUMBER
        ))
        .await;
    world
}

/// An order stands from its seller's bucket or its buyer's: what lies in another can never make it stand, so nobody waits for it.
#[tokio::test]
async fn a_cancel_of_an_order_that_a_stranger_brought_waits_for_nothing() {
    let world = with_an_order_that_was_brought("'coop:999'").await;
    world.take(vec![command(1, office(), &cancel(id(60)))]).await.unwrap();
    assert_eq!(world.last_words().await, ["applied"]);
}

/// An office brought the order's row, which waits for something that was forgotten too.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancel_of_an_order_that_was_brought_and_does_not_stand_waits_for_it() {
    let world = with_an_order_that_was_brought("bucket").await;
    world
        .take(vec![command(1, office(), &cancel(id(60))), command(2, office(), &cancel(id(61)))])
        .await
        .unwrap();
    assert_eq!(world.last_words().await, ["held", "applied"], "of the other one there is nothing");
    assert_eq!(world.told(&["salvage", "retry"])[0]["stand"], 1);
    assert_eq!(
        (world.last_words().await, world.order_status(id(60)).await),
        (vec!["applied"; 2], OrderStatus::Cancelled.code() as i32)
    );
}

/// What it waits for will never be made again, and the operator has seen to what it says.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_waits_for_a_row_that_was_put_aside() {
    let world = with_an_order_that_was_brought("bucket").await;
    world
        .sql(
            "DELETE FROM sync_rows WHERE bucket = 'coop:1'; DELETE FROM stock_entries; DELETE FROM listing_prices;
            DELETE FROM listings",
        )
        .await;
    world.take(vec![command(1, office(), &cancel(id(60)))]).await.unwrap();
    assert_eq!(world.last_words().await, ["held"]);
    assert_eq!(world.told(&["salvage", "retry"])[0]["stand"], 0);
    let key = id(60).to_string();
    let dismiss = ["salvage", "dismiss", "1", "--key", &key, "--yes"];
    assert_eq!(world.told(&dismiss)[0]["dismissed"], 1);
    assert_eq!(world.last_words().await, ["applied"], "there is no such order");
    let listed = &world.told(&["salvage", "list"])[0];
    assert_eq!((&listed["rows"], &listed["stand"], &listed["ended"]), (&1.into(), &0.into(), &1.into()));
    let shown = &world.told(&["salvage", "show", "1"])[0];
    assert_eq!(shown["ended"], "dismissed");
    assert_eq!(world.told(&dismiss)[0]["dismissed"], 0);
}

/// Of two kinds and two keys, of another edge, and one that stands: each is told by its version.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_what_is_named_is_put_aside() {
    let world = World::new().await;
    world.another_edge(A).await;
    let rows = [
        (1, 1, Listing::NUMBER, 50, false),
        (2, 1, Order::NUMBER, 60, false),
        (3, 1, Order::NUMBER, 61, false),
        (4, 2, Order::NUMBER, 60, false),
        (5, 1, Order::NUMBER, 62, true),
    ];
    for (version, edge, kind, key, stands) in rows {
        world
            .sql(format!(
                "INSERT INTO salvaged_rows (epoch, bucket, entity, id, version, payload, edge_id, stands)
                VALUES (2, 'coop:{edge}', {kind}, '\\x{}', {version}, '', {edge}, {stands})",
                hex(&Key::Uuid(id(key)).to_bytes())
            ))
            .await;
    }
    let key = id(60).to_string();
    for (named, dismissed, left) in [
        (&["--kind", "listing", "--key", &key][..], 0, &["1", "2", "3", "4", "5"][..]),
        (&["--key", &key], 1, &["1", "3", "4", "5"]),
        (&["--kind", "order"], 1, &["1", "4", "5"]),
        (&["--all"], 1, &["4", "5"]),
    ] {
        let words = [&["salvage", "dismiss", "1", "--yes"], named].concat();
        assert_eq!(world.told(&words)[0]["dismissed"], dismissed, "{named:?}");
        let open = "SELECT version::text FROM salvaged_rows WHERE ended IS NULL ORDER BY version";
        assert_eq!(world.texts(open).await, left, "{named:?}");
    }
}

/// Whoever asks the hub for another's units is refused at another price; a row that a buyer's office brings says which it was.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_its_buyers_office_brought_at_a_price_of_its_own_is_marked() {
    let world = World::with_an_order().await;
    let [payload] = world
        .texts("SELECT encode(payload, 'hex') FROM sync_rows WHERE entity = 14")
        .await
        .try_into()
        .unwrap();
    let bytes: Vec<u8> = (0..payload.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&payload[at..at + 2], 16).unwrap())
        .collect();
    let known = Order::from_fields(Key::Uuid(id(60)), &Fields::from_canonical(&bytes).unwrap()).unwrap();
    for (n, unit_price_minor) in [(70, PRICE), (71, 1)] {
        let brought =
            Order { id: OrderId(id(n)), unit_price_minor, buyer_cooperative: Some(B), ..known.clone() };
        world
            .sql(format!(
                "INSERT INTO salvaged_rows (epoch, bucket, entity, id, version, payload, edge_id, stands)
                VALUES (2, 'coop:2', 14, '\\x{}', 7, '\\x{}', 1, false)",
                hex(&brought.key().to_bytes()),
                hex(brought.to_fields().canonical())
            ))
            .await;
    }
    assert_eq!(world.told(&["salvage", "retry"])[0]["stand"], 2);
    let marked =
        world.texts("SELECT odd_price::text FROM orders WHERE buyer_cooperative_id = 2 ORDER BY id").await;
    assert_eq!(marked, ["false", "true"]);
    assert_eq!(
        world.available(id(50), Holder::Hub).await,
        10 - 3 * 2,
        "half of what was posted is the hub's"
    );
    world.assert_feed_equals_tables().await;
}

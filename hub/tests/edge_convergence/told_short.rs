//! A count at the seller's office makes an order short that was sure, and its undo covers it again: the buyer hears each once, at the
//! office where he ordered, the seller's or another cooperative's.

use crate::office::{Office, Start};
use crate::world::World;
use sync_protocol::ids::ListingId;
use sync_protocol::market::{Adjustment, StockAdjust};
use uuid::Uuid;

/// What people were told of how their orders stand after they were sure, the oldest first.
async fn heard(office: &Office) -> Vec<String> {
    office.column("SELECT text FROM sms_out WHERE about LIKE '%/standing/%' ORDER BY id").await
}

async fn found(office: &Office, listing: ListingId, found: Adjustment, undoes: Option<Uuid>) -> Uuid {
    let body = StockAdjust { listing: listing.0, found, reason: String::new(), undoes };
    office.act(body).await.unwrap();
    let id: Vec<String> = office.column("SELECT lower(hex(id)) FROM command ORDER BY seq DESC LIMIT 1").await;
    id[0].parse().unwrap()
}

const SHORT: [&str; 2] = ["There is not enough for your order: ", " kg Maize. Please speak to the office."];
const AGAIN: [&str; 2] = ["Your order is CONFIRMED again: ", " kg Maize. To pay: MWK "];

fn is(said: &str, kg: i64, words: [&str; 2]) -> bool {
    said.starts_with(&format!("{}{kg}{}", words[0], words[1]))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_ordered_hears_that_a_count_made_it_short_and_that_it_is_covered_again() {
    let offices = [(1, Start::right(971)), (2, Start::right(972)), (2, Start::right(973))];
    let world = World::with_two_hubs(&offices).await;
    let (seller, buyer, beside) = (&world.offices[0], &world.offices[1], &world.offices[2]);
    seller.sync().await.unwrap();
    let listing = seller.post_listing(40).await;
    seller.sync().await.unwrap();
    world.both_sides_are_equal().await.unwrap();
    // Half lies at the hub.
    seller.order(listing, 15).await.unwrap();
    buyer.order(listing, 16).await.unwrap();
    for office in [seller, buyer, beside] {
        office.sync().await.unwrap();
    }
    // Both are sure, nine are free, and five are there.
    let count = Adjustment::Count { counted_milli: 5_000, expected_milli: 40_000 };
    let count = found(seller, listing, count, None).await;
    for _ in 0..2 {
        for office in [seller, buyer, beside] {
            office.sync().await.unwrap();
        }
    }
    let (at_seller, at_buyer) = (heard(seller).await, heard(buyer).await);
    assert!(at_seller.len() == 1 && is(&at_seller[0], 15, SHORT), "{at_seller:?}");
    assert!(at_buyer.len() == 1 && is(&at_buyer[0], 16, SHORT), "{at_buyer:?}");
    found(seller, listing, Adjustment::Intake(35_000), Some(count)).await;
    for _ in 0..2 {
        for office in [seller, buyer, beside] {
            office.sync().await.unwrap();
        }
    }
    let (at_seller, at_buyer) = (heard(seller).await, heard(buyer).await);
    assert!(at_seller.len() == 2 && is(&at_seller[1], 15, AGAIN), "{at_seller:?}");
    assert!(at_buyer.len() == 2 && is(&at_buyer[1], 16, AGAIN), "{at_buyer:?}");
    assert!(heard(beside).await.is_empty(), "another office of the buyer's cooperative made none of them");
    world.both_sides_are_equal().await.unwrap();
}

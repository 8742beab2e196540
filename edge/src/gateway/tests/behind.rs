//! Writing behind beside an act: what was collected of a call before it acted must never be written over what the act wrote.

use super::support::Office;
use crate::db::DbError;
use crate::testing::EDGE;
use futures_util::FutureExt as _;
use std::sync::atomic::Ordering;
use sync_protocol::ids::Holder;
use sync_protocol::units::Quantity;

const BUY: &[&str] = &["3", "1", "1", "20"];

#[tokio::test]
async fn what_was_collected_before_an_act_is_not_written_over_it() {
    let office = Office::new();
    let listing = office.edge.post_listing(50);
    let (_, asked) = office.walk("buyer", BUY).await;
    let confirmed = format!("{asked}*1");
    office.walk("other", &["1", "1"]).await;

    // The writing has the buyer's question in hand, and waits for a turn of the other call to end.
    let desk = office.channels.desk.clone();
    let call = |session: &str| desk.calls.get(&desk.lines[0].name, session);
    let (buyer, other) = (call("buyer"), call("other"));
    let turn_of_other = other.slot.lock().await;
    let mut writing = Box::pin(office.channels.flush());
    assert!(writing.as_mut().now_or_never().is_none(), "it waits for the other call");
    assert!(!buyer.is_dirty.load(Ordering::Acquire), "it has collected the buyer's call");

    // Meanwhile the buyer confirms; then the writing goes on, and the power goes.
    let done = office.key("buyer", &confirmed).await;
    assert!(done.starts_with("END CONFIRMED: 20 kg Maize"), "{done}");
    drop(turn_of_other);
    writing.await.unwrap();
    drop((buyer, other, desk));
    let office = office.killed();

    let next = office.key("next", "").await;
    assert!(next.contains("Welcome to Mizili\n1 Prices"), "nothing is left to go on with: {next}");
    assert_eq!(office.key("buyer", &confirmed).await, done, "the call kept its end");
    assert_eq!(office.edge.spendable(listing, Holder::Edge(EDGE)), Quantity::units(5));
    // 5 kg are left at this office: an order of 20 is a new one, and not the first one's answer again.
    let (_, asked) = office.walk("next", BUY).await;
    let second = office.key("next", &format!("{asked}*1")).await;
    assert!(second.starts_with("END ") && !second.starts_with("END CONFIRMED"), "{second}");
    assert_eq!(office.commands(), 3, "one offer, two orders");
}

#[tokio::test]
async fn a_call_sees_what_the_one_before_has_begun_however_soon_it_comes() {
    let office = Office::new();
    office.edge.post_listing(50);
    office.walk("dropped", BUY).await;
    let again = office.key("next", "").await;
    assert!(again.contains("1 Go on with: buy 20 kg Maize"), "nothing is written yet: {again}");
    office.key("next", "1").await;
    assert!(office.key("next", "1*1").await.starts_with("END CONFIRMED"));
    assert!(office.key("third", "").await.contains("Welcome"), "what is done is not asked about");
    office.channels.flush().await.unwrap();
    assert!(office.key("fourth", "").await.contains("Welcome"), "nor is it written back");
}

#[tokio::test]
async fn what_was_left_stays_left_in_whatever_order_calls_are_written() {
    let office = Office::new();
    office.edge.post_listing(50);
    office.walk("dropped", BUY).await;
    office.channels.flush().await.unwrap();
    office.key("next", "").await;
    let left = office.key("next", "2").await;
    assert!(left.contains("Stopped. Nothing was done."), "{left}");
    assert!(office.key("soon", "").await.contains("Welcome"), "before it is written");
    office.channels.flush().await.unwrap();
    assert!(office.key("later", "").await.contains("Welcome"), "once it is written");
    // Left, and the call that had begun it is heard of once more and written last: it has a copy of its own.
    let (_, text) = office.walk("dropped again", BUY).await;
    office.channels.flush().await.unwrap();
    office.key("leaves", "").await;
    office.key("leaves", "2").await;
    office.key("dropped again", &format!("{text}*00")).await;
    office.channels.flush().await.unwrap();
    assert!(office.key("again", "").await.contains("Welcome"));
    let office = office.killed();
    assert!(office.key("last", "").await.contains("Welcome"));
}

/// As where the line to the gateway breaks, or its patience ends, while the disk is slow.
#[tokio::test]
async fn what_was_left_before_an_act_that_nobody_waited_for_and_that_failed_is_still_there() {
    let office = Office::new();
    office.edge.post_listing(50);
    let (_, asked) = office.walk("dropped", BUY).await;
    office.fill();
    let confirmed = format!("{asked}*1");
    assert!(Box::pin(office.key("dropped", &confirmed)).now_or_never().is_none(), "it waits for the disk");
    assert!(office.key("soon", "").await.contains("1 Go on with: buy 20 kg Maize"), "it may still fail");
    // The act is in the writer's queue; what is written after it is answered after it.
    tokio::task::yield_now().await;
    office.edge.db().write(|_| Ok::<_, DbError>(())).await.unwrap();
    tokio::task::yield_now().await;
    assert_eq!(office.commands(), 1, "the offer alone: it has failed");
    office.leave_pages(10_000);
    office.channels.flush().await.unwrap();
    let office = office.killed();
    assert!(office.key("next", "").await.contains("1 Go on with: buy 20 kg Maize"));
}

#[tokio::test]
async fn an_act_that_nobody_waited_for_and_that_was_done_leaves_nothing_to_go_on_with() {
    let office = Office::new();
    office.edge.post_listing(50);
    let (_, asked) = office.walk("dropped", BUY).await;
    assert!(Box::pin(office.key("dropped", &format!("{asked}*1"))).now_or_never().is_none());
    tokio::task::yield_now().await;
    office.edge.db().write(|_| Ok::<_, DbError>(())).await.unwrap();
    tokio::task::yield_now().await;
    assert_eq!(office.commands(), 2, "it is ordered");
    assert!(office.key("soon", "").await.contains("Welcome"));
    office.channels.flush().await.unwrap();
    assert!(office.key("later", "").await.contains("Welcome"));
}

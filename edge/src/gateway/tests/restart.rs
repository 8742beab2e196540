//! What survives a kill in the middle of a call, and what a full disk does.

use super::support::Office;
use crate::testing::{EDGE, MEMBER_PHONE};
use std::time::Duration;
use sync_protocol::ids::Holder;
use sync_protocol::units::Quantity;

const BUY: &[&str] = &["3", "1", "1", "20"];

#[tokio::test]
async fn a_call_goes_on_where_it_was_after_a_restart() {
    let office = Office::new();
    office.edge.post_listing(50);
    let (confirm, text) = office.walk("call", BUY).await;
    office.channels.flush().await.unwrap();
    let office = office.killed();
    assert_eq!(office.key("call", &text).await, confirm, "a repeat gets the stored answer");
    let done = office.key("call", &format!("{text}*1")).await;
    assert!(done.starts_with("END CONFIRMED: 20 kg Maize"), "{done}");
    // Killed right after the act, before anything is written behind: act, call and receipt are there together.
    let (commands, receipts) = (office.commands(), office.texts_to(MEMBER_PHONE).len());
    assert_eq!(receipts, 1);
    let office = office.killed();
    assert_eq!(office.key("call", &format!("{text}*1")).await, done);
    assert_eq!((office.commands(), office.texts_to(MEMBER_PHONE).len()), (commands, receipts));
}

#[tokio::test]
async fn a_call_whose_last_keys_were_lost_is_walked_anew_and_acts_only_when_confirmed() {
    let office = Office::new();
    let listing = office.edge.post_listing(50);
    office.walk("call", &["3"]).await;
    office.channels.flush().await.unwrap();
    // These three steps are in memory when the power goes.
    for text in ["3*1", "3*1*1", "3*1*1*20"] {
        office.key("call", text).await;
    }
    let office = office.killed();
    let confirm = office.key("call", "3*1*1*20*1").await;
    assert!(confirm.contains("Buy 20 kg Maize"), "shown once more: {confirm}");
    assert_eq!(office.edge.spendable(listing, Holder::Edge(EDGE)), Quantity::units(25));
    let done = office.key("call", "3*1*1*20*1*1").await;
    assert!(done.starts_with("END CONFIRMED"), "{done}");
    assert_eq!(office.edge.spendable(listing, Holder::Edge(EDGE)), Quantity::units(5));
}

#[tokio::test]
async fn a_call_that_was_never_written_is_walked_along_its_whole_text() {
    let office = Office::new();
    let (price, text) = office.walk("call", &["1", "1", "2"]).await;
    let office = office.killed();
    assert_eq!(office.key("call", &text).await, price);
}

#[tokio::test]
async fn what_was_begun_is_offered_again_on_the_next_call_and_keeps_its_command() {
    let office = Office::new();
    let listing = office.edge.post_listing(50);
    office.walk("dropped", BUY).await;
    office.channels.flush().await.unwrap();
    let office = office.killed();
    let again = office.key("next", "").await;
    assert!(again.contains("1 Go on with: buy 20 kg Maize"), "{again}");
    let confirm = office.key("next", "1").await;
    assert!(confirm.contains("Buy 20 kg Maize at MWK 450/kg"), "{confirm}");
    assert!(office.key("next", "1*1").await.starts_with("END CONFIRMED"));
    // The first call comes back to life and confirms the same draft: it was done already, and is not done again.
    let late = office.key("dropped", "3*1*1*20*1").await;
    assert!(late.starts_with("END CONFIRMED"), "{late}");
    assert_eq!(office.edge.spendable(listing, Holder::Edge(EDGE)), Quantity::units(5));
    assert!(office.key("third", "").await.contains("Welcome"), "nothing is left to go on with");
}

#[tokio::test]
async fn a_draft_of_yesterday_is_forgotten() {
    let office = Office::new();
    office.edge.post_listing(50);
    office.walk("dropped", BUY).await;
    office.channels.flush().await.unwrap();
    office.edge.clock().advance(Duration::from_secs(25 * 3_600));
    assert!(office.key("next", "").await.contains("Welcome"));
}

#[tokio::test]
async fn a_full_disk_takes_nothing_and_says_so_and_the_same_key_works_when_there_is_room() {
    let office = Office::new();
    let listing = office.edge.post_listing(50);
    let (confirm, text) = office.walk("call", BUY).await;
    assert!(confirm.contains("Buy 20 kg"), "{confirm}");
    let before = office.commands();
    office.fill();
    let refused = office.key("call", &format!("{text}*1")).await;
    assert!(refused.starts_with("END NOT done: buy 20 kg Maize. We cannot save now"), "{refused}");
    assert_eq!(office.commands(), before);
    assert_eq!(office.edge.spendable(listing, Holder::Edge(EDGE)), Quantity::units(25));
    assert_eq!(office.texts_to(MEMBER_PHONE), [""; 0]);
    // Looking goes on, and a repeat is told the same.
    assert_eq!(office.key("call", &format!("{text}*1")).await, refused);
    assert!(office.walk("prices", &["00", "1", "1", "2"]).await.0.contains("Feb 2026"));
    office.leave_pages(10_000);
    office.channels.flush().await.unwrap();
    let again = office.key("again", "").await;
    assert!(again.contains("1 Go on with: buy 20 kg Maize"), "{again}");
    office.key("again", "1").await;
    assert!(office.key("again", "1*1").await.starts_with("END CONFIRMED"));
    assert_eq!(office.commands(), before + 1);
}

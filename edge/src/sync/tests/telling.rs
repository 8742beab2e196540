//! A verdict that an exchange brings reaches the person who waits for it, however often it is brought.

use super::*;
use crate::outbox;

fn texts(bed: &Bed) -> Vec<String> {
    let list = bed.edge.read(|conn| outbox::list(conn, None, None, 10));
    list.into_iter().map(|message| message.text).collect()
}

#[tokio::test]
async fn a_refused_order_is_told_to_its_buyer_once() {
    let bed = Bed::with_market().await;
    let listing = bed.edge.post_listing(50);
    bed.sync().await.unwrap();
    // More than this office holds, so that the hub is asked; and more than the hub holds.
    bed.edge.place_order(listing, 40).unwrap();
    assert_eq!(texts(&bed), [""; 0]);
    bed.sync().await.unwrap();
    assert_eq!(texts(&bed), ["Your order was NOT taken: 40 kg Maize. Only 25 kg left."]);
    bed.sync().await.unwrap();
    assert_eq!(texts(&bed).len(), 1);
}

//! An order that ended, and an offer: who is told, by whatever brings the word, and that it is told once.

use super::*;

#[test]
fn cancelling_and_taking_back_are_told() {
    let edge = TestEdge::with_market();
    let listing = edge.post_listing(50);
    let (order, _) = edge.place_order(listing, 5).unwrap();
    // Once it may have left, cancelling is a question.
    edge.write(|tx| commands::mark_sent(tx, 10));
    let cancel = edge.submit(caller(), false, OrderCancel::new(order.0)).unwrap();
    let withdraw = edge.submit(clerk(), true, ListingWithdraw { listing: listing.0 }).unwrap();
    let too_late = Verdict::Rejected(Reject::new(RejectCode::TooLate));
    verdicts(&edge, 1, &[(1, applied()), (2, applied()), (cancel.seq, too_late), (withdraw.seq, applied())]);
    let said =
        "Your order was NOT cancelled: 5 kg Maize. The order is already on its way. Ask at the office."
            .to_owned();
    assert_eq!(texts(&edge), [(CALLER_PHONE, said)], "the office sees its own acts on its page");
}

#[test]
fn a_buyer_hears_of_it_when_another_took_the_order_back() {
    // At the office, though that is sure there and needs no answer.
    let edge = TestEdge::with_market();
    let order = edge.submit(member(), false, order_of(other_listing().id, 20)).unwrap();
    let id = edge.read(move |conn| commands::pending(conn, order.seq - 1, 1))[0].id;
    let cancel = edge.submit(clerk(), true, OrderCancel::new(id.0));
    // Only the office that sells may; here that is another.
    assert!(cancel.is_err());
    let listing = edge.post_listing(50);
    let (own, taken) = edge.place_order(listing, 5).unwrap();
    let cancel = edge.submit(clerk(), true, OrderCancel::new(own.0)).unwrap();
    assert_eq!(cancel.certainty, sync_protocol::market::Certainty::Record);
    verdicts(&edge, 1, &[(order.seq, applied()), (taken.seq, applied()), (cancel.seq, applied())]);
    let confirmed = "Your order is CONFIRMED: 20 kg Beans. To pay: MWK 9,000.".to_owned();
    let cancelled = "Your order is cancelled: 5 kg Maize.".to_owned();
    assert_eq!(texts(&edge), [(MEMBER_PHONE, confirmed), (CALLER_PHONE, cancelled)]);
    // At the hub, and that was heard before the answer.
    let edge = TestEdge::with_market();
    let order = edge.submit(member(), false, order_of(other_listing().id, 20)).unwrap();
    let id = edge.read(move |conn| commands::pending(conn, order.seq - 1, 1))[0].id;
    let row = edge.read(move |conn| replica::get::<Order>(conn, Key::Uuid(id.0))).unwrap();
    let row = Order { status: OrderStatus::Cancelled, ..row };
    edge.feed(Bucket::Coop(COOP), vec![live(&row)]);
    edge.write(|tx| -> Result<(), DbError> { Ok(tx.execute("DELETE FROM local_row", []).map(|_| ())?) });
    verdicts(&edge, 1, &[(order.seq, applied())]);
    assert_eq!(texts(&edge), [(MEMBER_PHONE, CANCELLED.to_owned())]);
}

#[test]
fn an_order_that_the_hub_ended_is_called_cancelled_whatever_became_of_the_cancel_here() {
    let too_late = Verdict::Rejected(Reject::new(RejectCode::TooLate));
    for open in [None, Some(Verdict::Quarantined), Some(Verdict::Held), Some(Verdict::Unsupported)] {
        for last in [Verdict::Dismissed, too_late.clone(), applied()] {
            let edge = TestEdge::with_market();
            let order = sold(&edge);
            let cancel = edge.cancel_order(order).unwrap().seq;
            verdicts(&edge, 3, &open.clone().map(|open| (cancel, open)).into_iter().collect::<Vec<_>>());
            taken_back_at_the_hub(&edge, order);
            verdicts(&edge, if open.is_some() { 4 } else { 3 }, &[(cancel, last.clone())]);
            taken_back_at_the_hub(&edge, order);
            let said = (CALLER_PHONE, "Your order is cancelled: 5 kg Maize.".to_owned());
            assert_eq!(texts(&edge), [said], "{open:?}, then {last:?}");
        }
    }
}

#[test]
fn an_end_that_was_told_is_not_told_again_when_its_message_is_gone() {
    // One that was sure, whose end came by its row; and one that was asked for, whose answer is its end.
    let edge = TestEdge::with_market();
    let sure = sold(&edge);
    taken_back_at_the_hub(&edge, sure);
    let asked = edge.submit(member(), false, order_of(other_listing().id, 20)).unwrap();
    let id = OrderId(edge.read(move |conn| commands::pending(conn, asked.seq - 1, 1))[0].id.0);
    taken_back_at_the_hub(&edge, id);
    edge.write(|tx| -> Result<(), DbError> { Ok(tx.execute("DELETE FROM local_row", []).map(|_| ())?) });
    verdicts(&edge, 3, &[(asked.seq, applied())]);
    let said = [(CALLER_PHONE, "Your order is cancelled: 5 kg Maize."), (MEMBER_PHONE, CANCELLED)];
    assert_eq!(texts(&edge), said.map(|(phone, text)| (phone, text.to_owned())));
    weeks_pass(&edge);
    // Their rows come again, as when a frame does, or when something else of them has changed.
    taken_back_at_the_hub(&edge, sure);
    taken_back_at_the_hub(&edge, id);
    assert_eq!(texts(&edge), []);
}

#[test]
fn an_end_that_its_buyer_did_not_want_to_hear_is_not_told_weeks_later() {
    let edge = TestEdge::with_market();
    let order = sold(&edge);
    let now = now(&edge);
    edge.write(move |tx| outbox::note_opt_out(tx, CALLER_PHONE, &now));
    taken_back_at_the_hub(&edge, order);
    edge.write(|tx| outbox::note_opt_in(tx, CALLER_PHONE));
    taken_back_at_the_hub(&edge, order);
    assert_eq!(texts(&edge), []);
}

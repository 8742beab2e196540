//! A hub that was restored from a backup says its words again, and some of them otherwise: who was told something else hears that once.

use super::*;

/// The hub has forgotten its word on a command, and gets it again in a new stream. Gives its number there.
fn offered_again(edge: &TestEdge, incarnation: u32) -> u64 {
    // Nobody here can know whether it has arrived.
    edge.write(|tx| Ok::<_, DbError>(tx.execute("UPDATE command SET stands_at = 'no list'", [])?));
    let link = Link { number: 0, random: [1; 16], mac: [2; 16] };
    edge.write(move |tx| {
        let epoch = node::epoch(tx)?;
        crate::sync::streams::rejoin(tx, incarnation, &link, epoch + 1)
    });
    let [command] = edge.read(|conn| commands::pending(conn, 0, 9)).try_into().unwrap();
    command.seq - edge.read(node::stream_base)
}

#[test]
fn who_was_told_hears_once_that_a_restored_hub_says_otherwise() {
    const CONFIRMED: &str = "Your order is CONFIRMED: 20 kg Beans. To pay: MWK 9,000.";
    let short = Verdict::Applied(Applied { short: true, ..Applied::default() });
    for (word, said) in [
        (not_enough("5"), Some("Your order was NOT taken: 20 kg Beans. Only 5 kg left.")),
        (Verdict::Dismissed, Some("Your order was NOT taken: 20 kg Beans. Please ask at the office.")),
        (short.clone(), Some("There is not enough for your order: 20 kg Beans. Please speak to the office.")),
        (applied(), None),
    ] {
        let edge = TestEdge::with_market();
        let seq = asks(&edge, other_listing().id, 20);
        verdicts(&edge, 1, &[(seq, applied())]);
        // Both ways of that: what comes twice, or waits in between, says nothing.
        let seq = offered_again(&edge, 2);
        verdicts(&edge, 1, &[(seq, Verdict::Held)]);
        verdicts(&edge, 1, &[(seq, Verdict::Held), (seq, word.clone())]);
        verdicts(&edge, 1, &[(seq, Verdict::Held), (seq, word.clone())]);
        let edge = edge.reopen();
        let at = now(&edge);
        assert_eq!(edge.write(move |tx| tell(tx, &at)), 0);
        let heard: Vec<String> = texts(&edge).into_iter().map(|(_, text)| text).collect();
        let all: Vec<&str> = [CONFIRMED].into_iter().chain(said).collect();
        assert_eq!(heard, all, "{word:?}");
        // One that is short may be taken in full by the next restored hub, or short again.
        if word == short {
            let seq = offered_again(&edge, 3);
            verdicts(&edge, 1, &[(seq, applied())]);
            let seq = offered_again(&edge, 4);
            verdicts(&edge, 1, &[(seq, short.clone())]);
            let heard: Vec<String> = texts(&edge).into_iter().map(|(_, text)| text).collect();
            assert_eq!((heard.len(), heard[2].as_str()), (4, CONFIRMED));
            assert_eq!(heard[3], heard[1]);
        }
    }
}

/// Five of what this office offers, of which the hub knows.
fn sold_here(edge: &TestEdge) -> (OrderId, Submitted) {
    let listing = edge.post_listing(50);
    let (order, sure) = edge.place_order(listing, 5).unwrap();
    let offer = edge.read(|conn| replica::get::<Listing>(conn, Key::Uuid(listing.0))).unwrap();
    let row = edge.read(|conn| replica::get::<Order>(conn, Key::Uuid(order.0))).unwrap();
    edge.feed(Bucket::Coop(COOP), vec![live(&offer), live(&row)]);
    edge.write(|tx| Ok::<_, DbError>(tx.execute("DELETE FROM command WHERE seq = 1", [])?));
    (order, sure)
}

#[test]
fn what_was_sure_at_once_and_is_not_any_more_after_a_restore_is_told_too() {
    let edge = TestEdge::with_market();
    let (order, sure) = sold_here(&edge);
    let at = now(&edge);
    assert!(edge.write(move |tx| crate::told::receipt(tx, CommandId(order.0), &at)));
    verdicts(&edge, 1, &[(sure.seq, applied())]);
    assert_eq!(texts(&edge).len(), 1, "the receipt says it all");
    let seq = offered_again(&edge, 2);
    verdicts(&edge, 1, &[(seq, Verdict::Dismissed)]);
    let said = "Your order was NOT taken: 5 kg Maize. Please ask at the office.".to_owned();
    assert_eq!(texts(&edge)[1..], [(CALLER_PHONE, said)]);
}

#[test]
fn who_has_heard_that_an_order_is_off_hears_no_more_of_it() {
    let edge = TestEdge::with_market();
    let (order, sure) = sold_here(&edge);
    verdicts(&edge, 1, &[(sure.seq, applied())]);
    taken_back_at_the_hub(&edge, order);
    let heard = texts(&edge);
    assert_eq!(heard.len(), 1);
    let seq = offered_again(&edge, 2);
    verdicts(&edge, 1, &[(seq, not_enough("1"))]);
    assert_eq!(texts(&edge), heard);
}

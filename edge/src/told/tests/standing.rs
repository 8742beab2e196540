//! An order that becomes short after it was sure, and one that is covered again: its buyer hears each once, wherever its seller is.

use super::*;

const SHORT: &str = "There is not enough for your order: 5 kg Maize. Please speak to the office.";
const AGAIN: &str = "Your order is CONFIRMED again: 5 kg Maize. To pay: MWK 2,250.";

/// The order's row comes from the hub, standing so.
fn stands(edge: &TestEdge, order: OrderId, status: OrderStatus) {
    let row = edge.read(move |conn| replica::get_sent::<Order>(conn, Key::Uuid(order.0))).unwrap();
    let row = Order { status, ..row };
    let changed: Vec<OrderId> = [order].into_iter().filter(|_| status != OrderStatus::Confirmed).collect();
    edge.feed(Bucket::Coop(COOP), vec![live(&row)]);
    let now = now(edge);
    edge.write(move |tx| tell_changes(tx, &changed, &now));
}

fn heard(edge: &TestEdge) -> Vec<String> {
    texts(edge).into_iter().map(|(_, text)| text).collect()
}

#[test]
fn an_order_that_a_count_made_short_is_told_once_and_so_is_that_it_is_covered_again() {
    let edge = TestEdge::with_market();
    let order = sold(&edge);
    assert_eq!(heard(&edge), [""; 0], "it was sure");
    stands(&edge, order, OrderStatus::Short);
    stands(&edge, order, OrderStatus::Short);
    assert_eq!(texts(&edge), [(CALLER_PHONE, SHORT.to_owned())]);
    let edge = edge.reopen();
    stands(&edge, order, OrderStatus::Short);
    assert_eq!(heard(&edge).len(), 1, "another start says nothing again");
    stands(&edge, order, OrderStatus::Confirmed);
    stands(&edge, order, OrderStatus::Confirmed);
    assert_eq!(heard(&edge), [SHORT, AGAIN]);
    // A later count takes it again, when the messages of weeks ago are gone.
    weeks_pass(&edge);
    stands(&edge, order, OrderStatus::Confirmed);
    stands(&edge, order, OrderStatus::Short);
    stands(&edge, order, OrderStatus::Confirmed);
    assert_eq!(heard(&edge), [SHORT, AGAIN]);
}

#[test]
fn what_changed_to_and_fro_before_it_was_heard_is_no_news() {
    let edge = TestEdge::with_market();
    let order = sold(&edge);
    let row = edge.read(move |conn| replica::get_sent::<Order>(conn, Key::Uuid(order.0))).unwrap();
    for status in [OrderStatus::Short, OrderStatus::Confirmed] {
        edge.feed(Bucket::Coop(COOP), vec![live(&Order { status, ..row.clone() })]);
    }
    // Both came in one exchange, in which the order was short for a moment.
    let now = now(&edge);
    edge.write(move |tx| tell_changes(tx, &[order], &now));
    assert_eq!(heard(&edge), [""; 0]);
}

/// An order of what another cooperative offers, which the hub has taken; its row stands so when the answer comes.
fn asked_elsewhere(status: OrderStatus, word: Verdict) -> (TestEdge, OrderId) {
    let edge = TestEdge::with_market();
    mercy_speaks_swahili(&edge);
    let seq = asks(&edge, other_listing().id, 20);
    let id = OrderId(edge.read(move |conn| commands::pending(conn, seq - 1, 1))[0].id.0);
    let row = edge.read(move |conn| replica::get::<Order>(conn, Key::Uuid(id.0))).unwrap();
    edge.feed(Bucket::Coop(COOP), vec![live(&Order { status, ..row })]);
    verdicts(&edge, 1, &[(seq, word)]);
    (edge, id)
}

#[test]
fn the_buyer_of_what_another_office_sells_is_told_in_his_language() {
    let (edge, order) = asked_elsewhere(OrderStatus::Confirmed, applied());
    stands(&edge, order, OrderStatus::Short);
    stands(&edge, order, OrderStatus::Confirmed);
    assert_eq!(
        heard(&edge),
        [
            "Oda yako IMETHIBITISHWA: Maharagwe 20 kg. Utalipa: MWK 9,000.",
            "Haitoshi kwa oda yako: Maharagwe 20 kg. Tafadhali wasiliana na ofisi.",
            "Oda yako IMETHIBITISHWA tena: Maharagwe 20 kg. Utalipa: MWK 9,000."
        ]
    );
}

#[test]
fn the_answer_says_how_the_order_stands_by_then() {
    let (short, confirmed) = ("Haitoshi", "Oda yako IMETHIBITISHWA: ");
    let was_short = Verdict::Applied(Applied { short: true, ..Applied::default() });
    for (status, word, said) in [
        (OrderStatus::Short, applied(), short),
        (OrderStatus::Short, was_short.clone(), short),
        (OrderStatus::Confirmed, was_short, confirmed),
    ] {
        let (edge, order) = asked_elsewhere(status, word);
        stands(&edge, order, status);
        let [text] = heard(&edge).try_into().unwrap();
        assert!(text.starts_with(said), "{status:?}: {text}");
    }
}

#[test]
fn a_sure_order_that_is_short_when_the_answer_comes_is_told() {
    let edge = TestEdge::with_market();
    let listing = edge.post_listing(50);
    let (order, sure) = edge.place_order(listing, 5).unwrap();
    let row = edge.read(move |conn| replica::get::<Order>(conn, Key::Uuid(order.0))).unwrap();
    edge.feed(Bucket::Coop(COOP), vec![live(&Order { status: OrderStatus::Short, ..row })]);
    let now = now(&edge);
    edge.write(move |tx| tell_changes(tx, &[order], &now));
    assert_eq!(heard(&edge), [""; 0], "its answer has not come");
    verdicts(&edge, 1, &[(1, applied()), (sure.seq, applied())]);
    assert_eq!(heard(&edge), [SHORT]);
}

#[test]
fn who_takes_a_short_order_back_hears_of_that_alone() {
    let too_late = Verdict::Rejected(Reject::new(RejectCode::TooLate));
    for (word, said) in [(applied(), 1), (too_late, 2)] {
        let edge = TestEdge::with_market();
        let order = sold(&edge);
        let cancel = edge.cancel_order(order).unwrap().seq;
        stands(&edge, order, OrderStatus::Short);
        assert_eq!(heard(&edge), [""; 0]);
        verdicts(&edge, 3, &[(cancel, word)]);
        let heard = heard(&edge);
        assert_eq!(heard.len(), said, "{heard:?}");
        assert_eq!(heard.iter().any(|text| text == SHORT), said == 2, "{heard:?}");
    }
}

#[test]
fn nobody_without_a_number_is_told_and_who_said_stop_is_not() {
    let edge = TestEdge::with_market();
    let order = sold(&edge);
    let seq = edge.submit(clerk(), true, order_of(other_listing().id, 8)).unwrap().seq;
    let nobodys = OrderId(edge.read(move |conn| commands::pending(conn, seq - 1, 1))[0].id.0);
    let row = edge.read(move |conn| replica::get::<Order>(conn, Key::Uuid(nobodys.0))).unwrap();
    edge.feed(Bucket::Coop(COOP), vec![live(&Order { status: OrderStatus::Confirmed, ..row })]);
    verdicts(&edge, 3, &[(seq, applied())]);
    let at = now(&edge);
    edge.write(move |tx| outbox::note_opt_out(tx, CALLER_PHONE, &at));
    for order in [order, nobodys] {
        stands(&edge, order, OrderStatus::Short);
    }
    // Who was not told hears nothing of its end either, though he wants messages again by then.
    edge.write(|tx| outbox::note_opt_in(tx, CALLER_PHONE));
    for order in [order, nobodys] {
        stands(&edge, order, OrderStatus::Confirmed);
    }
    assert_eq!(heard(&edge), [""; 0], "that it is sure is what he heard last");
}

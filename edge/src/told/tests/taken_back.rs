//! What was taken back before the hub's word came, and that the hub refused: whoever was told that it is off hears no more, and nobody has
//! to look at it.

use super::*;

/// An order for what is elsewhere, and what takes it back.
struct Taken {
    edge: TestEdge,
    order: u64,
    cancel: u64,
}

fn taken_back(is_sent: bool) -> Taken {
    let edge = TestEdge::with_market();
    let order = asks(&edge, other_listing().id, 20);
    if is_sent {
        edge.write(|tx| commands::mark_sent(tx, 10));
    }
    let id = OrderId(edge.read(move |conn| commands::pending(conn, order - 1, 1))[0].id.0);
    let cancel = edge.submit(member(), false, OrderCancel::new(id.0)).unwrap().seq;
    Taken { edge, order, cancel }
}

fn to_look_at(edge: &TestEdge) -> (usize, u64) {
    (edge.read(commands::refusals).len(), edge.read(commands::tally).refused)
}

const REFUSED: &str = "Your order was NOT taken: 20 kg Beans. Only 5 kg left.";

#[test]
fn an_order_that_was_taken_back_before_the_answer_is_never_called_refused() {
    for first in [not_enough("5"), Verdict::Dismissed] {
        for together in [true, false] {
            for (is_sent, said) in [(false, vec![]), (true, vec![(MEMBER_PHONE, CANCELLED.to_owned())])] {
                let Taken { edge, order, cancel, .. } = taken_back(is_sent);
                if together {
                    verdicts(&edge, 1, &[(order, first.clone()), (cancel, applied())]);
                } else {
                    verdicts(&edge, 1, &[(order, first.clone())]);
                    assert_eq!((texts(&edge), to_look_at(&edge)), (vec![], (0, 0)));
                    verdicts(&edge, 2, &[(cancel, Verdict::Held)]);
                    verdicts(&edge, 3, &[(cancel, applied())]);
                }
                assert_eq!((texts(&edge), to_look_at(&edge)), (said, (0, 0)));
                assert!(edge.read(|conn| commands::untold(conn, 10)).is_empty());
            }
        }
    }
}

#[test]
fn an_order_taken_back_in_vain_has_its_own_word_whenever_that_is_known() {
    const CONFIRMED: &str = "Your order is CONFIRMED: 20 kg Beans. To pay: MWK 9,000.";
    for (first, said, refusals) in [(not_enough("5"), REFUSED, 2), (applied(), CONFIRMED, 1)] {
        for together in [true, false] {
            let Taken { edge, order, cancel, .. } = taken_back(true);
            let in_vain = Verdict::Rejected(Reject::new(RejectCode::NotAllowed));
            if together {
                verdicts(&edge, 1, &[(order, first.clone()), (cancel, in_vain)]);
            } else {
                verdicts(&edge, 1, &[(order, first.clone())]);
                assert_eq!((texts(&edge), to_look_at(&edge).0), (vec![], 0));
                verdicts(&edge, 2, &[(cancel, in_vain)]);
            }
            let heard: Vec<String> = texts(&edge).into_iter().map(|(_, text)| text).collect();
            assert_eq!((heard.len(), heard[0].as_str()), (2, said), "{heard:?}");
            assert!(heard[1].contains("NOT cancelled"), "{heard:?}");
            assert_eq!(to_look_at(&edge), (refusals, refusals as u64));
        }
    }
}

#[test]
fn a_cancellation_refused_has_its_own_order_alone_looked_at_again() {
    let Taken { edge, order, cancel, .. } = taken_back(true);
    let (listing, post) = offered(&edge);
    let withdraw = edge.submit(member(), false, ListingWithdraw { listing }).unwrap().seq;
    let passed_over = || -> Vec<u64> {
        edge.read(|conn| -> Result<Vec<u64>, DbError> {
            let mut statement = conn.prepare("SELECT seq FROM command WHERE taken_back = 1 ORDER BY seq")?;
            Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
        })
    };
    verdicts(&edge, 1, &[(order, not_enough("5")), (post, Verdict::Dismissed)]);
    assert_eq!(passed_over(), [order, post]);
    // Before anybody is told: what is looked at again has no word on it.
    let word = |number, seq| {
        let list = [Numbered { number, seq, verdict: Verdict::Dismissed, stands_at: vec![] }];
        edge.db().write_blocking(move |tx| commands::record_verdicts(tx, &list, 1_000)).unwrap();
    };
    word(3, cancel);
    assert_eq!(passed_over(), [post]);
    word(4, withdraw);
    assert_eq!(passed_over(), [0u64; 0]);
}

#[test]
fn a_buyer_whose_order_the_office_took_back_hears_once_that_it_is_off() {
    let edge = TestEdge::with_market();
    let listing = edge.post_listing(50);
    // More than is held here: it is asked.
    let order = asks(&edge, listing, 40);
    let id = edge.read(move |conn| commands::pending(conn, order - 1, 1))[0].id;
    let cancel = edge.submit(clerk(), true, OrderCancel::new(id.0)).unwrap().seq;
    verdicts(&edge, 1, &[(1, applied()), (order, not_enough("5")), (cancel, applied())]);
    assert_eq!(texts(&edge), [(MEMBER_PHONE, "Your order is cancelled: 40 kg Maize.".to_owned())]);
    assert_eq!(to_look_at(&edge), (0, 0));
}

/// An offer of a member's, with its listing.
fn offered(edge: &TestEdge) -> (Uuid, u64) {
    let listing = edge.deps().ids.uuid_v7();
    let post = ListingPost {
        listing,
        commodity: MAIZE.0,
        unit: KG.0,
        title: String::new(),
        quantity_milli: 50_000,
        price_minor: PRICE_MINOR,
        currency: "MWK".to_owned(),
        seller: Some(member_id().0),
        hub_milli: None,
    };
    (listing, edge.submit(member(), false, post).unwrap().seq)
}

#[test]
fn an_offer_that_was_withdrawn_before_the_answer_is_never_called_refused() {
    let refused = Verdict::Rejected(Reject::new(RejectCode::NotAllowed));
    for together in [true, false] {
        let edge = TestEdge::with_market();
        let (listing, post) = offered(&edge);
        let price = Some(WholeChange { old: PRICE_MINOR, new: PRICE_MINOR + 100 });
        let edit = ListingEdit { listing, price_minor: price, title: None };
        let edit = edge.submit(member(), false, edit).unwrap().seq;
        let withdraw = edge.submit(member(), false, ListingWithdraw { listing }).unwrap().seq;
        // The hub knows nothing of an offer that it has refused.
        let unknown = Verdict::Rejected(Reject::new(RejectCode::NotFound));
        let words = [(post, refused.clone()), (edit, unknown.clone()), (withdraw, unknown)];
        if together {
            verdicts(&edge, 1, &words);
        } else {
            for (number, word) in (1..).zip(words) {
                verdicts(&edge, number, &[word]);
            }
        }
        let said = texts(&edge);
        assert!(said.len() == 1 && !said[0].1.contains("NOT"), "{said:?}");
        assert_eq!(to_look_at(&edge), (0, 0));
    }
}

#[test]
fn a_change_of_what_was_withdrawn_after_it_is_nothing_to_look_at() {
    let edge = TestEdge::with_market();
    let listing = edge.post_listing(50).0;
    let price = Some(WholeChange { old: PRICE_MINOR, new: PRICE_MINOR + 100 });
    let edit = edge.submit(clerk(), true, ListingEdit { listing, price_minor: price, title: None }).unwrap();
    let withdraw = edge.submit(clerk(), true, ListingWithdraw { listing }).unwrap();
    let clash = Verdict::Rejected(Reject::new(RejectCode::Conflict));
    verdicts(&edge, 1, &[(1, applied()), (edit.seq, clash)]);
    assert_eq!(to_look_at(&edge), (0, 0));
    verdicts(&edge, 3, &[(withdraw.seq, Verdict::Dismissed)]);
    assert_eq!(to_look_at(&edge), (2, 2), "it stands, and so does what became of its change");
    assert_eq!(texts(&edge), []);
}

#[test]
fn an_offer_whose_withdrawal_was_called_refused_has_its_own_word_later() {
    let edge = TestEdge::with_market();
    let (listing, post) = offered(&edge);
    let withdraw = edge.submit(member(), false, ListingWithdraw { listing }).unwrap().seq;
    verdicts(&edge, 1, &[(post, Verdict::Quarantined), (withdraw, Verdict::Dismissed)]);
    verdicts(&edge, 3, &[(post, Verdict::Dismissed)]);
    let said = texts(&edge);
    assert!(said.len() == 2 && said[1].1.starts_with("Your offer was NOT taken"), "{said:?}");
    assert_eq!(to_look_at(&edge), (2, 2));
}

#[test]
fn an_order_that_was_taken_back_before_the_answer_is_never_called_confirmed() {
    // By the buyer, who was told that it is done; or when it might have left, so that it is asked.
    for (is_sent, said) in [(false, vec![]), (true, vec![(MEMBER_PHONE, CANCELLED.to_owned())])] {
        let Taken { edge, order, cancel } = taken_back(is_sent);
        verdicts(&edge, 1, &[(order, applied()), (cancel, applied())]);
        assert_eq!(texts(&edge), said);
        assert!(edge.read(|conn| commands::untold(conn, 10)).is_empty());
    }
}

#[test]
fn an_order_taken_back_in_vain_is_confirmed_and_both_are_told() {
    let Taken { edge, order, cancel } = taken_back(true);
    let too_late = Verdict::Rejected(Reject::new(RejectCode::TooLate));
    verdicts(&edge, 1, &[(order, applied()), (cancel, too_late)]);
    let said: Vec<String> = texts(&edge).into_iter().map(|(_, text)| text).collect();
    assert!(
        said[0].contains("CONFIRMED") && said[1].contains("NOT cancelled") && said.len() == 2,
        "{said:?}"
    );
}

//! Verdicts become messages: once, in the right language, to the right person, in the transaction that learnt them.

mod ends;
mod restored;
mod standing;
mod taken_back;

use super::{tell, tell_changes};
use crate::commands::{self, Submission, Submitted, VerdictError};
use crate::db::DbError;
use crate::node;
use crate::outbox::{self, Kind, Stored};
use crate::replica;
use crate::testing::{
    CALLER_PHONE, COOP, KG, MAIZE, MEMBER_PHONE, OTHER_COOP, PRICE_MINOR, REGION, TestEdge, caller, clerk,
    gone, live, member, member_id, order_of, other_listing,
};
use crate::text::Lang;
use crate::time::{self, Now};
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CommandId, ListingId, OrderId};
use sync_protocol::market::{
    Entity as _, Listing, ListingEdit, ListingPost, ListingWithdraw, Member, MemberRegister, Order,
    OrderCancel, OrderPlace, OrderStatus, WholeChange,
};
use sync_protocol::row::Key;
use sync_protocol::session::Link;
use sync_protocol::units::{Currency, Quantity};
use sync_protocol::verdict::{Applied, Numbered, Reject, RejectCode, Verdict};
use uuid::Uuid;

fn messages(edge: &TestEdge) -> Vec<Stored> {
    let mut list = edge.read(|conn| outbox::list(conn, None, None, 100));
    list.reverse();
    list
}

fn now(edge: &TestEdge) -> Now {
    let at = edge.deps().clock.read();
    edge.read(|conn| time::now(conn, at))
}

fn texts(edge: &TestEdge) -> Vec<(u64, String)> {
    messages(edge).into_iter().map(|message| (message.phone, message.text)).collect()
}

/// Verdicts come as an exchange brings them: recorded, settled and told in one transaction.
fn verdicts(edge: &TestEdge, first: u64, list: &[(u64, Verdict)]) {
    let numbered: Vec<Numbered> = (first..)
        .zip(list)
        .map(|(number, (seq, verdict))| {
            // What it did is here.
            let stands_at = vec![(Bucket::Coop(COOP), edge.head(Bucket::Coop(COOP)))];
            Numbered { number, seq: *seq, verdict: verdict.clone(), stands_at }
        })
        .collect();
    let at = edge.deps().clock.read();
    edge.write(move |tx| -> Result<(), VerdictError> {
        let now = time::now(tx, at)?;
        commands::record_verdicts(tx, &numbered, now.best_s)?;
        commands::settle(tx)?;
        tell(tx, &now)?;
        Ok(())
    });
}

fn not_enough(left: &str) -> Verdict {
    Verdict::Rejected(Reject::with(RejectCode::NotEnough, [left.to_owned()]))
}

fn applied() -> Verdict {
    Verdict::Applied(Applied::default())
}

/// Mercy Banda speaks Swahili from now on.
fn mercy_speaks_swahili(edge: &TestEdge) {
    let mercy = Member {
        id: member_id(),
        cooperative: COOP,
        name: "Mercy Banda".to_owned(),
        phone: MEMBER_PHONE,
        language: "sw".to_owned(),
        registered_at_s: 0,
    };
    edge.feed(Bucket::Coop(COOP), vec![live(&mercy)]);
}

fn asks(edge: &TestEdge, listing: ListingId, units: i64) -> u64 {
    edge.submit(member(), false, order_of(listing, units)).unwrap().seq
}

const CANCELLED: &str = "Your order is cancelled: 20 kg Beans.";

/// A sale from what is here, that the hub has heard of and answered.
fn sold(edge: &TestEdge) -> OrderId {
    let listing = edge.post_listing(50);
    let (order, sure) = edge.place_order(listing, 5).unwrap();
    edge.write(|tx| commands::mark_sent(tx, 10));
    let offer = edge.read(|conn| replica::get::<Listing>(conn, Key::Uuid(listing.0))).unwrap();
    let row = edge.read(|conn| replica::get::<Order>(conn, Key::Uuid(order.0))).unwrap();
    edge.feed(Bucket::Coop(COOP), vec![live(&offer), live(&row)]);
    verdicts(edge, 1, &[(1, applied()), (sure.seq, applied())]);
    order
}

/// The order's row comes, taken back at the hub.
fn taken_back_at_the_hub(edge: &TestEdge, order: OrderId) {
    let row = edge.read(move |conn| replica::get::<Order>(conn, Key::Uuid(order.0))).unwrap();
    edge.feed(Bucket::Coop(COOP), vec![live(&Order { status: OrderStatus::Cancelled, ..row })]);
    let now = now(edge);
    edge.write(move |tx| tell_changes(tx, &[order], &now));
}

/// The messages of weeks ago are dropped.
fn weeks_pass(edge: &TestEdge) {
    edge.write(|tx| -> Result<(), DbError> { Ok(tx.execute("DELETE FROM sms_out", []).map(|_| ())?) });
}

#[test]
fn a_refused_order_is_told_once_and_in_swahili() {
    let edge = TestEdge::with_market();
    mercy_speaks_swahili(&edge);
    let seq = asks(&edge, other_listing().id, 20);
    verdicts(&edge, 1, &[(seq, not_enough("5"))]);
    let said = vec![(MEMBER_PHONE, "Oda yako HAIJAKUBALIWA: Maharagwe 20 kg. Zimebaki 5 kg tu.".to_owned())];
    assert_eq!(texts(&edge), said);
    let [message] = messages(&edge).try_into().unwrap();
    assert_eq!((message.kind, message.segments), (Kind::Verdict, 1));
    // The same verdict again, another round, another start: nothing more is said.
    verdicts(&edge, 1, &[(seq, not_enough("5"))]);
    let edge = edge.reopen();
    let now = now(&edge);
    assert_eq!(edge.write(move |tx| tell(tx, &now)), 0);
    assert_eq!(texts(&edge), said);
    let state = edge.read(|conn| commands::refused_orders(conn, Some(MEMBER_PHONE)));
    assert!(state[0].told);
}

#[test]
fn an_order_that_was_asked_for_is_told_when_it_is_confirmed() {
    let edge = TestEdge::with_market();
    let seq = asks(&edge, other_listing().id, 20);
    verdicts(&edge, 1, &[(seq, applied())]);
    assert_eq!(
        texts(&edge),
        [(MEMBER_PHONE, "Your order is CONFIRMED: 20 kg Beans. To pay: MWK 9,000.".to_owned())]
    );
}

#[test]
fn what_was_sure_is_told_again_only_when_it_was_not() {
    let edge = TestEdge::with_market();
    let listing = edge.post_listing(50);
    let (_, sure) = edge.place_order(listing, 5).unwrap();
    let (_, short) = edge.place_order(listing, 6).unwrap();
    let is_short = Verdict::Applied(Applied { short: true, ..Applied::default() });
    verdicts(&edge, 1, &[(1, applied()), (sure.seq, applied()), (short.seq, is_short)]);
    let said = "There is not enough for your order: 6 kg Maize. Please speak to the office.".to_owned();
    assert_eq!(texts(&edge), [(CALLER_PHONE, said)]);
    let open = edge.read(|conn| commands::untold(conn, 10));
    assert!(open.is_empty(), "what need not be told counts as told");
}

#[test]
fn what_has_left_this_office_before_the_verdict_is_still_named() {
    let short = Verdict::Applied(Applied { short: true, ..Applied::default() });
    for (verdict, said) in [
        (not_enough("5"), "Your order was NOT taken: 20 kg Beans. Only 5 kg left."),
        (Verdict::Rejected(Reject::new(RejectCode::Withdrawn)), "Your order was NOT taken: 20 kg Beans."),
        (Verdict::Dismissed, "Your order was NOT taken: 20 kg Beans. Please ask at the office."),
        (applied(), "Your order is CONFIRMED: 20 kg Beans. To pay: MWK 9,000."),
        (short, "There is not enough for your order: 20 kg Beans. Please speak to the office."),
    ] {
        let edge = TestEdge::with_market();
        let seq = asks(&edge, other_listing().id, 20);
        edge.feed(Bucket::Catalogue(REGION), vec![gone::<Listing>(Key::Uuid(other_listing().id.0))]);
        let is_refusal = !matches!(verdict, Verdict::Applied(_));
        verdicts(&edge, 1, &[(seq, verdict)]);
        let [(phone, text)] = texts(&edge).try_into().unwrap();
        assert_eq!(phone, MEMBER_PHONE);
        assert!(text.starts_with(said), "{text}");
        let refused = edge.read(|conn| commands::refused_orders(conn, Some(MEMBER_PHONE)));
        assert_eq!(refused.len(), usize::from(is_refusal));
        for order in refused {
            let kept = order.thing.as_ref().unwrap();
            assert_eq!(
                (kept.name(Lang::En), kept.name(Lang::Sw), kept.unit.as_str()),
                ("Beans", "Maharagwe", "KG")
            );
            assert_eq!((order.currency(), order.cooperative()), (Currency::new("MWK"), OTHER_COOP.0));
            assert!(order.told && order.listing_now.is_none());
        }
    }
}

#[test]
fn an_act_of_an_earlier_version_whose_listing_is_gone_is_told_by_its_number() {
    let edge = TestEdge::with_market();
    let seq = asks(&edge, other_listing().id, 20);
    edge.write(|tx| -> Result<(), DbError> {
        Ok(tx.execute("UPDATE command SET thing = NULL", []).map(|_| ())?)
    });
    edge.feed(Bucket::Catalogue(REGION), vec![gone::<Listing>(Key::Uuid(other_listing().id.0))]);
    verdicts(&edge, 1, &[(seq, not_enough("5"))]);
    let [(_, text)] = texts(&edge).try_into().unwrap();
    assert!(text.starts_with("Your order was NOT taken: 20 #"), "{text}");
}

#[test]
fn told_is_only_what_a_message_says() {
    let edge = TestEdge::with_market();
    let nobody = edge.submit(clerk(), true, order_of(other_listing().id, 8)).unwrap().seq;
    let stopped = asks(&edge, other_listing().id, 9);
    let heard = edge.submit(caller(), false, order_of(other_listing().id, 7)).unwrap().seq;
    let at = now(&edge);
    edge.write(move |tx| outbox::note_opt_out(tx, MEMBER_PHONE, &at));
    verdicts(&edge, 1, &[(nobody, not_enough("5")), (stopped, not_enough("5")), (heard, not_enough("5"))]);
    let told: Vec<bool> =
        edge.read(commands::refusals).iter().rev().map(|state| state.told_at_s.is_some()).collect();
    assert_eq!(told, [false, false, true], "the office has all three on its page");
    assert_eq!(texts(&edge).len(), 1);
    assert!(edge.read(|conn| commands::untold(conn, 10)).is_empty(), "nor is any looked at again");
}

#[test]
fn an_open_verdict_is_told_when_it_is_final() {
    let edge = TestEdge::with_market();
    let seq = asks(&edge, other_listing().id, 20);
    verdicts(&edge, 1, &[(seq, Verdict::Held)]);
    assert!(texts(&edge).is_empty());
    verdicts(&edge, 2, &[(seq, applied())]);
    assert_eq!(texts(&edge).len(), 1);
}

#[test]
fn the_buyer_of_an_order_made_at_the_office_is_told() {
    let edge = TestEdge::with_market();
    let order = OrderPlace { buyer_phone: CALLER_PHONE, ..order_of(other_listing().id, 7) };
    let seq = edge.submit(clerk(), true, order).unwrap().seq;
    let nobody = edge.submit(clerk(), true, order_of(other_listing().id, 8)).unwrap().seq;
    verdicts(&edge, 1, &[(seq, applied()), (nobody, applied())]);
    assert_eq!(texts(&edge).len(), 1);
    assert_eq!(messages(&edge)[0].phone, CALLER_PHONE);
}

#[test]
fn a_registration_that_was_refused_is_told() {
    let edge = TestEdge::with_market();
    let register = MemberRegister {
        member: edge.deps().ids.uuid_v7(),
        phone: CALLER_PHONE,
        name: "Jane Phiri".to_owned(),
        language: "sw".to_owned(),
    };
    let seq = edge.submit(caller(), false, register).unwrap().seq;
    verdicts(&edge, 1, &[(seq, Verdict::Rejected(Reject::new(RejectCode::NotAllowed)))]);
    let [(phone, text)] = texts(&edge).try_into().unwrap();
    assert_eq!(phone, CALLER_PHONE);
    assert!(text.starts_with("You were NOT registered."), "{text}");
}

#[test]
fn an_offer_that_was_refused_is_told_although_its_row_is_gone() {
    let edge = TestEdge::with_market();
    let post = ListingPost {
        listing: edge.deps().ids.uuid_v7(),
        commodity: MAIZE.0,
        unit: KG.0,
        title: String::new(),
        quantity_milli: 50_000,
        price_minor: PRICE_MINOR,
        currency: "MWK".to_owned(),
        seller: Some(member_id().0),
        hub_milli: None,
    };
    let seq = edge.submit(member(), false, post).unwrap().seq;
    verdicts(&edge, 1, &[(seq, Verdict::Dismissed)]);
    let said = "Your offer was NOT taken: 50 kg Maize. Please ask at the office.".to_owned();
    assert_eq!(texts(&edge), [(MEMBER_PHONE, said)]);
}

#[test]
fn who_said_stop_hears_nothing() {
    let edge = TestEdge::with_market();
    let seq = asks(&edge, other_listing().id, 20);
    let now = now(&edge);
    edge.write(move |tx| outbox::note_opt_out(tx, MEMBER_PHONE, &now));
    verdicts(&edge, 1, &[(seq, applied())]);
    assert!(texts(&edge).is_empty());
}

#[test]
fn a_receipt_is_queued_once_with_its_order() {
    let edge = TestEdge::with_market();
    let listing = edge.post_listing(50);
    edge.write(|tx| outbox::note_default_language(tx, Lang::Sw));
    let (order, taken) = edge.place_order(listing, 5).unwrap();
    assert_eq!(taken.certainty, sync_protocol::market::Certainty::Record);
    let now = now(&edge);
    assert!(edge.write(move |tx| super::receipt(tx, CommandId(order.0), &now)));
    assert!(!edge.write(move |tx| super::receipt(tx, CommandId(order.0), &now)));
    let [(phone, text)] = texts(&edge).try_into().unwrap();
    assert_eq!(
        (phone, text.as_str()),
        (CALLER_PHONE, "Oda yako IMETHIBITISHWA: Mahindi 5 kg. Utalipa: MWK 2,250.")
    );
    assert_eq!(Quantity::units(5).0 * PRICE_MINOR / 1_000, 225_000);
    assert!(
        !edge.write(move |tx| super::receipt(tx, CommandId(uuid::Uuid::nil()), &now)),
        "an order that is not there"
    );
}

#[test]
fn a_command_that_cannot_be_read_keeps_nobody_else_from_being_told() {
    let edge = TestEdge::with_market();
    let first = asks(&edge, other_listing().id, 20);
    edge.write(move |tx| -> Result<(), DbError> {
        let sql = "UPDATE command SET verdict = 'perhaps', settled_at_s = 5 WHERE seq = ?1";
        Ok(tx.execute(sql, [first]).map(|_| ())?)
    });
    let second = asks(&edge, other_listing().id, 7);
    verdicts(&edge, 1, &[(second, not_enough("5"))]);
    assert_eq!(
        texts(&edge),
        [(MEMBER_PHONE, "Your order was NOT taken: 7 kg Beans. Only 5 kg left.".to_owned())]
    );
    assert_eq!(edge.read(commands::refusals).len(), 1, "the office's list goes on too");
    assert!(edge.read(|conn| commands::untold(conn, 10)).is_empty(), "nor is it looked at for ever");
}

#[test]
fn what_the_office_walked_for_somebody_is_told_to_that_person() {
    let edge = TestEdge::with_market();
    let (listing, deps) = (edge.post_listing(50), edge.deps().clone());
    let submitted = edge.write(move |tx| {
        let (id, body) = (CommandId(Uuid::from_u128(9)), ListingWithdraw { listing: listing.0 }.into());
        let submission = Submission { id, actor: clerk(), body, clerk: true, caller_phone: CALLER_PHONE };
        commands::submit(tx, &deps, submission)
    });
    let refused = Verdict::Rejected(Reject::new(RejectCode::Withdrawn));
    verdicts(&edge, 1, &[(1, applied()), (submitted.seq, refused)]);
    let told: Vec<u64> = texts(&edge).into_iter().map(|(phone, _)| phone).collect();
    assert_eq!(told, [CALLER_PHONE]);
}

#[test]
fn a_person_whose_row_cannot_be_read_hears_the_answer_all_the_same() {
    let edge = TestEdge::with_market();
    edge.write(|tx| outbox::note_default_language(tx, Lang::Sw));
    let seq = asks(&edge, other_listing().id, 20);
    edge.write(|tx| -> Result<(), DbError> {
        let bad = tx.execute("UPDATE replica SET payload = x'05FF' WHERE entity = ?1", [Member::NUMBER])?;
        assert_eq!(bad, 1);
        Ok(())
    });
    verdicts(&edge, 1, &[(seq, not_enough("5"))]);
    let said = "Oda yako HAIJAKUBALIWA: Maharagwe 20 kg. Zimebaki 5 kg tu.".to_owned();
    assert_eq!(texts(&edge), [(MEMBER_PHONE, said)], "in the language of the settings");
}

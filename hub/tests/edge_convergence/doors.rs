//! Every state that stops an edge or a command is walked to its end: what opens it is done, at the right place, and everything that
//! people were told of stands at the hub, once.

use crate::office::Office;
use crate::world::World;
use mizili_edge::sync::SyncError;
use mizili_hub::commands::stream::desk::{self, Waiting};
use mizili_hub::commands::stream::{Quarantined, dismiss, retry_all_quarantined};
use mizili_hub::sync::trust::{self, Found};
use mizili_hub::sync::{doors, edges};
use sync_protocol::ids::ListingId;
use sync_protocol::market::{Adjustment, OrderStatus, StockAdjust};
use sync_protocol::units::Quantity;
use sync_protocol::wire::message::RefusalCode;

/// An office that has synced, with 40 of something on offer, of which 20 are its own.
pub(crate) async fn world(seed: u64) -> (World, ListingId) {
    let world = World::new(seed).await;
    let office = &world.offices[0];
    office.sync().await.unwrap();
    let listing = office.post_listing(40).await;
    office.sync().await.unwrap();
    (world, listing)
}

pub(crate) fn code(refused: &SyncError) -> Option<RefusalCode> {
    if let SyncError::Refused(refusal) = refused { Some(refusal.code) } else { None }
}

async fn count(office: &Office, listing: ListingId, units: i64) {
    let found = Adjustment::Count { counted_milli: units * 1000, expected_milli: 40_000 };
    office.act(StockAdjust { listing: listing.0, found, reason: String::new(), undoes: None }).await.unwrap();
}

/// The orders at the hub, and whether both sides agree.
pub(crate) async fn arrived(world: &World, orders: i64) {
    world.offices[0].sync().await.unwrap();
    assert_eq!(world.offices[0].unsettled().await, 0, "everybody has their answer");
    assert_eq!(world.orders_at_the_hub().await, orders);
    world.offices[0].sync().await.unwrap();
    world.both_sides_are_equal().await.unwrap();
}

pub(crate) async fn waiting(world: &World) -> Vec<Waiting> {
    desk::list(&world.db, None).await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_box_whose_copy_was_in_use_goes_on_with_its_file_and_sells_again_after_a_count() {
    let (world, listing) = world(21).await;
    let office = &world.offices[0];
    let copy = world.open_copy(office, office.copy_of_the_disk().await).await;
    office.order(listing, 7).await.expect("held here: the buyer was told that it is sold");
    copy.sync().await.unwrap();
    copy.sync().await.unwrap();
    let refused = office.sync().await.unwrap_err();
    assert_eq!(code(&refused), Some(RefusalCode::Rewound));
    assert!(refused.to_string().contains("mizili-hub edge code 1"), "{refused}");
    let shown = edges::list(&world.db, world.deps.clock.now()).await.unwrap();
    assert!(shown[0].reason.as_ref().unwrap().contains("mizili-hub edge code 1"), "{shown:?}");
    let how = doors::resume(&world.db, &world.deps, 1).await.unwrap_err().to_string();
    assert!(how.contains("mizili-hub edge code 1"), "{how}");

    world.enrol_again(office).await.unwrap();
    assert_eq!((office.to_count().await, office.is_in_doubt().await), (vec![], true), "the hub knows what");
    assert_eq!(office.spendable(listing).await, Quantity::units(13), "its books stay");
    arrived(&world, 1).await;
    assert_eq!(office.to_count().await, [listing]);
    // Nothing is sold from here until it was counted.
    let asked = office.order(listing, 2).await.unwrap();
    assert_eq!(asked.certainty, sync_protocol::market::Certainty::Request);
    count(office, listing, 40).await;
    assert_eq!((office.to_count().await, office.is_in_doubt().await), (vec![], false));
    let sold = office.order(listing, 2).await.unwrap();
    assert_eq!(sold.certainty, sync_protocol::market::Certainty::Record);
    arrived(&world, 3).await;
    // The copy is out for good, and says what to do.
    let replaced = copy.sync().await.unwrap_err();
    assert_eq!(code(&replaced), Some(RefusalCode::Rewound), "{replaced}");
    world.nothing_was_oversold().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_hub_has_already_is_not_done_twice_when_it_is_offered_anew() {
    let (world, listing) = world(22).await;
    let office = &world.offices[0];
    office.order(listing, 3).await.unwrap();
    office.line.cut_response_after(Some(0));
    assert!(office.sync().await.is_err(), "the hub has it, and the office does not know");
    office.line.cut_response_after(None);
    office.order(listing, 4).await.unwrap();
    world.enrol_again(office).await.unwrap();
    arrived(&world, 2).await;
    assert_eq!(world.held_by_the_hub(listing).await, Quantity::units(20));
    assert_eq!(office.spendable(listing).await, Quantity::units(13));
    // And once more, with nothing left to say.
    world.enrol_again(office).await.unwrap();
    office.order(listing, 1).await.unwrap();
    arrived(&world, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stopped_stream_goes_on_when_the_operator_says_so() {
    let (world, listing) = world(23).await;
    let office = &world.offices[0];
    office.order(listing, 5).await.unwrap();
    world.sql("UPDATE edge_streams SET halted_reason = 'a number came twice' WHERE edge_id = 1").await;
    let refused = office.sync().await.unwrap_err();
    assert_eq!(code(&refused), Some(RefusalCode::StreamHalted));
    assert!(refused.to_string().contains("mizili-hub edge resume"), "{refused}");
    let shown = edges::list(&world.db, world.deps.clock.now()).await.unwrap();
    assert!(shown[0].reason.as_ref().unwrap().contains("mizili-hub edge resume 1"), "{shown:?}");
    assert_eq!(
        doors::resume(&world.db, &world.deps, 1).await.unwrap().as_deref(),
        Some("a number came twice")
    );
    assert_eq!(doors::resume(&world.db, &world.deps, 1).await.unwrap(), None);
    arrived(&world, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_box_and_its_copy_both_sold_under_the_same_numbers_arrives_after_a_new_code() {
    let (world, listing) = world(31).await;
    let office = &world.offices[0];
    let copy = world.open_copy(office, office.copy_of_the_disk().await).await;
    copy.order(listing, 3).await.unwrap();
    office.order(listing, 4).await.unwrap();
    copy.sync().await.unwrap();
    let refused = office.sync().await.unwrap_err();
    // The reused number froze both, and the next round of the same sync is told that there is a copy.
    assert_eq!(code(&refused), Some(RefusalCode::Rewound), "{refused}");
    assert!(refused.to_string().contains("mizili-hub edge code"), "{refused}");
    // Verdicts name numbers: those on the copy's sales would have told it that its own had arrived.
    world.enrol_again(office).await.unwrap();
    arrived(&world, 2).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gap_in_the_stream_is_closed_by_a_new_code() {
    let (world, listing) = world(24).await;
    let office = &world.offices[0];
    office.order(listing, 5).await.unwrap();
    world.sql("UPDATE edge_streams SET applied_seq = 0 WHERE edge_id = 1").await;
    let refused = office.sync().await.unwrap_err();
    assert_eq!(code(&refused), Some(RefusalCode::SequenceGap));
    assert!(refused.to_string().contains("mizili-hub edge code"), "{refused}");
    world.enrol_again(office).await.unwrap();
    arrived(&world, 1).await;
}

const POISON: &str = "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        RAISE EXCEPTION 'planted poison' USING ERRCODE = '23514'; END $$;
    CREATE TRIGGER poison BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION poison()";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_quarantined_command_is_listed_shown_retried_or_dismissed_and_the_office_hears_of_it() {
    let (world, listing) = world(25).await;
    let office = &world.offices[0];
    world.sql(POISON).await;
    office.order(listing, 5).await.unwrap();
    office.order(listing, 6).await.unwrap();
    office.sync().await.unwrap();
    assert_eq!(office.unsettled().await, 2);
    let listed = waiting(&world).await;
    let states: Vec<_> = listed.iter().map(|w| (w.state.as_str(), w.kind.as_str(), w.ours, w.edge)).collect();
    assert_eq!(states, [("quarantined", "order.place", false, 1); 2]);
    let shown = desk::show(&world.db, listed[0].id).await.unwrap().unwrap();
    assert!(shown.says.unwrap().contains("quantity_milli: 5000"));
    assert!(shown.waiting.error.unwrap().contains("planted poison"));
    let (stream, seq) = desk::place(&listed[1]);
    assert_eq!(dismiss(&world.db, &world.deps, stream, seq).await.unwrap(), 1);
    world.sql("DROP TRIGGER poison ON orders").await;
    let retried = retry_all_quarantined(&world.db, &world.deps, Quarantined::All).await.unwrap();
    assert_eq!(retried, [(office.edge, 1)]);
    assert!(waiting(&world).await.is_empty());
    assert_eq!(desk::show(&world.db, listed[0].id).await.unwrap(), None, "it is decided");
    arrived(&world, 1).await;
    assert_eq!(office.spendable(listing).await, Quantity::units(15), "the dismissed one's units are back");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_waits_at_the_hub_when_a_box_enrols_again_is_answered_in_its_new_stream() {
    let (world, listing) = world(26).await;
    let office = &world.offices[0];
    world.sql(POISON).await;
    office.order(listing, 5).await.unwrap();
    office.sync().await.unwrap();
    world.enrol_again(office).await.unwrap();
    office.sync().await.unwrap();
    assert_eq!(office.unsettled().await, 1);
    assert_eq!(waiting(&world).await[0].incarnation, 2);
    world.sql("DROP TRIGGER poison ON orders").await;
    retry_all_quarantined(&world.db, &world.deps, Quarantined::All).await.unwrap();
    arrived(&world, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_with_other_keys_serves_nobody_until_they_are_the_databases_and_freezes_nobody() {
    let (world, listing) = world(27).await;
    let office = &world.offices[0];
    // The first hub that knows of it notes its keys, and says so.
    assert_eq!(trust::compare(&world.db, world.keys()).await.unwrap(), Found::Noted { edges: 2 });
    assert_eq!(trust::compare(&world.db, world.keys()).await.unwrap(), Found::Same);
    office.order(listing, 5).await.unwrap();
    let theirs = world.other_hub(8);
    let why = trust::check(&world.db, &theirs, "hub-keys").await.unwrap_err().to_string();
    for part in ["does not serve", "MIZILI_HUB_KEYS", "mizili-hub keys replace"] {
        assert!(why.contains(part), "no {part} in {why}");
    }
    // Were it to run all the same, it would take no exchange and enrol nobody.
    let refused = office.sync().await.unwrap_err();
    assert!(matches!(refused, SyncError::Busy { .. }), "{refused}");
    assert!(world.enrol_again(office).await.unwrap_err().is_temporary());
    // The first hub's keys are lost: the operator makes these the database's.
    let lost = world.keys().fingerprint();
    assert_eq!(trust::replace(&world.db, &world.deps, &theirs, &lost).await.unwrap(), 2);
    trust::check(&world.db, &theirs, "hub-keys").await.unwrap();
    let refused = office.sync().await.unwrap_err();
    assert!(matches!(refused, SyncError::NotTheHub(_)), "{refused}");
    assert!(refused.to_string().contains("mizili-hub edge code"), "{refused}");
    assert_eq!(world.count("SELECT count(*) FROM edge_streams WHERE frozen_at IS NOT NULL").await, 0);
    // Every box was told the old keys, so each enrols again.
    for office in &world.offices {
        world.enrol_again(office).await.unwrap();
    }
    arrived(&world, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn keys_that_were_noted_by_mistake_are_taken_back_and_nobody_has_to_enrol() {
    let (world, listing) = world(28).await;
    let office = &world.offices[0];
    let stranger = world.other_hub(8);
    assert_eq!(trust::compare(&world.db, &stranger).await.unwrap(), Found::Noted { edges: 2 });
    office.order(listing, 5).await.unwrap();
    // A session that stands is let in by any hub on this database; the link says that it is not this one's.
    let refused = office.sync().await.unwrap_err();
    assert!(!refused.is_temporary() && refused.to_string().contains("mizili-hub edge code 1"), "{refused}");
    assert_eq!(world.count("SELECT count(*) FROM edge_streams WHERE frozen_at IS NOT NULL").await, 0);
    trust::replace(&world.db, &world.deps, world.keys(), &stranger.fingerprint()).await.unwrap();
    world.the_first_hub();
    arrived(&world, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_used_code_and_the_code_of_another_edge_say_which_one_is_needed() {
    let (world, listing) = world(29).await;
    let office = &world.offices[0];
    office.order(listing, 5).await.unwrap();
    let used = edges::new_code(&world.db, &world.deps, 1).await.unwrap().code;
    office.enrol_with(&used).await.unwrap();
    office.sync().await.unwrap();
    let refused = office.enrol_with(&used).await.unwrap_err().to_string();
    assert!(refused.contains("mizili-hub edge code 1"), "{refused}");
    let others = edges::new_code(&world.db, &world.deps, 2).await.unwrap().code;
    let refused = office.enrol_with(&others).await.unwrap_err().to_string();
    assert!(refused.contains("mizili-hub edge code 1"), "{refused}");
    world.offices[1].enrol_with(&others).await.expect("it was not used up");
    arrived(&world, 1).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_revoked_edge_held_is_written_off_once_and_never_before() {
    let (world, listing) = world(30).await;
    let office = &world.offices[0];
    office.order(listing, 5).await.unwrap();
    office.sync().await.unwrap();
    let refused = doors::write_off(&world.db, &world.deps, 1).await.unwrap_err().to_string();
    assert!(refused.contains("mizili-hub edge revoke 1"), "{refused}");
    world.revoke(office).await;
    let written = doors::write_off(&world.db, &world.deps, 1).await.unwrap();
    let lines: Vec<_> = written.iter().map(|w| (w.listing, w.title.as_str(), w.quantity.as_str())).collect();
    assert_eq!(lines, [(listing.0, "Maize", "15")]);
    assert!(doors::write_off(&world.db, &world.deps, 1).await.unwrap().is_empty());
    assert_eq!(world.held_by_the_hub(listing).await, Quantity::units(20), "nobody else loses anything");
    let left = "SELECT sum(quantity_milli)::bigint FROM stock_entries WHERE holder = 1";
    assert_eq!(world.count(left).await, 0);
    let feed = mizili_hub::feed::check::compare_all(&world.db, &world.deps).await.unwrap();
    assert_eq!(feed.differences(), 0, "{feed:?}");
}

/// Its disk died with sales on it that the hub never heard of: the hub's books of what the office holds are wrong.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_new_box_for_an_office_counts_before_it_sells_and_the_one_before_it_sells_no_more() {
    let (world, listing) = world(31).await;
    let office = &world.offices[0];
    office.order(listing, 8).await.unwrap();
    assert_eq!(office.orders().await[0].status, OrderStatus::Confirmed, "a person was told");
    let new = world.open_new_box_of(office).await;
    new.sync().await.unwrap();
    assert_eq!((new.spendable(listing).await, new.to_count().await), (Quantity::units(20), vec![listing]));
    let asked = new.order(listing, 15).await.unwrap();
    assert_eq!(asked.certainty, sync_protocol::market::Certainty::Request);
    // The box before was not dead. Its sign-in has run out meanwhile.
    office.forget_its_session();
    let refused = office.sync().await.unwrap_err();
    assert_eq!(code(&refused), Some(RefusalCode::Rewound), "{refused}");
    let asked = office.order(listing, 3).await.unwrap();
    assert_eq!(asked.certainty, sync_protocol::market::Certainty::Request);
    // A person counts what is really there.
    count(&new, listing, 32).await;
    assert!(!new.is_in_doubt().await);
    let sold = new.order(listing, 2).await.unwrap();
    assert_eq!(sold.certainty, sync_protocol::market::Certainty::Record);
    new.sync().await.unwrap();
    let at_the_hub = "SELECT sum(quantity_milli)::bigint FROM stock_entries WHERE holder = 1";
    assert_eq!((new.spendable(listing).await, world.count(at_the_hub).await), (Quantity::units(10), 10_000));
    // Once the office is ended, a new code is no way out for the box before either.
    world.revoke(&new).await;
    let refused = office.sync().await.unwrap_err();
    assert_eq!(code(&refused), Some(RefusalCode::Revoked), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_first_box_has_nothing_to_count() {
    let (world, listing) = world(32).await;
    assert!(!world.offices[0].is_in_doubt().await);
    let sold = world.offices[0].order(listing, 2).await.unwrap();
    assert_eq!(sold.certainty, sync_protocol::market::Certainty::Record);
}

/// What it promised from now on would not stand at the hub: another copy may sell the same units, or the operator has written them off.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_box_that_was_shut_out_promises_nothing_of_its_own() {
    for is_copied in [true, false] {
        let (world, listing) = world(29).await;
        let office = &world.offices[0];
        office.order(listing, 2).await.unwrap();
        assert_eq!(office.orders().await[0].status, OrderStatus::Confirmed, "its own");
        let copy = world.open_copy(office, office.copy_of_the_disk().await).await;
        if is_copied {
            copy.sync().await.unwrap();
            copy.sync().await.unwrap();
        } else {
            world.revoke(office).await;
        }
        let refused = office.sync().await.unwrap_err();
        assert!(matches!(code(&refused), Some(RefusalCode::Rewound | RefusalCode::Revoked)), "{refused}");
        assert!(office.is_in_doubt().await);
        office.order(listing, 3).await.unwrap();
        let asked = office.orders().await.into_iter().filter(|order| order.status != OrderStatus::Confirmed);
        assert_eq!(asked.count(), 1, "the hub is asked");
    }
}

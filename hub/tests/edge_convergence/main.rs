//! The real hub on Postgres and real edges on SQLite files, with a line that is cut at any byte and boxes that are restarted: single
//! schedules here, random days in `days`.
//!
//! Replay one seed with `SEED=3 cargo test -p mizili-hub --test edge_convergence random_days`; run more with `SEEDS=50`, from another
//! one on with `FIRST_SEED=1000`.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod awaited;
mod chance;
mod checks;
mod days;
mod doors;
mod doors_back;
mod doors_of_the_log;
mod goods;
mod held_row;
mod kept;
mod line;
mod office;
mod refusals_left;
mod restored;
mod restored_at_once;
mod salvage;
mod salvage_at_once;
mod salvage_bought;
mod told_short;
mod world;

use chance::Chance;
use goods::PRICE_MINOR;
use mizili_edge::sync::SyncError;
use sync_protocol::market::{Adjustment, ListingEdit, StockAdjust, TextChange, WholeChange};
use sync_protocol::units::Quantity;
use sync_protocol::wire::message::RefusalCode;
use world::World;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_response_cut_at_every_kind_of_place_is_resumed() {
    let world = World::new(1).await;
    let mut applied_at_a_cut = 0;
    // Closer together at the beginning, where heads and first frames are.
    for after in [0, 1, 5, 20, 60, 100, 200, 400, 700, 1_000, 1_500, 2_500, 4_000] {
        world.offices[0].line.cut_response_after(Some(after));
        applied_at_a_cut += u64::from(world.offices[0].sync().await.is_err());
    }
    assert!(applied_at_a_cut > 5);
    world.offices[0].line.cut_response_after(None);
    world.offices[0].sync().await.unwrap();
    world.both_sides_are_equal().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_that_loses_the_piece_it_cuts_carries_a_first_sync() {
    let world = World::new(9).await;
    world.offer_under_long_names(300).await;
    let office = &world.offices[0];
    // Not much more than the smallest frame, and this box knows nothing of the line yet.
    office.line.carry_whole_pieces_up_to(5_000);
    let report = office.sync().await.expect("every answer brings something, so it goes on by itself");
    assert!(report.digests_equal && report.rows > 600, "{report:?}");
    assert!(world.cuts() > 5, "it was hardly ever cut: {}", world.cuts());
    world.both_sides_are_equal().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_line_cut_every_seven_kilobytes_carries_six_thousand_verdicts() {
    const CUT_EVERY_BYTES: usize = 7_000;
    /// What each try costs before the answer: a head each way, and the request.
    const ASKING_BYTES: usize = 600;
    let world = World::new(11).await;
    let office = &world.offices[0];
    office.sync().await.unwrap();
    let listing = office.post_listing(10).await;
    office.sync().await.unwrap();
    // Each took effect in part, and says which words did not: nothing in them is alike.
    let mut chance = Chance::new(11);
    let edits = (0..6_000).map(|n| {
        let mut letter = || char::from_u32(0x4e00 + chance.below(20_000) as u32).unwrap();
        let wanted: String = (0..20).map(|_| letter()).collect();
        let price = WholeChange { old: PRICE_MINOR + n, new: PRICE_MINOR + n + 1 };
        let title = Some(TextChange { old: "another".into(), new: wanted });
        ListingEdit { listing: listing.0, price_minor: Some(price), title }.into()
    });
    office.act_often(edits.collect()).await;
    office.line.lose_answers(true);
    assert!(office.sync().await.is_err());
    office.line.lose_answers(false);
    let (verdicts, on_a_good_line) = world.bytes_of_verdicts().await;
    assert_eq!(verdicts, 6_001);
    office.line.cut_response_after(Some(CUT_EVERY_BYTES - ASKING_BYTES));
    let before = office.line.carried();
    for n in 0.. {
        // As often as the box tries by itself: an exchange that brought something is followed by the next at once.
        if office.sync().await.is_ok() || office.unsettled().await == 0 {
            break;
        }
        assert!(n < 60, "{} are still open", office.unsettled().await);
    }
    let carried = office.line.carried() - before;
    assert_eq!(office.unsettled().await, 0);
    assert!(world.cuts() > 40, "it was hardly ever cut: {}", world.cuts());
    println!("{carried} bytes with {} cuts, {on_a_good_line} on a good line", world.cuts());
    assert!(4 * carried <= 5 * on_a_good_line, "{carried} bytes where {on_a_good_line} would do");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_made_offline_stands_at_the_hub_once_though_the_answer_is_lost() {
    let world = World::new(2).await;
    let office = &world.offices[0];
    office.sync().await.unwrap();
    let listing = office.post_listing(40).await;
    office.order(listing, 10).await.expect("held here");
    for _ in 0..3 {
        office.line.cut_response_after(Some(0));
        assert!(office.sync().await.is_err());
    }
    office.line.cut_response_after(None);
    let report = office.sync().await.unwrap();
    assert!(report.digests_equal);
    assert_eq!(world.orders_at_the_hub().await, 1);
    assert_eq!(
        office.spendable(listing).await,
        Quantity::units(10),
        "20 of 40 are the office's, 10 are sold"
    );
    world.all_is_settled().await.unwrap();
    world.both_sides_are_equal().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_wrong_row_on_disk_is_found_and_mended_with_little() {
    let world = World::new(3).await;
    let office = &world.offices[0];
    office.sync().await.unwrap();
    office.damage_one_price().await;
    let report = office.sync_and_recount().await.unwrap();
    assert_eq!(report.mended, 1, "{report:?}");
    assert!(report.bytes_received < 24 << 10, "{report:?}");
    assert!(report.digests_equal);
    world.both_sides_are_equal().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_offline_edits_in_a_row_do_not_fight_and_a_strangers_edit_is_kept_for_a_person() {
    let world = World::new(4).await;
    let office = &world.offices[0];
    office.sync().await.unwrap();
    let listing = office.post_listing(10).await;
    office.sync().await.unwrap();
    let edit = |old, new| ListingEdit {
        listing: listing.0,
        price_minor: Some(WholeChange { old, new }),
        title: None,
    };
    office.act(edit(PRICE_MINOR, 600)).await.unwrap();
    office.act(edit(600, 700)).await.unwrap();
    office.sync().await.unwrap();
    assert_eq!(world.price_at_the_hub(listing).await, 700);
    // The hub's own clerk changes it while the office, cut off, changes it too.
    world.at_the_hub(edit(700, 900)).await;
    office.act(edit(700, 800)).await.unwrap();
    let report = office.sync().await.unwrap();
    assert_eq!((report.applied, report.rejected), (0, 1));
    assert_eq!(world.price_at_the_hub(listing).await, 900);
    world.both_sides_are_equal().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_and_a_bucket_that_leave_the_scope_vanish() {
    let world = World::new(5).await;
    let office = &world.offices[0];
    office.sync().await.unwrap();
    let before = office.buckets().await;
    world.sql("DELETE FROM region_neighbours").await;
    office.sync().await.unwrap();
    let after = office.buckets().await;
    assert!(after.len() < before.len(), "{before:?} {after:?}");
    assert!(office.has_only_rows_of(&after).await);
    world.both_sides_are_equal().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_revoked_edge_gets_nothing_and_changes_nothing() {
    let world = World::new(6).await;
    let office = &world.offices[0];
    office.sync().await.unwrap();
    let listing = office.post_listing(10).await;
    world.revoke(office).await;
    let refused = office.sync().await.unwrap_err();
    assert!(!refused.is_temporary(), "{refused}");
    assert_eq!(world.listings_at_the_hub().await, 0);
    assert_eq!(office.spendable(listing).await, Quantity::units(5), "the office's own books stay");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_older_copy_of_the_disk_is_noticed_at_its_first_exchange() {
    let world = World::new(7).await;
    let office = &world.offices[0];
    office.sync().await.unwrap();
    let copy = office.copy_of_the_disk().await;
    office.post_listing(10).await;
    office.sync().await.unwrap();
    office.sync().await.unwrap();
    let restored = world.open_copy(office, copy).await;
    let refused = restored.sync().await.unwrap_err();
    assert!(matches!(&refused, SyncError::Refused(r) if r.code == RefusalCode::Rewound), "{refused}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_request_that_comes_after_newer_ones_freezes_nobody_and_is_taken_once() {
    let world = World::new(10).await;
    let office = &world.offices[0];
    office.sync().await.unwrap();
    let listing = office.post_listing(10).await;
    // The first is held somewhere on the way; the office gives up and asks again.
    office.line.hold_requests(true);
    assert!(office.sync().await.unwrap_err().is_temporary());
    office.line.hold_requests(false);
    office.sync().await.unwrap();
    assert_eq!(office.line.deliver_held().await, 1);
    office.order(listing, 2).await.expect("held here");
    assert!(office.sync().await.unwrap().digests_equal, "its link is still the one that counts");
    // A late one may also be the first that the hub sees.
    office.line.hold_requests(true);
    assert!(office.sync().await.is_err());
    office.line.hold_requests(false);
    assert_eq!(office.line.deliver_held().await, 1);
    assert!(office.sync().await.unwrap().digests_equal);
    assert_eq!((world.listings_at_the_hub().await, world.orders_at_the_hub().await), (1, 1));
    world.both_sides_are_equal().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_count_that_falls_short_reaches_both_sides() {
    let world = World::new(8).await;
    let office = &world.offices[0];
    office.sync().await.unwrap();
    let listing = office.post_listing(40).await;
    office.sync().await.unwrap();
    // 40 should be there, 15 are: the office's 20 free units go, and 5 of the hub's.
    let found = Adjustment::Count { counted_milli: 15_000, expected_milli: 40_000 };
    office
        .act(StockAdjust { listing: listing.0, found, reason: "weevils".into(), undoes: None })
        .await
        .unwrap();
    assert_eq!(office.spendable(listing).await, Quantity::ZERO);
    office.sync().await.unwrap();
    assert_eq!(world.held_by_the_hub(listing).await, Quantity::units(15));
    world.both_sides_are_equal().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_enrolment_whose_answer_was_lost_is_answered_again() {
    let world = World::new(9).await;
    let office = world.enrol_over_a_bad_line().await;
    assert!(office.sync().await.unwrap().digests_equal);
}

//! States of a box's log that stop something, each walked to its end: everything that people were told of stands at the hub, once.

use crate::doors::{arrived, code, waiting, world};
use mizili_edge::commands::SubmitError;
use mizili_hub::commands::stream::{Quarantined, retry_all_open, retry_all_quarantined};
use sync_protocol::limits::PENDING_COMMANDS_MAX;
use sync_protocol::units::Quantity;
use sync_protocol::wire::message::RefusalCode;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_revoked_box_still_holds_is_kept_for_a_person_and_counts_when_they_say_so() {
    let (world, listing) = world(41).await;
    let office = &world.offices[0];
    office.order(listing, 5).await.unwrap();
    office.order(listing, 6).await.unwrap();
    world.revoke(office).await;
    for _ in 0..2 {
        // Also where the answer was lost and all of it comes again.
        office.sql("DELETE FROM node WHERE key = 'left_upto'").await;
        let refused = office.sync().await.unwrap_err();
        assert_eq!(code(&refused), Some(RefusalCode::Revoked));
        assert!(refused.to_string().contains("keeps 2 entries of this box"), "{refused}");
        assert_eq!((waiting(&world).await.len(), world.orders_at_the_hub().await), (2, 0));
    }
    let listed = waiting(&world).await;
    assert!(listed.iter().all(|w| w.state == "quarantined" && !w.ours && w.edge == 1), "{listed:?}");
    assert!(listed[0].error.as_ref().unwrap().contains("was revoked"), "{listed:?}");
    // Neither another program nor an operator who tries everything accepts them by the way.
    assert!(retry_all_quarantined(&world.db, &world.deps, Quarantined::All).await.unwrap().is_empty());
    let done = retry_all_quarantined(&world.db, &world.deps, Quarantined::Of(office.edge)).await.unwrap();
    assert_eq!(done, [(office.edge, 2)]);
    assert!(waiting(&world).await.is_empty());
    assert_eq!(world.orders_at_the_hub().await, 2);
    let sold = "SELECT sum(quantity_milli)::bigint FROM stock_entries WHERE holder = 1";
    assert_eq!(world.count(sold).await, 9_000, "20 were its own");
    let feed = mizili_hub::feed::check::compare_all(&world.db, &world.deps).await.unwrap();
    assert_eq!(feed.differences(), 0, "{feed:?}");
    // It hears nothing of it, and what is done there later is kept as well.
    office.order(listing, 1).await.unwrap();
    assert!(office.sync().await.unwrap_err().to_string().contains("keeps 3 entries"));
    assert_eq!((office.unsettled().await, waiting(&world).await.len()), (3, 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_but_a_revoked_box_leaves_anything() {
    let (world, listing) = world(42).await;
    let office = &world.offices[0];
    office.order(listing, 5).await.unwrap();
    let refused = office.leave().await.unwrap_err().to_string();
    assert!(refused.contains("was not revoked"), "{refused}");
    world.revoke(office).await;
    world.sql("UPDATE edges SET public_key = decode(repeat('07', 32), 'hex') WHERE id = 1").await;
    assert!(office.leave().await.is_err(), "signed by another key");
    assert!(waiting(&world).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_newer_box_says_waits_until_the_hub_knows_it_and_then_arrives() {
    let (world, listing) = world(43).await;
    let office = &world.offices[0];
    office.order(listing, 5).await.unwrap();
    office.order(listing, 6).await.unwrap();
    // A kind that this hub does not know yet.
    office.sql("UPDATE command SET kind = 999 WHERE seq = 2").await;
    office.sync().await.unwrap();
    assert_eq!(office.words().await[1..], ["unsupported", "held"]);
    assert_eq!(office.spendable(listing).await, Quantity::units(9), "both were said to be sold, and stay so");
    let listed = waiting(&world).await;
    let states: Vec<_> = listed.iter().map(|w| (w.state.as_str(), w.kind.as_str())).collect();
    assert_eq!(states, [("unsupported", "999"), ("held", "order.place")]);
    // The next program knows it, and tries what waits when it starts.
    world.sql("UPDATE commands SET kind = 5 WHERE kind = 999").await;
    office.sql("UPDATE command SET kind = 5 WHERE kind = 999").await;
    assert_eq!(retry_all_open(&world.db, &world.deps).await.unwrap(), 2);
    arrived(&world, 2).await;
    assert_eq!(office.spendable(listing).await, Quantity::units(9));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_log_takes_nothing_until_the_line_is_back_and_loses_nothing() {
    let (world, listing) = world(44).await;
    let office = &world.offices[0];
    office.order(listing, 5).await.unwrap();
    let left = PENDING_COMMANDS_MAX - 2;
    // So many that wait are not made one by one: their number is what counts.
    office
        .sql(format!(
            "WITH RECURSIVE n (i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < {left} + 3)
             INSERT INTO command (seq, id, made_at_s, actor_kind, actor_phone, kind, body, record, verdict)
             SELECT i, CAST(i AS BLOB), 0, 0, 0, 5, x'', 1, 'held' FROM n;
             UPDATE node SET value = {left} + 3 WHERE key = 'highest_seq'"
        ))
        .await;
    assert_eq!(
        office.order(listing, 6).await.unwrap_err(),
        SubmitError::LogFull,
        "refused, so nobody is told otherwise"
    );
    assert_eq!(office.spendable(listing).await, Quantity::units(15));
    // The line is back: what has its answer makes room, and what was told is there.
    office.sync().await.unwrap();
    assert_eq!(world.orders_at_the_hub().await, 1);
    office.order(listing, 6).await.unwrap();
    office
        .sql(format!("DELETE FROM command WHERE seq BETWEEN 3 AND {left} + 3; UPDATE command SET seq = 3 WHERE seq > 3; UPDATE local_row SET seq = 3 WHERE seq > 3; UPDATE local_index SET seq = 3 WHERE seq > 3; UPDATE node SET value = 3 WHERE key = 'highest_seq'"))
        .await;
    arrived(&world, 2).await;
}

//! The checkers would notice: in a small world in which all is well something is changed past all books, and the checker whose matter
//! that is says so.

use super::{Days, Tally};
use crate::world::World;
use std::time::Duration;

/// A world in which some people were told of something, and everything has arrived.
async fn all_is_well(seed: u64) -> Days {
    // Apart from who asks: a test that makes three of them would hold the steps of all three on its stack.
    Box::pin(made_well(seed)).await
}

async fn made_well(seed: u64) -> Days {
    let mut days = Days::begin(seed).await;
    for at in 0..3 {
        days.world.offices[at].sync().await.unwrap();
    }
    for _ in 0..12 {
        days.act_at_an_office().await;
        days.act_at_an_office().await;
        days.act_at_the_hub().await;
        let at = days.chance.below(3);
        // What is poisoned by the hub's fault keeps its office's line busy.
        let _ = days.world.offices[at].sync().await;
        days.tally.look(&days.world).await.unwrap();
    }
    days.mend().await.unwrap();
    days.tally.look(&days.world).await.unwrap();
    expect_well(&days).await;
    days
}

async fn expect_well(days: &Days) {
    days.tally.everybody_has_one_last_word(&days.world).await.unwrap();
    days.tally.units_add_up(&days.world).await.unwrap();
    days.world.all_is_settled().await.unwrap();
    days.world.nothing_was_oversold().await.unwrap();
    days.world.both_sides_are_equal().await.unwrap();
}

/// Changes one row of the first office in which there is one.
async fn damage(world: &World, sql: &str) {
    for office in &world.offices {
        if office.damage(sql).await > 0 {
            return;
        }
    }
    panic!("there is nothing to change by {sql}");
}

fn says(noticed: anyhow::Result<()>, part: &str) {
    let said = format!("{:#}", noticed.expect_err("nobody noticed"));
    assert!(said.contains(part), "'{part}' is not in: {said}");
}

const ONE_SMS: &str = "(SELECT min(id) FROM sms_out WHERE kind = 'verdict')";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_word_that_was_lost_or_said_twice_or_is_another_is_noticed() {
    let days = all_is_well(101).await;
    let words = async || days.tally.everybody_has_one_last_word(&days.world).await;
    damage(&days.world, &format!("UPDATE sms_out SET text = replace(text, 'Your', 'NOT NOT Your') WHERE id = {ONE_SMS} AND text NOT LIKE '%NOT%'")).await;
    says(words().await, "and was told");
    damage(
        &days.world,
        "UPDATE sms_out SET text = replace(text, 'NOT NOT ', '') WHERE text LIKE '%NOT NOT%'",
    )
    .await;
    words().await.unwrap();
    let twice = "INSERT INTO sms_out (phone, text, segments, kind, about, not_before_s, created_at_s, changed_at_s, due_lived_s, queued_lived_s, changed_lived_s)
        SELECT phone + 1, text, segments, kind, about, 0, 0, 0, 0, 0, 0 FROM sms_out WHERE kind = 'verdict' LIMIT 1";
    damage(&days.world, twice).await;
    says(words().await, "and was told 1 times");
    damage(&days.world, "DELETE FROM sms_out WHERE created_at_s = 0 AND kind = 'verdict'").await;
    words().await.unwrap();
    damage(&days.world, &format!("DELETE FROM sms_out WHERE id = {ONE_SMS}")).await;
    says(words().await, "and was told 1 times: []");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_unit_that_stands_twice_and_an_order_that_is_lost_are_noticed() {
    let days = all_is_well(102).await;
    let units = async || days.tally.units_add_up(&days.world).await;
    let one =
        "ctid = (SELECT min(ctid) FROM stock_entries WHERE quantity_milli > 1000 AND kind NOT IN (6, 7))";
    days.world
        .sql(format!("UPDATE stock_entries SET quantity_milli = quantity_milli + 1000 WHERE {one}"))
        .await;
    says(units().await, "held or sold");
    says(days.world.both_sides_are_equal().await, "the feed is not what the tables say");

    let days = all_is_well(103).await;
    days.world.sql("UPDATE orders SET status = CASE status WHEN 0 THEN 1 ELSE 0 END WHERE id = (SELECT min(id::text)::uuid FROM orders)").await;
    says(days.tally.everybody_has_one_last_word(&days.world).await, "people were told");
    let days = all_is_well(104).await;
    days.world.sql("DELETE FROM orders WHERE id = (SELECT min(id::text)::uuid FROM orders)").await;
    says(
        days.tally.everybody_has_one_last_word(&days.world).await,
        "people were told of orders that are not at the hub",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_forgotten_too_early_is_noticed() {
    let mut days = all_is_well(105).await;
    let nearly = Duration::from_secs(29 * 86_400);
    days.world.pass(nearly);
    days.tally.pass(29 * 86_400);
    days.tally.look(&days.world).await.unwrap();
    damage(&days.world, "DELETE FROM command WHERE seq = (SELECT min(seq) FROM command)").await;
    says(days.tally.look(&days.world).await, "is forgotten after");

    let mut days = all_is_well(106).await;
    let tally: &mut Tally = &mut days.tally;
    days.world.sql("UPDATE commands SET verdict = 'dismissed' WHERE seq = 1 AND edge_id = 1").await;
    says(tally.look(&days.world).await, "and now Dismissed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_row_that_differs_and_units_that_are_not_there_are_noticed() {
    let days = all_is_well(107).await;
    days.world.offices[0].damage_one_price().await;
    says(days.world.replicas_are_the_feed().await, "at edge 1");
    let over =
        "UPDATE stock_entries SET quantity_milli = -900000 WHERE ctid = (SELECT min(ctid) FROM stock_entries
        WHERE listing_id NOT IN (SELECT listing_id FROM stock_entries WHERE kind IN (6, 7)))";
    days.world.sql(over).await;
    says(days.world.nothing_was_oversold().await, "sold more than there was");
    damage(&days.world, "UPDATE command SET verdict = 'held' WHERE seq = 1").await;
    says(days.world.all_is_settled().await, "without a final verdict");
}

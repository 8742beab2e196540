//! An id that is another's stops one command, not the stream: two offices whose box made one id for one key.

use crate::support::{
    A, B, EDGE, EXCHANGE, STREAM, World, caller, cancel, command, id, office, order_of, place, post, units,
    word,
};
use mizili_hub::commands::stream::{
    Quarantined, StreamError, desk, retry_all_quarantined, retry_quarantined, retry_under_new_id, take_batch,
    verdicts_after,
};
use mizili_hub::feed::Touched;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CommandId, EdgeId, Holder, Stream};
use sync_protocol::market::{
    Adjustment, Body, Command, EdgeSettings, Entity, OrderStatus, Source, StockAdjust,
};
use sync_protocol::row::Key;

const OTHER: EdgeId = EdgeId(2);
const KEY: u64 = 4_711;

/// A second office, of the second cooperative.
async fn two_offices() -> World {
    let world = World::new().await;
    assert_eq!(world.another_edge(B).await, OTHER);
    let mut touched = Touched::new();
    touched.add(Bucket::Edge(OTHER), EdgeSettings::NUMBER, Key::Int(OTHER.0));
    world.publish(&touched).await;
    world
}

/// A command of the second office, with an id of its own.
fn theirs(seq: u64, body: &Body) -> Command {
    Command { id: CommandId(id(2_000_000 + seq)), ..command(seq, caller(7_100_000_000), body) }
}

fn by_clerk(seq: u64, body: &Body) -> Command {
    Command { actor: office(), ..theirs(seq, body) }
}

fn keyed(command: Command) -> Command {
    Command { id: CommandId(id(KEY)), ..command }
}

async fn take(world: &World, commands: &[Command]) {
    take_batch(&world.db, &world.deps, OTHER, 1, EXCHANGE, commands.to_vec()).await.unwrap();
}

/// The last word on each command of the second office.
async fn words(world: &World, incarnation: u32) -> Vec<String> {
    let mut tx = world.db.begin().await.unwrap();
    let mut last = std::collections::BTreeMap::new();
    for v in verdicts_after(&mut tx, OTHER, incarnation, 0, 1_000).await.unwrap() {
        last.insert(v.seq, word(&v.verdict));
    }
    last.into_values().collect()
}

#[tokio::test]
async fn one_id_of_two_offices_stops_one_command_and_is_applied_under_an_id_of_its_own() {
    let world = two_offices().await;
    world.take(vec![command(1, office(), &post(id(50), 40))]).await.unwrap();
    world
        .take(vec![keyed(command(2, caller(7_000_000_000), &place(id(50), 10, Source::Held)))])
        .await
        .unwrap();
    let batch = [
        by_clerk(1, &post(id(60), 40)),
        keyed(theirs(2, &place(id(60), 20, Source::Held))),
        theirs(3, &place(id(60), 1, Source::Held)),
        by_clerk(4, &cancel(id(KEY))),
        theirs(5, &place(id(60), 2, Source::Held)),
    ];
    for _ in 0..2 {
        // The answer was lost, and all of it comes again.
        take(&world, &batch).await;
    }
    assert_eq!(words(&world, 1).await, ["applied", "quarantined", "applied", "held", "applied"]);
    assert_eq!(world.available(id(60), Holder::Edge(OTHER)).await, 20 - 3);
    assert_eq!(world.number("SELECT count(*) FROM edge_streams WHERE halted_reason IS NOT NULL").await, 0);
    // Both bodies are there for an operator, and the hub says whose the other is.
    let errors = world.texts("SELECT error FROM commands WHERE clash_id IS NOT NULL").await;
    let kept = world.texts("SELECT id::text FROM commands WHERE clash_id IS NOT NULL").await;
    let (said, way_out) = errors[0].split_once(". ").unwrap();
    assert_eq!(said, "its id is that of command 2 of edge 1, which says something else");
    assert!(way_out.contains(&format!("commands retry {} --new-id", kept[0])), "{way_out}");
    // Trying it again, by a person or by another program, decides nothing.
    let stream = Stream { edge: OTHER, incarnation: 1 };
    assert_eq!(retry_quarantined(&world.db, &world.deps, stream, 2).await.unwrap(), 0);
    assert!(retry_all_quarantined(&world.db, &world.deps, Quarantined::All).await.unwrap().is_empty());

    assert_eq!(retry_under_new_id(&world.db, &world.deps, stream, 2).await.unwrap(), 2);
    assert_eq!(words(&world, 1).await, ["applied"; 5]);
    // It was sold once and cancelled, as the office meant; the other office's order of that id stands.
    assert_eq!(world.available(id(60), Holder::Edge(OTHER)).await, 20 - 3);
    assert_eq!(world.order_status(id(KEY)).await, OrderStatus::Confirmed.code() as i32);
    let cancelled =
        world.texts("SELECT cooperative_id || ' ' || quantity_milli FROM orders WHERE status = 2").await;
    assert_eq!(cancelled, [format!("{} 20000", B.0)]);
    assert_eq!(world.available(id(50), Holder::Edge(EDGE)).await, 20 - 10);
    world.assert_feed_equals_tables().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_operators_command_takes_it_under_an_id_of_its_own() {
    let world = two_offices().await;
    world.take(vec![keyed(command(1, office(), &post(id(50), 40)))]).await.unwrap();
    let sale = theirs(3, &place(id(60), 1, Source::Held));
    take(&world, &[by_clerk(1, &post(id(60), 40)), keyed(theirs(2, &place(id(60), 20, Source::Held))), sale])
        .await;
    let listed = world.told(&["commands", "list", "--edge", "2"]);
    assert_eq!(listed.len(), 1, "{listed:?}");
    let kept = listed[0]["id"].as_str().unwrap();
    assert_ne!(kept, id(KEY).to_string(), "under that stands the other office's");
    let shown = &world.told(&["commands", "show", kept])[0];
    assert!(shown["clashes_with"][0].as_str().unwrap().starts_with("edge 1/1 number 1: "), "{shown}");
    let done = &world.told(&["commands", "retry", kept, "--new-id"])[0];
    assert_eq!((&done["decided"], &done["waiting"]), (&1.into(), &0.into()));
    assert_eq!(words(&world, 1).await, ["applied"; 3]);
    assert_eq!(world.available(id(60), Holder::Edge(OTHER)).await, 0 - 1, "half of 40 was this office's");
    assert!(world.told(&["commands", "list"]).is_empty());
    world.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn what_a_clashing_posting_makes_gets_an_id_of_its_own_and_later_commands_mean_that() {
    let world = two_offices().await;
    world.take(vec![keyed(command(1, office(), &post(id(50), 40)))]).await.unwrap();
    take(&world, &[keyed(by_clerk(1, &post(id(50), 10))), theirs(2, &place(id(50), 2, Source::Held))]).await;
    assert_eq!(words(&world, 1).await, ["quarantined", "held"]);
    let stream = Stream { edge: OTHER, incarnation: 1 };
    assert_eq!(retry_under_new_id(&world.db, &world.deps, stream, 1).await.unwrap(), 2);
    take(&world, &[theirs(3, &place(id(50), 1, Source::Held))]).await;
    assert_eq!(words(&world, 1).await, ["applied"; 3]);
    let listings = world.texts("SELECT cooperative_id || ' ' || (id = $$00000000-0000-0000-0000-000000000000$$) FROM listings ORDER BY 1").await;
    assert_eq!(listings, [format!("{} false", A.0), format!("{} false", B.0)]);
    let sold = world.texts("SELECT o.cooperative_id || ' ' || o.quantity_milli FROM orders o JOIN listings l ON l.id = o.listing_id AND l.cooperative_id = 2 ORDER BY o.quantity_milli").await;
    assert_eq!(sold, ["2 1000", "2 2000"]);
    assert_eq!(
        world.available(id(50), Holder::Edge(EDGE)).await,
        20,
        "the first office's listing is its own"
    );
    world.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn a_clashing_command_that_comes_again_from_a_replaced_box_is_the_same_one() {
    let world = two_offices().await;
    world.take(vec![keyed(command(1, office(), &post(id(50), 40)))]).await.unwrap();
    let clashing = keyed(by_clerk(1, &post(id(61), 10)));
    take(&world, std::slice::from_ref(&clashing)).await;
    world.sql("UPDATE edge_streams SET frozen_at = now() WHERE edge_id = 2").await;
    world.sql("UPDATE edges SET incarnation = 2 WHERE id = 2").await;
    world.sql("INSERT INTO edge_streams (edge_id, incarnation, link_random, exchange) VALUES (2, 2, '\\x00', 1)").await;
    let again = [clashing, theirs(2, &place(id(61), 1, Source::Held))];
    take_batch(&world.db, &world.deps, OTHER, 2, EXCHANGE, again.to_vec()).await.unwrap();
    assert_eq!(words(&world, 2).await, ["quarantined", "held"]);
    assert_eq!(world.number("SELECT count(*) FROM commands WHERE edge_id = 2").await, 2);
    let stream = Stream { edge: OTHER, incarnation: 2 };
    assert_eq!(retry_under_new_id(&world.db, &world.deps, stream, 1).await.unwrap(), 2);
    assert_eq!(words(&world, 2).await, ["applied"; 2]);
    world.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn a_command_that_comes_dated_anew_from_a_replaced_box_comes_so_again_and_freezes_nothing() {
    let world = two_offices().await;
    let sale = theirs(2, &place(id(60), 2, Source::Held));
    take(&world, &[by_clerk(1, &post(id(60), 40)), sale.clone()]).await;
    world.sql("UPDATE edge_streams SET frozen_at = now() WHERE edge_id = 2").await;
    world.sql("UPDATE edges SET incarnation = 2 WHERE id = 2").await;
    world.sql("INSERT INTO edge_streams (edge_id, incarnation, link_random, exchange) VALUES (2, 2, '\\x00', 1)").await;
    // The box lost its log: the same act under another number, by another clock, sold from what it believes to be the hub's.
    let body = place(id(60), 2, Source::Ask).to_raw();
    let anew = Command { seq: 1, made_at_s: sale.made_at_s + 86_400, body, ..sale };
    for _ in 0..3 {
        // The answer is lost, and it comes again.
        take_batch(&world.db, &world.deps, OTHER, 2, EXCHANGE, vec![anew.clone()]).await.unwrap();
    }
    assert_eq!(words(&world, 2).await, ["applied"]);
    assert_eq!(
        world
            .number("SELECT count(*) FROM edge_streams WHERE incarnation = 2 AND frozen_at IS NOT NULL")
            .await,
        0
    );
    assert_eq!(world.available(id(60), Holder::Edge(OTHER)).await, 20 - 2);
    // Another act under that number is what it was: a copy of the box is in use.
    let other = Command { body: place(id(60), 3, Source::Ask).to_raw(), ..anew };
    let refused = take_batch(&world.db, &world.deps, OTHER, 2, EXCHANGE, vec![other]).await;
    assert!(matches!(refused, Err(StreamError::SequenceReused { seq: 1 })), "{refused:?}");
    world.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn what_breaks_under_its_new_id_stays_aside_with_the_reason() {
    let world = two_offices().await;
    world.take(vec![keyed(command(1, office(), &post(id(50), 40)))]).await.unwrap();
    take(&world, &[keyed(by_clerk(1, &post(id(61), 10)))]).await;
    world
        .sql("CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted poison'; END $$;
            CREATE TRIGGER poison BEFORE INSERT ON listings FOR EACH ROW EXECUTE FUNCTION poison()")
        .await;
    let stream = Stream { edge: OTHER, incarnation: 1 };
    assert_eq!(retry_under_new_id(&world.db, &world.deps, stream, 1).await.unwrap(), 0);
    let errors = world.texts("SELECT error FROM commands WHERE clash_id IS NOT NULL").await;
    assert!(errors[0].contains("planted poison"), "{errors:?}");
    world.sql("DROP TRIGGER poison ON listings").await;
    assert_eq!(retry_under_new_id(&world.db, &world.deps, stream, 1).await.unwrap(), 1);
    world.assert_feed_equals_tables().await;
}

/// What came by a person's request over REST, or whose command was forgotten long ago, bears an id that an office uses for something else.
#[tokio::test]
async fn what_is_here_by_another_road_is_a_clash_and_not_a_refusal() {
    let world = World::new().await;
    world.take(vec![command(1, office(), &post(id(50), 40))]).await.unwrap();
    let ordered = world.rest_as(order_of(2), caller(7_000_000_009), &place(id(50), 3, Source::Ask)).await;
    assert_eq!(ordered.verdict.as_str(), "applied");
    world.rest_as(id(70), office(), &post(id(51), 6)).await;
    let intake = |quantity| {
        let found = Adjustment::Intake(units(quantity));
        Body::from(StockAdjust { listing: id(50), found, reason: String::new(), undoes: None })
    };
    // An order of its id that says something else, a posting of a listing that is there, and produce that was taken in under the order's id.
    world
        .take(vec![
            command(2, caller(7_000_000_001), &place(id(50), 5, Source::Held)),
            command(3, office(), &post(id(51), 8)),
            Command { id: CommandId(order_of(2)), ..command(4, office(), &intake(7)) },
            command(5, caller(7_000_000_002), &place(id(50), 1, Source::Held)),
            command(6, caller(7_000_000_002), &place(id(51), 1, Source::Held)),
        ])
        .await
        .unwrap();
    assert_eq!(
        world.last_words().await,
        ["applied", "quarantined", "quarantined", "quarantined", "held", "held"]
    );
    assert_eq!(
        world.order_status(order_of(2)).await,
        OrderStatus::Confirmed.code() as i32,
        "the other stands"
    );
    let listed = desk::list(&world.db, None).await.unwrap();
    let shown = async |at: usize| desk::show(&world.db, listed[at].id).await.unwrap().unwrap();
    let of_order = shown(0).await;
    assert!(
        of_order.has_anothers_id && of_order.says.as_ref().unwrap().contains("quantity_milli: 5000"),
        "{of_order:?}"
    );
    assert!(
        of_order.clashes_with[0].contains(&format!("order {}: 3000 thousandths", order_of(2))),
        "{of_order:?}"
    );
    let of_posting = shown(1).await;
    assert!(of_posting.clashes_with[0].contains(&format!("product {}", id(51))), "{of_posting:?}");
    let of_intake = shown(2).await;
    assert!(
        of_intake.clashes_with.iter().any(|other| other.contains("command") || other.contains("order")),
        "{of_intake:?}"
    );
    assert!(listed[0].error.as_ref().unwrap().contains("--new-id"), "{listed:?}");

    for seq in [2, 3, 4] {
        assert!(retry_under_new_id(&world.db, &world.deps, STREAM, seq).await.unwrap() > 0, "{seq}");
    }
    assert_eq!(world.last_words().await, ["applied"; 6]);
    assert_eq!(world.number("SELECT count(*) FROM orders WHERE listing_id = (SELECT listing_id FROM orders WHERE quantity_milli = 3000)").await, 3);
    assert_eq!(world.number("SELECT count(*) FROM listings").await, 3);
    assert_eq!(world.available(id(50), Holder::Edge(EDGE)).await, 20 - 5 + 7 - 1);
    world.assert_feed_equals_tables().await;
}

/// It had no clash when it was set aside; by the time that it is tried again, somebody has used its id for something else.
#[tokio::test]
async fn what_turns_out_to_be_anothers_when_it_is_tried_again_has_the_same_door() {
    let world = World::new().await;
    world.take(vec![command(1, office(), &post(id(50), 40))]).await.unwrap();
    world
        .sql("CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted poison'; END $$;
            CREATE TRIGGER poison BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION poison()")
        .await;
    world
        .take(vec![
            command(2, caller(7_000_000_001), &place(id(50), 5, Source::Held)),
            command(3, caller(7_000_000_001), &cancel(order_of(2))),
        ])
        .await
        .unwrap();
    world.sql("DROP TRIGGER poison ON orders").await;
    assert_eq!(world.last_words().await, ["applied", "quarantined", "held"]);
    world.rest_as(order_of(2), caller(7_000_000_009), &place(id(50), 3, Source::Ask)).await;

    assert_eq!(retry_quarantined(&world.db, &world.deps, STREAM, 2).await.unwrap(), 0);
    let listed = desk::list(&world.db, None).await.unwrap();
    assert!(
        listed[0].id != order_of(2) && listed[0].error.as_ref().unwrap().contains("--new-id"),
        "{listed:?}"
    );
    let shown = desk::show(&world.db, listed[0].id).await.unwrap().unwrap();
    assert!(shown.has_anothers_id && shown.clashes_with[0].contains("3000 thousandths"), "{shown:?}");
    // Once more by itself changes nothing; under an id of its own it is taken, and its cancel means it and not the other.
    assert_eq!(retry_quarantined(&world.db, &world.deps, STREAM, 2).await.unwrap(), 0);
    assert_eq!(retry_under_new_id(&world.db, &world.deps, STREAM, 2).await.unwrap(), 2);
    assert_eq!(world.last_words().await, ["applied"; 3]);
    assert_eq!(
        world.order_status(order_of(2)).await,
        OrderStatus::Confirmed.code() as i32,
        "the other stands"
    );
    world.assert_feed_equals_tables().await;
}

/// Where the id of its own is another's as well there is a further one.
#[tokio::test]
async fn what_is_anothers_under_its_new_id_too_keeps_its_way_out() {
    let world = World::new().await;
    world.take(vec![command(1, office(), &post(id(50), 40))]).await.unwrap();
    world.rest_as(order_of(2), caller(7_000_000_009), &place(id(50), 3, Source::Ask)).await;
    world.take(vec![command(2, caller(7_000_000_001), &place(id(50), 5, Source::Held))]).await.unwrap();
    let own = desk::list(&world.db, None).await.unwrap()[0].id;
    assert_ne!(own, order_of(2));
    world.rest_as(own, caller(7_000_000_009), &place(id(50), 1, Source::Ask)).await;

    assert_eq!(retry_under_new_id(&world.db, &world.deps, STREAM, 2).await.unwrap(), 0);
    let listed = desk::list(&world.db, None).await.unwrap();
    let (further, error) = (listed[0].id, listed[0].error.as_ref().unwrap());
    assert!(![own, order_of(2)].contains(&further) && error.contains("by another road"), "{error}");
    assert!(error.contains(&format!("commands retry {further} --new-id")), "{error}");
    assert!(error.contains(&format!("commands dismiss {further}")), "{error}");
    world.take(vec![command(3, caller(7_000_000_001), &cancel(order_of(2)))]).await.unwrap();
    assert_eq!(retry_under_new_id(&world.db, &world.deps, STREAM, 2).await.unwrap(), 2);
    assert_eq!(world.last_words().await, ["applied"; 3]);
    assert_eq!(
        world.number("SELECT count(*) FROM orders WHERE status = 2").await,
        1,
        "its own, and no other"
    );
    assert_eq!(world.order_status(further).await, OrderStatus::Cancelled.code() as i32);
    world.assert_feed_equals_tables().await;
}

/// Whether the one that made it came in the batch before or in the same one.
#[tokio::test]
async fn two_postings_of_one_product_in_one_batch_are_a_clash_too() {
    let world = World::new().await;
    world
        .take(vec![
            command(1, office(), &post(id(50), 40)),
            command(2, office(), &post(id(50), 8)),
            command(3, caller(7_000_000_001), &place(id(50), 1, Source::Held)),
        ])
        .await
        .unwrap();
    assert_eq!(world.last_words().await, ["applied", "quarantined", "held"]);
    assert!(retry_under_new_id(&world.db, &world.deps, STREAM, 2).await.unwrap() > 0);
    assert_eq!(world.last_words().await, ["applied"; 3]);
    assert_eq!(world.number("SELECT count(*) FROM listings").await, 2);
    world.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn the_same_act_by_another_road_is_a_repeat() {
    let world = World::new().await;
    world.take(vec![command(1, office(), &post(id(50), 40))]).await.unwrap();
    let order = place(id(50), 3, Source::Ask);
    world.rest_as(order_of(2), caller(7_000_000_009), &order).await;
    world.take(vec![command(2, caller(7_000_000_009), &order)]).await.unwrap();
    assert_eq!(world.last_words().await, ["applied"; 2]);
    assert_eq!(world.number("SELECT count(*) FROM orders").await, 1);
}

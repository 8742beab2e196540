//! Commands over REST and from edges against one stock: nothing is sold twice, nothing counts twice.

use crate::support::{
    A, B, EDGE, PRICE, World, bucket, caller, cancel, command, id, office, order_of, place, post, units,
    user, word,
};
use mizili_hub::bad_rows::BadRows;
use mizili_hub::commands::{Incoming, apply_batch, hub_context};
use mizili_hub::db::{Transient, is_transient, q, q_scalar, retrying};
use std::sync::atomic::{AtomicU32, Ordering};
use sync_protocol::ids::{CommandId, Holder};
use sync_protocol::market::{
    Adjustment, Body, Command, ListingEdit, ListingWithdraw, MemberRegister, OrderCancel, OrderStatus,
    Source, StockAdjust, WholeChange,
};
use sync_protocol::verdict::Verdict;

const HUB: Holder = Holder::Hub;
const OFFICE: Holder = Holder::Edge(EDGE);

fn adjust(listing: uuid::Uuid, found: Adjustment) -> Body {
    StockAdjust { listing, found, reason: String::new(), undoes: None }.into()
}

#[tokio::test]
async fn five_units_are_sold_five_times_however_many_ask_at_once() {
    let world = std::sync::Arc::new(World::new().await);
    // The hub's half of ten.
    world.take(vec![command(1, office(), &post(id(50), 10))]).await.unwrap();
    assert_eq!(world.available(id(50), HUB).await, 5);
    let mut tasks = tokio::task::JoinSet::new();
    for task in 0..8u64 {
        let world = world.clone();
        tasks.spawn(async move {
            let mut words = Vec::new();
            for n in (task..20).step_by(8) {
                words.push(word(&world.rest(user(n), &place(id(50), 1, Source::Ask)).await.verdict));
            }
            words
        });
    }
    let words: Vec<String> = tasks.join_all().await.into_iter().flatten().collect();
    assert_eq!(words.len(), 20);
    assert_eq!(words.iter().filter(|word| *word == "applied").count(), 5);
    assert_eq!(words.iter().filter(|word| *word == "rejected not_enough 0").count(), 15);
    assert_eq!((world.available(id(50), HUB).await, world.available(id(50), OFFICE).await), (0, 5));
    assert_eq!(
        world.number("SELECT count(*) FROM orders WHERE status = 0 AND buyer_user_id IS NOT NULL").await,
        5
    );
    world.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn hub_and_office_share_fifty_units_half_and_half() {
    let world = World::new().await;
    world.take(vec![command(1, office(), &post(id(50), 50))]).await.unwrap();
    assert_eq!((world.available(id(50), HUB).await, world.available(id(50), OFFICE).await), (25, 25));
    // The office is cut off and sells 20 of its own; a phone buyer gets 20 of the hub's; the next is told what is left.
    let sold = command(2, caller(7_000_000_001), &place(id(50), 20, Source::Held));
    assert_eq!(word(&world.rest(user(1), &place(id(50), 20, Source::Ask)).await.verdict), "applied");
    let next = world.rest(user(2), &place(id(50), 10, Source::Ask)).await;
    assert_eq!(word(&next.verdict), "rejected not_enough 5");
    assert!(next.stands_at.is_empty());
    world.take(vec![sold]).await.unwrap();
    assert_eq!((world.available(id(50), HUB).await, world.available(id(50), OFFICE).await), (5, 5));
    assert_eq!(world.last_words().await, ["applied", "applied"]);
    world.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn an_office_that_sold_what_it_did_not_hold_is_flagged_and_never_refused() {
    let world = World::new().await;
    let sale = |seq, n| command(seq, caller(7_000_000_001), &place(id(50), n, Source::Held));
    world.take(vec![command(1, office(), &post(id(50), 10)), sale(2, 4), sale(3, 4)]).await.unwrap();
    let verdicts = world.verdicts().await;
    let Verdict::Applied(applied) = &verdicts[2].verdict else { panic!("{verdicts:?}") };
    assert!(applied.short);
    assert_eq!(world.order_status(order_of(3)).await, OrderStatus::Short.code() as i32);
    assert_eq!(world.available(id(50), OFFICE).await, -3);
}

#[tokio::test]
async fn what_is_found_covers_orders_that_were_sold_beyond_the_books_the_oldest_first() {
    let world = World::new().await;
    let sale = |seq, n| command(seq, caller(7_000_000_001), &place(id(50), n, Source::Held));
    let more = |seq, n| command(seq, office(), &adjust(id(50), Adjustment::Intake(units(n))));
    // The first is sure, and made short by a count that found nothing; the others are more than the office had.
    let count = Adjustment::Count { counted_milli: 0, expected_milli: units(10) };
    world.take(vec![command(1, office(), &post(id(50), 10)), sale(2, 5)]).await.unwrap();
    world.take(vec![command(3, office(), &adjust(id(50), count)), sale(4, 4), sale(5, 2)]).await.unwrap();
    let stand = async || {
        let held = world.available(id(50), OFFICE).await;
        let mut orders = Vec::new();
        for seq in [2, 4, 5] {
            orders.push(world.order_status(order_of(seq)).await == OrderStatus::Short.code() as i32);
        }
        (held, orders)
    };
    assert_eq!(stand().await, (-6, vec![true, true, true]));
    world.take(vec![more(6, 3)]).await.unwrap();
    assert_eq!(stand().await, (-3, vec![true, true, true]), "not enough for the older one");
    world.take(vec![more(7, 1)]).await.unwrap();
    assert_eq!(stand().await, (-2, vec![true, false, true]));
    let count = Adjustment::Count { counted_milli: units(11), expected_milli: units(9) };
    world.take(vec![command(8, office(), &adjust(id(50), count))]).await.unwrap();
    assert_eq!(stand().await, (0, vec![true, false, false]), "a count is ended by its own end");
    world.take(vec![more(9, 50)]).await.unwrap();
    assert_eq!(stand().await, (50, vec![true, false, false]));
    world.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn a_count_that_finds_what_should_be_there_confirms_what_is_covered_and_no_more() {
    let world = World::new().await;
    let sale = |seq, n| command(seq, caller(7_000_000_001), &place(id(50), n, Source::Held));
    world
        .take(vec![command(1, office(), &post(id(50), 20)), sale(2, 8), sale(3, 6), sale(4, 5)])
        .await
        .unwrap();
    world.take(vec![command(5, office(), &cancel(order_of(2)))]).await.unwrap();
    assert_eq!(world.available(id(50), OFFICE).await, -1);
    let count = Adjustment::Count { counted_milli: units(20), expected_milli: units(20) };
    world.take(vec![command(6, office(), &adjust(id(50), count))]).await.unwrap();
    let orders = [world.order_status(order_of(3)).await, world.order_status(order_of(4)).await];
    assert_eq!(orders, [0, OrderStatus::Short.code() as i32], "the older one's are there");
    assert_eq!(world.available(id(50), OFFICE).await, -1);
    world.assert_feed_equals_tables().await;
}

/// Nothing but a count looks at it again after a cancel has left enough.
#[tokio::test]
async fn a_count_that_finds_what_should_be_there_ends_what_a_cancel_has_covered() {
    let world = World::new().await;
    let sale = |seq, n| command(seq, caller(7_000_000_001), &place(id(50), n, Source::Held));
    world.take(vec![command(1, office(), &post(id(50), 20)), sale(2, 8), sale(3, 6)]).await.unwrap();
    let short = OrderStatus::Short.code() as i32;
    assert_eq!((world.available(id(50), OFFICE).await, world.order_status(order_of(3)).await), (-4, short));
    world.take(vec![command(4, office(), &cancel(order_of(2)))]).await.unwrap();
    assert_eq!((world.available(id(50), OFFICE).await, world.order_status(order_of(3)).await), (4, short));
    // One less, but what is missing was free.
    let count = Adjustment::Count { counted_milli: units(19), expected_milli: units(20) };
    world.take(vec![command(5, office(), &adjust(id(50), count))]).await.unwrap();
    assert_eq!((world.available(id(50), OFFICE).await, world.order_status(order_of(3)).await), (3, 0));
    world.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn a_cancellation_by_phone_and_at_the_office_counts_once() {
    let world = World::new().await;
    let buyer = user(1);
    let sale = command(2, caller(buyer.phone), &place(id(50), 4, Source::Held));
    world.take(vec![command(1, office(), &post(id(50), 10)), sale]).await.unwrap();
    let order = order_of(2);
    assert_eq!(world.available(id(50), OFFICE).await, 1);
    assert_eq!(word(&world.rest(buyer, &cancel(order)).await.verdict), "applied");
    assert_eq!(world.available(id(50), OFFICE).await, 5);
    world.take(vec![command(3, office(), &cancel(order))]).await.unwrap();
    assert_eq!(word(&world.rest(buyer, &cancel(order)).await.verdict), "applied");
    assert_eq!(world.available(id(50), OFFICE).await, 5);
    assert_eq!(world.last_words().await, ["applied"; 3]);
    // The office's cancellation changed nothing, yet its verdict says where what it wanted stands: the local line at the office
    // may only go when the row has arrived.
    assert!(!world.verdicts().await[2].stands_at.is_empty());
    assert_eq!(word(&world.rest(user(2), &cancel(order)).await.verdict), "rejected not_allowed ");
    world.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn an_order_that_was_taken_back_before_it_left_is_taken_back_though_it_was_handed_over_between() {
    let world = World::new().await;
    let sale = command(2, caller(7_000_000_001), &place(id(50), 4, Source::Held));
    world.take(vec![command(1, office(), &post(id(50), 10)), sale]).await.unwrap();
    world.sql("UPDATE orders SET status = 4").await;
    // Its units were free at the office at once, and may be sold again by now: nobody can refuse it.
    let taken_back = Body::from(OrderCancel { order: order_of(2), never_left: true });
    world.take(vec![command(3, office(), &taken_back)]).await.unwrap();
    let Verdict::Applied(applied) = &world.verdicts().await[2].verdict else { panic!("it was refused") };
    assert!(applied.short, "a person has to settle it");
    assert_eq!(world.order_status(order_of(2)).await, OrderStatus::Short.code() as i32);
    assert_eq!(world.available(id(50), OFFICE).await, 5);
    // What did leave, and who asks at the hub, is too late.
    world.sql("UPDATE orders SET status = 4").await;
    world.take(vec![command(4, office(), &cancel(order_of(2)))]).await.unwrap();
    assert_eq!(word(&world.verdicts().await[3].verdict), "rejected too_late ");
    assert_eq!(word(&world.rest(user(1), &taken_back).await.verdict), "rejected not_allowed ");
}

#[tokio::test]
async fn a_count_that_falls_short_marks_the_youngest_orders() {
    let world = World::new().await;
    let mut commands = vec![command(1, office(), &post(id(50), 20))];
    // The office sells its ten, four times; the hub sells six of its ten.
    for (seq, n) in [(2, 4), (3, 3), (4, 2)] {
        commands.push(command(seq, caller(7_000_000_001), &place(id(50), n, Source::Held)));
    }
    world.take(commands).await.unwrap();
    let first_at_hub = world.rest(user(1), &place(id(50), 6, Source::Ask)).await;
    assert_eq!(word(&first_at_hub.verdict), "applied");
    // Free: one at the office, four at the hub. Sold: fifteen. The store holds eleven of the twenty expected.
    let count = Adjustment::Count { counted_milli: units(11), expected_milli: units(20) };
    world.take(vec![command(5, office(), &adjust(id(50), count))]).await.unwrap();
    assert_eq!((world.available(id(50), HUB).await, world.available(id(50), OFFICE).await), (0, 0));
    let verdicts = world.verdicts().await;
    let Verdict::Applied(applied) = &verdicts[4].verdict else { panic!("{verdicts:?}") };
    assert!(applied.short);
    // Four are missing beyond the free ones: the youngest orders of the office are two and three.
    let short = OrderStatus::Short.code() as i32;
    assert_eq!(world.order_status(order_of(2)).await, 0);
    assert_eq!(world.order_status(order_of(3)).await, short);
    assert_eq!(world.order_status(order_of(4)).await, short);
    world.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn the_same_command_again_answers_as_before_and_changes_nothing() {
    let world = World::new().await;
    let (listing, order, found) = (id(50), id(60), id(61));
    for _ in 0..3 {
        assert_eq!(word(&world.rest_as(id(59), office(), &post(listing, 10)).await.verdict), "applied");
    }
    assert_eq!(
        word(&world.rest_as(id(59), office(), &post(listing, 11)).await.verdict),
        "rejected duplicate "
    );
    let first = world.rest_as(order, user(1), &place(listing, 2, Source::Ask)).await;
    for _ in 0..3 {
        assert_eq!(world.rest_as(order, user(1), &place(listing, 2, Source::Ask)).await, first);
    }
    let other = world.rest_as(order, user(1), &place(listing, 3, Source::Ask)).await;
    assert_eq!(word(&other.verdict), "rejected duplicate ");
    for _ in 0..3 {
        let intake = adjust(listing, Adjustment::Intake(units(5)));
        assert_eq!(word(&world.rest_as(found, office(), &intake).await.verdict), "applied");
    }
    // Ten, of which half went to the office's edge; less two, and five more.
    assert_eq!((world.available(listing, HUB).await, world.available(listing, OFFICE).await), (8, 5));
    assert_eq!(world.number("SELECT count(*) FROM orders").await, 1);
    world.assert_feed_equals_tables().await;
}

/// Within one batch each command sees what those before it did.
#[tokio::test]
async fn a_batch_is_decided_in_order() {
    let world = World::new().await;
    let member = id(70);
    let register =
        |phone| Body::from(MemberRegister { member, phone, name: "Ana".into(), language: "ny".into() });
    let edit = |old, new| {
        Body::from(ListingEdit { listing: id(50), price_minor: Some(WholeChange { old, new }), title: None })
    };
    let ask = place(id(50), 1, Source::Ask);
    world
        .take(vec![
            command(1, office(), &register(265_993_000_001)),
            command(2, office(), &post(id(50), 4)),
            command(3, office(), &edit(PRICE, 60_000)),
            command(4, office(), &edit(60_000, PRICE)),
            command(5, office(), &edit(1, 2)),
            command(6, caller(7_000_000_001), &ask),
            command(7, caller(7_000_000_001), &ask),
            command(8, caller(7_000_000_001), &ask),
            command(9, caller(7_000_000_001), &cancel(order_of(6))),
            command(10, caller(7_000_000_001), &ask),
            command(11, office(), &ListingWithdraw { listing: id(50) }.into()),
            command(12, caller(7_000_000_001), &ask),
            command(13, office(), &post(id(50), 4)),
            command(14, office(), &post(id(51), 0)),
        ])
        .await
        .unwrap();
    let words: Vec<String> = world.verdicts().await.iter().map(|v| word(&v.verdict)).collect();
    let expected = [
        "applied",
        "applied",
        "applied",
        "applied",
        "rejected conflict price_minor,50000",
        "applied",
        "applied",
        "rejected not_enough 0",
        "applied",
        "applied",
        "applied",
        "rejected withdrawn ",
        "quarantined",
        "rejected invalid /quantity",
    ];
    assert_eq!(words, expected);
    world.assert_feed_equals_tables().await;
}

/// A farmer registered offline whose number the hub knows: the new id becomes an alias, and later commands resolve through it.
#[tokio::test]
async fn a_person_whom_the_hub_knows_becomes_an_alias() {
    let world = World::new().await;
    let register = |member| {
        Body::from(MemberRegister {
            member,
            phone: 265_993_000_001,
            name: "Ana".into(),
            language: "ny".into(),
        })
    };
    assert_eq!(word(&world.rest(office(), &register(id(70))).await.verdict), "applied");
    let post = |listing, seller| {
        let Body::ListingPost(post) = post(listing, 4) else { unreachable!() };
        Body::from(sync_protocol::market::ListingPost { seller: Some(seller), ..post })
    };
    world
        .take(vec![command(1, office(), &register(id(71))), command(2, office(), &post(id(50), id(71)))])
        .await
        .unwrap();
    world.take(vec![command(3, office(), &post(id(51), id(71)))]).await.unwrap();
    let verdicts = world.verdicts().await;
    let Verdict::Applied(applied) = &verdicts[0].verdict else { panic!("{verdicts:?}") };
    assert_eq!(applied.alias.map(|member| member.0), Some(id(70)));
    assert_eq!(world.texts("SELECT DISTINCT seller_id::text FROM listings").await, [id(70).to_string()]);
    assert_eq!(world.number("SELECT count(*) FROM members").await, 1);
    world.assert_feed_equals_tables().await;
}

/// Two registrations of one number at once: one of them loses the race, tries again and finds the other.
#[tokio::test]
async fn two_registrations_of_one_number_at_once_make_one_member() {
    let world = World::new().await;
    let register = |member| {
        Body::from(MemberRegister {
            member,
            phone: 265_993_000_001,
            name: "Ana".into(),
            language: "ny".into(),
        })
    };
    let (first, second) = (register(id(70)), register(id(71)));
    let (first, second) = tokio::join!(world.rest(office(), &first), world.rest(office(), &second));
    let aliases = [first, second].map(|outcome| match outcome.verdict {
        Verdict::Applied(applied) => applied.alias.is_some(),
        other => panic!("{other:?}"),
    });
    assert_eq!(aliases.iter().filter(|alias| **alias).count(), 1);
    assert_eq!(world.number("SELECT count(*) FROM members").await, 1);
    assert_eq!(world.number("SELECT count(*) FROM member_aliases").await, 1);
    world.assert_feed_equals_tables().await;
}

/// An order from another cooperative's office stands in both buckets.
#[tokio::test]
async fn an_order_stands_with_the_seller_and_the_buyers_cooperative() {
    let world = World::new().await;
    // Beta's edge is the second.
    world.sql("INSERT INTO edges (cooperative_id, incarnation, enrolled_at) VALUES (2, 1, now())").await;
    world.rest(office(), &post(id(50), 10)).await;
    let mut tx = world.db.begin().await.unwrap();
    let hub = hub_context(&mut tx, Some(B), false, false).await.unwrap();
    let context =
        sync_protocol::market::Context { origin: Holder::Edge(sync_protocol::ids::EdgeId(2)), ..hub };
    let body = place(id(50), 2, Source::Ask);
    let order = Command { id: CommandId(id(60)), ..command(0, caller(7_000_000_001), &body) };
    let batch = [Incoming { command: order, context, is_new: false, is_unconfirmed: false }];
    let outcomes = apply_batch(&mut tx, &world.deps, &batch).await.unwrap();
    tx.commit().await.unwrap();
    let stands: Vec<_> = outcomes[0].stands_at.iter().map(|(bucket, _)| *bucket).collect();
    assert_eq!(stands, [bucket(A), bucket(B)]);
    assert_eq!(world.number("SELECT count(*) FROM sync_rows WHERE entity = 14").await, 2);
    world.sql("DELETE FROM edges WHERE id = 2").await;
    world.assert_feed_equals_tables().await;
}

/// A pooler in transaction mode would lose settings and locks of a session. (Named statements are what it is asked about.)
#[tokio::test]
async fn nothing_of_a_session_is_left_on_a_connection() {
    let mut world = World::new().await;
    let url = world.db.direct_url().to_owned();
    world.db = mizili_hub::db::Db::connect_with(&url, &url, 1).await.unwrap();
    world.take(vec![command(1, office(), &post(id(50), 10))]).await.unwrap();
    world.rest(user(1), &place(id(50), 1, Source::Ask)).await;
    mizili_hub::jobs::catalogue::run_once(&world.db, &world.deps, &mut BadRows::of("test")).await.unwrap();
    world.assert_feed_equals_tables().await;
    assert_eq!(world.number("SELECT count(*) FROM pg_locks WHERE locktype = 'advisory'").await, 0);
    assert_eq!(world.number("SELECT count(*) FROM pg_class WHERE relpersistence = 't'").await, 0);
    assert_eq!(world.number("SELECT count(*) FROM pg_listening_channels()").await, 0);
    // Where nothing is set for a transaction.
    let left = "SELECT count(*) FROM pg_settings WHERE source = 'session'";
    let left =
        world.db.read(&world.deps, |mut conn| async move { q_scalar(left).fetch_one(&mut *conn).await });
    let left: i64 = left.await.unwrap();
    assert_eq!(left, 0);
}

/// An error as the database would raise it.
async fn raise(world: &World, code: &str) -> sqlx::Error {
    let mut tx = world.db.begin().await.unwrap();
    let sql = format!("DO $$ BEGIN RAISE EXCEPTION 'planted' USING ERRCODE = '{code}'; END $$");
    sqlx::raw_sql(sqlx::AssertSqlSafe(sql)).execute(&mut *tx).await.unwrap_err()
}

#[tokio::test]
async fn what_says_nothing_about_a_command_is_tried_again() {
    let world = World::new().await;
    for code in ["40001", "40P01", "53100", "53300", "57014", "57P01", "08006", "55P03", "25006"] {
        assert!(is_transient(&raise(&world, code).await), "{code}");
    }
    for code in ["23505", "23514", "22003", "42P01", "P0001"] {
        assert!(!is_transient(&raise(&world, code).await), "{code}");
    }
    let tries = AtomicU32::new(0);
    let done: Result<u32, sqlx::Error> = retrying(&world.deps, || async {
        match tries.fetch_add(1, Ordering::Relaxed) {
            n if n < 3 => Err(raise(&world, "40P01").await),
            n => Ok(n),
        }
    })
    .await;
    assert_eq!(done.unwrap(), 3);
    tries.store(0, Ordering::Relaxed);
    let given_up: Result<(), sqlx::Error> = retrying(&world.deps, || async {
        tries.fetch_add(1, Ordering::Relaxed);
        Err(raise(&world, "40P01").await)
    })
    .await;
    assert!(given_up.unwrap_err().transient().is_some());
    assert_eq!(tries.load(Ordering::Relaxed), 6);
    let at_once: Result<(), sqlx::Error> =
        retrying(&world.deps, || async { Err(raise(&world, "23514").await) }).await;
    assert!(at_once.is_err());
}

/// Two transactions that lock two listings in opposite orders would meet in a deadlock; commands lock them in one order, and one
/// that meets a foreign deadlock is tried again.
#[tokio::test]
async fn a_command_that_loses_a_deadlock_is_applied_all_the_same() {
    let world = World::new().await;
    world.rest(office(), &post(id(50), 10)).await;
    let member = world.member(1, A).await;
    // A stranger holds the listing's bucket and then wants the listing: the reverse of the order everybody keeps.
    let mut stranger = world.db.begin().await.unwrap();
    let mut touched = mizili_hub::feed::Touched::new();
    touched.add(bucket(A), 8, sync_protocol::row::Key::Uuid(member));
    mizili_hub::feed::publish(&mut stranger, &touched).await.unwrap();
    let wants = async {
        world.until_waiting(1).await;
        let locked =
            q("SELECT 1 FROM listings WHERE id = $1 FOR UPDATE").bind(id(50)).execute(&mut *stranger).await;
        // Whoever the database picks gives way.
        match locked {
            Ok(_) => stranger.commit().await.unwrap(),
            Err(error) => {
                assert!(is_transient(&error));
                stranger.rollback().await.unwrap();
            }
        }
    };
    let order = place(id(50), 1, Source::Ask);
    let (outcome, ()) = tokio::join!(world.rest(user(1), &order), wants);
    assert_eq!(word(&outcome.verdict), "applied");
    assert_eq!(world.available(id(50), HUB).await, 4);
    world.publish(&touched).await;
    world.assert_feed_equals_tables().await;
}

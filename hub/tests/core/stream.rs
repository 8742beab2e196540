//! Edges' streams: exactly once, in order, and one bad command delays no other.

use crate::support::{A, EDGE, World, bucket, caller, cancel, command, id, office, place, post, raw, word};
use mizili_hub::commands::stream::{StreamError, ack, take_batch, verdicts_after};
use mizili_hub::db::q;
use rand::rngs::StdRng;
use rand::seq::SliceRandom;
use rand::{Rng, SeedableRng};
use sync_protocol::ids::{CommandId, Holder};
use sync_protocol::market::{ActorKind, Command, RawBody, Source};
use sync_protocol::verdict::Verdict;

const OFFICE: Holder = Holder::Edge(EDGE);

/// A posting of 1,000 units and then sales of one of the office's.
fn sales(n: u64) -> Vec<Command> {
    let mut commands = vec![command(1, office(), &post(id(50), 1_000))];
    commands.extend(
        (2..=n).map(|seq| command(seq, caller(7_000_000_000 + seq), &place(id(50), 1, Source::Held))),
    );
    commands
}

#[tokio::test]
async fn the_same_batch_again_changes_nothing() {
    let world = World::new().await;
    let commands = sales(40);
    for _ in 0..3 {
        world.take(commands.clone()).await.unwrap();
    }
    assert_eq!(world.available(id(50), OFFICE).await, 500 - 39);
    assert_eq!(world.last_words().await, ["applied"; 40]);
    let verdicts = world.verdicts().await;
    let head = world.number("SELECT version FROM buckets WHERE name = 'coop:1'").await as u64;
    assert!(verdicts.iter().all(|v| v.stands_at == [(bucket(A), head)]), "where one batch stands");
    world.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn batches_that_come_twice_late_and_out_of_order_are_taken_once_in_order() {
    for seed in 0..4 {
        let world = World::new().await;
        let mut random = StdRng::seed_from_u64(seed);
        let commands = sales(60);
        while world.number("SELECT applied_seq FROM edge_streams").await < 60 {
            // A few overlapping pieces, in any order.
            let mut pieces: Vec<&[Command]> = (0..6)
                .map(|_| {
                    let from = random.random_range(0..60);
                    &commands[from..random.random_range(from + 1..=60)]
                })
                .collect();
            pieces.shuffle(&mut random);
            for piece in pieces {
                let applied = world.number("SELECT applied_seq FROM edge_streams").await as u64;
                let taken = world.take(piece.to_vec()).await;
                if piece[0].seq > applied + 1 {
                    let gap = matches!(taken, Err(StreamError::SequenceGap { expected, .. }) if expected == applied + 1);
                    assert!(gap, "seed {seed}: {taken:?}");
                } else {
                    taken.unwrap();
                }
            }
        }
        assert_eq!(world.available(id(50), OFFICE).await, 500 - 59, "seed {seed}");
        assert_eq!(world.last_words().await, ["applied"; 60]);
        world.assert_feed_equals_tables().await;
    }
}

#[tokio::test]
async fn a_batch_taken_twice_at_once_is_taken_once() {
    let world = World::new().await;
    let commands = sales(30);
    let (first, second) = tokio::join!(world.take(commands.clone()), world.take(commands));
    first.unwrap();
    second.unwrap();
    assert_eq!(world.available(id(50), OFFICE).await, 500 - 29);
    assert_eq!(world.verdicts().await.len(), 30);
}

#[tokio::test]
async fn a_reused_sequence_number_freezes_the_stream_and_loses_nothing() {
    let world = World::new().await;
    world.take(sales(5)).await.unwrap();
    let mut other = sales(6);
    other[3] = command(4, caller(7_000_000_009), &place(id(50), 2, Source::Held));
    let refused = world.take(other).await;
    assert!(matches!(refused, Err(StreamError::SequenceReused { seq: 4 })), "{refused:?}");
    assert_eq!(world.number("SELECT count(*) FROM command_conflicts WHERE seq = 4").await, 1);
    // Two boxes use one number: nothing more is taken from either, not even what is right, until one is enrolled again.
    assert!(matches!(world.take(sales(6)).await, Err(StreamError::Frozen)));
    assert_eq!(world.available(id(50), OFFICE).await, 500 - 4);
}

#[tokio::test]
async fn the_same_act_under_another_number_gets_its_verdict_again_and_counts_once() {
    let world = World::new().await;
    world.take(sales(3)).await.unwrap();
    // A box whose log was cut made it anew, with the time of now.
    let again = Command { seq: 4, made_at_s: 7, ..sales(3).remove(2) };
    world.take(vec![again]).await.unwrap();
    assert_eq!(world.available(id(50), OFFICE).await, 500 - 2);
    assert_eq!(
        world.number("SELECT seq FROM commands WHERE verdict = 'applied' ORDER BY seq DESC LIMIT 1").await,
        4
    );
    let mut tx = world.db.begin().await.unwrap();
    let verdicts = verdicts_after(&mut tx, EDGE, 1, 3, 100).await.unwrap();
    assert_eq!(verdicts.iter().map(|v| (v.seq, v.verdict.as_str())).collect::<Vec<_>>(), [(4, "applied")]);
}

#[tokio::test]
async fn an_older_exchange_a_frozen_stream_and_a_revoked_edge_take_nothing() {
    let world = World::new().await;
    let try_at = async |exchange| take_batch(&world.db, &world.deps, EDGE, 1, exchange, sales(1)).await;
    world.sql("UPDATE edge_streams SET exchange = 7").await;
    assert!(matches!(try_at(6).await, Err(StreamError::Fenced)));
    world.sql("UPDATE edge_streams SET frozen_at = now()").await;
    assert!(matches!(try_at(7).await, Err(StreamError::Frozen)));
    world.sql("UPDATE edges SET revoked_at = now()").await;
    assert!(matches!(try_at(7).await, Err(StreamError::Revoked)));
    let unknown = take_batch(&world.db, &world.deps, EDGE, 9, 7, sales(1)).await;
    assert!(matches!(unknown, Err(StreamError::Frozen)));
    assert_eq!(world.number("SELECT count(*) FROM commands").await, 0);
}

/// Whoever has revoked an edge knows that nothing more is taken from it: a batch under way is waited for.
#[tokio::test]
async fn a_revocation_waits_for_the_batch_under_way() {
    let world = std::sync::Arc::new(World::new().await);
    // Somebody holds the cooperative's bucket, so that the batch stops halfway.
    let mut holder = world.db.begin().await.unwrap();
    q("SELECT 1 FROM buckets WHERE name = 'coop:1' FOR UPDATE").execute(&mut *holder).await.unwrap();
    let batch = tokio::spawn({
        let world = world.clone();
        async move { world.take(sales(3)).await }
    });
    world.until_waiting(1).await;
    let revocation = tokio::spawn({
        let world = world.clone();
        async move { world.sql("UPDATE edges SET revoked_at = now()").await }
    });
    world.until_waiting(2).await;
    holder.commit().await.unwrap();
    batch.await.unwrap().unwrap();
    revocation.await.unwrap();
    assert_eq!(world.last_words().await, ["applied"; 3]);
    assert!(matches!(world.take(sales(4)).await, Err(StreamError::Revoked)));
}

/// Breaks every order by one buyer, as a bug in a handler or a constraint would.
const POISON: &str = "CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF NEW.buyer_phone % 10 = 3 THEN RAISE EXCEPTION 'planted poison'; END IF; RETURN NEW; END $$;
    CREATE TRIGGER poison BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION poison()";

#[tokio::test]
async fn a_command_that_breaks_its_handler_is_quarantined_and_delays_no_other() {
    let world = World::new().await;
    world.sql(POISON).await;
    // Orders 3, 13, 23, …
    world.take(sales(100)).await.unwrap();
    let words = world.last_words().await;
    for (at, word) in words.iter().enumerate() {
        let seq = at + 1;
        let expected = if seq % 10 == 3 { "quarantined" } else { "applied" };
        assert_eq!(*word, expected, "command {seq}");
    }
    assert_eq!(world.available(id(50), OFFICE).await, 500 - 99 + 10);
    assert_eq!(world.number("SELECT count(*) FROM commands WHERE error LIKE '%planted poison%'").await, 10);
    assert_eq!(world.number("SELECT count(*) FROM commands WHERE length(body) = 0").await, 0);
    world.assert_feed_equals_tables().await;
}

/// As after tables were put back by hand and the feed was not: what is new to them stands there all the same.
async fn put_back_after_the_fifth(world: &World) {
    world.take(sales(9)).await.unwrap();
    world
        .sql(
            "DELETE FROM orders WHERE id IN (SELECT id FROM commands WHERE seq > 5);
            DELETE FROM stock_entries WHERE of_id IN (SELECT id FROM commands WHERE seq > 5);
            DELETE FROM commands WHERE seq > 5;
            UPDATE edge_streams SET applied_seq = 5, last_verdict = 5",
        )
        .await;
}

#[tokio::test]
async fn orders_of_which_a_row_stands_in_the_feed_already_are_taken_and_delay_no_other() {
    let world = World::new().await;
    put_back_after_the_fifth(&world).await;
    world.take(sales(12)).await.unwrap();
    assert_eq!(world.last_words().await, ["applied"; 12]);
    assert_eq!(world.available(id(50), OFFICE).await, 500 - 11);
    world.assert_feed_equals_tables().await;
}

/// They go in one statement with what is changed, over whatever stands: its hash must leave the digest.
#[tokio::test]
async fn such_orders_beside_one_that_is_changed_leave_the_digest_right() {
    let world = World::new().await;
    put_back_after_the_fifth(&world).await;
    let mut commands = sales(12);
    commands.push(command(13, office(), &cancel(commands[1].id.0)));
    world.take(commands).await.unwrap();
    assert_eq!(world.last_words().await, ["applied"; 13]);
    world.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn the_hub_being_unwell_never_becomes_a_verdict() {
    let world = World::new().await;
    let unwell = |code: &str| {
        format!(
            "CREATE OR REPLACE FUNCTION unwell() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                RAISE EXCEPTION 'planted' USING ERRCODE = '{code}'; END $$"
        )
    };
    world.sql(unwell("53100")).await;
    world.sql("CREATE TRIGGER unwell BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION unwell()").await;
    for code in ["53100", "40001", "57014"] {
        world.sql(unwell(code)).await;
        let refused = world.take(sales(4)).await;
        assert!(matches!(refused, Err(StreamError::Unavailable(_))), "{code}: {refused:?}");
        assert!(world.verdicts().await.is_empty());
    }
    world.sql("DROP TRIGGER unwell ON orders").await;
    world.take(sales(4)).await.unwrap();
    assert_eq!(world.last_words().await, ["applied"; 4]);
}

/// A deadlock that passes: the sequence remembers, across the rollback, that it was met once.
#[tokio::test]
async fn a_deadlock_in_a_batch_is_tried_again_unseen() {
    let world = World::new().await;
    world.sql("CREATE SEQUENCE met").await;
    world
        .sql("CREATE FUNCTION once() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF nextval('met') <= 2 THEN RAISE EXCEPTION 'planted' USING ERRCODE = '40P01'; END IF; RETURN NEW; END $$;
            CREATE TRIGGER once BEFORE INSERT ON orders FOR EACH STATEMENT EXECUTE FUNCTION once()")
        .await;
    world.take(sales(10)).await.unwrap();
    assert_eq!(world.last_words().await, ["applied"; 10]);
    assert_eq!(world.number("SELECT last_value FROM met").await, 3);
}

#[tokio::test]
async fn bytes_that_are_no_payload_are_refused_by_name() {
    let world = World::new().await;
    let bodies = [vec![], vec![0xff; 30], vec![0x81, 0x40]];
    let commands =
        (1..).zip(bodies).map(|(seq, bytes)| raw(seq, office(), RawBody { kind: 5, bytes })).collect();
    world.take(commands).await.unwrap();
    assert_eq!(world.last_words().await, ["rejected"; 3]);
    assert!(world.verdicts().await.iter().all(|v| word(&v.verdict) == "rejected invalid "));
}

/// Whatever 64 bits an edge sends for a phone number, the command is kept as it came and the others go on.
#[tokio::test]
async fn a_number_beyond_any_column_is_kept_for_an_operator() {
    let world = World::new().await;
    let mut absurd = command(2, caller(u64::MAX), &place(id(50), 1, Source::Held));
    absurd.actor.kind = ActorKind::Other(u32::MAX);
    let commands = vec![sales(1).remove(0), absurd.clone(), sales(3).remove(2)];
    world.take(commands.clone()).await.unwrap();
    assert_eq!(world.last_words().await, ["applied", "quarantined", "applied"]);
    assert_eq!(world.number("SELECT actor_phone FROM commands WHERE seq = 2").await as u64, u64::MAX);
    // Its hash is the one it came with: the same again is no reuse. And it can be read, or nothing behind it could be decided.
    world.take(commands).await.unwrap();
    world.take(vec![sales(4).remove(3)]).await.unwrap();
    assert_eq!(world.last_words().await, ["applied", "quarantined", "applied", "applied"]);
}

/// A box that lost its disk enrols again and offers what the hub may not have: under the old ids, in a new stream.
#[tokio::test]
async fn a_new_incarnation_offers_again_what_the_old_one_sent_and_it_counts_once() {
    let world = World::new().await;
    let unknown = |seq| raw(seq, office(), RawBody { kind: 999, bytes: vec![0x80] });
    let mut old = sales(3);
    old.push(unknown(4));
    world.take(old.clone()).await.unwrap();
    world.sql("UPDATE edge_streams SET frozen_at = now()").await;
    world.sql("UPDATE edges SET incarnation = 2").await;
    world.sql("INSERT INTO edge_streams (edge_id, incarnation, link_random, exchange) VALUES (1, 2, '\\x00', 1)").await;
    // It lost the second command, and numbers the rest anew, with one in between that the hub never saw.
    let fresh = command(5, caller(7_000_000_009), &place(id(50), 1, Source::Held));
    let again: Vec<Command> = (1..)
        .zip([&old[0], &old[2], &fresh, &old[3]])
        .map(|(seq, old)| Command { seq, ..old.clone() })
        .collect();
    for _ in 0..2 {
        take_batch(&world.db, &world.deps, EDGE, 2, 1, again.clone()).await.unwrap();
    }
    assert_eq!(world.available(id(50), OFFICE).await, 500 - 3);
    let mut tx = world.db.begin().await.unwrap();
    let verdicts = verdicts_after(&mut tx, EDGE, 2, 0, 100).await.unwrap();
    let words: Vec<(u64, u64, &str)> =
        verdicts.iter().map(|v| (v.number, v.seq, v.verdict.as_str())).collect();
    assert_eq!(words, [(1, 1, "applied"), (2, 2, "applied"), (3, 3, "applied"), (4, 4, "unsupported")]);
    tx.commit().await.unwrap();
    // The same id with another content is no repetition; it stops itself and nobody else.
    let forged = Command { seq: 5, id: old[1].id, ..fresh.clone() };
    let next = Command { seq: 6, id: CommandId(id(777)), ..fresh };
    take_batch(&world.db, &world.deps, EDGE, 2, 1, vec![forged, next]).await.unwrap();
    let mut tx = world.db.begin().await.unwrap();
    let verdicts = verdicts_after(&mut tx, EDGE, 2, 4, 100).await.unwrap();
    let words: Vec<&str> = verdicts.iter().map(|v| v.verdict.as_str()).collect();
    assert_eq!(words, ["quarantined", "applied"]);
    tx.commit().await.unwrap();
    world.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn every_kind_of_verdict_comes_back_as_it_was_given() {
    let world = World::new().await;
    let edit = |seen: &str, title: &str| {
        sync_protocol::market::ListingEdit {
            listing: id(50),
            price_minor: Some(sync_protocol::market::WholeChange { old: 1, new: 70_000 }),
            title: Some(sync_protocol::market::TextChange { old: seen.into(), new: title.into() }),
        }
        .into()
    };
    world
        .take(vec![
            command(1, office(), &post(id(50), 10)),
            command(2, office(), &edit("", "Nice, \"white\" maize")),
            command(3, office(), &edit("other", "Yellow")),
            command(4, caller(7_000_000_001), &place(id(50), 9, Source::Held)),
            command(5, caller(7_000_000_001), &place(id(51), 9, Source::Held)),
        ])
        .await
        .unwrap();
    let verdicts = world.verdicts().await;
    let Verdict::Applied(edited) = &verdicts[1].verdict else { panic!("{verdicts:?}") };
    let conflict = &edited.conflicts[0];
    assert_eq!((&*conflict.field, &*conflict.current, &*conflict.wanted), ("price_minor", "50000", "70000"));
    assert_eq!(word(&verdicts[2].verdict), "rejected conflict price_minor,50000,title,Nice, \"white\" maize");
    let Verdict::Applied(short) = &verdicts[3].verdict else { panic!("{verdicts:?}") };
    assert!(short.short);
    assert_eq!(word(&verdicts[4].verdict), "rejected not_found ");
    let mut tx = world.db.begin().await.unwrap();
    assert_eq!(verdicts_after(&mut tx, EDGE, 1, 3, 1).await.unwrap(), verdicts[3..4]);
    ack(&mut tx, EDGE, 1, 3).await.unwrap();
    ack(&mut tx, EDGE, 1, 2).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.number("SELECT verdicts_acked FROM edge_streams").await, 3);
    let mut tx = world.db.begin().await.unwrap();
    ack(&mut tx, EDGE, 1, 999).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(world.number("SELECT verdicts_acked FROM edge_streams").await, 5, "no more than were given");
}

#[tokio::test]
async fn a_column_that_changes_its_type_between_two_batches_is_no_commands_fault() {
    let world = World::new().await;
    let mut commands = sales(60);
    let later = commands.split_off(30);
    world.take(commands).await.unwrap();
    // Every connection of the pool may have statements about it.
    world.sql("ALTER TABLE listings ALTER title TYPE varchar(500)").await;
    world.sql("ALTER TABLE orders ALTER buyer_name TYPE varchar(500)").await;
    world.take(later).await.unwrap();
    assert_eq!(world.last_words().await, ["applied"; 60]);
    world.assert_feed_equals_tables().await;
}

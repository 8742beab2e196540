//! The log's bounds, its order, and verdicts in their numbers.

use crate::commands::{
    CommandState, PENDING_BYTES_MAX, Recorded, SubmitError, Tally, VerdictError, date, mark_sent, mark_told,
    outcome, pending, prune, record_verdicts, refusals, refused_orders, tally, tick, untold,
};
use crate::db::DbError;
use crate::node;
use crate::testing::{CALLER_PHONE, COOP, TestEdge, caller, order_of};
use crate::time;
use mizili_node::deps::HandClock;
use std::time::Duration;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CommandId, MemberId, hub_born};
use sync_protocol::limits::PENDING_COMMANDS_MAX;
use sync_protocol::market::Certainty;
use sync_protocol::verdict::{Applied, Conflict, Numbered, Reject, RejectCode, Verdict};

/// A listing and so many orders of it; sequence numbers 1, then 2 and on.
fn with_orders(n: u64) -> TestEdge {
    let edge = TestEdge::with_market();
    let listing = edge.post_listing(500);
    for n in 0..n {
        edge.submit_as(CommandId(hub_born(n)), caller(), false, order_of(listing, 1)).unwrap();
    }
    edge
}

fn state(edge: &TestEdge, n: u64) -> CommandState {
    edge.read(|conn| outcome(conn, CommandId(hub_born(n)))).unwrap()
}

fn numbered(number: u64, seq: u64, verdict: Verdict) -> Numbered {
    Numbered { number, seq, verdict, stands_at: vec![(Bucket::Coop(COOP), 1)] }
}

fn applied() -> Verdict {
    Verdict::Applied(Applied::default())
}

fn record(edge: &TestEdge, list: Vec<Numbered>) -> Result<Recorded, VerdictError> {
    edge.db().write_blocking(move |tx| record_verdicts(tx, &list, 1_000))
}

#[test]
fn pending_gives_a_run_without_gaps_in_bounded_pieces() {
    let edge = with_orders(9);
    let seqs = |after, max| -> Vec<u64> {
        edge.read(|conn| pending(conn, after, max)).into_iter().map(|command| command.seq).collect()
    };
    assert_eq!(seqs(0, 3), [1, 2, 3]);
    assert_eq!(seqs(3, 100), [4, 5, 6, 7, 8, 9, 10]);
    assert!(seqs(10, 5).is_empty() && seqs(0, 0).is_empty());
    // An answer in the middle ends the run before it.
    edge.verdict(4, applied(), &[]);
    assert_eq!(seqs(0, 100), [1, 2, 3]);
    assert_eq!(seqs(3, 100), [5, 6, 7, 8, 9, 10]);
    // Large bodies come in pieces, each with at least one.
    edge.write(|tx| -> Result<(), DbError> {
        Ok(tx
            .execute("UPDATE command SET body = zeroblob(?1) WHERE seq > 5", [PENDING_BYTES_MAX - 10])
            .map(|_| ())?)
    });
    assert_eq!(seqs(4, 100), [5]);
    assert_eq!(seqs(5, 100), [6]);
}

#[test]
fn a_command_is_sent_once_its_mark_is_on_disk() {
    let edge = with_orders(3);
    assert!(!state(&edge, 0).sent);
    edge.write(|tx| mark_sent(tx, 3));
    let edge = edge.reopen();
    assert_eq!([0, 1, 2].map(|n| state(&edge, n).sent), [true, true, false]);
    assert_eq!(edge.read(|conn| pending(conn, 0, 9)).len(), 4, "sent is not answered");
}

#[test]
fn verdicts_come_in_their_order_and_repeats_change_nothing() {
    let edge = with_orders(4);
    let refusal = Verdict::Rejected(Reject::with(RejectCode::NotEnough, ["5".to_owned(), "kg".to_owned()]));
    let got = record(
        &edge,
        vec![numbered(1, 1, applied()), numbered(2, 2, refusal.clone()), numbered(3, 3, Verdict::Held)],
    );
    assert_eq!(got, Ok(Recorded { applied: 1, rejected: 1, held: 1, ..Recorded::default() }));
    assert_eq!(edge.read(node::verdicts_upto), 3);
    assert_eq!((state(&edge, 0).verdict, state(&edge, 0).settled_at_s), (Some(refusal.clone()), Some(1_000)));
    assert_eq!(state(&edge, 0).stands_at, [(Bucket::Coop(COOP), 1)]);
    // Answered into a dead connection: they come again, with the next one.
    let again =
        vec![numbered(2, 2, applied()), numbered(3, 3, applied()), numbered(4, 4, Verdict::Quarantined)];
    assert_eq!(record(&edge, again), Ok(Recorded { quarantined: 1, ..Recorded::default() }));
    assert_eq!((state(&edge, 0).verdict, state(&edge, 1).verdict), (Some(refusal), Some(Verdict::Held)));
    // One is missing: nothing of the list is taken.
    let gap = record(&edge, vec![numbered(5, 3, applied()), numbered(7, 4, applied())]);
    assert_eq!(gap, Err(VerdictError::Gap { expected: 6, got: 7 }));
    assert_eq!((edge.read(node::verdicts_upto), state(&edge, 1).verdict), (4, Some(Verdict::Held)));
    // An open one becomes final; a second final one changes nothing, but its number counts.
    record(&edge, vec![numbered(5, 3, applied()), numbered(6, 3, Verdict::Dismissed)]).unwrap();
    assert_eq!(state(&edge, 1).verdict, Some(applied()));
    // On a command that is not here: counted, passed over.
    assert_eq!(record(&edge, vec![numbered(7, 99, applied())]), Ok(Recorded::default()));
    assert_eq!(edge.read(node::verdicts_upto), 7);
    assert_eq!(edge.read(tally), Tally { waiting: 1, open: 1, refused: 1 });
}

#[test]
fn everything_that_a_verdict_says_comes_back() {
    let edge = with_orders(4);
    let conflict =
        |n: u32| Conflict {
            field: format!("price {n}"), current: "\"12\"".into(), wanted: "Ünïcode".into()
        };
    let verdicts = [
        Verdict::Applied(Applied {
            short: true,
            alias: Some(MemberId(hub_born(4))),
            conflicts: vec![conflict(1), conflict(2)],
        }),
        Verdict::Rejected(Reject::with(RejectCode::Conflict, ["title".to_owned(), "a \"b\" \\".to_owned()])),
        Verdict::Rejected(Reject::new(RejectCode::Other(77))),
        Verdict::Unsupported,
    ];
    let places =
        [vec![(Bucket::Coop(COOP), 7), (Bucket::Global, u64::from(u32::MAX) + 9)], vec![], vec![], vec![]];
    let list = (1..).zip(verdicts.clone().into_iter().zip(places.clone()));
    let list = list
        .map(|(n, (verdict, stands_at))| Numbered { number: n, seq: n + 1, verdict, stands_at })
        .collect();
    record(&edge, list).unwrap();
    let edge = edge.reopen();
    assert_eq!(
        [0, 1, 3].map(|n| state(&edge, n).verdict.unwrap()),
        [&verdicts[0], &verdicts[1], &verdicts[3]].map(Clone::clone)
    );
    assert!(matches!(
        state(&edge, 2).verdict,
        Some(Verdict::Rejected(Reject { code: RejectCode::Other(_), .. }))
    ));
    assert_eq!([0, 1, 2, 3].map(|n| state(&edge, n).stands_at), places);
    assert!((0..4).all(|n| state(&edge, n).certainty == Certainty::Record
        && state(&edge, n).command.actor.phone == CALLER_PHONE));
}

#[test]
fn a_person_is_told_once_and_only_of_what_is_final() {
    let edge = with_orders(3);
    record(&edge, vec![numbered(1, 2, applied()), numbered(2, 3, Verdict::Held)]).unwrap();
    let seqs = |edge: &TestEdge| -> Vec<u64> {
        edge.read(|conn| untold(conn, 9)).iter().map(|(seq, _)| *seq).collect()
    };
    assert_eq!(seqs(&edge), [0u64; 0], "its rows are not here yet, and it may have been undone since");
    edge.write(super::super::settle);
    assert_eq!(seqs(&edge), [2]);
    edge.write(|tx| mark_told(tx, 3, 1_100));
    assert_eq!(state(&edge, 1).told_at_s, None, "an open verdict is not told of");
    edge.write(|tx| mark_told(tx, 2, 1_100));
    edge.write(|tx| mark_told(tx, 2, 1_200));
    assert_eq!((seqs(&edge), state(&edge, 0).told_at_s), (vec![], Some(1_100)));
}

#[test]
fn the_log_is_pruned_of_what_is_over_and_told() {
    let edge = with_orders(5);
    let verdicts = [(2, applied()), (3, applied()), (4, Verdict::Held), (5, applied()), (6, applied())];
    let list = (1..).zip(verdicts).map(|(n, (seq, verdict))| Numbered {
        number: n,
        seq,
        verdict,
        stands_at: vec![],
    });
    record(&edge, list.collect()).unwrap();
    edge.write(|tx| -> Result<(), DbError> {
        super::super::settle(tx)?;
        [2, 6].into_iter().try_for_each(|seq| mark_told(tx, seq, 1_000))?;
        // One whose local rows still count stays, told or not.
        mark_told(tx, 5, 1_000)?;
        Ok(tx.execute("UPDATE command SET local = 1 WHERE seq = 5", []).map(|_| ())?)
    });
    let left = |edge: &TestEdge| -> Vec<u64> {
        edge.read(|conn| -> Result<Vec<u64>, DbError> {
            let mut statement = conn.prepare("SELECT seq FROM command ORDER BY seq")?;
            Ok(statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?)
        })
    };
    let pruned = |days: u64| {
        edge.clock().advance(Duration::from_secs(days * 86_400));
        heard_and_pruned(&edge)
    };
    assert_eq!(pruned(0), 0, "the answer that brought the verdicts ends");
    assert_eq!(pruned(30), 0, "not before 30 days have passed");
    edge.clock().advance(Duration::from_secs(1));
    assert_eq!(pruned(0), 1);
    assert_eq!(left(&edge), [1, 3, 4, 5, 6], "waiting, untold, open, still counting, newest");
    assert_eq!(pruned(335), 1);
    assert_eq!(left(&edge), [1, 4, 5, 6]);
    assert_eq!(edge.read(node::highest_seq), 6);
}

#[test]
fn a_refusal_that_may_become_news_again_stays_until_nothing_can_make_it_so() {
    let edge = with_orders(4);
    let list = (1..4).map(|n| numbered(n, n + 1, Verdict::Dismissed)).collect();
    record(&edge, list).unwrap();
    // Passed over as taken back; the same, told how it ended; a refusal that nobody has to hear of.
    edge.write(|tx| -> Result<(), DbError> {
        super::super::settle(tx)?;
        Ok(tx.execute_batch(
            "UPDATE command SET unsaid = 'nothing', taken_back = seq < 4 WHERE seq IN (2, 3, 4);
             UPDATE command SET end_said = 'told' WHERE seq = 3;
             UPDATE command SET kind = 6 WHERE seq = 5;",
        )?)
    });
    assert_eq!(heard_and_pruned(&edge), 0);
    edge.clock().advance(Duration::from_secs(30 * 86_400 + 1));
    assert_eq!(
        (heard_and_pruned(&edge), edge.read(|conn| outcome(conn, CommandId(hub_born(0)))).is_some()),
        (2, true)
    );
    // The cancel has its final word: nothing is left that could be refused.
    edge.write(|tx| -> Result<(), DbError> {
        Ok(tx.execute_batch("UPDATE command SET verdict = 'applied', settled_at_s = 1 WHERE seq = 5")?)
    });
    assert_eq!(heard_and_pruned(&edge), 1);
}

/// The hub says what time it is, as the end of an answer does; then the log is pruned.
fn heard_and_pruned(edge: &TestEdge) -> usize {
    // The hub's clock is right, whatever this box takes for the time.
    let at = edge.deps().clock.read();
    let hub_s = HandClock::START_S + i64::try_from(edge.deps().clock.monotonic().as_secs()).unwrap();
    edge.write(move |tx| {
        let now = time::heard(tx, at, hub_s)?;
        date(tx, hub_s, &now)?;
        prune(tx, &now)
    })
}

#[test]
fn no_clock_of_the_box_ages_a_command() {
    let edge = with_orders(2);
    edge.clock().set_wall_s(86_400);
    let refused = Verdict::Rejected(Reject::with(RejectCode::NotEnough, ["5".to_owned()]));
    record(&edge, vec![numbered(1, 2, refused), numbered(2, 3, applied())]).unwrap();
    edge.write(|tx| -> Result<(), DbError> {
        super::super::settle(tx)?;
        [2, 3].into_iter().try_for_each(|seq| mark_told(tx, seq, 1_000))
    });
    let shown =
        |edge: &TestEdge| (edge.read(tally).refused, edge.read(|conn| refused_orders(conn, None)).len());
    assert_eq!((heard_and_pruned(&edge), shown(&edge)), (0, (1, 1)), "1970 here, 2026 at the hub");
    for wall_s in [0, HandClock::START_S - 40 * 86_400, HandClock::START_S + 14 * 366 * 86_400, 86_400] {
        edge.clock().set_wall_s(wall_s);
        assert_eq!((heard_and_pruned(&edge), shown(&edge)), (0, (1, 1)), "{wall_s}");
        edge.clock().reboot();
        assert_eq!((heard_and_pruned(&edge), shown(&edge)), (0, (1, 1)), "{wall_s}, started anew");
    }
    // Without a word of the hub nothing grows old, however long that takes.
    edge.clock().advance(Duration::from_secs(400 * 86_400));
    let at = edge.deps().clock.read();
    assert_eq!(edge.write(move |tx| prune(tx, &time::now(tx, at)?)), 0);
    assert_eq!(shown(&edge), (1, 1));
    assert_eq!(
        (heard_and_pruned(&edge), shown(&edge)),
        (1, (0, 0)),
        "400 days by the hub and by this box's count"
    );
}

#[test]
fn a_hub_that_was_in_2040_for_a_moment_makes_nothing_old() {
    let edge = with_orders(2);
    record(&edge, vec![numbered(1, 2, applied())]).unwrap();
    edge.write(|tx| -> Result<(), DbError> {
        super::super::settle(tx)?;
        mark_told(tx, 2, 1_000)
    });
    assert_eq!(heard_and_pruned(&edge), 0);
    for _ in 0..10 {
        let at = edge.deps().clock.read();
        let pruned = edge.write(move |tx| {
            let now = time::heard(tx, at, HandClock::START_S + 14 * 366 * 86_400)?;
            prune(tx, &now)
        });
        assert_eq!((pruned, heard_and_pruned(&edge)), (0, 0));
        edge.clock().advance(Duration::from_secs(60));
    }
}

#[test]
fn a_full_log_takes_no_more_and_says_so() {
    let edge = with_orders(1);
    // So many that wait cannot be made one by one in a test; their numbers are what counts.
    edge.write(|tx| -> Result<(), DbError> {
        let sql = "WITH RECURSIVE n (i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < ?1)
                   INSERT INTO command (seq, id, made_at_s, actor_kind, actor_phone, kind, body, record)
                   SELECT i, CAST(i AS BLOB), 0, 0, 0, 5, x'', 1 FROM n";
        tx.execute(sql, [PENDING_COMMANDS_MAX])?;
        Ok(tx
            .execute("UPDATE node SET value = ?1 WHERE key = 'highest_seq'", [PENDING_COMMANDS_MAX])
            .map(|_| ())?)
    });
    let listing = edge
        .read(|conn| crate::replica::page::<sync_protocol::market::Listing>(conn, None, 9))
        .pop()
        .unwrap();
    assert_eq!(edge.place_order(listing.id, 1).unwrap_err(), SubmitError::LogFull);
    // An old one still waits, so the span of numbers is no measure; what was settled in between makes room.
    edge.write(|tx| -> Result<(), DbError> {
        let sql = "UPDATE command SET verdict = 'applied', settled_at_s = 5 WHERE seq BETWEEN 100 AND 200";
        Ok(tx.execute(sql, []).map(|_| ())?)
    });
    assert_eq!(edge.read(tally).unsettled(), PENDING_COMMANDS_MAX - 101);
    let taken = edge.submit(caller(), false, order_of(listing.id, 1));
    assert_eq!(taken.map(|submitted| submitted.seq), Ok(PENDING_COMMANDS_MAX + 1));
}

#[test]
fn a_stored_value_that_no_version_writes_is_named() {
    let edge = with_orders(1);
    for (column, value) in [("verdict", "maybe"), ("stands_at", "[[\"nowhere:1\",2]]"), ("stands_at", "{")] {
        edge.write(move |tx| -> Result<(), DbError> {
            tx.execute("UPDATE command SET verdict = 'applied', stands_at = NULL WHERE seq = 2", [])?;
            Ok(tx.execute(&format!("UPDATE command SET {column} = ?1 WHERE seq = 2"), [value]).map(|_| ())?)
        });
        let read = edge.db().read_blocking(|conn| outcome(conn, CommandId(hub_born(0))));
        assert_eq!(read, Err(DbError::BadRow(format!("table command, column {column}, row 2"))));
    }
}

#[test]
fn what_took_effect_stays_until_two_copies_of_the_hubs_database_hold_it() {
    let edge = with_orders(3);
    let refused = Verdict::Rejected(Reject::with(RejectCode::NotEnough, ["5".to_owned()]));
    record(&edge, vec![numbered(1, 2, applied()), numbered(2, 3, refused)]).unwrap();
    edge.write(|tx| -> Result<(), DbError> {
        super::super::settle(tx)?;
        [2, 3].into_iter().try_for_each(|seq| mark_told(tx, seq, 1_000))
    });
    let backed_up = |at_s| edge.write(move |tx| node::set_backed_up_s(tx, at_s));
    assert_eq!(heard_and_pruned(&edge), 0);
    backed_up(Some(HandClock::START_S));
    edge.clock().advance(Duration::from_secs(40 * 86_400));
    assert_eq!(heard_and_pruned(&edge), 1, "what was refused is in no copy that matters");
    edge.clock().advance(Duration::from_secs(40 * 86_400));
    assert_eq!(heard_and_pruned(&edge), 0);
    backed_up(Some(0));
    assert_eq!(heard_and_pruned(&edge), 0, "one copy alone");
    backed_up(Some(HandClock::START_S + 86_400));
    assert_eq!(heard_and_pruned(&edge), 1);
}

#[test]
fn what_is_counted_is_what_the_list_shows() {
    let edge = with_orders(3);
    let clash = Conflict { field: "title".to_owned(), wanted: "Good".to_owned(), current: "Best".to_owned() };
    let in_part = Verdict::Applied(Applied { conflicts: vec![clash], ..Applied::default() });
    let refused = Verdict::Rejected(Reject::new(RejectCode::TooLate));
    record(&edge, vec![numbered(1, 2, in_part), numbered(2, 3, refused), numbered(3, 4, applied())]).unwrap();
    let stand = || (edge.read(tally).refused, edge.read(refusals).len());
    assert_eq!(stand(), (2, 2));
    assert!(edge.write(|tx| tick(tx, hub_born(0), true)).is_some());
    assert_eq!(stand(), (1, 2), "ticked off it is shown, and not counted");
    assert!(edge.write(|tx| tick(tx, hub_born(2), true)).is_none(), "what took effect whole is no refusal");
}

//! Ages and times of boxes whose clocks are wrong in every way.

use super::{Now, STEP_MAX_MS, heard, last_heard, note, now};
use crate::testing::TestEdge;
use mizili_node::deps::{HandClock, Reading, Uptime};
use std::time::Duration;

const START_S: i64 = HandClock::START_S;
const DAY_S: i64 = 86_400;
const YEARS_14_S: i64 = 14 * 366 * DAY_S;

fn at(edge: &TestEdge) -> Now {
    let at = edge.deps().clock.read();
    edge.read(|conn| now(conn, at))
}

fn hears(edge: &TestEdge, hub_s: i64) -> Now {
    let at = edge.deps().clock.read();
    edge.write(move |tx| heard(tx, at, hub_s))
}

fn pass(edge: &TestEdge, seconds: i64) {
    edge.clock().advance(Duration::from_secs(seconds.unsigned_abs()));
}

/// Off, and on again with any time.
fn restart(edge: &TestEdge, wall_s: i64) {
    edge.clock().reboot();
    edge.clock().set_wall_s(wall_s);
}

#[test]
fn no_wall_clock_moves_an_age() {
    let edge = TestEdge::empty();
    let begun = at(&edge);
    for wall_s in [0, START_S - 40 * DAY_S, START_S + YEARS_14_S, -START_S] {
        edge.clock().set_wall_s(wall_s);
        assert_eq!((at(&edge).lived_s, at(&edge).heard_s), (begun.lived_s, begun.heard_s), "{wall_s}");
    }
    pass(&edge, 90);
    assert_eq!(at(&edge).age_s(begun.lived_s), 90);
    assert_eq!(at(&edge).heard_s, 0, "the hub has said nothing");
}

#[test]
fn a_restart_loses_only_what_was_not_written_down_and_the_time_it_was_off() {
    let edge = TestEdge::empty();
    let begun = at(&edge).lived_s;
    pass(&edge, 600);
    let reading = edge.deps().clock.read();
    edge.write(move |tx| note(tx, reading));
    pass(&edge, 60);
    let edge = edge.reopen();
    assert_eq!(at(&edge).age_s(begun), 660, "another program of the same run counts on");
    restart(&edge, 0);
    assert_eq!(at(&edge).age_s(begun), 600);
    pass(&edge, 30);
    assert_eq!(at(&edge).age_s(begun), 630);
    // What was noted before the power went, and lies ahead of the count now, was moments ago.
    assert_eq!(at(&edge).age_s(at(&edge).lived_s + 60), 0);
}

#[test]
fn two_programs_that_count_the_run_unlike_make_nothing_older() {
    let edge = TestEdge::empty();
    pass(&edge, 3_600);
    let ahead = edge.deps().clock.read();
    // Another program of the same run that counts less, or that read its clock and then waited its turn to write.
    let behind = Reading { uptime: Uptime { since: Duration::from_secs(60), ..ahead.uptime }, ..ahead };
    let begun = edge.write(move |tx| heard(tx, ahead, START_S));
    for turn in 0..10 {
        edge.write(
            move |tx| if turn % 2 == 0 { note(tx, behind) } else { heard(tx, behind, START_S).map(drop) },
        );
        edge.write(move |tx| note(tx, ahead));
    }
    assert_eq!(edge.read(|conn| now(conn, ahead)).age_s(begun.lived_s), 0);
    pass(&edge, 90);
    assert_eq!(at(&edge).age_s(begun.lived_s), 90);
}

#[test]
fn the_hub_says_how_long_the_box_was_off_but_never_more_than_a_week_at_once() {
    let edge = TestEdge::empty();
    let begun = hears(&edge, START_S);
    restart(&edge, 0);
    let then = hears(&edge, START_S + 3 * DAY_S);
    assert_eq!((then.age_s(begun.lived_s), then.heard_s), (3 * DAY_S, 3 * DAY_S));
    restart(&edge, 0);
    let then = hears(&edge, START_S + YEARS_14_S);
    assert_eq!((then.heard_s, then.best_s), (3 * DAY_S + STEP_MAX_MS / 1_000, START_S + YEARS_14_S));
    let then = hears(&edge, START_S + 3 * DAY_S);
    assert_eq!((then.heard_s, then.best_s), (10 * DAY_S, START_S + 3 * DAY_S), "it does not go back");
}

#[test]
fn two_hubs_whose_clocks_differ_make_nothing_older() {
    let edge = TestEdge::empty();
    hears(&edge, START_S);
    for second in 1..=1_000 {
        pass(&edge, 1);
        // One of them an hour ahead.
        hears(&edge, START_S + second + second % 2 * 3_600);
    }
    let then = at(&edge);
    assert!(then.heard_s <= 1_000, "{then:?}");
    assert_eq!(then.lived_s, 1_000);
}

#[test]
fn many_short_steps_add_up() {
    let edge = TestEdge::empty();
    hears(&edge, START_S);
    for tenth in 1..=100 {
        edge.clock().advance(Duration::from_millis(100));
        hears(&edge, START_S + tenth / 10);
    }
    assert_eq!((at(&edge).lived_s, at(&edge).heard_s), (10, 10));
}

#[test]
fn the_best_time_is_the_hubs_word_and_what_was_counted_since() {
    let edge = TestEdge::empty();
    edge.clock().set_wall_s(5);
    assert_eq!(at(&edge).best_s, 5, "nobody has said anything better");
    hears(&edge, START_S);
    pass(&edge, 60);
    for wall_s in [0, START_S + YEARS_14_S] {
        edge.clock().set_wall_s(wall_s);
        assert_eq!(at(&edge).best_s, START_S + 60, "{wall_s}");
    }
    let reading = edge.deps().clock.read();
    let word = edge.read(|conn| last_heard(conn, reading)).unwrap();
    assert_eq!((word.hub_s, word.age_s, word.ahead_s), (START_S, 60, START_S - 5));
}

#[test]
fn after_a_restart_a_wall_clock_is_believed_where_it_can_be_true() {
    let edge = TestEdge::empty();
    hears(&edge, START_S + 100);
    let best_after = |wall_s| {
        restart(&edge, wall_s);
        at(&edge).best_s
    };
    assert_eq!(
        best_after(START_S + 2 * DAY_S),
        START_S + 2 * DAY_S + 100,
        "off for two days, and 100 s behind"
    );
    assert_eq!(best_after(0), START_S + 100, "no battery");
    assert_eq!(best_after(START_S + YEARS_14_S), START_S + 100);
    // Wrong when the hub spoke, right since.
    restart(&edge, 0);
    hears(&edge, START_S + DAY_S);
    assert_eq!(best_after(START_S + 2 * DAY_S), START_S + 2 * DAY_S);
}

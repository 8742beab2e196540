//! Who is sent to look, and when, without a database.

use super::*;
use jiff::Timestamp;
use std::collections::BTreeSet;
use std::time::Duration;
use sync_protocol::ids::{CooperativeId, EdgeId, RegionId};
use sync_protocol::wire::message::Standing;
use tokio::time::Instant;

const REGION: Bucket = Bucket::Region(RegionId(1));

fn coop(n: u32) -> Bucket {
    Bucket::Coop(CooperativeId(n))
}

fn asker(edge: u32) -> Asker {
    let standing = Standing { scope: 1, cursors: vec![1], verdicts_upto: 0 };
    Asker { token: [edge as u8; 32], standing }
}

fn looked(edge: u32) -> Looked {
    let buckets = vec![Bucket::Edge(EdgeId(edge)), REGION, coop(edge)];
    Looked { edge: EdgeId(edge), buckets, session_ends: Timestamp::MAX }
}

fn sit(news: &News, edge: u32) -> Seated<'_> {
    let poll = news.waiting().arrive();
    news.waiting().watch().sit(poll, asker(edge), looked(edge)).unwrap()
}

fn tell(news: &News, bucket: Bucket) {
    news.tell(&Moved::from_iter([bucket]));
}

fn is_due(seat: &mut Seated<'_>) -> Option<Word> {
    futures_util::FutureExt::now_or_never(seat.word())
}

#[tokio::test]
async fn only_whose_bucket_moved_is_sent_to_look() {
    let news = News::default();
    let (mut one, mut two) = (sit(&news, 1), sit(&news, 2));
    tell(&news, coop(1));
    assert!(matches!(is_due(&mut one), Some(Word::Look(_))));
    assert_eq!(is_due(&mut two), None);
    tell(&news, Bucket::Edge(EdgeId(2)));
    assert!(matches!(is_due(&mut two), Some(Word::Look(_))));
}

#[tokio::test]
async fn what_moves_while_somebody_looks_counts() {
    let news = News::default();
    let poll = news.waiting().arrive();
    let watch = news.waiting().watch();
    tell(&news, coop(1));
    assert!(matches!(is_due(&mut watch.sit(poll, asker(1), looked(1)).unwrap()), Some(Word::Look(_))));
    let watch = news.waiting().watch();
    tell(&news, coop(2));
    assert_eq!(is_due(&mut watch.sit(poll + 9, asker(1), looked(1)).unwrap()), None, "another's");
}

#[tokio::test]
async fn who_shares_a_bucket_looks_one_after_the_other_within_a_minute() {
    let news = News::default();
    let seats: Vec<_> = (1..=200).map(|edge| sit(&news, edge)).collect();
    let begun = Instant::now();
    tell(&news, REGION);
    let mut times = BTreeSet::new();
    for seat in &seats {
        times.insert(due(seat) - begun);
    }
    let (first, last) = (times.first().unwrap(), times.last().unwrap());
    assert_eq!((times.len(), *last - *first), (200, Duration::from_millis(199 * 25)));
    assert!(*first < Duration::from_secs(1), "the first at once");
    drop(seats);
    let seats: Vec<_> = (1..=200).chain(1_000..5_000).map(|edge| sit_as(&news, edge)).collect();
    let begun = Instant::now();
    news.tell(&Moved::All);
    let last = seats.iter().map(|seat| due(seat) - begun).max().unwrap();
    assert!((50..=61).contains(&last.as_secs()), "{last:?}");
}

/// When somebody is to look.
fn due(seat: &Seated<'_>) -> Instant {
    let Word::Look(at) = seat.said() else { panic!("it was to look") };
    at
}

/// With a token for each, however many.
fn sit_as(news: &News, edge: u32) -> Seated<'_> {
    let poll = news.waiting().arrive();
    let mut asker = asker(edge);
    asker.token[..4].copy_from_slice(&edge.to_le_bytes());
    news.waiting().watch().sit(poll, asker, looked(edge)).unwrap()
}

#[tokio::test]
async fn of_two_polls_of_one_edge_the_newer_stays() {
    let news = News::default();
    let older = news.waiting().arrive();
    let watch = news.waiting().watch();
    let mut first = sit(&news, 1);
    assert!(watch.sit(older, asker(1), looked(1)).is_none(), "it began before the one that waits");
    let poll = news.waiting().arrive();
    let mut second = news.waiting().back(poll, &asker(1), Timestamp::MIN).unwrap();
    assert_eq!(is_due(&mut first), Some(Word::Replaced));
    drop(first);
    assert_eq!((is_due(&mut second), news.waiting().polls()), (None, 1));
}

#[tokio::test]
async fn whoever_says_something_else_or_has_news_looks_again() {
    let news = News::default();
    let waiting = news.waiting();
    drop(sit(&news, 1));
    let back = |asker: &Asker, now| waiting.back(waiting.arrive(), asker, now).is_some();
    let mut other = asker(1);
    other.standing.verdicts_upto = 1;
    assert!(!back(&other, Timestamp::MIN) && !back(&asker(2), Timestamp::MIN));
    assert!(!back(&asker(1), Timestamp::MAX), "its session has ended");
    assert!(back(&asker(1), Timestamp::MIN));
    tell(&news, coop(1));
    assert!(!back(&asker(1), Timestamp::MIN));
}

#[tokio::test]
async fn who_stays_away_is_forgotten() {
    let news = News::default();
    let waiting = news.waiting();
    let staying = sit(&news, 1);
    drop(sit(&news, 2));
    let round = || {
        let mut round: Vec<_> = waiting.round().into_iter().map(|w| (w.edge.0, w.is_heard)).collect();
        round.sort_unstable();
        round
    };
    assert_eq!(round(), [(1, true), (2, true)]);
    assert_eq!(round(), [(1, true)], "who holds a poll is heard all the time");
    drop(staying);
    assert_eq!(round(), []);
    assert!(waiting.back(waiting.arrive(), &asker(1), Timestamp::MIN).is_none());
}

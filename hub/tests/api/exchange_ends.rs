//! How answers end: with what moved while their pages went out and a complete point, or without where there was no room.

use crate::exchange::{REGION, ROWS, cursors, cursors_with, rows, scope, with_rows};
use crate::support::TestHub;
use axum::body::Body;
use sync_protocol::session::BucketCursor;
use sync_protocol::wire::message::{Hello, Message, scope_hash};
use sync_protocol::wire::rows::{Reach, Rows};

/// One more row of the region, as a command would put it there.
async fn put_row(hub: &TestHub) {
    hub.sql(
        "UPDATE buckets SET version = version + 1 WHERE name = 'region:1';
         INSERT INTO sync_rows (bucket, entity, id, version, deleted, hash, payload)
         SELECT bucket, entity, '\\x03'::bytea || uuid_send(gen_random_uuid()), version + 1, false, hash, payload
         FROM sync_rows WHERE bucket = 'region:1' ORDER BY version DESC LIMIT 1",
    )
    .await;
}

#[tokio::test]
async fn a_box_without_buckets_is_told_which_and_given_all_of_them_at_once() {
    let (hub, asks) = with_rows().await;
    let mut answer = asks.ask(&hub, 0, Vec::new()).await.rest().await;
    let Message::Welcome(welcome) = answer.remove(0) else { panic!("{:?}", answer[0]) };
    assert_eq!(welcome.scope, scope());
    assert!(!answer.iter().any(|m| matches!(m, Message::Welcome(_))), "once");
    let [.., Message::Complete(points), Message::Close(close)] = answer.as_slice() else { panic!() };
    let heads = hub.ask("SELECT string_agg(name || ' ' || version, ', ' ORDER BY name) FROM buckets").await;
    let mut told: Vec<_> = points.iter().map(|point| format!("{} {}", point.bucket, point.head)).collect();
    told.sort();
    assert_eq!((told.join(", "), close.more), (heads, false));
}

/// What the end of an answer that brought everything says of the region.
fn whole_at(answer: &[Message]) -> u64 {
    let [.., Message::Complete(points), Message::Close(close)] = answer else {
        panic!("{:?}", answer.last())
    };
    assert!(!close.more);
    let [point] = points.as_slice() else { panic!("{points:?}") };
    assert_eq!(point.bucket, REGION);
    point.head
}

#[tokio::test]
async fn pages_that_reach_every_head_end_in_what_moved_meanwhile_and_a_point() {
    let (hub, asks) = with_rows().await;
    let mut answer = asks.ask(&hub, scope_hash(&scope()), cursors(&hub, 0).await).await;
    let Some(Message::Rows(first)) = answer.next().await else { panic!() };
    put_row(&hub).await;
    // One goes that is on its way already, and the hub has a word for the box.
    let gone = first.rows[0].key;
    hub.sql(&format!(
        "UPDATE buckets SET version = version + 1 WHERE name = 'region:1';
         UPDATE sync_rows SET deleted = true, payload = '', hash = '', version = (SELECT version FROM buckets WHERE name = 'region:1')
             WHERE bucket = 'region:1' AND version = {};
         INSERT INTO commands (edge_id, incarnation, seq, id, made_at_s, actor_kind, actor_phone, kind, body, body_hash, verdict, verdict_number, code)
             VALUES (1, 1, 1, gen_random_uuid(), 0, 2, 0, 5, '', '', 'rejected', 1, 'not_found');
         UPDATE edge_streams SET last_verdict = 1",
        first.rows[0].version
    ))
    .await;
    let rest = answer.rest().await;
    let is_late = |m: &Message| {
        matches!(m, Message::Verdicts(_)) || matches!(m, Message::Rows(rows) if rows.reach == Reach::Delta)
    };
    let late: Vec<_> = rest.iter().filter(|m| is_late(m)).collect();
    let [Message::Verdicts(verdicts), Message::Rows(Rows { after: ROWS, upto, rows, .. })] = late.as_slice()
    else {
        panic!("{late:?}")
    };
    assert_eq!((verdicts.len(), *upto), (1, ROWS + 2));
    let [new, last] = rows.as_slice() else { panic!("{rows:?}") };
    assert!(new.body.is_some() && last.key == gone && last.body.is_none());
    assert_eq!(whole_at(&rest), ROWS + 2);
}

#[tokio::test]
async fn what_was_begun_in_an_answer_before_is_compared_at_the_end_of_the_rest() {
    let (hub, asks) = with_rows().await;
    let begun = BucketCursor { upto: ROWS, reached: Some(90), ..BucketCursor::new(REGION) };
    let answer = asks.ask(&hub, scope_hash(&scope()), cursors_with(&hub, begun).await).await.rest().await;
    assert_eq!(rows(&answer), 90);
    assert_eq!(whole_at(&answer), ROWS);
}

#[tokio::test]
async fn an_answer_without_room_for_everything_ends_without_a_point() {
    let (hub, asks) = with_rows().await;
    let hello = Hello { room_bytes: 0, ..asks.hello(scope_hash(&scope()), cursors(&hub, 0).await) };
    let mut body = Message::Hello(hello).to_bytes();
    Message::End.write(&mut body);
    let answer = asks.send(&hub, Body::from(body)).await.rest().await;
    assert!((1..ROWS as usize).contains(&rows(&answer)), "{}", rows(&answer));
    let Some(Message::Close(close)) = answer.last() else { panic!("{:?}", answer.last()) };
    assert!(close.more && !answer.iter().any(|m| matches!(m, Message::Complete(_))));
}

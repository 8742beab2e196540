//! The response of an exchange: verdicts, rows, a complete point where there is one, and the next link.
//!
//! What moved since is read in one snapshot when it is short, and then ends in a complete point, at which digests are compared.
//! Anything longer goes page by page, each its own statement, until the turn is over.

use super::exchange::{Opened, same_scope};
use super::outflow::{Outflow, Stop};
use super::room::Place;
use super::turns::Turn;
use crate::commands::stream::verdicts_after;
use crate::error::ApiError;
use crate::feed::read::{self, Head};
use crate::state::AppState;
use axum::body::Body;
use bytes::Bytes;
use futures_util::StreamExt as _;
use sqlx::PgConnection;
use std::collections::HashMap;
use std::io;
use sync_protocol::bucket::Bucket;
use sync_protocol::limits::{
    COMPLETE_DELTA_MAX_ROWS, FRAME_ROWS_MAX, FRAME_TARGET_MAX_BYTES, FRAME_TARGET_MIN_BYTES,
};
use sync_protocol::row::Row;
use sync_protocol::session::{BucketCursor, MINOR_VERSION, Page, next_pages};
use sync_protocol::wire::message::{
    Audit, BucketPoint, Close, Message, Refusal, RefusalCode, SlotSums, Welcome, cursors_from_bytes,
};
use sync_protocol::wire::rows::{Reach, Rows};
use tokio::sync::mpsc;

/// Frames that may wait for a slow link while the next is read.
const FRAMES_AHEAD: usize = 2;
/// Up to so many bytes an answer is sent in one piece: an exchange without news, or with little. No more than the smallest frame:
/// over HTTP/2 a piece that is cut is lost whole.
const WHOLE_MAX_BYTES: usize = FRAME_TARGET_MIN_BYTES;
/// Rows that one answer brings at most, in bytes, whatever room an edge says that it has.
const ROOM_MAX_BYTES: usize = 64 << 20;
/// Verdicts of one response.
const VERDICTS_MAX: i64 = 20_000;
/// Bytes a row takes at first guess; corrected after each frame.
const ROW_BYTES_GUESS: f64 = 12.0;
/// Fewest rows of a page: of the largest kind they still make a frame that fits between two cuts.
const PAGE_ROWS_MIN: usize = 8;
const PAGE_ROWS_MAX: usize = 16_384;
/// How many times as large as the one before a frame may be. More of them compress less well.
const GROWTH: usize = 4;

const _: () = assert!(PAGE_ROWS_MAX <= FRAME_ROWS_MAX);

/// What is to be answered.
pub(super) struct Reply {
    pub(super) opened: Opened,
    pub(super) audits: Vec<Audit>,
    pub(super) refusal: Option<Refusal>,
    /// Under way until the answer's end.
    pub(super) _turn: Turn,
    pub(super) _place: Place,
}

/// The response's bytes. A short answer is one piece of known length, which costs fewer bytes than one in pieces; a long one
/// leaves while it is made, each frame a piece. An error on the way ends the body in the middle, which the edge takes as a cut.
pub(super) async fn body(state: AppState, reply: Reply) -> Body {
    let mut frames = stream(state, reply);
    let (mut begun, mut bytes) = (Vec::new(), 0);
    while let Some(piece) = frames.recv().await {
        bytes += piece.as_ref().map_or(0, Bytes::len);
        let is_long = piece.is_err() || bytes > WHOLE_MAX_BYTES;
        begun.push(piece);
        if is_long {
            let rest = futures_util::stream::poll_fn(move |cx| frames.poll_recv(cx));
            return Body::from_stream(futures_util::stream::iter(begun).chain(rest));
        }
    }
    let whole: Vec<Bytes> = begun.into_iter().flatten().collect();
    Body::from(whole.concat())
}

fn stream(state: AppState, reply: Reply) -> mpsc::Receiver<Result<Bytes, io::Error>> {
    let (out, frames) = mpsc::channel(FRAMES_AHEAD);
    tokio::spawn(async move {
        let edge = reply.opened.edge.id;
        if let Err(error) = respond(&state, reply, &out).await {
            tracing::warn!(edge = edge.0, ?error, "a response was cut short");
            let _ = out.send(Err(io::Error::other("the hub could not go on"))).await;
        }
    });
    frames
}

type Out = mpsc::Sender<Result<Bytes, io::Error>>;

async fn respond(state: &AppState, reply: Reply, out: &Out) -> Result<(), ApiError> {
    let mut outflow = Outflow::new(state, &reply.opened, out);
    let ended = match parts(state, &reply, &mut outflow).await {
        Ok(more) => outflow.look().await.map(|()| more),
        ended => ended,
    };
    let close = |more| {
        let clock_s = state.deps.clock.now_s();
        let (link, minor) = (reply.opened.link.clone(), Some(MINOR_VERSION));
        Message::Close(Close { link, more, clock_s, retry_after_s: 0, minor })
    };
    let last = match (ended, &reply.refusal) {
        (Ok(_), Some(refusal)) => Message::Refusal(refusal.clone()),
        (Ok(more), None) => close(more),
        (Err(Stop::Refused(refusal)), _) => Message::Refusal(refusal),
        // What it is to have now is asked for at once.
        (Err(Stop::Rescoped), _) => close(true),
        (Err(Stop::Gone), _) => return Ok(()),
        (Err(Stop::Failed(error)), _) => return Err(error),
    };
    // Nobody hears it where the edge went away.
    let _ = out.send(Ok(last.to_bytes().into())).await;
    Ok(())
}

/// Sends everything but the last message. Says whether there is more to fetch.
async fn parts(state: &AppState, reply: &Reply, out: &mut Outflow<'_>) -> Result<bool, Stop> {
    let opened = &reply.opened;
    let mut tx = state.db.begin_snapshot().await?;
    out.look_in(&mut tx).await?;
    let verdicts = verdicts_after(
        &mut tx,
        opened.edge.id,
        opened.edge.incarnation,
        opened.hello.verdicts_upto,
        VERDICTS_MAX,
    )
    .await?;
    let verdicts_left = verdicts.len() as i64 == VERDICTS_MAX;
    if !verdicts.is_empty() {
        out.message(&Message::Verdicts(verdicts)).await?;
    }
    if reply.refusal.is_some() {
        return Ok(false);
    }
    if !same_scope(opened) {
        let welcome = Welcome { epoch: opened.epoch, scope: opened.scope.clone() };
        out.message(&Message::Welcome(welcome)).await?;
        return Ok(true);
    }
    let Ok(cursors) = cursors_from_bytes(&opened.hello.cursors, &opened.scope) else {
        let detail = "cursors".to_owned();
        return Err(Stop::Refused(Refusal { code: RefusalCode::Malformed, detail }));
    };
    let heads = read::heads(&mut tx, &opened.scope).await?;
    for answer in audit_answers(&mut tx, reply, &heads).await? {
        out.message(&answer).await?;
    }
    let head = |bucket: &Bucket| heads.get(bucket).map_or(0, |h| h.version);
    let pages = next_pages(cursors.iter().map(|c| (*c, head(&c.bucket))).collect());
    let frame_bytes =
        (opened.hello.frame_bytes as usize).clamp(FRAME_TARGET_MIN_BYTES, FRAME_TARGET_MAX_BYTES);
    let mut sizer = Sizer::new(frame_bytes);
    let short = pages.iter().all(|p| p.reach == Reach::Delta)
        && pages.iter().map(|p| p.upto - p.after).sum::<u64>() <= COMPLETE_DELTA_MAX_ROWS;
    if !short {
        tx.commit().await?;
        let room_bytes = (opened.hello.room_bytes as usize).min(ROOM_MAX_BYTES);
        walk(state, &pages, room_bytes, &mut sizer, out).await?;
        return Ok(true);
    }
    let mut frames = Vec::new();
    for page in &pages {
        frames.extend(delta_frames(&mut tx, page, &mut sizer).await?);
    }
    tx.commit().await?;
    for frame in frames {
        out.bytes(frame).await?;
    }
    let points = points(&cursors, &heads, opened.hello.want_points);
    if !points.is_empty() {
        out.message(&Message::Complete(points)).await?;
    }
    Ok(verdicts_left)
}

/// The points at which the edge compares: the buckets that moved, or all when it asks.
fn points(cursors: &[BucketCursor], heads: &HashMap<Bucket, Head>, all: bool) -> Vec<BucketPoint> {
    let empty = Head::default();
    cursors
        .iter()
        .map(|c| (c, heads.get(&c.bucket).unwrap_or(&empty)))
        .filter(|(cursor, head)| all || head.version != cursor.upto)
        .map(|(cursor, head)| BucketPoint { bucket: cursor.bucket, head: head.version, sums: head.sums() })
        .collect()
}

/// How many rows make a frame of the wanted size.
///
/// The first frames of an answer are small and each next is up to four times as large, whatever speed the edge has measured: where the
/// line has become worse since, what is cut is short, and something of every answer stays.
struct Sizer {
    /// What the next frame should take.
    frame_bytes: usize,
    frame_bytes_max: usize,
    row_bytes: f64,
}

impl Sizer {
    fn new(frame_bytes_max: usize) -> Self {
        Self { frame_bytes: FRAME_TARGET_MIN_BYTES, frame_bytes_max, row_bytes: ROW_BYTES_GUESS }
    }

    fn rows(&self) -> usize {
        ((self.frame_bytes as f64 / self.row_bytes) as usize).clamp(PAGE_ROWS_MIN, PAGE_ROWS_MAX)
    }

    /// Takes in what so many rows came to. Whether they may be sent: where they were of another kind than the guess was for, a
    /// frame may be so large that it never fits between two cuts, and fewer have to be read.
    fn fits(&mut self, rows: usize, bytes: usize) -> bool {
        if rows >= PAGE_ROWS_MIN {
            self.row_bytes = bytes.max(1) as f64 / rows as f64;
        }
        let fits = bytes <= 2 * self.frame_bytes || rows <= PAGE_ROWS_MIN;
        if fits && rows > 0 {
            self.frame_bytes = (GROWTH * self.frame_bytes).min(self.frame_bytes_max);
        }
        fits
    }
}

/// A short delta as frames, read in the snapshot that `conn` holds.
async fn delta_frames(
    conn: &mut PgConnection,
    page: &Page,
    sizer: &mut Sizer,
) -> Result<Vec<Bytes>, ApiError> {
    let mut frames = Vec::new();
    let mut after = page.after;
    while after < page.upto {
        let frame = page_up(conn, page.cursor.bucket, after, page.upto, sizer.rows()).await?;
        let (rows, upto) = (frame.rows.len(), frame.upto);
        let frame = Message::Rows(frame).to_bytes();
        if sizer.fits(rows, frame.len()) {
            after = upto;
            frames.push(frame.into());
        }
    }
    Ok(frames)
}

async fn page_up(
    conn: &mut PgConnection,
    bucket: Bucket,
    after: u64,
    upto: u64,
    limit: usize,
) -> Result<Rows, ApiError> {
    let rows = read::page_up(conn, bucket, after, upto, limit).await?;
    // A full page ends at its last row; a shorter one brought everything there is.
    let upto = if rows.len() == limit { rows.last().map_or(upto, |r: &Row| r.version) } else { upto };
    Ok(Rows { bucket, reach: Reach::Delta, after, upto, rows })
}

async fn page_down(conn: &mut PgConnection, page: &Page, upto: u64, limit: usize) -> Result<Rows, ApiError> {
    let mut rows = read::page_down(conn, page.cursor.bucket, upto, limit).await?;
    let after = if rows.len() == limit { rows.last().map_or(0, |r: &Row| r.version - 1) } else { 0 };
    rows.reverse();
    Ok(Rows { bucket: page.cursor.bucket, reach: page.reach, after, upto, rows })
}

/// Pages one after the other, each its own statement, until the turn's room is used up.
async fn walk(
    state: &AppState,
    pages: &[Page],
    room_bytes: usize,
    sizer: &mut Sizer,
    out: &mut Outflow<'_>,
) -> Result<(), Stop> {
    let mut used = 0;
    for page in pages {
        let (mut after, mut upto) = (page.after, page.upto);
        while after < upto && used < room_bytes.max(FRAME_TARGET_MIN_BYTES) {
            let mut tx = state.db.begin().await?;
            out.look_in(&mut tx).await?;
            let frame = match page.reach {
                Reach::Delta => page_up(&mut tx, page.cursor.bucket, after, upto, sizer.rows()).await?,
                _ => page_down(&mut tx, page, upto, sizer.rows()).await?,
            };
            tx.commit().await?;
            let (rows, ends) = (frame.rows.len(), (frame.after, frame.upto));
            let frame = Message::Rows(frame).to_bytes();
            let bytes = frame.len();
            if !sizer.fits(rows, bytes) {
                continue;
            }
            match page.reach {
                Reach::Delta => after = ends.1,
                _ => upto = ends.0,
            }
            out.bytes(frame.into()).await?;
            used += bytes;
        }
    }
    Ok(())
}

/// Answers to questions about slots: sums, or the rows of a slot as they stand.
async fn audit_answers(
    conn: &mut PgConnection,
    reply: &Reply,
    heads: &HashMap<Bucket, Head>,
) -> Result<Vec<Message>, ApiError> {
    let mut answers = Vec::new();
    for audit in reply.audits.iter().filter(|audit| reply.opened.scope.contains(&audit.bucket)) {
        let head = heads.get(&audit.bucket).map_or(0, |h| h.version);
        answers.push(match audit.slot.as_slice() {
            [first, second] => {
                let slot = [*first, *second];
                let rows = read::slot_rows(conn, audit.bucket, audit.entity, slot).await?;
                let reach = Reach::Repair { entity: audit.entity, slot };
                Message::Rows(Rows { bucket: audit.bucket, reach, after: 0, upto: head, rows })
            }
            prefix => {
                let sums = read::slot_sums(conn, audit.bucket, audit.entity, prefix).await?;
                Message::SlotSums(SlotSums { of: audit.clone(), head, sums })
            }
        });
    }
    Ok(answers)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_larger_than_guessed_are_read_again_in_fewer() {
        let mut sizer = Sizer::new(FRAME_TARGET_MAX_BYTES);
        let rows = sizer.rows();
        assert!(!sizer.fits(rows, rows * 60), "five times the guess");
        let fewer = sizer.rows();
        assert!(fewer < rows / 4 && sizer.fits(fewer, fewer * 60), "{fewer} of {rows}");
        assert_eq!(
            sizer.frame_bytes,
            GROWTH * FRAME_TARGET_MIN_BYTES,
            "only what was sent lets the next grow"
        );
        assert!(sizer.fits(PAGE_ROWS_MIN, 1 << 20), "the fewest are sent, however large");
    }
}

//! The response of an exchange: verdicts, rows, a complete point where there is one, and the next link.
//!
//! What moved since is read in one snapshot when it is short, and then ends in a complete point, at which digests are compared.
//! Anything longer goes page by page, each its own statement, until the turn is over; where that reached every head, what moved
//! meanwhile is short, and the answer ends as one that was short from the first: on a slow line a round trip is a second.

use super::exchange::{Opened, same_scope};
use super::outflow::{Outflow, Seen, Stop, seen};
use super::turns::Turn;
use crate::commands::stream::verdicts_after;
use crate::db::retrying;
use crate::error::ApiError;
use crate::feed::read::{self, Head};
use crate::room::Place;
use crate::state::AppState;
use axum::body::Body;
use bytes::Bytes;
use futures_util::StreamExt as _;
use sqlx::PgConnection;
use std::collections::HashMap;
use std::io;
use sync_protocol::bucket::Bucket;
use sync_protocol::bytes::WireError;
use sync_protocol::limits::{
    COMPLETE_DELTA_MAX_ROWS, FRAME_TARGET_MIN_BYTES, FRAME_VERDICTS_MAX, SCOPE_BUCKETS_MAX,
};
use sync_protocol::row::Row;
use sync_protocol::session::{
    BucketCursor, MINOR_VERSION, MINOR_WITH_REPAIR_IN_PARTS, Page, Sizer, next_pages,
};
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
/// Bytes of one row, verdict and point at first guess; corrected after each frame.
const ROW_BYTES: usize = 12;
const VERDICT_BYTES: usize = 24;
const POINT_BYTES: usize = 40;
/// Frames that one read makes rows for: it is cut by what it comes to, and its last frame is often a short one.
const FRAMES_READ: usize = 4;
/// Rows of one read.
const PAGE_ROWS_MIN: usize = 8;
const PAGE_ROWS_MAX: usize = 16_384;

/// What is to be answered.
pub(super) struct Reply {
    pub(super) opened: Opened,
    pub(super) audits: Vec<Audit>,
    pub(super) refusal: Option<Refusal>,
    /// When commands that could not be taken now are to be offered again; 0 where all were.
    pub(super) retry_after_s: u32,
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
        let backed_up_s = reply.opened.hub.backed_up_s;
        let retry_after_s = reply.retry_after_s;
        Message::Close(Close { link, more, clock_s, retry_after_s, minor, backed_up_s })
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
    // A number that two boxes used says nothing to either of them, and verdicts name numbers.
    if reply.refusal.as_ref().is_some_and(|refusal| refusal.code == RefusalCode::SequenceReused) {
        return Ok(false);
    }
    let mut sizer = Sizer::new(reply.opened.hello.frame_bytes as usize);
    match part(state, reply, None, &mut sizer, out).await? {
        Next::Walk { pages, mut to } => {
            let room_bytes = (reply.opened.hello.room_bytes as usize).min(ROOM_MAX_BYTES);
            let Some(left) = walk(state, &pages, room_bytes, &mut sizer, out).await? else { return Ok(true) };
            to.rows_max = to.rows_max.min((left / ROW_BYTES) as u64);
            match part(state, reply, Some(&to), &mut sizer, out).await {
                Ok(rest) => Ok(!matches!(rest, Next::Nothing)),
                // What came stays, and another exchange fetches the rest.
                Err(Stop::Failed(error)) => {
                    tracing::warn!(
                        edge = reply.opened.edge.id.0,
                        ?error,
                        "the end of an answer could not be read"
                    );
                    Ok(true)
                }
                Err(stop) => Err(stop),
            }
        }
        Next::Nothing => Ok(false),
        Next::More => Ok(true),
        Next::Malformed => Err(Stop::Refused(Refusal::new(RefusalCode::Malformed, "cursors"))),
    }
}

/// Sends what one snapshot shows to an edge that stands where its request says, or already elsewhere by what this answer brought.
async fn part(
    state: &AppState,
    reply: &Reply,
    at: Option<&Stand>,
    sizer: &mut Sizer,
    out: &mut Outflow<'_>,
) -> Result<Next, Stop> {
    // No connection is held while a slow line takes what was read.
    let read = retrying(&state.deps, || {
        let sizer = *sizer;
        async move { begun(state, reply, at, sizer).await }
    });
    let begun = read.await?;
    out.saw(begun.seen)?;
    *sizer = begun.sizer;
    for frame in begun.frames {
        out.bytes(frame.into()).await?;
    }
    Ok(begun.next)
}

/// Where an edge stands once it has what this answer brought so far.
struct Stand {
    verdicts_upto: u64,
    cursors: Vec<BucketCursor>,
    /// Rows for which the turn has room still.
    rows_max: u64,
}

/// What one snapshot shows: the beginning of an answer, or its end.
struct Begun {
    seen: Seen,
    frames: Vec<Vec<u8>>,
    next: Next,
    /// What it has learnt of the sizes of things.
    sizer: Sizer,
}

/// What follows on the beginning.
enum Next {
    Nothing,
    /// Another exchange fetches it.
    More,
    /// Page by page, and where that leads.
    Walk {
        pages: Vec<Page>,
        to: Stand,
    },
    /// The cursors cannot be read.
    Malformed,
}

async fn begun(state: &AppState, reply: &Reply, at: Option<&Stand>, sizer: Sizer) -> Result<Begun, ApiError> {
    let mut begun = Begun { seen: Seen::Same, frames: Vec::new(), next: Next::Nothing, sizer };
    let mut tx = state.db.begin_snapshot().await?;
    begun.seen = seen(&mut tx, &reply.opened).await?;
    if begun.seen == Seen::Same {
        begun.next = fill(&mut tx, reply, at, &mut begun.sizer, &mut begun.frames).await?;
    }
    tx.commit().await?;
    Ok(begun)
}

/// Reads verdicts, answers to questions (once), and what moved where that is short.
async fn fill(
    conn: &mut PgConnection,
    reply: &Reply,
    at: Option<&Stand>,
    sizer: &mut Sizer,
    frames: &mut Vec<Vec<u8>>,
) -> Result<Next, ApiError> {
    let opened = &reply.opened;
    let (edge, upto) = (&opened.edge, at.map_or(opened.hello.verdicts_upto, |at| at.verdicts_upto));
    if at.is_none() && reply.refusal.is_none() && !same_scope(opened) {
        // Before everything else: what stands where a box has no bucket would be taken for what left it.
        let welcome = Welcome { epoch: opened.hub.epoch, scope: opened.scope.clone() };
        frames.push(Message::Welcome(welcome).to_bytes());
    }
    let verdicts = verdicts_after(conn, edge.id, edge.incarnation, upto, VERDICTS_MAX).await?;
    let verdicts_left = verdicts.len() as i64 == VERDICTS_MAX;
    sizer.begin(VERDICT_BYTES);
    frames.extend(sizer.all(&verdicts, FRAME_VERDICTS_MAX, |part| Message::Verdicts(part.to_vec())));
    if reply.refusal.is_some() {
        return Ok(Next::Nothing);
    }
    let Some(asked_at) = cursors(opened) else { return Ok(Next::More) };
    let Ok(asked_at) = asked_at else { return Ok(Next::Malformed) };
    let cursors = at.map_or(&asked_at, |at| &at.cursors);
    let heads = read::heads(conn, &opened.scope).await?;
    if at.is_none() {
        frames.extend(audit_answers(conn, reply, &heads, sizer).await?);
    }
    let head = |bucket: &Bucket| heads.get(bucket).map_or(0, |h| h.version);
    let pages = next_pages(cursors.iter().map(|c| (*c, head(&c.bucket))).collect());
    sizer.begin(ROW_BYTES);
    let rows_max = at.map_or(COMPLETE_DELTA_MAX_ROWS, |at| at.rows_max);
    let short = pages.iter().all(|p| p.reach == Reach::Delta)
        && pages.iter().map(|p| p.upto - p.after).sum::<u64>() <= rows_max;
    if !short {
        let arrived =
            |c: &BucketCursor| BucketCursor { upto: c.upto.max(head(&c.bucket)), reached: None, ..*c };
        let verdicts_upto = verdicts.last().map_or(upto, |last| last.number);
        let cursors = cursors.iter().map(arrived).collect();
        let to = Stand { verdicts_upto, cursors, rows_max: COMPLETE_DELTA_MAX_ROWS };
        return Ok(Next::Walk { pages, to });
    }
    for page in &pages {
        frames.extend(delta_frames(conn, page, sizer).await?);
    }
    sizer.begin(POINT_BYTES);
    let points = points(&asked_at, &heads, opened.hello.want_points);
    frames.extend(sizer.all(&points, SCOPE_BUCKETS_MAX, |part| Message::Complete(part.to_vec())));
    Ok(if verdicts_left { Next::More } else { Next::Nothing })
}

/// Where the edge stood when it asked. Of buckets other than those that it is to have only it knows what is here, but for a box that
/// has none.
fn cursors(opened: &Opened) -> Option<Result<Vec<BucketCursor>, WireError>> {
    match (same_scope(opened), opened.hello.cursors.as_slice()) {
        (true, cursors) => Some(cursors_from_bytes(cursors, &opened.scope)),
        (false, []) => Some(Ok(opened.scope.iter().copied().map(BucketCursor::new).collect())),
        (false, _) => None,
    }
}

/// The points at which the edge compares: the buckets of which this answer brought something, or all when it asks.
fn points(asked_at: &[BucketCursor], heads: &HashMap<Bucket, Head>, all: bool) -> Vec<BucketPoint> {
    let empty = Head::default();
    asked_at
        .iter()
        .map(|c| (c, heads.get(&c.bucket).unwrap_or(&empty)))
        .filter(|(cursor, head)| all || head.version != cursor.upto || !cursor.is_whole())
        .map(|(cursor, head)| BucketPoint { bucket: cursor.bucket, head: head.version, sums: head.sums() })
        .collect()
}

/// How many rows to read for the next frames.
fn page_rows(sizer: &Sizer) -> usize {
    (FRAMES_READ * sizer.items()).clamp(PAGE_ROWS_MIN, PAGE_ROWS_MAX)
}

/// A short delta as frames, read in the snapshot that `conn` holds.
async fn delta_frames(
    conn: &mut PgConnection,
    page: &Page,
    sizer: &mut Sizer,
) -> Result<Vec<Vec<u8>>, ApiError> {
    let mut frames = Vec::new();
    let mut after = page.after;
    while after < page.upto {
        let rows = page_up(conn, page.cursor.bucket, after, page.upto, page_rows(sizer)).await?;
        after = rows.upto;
        frames.extend(sizer.rows(&rows));
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

/// Pages one after the other, each its own statement, until the turn's room is used up. Gives the bytes that are left of it; `None`
/// where it did not suffice for all of them.
async fn walk(
    state: &AppState,
    pages: &[Page],
    room_bytes: usize,
    sizer: &mut Sizer,
    out: &mut Outflow<'_>,
) -> Result<Option<usize>, Stop> {
    let mut used = 0;
    for page in pages {
        let (mut after, mut upto) = (page.after, page.upto);
        while after < upto && used < room_bytes.max(FRAME_TARGET_MIN_BYTES) {
            let (opened, limit) = (out.opened(), page_rows(sizer));
            let read = state.db.read(&state.deps, |mut conn| async move {
                let seen = seen(&mut conn, opened).await?;
                let rows = match page.reach {
                    Reach::Delta => page_up(&mut conn, page.cursor.bucket, after, upto, limit).await?,
                    _ => page_down(&mut conn, page, upto, limit).await?,
                };
                Ok::<_, ApiError>((seen, rows))
            });
            let (seen, rows) = read.await?;
            out.saw(seen)?;
            match page.reach {
                Reach::Delta => after = rows.upto,
                _ => upto = rows.after,
            }
            for frame in sizer.rows(&rows) {
                used += frame.len();
                out.bytes(frame.into()).await?;
            }
        }
        if after < upto {
            return Ok(None);
        }
    }
    Ok(Some(room_bytes.saturating_sub(used)))
}

/// Answers to questions about slots, as frames: sums, or the rows of a slot as they stand.
async fn audit_answers(
    conn: &mut PgConnection,
    reply: &Reply,
    heads: &HashMap<Bucket, Head>,
    sizer: &mut Sizer,
) -> Result<Vec<Vec<u8>>, ApiError> {
    let mut frames = Vec::new();
    sizer.begin(ROW_BYTES);
    for audit in reply.audits.iter().filter(|audit| reply.opened.scope.contains(&audit.bucket)) {
        let head = heads.get(&audit.bucket).map_or(0, |h| h.version);
        match audit.slot.as_slice() {
            [first, second] => {
                let slot = [*first, *second];
                let rows = read::slot_rows(conn, audit.bucket, audit.entity, slot).await?;
                let reach = Reach::Repair { entity: audit.entity, slot, head };
                let page = Rows { bucket: audit.bucket, reach, after: 0, upto: head, rows };
                frames.extend(repair(page, reply.opened.hello.minor, sizer));
            }
            prefix => {
                let sums = read::slot_sums(conn, audit.bucket, audit.entity, prefix).await?;
                frames.push(Message::SlotSums(SlotSums { of: audit.clone(), head, sums }).to_bytes());
            }
        }
    }
    Ok(frames)
}

/// A slot's rows as frames. An edge that knows no parts gets it whole, or not at all where it would not take it: the rest of the
/// exchange is worth more than one slot, which it asks for again.
fn repair(page: Rows, minor: u16, sizer: &mut Sizer) -> Vec<Vec<u8>> {
    if minor >= MINOR_WITH_REPAIR_IN_PARTS {
        return sizer.rows(&page);
    }
    let mut frame = Vec::new();
    let size = Message::Rows(page).write(&mut frame);
    if size.is_taken(frame.len()) { vec![frame] } else { Vec::new() }
}

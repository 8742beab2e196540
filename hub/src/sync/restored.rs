//! A hub whose database was restored from a backup. The first edge that comes with more than it knows, shown by a later link of this
//! hub's own keys or by what came with one, proves it: the epoch rises, and all counters jump above whatever was given out. Each edge
//! brings the rows of its cooperative that were forgotten, and begins a new stream, in which it offers again what has not arrived. No
//! code and no person is needed, and nothing is taken twice. Who has come goes in by no such door again.

use super::awaited::decide_what_waited;
use super::exchange::way_out;
use super::forgotten;
use super::refusals::Caller;
use super::session::{expired, is_own_challenge, is_signed};
use super::store::{EdgeRow, StreamRow};
use super::{salvage, store};
use crate::db::{int, q, q_scalar, retrying};
use crate::error::{ApiError, Kind, Problem};
use crate::news::Moved;
use crate::state::AppState;
use axum::extract::State;
use axum::{Extension, Json};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mizili_node::body::Body;
use sqlx::PgConnection;
use sync_protocol::bucket::Bucket;
use sync_protocol::enrolment::{
    ChallengeRequest, LinkJson, RestoredRequest, RestoredResponse, RestoredStream,
};
use sync_protocol::ids::EdgeId;
use sync_protocol::session::identity::after_restore;
use sync_protocol::session::{Issuer, Link};

/// How far versions and ids jump: further than any hub gave out between two backups.
const JUMP: i64 = 1 << 20;

/// How far the small numbers jump that a hub gives out, and edges, links and commands name: further than operators and imports make
/// between two backups, and not so far that a phone's menus or a row's bytes grow by it.
const SMALL_JUMPS: [(&str, i64); 7] = [
    ("commodities", 1_000),
    ("cooperatives", 100),
    ("edges", 100),
    ("markets", 1_000),
    ("price_series", 20_000),
    ("regions", 100),
    ("units", 100),
];

/// By how much an edge may know a later epoch than the hub: a restore each.
const EPOCHS_AHEAD_MAX: u32 = 1_000;

/// `POST /sync/v1/restored`.
pub(super) async fn restored(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Body(request): Body<RestoredRequest>,
) -> Result<Json<RestoredResponse>, ApiError> {
    let of = ChallengeRequest { edge: request.edge, incarnation: request.incarnation };
    caller.is(EdgeId(of.edge));
    let challenge = bytes(&request.challenge);
    if !is_own_challenge(&state.keys, &of, &challenge, state.deps.clock.now_s()) {
        return Err(expired());
    }
    let link = link(&request.link).ok_or_else(|| Problem::invalid("/link", "Must be a link."))?;
    let rows = bytes(&request.rows);
    let message = after_restore(of.edge, of.incarnation, &challenge, link.number, &rows);
    let asked = Asked { message, signature: bytes(&request.signature), link, rows, request };
    let answer = retrying(&state.deps, || async { answer(&state, &caller, &asked).await }).await?;
    if answer.stream.is_some() {
        decide_what_waited(&state.db, &state.deps).await;
    }
    Ok(Json(answer))
}

/// What an edge asks, decoded.
struct Asked {
    request: RestoredRequest,
    link: Link,
    rows: Vec<u8>,
    /// What it has signed.
    message: Vec<u8>,
    signature: Vec<u8>,
}

/// One try. One that took effect unseen is answered as it was: rows that came stand, and a stream that was begun is named again.
async fn answer(state: &AppState, caller: &Caller, asked: &Asked) -> Result<RestoredResponse, ApiError> {
    let mut tx = state.db.begin().await?;
    let edge = known_edge(&mut tx, state, caller, asked).await?;
    let stream = store::lock_stream(&mut tx, edge.id, edge.incarnation).await?;
    let place = place(state, &edge, stream.as_ref(), asked)?;
    let epoch = epoch_for(&mut tx, &edge, &place, asked).await?;
    let gap = forgotten::gap(&mut tx, &edge, asked.request.epoch).await?;
    let mut moved = Moved::from_iter([Bucket::Edge(edge.id)]);
    if !asked.rows.is_empty() {
        moved.extend(&salvage::keep(&mut tx, &edge, epoch, gap, &asked.rows).await?);
    }
    let after = salvage::brought_upto(&mut tx, edge.id, epoch).await?.max(gap.heard);
    let stream = match (place, asked.request.last) {
        (_, false) => None,
        (Place::Owed(random), true) => Some(named(state, &edge, edge.incarnation, random)),
        (Place::Knows | Place::IsAhead, true) => Some(begin(state, &mut tx, &edge, asked).await?),
    };
    state.db.commit_and_tell(tx, &moved).await?;
    Ok(RestoredResponse { epoch, after, stream })
}

/// The edge that has signed the question with its key, and shows a link that this hub gave out. Its stream's row and its own are locked.
async fn known_edge(
    conn: &mut PgConnection,
    state: &AppState,
    caller: &Caller,
    asked: &Asked,
) -> Result<EdgeRow, ApiError> {
    let of = &asked.request;
    // First of all: a hub with other keys must judge no link.
    store::epoch(conn, &state.keys).await?;
    // Who it is, before anything is locked: nobody else stops the exchange of an office whose number they know.
    signed(store::edge(conn, EdgeId(of.edge)).await?, state, caller, asked)?;
    // An edge's number that fits no column is no edge's.
    if let Ok(id) = int(of.edge) {
        // The stream before the edge, as everybody does: whoever takes commands of it has it.
        q("SELECT FROM edge_streams WHERE edge_id = $1 ORDER BY incarnation DESC LIMIT 1 FOR UPDATE")
            .bind(id)
            .execute(&mut *conn)
            .await?;
        q("SELECT FROM edges WHERE id = $1 FOR NO KEY UPDATE").bind(id).execute(&mut *conn).await?;
    }
    signed(store::edge(conn, EdgeId(of.edge)).await?, state, caller, asked)
}

/// The edge, if it is the one that has signed, and may.
fn signed(
    edge: Option<EdgeRow>,
    state: &AppState,
    caller: &Caller,
    asked: &Asked,
) -> Result<EdgeRow, ApiError> {
    let of = &asked.request;
    let has_signed = |edge: &EdgeRow| {
        edge.public_key.as_deref().is_some_and(|key| is_signed(key, &asked.message, &asked.signature))
    };
    let Some(edge) = edge.filter(has_signed) else {
        caller.is_refused_for("no such edge, or a wrong signature");
        return Err(Kind::EdgeUnknown
            .because("This node is not known here, or its key is another. Enrol it again.")
            .into());
    };
    if edge.revoked {
        return Err(super::session::revoked());
    }
    if !(Issuer { key: &state.keys.link, edge: of.edge, incarnation: of.incarnation }.is_genuine(&asked.link))
    {
        return Err(Kind::EdgeLink
            .because("What this box shows was made with other keys than this hub's.")
            .into());
    }
    Ok(edge)
}

/// What an edge is by the link that it shows.
enum Place {
    /// The hub has forgotten the link, or the whole incarnation: that proves the restore.
    IsAhead,
    /// The hub knows the link as its last, or the one before.
    Knows,
    /// It was given a stream by this door, and has not heard so: with this random part of its first link.
    Owed([u8; 16]),
}

/// A box whose copy was in use, and a copy that is out of date, get no stream that another box goes on with.
fn place(
    state: &AppState,
    edge: &EdgeRow,
    stream: Option<&StreamRow>,
    asked: &Asked,
) -> Result<Place, ApiError> {
    let (of, link) = (&asked.request, &asked.link);
    if of.incarnation > edge.incarnation {
        return Ok(Place::IsAhead);
    }
    let Some(stream) = stream else { return Err(out_of_date(edge.id)) };
    if of.incarnation < edge.incarnation {
        return is_owed(stream, edge, of.incarnation, Some(link.number))
            .then_some(Place::Owed(stream.last.1))
            .ok_or_else(|| out_of_date(edge.id));
    }
    let issuer = Issuer { key: &state.keys.link, edge: of.edge, incarnation: of.incarnation };
    let is = |(number, random): (u64, [u8; 16])| issuer.issue(number, random) == *link;
    match () {
        () if stream.frozen => Err(out_of_date(edge.id)),
        () if link.number > stream.last.0 => Ok(Place::IsAhead),
        () if is(stream.last) || stream.previous.is_some_and(is) => Ok(Place::Knows),
        () => Err(out_of_date(edge.id)),
    }
}

fn out_of_date(edge: EdgeId) -> ApiError {
    let words = way_out(edge, "This copy of the box's data is out of date, or a copy of it was in use");
    Kind::EdgeReplaced.because(words).into()
}

/// Whether the newest stream was begun by this door for a box of the incarnation before, which has not been heard in it: its answer may
/// have been lost.
fn is_owed(stream: &StreamRow, edge: &EdgeRow, incarnation: u32, link: Option<u64>) -> bool {
    let begun = stream.begun_after_link.filter(|begun| link.is_none_or(|link| link == *begun));
    begun.is_some() && stream.is_untouched() && incarnation.checked_add(1) == Some(edge.incarnation)
}

/// Whether a box of that incarnation may be owed the answer that named its new stream.
pub(super) async fn is_owed_its_answer(
    conn: &mut PgConnection,
    edge: &EdgeRow,
    incarnation: u32,
) -> Result<bool, sqlx::Error> {
    let stream = store::lock_stream(conn, edge.id, edge.incarnation).await?;
    Ok(stream.is_some_and(|stream| is_owed(&stream, edge, incarnation, None)))
}

/// The epoch after the restore that this edge has shown, or that another showed before it.
async fn epoch_for(
    conn: &mut PgConnection,
    edge: &EdgeRow,
    place: &Place,
    asked: &Asked,
) -> Result<u32, ApiError> {
    let known = asked.request.epoch;
    let epoch: i32 = q_scalar("SELECT epoch FROM hub").fetch_one(&mut *conn).await?;
    let may_enter = match place {
        Place::IsAhead => true,
        Place::Owed(_) => epoch.cast_unsigned() > known,
        Place::Knows => epoch.cast_unsigned() > known && is_awaited(conn, edge).await?,
    };
    if !may_enter {
        let words = "This hub has forgotten nothing of what it told this box.";
        return Err(Kind::Malformed.because(words).into());
    }
    if epoch.cast_unsigned() > known {
        return Ok(epoch.cast_unsigned());
    }
    begin_epoch(conn, edge, known).await
}

async fn is_awaited(conn: &mut PgConnection, edge: &EdgeRow) -> Result<bool, sqlx::Error> {
    q_scalar("SELECT EXISTS (SELECT FROM awaited_offices WHERE edge_id = $1 AND NOT rows_came)")
        .bind(edge.id.0.cast_signed())
        .fetch_one(conn)
        .await
}

/// An edge that was let in shows what this hub has forgotten: it is asked for it, by the door above.
///
/// # Errors
/// Those of the database.
pub(super) async fn notice(state: &AppState, edge: &EdgeRow, known: u32) -> Result<(), ApiError> {
    let mut tx = state.db.begin().await?;
    begin_epoch(&mut tx, edge, known).await?;
    q("INSERT INTO awaited_offices (edge_id, cooperative_id) VALUES ($1, $2)
        ON CONFLICT (edge_id) DO UPDATE SET rows_came = false")
    .bind(int(edge.id.0)?)
    .bind(int(edge.cooperative.0)?)
    .execute(&mut *tx)
    .await?;
    state.db.commit_and_tell(tx, &Moved::from_iter([Bucket::Edge(edge.id)])).await?;
    Ok(())
}

/// The epoch after the one that an edge knows, begun unless another edge was first: the hub's row is locked.
async fn begin_epoch(conn: &mut PgConnection, edge: &EdgeRow, known: u32) -> Result<u32, ApiError> {
    let epoch: i32 = q_scalar("SELECT epoch FROM hub FOR UPDATE").fetch_one(&mut *conn).await?;
    let epoch = epoch.cast_unsigned();
    if epoch > known {
        return Ok(epoch);
    }
    let next = known.min(epoch.saturating_add(EPOCHS_AHEAD_MAX)).saturating_add(1);
    raise(conn, next).await?;
    tracing::error!(
        edge = edge.id.0,
        epoch = next,
        "ALARM: this hub's database was restored from a backup. Offices bring back what they know of as they come; until an office has \
         come, no product of its cooperative is sold here. `mizili-hub edge list` shows who has not come, `mizili-hub salvage list` what \
         was brought. What was done since the backup and no office knows of has to be done again, such as new accounts and imported \
         prices, and first of all: revoke again what was revoked since (`mizili-hub edge revoke`), and close again accounts that were closed"
    );
    Ok(next)
}

/// Begins an epoch: notes where the backup stood, lets no number come twice, and waits for every office.
async fn raise(conn: &mut PgConnection, epoch: u32) -> Result<(), sqlx::Error> {
    let epoch = int(epoch)?;
    q("UPDATE hub SET epoch = $1").bind(epoch).execute(&mut *conn).await?;
    // All buckets, in the order in which everybody locks them: what is noted of one is what it stands at when it jumps.
    q("SELECT FROM buckets ORDER BY name FOR NO KEY UPDATE").execute(&mut *conn).await?;
    q("INSERT INTO restored_heads (epoch, bucket, version) SELECT $1, name, version FROM buckets")
        .bind(epoch)
        .execute(&mut *conn)
        .await?;
    q("UPDATE buckets SET version = version + $1").bind(JUMP).execute(&mut *conn).await?;
    q("SELECT setval('hub_born_ids', nextval('hub_born_ids') + $1)").bind(JUMP).execute(&mut *conn).await?;
    for (table, jump) in SMALL_JUMPS {
        q("SELECT setval(pg_get_serial_sequence($1, 'id'), nextval(pg_get_serial_sequence($1, 'id')) + $2)")
            .bind(table)
            .bind(jump)
            .execute(&mut *conn)
            .await?;
    }
    // Sessions of before the backup that were opened anew since are unknown here; the others must not go on as if nothing had been. Before
    // the offices, as whoever revokes one does.
    q("DELETE FROM edge_sessions").execute(&mut *conn).await?;
    q("INSERT INTO awaited_offices (edge_id, cooperative_id) SELECT id, cooperative_id FROM edges
        WHERE enrolled_at IS NOT NULL AND revoked_at IS NULL ON CONFLICT (edge_id) DO UPDATE SET rows_came = false")
    .execute(conn)
    .await?;
    Ok(())
}

/// The edge's new stream, above every incarnation that it has shown. Its rows are awaited no more.
async fn begin(
    state: &AppState,
    conn: &mut PgConnection,
    edge: &EdgeRow,
    asked: &Asked,
) -> Result<RestoredStream, ApiError> {
    let mut random = [0; 16];
    state.deps.ids.fill(&mut random);
    let (shown, link) = (asked.request.incarnation, asked.link.number);
    let incarnation = store::begin_stream(conn, edge.id, shown, &random, Some(link)).await?;
    store::has_come(conn, edge.id).await?;
    tracing::info!(edge = edge.id.0, incarnation, "an edge came after the restore, and goes on");
    Ok(named(state, edge, incarnation, random))
}

/// A stream as an edge is told of it.
fn named(state: &AppState, edge: &EdgeRow, incarnation: u32, random: [u8; 16]) -> RestoredStream {
    let link = Issuer { key: &state.keys.link, edge: edge.id.0, incarnation }.issue(0, random);
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    let link = LinkJson { number: 0, random: encode(&link.random), mac: encode(&link.mac) };
    RestoredStream { incarnation, link }
}

fn bytes(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap_or_default()
}

fn link(json: &LinkJson) -> Option<Link> {
    let bytes16 = |text: &str| bytes(text).try_into().ok();
    Some(Link { number: json.number, random: bytes16(&json.random)?, mac: bytes16(&json.mac)? })
}

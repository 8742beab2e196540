//! A hub whose database was restored from a backup. The first edge that comes with a later link of this hub's own keys proves it: the
//! epoch rises, and all counters jump above whatever was given out. Each edge brings the rows of its cooperative that were forgotten, and
//! begins a new stream, in which it offers again what has not arrived. No code and no person is needed, and nothing is taken twice.

use super::refusals::Caller;
use super::session::{expired, is_own_challenge, is_signed};
use super::{salvage, store};
use crate::db::{int, q, q_scalar};
use crate::error::{ApiError, Kind, Problem};
use crate::news::Moved;
use crate::state::AppState;
use axum::extract::State;
use axum::{Extension, Json};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mizili_node::body::Body;
use sqlx::PgConnection;
use sync_protocol::api::enrolment::{
    ChallengeRequest, LinkJson, RestoredRequest, RestoredResponse, RestoredStream,
};
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::EdgeId;
use sync_protocol::session::identity::after_restore;
use sync_protocol::session::{Issuer, Link};

/// How far versions and ids jump: further than any hub gave out between two backups.
const JUMP: i64 = 1 << 20;

/// How far the small numbers of edges and cooperatives jump.
const SMALL_JUMP: i64 = 100;

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
    let rows = bytes(&request.rows);
    let message = after_restore(of.edge, of.incarnation, &challenge, request.link.number, &rows);
    let mut tx = state.db.begin().await?;
    let edge = store::edge(&mut tx, EdgeId(of.edge)).await?;
    let is_own = |edge: &store::EdgeRow| {
        edge.public_key.as_deref().is_some_and(|key| is_signed(key, &message, &bytes(&request.signature)))
    };
    let Some(edge) = edge.filter(is_own) else {
        caller.is_refused_for("no such edge, or a wrong signature");
        return Err(Kind::EdgeUnknown
            .because("This node is not known here, or its key is another. Enrol it again.")
            .into());
    };
    if edge.revoked {
        return Err(super::session::revoked());
    }
    // First of all: a hub with other keys must judge no link.
    store::epoch(&mut tx, &state.keys).await?;
    let link = link(&request.link).ok_or_else(|| Problem::invalid("/link", "Must be a link."))?;
    if !(Issuer { key: &state.keys.link, edge: of.edge, incarnation: of.incarnation }.is_genuine(&link)) {
        return Err(Kind::EdgeLink
            .because("What this box shows was made with other keys than this hub's.")
            .into());
    }
    let epoch = epoch_of(&mut tx, &edge, &request).await?;
    let bucket = Bucket::Coop(edge.cooperative);
    let after: Option<i64> = q_scalar("SELECT version FROM restored_heads WHERE epoch = $1 AND bucket = $2")
        .bind(int(epoch)?)
        .bind(bucket.to_string())
        .fetch_optional(&mut *tx)
        .await?;
    let after = after.unwrap_or(0).unsigned_abs();
    let mut moved = Moved::from_iter([Bucket::Edge(edge.id)]);
    if !rows.is_empty() {
        moved.extend(&salvage::keep(&mut tx, &edge, epoch, after, &rows).await?);
    }
    let stream = if request.last { Some(begin(&state, &mut tx, &edge, of.incarnation).await?) } else { None };
    tx.commit().await?;
    state.db.tell(&moved);
    Ok(Json(RestoredResponse { epoch, after, stream }))
}

fn bytes(text: &str) -> Vec<u8> {
    URL_SAFE_NO_PAD.decode(text).unwrap_or_default()
}

fn link(json: &LinkJson) -> Option<Link> {
    let bytes16 = |text: &str| bytes(text).try_into().ok();
    Some(Link { number: json.number, random: bytes16(&json.random)?, mac: bytes16(&json.mac)? })
}

/// The epoch after the restore that this edge has shown, or that another showed before it. The hub's row is locked: one edge is the first.
async fn epoch_of(
    conn: &mut PgConnection,
    edge: &store::EdgeRow,
    request: &RestoredRequest,
) -> Result<u32, ApiError> {
    let epoch: i32 = q_scalar("SELECT epoch FROM hub FOR UPDATE").fetch_one(&mut *conn).await?;
    let epoch = epoch.cast_unsigned();
    if epoch > request.epoch {
        return Ok(epoch);
    }
    let stream = store::lock_stream(conn, edge.id, edge.incarnation).await?;
    let known = stream.map_or(0, |stream| stream.last.0);
    let is_ahead = request.incarnation > edge.incarnation
        || request.incarnation == edge.incarnation && request.link.number > known;
    if !is_ahead {
        let words = "This hub has forgotten nothing of what it told this box.";
        return Err(Kind::Malformed.because(words).into());
    }
    let next = request.epoch.saturating_add(1);
    raise(conn, next).await?;
    tracing::error!(
        edge = edge.id.0,
        link = request.link.number,
        known,
        epoch = next,
        "ALARM: this hub's database was restored from a backup. Offices bring back what they know of as they come; until an office has \
         come, nothing of its store is sold here. `mizili-hub edge list` shows who has not. What was done since the backup and no office \
         knows of, such as new accounts and imported prices, has to be done again"
    );
    Ok(next)
}

/// Begins an epoch: notes where the backup stood, lets no number come twice, and waits for every office.
async fn raise(conn: &mut PgConnection, epoch: u32) -> Result<(), sqlx::Error> {
    let epoch = int(epoch)?;
    q("UPDATE hub SET epoch = $1").bind(epoch).execute(&mut *conn).await?;
    q("INSERT INTO restored_heads (epoch, bucket, version) SELECT $1, name, version FROM buckets")
        .bind(epoch)
        .execute(&mut *conn)
        .await?;
    q("UPDATE buckets SET version = version + $1").bind(JUMP).execute(&mut *conn).await?;
    q("SELECT setval('hub_born_ids', nextval('hub_born_ids') + $1)").bind(JUMP).execute(&mut *conn).await?;
    for table in ["edges", "cooperatives"] {
        q("SELECT setval(pg_get_serial_sequence($1, 'id'), nextval(pg_get_serial_sequence($1, 'id')) + $2)")
            .bind(table)
            .bind(SMALL_JUMP)
            .execute(&mut *conn)
            .await?;
    }
    q("INSERT INTO awaited_offices (edge_id, cooperative_id) SELECT id, cooperative_id FROM edges
        WHERE enrolled_at IS NOT NULL AND revoked_at IS NULL ON CONFLICT DO NOTHING")
    .execute(&mut *conn)
    .await?;
    // Sessions of before the backup that were opened anew since are unknown here; the others must not go on as if nothing had been.
    q("DELETE FROM edge_sessions").execute(conn).await?;
    Ok(())
}

/// The edge's new stream, above every incarnation that it has shown. It is awaited no more.
async fn begin(
    state: &AppState,
    conn: &mut PgConnection,
    edge: &store::EdgeRow,
    shown: u32,
) -> Result<RestoredStream, ApiError> {
    let mut random = [0; 16];
    state.deps.ids.fill(&mut random);
    let incarnation = store::begin_stream(conn, edge.id, shown, &random).await?;
    store::has_come(conn, edge.id).await?;
    let link = Issuer { key: &state.keys.link, edge: edge.id.0, incarnation }.issue(0, random);
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    tracing::info!(edge = edge.id.0, incarnation, "an edge came after the restore, and goes on");
    let link = LinkJson { number: 0, random: encode(&link.random), mac: encode(&link.mac) };
    Ok(RestoredStream { incarnation, link })
}

//! What a revoked edge still holds: sales that people were told of while the line was down, perhaps, or the doings of a thief. It is
//! kept, signed by the edge's key, for an operator to look at. Nothing here may change the market or tell the edge anything of it.

use super::refusals::Caller;
use super::session::{expired, is_own_challenge, is_signed};
use super::store;
use crate::commands::stream::keep_left;
use crate::error::{ApiError, Kind, Problem};
use crate::state::AppState;
use axum::extract::State;
use axum::{Extension, Json};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mizili_node::body::Body;
use sync_protocol::enrolment::{ChallengeRequest, LeftRequest, LeftResponse};
use sync_protocol::ids::{EdgeId, Stream};
use sync_protocol::market::Command;
use sync_protocol::session::identity::left_behind;
use sync_protocol::wire::frame::FrameReader;
use sync_protocol::wire::message::Message;

/// `POST /sync/v1/left`.
pub(super) async fn leave(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    Body(request): Body<LeftRequest>,
) -> Result<Json<LeftResponse>, ApiError> {
    let of = ChallengeRequest { edge: request.edge, incarnation: request.incarnation };
    caller.is(EdgeId(of.edge));
    let bytes = |text: &str| URL_SAFE_NO_PAD.decode(text).unwrap_or_default();
    let (challenge, frame, signature) =
        (bytes(&request.challenge), bytes(&request.commands), bytes(&request.signature));
    if !is_own_challenge(&state.keys, &of, &challenge, state.deps.clock.now_s()) {
        return Err(expired());
    }
    let mut tx = state.db.begin().await?;
    let edge = store::edge(&mut tx, EdgeId(of.edge)).await?;
    tx.commit().await?;
    let message = left_behind(of.edge, of.incarnation, &challenge, &frame);
    let is_own = |edge: &store::EdgeRow| {
        let key = edge.public_key.as_deref();
        edge.incarnation == of.incarnation && key.is_some_and(|key| is_signed(key, &message, &signature))
    };
    let Some(edge) = edge.filter(is_own) else {
        caller.is_refused_for("no such edge, an earlier incarnation, or a wrong signature");
        return Err(Kind::EdgeUnknown.because("This node is not known here, or its key is another.").into());
    };
    if !edge.revoked {
        return Err(Kind::Malformed
            .because("This node was not revoked: it sends what it has in an exchange.")
            .into());
    }
    let commands = read(&frame)?;
    let stream = Stream { edge: edge.id, incarnation: edge.incarnation };
    let kept = keep_left(&state.db, &state.deps, stream, &commands).await?;
    if kept > 0 {
        tracing::warn!(
            edge = edge.id.0,
            kept,
            "a revoked edge left what it held; `mizili-hub commands list` shows it"
        );
    }
    Ok(Json(LeftResponse { kept }))
}

/// The commands of a frame.
fn read(frame: &[u8]) -> Result<Vec<Command>, Problem> {
    let mut reader = FrameReader::default();
    reader.push(frame);
    match reader.next_frame().and_then(|frame| frame.map(|frame| Message::from_frame(&frame)).transpose()) {
        Ok(Some(Message::Commands(commands))) => Ok(commands),
        Ok(_) => Err(Problem::invalid("/commands", "Must be one frame of commands.")),
        Err(error) => Err(Problem::invalid("/commands", format!("Must be one frame of commands: {error}."))),
    }
}

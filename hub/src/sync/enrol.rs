//! Enrolment: a one-time code becomes an edge with keys, an incarnation and a first link.

use super::refusals::Caller;
use super::session::is_signed;
use super::{code, session, store};
use crate::auth::throttle::{self, Guess};
use crate::db::{q, retrying};
use crate::error::{ApiError, Kind, Problem};
use crate::news::Moved;
use crate::state::AppState;
use axum::extract::State;
use axum::{Extension, Json};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use mizili_node::address::Place;
use mizili_node::body::Body;
use sqlx::{PgConnection, Row};
use sync_protocol::bucket::Bucket;
use sync_protocol::enrolment::{Cooperative, EnrolRequest, EnrolResponse, LinkJson};
use sync_protocol::ids::CooperativeId;
use sync_protocol::session::Issuer;
use sync_protocol::session::identity::{code_pick, enrolment};

/// Characters of a version that are kept.
const SOFTWARE_MAX_CHARS: usize = 80;

/// `POST /sync/v1/enrol`.
pub(super) async fn enrol(
    State(state): State<AppState>,
    Extension(caller): Extension<Caller>,
    place: Place,
    Body(request): Body<EnrolRequest>,
) -> Result<Json<EnrolResponse>, ApiError> {
    let key = |text: &str| URL_SAFE_NO_PAD.decode(text).ok().filter(|k| k.len() == 32);
    let bad = |field| Problem::invalid(field, "Must be 32 bytes in URL-safe base64 without padding.");
    let public_key = key(&request.public_key).ok_or_else(|| bad("/public_key"))?;
    let bundle_key = key(&request.bundle_key).ok_or_else(|| bad("/bundle_key"))?;
    let signature = URL_SAFE_NO_PAD.decode(&request.signature).unwrap_or_default();
    if !is_signed(&public_key, &enrolment(&request.code, &public_key), &signature) {
        return Err(Kind::Signature.because("The signature does not fit the key. Try again.").into());
    }
    let offered = Offered { request: &request, public_key: &public_key, bundle_key: &bundle_key };
    let answer = retrying(&state.deps, || async { enrol_once(&state, &caller, place, &offered).await });
    Ok(Json(answer.await?))
}

/// What a box shows that wants to be enrolled.
struct Offered<'a> {
    request: &'a EnrolRequest,
    public_key: &'a [u8],
    bundle_key: &'a [u8],
}

/// One try, which counts as one also where it is refused. Where it took effect unseen, the next one finds its answer.
async fn enrol_once(
    state: &AppState,
    caller: &Caller,
    place: Place,
    offered: &Offered<'_>,
) -> Result<EnrolResponse, ApiError> {
    let Offered { request, public_key, bundle_key } = offered;
    let mut tx = state.db.begin().await?;
    let wrong = || {
        let how = "The code is wrong, was used, or has expired. Ask the operator for a new one.";
        Kind::EnrolmentCode.because(how)
    };
    let Some(code) = redeem(&mut tx, caller, place, &request.code, state.deps.clock.now()).await? else {
        // The wrong try is counted even though the answer is a refusal.
        tx.commit().await?;
        return Err(wrong().into());
    };
    let edge = store::edge(&mut tx, code.edge).await?.filter(|e| !e.revoked).ok_or_else(|| {
        Kind::EdgeRevoked.because("This node was revoked by the operator. Ask the operator.")
    })?;
    let (incarnation, random) = if code.used {
        first_answer(&mut tx, &edge, public_key).await?.ok_or_else(|| {
            caller.is_refused_for("the code was used before");
            wrong()
        })?
    } else {
        let mut random = [0; 16];
        state.deps.ids.fill(&mut random);
        let software: String = request.software.chars().take(SOFTWARE_MAX_CHARS).collect();
        let offered = store::Offered { public_key, bundle_key, software: &software };
        (store::enrol(&mut tx, edge.id, &offered, &random).await?, random)
    };
    let cooperative = cooperative(&mut tx, edge.cooperative).await?;
    let epoch = store::epoch(&mut tx, &state.keys).await?;
    let hub = store::hub_id(&mut tx).await?;
    // A request that comes again shows no key: its signature covers no challenge.
    let session = match code.used {
        true => None,
        false => Some(session::given(&mut tx, &state.deps, edge.id, incarnation).await?),
    };
    // A box that is replaced by this hears it at once.
    state.db.commit_and_tell(tx, &Moved::from_iter([Bucket::Edge(edge.id)])).await?;
    tracing::info!(edge = edge.id.0, incarnation, "an edge was enrolled");
    let link = Issuer { key: &state.keys.link, edge: edge.id.0, incarnation }.issue(0, random);
    let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
    Ok(EnrolResponse {
        edge: edge.id.0,
        incarnation,
        link: LinkJson { number: link.number, random: encode(&link.random), mac: encode(&link.mac) },
        epoch,
        hub_keys: state.keys.public().map(|key| encode(&key)).into(),
        cooperative,
        national: edge.national,
        hub: Some(hub),
        session: session.map(|token| encode(&token)),
    })
}

/// What the box that used the code was answered. The answer may have been lost on the way: until its first exchange the same
/// box, shown by its key, gets it again.
async fn first_answer(
    conn: &mut PgConnection,
    edge: &store::EdgeRow,
    public_key: &[u8],
) -> Result<Option<(u32, [u8; 16])>, sqlx::Error> {
    if edge.public_key.as_deref() != Some(public_key) {
        return Ok(None);
    }
    let stream = store::lock_stream(conn, edge.id, edge.incarnation).await?;
    let untouched = stream.filter(store::StreamRow::is_untouched);
    Ok(untouched.map(|stream| (edge.incarnation, stream.last.1)))
}

/// The code that was typed, unless it is none or dead. A wrong one makes the next that begins alike wait longer, where it comes from:
/// nobody who guesses from elsewhere can use up a code.
async fn redeem(
    conn: &mut PgConnection,
    caller: &Caller,
    place: Place,
    typed: &str,
    now: Timestamp,
) -> Result<Option<store::CodeRow>, ApiError> {
    let Some(pick) = code_pick(typed) else {
        caller.is_refused_for("what was typed is no code");
        return Ok(None);
    };
    let guess = throttle::begin(conn, Guess::of_code(pick, place.line()), "code", now).await;
    let guess = guess.inspect_err(|_| {
        caller.is_refused_for(format!("{place} guesses too fast at codes that begin alike"))
    })?;
    let hash = code::hash(typed);
    let mut codes = store::codes(conn, pick, now).await?;
    if let Some(at) = codes.iter().position(|code| code.hash == hash) {
        let code = codes.swap_remove(at);
        caller.is(code.edge);
        if code.dead {
            caller.is_refused_for("the code has expired");
            return Ok(None);
        }
        throttle::forgive(conn, &guess).await?;
        return Ok(Some(code));
    }
    let meant: Vec<i32> = codes.iter().map(|code| code.edge.0 as i32).collect();
    store::count_wrong_try(conn, &meant).await?;
    caller.is_refused_for(match meant.as_slice() {
        [] => format!("there is no such code; it came from {place}"),
        meant => format!(
            "there is no such code; it came from {place} and begins like the code of {}",
            edges(meant)
        ),
    });
    Ok(None)
}

fn edges(numbers: &[i32]) -> String {
    numbers.iter().map(|number| format!("edge {number}")).collect::<Vec<_>>().join(", ")
}

async fn cooperative(conn: &mut PgConnection, id: CooperativeId) -> Result<Cooperative, sqlx::Error> {
    let row = q("SELECT c.id, c.name, c.country, r.name AS region, c.currency
        FROM cooperatives c LEFT JOIN regions r ON r.id = c.region_id WHERE c.id = $1")
    .bind(id.0 as i32)
    .fetch_one(conn)
    .await?;
    Ok(Cooperative {
        id: row.try_get::<i32, _>("id")? as u32,
        name: row.try_get("name")?,
        country: row.try_get("country")?,
        region: row.try_get("region")?,
        currency: row.try_get("currency")?,
    })
}

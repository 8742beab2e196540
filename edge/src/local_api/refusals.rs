//! What the hub refused of the things done here, in plain words: who wanted what, and why not. A refusal is never silent.

use super::lang::lang;
use super::names::Names;
use crate::commands::{self, CommandState, Thing};
use crate::db::DbError;
use crate::http::answers::NotWritten;
use crate::http::problem::ApiError;
use crate::local_api::Caller;
use crate::state::AppState;
use crate::text::Lang;
use crate::text::office::say;
use crate::text::office::why::{conflict, why};
use crate::told::wanted;
use axum::Json;
use axum::extract::State;
use axum::response::Response;
use mizili_node::api::Page;
use mizili_node::body::Body as JsonBody;
use mizili_node::id::PathId;
use mizili_node::page::Slice;
use mizili_node::query::{NoParams, Params, boolean};
use mizili_node::text::{phone_text, rfc3339};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use sync_protocol::ids::ListingId;
use sync_protocol::market::{ActorKind, Body, command_name};
use sync_protocol::verdict::{RejectCode, Verdict};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// In which language, and which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RefusalQuery {
    /// `en` (the default) or `sw`.
    lang: Option<String>,
    /// `false` for those that nobody has ticked off, `true` for the others; all by default.
    #[param(value_type = Option<bool>)]
    ticked: Option<String>,
    /// Items of a page, 1 to 100; 50 by default.
    #[param(value_type = Option<u32>)]
    limit: Option<String>,
    /// Of the page before: follow `next`.
    cursor: Option<String>,
}

/// Something that the hub refused, or took only in part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Refusal {
    /// The id of what was done; of an order, the order's.
    pub id: Uuid,
    /// What kind of thing it was, such as `order.place`.
    #[schema(example = "order.place")]
    pub kind: String,
    /// What was wanted.
    #[schema(example = "Order of 10 KG Maize")]
    pub what: String,
    /// Who wanted it.
    #[schema(example = "+265991234567 by phone")]
    pub who: String,
    /// Why it was refused.
    #[schema(example = "Only 5 KG were left at the hub.")]
    pub why: String,
    /// The reason for programs, such as `not_enough`; `dismissed` when the hub's operator put it aside.
    #[schema(example = "not_enough")]
    pub code: String,
    /// Whether some of it was taken all the same.
    pub in_part: bool,
    /// When it was done here, RFC 3339, UTC, as far as this box knew.
    pub made_at: String,
    /// When the hub's answer came, RFC 3339, UTC, by the hub's clock.
    pub refused_at: String,
    /// Whether an SMS that says so was written to the person.
    pub told: bool,
    /// Whether somebody at the office has dealt with it.
    pub ticked: bool,
}

/// What the office says of a refusal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefusalTick {
    /// Whether somebody has dealt with it; `false` puts it back.
    pub ticked: bool,
}

/// See what was refused
///
/// Of the last 30 days, newest first, with the changes of which only a part was taken.
#[utoipa::path(get, path = "/api/v1/office/refusals", operation_id = "list_refusals", tag = "Office", security(("office" = []), ("cookie" = [])), params(RefusalQuery),
    responses((status = 200, body = Page<Refusal>)))]
pub async fn list(
    State(state): State<AppState>,
    _: Caller,
    query: Params<RefusalQuery>,
) -> Result<Response, ApiError> {
    let given = &query.given;
    let slice =
        Slice::<(u64, u64)>::read("office.refusals", given.limit.as_deref(), given.cursor.as_deref())?;
    let (lang, ticked) = (lang(given.lang.as_deref())?, boolean("ticked", given.ticked.as_deref())?);
    let page = state.db.read(move |conn| {
        let mut states = commands::refusals(conn)?;
        states.retain(|state| ticked.is_none_or(|ticked| ticked == state.ticked));
        let key = |state: &CommandState| (state.verdict_number, state.command.seq);
        let mut names = Names::in_language(conn, lang);
        slice.cut_whole(
            states,
            key,
            |a, b| b.cmp(a),
            |state| Ok::<_, ApiError>(show(conn, &mut names, &state, lang)?),
        )
    });
    Ok(page.await?.respond(&query.address))
}

/// Tick a refusal off, or put it back
///
/// Whoever has dealt with it does so, for everybody at this office. It stays in the list for its 30 days.
#[utoipa::path(put, path = "/api/v1/office/refusals/{id}", operation_id = "tick_refusal", tag = "Office", security(("office" = []), ("cookie" = [])), request_body = RefusalTick,
    params(("id" = Uuid, Path, description = "The refusal.")),
    responses((status = 200, body = Refusal), NotWritten))]
pub async fn tick(
    State(state): State<AppState>,
    _: Caller,
    PathId(id): PathId<Uuid>,
    _: Params<NoParams>,
    JsonBody(tick): JsonBody<RefusalTick>,
) -> Result<Json<Refusal>, ApiError> {
    let done = state.db.write(move |tx| {
        let state = commands::tick(tx, id, tick.ticked)?.ok_or_else(|| ApiError::not_found("refusal"))?;
        Ok::<_, ApiError>(show(tx, &mut Names::new(tx), &state, Lang::En)?)
    });
    Ok(Json(done.await?))
}

fn show(
    conn: &Connection,
    names: &mut Names<'_>,
    state: &CommandState,
    lang: Lang,
) -> Result<Refusal, DbError> {
    let command = &state.command;
    let body = Body::from_raw(&command.body).ok().flatten();
    // As it is called now; as it was when it was done where the listing has left this office since.
    let mut thing = commands::thing(conn, state)?;
    if let Some(thing) = &mut thing
        && names.listing(ListingId(thing.listing))?.is_some()
    {
        (thing.name, thing.unit) = names.product(ListingId(thing.listing))?;
        thing.name_sw.clear();
    }
    let unit = thing.as_ref().map_or("", |thing| thing.unit.as_str());
    let currency = thing.as_ref().and_then(Thing::currency);
    let (why, code, in_part) = match &state.verdict {
        Some(Verdict::Rejected(reject)) => {
            (why(lang, Some(reject), unit, currency), reject.code.as_str().to_owned(), false)
        }
        Some(Verdict::Applied(applied)) => {
            let clashes = applied.conflicts.iter().map(|clash| conflict(lang, clash, currency));
            (clashes.collect::<Vec<_>>().join(" "), RejectCode::Conflict.as_str().to_owned(), true)
        }
        _ => (why(lang, None, unit, currency), "dismissed".to_owned(), false),
    };
    Ok(Refusal {
        id: command.id.0,
        kind: command_name(command.body.kind).unwrap_or("unknown").to_owned(),
        what: wanted(lang, body.as_ref(), thing.as_ref(), command.actor.kind),
        who: who(names, lang, state)?,
        why,
        code,
        in_part,
        made_at: rfc3339(command.made_at_s),
        refused_at: rfc3339(state.settled_at_s.unwrap_or(0)),
        told: state.told_at_s.is_some(),
        ticked: state.ticked,
    })
}

/// Who wanted it.
fn who(names: &Names<'_>, lang: Lang, state: &CommandState) -> Result<String, DbError> {
    let actor = &state.command.actor;
    let name = match (actor.kind, actor.id) {
        (ActorKind::Member, Some(id)) => names.member(id)?,
        (ActorKind::Office | ActorKind::User, Some(id)) => names.office_user(id)?,
        _ => None,
    };
    let by_phone = |phone: String| say(lang, "who-phone", &[("phone", &phone)]);
    Ok(match (name, actor.kind) {
        (Some(name), _) => name,
        (None, ActorKind::Office) => say(lang, "who-office", &[]),
        (None, _) => phone_text(actor.phone).map_or_else(|| say(lang, "who-office", &[]), by_phone),
    })
}

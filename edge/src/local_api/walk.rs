//! The phone on the office page: walks the farmers' menus for somebody who stands at the counter. What is done on the way is recorded as
//! done at the office, by whoever is signed in; no gateway and no secret of one is needed.

use crate::http::problem::{ApiError, Kind};
use crate::local_api::{Caller, phone};
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use mizili_node::body::Body;
use mizili_node::query::{NoParams, Params};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Longest name of a call, in characters.
const CALL_MAX_CHARS: usize = 80;
/// Longest text of a call, in bytes: as much as a gateway may send.
const TEXT_MAX_BYTES: usize = 1_000;

/// One step of a walk through the menus.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfficeCall {
    /// The number whose phone it would be: as dialled at home, or with `+`.
    #[schema(example = "0991 234 567")]
    pub phone: String,
    /// A name of your own for this call, the same for all its steps.
    #[schema(example = "6f1f2a", min_length = 1, max_length = 80)]
    pub call: String,
    /// All that was typed since the call began, with stars between the answers; empty at first.
    #[schema(example = "1*3", max_length = 1000)]
    pub text: String,
}

/// A screen of the phone.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OfficeScreen {
    /// What it shows.
    pub text: String,
    /// Whether it waits for an answer; else the call is over.
    pub more: bool,
}

/// Walk the farmers' menus
///
/// As on a phone that dials this office. The same step twice acts once. What is ordered or offered on the way counts as done at the
/// office, by whoever is signed in.
#[utoipa::path(post, path = "/api/v1/office/phone", operation_id = "walk_menus", tag = "Office", security(("office" = []), ("cookie" = [])), request_body = OfficeCall,
    responses((status = 200, body = OfficeScreen),
        (status = 404, description = "`not_found`: there is no gateway in the settings, so there are no menus")))]
pub async fn step(
    State(state): State<AppState>,
    caller: Caller,
    _: Params<NoParams>,
    Body(call): Body<OfficeCall>,
) -> Result<Json<OfficeScreen>, ApiError> {
    let phone = phone::read_field("/phone", &call.phone, &state.config);
    let phone = phone.map_err(|wrong| ApiError::fields(vec![wrong]))?;
    let length = call.call.chars().count();
    if length == 0 || length > CALL_MAX_CHARS || call.call.chars().any(char::is_control) {
        return Err(ApiError::invalid(
            "/call",
            format!("Must be a text of 1 to {CALL_MAX_CHARS} characters."),
        ));
    }
    if call.text.len() > TEXT_MAX_BYTES {
        return Err(ApiError::invalid("/text", format!("Must have at most {TEXT_MAX_BYTES} characters.")));
    }
    // Another person's call of the same name is another call.
    let session = format!("{}/{}", caller.login, call.call);
    let reply = state.channels.walk(caller.actor, phone, session, call.text).await;
    let none = || {
        Kind::NotFound
            .because("There is no gateway in the settings (edge.toml), so there are no menus to walk.")
    };
    let reply = reply.ok_or_else(none)?;
    Ok(Json(OfficeScreen { text: reply.text, more: reply.more }))
}

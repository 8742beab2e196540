//! The outbox as the office sees it: what was said to whom, and how far it is. Reading only.

use crate::config::Senders;
use crate::db::DbError;
use crate::http::problem::ApiError;
use crate::local_api::Caller;
use crate::outbox::{State as Stage, Stored, list as stored};
use crate::state::AppState;
use axum::extract::State;
use axum::response::Response;
use jiff::Timestamp;
use mizili_node::api::Page;
use mizili_node::page::Slice;
use mizili_node::query::Params;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which messages, and which page of them.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct MessageQuery {
    /// `queued`, `sending`, `sent`, `delivered`, `failed` or `cancelled`.
    state: Option<String>,
    /// Items of a page, 1 to 100; 50 by default.
    #[param(value_type = Option<u32>)]
    limit: Option<String>,
    /// Of the page before: follow `next`.
    cursor: Option<String>,
}

/// An SMS of this office.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Message {
    /// Its number; later ones are higher.
    pub id: i64,
    /// To whom.
    #[schema(example = "+265991234567")]
    pub to: String,
    /// What it says.
    #[schema(example = "Your order is CONFIRMED: 20 kg Maize. To pay: MWK 18,000.")]
    pub text: String,
    /// Pieces of SMS that the network charges for.
    pub segments: u32,
    /// `reply` to an SMS, `receipt` for an act that holds at once, or `verdict` of the hub.
    #[schema(example = "receipt")]
    pub kind: String,
    /// What it is about: the id of an order or another act, or of the SMS that it answers.
    pub about: String,
    /// `queued`, `sending`, `sent`, `delivered`, `failed` or `cancelled`.
    #[schema(example = "queued")]
    pub state: String,
    /// What went wrong last, or why it waits; empty when nothing.
    #[schema(example = "no gateway to send with")]
    pub note: String,
    /// How often it was tried.
    pub tries: u32,
    /// Not to be sent before, RFC 3339, UTC, by the hub's clock where that is known, as the times below.
    pub not_before: String,
    /// When it was queued, RFC 3339, UTC.
    pub created_at: String,
    /// When its state changed last, RFC 3339, UTC.
    pub changed_at: String,
}

/// See the SMS of this office
///
/// Those that wait, those that went and how far they are, the newest first. While no gateway has an account to send with, all wait.
#[utoipa::path(get, path = "/api/v1/office/messages", operation_id = "list_messages", tag = "Office", security(("office" = []), ("cookie" = [])), params(MessageQuery),
    responses((status = 200, body = Page<Message>)))]
pub async fn list(
    State(state): State<AppState>,
    _: Caller,
    query: Params<MessageQuery>,
) -> Result<Response, ApiError> {
    let given = &query.given;
    let slice = Slice::<i64>::read("office.messages", given.limit.as_deref(), given.cursor.as_deref())?;
    let wrong =
        || ApiError::parameter("state", "must be queued, sending, sent, delivered, failed or cancelled.");
    let stage = given.state.as_deref().map(|word| Stage::parse(word).ok_or_else(wrong)).transpose()?;
    let senders = state.config.senders();
    let page = state.db.read(move |conn| {
        // One more than fits tells whether there is a next page.
        let rows = stored(conn, stage, slice.after, slice.limit + 1)?;
        slice.cut_whole(rows, |row| row.id, |a, b| b.cmp(a), |row| Ok::<_, DbError>(show(row, &senders)))
    });
    Ok(page.await?.respond(&query.address))
}

fn show(row: Stored, senders: &Senders) -> Message {
    let waits_in_vain = row.state == Stage::Queued && !senders.take(row.gateway.as_deref());
    let why = match &row.gateway {
        Some(name) if senders.has_any() => format!("gateway '{name}' has no account to send with"),
        _ => NO_GATEWAY.to_owned(),
    };
    Message {
        id: row.id,
        to: format!("+{}", row.phone),
        text: row.text,
        segments: row.segments,
        kind: row.kind.as_str().to_owned(),
        about: row.about,
        state: row.state.as_str().to_owned(),
        note: if waits_in_vain { why } else { row.note },
        tries: row.tries,
        not_before: rfc3339(row.not_before_s),
        created_at: rfc3339(row.created_at_s),
        changed_at: rfc3339(row.changed_at_s),
    }
}

/// Why every message waits while there is no account.
const NO_GATEWAY: &str = "no gateway to send with";

fn rfc3339(second: i64) -> String {
    Timestamp::from_second(second).unwrap_or(Timestamp::UNIX_EPOCH).to_string()
}

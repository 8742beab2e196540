//! Writes that may be sent twice: the first answer is kept with the effect, in one transaction, and a repeat gets it again.
//!
//! The key belongs to the caller and the route. Another body under a known key is refused: it is a client's mistake, and doing
//! either thing would be a guess.

use crate::db::q;
use crate::error::{ApiError, Kind, PROBLEM_JSON, Problem};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff_sqlx::ToSqlx;
use mizili_node::idempotency::{self, REPLAY_HEADER};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::{PgConnection, Row};
use sync_protocol::ids::UserId;

/// Days that answers are kept: offices are cut off for longer than a day.
pub const KEEP_DAYS: i32 = 30;

/// One write, as a retry of it would come again.
#[derive(Clone, Debug)]
pub struct Attempt {
    key: String,
    route: &'static str,
    caller: UserId,
    body_hash: [u8; 32],
}

/// An answer as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer {
    status: StatusCode,
    body: Vec<u8>,
    replayed: bool,
}

impl Attempt {
    /// From the header. The body counts as what it says, not as how it is written: spaces and order do not matter.
    ///
    /// # Errors
    /// No key, or one that is too long or not printable.
    pub fn read<B: Serialize>(
        headers: &HeaderMap,
        route: &'static str,
        caller: UserId,
        body: &B,
    ) -> Result<Self, Problem> {
        let key = idempotency::key(headers)?;
        let body = serde_json::to_vec(body).map_err(Problem::internal)?;
        Ok(Self { key: key.to_owned(), route, caller, body_hash: *blake3::hash(&body).as_bytes() })
    }

    /// Takes the key, to be called before anything else in the transaction. An attempt that is under way elsewhere is waited
    /// for. `Some` is the answer of an earlier one.
    ///
    /// # Errors
    /// The key was used for another body.
    pub async fn begin(&self, conn: &mut PgConnection) -> Result<Option<Answer>, ApiError> {
        let sql = "INSERT INTO idempotency_keys (user_id, route, key, body_hash, status, response)
                   VALUES ($1, $2, $3, $4, 0, '') ON CONFLICT DO NOTHING";
        let query = q(sql).bind(self.caller.0).bind(self.route).bind(&self.key).bind(&self.body_hash[..]);
        if query.execute(&mut *conn).await?.rows_affected() == 1 {
            return Ok(None);
        }
        let sql = "SELECT body_hash, status, response FROM idempotency_keys WHERE user_id = $1 AND route = $2 AND key = $3";
        let row = q(sql).bind(self.caller.0).bind(self.route).bind(&self.key).fetch_one(conn).await?;
        if row.try_get::<Vec<u8>, _>("body_hash")? != self.body_hash {
            return Err(Kind::IdempotencyKeyReused.error().into());
        }
        let status = u16::try_from(row.try_get::<i32, _>("status")?)
            .ok()
            .and_then(|code| StatusCode::from_u16(code).ok());
        let status = status
            .ok_or_else(|| Problem::internal("idempotency_keys.status holds a value that does not fit"))?;
        Ok(Some(Answer { status, body: row.try_get("response")?, replayed: true }))
    }

    /// Keeps the answer, to be called last in the transaction.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn finish(&self, conn: &mut PgConnection, answer: &Answer) -> Result<(), ApiError> {
        let sql = "UPDATE idempotency_keys SET status = $4, response = $5 WHERE user_id = $1 AND route = $2 AND key = $3";
        let query = q(sql).bind(self.caller.0).bind(self.route).bind(&self.key);
        query.bind(i32::from(answer.status.as_u16())).bind(&answer.body).execute(conn).await?;
        Ok(())
    }
}

impl Answer {
    /// A thing that was made.
    ///
    /// # Errors
    /// When it cannot be written as JSON.
    pub fn created<T: Serialize>(body: &T) -> Result<Self, Problem> {
        let body = serde_json::to_vec(body).map_err(Problem::internal)?;
        Ok(Self { status: StatusCode::CREATED, body, replayed: false })
    }

    /// A refusal by the market's rules.
    pub fn refused(error: &Problem) -> Self {
        Self {
            status: error.kind().status(),
            body: error.to_json().to_string().into_bytes(),
            replayed: false,
        }
    }

    /// What was made, if anything was.
    pub fn made<T: DeserializeOwned>(&self) -> Option<T> {
        let body = Some(&self.body).filter(|_| self.status == StatusCode::CREATED)?;
        serde_json::from_slice(body).ok()
    }

    /// The answer over HTTP; `home` is the address under which what was made stands by its id.
    pub fn respond(self, home: &str) -> Response {
        let content_type = if self.status.is_success() { "application/json" } else { PROBLEM_JSON };
        let id = serde_json::from_slice::<serde_json::Value>(&self.body)
            .ok()
            .and_then(|body| Some(body["id"].as_str()?.to_owned()));
        let location = id.filter(|_| self.status == StatusCode::CREATED).map(|id| format!("{home}/{id}"));
        let mut response = (self.status, [(header::CONTENT_TYPE, content_type)], self.body).into_response();
        if let Some(location) = location.and_then(|location| HeaderValue::from_str(&location).ok()) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        if self.replayed {
            response.headers_mut().insert(REPLAY_HEADER, HeaderValue::from_static("true"));
        }
        response
    }
}

/// Forgets answers that are older than [`KEEP_DAYS`].
///
/// # Errors
/// Those of the database.
pub async fn prune(conn: &mut PgConnection, now: jiff::Timestamp) -> Result<u64, sqlx::Error> {
    let sql = "DELETE FROM idempotency_keys WHERE created_at < $1 - make_interval(days => $2)";
    Ok(q(sql).bind(now.to_sqlx()).bind(KEEP_DAYS).execute(conn).await?.rows_affected())
}

//! Writes that may be sent twice: the first answer is kept with the effect, in one transaction, and a repeat gets it again.
//!
//! The key belongs to the caller and the route. Another body under a known key is refused: it is a client's mistake, and doing
//! either thing would be a guess.

use crate::db::Cells;
use crate::db::{listed, q};
use crate::error::{ApiError, Kind, PROBLEM_JSON, Problem};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use jiff_sqlx::ToSqlx;
use mizili_node::idempotency::{self, REPLAY_HEADER};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::PgConnection;
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

    /// What an earlier attempt was answered, if there was one: to be asked before anything is done.
    ///
    /// # Errors
    /// The key was used for another body.
    pub async fn earlier(&self, conn: &mut PgConnection) -> Result<Option<Answer>, ApiError> {
        Ok(earlier(conn, &[self]).await?.pop().flatten().transpose()?)
    }

    /// Keeps the answer, to be called last in the transaction. Where an attempt was answered elsewhere meanwhile this is an error like
    /// that of any two who make the same thing at once (23505): nothing of it is done, and the next try finds that answer.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn keep(&self, conn: &mut PgConnection, answer: &Answer) -> Result<(), ApiError> {
        Ok(keep(conn, &[(self, answer)]).await?)
    }

    /// By what the same write is known when it is sent again.
    pub fn key(&self) -> (UserId, &str, &str) {
        (self.caller, self.route, &self.key)
    }
}

/// [`Attempt::earlier`] of many. The inner error is that the key was used for another body.
///
/// # Errors
/// Those of the database.
pub async fn earlier(
    conn: &mut PgConnection,
    attempts: &[&Attempt],
) -> Result<Vec<Option<Result<Answer, Problem>>>, sqlx::Error> {
    let mut answers: Vec<_> = attempts.iter().map(|_| None).collect();
    let rows = q(concat!(
        "SELECT t.at, k.body_hash, k.status, k.response FROM unnest(",
        listed!(1, "uuid"),
        ", ",
        listed!(2, "text"),
        ", ",
        listed!(3, "text"),
        ") WITH ORDINALITY AS t (user_id, route, key, at)
        JOIN LATERAL (SELECT * FROM idempotency_keys WHERE user_id = t.user_id AND route = t.route AND key = t.key LIMIT 1) k ON true"
    ))
    .bind(column(attempts, |attempt| attempt.caller.0))
    .bind(column(attempts, |attempt| attempt.route))
    .bind(column(attempts, |attempt| attempt.key.as_str()))
    .fetch_all(conn)
    .await?;
    for row in &rows {
        let cells = Cells::of("idempotency_keys", row);
        let at = usize::try_from(cells.count(0)?).ok().and_then(|at| at.checked_sub(1));
        let (at, attempt) = at.and_then(|at| Some((at, attempts.get(at)?))).ok_or_else(|| cells.misfit(0))?;
        let is_same = cells.get::<&[u8]>(1)? == attempt.body_hash;
        let status = u16::try_from(cells.number(2)?).ok().and_then(|code| StatusCode::from_u16(code).ok());
        let status = status.ok_or_else(|| cells.misfit(2))?;
        let answer = Answer { status, body: cells.get(3)?, replayed: true };
        answers[at] = Some(if is_same { Ok(answer) } else { Err(Kind::IdempotencyKeyReused.error()) });
    }
    Ok(answers)
}

/// [`Attempt::keep`] of many.
///
/// # Errors
/// Those of the database.
pub async fn keep(conn: &mut PgConnection, answers: &[(&Attempt, &Answer)]) -> Result<(), sqlx::Error> {
    q("INSERT INTO idempotency_keys (user_id, route, key, body_hash, status, response)
       SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bytea[], $5::int[], $6::bytea[])")
    .bind(column(answers, |(attempt, _)| attempt.caller.0))
    .bind(column(answers, |(attempt, _)| attempt.route))
    .bind(column(answers, |(attempt, _)| attempt.key.as_str()))
    .bind(column(answers, |(attempt, _)| &attempt.body_hash[..]))
    .bind(column(answers, |(_, answer)| i32::from(answer.status.as_u16())))
    .bind(column(answers, |(_, answer)| answer.body.as_slice()))
    .execute(conn)
    .await?;
    Ok(())
}

fn column<'a, T, V>(of: &'a [T], value: impl Fn(&'a T) -> V) -> Vec<V> {
    of.iter().map(value).collect()
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

    /// Whether it was given before.
    pub fn is_replayed(&self) -> bool {
        self.replayed
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

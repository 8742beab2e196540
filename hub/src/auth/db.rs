//! SQL of signing in: accounts as callers, and refresh tokens. Only hashes of tokens are kept.

use crate::auth::caller::{Caller, Role};
use crate::auth::pair::Sealed;
use crate::db::{misfit, q};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use sync_protocol::ids::{CooperativeId, UserId};
use uuid::Uuid;

/// What [`caller_of`] reads.
macro_rules! caller_columns {
    () => {
        "id, phone, name, role, cooperative_id, phone_confirmed, sign_outs"
    };
}

fn caller_of(row: &PgRow) -> Result<Caller, sqlx::Error> {
    let role = Role::parse(row.try_get("role")?).ok_or_else(|| misfit("users", "role"))?;
    let phone = u64::try_from(row.try_get::<i64, _>("phone")?).map_err(|_| misfit("users", "phone"))?;
    let cooperative = row.try_get::<Option<i32>, _>("cooperative_id")?;
    Ok(Caller {
        id: UserId(row.try_get("id")?),
        phone,
        name: row.try_get("name")?,
        role,
        cooperative: cooperative.map(|id| CooperativeId(id.cast_unsigned())),
        phone_confirmed: row.try_get("phone_confirmed")?,
        sign_outs: row.try_get("sign_outs")?,
    })
}

/// The account of an id, unless it was closed.
pub(crate) async fn caller(conn: &mut PgConnection, id: UserId) -> Result<Option<Caller>, sqlx::Error> {
    let sql = concat!("SELECT ", caller_columns!(), " FROM users WHERE id = $1 AND NOT disabled");
    q(sql).bind(id.0).fetch_optional(conn).await?.as_ref().map(caller_of).transpose()
}

/// The account of a number and the hash of its password, unless it was closed.
pub(crate) async fn by_phone(
    conn: &mut PgConnection,
    phone: u64,
) -> Result<Option<(Caller, String)>, sqlx::Error> {
    let sql =
        concat!("SELECT ", caller_columns!(), ", password_hash FROM users WHERE phone = $1 AND NOT disabled");
    let row = q(sql).bind(phone.cast_signed()).fetch_optional(conn).await?;
    row.map(|row| Ok((caller_of(&row)?, row.try_get("password_hash")?))).transpose()
}

/// The account of an id and the hash of its password, unless it was closed; locked until the transaction ends. Whoever opens sessions of
/// an account or ends them does so one after the other: a session that began while all end would outlive them.
pub(crate) async fn lock(
    conn: &mut PgConnection,
    id: UserId,
) -> Result<Option<(Caller, String)>, sqlx::Error> {
    let sql = concat!(
        "SELECT ",
        caller_columns!(),
        ", password_hash FROM users WHERE id = $1 AND NOT disabled FOR NO KEY UPDATE"
    );
    let row = q(sql).bind(id.0).fetch_optional(conn).await?;
    row.map(|row| Ok((caller_of(&row)?, row.try_get("password_hash")?))).transpose()
}

/// Keeps a new refresh token.
pub(crate) async fn keep_refresh(
    conn: &mut PgConnection,
    hash: &[u8],
    user: UserId,
    family: Uuid,
    expires_at: Timestamp,
) -> Result<(), sqlx::Error> {
    let sql = "INSERT INTO refresh_tokens (hash, user_id, family, expires_at) VALUES ($1, $2, $3, $4)";
    q(sql).bind(hash).bind(user.0).bind(family).bind(expires_at.to_sqlx()).execute(conn).await?;
    Ok(())
}

/// A refresh token as it is kept.
pub(crate) struct Refresh {
    pub(crate) user: UserId,
    pub(crate) family: Uuid,
    pub(crate) expires_at: Timestamp,
    pub(crate) used: Option<Used>,
}

/// A refresh token that was used.
pub(crate) struct Used {
    /// What it was answered with; none where an older hub answered.
    pub(crate) answer: Option<Sealed>,
    /// Whether that was within the last minute, by the database's clock.
    pub(crate) just_now: bool,
}

/// Seconds in which a refresh token that comes again gets the same answer: a phone that lost it asks again at once, or when it has
/// a line again a moment later.
const AGAIN_S: f64 = 60.0;

/// The refresh token of a hash, locked: of two uses at once the second sees the first. Its account is locked before it, as by [`lock`].
pub(crate) async fn refresh(conn: &mut PgConnection, hash: &[u8]) -> Result<Option<Refresh>, sqlx::Error> {
    q("SELECT FROM users WHERE id = (SELECT user_id FROM refresh_tokens WHERE hash = $1) FOR NO KEY UPDATE")
        .bind(hash)
        .execute(&mut *conn)
        .await?;
    let sql = "SELECT user_id, family, expires_at, successor, successor_issued_at_s,
                      used_at >= clock_timestamp() - make_interval(secs => $2) AS just_now
               FROM refresh_tokens WHERE hash = $1 FOR UPDATE";
    let Some(row) = q(sql).bind(hash).bind(AGAIN_S).fetch_optional(conn).await? else { return Ok(None) };
    let used = match row.try_get::<Option<bool>, _>("just_now")? {
        None => None,
        Some(just_now) => Some(Used { answer: sealed_of(&row)?, just_now }),
    };
    Ok(Some(Refresh {
        user: UserId(row.try_get("user_id")?),
        family: row.try_get("family")?,
        expires_at: row.try_get::<jiff_sqlx::Timestamp, _>("expires_at")?.to_jiff(),
        used,
    }))
}

fn sealed_of(row: &PgRow) -> Result<Option<Sealed>, sqlx::Error> {
    let Some(secret) = row.try_get::<Option<Vec<u8>>, _>("successor")? else { return Ok(None) };
    let secret = secret.try_into().map_err(|_| misfit("refresh_tokens", "successor"))?;
    Ok(Some(Sealed { secret, issued_at_s: row.try_get("successor_issued_at_s")? }))
}

/// Marks a refresh token as used, with what it is answered with.
pub(crate) async fn use_refresh(
    conn: &mut PgConnection,
    hash: &[u8],
    answer: &Sealed,
) -> Result<(), sqlx::Error> {
    let sql = "UPDATE refresh_tokens SET used_at = clock_timestamp(), successor = $2, successor_issued_at_s = $3 WHERE hash = $1";
    q(sql).bind(hash).bind(&answer.secret[..]).bind(answer.issued_at_s).execute(conn).await?;
    Ok(())
}

/// Ends a session: all refresh tokens that came from one sign-in. To be called after [`refresh`], which locks the account.
pub(crate) async fn end_family(conn: &mut PgConnection, family: Uuid) -> Result<(), sqlx::Error> {
    q("DELETE FROM refresh_tokens WHERE family = $1").bind(family).execute(conn).await?;
    Ok(())
}

/// Forgets refresh tokens that have expired. A used one is kept until then: its second use has to be noticed.
///
/// # Errors
/// Those of the database.
pub async fn prune(conn: &mut PgConnection, now: Timestamp) -> Result<u64, sqlx::Error> {
    let sql = "DELETE FROM refresh_tokens WHERE expires_at < $1";
    Ok(q(sql).bind(now.to_sqlx()).execute(conn).await?.rows_affected())
}

//! SQL of accounts.

use crate::auth::caller::Role;
use crate::db::{int, misfit, q, q_scalar};
use crate::market::users::User;
use jiff_sqlx::ToSqlx;
use mizili_node::text::{phone_text, rfc3339};
use serde::Serialize;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use sync_protocol::ids::{CooperativeId, UserId};
use uuid::Uuid;

/// A new account's row.
pub(crate) struct NewRow<'a> {
    pub(crate) id: UserId,
    pub(crate) phone: u64,
    pub(crate) phone_confirmed: bool,
    pub(crate) name: &'a str,
    pub(crate) role: Role,
    pub(crate) cooperative: Option<CooperativeId>,
    pub(crate) language: &'a str,
    pub(crate) password_hash: &'a str,
    pub(crate) office_password_hash: &'a str,
    pub(crate) created_at: jiff::Timestamp,
}

/// Makes an account.
pub(crate) async fn insert(conn: &mut PgConnection, new: &NewRow<'_>) -> Result<(), sqlx::Error> {
    let sql = "INSERT INTO users (id, phone, phone_confirmed, name, role, cooperative_id, language, password_hash, office_password_hash, created_at)
               VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)";
    let cooperative = new.cooperative.map(|id| int(id.0)).transpose()?;
    let query = q(sql).bind(new.id.0).bind(new.phone.cast_signed()).bind(new.phone_confirmed).bind(new.name);
    let query = query.bind(new.role.as_str()).bind(cooperative).bind(new.language);
    query
        .bind(new.password_hash)
        .bind(new.office_password_hash)
        .bind(new.created_at.to_sqlx())
        .execute(conn)
        .await?;
    Ok(())
}

/// An account as an operator sees it.
#[derive(Clone, Debug, Serialize)]
pub struct Account {
    /// Its id.
    pub id: Uuid,
    /// The phone number, E.164; none once it was given free.
    pub phone: Option<String>,
    /// Whether an operator vouched that the number is the person's own.
    pub phone_confirmed: bool,
    /// `open`, `closed`, or `released` where the number was given free.
    pub state: &'static str,
    /// What it may do.
    pub role: Role,
    /// The person's name.
    pub name: String,
    /// The cooperative of a clerk or farmer.
    pub cooperative_id: Option<u32>,
    /// When it was made, RFC 3339, UTC.
    pub created_at: String,
}

/// What [`account`] reads.
macro_rules! select_account {
    () => {
        "SELECT id, phone, phone_confirmed, disabled, name, role, cooperative_id, created_at FROM users"
    };
}

/// The next accounts after one, in the order of their ids.
pub(crate) async fn list(
    conn: &mut PgConnection,
    after: Option<Uuid>,
    limit: i64,
) -> Result<Vec<Account>, sqlx::Error> {
    let sql = concat!(select_account!(), " WHERE id > $1 ORDER BY id LIMIT $2");
    q(sql).bind(after.unwrap_or_default()).bind(limit).fetch_all(conn).await?.iter().map(account).collect()
}

/// The account of a number, as an operator sees it.
pub(crate) async fn by_phone(conn: &mut PgConnection, phone: u64) -> Result<Option<Account>, sqlx::Error> {
    let sql = concat!(select_account!(), " WHERE phone = $1");
    q(sql).bind(phone.cast_signed()).fetch_optional(conn).await?.as_ref().map(account).transpose()
}

/// Whether there is an open account of an administrator besides this one.
pub(crate) async fn has_other_admin(conn: &mut PgConnection, id: UserId) -> Result<bool, sqlx::Error> {
    let sql = "SELECT EXISTS (SELECT 1 FROM users WHERE role = $2 AND NOT disabled AND id <> $1)";
    q_scalar(sql).bind(id.0).bind(Role::Admin.as_str()).fetch_one(conn).await
}

/// The open accounts of administrators, locked.
pub(crate) async fn lock_admins(conn: &mut PgConnection) -> Result<Vec<UserId>, sqlx::Error> {
    let sql = "SELECT id FROM users WHERE role = $1 AND NOT disabled ORDER BY id FOR UPDATE";
    let ids: Vec<Uuid> = q_scalar(sql).bind(Role::Admin.as_str()).fetch_all(conn).await?;
    Ok(ids.into_iter().map(UserId).collect())
}

/// Whether an operator vouched that the account's number is the person's own.
pub(crate) async fn is_confirmed(conn: &mut PgConnection, id: UserId) -> Result<bool, sqlx::Error> {
    q_scalar("SELECT phone_confirmed FROM users WHERE id = $1").bind(id.0).fetch_one(conn).await
}

fn account(row: &PgRow) -> Result<Account, sqlx::Error> {
    let phone = row.try_get::<Option<i64>, _>("phone")?.map(|phone| phone_text(phone.cast_unsigned()));
    let state = match (&phone, row.try_get("disabled")?) {
        (None, _) => "released",
        (_, true) => "closed",
        _ => "open",
    };
    Ok(Account {
        id: row.try_get("id")?,
        phone: phone.flatten(),
        phone_confirmed: row.try_get("phone_confirmed")?,
        state,
        role: Role::parse(row.try_get("role")?).ok_or_else(|| misfit("users", "role"))?,
        name: row.try_get("name")?,
        cooperative_id: row.try_get::<Option<i32>, _>("cooperative_id")?.map(i32::cast_unsigned),
        created_at: rfc3339(row.try_get::<jiff_sqlx::Timestamp, _>("created_at")?.to_jiff().as_second()),
    })
}

/// The account of a number and its cooperative, locked.
pub(crate) async fn lock_by_phone(
    conn: &mut PgConnection,
    phone: u64,
) -> Result<Option<(UserId, Option<CooperativeId>)>, sqlx::Error> {
    let sql = "SELECT id, cooperative_id FROM users WHERE phone = $1 FOR UPDATE";
    let Some(row) = q(sql).bind(phone.cast_signed()).fetch_optional(conn).await? else { return Ok(None) };
    let cooperative = row.try_get::<Option<i32>, _>("cooperative_id")?;
    Ok(Some((UserId(row.try_get("id")?), cooperative.map(|id| CooperativeId(id.cast_unsigned())))))
}

/// The hash of an account's password, unless it was closed.
pub(crate) async fn password_hash(
    conn: &mut PgConnection,
    id: UserId,
) -> Result<Option<String>, sqlx::Error> {
    let sql = "SELECT password_hash FROM users WHERE id = $1 AND NOT disabled";
    q_scalar(sql).bind(id.0).fetch_optional(conn).await
}

/// Closes an account, or opens it.
pub(crate) async fn set_disabled(
    conn: &mut PgConnection,
    id: UserId,
    disabled: bool,
) -> Result<(), sqlx::Error> {
    q("UPDATE users SET disabled = $2 WHERE id = $1").bind(id.0).bind(disabled).execute(conn).await?;
    Ok(())
}

/// Puts another password in its place.
pub(crate) async fn set_password(conn: &mut PgConnection, id: UserId, hash: &str) -> Result<(), sqlx::Error> {
    q("UPDATE users SET password_hash = $2 WHERE id = $1").bind(id.0).bind(hash).execute(conn).await?;
    Ok(())
}

/// Puts another password for the office in its place.
pub(crate) async fn set_office_password(
    conn: &mut PgConnection,
    id: UserId,
    hash: &str,
) -> Result<(), sqlx::Error> {
    q("UPDATE users SET office_password_hash = $2 WHERE id = $1").bind(id.0).bind(hash).execute(conn).await?;
    Ok(())
}

/// Takes the number from an account and closes it.
pub(crate) async fn release(conn: &mut PgConnection, id: UserId) -> Result<(), sqlx::Error> {
    q("UPDATE users SET phone = NULL, phone_confirmed = false, disabled = true WHERE id = $1")
        .bind(id.0)
        .execute(conn)
        .await?;
    Ok(())
}

/// Ends every session of an account, which the caller has locked; access tokens too are worth nothing from then on. Returns how often
/// that was done.
pub(crate) async fn end_sessions(conn: &mut PgConnection, id: UserId) -> Result<i32, sqlx::Error> {
    q("DELETE FROM refresh_tokens WHERE user_id = $1").bind(id.0).execute(&mut *conn).await?;
    let sql = "UPDATE users SET sign_outs = sign_outs + 1 WHERE id = $1 RETURNING sign_outs";
    q_scalar(sql).bind(id.0).fetch_one(conn).await
}

/// An account.
pub(crate) async fn get(conn: &mut PgConnection, id: UserId) -> Result<Option<User>, sqlx::Error> {
    let sql = "SELECT id, phone, phone_confirmed, name, role, cooperative_id, language, created_at FROM users WHERE id = $1";
    let Some(row) = q(sql).bind(id.0).fetch_optional(conn).await? else { return Ok(None) };
    let phone = u64::try_from(row.try_get::<i64, _>("phone")?).map_err(|_| misfit("users", "phone"))?;
    Ok(Some(User {
        id: row.try_get("id")?,
        phone: phone_text(phone).ok_or_else(|| misfit("users", "phone"))?,
        phone_confirmed: row.try_get("phone_confirmed")?,
        name: row.try_get("name")?,
        role: Role::parse(row.try_get("role")?).ok_or_else(|| misfit("users", "role"))?,
        cooperative_id: row.try_get::<Option<i32>, _>("cooperative_id")?.map(i32::cast_unsigned),
        language: row.try_get("language")?,
        created_at: rfc3339(row.try_get::<jiff_sqlx::Timestamp, _>("created_at")?.to_jiff().as_second()),
    }))
}

/// Notes that a number is its account's own; the account, if there is one. With the account's row locked, behind which its orders wait
/// until somebody has vouched for it.
pub(crate) async fn confirm(conn: &mut PgConnection, phone: u64) -> Result<Option<UserId>, sqlx::Error> {
    let sql = "UPDATE users SET phone_confirmed = true WHERE phone = $1 RETURNING id";
    let row = q(sql).bind(phone.cast_signed()).fetch_optional(conn).await?;
    row.map(|row| row.try_get("id").map(UserId)).transpose()
}

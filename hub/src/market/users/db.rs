//! SQL of accounts.

use crate::auth::caller::Role;
use crate::db::{int, misfit, q};
use crate::market::users::User;
use jiff_sqlx::ToSqlx;
use mizili_node::text::{phone_text, rfc3339};
use sqlx::{PgConnection, Row};
use sync_protocol::ids::{CooperativeId, UserId};

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

/// Notes that a number is its account's own; the account, if there is one.
pub(crate) async fn confirm(conn: &mut PgConnection, phone: u64) -> Result<Option<UserId>, sqlx::Error> {
    let sql = "UPDATE users SET phone_confirmed = true WHERE phone = $1 RETURNING id";
    let row = q(sql).bind(phone.cast_signed()).fetch_optional(conn).await?;
    row.map(|row| row.try_get("id").map(UserId)).transpose()
}

//! SQL of people at the office: password hashes of this box, users that the hub sent, the sessions on record, and the lines on which
//! each has signed in before.

use crate::db::DbError;
use crate::node::Identity;
use crate::replica;
use rusqlite::{Connection, OptionalExtension, Transaction};
use sync_protocol::ids::UserId;
use sync_protocol::market::OfficeUser;
use sync_protocol::row::Key;

/// The hash of a password kept on this box alone.
pub(crate) fn password_hash(conn: &Connection, user: &str) -> Result<Option<String>, DbError> {
    let mut statement = conn.prepare_cached("SELECT hash FROM office_password WHERE user = ?1")?;
    Ok(statement.query_row([user], |row| row.get(0)).optional()?)
}

/// The person with this number who may sign in at this office. Somebody of another cooperative may not, also where a node
/// knows them all.
pub(crate) fn person_by_phone(
    conn: &Connection,
    me: &Identity,
    phone: u64,
) -> Result<Option<OfficeUser>, DbError> {
    let people = replica::find(conn, OfficeUser::PHONE, &phone)?;
    Ok(people.into_iter().find(|person| may_sign_in(person, me)))
}

/// The person with this id, while they may sign in at this office.
pub(crate) fn person(conn: &Connection, me: &Identity, id: UserId) -> Result<Option<OfficeUser>, DbError> {
    Ok(replica::get::<OfficeUser>(conn, Key::Uuid(id.0))?.filter(|person| may_sign_in(person, me)))
}

fn may_sign_in(person: &OfficeUser, me: &Identity) -> bool {
    person.cooperative == me.cooperative && !person.disabled && !person.password_hash.is_empty()
}

/// Lines that are kept of each who signs in: the last ones. An office has a few machines.
const LINES_KEPT: u32 = 32;

/// Whether somebody has signed in on a line before.
pub(crate) fn is_known_line(conn: &Connection, user: &str, line: &str) -> Result<bool, DbError> {
    let mut statement = conn.prepare_cached("SELECT 1 FROM office_line WHERE user = ?1 AND line = ?2")?;
    Ok(statement.query_row([user, line], |_| Ok(())).optional()?.is_some())
}

/// Notes that somebody signed in on a line. The longest unused are forgotten, in the order of use: no clock counts.
pub(crate) fn remember_line(tx: &Transaction<'_>, user: &str, line: &str) -> Result<(), DbError> {
    tx.prepare_cached("DELETE FROM office_line WHERE user = ?1 AND line = ?2")?.execute([user, line])?;
    tx.prepare_cached("INSERT INTO office_line (user, line) VALUES (?1, ?2)")?.execute([user, line])?;
    let sql = "DELETE FROM office_line WHERE user = ?1 AND id NOT IN
                   (SELECT id FROM office_line WHERE user = ?1 ORDER BY id DESC LIMIT ?2)";
    tx.prepare_cached(sql)?.execute((user, LINES_KEPT))?;
    Ok(())
}

/// Records a session, and drops those of earlier runs of the program.
pub(crate) fn record_session(
    tx: &Transaction<'_>,
    hash: &[u8; 32],
    user: &str,
    boot: &str,
    now_s: i64,
    used_at_ms: i64,
) -> Result<(), DbError> {
    tx.prepare_cached("DELETE FROM office_session WHERE boot <> ?1")?.execute([boot])?;
    let sql =
        "INSERT INTO office_session (hash, user, boot, begun_at_s, used_at_ms) VALUES (?1, ?2, ?3, ?4, ?5)";
    tx.prepare_cached(sql)?.execute((hash, user, boot, now_s, used_at_ms))?;
    Ok(())
}

/// Whether a session is on record: another program takes it away when it sets a new password.
pub(crate) fn is_recorded(conn: &Connection, hash: &[u8; 32]) -> Result<bool, DbError> {
    let mut statement = conn.prepare_cached("SELECT 1 FROM office_session WHERE hash = ?1")?;
    Ok(statement.query_row([hash], |_| Ok(())).optional()?.is_some())
}

/// Takes all sessions of somebody off the record.
///
/// # Errors
/// Those of the database.
pub fn forget_sessions_of(tx: &Transaction<'_>, user: &str) -> Result<(), DbError> {
    tx.prepare_cached("DELETE FROM office_session WHERE user = ?1")?.execute([user])?;
    Ok(())
}

/// Takes sessions off the record.
pub(crate) fn forget_sessions(tx: &Transaction<'_>, hashes: &[[u8; 32]]) -> Result<(), DbError> {
    for hash in hashes {
        tx.prepare_cached("DELETE FROM office_session WHERE hash = ?1")?.execute([hash])?;
    }
    Ok(())
}

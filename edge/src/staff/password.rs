//! The password of this box itself, which the office signs in with: its hash is made and kept. The password is in no log, no file and no
//! database.

use crate::db::DbError;
use mizili_node::deps::Deps;
use mizili_node::password::Passwords;
use rusqlite::Transaction;

/// The name that the first person signs in with at the office page.
pub const FIRST_USER: &str = "office";

/// Why a password could not be hashed.
#[derive(Debug)]
pub struct HashError(pub String);

impl std::fmt::Display for HashError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

impl std::error::Error for HashError {}

/// The argon2id hash as a PHC string. Takes about 20 MiB and a fraction of a second, on a thread that may.
///
/// # Errors
/// When hashing fails, which no password can cause.
pub async fn hashed(password: &str, deps: &Deps) -> Result<String, HashError> {
    Passwords::new(1).hash(deps, password).await.map_err(|error| HashError(error.chain()))
}

/// Stores a password's hash in place of an earlier one. Whoever is signed in stays so: see [`forget_sessions_of`].
///
/// # Errors
/// Those of the database.
///
/// [`forget_sessions_of`]: super::forget_sessions_of
pub fn store(tx: &Transaction<'_>, user: &str, hash: &str, now_s: i64) -> Result<(), DbError> {
    let sql = "INSERT OR REPLACE INTO office_password (user, hash, set_at_s) VALUES (?1, ?2, ?3)";
    tx.prepare_cached(sql)?.execute((user, hash, now_s))?;
    Ok(())
}

//! Keeps `PGOPTIONS`, `PGPASSWORD` and their like away from a private Postgres: they are meant for a database of somebody else, and
//! one that says `search_path` or `statement_timeout` would lead the hub's own astray. Where an address was given they count, as
//! everywhere.

use std::ffi::OsString;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::Command;

/// What the variables of Postgres' clients begin with.
const PREFIX: &[u8] = b"PG";

/// Begins this program anew without such variables, where some are set and no address of a database was given. To be called before
/// anything else was done: the library that speaks with Postgres reads them by itself, and nobody but this process's successor can
/// be without them.
///
/// # Errors
/// The program could not be begun anew. Otherwise it returns only where nothing had to be done.
pub fn leave_foreign_settings() -> io::Result<()> {
    let names = std::env::vars_os().map(|(name, _)| name);
    let foreign: Vec<OsString> = names.filter(|name| name.as_encoded_bytes().starts_with(PREFIX)).collect();
    if foreign.is_empty() || has_an_address() {
        return Ok(());
    }
    let mut words = std::env::args_os();
    let name = words.next().unwrap_or_default();
    let mut again = Command::new("/proc/self/exe");
    again.arg0(name).args(words);
    for name in &foreign {
        again.env_remove(name);
    }
    Err(again.exec())
}

/// Whether the command line or the environment names a database.
fn has_an_address() -> bool {
    std::env::var_os("DATABASE_URL").is_some_and(|url| !url.is_empty())
        || std::env::args_os().any(|word| word.as_encoded_bytes().starts_with(b"--database-url"))
}

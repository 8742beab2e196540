//! The steps of the hub's schema, as files of `migrations/hub` that are part of the program. To add one, add a file.
//!
//! They are read here and not by `sqlx::migrate!`: that macro alone would build sqlx, its Postgres driver, tokio and rustls a second
//! time, for the machine that compiles.

use rust_embed::RustEmbed;
use sqlx::AssertSqlSafe;
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use std::sync::LazyLock;

#[derive(RustEmbed)]
#[folder = "../migrations/hub/"]
struct Files;

/// All steps of the hub's schema, in their order.
pub static MIGRATOR: LazyLock<Migrator> =
    LazyLock::new(|| Migrator::with_migrations(Files::iter().filter_map(|name| step(&name)).collect()));

/// The step of a file `NNNN_what_it_does.sql`; `None` for a file of another name, of which a test says that there is none.
fn step(name: &str) -> Option<Migration> {
    let (number, description) = name.strip_suffix(".sql")?.split_once('_')?;
    let sql = String::from_utf8(Files::get(name)?.data.into_owned()).ok()?;
    Some(Migration::new(
        number.parse().ok()?,
        description.replace('_', " ").into(),
        MigrationType::Simple,
        AssertSqlSafe(sql).into_sql_str(),
        false,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_step_of_a_number_of_its_own() {
        let mut numbers: Vec<_> = MIGRATOR.iter().map(|step| step.version).collect();
        assert_eq!(
            numbers.len(),
            Files::iter().count(),
            "a file of migrations/hub is not named NNNN_what.sql"
        );
        assert!(numbers.is_sorted());
        numbers.dedup();
        assert_eq!(numbers.len(), MIGRATOR.iter().count(), "two files have one number");
    }

    /// A database keeps the hash of each step that it went through, and refuses a program in which one differs.
    #[test]
    fn a_step_is_named_and_hashed_as_databases_in_the_field_know_it() {
        let first = MIGRATOR.iter().next().unwrap();
        assert_eq!((first.version, &*first.description), (1, "places"));
        let hash: String = first.checksum[..8].iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hash, HASH_OF_THE_FIRST);
    }

    /// SHA-384 of `0001_places.sql`, its first bytes.
    const HASH_OF_THE_FIRST: &str = "d242e531f91f986a";
}

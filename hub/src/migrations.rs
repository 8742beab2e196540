//! The steps of the hub's schema, as files of `migrations/hub` that are part of the program. To add one, add a file.
//!
//! They are read here and not by `sqlx::migrate!`: that macro alone would build sqlx, its Postgres driver, tokio and rustls a second
//! time, for the machine that compiles.

use sqlx::AssertSqlSafe;
use sqlx::SqlSafeStr;
use sqlx::migrate::{Migration, MigrationType, Migrator};
use std::sync::LazyLock;

/// Names and texts of the files, sorted by name, as the build script lists them.
static FILES: &[(&str, &str)] = include!(concat!(env!("OUT_DIR"), "/steps.rs"));

/// All steps of the hub's schema, in their order.
pub static MIGRATOR: LazyLock<Migrator> = LazyLock::new(|| {
    Migrator::with_migrations(FILES.iter().filter_map(|(name, sql)| step(name, sql)).collect())
});

/// The step of a file `NNNN_what_it_does.sql`; `None` for a file of another name, of which a test says that there is none.
fn step(name: &str, sql: &str) -> Option<Migration> {
    let (number, description) = name.strip_suffix(".sql")?.split_once('_')?;
    Some(Migration::new(
        number.parse().ok()?,
        description.replace('_', " ").into(),
        MigrationType::Simple,
        AssertSqlSafe(sql.to_owned()).into_sql_str(),
        false,
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_is_a_step_of_a_number_of_its_own() {
        let mut numbers: Vec<_> = MIGRATOR.iter().map(|step| step.version).collect();
        assert_eq!(numbers.len(), FILES.len(), "a file of migrations/hub is not named NNNN_what.sql");
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

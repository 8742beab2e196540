//! One stored row that cannot be read keeps nobody from the others: who reads a list passes over it, and it is named in the log
//! once while the program runs. What says something about the file or the disk is never passed over.

use super::DbError;
use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

/// Names that are kept so that each is said once.
const NAMES_MAX: usize = 1_000;

static NAMED: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());

/// What was read of a row; `None` where the row's own values make that impossible.
///
/// # Errors
/// Those that are not the row's.
pub(crate) fn pass_over<T>(read: Result<T, DbError>) -> Result<Option<T>, DbError> {
    match read {
        Ok(read) => Ok(Some(read)),
        Err(DbError::BadRow(row)) => {
            let mut named = NAMED.lock().unwrap_or_else(PoisonError::into_inner);
            if named.len() < NAMES_MAX && named.insert(row.clone()) {
                tracing::error!(
                    row,
                    "a row cannot be read; the others go on without it: keep a copy of the data folder and ask for help"
                );
            }
            Ok(None)
        }
        Err(other) => Err(other),
    }
}

//! What a job over everything does with one row that cannot be used: it is counted and said once, and the others go on. Only what
//! the row's own values can cause is the row's; what says something about the moment or the database ends the job's turn.

use crate::db::is_of_a_value;
use std::collections::BTreeSet;
use std::fmt::Display;

/// Names that are kept so that each is said once.
const NAMES_MAX: usize = 1_000;

/// The bad rows of a job.
#[derive(Debug)]
pub struct BadRows {
    job: &'static str,
    count: u64,
    said: BTreeSet<String>,
}

/// An error that may be one row's own.
pub trait OfARow: Display {
    /// Whether a value in a row caused it.
    fn is_of_a_row(&self) -> bool;
}

impl OfARow for sqlx::Error {
    fn is_of_a_row(&self) -> bool {
        // What stands there and does not fit what the program makes of it, beside what the database refuses.
        matches!(self, Self::Decode(_) | Self::ColumnDecode { .. } | Self::RowNotFound) || is_of_a_value(self)
    }
}

impl BadRows {
    /// None yet.
    pub fn of(job: &'static str) -> Self {
        Self { job, count: 0, said: BTreeSet::new() }
    }

    /// How many there were.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// Takes the error of one row away. `row` names it, for the log.
    ///
    /// # Errors
    /// Those that are not the row's.
    pub fn sift<T, E: OfARow>(&mut self, row: impl Display, done: Result<T, E>) -> Result<Option<T>, E> {
        match done {
            Ok(done) => Ok(Some(done)),
            Err(error) if error.is_of_a_row() => {
                self.add(row, &error);
                Ok(None)
            }
            Err(error) => Err(error),
        }
    }

    /// Counts a row that cannot be used.
    pub fn add(&mut self, row: impl Display, error: &dyn Display) {
        self.count += 1;
        let row = row.to_string();
        if self.said.len() < NAMES_MAX && !self.said.contains(&row) {
            tracing::error!(job = self.job, row, %error, "a row cannot be used; the others go on without it");
            self.said.insert(row);
        }
    }
}

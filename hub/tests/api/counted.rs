//! Counts the statements that a test's own thread sends to the database, BEGIN and COMMIT among them: each is a round trip.

use mizili_node::testing::log::{Listening, Log};
use tracing::Level;

/// How the library begins the line of each statement.
const STATEMENT: &str = "sqlx::query: ";

/// The statements of this thread.
pub(crate) struct Statements {
    log: Log,
    _here: Listening,
}

impl Statements {
    /// Begins to count.
    pub(crate) fn counted() -> Self {
        let log = Log::default();
        Self { _here: log.here_at(Level::DEBUG), log }
    }

    /// How many there were since.
    pub(crate) fn take(&self) -> u64 {
        self.log.take().matches(STATEMENT).count() as u64
    }
}

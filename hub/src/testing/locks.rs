//! Who waits for a lock of a test's database: for tests of what two do at once.

use crate::db::{Db, q_scalar};
use mizili_node::testing::wait::until;

/// Waits until so many transactions of the database wait for a lock.
///
/// # Panics
/// They never do, or the database does not answer.
#[track_caller]
pub fn until_waiting(db: &Db, transactions: i64) -> impl Future<Output = ()> {
    until(async move || waiting(db).await >= transactions)
}

#[expect(clippy::unwrap_used, reason = "a test fails so")]
async fn waiting(db: &Db) -> i64 {
    let mut tx = db.begin().await.unwrap();
    let waiting = q_scalar(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
    );
    waiting.fetch_one(&mut *tx).await.unwrap()
}

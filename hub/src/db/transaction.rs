//! A transaction on a connection of the pool. Dropped without a commit, it is rolled back, and its connection serves nobody before
//! it is.

use super::pool::Lent;
use sqlx::PgConnection;
use std::ops::{Deref, DerefMut};

/// See the module. Given out by [`super::Db::begin`] and its like alone.
#[derive(Debug)]
pub struct Transaction(Lent);

impl Transaction {
    pub(super) async fn begin(lent: Lent, words: &'static str) -> Result<Self, sqlx::Error> {
        lent.begin(words).await.map(Self)
    }

    /// Ends it; what it did stands.
    ///
    /// # Errors
    /// Those of the database. Where the connection is lost, nobody knows whether it stands.
    pub async fn commit(self) -> Result<(), sqlx::Error> {
        self.0.end("COMMIT").await
    }

    /// Ends it; nothing of what it did stands.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn rollback(self) -> Result<(), sqlx::Error> {
        self.0.end("ROLLBACK").await
    }
}

impl Deref for Transaction {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        &self.0
    }
}

impl DerefMut for Transaction {
    fn deref_mut(&mut self) -> &mut PgConnection {
        &mut self.0
    }
}

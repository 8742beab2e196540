//! A connection for single statements that read. A named one needs no transaction around it, which saves two round trips; an
//! unnamed one does, or a pooler might run it on another session than the one that has just planned it.

use super::Transaction;
use super::pool::Lent;
use sqlx::PgConnection;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, PoisonError};

/// See the module. Given out by [`super::Db::read`] alone, to which it comes back when it is dropped.
#[derive(Debug)]
pub struct Reader {
    conn: Option<Conn>,
    back: Back,
}

/// What it reads over.
#[derive(Debug)]
pub(super) enum Conn {
    /// Each statement by itself.
    Alone(Lent),
    /// Within a transaction.
    Within(Transaction),
}

/// Where a connection is put that was read over. Whoever lent it out knows whether the reading came to its end.
#[derive(Clone, Debug, Default)]
pub(super) struct Back(Arc<Mutex<Option<Conn>>>);

impl Back {
    /// Hands out a connection that comes back here.
    pub(super) fn lend(&self, conn: Conn) -> Reader {
        Reader { conn: Some(conn), back: self.clone() }
    }

    /// The reading came to its end: all that was asked was answered. A transaction ends with the connection's cleaning.
    pub(super) fn done(&self) {
        if let Some(Conn::Alone(lent)) = self.slot().take() {
            lent.done();
        }
    }

    fn slot(&self) -> std::sync::MutexGuard<'_, Option<Conn>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Reader {
    fn drop(&mut self) {
        *self.back.slot() = self.conn.take();
    }
}

#[expect(clippy::expect_used, reason = "it is taken out when it is dropped, and nowhere else")]
impl Deref for Reader {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match self.conn.as_ref().expect("a reader's connection") {
            Conn::Alone(connection) => connection,
            Conn::Within(transaction) => transaction,
        }
    }
}

#[expect(clippy::expect_used, reason = "it is taken out when it is dropped, and nowhere else")]
impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match self.conn.as_mut().expect("a reader's connection") {
            Conn::Alone(connection) => connection,
            Conn::Within(transaction) => transaction,
        }
    }
}

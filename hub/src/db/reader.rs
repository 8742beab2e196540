//! A connection for single statements that read. A named one needs no transaction around it, which saves two round trips; an
//! unnamed one does, or a pooler might run it on another session than the one that has just planned it.

use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, Postgres, Transaction};
use std::ops::{Deref, DerefMut};

/// See the module. Given out by [`super::Db::read`] alone.
#[derive(Debug)]
pub enum Reader {
    /// Each statement by itself.
    Alone(PoolConnection<Postgres>),
    /// Within a transaction, which ends when this is dropped.
    Within(Transaction<'static, Postgres>),
}

impl Deref for Reader {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match self {
            Self::Alone(connection) => connection,
            Self::Within(transaction) => transaction,
        }
    }
}

impl DerefMut for Reader {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match self {
            Self::Alone(connection) => connection,
            Self::Within(transaction) => transaction,
        }
    }
}

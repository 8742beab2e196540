//! What leaves for an edge within one answer, as long as it may have it: between two pieces it is looked at again whether the edge
//! was revoked or replaced, and whether its buckets are still the same. An answer on a slow line takes minutes.

use super::exchange::Opened;
use super::scope::scope;
use super::store;
use crate::error::ApiError;
use crate::state::AppState;
use bytes::Bytes;
use sqlx::PgConnection;
use std::io;
use sync_protocol::wire::message::{Message, Refusal, RefusalCode};
use tokio::sync::mpsc::Sender;

/// Why an answer does not go on.
pub(super) enum Stop {
    /// The edge went away: nothing more to do.
    Gone,
    /// It may have nothing any more.
    Refused(Refusal),
    /// Its buckets are others than those that are being sent.
    Rescoped,
    /// The hub could not.
    Failed(ApiError),
}

impl From<ApiError> for Stop {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

impl From<sqlx::Error> for Stop {
    fn from(error: sqlx::Error) -> Self {
        Self::Failed(error.into())
    }
}

/// The way to one edge.
pub(super) struct Outflow<'a> {
    state: &'a AppState,
    opened: &'a Opened,
    out: &'a Sender<Result<Bytes, io::Error>>,
    /// Whether nothing was sent since the last look.
    is_fresh: bool,
}

impl<'a> Outflow<'a> {
    pub(super) fn new(
        state: &'a AppState,
        opened: &'a Opened,
        out: &'a Sender<Result<Bytes, io::Error>>,
    ) -> Self {
        Self { state, opened, out, is_fresh: false }
    }

    /// Sends a message.
    pub(super) async fn message(&mut self, message: &Message) -> Result<(), Stop> {
        self.bytes(message.to_bytes().into()).await
    }

    /// Sends whole frames.
    pub(super) async fn bytes(&mut self, frames: Bytes) -> Result<(), Stop> {
        self.look().await?;
        self.out.send(Ok(frames)).await.map_err(|_| Stop::Gone)?;
        self.is_fresh = false;
        Ok(())
    }

    /// Looks whether the edge may have more, unless that was done since the last piece was sent.
    pub(super) async fn look(&mut self) -> Result<(), Stop> {
        if self.is_fresh {
            return Ok(());
        }
        let mut tx = self.state.db.begin().await?;
        self.look_in(&mut tx).await?;
        tx.commit().await?;
        Ok(())
    }

    /// The same by a transaction that is open already.
    pub(super) async fn look_in(&mut self, conn: &mut PgConnection) -> Result<(), Stop> {
        let opened = self.opened;
        let refused = |code, detail: &str| Err(Stop::Refused(Refusal::new(code, detail)));
        let Some(edge) = store::edge(conn, opened.edge.id).await?.filter(|edge| !edge.revoked) else {
            return refused(RefusalCode::Revoked, "the operator revoked this node");
        };
        if edge.incarnation != opened.edge.incarnation {
            return refused(RefusalCode::Rewound, "this incarnation was replaced by a later enrolment");
        }
        if scope(conn, &edge).await? != opened.scope {
            return Err(Stop::Rescoped);
        }
        self.is_fresh = true;
        Ok(())
    }
}

//! What leaves for an edge within one answer, as long as it may have it: between two pieces it is looked at again whether the edge
//! was revoked or replaced, and whether its buckets are still the same. An answer on a slow line takes minutes.

use super::exchange::Opened;
use super::scope::standing;
use crate::error::ApiError;
use crate::state::{AppState, Shared};
use bytes::Bytes;
use sqlx::PgConnection;
use std::io;
use sync_protocol::wire::message::{Refusal, RefusalCode};
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

    /// Whom it goes to, and for what.
    pub(super) fn opened(&self) -> &'a Opened {
        self.opened
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
        let (Shared { db, deps, .. }, opened) = (&**self.state, self.opened);
        let seen = db.read(deps, |mut conn| async move { seen(&mut conn, opened).await }).await?;
        self.saw(seen)
    }

    /// Goes by what was seen a moment ago.
    pub(super) fn saw(&mut self, seen: Seen) -> Result<(), Stop> {
        let refused = |code, detail: &str| Err(Stop::Refused(Refusal::new(code, detail)));
        match seen {
            Seen::Same => {
                self.is_fresh = true;
                Ok(())
            }
            Seen::Revoked => refused(RefusalCode::Revoked, "the operator revoked this node"),
            Seen::Replaced => {
                refused(RefusalCode::Rewound, "this incarnation was replaced by a later enrolment")
            }
            Seen::Rescoped => Err(Stop::Rescoped),
        }
    }
}

/// What has become of an edge since its exchange began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Seen {
    /// It may go on.
    Same,
    /// An operator revoked it.
    Revoked,
    /// It was enrolled again.
    Replaced,
    /// Its buckets are others.
    Rescoped,
}

/// Looks at it.
pub(super) async fn seen(conn: &mut PgConnection, opened: &Opened) -> Result<Seen, sqlx::Error> {
    let Some(edge) = standing(conn, opened.edge.id).await?.filter(|edge| !edge.revoked) else {
        return Ok(Seen::Revoked);
    };
    if edge.incarnation != opened.edge.incarnation {
        return Ok(Seen::Replaced);
    }
    Ok(if edge.scope == opened.scope { Seen::Same } else { Seen::Rescoped })
}

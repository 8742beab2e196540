//! What became of a command, as those who say it need it.

use crate::commands::{self, CommandState, Thing};
use crate::db::DbError;
use crate::text::why::Rejection;
use rusqlite::Connection;
use sync_protocol::market::{Actor, ActorKind, Certainty};
use sync_protocol::verdict::Verdict;

/// A command and the hub's word on it.
pub(super) struct Fate<'a> {
    pub(super) conn: &'a Connection,
    pub(super) state: &'a CommandState,
    /// What it is about; `None` where nothing is known of it any more: then the words say which act it was.
    pub(super) thing: Option<Thing>,
    /// Why it was refused, if it was.
    pub(super) refused: Option<Rejection>,
    /// Whether what it asked for was taken back here since.
    pub(super) is_taken_back: bool,
}

impl<'a> Fate<'a> {
    pub(super) fn read(
        conn: &'a Connection,
        state: &'a CommandState,
        is_taken_back: bool,
    ) -> Result<Self, DbError> {
        let refused = match &state.verdict {
            Some(Verdict::Rejected(reject)) => Some(Rejection::from(reject)),
            Some(Verdict::Dismissed) => Some(Rejection::Other),
            Some(Verdict::Applied(_) | Verdict::Held | Verdict::Quarantined | Verdict::Unsupported)
            | None => None,
        };
        Ok(Self { conn, state, thing: commands::thing(conn, state)?, refused, is_taken_back })
    }

    /// Whether a screen had called it asked for, not done.
    pub(super) fn was_asked(&self) -> bool {
        self.state.certainty == Certainty::Request
    }

    /// Whose act it is; 0 for the office's own.
    pub(super) fn person(&self) -> u64 {
        who(self.state, self.thing.as_ref())
    }
}

/// Whose act it is: of who acted for himself, or of whom the office pressed the keys for; 0 for the office's own.
pub(super) fn who(state: &CommandState, thing: Option<&Thing>) -> u64 {
    match thing.map_or(0, |thing| thing.caller_phone) {
        0 => person(&state.command.actor),
        walked_for => walked_for,
    }
}

/// The number of who acted for himself; 0 for a clerk, who acts for others.
pub(super) fn person(actor: &Actor) -> u64 {
    if actor.kind == ActorKind::Office { 0 } else { actor.phone }
}

//! What a box leaves with the hub when its operator has shut it out: everything that the hub has not heard of, signed, so that it does not
//! vanish with the box. The hub keeps it for a person to look at, and says nothing of what becomes of it.

use super::error::SyncError;
use super::exchange::{Syncer, parties};
use super::session::{self, Challenge, Parties};
use crate::commands;
use crate::db::DbError;
use crate::node;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use sync_protocol::enrolment::{LeftRequest, LeftResponse};
use sync_protocol::limits::BATCH_COMMANDS_MAX;
use sync_protocol::session::{LEFT_PATH, Sizer, identity};
use sync_protocol::wire::message::Message;

/// Largest frame, bytes: in base64, with the rest of the question, below what the hub takes as JSON.
const FRAME_BYTES: usize = 32 << 10;

/// Bytes of a command at first guess.
const COMMAND_BYTES: usize = 64;

impl Syncer {
    /// Leaves what has not been left yet. Returns how many commands the hub keeps in all from now on; what could not be sent is tried
    /// at the next contact.
    ///
    /// # Errors
    /// When the line fails, or the hub does not take such things.
    pub async fn leave(&self) -> Result<u64, SyncError> {
        let parties = self.db.read(parties).await?;
        let mut sizer = Sizer::new(FRAME_BYTES);
        sizer.begin(COMMAND_BYTES);
        loop {
            let (mut batch, base) = self
                .db
                .read(|conn| {
                    let batch = commands::pending(conn, node::left_upto(conn)?, BATCH_COMMANDS_MAX)?;
                    Ok::<_, DbError>((batch, node::stream_base(conn)?))
                })
                .await?;
            batch.iter_mut().for_each(|command| command.seq = command.seq.saturating_sub(base));
            let (n, frame) = sizer.next(&batch, BATCH_COMMANDS_MAX, |part| Message::Commands(part.to_vec()));
            let Some(last) = n.checked_sub(1).and_then(|at| batch.get(at)) else {
                return Ok(self.db.read(commands::left).await?);
            };
            let upto = base.saturating_add(last.seq);
            let challenge = session::challenge(&*self.transport, &parties).await?;
            // From here on they may be at the hub.
            self.db.write(move |tx| commands::mark_sent(tx, upto)).await?;
            self.leave_one(&parties, challenge, &frame).await?;
            self.db.write(move |tx| node::set_left_upto(tx, upto)).await?;
        }
    }

    async fn leave_one(
        &self,
        parties: &Parties,
        challenge: Challenge,
        frame: &[u8],
    ) -> Result<LeftResponse, SyncError> {
        let Challenge { challenge, said, .. } = challenge;
        let (edge, incarnation) = (parties.edge, parties.incarnation);
        let signature = self.identity.sign(&identity::left_behind(edge, incarnation, &challenge, frame));
        let left = LeftRequest {
            edge,
            incarnation,
            challenge: said,
            commands: BASE64.encode(frame),
            signature: BASE64.encode(signature),
        };
        session::ask(&*self.transport, LEFT_PATH, &left).await
    }
}

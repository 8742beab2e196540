//! After the hub was restored from a backup: this box brings the rows of its cooperative that the hub has forgotten, and begins a new
//! stream, in which it offers again what has not arrived. No person is needed, and nothing here is forgotten or changed before the hub
//! has it.

use super::enrol;
use super::error::SyncError;
use super::exchange::{Syncer, parties};
use super::session::{self, Challenge, Parties};
use super::streams;
use crate::node;
use crate::replica;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use sync_protocol::bucket::Bucket;
use sync_protocol::enrolment::{LinkJson, RestoredRequest, RestoredResponse};
use sync_protocol::row::Row;
use sync_protocol::session::{RESTORED_PATH, Sizer, identity};
use sync_protocol::wire::message::Message;
use sync_protocol::wire::rows::{Reach, Rows};

/// Largest frame, bytes: in base64, with the rest of the question, below what the hub takes as JSON.
const FRAME_BYTES: usize = 32 << 10;

/// Bytes of a row at first guess.
const ROW_BYTES: usize = 64;

/// Rows of one frame.
const ROWS_MAX: usize = 1_024;

impl Syncer {
    /// Shows the hub what it has forgotten and goes on as a new incarnation, whose number it gives.
    ///
    /// # Errors
    /// When the line fails, or the hub takes no such thing. The next contact begins from the start; what came twice does no harm.
    pub async fn rejoin(&self) -> Result<u32, SyncError> {
        let parties = self.db.read(parties).await?;
        let begun = self.show(&parties, Vec::new(), false).await?;
        let coop = self.db.read(node::identity).await?.ok_or(SyncError::NotEnrolled)?.cooperative;
        let bucket = Bucket::Coop(coop);
        let mut after = begun.after;
        let mut sizer = Sizer::new(FRAME_BYTES);
        sizer.begin(ROW_BYTES);
        loop {
            let (rows, looked) =
                self.db.read(move |conn| replica::above(conn, bucket, after, ROWS_MAX)).await?;
            if looked == 0 {
                break;
            }
            let frame_of = |part: &[Row]| {
                let upto = part.last().map_or(after, |row| row.version);
                Message::Rows(Rows { bucket, reach: Reach::Delta, after, upto, rows: part.to_vec() })
            };
            let (n, frame) = sizer.next(&rows, ROWS_MAX, frame_of);
            if n > 0 {
                self.show(&parties, frame, false).await?;
            }
            after = rows
                .get(..n)
                .and_then(<[Row]>::last)
                .filter(|_| n < rows.len())
                .map_or(looked, |row| row.version);
        }
        let last = self.show(&parties, Vec::new(), true).await?;
        let stream =
            last.stream.ok_or_else(|| SyncError::Unexpected("a restored hub without a stream".into()))?;
        let link =
            enrol::link(&stream.link).ok_or_else(|| SyncError::Unexpected("an unusable link".into()))?;
        let (incarnation, epoch) = (stream.incarnation, last.epoch);
        tracing::warn!(epoch, "the hub was restored from a backup; what it had forgotten was brought to it");
        self.db.write(move |tx| streams::rejoin(tx, incarnation, &link, epoch)).await?;
        session::forget_token(&self.data_dir);
        Ok(incarnation)
    }

    async fn show(
        &self,
        parties: &Parties,
        rows: Vec<u8>,
        last: bool,
    ) -> Result<RestoredResponse, SyncError> {
        let Challenge { challenge, said, .. } = session::challenge(&*self.transport, parties).await?;
        let (edge, incarnation) = (parties.edge, parties.incarnation);
        let (link, epoch) = self
            .db
            .read(|conn| {
                Ok::<_, SyncError>((node::link(conn)?.ok_or(SyncError::NotEnrolled)?, node::epoch(conn)?))
            })
            .await?;
        let signed = identity::after_restore(edge, incarnation, &challenge, link.number, &rows);
        let question = RestoredRequest {
            edge,
            incarnation,
            epoch,
            challenge: said,
            link: LinkJson {
                number: link.number,
                random: BASE64.encode(link.random),
                mac: BASE64.encode(link.mac),
            },
            rows: BASE64.encode(&rows),
            last,
            signature: BASE64.encode(self.identity.sign(&signed)),
        };
        session::ask(&*self.transport, RESTORED_PATH, &question).await
    }
}

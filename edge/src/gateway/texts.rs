//! Incoming SMS and delivery reports: each is taken once, however often the gateway brings it. The gateway is told that it has been
//! taken only when it has: what cannot be kept now it brings again.

use super::{Desk, Line, store};
use crate::db::DbError;
use crate::outbox::{self, Kind, Outgoing, ReportOf, State};
use crate::sms::africastalking::{Delivery, DeliveryState, Inbound, Sender};
use crate::sms::{Answer, Consent, Incoming, Recent, answer};
use crate::time;
use mizili_node::deps::Reading;
use rusqlite::Connection;
use std::sync::Arc;
use sync_protocol::phone::Phone;

/// Seconds of an hour, in which answers to one number are counted.
const HOUR_S: i64 = 3_600;

impl Desk {
    /// Takes one incoming SMS and queues its answer, if it gets one.
    ///
    /// # Errors
    /// Those of the database: then nothing was taken, and the gateway has to bring it again.
    pub(super) async fn text_came(self: &Arc<Self>, line: &Arc<Line>, text: Inbound) -> Result<(), DbError> {
        let Sender::Phone(phone) = &text.from else {
            tracing::info!(id = text.id, "an SMS from a name, not a number: never answered");
            return Ok(());
        };
        let at = self.deps.clock.read();
        let (this, by, words, from) = (self.clone(), line.clone(), text.text.clone(), phone.clone());
        let decided = self.db.read(move |conn| this.decide(conn, &by, &words, &from, at)).await?;
        tracing::info!(
            phone = phone.masked(),
            id = text.id,
            consent = ?decided.consent,
            answered = decided.reply.is_some(),
            understood = !decided.not_understood,
            ours = decided.is_ours,
            "an SMS came"
        );
        let (name, number) = (line.name.clone(), phone.number());
        self.db
            .write(move |tx| {
                let now = time::now(tx, at)?;
                if !store::is_new_sms(tx, &name, &text.id, &now)? {
                    return Ok(());
                }
                match decided.consent {
                    Consent::Same => {}
                    Consent::OptOut => outbox::note_opt_out(tx, number, &now)?,
                    Consent::OptIn => outbox::note_opt_in(tx, number)?,
                }
                if decided.not_understood {
                    store::note_unknown_answered(tx, number, &now)?;
                }
                let Some(reply) = decided.reply else { return Ok(()) };
                let message = Outgoing {
                    phone: number,
                    text: reply,
                    kind: Kind::Reply,
                    about: format!("{name}/{}", text.id),
                    gateway: Some(name.to_string()),
                    link_id: text.link_id,
                };
                outbox::queue(tx, &message, &now).map(|_| ())
            })
            .await?;
        self.outbox_wake.notify_one();
        Ok(())
    }

    fn decide(
        &self,
        conn: &Connection,
        line: &Line,
        text: &str,
        phone: &Phone,
        at: Reading,
    ) -> Result<Answer, DbError> {
        let number = phone.number();
        let view = self.market.patient(conn, at)?;
        let recent = Recent {
            unknown_answered_s_ago: store::unknown_answered_s_ago(conn, number, view.now())?,
            answers_last_hour: outbox::replies_within(conn, number, HOUR_S, view.now())?,
            opted_out: outbox::has_opted_out(conn, number)?,
            is_known: outbox::was_written_to(conn, number)? || view.knows(number)?,
        };
        let Some(settings) = line.settings(&view) else {
            return Err(DbError::Other("this office has no currency yet".to_owned()));
        };
        let incoming = Incoming { phone, text, recent };
        answer(&view, &settings, &incoming, view.now().best())
            .map_err(|error| DbError::Other(error.to_string()))
    }

    /// Notes that a number wants no more messages, as its gateway was told.
    ///
    /// # Errors
    /// Those of the database.
    pub(super) async fn left(&self, line: &Line, phone: &Phone) -> Result<(), DbError> {
        let (number, at) = (phone.number(), self.deps.clock.read());
        self.db.write_grouped(move |tx| outbox::note_opt_out(tx, number, &time::now(tx, at)?)).await?;
        tracing::info!(gateway = &*line.name, phone = phone.masked(), "somebody wants no more messages");
        Ok(())
    }

    /// Takes one delivery report.
    ///
    /// # Errors
    /// Those of the database.
    pub(super) async fn report_came(&self, report: Delivery) -> Result<(), DbError> {
        let state = match &report.state {
            DeliveryState::Delivered => State::Delivered,
            DeliveryState::Failed => State::Failed,
            DeliveryState::Underway => return Ok(()),
            DeliveryState::Other(word) => {
                tracing::warn!(id = report.id, word, "a delivery report with a word that is not known");
                return Ok(());
            }
        };
        let at = self.deps.clock.read();
        let id = report.id.clone();
        let came_to = self
            .db
            .write_grouped(move |tx| {
                let note = if report.reason.is_empty() {
                    String::new()
                } else {
                    format!("{}: {}", report.status, report.reason)
                };
                let of = ReportOf { message_id: &report.id, state, note: &note, opted_out: report.opted_out };
                outbox::report(tx, &of, &time::now(tx, at)?)
            })
            .await?;
        tracing::info!(id, state = state.as_str(), ?came_to, "a delivery report");
        Ok(())
    }
}

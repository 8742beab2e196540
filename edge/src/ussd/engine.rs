//! Turns one request into one answer. Holds no state of its own; all of it is in the [`Session`] that comes and goes.
//!
//! It never acts: what a person confirmed leaves as an [`Intent`], and the answer waits for the [`Outcome`]. A dialled path
//! never gets further than the screen that asks for a confirmation.

use super::intent::{Intent, Outcome};
use super::market::{Market, Read};
use super::run::Run;
use super::session::{Draft, Pending, Reply, Session};
use super::settings::Settings;
use super::turn::{News, Turn};
use crate::text::{Lang, Messages, Msg};
use crate::time::Now;
use jiff::Timestamp;
use jiff::tz::TimeZone;
use sync_protocol::phone::Phone;
use sync_protocol::units::Month;
use uuid::Uuid;

/// The menu of one gateway.
#[derive(Clone)]
pub struct Engine {
    pub(super) words: &'static Messages,
    pub(super) settings: Settings,
}

/// What one request came to.
#[derive(Clone, Debug)]
pub struct Step {
    /// To be kept under (gateway, session id), unless `changed` is false. The session of a [`Next::Act`] is for
    /// [`Engine::finish`] only: never keep it, so that a crash in between is a retry and not a loss.
    pub session: Session,
    /// Whether there is anything to keep; a repeated request changes nothing.
    pub changed: bool,
    /// What to do.
    pub next: Next,
}

impl Step {
    /// What to keep under the caller's number when the session is kept; `None` deletes what is there.
    pub fn draft(&self) -> Option<&Draft> {
        self.session.draft()
    }
}

/// What to do with a step.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Next {
    /// Answer the gateway, once the session is kept.
    Reply(Reply),
    /// Execute this durably, then call [`Engine::finish`].
    Act(Intent),
}

impl Engine {
    /// A menu with these settings.
    pub fn new(settings: Settings) -> Self {
        Self { words: Messages::get(), settings }
    }

    /// The settings.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Answers one request. `session` is what is kept under (gateway, session id), unless it is older than the call can be;
    /// `draft` is what is kept under the number, read only where there is no session.
    ///
    /// # Errors
    /// When the market cannot be read. Nothing has changed then; answer with [`Engine::sorry`].
    pub fn turn(
        &self,
        market: &dyn Market,
        turn: &Turn,
        session: Option<Session>,
        draft: Option<Draft>,
        now: &Now,
        new_id: &mut dyn FnMut() -> Uuid,
    ) -> Read<Step> {
        let run = self.run(market, &turn.phone, now);
        let Some(session) = session else {
            return run.fresh(turn, turn.text.first(), draft, new_id);
        };
        if session.phone != turn.phone {
            // A session stays bound to its first number: another one learns nothing and changes nothing.
            let text = self.words.text(self.settings.lang, Msg::DialAgain);
            return Ok(Step { session, changed: false, next: Next::Reply(Reply { text, more: false }) });
        }
        match turn.text.news(&session.last_text, session.last_sequence) {
            News::Repeat => {
                let reply = session.last_reply.clone();
                Ok(Step { session, changed: false, next: Next::Reply(reply) })
            }
            News::Input(input) if !session.ended => run.input(turn, session, input, new_id),
            News::Input(text) | News::Restart(text) => run.fresh(turn, text, session.draft, new_id),
        }
    }

    /// Says what became of the intent of a [`Next::Act`]. Always gives a reply.
    pub fn finish(
        &self,
        market: &dyn Market,
        turn: &Turn,
        session: Session,
        outcome: &Outcome,
        now: &Now,
    ) -> Step {
        let run = self.run(market, &turn.phone, now);
        let pending = session.pending.unwrap_or(Pending::Draft);
        run.settle(turn, session, pending, outcome)
    }

    /// What to answer when nothing could be read or kept at all.
    pub fn sorry(&self, lang: Option<Lang>) -> Reply {
        Reply { text: self.words.text(lang.unwrap_or(self.settings.lang), Msg::Sorry), more: false }
    }

    fn run<'a>(&'a self, market: &'a dyn Market, phone: &'a Phone, now: &Now) -> Run<'a> {
        Run { engine: self, market, phone, now: *now, month: month_of(now.best()) }
    }
}

/// The month in which an instant is, in UTC: prices are monthly, so the hour does not matter.
pub(crate) fn month_of(now: Timestamp) -> Month {
    let date = now.to_zoned(TimeZone::UTC).date();
    let (year, month) = (u32::try_from(date.year()), u32::try_from(date.month()));
    year.ok().zip(month.ok()).and_then(|(year, month)| Month::new(year, month)).unwrap_or(Month(0))
}

//! What one request is answered: the screen on show, under a line where something is said first; what became of an act; the end of a call
//! after too many wrong keys. Like [`run`](super::run) it acts on nothing and keeps nothing.

use super::acts::Plan;
use super::engine::{Next, Step};
use super::examples::Examples;
use super::finish::outcome_text;
use super::intent::{NotTaken, Outcome};
use super::market::Read;
use super::menus::Screen;
use super::run::Run;
use super::session::{Pending, Reply, Session};
use super::turn::Turn;
use super::view::{fit, net, room_under};
use crate::text::Msg;
use crate::text::gsm7::SCREEN_AIM_SEPTETS;
use crate::text::keywords::start_word;

impl Run<'_> {
    /// Lays out the screen on show under a line on top, and notes what its numbers stand for.
    pub(super) fn lay_out(&self, session: &mut Session, top: Option<&str>) -> Read<String> {
        session.top_septets = top.map_or(0, |top| SCREEN_AIM_SEPTETS - room_under(top));
        let cx = self.cx(session.lang, SCREEN_AIM_SEPTETS - session.top_septets);
        let view = session.screen.show(&cx, session.draft.as_ref())?;
        session.shown = view.shown;
        session.next_offset = view.next_offset;
        Ok(match top {
            Some(top) => format!("{top}\n{}", view.text),
            None => view.text,
        })
    }

    /// Answers with the screen on show; with the outcome, where the draft behind it was acted on already.
    pub(super) fn answer(&self, turn: &Turn, mut session: Session, top: Option<String>) -> Read<Step> {
        if let Some(outcome) = self.known_form(&session)? {
            return Ok(self.settle(turn, session, Pending::Draft, &outcome));
        }
        let text = self.lay_out(&mut session, top.as_deref())?;
        Ok(self.close(turn, session, Reply { text, more: true }))
    }

    /// What became of an act: the last screen of the call, or the first one of what comes after registering.
    pub(super) fn settle(
        &self,
        turn: &Turn,
        mut session: Session,
        pending: Pending,
        outcome: &Outcome,
    ) -> Step {
        session.pending = None;
        session.wrong = 0;
        let good = !matches!(outcome, Outcome::NotTaken(_) | Outcome::Rejected(_));
        let plan = session.confirmed(pending);
        let act = plan.as_ref().map(Plan::act);
        if let (Some(lang), true) = (act.and_then(|act| act.language()), good) {
            session.lang = lang;
        }
        let cx = self.cx(session.lang, SCREEN_AIM_SEPTETS);
        let text = match &plan {
            Some(plan) => outcome_text(&cx, plan, outcome),
            None => cx.text(Msg::DialAgain),
        };
        let goal = act.filter(|_| good).and_then(|act| act.goes_on());
        // What was not taken may be tried again under the same id; a parked draft outlives a change of language.
        let may_be_taken_later = matches!(outcome, Outcome::NotTaken(NotTaken::Storage | NotTaken::Paused));
        if pending == Pending::Draft && !may_be_taken_later {
            session.draft = None;
        }
        let Some(goal) = goal else { return self.close(turn, session, Reply { text, more: false }) };
        session.go_home();
        if goal != Screen::Home {
            session.go(goal);
        }
        match self.lay_out(&mut session, Some(&text)) {
            Ok(screen) => self.close(turn, session, Reply { text: screen, more: true }),
            // It was done; that must be said even if nothing more can be read.
            Err(_) => self.close(turn, session, Reply { text, more: false }),
        }
    }

    /// Ends a call after too many wrong keys, with the SMS that does the same; where none does, with the one that asks for help.
    pub(super) fn stopped(&self, turn: &Turn, session: Session) -> Read<Step> {
        let cx = self.cx(session.lang, SCREEN_AIM_SEPTETS);
        let shared = cx.settings.sms_keyword.as_deref();
        let examples = Examples::new(self.market, cx.settings, cx.lang, cx.month);
        let sms = session.screen.sms(&examples)?;
        let help = start_word(cx.lang, Msg::KeywordHelp, shared);
        let kept = session.screen.is_form() && session.draft().is_some();
        let text = fit(cx.room, "", |_| {
            let text = match (&cx.settings.sms_number, &sms) {
                (Some(number), Some(sms)) => cx.fill(Msg::StoppedTo, &[("number", number), ("sms", sms)]),
                (Some(number), None) => cx.fill(Msg::StoppedHelp, &[("number", number), ("sms", &help)]),
                // Nobody here knows where to send one.
                (None, _) => cx.text(Msg::Stopped),
            };
            if kept { format!("{text}\n{}", cx.text(Msg::StoppedKept)) } else { text }
        });
        Ok(self.close(turn, session, Reply { text, more: false }))
    }

    /// Notes what the next request is compared with, and what is repeated to a repeat.
    fn close(&self, turn: &Turn, mut session: Session, mut reply: Reply) -> Step {
        reply.text = net(reply.text);
        (session.last_text, session.last_sequence) = turn.text.remember();
        session.last_reply = reply.clone();
        session.ended = !reply.more;
        if session.screen.is_form() {
            let screen = session.screen.clone();
            if let Some(draft) = &mut session.draft {
                draft.screen = screen;
                draft.touched_lived_s = self.now.lived_s;
            }
        }
        Step { session, changed: true, next: Next::Reply(reply) }
    }
}

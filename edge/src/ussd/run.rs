//! One request being worked on: applies inputs to a session and walks dialled paths. What is answered is laid out in
//! [`answer`](super::answer).
//!
//! The parts of the engine that [`super::Engine`] calls; here too nothing acts and nothing is kept.

use super::acts::Resumed;
use super::engine::{Engine, Next, Step};
use super::finish::outcome_text;
use super::intent::{Intent, Outcome};
use super::market::{Market, Read};
use super::menus::{Desk, Move, Screen, Told, trail};
use super::session::{Draft, Pending, Session};
use super::turn::Turn;
use super::view::{Cx, Foot, Hint, room_under};
use crate::text::gsm7::SCREEN_AIM_SEPTETS;
use crate::text::names::words;
use crate::text::{Lang, Msg};
use crate::time::Now;
use sync_protocol::phone::Phone;
use sync_protocol::units::Month;
use uuid::Uuid;

/// Wrong keys in a row that end a call.
const WRONG_MAX: u8 = 3;

/// Screens that a dialled path walks at most; what is behind them is left out.
const PATH_MAX_STEPS: usize = 20;

/// What applying one input came to.
enum Applied {
    /// Another screen; with a line on top.
    Moved(Option<String>),
    Wrong(Hint),
    /// What was chosen has gone: the screen on show is where another can be, if there is one.
    Gone,
    Act(Pending),
    /// The draft's command exists: this became of it.
    Known(Outcome),
}

/// One request being worked on.
pub(super) struct Run<'a> {
    pub(super) engine: &'a Engine,
    pub(super) market: &'a dyn Market,
    pub(super) phone: &'a Phone,
    pub(super) now: Now,
    pub(super) month: Month,
}

impl Run<'_> {
    pub(super) fn cx(&self, lang: Lang, room: usize) -> Cx<'_> {
        Cx {
            market: self.market,
            words: self.engine.words,
            settings: &self.engine.settings,
            phone: self.phone,
            lang,
            month: self.month,
            room,
        }
    }

    /// A call that is not known: from the first screen, or along a dialled path.
    pub(super) fn fresh(
        &self,
        turn: &Turn,
        text: &str,
        draft: Option<Draft>,
        new_id: &mut dyn FnMut() -> Uuid,
    ) -> Read<Step> {
        let lang = self.market.caller(self.phone)?.lang.unwrap_or(self.engine.settings.lang);
        let window_s = self.engine.settings.draft_window_s;
        let recent = |draft: &Draft| self.now.age_s(draft.touched_lived_s) <= window_s;
        let draft = draft.filter(|draft| recent(draft) && draft.plan.act().is_begun());
        let mut session = Session::new(self.phone, lang, draft);
        if !text.is_empty() {
            return self.path(turn, session, text, new_id);
        }
        if let Some(draft) = &session.draft {
            match self.known(draft)? {
                Some(outcome) => {
                    let cx = self.cx(lang, SCREEN_AIM_SEPTETS);
                    // It is kept as it is, so there must be room for a hint too.
                    let around = format!("{}\n{}", Hint::Choose.text(&cx), Foot::Home.line(&cx));
                    let cx = Cx { room: room_under(&around), ..cx };
                    let text = outcome_text(&cx, &draft.plan, &outcome);
                    session.screen = Told { text }.into();
                    session.draft = None;
                }
                None => session.screen = Screen::Resume,
            }
        }
        self.answer(turn, session, None)
    }

    /// Walks a dialled path, as far as it goes without a mistake and without acting.
    fn path(
        &self,
        turn: &Turn,
        mut session: Session,
        text: &str,
        new_id: &mut dyn FnMut() -> Uuid,
    ) -> Read<Step> {
        self.lay_out(&mut session, None)?;
        let mut top = None;
        for input in text.split('*').take(PATH_MAX_STEPS) {
            match self.apply(&mut session, input, new_id)? {
                Applied::Moved(line) => {
                    top = line;
                    self.lay_out(&mut session, None)?;
                }
                Applied::Wrong(hint) => {
                    session.wrong = 1;
                    top = Some(hint.text(&self.cx(session.lang, SCREEN_AIM_SEPTETS)));
                    break;
                }
                // What follows on the path was meant for what has gone.
                Applied::Gone => {
                    top = Some(self.gone(&mut session)?);
                    break;
                }
                // Never on a path: the person has not seen what would be confirmed.
                Applied::Act(_) => break,
                Applied::Known(outcome) => return Ok(self.settle(turn, session, Pending::Draft, &outcome)),
            }
        }
        self.answer(turn, session, top)
    }

    /// One input on the screen on show.
    pub(super) fn input(
        &self,
        turn: &Turn,
        mut session: Session,
        input: &str,
        new_id: &mut dyn FnMut() -> Uuid,
    ) -> Read<Step> {
        match self.apply(&mut session, input, new_id)? {
            Applied::Moved(line) => {
                session.wrong = 0;
                self.answer(turn, session, line)
            }
            Applied::Wrong(hint) => {
                session.wrong = session.wrong.saturating_add(1);
                if session.wrong >= WRONG_MAX {
                    return self.stopped(turn, session);
                }
                let top = hint.text(&self.cx(session.lang, SCREEN_AIM_SEPTETS));
                self.answer(turn, session, Some(top))
            }
            Applied::Gone => {
                session.wrong = 0;
                let top = self.gone(&mut session)?;
                self.answer(turn, session, Some(top))
            }
            Applied::Known(outcome) => Ok(self.settle(turn, session, Pending::Draft, &outcome)),
            Applied::Act(pending) => match self.intent(&session, pending) {
                Some(intent) => {
                    session.wrong = 0;
                    session.pending = Some(pending);
                    Ok(Step { session, changed: true, next: Next::Act(intent) })
                }
                // Something is missing from the draft, which no way through the screens leads to.
                None => {
                    session.draft = None;
                    session.go_home();
                    self.answer(turn, session, None)
                }
            },
        }
    }

    fn apply(&self, session: &mut Session, input: &str, new_id: &mut dyn FnMut() -> Uuid) -> Read<Applied> {
        if let Some(outcome) = self.known_form(session)? {
            return Ok(Applied::Known(outcome));
        }
        let input = input.trim();
        match (input, session.next_offset) {
            ("00", _) => {
                session.go_home();
                return Ok(Applied::Moved(None));
            }
            ("0", _) if session.screen != Screen::Home => {
                session.go_back();
                return Ok(Applied::Moved(None));
            }
            ("98", Some(offset)) => {
                let page = session.screen.moved_to(offset);
                session.go(page);
                return Ok(Applied::Moved(None));
            }
            _ => {}
        }
        let cx = self.cx(session.lang, SCREEN_AIM_SEPTETS);
        let screen = session.screen.clone();
        let written = self.row_written(session, input)?;
        let input = written.as_deref().unwrap_or(input);
        let mut desk = Desk {
            draft: &mut session.draft,
            lang: &mut session.lang,
            shown: &session.shown,
            new_id,
            lived_s: self.now.lived_s,
        };
        match screen.take(&cx, &mut desk, input)? {
            Move::Stay(hint) => return Ok(Applied::Wrong(hint)),
            Move::Gone => {
                if session.screen.is_form() && session.draft.is_none() {
                    session.go_back();
                }
                return Ok(Applied::Gone);
            }
            Move::Act(pending) => return Ok(Applied::Act(pending)),
            Move::Go(screen) => session.go(screen),
            Move::Home => session.go_home(),
            Move::Dropped => {
                session.draft = None;
                session.go_home();
                return Ok(Applied::Moved(Some(cx.text(Msg::Dropped))));
            }
            Move::Resume => return self.resume(session),
        }
        Ok(Applied::Moved(None))
    }

    /// The number of the row of a list or menu whose words were typed as the screen shows them; `None` for anything else.
    fn row_written(&self, session: &Session, input: &str) -> Read<Option<String>> {
        if !input.contains(char::is_alphabetic) {
            return Ok(None);
        }
        let typed = words(input);
        // Names are shortened to the room that there is: as it was when they were shown.
        let cx = self.cx(session.lang, SCREEN_AIM_SEPTETS.saturating_sub(session.top_septets));
        let view = session.screen.show(&cx, session.draft.as_ref())?;
        let rows = view.text.lines().skip(1).filter_map(|line| line.split_once(' '));
        let mut rows = rows
            .filter(|(number, label)| matches!(number.as_bytes(), [b'1'..=b'9']) && words(label) == typed);
        let row = rows.next().map(|(number, _)| number.to_owned());
        Ok(row.filter(|_| rows.next().is_none()))
    }

    /// What is said of something that has gone, over the screen on show: to choose another where it has one.
    fn gone(&self, session: &mut Session) -> Read<String> {
        let hint = Hint::Gone;
        let cx = self.cx(session.lang, SCREEN_AIM_SEPTETS);
        self.lay_out(session, Some(&hint.text(&cx)))?;
        let hint = if session.shown.is_empty() { Hint::GoneAll } else { hint };
        Ok(hint.text(&cx))
    }

    /// Goes on with the draft where it stood, or as far as it still holds. One that is gone is given up.
    fn resume(&self, session: &mut Session) -> Read<Applied> {
        let Some(draft) = &mut session.draft else {
            session.go_home();
            return Ok(Applied::Moved(None));
        };
        let cx = self.cx(session.lang, SCREEN_AIM_SEPTETS);
        match draft.plan.act().resume(&cx)? {
            Resumed::AsItStood => {}
            Resumed::From(screen) => draft.screen = screen,
            Resumed::Gone(to_another) => {
                session.draft = None;
                session.go_home();
                session.go(to_another);
                return Ok(Applied::Gone);
            }
        }
        if let Some(lang) = draft.plan.act().language() {
            session.lang = lang;
        }
        session.back = trail(draft);
        session.screen = draft.screen.clone();
        Ok(Applied::Moved(None))
    }

    /// What became of the command of a draft; `None` while it may still be made.
    fn known(&self, draft: &Draft) -> Read<Option<Outcome>> {
        let outcome = self.market.outcome(draft.command_id)?;
        Ok(outcome.filter(|outcome| !matches!(outcome, Outcome::NotTaken(_))))
    }

    /// The same, where the screen on show works on it, or asks about it: what was under way when a call dropped may be done by now.
    pub(super) fn known_form(&self, session: &Session) -> Read<Option<Outcome>> {
        match &session.draft {
            Some(draft) if session.screen.is_form() || session.screen == Screen::Resume => self.known(draft),
            _ => Ok(None),
        }
    }

    fn intent(&self, session: &Session, pending: Pending) -> Option<Intent> {
        let command_id = match (pending, &session.screen) {
            (Pending::Draft, _) => session.draft.as_ref()?.command_id,
            (Pending::Language(_), Screen::Language(choice)) => choice.command_id,
            (Pending::Language(_), _) => return None,
        };
        let plan = session.confirmed(pending).filter(|plan| plan.act().is_whole())?;
        Some(Intent { command_id, phone: self.phone.clone(), plan })
    }
}

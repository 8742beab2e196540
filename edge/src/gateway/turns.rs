//! One callback of a call: finds the call, asks the engine, does what was confirmed, keeps what came of it, answers.
//!
//! A callback that comes twice waits for the first one and gets its answer. What acts is on disk, with the call's next state, before
//! it is answered. Nothing that a caller types may stop it: the worst is a plain sentence.

use super::calls::{Call, Slot};
use super::{Desk, Line, acts, store};
use crate::db::DbError;
use crate::market_view::{Moment, View, ViewError};
use crate::text::{Lang, Messages, Msg};
use crate::ussd::{
    Draft, Engine, Intent, Next, NotTaken, Outcome, Reply, Session, Settings, Step, Turn, TurnText,
};
use mizili_node::deps::Reading;
use rusqlite::Transaction;
use std::sync::Arc;
use sync_protocol::units::Currency;

/// What was read for a turn and came of it.
struct Walked {
    step: Step,
    /// Whether the number leaves something else than before.
    leaves_else: bool,
}

/// What a walk through the menu came to.
enum Came {
    /// An answer.
    Reply(Reply),
    /// To something that acts, and the call that it belongs to.
    Act(Box<(Session, Intent)>),
}

impl Desk {
    /// Answers one callback.
    ///
    /// What this future holds is paid for by every price screen, so all that is large or seldom needed is boxed.
    pub(super) async fn turn(self: &Arc<Self>, line: &Arc<Line>, turn: Turn) -> Reply {
        let call = self.calls.get(&line.name, &turn.session_id);
        let mut slot = call.slot.lock().await;
        let at = self.deps.clock.read();
        let came = match self.turn_quick(line, &turn, &call, &mut slot, at) {
            Some(came) => came,
            None => Box::pin(self.turn_patient(line, &turn, &call, &mut slot, at)).await,
        };
        match came {
            Came::Reply(reply) => reply,
            Came::Act(doing) => {
                let (session, intent) = *doing;
                Box::pin(self.act(line, &call, &mut slot, turn, session, intent, at)).await
            }
        }
    }

    /// In this thread; `None` where much would have to be read.
    fn turn_quick(
        &self,
        line: &Line,
        turn: &Turn,
        call: &Arc<Call>,
        slot: &mut Slot,
        at: Reading,
    ) -> Option<Came> {
        match self.walk_quick(line, turn, slot, at) {
            Ok(walked) => Some(self.walked(turn, call, slot, walked)),
            Err(ViewError::Long) => None,
            Err(ViewError::Db(error)) => Some(Came::Reply(unreadable(line, turn, &error))),
        }
    }

    async fn turn_patient(
        self: &Arc<Self>,
        line: &Arc<Line>,
        turn: &Turn,
        call: &Arc<Call>,
        slot: &mut Slot,
        at: Reading,
    ) -> Came {
        match self.walk_patient(line, turn, slot, at).await {
            Ok(walked) => self.walked(turn, call, slot, walked),
            Err(error) => Came::Reply(unreadable(line, turn, &error)),
        }
    }

    /// Keeps what a walk came to.
    fn walked(&self, turn: &Turn, call: &Arc<Call>, slot: &mut Slot, walked: Walked) -> Came {
        let Walked { step, leaves_else } = walked;
        slot.is_loaded = true;
        slot.phone = turn.phone.number();
        tracing::debug!(
            phone = turn.phone.masked(),
            session = turn.session_id,
            network = turn.network,
            screen = step.session.screen_name(),
            "a step through the menu"
        );
        match step.next {
            Next::Reply(reply) => {
                if step.changed {
                    if leaves_else {
                        self.calls.drafts.leave(slot.phone, step.session.draft().cloned());
                    }
                    slot.session = Some(step.session);
                    self.calls.changed(call);
                } else if slot.session.is_none() {
                    // Read from the disk, as it stands there.
                    slot.session = Some(step.session);
                }
                Came::Reply(reply)
            }
            Next::Act(intent) => Came::Act(Box::new((step.session, intent))),
        }
    }

    /// In this thread: for what is in memory, or one look-up away.
    fn walk_quick(&self, line: &Line, turn: &Turn, slot: &Slot, at: Reading) -> Result<Walked, ViewError> {
        let known = self.known(slot, turn);
        let moment = Moment { clocks: at, commits: self.db.commits() };
        self.db.read_blocking(|conn| {
            let view = self.market.quick(conn, moment)?;
            let walked = self.walk(line, &view, turn, known);
            if view.was_long() { Err(ViewError::Long) } else { walked }
        })
    }

    /// In a thread that may take its time.
    async fn walk_patient(
        self: &Arc<Self>,
        line: &Arc<Line>,
        turn: &Turn,
        slot: &Slot,
        at: Reading,
    ) -> Result<Walked, DbError> {
        let (this, line, turn, known) = (self.clone(), line.clone(), turn.clone(), self.known(slot, turn));
        let walked = self.db.read(move |conn| {
            let view = this.market.patient(conn, at)?;
            this.walk(&line, &view, &turn, known)
        });
        walked.await.map_err(|error| match error {
            ViewError::Db(error) => error,
            ViewError::Long => DbError::Other("a patient view gave up".to_owned()),
        })
    }

    fn walk(&self, line: &Line, view: &View<'_>, turn: &Turn, known: Known) -> Result<Walked, ViewError> {
        let Some(engine) = line.engine(view) else {
            return Err(DbError::Other("this office has no currency yet".to_owned()).into());
        };
        let session = match known.session {
            Some(session) => Some(session),
            None if known.is_loaded => None,
            None => self.kept(view, line, turn)?,
        };
        let draft: Option<Draft> = match (&session, known.left) {
            (Some(_), _) => None,
            (None, Some(left)) => left,
            (None, None) => store::draft(view.conn(), turn.phone.number())?,
        };
        let before = session.as_ref().map_or(draft.as_ref(), Session::draft).cloned();
        let mut new_id = || self.deps.ids.uuid_v7();
        let step = engine
            .turn(view, turn, session, draft, view.now(), &mut new_id)
            .map_err(|error| DbError::Other(error.to_string()))?;
        let leaves_else = step.draft() != before.as_ref();
        Ok(Walked { step, leaves_else })
    }

    /// What is in memory for a turn. To be asked before anything is read.
    fn known(&self, slot: &Slot, turn: &Turn) -> Known {
        let session = slot.session.clone();
        // A call that goes on has its own.
        let left = if session.is_none() { self.calls.drafts.of(turn.phone.number()) } else { None };
        Known { is_loaded: slot.is_loaded, session, left }
    }

    /// The call as the disk has it. One that an earlier start of the program wrote may lack the last keys: where more than one is
    /// new, it is walked anew along all of them, which never acts.
    fn kept(&self, view: &View<'_>, line: &Line, turn: &Turn) -> Result<Option<Session>, DbError> {
        let kept = store::call(view.conn(), &line.name, &turn.session_id, view.now())?;
        let Some(kept) = kept else { return Ok(None) };
        let is_whole = kept.run == self.calls.run || !lacks_keys(&kept.session, &turn.text);
        Ok(is_whole.then_some(kept.session))
    }

    /// Does what was confirmed.
    #[expect(clippy::too_many_arguments, reason = "what one turn has in hand")]
    async fn act(
        self: &Arc<Self>,
        line: &Arc<Line>,
        call: &Arc<Call>,
        slot: &mut Slot,
        turn: Turn,
        session: Session,
        intent: Intent,
        at: Reading,
    ) -> Reply {
        let (phone, session_id) = (turn.phone.masked(), turn.session_id.clone());
        let what = intent.plan.name();
        let done = self.act_on_disk(line, call, turn.clone(), session.clone(), intent, at).await;
        let step = match done {
            Ok((step, outcome)) => {
                tracing::info!(phone, session = session_id, what, ?outcome, "an act by phone");
                // The receipt waits in the outbox.
                self.outbox_wake.notify_one();
                step
            }
            Err(error) => {
                tracing::error!(%error, phone, session = session_id, what, "an act by phone was NOT taken");
                match self.not_taken(line, turn, session, at).await {
                    Ok(step) => {
                        self.calls.drafts.leave(slot.phone, step.draft().cloned());
                        step
                    }
                    Err(error) => {
                        tracing::error!(%error, "nor can the menu be read");
                        return sorry(line.lang);
                    }
                }
            }
        };
        slot.session = Some(step.session);
        match step.next {
            Next::Reply(reply) => reply,
            // The engine gives a reply after an act.
            Next::Act(_) => sorry(line.lang),
        }
    }

    /// Command, call and draft in one transaction. It goes on where nobody waits for the answer any more: the number's next call must not
    /// read from the disk before it is there.
    async fn act_on_disk(
        self: &Arc<Self>,
        line: &Arc<Line>,
        call: &Arc<Call>,
        turn: Turn,
        session: Session,
        intent: Intent,
        at: Reading,
    ) -> Result<(Step, Outcome), DbError> {
        let (this, line, call) = (self.clone(), line.clone(), call.clone());
        let acting = self.calls.acts(&call, turn.phone.number());
        let act = tokio::spawn(async move {
            let (desk, of) = (this.clone(), call.clone());
            let done = this.db.write(move |tx| desk.take(tx, &line, &of, &turn, session, &intent, at)).await;
            let is_left = acting.over(done.is_ok());
            if is_left || done.is_err() {
                this.calls.changed(&call);
            }
            done
        });
        act.await.unwrap_or_else(|error| Err(DbError::Other(error.to_string())))
    }

    /// What an act writes.
    #[expect(clippy::too_many_arguments, reason = "what one turn has in hand")]
    fn take(
        &self,
        tx: &Transaction<'_>,
        line: &Line,
        call: &Call,
        turn: &Turn,
        session: Session,
        intent: &Intent,
        at: Reading,
    ) -> Result<(Step, Outcome), DbError> {
        let outcome = acts::execute(tx, &self.deps, intent, session.lang(), line.walker.as_ref())?;
        let view = self.market.inside(tx, at)?;
        let Some(engine) = line.engine(&view) else {
            return Err(DbError::Other("this office has no currency yet".to_owned()));
        };
        let step = engine.finish(&view, turn, session, &outcome, view.now());
        let state = step.session.to_json();
        store::put_call(tx, &call.gateway, &call.session_id, self.calls.run, &state, view.now())?;
        let draft = step.draft().map(store::KeptDraft::from);
        store::put_draft(tx, turn.phone.number(), draft.as_ref())?;
        Ok((step, outcome))
    }

    /// The screen that says so.
    async fn not_taken(
        self: &Arc<Self>,
        line: &Arc<Line>,
        turn: Turn,
        session: Session,
        at: Reading,
    ) -> Result<Step, DbError> {
        let (this, line) = (self.clone(), line.clone());
        self.db
            .read(move |conn| {
                let view = this.market.patient(conn, at)?;
                let Some(engine) = line.engine(&view) else {
                    return Err(DbError::Other("this office has no currency yet".to_owned()));
                };
                let outcome = Outcome::NotTaken(NotTaken::Storage);
                Ok(engine.finish(&view, &turn, session, &outcome, view.now()))
            })
            .await
    }
}

/// What a slot knows of its call.
struct Known {
    is_loaded: bool,
    session: Option<Session>,
    /// What the number has left, where that is not on the disk yet.
    left: Option<Option<Draft>>,
}

impl Line {
    /// The menu as it is now; `None` where not even the currency is known.
    pub(super) fn engine(&self, view: &View<'_>) -> Option<Engine> {
        self.settings(view).map(Engine::new)
    }

    /// The settings of menu and SMS answers.
    pub(super) fn settings(&self, view: &View<'_>) -> Option<Settings> {
        let place = view.place();
        let currency = place.currency.or_else(|| Currency::new(self.country.currency))?;
        let filled = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        Some(Settings {
            service_code: filled(&self.service_code),
            sms_number: filled(&self.sms_number),
            sms_keyword: filled(&self.gateway.sms_keyword),
            ..Settings::new(self.lang, currency, &place.example_market)
        })
    }
}

/// Whether more than one key is new.
fn lacks_keys(session: &Session, text: &TurnText) -> bool {
    let TurnText::Cumulative(text) = text else { return false };
    let rest = text.strip_prefix(session.last_text()).unwrap_or_default();
    rest.strip_prefix('*').unwrap_or(rest).contains('*')
}

fn unreadable(line: &Line, turn: &Turn, error: &DbError) -> Reply {
    tracing::error!(%error, phone = turn.phone.masked(), session = turn.session_id, "a menu cannot be read");
    sorry(line.lang)
}

/// What is said when nothing can be read.
pub(super) fn sorry(lang: Lang) -> Reply {
    Reply { text: Messages::get().text(lang, Msg::Sorry), more: false }
}

/// What is said when the gateway's own words cannot be understood.
pub(super) fn misread(lang: Lang) -> Reply {
    Reply { text: Messages::get().text(lang, Msg::Misread), more: false }
}

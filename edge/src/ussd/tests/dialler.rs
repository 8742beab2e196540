//! A telephone and a gateway for tests, with the store that a real caller keeps: everything goes through JSON.

use crate::text::Lang;
use crate::time::Now;
use crate::ussd::fake::{Fake, currency};
use crate::ussd::{
    Becomes, Draft, Engine, Intent, Next, Reply, Session, Settings, Step, Turn, TurnText, Who,
};
use std::collections::HashMap;
use sync_protocol::market::{Body, Channel};
use sync_protocol::phone::Phone;
use uuid::Uuid;

pub(in crate::ussd) const NUMBER: &str = "+265999123432";

pub(in crate::ussd) fn settings() -> Settings {
    Settings {
        service_code: Some("*384*55#".into()),
        sms_number: Some("21512".into()),
        ..Settings::new(Lang::En, currency("MWK"), "Lilongwe")
    }
}

pub(in crate::ussd) struct Dialler {
    pub(in crate::ussd) fake: Fake,
    pub(in crate::ussd) engine: Engine,
    pub(in crate::ussd) sessions: HashMap<String, String>,
    pub(in crate::ussd) draft: Option<String>,
    pub(in crate::ussd) now: Now,
    pub(in crate::ussd) intents: Vec<Intent>,
    /// Dies between the act and the store, once.
    pub(in crate::ussd) crash_after_act: bool,
    next_id: u128,
    call: u32,
    text: String,
}

impl Dialler {
    pub(in crate::ussd) fn new(fake: Fake) -> Self {
        Self {
            fake,
            engine: Engine::new(settings()),
            sessions: HashMap::new(),
            draft: None,
            // 2026-11-22 10:00 UTC.
            now: Now { best_s: 1_795_341_600, lived_s: 1_000, heard_s: 0 },
            intents: Vec::new(),
            crash_after_act: false,
            next_id: 1_000,
            call: 0,
            text: String::new(),
        }
    }

    /// A new call with nothing behind the code.
    pub(in crate::ussd) fn dial(&mut self) -> String {
        self.dial_path("")
    }

    /// A new call along a path: `*384*55*1*2#`.
    pub(in crate::ussd) fn dial_path(&mut self, path: &str) -> String {
        self.call += 1;
        self.text = path.to_owned();
        self.repeat()
    }

    /// Types on the screen on show.
    pub(in crate::ussd) fn press(&mut self, input: &str) -> String {
        if !self.text.is_empty() {
            self.text.push('*');
        }
        self.text.push_str(input);
        self.repeat()
    }

    /// Types one after the other; the last answer.
    pub(in crate::ussd) fn walk(&mut self, inputs: &[&str]) -> String {
        inputs.iter().map(|input| self.press(input)).last().unwrap()
    }

    /// The same request once more.
    pub(in crate::ussd) fn repeat(&mut self) -> String {
        let (session, text) = (format!("call-{}", self.call), TurnText::Cumulative(self.text.clone()));
        self.post(&session, NUMBER, text).map_or_else(|| "(no answer)".to_owned(), |reply| reply.text)
    }

    /// One request, as the HTTP half does it. `None` when the box died over it.
    pub(in crate::ussd) fn post(&mut self, session_id: &str, number: &str, text: TurnText) -> Option<Reply> {
        let turn = Turn {
            session_id: session_id.into(),
            phone: Phone::parse(number).unwrap(),
            service_code: "*384*55#".into(),
            network: String::new(),
            text,
        };
        let session = self.sessions.get(session_id).map(|json| Session::from_json(json).unwrap());
        let draft = self.draft.as_ref().map(|json| Draft::from_json(json).unwrap());
        let next_id = &mut self.next_id;
        let mut new_id = || {
            *next_id += 1;
            Uuid::from_u128(*next_id)
        };
        let step = match self.engine.turn(&self.fake, &turn, session, draft, &self.now, &mut new_id) {
            Ok(step) => step,
            Err(_) => return Some(self.engine.sorry(None)),
        };
        let step = match &step.next {
            Next::Reply(_) => step,
            Next::Act(intent) => {
                self.intents.push(intent.clone());
                let outcome = self.fake.execute(intent);
                if std::mem::take(&mut self.crash_after_act) {
                    return None;
                }
                self.engine.finish(&self.fake, &turn, step.session, &outcome, &self.now)
            }
        };
        Some(self.keep(session_id, step))
    }

    fn keep(&mut self, session_id: &str, step: Step) -> Reply {
        if step.changed {
            self.draft = step.draft().map(Draft::to_json);
            self.sessions.insert(session_id.to_owned(), step.session.to_json());
        }
        match step.next {
            Next::Reply(reply) => reply,
            Next::Act(_) => panic!("an act is finished before it is kept"),
        }
    }

    /// The name of the screen on show; `None` where the call is over.
    pub(in crate::ussd) fn screen(&self) -> Option<String> {
        let session = Session::from_json(self.sessions.get(&format!("call-{}", self.call))?).unwrap();
        (!session.ended).then(|| session.screen_name().to_owned())
    }

    /// What was executed, without ids and numbers.
    pub(in crate::ussd) fn done(&self) -> Vec<String> {
        self.fake.done.borrow().iter().map(|intent| format!("{:?}", intent.plan)).collect()
    }
}

pub(in crate::ussd) const PHONE: u64 = 265_999_876_432;

/// What an intent becomes at an office that sells in kwacha, of somebody who is no member.
pub(in crate::ussd) fn becomes(intent: &Intent) -> Option<Becomes> {
    let currency = Some(currency("MWK"));
    intent
        .plan
        .becomes(intent.command_id, &Who { phone: PHONE, member: None, channel: Channel::Ussd, currency })
}

pub(in crate::ussd) fn body(intent: &Intent) -> Body {
    match becomes(intent) {
        Some(Becomes::Command(body)) => body,
        other => unreachable!("{other:?} is no command"),
    }
}

pub(in crate::ussd) fn member() -> Dialler {
    Dialler::new(Fake::plain())
}

pub(in crate::ussd) fn stranger() -> Dialler {
    let dialler = member();
    *dialler.fake.member.borrow_mut() = None;
    dialler
}

//! Sends what is due, one message at a time. What may leave is on disk as leaving before it does; what the gateway said of it is on
//! disk before the next. A message that may have gone out is tried once more: better twice than never.

use super::db::{self, Stored, Word};
use super::rules::{TRIES_MAX, UNCLEAR_PAUSE_S, UNCLEAR_TRIES_MAX, backoff_s, day_lasts_s, day_of};
use super::{Kind, State};
use crate::config::{Config, Gateway};
use crate::db::{Db, DbError};
use crate::line::tls::{self, BestTime};
use crate::sms::africastalking::{self, Sent};
use crate::time::{self, Now, utc_offset_s};
use futures_util::StreamExt as _;
use mizili_node::deps::Deps;
use std::sync::Arc;
use std::time::Duration;
use sync_protocol::phone::Phone;
use tokio::sync::{Notify, watch};

/// How long a gateway may take to answer.
const PATIENCE: Duration = Duration::from_secs(30);

/// How often the queue is looked at when nobody says that something is in it: other programs of this box queue too.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How long a message on an order is put off which somebody takes back, before it is looked at again, in seconds.
const UNDECIDED_S: i64 = 600;

/// First and longest pause while nothing can be sent until an operator acts.
const HOLD: (Duration, Duration) = (Duration::from_secs(60), Duration::from_secs(1_800));

/// Bytes of an answer that are read.
const ANSWER_MAX_BYTES: usize = 64 << 10;

/// Sends the queue of one box.
pub struct Sender {
    db: Db,
    deps: Deps,
    config: Arc<Config>,
    client: reqwest::Client,
    /// What the gateway said of a message while the disk kept nothing.
    unkept: Option<(Stored, Sent)>,
    /// While the gateway refuses everything: nothing is sent before (on the monotonic clock), and the pause that was.
    held: Option<(Duration, Duration)>,
}

/// What one step came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// A message was dealt with; there may be another.
    Worked,
    /// Nothing is due.
    Idle,
    /// There is no gateway to send with.
    NoGateway,
}

impl Sender {
    /// A sender for the gateways of the settings.
    ///
    /// # Errors
    /// When this machine cannot make calls, in words.
    pub async fn new(db: Db, deps: Deps, config: Arc<Config>) -> Result<Self, String> {
        let is_plain = config.gateways.iter().all(|gateway| gateway.send_url().starts_with("http://"));
        let tls = if is_plain {
            tls::no_certificates()
        } else {
            let at = deps.clock.read();
            let heard = db.read(move |conn| time::last_heard(conn, at)).await;
            let heard = heard.map_err(|error| error.to_string())?;
            tls::client_config(Arc::new(BestTime::of(deps.clock.clone(), heard.as_ref())))
        };
        let client = reqwest::Client::builder()
            .tls_backend_preconfigured(tls.map_err(|error| error.to_string())?)
            .redirect(reqwest::redirect::Policy::none())
            .timeout(PATIENCE)
            .build()
            .map_err(|error| error.to_string())?;
        Ok(Self { db, deps, config, client, unkept: None, held: None })
    }

    /// Sends until told to stop. Never ends because of an error.
    pub async fn run(mut self, wake: Arc<Notify>, mut stop: watch::Receiver<bool>) {
        let mut has_looked = false;
        // Said once: a disk may be full for days.
        let mut said = String::new();
        loop {
            let worked = tokio::select! {
                step = self.look_and_step(&mut has_looked) => step,
                // What was under way is tried again at the next start.
                _ = stop.wait_for(|stop| *stop) => break,
            };
            match worked {
                Ok(Step::Worked) => {
                    said.clear();
                    continue;
                }
                Ok(Step::Idle | Step::NoGateway) => said.clear(),
                Err(error) => {
                    let words = error.to_string();
                    if words != said {
                        tracing::warn!("the outbox cannot be worked on: {words}");
                        said = words;
                    }
                }
            }
            tokio::select! {
                () = wake.notified() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stop.wait_for(|stop| *stop) => break,
            }
        }
        // Room may have been made since, and the next start would ask for it again.
        if let Some((message, sent)) = self.unkept.take() {
            let _ = self.keep(message, sent).await;
        }
    }

    async fn look_and_step(&mut self, has_looked: &mut bool) -> Result<Step, DbError> {
        if !*has_looked {
            self.recover().await?;
            *has_looked = true;
        }
        self.step().await
    }

    /// Looks at what was leaving when the program ended last: it may have gone out.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn recover(&self) -> Result<(), DbError> {
        let at = self.deps.clock.read();
        self.db
            .write_grouped(move |tx| {
                let now = time::now(tx, at)?;
                for id in db::interrupted(tx)? {
                    let (state, note) = if db::count_unclear(tx, id)? >= UNCLEAR_TRIES_MAX {
                        (State::Failed, "it may have gone out: this box stopped while sending")
                    } else {
                        (State::Queued, "this box stopped while sending")
                    };
                    db::set(tx, id, state, UNCLEAR_PAUSE_S, note, &now)?;
                }
                Ok(())
            })
            .await
    }

    /// Deals with one message that is due.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn step(&mut self) -> Result<Step, DbError> {
        if let Some((message, sent)) = self.unkept.clone() {
            self.keep(message, sent).await?;
            return Ok(Step::Worked);
        }
        if !self.config.gateways.iter().any(Gateway::can_send) {
            return Ok(Step::NoGateway);
        }
        if self.held.is_some_and(|(until, _)| self.deps.clock.monotonic() < until) {
            return Ok(Step::Idle);
        }
        let at = self.deps.clock.read();
        let due = self.db.read(move |conn| {
            let now = time::now(conn, at)?;
            Ok::<_, DbError>(db::due(conn, &now)?.map(|message| (message, now)))
        });
        let Some((message, now)) = due.await? else { return Ok(Step::Idle) };
        if self.put_off(&message, now).await? {
            return Ok(Step::Worked);
        }
        let named = message.gateway.clone();
        let mut able = self.config.gateways.iter().filter(|gateway| gateway.can_send());
        let Some(gateway) = able.find(|gateway| named.as_ref().is_none_or(|name| *name == gateway.name))
        else {
            // The gateway that it came by cannot send: another one may.
            let put = move |tx: &rusqlite::Transaction<'_>| {
                db::set(tx, message.id, State::Queued, UNCLEAR_PAUSE_S, "no gateway to send with", &now)
            };
            self.db.write_grouped(put).await?;
            return Ok(Step::Worked);
        };
        let (id, name) = (message.id, gateway.name.clone());
        // Another program of this box may have taken it back since it was read.
        if !self.db.write(move |tx| db::begin(tx, id, &name, &now)).await? {
            return Ok(Step::Worked);
        }
        let sent = self.post(gateway, &message).await;
        self.note_hold(&sent);
        log(&message, &sent);
        self.unkept = Some((message.clone(), sent.clone()));
        self.keep(message, sent).await?;
        Ok(Step::Worked)
    }

    /// Puts off what must not go now, and takes back what must never. True when it did.
    async fn put_off(&self, message: &Stored, now: Now) -> Result<bool, DbError> {
        let Stored { id, phone, kind, segments, .. } = *message;
        let (config, message) = (self.config.clone(), message.clone());
        self.db
            .write_grouped(move |tx| {
                let offset_s = utc_offset_s(&config.country);
                if kind != Kind::Reply && db::has_opted_out(tx, phone)? {
                    db::set(tx, id, State::Cancelled, 0, "the receiver sent STOP", &now)?;
                    return Ok(true);
                }
                let no_more = match db::word(tx, &message)? {
                    Word::Holds => None,
                    Word::Followed => Some((State::Cancelled, 0, "a later message says how it stands")),
                    Word::TakenBack => Some((State::Cancelled, 0, "the order was taken back")),
                    Word::Undecided => Some((State::Queued, UNDECIDED_S, "the order is being taken back")),
                };
                if let Some((state, pause_s, note)) = no_more {
                    db::set(tx, id, state, pause_s, note, &now)?;
                    return Ok(true);
                }
                if kind == Kind::Verdict
                    && let Some(pause_s) = config.sms.quiet_for_s(now.best_s, offset_s)
                {
                    db::set(tx, id, State::Queued, pause_s, "it waits for the morning", &now)?;
                    return Ok(true);
                }
                let used = db::segments_on(tx, day_of(now.best_s, offset_s))?;
                if used + u64::from(segments) > u64::from(config.sms.segments_per_day) {
                    let note = "today's budget for SMS is used up";
                    db::set(tx, id, State::Queued, day_lasts_s(now.best_s, offset_s), note, &now)?;
                    return Ok(true);
                }
                Ok(false)
            })
            .await
    }

    async fn post(&self, gateway: &Gateway, message: &Stored) -> Sent {
        let Ok(phone) = Phone::from_number(message.phone) else {
            return Sent::Failed("the receiver's number is none".to_owned());
        };
        let to = [phone];
        let from = Some(gateway.sender.as_str()).filter(|sender| !sender.is_empty());
        let form = africastalking::send_form(
            &gateway.username,
            &to,
            &message.text,
            from,
            message.link_id.as_deref(),
        );
        let request = self
            .client
            .post(gateway.send_url())
            .header("apiKey", &gateway.api_key)
            .header(reqwest::header::ACCEPT, "application/json")
            .form(&form);
        let answer = match request.send().await {
            Ok(answer) => answer,
            Err(error) if error.is_connect() => {
                return Sent::Retry("the gateway cannot be reached".to_owned());
            }
            Err(error) if error.is_builder() => {
                return Sent::Hold("the gateway's address or key cannot be used".to_owned());
            }
            Err(_) => return Sent::Unclear("the line broke while sending".to_owned()),
        };
        let status = answer.status().as_u16();
        let Some(body) = read(answer).await else {
            return Sent::Unclear("the gateway's answer did not arrive whole".to_owned());
        };
        let unjudged = || Sent::Unclear("the gateway's answer says nothing".to_owned());
        africastalking::judge(status, &body, &to).pop().unwrap_or_else(unjudged)
    }

    /// Keeps what the gateway said.
    async fn keep(&mut self, message: Stored, sent: Sent) -> Result<(), DbError> {
        let at = self.deps.clock.read();
        let tries = message.tries + 1;
        let [jitter] = self.deps.ids.random::<1>();
        let offset_s = utc_offset_s(&self.config.country);
        let phone = message.phone;
        self.db
            .write(move |tx| {
                let (id, now) = (message.id, time::now(tx, at)?);
                let again = |tx: &rusqlite::Transaction<'_>, is_last: bool, pause_s: i64, note: &str| {
                    let state = if is_last { State::Failed } else { State::Queued };
                    db::set(tx, id, state, pause_s, note, &now)
                };
                match sent {
                    Sent::Accepted { message_id, .. } => {
                        db::accepted(tx, id, &message_id, day_of(now.best_s, offset_s), &now)
                    }
                    Sent::Retry(note) => again(tx, tries >= TRIES_MAX, backoff_s(tries, jitter), &note),
                    Sent::Unclear(note) => {
                        let unclear = db::count_unclear(tx, id)?;
                        again(tx, unclear >= UNCLEAR_TRIES_MAX, UNCLEAR_PAUSE_S, &note)
                    }
                    Sent::Failed(note) => db::set(tx, id, State::Failed, 0, &note, &now),
                    Sent::Hold(note) => {
                        db::uncount(tx, id)?;
                        db::set(tx, id, State::Queued, 0, &note, &now)
                    }
                    Sent::OptedOut => {
                        db::set(tx, id, State::Failed, 0, "the receiver refuses messages", &now)?;
                        db::note_opt_out(tx, phone, &now)
                    }
                }
            })
            .await?;
        self.unkept = None;
        Ok(())
    }

    fn note_hold(&mut self, sent: &Sent) {
        let Sent::Hold(_) = sent else {
            self.held = None;
            return;
        };
        let pause = self.held.map_or(HOLD.0, |(_, pause)| (pause * 2).min(HOLD.1));
        self.held = Some((self.deps.clock.monotonic() + pause, pause));
    }
}

fn log(message: &Stored, sent: &Sent) {
    let to = Phone::from_number(message.phone).map_or_else(|_| String::new(), |phone| phone.masked());
    let (id, kind) = (message.id, message.kind.as_str());
    match sent {
        Sent::Accepted { cost, .. } => tracing::info!(id, kind, to, cost, "an SMS was sent"),
        Sent::Retry(note) | Sent::Unclear(note) => {
            tracing::warn!(id, kind, to, note, "an SMS was not sent yet")
        }
        Sent::Hold(note) => {
            tracing::error!(id, note, "no SMS can be sent until the gateway's settings are put right")
        }
        Sent::Failed(note) => tracing::warn!(id, kind, to, note, "an SMS failed"),
        Sent::OptedOut => tracing::info!(id, kind, to, "the receiver of an SMS refuses messages"),
    }
}

/// The body, if it arrives whole and is no longer than any real one.
async fn read(answer: reqwest::Response) -> Option<Vec<u8>> {
    let mut pieces = answer.bytes_stream();
    let mut body = Vec::new();
    while let Some(piece) = pieces.next().await {
        body.extend_from_slice(&piece.ok()?);
        if body.len() > ANSWER_MAX_BYTES {
            return None;
        }
    }
    Some(body)
}

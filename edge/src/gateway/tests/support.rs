//! A box with its router, a gateway that calls it, and a look into the database behind.

use crate::config::Config;
use crate::db::DbError;
use crate::gateway::Channels;
use crate::outbox::{self, Kind, Outgoing, Stored};
use crate::serve::router::router;
use crate::state::AppState;
use crate::sync::run::SyncHandle;
use crate::testing::{MEMBER_PHONE, TestEdge};
use crate::time::Now;
use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Request, StatusCode, header};
use std::net::SocketAddr;
use std::path::Path;
use tower::ServiceExt as _;

pub(super) const SECRET: &str = "0123456789abcdef";

/// A whole box.
pub(super) struct Office {
    pub(super) edge: TestEdge,
    settings: String,
    router: Router,
    pub(super) channels: Channels,
}

/// What a callback got.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Answer {
    pub(super) status: StatusCode,
    pub(super) body: String,
}

impl Office {
    /// With the sample market.
    pub(super) fn new() -> Self {
        Self::with(TestEdge::with_market(), "")
    }

    /// With more lines for its gateway's section.
    pub(super) fn with(edge: TestEdge, more: &str) -> Self {
        let settings = format!(
            "country = \"MWI\"\n[sms]\nquiet_from = 0\nquiet_to = 0\n\
             [[gateway]]\nkind = \"africastalking\"\nsecret = \"{SECRET}\"\n{more}\n"
        );
        let (router, channels) = start(&edge, &settings);
        Self { edge, settings, router, channels }
    }

    /// Stops without a word, as a power cut does, and starts again with the same folder.
    pub(super) fn killed(self) -> Self {
        self.killed_and(|_| ())
    }

    /// The same, with something done to the folder in between.
    pub(super) fn killed_and(self, meanwhile: impl FnOnce(&Path)) -> Self {
        let Self { edge, settings, router, channels } = self;
        drop((router, channels));
        let edge = edge.restart(meanwhile);
        let (router, channels) = start(&edge, &settings);
        Self { edge, settings, router, channels }
    }

    pub(super) async fn post(&self, path: &str, body: impl Into<Body>) -> Answer {
        self.post_with(path, body, HeaderMap::new(), Some("127.0.0.1")).await
    }

    pub(super) async fn post_with(
        &self,
        path: &str,
        body: impl Into<Body>,
        headers: HeaderMap,
        from: Option<&str>,
    ) -> Answer {
        let mut request = Request::post(path)
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .body(body.into())
            .unwrap();
        request.headers_mut().extend(headers);
        if let Some(from) = from {
            request.extensions_mut().insert(ConnectInfo(SocketAddr::new(from.parse().unwrap(), 40_000)));
        }
        let answer = self.router.clone().oneshot(request).await.unwrap();
        let status = answer.status();
        let body = to_bytes(answer.into_body(), 100_000).await.unwrap();
        Answer { status, body: String::from_utf8(body.to_vec()).unwrap() }
    }

    /// A callback of a call of Mercy Banda's, as Africa's Talking sends it.
    pub(super) async fn key(&self, session: &str, text: &str) -> String {
        self.key_of(MEMBER_PHONE, session, text).await
    }

    /// The same, of somebody else.
    pub(super) async fn key_of(&self, phone: u64, session: &str, text: &str) -> String {
        let answer = self.post(&ussd_path(), ussd_form(phone, session, text)).await;
        assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
        answer.body
    }

    /// The name of the screen that a call shows.
    pub(super) async fn screen_of(&self, session: &str) -> Option<String> {
        let call = self.channels.desk.calls.get(&self.channels.desk.lines[0].name, session);
        let slot = call.slot.lock().await;
        slot.session.as_ref().map(|session| session.screen_name().to_owned())
    }

    /// A call from the start, one key after the other; the last screen and the whole text.
    pub(super) async fn walk(&self, session: &str, keys: &[&str]) -> (String, String) {
        let mut text = String::new();
        let mut screen = self.key(session, "").await;
        for key in keys {
            text = if text.is_empty() { (*key).to_owned() } else { format!("{text}*{key}") };
            screen = self.key(session, &text).await;
        }
        (screen, text)
    }

    /// An incoming SMS.
    pub(super) async fn sms(&self, id: &str, phone: u64, text: &str) -> Answer {
        let from = format!("+{phone}");
        let form = encode(&[
            ("linkId", "03090445075804249226"),
            ("text", text),
            ("to", "21512"),
            ("id", id),
            ("date", "2026-03-01 08:00:00"),
            ("from", &from),
        ]);
        self.post(&format!("/gateway/africastalking/{SECRET}/sms"), form).await
    }

    /// Commands in the log.
    pub(super) fn commands(&self) -> u64 {
        self.edge.read(|conn| -> Result<u64, DbError> {
            Ok(conn.query_row("SELECT count(*) FROM command", [], |row| row.get(0))?)
        })
    }

    /// Messages in the outbox, the oldest first.
    pub(super) fn messages(&self) -> Vec<Stored> {
        let mut list = self.edge.read(|conn| outbox::list(conn, None, None, 100));
        list.reverse();
        list
    }

    /// What the messages to a number say.
    pub(super) fn texts_to(&self, phone: u64) -> Vec<String> {
        self.messages()
            .into_iter()
            .filter(|message| message.phone == phone)
            .map(|message| message.text)
            .collect()
    }

    /// Lets the disk have so many pages more than are used, and no more.
    pub(super) fn leave_pages(&self, pages: i64) {
        self.edge.write(move |tx| -> Result<i64, DbError> {
            let number = |pragma: &str| -> Result<i64, DbError> {
                Ok(tx.query_row(&format!("PRAGMA {pragma}"), [], |row| row.get(0))?)
            };
            // Pages that a step of the schema has left unused.
            tx.execute("CREATE TABLE IF NOT EXISTS unused (x BLOB)", [])?;
            while number("freelist_count")? > 0 {
                tx.execute("INSERT INTO unused VALUES (zeroblob(3000))", [])?;
            }
            let now = number("page_count")?;
            Ok(tx.query_row(&format!("PRAGMA max_page_count = {}", now + pages), [], |row| row.get(0))?)
        });
    }

    /// Leaves no room on the disk: not even for another line of the outbox.
    pub(super) fn fill(&self) {
        self.leave_pages(0);
        for bytes in [1_000, 100, 10] {
            let filler = "x".repeat(bytes);
            let fill = move |tx: &rusqlite::Transaction<'_>| -> Result<bool, DbError> {
                let about = tx.query_row("SELECT hex(randomblob(8))", [], |row| row.get(0))?;
                let text = filler.clone();
                let message =
                    Outgoing { phone: 1, text, kind: Kind::Reply, about, gateway: None, link_id: None };
                outbox::queue(tx, &message, &Now { best_s: 0, lived_s: 0, heard_s: 0 })
            };
            while self.edge.db().write_blocking(fill.clone()).is_ok() {}
        }
    }
}

fn start(edge: &TestEdge, settings: &str) -> (Router, Channels) {
    let config = Config::parse(settings).unwrap();
    let state = AppState::new(edge.db().clone(), edge.deps().clone(), config, SyncHandle::idle());
    (router(state.clone()), state.channels.clone())
}

pub(super) fn ussd_path() -> String {
    format!("/gateway/africastalking/{SECRET}/ussd")
}

/// The form of one callback.
pub(super) fn ussd_form(phone: u64, session: &str, text: &str) -> String {
    let phone = format!("+{phone}");
    encode(&[
        ("sessionId", session),
        ("serviceCode", "*384*55#"),
        ("phoneNumber", &phone),
        ("networkCode", "65010"),
        ("text", text),
    ])
}

/// A form's body.
fn encode(fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish()
}

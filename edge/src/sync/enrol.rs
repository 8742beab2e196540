//! A one-time code becomes an edge: the box makes its keys, shows that it holds them, and keeps what the hub answers.
//!
//! Nothing is kept before the hub has answered except the keys, so a lost answer is mended by trying again. The code and the
//! office password never reach a log.

use super::client::Transport;
use super::error::SyncError;
use super::lock;
use super::session::{self, ask};
use super::state;
use super::streams::{self, EnrolError};
use crate::config;
use crate::db::Db;
use crate::identity::Identity;
use crate::node;
use crate::staff::password;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ed25519_dalek::VerifyingKey;
use mizili_node::deps::Deps;
use rusqlite::Connection;
use std::path::Path;
use std::time::Duration;
use sync_protocol::enrolment::{Cooperative, EnrolRequest, EnrolResponse, LinkJson};
use sync_protocol::ids::{CooperativeId, EdgeId};
use sync_protocol::session::{ENROL_PATH, Link, identity};
use sync_protocol::wire::message::RefusalCode;
use uuid::Uuid;

/// Codes of [`SyncError`] that only a person ends, most of them by enrolling the box again.
const SHUT_OUT: [&str; 7] =
    ["revoked", "rewound", "sequence_reused", "sequence_gap", "stream_halted", "not_the_hub", "not_known"];

/// How long to wait for an exchange that is under way: what a slow link takes for a batch.
const EXCHANGE_PATIENCE: Duration = Duration::from_secs(90);

/// What enrolment came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolled {
    /// The edge's number.
    pub edge: EdgeId,
    /// The cooperative whose office it is.
    pub cooperative: Cooperative,
    /// What the box was before.
    pub before: Before,
}

/// What a box was before it was enrolled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// No edge.
    New,
    /// No edge, where its office has had a box before: everything has to be counted.
    Successor,
    /// This edge, in an earlier stream: what has no final answer is offered anew, and everything has to be counted.
    Earlier,
    /// What it is now: the code was its own already, and no new stream begins. The hub answers the same box so until its first exchange,
    /// for the answer may have been lost.
    Same,
}

/// How a box is enrolled.
pub struct Enrolment<'a> {
    /// The database.
    pub db: &'a Db,
    /// Clock and randomness.
    pub deps: &'a Deps,
    /// The data directory.
    pub data_dir: &'a Path,
    /// The way to the hub; its address is kept.
    pub transport: &'a dyn Transport,
    /// Whether the hub may be reached over plain http although it is elsewhere; kept in the settings.
    pub insecure_http: bool,
    /// Whether a person says that it is the hub that the box belongs to, where nothing else shows it.
    pub same_hub: bool,
}

impl Enrolment<'_> {
    /// Whether it is worth asking the hub: the code can be one, and on a box that is enrolled it can be its own edge's. Gives the
    /// edge that the box is, where it is one.
    ///
    /// # Errors
    /// What speaks against it.
    pub async fn check(&self, code: &str) -> Result<Option<EdgeId>, SyncError> {
        let known = self.db.read(node::identity).await?.map(|known| known.edge);
        match (known, identity::code_pick(code)) {
            (_, None) => Err(SyncError::NoCode { edge: known.map(|edge| edge.0) }),
            (Some(edge), Some(pick)) if pick != identity::pick(edge) => {
                Err(SyncError::CodeOfAnother { edge: edge.0 })
            }
            _ => Ok(known),
        }
    }

    /// Whether the box as it is goes on at its next exchange, as far as is known here: it has its keys, and the hub has not shut it out.
    /// Then enrolling it again only stops its sales until everything was counted.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn goes_on_by_itself(&self) -> Result<bool, SyncError> {
        if Identity::load(self.data_dir).is_err() {
            return Ok(false);
        }
        let known =
            |conn: &Connection| Ok::<_, SyncError>((state::load(conn)?.failure, node::shut_out(conn)?));
        let (failure, shut_out) = self.db.read(known).await?;
        Ok(shut_out.is_none() && failure.is_none_or(|(code, _)| !SHUT_OUT.contains(&code.as_str())))
    }

    /// Enrols with a code. A new box gets its first office password; one that is enrolled keeps everything it has and goes on as a new
    /// incarnation of the same edge.
    ///
    /// # Errors
    /// When the code is not good, the line fails, or something cannot be stored; for a new box also without a password.
    pub async fn run(&self, code: &str, office_password: Option<&str>) -> Result<Enrolled, SyncError> {
        let known = self.check(code).await?;
        let hash = match (known, office_password) {
            (Some(_), _) | (None, None) => None,
            (None, Some(password)) => Some(
                password::hashed(password, self.deps)
                    .await
                    .map_err(|error| SyncError::Unexpected(error.0))?,
            ),
        };
        // No exchange of the old incarnation may end in the middle of this.
        let held = lock::exchange(self.data_dir, EXCHANGE_PATIENCE).await;
        let held =
            held.map_err(|cause| SyncError::File { what: self.data_dir.display().to_string(), cause })?;
        let Some(_held) = held else { return Err(SyncError::Locked) };
        let keys = Identity::load_or_create(self.data_dir, self.deps)?;
        let answer = self.ask_hub(code, &keys, known).await?;
        let (me, link) = understood(&answer, self.transport.address())?;
        if let Some(edge) = known.filter(|edge| *edge != me.edge) {
            return Err(SyncError::CodeOfAnother { edge: edge.0 });
        }
        if known.is_some() {
            self.must_be_the_same_hub(answer.hub, &me.hub_keys).await?;
        }
        let before = match self.db.read(node::identity).await? {
            None if me.incarnation > 1 => Before::Successor,
            None => Before::New,
            Some(known) if known.incarnation == me.incarnation => Before::Same,
            Some(_) => Before::Earlier,
        };
        let (edge, epoch, hub, now_s) = (me.edge, answer.epoch, answer.hub, self.deps.clock.now_s());
        self.db
            .write(move |tx| {
                streams::enrol(tx, &me, &link, epoch)?;
                if let Some(hub) = hub {
                    node::set_hub(tx, hub)?;
                }
                if let Some(hash) = hash {
                    password::store(tx, password::FIRST_USER, &hash, now_s)?;
                }
                Ok::<_, EnrolError>(())
            })
            .await
            .map_err(|error| match error {
                EnrolError::Db(cause) => SyncError::Storage(cause),
                EnrolError::HasCommands(_) => SyncError::DataOfAnother(error.to_string()),
            })?;
        if let Some(token) = &answer.session {
            // One that can be none is no loss: the next exchange signs in.
            let _ = session::keep_token(self.data_dir, edge.0, answer.incarnation, token);
        }
        // Also for a box that was enrolled before: who was to write them may have been killed. Settings that are there stay.
        config::write_first(self.data_dir, self.deps, &answer.cooperative.country, self.insecure_http)?;
        Ok(Enrolled { edge, cooperative: answer.cooperative, before })
    }

    /// Refuses another hub that happens to use the same number: what waits here is not for it, and its rows are not of these buckets.
    async fn must_be_the_same_hub(&self, hub: Option<Uuid>, keys: &[[u8; 32]]) -> Result<(), SyncError> {
        let (before, known) =
            self.db.read(|conn| Ok::<_, SyncError>((node::hub(conn)?, node::identity(conn)?))).await?;
        let words = match before.zip(hub) {
            Some((before, now)) if before == now => return Ok(()),
            Some(_) => {
                "this box belongs to another hub. Give the new one a box of its own: an empty --data-dir"
            }
            None if self.same_hub
                || known.is_some_and(|me| me.hub_keys.iter().any(|key| keys.contains(key))) =>
            {
                return Ok(());
            }
            None => {
                "the hub's keys are not those that this box knows. If the hub is the same and its operator has replaced them, say so \
                     with --same-hub; for another hub take an empty --data-dir"
            }
        };
        Err(SyncError::DataOfAnother(words.to_owned()))
    }

    async fn ask_hub(
        &self,
        code: &str,
        keys: &Identity,
        known: Option<EdgeId>,
    ) -> Result<EnrolResponse, SyncError> {
        let bad_code = || Err(SyncError::BadCode { edge: known.map(|edge| edge.0) });
        let question = EnrolRequest {
            code: code.trim().to_owned(),
            public_key: BASE64.encode(keys.public_key()),
            bundle_key: BASE64.encode(keys.bundle_public_key()),
            signature: BASE64.encode(keys.sign(&identity::enrolment(code, &keys.public_key()))),
            software: concat!("mizili-edge ", env!("CARGO_PKG_VERSION")).to_owned(),
        };
        match ask(self.transport, ENROL_PATH, &question).await {
            Err(SyncError::Refused(refusal)) => match refusal.code {
                RefusalCode::Unauthorized => bad_code(),
                _ => Err(SyncError::Refused(refusal)),
            },
            Err(SyncError::HttpStatus { status: 401 | 403 | 404 | 409 | 410, .. }) => bad_code(),
            other => other,
        }
    }
}

/// Checks what the hub answered.
fn understood(answer: &EnrolResponse, hub_url: &str) -> Result<(node::Identity, Link), SyncError> {
    let bad = |what: &str| SyncError::Unexpected(format!("an enrolment without {what}"));
    let mut hub_keys = Vec::new();
    for key in &answer.hub_keys {
        let bytes: [u8; 32] = bytes_of(key).ok_or_else(|| bad("a usable hub key"))?;
        VerifyingKey::from_bytes(&bytes).map_err(|_| bad("a usable hub key"))?;
        hub_keys.push(bytes);
    }
    if hub_keys.is_empty() {
        return Err(bad("a hub key"));
    }
    if answer.edge == 0 || answer.incarnation == 0 {
        return Err(bad("a number"));
    }
    let me = node::Identity {
        edge: EdgeId(answer.edge),
        incarnation: answer.incarnation,
        cooperative: CooperativeId(answer.cooperative.id),
        national: answer.national,
        hub_url: hub_url.to_owned(),
        hub_keys,
    };
    Ok((me, link(&answer.link).ok_or_else(|| bad("a link"))?))
}

pub(super) fn link(json: &LinkJson) -> Option<Link> {
    Some(Link { number: json.number, random: bytes_of(&json.random)?, mac: bytes_of(&json.mac)? })
}

fn bytes_of<const N: usize>(text: &str) -> Option<[u8; N]> {
    BASE64.decode(text).ok()?.try_into().ok()
}

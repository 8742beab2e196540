//! A one-time code becomes an edge: the box makes its keys, shows that it holds them, and keeps what the hub answers.
//!
//! Nothing is kept before the hub has answered except the keys, so a lost answer is mended by trying again. The code and the
//! office password never reach a log.

use super::client::Transport;
use super::error::SyncError;
use super::session::ask;
use crate::cli::password;
use crate::config;
use crate::db::Db;
use crate::identity::Identity;
use crate::node::{self, EnrolError};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ed25519_dalek::VerifyingKey;
use mizili_node::deps::Deps;
use std::path::Path;
use sync_protocol::api::enrolment::{EnrolRequest, EnrolResponse, LinkJson};
use sync_protocol::api::market::Cooperative;
use sync_protocol::ids::{CooperativeId, EdgeId};
use sync_protocol::session::{ENROL_PATH, Link, identity};
use sync_protocol::wire::message::RefusalCode;

/// Fewest and most letters and digits of a code; what is typed is checked before it is sent.
const CODE_CHARS: (usize, usize) = (8, 64);

/// What enrolment came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Enrolled {
    /// The edge's number.
    pub edge: EdgeId,
    /// The cooperative whose office it is.
    pub cooperative: Cooperative,
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
}

impl Enrolment<'_> {
    /// Whether it is worth asking the hub: the box is not enrolled, and the code can be one.
    ///
    /// # Errors
    /// What speaks against it.
    pub async fn check(&self, code: &str) -> Result<(), SyncError> {
        if let Some(known) = self.db.read(node::identity).await? {
            return Err(SyncError::AlreadyEnrolled { edge: known.edge.0 });
        }
        let letters = identity::normal_code(code).len();
        if (CODE_CHARS.0..=CODE_CHARS.1).contains(&letters) { Ok(()) } else { Err(SyncError::BadCode) }
    }

    /// Enrols with a code and sets the first office password.
    ///
    /// # Errors
    /// When the box is enrolled already, the code is not good, the line fails, or something cannot be stored.
    pub async fn run(&self, code: &str, office_password: &str) -> Result<Enrolled, SyncError> {
        self.check(code).await?;
        let hash = password::hashed(office_password, self.deps).await?;
        let keys = Identity::load_or_create(self.data_dir, self.deps)?;
        let answer = self.ask_hub(code, &keys).await?;
        let (me, link) = understood(&answer, self.transport.address())?;
        let (edge, epoch, now_s) = (me.edge, answer.epoch, self.deps.clock.now_s());
        self.db
            .write(move |tx| {
                node::enrol(tx, &me, &link, epoch)?;
                password::store(tx, password::FIRST_USER, &hash, now_s)?;
                Ok::<_, EnrolError>(())
            })
            .await
            .map_err(|error| match error {
                EnrolError::Db(cause) => SyncError::Storage(cause),
                EnrolError::HasCommands(_) => SyncError::DataOfAnother(error.to_string()),
            })?;
        config::write_first(self.data_dir, self.deps, &answer.cooperative.country, self.insecure_http)?;
        Ok(Enrolled { edge, cooperative: answer.cooperative })
    }

    async fn ask_hub(&self, code: &str, keys: &Identity) -> Result<EnrolResponse, SyncError> {
        let question = EnrolRequest {
            code: code.trim().to_owned(),
            public_key: BASE64.encode(keys.public_key()),
            bundle_key: BASE64.encode(keys.bundle_public_key()),
            signature: BASE64.encode(keys.sign(&identity::enrolment(code, &keys.public_key()))),
            software: concat!("mizili-edge ", env!("CARGO_PKG_VERSION")).to_owned(),
        };
        match ask(self.transport, ENROL_PATH, &question).await {
            Err(SyncError::Refused(refusal)) => match refusal.code {
                RefusalCode::Unauthorized | RefusalCode::Revoked => Err(SyncError::BadCode),
                _ => Err(SyncError::Refused(refusal)),
            },
            Err(SyncError::HttpStatus { status: 401 | 403 | 404 | 409 | 410, .. }) => Err(SyncError::BadCode),
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

fn link(json: &LinkJson) -> Option<Link> {
    Some(Link { number: json.number, random: bytes_of(&json.random)?, mac: bytes_of(&json.mac)? })
}

fn bytes_of<const N: usize>(text: &str) -> Option<[u8; N]> {
    BASE64.decode(text).ok()?.try_into().ok()
}

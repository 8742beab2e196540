//! What the box knows about itself: who it is, which hub it belongs to, how far its counters are. Typed access to the `node`
//! table. The private keys are not here but in files of their own, so that a copy of the database alone cannot play the edge.

pub mod counts;
mod doubt;
mod own;
mod shut_out;

pub use doubt::{Doubt, clear_doubt, doubt, held_back};
pub(crate) use doubt::{note_high_water, of_the_data};
pub use own::{own_currency, own_name};
pub use shut_out::{ShutOut, shut_out};
pub(crate) use shut_out::{note_let_in, note_shut_out};

use crate::db::DbError;
use crate::db::values::{get, put, remove};
use rusqlite::{Connection, Transaction};
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CooperativeId, EdgeId, Holder};
use sync_protocol::session::Link;
use sync_protocol::wire::message::scope_hash as hash_of;
use uuid::Uuid;

/// Key of [`stream_base`].
const STREAM_BASE: &str = "stream_base";
/// Key of [`verdict_base`].
const VERDICT_BASE: &str = "verdict_base";

/// Who this edge is, as enrolment said.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its number.
    pub edge: EdgeId,
    /// Counts from 1; a restored or cloned disk goes on as the next one.
    pub incarnation: u32,
    /// The cooperative whose office it is.
    pub cooperative: CooperativeId,
    /// Whether it subscribes to everything.
    pub national: bool,
    /// The hub's address, such as `https://hub.example.org`, without a slash at the end.
    pub hub_url: String,
    /// The hub's pinned Ed25519 keys, current and next, 32 bytes each.
    pub hub_keys: Vec<[u8; 32]>,
}

impl Identity {
    /// The edge as a holder of stock.
    pub fn holder(&self) -> Holder {
        Holder::Edge(self.edge)
    }

    /// The bucket of the own cooperative.
    pub fn coop_bucket(&self) -> Bucket {
        Bucket::Coop(self.cooperative)
    }
}

/// Who this edge is; `None` before it was enrolled.
///
/// # Errors
/// When the database cannot be read, or holds half an identity.
pub fn identity(conn: &Connection) -> Result<Option<Identity>, DbError> {
    // Asked for by every act and every message: all of it in one look.
    let mut statement = conn.prepare_cached(
        "SELECT (SELECT value FROM node WHERE key = 'edge'), (SELECT value FROM node WHERE key = 'incarnation'),
                (SELECT value FROM node WHERE key = 'cooperative'), (SELECT value FROM node WHERE key = 'national'),
                (SELECT value FROM node WHERE key = 'hub_url'), (SELECT value FROM node WHERE key = 'hub_keys')",
    )?;
    let missing = |key: &str| DbError::bad_value("node", "value", key);
    let mut rows = statement.query([])?;
    let Some(row) = rows.next()? else { return Ok(None) };
    let Some(edge) = row.get::<_, Option<u32>>(0)? else { return Ok(None) };
    let keys = row.get::<_, Option<Vec<u8>>>(5)?.ok_or_else(|| missing("hub_keys"))?;
    let (hub_keys, rest) = keys.as_chunks::<32>();
    if !rest.is_empty() {
        return Err(missing("hub_keys"));
    }
    Ok(Some(Identity {
        edge: EdgeId(edge),
        incarnation: row.get::<_, Option<u32>>(1)?.ok_or_else(|| missing("incarnation"))?,
        cooperative: CooperativeId(row.get::<_, Option<u32>>(2)?.ok_or_else(|| missing("cooperative"))?),
        national: row.get::<_, Option<bool>>(3)?.unwrap_or(false),
        hub_url: row.get::<_, Option<String>>(4)?.ok_or_else(|| missing("hub_url"))?,
        hub_keys: hub_keys.to_vec(),
    }))
}

/// Notes who this edge is.
pub(crate) fn set_identity(tx: &Transaction<'_>, identity: &Identity) -> Result<(), DbError> {
    put(tx, "edge", &identity.edge.0)?;
    put(tx, "incarnation", &identity.incarnation)?;
    put(tx, "cooperative", &identity.cooperative.0)?;
    put(tx, "national", &identity.national)?;
    put(tx, "hub_url", &identity.hub_url)?;
    set_hub_keys(tx, &identity.hub_keys)
}

pub(crate) fn set_incarnation(tx: &Transaction<'_>, incarnation: u32) -> Result<(), DbError> {
    put(tx, "incarnation", &incarnation)
}

/// Begins a new stream of the same edge, whose counters begin at 0 above what was used before: `base` is the highest number of a command.
pub(crate) fn begin_stream(tx: &Transaction<'_>, base: u64) -> Result<(), DbError> {
    put(tx, VERDICT_BASE, &verdict_base(tx)?.saturating_add(verdicts_upto(tx)?))?;
    put(tx, "verdicts_upto", &0)?;
    put(tx, STREAM_BASE, &base)
}

/// Forgets how far the counters of another edge are.
pub(crate) fn begin_counting(tx: &Transaction<'_>) -> Result<(), DbError> {
    for counter in ["verdicts_upto", VERDICT_BASE, "highest_seq", STREAM_BASE] {
        put(tx, counter, &0)?;
    }
    Ok(())
}

/// Which hub this box belongs to; `None` where it has not said.
///
/// # Errors
/// Those of the database.
pub fn hub(conn: &Connection) -> Result<Option<Uuid>, DbError> {
    let Some(bytes) = get::<Vec<u8>>(conn, "hub")? else { return Ok(None) };
    Uuid::from_slice(&bytes).map(Some).map_err(|_| DbError::bad_value("node", "value", "hub"))
}

/// Keeps which hub it is.
///
/// # Errors
/// Those of the database.
pub fn set_hub(tx: &Transaction<'_>, hub: Uuid) -> Result<(), DbError> {
    put(tx, "hub", &hub.as_bytes().as_slice())
}

/// Pins the hub's keys, current and next.
///
/// # Errors
/// Those of the database.
pub fn set_hub_keys(tx: &Transaction<'_>, keys: &[[u8; 32]]) -> Result<(), DbError> {
    put(tx, "hub_keys", &keys.as_flattened())
}

/// Another address of the same hub.
///
/// # Errors
/// Those of the database.
pub fn set_hub_url(tx: &Transaction<'_>, url: &str) -> Result<(), DbError> {
    put(tx, "hub_url", &url)
}

/// The link to present next; `None` before enrolment.
///
/// # Errors
/// Those of the database.
pub fn link(conn: &Connection) -> Result<Option<Link>, DbError> {
    let Some(bytes) = get::<Vec<u8>>(conn, "link")? else { return Ok(None) };
    let bad = || DbError::bad_value("node", "value", "link");
    let (number, rest) = bytes.split_first_chunk().ok_or_else(bad)?;
    let (random, mac) = rest.split_first_chunk().ok_or_else(bad)?;
    let mac = mac.try_into().map_err(|_| bad())?;
    Ok(Some(Link { number: u64::from_le_bytes(*number), random: *random, mac }))
}

/// Keeps the link that the hub handed out. In the transaction of what came with it.
///
/// # Errors
/// Those of the database.
pub fn set_link(tx: &Transaction<'_>, link: &Link) -> Result<(), DbError> {
    let bytes = [&link.number.to_le_bytes()[..], &link.random, &link.mac].concat();
    put(tx, "link", &bytes)
}

/// The hub's epoch that this edge knows; 0 before enrolment.
///
/// # Errors
/// Those of the database.
pub fn epoch(conn: &Connection) -> Result<u32, DbError> {
    Ok(get(conn, "epoch")?.unwrap_or(0))
}

/// Takes the hub's epoch.
///
/// # Errors
/// Those of the database.
pub fn set_epoch(tx: &Transaction<'_>, epoch: u32) -> Result<(), DbError> {
    put(tx, "epoch", &epoch)
}

/// The highest number ever given to a command here; 0 for none. In the stream of this incarnation it is lower by [`stream_base`].
///
/// # Errors
/// Those of the database.
pub fn highest_seq(conn: &Connection) -> Result<u64, DbError> {
    Ok(get(conn, "highest_seq")?.unwrap_or(0))
}

pub(crate) fn set_highest_seq(tx: &Transaction<'_>, seq: u64) -> Result<(), DbError> {
    put(tx, "highest_seq", &seq)
}

/// The number of the last command that a box which was shut out has left with the hub; 0 for none.
///
/// # Errors
/// Those of the database.
pub fn left_upto(conn: &Connection) -> Result<u64, DbError> {
    Ok(get(conn, "left_upto")?.unwrap_or(0))
}

pub(crate) fn set_left_upto(tx: &Transaction<'_>, seq: u64) -> Result<(), DbError> {
    put(tx, "left_upto", &seq)
}

/// What the numbers of commands here are ahead of those in the stream to the hub: an earlier incarnation used so many. 0 at first.
///
/// # Errors
/// Those of the database.
pub fn stream_base(conn: &Connection) -> Result<u64, DbError> {
    Ok(get(conn, STREAM_BASE)?.unwrap_or(0))
}

/// What the numbers of verdicts here are ahead of those in the stream from the hub: earlier incarnations were told so many. 0 at first.
///
/// # Errors
/// Those of the database.
pub fn verdict_base(conn: &Connection) -> Result<u64, DbError> {
    Ok(get(conn, VERDICT_BASE)?.unwrap_or(0))
}

/// The last verdict number of this incarnation's stream that is on disk here; 0 for none.
///
/// # Errors
/// Those of the database.
pub fn verdicts_upto(conn: &Connection) -> Result<u64, DbError> {
    Ok(get(conn, "verdicts_upto")?.unwrap_or(0))
}

pub(crate) fn set_verdicts_upto(tx: &Transaction<'_>, number: u64) -> Result<(), DbError> {
    put(tx, "verdicts_upto", &number)
}

/// Minor version of the protocol that the hub spoke when it last answered; 1 until it has said. What a newer one brought is used
/// from then on.
///
/// # Errors
/// Those of the database.
pub fn hub_minor(conn: &Connection) -> Result<u16, DbError> {
    Ok(get(conn, "hub_minor")?.unwrap_or(1))
}

/// Keeps what [`hub_minor`] gives. In the transaction of the end of a response.
///
/// # Errors
/// Those of the database.
pub fn set_hub_minor(tx: &Transaction<'_>, minor: u16) -> Result<(), DbError> {
    put(tx, "hub_minor", &minor)
}

/// When the last copy but one of the hub's database was taken, by its clock, as it said last; `None` where it knows of no two.
///
/// # Errors
/// Those of the database.
pub fn backed_up_s(conn: &Connection) -> Result<Option<i64>, DbError> {
    get(conn, "backed_up_s")
}

/// Keeps what [`backed_up_s`] gives. In the transaction of the end of a response.
///
/// # Errors
/// Those of the database.
pub fn set_backed_up_s(tx: &Transaction<'_>, backed_up_s: Option<i64>) -> Result<(), DbError> {
    match backed_up_s {
        Some(at_s) => put(tx, "backed_up_s", &at_s),
        None => Ok(tx.prepare_cached("DELETE FROM node WHERE key = 'backed_up_s'")?.execute([]).map(drop)?),
    }
}

/// The buckets that this edge has, in the order of its cursors.
///
/// # Errors
/// Those of the database.
pub fn scope(conn: &Connection) -> Result<Vec<Bucket>, DbError> {
    Ok(crate::replica::cursors(conn)?.into_iter().map(|cursor| cursor.bucket).collect())
}

/// The hash of [`scope`], as a request states it; 0 while there is none.
///
/// # Errors
/// Those of the database.
pub fn scope_hash(conn: &Connection) -> Result<u32, DbError> {
    Ok(hash_of(&scope(conn)?))
}

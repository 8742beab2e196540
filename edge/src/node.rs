//! What the box knows about itself: who it is, which hub it belongs to, how far its counters are. Typed access to the `node`
//! table. The private keys are not here but in files of their own, so that a copy of the database alone cannot play the edge.

pub mod counts;
mod files;
mod high_water;
mod own;
mod shut_out;

pub use files::{SecretFile, load_secret, save_secret};
pub use high_water::{Doubt, HighWater, Mark, check_high_water, clear_doubt, doubt, held_back, machine_id};
pub(crate) use high_water::{HighWaterKeeper, mark, note_high_water, of_the_data};
pub use own::{own_currency, own_name};
pub use shut_out::{ShutOut, shut_out};
pub(crate) use shut_out::{note_let_in, note_shut_out};

use crate::db::DbError;
use rusqlite::types::{FromSql, ToSql};
use rusqlite::{Connection, OptionalExtension, Transaction};
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

/// Why an enrolment was not stored.
#[derive(Debug, thiserror::Error)]
pub enum EnrolError {
    /// The log holds commands of an earlier stream, which nobody may drop.
    #[error(
        "this box still holds {0} acts of an earlier enrolment: send them first, or use an empty data folder"
    )]
    HasCommands(u64),
    /// The database.
    #[error(transparent)]
    Db(#[from] DbError),
}

impl From<rusqlite::Error> for EnrolError {
    fn from(error: rusqlite::Error) -> Self {
        Self::Db(error.into())
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

/// Stores what enrolment answered: a new stream, whose counters begin at 0.
///
/// The same edge again keeps what it has: what the hub has not answered for good is offered anew in the new stream, under its old ids,
/// and nothing is sold from units held here before a person has counted them, for what this box did last may be missing on its disk. It
/// keeps the epoch that it knew, too: by that a hub that was restored meanwhile sees what it has to ask this box for. Another edge begins
/// with an empty scope, and has to count, too, where its office had a box before.
///
/// # Errors
/// When commands of another edge are still in the log.
pub fn enrol(tx: &Transaction<'_>, identity: &Identity, link: &Link, epoch: u32) -> Result<(), EnrolError> {
    let before = self::identity(tx)?.map(|i| (i.edge, i.incarnation));
    let mut knows_epoch = epoch;
    match before {
        Some((edge, incarnation)) if edge == identity.edge => {
            if incarnation != identity.incarnation {
                // Enrolled by a person before it could show by itself what a restored hub has forgotten.
                if self::epoch(tx)? != epoch {
                    crate::commands::unsettle_what_has_not_arrived(tx)?;
                }
                knows_epoch = epoch.min(self::epoch(tx)?);
                begin_stream(tx)?;
                counts::begin(tx)?;
            }
        }
        _ => {
            let left: u64 = tx.query_row("SELECT count(*) FROM command", [], |row| row.get(0))?;
            if left > 0 {
                return Err(EnrolError::HasCommands(left));
            }
            for counter in ["verdicts_upto", VERDICT_BASE, "highest_seq", STREAM_BASE] {
                put(tx, counter, &0)?;
            }
            clear_doubt(tx)?;
            crate::replica::drop_everything(tx)?;
            // The office had a box before. What that one sold and did not tell the hub of, nobody here knows.
            if identity.incarnation > 1 {
                counts::begin(tx)?;
            }
        }
    }
    note_let_in(tx)?;
    put(tx, "edge", &identity.edge.0)?;
    put(tx, "incarnation", &identity.incarnation)?;
    put(tx, "cooperative", &identity.cooperative.0)?;
    put(tx, "national", &identity.national)?;
    put(tx, "hub_url", &identity.hub_url)?;
    set_hub_keys(tx, &identity.hub_keys)?;
    set_link(tx, link)?;
    Ok(set_epoch(tx, knows_epoch)?)
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

/// A new stream with a hub that was restored from a backup. What has not arrived is offered anew; nothing is in doubt here, for it is the hub
/// that forgot.
///
/// # Errors
/// Those of the database.
pub fn rejoin(tx: &Transaction<'_>, incarnation: u32, link: &Link, epoch: u32) -> Result<(), DbError> {
    crate::commands::unsettle_what_has_not_arrived(tx)?;
    begin_stream(tx)?;
    put(tx, "incarnation", &incarnation)?;
    set_link(tx, link)?;
    set_epoch(tx, epoch)
}

/// Begins a new stream of the same edge, whose counters begin at 0: what has no final answer is offered anew in it.
fn begin_stream(tx: &Transaction<'_>) -> Result<(), DbError> {
    put(tx, VERDICT_BASE, &verdict_base(tx)?.saturating_add(verdicts_upto(tx)?))?;
    put(tx, "verdicts_upto", &0)?;
    put(tx, STREAM_BASE, &crate::commands::offer_anew(tx)?)
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

fn get<T: FromSql>(conn: &Connection, key: &str) -> Result<Option<T>, DbError> {
    let mut statement = conn.prepare_cached("SELECT value FROM node WHERE key = ?1")?;
    Ok(statement.query_row([key], |row| row.get(0)).optional()?)
}

fn put(tx: &Transaction<'_>, key: &str, value: &dyn ToSql) -> Result<(), DbError> {
    let mut statement = tx.prepare_cached("INSERT OR REPLACE INTO node (key, value) VALUES (?1, ?2)")?;
    statement.execute(rusqlite::params![key, value])?;
    Ok(())
}

fn remove(tx: &Transaction<'_>, key: &str) -> Result<(), DbError> {
    tx.prepare_cached("DELETE FROM node WHERE key = ?1")?.execute([key])?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestEdge;

    fn link(number: u64) -> Link {
        Link { number, random: [number as u8; 16], mac: [7; 16] }
    }

    #[test]
    fn what_is_stored_comes_back() {
        let edge = TestEdge::empty();
        assert_eq!(edge.read(identity), None);
        let me = Identity {
            edge: EdgeId(3),
            incarnation: 2,
            cooperative: CooperativeId(12),
            national: true,
            hub_url: "https://hub.example.org".to_owned(),
            hub_keys: vec![[1; 32], [2; 32]],
        };
        let stored = me.clone();
        edge.db().write_blocking(move |tx| enrol(tx, &stored, &link(0), 4)).unwrap();
        assert_eq!(edge.read(identity), Some(me));
        assert_eq!(edge.read(link_and_epoch), (Some(link(0)), 4));
        edge.write(|tx| {
            set_link(tx, &link(9))?;
            set_epoch(tx, 5)
        });
        assert_eq!(edge.read(link_and_epoch), (Some(link(9)), 5));
        assert_eq!(edge.read(scope_hash), 0);
    }

    fn link_and_epoch(conn: &Connection) -> Result<(Option<Link>, u32), DbError> {
        Ok((super::link(conn)?, epoch(conn)?))
    }

    #[test]
    fn another_edge_never_drops_what_was_not_sent() {
        let edge = TestEdge::with_market();
        edge.post_listing(50);
        let me = edge.read(identity).unwrap();
        let other = Identity { edge: EdgeId(me.edge.0 + 1), ..me.clone() };
        let refused = edge.db().write_blocking(move |tx| enrol(tx, &other, &link(0), 1));
        assert!(matches!(refused, Err(EnrolError::HasCommands(1))), "{refused:?}");
        assert_eq!(edge.read(identity), Some(me));
    }

    #[test]
    fn the_same_edge_again_offers_what_has_no_final_answer_anew_and_waits_for_a_count() {
        use sync_protocol::verdict::{Applied, Numbered, Verdict};
        let edge = TestEdge::with_market();
        let listing = edge.post_listing(50);
        let orders = [1, 2, 3].map(|n| edge.place_order(listing, n).unwrap().0);
        // The hub has decided the listing and the second order, and keeps the first for its operator.
        let said = |number, seq, verdict| Numbered { number, seq, verdict, stands_at: Vec::new() };
        let applied = || Verdict::Applied(Applied::default());
        let list = [said(1, 1, applied()), said(2, 2, Verdict::Quarantined), said(3, 3, applied())];
        edge.write(move |tx| crate::commands::record_verdicts(tx, &list, 7));
        let before: Vec<_> = edge.read(|conn| crate::commands::pending(conn, 0, 9));
        assert_eq!(before.iter().map(|c| c.seq).collect::<Vec<_>>(), [4]);
        let me = edge.read(identity).unwrap();
        let next = Identity { incarnation: me.incarnation + 1, ..me };
        for _ in 0..2 {
            let (next, link) = (next.clone(), link(0));
            edge.db().write_blocking(move |tx| enrol(tx, &next, &link, 1)).unwrap();
        }
        let anew = edge.read(|conn| crate::commands::pending(conn, 0, 9));
        let ids: Vec<_> = anew.iter().map(|c| c.id.0).collect();
        assert_eq!(ids, [orders[0].0, orders[2].0], "under their old ids, in their order");
        assert_eq!(anew.iter().map(|c| c.seq).collect::<Vec<_>>(), [5, 6]);
        assert_eq!((edge.read(stream_base), edge.read(highest_seq), edge.read(verdicts_upto)), (4, 6, 0));
        assert_eq!(edge.read(doubt), Some(Doubt::Rewound));
        // What they do here goes on, and their answers find them.
        assert_eq!(edge.read(crate::replica::all::<sync_protocol::market::Order>).len(), 3);
        let list = [said(1, 1, applied()), said(2, 2, applied())];
        edge.write(move |tx| crate::commands::record_verdicts(tx, &list, 8));
        assert!(edge.read(|conn| crate::commands::pending(conn, 0, 9)).is_empty());
        assert_eq!(edge.read(crate::commands::tally).unsettled(), 0);
    }
}

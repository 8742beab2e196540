//! The stream of commands of this box begins: by enrolment, or anew with a hub that was restored. What has no final answer is offered
//! again in it.

use crate::commands;
use crate::db::DbError;
use crate::node::{self, Identity};
use crate::replica;
use rusqlite::Transaction;
use sync_protocol::session::Link;

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
    let before = node::identity(tx)?.map(|i| (i.edge, i.incarnation));
    let mut knows_epoch = epoch;
    match before {
        Some((edge, incarnation)) if edge == identity.edge => {
            if incarnation != identity.incarnation {
                // Enrolled by a person before it could show by itself what a restored hub has forgotten.
                if node::epoch(tx)? != epoch {
                    commands::unsettle_what_has_not_arrived(tx)?;
                }
                knows_epoch = epoch.min(node::epoch(tx)?);
                begin_stream(tx)?;
                node::counts::begin(tx)?;
            }
        }
        _ => {
            let left: u64 = tx.query_row("SELECT count(*) FROM command", [], |row| row.get(0))?;
            if left > 0 {
                return Err(EnrolError::HasCommands(left));
            }
            node::begin_counting(tx)?;
            node::clear_doubt(tx)?;
            replica::drop_everything(tx)?;
            // The office had a box before. What that one sold and did not tell the hub of, nobody here knows.
            if identity.incarnation > 1 {
                node::counts::begin(tx)?;
            }
        }
    }
    node::note_let_in(tx)?;
    node::set_identity(tx, identity)?;
    node::set_link(tx, link)?;
    Ok(node::set_epoch(tx, knows_epoch)?)
}

/// A new stream with a hub that was restored from a backup. What has not arrived is offered anew; nothing is in doubt here, for it is the hub
/// that forgot.
///
/// # Errors
/// Those of the database.
pub fn rejoin(tx: &Transaction<'_>, incarnation: u32, link: &Link, epoch: u32) -> Result<(), DbError> {
    commands::unsettle_what_has_not_arrived(tx)?;
    begin_stream(tx)?;
    node::set_incarnation(tx, incarnation)?;
    node::set_link(tx, link)?;
    node::set_epoch(tx, epoch)
}

/// Begins a new stream of the same edge: what has no final answer is offered anew in it.
fn begin_stream(tx: &Transaction<'_>) -> Result<(), DbError> {
    let base = commands::offer_anew(tx)?;
    node::begin_stream(tx, base)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::node::{
        Doubt, doubt, epoch, highest_seq, identity, scope_hash, set_epoch, set_link, stream_base,
        verdicts_upto,
    };
    use crate::testing::TestEdge;
    use rusqlite::Connection;
    use sync_protocol::ids::{CooperativeId, EdgeId};

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
        Ok((node::link(conn)?, epoch(conn)?))
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

//! What is offered again to a hub that was restored from a backup.

use crate::commands::{pending, record_verdicts};
use crate::db::DbError;
use crate::node;
use crate::sync::streams;
use crate::testing::{COOP, TestEdge};
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CooperativeId, OrderId};
use sync_protocol::session::Link;
use sync_protocol::verdict::{Applied, Numbered, Verdict};

/// What was taken as applied stands here (the first), in another cooperative's bucket too, above and below what has come of a snapshot
/// that is under way, and where nobody can read it.
fn edge_with_applied() -> (TestEdge, [OrderId; 4]) {
    let edge = TestEdge::with_market();
    let listing = edge.post_listing(50);
    let orders = [1, 2, 3, 4].map(|n| edge.place_order(listing, n).unwrap().0);
    let own = Bucket::Coop(COOP);
    edge.write(move |tx| {
        let snapshot = "UPDATE bucket SET upto = 100, reached = 50 WHERE name = ?1";
        Ok::<_, DbError>(tx.execute(snapshot, [own.to_string()])?)
    });
    let places = [
        vec![(own, 70)],
        vec![(own, 71), (Bucket::Coop(CooperativeId(99)), 5)],
        vec![(own, 101)],
        vec![(own, 50)],
        vec![(own, 72)],
    ];
    let said = |(n, stands_at)| Numbered {
        number: n,
        seq: n,
        verdict: Verdict::Applied(Applied::default()),
        stands_at,
    };
    let list: Vec<Numbered> = (1..).zip(places).map(said).collect();
    edge.write(move |tx| record_verdicts(tx, &list, 7));
    edge.write(|tx| {
        Ok::<_, DbError>(tx.execute("UPDATE command SET stands_at = 'no list' WHERE seq = 5", [])?)
    });
    assert!(edge.read(|conn| pending(conn, 0, 9)).is_empty());
    (edge, orders)
}

const LINK: Link = Link { number: 0, random: [1; 16], mac: [2; 16] };

#[test]
fn what_no_cursor_here_shows_to_have_arrived_is_offered_to_a_restored_hub_again() {
    for by_a_person in [false, true] {
        let (edge, orders) = edge_with_applied();
        let known = edge.read(node::epoch);
        if by_a_person {
            let me = edge.read(node::identity).unwrap();
            let next = node::Identity { incarnation: me.incarnation + 1, ..me };
            edge.db().write_blocking(move |tx| streams::enrol(tx, &next, &LINK, known + 1)).unwrap();
            assert_eq!(edge.read(node::epoch), known, "by that the hub sees what to ask for");
        } else {
            edge.write(move |tx| streams::rejoin(tx, 2, &LINK, known + 1));
        }
        let again = edge.read(|conn| pending(conn, 0, 9));
        let again: Vec<_> = again.iter().map(|command| OrderId(command.id.0)).collect();
        assert_eq!(again, orders, "all but the product, which is here");
    }
}

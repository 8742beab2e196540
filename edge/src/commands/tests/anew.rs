//! What is offered again to a hub that was restored from a backup.

use crate::commands::{pending, record_verdicts};
use crate::node;
use crate::testing::{COOP, TestEdge};
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::CooperativeId;
use sync_protocol::session::Link;
use sync_protocol::verdict::{Applied, Numbered, Verdict};

#[test]
fn what_no_cursor_here_shows_to_have_arrived_is_offered_to_a_restored_hub_again() {
    let edge = TestEdge::with_market();
    let listing = edge.post_listing(50);
    let orders = [1, 2, 3, 4].map(|n| edge.place_order(listing, n).unwrap().0);
    // A snapshot under way: what is here stands at 51 to 100.
    let own = Bucket::Coop(COOP);
    edge.write(move |tx| {
        Ok::<_, crate::db::DbError>(
            tx.execute("UPDATE bucket SET upto = 100, reached = 50 WHERE name = ?1", [own.to_string()])?,
        )
    });
    let list: Vec<Numbered> = (1..)
        .zip([
            vec![(own, 70)],
            vec![(own, 71), (Bucket::Coop(CooperativeId(99)), 5)],
            vec![(own, 101)],
            vec![(own, 50)],
            vec![(own, 72)],
        ])
        .map(|(n, stands_at)| Numbered {
            number: n,
            seq: n,
            verdict: Verdict::Applied(Applied::default()),
            stands_at,
        })
        .collect();
    edge.write(move |tx| record_verdicts(tx, &list, 7));
    edge.write(|tx| {
        Ok::<_, crate::db::DbError>(tx.execute("UPDATE command SET stands_at = 'no list' WHERE seq = 5", [])?)
    });
    assert!(edge.read(|conn| pending(conn, 0, 9)).is_empty());
    let link = Link { number: 0, random: [1; 16], mac: [2; 16] };
    edge.write(move |tx| node::rejoin(tx, 2, &link, 2));
    let again: Vec<_> = edge.read(|conn| pending(conn, 0, 9)).iter().map(|command| command.id.0).collect();
    assert_eq!(again, orders.map(|order| order.0), "all but the product, which is here");
}

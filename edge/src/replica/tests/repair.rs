//! A slot that comes in parts is mended as a whole one is, whatever had become of its rows, and in whatever order the parts come.

use super::support::{BUCKET, edge, frame, price, stored_rows};
use crate::db::DbError;
use crate::replica::{digest, recount};
use sync_protocol::row::{Key, Row, slot};
use sync_protocol::session::Judged;
use sync_protocol::wire::rows::{Reach, Rows};

const HEAD: u64 = 1_000;

/// Months of the first series whose prices stand in one slot.
fn neighbours() -> Vec<u32> {
    let of = slot(6, Key::Pair(1, 1));
    let all: Vec<u32> = (1..).filter(|n| slot(6, Key::Pair(1, *n)) == of).take(6).collect();
    assert_eq!(all[0], 1);
    all
}

/// The slot at the hub: five rows, at versions 100, 200 and so on.
fn truth(months: &[u32]) -> Vec<Row> {
    (1..=5).map(|n| price(100 * n as u64, months[n], Some(n as i64))).collect()
}

/// What became of it on this disk: a row of another version and price, a missing one, one too many, one beyond the head.
fn spoiled(months: &[u32]) -> Vec<Row> {
    let mut rows = truth(months);
    rows[0] = price(450, months[1], Some(77));
    rows[1] = price(10, months[2], Some(78));
    rows.remove(3);
    rows.push(price(HEAD + 5, months[0], Some(79)));
    rows
}

#[test]
fn parts_of_a_slot_mend_it_in_any_order() {
    let months = neighbours();
    let reach = Reach::Repair { entity: 6, slot: slot(6, Key::Pair(1, 1)), head: HEAD };
    let part = |after, upto| {
        let is_in = |row: &Row| (after + 1..=upto).contains(&row.version);
        frame(reach, after, upto, truth(&months).into_iter().filter(is_in).collect())
    };
    let parts = || vec![part(420, HEAD), part(150, 420), part(0, 150)];
    let rotated = |n: usize| {
        let mut list = parts();
        list.rotate_left(n);
        list
    };
    let orders: Vec<Vec<Rows>> =
        vec![rotated(0), rotated(1), rotated(2), parts().into_iter().rev().collect()];
    for order in orders {
        let edge = edge();
        edge.apply(frame(Reach::Snapshot { head: HEAD }, 0, HEAD, truth(&months)));
        let wanted = (edge.read(stored_rows), edge.read(|conn| digest(conn, BUCKET, 6)));
        let rows = spoiled(&months);
        edge.write(move |tx| -> Result<(), DbError> {
            tx.execute("DELETE FROM replica", [])?;
            for row in &rows {
                let payload = row.body.as_ref().map(sync_protocol::value::Fields::canonical);
                tx.execute(
                    "INSERT INTO replica (entity, id, bucket, version, payload) SELECT 6, ?1, number, ?2, ?3 FROM bucket",
                    (row.key.to_bytes().to_vec(), row.version, payload),
                )?;
            }
            Ok(())
        });
        assert_ne!(edge.read(stored_rows), wanted.0);
        for part in order {
            assert!(matches!(edge.apply(part), Judged::Apply(_)));
        }
        assert_eq!((edge.read(stored_rows), edge.read(|conn| digest(conn, BUCKET, 6))), wanted);
        assert_eq!(edge.read(|conn| recount(conn, BUCKET, 6)), wanted.1);
    }
}

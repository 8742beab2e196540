//! What programs of protocol 0.1 left behind, a hub's database and an office's file, comes up to date, and everything in them arrives.

use crate::world::World;
use sync_protocol::units::Quantity;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_and_an_office_of_protocol_0_1_come_up_to_date_and_what_waited_arrives() {
    let world = World::kept().await;
    let office = &world.offices[0];
    let before = ["applied", "applied", "quarantined", "held", "unsupported", "", "", ""];
    assert_eq!(office.words().await, before, "as the old program left it");
    assert_eq!(office.hub_minor().await, 1);

    let report = office.sync().await.unwrap();
    assert_eq!((report.commands, report.applied, report.rejected), (3, 2, 1), "{report:?}");
    assert!(report.digests_equal);
    assert_eq!(office.hub_minor().await, 2);
    let after =
        ["applied", "applied", "quarantined", "held", "unsupported", "applied", "rejected", "applied"];
    assert_eq!(office.words().await, after);
    // Both sales from the office's own units stand; what it asked for beyond the hub's half was refused.
    let orders = world
        .texts("SELECT buyer_name || ' ' || quantity_milli || ' ' || status FROM orders ORDER BY 1")
        .await;
    assert_eq!(orders, ["Chikondi 5000 0", "Grace 4000 0"]);
    // An old program said nothing of how it shared its posting: the setting of the day counts, as before.
    let held = "SELECT holder || ' ' || sum(quantity_milli) FROM stock_entries
        WHERE listing_id = '7c84d56e-0c33-88cd-962a-7394062cd86d' GROUP BY holder ORDER BY 1";
    assert_eq!(world.texts(held).await, ["0 10000", "1 10000"]);

    // What stood open is as it was, and is settled as ever: the order is put aside, and its cancel has nothing left to do.
    world.dismiss(3).await;
    assert!(office.sync().await.unwrap().digests_equal);
    assert_eq!(office.words().await[2..5], ["dismissed", "applied", "unsupported"]);

    // From here on the office speaks as the hub does.
    let listing = office.post_listing(7).await;
    assert_eq!(office.spendable(listing).await, Quantity::units(4));
    office.sync().await.unwrap();
    world.both_sides_are_equal().await.unwrap();
}

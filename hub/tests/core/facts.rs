//! Facts travel: what an office decided by is in its command, and the hub does not work it out anew by its settings of the day.

use crate::support::{EDGE, World, command, id, office, post, units, word};
use sync_protocol::ids::Holder;
use sync_protocol::market::Body;

const HUB: Holder = Holder::Hub;
const OFFICE: Holder = Holder::Edge(EDGE);

fn shared(listing: uuid::Uuid, quantity: i64, hub: Option<i64>) -> Body {
    match post(listing, quantity) {
        Body::ListingPost(mut body) => {
            body.hub_milli = hub.map(units);
            body.into()
        }
        other => other,
    }
}

#[tokio::test]
async fn a_posting_is_shared_as_the_office_shared_it_whatever_the_setting_is_by_then() {
    let world = World::new().await;
    // The office posted when half went to the hub, was cut off, and its manager changed the share at the hub meanwhile.
    world.sql("UPDATE cooperatives SET hub_share_percent = 90 WHERE id = 1").await;
    world
        .take(vec![
            command(1, office(), &shared(id(50), 50, Some(25))),
            command(2, office(), &shared(id(51), 50, Some(0))),
            command(3, office(), &shared(id(52), 50, Some(50))),
            command(4, office(), &shared(id(53), 50, None)),
        ])
        .await
        .unwrap();
    assert_eq!(world.last_words().await, ["applied"; 4]);
    for (listing, at_the_hub, there) in [(50, 25, 25), (51, 0, 50), (52, 50, 0), (53, 45, 5)] {
        let held = (world.available(id(listing), HUB).await, world.available(id(listing), OFFICE).await);
        assert_eq!(held, (at_the_hub, there), "listing {listing}");
    }
}

#[tokio::test]
async fn a_split_that_no_office_can_have_made_is_refused_by_name() {
    let world = World::new().await;
    for (n, part) in [(1, -1), (2, 51)] {
        world.take(vec![command(n, office(), &shared(id(50), 50, Some(part)))]).await.unwrap();
    }
    let said: Vec<String> = world.verdicts().await.iter().map(|v| word(&v.verdict)).collect();
    assert_eq!(said, ["rejected invalid /hub_quantity"; 2]);
    assert_eq!(world.number("SELECT count(*) FROM stock_entries").await, 0);
}

//! What an operator reads of refusals: those that somebody at the office has still to deal with.

use crate::goods;
use crate::world::World;
use mizili_hub::sync::edges;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_ticked_off_at_the_office_is_not_counted_at_the_hub() {
    let world = World::new(98).await;
    let (seller, buyer) = (&world.offices[0], &world.offices[1]);
    seller.sync().await.unwrap();
    let listing = seller.post_listing(40).await;
    seller.sync().await.unwrap();
    world.both_sides_are_equal().await.unwrap();
    let refused = async || {
        let list = edges::list(&world.db, world.deps.clock.now()).await.unwrap();
        list.iter().find(|edge| edge.id == buyer.edge.0).unwrap().refused
    };
    buyer.order(listing, 15).await.unwrap();
    world.at_the_hub(goods::order(listing, 12)).await;
    buyer.sync().await.unwrap();
    assert_eq!(refused().await, 1, "also before the office has said that it has heard of it");
    buyer.sync().await.unwrap();
    assert_eq!(refused().await, 1);
    buyer.sql("UPDATE command SET ticked = 1 WHERE verdict = 'rejected'").await;
    buyer.sync().await.unwrap();
    assert_eq!(refused().await, 0);
}

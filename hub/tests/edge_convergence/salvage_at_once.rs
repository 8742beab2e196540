//! What offices bring back to a restored hub, and what is done there at the same moment or was done before they came: neither undoes the other.

use crate::goods::{self, PRICE_MINOR};
use crate::office::Start;
use crate::restored::BACKUP;
use crate::world::World;
use mizili_hub::commands::{Incoming, apply_batch, hub_context};
use mizili_hub::sync::{salvage, salvaged};
use sync_protocol::ids::{CommandId, CooperativeId, ListingId};
use sync_protocol::market::{Body, Command, ListingEdit, ListingPost, MemberRegister, WholeChange};
use uuid::Uuid;

/// Two offices of one cooperative, and a backup that both know all of.
async fn backed_up(seed: u64) -> World {
    let world = World::with_two_hubs(&[(1, Start::right(seed)), (1, Start::right(seed + 1))]).await;
    for office in &world.offices {
        office.sync().await.unwrap();
    }
    world.sql(BACKUP).await;
    world.sql("CALL backup()").await;
    world
}

fn price(listing: Uuid, old: i64, new: i64) -> Body {
    ListingEdit { listing, price_minor: Some(WholeChange { old, new }), title: None }.into()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_done_here_while_an_office_brings_its_rows_stays() {
    let world = backed_up(801).await;
    let (first, second) = (&world.offices[0], &world.offices[1]);
    let listing = world.deps.ids.uuid_v7();
    world.at_the_hub(goods::post(listing, 10)).await;
    for office in [first, second] {
        office.sync().await.unwrap();
    }
    world.at_the_hub(price(listing, PRICE_MINOR, 600)).await;
    second.sync().await.unwrap();
    world.sql("CALL restore()").await;
    first.sync().await.unwrap();
    assert_eq!(world.price_at_the_hub(ListingId(listing)).await, PRICE_MINOR);
    // A clerk changes the price; before that is done, the second office comes with what the hub has forgotten.
    let mut tx = world.db.begin().await.unwrap();
    let context = hub_context(&mut tx, Some(CooperativeId(1)), true, false).await.unwrap();
    let command = Command {
        id: CommandId(world.deps.ids.uuid_v7()),
        seq: 0,
        made_at_s: world.deps.clock.now_s(),
        actor: goods::user(265_991_000_001),
        body: price(listing, PRICE_MINOR, 700).to_raw(),
    };
    let batch = [Incoming { command, context, is_new: false, is_unconfirmed: false }];
    let outcomes = apply_batch(&mut tx, &world.deps, &batch).await.unwrap();
    assert_eq!(outcomes[0].verdict.as_str(), "applied");
    let clerk = async {
        world.until_waiting(1).await;
        tx.commit().await.unwrap();
    };
    let (came, ()) = tokio::join!(second.sync(), clerk);
    came.unwrap();
    assert_eq!(world.price_at_the_hub(ListingId(listing)).await, 700);
    world.both_sides_are_equal().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_member_who_was_forgotten_and_registered_again_is_one() {
    let world = backed_up(811).await;
    let (first, second) = (&world.offices[0], &world.offices[1]);
    let [before, again, listing] = [(); 3].map(|()| world.deps.ids.uuid_v7());
    let register = |member| MemberRegister {
        member,
        phone: 265_881_000_001,
        name: "Mercy Banda".into(),
        language: "en".into(),
    };
    world.at_the_hub(register(before)).await;
    world.at_the_hub(ListingPost { seller: Some(before), ..goods::post(listing, 10) }).await;
    second.sync().await.unwrap();
    world.sql("CALL restore()").await;
    // The office to which she goes knows nothing of it.
    first.act(register(again)).await.unwrap();
    first.sync().await.unwrap();
    second.sync().await.unwrap();
    let aliases = "SELECT to_id FROM member_aliases WHERE from_id = (SELECT seller_id FROM listings)";
    assert_eq!(world.column::<Uuid>(aliases).await, [again], "whatever names the one means the other");
    let left = salvaged::of_edge(&world.db, second.edge, None, true).await.unwrap();
    assert!(left.iter().all(|row| row.kind != "member"), "{left:?}");
    world.both_sides_are_equal().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_cooperatives_trouble_keeps_no_other_from_its_turn() {
    let beans = "INSERT INTO commodities (id, name, category, on_menus) OVERRIDING SYSTEM VALUE VALUES (2, 'Beans', 'pulses', true)";
    let world = World::new(82).await;
    for office in &world.offices {
        office.sync().await.unwrap();
    }
    world.sql(BACKUP).await;
    world.sql("CALL backup()").await;
    world.sql(beans).await;
    for cooperative in [1, 2] {
        let (listing, clerk) =
            (world.deps.ids.uuid_v7(), goods::user(265_991_000_000 + u64::from(cooperative)));
        let post = ListingPost { commodity: 2, ..goods::post(listing, 10) };
        let id = world.deps.ids.uuid_v7();
        world.at_the_hub_as(clerk, Some(CooperativeId(cooperative)), id, post).await.unwrap();
    }
    for office in &world.offices {
        office.sync().await.unwrap();
    }
    world.sql("CALL restore()").await;
    for office in &world.offices {
        office.sync().await.unwrap();
    }
    assert_eq!(world.listings_at_the_hub().await, 0, "there are no beans");
    world.sql(beans).await;
    world
        .sql(
            "CREATE FUNCTION busy() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                RAISE EXCEPTION 'busy' USING ERRCODE = 'serialization_failure'; END $$;
            CREATE TRIGGER busy BEFORE INSERT ON listings FOR EACH ROW WHEN (NEW.cooperative_id = 1) EXECUTE FUNCTION busy()",
        )
        .await;
    assert!(salvage::retry(&world.db, &world.deps).await.is_err(), "somebody has to hear of it");
    assert_eq!(world.column::<i32>("SELECT cooperative_id FROM listings").await, [2]);
    world.sql("DROP TRIGGER busy ON listings").await;
    assert!(salvage::retry(&world.db, &world.deps).await.unwrap() >= 2, "the product and its units");
    assert_eq!(world.listings_at_the_hub().await, 2);
}

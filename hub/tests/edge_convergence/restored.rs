//! A hub that was restored from a backup: what offices were told since stands there again, once, and nothing is sold meanwhile that may be
//! gone already.

use crate::doors::{arrived, world};
use crate::goods;
use crate::world::World;
use mizili_hub::sync::{edges, salvaged};
use sync_protocol::ids::EdgeId;
use sync_protocol::units::Quantity;

/// Copies every table aside, or puts the copies back: what a backup holds, and a restore makes of it.
const BACKUP: &str = "
    CREATE OR REPLACE PROCEDURE backup() LANGUAGE plpgsql AS $$ DECLARE t text; BEGIN
        DROP SCHEMA IF EXISTS aside CASCADE; CREATE SCHEMA aside;
        FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE '\\_%' LOOP
            EXECUTE format('CREATE TABLE aside.%I AS TABLE public.%I', t, t);
        END LOOP;
        CREATE TABLE aside.sequences_ AS SELECT sequencename, last_value FROM pg_sequences WHERE schemaname = 'public';
    END $$;
    CREATE OR REPLACE PROCEDURE restore() LANGUAGE plpgsql AS $$ DECLARE t text; s record; BEGIN
        SET LOCAL session_replication_role = replica;
        FOR t IN SELECT tablename FROM pg_tables WHERE schemaname = 'public' AND tablename NOT LIKE '\\_%' LOOP
            EXECUTE format('DELETE FROM public.%I', t);
            EXECUTE format('INSERT INTO public.%I OVERRIDING SYSTEM VALUE SELECT * FROM aside.%I', t, t);
        END LOOP;
        FOR s IN SELECT * FROM aside.sequences_ LOOP
            PERFORM setval(format('public.%I', s.sequencename)::regclass, coalesce(s.last_value, 1), s.last_value IS NOT NULL);
        END LOOP;
    END $$;";

async fn awaited(world: &World) -> Vec<u32> {
    let edges = edges::list(&world.db, world.deps.clock.now()).await.unwrap();
    edges.iter().filter(|edge| edge.state == "awaited").map(|edge| edge.id).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_were_told_of_since_the_backup_stands_at_the_hub_again() {
    let (world, listing) = world(51).await;
    let (office, other) = (&world.offices[0], &world.offices[1]);
    other.sync().await.unwrap();
    world.sql(BACKUP).await;
    world.sql("CALL backup()").await;
    // Sold at the office and heard of by the hub; sold by the hub and heard of by the office; a product that came and a sale of it.
    office.order(listing, 5).await.unwrap();
    office.sync().await.unwrap();
    world.at_the_hub(goods::order(listing, 7)).await;
    office.sync().await.unwrap();
    let second = office.post_listing(10).await;
    office.order(second, 2).await.unwrap();
    office.sync().await.unwrap();
    office.sync().await.unwrap();
    let held = world.held_by_the_hub(listing).await;
    assert_eq!(held, Quantity::units(13));
    // The hub has it, its answer does not come; and one that it has not heard of.
    office.order(listing, 3).await.unwrap();
    office.line.cut_response_after(Some(0));
    assert!(office.sync().await.is_err());
    office.line.cut_response_after(None);
    office.order(listing, 4).await.unwrap();
    assert_eq!(world.orders_at_the_hub().await, 4);

    world.sql("CALL restore()").await;
    assert_eq!((world.orders_at_the_hub().await, world.listings_at_the_hub().await), (0, 1));
    // The office that knows of it comes, by itself, and nothing that anybody was told of is lost or done twice.
    let report = office.sync().await.unwrap();
    assert!(report.digests_equal, "{report:?}");
    arrived(&world, 5).await;
    assert_eq!(world.listings_at_the_hub().await, 2);
    assert_eq!(world.held_by_the_hub(listing).await, held);
    assert_eq!(office.spendable(listing).await, Quantity::units(20 - 5 - 3 - 4));
    assert_eq!(
        (office.to_count().await, office.is_in_doubt().await),
        (vec![], false),
        "its own disk is whole"
    );
    assert_eq!(
        world
            .count("SELECT count(*) FROM salvaged_rows WHERE NOT stands AND entity IN (8, 9, 12, 13, 14)")
            .await,
        0
    );
    assert_eq!(world.count("SELECT epoch::bigint FROM hub").await, 2);
    // An operator sees what that was: three orders, which all stand; and each row as it was.
    let brought = salvaged::counts(&world.db).await.unwrap();
    assert!(brought.iter().all(|kind| (kind.epoch, kind.edge) == (2, 1)), "{brought:?}");
    let orders = brought.iter().find(|kind| kind.kind == "order").unwrap();
    assert_eq!((orders.rows, orders.stand), (3, 3));
    let rows = salvaged::of_edge(&world.db, EdgeId(1), Some(2), false).await.unwrap();
    assert_eq!(rows.len() as u64, brought.iter().map(|kind| kind.rows).sum::<u64>());
    assert!(
        rows.iter()
            .any(|row| row.kind == "order" && row.stands && row.says.contains("quantity: Quantity(7000)")),
        "{rows:?}"
    );
    let left = salvaged::of_edge(&world.db, EdgeId(1), None, true).await.unwrap();
    assert_eq!(left.len() as u64, brought.iter().map(|kind| kind.rows - kind.stand).sum::<u64>());
    world.nothing_was_oversold().await.unwrap();
    // And it goes on.
    office.order(listing, 1).await.unwrap();
    arrived(&world, 6).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn until_an_office_has_come_nothing_of_its_store_is_sold_at_the_hub() {
    let (world, listing) = world(52).await;
    let (office, other) = (&world.offices[0], &world.offices[1]);
    other.sync().await.unwrap();
    let others = other.post_listing(10).await;
    other.sync().await.unwrap();
    world.sql(BACKUP).await;
    world.sql("CALL backup()").await;
    world.at_the_hub(goods::order(listing, 15)).await;
    office.sync().await.unwrap();
    other.sync().await.unwrap();
    world.sql("CALL restore()").await;
    // The other office is the first to come: now the hub knows.
    other.sync().await.unwrap();
    assert_eq!(awaited(&world).await, [1]);
    let said = edges::list(&world.db, world.deps.clock.now()).await.unwrap();
    let reason = said.iter().find(|edge| edge.id == 1).and_then(|edge| edge.reason.clone()).unwrap();
    assert!(reason.contains("nothing of its store is sold here") && reason.contains("by itself"), "{reason}");
    // 20 would be there by the backup, 15 of which were sold.
    assert_eq!(world.at_the_hub_word(goods::order(listing, 10)).await, "not_enough");
    assert_eq!(world.at_the_hub_word(goods::order(others, 2)).await, "applied", "that office has come");
    office.sync().await.unwrap();
    assert_eq!(awaited(&world).await, [0u32; 0]);
    assert_eq!(world.at_the_hub_word(goods::order(listing, 10)).await, "not_enough");
    assert_eq!(world.at_the_hub_word(goods::order(listing, 5)).await, "applied");
    arrived(&world, 3).await;
    world.nothing_was_oversold().await.unwrap();
    // Once more, by an office that was enrolled again since: the hub does not know its incarnation.
    world.sql("CALL backup()").await;
    world.enrol_again(office).await.unwrap();
    office.sync().await.unwrap();
    world.sql("CALL restore()").await;
    let report = office.sync().await.unwrap();
    assert!(report.digests_equal, "{report:?}");
    other.sync().await.unwrap();
    arrived(&world, 3).await;
    assert_eq!(world.count("SELECT epoch::bigint FROM hub").await, 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hub_that_forgot_nothing_takes_no_box_for_a_proof() {
    let (world, _) = world(53).await;
    let office = &world.offices[0];
    let refused = office.rejoin().await.unwrap_err().to_string();
    assert!(refused.contains("has forgotten nothing"), "{refused}");
    assert_eq!(world.count("SELECT epoch::bigint FROM hub").await, 1);
    // Nor a box with another key.
    world.sql("UPDATE edges SET public_key = decode(repeat('07', 32), 'hex') WHERE id = 1").await;
    assert!(office.rejoin().await.is_err());
}

//! A hub that was restored from a backup: what offices were told since stands there again, once, and nothing is sold meanwhile that may be
//! gone already.

use crate::doors::{arrived, world};
use crate::goods;
use crate::office::Office;
use crate::world::World;
use mizili_hub::sync::{edges, marks, salvaged};
use sync_protocol::ids::EdgeId;
use sync_protocol::units::Quantity;

/// Copies every table aside, or puts the copies back: what a backup holds, and a restore makes of it.
pub(crate) const BACKUP: &str = "
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
    assert_eq!(
        left.len() as u64,
        brought.iter().map(|kind| kind.rows - kind.stand - kind.ended).sum::<u64>()
    );
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
    assert!(
        reason.contains("no product of its cooperative is sold here") && reason.contains("by itself"),
        "{reason}"
    );
    // 20 would be there by the backup, 15 of which were sold.
    assert_eq!(world.at_the_hub_word(goods::order(listing, 10)).await, "awaited", "no refusal either");
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

/// What an office has of the hub's newest answer but for its end, which was cut off: everything, without the link.
pub(crate) async fn lose_the_link_of(office: &Office, before: &str) {
    office.sql(format!("UPDATE node SET value = x'{before}' WHERE key = 'link'")).await;
}

pub(crate) async fn link_of(office: &Office) -> String {
    office.column::<String>("SELECT hex(value) FROM node WHERE key = 'link'").await.remove(0)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn verdicts_that_a_restored_hub_never_gave_show_it_though_the_link_does_not() {
    let (world, listing) = world(54).await;
    let office = &world.offices[0];
    world.sql(BACKUP).await;
    world.sql("CALL backup()").await;
    let link = link_of(office).await;
    office.order(listing, 5).await.unwrap();
    office.sync().await.unwrap();
    assert_eq!(office.unsettled().await, 0);
    lose_the_link_of(office, &link).await;
    world.sql("CALL restore()").await;
    office.order(listing, 4).await.unwrap();
    let report = office.sync().await.unwrap();
    assert!(report.digests_equal, "{report:?}");
    assert_eq!(world.count("SELECT epoch::bigint FROM hub").await, 2);
    arrived(&world, 2).await;
    world.nothing_was_oversold().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_that_a_restored_hub_never_sent_show_it_though_the_link_does_not() {
    let (world, listing) = world(55).await;
    let (office, other) = (&world.offices[0], &world.offices[1]);
    other.sync().await.unwrap();
    world.sql(BACKUP).await;
    world.sql("CALL backup()").await;
    let links = [link_of(office).await, link_of(other).await];
    world.at_the_hub(goods::order(listing, 7)).await;
    office.sync().await.unwrap();
    lose_the_link_of(office, &links[0]).await;
    world.sql("CALL restore()").await;
    // The other one knows of nothing that was forgotten, and nobody is suspected.
    other.sync().await.unwrap();
    assert_eq!(world.count("SELECT epoch::bigint FROM hub").await, 1);
    let report = office.sync().await.unwrap();
    assert!(report.digests_equal, "{report:?}");
    assert_eq!(world.count("SELECT epoch::bigint FROM hub").await, 2);
    arrived(&world, 1).await;
    assert_eq!(world.held_by_the_hub(listing).await, Quantity::units(13));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_last_answer_after_a_restore_may_be_lost_and_its_question_may_come_late() {
    const STREAM: &str = "SELECT incarnation::bigint FROM edges WHERE id = 1";
    let (world, listing) = world(56).await;
    let office = &world.offices[0];
    let copy = world.open_copy(office, office.copy_of_the_disk().await).await;
    world.sql(BACKUP).await;
    world.sql("CALL backup()").await;
    world.at_the_hub(goods::order(listing, 7)).await;
    office.order(listing, 5).await.unwrap();
    office.sync().await.unwrap();
    world.sql("CALL restore()").await;
    office.line.lose_answers_where(Some("\"last\":true"));
    for _ in 0..2 {
        assert!(office.sync().await.unwrap_err().is_temporary());
        assert_eq!(world.count(STREAM).await, 2, "one stream, however often it is asked for");
    }
    office.line.lose_answers_where(None);
    let report = office.sync().await.unwrap();
    assert!(report.digests_equal, "{report:?}");
    arrived(&world, 2).await;
    // The question of before arrives again, when the office has gone on; and an old copy of the box asks for itself.
    let said = office.line.ask_unheard_again().await;
    assert!(said.len() == 2 && said.iter().all(|status| *status == 403), "{said:?}");
    assert!(copy.rejoin().await.is_err());
    assert_eq!(world.count(STREAM).await, 2, "nobody replaced the office");
    office.order(listing, 1).await.unwrap();
    arrived(&world, 3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_office_that_slept_through_two_restores_brings_what_the_first_forgot() {
    let (world, listing) = world(57).await;
    let (office, other) = (&world.offices[0], &world.offices[1]);
    other.sync().await.unwrap();
    world.sql(BACKUP).await;
    for _ in 0..2 {
        world.sql("CALL backup()").await;
        if world.orders_at_the_hub().await == 0 && world.count("SELECT epoch::bigint FROM hub").await == 1 {
            world.at_the_hub(goods::order(listing, 7)).await;
            office.sync().await.unwrap();
        }
        other.sync().await.unwrap();
        world.sql("CALL restore()").await;
        other.sync().await.unwrap();
    }
    assert_eq!(world.count("SELECT epoch::bigint FROM hub").await, 3);
    let report = office.sync().await.unwrap();
    assert!(report.digests_equal, "{report:?}");
    arrived(&world, 1).await;
    assert_eq!(world.held_by_the_hub(listing).await, Quantity::units(13));
    // No small number that a hub may have given out in between is given again: commands name them.
    for table in ["commodities", "units", "markets", "regions", "price_series", "cooperatives", "edges"] {
        let next = format!("SELECT nextval(pg_get_serial_sequence('{table}', 'id'))");
        assert!(world.count(next).await > 200, "{table}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_an_office_brought_over_a_bad_line_it_does_not_bring_again() {
    let (world, listing) = world(58).await;
    let office = &world.offices[0];
    world.sql(BACKUP).await;
    world.sql("CALL backup()").await;
    world.offer_under_long_names(400).await;
    office.sync().await.unwrap();
    world.sql("CALL restore()").await;
    // Nothing is read of it on this disk: it counts as not there, and keeps nothing else from being brought.
    let bad = "UPDATE replica SET payload = x'ff' WHERE entity = 13 AND id = (SELECT max(id) FROM replica WHERE entity = 13)";
    assert_eq!(office.damage(bad).await, 1);
    office.line.lose_answers_where(Some("\"last\":true"));
    let before = office.line.carried();
    assert!(office.sync().await.is_err());
    let all = office.line.carried() - before;
    office.line.lose_answers_where(None);
    assert!(world.listings_at_the_hub().await >= 400);
    let (before, questions) = (office.line.carried(), office.line.questions());
    office.rejoin().await.unwrap();
    let again = office.line.carried() - before;
    assert!(again * 10 < all, "{again} bytes where {all} were brought before");
    assert!(office.line.questions() - questions <= 6);
    office.order(listing, 1).await.unwrap();
    office.sync().await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_office_hears_until_when_it_has_to_keep_what_took_effect() {
    let (world, _) = world(60).await;
    let office = &world.offices[0];
    let now = world.deps.clock.now();
    let ago = |hours: i64| now.checked_sub(jiff::SignedDuration::from_hours(hours)).unwrap();
    let keeps_from = async || {
        office.sync().await.unwrap();
        office.read(mizili_edge::node::backed_up_s).await
    };
    let (db, deps) = (&world.db, &world.deps);
    assert_eq!(keeps_from().await, None, "nobody has copies here: 30 days");
    marks::mark(db, deps, ago(48), "").await.unwrap();
    assert_eq!(keeps_from().await, Some(0), "one copy alone: everything");
    marks::mark(db, deps, ago(24), "").await.unwrap();
    assert_eq!(keeps_from().await, Some(ago(48).as_second()));
    marks::unmark(db, deps, ago(24)).await.unwrap();
    assert_eq!(keeps_from().await, Some(0));
    marks::unmark(db, deps, ago(48)).await.unwrap();
    assert_eq!(keeps_from().await, None);
}

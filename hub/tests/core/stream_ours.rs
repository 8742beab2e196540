//! What a hub does about errors that no command has caused: nobody is judged for them, and no stream stays shut by them.

use crate::support::{EDGE, PRICE, World, caller, cancel, command, id, office, order_of, place, post};
use mizili_hub::commands::stream::{Quarantined, StreamError, retry_all_quarantined};
use mizili_hub::jobs::build;
use mizili_node::testing::log::Log;
use sync_protocol::ids::Holder;
use sync_protocol::market::{
    Actor, Body, Command, ListingEdit, ListingPost, ListingWithdraw, MemberRegister, Source, WholeChange,
};
use tracing::Level;

const OFFICE: Holder = Holder::Edge(EDGE);

/// A posting and 49 sales of one.
fn fifty() -> Vec<Command> {
    let sale = |seq| command(seq, caller(7_000_000_000 + seq), &place(id(50), 1, Source::Held));
    std::iter::once(command(1, office(), &post(id(50), 1_000))).chain((2..=50).map(sale)).collect()
}

/// Fails every order by buyer 30 with an error of this class, as a handler with a fault of its own would.
fn fault(code: &str) -> String {
    format!(
        "CREATE OR REPLACE FUNCTION fault() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
            IF NEW.buyer_phone = 7000000030 THEN RAISE EXCEPTION 'planted' USING ERRCODE = '{code}'; END IF; RETURN NEW; END $$;
        CREATE OR REPLACE TRIGGER fault BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION fault()"
    )
}

#[tokio::test]
async fn a_renamed_column_quarantines_none_of_fifty_and_all_apply_when_it_is_back() {
    let columns = [
        ("orders", "buyer_name"),
        ("stock_entries", "kind"),
        ("listings", "title"),
        ("sync_rows", "payload"),
        ("buckets", "digests"),
        ("commands", "made_at_s"),
        ("edge_streams", "last_verdict"),
    ];
    let world = World::new().await;
    for (table, column) in columns {
        world.sql(format!("ALTER TABLE {table} RENAME {column} TO elsewhere")).await;
        for _ in 0..6 {
            let refused = world.take(fifty()).await;
            assert!(matches!(refused, Err(StreamError::Ours(_))), "{table}.{column}: {refused:?}");
            // Ten minutes pass; they count for nothing, because it is the hub that fails.
            world
                .sql("UPDATE command_failures SET first_failed_at = first_failed_at - interval '10 minutes'")
                .await;
        }
        world.sql(format!("ALTER TABLE {table} RENAME elsewhere TO {column}")).await;
        assert_eq!(world.number("SELECT count(*) FROM commands").await, 0, "{table}.{column}");
        assert_eq!(world.number("SELECT count(*) FROM command_failures").await, 0, "{table}.{column}");
    }
    world.take(fifty()).await.unwrap();
    assert_eq!(world.last_words().await, ["applied"; 50]);
    assert_eq!(world.available(id(50), OFFICE).await, 500 - 49);
    world.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn a_fault_that_one_command_meets_stops_the_stream_for_ten_minutes_and_no_longer() {
    let world = World::new().await;
    world.sql(fault("42P01")).await;
    for n in 1..=5 {
        let refused = world.take(fifty()).await;
        assert!(matches!(refused, Err(StreamError::Ours(_))), "{refused:?}");
        assert_eq!(world.last_words().await, ["applied"; 29], "what came before it stands");
        assert_eq!(world.number("SELECT failures::bigint FROM command_failures WHERE seq = 30").await, n);
    }
    // Five times, but all within a minute.
    assert!(world.take(fifty()).await.is_err());
    world.sql("UPDATE command_failures SET first_failed_at = first_failed_at - interval '10 minutes'").await;
    world.take(fifty()).await.unwrap();
    let words = world.last_words().await;
    assert_eq!((words[29], words.iter().filter(|word| **word == "applied").count()), ("quarantined", 49));
    assert_eq!(world.number("SELECT count(*) FROM commands WHERE ours").await, 1);
    // Once an hour it is tried again: in vain, and then not.
    let again = async || retry_all_quarantined(&world.db, &world.deps, Quarantined::Ours).await.unwrap();
    assert_eq!(again().await, []);
    assert_eq!(world.number("SELECT count(*) FROM commands WHERE ours").await, 1, "it is still ours");
    world.sql("DROP TRIGGER fault ON orders").await;
    assert_eq!(again().await, [(EDGE, 1)]);
    assert_eq!(world.last_words().await, ["applied"; 50]);
    assert_eq!(world.number("SELECT count(*) FROM commands WHERE ours").await, 0);
    assert_eq!(world.available(id(50), OFFICE).await, 500 - 49);
    world.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn what_a_value_causes_is_quarantined_at_once_and_tried_again_by_another_program() {
    let world = World::new().await;
    for (n, code) in (0..).zip(["22003", "22021", "23514", "21000", "P0001", "54000"]) {
        world.sql(fault(code)).await;
        world.take(fifty()).await.unwrap();
        assert_eq!(world.last_words().await[29], "quarantined", "{code}");
        let of_the_hour = retry_all_quarantined(&world.db, &world.deps, Quarantined::Ours).await.unwrap();
        assert_eq!(of_the_hour, [], "{code}: it is not ours");
        world.sql("DROP TRIGGER fault ON orders").await;
        let all = retry_all_quarantined(&world.db, &world.deps, Quarantined::All).await.unwrap();
        assert_eq!(all, [(EDGE, 1)], "{code}");
        assert_eq!(world.last_words().await, ["applied"; 50], "{code}, the {n}th");
        world
            .sql(
                "DELETE FROM commands WHERE seq = 30; DELETE FROM orders WHERE buyer_phone = 7000000030;
                UPDATE edge_streams SET applied_seq = 29; DELETE FROM superseded_verdicts;
                DELETE FROM commands WHERE seq > 29; UPDATE edge_streams SET last_verdict = 29",
            )
            .await;
    }
}

/// One transaction for the batch, however many are broken and however they lie.
#[tokio::test]
async fn twenty_broken_ones_in_a_thousand_cost_no_transaction_each() {
    let world = World::new().await;
    world
        .sql("CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF NEW.buyer_phone % 50 = 7 THEN RAISE EXCEPTION 'planted poison'; END IF; RETURN NEW; END $$;
            CREATE TRIGGER poison BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION poison();
            CREATE SEQUENCE written;
            CREATE FUNCTION counted() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN PERFORM nextval('written'); RETURN NULL; END $$;
            CREATE TRIGGER counted BEFORE INSERT ON orders FOR EACH STATEMENT EXECUTE FUNCTION counted()")
        .await;
    let sale = |seq| command(seq, caller(7_000_000_000 + seq), &place(id(50), 1, Source::Held));
    world.take(vec![command(1, office(), &post(id(50), 10_000))]).await.unwrap();
    world.take((2..=1_001).map(sale).collect()).await.unwrap();
    let words = world.last_words().await;
    assert_eq!(words.iter().filter(|word| **word == "quarantined").count(), 20);
    assert_eq!(words.iter().filter(|word| **word == "applied").count(), 981);
    let transactions = "SELECT count(DISTINCT xmin::text) FROM commands WHERE seq > 1";
    assert_eq!(world.number(transactions).await, 1);
    let tries = world.number("SELECT last_value FROM written").await;
    assert!(tries <= 20 * 12, "{tries} tries for 20 broken ones");
    assert_eq!(world.available(id(50), OFFICE).await, 5_000 - 980);
    world.assert_feed_equals_tables().await;
}

#[tokio::test]
async fn a_batch_of_nothing_but_broken_ones_goes_through_in_pieces() {
    let world = World::new().await;
    world
        .sql("CREATE FUNCTION poison() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'planted poison'; END $$;
            CREATE TRIGGER poison BEFORE INSERT ON orders FOR EACH ROW EXECUTE FUNCTION poison()")
        .await;
    world
        .take((1..=200).map(|seq| command(seq, office(), &place(id(50), 1, Source::Held))).collect())
        .await
        .unwrap();
    // The listing is not there: refused by the rules before it comes to any table.
    assert_eq!(world.last_words().await, ["rejected"; 200]);
    world.take(vec![command(201, office(), &post(id(50), 1_000))]).await.unwrap();
    world
        .take((202..=401).map(|seq| command(seq, office(), &place(id(50), 1, Source::Held))).collect())
        .await
        .unwrap();
    let words = world.last_words().await;
    assert!(words[201..].iter().all(|word| *word == "quarantined"), "{words:?}");
    assert_eq!(
        world.number("SELECT count(DISTINCT xmin::text) FROM commands WHERE seq > 201").await,
        4,
        "64 at a time"
    );
}

#[tokio::test]
async fn a_program_is_new_until_it_has_noted_itself() {
    let world = World::new().await;
    let build = build::is_new(&world.db).await.unwrap().unwrap();
    assert_eq!(build::is_new(&world.db).await.unwrap().as_deref(), Some(&*build));
    build::note(&world.db, &build).await.unwrap();
    assert_eq!(build::is_new(&world.db).await.unwrap(), None);
    world.sql("UPDATE hub SET build = 'another'").await;
    assert_eq!(build::is_new(&world.db).await.unwrap(), Some(build));
}

#[tokio::test]
async fn a_double_key_of_one_command_is_found_within_the_one_transaction() {
    let world = World::new().await;
    world.sql(fault("23505")).await;
    world.take(fifty()).await.unwrap();
    let words = world.last_words().await;
    assert_eq!((words[29], words.iter().filter(|word| **word == "applied").count()), ("quarantined", 49));
    assert_eq!(world.number("SELECT count(DISTINCT xmin::text) FROM commands").await, 1);
    assert_eq!(world.available(id(50), OFFICE).await, 500 - 48);
    world.assert_feed_equals_tables().await;
}

/// What hardly any command makes the hub ask, it asks in its own try all the same: a fault of that statement alone is no command's.
#[tokio::test]
async fn the_hubs_own_try_asks_what_only_a_command_about_nothing_known_would() {
    let world = World::new().await;
    world.sql(fault("42P01")).await;
    let log = Log::default();
    let _here = log.here_at(Level::DEBUG);
    assert!(matches!(world.take(fifty()).await, Err(StreamError::Ours(_))));
    let asked = log.take();
    for rare in ["SELECT body FROM commands", "FROM salvaged_rows", "SELECT id FROM listings WHERE id = ANY"]
    {
        assert!(asked.contains(rare), "{rare}");
    }
}

/// Commands of each kind, about a product of their own; with numbers from here on.
fn a_life(from: u64) -> Vec<Command> {
    let (listing, buyer) = (id(5_000_000 + from), caller(7_000_000_000 + from));
    let price = WholeChange { old: PRICE, new: PRICE + 500 };
    let edit = ListingEdit { listing, price_minor: Some(price), title: None };
    let member = MemberRegister {
        member: id(6_000_000 + from),
        phone: 265_993_000_000 + from,
        name: "Grace Banda".into(),
        language: "en".into(),
    };
    let Body::ListingPost(posting) = post(listing, 100) else { unreachable!() };
    let posting = ListingPost { seller: Some(member.member), ..posting };
    let bodies: Vec<(Actor, Body)> = vec![
        (office(), member.into()),
        (office(), posting.into()),
        (buyer, place(listing, 1, Source::Held)),
        (buyer, cancel(order_of(from + 2))),
        (office(), edit.into()),
        // At the price that it had before.
        (buyer, place(listing, 1, Source::Held)),
        (office(), ListingWithdraw { listing }.into()),
        // Nobody posted it, and nobody will.
        (office(), ListingWithdraw { listing: id(7_000_000 + from) }.into()),
    ];
    (from..).zip(bodies).map(|(seq, (actor, body))| command(seq, actor, &body)).collect()
}

/// Whatever of the tables that handlers work with is not there, it is the hub's fault, and no command is even suspected.
#[tokio::test]
async fn no_column_that_handlers_read_or_write_can_be_missing_at_a_commands_cost() {
    let world = World::new().await;
    let mut from = 1;
    world.take(a_life(from)).await.unwrap();
    let life = a_life(from).len() as u64;
    from += life;
    let columns = world
        .texts(
            "SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'public' AND table_name IN
                ('listings', 'listing_prices', 'orders', 'stock_entries', 'members', 'member_aliases', 'command_renames', 'commands',
                 'edge_streams', 'sync_rows', 'buckets', 'commodities', 'units', 'salvaged_rows', 'awaited_offices')
             ORDER BY 1",
        )
        .await;
    let mut missed = Vec::new();
    // The one that a trigger sets: without a row none runs, so what it misses shows at a command, which is counted and not judged.
    for column in columns.iter().filter(|column| *column != "listings.region_id") {
        let (table, name) = column.split_once('.').unwrap();
        world.sql(format!("ALTER TABLE {table} RENAME {name} TO elsewhere")).await;
        let taken = world.take(a_life(from)).await;
        world.sql(format!("ALTER TABLE {table} RENAME elsewhere TO {name}")).await;
        assert_eq!(world.number("SELECT count(*) FROM command_failures").await, 0, "{column}: {taken:?}");
        match taken {
            Ok(()) => from += life,
            Err(StreamError::Ours(_)) => missed.push(column.as_str()),
            Err(other) => panic!("{column}: {other:?}"),
        }
    }
    let others =
        "SELECT count(*) FROM commands WHERE verdict <> 'applied' AND code IS DISTINCT FROM 'not_found'";
    assert_eq!(world.number(others).await, 0);
    for column in [
        "awaited_offices.rows_came",
        "commands.clash_id",
        "salvaged_rows.payload",
        "listing_prices.price_minor",
        "command_renames.old_id",
        "member_aliases.to_id",
        "orders.status",
        "units.id",
    ] {
        assert!(missed.contains(&column), "{column} was not missed: {missed:?}");
    }
    world.take(a_life(from)).await.unwrap();
    world.assert_feed_equals_tables().await;
}

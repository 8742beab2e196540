//! What operators do at the command line goes through a bad moment as a request does.

use crate::support::World;
use mizili_hub::keys::HubKeys;
use mizili_hub::market::users::app::confirm;
use mizili_hub::market::users::care::{self, number};
use mizili_hub::sync::trust::{self, Found};
use mizili_hub::sync::{doors, marks};
use mizili_node::password::Passwords;

/// The first write to a table loses a deadlock.
async fn loses_the_first(world: &World, table: &str) {
    world
        .sql(format!(
            "CREATE SEQUENCE {table}_tries;
             CREATE FUNCTION {table}_lose() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF nextval('{table}_tries') = 1 THEN RAISE EXCEPTION 'planted' USING ERRCODE = '40P01'; END IF; RETURN NULL; END $$;
             CREATE TRIGGER lose AFTER INSERT OR UPDATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {table}_lose()"
        ))
        .await;
}

#[tokio::test]
async fn an_operators_act_that_loses_a_deadlock_is_done_all_the_same() {
    let world = World::new().await;
    world
        .sql(
            "INSERT INTO users (id, phone, name, role, password_hash) VALUES (gen_random_uuid(), 265991000001, 'M', 'buyer', '');
             UPDATE edge_streams SET halted_reason = 'somebody asked'; UPDATE hub SET keys_fingerprint = 'others'",
        )
        .await;
    for table in ["users", "edge_streams", "hub", "backup_marks"] {
        loses_the_first(&world, table).await;
    }
    let (db, deps) = (&world.db, &world.deps);
    confirm(db, deps, "+265991000001", None).await.unwrap();
    assert_eq!(world.number("SELECT count(*) FROM users WHERE phone_confirmed").await, 1);
    assert_eq!(doors::resume(db, deps, 1).await.unwrap().as_deref(), Some("somebody asked"));
    assert_eq!(trust::replace(db, deps, &keys(77), "others").await.unwrap(), 1);
    assert_eq!(marks::mark(db, deps, deps.clock.now(), "tape 7").await.unwrap().len(), 1);
    let tried =
        world.number("SELECT min(last_value) FROM pg_sequences WHERE sequencename LIKE '%\\_tries'").await;
    assert!(tried > 1, "each lost its first try");
}

fn keys(secret: u8) -> HubKeys {
    HubKeys::load(None, tempfile::tempdir().unwrap().path(), |bytes| bytes.fill(secret)).unwrap()
}

/// Somebody was asked about the first keys; before he says yes, somebody else has made the third ones the database's.
#[tokio::test]
async fn keys_about_which_nobody_was_asked_are_not_replaced() {
    let world = World::new().await;
    let (db, deps) = (&world.db, &world.deps);
    let [first, second, third] = [1, 2, 3].map(keys);
    assert_eq!(trust::compare(db, &first).await.unwrap(), Found::Noted { edges: 1 });
    let asked = Found::Others { theirs: first.fingerprint() };
    assert_eq!(trust::compare(db, &second).await.unwrap(), asked);
    assert_eq!(trust::replace(db, deps, &third, &first.fingerprint()).await.unwrap(), 1);
    let refused = trust::replace(db, deps, &second, &first.fingerprint()).await.unwrap_err().to_string();
    assert!(refused.contains(&third.fingerprint()) && refused.contains("mizili-hub keys show"), "{refused}");
    assert_eq!(trust::look(db).await.unwrap(), Some(third.fingerprint()));
}

#[tokio::test]
async fn copies_that_were_tried_are_kept_in_order_and_none_is_of_tomorrow() {
    let world = World::new().await;
    let (db, deps) = (&world.db, &world.deps);
    let now = deps.clock.now();
    let ago = |hours: i64| now.checked_sub(jiff::SignedDuration::from_hours(hours)).unwrap();
    for (hours, note) in [(48, "first"), (1, "third"), (24, "second"), (24, "second, moved")] {
        marks::mark(db, deps, ago(hours), note).await.unwrap();
    }
    let notes: Vec<String> = marks::list(db).await.unwrap().into_iter().map(|mark| mark.note).collect();
    assert_eq!(notes, ["third", "second, moved", "first"]);
    let tomorrow = marks::mark(db, deps, ago(-24), "").await.unwrap_err().to_string();
    assert!(tomorrow.contains("has not come yet"), "{tomorrow}");
}

/// Two were asked about the account of one number; both say yes.
#[tokio::test]
async fn who_agreed_to_close_one_account_closes_no_other_that_has_its_number_by_then() {
    let world = World::new().await;
    let (db, deps) = (&world.db, &world.deps);
    let account = "INSERT INTO users (id, phone, name, role, password_hash) VALUES (gen_random_uuid(), 265991000001, 'M', 'buyer', '')";
    world.sql(account).await;
    let (phone, hashing) = (number("+265991000001", None).unwrap(), Passwords::new(1));
    for beforehand in [false, true] {
        let agreed = care::standing(db, &phone).await.unwrap().agreed(beforehand);
        care::release(db, deps, &phone, agreed).await.unwrap();
        world.sql(account).await;
        let refused = care::release(db, deps, &phone, agreed).await.unwrap_err();
        assert!(format!("{refused:?}").contains("has another account by now"), "{refused:?}");
        assert!(care::close(db, deps, &phone, agreed).await.is_err());
        let renewed = care::set_password(db, deps, &hashing, (&phone, agreed), "gift of rain", None).await;
        assert!(renewed.is_err());
        assert_eq!(
            world.number("SELECT count(*) FROM users WHERE NOT disabled AND phone IS NOT NULL").await,
            1
        );
    }
    // Whose it is was vouched for while the question stood.
    let standing = care::standing(db, &phone).await.unwrap();
    confirm(db, deps, "+265991000001", None).await.unwrap();
    let refused = care::release(db, deps, &phone, standing.agreed(false)).await.unwrap_err();
    assert!(format!("{refused:?}").contains("was confirmed"), "{refused:?}");
    care::release(db, deps, &phone, standing.agreed(true)).await.unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_administrators_that_are_closed_at_once_the_last_is_asked_about_again() {
    let world = World::new().await;
    world
        .sql(
            "INSERT INTO users (id, phone, name, role, password_hash)
                SELECT gen_random_uuid(), 265991000000 + n, 'M', 'admin', '' FROM generate_series(1, 2) n",
        )
        .await;
    let (db, deps) = (&world.db, &world.deps);
    let phones = ["+265991000001", "+265991000002"].map(|phone| number(phone, None).unwrap());
    let agreed = [
        care::standing(db, &phones[0]).await.unwrap().agreed(false),
        care::standing(db, &phones[1]).await.unwrap().agreed(false),
    ];
    let (first, second) = tokio::join!(
        care::close(db, deps, &phones[0], agreed[0]),
        care::release(db, deps, &phones[1], agreed[1])
    );
    let refused: Vec<String> =
        [first.err(), second.err()].into_iter().flatten().map(|e| format!("{e:?}")).collect();
    assert!(refused.len() == 1 && refused[0].contains("the last administrator"), "{refused:?}");
    assert_eq!(world.number("SELECT count(*) FROM users WHERE NOT disabled").await, 1);
}

/// An administrator is busy with an account of his, or somebody is with him.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_closes_the_account_of_somebody_else_waits_for_no_administrator() {
    let world = World::new().await;
    world
        .sql(
            "INSERT INTO users (id, phone, name, role, password_hash) VALUES
                (gen_random_uuid(), 265991000001, 'M', 'admin', ''), (gen_random_uuid(), 265991000002, 'M', 'admin', ''),
                (gen_random_uuid(), 265991000003, 'M', 'buyer', '')",
        )
        .await;
    let (db, deps) = (&world.db, &world.deps);
    let phone = number("+265991000003", None).unwrap();
    let agreed = care::standing(db, &phone).await.unwrap().agreed(false);
    let mut busy = db.begin().await.unwrap();
    let admins = "SELECT FROM users WHERE role = 'admin' FOR UPDATE";
    sqlx::raw_sql(admins).execute(&mut *busy).await.unwrap();
    let hashing = Passwords::new(1);
    let acts = async {
        care::close(db, deps, &phone, agreed).await.unwrap();
        care::set_password(db, deps, &hashing, (&phone, agreed), "gift of rain", None).await.unwrap();
        care::release(db, deps, &phone, agreed).await.unwrap();
    };
    tokio::select! {
        () = acts => {}
        () = world.until_waiting(1) => panic!("it waits for an administrator"),
    }
    busy.rollback().await.unwrap();
}

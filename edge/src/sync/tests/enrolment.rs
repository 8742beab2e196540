//! A code becomes an edge: keys, facts, settings, office password; wrong codes, lost answers, a second try.

use super::hub::{CODE, CODE_AGAIN};
use super::*;
use crate::config::Config;
use crate::db::DbError;
use crate::sync::enrol::{Before, Enrolled, Enrolment};
use uuid::Uuid;

async fn enrol(edge: &TestEdge, hub: &FakeHub, code: &str) -> Result<Enrolled, SyncError> {
    let (db, deps, data_dir) = (edge.db(), edge.deps(), edge.data_dir());
    Enrolment { db, deps, data_dir, transport: hub, insecure_http: false, same_hub: false }
        .run(code, Some("chimanga 2026"))
        .await
}

impl Bed {
    pub(super) async fn goes_on_by_itself(&self) -> bool {
        let (db, deps, data_dir) = (self.edge.db(), self.edge.deps(), self.edge.data_dir());
        let transport = &*self.hub;
        let enrolment = Enrolment { db, deps, data_dir, transport, insecure_http: false, same_hub: false };
        enrolment.goes_on_by_itself().await.unwrap()
    }
}

fn passwords(edge: &TestEdge) -> Vec<(String, String)> {
    edge.read(|conn| {
        let mut statement = conn.prepare("SELECT user, hash FROM office_password")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok::<_, DbError>(rows.collect::<Result<_, _>>()?)
    })
}

#[tokio::test]
async fn a_code_makes_an_edge_that_can_sync() {
    let (edge, hub) = (TestEdge::empty(), Arc::new(FakeHub::new()));
    let enrolled = enrol(&edge, &hub, " k7mO-2xyl 9qrt").await.unwrap();
    assert_eq!((enrolled.edge, enrolled.cooperative.id), (testing::EDGE, testing::COOP.0));
    let me = edge.read(node::identity).unwrap();
    assert_eq!(
        (me.hub_url.as_str(), me.hub_keys.as_slice()),
        ("http://127.0.0.1:1", &[hub.public_key()][..])
    );
    let config = Config::load(edge.data_dir()).unwrap();
    assert_eq!((config.country.as_str(), config.gateways.len()), ("MWI", 1));
    let [(user, hash)] = passwords(&edge).try_into().unwrap();
    assert!(user == "office" && hash.starts_with("$argon2id$"));
    let text = std::fs::read_to_string(edge.data_dir().join("edge.toml")).unwrap();
    assert!(text.lines().filter(|line| line.starts_with('#')).count() > 10, "it explains itself");
    let identity = Identity::load(edge.data_dir()).unwrap();
    hub.write(COOP, vec![live(&testing::coop(testing::COOP, "Mitundu Farmers"))]);
    let syncer = syncer(&edge, &hub, identity);
    let bounds =
        Bounds { lock_patience: Duration::ZERO, work: None, check: Check::Disk, hold_commands: false };
    assert!(syncer.run_once(bounds).await.unwrap().digests_equal);
    assert_eq!(hub.lock().sign_ins, 0, "it has just shown who it is");
}

#[tokio::test]
async fn a_wrong_code_says_what_to_do_and_leaves_nothing_behind() {
    let (edge, hub) = (TestEdge::empty(), FakeHub::new());
    for code in ["K7M0-2XYL-9QRX", "short", ""] {
        let error = enrol(&edge, &hub, code).await.unwrap_err();
        assert!(error.to_string().contains("mizili-hub edge add"), "{error}");
    }
    assert_eq!(edge.read(node::identity), None);
    assert!(passwords(&edge).is_empty() && Config::load(edge.data_dir()).is_err());
}

#[tokio::test]
async fn a_lost_answer_is_mended_by_trying_again_with_the_same_key() {
    let (edge, hub) = (TestEdge::empty(), FakeHub::new());
    hub.lock().faults.lose_enrolment = true;
    assert!(matches!(enrol(&edge, &hub, CODE).await, Err(SyncError::Line(_))));
    let key = Identity::load(edge.data_dir()).unwrap().public_key();
    enrol(&edge, &hub, CODE).await.unwrap();
    assert_eq!(Identity::load(edge.data_dir()).unwrap().public_key(), key);
}

#[tokio::test]
async fn the_code_of_another_edge_is_not_used_up_by_this_box() {
    let (edge, hub) = (TestEdge::empty(), FakeHub::new());
    enrol(&edge, &hub, CODE).await.unwrap();
    let error = enrol(&edge, &hub, CODE).await.unwrap_err();
    assert!(
        matches!(error, SyncError::CodeOfAnother { edge: 3 })
            && error.to_string().contains("mizili-hub edge code 3")
            && error.to_string().contains("--data-dir"),
        "{error}"
    );
    // A slip in its first letters makes another box's code of its own: nobody can tell which it was.
    let error = enrol(&edge, &hub, &CODE_AGAIN.replacen('0', "1", 1)).await.unwrap_err();
    assert!(
        matches!(error, SyncError::CodeOfAnother { edge: 3 })
            && error.to_string().contains("it is mistyped, or for another box"),
        "{error}"
    );
}

#[tokio::test]
async fn another_hub_that_uses_the_same_number_is_not_taken_for_the_boxes_own() {
    let (edge, hub) = (TestEdge::empty(), FakeHub::new());
    let (own, other) = (Some(Uuid::from_u128(1)), Some(Uuid::from_u128(2)));
    hub.lock().id = own;
    enrol(&edge, &hub, CODE).await.unwrap();
    let before = edge.read(node::identity);
    for (id, says) in [(other, "belongs to another hub"), (None, "--same-hub")] {
        let hub = FakeHub::with_key([43; 32]);
        hub.lock().id = id;
        let refused = enrol(&edge, &hub, CODE_AGAIN).await.unwrap_err();
        assert!(matches!(&refused, SyncError::DataOfAnother(words) if words.contains(says)), "{refused}");
        assert_eq!(edge.read(node::identity), before);
    }
    // Its keys were replaced, and it is the same.
    let hub = FakeHub::with_key([43; 32]);
    hub.lock().id = own;
    assert_ne!(enrol(&edge, &hub, CODE_AGAIN).await.unwrap().before, Before::New);
    assert_eq!(edge.read(node::identity).unwrap().hub_keys, [hub.public_key()]);
}

#[tokio::test]
async fn a_hub_that_says_nothing_of_itself_is_the_same_where_a_person_says_so() {
    let (edge, hub) = (TestEdge::empty(), FakeHub::new());
    enrol(&edge, &hub, CODE).await.unwrap();
    let hub = FakeHub::with_key([43; 32]);
    let (db, deps, data_dir) = (edge.db(), edge.deps(), edge.data_dir());
    let enrolment = Enrolment { db, deps, data_dir, transport: &hub, insecure_http: false, same_hub: true };
    enrolment.run(CODE_AGAIN, None).await.unwrap();
    assert_eq!(edge.read(node::identity).unwrap().hub_keys, [hub.public_key()]);
    // Of one that says which it is nobody's word is needed, nor taken.
    for (says, is_taken) in [(1, true), (1, true), (2, false)] {
        let hub = FakeHub::with_key([44; 32]);
        hub.lock().id = Some(Uuid::from_u128(says));
        let (db, deps, data_dir) = (edge.db(), edge.deps(), edge.data_dir());
        let enrolment =
            Enrolment { db, deps, data_dir, transport: &hub, insecure_http: false, same_hub: true };
        assert_eq!(enrolment.run(CODE_AGAIN, None).await.is_ok(), is_taken, "{says}");
    }
}

#[tokio::test]
async fn settings_that_a_kill_kept_from_being_written_are_written_whatever_the_code() {
    for incarnation in [1, 2] {
        let (edge, hub) = (TestEdge::empty(), FakeHub::new());
        enrol(&edge, &hub, CODE).await.unwrap();
        let file = edge.data_dir().join("edge.toml");
        std::fs::remove_file(&file).unwrap();
        hub.lock().incarnation = incarnation;
        let enrolled = enrol(&edge, &hub, CODE_AGAIN).await.unwrap();
        let before = if incarnation == 1 { Before::Same } else { Before::Earlier };
        assert_eq!(enrolled.before, before);
        Config::load(edge.data_dir()).unwrap();
        // What is there stays.
        std::fs::write(&file, "# mine").unwrap();
        hub.lock().incarnation += 1;
        enrol(&edge, &hub, CODE_AGAIN).await.unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), "# mine");
    }
}

/// What the box before sold last, the hub may never have heard of.
#[tokio::test]
async fn a_new_box_of_an_office_that_had_another_is_told_to_count() {
    for (incarnation, before, doubt) in
        [(1, Before::New, None), (2, Before::Successor, Some(node::Doubt::Rewound))]
    {
        let (edge, hub) = (TestEdge::empty(), FakeHub::new());
        hub.lock().incarnation = incarnation;
        let enrolled = enrol(&edge, &hub, CODE).await.unwrap();
        assert_eq!((enrolled.before, edge.read(node::doubt)), (before, doubt));
    }
}

//! `mizili-edge enrol` as it is run: what a refused one leaves, several at once in one folder, a box that needs none. The hub is a
//! small one of the test's own, which takes the first code that it is shown and no other.

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, Uri, header};
use axum::response::IntoResponse;
use axum::routing::post;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use ed25519_dalek::SigningKey;
use mizili_edge::db::{Db, DbError};
use mizili_edge::node;
use mizili_node::testing::wait::until;
use serde_json::json;
use std::path::Path;
use std::process::{Output, Stdio};
use std::sync::Arc;
use sync_protocol::enrolment::{Cooperative, EnrolRequest, EnrolResponse, LinkJson};
use sync_protocol::session::identity::code_pick;
use sync_protocol::session::{CHALLENGE_PATH, ENROL_PATH};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::{Mutex, Semaphore};

/// Codes of the edges 3 and 4.
const CODES: [&str; 2] = ["03AB-CDEF-GHJK", "04AB-CDEF-GHJK"];

struct Hub {
    address: String,
    key: SigningKey,
    /// Questions that have come.
    arrived: Semaphore,
    /// Questions that may be answered.
    answered: Semaphore,
    /// Other questions, to which it has no answer.
    others: std::sync::Mutex<Vec<String>>,
    /// The code that was used, and for which key.
    used: Mutex<Option<(String, String)>>,
}

impl Hub {
    /// One that answers so many questions before it waits to be told.
    async fn new(answered: usize) -> Arc<Self> {
        Self::with_key(7, answered).await
    }

    /// The same, with a key of its own.
    async fn with_key(key: u8, answered: usize) -> Arc<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let hub = Arc::new(Self {
            address,
            key: SigningKey::from_bytes(&[key; 32]),
            arrived: Semaphore::new(0),
            answered: Semaphore::new(answered),
            others: std::sync::Mutex::default(),
            used: Mutex::default(),
        });
        let other = async |State(hub): State<Arc<Self>>, asked: Uri| {
            hub.others.lock().unwrap().push(asked.path().to_owned());
            StatusCode::NOT_FOUND
        };
        let routes = Router::new().route(ENROL_PATH, post(enrol)).fallback(other).with_state(hub.clone());
        tokio::spawn(async { axum::serve(listener, routes).await });
        hub
    }
}

impl Hub {
    /// How often somebody began to sign in.
    fn signs_in(&self) -> usize {
        self.others.lock().unwrap().iter().filter(|path| *path == CHALLENGE_PATH).count()
    }
}

async fn enrol(State(hub): State<Arc<Hub>>, body: String) -> Result<String, impl IntoResponse> {
    hub.arrived.add_permits(1);
    hub.answered.acquire().await.unwrap().forget();
    let asked: EnrolRequest = serde_json::from_str(&body).unwrap();
    let shown = (asked.code, asked.public_key);
    let mut used = hub.used.lock().await;
    if used.get_or_insert_with(|| shown.clone()) != &shown {
        let problem = json!({ "type": "/api/docs/problems#enrolment_code", "title": "t", "status": 401, "code": "enrolment_code", "detail": "d" });
        let kind = [(header::CONTENT_TYPE, "application/problem+json")];
        return Err((StatusCode::UNAUTHORIZED, kind, problem.to_string()));
    }
    let answer = EnrolResponse {
        edge: code_pick(&shown.0).unwrap() as u32,
        incarnation: 1,
        link: LinkJson {
            number: u64::from(hub.key.to_bytes()[0]),
            random: BASE64.encode([1; 16]),
            mac: BASE64.encode([2; 16]),
        },
        epoch: 1,
        hub_keys: vec![BASE64.encode(hub.key.verifying_key().to_bytes())],
        cooperative: Cooperative {
            id: 12,
            name: "Mitundu Farmers".into(),
            country: "MWI".into(),
            region: None,
            currency: "MWK".into(),
        },
        national: false,
        hub: None,
        session: None,
    };
    Ok(serde_json::to_string(&answer).unwrap())
}

fn enrolling(hub: &Hub, folder: &Path, code: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mizili-edge"));
    command.args(["enrol", "--hub", &hub.address, "--code", code, "--data-dir"]).arg(folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

/// What a refused one says: one line, and it ends as a failure.
#[track_caller]
fn refusal(output: &Output) -> String {
    let said = String::from_utf8(output.stderr.clone()).unwrap();
    assert_eq!((output.status.code(), said.lines().count()), (Some(1), 1), "{said}");
    assert!(output.stdout.is_empty() && said.starts_with("mizili-edge: "), "{said}");
    said
}

fn names(folder: &Path) -> Vec<String> {
    let mut names: Vec<_> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    names.sort();
    names
}

fn edge_of(folder: &Path) -> u32 {
    Db::open(folder).unwrap().read_blocking(node::identity).unwrap().unwrap().edge.0
}

#[tokio::test]
async fn a_refused_one_says_why_on_one_line_and_leaves_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let hub = Hub::new(9).await;
    *hub.used.lock().await = Some(("another".into(), "box".into()));
    let (none, empty) = (dir.path().join("none"), dir.path().join("empty"));
    std::fs::create_dir(&empty).unwrap();
    for folder in [&none, &empty] {
        let said = refusal(&enrolling(&hub, folder, CODES[0]).output().await.unwrap());
        assert!(
            said.contains("the code is wrong, used or has expired") && said.contains("edge add"),
            "{said}"
        );
        let said = refusal(&enrolling(&hub, folder, "hello world").output().await.unwrap());
        assert!(said.contains("this is no code: one has 12 letters and figures"), "{said}");
    }
    assert!(!none.exists());
    assert!(names(&empty).is_empty(), "{:?}", names(&empty));
    assert_eq!(hub.arrived.available_permits(), 2, "what is no code is not sent");
}

#[tokio::test]
async fn while_one_is_under_way_another_is_sent_away_and_changes_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("box");
    let hub = Hub::new(0).await;
    let first = tokio::spawn(enrolling(&hub, &folder, CODES[0]).output());
    hub.arrived.acquire().await.unwrap().forget();
    let said = refusal(&enrolling(&hub, &folder, CODES[1]).output().await.unwrap());
    assert!(said.contains("another enrol of ") && said.contains("wait until it has ended"), "{said}");
    hub.answered.add_permits(1);
    assert!(first.await.unwrap().unwrap().status.success());
    assert_eq!((edge_of(&folder), hub.arrived.available_permits()), (3, 0));
}

/// Which of them comes first is nobody's to say, nor how far it is when the others come.
#[tokio::test]
async fn of_many_at_once_one_makes_the_box_and_none_takes_anything_of_it_away() {
    for _ in 0..3 {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("box");
        let hub = Hub::new(99).await;
        let all: Vec<_> = [0, 1, 0, 1]
            .map(|code| tokio::spawn(enrolling(&hub, &folder, CODES[code]).output()))
            .into_iter()
            .collect();
        let mut made = 0;
        for one in all {
            let output = one.await.unwrap().unwrap();
            if output.status.success() { made += 1 } else { drop(refusal(&output)) }
        }
        assert_eq!(made, 1);
        let used = hub.used.lock().await.clone().unwrap().0;
        assert_eq!(u64::from(edge_of(&folder)), code_pick(&used).unwrap());
        for file in ["bundle.key", "signing.key", "edge.toml"] {
            assert!(folder.join(file).exists(), "{:?}", names(&folder));
        }
    }
}

#[tokio::test]
async fn a_box_that_goes_on_by_itself_is_asked_about_and_one_that_is_shut_out_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("box");
    let hub = Hub::new(99).await;
    assert!(enrolling(&hub, &folder, CODES[0]).output().await.unwrap().status.success());
    hub.arrived.acquire().await.unwrap().forget();
    let again = async |words: &[&str]| enrolling(&hub, &folder, CODES[0]).args(words).output().await.unwrap();
    let said = refusal(&again(&[]).await);
    assert!(said.contains("sells nothing of its own stock until") && said.contains("give --yes"), "{said}");
    assert_eq!(hub.arrived.available_permits(), 0, "the code was not used up");
    // The same code is answered again, for its answer may have been lost; here it was not, and nothing has changed.
    let output = again(&["--yes"]).await;
    let said = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success() && said.contains("by this code already. It goes on as it was"), "{said}");
    let doubt = Db::open(&folder).unwrap().read(node::doubt).await.unwrap();
    assert_eq!(doubt, None, "nothing has to be counted");
    for code in ["rewound", "not_known"] {
        let shut_out = Db::open(&folder).unwrap();
        let note = move |tx: &rusqlite::Transaction<'_>| -> Result<(), DbError> {
            Ok(tx.execute("UPDATE sync_state SET error_code = ?1, error_text = ''", [code]).map(drop)?)
        };
        shut_out.write(note).await.unwrap();
        drop(shut_out);
        // Settings that a killed enrolment did not come to are made by the next.
        std::fs::remove_file(folder.join("edge.toml")).unwrap();
        assert!(again(&[]).await.status.success(), "{code}");
        assert!(folder.join("edge.toml").exists());
    }
}

/// Else the box, and what it signs in with, would go to the earlier address.
#[tokio::test]
async fn settings_that_name_another_address_are_put_right_before_a_code_is_used() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("box");
    let hub = Hub::new(99).await;
    assert!(enrolling(&hub, &folder, CODES[0]).output().await.unwrap().status.success());
    hub.arrived.acquire().await.unwrap().forget();
    let settings = folder.join("edge.toml");
    let before = std::fs::read_to_string(&settings).unwrap();
    let with = |url: &str| {
        std::fs::write(&settings, before.replace("hub_url = \"\"", &format!("hub_url = \"{url}\"")))
    };
    with("https://elsewhere.example.org").unwrap();
    let said = refusal(&enrolling(&hub, &folder, CODES[0]).arg("--yes").output().await.unwrap());
    assert!(said.contains("https://elsewhere.example.org") && said.contains("take that line out"), "{said}");
    assert_eq!(hub.arrived.available_permits(), 0, "nothing was asked");
    with(&format!("{}/", hub.address)).unwrap();
    assert!(enrolling(&hub, &folder, CODES[0]).arg("--yes").output().await.unwrap().status.success());
}

/// The settings of its start named the earlier one.
#[tokio::test]
async fn a_running_box_goes_where_the_new_enrolment_and_the_settings_say() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("box");
    let (before, now) = (Hub::new(9).await, Hub::with_key(8, 9).await);
    assert!(enrolling(&before, &folder, CODES[0]).output().await.unwrap().status.success());
    let settings = folder.join("edge.toml");
    let written = std::fs::read_to_string(&settings).unwrap();
    let naming = format!("hub_url = \"{}\"", before.address);
    std::fs::write(&settings, written.replace("hub_url = \"\"", &naming)).unwrap();
    let mut serve = Command::new(env!("CARGO_BIN_EXE_mizili-edge"));
    serve.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(&folder);
    serve.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).kill_on_drop(true);
    let _serve = serve.spawn().unwrap();
    until(async || before.signs_in() > 0).await;
    std::fs::write(&settings, &written).unwrap();
    let told = enrolling(&now, &folder, CODES[0]).args(["--yes", "--same-hub"]).output().await.unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    let asked = before.signs_in();
    until(async || now.signs_in() > 0).await;
    assert_eq!(before.signs_in(), asked);
}

/// A hub that does not say which it is can only be told by its keys, or by a person.
#[tokio::test]
async fn a_hub_whose_keys_are_others_is_taken_for_the_same_where_a_person_says_so() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("box");
    let (before, now) = (Hub::new(9).await, Hub::with_key(8, 9).await);
    assert!(enrolling(&before, &folder, CODES[0]).output().await.unwrap().status.success());
    let keys = async || {
        let identity = Db::open(&folder).unwrap().read(node::identity).await.unwrap().unwrap();
        identity.hub_keys
    };
    let said = refusal(&enrolling(&now, &folder, CODES[0]).arg("--yes").output().await.unwrap());
    assert!(said.contains("say so with --same-hub"), "{said}");
    assert_eq!(keys().await, [before.key.verifying_key().to_bytes()]);
    let told = enrolling(&now, &folder, CODES[0]).args(["--yes", "--same-hub"]).output().await.unwrap();
    assert!(told.status.success(), "{}", String::from_utf8_lossy(&told.stderr));
    assert_eq!(keys().await, [now.key.verifying_key().to_bytes()]);
}

/// A command without what root may do beyond others: reading what is closed to everybody.
fn ordinary(arguments: &[&str], folder: &Path) -> Command {
    use std::os::unix::fs::MetadataExt as _;
    let program = env!("CARGO_BIN_EXE_mizili-edge");
    let is_root = std::fs::metadata("/proc/self").unwrap().uid() == 0;
    let mut command = Command::new(if is_root { "setpriv" } else { program });
    if is_root {
        command.args(["--bounding-set=-dac_override,-dac_read_search", "--", program]);
    }
    command.args(arguments).arg("--data-dir").arg(folder);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
    command
}

#[tokio::test]
async fn a_folder_that_is_a_file_or_a_hubs_or_anothers_is_refused_before_anything_is_made() {
    use std::os::unix::fs::PermissionsExt as _;
    let dir = tempfile::tempdir().unwrap();
    let (hubs, file, closed) = (dir.path().join("hub"), dir.path().join("file"), dir.path().join("closed"));
    std::fs::create_dir(&hubs).unwrap();
    std::fs::write(hubs.join("hub-keys"), "").unwrap();
    std::fs::write(&file, "").unwrap();
    std::fs::create_dir(&closed).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o000)).unwrap();
    let enrol = ["enrol", "--hub", "http://127.0.0.1:1", "--code", CODES[0]];
    for arguments in [&enrol[..], &["serve"], &["status"]] {
        for (folder, why) in [
            (&hubs, "holds the data of mizili-hub; give another folder"),
            (&file, "is a file; give a folder"),
            (&closed, "cannot be read by this account"),
        ] {
            let said = refusal(&ordinary(arguments, folder).output().await.unwrap());
            assert!(said.contains(why), "{arguments:?} {said}");
        }
    }
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
    assert_eq!((names(&hubs), names(&closed)), (vec!["hub-keys".to_owned()], vec![]));
}

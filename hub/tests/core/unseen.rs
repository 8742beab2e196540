//! An operator's act that took effect while the connection was lost: it is tried again, and is said to have been done.

use crate::support::{EDGE, World, command, id, office, post};
use mizili_hub::db::Db;
use mizili_hub::keys::HubKeys;
use mizili_hub::market::cooperatives::app::{NewCooperative, add};
use mizili_hub::market::users::care::{number, release, standing};
use mizili_hub::sync::{doors, edges, marks, trust};
use sqlx::postgres::PgConnectOptions;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use sync_protocol::ids::Holder;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

/// A way to the database on which the answer to a commit can be lost.
struct Line {
    db: Db,
    /// Which of the next commits is answered to nobody; 0 for none.
    lost: Arc<AtomicUsize>,
    _folder: TempDir,
}

impl Line {
    async fn to(world: &World) -> Self {
        let to: PgConnectOptions = world.url().parse().unwrap();
        let socket = format!(".s.PGSQL.{}", to.get_port());
        let folder = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(folder.path().join(&socket)).unwrap();
        let real = to.get_socket().unwrap().join(&socket);
        let lost = Arc::new(AtomicUsize::new(0));
        let counted = Arc::clone(&lost);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let server = UnixStream::connect(&real).await.unwrap();
                tokio::spawn(carry(client, server, Arc::clone(&counted)));
            }
        });
        let url = format!(
            "postgres:///{}?host={}&port={}&user={}&sslmode=disable",
            to.get_database().unwrap(),
            folder.path().to_str().unwrap().replace('/', "%2F"),
            to.get_port(),
            to.get_username()
        );
        Self { db: Db::connect_with(&url, &url, 2).await.unwrap(), lost, _folder: folder }
    }

    /// The answer to the n-th commit from now on is lost.
    fn loses(&self, commit: usize) {
        assert_eq!(self.lost.swap(commit, Ordering::SeqCst), 0, "the one before was lost");
    }
}

/// Carries both ways, until an answer is lost, and the connection with it.
async fn carry(mut client: UnixStream, mut server: UnixStream, lost: Arc<AtomicUsize>) {
    let (mut asked, mut said) = (vec![0; 1 << 16], vec![0; 1 << 16]);
    loop {
        tokio::select! {
            n = client.read(&mut asked) => {
                let Ok(n @ 1..) = n else { return };
                server.write_all(&asked[..n]).await.unwrap();
                let is_commit = asked[..n].windows(6).any(|words| words == b"COMMIT");
                let counted = |left: usize| left.checked_sub(1);
                if is_commit && lost.fetch_update(Ordering::SeqCst, Ordering::SeqCst, counted) == Ok(1) {
                    // It stands; nobody hears so.
                    assert!(server.read(&mut said).await.unwrap() > 0);
                    return;
                }
            }
            n = server.read(&mut said) => {
                let Ok(n @ 1..) = n else { return };
                if client.write_all(&said[..n]).await.is_err() {
                    return;
                }
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_took_effect_unseen_is_said_to_have() {
    let world = World::new().await;
    world.take(vec![command(1, office(), &post(id(50), 40))]).await.unwrap();
    world
        .sql(
            "INSERT INTO users (id, phone, name, role, password_hash) VALUES (gen_random_uuid(), 265991000001, 'M', 'buyer', '');
             UPDATE edge_streams SET halted_reason = 'somebody asked'",
        )
        .await;
    let line = Line::to(&world).await;
    let (db, deps) = (&line.db, &world.deps);
    marks::mark(db, deps, deps.clock.now(), "tape 7").await.unwrap();
    line.loses(1);
    assert_eq!(marks::unmark(db, deps, deps.clock.now()).await.unwrap(), Some(vec![]));
    assert_eq!(marks::unmark(db, deps, deps.clock.now()).await.unwrap(), None);

    line.loses(1);
    assert_eq!(doors::resume(db, deps, 1).await.unwrap().as_deref(), Some("somebody asked"));
    assert_eq!(doors::resume(db, deps, 1).await.unwrap(), None);

    let folder = tempfile::tempdir().unwrap();
    let keys = HubKeys::load(None, folder.path(), |secret| secret.fill(77)).unwrap();
    world.sql("UPDATE hub SET keys_fingerprint = 'others'").await;
    line.loses(1);
    assert_eq!(trust::replace(db, deps, &keys, "others").await.unwrap(), 1);
    assert_eq!(trust::replace(db, deps, &keys, "others").await.unwrap(), 0);

    let phone = number("+265991000001", None).unwrap();
    let agreed = standing(db, &phone).await.unwrap().agreed(false);
    line.loses(1);
    release(db, deps, &phone, agreed).await.unwrap();
    assert!(release(db, deps, &phone, agreed).await.is_err(), "nobody has it any more");

    world.sql("UPDATE edges SET revoked_at = now()").await;
    // The first one only looks whether it was revoked.
    line.loses(2);
    let gone = doors::write_off(db, deps, 1).await.unwrap();
    assert!(gone.len() == 1 && gone[0].written_off, "{gone:?}");
    assert_eq!(world.available(id(50), Holder::Edge(EDGE)).await, 0);
    assert_eq!(doors::write_off(db, deps, 1).await.unwrap(), []);
    line.loses(1);
    let new =
        NewCooperative { name: "Gamma".into(), country: "MWI".into(), region: None, hub_share_percent: 50 };
    let made = add(db, deps, &new).await.unwrap();
    line.loses(1);
    let added = edges::add(db, deps, made.id, false).await.unwrap();
    assert_eq!((made.id, added.id), (3, 2));
    assert_eq!(world.number("SELECT count(*) FROM edges").await, 2, "one more, however often it was tried");
    line.loses(0);
}

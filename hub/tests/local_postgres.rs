//! The hub's own Postgres, on the real server programs: made, joined, left behind, recovered, ended.
//! Run as root, the tests show that the server is not; run as anybody, they need no other rights.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use mizili_hub::postgres::{Durability, LocalPostgres, PostgresError, Stopped};
use sqlx::{Connection, PgConnection, Row};
use std::io::{BufRead, BufReader};
use std::os::unix::fs::{MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// Set for a copy of this program that plays another process in a test.
const ROLE: &str = "MIZILI_TEST_ROLE_FOLDER";

/// A folder like an operator's: nobody else may even walk through it.
fn private_folder() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o700)).unwrap();
    folder
}

async fn start(dir: &Path) -> LocalPostgres {
    LocalPostgres::start(dir, Durability::Throwaway).await.unwrap()
}

async fn ask(postgres: &LocalPostgres, database: &str, sql: &'static str) -> String {
    let mut connection = PgConnection::connect(&postgres.url(database)).await.unwrap();
    let row = sqlx::raw_sql(sql).fetch_one(&mut connection).await.unwrap();
    connection.close().await.unwrap();
    row.get(0)
}

async fn run(postgres: &LocalPostgres, database: &str, sql: &'static str) {
    let mut connection = PgConnection::connect(&postgres.url(database)).await.unwrap();
    sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
    connection.close().await.unwrap();
}

fn pid_of_server(dir: &Path) -> Option<u32> {
    let text = std::fs::read_to_string(dir.join("data/postmaster.pid")).ok()?;
    text.lines().next()?.trim().parse().ok()
}

fn is_alive(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/stat"));
    status.is_ok_and(|text| !text.rsplit(')').next().unwrap_or_default().starts_with(" Z"))
}

/// Waits until a server that has stopped is gone: it takes its file away a moment before it ends.
async fn is_gone(pid: u32) -> bool {
    let gone = async {
        while is_alive(pid) {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), gone).await.is_ok()
}

fn kill_now(pid: u32) {
    assert!(Command::new("kill").args(["-9", &pid.to_string()]).status().unwrap().success());
}

fn is_root() -> bool {
    std::fs::metadata("/proc/self").unwrap().uid() == 0
}

#[tokio::test]
async fn a_new_cluster_is_durable_private_and_keeps_its_rows() {
    let folder = private_folder();
    let dir = folder.path().join("data folder's").join("postgres");
    let postgres = LocalPostgres::start(&dir, Durability::Durable).await.unwrap();
    assert!(postgres.started_here());
    assert!(postgres.create_database_if_missing("mizili").await.unwrap());
    assert!(!postgres.create_database_if_missing("mizili").await.unwrap());
    for (sql, answer) in [
        ("show fsync", "on"),
        ("show full_page_writes", "on"),
        ("show synchronous_commit", "on"),
        ("show data_checksums", "on"),
        ("show listen_addresses", ""),
        ("show server_encoding", "UTF8"),
        ("show lc_collate", "C.UTF-8"),
        ("show timezone", "UTC"),
        ("select current_user::text", "mizili"),
    ] {
        assert_eq!(ask(&postgres, "mizili", sql).await, answer, "{sql}");
    }
    run(&postgres, "mizili", "create table kept (x text); insert into kept values ('habari')").await;
    let pid = pid_of_server(&dir).unwrap();
    assert_eq!(postgres.stop().await.unwrap(), Stopped::Server);
    assert!(pid_of_server(&dir).is_none() && is_gone(pid).await);

    let again = LocalPostgres::start(&dir, Durability::Durable).await.unwrap();
    assert!(again.started_here());
    assert_eq!(ask(&again, "mizili", "select x from kept").await, "habari");
    again.stop().await.unwrap();
}

#[tokio::test]
async fn the_server_is_not_root_and_is_beyond_the_terminals_ctrl_c() {
    let folder = private_folder();
    let dir = folder.path().join("postgres");
    let postgres = start(&dir).await;
    let pid = pid_of_server(&dir).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = |name: &str| status.lines().find_map(|l| l.strip_prefix(name)).unwrap().trim().to_owned();
    assert!(line("Uid:").split_whitespace().all(|uid| uid != "0"), "{}", line("Uid:"));
    if is_root() {
        assert_eq!(line("Groups:"), "", "root's groups must be given up");
    }
    let environment = std::fs::read(format!("/proc/{pid}/environ"));
    assert!(environment.is_ok_and(|text| !String::from_utf8_lossy(&text).contains("CARGO")));
    // Field 6 of `stat`: the session, which is the server's own.
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let session = stat.rsplit(')').next().unwrap().split_whitespace().nth(3).unwrap();
    assert_eq!(session, pid.to_string());
    for private in ["data", "socket"] {
        let mode = std::fs::metadata(dir.join(private)).unwrap().mode() & 0o777;
        assert_eq!(mode, 0o700, "{private}");
    }
    postgres.stop().await.unwrap();
}

#[tokio::test]
async fn the_last_user_stops_the_server() {
    let folder = private_folder();
    let dir = folder.path().join("postgres");
    let serve = start(&dir).await;
    let command = start(&dir).await;
    assert!(serve.started_here() && !command.started_here());
    assert_eq!(command.stop().await.unwrap(), Stopped::LeftRunning);
    assert_eq!(ask(&serve, "postgres", "select 'still here'").await, "still here");

    let longer = start(&dir).await;
    assert_eq!(serve.stop().await.unwrap(), Stopped::LeftRunning);
    assert_eq!(ask(&longer, "postgres", "select 'still here'").await, "still here");
    assert_eq!(longer.stop().await.unwrap(), Stopped::Server);
}

#[tokio::test]
async fn of_two_at_once_one_starts_and_one_joins() {
    let folder = private_folder();
    let dir = folder.path().join("postgres");
    let (a, b, c) = tokio::join!(start(&dir), start(&dir), start(&dir));
    let started = [&a, &b, &c].iter().filter(|postgres| postgres.started_here()).count();
    assert_eq!(started, 1);
    let made = tokio::join!(a.create_database_if_missing("x"), b.create_database_if_missing("x"));
    assert!(made.0.unwrap() ^ made.1.unwrap());
    let stopped = tokio::join!(a.stop(), b.stop(), c.stop());
    let stopped = [stopped.0.unwrap(), stopped.1.unwrap(), stopped.2.unwrap()];
    assert_eq!(stopped.iter().filter(|s| **s == Stopped::Server).count(), 1, "{stopped:?}");
}

#[tokio::test]
async fn what_a_killed_process_left_running_is_joined_and_ended() {
    const NAME: &str = "what_a_killed_process_left_running_is_joined_and_ended";
    if let Some(dir) = std::env::var_os(ROLE) {
        let postgres = start(Path::new(&dir)).await;
        run(&postgres, "postgres", "create table t (x text); insert into t values ('kept')").await;
        println!("\nready");
        std::future::pending::<()>().await;
        drop(postgres);
    }
    let folder = private_folder();
    let dir = folder.path().join("postgres");
    let mut other = play(&std::env::current_exe().unwrap(), NAME, &dir);
    let output = BufReader::new(other.stdout.take().unwrap());
    assert!(output.lines().map_while(Result::ok).any(|line| line == "ready"), "the other process failed");
    let pid = pid_of_server(&dir).unwrap();
    other.kill().unwrap();
    other.wait().unwrap();
    assert!(is_alive(pid), "the server outlives a killed hub");

    let postgres = start(&dir).await;
    assert!(!postgres.started_here());
    assert_eq!(pid_of_server(&dir), Some(pid));
    assert_eq!(ask(&postgres, "postgres", "select x from t").await, "kept");
    assert_eq!(postgres.stop().await.unwrap(), Stopped::Server);
    assert!(is_gone(pid).await);
}

/// Runs one test of this program in another process, with a role to play.
fn play(program: &Path, test: &str, dir: &Path) -> Child {
    let mut command = Command::new(program);
    command.args([test, "--exact", "--nocapture"]).env(ROLE, dir);
    command.stdout(Stdio::piped()).spawn().unwrap()
}

#[tokio::test]
async fn a_stale_process_id_does_not_hinder_a_start() {
    let folder = private_folder();
    let dir = folder.path().join("postgres");
    let postgres = start(&dir).await;
    let text = std::fs::read_to_string(dir.join("data/postmaster.pid")).unwrap();
    let owner = std::fs::metadata(dir.join("data")).unwrap();
    postgres.stop().await.unwrap();

    // A living process of the server's own account now has the number: Postgres alone would not start.
    let mut stranger = Command::new("sleep");
    stranger.arg("600");
    if is_root() {
        std::os::unix::process::CommandExt::uid(&mut stranger, owner.uid());
    }
    let mut stranger = stranger.spawn().unwrap();
    let mut ended = Command::new("true").spawn().unwrap();
    let dead = ended.id();
    ended.wait().unwrap();
    for pid in [stranger.id(), dead] {
        let (_, rest) = text.split_once('\n').unwrap();
        let stale = dir.join("data/postmaster.pid");
        std::fs::write(&stale, format!("{pid}\n{rest}")).unwrap();
        std::os::unix::fs::chown(&stale, Some(owner.uid()), Some(owner.gid())).unwrap();
        let again = start(&dir).await;
        assert!(again.started_here());
        assert_ne!(pid_of_server(&dir), Some(pid));
        again.stop().await.unwrap();
    }
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

#[tokio::test]
async fn a_server_that_was_killed_starts_again_with_what_was_committed() {
    let folder = private_folder();
    let dir = folder.path().join("postgres");
    let postgres = LocalPostgres::start(&dir, Durability::Durable).await.unwrap();
    run(&postgres, "postgres", "create table t (x text); insert into t values ('committed')").await;
    assert!(!postgres.ensure_running().await.unwrap());
    kill_now(pid_of_server(&dir).unwrap());
    assert!(postgres.ensure_running().await.unwrap());
    assert_eq!(ask(&postgres, "postgres", "select x from t").await, "committed");
    assert_eq!(postgres.stop().await.unwrap(), Stopped::Server);
}

#[tokio::test]
async fn a_making_that_was_killed_is_made_again() {
    let folder = private_folder();
    let dir = folder.path().join("postgres");
    std::fs::create_dir_all(dir.join("data.unfinished/base")).unwrap();
    std::fs::write(dir.join("data.unfinished/PG_VERSION"), "15\n").unwrap();
    let postgres = LocalPostgres::start(&dir, Durability::Durable).await.unwrap();
    assert_eq!(ask(&postgres, "postgres", "select 'whole'").await, "whole");
    postgres.stop().await.unwrap();
    assert!(!dir.join("data.unfinished").exists());
}

#[tokio::test]
async fn a_long_path_gets_a_short_socket() {
    let folder = private_folder();
    let dir = folder.path().join("a".repeat(60)).join("b".repeat(60)).join("postgres");
    let postgres = start(&dir).await;
    assert_eq!(ask(&postgres, "postgres", "select 'hello'").await, "hello");
    let second = start(&dir).await;
    assert!(!second.started_here());
    let socket = ask(&postgres, "postgres", "show unix_socket_directories").await;
    assert!(socket.starts_with('/') && socket.len() < 80, "{socket}");
    second.stop().await.unwrap();
    postgres.stop().await.unwrap();
    std::fs::remove_dir_all(socket).unwrap();
}

#[tokio::test]
async fn real_use_refuses_a_server_that_may_lose_writes() {
    let folder = private_folder();
    let dir = folder.path().join("postgres");
    let throwaway = start(&dir).await;
    for (sql, answer) in [("show fsync", "off"), ("show max_connections", "200")] {
        assert_eq!(ask(&throwaway, "postgres", sql).await, answer, "{sql}");
    }
    let error = LocalPostgres::start(&dir, Durability::Durable).await.unwrap_err();
    assert!(matches!(error, PostgresError::NotDurable { .. }), "{error}");
    assert_eq!(throwaway.stop().await.unwrap(), Stopped::Server, "the refused one must not count as a user");
}

#[tokio::test]
async fn a_damaged_cluster_is_kept_for_real_use_and_made_afresh_for_tests() {
    let folder = private_folder();
    let dir = folder.path().join("postgres");
    start(&dir).await.stop().await.unwrap();
    std::fs::remove_file(dir.join("data/global/pg_control")).unwrap();
    let error = LocalPostgres::start(&dir, Durability::Durable).await.unwrap_err();
    assert!(error.to_string().contains("pg_control"), "{error}");
    std::fs::write(dir.join("data/PG_VERSION"), "9\n").unwrap();
    let error = LocalPostgres::start(&dir, Durability::Durable).await.unwrap_err();
    assert!(matches!(error, PostgresError::WrongVersion { made_by: 9, .. }), "{error}");
    std::fs::remove_file(dir.join("data/PG_VERSION")).unwrap();
    let error = LocalPostgres::start(&dir, Durability::Durable).await.unwrap_err();
    assert!(matches!(error, PostgresError::NotACluster { .. }), "{error}");
    assert!(dir.join("data/base").exists(), "nothing of a real cluster is thrown away");

    let afresh = start(&dir).await;
    assert_eq!(ask(&afresh, "postgres", "select 'new'").await, "new");
    afresh.stop().await.unwrap();
}

#[tokio::test]
async fn a_throwaway_cluster_of_before_the_machines_last_start_is_not_trusted() {
    let folder = private_folder();
    let dir = folder.path().join("postgres");
    let postgres = start(&dir).await;
    run(&postgres, "postgres", "create table old (x text)").await;
    // A program that another test is just starting may hold the folder's lock for an instant, and the server runs on for it.
    let mut stopped = postgres.stop().await.unwrap();
    while stopped != Stopped::Server {
        stopped = start(&dir).await.stop().await.unwrap();
    }
    std::fs::write(dir.join("made-in-boot"), "another\n").unwrap();
    let postgres = start(&dir).await;
    let found = ask(&postgres, "postgres", "select coalesce(to_regclass('old')::text, 'gone')").await;
    assert_eq!(found, "gone");
    postgres.stop().await.unwrap();
}

/// As root this plays the ordinary user `nobody`; as anybody else it is one.
#[tokio::test]
async fn an_ordinary_user_needs_no_rights_and_gets_none_over_others() {
    const NAME: &str = "an_ordinary_user_needs_no_rights_and_gets_none_over_others";
    if let Some(roots) = std::env::var_os(ROLE) {
        let error = LocalPostgres::start(Path::new(&roots), Durability::Throwaway).await.unwrap_err();
        assert!(error.to_string().contains("belongs to root"), "{error}");
        return an_ordinary_users_story().await;
    }
    if !is_root() {
        return an_ordinary_users_story().await;
    }
    let folder = tempfile::tempdir().unwrap();
    std::fs::set_permissions(folder.path(), std::fs::Permissions::from_mode(0o755)).unwrap();
    let roots = folder.path().join("of-root");
    start(&roots).await.stop().await.unwrap();
    // This program may lie where nobody else can walk.
    let program: PathBuf = folder.path().join("program");
    std::fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let output = Command::new("setpriv")
        .args(["--reuid=65534", "--regid=65534", "--clear-groups"])
        .arg(&program)
        .args([NAME, "--exact"])
        .env(ROLE, &roots)
        .env("TMPDIR", "/tmp")
        .current_dir("/")
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
}

async fn an_ordinary_users_story() {
    assert!(!is_root());
    let folder = private_folder();
    let dir = folder.path().join("postgres");
    let postgres = LocalPostgres::start(&dir, Durability::Durable).await.unwrap();
    let me = std::fs::metadata("/proc/self").unwrap().uid();
    let server = std::fs::metadata(format!("/proc/{}", pid_of_server(&dir).unwrap())).unwrap().uid();
    assert_eq!(server, me);
    let second = LocalPostgres::start(&dir, Durability::Durable).await.unwrap();
    assert_eq!(second.stop().await.unwrap(), Stopped::LeftRunning);
    assert_eq!(ask(&postgres, "postgres", "select 'mine'").await, "mine");
    assert_eq!(postgres.stop().await.unwrap(), Stopped::Server);
}

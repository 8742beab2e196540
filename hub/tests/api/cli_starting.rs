//! What the real program needs to start, and what it can do without: an address, secrets, a folder of its own, somebody who reads its log.

use crate::program::{Served, fails, json, program, run, with_stdin};
use mizili_node::testing::wait::until;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

/// The same without what root may do beyond others: reading what is closed to everybody.
fn ordinary(dir: &Path, words: &[&str]) -> Output {
    use std::os::unix::fs::MetadataExt;
    let mut program = program(dir, words);
    if std::fs::metadata("/proc/self").unwrap().uid() != 0 {
        return program.output().unwrap();
    }
    let mut command = Command::new("setpriv");
    command.arg("--bounding-set=-dac_override,-dac_read_search").arg("--");
    command.arg(program.get_program()).args(program.get_args()).stdin(Stdio::null());
    for (name, value) in program.get_envs() {
        match value {
            Some(value) => command.env(name, value),
            None => command.env_remove(name),
        };
    }
    command.output().unwrap()
}

#[test]
fn what_cannot_be_started_says_why() {
    let dir = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    fails(&run(dir.path(), &["serve", "--listen", &address]), "cannot listen on");
    let closed = program(dir.path(), &["edge", "list"])
        .env("DATABASE_URL", "postgres://127.0.0.1:1/x")
        .output()
        .unwrap();
    fails(&closed, "DATABASE_URL");
    fails(&closed, "Connection refused");
    for (variable, words) in
        [("MIZILI_JWT_SECRET", "MIZILI_JWT_SECRET is too short"), ("MIZILI_HUB_KEYS", "MIZILI_HUB_KEYS")]
    {
        let mut short = program(dir.path(), &["serve", "--listen", "127.0.0.1:0"]);
        fails(&short.env(variable, "short").output().unwrap(), words);
    }
    assert!(!dir.path().join("postgres").exists(), "no database was made for a secret that cannot be used");
}

/// Where lines go that nobody takes: a disk that is full, a reader that has gone.
fn takes_nothing() -> [Stdio; 2] {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    [full.into(), writer.into()]
}

#[tokio::test]
async fn a_log_that_takes_nothing_and_a_reader_that_has_seen_enough_end_nothing() {
    let dir = tempfile::tempdir().unwrap();
    for (log, phone) in takes_nothing().into_iter().zip(["+265999123456", "+265999123457"]) {
        let address = free_address();
        let mut serve = program(dir.path(), &["serve", "--listen", &address]);
        serve.env("RUST_LOG", "debug").stdout(Stdio::null()).stderr(log);
        let mut serve = serve.spawn().unwrap();
        let answers = |method: &str, path: &str, body: &str| {
            let mut peer = std::net::TcpStream::connect(&address).ok()?;
            let head = "host: x\r\nconnection: close\r\ncontent-type: application/json";
            write!(
                peer,
                "{method} {path} HTTP/1.1\r\n{head}\r\ncontent-length: {}\r\n\r\n{body}",
                body.len()
            )
            .ok()?;
            let mut answer = String::new();
            std::io::Read::read_to_string(&mut peer, &mut answer).ok()?;
            answer.split(' ').nth(1).map(str::to_owned)
        };
        until(async || {
            assert!(serve.try_wait().unwrap().is_none(), "it ended for want of a log");
            answers("GET", "/readyz", "").is_some_and(|status| status == "200")
        })
        .await;
        assert_eq!(answers("GET", "/api/v1/products", "").unwrap(), "200");
        // Each of these is logged, and what is answered stands.
        let login = format!(r#"{{"phone": "{phone}", "password": "gift of rain"}}"#);
        assert_eq!(answers("POST", "/api/v1/auth/login", &login).unwrap(), "401");
        let new = format!(r#"{{"phone": "{phone}", "password": "gift of rain", "name": "Grace Banda"}}"#);
        assert_eq!(answers("POST", "/api/v1/users", &new).unwrap(), "201");
        Command::new("kill").arg(serve.id().to_string()).status().unwrap();
        assert!(serve.wait().unwrap().success());
    }
    assert_eq!(json(&run(dir.path(), &["user", "list", "--json"])).len(), 2);
    // The end of standard output that nobody reads any more.
    let [_, closed] = takes_nothing();
    let add = ["cooperative", "add", "--name", "Kasungu", "--country", "MWI"];
    assert!(program(dir.path(), &add).stdout(closed).status().unwrap().success());
    // And of standard error, for what a command has to complain about.
    for nobody in takes_nothing() {
        assert_eq!(program(dir.path(), &add).stderr(nobody).status().unwrap().code(), Some(1));
    }
}

fn free_address() -> String {
    std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

#[test]
fn several_that_make_the_hub_at_once_make_one() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("hub");
    let (commands, served): (Vec<_>, Vec<_>) = std::thread::scope(|at_once| {
        let add = |phone| {
            let words = ["user", "add", "--phone", phone, "--role", "admin", "--json"];
            with_stdin(&folder, &words, "gift of rain\n")
        };
        let commands = ["+265991000001", "+265991000002"].map(|phone| at_once.spawn(move || add(phone)));
        let served = [0, 1].map(|_| at_once.spawn(|| Served::start(&folder)));
        (
            commands.into_iter().map(|one| one.join().unwrap()).collect(),
            served.into_iter().map(|one| one.join().unwrap()).collect(),
        )
    });
    for made in &commands {
        json(made);
    }
    assert_eq!(json(&run(&folder, &["user", "list", "--json"])).len(), 2);
    for one in served {
        assert!(one.stop().success());
    }
}

#[test]
fn a_folder_that_is_a_file_or_an_offices_or_anothers_is_refused_before_anything_is_made() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().unwrap();
    let office = dir.path().join("office");
    std::fs::create_dir(&office).unwrap();
    std::fs::write(office.join("edge.db"), "").unwrap();
    fails(&run(&office.join("edge.db"), &["serve", "--listen", "127.0.0.1:0"]), "is a file; give a folder");
    let holds = "holds the data of mizili-edge; give another folder";
    for words in [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"], &["user", "list"]] {
        fails(&run(&office, words), holds);
    }
    assert_eq!(std::fs::read_dir(&office).unwrap().count(), 1);
    // A folder is closed to all but its owner.
    let closed = dir.path().join("closed");
    std::fs::create_dir_all(closed.join("postgres")).unwrap();
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o000)).unwrap();
    fails(&ordinary(&closed, &["user", "list"]), "cannot be read by this account");
    std::fs::set_permissions(&closed, std::fs::Permissions::from_mode(0o700)).unwrap();
}

//! The program as it is run, with what the system gives it: a log that nobody takes, a second listener.

use crate::support::{Office, PASSWORD};
use mizili_edge::db::DbError;
use mizili_edge::sync::lock;
use mizili_edge::testing::TestEdge;
use serde_json::{Value, json};
use std::io::{BufRead as _, BufReader, ErrorKind, Read as _};
use std::net::SocketAddr;
use std::os::unix::process::ExitStatusExt as _;
use std::process::{Child, Command, Stdio};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

const SETTINGS: &str = "country = \"MWI\"\n[[gateway]]\nkind = \"africastalking\"\nname = \"test\"\nsecret = \"0123456789abcdef\"\n";
const USSD: &str = "/gateway/africastalking/0123456789abcdef/ussd";
const LOGIN: &str = "/api/v1/office/login";
const CALL: &str = "sessionId=a&phoneNumber=%2B265991234567&text=";

/// A running program, which ends with the test.
struct Serve(Child);

impl Drop for Serve {
    fn drop(&mut self) {
        // An error says that it has ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Serve {
    /// Starts it on an office's folder, with further settings.
    fn start(office: &Office, settings: &str, log: impl Into<Stdio>, level: &str) -> Self {
        Self::start_with(office, settings, log, level, None)
    }

    /// The same, with so many open files at most.
    fn start_with(
        office: &Office,
        settings: &str,
        log: impl Into<Stdio>,
        level: &str,
        files: Option<u32>,
    ) -> Self {
        let dir = office.edge.data_dir();
        std::fs::write(dir.join("edge.toml"), format!("{settings}\n{SETTINGS}")).unwrap();
        let mut command = Command::new("sh");
        let limit = files.map_or_else(String::new, |files| format!("ulimit -n {files} && "));
        command.args(["-c", &format!("{limit}exec \"$0\" \"$@\""), env!("CARGO_BIN_EXE_mizili-edge")]);
        command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(dir);
        command.env("RUST_LOG", level).stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
        Self(command.spawn().unwrap())
    }

    /// Where it listens, as other commands of this box find it.
    async fn address(&mut self, office: &Office) -> SocketAddr {
        loop {
            if let Some(address) = lock::running_serve(office.edge.data_dir()) {
                return address;
            }
            assert!(self.0.try_wait().unwrap().is_none(), "it has ended");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Tells it to stop; it must end well.
    fn stop(mut self) {
        assert!(Command::new("kill").arg(self.0.id().to_string()).status().unwrap().success());
        let ended = self.0.wait().unwrap();
        assert!(ended.success(), "{ended} {:?}", ended.signal());
    }
}

/// Status and body of the answer to a request over a connection of its own.
async fn ask(address: SocketAddr, method: &str, path: &str, headers: &str, body: &str) -> (u16, String) {
    let mut peer = TcpStream::connect(address).await.unwrap();
    let length = body.len();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n"
    );
    peer.write_all(format!("{head}{body}").as_bytes()).await.unwrap();
    let mut answer = String::new();
    peer.read_to_string(&mut answer).await.unwrap();
    let (head, body) =
        answer.split_once("\r\n\r\n").unwrap_or_else(|| panic!("no answer to {path}: {answer}"));
    (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
}

async fn post(address: SocketAddr, path: &str, token: &str, body: &Value) -> (u16, Value) {
    let headers = format!(
        "content-type: application/json\r\nauthorization: Bearer {token}\r\nidempotency-key: {path}\r\n"
    );
    let (status, text) = ask(address, "POST", path, &headers, &body.to_string()).await;
    (status, serde_json::from_str(&text).unwrap_or_else(|e| panic!("{path}: {e}: {text}")))
}

/// Where log lines go that nobody takes: a disk that is full, a reader that has gone.
fn takes_nothing() -> [Stdio; 2] {
    let full = std::fs::OpenOptions::new().write(true).open("/dev/full").unwrap();
    let (reader, writer) = std::io::pipe().unwrap();
    drop(reader);
    [full.into(), writer.into()]
}

#[tokio::test]
async fn a_log_that_takes_nothing_keeps_nobody_from_an_answer_and_nothing_from_being_done() {
    for log in takes_nothing() {
        let office = Office::closed(TestEdge::with_market()).await;
        let mut serve = Serve::start(&office, "", log, "debug");
        let address = serve.address(&office).await;
        // Each of these is logged.
        let sign_in = |password: &str| json!({ "user": "office", "password": password });
        let path = "/api/v1/office/login";
        assert_eq!(post(address, path, "none", &sign_in("wrong")).await.0, 401);
        let wrong = USSD.replace("def/", "dee/");
        assert_eq!(ask(address, "POST", &wrong, "", CALL).await.0, 404);
        let (status, session) = post(address, path, "none", &sign_in(PASSWORD)).await;
        assert_eq!(status, 200, "{session}");
        let token = session["token"].as_str().unwrap();
        let product = json!({ "commodity_id": 51, "unit_id": 5, "quantity": "50", "price": { "amount": 45_000, "currency": "MWK" } });
        let (status, product) = post(address, "/api/v1/products", token, &product).await;
        assert_eq!(status, 201, "{product}");
        let order = json!({ "product_id": product["id"], "quantity": "20", "buyer_name": "Walk-in" });
        let (status, order) = post(address, "/api/v1/orders", token, &order).await;
        assert_eq!((status, order["status"].as_str()), (201, Some("confirmed")), "{order}");
        let (status, screen) = ask(address, "POST", USSD, "", CALL).await;
        assert!(status == 200 && screen.starts_with("CON "), "{status} {screen}");
        serve.stop();
        let kept = office.edge.read(|conn| -> Result<u64, DbError> {
            Ok(conn.query_row("SELECT count(*) FROM command", [], |row| row.get(0))?)
        });
        assert_eq!(kept, 2, "the offer and the order");
    }
}

/// A program with a listener for gateways.
struct Two {
    serve: Serve,
    page: SocketAddr,
    gateways: SocketAddr,
    /// Takes what is said further, which has to go somewhere.
    rest: JoinHandle<std::io::Result<usize>>,
}

impl Two {
    /// With so many open files at most, where somebody says how many.
    async fn start(office: &Office, files: Option<u32>) -> Self {
        let settings = "gateway_listen = \"127.0.0.1:0\"";
        let mut serve = Serve::start_with(office, settings, Stdio::piped(), "info", files);
        let mut log = BufReader::new(serve.0.stderr.take().unwrap());
        let mut said = String::new();
        let gateways: SocketAddr = loop {
            let before = said.len();
            assert!(log.read_line(&mut said).unwrap() > 0, "it does not start: {said}");
            if let Some((_, rest)) = said[before..].split_once("gateways are answered at ") {
                break rest.split(' ').next().unwrap().parse().unwrap();
            }
        };
        let rest = std::thread::spawn(move || log.read_to_end(&mut Vec::new()));
        let page = serve.address(office).await;
        Self { serve, page, gateways, rest }
    }
}

/// Connections with a request under way on each, until one finds no place: as many as there are.
async fn flood(address: SocketAddr, path: &str) -> Vec<TcpStream> {
    // Far above what there may be.
    const MOST: usize = 200;
    let head = format!(
        "POST {path} HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\nexpect: 100-continue\r\ncontent-length: 9\r\n\r\n"
    );
    let mut held = Vec::new();
    while held.len() < MOST {
        let mut peer = TcpStream::connect(address).await.unwrap();
        let mut said = [0; 12];
        let asked = async {
            peer.write_all(head.as_bytes()).await?;
            peer.read_exact(&mut said).await
        };
        match asked.await {
            // It is the handler's, which waits for the body.
            Ok(_) if said == *b"HTTP/1.1 100" => held.push(peer),
            Ok(_) => {
                assert_eq!(said, *b"HTTP/1.1 503", "{}", String::from_utf8_lossy(&said));
                return held;
            }
            // Sent away before it had asked.
            Err(error) if error.kind() == ErrorKind::ConnectionReset => return held,
            Err(error) => panic!("{path}: {error}"),
        }
    }
    panic!("{path}: there is no end of places");
}

#[tokio::test]
async fn a_flood_of_one_listener_leaves_the_other_its_places() {
    for gateways_first in [true, false] {
        let office = Office::closed(TestEdge::with_market()).await;
        // 128 of these are its own, so there are 128 places.
        let two = Two::start(&office, Some(256)).await;
        let page_answers = async || assert_eq!(ask(two.page, "GET", "/", "", "").await.0, 200);
        let gateways_answer = async || {
            let (status, screen) = ask(two.gateways, "POST", USSD, "", CALL).await;
            assert!(status == 200 && screen.starts_with("CON "), "{status} {screen}");
        };
        let (of_gateways, of_page);
        if gateways_first {
            of_gateways = flood(two.gateways, USSD).await;
            page_answers().await;
            of_page = flood(two.page, LOGIN).await;
        } else {
            of_page = flood(two.page, LOGIN).await;
            gateways_answer().await;
            of_gateways = flood(two.gateways, USSD).await;
        }
        assert_eq!((of_gateways.len(), of_page.len()), (32, 96), "together as many as there are");
        drop((of_gateways, of_page));
        two.serve.stop();
        two.rest.join().unwrap().unwrap();
    }
}

#[tokio::test]
async fn with_a_listener_for_gateways_each_shows_its_own_alone() {
    let office = Office::closed(TestEdge::with_market()).await;
    let Two { serve, page, gateways, rest } = Two::start(&office, None).await;
    assert_ne!(page, gateways);
    for path in [
        "/",
        "/healthz",
        "/readyz",
        "/assets/app.js",
        "/api/v1/products",
        "/api/docs/problems",
        "/api/v1/office/session",
    ] {
        assert_eq!(ask(gateways, "GET", path, "", "").await, (404, String::new()), "{path}");
    }
    let login = json!({ "user": "office", "password": PASSWORD }).to_string();
    let headers = "content-type: application/json\r\n";
    assert_eq!(ask(gateways, "POST", "/api/v1/office/login", headers, &login).await.0, 404);
    let (status, screen) = ask(gateways, "POST", USSD, "", CALL).await;
    assert!(status == 200 && screen.starts_with("CON "), "{status} {screen}");
    // In the office there is all but that.
    for path in ["/", "/healthz"] {
        assert_eq!(ask(page, "GET", path, "", "").await.0, 200, "{path}");
    }
    assert_eq!(ask(page, "POST", "/api/v1/office/login", headers, &login).await.0, 200);
    for door in ["ussd", "ussd/end", "sms", "sms/delivery", "sms/opt-out"] {
        let path = USSD.replace("/ussd", &format!("/{door}"));
        let (status, body) = ask(page, "POST", &path, "", CALL).await;
        assert!(status == 404 && !body.contains("0123456789abcdef"), "{status} {body}");
    }
    // What is told of it, and the menus in a terminal, go by the same address; without a running program by the settings.
    let called = mizili_edge(&office, &["ussd", "--phone", "0991234567", "--json"]);
    assert!(called.contains("\"more\":true"), "{called}");
    let told = mizili_edge(&office, &["status", "--json"]);
    assert!(told.contains(&format!("\"http://{gateways}{USSD}\"")), "{told}");
    serve.stop();
    rest.join().unwrap().unwrap();
    let called = mizili_edge(&office, &["ussd", "--phone", "0991234567", "--json"]);
    assert!(called.contains("\"more\":true"), "{called}");
    assert!(mizili_edge(&office, &["status"]).contains(&format!("http://127.0.0.1:0{USSD}")));
    // Why nothing is sold from here is told in the words of the API.
    for (code, word) in [(1, "shut_out"), (2, "revoked")] {
        office.edge.write(move |tx| -> Result<(), DbError> {
            let sql = "INSERT OR REPLACE INTO node (key, value) VALUES ('shut_out', ?1)";
            Ok(tx.execute(sql, [code]).map(drop)?)
        });
        let told: Value = serde_json::from_str(&mizili_edge(&office, &["status", "--json"])).unwrap();
        assert_eq!((&told["held_back"], &told["count_needed"]), (&json!(word), &json!(false)));
    }
}

/// What another command of this box prints; it must end well.
fn mizili_edge(office: &Office, arguments: &[&str]) -> String {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mizili-edge"));
    command.args(arguments).arg("--data-dir").arg(office.edge.data_dir()).stdin(Stdio::null());
    let output = command.output().unwrap();
    assert!(output.status.success(), "{arguments:?} {}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

//! A stranger's first hour: what README tells under *Run it* and *A first sale*, line by line as it stands there, by an ordinary user in
//! an empty folder. Only the ports, which others may be using, the code, which is another each time, and what the reader has to fill in
//! are not taken word for word.

use crate::guard::Guard;
use crate::programs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};

const PASSWORD: &str = "maize and beans";
/// What stands in the text, and what is said instead.
const HUB_PORT: &str = "8080";
const EDGE_PORT: &str = "8090";
const CODE: &str = "0K7M-2XYZ-9QRT";
/// Somebody registers and puts maize on sale, by phone instead of at the page.
const OFFER: &str =
    r"printf '2\nGrace Banda\n1\n1\n1\nmaize\n100\n300\n1\n' | mizili-edge ussd --phone +265888123456";
/// What the test brings along: the one word of jq that is told, for machines without it, and patience until the hub has heard.
const BROUGHT: &str = r#"jq() { grep -o '"access_token":"[^"]*"' | cut -d'"' -f4; }
offer() { for _ in $(seq 600); do curl -s $HUB/products | grep -o '"id":"[^"]*"' | head -1 | cut -d'"' -f4 | grep . && return; sleep 0.1; done; }
"#;

#[test]
fn what_the_readme_tells_a_stranger_works_as_it_stands() {
    let mut hour = Hour::begin();
    let mut done = Vec::new();
    for line in lines() {
        let said = hour.do_as_told(&line);
        if line.starts_with("mizili-hub edge add") {
            hour.code = said.split_whitespace().find(|word| is_code(word)).expect("a code").to_owned();
        }
        done.push((line, said));
    }
    let said = |start: &str| {
        let (_, said) = done.iter().find(|(line, _)| line.starts_with(start)).expect(start);
        said.clone()
    };
    assert!(said("mizili-hub prices import").contains("17709"), "{}", said("mizili-hub prices import"));
    assert!(said("mizili-edge enrol").contains("Mbewu Farmers"), "{}", said("mizili-edge enrol"));
    let served = said("mizili-edge serve");
    for told in [
        "the office page is at http://",
        "the office signs in as 'office' with its password",
        "clerks with their own numbers",
    ] {
        assert!(served.contains(told), "{served}");
    }
    assert!(said("mizili-edge status").contains("box 1 of http://"), "{}", said("mizili-edge status"));
    assert!(said("mizili-edge ussd").contains("1 Prices"), "{}", said("mizili-edge ussd"));
    let offered = hour.do_as_told(OFFER);
    assert!(offered.contains("On sale now: 100 kg Maize"), "{offered}");
    let sold = hour.do_as_told(&first_sale());
    assert!(sold.contains(r#""status":"confirmed""#), "{sold}");
}

fn is_code(word: &str) -> bool {
    word.len() == CODE.len() && word.split('-').count() == 3
}

/// The commands that README tells under a heading, in order, without their comments.
fn commands(heading: &str) -> Vec<String> {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../README.md");
    let text = std::fs::read_to_string(readme).unwrap();
    let (_, part) = text.split_once(&format!("\n## {heading}\n")).unwrap();
    let part = part.split("\n## ").next().unwrap();
    let commands = part.lines().filter_map(|line| line.strip_prefix("    "));
    commands.map(|line| line.split("  #").next().unwrap().trim_end().to_owned()).collect()
}

/// *A first sale* as one script, with what the reader has to fill in.
fn first_sale() -> String {
    let told = commands("A first sale").join("\n");
    for blank in [r#""password": "...""#, r#""product_id": "...""#] {
        assert!(told.contains(blank), "{told}");
    }
    let told = told.replace(r#""password": "...""#, &format!(r#""password": "{PASSWORD}""#));
    BROUGHT.to_owned() + &told.replace(r#""product_id": "...""#, r#""product_id": "'$(offer)'""#)
}

/// What is told under *Run it*, but for the build.
fn lines() -> Vec<String> {
    let commands = commands("Run it");
    // The test is given programs that are built already.
    assert_eq!(commands[..2], ["make build", "export PATH=\"$PWD/target/release:$PATH\""]);
    assert!(commands.len() >= 10, "{commands:?}");
    commands[2..].to_vec()
}

/// The folder, the user and the two programs that stay up.
struct Hour {
    home: PathBuf,
    hub_port: u16,
    edge_port: u16,
    code: String,
    up: Vec<Child>,
    _guard: Guard,
}

impl Hour {
    fn begin() -> Self {
        let home = tempfile::Builder::new().prefix("mizili-first-hour-").tempdir().unwrap().keep();
        let guard = Guard::of(&home).unwrap();
        std::fs::set_permissions(&home, std::fs::Permissions::from_mode(0o755)).unwrap();
        let built = programs::folder().unwrap();
        let (bin, prices) = (home.join("bin"), home.join("hub/data/prices"));
        std::fs::create_dir_all(&bin).unwrap();
        std::fs::create_dir_all(&prices).unwrap();
        for name in ["mizili-hub", "mizili-edge"] {
            std::fs::copy(built.path().join(name), bin.join(name)).unwrap();
        }
        let kept = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../hub/data/prices");
        let file = "wfp_food_prices_mwi.csv";
        std::fs::copy(kept.join(file), prices.join(file)).unwrap();
        if is_root() {
            let owner = Command::new("chown").args(["-R", "nobody:nogroup"]).arg(&home).status().unwrap();
            assert!(owner.success());
        }
        let port = || TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        Self { home, hub_port: port(), edge_port: port(), code: String::new(), up: Vec::new(), _guard: guard }
    }

    /// Runs a line in a shell; what it said. A line that stays up is left so once it listens.
    fn do_as_told(&mut self, line: &str) -> String {
        let mut command = self.shell(line);
        if line.ends_with(" serve") {
            return self.stay_up(command);
        }
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        // A program that asks nothing may have closed it.
        let _ = child.stdin.take().unwrap().write_all(format!("{PASSWORD}\n").as_bytes());
        let output = child.wait_with_output().unwrap();
        let said = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{line}: {said}{}", String::from_utf8_lossy(&output.stderr));
        if line.starts_with("mizili-edge enrol") {
            self.move_the_edge();
        }
        said
    }

    fn shell(&self, line: &str) -> Command {
        let line = line.replace(HUB_PORT, &self.hub_port.to_string()).replace(CODE, &self.code);
        let mut command = Command::new("setpriv");
        // Whatever becomes of this test, what it started is told to stop.
        command.args(["--pdeathsig", "TERM"]);
        if is_root() {
            command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]);
        }
        command.args(["--", "bash", "-c", &line]).current_dir(&self.home).stderr(Stdio::piped());
        for (variable, _) in std::env::vars().filter(|(name, _)| {
            name.starts_with("MIZILI_")
                || name.starts_with("DATABASE_")
                || name.starts_with("PG")
                || name == "RUST_LOG"
        }) {
            command.env_remove(variable);
        }
        let path = std::env::var("PATH").unwrap_or_default();
        command.env("PATH", format!("{}:{path}", self.home.join("bin").display()));
        command.env("HOME", &self.home).env("PORT", self.hub_port.to_string());
        command
    }

    fn stay_up(&mut self, mut command: Command) -> String {
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).spawn().unwrap();
        let said = until_it_listens(child.stderr.take().unwrap());
        self.up.push(child);
        said
    }

    /// The box's own port, in the settings that enrolment wrote.
    fn move_the_edge(&self) {
        let settings = self.home.join("mizili-edge-data/edge.toml");
        let text = std::fs::read_to_string(&settings).unwrap();
        assert!(text.contains(EDGE_PORT), "{text}");
        std::fs::write(&settings, text.replace(EDGE_PORT, &self.edge_port.to_string())).unwrap();
    }
}

impl Drop for Hour {
    fn drop(&mut self) {
        // In the other order, and the hub in time to end its database.
        for child in self.up.iter_mut().rev() {
            let _ = Command::new("kill").arg(child.id().to_string()).status();
            let _ = child.wait();
        }
    }
}

fn is_root() -> bool {
    let id = Command::new("id").arg("-u").output().unwrap();
    id.stdout == b"0\n"
}

/// All that was said up to the line that says so. What comes later is read and dropped, so that nothing is held up.
fn until_it_listens(log: ChildStderr) -> String {
    let mut lines = BufReader::new(log).lines();
    let mut said = String::new();
    for line in lines.by_ref().map_while(Result::ok) {
        said += &line;
        said.push('\n');
        if line.contains("listening on ") {
            std::thread::spawn(move || lines.for_each(drop));
            return said;
        }
    }
    panic!("it ended: {said}")
}

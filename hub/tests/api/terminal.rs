//! The real program on a terminal: a password is asked for unseen, and the terminal is as before when somebody stops.

use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

const QUESTION: &str = "characters): ";

/// What a terminal shows from `user add` on, when these keys are pressed at its first question. Keys that came too early to be
/// heard are pressed again, until the program has ended. Then come its exit status and how the terminal is set.
fn shown(keys: &str) -> String {
    let dir = tempfile::tempdir().unwrap();
    let program = format!(
        "trap : INT; {} user add --phone +265991000001 --role admin --data-dir {}/hub; echo ended $?; until stty -a; do :; done",
        env!("CARGO_BIN_EXE_mizili-hub"),
        dir.path().display()
    );
    let mut command = Command::new("script");
    command.args(["--quiet", "--return", "--command", &program, "/dev/null"]).env("SHELL", "/bin/sh");
    let mut terminal = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut keyboard, mut screen) = (terminal.stdin.take().unwrap(), terminal.stdout.take().unwrap());
    let (seen, pieces) = channel();
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok(n @ 1..) = screen.read(&mut buffer) {
            if seen.send(String::from_utf8_lossy(&buffer[..n]).into_owned()).is_err() {
                return;
            }
        }
    });
    let mut all = String::new();
    loop {
        match pieces.recv_timeout(Duration::from_millis(500)) {
            Ok(piece) => all.push_str(&piece),
            Err(RecvTimeoutError::Timeout) if all.contains(QUESTION) && !all.contains("ended ") => {
                keyboard.write_all(keys.as_bytes()).unwrap();
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => break,
        }
    }
    assert!(terminal.wait().unwrap().success(), "{all}");
    assert!(!dir.path().join("hub").exists(), "nothing was begun");
    all
}

#[test]
fn who_stops_gets_one_line_and_the_terminal_back() {
    let is_as_before = |shown: &str| {
        let settings: Vec<_> = shown.split(|c: char| c.is_whitespace() || c == ';').collect();
        ["echo", "icanon", "isig"].iter().all(|setting| settings.contains(setting))
    };
    for end in ["\u{3}", "\u{4}"] {
        let shown = shown(&format!("a secret{}{end}", if end == "\u{4}" { "\r" } else { "" }));
        assert!(shown.contains("stopped; nothing was changed\r\nended 1\r\n"), "{shown}");
        assert!(!shown.contains("a secret"), "{shown}");
        assert!(is_as_before(&shown), "{shown}");
    }
}

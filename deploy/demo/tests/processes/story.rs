//! The program that tells the story: what it answers at once. The story itself is told by `make demo`, and not here.

use std::process::{Command, Stdio};

/// Whoever asks it for help must not have it start a hub and an office that stay.
#[test]
fn it_takes_no_words_and_says_so_in_one_line() {
    for words in [&["--help"][..], &["once"], &["--once", "now"]] {
        let mut demo = Command::new(env!("CARGO_BIN_EXE_mizili-demo"));
        // Nor could it: its data would have no place.
        demo.args(words).stdin(Stdio::null()).env("TMPDIR", "/nowhere");
        let answer = demo.output().unwrap();
        let said = String::from_utf8(answer.stderr).unwrap();
        assert_eq!((answer.status.code(), answer.stdout.len()), (Some(2), 0), "{words:?}: {said}");
        assert!(said.contains("takes no words") && said.contains("ONCE=1"), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
    }
}

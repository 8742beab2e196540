//! What commands print: JSON for scripts or words for people, never both, on standard output; hints on standard error.

use anyhow::{Context as _, Result};
use serde::Serialize;
use std::io::Write;

/// Where and how a command prints.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    /// JSON, one object a line.
    pub(super) json: bool,
}

impl Output {
    /// One result: as an object, or in words.
    pub(super) fn result<T: Serialize>(self, value: &T, words: impl FnOnce() -> String) -> Result<()> {
        if self.json {
            let line = serde_json::to_string(value)?;
            return line_to(&mut std::io::stdout(), &line);
        }
        line_to(&mut std::io::stdout(), &words())
    }

    /// Words that a script has no use for.
    pub(super) fn words(self, words: &str) -> Result<()> {
        if self.json { Ok(()) } else { line_to(&mut std::io::stdout(), words) }
    }
}

/// A line on standard error.
pub(super) fn hint(words: &str) {
    // Where standard error is closed there is nobody to tell.
    let _ = writeln!(std::io::stderr(), "{words}");
}

fn line_to(out: &mut impl Write, line: &str) -> Result<()> {
    writeln!(out, "{line}").and_then(|()| out.flush()).context("cannot write to standard output")
}

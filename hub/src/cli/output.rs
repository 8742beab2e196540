//! What commands print: JSON for scripts or words for people, never both, on standard output; hints on standard error.

use anyhow::{Context as _, Result};
use mizili_node::streams;
use serde::Serialize;

pub(super) use mizili_node::streams::tell as hint;

/// Where and how a command prints.
#[derive(Clone, Copy, Debug)]
pub(super) struct Output {
    /// JSON, one object a line.
    pub(super) json: bool,
}

impl Output {
    /// One result: as an object, or in words.
    pub(super) fn result<T: Serialize>(self, value: &T, words: impl FnOnce() -> String) -> Result<()> {
        line(&if self.json { serde_json::to_string(value)? } else { words() })
    }

    /// Words that a script has no use for.
    pub(super) fn words(self, words: &str) -> Result<()> {
        if self.json { Ok(()) } else { line(words) }
    }
}

fn line(text: &str) -> Result<()> {
    print(&format!("{text}\n"))
}

/// Prints text as it is.
pub(super) fn print(text: &str) -> Result<()> {
    streams::print(text).context("cannot write to standard output")
}

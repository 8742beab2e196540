//! Asks before something that cannot be taken back.

use super::output::hint;
use anyhow::{Result, bail};
use std::io::{self, BufRead, IsTerminal, Write};
use tokio::task::spawn_blocking;

/// Goes on only where a person says so: by `--yes`, or with `y` at a terminal.
///
/// # Errors
/// Nobody did.
pub(super) async fn sure(question: String, yes: bool) -> Result<()> {
    if yes {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        bail!("{question} Nothing was changed; give --yes to say so.");
    }
    let answer = spawn_blocking(move || {
        let mut answer = String::new();
        // Where standard error is closed the question is not seen, and the answer is no.
        let asked = write!(io::stderr(), "{question} [y/N] ").and_then(|()| io::stderr().flush());
        asked.and_then(|()| io::stdin().lock().read_line(&mut answer)).map(|_| answer)
    });
    let answer = answer.await?.unwrap_or_default();
    if !matches!(answer.trim(), "y" | "Y" | "yes") {
        hint("Nothing was changed.");
        bail!("stopped");
    }
    Ok(())
}

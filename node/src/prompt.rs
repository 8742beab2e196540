//! Asks a person at a terminal: for a password, unseen, leaving the terminal as it was, also when the person stops; and whether something
//! that cannot be taken back shall be done. It must never let a password that was typed get into an error or a log.

use crate::password::MIN_CHARS;
use crate::streams::tell;
use crate::weak_password::usable;
use std::io::{self, BufRead as _, IsTerminal as _, Write as _};
use std::sync::atomic::{AtomicBool, Ordering};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::Notify;
use tokio::task::spawn_blocking;

/// Why nobody answered.
#[derive(Debug, thiserror::Error)]
pub enum PromptError {
    /// Ctrl-C, or Ctrl-D, which ends the input; or the answer was no.
    #[error("stopped; nothing was changed")]
    Stopped,
    /// A question that a script has to answer beforehand.
    #[error("{0} Nothing was changed; give --yes to say so.")]
    Nobody(String),
    /// There is no terminal, or it failed.
    #[error("cannot ask on this terminal: {0}")]
    Terminal(io::Error),
}

/// Ctrl-C after somebody was asked: from then on it does not end the process by itself.
static STOPPED: Notify = Notify::const_new();
/// Whether somebody is being asked: then Ctrl-C is an answer.
static ASKING: AtomicBool = AtomicBool::new(false);

/// Asks for a new password until two answers are the same and a person may choose it. Why they may not, `tell` says to them.
///
/// # Errors
/// The person stops, or there is no terminal.
pub async fn new_password(question: &str, tell: fn(&str)) -> Result<String, PromptError> {
    let question = format!("{question} (at least {MIN_CHARS} characters)");
    loop {
        let first = unseen(format!("{question}: ")).await?;
        if let Err(why) = usable(&first) {
            tell(&why);
            continue;
        }
        if unseen("The same once more: ".into()).await? == first {
            return Ok(first);
        }
        tell("These were not the same. Again:");
    }
}

/// Goes on only where a person says so: beforehand with `--yes`, which is `is_said`, or with `y` at a terminal.
///
/// # Errors
/// Nobody did.
pub async fn sure(question: String, is_said: bool) -> Result<(), PromptError> {
    if is_said {
        return Ok(());
    }
    if !io::stdin().is_terminal() {
        return Err(PromptError::Nobody(question));
    }
    let answer = spawn_blocking(move || {
        let mut answer = String::new();
        // Where standard error is closed the question is not seen, and the answer is no.
        let asked = write!(io::stderr(), "{question} [y/N] ").and_then(|()| io::stderr().flush());
        asked.and_then(|()| io::stdin().lock().read_line(&mut answer)).map(|_| answer)
    });
    let answer = answer.await.map_err(io::Error::other).flatten().map_err(PromptError::Terminal)?;
    if matches!(answer.trim(), "y" | "Y" | "yes") { Ok(()) } else { Err(PromptError::Stopped) }
}

/// Done when somebody who was asked presses Ctrl-C after that. To be waited for beside the work of a command that may ask.
pub async fn stopped() {
    STOPPED.notified().await;
}

async fn unseen(question: String) -> Result<String, PromptError> {
    // The signal of Ctrl-C would end the process before the terminal is put right, so it is caught.
    let mut interrupts = signal(SignalKind::interrupt()).map_err(PromptError::Terminal)?;
    ASKING.store(true, Ordering::SeqCst);
    let asked = spawn_blocking(|| rpassword::prompt_password(question)).await;
    match asked.map_err(io::Error::other).flatten() {
        Ok(answer) => {
            ASKING.store(false, Ordering::SeqCst);
            tokio::spawn(async move {
                while interrupts.recv().await.is_some() && ASKING.load(Ordering::SeqCst) {}
                STOPPED.notify_one();
            });
            Ok(answer)
        }
        Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(PromptError::Stopped),
        Err(error) if error.kind() == io::ErrorKind::UnexpectedEof => {
            // The question's line is not ended yet. Where standard error is closed there is nobody to mind.
            tell("");
            Err(PromptError::Stopped)
        }
        Err(error) => Err(PromptError::Terminal(error)),
    }
}

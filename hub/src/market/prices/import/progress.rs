//! How far an import is, for a person at a terminal. Drawn on standard error, and only where that is a terminal; it
//! must never be needed to understand how an import ended.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

const TEMPLATE: &str = "{msg} [{bar:30}] {human_pos}/{human_len} rows, {per_sec}, {eta} left";

/// A progress bar, or nothing.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// A bar for a file with `rows` data rows.
    pub(super) fn new(show: bool, file: &str, rows: u64) -> Self {
        let target = if show { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
        let bar = ProgressBar::with_draw_target(Some(rows), target).with_message(file.to_string());
        match ProgressStyle::with_template(TEMPLATE) {
            Ok(style) => Self(bar.with_style(style.progress_chars("=> "))),
            Err(_) => Self(bar),
        }
    }

    /// More rows are done.
    pub(super) fn advance(&self, rows: u64) {
        self.0.inc(rows);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

//! What a node logs, kept for a test: the lines of everything that runs on one thread. It changes nothing of them.

use std::io;
use std::sync::{Arc, Mutex, PoisonError};
use tracing::Level;
use tracing::subscriber::{DefaultGuard, set_default};

/// The lines since they were last taken.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

impl io::Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Log {
    /// Keeps lines of this thread, until the guard is dropped, at the level at which programs log unless they are told otherwise.
    #[must_use]
    pub fn here(&self) -> DefaultGuard {
        self.here_at(Level::INFO)
    }

    /// The same, down to another level.
    #[must_use]
    pub fn here_at(&self, level: Level) -> DefaultGuard {
        let writer = self.clone();
        let lines = tracing_subscriber::fmt().with_max_level(level).with_ansi(false);
        set_default(lines.with_writer(move || writer.clone()).finish())
    }

    /// All lines since the last call.
    pub fn take(&self) -> String {
        let bytes = std::mem::take(&mut *self.0.lock().unwrap_or_else(PoisonError::into_inner));
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// The line of a module since the last call. Stops the test where there is none or are several, or where another warns.
    #[track_caller]
    pub fn line_of(&self, module: &str) -> String {
        let log = self.take();
        let tells =
            |line: &&str| line.contains(module) || line.contains(" WARN ") || line.contains(" ERROR ");
        let told: Vec<&str> = log.lines().filter(tells).collect();
        assert!(told.len() == 1 && told[0].contains(module), "one line of {module} in {log}");
        told[0].trim_start().to_owned()
    }

    /// The same line, which must be of this level and say all of `parts`.
    #[track_caller]
    pub fn says(&self, module: &str, level: Level, parts: &[&str]) -> String {
        let line = self.line_of(module);
        assert!(line.contains(&format!(" {level} ")), "{line}");
        for part in parts {
            assert!(line.contains(part), "no {part} in {line}");
        }
        line
    }
}

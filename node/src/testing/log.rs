//! What a node logs, kept for a test: the lines of everything that runs on one thread. It changes nothing of them.
//!
//! One listener for all tests of a program, which asks each thread whether it wants a line: listeners of single threads lose lines at
//! times, where those of others begin and end.

use std::cell::RefCell;
use std::io;
use std::marker::PhantomData;
use std::sync::{Arc, Mutex, Once, PoisonError};
use tracing::subscriber::{Interest, set_global_default};
use tracing::{Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::{Context, SubscriberExt as _};

thread_local! {
    /// Who listens to this thread, the newest last, and down to which level.
    static HERE: RefCell<Vec<(Level, Log)>> = const { RefCell::new(Vec::new()) };
}

/// The lines since they were last taken.
#[derive(Clone, Debug, Default)]
pub struct Log(Arc<Mutex<Vec<u8>>>);

/// Ends the listening when it is dropped, on the thread on which it began.
#[derive(Debug)]
pub struct Listening(PhantomData<*const ()>);

impl Drop for Listening {
    fn drop(&mut self) {
        HERE.with_borrow_mut(Vec::pop);
    }
}

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
    pub fn here(&self) -> Listening {
        self.here_at(Level::INFO)
    }

    /// The same, down to another level.
    #[must_use]
    pub fn here_at(&self, level: Level) -> Listening {
        static BEGUN: Once = Once::new();
        BEGUN.call_once(|| {
            // What no thread listens to is asked for by none.
            let newest =
                || HERE.with_borrow(|here| here.last().map(|(_, log)| log.clone())).unwrap_or_default();
            let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(newest);
            let begun = set_global_default(tracing_subscriber::registry().with(Wanted).with(lines));
            assert!(begun.is_ok(), "another listens to this program");
        });
        HERE.with_borrow_mut(|here| here.push((level, self.clone())));
        Listening(PhantomData)
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

/// Whether the thread on which a line would be written wants it.
struct Wanted;

impl<S: Subscriber> Layer<S> for Wanted {
    fn register_callsite(&self, _: &'static Metadata<'static>) -> Interest {
        Interest::sometimes()
    }

    fn enabled(&self, line: &Metadata<'_>, _: Context<'_, S>) -> bool {
        HERE.with_borrow(|here| here.last().is_some_and(|(level, _)| line.level() <= level))
    }
}

//! Standard output and standard error of both programs: results on the one, hints and the log on the other.
//!
//! Nobody may be listening: a reader that has seen enough closes its end, a full disk takes no line of a log. Neither may ever end
//! the program or the request that it was about to answer, so nothing here panics and the log's writer knows no error.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, ErrorKind, IsTerminal as _, Write};
use std::panic::PanicHookInfo;
use tracing::Subscriber;
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

/// Prints a result, such as one line or one object. Whoever reads may have seen enough, as `head` has: that is no error, and
/// nothing more needs to be said.
///
/// # Errors
/// Standard output takes nothing for another reason, such as a full disk.
pub fn print(text: &str) -> io::Result<()> {
    print_to(&mut io::stdout().lock(), text)
}

fn print_to(out: &mut impl Write, text: &str) -> io::Result<()> {
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        printed => printed,
    }
}

/// Tells whoever sits at the terminal, beside the results: one line on standard error. Where that is closed there is nobody to tell.
pub fn tell(words: &str) {
    // One call, so that lines of two threads do not mix.
    let _ = io::stderr().write_all(format!("{words}\n").as_bytes());
}

/// Where lines of the log go. What cannot be written is lost, and nobody is told.
struct Log;

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let _ = io::stderr().write_all(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Starts the log of this process, on standard error. `RUST_LOG` says which lines are written, else `filter`; each names its
/// module where `modules` says so. A panic becomes one line of it, too.
pub fn start_log(filter: &str, modules: bool) {
    let wanted = written(std::env::var("RUST_LOG").ok().as_deref(), filter);
    // Another log of this process is as good.
    let _ = lines(wanted, modules, io::stderr().is_terminal(), || Log).try_init();
    std::panic::set_hook(Box::new(log_panic));
}

/// What makes lines of what is told, and writes those that are wanted.
fn lines<W: Write>(
    wanted: Targets,
    modules: bool,
    colours: bool,
    writer: impl Fn() -> W + Send + Sync + 'static,
) -> impl Subscriber + Send + Sync {
    let lines = tracing_subscriber::fmt::layer()
        .with_target(modules)
        .with_ansi(colours)
        .with_writer(writer)
        // The library's own way to complain is to print on standard error, and to panic where that fails.
        .log_internal_errors(false);
    // One filter before all: one of a layer's own remembers the last question, and loses the line after a library only asked.
    tracing_subscriber::registry().with(wanted).with(lines)
}

/// Which lines are written: what was asked for, where that can be read, such as `debug` or `mizili_hub=debug,info`; else the
/// program's own choice. By module and level alone: filters that look into spans bring a regular-expression engine along.
fn written(asked: Option<&str>, own: &str) -> Targets {
    let read = |text: &str| text.parse::<Targets>().ok().filter(|_| !text.trim().is_empty());
    let asked = asked.and_then(read).or_else(|| read(own));
    asked.unwrap_or_else(|| Targets::new().with_default(LevelFilter::INFO))
}

fn log_panic(panic: &PanicHookInfo<'_>) {
    let place = panic.location().map(ToString::to_string).unwrap_or_default();
    let said = panic.payload_as_str().unwrap_or("no words");
    let trace = Backtrace::capture();
    let trace = (trace.status() == BacktraceStatus::Captured).then_some(trace);
    tracing::error!(place, trace = trace.map(tracing::field::display), "a mistake of the program: {said}");
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Takes nothing.
    struct Closed(ErrorKind);

    impl Write for Closed {
        fn write(&mut self, _: &[u8]) -> io::Result<usize> {
            Err(self.0.into())
        }

        fn flush(&mut self) -> io::Result<()> {
            Err(self.0.into())
        }
    }

    #[test]
    fn what_is_asked_for_is_written_and_else_the_programs_own_choice() {
        use tracing::Level;
        let is_written =
            |asked, module: &str, level| written(asked, "info,sqlx=warn").would_enable(module, &level);
        for asked in [None, Some(""), Some("what=is=this")] {
            assert!(is_written(asked, "mizili_hub", Level::INFO), "{asked:?}");
            assert!(!is_written(asked, "mizili_hub", Level::DEBUG), "{asked:?}");
            assert!(!is_written(asked, "sqlx::query", Level::INFO), "{asked:?}");
        }
        assert!(is_written(Some("debug"), "sqlx::query", Level::DEBUG));
        assert!(is_written(Some("mizili_edge=trace,warn"), "mizili_edge::sync", Level::TRACE));
        assert!(!is_written(Some("mizili_edge=trace,warn"), "hyper", Level::INFO));
    }

    #[test]
    fn no_line_is_lost_after_somebody_only_asked_whether_one_is_wanted() {
        let log = crate::testing::log::Log::default();
        let writer = log.clone();
        let subscriber = lines(written(None, "info,sqlx=warn"), true, false, move || writer.clone());
        tracing::subscriber::with_default(subscriber, || {
            let line = tracing::debug_span!(target: "sqlx::query", "of a library");
            // As one does that logs by the other library of that name, before it puts a line together.
            let asks = || tracing::dispatcher::get_default(|log| log.enabled(line.metadata().unwrap()));
            for n in 0..3 {
                let _ = asks();
                tracing::info!(n, "listening");
                let _ = asks();
                tracing::warn!(n, "a sign-in failed");
            }
        });
        let said = log.take();
        for n in 0..3 {
            for words in ["listening", "a sign-in failed"] {
                assert!(said.contains(&format!("{words} n={n}")), "{words} {n} is not in {said}");
            }
        }
    }

    #[test]
    fn a_reader_that_has_seen_enough_is_no_error_and_a_full_disk_is_one() {
        print_to(&mut Closed(ErrorKind::BrokenPipe), "a line\n").unwrap();
        let full = print_to(&mut Closed(ErrorKind::StorageFull), "a line\n").unwrap_err();
        assert_eq!(full.kind(), ErrorKind::StorageFull);
        let mut taken = Vec::new();
        print_to(&mut taken, "a line\n").unwrap();
        assert_eq!(taken, b"a line\n");
    }
}

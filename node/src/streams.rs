//! Standard output and standard error of both programs: results on the one, hints and the log on the other.
//!
//! Nobody may be listening: a reader that has seen enough closes its end, a full disk takes no line of a log. Neither may ever end
//! the program or the request that it was about to answer, so nothing here panics and the log's writer knows no error.

use std::backtrace::{Backtrace, BacktraceStatus};
use std::io::{self, ErrorKind, IsTerminal as _, Write};
use std::panic::PanicHookInfo;
use tracing_subscriber::EnvFilter;

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

/// Asks whoever sits at the terminal: as [`tell`], and the line goes on.
pub(crate) fn ask(question: &str) {
    let _ = io::stderr().write_all(question.as_bytes());
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
    let filter = EnvFilter::try_from_default_env().unwrap_or_else(|_| EnvFilter::new(filter));
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_target(modules)
        .with_ansi(io::stderr().is_terminal())
        .with_writer(|| Log)
        // The library's own way to complain is to print on standard error, and to panic where that fails.
        .log_internal_errors(false);
    // Another log of this process is as good.
    let _ = lines.try_init();
    std::panic::set_hook(Box::new(log_panic));
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
    fn a_reader_that_has_seen_enough_is_no_error_and_a_full_disk_is_one() {
        print_to(&mut Closed(ErrorKind::BrokenPipe), "a line\n").unwrap();
        let full = print_to(&mut Closed(ErrorKind::StorageFull), "a line\n").unwrap_err();
        assert_eq!(full.kind(), ErrorKind::StorageFull);
        let mut taken = Vec::new();
        print_to(&mut taken, "a line\n").unwrap();
        assert_eq!(taken, b"a line\n");
    }
}

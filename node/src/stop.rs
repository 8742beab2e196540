//! Hears when the program is asked to stop. Never decides what is to be ended then, nor how long that may take.

use std::io;
use tokio::signal::unix::{SignalKind, signal};

/// Done at the first Ctrl-C or SIGTERM from this call on, also where it comes before anybody waits. To be called before the program
/// says that it is there: whoever has read that may stop it at once.
///
/// # Errors
/// When signals cannot be listened for.
pub fn asked() -> io::Result<impl Future<Output = ()> + Send + 'static> {
    let mut interrupt = signal(SignalKind::interrupt())?;
    let mut terminate = signal(SignalKind::terminate())?;
    Ok(async move {
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
        }
    })
}

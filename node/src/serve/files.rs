//! How many connections the system lets this process have: each is an open file.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Files that a node needs beside connections of its peers: databases and connections to them, logs, libraries.
const OWN_FILES: u64 = 128;

/// Fewest connections that are worth serving, whatever the system says.
const FEWEST: usize = 16;

/// Raises the number of files that may be open as far as the process may do so itself, and says how many connections fit: at
/// most so many.
pub(super) fn places(most: usize) -> usize {
    let mut limit = getrlimit(Resource::Nofile);
    let wanted = OWN_FILES.saturating_add(most as u64);
    if limit.current.is_some_and(|now| now < wanted) {
        let reached = limit.maximum.map_or(wanted, |highest| highest.min(wanted));
        let raised = rustix::process::Rlimit { current: Some(reached), ..limit };
        // Where it is refused, the old number counts.
        if setrlimit(Resource::Nofile, raised).is_ok() {
            limit = raised;
        }
    }
    let files = limit.current.unwrap_or(u64::MAX);
    let fit = usize::try_from(files.saturating_sub(OWN_FILES)).unwrap_or(usize::MAX);
    fit.clamp(FEWEST, most.max(FEWEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_more_places_than_files() {
        assert_eq!(places(20), 20);
        let before = getrlimit(Resource::Nofile);
        let most = places(usize::MAX);
        assert!(most >= FEWEST && before.maximum.is_none_or(|highest| most as u64 <= highest));
        assert!(getrlimit(Resource::Nofile).current >= before.current);
    }
}

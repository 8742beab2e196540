//! Sessions of people at the office: who holds which token. A token is 32 random bytes that only its holder has; here is its hash.
//!
//! A session ends when it is not used for a while (by monotonic time: the wall clock of a box may jump), when the program or the
//! machine starts again, when somebody signs out, and when the user's row or password changes. It is on record in the database,
//! so that `mizili-edge password` can end it from outside; while the disk takes nothing it lives in memory alone, so that people
//! can still sign in and read.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mizili_node::deps::Deps;
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;
use sync_protocol::ids::UserId;

/// Sessions at once. An office has a few people; when there are more, the one unused for longest ends.
const SESSIONS_MAX: usize = 200;

/// Whose session it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Account {
    /// A name of this box alone, such as `office`.
    Shared(String),
    /// A person whom the hub knows.
    Person(UserId),
}

/// An open session.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    /// Whose.
    pub(crate) account: Account,
    /// The password's hash at sign-in: another one ends the session.
    pub(crate) password_hash: String,
    /// Whether the database has it on record.
    pub(crate) recorded: bool,
    used: Duration,
}

/// The sessions of this run of the program.
#[derive(Debug)]
pub struct Sessions {
    /// Names this run: sessions of another one are over.
    pub(crate) boot: String,
    /// How long a session may be left alone.
    pub(crate) idle: Duration,
    open: Mutex<HashMap<[u8; 32], Open>>,
}

/// The hash under which a token is kept; `None` for what can be no token.
pub(crate) fn hash_of(token: &str) -> Option<[u8; 32]> {
    let bytes: [u8; 32] = URL_SAFE_NO_PAD.decode(token).ok()?.try_into().ok()?;
    Some(*blake3::hash(&bytes).as_bytes())
}

impl Sessions {
    /// None yet.
    pub fn new(deps: &Deps, idle: Duration) -> Self {
        let boot = URL_SAFE_NO_PAD.encode(deps.ids.random::<16>());
        Self { boot, idle, open: Mutex::default() }
    }

    /// Opens a session: its token, and the hash under which it is kept. `now` is monotonic.
    pub(crate) fn begin(&self, deps: &Deps, account: Account, password_hash: String) -> (String, [u8; 32]) {
        let secret = deps.ids.random::<32>();
        let hash = *blake3::hash(&secret).as_bytes();
        let used = deps.clock.monotonic();
        let mut open = self.lock();
        if open.len() >= SESSIONS_MAX {
            let oldest = open.iter().min_by_key(|(_, session)| session.used).map(|(hash, _)| *hash);
            oldest.and_then(|oldest| open.remove(&oldest));
        }
        open.insert(hash, Open { account, password_hash, recorded: false, used });
        (URL_SAFE_NO_PAD.encode(secret), hash)
    }

    /// Notes that the database has it on record.
    pub(crate) fn is_recorded_now(&self, hash: &[u8; 32]) {
        if let Some(session) = self.lock().get_mut(hash) {
            session.recorded = true;
        }
    }

    /// Names this run of the program.
    pub fn run(&self) -> &str {
        &self.boot
    }

    /// The session of a token, unless it was left alone for too long. Using it keeps it open; a page that looks by itself
    /// (`passive`) does not.
    pub(crate) fn touch(&self, hash: &[u8; 32], now: Duration, passive: bool) -> Option<Open> {
        let mut open = self.lock();
        let session = open.get_mut(hash)?;
        if now.saturating_sub(session.used) >= self.idle {
            open.remove(hash);
            return None;
        }
        if !passive {
            session.used = now;
        }
        Some(session.clone())
    }

    /// Ends a session.
    pub(crate) fn end(&self, hash: &[u8; 32]) {
        self.lock().remove(hash);
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, HashMap<[u8; 32], Open>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const IDLE: Duration = Duration::from_secs(1_800);

    fn begin(sessions: &Sessions, deps: &Deps) -> (String, [u8; 32]) {
        sessions.begin(deps, Account::Shared("office".into()), "hash".into())
    }

    #[test]
    fn a_session_lives_while_it_is_used_whatever_the_wall_clock_says() {
        let (deps, clock) = Deps::fixed_with_clock(1);
        let sessions = Sessions::new(&deps, IDLE);
        let (token, hash) = begin(&sessions, &deps);
        assert_eq!(hash_of(&token), Some(hash));
        for _ in 0..5 {
            clock.advance(IDLE - Duration::from_secs(1));
            assert!(sessions.touch(&hash, deps.clock.monotonic(), false).is_some());
        }
        clock.advance(IDLE - Duration::from_secs(1));
        assert!(sessions.touch(&hash, deps.clock.monotonic(), true).is_some());
        clock.advance(Duration::from_secs(1));
        assert!(
            sessions.touch(&hash, deps.clock.monotonic(), true).is_none(),
            "looking by itself does not keep it open"
        );
        let (_, hash) = begin(&sessions, &deps);
        clock.set_wall_s(0);
        assert!(sessions.touch(&hash, deps.clock.monotonic(), false).is_some());
        clock.advance(IDLE);
        assert!(sessions.touch(&hash, deps.clock.monotonic(), false).is_none());
        assert!(sessions.touch(&hash, Duration::ZERO, false).is_none(), "it does not come back");
    }

    #[test]
    fn what_is_no_token_has_no_hash_and_runs_differ() {
        for bad in ["", "x", "a.b.c", &"A".repeat(44), &"A".repeat(5_000)] {
            assert_eq!(hash_of(bad), None, "{bad}");
        }
        let deps = Deps::fixed(1);
        let (one, two) = (Sessions::new(&deps, IDLE), Sessions::new(&deps, IDLE));
        assert_ne!(one.boot, two.boot);
        let (_, hash) = begin(&one, &deps);
        assert!(two.touch(&hash, Duration::ZERO, false).is_none());
    }

    #[test]
    fn there_is_a_bound() {
        let (deps, clock) = Deps::fixed_with_clock(1);
        let sessions = Sessions::new(&deps, IDLE);
        let (_, first) = begin(&sessions, &deps);
        clock.advance(Duration::from_secs(1));
        for _ in 0..SESSIONS_MAX {
            begin(&sessions, &deps);
        }
        assert!(sessions.touch(&first, deps.clock.monotonic(), false).is_none());
        assert_eq!(sessions.lock().len(), SESSIONS_MAX);
    }
}

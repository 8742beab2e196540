//! Signing in and out: a password becomes a pair of tokens, a refresh token becomes the next pair. One that comes again within a
//! minute gets the same pair, byte for byte, whichever hub it comes to: the answer was lost on the way. One that comes later ends
//! its session, because one of the two who had it is a thief.

use crate::auth::caller::Caller;
use crate::auth::pair::{Pair, Tokens, hash};
use crate::auth::throttle::{Attempt, Guess};
use crate::auth::{db, throttle};
use crate::db::retrying;
use crate::error::{ApiError, Kind, Problem};
use crate::state::AppState;
use crate::token::Whose;
use jiff::SignedDuration;
use mizili_node::address::Place;
use sqlx::PgConnection;
use sync_protocol::phone::Phone;
use uuid::Uuid;

/// Seconds that a refresh token lasts: a phone that is offline for a month stays signed in.
pub const REFRESH_LIFETIME_S: i64 = 60 * 24 * 60 * 60;

/// No such number, or not its password: which of the two is not said.
fn wrong() -> Problem {
    Kind::BadCredentials.because("The phone number or the password is wrong.")
}

/// Tries that may be under way from one line at this hub: an eighth of what the hashing pool lets wait. A whole office signs in from
/// one.
const UNDER_WAY_MAX: usize = 32;

/// Signs in by number and password.
pub(crate) async fn login(
    state: &AppState,
    place: Place,
    phone: &Phone,
    password: &str,
) -> Result<Tokens, ApiError> {
    let tokens = check(state, &place.line(), phone.number(), password).await;
    if let Err(error) = &tokens {
        // One line for each, for whoever looks after the hub.
        let code = error.kind().code();
        tracing::warn!(phone = phone.masked(), address = %place, code, "a sign-in failed");
    }
    tokens
}

async fn check(state: &AppState, line: &str, phone: u64, password: &str) -> Result<Tokens, ApiError> {
    let known = state.db.read(&state.deps, |mut conn| async move { db::by_phone(&mut conn, phone).await });
    let known = known.await?;
    let hash = known.as_ref().map(|(_, hash)| hash.as_str());
    let right = is_password(state, line, phone, password, hash).await?;
    let Some((attempt, (caller, hash))) = right.zip(known) else { return Err(wrong().into()) };
    let opened = retrying(&state.deps, || async {
        let mut tx = state.db.begin().await?;
        // It may have been changed while it was looked at, and then nothing may begin with the old one.
        let now = db::lock(&mut tx, caller.id).await?;
        let (caller, _) = now.filter(|(_, now)| *now == hash).ok_or_else(wrong)?;
        throttle::remember_line(&mut tx, &attempt).await?;
        let tokens = open_session(state, &mut tx, caller.whose()).await?;
        tx.commit().await?;
        Ok::<_, ApiError>(tokens)
    });
    opened.await
}

/// Whether it is the password of a number's account, counted as a try from this line; the try, if it was right. Without a hash it is
/// not, after the same time. A try that has begun is looked at to its end, also where whoever made it hangs up meanwhile: else it would
/// count as a wrong one.
///
/// # Errors
/// 429 when it is too early, 503 when too many wait: then nobody looked, and it does not count.
pub(crate) async fn is_password(
    state: &AppState,
    line: &str,
    phone: u64,
    password: &str,
    hash: Option<&str>,
) -> Result<Option<Attempt>, ApiError> {
    let on_the_way = state.auth.under_way.enter(line, UNDER_WAY_MAX)?;
    let (state, guess) = (state.clone(), Guess::of_number(phone, line.to_owned()));
    let (password, hash) = (password.to_owned(), hash.map(str::to_owned));
    let tried = tokio::spawn(async move {
        let tried = look_at(&state, guess, &password, hash.as_deref()).await;
        drop(on_the_way);
        tried
    });
    tried.await.map_err(Problem::internal)?
}

async fn look_at(
    state: &AppState,
    guess: Guess,
    password: &str,
    hash: Option<&str>,
) -> Result<Option<Attempt>, ApiError> {
    let attempt = retrying(&state.deps, || async {
        let mut tx = state.db.begin().await?;
        let attempt = throttle::begin(&mut tx, guess.clone(), "number", state.deps.clock.now()).await?;
        tx.commit().await?;
        Ok::<_, ApiError>(attempt)
    });
    let attempt = attempt.await?;
    // No connection is held while a try is put off or a password is hashed.
    state.deps.clock.pause(attempt.put_off).await;
    let looked_at = state.auth.passwords.verify(password, hash).await;
    let noted = retrying(&state.deps, || async {
        let mut tx = state.db.begin().await?;
        match &looked_at {
            Ok(true) => throttle::forgive(&mut tx, &attempt).await?,
            Ok(false) => {}
            Err(_) => throttle::take_back(&mut tx, &attempt).await?,
        }
        tx.commit().await
    });
    noted.await?;
    Ok(looked_at?.then_some(attempt))
}

/// Begins a session of an account, which the caller has locked: its first pair.
pub(crate) async fn open_session(
    state: &AppState,
    conn: &mut PgConnection,
    whose: Whose,
) -> Result<Tokens, ApiError> {
    issue(state, conn, whose, state.deps.ids.uuid_v7(), &Pair::new(&state.deps)).await
}

/// Keeps the refresh token of a pair, and shows the pair to whom it is for.
async fn issue(
    state: &AppState,
    conn: &mut PgConnection,
    whose: Whose,
    family: Uuid,
    pair: &Pair,
) -> Result<Tokens, ApiError> {
    let expires_at = state.deps.clock.now().checked_add(SignedDuration::from_secs(REFRESH_LIFETIME_S));
    db::keep_refresh(conn, &pair.refresh_hash(), whose.user, family, expires_at.map_err(Problem::internal)?)
        .await?;
    Ok(pair.show(&state.auth.key, whose)?)
}

/// The next pair for a refresh token. A try that took effect unseen is followed by one that finds its answer.
pub(crate) async fn refresh(state: &AppState, token: &str) -> Result<Tokens, ApiError> {
    retrying(&state.deps, || async { refresh_once(state, token).await }).await
}

async fn refresh_once(state: &AppState, token: &str) -> Result<Tokens, ApiError> {
    let (now, hash) = (state.deps.clock.now(), hash(token));
    let mut tx = state.db.begin().await?;
    let unknown =
        || Kind::Unauthorized.because("This refresh token is not valid, or has expired. Log in again.");
    let kept = db::refresh(&mut tx, &hash).await?.ok_or_else(unknown)?;
    let again = match kept.used {
        None => None,
        Some(db::Used { answer: Some(sealed), just_now: true }) => Some(Pair::unseal(&sealed, token)),
        Some(_) => {
            db::end_family(&mut tx, kept.family).await?;
            tx.commit().await?;
            tracing::warn!(user = %kept.user, "a refresh token came twice; its session was ended");
            return Err(Kind::TokenReused.error().into());
        }
    };
    if kept.expires_at <= now {
        return Err(unknown().into());
    }
    let caller: Caller = db::caller(&mut tx, kept.user).await?.ok_or_else(unknown)?;
    let tokens = match again {
        Some(pair) => pair.show(&state.auth.key, caller.whose())?,
        None => {
            let pair = Pair::new(&state.deps);
            db::use_refresh(&mut tx, &hash, &pair.seal(token)).await?;
            issue(state, &mut tx, caller.whose(), kept.family, &pair).await?
        }
    };
    tx.commit().await?;
    Ok(tokens)
}

/// Ends the session of a refresh token. One that is not known ends nothing, and nobody is told.
pub(crate) async fn logout(state: &AppState, token: &str) -> Result<(), ApiError> {
    let ended = retrying(&state.deps, || async {
        let mut tx = state.db.begin().await?;
        if let Some(kept) = db::refresh(&mut tx, &hash(token)).await? {
            db::end_family(&mut tx, kept.family).await?;
        }
        tx.commit().await?;
        Ok::<_, ApiError>(())
    });
    ended.await
}

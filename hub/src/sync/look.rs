//! Whether there is something for an edge, by the database: one edge at the beginning of its wait or after its bucket moved, and
//! every few minutes all who wait, in one transaction, for a hint may be lost. The regular look also notes who was heard, and goes on
//! without a row that cannot be read: whom it concerns is looked at alone.

use super::refusals::Caller;
use super::scope::{scope, scopes};
use super::{session, store};
use crate::bad_rows::BadRows;
use crate::db::retrying;
use crate::error::{ApiError, Kind};
use crate::feed::read;
use crate::news::{Found, Looked, Waiter};
use crate::state::AppState;
use jiff::Timestamp;
use sqlx::PgConnection;
use std::collections::{BTreeSet, HashMap};
use std::time::Duration;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::EdgeId;
use sync_protocol::wire::message::{Standing, cursors_from_bytes, scope_hash};

/// Between two regular looks: from this on, and up to twice as long.
const EVERY: Duration = Duration::from_secs(120);

/// Looks once. The session is checked each time, so that a revoked edge does not hold on. `None` when there is something.
pub(super) async fn look(
    state: &AppState,
    caller: &Caller,
    token: &[u8; 32],
    standing: &Standing,
) -> Result<Option<Looked>, ApiError> {
    let now = state.deps.clock.now();
    let look = state.db.read(&state.deps, |mut conn| async move {
        look_once(&mut conn, caller, token, standing, now).await
    });
    look.await
}

async fn look_once(
    conn: &mut PgConnection,
    caller: &Caller,
    token: &[u8; 32],
    standing: &Standing,
    now: Timestamp,
) -> Result<Option<Looked>, ApiError> {
    let session = session::of(conn, token, caller, now).await?;
    let edge = session.edge;
    let buckets = scope(conn, &edge).await?;
    if scope_hash(&buckets) != standing.scope {
        return Ok(None);
    }
    let Ok(cursors) = cursors_from_bytes(&standing.cursors, &buckets) else {
        return Err(Kind::Malformed.because("The cursors do not fit the scope.").into());
    };
    let heads = read::versions(conn, &buckets).await?;
    let is_behind =
        cursors.iter().any(|c| heads.get(&c.bucket).is_some_and(|head| *head > c.upto) || !c.is_whole());
    let last = store::last_verdict(conn, edge.id, edge.incarnation).await?;
    let is_news = is_behind || last > standing.verdicts_upto;
    Ok((!is_news).then_some(Looked { edge: edge.id, buckets, session_ends: session.ends }))
}

/// The regular look, for as long as it is polled.
pub async fn regularly(state: AppState) {
    let mut bad = BadRows::of("news");
    loop {
        let spread = f64::from(u32::from_le_bytes(state.deps.ids.random())) / f64::from(u32::MAX);
        tokio::time::sleep(EVERY.mul_f64(1.0 + spread)).await;
        if let Err(error) = all(&state, &mut bad).await {
            tracing::warn!(?error, "those who wait for news could not be looked at now");
        }
    }
}

/// Looks at all who wait here, in one transaction, and notes who of them was heard. A row that cannot be read is added to `bad`.
///
/// # Errors
/// Those of the database.
pub async fn all(state: &AppState, bad: &mut BadRows) -> Result<(), ApiError> {
    let waiting = state.db.news().waiting();
    let waiters = waiting.round();
    if waiters.is_empty() {
        return Ok(());
    }
    let now = state.deps.clock.now();
    let ids: Vec<EdgeId> = waiters.iter().map(|waiter| waiter.edge).collect();
    let buckets: BTreeSet<Bucket> = waiters.iter().flat_map(|waiter| &waiter.buckets).copied().collect();
    let buckets: Vec<Bucket> = buckets.into_iter().collect();
    let tokens: Vec<&[u8]> = waiters.iter().map(|waiter| &waiter.asker.token[..]).collect();
    let heard: Vec<EdgeId> = waiters.iter().filter(|w| w.is_heard).map(|w| w.edge).collect();
    let looked = retrying(&state.deps, || async {
        let mut tx = state.db.begin().await?;
        let signed_in = store::signed_in(&mut tx, &tokens, now).await?;
        let scopes = scopes(&mut tx, &ids).await?;
        let heads = read::versions_each(&mut tx, &buckets).await?;
        store::note_heard(&mut tx, &heard, now).await?;
        tx.commit().await?;
        Ok::<_, ApiError>((signed_in, scopes, heads))
    });
    let (signed_in, found_scopes, found_heads) = looked.await?;
    let (mut scopes, mut heads) = (HashMap::new(), HashMap::new());
    for (edge, scope) in found_scopes {
        scopes.extend(bad.sift(format!("edge {edge}"), scope)?.map(|scope| (edge, scope)));
    }
    let mut unreadable = BTreeSet::new();
    for (bucket, head) in found_heads {
        match bad.sift(bucket, head)? {
            Some(head) => drop(heads.insert(bucket, head)),
            None => drop(unreadable.insert(bucket)),
        }
    }
    let of = |w: &Waiter| {
        let Some(last) = signed_in.get(&w.asker.token[..]) else { return Found::Gone };
        // Who cannot be judged among all is judged alone, and is told what is wrong.
        let Some(scope) = scopes.get(&w.edge) else { return Found::Gone };
        if w.buckets.iter().any(|bucket| unreadable.contains(bucket)) {
            return Found::Gone;
        }
        if is_news(w, scope, *last, &heads) { Found::News } else { Found::Nothing }
    };
    let found: Vec<_> = waiters.iter().map(|waiter| (waiter.edge, waiter.poll, of(waiter))).collect();
    waiting.found(&found);
    Ok(())
}

fn is_news(waiter: &Waiter, scope: &[Bucket], last_verdict: u64, heads: &HashMap<Bucket, u64>) -> bool {
    let standing = &waiter.asker.standing;
    if scope_hash(scope) != standing.scope || last_verdict > standing.verdicts_upto {
        return true;
    }
    // What does not fit is looked at by itself, and then refused by name.
    cursors_from_bytes(&standing.cursors, scope).map_or(true, |cursors| {
        cursors.iter().any(|cursor| heads.get(&cursor.bucket).is_some_and(|head| *head > cursor.upto))
    })
}

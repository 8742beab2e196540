//! Offices that only wait: signed in by the database, each with a poll that it begins anew when the hub has let it go, on a
//! connection of its own. They take up nothing of what they hear.

use anyhow::{Context as _, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mizili_hub::db::{Db, q, q_scalar};
use mizili_hub::feed::read;
use mizili_hub::sync::edges::scope_of;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;
use sync_protocol::ids::EdgeId;
use sync_protocol::session::{BucketCursor, NEWS_PATH, TOKEN_HEADER};
use sync_protocol::wire::message::{Message, Standing, cursors_to_bytes, scope_hash};
use tokio::io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// One of them.
pub(crate) struct Office {
    token: String,
    standing: Vec<u8>,
}

/// Makes edges of a cooperative that has few regions in reach, as if they had signed in and had everything.
pub(crate) async fn signed_in(db: &Db, count: u32) -> Result<Vec<Office>> {
    let mut tx = db.begin().await?;
    let ids: Vec<i32> = q_scalar(
        "INSERT INTO edges (cooperative_id, enrolled_at, incarnation)
        SELECT (SELECT min(id) FROM cooperatives WHERE region_id = (SELECT max(id) FROM regions)), now(), 1
        FROM generate_series(1, $1) RETURNING id",
    )
    .bind(i32::try_from(count)?)
    .fetch_all(&mut *tx)
    .await?;
    q("INSERT INTO edge_streams (edge_id, incarnation, link_random) SELECT unnest($1::int[]), 1, ''")
        .bind(&ids)
        .execute(&mut *tx)
        .await?;
    let tokens: Vec<[u8; 16]> =
        ids.iter().map(|id| (u128::from(id.unsigned_abs()) << 64).to_le_bytes()).collect();
    q(
        "INSERT INTO edge_sessions (token_hash, edge_id, incarnation, expires_at)
        SELECT hash, edge, 1, now() + interval '1 day' FROM unnest($1::bytea[], $2::int[]) AS t (hash, edge)",
    )
    .bind(tokens.iter().map(|token| blake3::hash(token).as_bytes().to_vec()).collect::<Vec<_>>())
    .bind(&ids)
    .execute(&mut *tx)
    .await?;
    let mut offices = Vec::with_capacity(ids.len());
    for (id, token) in ids.iter().zip(&tokens) {
        let scope = scope_of(&mut tx, EdgeId(id.cast_unsigned())).await?;
        let heads = read::versions(&mut tx, &scope).await?;
        let at_head = |bucket| {
            let upto = heads.get(&bucket).copied().unwrap_or(0);
            BucketCursor { upto, ..BucketCursor::new(bucket) }
        };
        let cursors: Vec<_> = scope.iter().copied().map(at_head).collect();
        let (scope, cursors) = (scope_hash(&scope), cursors_to_bytes(&cursors));
        let standing = Message::News(Standing { scope, cursors, verdicts_upto: 0 }).to_bytes();
        offices.push(Office { token: URL_SAFE_NO_PAD.encode(token), standing });
    }
    tx.commit().await?;
    Ok(offices)
}

/// Offices that wait now.
pub(crate) struct Waiters {
    polls: JoinSet<()>,
    counts: Arc<Counts>,
}

#[derive(Default)]
struct Counts {
    woken: AtomicU64,
    held: AtomicU64,
}

impl Waiters {
    /// Begins all polls, a few at a time.
    pub(crate) async fn of(address: &str, offices: &[Office]) -> Result<Self> {
        let (mut polls, counts) = (JoinSet::new(), Arc::new(Counts::default()));
        for office in offices {
            let connection =
                TcpStream::connect(address).await.context("the hub takes no more connections")?;
            let head = format!(
                "POST {NEWS_PATH} HTTP/1.1\r\nhost: {address}\r\n{TOKEN_HEADER}: {}\r\ncontent-length: {}\r\n\r\n",
                office.token,
                office.standing.len()
            );
            let request = [head.as_bytes(), &office.standing].concat();
            polls.spawn(wait(BufReader::new(connection), request, counts.clone()));
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        // The last ones are looked at in the database before they wait.
        tokio::time::sleep(Duration::from_secs(3)).await;
        Ok(Self { polls, counts })
    }

    /// Ends all polls; how many were woken, and how many were let go without news.
    ///
    /// # Errors
    /// When the hub had left some of them before.
    pub(crate) async fn go_home(mut self) -> Result<(u64, u64)> {
        let mut left = 0;
        while self.polls.try_join_next().is_some() {
            left += 1;
        }
        self.polls.shutdown().await;
        ensure!(left == 0, "{left} offices were left by the hub");
        Ok((self.counts.woken.load(Ordering::Relaxed), self.counts.held.load(Ordering::Relaxed)))
    }
}

/// Polls again and again until the hub goes away.
async fn wait(mut hub: BufReader<TcpStream>, request: Vec<u8>, counts: Arc<Counts>) {
    while hub.write_all(&request).await.is_ok() {
        let (mut head, mut length) = (String::new(), 0);
        loop {
            let mut line = String::new();
            if hub.read_line(&mut line).await.unwrap_or(0) == 0 {
                return;
            }
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse().unwrap_or(0);
            }
            if line == "\r\n" {
                break;
            }
            head.push_str(&line);
        }
        let mut body = vec![0; length];
        if hub.read_exact(&mut body).await.is_err() {
            return;
        }
        let of = if head.starts_with("HTTP/1.1 204") { &counts.held } else { &counts.woken };
        of.fetch_add(1, Ordering::Relaxed);
    }
}

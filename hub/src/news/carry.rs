//! Carries news between the hubs that share a database, and from an operator's command to them: NOTIFY, which Postgres commits
//! under one lock of the whole server. So it is sent in no person's transaction, and at most a few times a second.

use super::{Moved, News};
use sqlx::postgres::PgListener;
use sqlx::{Connection, PgConnection, PgExecutor};
use std::time::Duration;

const CHANNEL: &str = "mizili_news";
/// Moves within this time make one NOTIFY.
const COALESCE: Duration = Duration::from_millis(50);
/// Between tries to reach the database again.
const RECONNECT: Duration = Duration::from_secs(3);

impl News {
    /// Carries news for as long as it is polled. `direct_url` is a connection that keeps its session (no transaction-mode
    /// pooler).
    pub async fn carry(self, direct_url: String) {
        loop {
            if let Err(error) = self.carry_once(&direct_url).await {
                tracing::warn!(%error, "news between hubs is interrupted; edges hear with a few minutes' delay");
            }
            tokio::time::sleep(RECONNECT).await;
        }
    }

    async fn carry_once(&self, direct_url: &str) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect(direct_url).await?;
        // A lost connection is to be seen here: what was said meanwhile was not heard.
        listener.eager_reconnect(false);
        listener.listen(CHANNEL).await?;
        let mut teller = PgConnection::connect(direct_url).await?;
        let own: i32 =
            sqlx::query_scalar("SELECT pg_backend_pid()").persistent(false).fetch_one(&mut teller).await?;
        // Whatever moved elsewhere before this moment.
        self.heard(&Moved::All);
        loop {
            tokio::select! {
                heard = listener.try_recv() => match heard? {
                    // What this hub said itself was told here at once.
                    Some(said) if i64::from(said.process_id()) == i64::from(own) => {}
                    Some(said) => self.heard(&Moved::from_payload(said.payload())),
                    None => return Ok(()),
                },
                () = self.0.has_untold.notified() => {
                    tokio::time::sleep(COALESCE).await;
                    self.say(&mut teller).await?;
                }
            }
        }
    }

    /// Tells the other hubs what they were not told yet, in one NOTIFY. Where that fails it is kept.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn say(&self, conn: impl PgExecutor<'_>) -> Result<(), sqlx::Error> {
        let moved = std::mem::take(&mut *self.untold());
        if moved.is_none() {
            return Ok(());
        }
        let said = sqlx::query("SELECT pg_notify('mizili_news', $1)").persistent(false).bind(moved.payload());
        let said = said.execute(conn).await;
        if let Err(error) = said {
            self.untold().extend(&moved);
            self.0.has_untold.notify_one();
            return Err(error);
        }
        Ok(())
    }

    /// Whether the other hubs were told everything.
    pub fn is_said(&self) -> bool {
        self.untold().is_none()
    }
}

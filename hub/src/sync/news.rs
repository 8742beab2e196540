//! News: tells long polls and jobs that some bucket moved. Only a hint: everybody who waits also looks now and then.
//!
//! Within one process a counter; between hubs NOTIFY on the direct connection, never inside a person's transaction, and at most
//! a few a second.

use sqlx::postgres::PgListener;
use sqlx::{Connection, PgConnection};
use std::time::Duration;
use tokio::sync::watch;

const CHANNEL: &str = "mizili_news";
/// Moves within this time make one NOTIFY.
const COALESCE: Duration = Duration::from_millis(50);
/// Between tries to reach the database again.
const RECONNECT: Duration = Duration::from_secs(3);

/// A counter that rises when something moved.
#[derive(Clone, Debug)]
pub struct News {
    moved_here: watch::Sender<u64>,
    moved: watch::Sender<u64>,
    ending: watch::Sender<bool>,
}

impl Default for News {
    fn default() -> Self {
        Self {
            moved_here: watch::Sender::new(0),
            moved: watch::Sender::new(0),
            ending: watch::Sender::new(false),
        }
    }
}

impl News {
    /// To be called after the commit of a transaction that moved a bucket.
    pub fn tell(&self) {
        self.moved_here.send_modify(|n| *n = n.wrapping_add(1));
        self.moved.send_modify(|n| *n = n.wrapping_add(1));
    }

    /// Changes whenever something moved here or at another hub.
    pub fn subscribe(&self) -> watch::Receiver<u64> {
        self.moved.subscribe()
    }

    /// Sends everybody home who waits: the hub stops, and must not be kept from it by polls.
    pub fn end(&self) {
        self.ending.send_replace(true);
    }

    /// Done when nobody should wait any longer.
    pub async fn ended(&self) {
        // An error says that nobody is left who could end it, which means the same.
        let _ = self.ending.subscribe().wait_for(|ending| *ending).await;
    }

    /// Carries news between the hubs that share a database, for as long as it is polled. `direct_url` is a connection that
    /// keeps its session (no transaction-mode pooler).
    pub async fn carry(self, direct_url: String) {
        loop {
            if let Err(error) = self.carry_once(&direct_url).await {
                tracing::warn!(%error, "news between hubs is interrupted; edges hear with a few seconds' delay");
            }
            tokio::time::sleep(RECONNECT).await;
        }
    }

    async fn carry_once(&self, direct_url: &str) -> Result<(), sqlx::Error> {
        let mut listener = PgListener::connect(direct_url).await?;
        listener.listen(CHANNEL).await?;
        let mut teller = PgConnection::connect(direct_url).await?;
        let mut here = self.moved_here.subscribe();
        loop {
            tokio::select! {
                heard = listener.try_recv() => match heard? {
                    Some(_) => self.moved.send_modify(|n| *n = n.wrapping_add(1)),
                    None => return Ok(()),
                },
                changed = here.changed() => {
                    if changed.is_err() {
                        return Ok(());
                    }
                    tokio::time::sleep(COALESCE).await;
                    here.mark_unchanged();
                    sqlx::query("SELECT pg_notify('mizili_news', '')").persistent(false).execute(&mut teller).await?;
                }
            }
        }
    }
}

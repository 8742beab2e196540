//! The time of a hub is its database's. Several hubs serve one database, and what one of them dates another compares: sessions,
//! codes, turns, keys. So none of them goes by its own machine's clock, which may be off by a second or by years; each measures how
//! far it is from the database's, at the start and then again and again. Nothing here decides by what it reads.

use crate::db::{Db, q_scalar};
use jiff::{SignedDuration, Timestamp};
use mizili_node::deps::{Clock, Uptime};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Between two measurements: a machine's clock drifts by a few milliseconds in it, or is set.
const MEASURE_EVERY: Duration = Duration::from_secs(60);

/// Further off than this, in microseconds, and the operator is told.
const ODD_US: i64 = 60_000_000;

/// This machine's clock, put right by the database's.
pub struct DatabaseClock {
    own: Arc<dyn Clock>,
    ahead_us: AtomicI64,
}

impl DatabaseClock {
    /// Measured once.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn over(own: Arc<dyn Clock>, db: &Db) -> Result<Arc<Self>, sqlx::Error> {
        let clock = Arc::new(Self { own, ahead_us: AtomicI64::new(0) });
        clock.measure(db).await?;
        Ok(clock)
    }

    async fn measure(&self, db: &Db) -> Result<(), sqlx::Error> {
        let mut tx = db.begin().await?;
        let before = self.own.monotonic();
        let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
        let theirs_us: i64 = q_scalar(sql).fetch_one(&mut *tx).await?;
        // It was read somewhere on the way there and back.
        let half_us =
            i64::try_from((self.own.monotonic().saturating_sub(before) / 2).as_micros()).unwrap_or(0);
        tx.commit().await?;
        let ahead_us = theirs_us.saturating_add(half_us).saturating_sub(self.own.now().as_microsecond());
        let known_us = self.ahead_us.swap(ahead_us, Ordering::Relaxed);
        if ahead_us.abs() > ODD_US && known_us.abs() <= ODD_US {
            let ahead_s = ahead_us / 1_000_000;
            tracing::warn!(ahead_s, "this machine's clock is not the database's, which counts; set it");
        }
        Ok(())
    }

    /// Measures again and again. Never done.
    pub async fn follow(self: Arc<Self>, db: Db) {
        loop {
            self.own.pause(MEASURE_EVERY).await;
            if let Err(error) = self.measure(&db).await {
                tracing::debug!(%error, "the database was not asked for the time; what was known stands");
            }
        }
    }
}

impl Clock for DatabaseClock {
    fn now(&self) -> Timestamp {
        let own = self.own.now();
        own.checked_add(SignedDuration::from_micros(self.ahead_us.load(Ordering::Relaxed))).unwrap_or(own)
    }

    fn monotonic(&self) -> Duration {
        self.own.monotonic()
    }

    fn pause(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.own.pause(time)
    }

    fn uptime(&self) -> Uptime {
        self.own.uptime()
    }
}

//! The time of a hub is its database's. Several hubs serve one database, and what one of them dates another compares: sessions,
//! codes, turns, keys. So none of them goes by its own machine's wall clock, which may be off by a second or by years, or be set while
//! it runs; each asks the database at the start and then again and again, and counts on in between. Nothing here decides by what it
//! reads.

use crate::db::{Db, q_scalar};
use jiff::Timestamp;
use mizili_node::deps::{Clock, Uptime};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

/// Between two measurements: a machine's count drifts by a few milliseconds in it, or stands still while it sleeps.
const MEASURE_EVERY: Duration = Duration::from_secs(60);

/// Further off than this, in microseconds, and the operator is told.
const ODD_US: i64 = 60_000_000;

/// The database's time as it was when it was measured, and what has passed since by this machine's count that never jumps. Its wall
/// clock tells nothing: set wrong for a moment, it would have jobs forget what is young, and keep what should end.
pub struct DatabaseClock {
    own: Arc<dyn Clock>,
    /// What the database's clock said when the count began, in microseconds since 1970.
    began_us: AtomicI64,
    /// By how much the machine's wall clock was behind at the last measurement.
    behind_us: AtomicI64,
}

impl DatabaseClock {
    /// Measured once.
    ///
    /// # Errors
    /// Those of the database.
    pub async fn over(own: Arc<dyn Clock>, db: &Db) -> Result<Arc<Self>, sqlx::Error> {
        let clock = Arc::new(Self { own, began_us: AtomicI64::new(0), behind_us: AtomicI64::new(0) });
        clock.measure(db).await?;
        Ok(clock)
    }

    async fn measure(&self, db: &Db) -> Result<(), sqlx::Error> {
        let mut tx = db.begin().await?;
        let before = self.own.monotonic();
        let sql = "SELECT (extract(epoch FROM clock_timestamp()) * 1000000)::bigint";
        let theirs_us: i64 = q_scalar(sql).fetch_one(&mut *tx).await?;
        let after = self.own.monotonic();
        tx.commit().await?;
        // It was read somewhere on the way there and back.
        let read_at_us = micros(before) + micros(after.saturating_sub(before) / 2);
        self.began_us.store(theirs_us.saturating_sub(read_at_us), Ordering::Relaxed);
        let behind_us = self.now().as_microsecond().saturating_sub(self.own.now().as_microsecond());
        let known_us = self.behind_us.swap(behind_us, Ordering::Relaxed);
        if behind_us.abs() > ODD_US && known_us.abs() <= ODD_US {
            let behind_s = behind_us / 1_000_000;
            tracing::warn!(behind_s, "this machine's clock is not the database's, which counts; set it");
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

fn micros(time: Duration) -> i64 {
    i64::try_from(time.as_micros()).unwrap_or(i64::MAX)
}

impl Clock for DatabaseClock {
    fn now(&self) -> Timestamp {
        let us = self.began_us.load(Ordering::Relaxed).saturating_add(micros(self.own.monotonic()));
        // No database tells a time that does not fit.
        Timestamp::from_microsecond(us).unwrap_or_else(|_| self.own.now())
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

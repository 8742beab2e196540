//! Jobs that come round: when each is due next stands in the database, and whichever hub comes first moves it on and puts the job in, in one
//! transaction. So there is no leader that could be missing, and no hub runs what another has. After a time without hubs the job runs once;
//! what passed meanwhile is counted. The clock may have been anywhere: a time further ahead than one period is brought back.

use super::kind::Registered;
use super::store::{APART, Enqueued, NewJob, enqueue, later};
use crate::db::{Cells, Db, q, retrying};
use jiff::{SignedDuration, Timestamp};
use jiff_sqlx::ToSqlx;
use mizili_node::deps::Deps;
use sqlx::PgConnection;
use std::pin::Pin;
use std::time::Duration;

type Put = for<'c> fn(&'c mut PgConnection, &'c Deps, &'static str) -> Putting<'c>;
type Putting<'c> = Pin<Box<dyn Future<Output = Result<Enqueued, sqlx::Error>> + Send + 'c>>;

/// A job that comes round.
pub struct Schedule {
    name: &'static str,
    when: When,
    put: Put,
}

/// When a job comes round. (Times of day would be another way.)
#[derive(Clone, Copy, Debug)]
enum When {
    Every(Duration),
}

impl Schedule {
    /// A kind that comes round by its own name, and the first time at once.
    pub const fn every<J: Registered<Payload = ()>>(period: Duration) -> Self {
        assert!(period.as_secs() > 0, "a period is at least a second");
        Self { name: J::KIND, when: When::Every(period), put: put::<J> }
    }

    /// Its name, which is also the open key of its jobs.
    pub fn name(&self) -> &'static str {
        self.name
    }
}

fn put<'c, J: Registered<Payload = ()>>(
    conn: &'c mut PgConnection,
    deps: &'c Deps,
    name: &'static str,
) -> Putting<'c> {
    Box::pin(async move { enqueue(conn, deps, &NewJob::<J>::now(()).keyed(name)).await })
}

/// Puts in the job of every schedule that is due. Gives how many were put in.
///
/// # Errors
/// The first that a schedule met; the others had their turn.
pub async fn advance(db: &Db, deps: &Deps, schedules: &[Schedule]) -> Result<usize, sqlx::Error> {
    let (mut put_in, mut failed) = (0, Ok(()));
    for schedule in schedules {
        let advanced = retrying(deps, || async {
            let mut tx = db.begin().await?;
            let advanced = advance_one(&mut tx, deps, schedule).await?;
            tx.commit().await?;
            Ok::<_, sqlx::Error>(advanced)
        });
        match advanced.await {
            Ok(advanced) => put_in += usize::from(advanced),
            Err(error) => failed = failed.and(Err(error)),
        }
    }
    failed.map(|()| put_in)
}

async fn advance_one(conn: &mut PgConnection, deps: &Deps, schedule: &Schedule) -> Result<bool, sqlx::Error> {
    let now = deps.clock.now();
    let look = "SELECT next_due FROM job_schedules WHERE name = $1";
    let known = q(look).bind(schedule.name).fetch_optional(&mut *conn).await?;
    match known {
        // Most looks end here, with nothing written or locked.
        Some(row) if schedule.when.step(next_due(&row)?, now) == Step::Wait => return Ok(false),
        Some(_) => {}
        None => {
            q("INSERT INTO job_schedules (name, next_due) VALUES ($1, $2) ON CONFLICT DO NOTHING")
                .bind(schedule.name)
                .bind(now.to_sqlx())
                .execute(&mut *conn)
                .await?;
        }
    }
    // Another hub that is at it has it; what it left behind is read anew.
    let lock = "SELECT next_due FROM job_schedules WHERE name = $1 FOR UPDATE SKIP LOCKED";
    let Some(row) = q(lock).bind(schedule.name).fetch_optional(&mut *conn).await? else { return Ok(false) };
    let (next, mut skipped, is_due) = match schedule.when.step(next_due(&row)?, now) {
        Step::Wait => return Ok(false),
        Step::BringBack { next } => (next, 0, false),
        Step::Run { next, skipped } => (next, skipped, true),
    };
    let mut is_new = false;
    if is_due {
        is_new = (schedule.put)(conn, deps, schedule.name).await? != Enqueued::AlreadyOpen;
        // The one before is still open, and does for this one too.
        skipped += i64::from(!is_new);
    }
    q("UPDATE job_schedules SET next_due = $2, skipped = skipped + $3 WHERE name = $1")
        .bind(schedule.name)
        .bind(next.to_sqlx())
        .bind(skipped)
        .execute(conn)
        .await?;
    Ok(is_new)
}

fn next_due(row: &sqlx::postgres::PgRow) -> Result<Timestamp, sqlx::Error> {
    Ok(Cells::of("job_schedules", row).get::<jiff_sqlx::Timestamp>(0)?.to_jiff())
}

/// What is to be done about a schedule now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Wait,
    /// It was moved on by a clock that was ahead: it ran just before that, and runs again a period from now.
    BringBack {
        next: Timestamp,
    },
    Run {
        next: Timestamp,
        skipped: i64,
    },
}

impl When {
    fn step(self, due: Timestamp, now: Timestamp) -> Step {
        let Self::Every(period) = self;
        if due > later(now, period.saturating_add(APART)) {
            return Step::BringBack { next: later(now, period) };
        }
        if due > now {
            return Step::Wait;
        }
        let period_s = i64::try_from(period.as_secs()).unwrap_or(i64::MAX).max(1);
        let skipped = now.as_second().saturating_sub(due.as_second()) / period_s;
        // In step with the times before, however late it is noticed.
        let ahead = SignedDuration::from_secs(skipped.saturating_add(1).saturating_mul(period_s));
        let next = due.checked_add(ahead).unwrap_or(Timestamp::MAX);
        Step::Run { next, skipped }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOURLY: When = When::Every(Duration::from_secs(3600));

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn it_is_due_from_its_time_on_and_then_a_period_later() {
        assert_eq!(HOURLY.step(at(10_000), at(9_999)), Step::Wait);
        assert_eq!(HOURLY.step(at(10_000), at(10_000)), Step::Run { next: at(13_600), skipped: 0 });
        assert_eq!(HOURLY.step(at(10_000), at(13_599)), Step::Run { next: at(13_600), skipped: 0 });
    }

    #[test]
    fn what_passed_without_a_hub_is_counted_and_the_next_stays_in_step() {
        assert_eq!(HOURLY.step(at(10_000), at(13_600)), Step::Run { next: at(17_200), skipped: 1 });
        let week = 7 * 86_400;
        assert_eq!(
            HOURLY.step(at(10_000), at(10_000 + week + 5)),
            Step::Run { next: at(10_000 + week + 3_600), skipped: 168 }
        );
    }

    #[test]
    fn a_time_that_a_wrong_clock_wrote_is_brought_back() {
        assert_eq!(HOURLY.step(at(2_000_000_000), at(0)), Step::BringBack { next: at(3_600) });
        // The clocks of two hubs differ a little.
        assert_eq!(HOURLY.step(at(13_600 + 300), at(10_000)), Step::Wait);
    }
}

//! Numbers that the database counts: of edges and cooperatives. A counter stands behind its table where that was put back by hand; nobody
//! is given a number that is somebody else's then.

use crate::db::q_scalar;
use crate::error::{Kind, Problem};
use sqlx::PgConnection;

/// A table whose rows are numbered by a counter of the database.
pub(crate) struct Numbered {
    /// One of its rows, for a person.
    what: &'static str,
    next: &'static str,
    catch_up: &'static str,
}

macro_rules! numbered {
    ($what:literal, $table:literal) => {
        Numbered {
            what: $what,
            next: concat!(
                "SELECT n::int FROM nextval(pg_get_serial_sequence('",
                $table,
                "', 'id')) AS n
                    WHERE n > (SELECT coalesce(max(id), 0) FROM ",
                $table,
                ")"
            ),
            // Hardly ever back: another may have been given a number that does not stand in the table yet. Where one is at this very moment,
            // `taken` says so.
            catch_up: concat!(
                "SELECT setval(s, greatest((SELECT max(id) FROM ",
                $table,
                "), pg_sequence_last_value(s)))
                    FROM CAST(pg_get_serial_sequence('",
                $table,
                "', 'id') AS regclass) AS s"
            ),
        }
    };
}

pub(crate) const EDGES: Numbered = numbered!("edge", "edges");
pub(crate) const COOPERATIVES: Numbered = numbered!("cooperative", "cooperatives");

impl Numbered {
    /// A number for a new row. A counter that stands behind the table is put right first.
    pub(crate) async fn next(&self, conn: &mut PgConnection) -> Result<i32, sqlx::Error> {
        if let Some(number) = q_scalar(self.next).fetch_optional(&mut *conn).await? {
            return Ok(number);
        }
        let reached: i64 = q_scalar(self.catch_up).fetch_one(&mut *conn).await?;
        tracing::warn!(reached, "the database's counter for a new {} stood behind its table", self.what);
        q_scalar(self.next).fetch_one(conn).await
    }

    /// That a number which the counter gave is somebody else's all the same: the counter was put right, or the table put back, at that
    /// very moment.
    pub(crate) fn taken(&self, number: i32) -> Problem {
        Kind::Internal.because(format!(
            "The next number for a new {}, {number}, was taken by somebody else at this moment. Nothing was made; try again.",
            self.what
        ))
    }
}

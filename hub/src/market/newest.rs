//! The sort key of lists that show the newest first: when the hub recorded a row, by its database's clock, and its id. Never the id
//! alone: ids are made at offices, some from other ids, and their order says nothing about time.

use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// When a row was recorded, and its id; both downwards.
pub(crate) type Newest = (RecordedAt, Uuid);

/// When the database recorded a row, in microseconds since 1970. One that is read comes from a client's cursor: only what Postgres
/// can compare is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "i64")]
pub(crate) struct RecordedAt(i64);

/// The end of the year 9999: later than anything is recorded, and long before Postgres' last instant.
const MAX_US: i64 = 253_402_300_799_999_999;

impl RecordedAt {
    /// What a query said.
    pub(crate) fn of_row(microseconds: i64) -> Self {
        Self(microseconds)
    }

    /// For a query.
    pub(crate) fn microseconds(self) -> i64 {
        self.0
    }
}

impl TryFrom<i64> for RecordedAt {
    type Error = &'static str;

    fn try_from(microseconds: i64) -> Result<Self, Self::Error> {
        let fits = (0..=MAX_US).contains(&microseconds);
        if fits { Ok(Self(microseconds)) } else { Err("nothing was recorded then") }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_database_holds_is_not_taken() {
        for bad in ["-1", "253402300800000000", "9223372036854775807", "-9223372036854775808", "1e3", "null"]
        {
            assert!(serde_json::from_str::<RecordedAt>(bad).is_err(), "{bad}");
        }
        let read: Newest =
            serde_json::from_str("[1700000000000000,\"00000000-0000-0000-0000-000000000007\"]").unwrap();
        assert_eq!(read, (RecordedAt(1_700_000_000_000_000), Uuid::from_u128(7)));
    }
}

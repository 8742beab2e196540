//! Which buckets moved, and how hubs say so to each other in a NOTIFY. Names only: what moved is read from the feed.

use std::collections::BTreeSet;
use sync_protocol::bucket::Bucket;

/// Bytes of a NOTIFY's payload. Postgres ends at 8,000.
const PAYLOAD_MAX_BYTES: usize = 7_000;
/// Buckets that are kept by name. More of them say no more than "all" does.
const NAMES_MAX: usize = 1_000;
const ALL: &str = "all";
const SEPARATOR: &str = ",";

/// Buckets that a transaction moved. An edge's own bucket also stands for what concerns that edge alone: a new verdict, its
/// revocation, another scope.
#[derive(Clone, Debug, PartialEq, Eq)]
#[must_use = "those who wait have to be told, after the commit"]
pub enum Moved {
    /// These.
    Buckets(BTreeSet<Bucket>),
    /// Nobody knows which: any.
    All,
}

impl Default for Moved {
    fn default() -> Self {
        Self::Buckets(BTreeSet::new())
    }
}

impl FromIterator<Bucket> for Moved {
    fn from_iter<I: IntoIterator<Item = Bucket>>(buckets: I) -> Self {
        let mut moved = Self::default();
        buckets.into_iter().for_each(|bucket| moved.add(bucket));
        moved
    }
}

impl Moved {
    /// One more.
    pub fn add(&mut self, bucket: Bucket) {
        if let Self::Buckets(buckets) = self {
            buckets.insert(bucket);
            if buckets.len() > NAMES_MAX {
                *self = Self::All;
            }
        }
    }

    /// Another's too.
    pub fn extend(&mut self, other: &Self) {
        match other {
            Self::All => *self = Self::All,
            Self::Buckets(buckets) => buckets.iter().for_each(|bucket| self.add(*bucket)),
        }
    }

    /// Whether nothing moved.
    pub fn is_none(&self) -> bool {
        matches!(self, Self::Buckets(buckets) if buckets.is_empty())
    }

    /// Whether one of these may have moved.
    pub fn has_any(&self, mut of: impl FnMut(&Bucket) -> bool) -> bool {
        match self {
            Self::All => true,
            Self::Buckets(buckets) => buckets.iter().any(&mut of),
        }
    }

    /// As one hub says it to the others.
    pub(super) fn payload(&self) -> String {
        let Self::Buckets(buckets) = self else { return ALL.to_owned() };
        let names: Vec<String> = buckets.iter().map(Bucket::to_string).collect();
        let payload = names.join(SEPARATOR);
        if payload.len() > PAYLOAD_MAX_BYTES { ALL.to_owned() } else { payload }
    }

    /// The inverse. What this hub does not understand (an older one says nothing, a newer one may know other buckets) may be
    /// anything.
    pub(super) fn from_payload(payload: &str) -> Self {
        let buckets: Result<BTreeSet<Bucket>, _> = payload.split(SEPARATOR).map(str::parse).collect();
        buckets.map_or(Self::All, Self::Buckets)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sync_protocol::ids::{CooperativeId, EdgeId};

    fn coop(n: u32) -> Bucket {
        Bucket::Coop(CooperativeId(n))
    }

    #[test]
    fn what_a_hub_says_comes_back_and_what_is_not_understood_may_be_anything() {
        let moved: Moved = [coop(12), Bucket::Edge(EdgeId(3)), Bucket::Global].into_iter().collect();
        assert_eq!(moved.payload().split(',').count(), 3);
        assert_eq!(Moved::from_payload(&moved.payload()), moved);
        for other in ["", "all", "coop:12,village:9"] {
            assert_eq!(Moved::from_payload(other), Moved::All, "{other}");
        }
    }

    #[test]
    fn a_payload_never_reaches_the_bound_of_postgres() {
        let large = |n: u32| (u32::MAX - n..u32::MAX).map(coop).collect::<Moved>();
        // Fifteen bytes each and a comma.
        assert!(large(437).payload().len() <= 7_000 && large(437) != Moved::All);
        assert_eq!(Moved::from_payload(&large(437).payload()), large(437));
        assert_eq!(large(438).payload(), "all");
        assert_eq!(large(5_000), Moved::All, "and memory is bounded too");
    }
}

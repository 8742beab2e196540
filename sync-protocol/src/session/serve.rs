//! What the hub sends next, from cursors and heads alone.

use super::BucketCursor;
use crate::wire::rows::Reach;

/// One range of rows to read and send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Page {
    /// Where the edge stands.
    pub cursor: BucketCursor,
    /// Delta (upwards from `after`) or snapshot (downwards from `upto`).
    pub reach: Reach,
    /// Exclusive lower bound.
    pub after: u64,
    /// Inclusive upper bound.
    pub upto: u64,
}

/// The pages that bring an edge from its cursors to the heads, in the order of serving: its own cooperative, then prices, then
/// the rest; within a bucket what moved since, then what a first snapshot still lacks.
pub fn next_pages(mut cursors: Vec<(BucketCursor, u64)>) -> Vec<Page> {
    cursors.sort_by_key(|(cursor, _)| (cursor.bucket.serve_rank(), cursor.bucket));
    let mut pages = Vec::new();
    for (cursor, head) in cursors {
        let is_new = cursor.upto == 0 && cursor.reached.is_none();
        if is_new && head > 0 {
            pages.push(Page { cursor, reach: Reach::Snapshot { head }, after: 0, upto: head });
            continue;
        }
        if head > cursor.upto {
            pages.push(Page { cursor, reach: Reach::Delta, after: cursor.upto, upto: head });
        }
        if let Some(reached) = cursor.reached {
            pages.push(Page { cursor, reach: Reach::Snapshot { head }, after: 0, upto: reached });
        }
    }
    pages
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bucket::Bucket;
    use crate::ids::{CooperativeId, RegionId};

    #[test]
    fn own_cooperative_first_then_prices_then_the_rest() {
        let bucket = |b| BucketCursor::new(b);
        let (coop, region) = (Bucket::Coop(CooperativeId(1)), Bucket::Region(RegionId(2)));
        let catalogue = Bucket::Catalogue(RegionId(2));
        let half = BucketCursor { bucket: region, upto: 9, reached: Some(4) };
        let pages = next_pages(vec![
            (bucket(catalogue), 5),
            (half, 12),
            (bucket(coop), 3),
            (bucket(Bucket::Global), 0),
        ]);
        let plan: Vec<_> = pages.iter().map(|p| (p.cursor.bucket, p.reach, p.after, p.upto)).collect();
        assert_eq!(
            plan,
            [
                (coop, Reach::Snapshot { head: 3 }, 0, 3),
                (region, Reach::Delta, 9, 12),
                (region, Reach::Snapshot { head: 12 }, 0, 4),
                (catalogue, Reach::Snapshot { head: 5 }, 0, 5),
            ]
        );
    }
}

//! Cursors: how far a replica of a bucket has come, and what to do with a frame that arrives.

use crate::bucket::Bucket;

/// What a frame's range means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reach {
    /// Every live or deleted row with `after < version <= upto`.
    Delta,
    /// A step of a first snapshot, walking down: every row still live with `after < version <= upto`.
    Snapshot {
        /// Where the bucket stood before the rows were read: what was gone at that version is not among them.
        head: u64,
    },
    /// Every live row of one slot with `after < version <= upto`, as it stood at a head; what the receiver has more of within that
    /// range goes. The whole slot where `after` is 0 and `upto` the head; in parts since 2.
    Repair {
        /// The entity mended.
        entity: u16,
        /// First and second byte of the slot, see [`crate::row::slot`].
        slot: [u8; 2],
        /// Where the bucket stood when the rows were read.
        head: u64,
    },
}

/// What a frame of rows speaks for, without the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// Whose rows.
    pub bucket: Bucket,
    /// What the range means.
    pub reach: Reach,
    /// Exclusive lower bound of the range.
    pub after: u64,
    /// Inclusive upper bound of the range.
    pub upto: u64,
}

/// How far one bucket's replica has come.
///
/// A new bucket is `upto: 0, reached: None`. A first snapshot walks down from its head: `upto` is the head (and moves on with
/// deltas), `reached` the version down to which rows are here. When it has walked to 0 the bucket is whole: `reached: None`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BucketCursor {
    /// The bucket.
    pub bucket: Bucket,
    /// Everything that moved up to this version is here (above `reached`).
    pub upto: u64,
    /// Set while a first snapshot is under way: rows at or below this version are still missing.
    pub reached: Option<u64>,
}

/// What to do with a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Judged {
    /// Write its rows and take this cursor, in one transaction.
    Apply(BucketCursor),
    /// It brings nothing that is not here.
    Skip,
    /// It begins after a gap: rows between were never received. Refuse it by name and ask again.
    Gap,
}

impl BucketCursor {
    /// A bucket of which nothing is here yet.
    pub fn new(bucket: Bucket) -> Self {
        Self { bucket, upto: 0, reached: None }
    }

    /// Whether every row of the bucket up to [`BucketCursor::upto`] is here.
    pub fn is_whole(&self) -> bool {
        self.reached.is_none()
    }

    /// Whether the rows that a commit at `version` brought are here.
    pub fn has_passed(&self, version: u64) -> bool {
        self.upto >= version && self.reached.is_none_or(|reached| reached < version)
    }
}

/// Judges a frame against the cursor. Frames may come late, twice or out of order; none does harm.
pub fn judge(cursor: &BucketCursor, frame: Span) -> Judged {
    let moved = |upto, reached| Judged::Apply(BucketCursor { bucket: cursor.bucket, upto, reached });
    match frame.reach {
        Reach::Delta => {
            if frame.upto <= cursor.upto {
                Judged::Skip
            } else if frame.after <= cursor.upto {
                moved(frame.upto, cursor.reached)
            } else {
                Judged::Gap
            }
        }
        // Read before what is here already had happened: its rows may be gone since, and nothing would say so.
        Reach::Snapshot { head } if head < cursor.upto => Judged::Skip,
        Reach::Snapshot { .. } => {
            let left = (frame.after > 0).then_some(frame.after);
            match cursor.reached {
                // The first frame of a snapshot fixes its head.
                None if cursor.upto == 0 => moved(frame.upto, left),
                None => Judged::Skip,
                Some(reached) if frame.after >= reached => Judged::Skip,
                Some(reached) if frame.upto >= reached => moved(cursor.upto, left),
                Some(_) => Judged::Gap,
            }
        }
        // A repair replaces a slot as it stood at one version; at any other it says nothing.
        Reach::Repair { head, .. } if head == cursor.upto && cursor.is_whole() => moved(cursor.upto, None),
        Reach::Repair { .. } => Judged::Skip,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::CooperativeId;

    const BUCKET: Bucket = Bucket::Coop(CooperativeId(1));

    fn frame(reach: Reach, after: u64, upto: u64) -> Span {
        Span { bucket: BUCKET, reach, after, upto }
    }
    fn snapshot(head: u64, after: u64, upto: u64) -> Span {
        frame(Reach::Snapshot { head }, after, upto)
    }
    fn at(upto: u64, reached: Option<u64>) -> BucketCursor {
        BucketCursor { bucket: BUCKET, upto, reached }
    }

    #[test]
    fn a_late_bundle_never_sets_the_cursor_past_rows_never_received() {
        assert_eq!(judge(&at(10, None), frame(Reach::Delta, 12, 20)), Judged::Gap);
        assert_eq!(judge(&at(10, None), frame(Reach::Delta, 2, 9)), Judged::Skip);
        assert_eq!(judge(&at(10, None), frame(Reach::Delta, 8, 12)), Judged::Apply(at(12, None)));
    }

    #[test]
    fn a_snapshot_walks_down_and_goes_on_where_it_stopped() {
        let start = BucketCursor::new(BUCKET);
        assert_eq!(judge(&start, snapshot(100, 60, 100)), Judged::Apply(at(100, Some(60))));
        assert_eq!(judge(&at(100, Some(60)), snapshot(100, 60, 100)), Judged::Skip);
        assert_eq!(judge(&at(100, Some(60)), snapshot(100, 10, 40)), Judged::Gap);
        assert_eq!(
            judge(&at(100, Some(60)), frame(Reach::Delta, 100, 130)),
            Judged::Apply(at(130, Some(60)))
        );
        assert_eq!(judge(&at(130, Some(60)), snapshot(130, 0, 60)), Judged::Apply(at(130, None)));
    }

    #[test]
    fn a_frame_of_an_abandoned_snapshot_brings_nothing_back() {
        // It was read at 100; since then the bucket was begun anew at 130, and what went between leaves no trace in that walk.
        assert_eq!(judge(&at(130, Some(90)), snapshot(100, 40, 95)), Judged::Skip);
        assert_eq!(judge(&at(130, Some(90)), snapshot(135, 40, 90)), Judged::Apply(at(130, Some(40))));
    }

    #[test]
    fn a_version_has_passed_only_when_its_rows_are_here() {
        assert!(at(100, None).has_passed(70));
        assert!(at(100, Some(60)).has_passed(70));
        assert!(!at(100, Some(60)).has_passed(50), "the snapshot has not walked there yet");
        assert!(!at(100, None).has_passed(101));
    }
}

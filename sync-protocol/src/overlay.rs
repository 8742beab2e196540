//! What a command does at the edge before the hub has answered. It lives beside the replica, under the command's sequence
//! number, and every read joins the two by id. What of the stock may be spent meanwhile says [`spendable`].
//!
//! [`spendable`]: crate::market::spendable

use crate::bucket::Bucket;
use crate::session::BucketCursor;
use crate::verdict::Verdict;

/// Whether a command's local effect may go. At once for a refusal; else only when every row that its verdict names is here, so
/// that there is no moment in which neither the local line nor the hub's row counts. A bucket outside `cursors` left the scope.
pub fn may_drop(verdict: &Verdict, stands_at: &[(Bucket, u64)], cursors: &[BucketCursor]) -> bool {
    match verdict {
        Verdict::Rejected(_) | Verdict::Dismissed => true,
        Verdict::Applied(_) => stands_at.iter().all(|(bucket, version)| {
            cursors.iter().find(|c| c.bucket == *bucket).is_none_or(|c| c.has_passed(*version))
        }),
        Verdict::Held | Verdict::Quarantined | Verdict::Unsupported => false,
    }
}

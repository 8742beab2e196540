//! What a frame unfolds to in memory, counted before that memory is taken: a few bytes can say one long text many thousand times.
//! The writer counts in the same way, so that it makes no frame that a reader refuses. It must never copy anything.

use crate::bytes::WireError;
use crate::limits::{FRAME_BODY_MAX_BYTES, FRAME_EXPANDED_MAX_BYTES, FRAME_UNFOLDED_MAX_BYTES};
use crate::row::Row;
use crate::verdict::{Numbered, Verdict};

/// Bytes that were counted so far.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Unfolded(u64);

impl Unfolded {
    /// Counts something of so many bytes that is there so many times.
    pub(super) fn add(&mut self, bytes: usize, times: u64) -> Result<(), WireError> {
        self.0 = self.0.saturating_add((bytes as u64).saturating_mul(times));
        let limit = FRAME_UNFOLDED_MAX_BYTES as u64;
        if self.0 > limit {
            return Err(WireError::TooLarge { what: "unfolded frame", size: self.0, limit });
        }
        Ok(())
    }
}

/// What one frame comes to, as its writer finds it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Size {
    /// Bytes of its body before compression.
    pub(super) expanded: usize,
    /// Bytes that what it repeats takes in memory.
    pub(super) unfolded: usize,
}

impl Size {
    /// Whether any reader takes it as a frame of so many bytes.
    pub fn is_taken(self, frame_bytes: usize) -> bool {
        frame_bytes <= FRAME_BODY_MAX_BYTES
            && self.expanded <= FRAME_EXPANDED_MAX_BYTES
            && self.unfolded <= FRAME_UNFOLDED_MAX_BYTES
    }
}

/// Bytes of a verdict's lists and texts.
pub(super) fn of_verdict(numbered: &Numbered) -> usize {
    let texts = |list: &[String]| list.iter().map(|text| size_of::<String>() + text.len()).sum();
    let words: usize = match &numbered.verdict {
        Verdict::Applied(applied) => applied
            .conflicts
            .iter()
            .map(|c| size_of_val(c) + c.field.len() + c.current.len() + c.wanted.len())
            .sum(),
        Verdict::Rejected(reject) => texts(&reject.args),
        Verdict::Dismissed | Verdict::Held | Verdict::Quarantined | Verdict::Unsupported => 0,
    };
    words + size_of_val(numbered.stands_at.as_slice())
}

/// Bytes of a row's fields: at least those of its texts, which alone its reader counts. Its cells are bounded by their number.
pub(super) fn of_row(row: &Row) -> usize {
    row.body.as_ref().map_or(0, |fields| fields.canonical().len())
}

//! How much of a list goes into one frame: rows, verdicts, points, commands are all cut here, by the bytes that they come to.
//!
//! Two bounds. What suits the line: the first frame of an answer or a request is small and each next is up to four times as large,
//! whatever speed was measured, so that on a line that has become worse since, what is cut is short and something of every exchange
//! stays. And what the other side takes at all: no frame exceeds the limits, whatever it holds, for a single thing always fits, its
//! texts being bounded where they are made.

use crate::limits::{FRAME_CELLS_MAX, FRAME_ROWS_MAX, FRAME_TARGET_MAX_BYTES, FRAME_TARGET_MIN_BYTES};
use crate::row::Row;
use crate::wire::Size;
use crate::wire::message::Message;
use crate::wire::rows::{Reach, Rows};

/// How many times as large as the one before a frame may be. More of them compress less well.
const GROWTH: usize = 4;

/// Rows of one frame: of two dozen fields each, with the same value in every row, they still unfold to no more than is taken.
const ROWS_MAX: usize = 16_384;

const _: () = assert!(ROWS_MAX <= FRAME_ROWS_MAX && ROWS_MAX * 24 <= FRAME_CELLS_MAX);

/// Cuts lists into frames, in the order in which they go out.
#[derive(Clone, Copy, Debug)]
pub struct Sizer {
    /// What the next frame may take.
    frame_bytes: usize,
    /// What suits the line as it was measured.
    frame_bytes_max: usize,
    /// What one thing of the list at hand takes, by the last frame of it.
    item_bytes: f64,
}

impl Sizer {
    /// For an exchange on a line that frames of so many bytes suit; drawn into the range of frames' sizes.
    pub fn new(frame_bytes: usize) -> Self {
        Self {
            frame_bytes: FRAME_TARGET_MIN_BYTES,
            frame_bytes_max: frame_bytes.clamp(FRAME_TARGET_MIN_BYTES, FRAME_TARGET_MAX_BYTES),
            item_bytes: 1.0,
        }
    }

    /// Begins another list, of things of about so many bytes each; what they really take is learnt from its frames.
    pub fn begin(&mut self, item_bytes: usize) {
        self.item_bytes = item_bytes.max(1) as f64;
    }

    /// How many things of the list make the next frame, by what is known of them; at least one.
    pub fn items(&self) -> usize {
        ((self.frame_bytes as f64 / self.item_bytes) as usize).max(1)
    }

    /// The next frame of a list: its first things, at most `items_max` of them, and how many those are (0 of an empty list).
    /// `message` makes the message of any of them.
    pub fn next<T>(
        &mut self,
        rest: &[T],
        items_max: usize,
        message: impl Fn(&[T]) -> Message,
    ) -> (usize, Vec<u8>) {
        self.frame(rest.len(), items_max, |n, out| message(rest.get(..n).unwrap_or(rest)).write(out))
    }

    /// All of a list in frames; see [`Sizer::next`].
    pub fn all<T>(
        &mut self,
        list: &[T],
        items_max: usize,
        message: impl Fn(&[T]) -> Message,
    ) -> Vec<Vec<u8>> {
        let mut rest = list;
        let mut frames = Vec::new();
        while !rest.is_empty() {
            let (n, frame) = self.next(rest, items_max, &message);
            frames.push(frame);
            rest = rest.get(n..).unwrap_or_default();
        }
        frames
    }

    /// A page of rows in frames. The page's own rows are in order of version, and it says what they cover: of a delta the lowest
    /// versions go first, of a snapshot and of a slot's repair the highest. A page without rows is one frame, for it moves the cursor.
    pub fn rows(&mut self, page: &Rows) -> Vec<Vec<u8>> {
        let is_down = page.reach != Reach::Delta;
        let mut left: &[Row] = &page.rows;
        let mut part = Rows { rows: Vec::new(), ..*page };
        let mut frames = Vec::new();
        loop {
            let all = left;
            let cut = move |n: usize| all.split_at(if is_down { all.len() - n } else { n });
            // What the first n of them cover. The last frame covers what is empty behind its last row, too.
            let of = |n: usize, part: &Rows| {
                let mut part = Rows { rows: Vec::new(), ..*part };
                let (first, second) = cut(n);
                match (is_down, first.last(), second.first()) {
                    _ if n == all.len() => {}
                    (true, _, Some(lowest)) => part.after = lowest.version.saturating_sub(1),
                    (false, Some(highest), _) => part.upto = highest.version,
                    _ => {}
                }
                (part, if is_down { second } else { first })
            };
            let (n, frame) = self.frame(all.len(), ROWS_MAX, |n, out| {
                let (part, rows) = of(n, &part);
                Message::write_rows(&part, rows, out)
            });
            frames.push(frame);
            let (sent, _) = of(n, &part);
            if is_down {
                (part.upto, left) = (sent.after, cut(n).0);
            } else {
                (part.after, left) = (sent.upto, cut(n).1);
            }
            if left.is_empty() {
                return frames;
            }
        }
    }

    /// One frame of the first of `left` things; `write` appends that of any number of them and gives what it comes to.
    fn frame(
        &mut self,
        left: usize,
        items_max: usize,
        write: impl Fn(usize, &mut Vec<u8>) -> Size,
    ) -> (usize, Vec<u8>) {
        let mut n = self.items().min(items_max).min(left);
        loop {
            let mut frame = Vec::new();
            let size = write(n, &mut frame);
            let bytes = frame.len();
            if n == 0 {
                return (0, frame);
            }
            self.item_bytes = bytes as f64 / n as f64;
            if n == 1 || (size.is_taken(bytes) && bytes <= self.frame_bytes) {
                self.frame_bytes = (GROWTH * self.frame_bytes).min(self.frame_bytes_max);
                return (n, frame);
            }
            // What is repeated in a list is said once in it: a part takes more than its share.
            n = self.items().min(n - n.div_ceil(8)).max(1);
        }
    }
}

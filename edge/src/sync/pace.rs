//! How fast the link is, as measured, and what follows for the size of frames and turns.
//!
//! A guess of the speed never decides whether something is sent, only how much of it at once.

use std::time::Duration;
use sync_protocol::limits::{EXCHANGE_COMMANDS_MAX, FRAME_TARGET_MAX_BYTES, FRAME_TARGET_MIN_BYTES};

/// Seconds of carrying that one turn may take before it is the other side's turn.
const TURN_S: u64 = 15;

/// A frame takes about a third of a second: what a cut wastes stays short.
const FRAMES_PER_S: u64 = 3;

/// Frames that should come whole between two cuts.
const FRAMES_BETWEEN_CUTS: u64 = 4;

/// Bytes a second while nothing was measured: between a good 2G and a bad 4G link.
const FIRST_GUESS: u64 = 64 << 10;

/// Bytes a second below and above which the measure says nothing useful.
const RANGE: (u64, u64) = (512, 64 << 20);

/// Fewest bytes that a measure is taken from: a short exchange measures the round trip, not the speed.
const SAMPLE_MIN_BYTES: u64 = 4 << 10;

/// Most bytes of rows in one turn, whatever the speed.
const ROOM_MAX_BYTES: u64 = 64 << 20;

/// Fewest bytes of rows in one turn: on the slowest link still several frames.
const ROOM_MIN_BYTES: u64 = 8 << 10;

const _: () = assert!(ROOM_MIN_BYTES > FRAME_TARGET_MIN_BYTES as u64);

/// The measured speed of the link, bytes a second each way.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pace {
    up: u64,
    down: u64,
}

impl Default for Pace {
    fn default() -> Self {
        Self { up: FIRST_GUESS, down: FIRST_GUESS }
    }
}

impl Pace {
    /// From what was stored, bytes a second up and down; anything out of range is drawn into it.
    pub fn from_stored(up: u64, down: u64) -> Self {
        Self { up: up.clamp(RANGE.0, RANGE.1), down: down.clamp(RANGE.0, RANGE.1) }
    }

    /// Bytes a second up and down, to be stored.
    pub fn to_stored(self) -> (u64, u64) {
        (self.up, self.down)
    }

    /// Bytes of one frame that suit the link on the way down.
    pub fn frame_bytes(&self) -> u32 {
        frame(self.down) as u32
    }

    /// Bytes of rows to ask for in one turn.
    pub fn room_bytes(&self) -> u32 {
        (self.down * TURN_S).clamp(ROOM_MIN_BYTES, ROOM_MAX_BYTES) as u32
    }

    /// Bytes of one batch of commands.
    pub fn batch_bytes(&self) -> usize {
        frame(self.up) as usize
    }

    /// Bytes of commands to send in one turn.
    pub fn upload_bytes(&self) -> u64 {
        self.up * TURN_S
    }

    /// Commands to send in one turn.
    pub fn upload_commands(&self) -> usize {
        EXCHANGE_COMMANDS_MAX
    }

    /// Takes in that so many bytes came down in that time.
    pub fn came_down(&mut self, bytes: u64, took: Duration) {
        self.down = measured(self.down, bytes, took);
    }

    /// Takes in that so many bytes went up in that time.
    pub fn went_up(&mut self, bytes: u64, took: Duration) {
        self.up = measured(self.up, bytes, took);
    }

    /// Takes in that the line was cut after so many bytes had come: frames shrink until several fit between two cuts. However fast
    /// those bytes came, a frame that is never whole is never there.
    pub fn was_cut(&mut self, came: u64) {
        let fits = if came < SAMPLE_MIN_BYTES { u64::MAX } else { came * FRAMES_PER_S / FRAMES_BETWEEN_CUTS };
        *self = Self::from_stored(self.up / 2, (self.down / 2).min(fits));
    }
}

fn frame(speed: u64) -> u64 {
    (speed / FRAMES_PER_S).clamp(FRAME_TARGET_MIN_BYTES as u64, FRAME_TARGET_MAX_BYTES as u64)
}

/// A faster measure counts at once, a slower one by half: one pause does not make a fast link slow.
fn measured(known: u64, bytes: u64, took: Duration) -> u64 {
    if bytes < SAMPLE_MIN_BYTES {
        return known;
    }
    let micros = took.as_micros().max(1);
    let speed =
        u64::try_from(u128::from(bytes) * 1_000_000 / micros).unwrap_or(u64::MAX).clamp(RANGE.0, RANGE.1);
    if speed >= known { speed } else { (known + speed) / 2 }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(speed: u64) -> Pace {
        Pace::from_stored(speed, speed)
    }

    #[test]
    fn frames_are_short_on_2g_and_long_on_fibre() {
        let (slow, fast) = (at(50_000 / 8), at(12_000_000));
        assert_eq!(slow.frame_bytes() as usize, 2083);
        assert_eq!(slow.batch_bytes(), 2083);
        assert_eq!(slow.room_bytes(), 93_750);
        assert_eq!(fast.frame_bytes() as usize, FRAME_TARGET_MAX_BYTES);
        assert_eq!(u64::from(fast.room_bytes()), ROOM_MAX_BYTES);
        assert_eq!(at(0).frame_bytes() as usize, FRAME_TARGET_MIN_BYTES);
        assert!(u64::from(at(0).room_bytes()) >= ROOM_MIN_BYTES);
    }

    #[test]
    fn the_measure_follows_the_link() {
        let mut pace = Pace::default();
        pace.came_down(10_000_000, Duration::from_secs(1));
        assert_eq!(pace.to_stored(), (FIRST_GUESS, 10_000_000));
        pace.came_down(100_000, Duration::from_secs(100));
        assert_eq!(pace.to_stored().1, 5_000_500);
        pace.came_down(100, Duration::from_secs(100));
        assert_eq!(pace.to_stored().1, 5_000_500, "a short exchange measures nothing");
        pace.went_up(8_000, Duration::ZERO);
        assert_eq!(pace.to_stored().0, RANGE.1);
    }

    #[test]
    fn cuts_shrink_frames_down_to_the_smallest() {
        let mut pace = Pace::default();
        for _ in 0..40 {
            pace.was_cut(0);
        }
        assert_eq!(pace.frame_bytes() as usize, FRAME_TARGET_MIN_BYTES);
    }

    #[test]
    fn on_a_fast_line_that_is_cut_often_several_frames_fit_between_two_cuts() {
        let mut pace = at(12_000_000);
        for _ in 0..3 {
            pace.came_down(40_000, Duration::from_millis(1));
            pace.was_cut(40_000);
            assert_eq!(pace.frame_bytes(), 10_000);
        }
        pace.was_cut(100);
        assert_eq!(pace.frame_bytes(), 5_000, "a cut at the very beginning says less");
        pace.came_down(4_000_000, Duration::from_secs(1));
        assert!(pace.frame_bytes() > 200_000, "and is forgotten when the line holds");
    }
}

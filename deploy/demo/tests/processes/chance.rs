//! Chance that can be had again: every choice of a run follows from its seed. Not for secrets.

use std::hash::{BuildHasher as _, RandomState};
use std::time::Duration;

/// The variable that holds the seed of a run.
pub(crate) const SEED_VARIABLE: &str = "MIZILI_PROCESSES_SEED";

/// The seed of this run: a new one, unless the variable names one.
pub(crate) fn seed() -> u64 {
    match std::env::var_os(SEED_VARIABLE) {
        Some(text) => {
            let text = text.to_string_lossy();
            text.trim().parse().unwrap_or_else(|_| panic!("{SEED_VARIABLE} must be a number, not '{text}'"))
        }
        None => RandomState::new().hash_one("seed"),
    }
}

/// A row of numbers (SplitMix64).
#[derive(Debug)]
pub(crate) struct Chance(u64);

impl Chance {
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// One of `0..n`; `n` is not 0.
    pub(crate) fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// Once in `n` times.
    pub(crate) fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }

    /// Up to so many milliseconds.
    pub(crate) fn moment(&mut self, most_ms: u64) -> Duration {
        Duration::from_micros(self.below(most_ms * 1_000 + 1))
    }

    /// One of them; there is at least one.
    pub(crate) fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len() as u64) as usize]
    }

    pub(crate) fn shuffle<T>(&mut self, all: &mut [T]) {
        for last in (1..all.len()).rev() {
            all.swap(last, self.below(last as u64 + 1) as usize);
        }
    }

    /// Another row, for a part of the run that goes on beside this one.
    pub(crate) fn fork(&mut self) -> Self {
        Self(self.next())
    }
}

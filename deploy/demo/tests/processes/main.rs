//! The real programs under what happens to them: kills, power cuts, a line that is slow and breaks. What people were told is
//! noted outside, by whoever was told, and counted at the end. Nothing here may look into a node by another way than people do.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod audit;
mod bad_line;

mod chance;
mod clients;

mod disk;
mod farmers;
mod first_hour;
mod guard;
mod kills;
mod ledger;
mod market;

mod power_cut;
mod programs;
mod slow_line;
mod story;
mod stuck_sms;
mod torture;
mod wrong_clock;

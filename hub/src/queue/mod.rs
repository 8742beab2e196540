//! Work that outlives the request which caused it, and the hub that began it: jobs in a table of Postgres. A job is put in within the
//! transaction of what causes it, so that it exists if and only if that stands; any hub claims it in one short transaction, does it in none,
//! and ends it by one statement. It is done at least once: what it does outside the database is keyed by the job's id, what it does
//! inside goes with its end into one transaction ([`Turn::finish_in`]), and stands once.
//!
//! A new kind of job: a type with [`Job`], and its name in the list of `jobs/regular.rs` or of whatever worker is to do it.

mod backoff;
pub mod desk;
mod kind;
pub mod schedules;
mod store;
mod turn;
mod worker;

pub use kind::{Job, Kind, Registered, TIME_LIMIT_MAX};
pub use schedules::Schedule;
pub use store::{Enqueued, LEASE, NewJob, enqueue};
pub use turn::{End, Failure, LeaseLost, Turn};
pub use worker::Worker;

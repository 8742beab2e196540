//! The durable log of what people did here, and what it does here before the hub has answered. A command is on disk, with its
//! local rows, before anybody is told of it; it stays until it has had its one final verdict and the person was told. The log
//! decides nothing: [`submit`] asks the protocol's pure functions, the hub has the last word.

mod anew;
mod at_office;
mod known;
mod local;
mod log;
mod refusals;
mod state;
mod submit;
mod taken_back;
#[cfg(test)]
mod tests;
mod thing;
mod verdicts;
mod working_set;

pub use anew::{offer_anew, unsettle_what_has_not_arrived};
pub use at_office::{
    Adjusted, ListKey, RecordOrder, RefusedOrder, has_its_word, heard_short, key_of_refused, last_adjusted,
    listing_of, mark_end, mark_standing, refused_orders, without_its_end,
};
pub use known::{is_known, is_the_same};
pub use log::{
    PENDING_BYTES_MAX, Tally, Unsaid, date, left, mark_sent, mark_told, mark_unsaid, outcome, pending, prune,
    tally, untold,
};
pub use refusals::{refusals, tick};
pub use state::CommandState;
pub use submit::{HUB_TOO_OLD, Submission, SubmitError, Submitted, submit};
pub use taken_back::{is_taken_back, note_taken_back};
pub use thing::{Thing, thing};
pub use verdicts::{Recorded, VerdictError, record_verdicts, settle};

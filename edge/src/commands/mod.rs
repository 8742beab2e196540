//! The durable log of what people did here, and what it does here before the hub has answered. A command is on disk, with its
//! local rows, before anybody is told of it; it stays until it has had its one final verdict and the person was told. The log
//! decides nothing: [`submit`] asks the protocol's pure functions, the hub has the last word.

mod adjusted;
mod anew;
mod known;
mod local;
mod log;
mod recorded;
mod refusals;
mod refused;
mod state;
mod submit;
mod taken_back;
#[cfg(test)]
mod tests;
mod thing;
mod verdicts;
mod working_set;

pub use adjusted::{Adjusted, last_adjusted};
pub use anew::{offer_anew, unsettle_what_has_not_arrived};
pub use known::{is_known, is_the_same, listing_of};
pub use log::{
    PENDING_BYTES_MAX, Tally, Unsaid, date, heard_short, left, mark_end, mark_sent, mark_standing, mark_told,
    mark_unsaid, outcome, pending, prune, tally, untold, without_its_end,
};
pub use recorded::{ListKey, RecordOrder, key_of_refused};
pub use refusals::{refusals, tick};
pub use refused::{RefusedOrder, refused_orders};
pub use state::CommandState;
pub use submit::{HUB_TOO_OLD, Submission, SubmitError, Submitted, submit};
pub use taken_back::{has_its_word, is_taken_back, note_taken_back};
pub use thing::{Thing, thing};
pub use verdicts::{Recorded, VerdictError, record_verdicts, settle};

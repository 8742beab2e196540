//! Answers that several routes give, as the API document says them.

use utoipa::IntoResponses;

/// The box could not keep a command: nothing was done.
#[derive(Debug, IntoResponses)]
#[response(status = 507, description = "Not taken: `disk_full`, `read_only`, `disk_failed`, `log_full`")]
pub(crate) struct NotTaken;

/// The box could not keep what it alone has and the hub never hears of: nothing was done.
#[derive(Debug, IntoResponses)]
#[response(status = 507, description = "Not taken: `disk_full`, `read_only`, `disk_failed`")]
pub(crate) struct NotWritten;

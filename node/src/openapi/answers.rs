//! Answers that several routes give beside a success, each under a name for their `responses(...)`.
//!
//! A route names these and what it alone answers, as status and words. It leaves out what follows from the rest of it, such as that
//! a body may be wrong or an id unknown, and the shape: every failure is a `Problem` ([`complete`](super::complete) adds both). A
//! success stays with the route, for only a body that stands there brings its schema into the document.

use utoipa::IntoResponses;

/// Neither name nor password says which of them is wrong.
#[derive(Debug, IntoResponses)]
#[response(status = 401, description = "`bad_credentials`")]
pub struct BadCredentials;

/// The caller is known and may not.
#[derive(Debug, IntoResponses)]
#[response(status = 403, description = "`not_allowed`")]
pub struct NotAllowed;

/// What the body names is not there. Of an id in the path nobody need say it.
#[derive(Debug, IntoResponses)]
#[response(status = 404, description = "`not_found`")]
pub struct NotFound;

/// The product is not any more what it was when the change was made.
#[derive(Debug, IntoResponses)]
#[response(status = 409, description = "`withdrawn`, `conflict`")]
pub struct ProductChanged;

/// The order cannot be taken back.
#[derive(Debug, IntoResponses)]
#[response(status = 409, description = "`too_late`")]
pub struct TooLate;

/// Whoever guesses waits.
#[derive(Debug, IntoResponses)]
#[response(status = 429, description = "`too_many_attempts`: see `Retry-After`")]
pub struct TooManyAttempts;

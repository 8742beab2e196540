//! The language that a request asks for.

use crate::http::problem::ApiError;
use crate::text::Lang;

/// The language of an answer.
///
/// # Errors
/// Names the parameter.
pub(super) fn lang(given: Option<&str>) -> Result<Lang, ApiError> {
    given.map_or(Ok(Lang::En), |code| {
        Lang::from_code(code).ok_or_else(|| ApiError::parameter("lang", "must be en or sw."))
    })
}

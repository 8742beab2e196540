//! Ids in paths. A text that is no id names nothing, so it is answered like an id that is not there.

use crate::problem::{Kind, Problem};
use axum::extract::{FromRequestParts, RawPathParams};
use axum::http::request::Parts;
use std::str::FromStr;

/// The id that a path ends with or holds: its only parameter.
#[derive(Clone, Copy, Debug)]
pub struct PathId<I>(pub I);

impl<S: Send + Sync, I: FromStr> FromRequestParts<S> for PathId<I> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, Problem> {
        let params =
            RawPathParams::from_request_parts(parts, state).await.map_err(|_| Kind::NotFound.error())?;
        let text = params.iter().next().map(|(_, value)| value).unwrap_or_default();
        text.parse().map(Self).map_err(|_| {
            let shown: String = text.chars().filter(|c| !c.is_control()).take(60).collect();
            Kind::NotFound.because(format!("There is nothing with the id '{shown}'."))
        })
    }
}

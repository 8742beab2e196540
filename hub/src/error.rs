//! Where an error of the hub's database becomes a problem. All else about problems is `mizili-node`'s.

use crate::db::{Transient, is_of_a_value, is_race, is_transient};
use axum::response::{IntoResponse, Response};
use std::error::Error as StdError;
use std::ops::Deref;

pub use mizili_node::problem::{Kind, PROBLEM_JSON, Problem, field, fields};

/// A [`Problem`] that errors of the database turn into too: what stands between `?` and the answer.
#[derive(Debug)]
pub struct ApiError(Problem);

impl Deref for ApiError {
    type Target = Problem;

    fn deref(&self) -> &Problem {
        &self.0
    }
}

impl From<Problem> for ApiError {
    fn from(problem: Problem) -> Self {
        Self(problem)
    }
}

impl std::fmt::Display for ApiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

impl StdError for ApiError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.source()
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        self.0.into_response()
    }
}

impl From<sqlx::Error> for ApiError {
    fn from(error: sqlx::Error) -> Self {
        if let sqlx::Error::Database(refusal) = &error
            && let Some(known) = refusal.constraint().and_then(on_constraint)
        {
            return Self(known.caused_by(error));
        }
        if is_transient(&error) || is_race(&error) {
            return Self(unavailable().caused_by(error));
        }
        // What the database says of itself, such as that a column is not there. A stored value that does not fit is one row's.
        if matches!(error, sqlx::Error::Database(_)) && !is_of_a_value(&error) {
            return Self(out_of_order().caused_by(error));
        }
        Self(Problem::internal(error))
    }
}

/// The database cannot be reached, or cannot write, or gave up on a transaction: the same request may succeed soon.
pub fn unavailable() -> Problem {
    Kind::Unavailable.because(
        "The hub is busy, or cannot reach its database at the moment. Nothing was changed; try again in a few seconds.",
    )
}

/// The hub cannot do its work, and nothing about the request is to blame. It may take until somebody has looked.
pub fn out_of_order() -> Problem {
    Kind::Unavailable.because(
        "The hub cannot do this at the moment; its operator was told. Nothing was changed; try again later.",
    )
}

/// Nobody showed who they are.
pub fn unauthorized() -> Problem {
    Kind::Unauthorized
        .because("Send `Authorization: Bearer TOKEN` with an access token of /api/v1/auth/login.")
}

impl Transient for ApiError {
    fn transient(&self) -> Option<&sqlx::Error> {
        if self.kind() == Kind::Unavailable { self.source()?.downcast_ref() } else { None }
    }
}

/// The user error that a named constraint stands for.
fn on_constraint(name: &str) -> Option<Problem> {
    let no_cooperative =
        || Problem::invalid("/cooperative_id", "There is no such cooperative: see /api/v1/cooperatives.");
    Some(match name {
        "users_phone_key" => Kind::PhoneTaken.error(),
        "users_cooperative_id_fkey" | "listings_cooperative_id_fkey" => no_cooperative(),
        "users_clerk_cooperative_check" => {
            Problem::invalid("/cooperative_id", "A clerk needs a cooperative.")
        }
        "cooperatives_name_key" => Kind::Duplicate.because("A cooperative of that name is there already."),
        "cooperatives_share_check" => Problem::invalid("/hub_share_percent", "Must be between 0 and 100."),
        "listings_price_check" => Problem::invalid("/price/amount", "The price must be more than zero."),
        "listings_commodity_id_fkey" => {
            Problem::invalid("/commodity_id", "There is no such commodity: see /api/v1/commodities.")
        }
        "listings_unit_id_fkey" => Problem::invalid("/unit_id", "There is no such unit: see /api/v1/units."),
        "orders_quantity_check" => Problem::invalid("/quantity", "Must be more than zero."),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header;

    #[test]
    fn a_database_that_is_away_is_worth_another_try_and_is_not_described() {
        let away = ApiError::from(sqlx::Error::PoolTimedOut);
        assert_eq!(away.kind(), Kind::Unavailable);
        assert!(away.is_temporary() && away.transient().is_some());
        assert!(!away.to_json().to_string().contains("pool"));
        assert_eq!(away.into_response().headers()[header::RETRY_AFTER], "5");
        let damage = ApiError::from(crate::db::misfit("users", "role"));
        assert_eq!(damage.kind(), Kind::Internal);
        assert!(damage.transient().is_none() && !damage.to_json().to_string().contains("users"));
        assert!(ApiError::from(Kind::Unavailable.error()).transient().is_none());
    }
}

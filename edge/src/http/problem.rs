//! Where an error of this box becomes a problem. What was not stored is called not taken.

use crate::commands::{HUB_TOO_OLD, SubmitError};
use crate::db::DbError;

pub use mizili_node::problem::{Kind, Problem as ApiError, field, fields};

impl From<DbError> for ApiError {
    fn from(error: DbError) -> Self {
        let problem = match &error {
            DbError::Full => Kind::DiskFull.error(),
            DbError::ReadOnly => Kind::ReadOnly.error(),
            DbError::Disk(_) => Kind::DiskFailed.error(),
            DbError::Busy => Kind::Busy.error(),
            DbError::Corrupt(_) | DbError::BadRow(_) | DbError::TooNew | DbError::Other(_) => {
                Kind::Internal.error()
            }
        };
        problem.caused_by(error)
    }
}

impl From<SubmitError> for ApiError {
    fn from(error: SubmitError) -> Self {
        match error {
            SubmitError::Rejected(reject) => Self::refused(&reject, ""),
            SubmitError::NotEnrolled => Kind::NotEnrolled.error(),
            SubmitError::NotComplete => Kind::NotComplete.error(),
            SubmitError::HubFirst => Kind::HubFirst.error(),
            SubmitError::HubTooOld => Self::fields(vec![field("/undoes", HUB_TOO_OLD)]),
            SubmitError::LogFull => Kind::LogFull.error(),
            SubmitError::ShutOut => Kind::ShutOut.error(),
            SubmitError::Forgotten { was_the_same: false } => Kind::IdempotencyKeyReused.error(),
            SubmitError::Forgotten { was_the_same: true } => Kind::Duplicate.because(
                "This was done under the same key long ago, and what became of it is not kept any more. Look at what is there before you do it again under a new key.",
            ),
            SubmitError::Db(error) => error.into(),
        }
    }
}

/// Nobody of this office is signed in.
pub fn unauthorized() -> ApiError {
    Kind::Unauthorized.because(
        "Sign in at /api/v1/office/login with the office password. A session ends when it is not used for a while, and when this box starts again.",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::header;
    use axum::response::IntoResponse;

    #[test]
    fn what_the_disk_did_not_keep_is_called_not_taken() {
        for (error, code) in [
            (DbError::Full, "disk_full"),
            (DbError::ReadOnly, "read_only"),
            (DbError::Disk("x".into()), "disk_failed"),
        ] {
            let json = ApiError::from(error).to_json();
            assert_eq!((json["code"].as_str(), json["status"].as_u64()), (Some(code), Some(507)));
            assert!(json["detail"].as_str().unwrap().contains("not taken"), "{json}");
        }
        let busy = ApiError::from(DbError::Busy).into_response();
        assert_eq!(
            (busy.status().as_u16(), busy.headers()[header::RETRY_AFTER].as_bytes()),
            (503, &b"5"[..])
        );
    }

    #[test]
    fn a_cause_never_reaches_the_client() {
        let error = ApiError::from(DbError::Corrupt("table secrets".into()));
        assert!(!error.to_json().to_string().contains("secrets"));
        assert_eq!(error.kind(), Kind::Internal);
    }
}

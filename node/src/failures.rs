//! What the log says of a request that was not done: which request, and why, once. Nothing is noted of a request before its answer is
//! there, for nearly all go well.

use crate::around::{Around, Surrounded};
use crate::problem::{Cause, Kind};
use axum::extract::Request;
use axum::http::{Method, Uri};
use axum::response::Response;
use futures_util::future::{FutureExt as _, Join, Map, Ready, join, ready};
use tower::{Layer, Service};

/// A layer around all that makes problems. A path's query is left out: it may name people.
#[derive(Clone, Copy, Debug)]
pub struct Failures {
    /// What stands before a secret in a path: the log has no more of that path.
    pub secret_after: Option<&'static str>,
}

impl<S> Layer<S> for Failures {
    type Service = Surrounded<S, Self>;

    fn layer(&self, within: S) -> Self::Service {
        Surrounded::new(within, *self)
    }
}

type Answer<E> = Result<Response, E>;

impl<S: Service<Request, Response = Response>> Around<S> for Failures {
    type Answer = Map<Join<S::Future, Ready<Asked>>, fn((Answer<S::Error>, Asked)) -> Answer<S::Error>>;

    fn answer(&self, within: &mut S, request: Request) -> Self::Answer {
        let asked = Asked {
            method: request.method().clone(),
            uri: request.uri().clone(),
            secret_after: self.secret_after,
        };
        join(within.call(request), ready(asked)).map(told)
    }
}

/// What the log needs of a request.
#[derive(Debug)]
pub struct Asked {
    method: Method,
    uri: Uri,
    secret_after: Option<&'static str>,
}

impl Asked {
    fn path(&self) -> &str {
        let path = self.uri.path();
        // Anywhere: who mistypes an address shows the secret all the same.
        let end = self.secret_after.and_then(|before| Some(path.find(before)? + before.len()));
        end.map_or(path, |end| &path[..end])
    }
}

fn told<E>((answer, asked): (Answer<E>, Asked)) -> Answer<E> {
    let Ok(response) = &answer else { return answer };
    if let Some(kind) = response.extensions().get::<Kind>() {
        let cause = response.extensions().get::<Cause>().map_or("", |cause| &cause.0);
        let (code, method, path) = (kind.code(), asked.method.as_str(), asked.path());
        if *kind == Kind::Internal {
            tracing::error!(method, path, cause, "a request failed");
        } else if kind.status().is_server_error() {
            tracing::warn!(method, path, code, cause, "a request could not be done now");
        } else {
            tracing::debug!(method, path, code, cause, "a request was refused");
        }
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::problem::Problem;
    use crate::testing::log::Log;
    use axum::Router;
    use axum::body::Body;
    use axum::routing::get;
    use tower::ServiceExt as _;
    use tracing::Level;

    fn node() -> Router {
        let away = || async { Kind::Unavailable.error().caused_by("no table \"orders\"") };
        Router::new()
            .route("/orders/{id}", get(away))
            .route("/gateway/{secret}/sms", get(|| async { Problem::internal("a\nrow that misfits") }))
            .route("/users", get(|| async { Problem::not_found("user") }))
            .route("/well", get(|| async { "well" }))
            .fallback(crate::fallback::no_such_path)
            .layer(Failures { secret_after: Some("/gateway/") })
    }

    async fn log_of(path: &str, level: Level) -> Log {
        let log = Log::default();
        let _here = log.here_at(level);
        node().oneshot(axum::http::Request::get(path).body(Body::empty()).unwrap()).await.unwrap();
        log
    }

    #[tokio::test]
    async fn what_failed_is_told_with_its_request_and_no_secret() {
        const HERE: &str = "mizili_node::failures";
        let log = log_of("/orders/7?phone=254700000001", Level::INFO).await;
        let line = log.says(HERE, Level::WARN, &["GET", "\"/orders/7\"", "unavailable", "orders"]);
        assert!(!line.contains("254700000001"), "{line}");
        let log = log_of("/gateway/s3cret/sms", Level::INFO).await;
        let line = log.says(HERE, Level::ERROR, &["GET", "\"/gateway/\"", "a row that misfits"]);
        assert!(!line.contains("s3cret"), "{line}");
    }

    #[tokio::test]
    async fn what_was_refused_is_told_to_those_who_ask() {
        assert_eq!(log_of("/users", Level::INFO).await.take(), "");
        assert_eq!(log_of("/well", Level::DEBUG).await.take(), "");
        assert!(log_of("/users", Level::DEBUG).await.take().contains("\"/users\" code=\"not_found\""));
        for mistyped in ["/gateway/s3cret/sm", "//gateway/s3cret/sms"] {
            let log = log_of(mistyped, Level::DEBUG).await.take();
            assert!(log.contains("not_found") && !log.contains("s3cret"), "{log}");
        }
    }
}

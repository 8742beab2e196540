//! A handler that panics ends its own request, with a problem like every other, and never the connection or the node. What is within
//! this layer must not be left half changed by a panic: what handlers share is behind locks that do not mind, or in the database.

use crate::around::{Around, Surrounded};
use crate::problem::Problem;
use axum::extract::Request;
use axum::response::{IntoResponse as _, Response};
use futures_util::FutureExt as _;
use futures_util::future::{CatchUnwind, Either, Map, Ready, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::thread;
use tower::{Layer, Service};

/// A layer over whatever answers requests.
#[derive(Clone, Copy, Debug)]
pub struct Unharmed;

impl<S> Layer<S> for Unharmed {
    type Service = Surrounded<S, Self>;

    fn layer(&self, within: S) -> Self::Service {
        Surrounded::new(within, *self)
    }
}

type Answer<E> = Result<Response, E>;
type Caught<F, E> = Map<CatchUnwind<AssertUnwindSafe<F>>, fn(thread::Result<Answer<E>>) -> Answer<E>>;

impl<S: Service<Request, Response = Response>> Around<S> for Unharmed {
    type Answer = Either<Caught<S::Future, S::Error>, Ready<Answer<S::Error>>>;

    fn answer(&self, within: &mut S, request: Request) -> Self::Answer {
        match catch_unwind(AssertUnwindSafe(|| within.call(request))) {
            Ok(answer) => Either::Left(AssertUnwindSafe(answer).catch_unwind().map(told)),
            Err(_) => Either::Right(ready(Ok(panicked()))),
        }
    }
}

fn told<E>(ended: thread::Result<Answer<E>>) -> Answer<E> {
    ended.unwrap_or_else(|_| Ok(panicked()))
}

fn panicked() -> Response {
    Problem::internal("a handler panicked").into_response()
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::http::StatusCode;
    use axum::routing::get;
    use std::convert::Infallible;
    use tower::{ServiceExt as _, service_fn};

    async fn is_told(answer: Response) {
        assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = to_bytes(answer.into_body(), 10_000).await.unwrap();
        let problem: serde_json::Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(problem["code"], "internal");
    }

    #[tokio::test]
    async fn a_panic_is_one_request_s_500() {
        async fn stumbles() -> &'static str {
            tokio::task::yield_now().await;
            panic!("a mistake")
        }
        let app = Router::new().route("/", get(stumbles)).route("/well", get(|| async { "well" }));
        let app = app.layer(Unharmed);
        let ask = |path: &str| {
            let request = axum::http::Request::get(path).body(Body::empty()).unwrap();
            app.clone().oneshot(request)
        };
        is_told(ask("/").await.unwrap()).await;
        assert_eq!(ask("/well").await.unwrap().status(), StatusCode::OK);
    }

    #[tokio::test]
    async fn one_before_anything_is_waited_for_too() {
        let stumbles = service_fn(|request: Request| {
            assert!(request.uri().path().is_empty(), "a mistake");
            ready(Ok::<_, Infallible>(Response::default()))
        });
        is_told(Unharmed.layer(stumbles).oneshot(Request::default()).await.unwrap()).await;
    }
}

//! What answers requests around something that answers them: a tower service of this node's own kind, written once. No middleware of a
//! function, which copies all that is within it once more for each request. It decides nothing; see who is [`Around`].

use axum::extract::Request;
use axum::response::Response;
use std::task::{Context, Poll};
use tower::Service;

/// What is done around an answer.
pub trait Around<S: Service<Request, Response = Response>> {
    /// What becomes the answer.
    type Answer: Future<Output = Result<Response, S::Error>>;

    /// Has the request answered within, or answers it.
    fn answer(&self, within: &mut S, request: Request) -> Self::Answer;
}

/// A service with something around it.
#[derive(Clone, Debug)]
pub struct Surrounded<S, A> {
    within: S,
    around: A,
}

impl<S, A> Surrounded<S, A> {
    /// Puts one around the other.
    pub(crate) fn new(within: S, around: A) -> Self {
        Self { within, around }
    }
}

impl<S, A> Service<Request> for Surrounded<S, A>
where
    S: Service<Request, Response = Response>,
    A: Around<S>,
{
    type Response = Response;
    type Error = S::Error;
    type Future = A::Answer;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.within.poll_ready(cx)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        self.around.answer(&mut self.within, request)
    }
}

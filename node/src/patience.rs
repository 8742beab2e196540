//! How long a request may take: for its body to come, for its answer to begin, and, where the answer is long, for it to be taken.
//! What comes too slowly is the caller's 408; what this node does too slowly is its own 503.

use crate::around::{Around, Surrounded};
use crate::problem::Kind;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::{HeaderValue, StatusCode, Version, header};
use axum::response::{IntoResponse as _, Response};
use http_body::{Body as HttpBody, Frame, SizeHint};
use std::error::Error as StdError;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;
use tokio::time::{Instant, Sleep, sleep_until};
use tower::{Layer, Service};

/// What a request is given: a layer over whatever answers it.
#[derive(Clone, Copy, Debug)]
pub struct Patience {
    /// For nothing of its body to come.
    pub silence: Duration,
    /// For all of its body to come.
    pub body: Duration,
    /// For the answer to begin, the body included.
    pub answer: Duration,
    /// For the whole answer to be taken.
    pub whole: Duration,
    /// What the caller is told when the answer does not begin in time.
    pub late: Kind,
}

/// The patience with people and their programs: nobody waits for longer. The longest answer is half a megabyte of the docs page, on
/// a line of a kilobyte a second.
pub const fn with_people(late: Kind) -> Patience {
    Patience {
        silence: Duration::from_secs(20),
        body: Duration::from_secs(30),
        answer: Duration::from_secs(60),
        whole: Duration::from_secs(10 * 60),
        late,
    }
}

/// The body did not come in time.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("the body came too slowly")]
pub struct TooSlow;

/// Whether a body's error, or one that it caused, is [`TooSlow`].
pub fn is_too_slow(error: &(dyn StdError + 'static)) -> bool {
    std::iter::successors(Some(error), |&error| error.source()).any(|error| error.is::<TooSlow>())
}

impl<S> Layer<S> for Patience {
    type Service = Surrounded<S, Self>;

    fn layer(&self, within: S) -> Self::Service {
        Surrounded::new(within, *self)
    }
}

impl<S> Around<S> for Patience
where
    S: Service<Request, Response = Response>,
    S::Future: Send + 'static,
    S::Error: 'static,
{
    type Answer = Pin<Box<dyn Future<Output = Result<Response, S::Error>> + Send>>;

    fn answer(&self, within: &mut S, request: Request) -> Self::Answer {
        let (patience, version, begun) = (*self, request.version(), Instant::now());
        let request = match request.body().is_end_stream() {
            true => request,
            false => request.map(|body| InTime::body(body, patience.silence, begun + patience.body)),
        };
        let answer = tokio::time::timeout(patience.answer, within.call(request));
        Box::pin(async move {
            match answer.await {
                Ok(answer) => answer.map(|response| told(response, patience, version, begun)),
                Err(_) => Ok(patience.late.because(LATE).into_response()),
            }
        })
    }
}

/// What the caller is told of an answer that did not begin in time.
const LATE: &str = "This took too long and was given up. Look whether it was done before you try again.";

/// An answer that began in time, as it leaves.
fn told(mut response: Response, patience: Patience, version: Version, begun: Instant) -> Response {
    if response.status() == StatusCode::REQUEST_TIMEOUT && version < Version::HTTP_2 {
        // The rest of the body may still come, and must not be taken for the next request.
        response.headers_mut().insert(header::CONNECTION, HeaderValue::from_static("close"));
    }
    match response.body().size_hint().exact() {
        // All of it is there already: nothing of it is waited for. How long a peer takes for that is seen where it is written.
        Some(_) => response,
        None => response.map(|body| InTime::body(body, patience.whole, begun + patience.whole)),
    }
}

/// A body that ends with [`TooSlow`] where it does not go on, or does not end, in time.
struct InTime {
    body: Body,
    silence: Duration,
    over: Instant,
    /// When something of it came last.
    moved: Instant,
    /// Up to the nearer end, from when it was first waited for: most of what is sent is there at once, and needs no clock.
    until: Option<Pin<Box<Sleep>>>,
}

impl InTime {
    fn body(body: Body, silence: Duration, over: Instant) -> Body {
        Body::new(Self { body, silence, over, moved: Instant::now(), until: None })
    }

    fn poll_until(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let end = self.over.min(self.moved + self.silence);
        let until = self.until.get_or_insert_with(|| Box::pin(sleep_until(end)));
        if until.deadline() != end {
            until.as_mut().reset(end);
        }
        until.as_mut().poll(cx)
    }
}

impl HttpBody for InTime {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let now = Instant::now();
        if now < self.over
            && let Poll::Ready(frame) = Pin::new(&mut self.body).poll_frame(cx)
        {
            self.moved = now;
            return Poll::Ready(frame);
        }
        self.poll_until(cx).map(|()| Some(Err(axum::Error::new(TooSlow))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::body::Body as Json;
    use axum::Router;
    use axum::body::to_bytes;
    use axum::routing::post;
    use futures_util::{Stream, StreamExt as _, stream};
    use serde::Deserialize;
    use std::convert::Infallible;
    use tower::ServiceExt as _;
    use utoipa::ToSchema;

    #[derive(Deserialize, ToSchema)]
    struct Name {
        name: String,
    }

    const LONG: Duration = Duration::from_secs(600);
    const SOON: Duration = Duration::from_millis(20);
    const PATIENT: Patience =
        Patience { silence: LONG, body: LONG, answer: LONG, whole: LONG, late: Kind::Busy };

    /// Posts a body in pieces to something that reads it, or to something that never answers.
    async fn send(
        path: &str,
        patience: Patience,
        pieces: impl Stream<Item = &'static str> + Send + 'static,
    ) -> (StatusCode, String) {
        let app = Router::new()
            .route("/", post(|Json(body): Json<Name>| async move { body.name }))
            .route("/slow", post(std::future::pending::<()>))
            .layer(patience);
        let body = Body::from_stream(pieces.map(Ok::<_, Infallible>));
        let request = Request::post(path).header("content-type", "application/json");
        let response = app.oneshot(request.body(body).unwrap()).await.unwrap();
        let closes = response.headers().contains_key(header::CONNECTION);
        assert_eq!(closes, response.status() == StatusCode::REQUEST_TIMEOUT);
        let status = response.status();
        (status, String::from_utf8(to_bytes(response.into_body(), 10_000).await.unwrap().to_vec()).unwrap())
    }

    #[tokio::test]
    async fn a_body_that_comes_too_slowly_is_the_callers_408_and_a_slow_handler_the_nodes_503() {
        let whole = || stream::iter(["{\"na", "me\":", " \"x\"", "}"]);
        assert_eq!(send("/", PATIENT, whole()).await, (StatusCode::OK, "x".into()));
        let silent = whole().take(2).chain(stream::pending());
        let (status, text) = send("/", Patience { silence: SOON, ..PATIENT }, silent).await;
        assert_eq!(status, StatusCode::REQUEST_TIMEOUT, "{text}");
        assert!(text.contains(r#""code":"too_slow""#), "{text}");
        let trickle = stream::repeat(" ").then(|piece| async move {
            tokio::time::sleep(Duration::from_millis(1)).await;
            piece
        });
        let (status, text) = send("/", Patience { body: SOON, ..PATIENT }, trickle).await;
        assert_eq!(status, StatusCode::REQUEST_TIMEOUT, "{text}");
        let (status, text) = send("/slow", Patience { answer: SOON, ..PATIENT }, whole()).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{text}");
        assert!(text.contains(r#""code":"busy""#), "{text}");
    }

    #[tokio::test]
    async fn an_answer_that_nobody_takes_ends() {
        let answer = || async { Body::from_stream(stream::repeat("x").map(Ok::<_, Infallible>)) };
        let short = Patience { whole: SOON, ..PATIENT };
        let app = Router::new().route("/", post(answer)).layer(short);
        let response = app.oneshot(Request::post("/").body(Body::empty()).unwrap()).await.unwrap();
        let mut pieces = response.into_body().into_data_stream();
        let error = loop {
            if let Err(error) = pieces.next().await.unwrap() {
                break error;
            }
        };
        assert!(is_too_slow(&error));
    }
}

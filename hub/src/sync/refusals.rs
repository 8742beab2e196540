//! Where what an edge is refused becomes one line of the log: the edge as far as it is known, the problem's code and why. Nothing
//! of what was sent may ever stand there: no code, key, token or body.

use crate::error::Kind;
use axum::extract::Request;
use axum::middleware::Next;
use axum::response::Response;
use std::borrow::Cow;
use std::sync::{Arc, OnceLock};
use sync_protocol::ids::EdgeId;

/// What a route finds out about who calls and why that is refused, for the log. The caller is told less.
#[derive(Clone, Debug, Default)]
pub(super) struct Caller(Arc<Known>);

#[derive(Debug, Default)]
struct Known {
    edge: OnceLock<EdgeId>,
    why: OnceLock<Cow<'static, str>>,
}

impl Caller {
    /// The edge that the caller is, or says to be. The first word counts.
    pub(super) fn is(&self, edge: EdgeId) {
        let _ = self.0.edge.set(edge);
    }

    /// Why it is about to be refused, in words that hold nothing of what it sent. The first word counts.
    pub(super) fn is_refused_for(&self, why: impl Into<Cow<'static, str>>) {
        let _ = self.0.why.set(why.into());
    }
}

/// Writes one line for each refusal. What the hub itself could not do was logged where it became an answer.
pub(super) async fn logged(mut request: Request, next: Next) -> Response {
    let caller = Caller::default();
    request.extensions_mut().insert(caller.clone());
    let response = next.run(request).await;
    if let Some(kind) = response.extensions().get::<Kind>().filter(|kind| kind.status().is_client_error()) {
        let edge = caller.0.edge.get().map(|edge| edge.0);
        let why = caller.0.why.get().map_or(kind.title(), AsRef::as_ref);
        let code = kind.code();
        match kind {
            // These happen to healthy boxes: a session ends every day, and a bad line cuts requests.
            Kind::EdgeSession | Kind::Truncated => {
                tracing::info!(edge, code, why, "an edge has to try again")
            }
            _ => tracing::warn!(edge, code, why, "an edge was refused"),
        }
    }
    response
}

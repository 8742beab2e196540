//! What a node answers where no handler does: no such path, no such method.

use crate::problem::{Kind, Problem};
use axum::http::Method;

/// The answer for a path that no route has. It never repeats the path, which may hold a secret, as those of gateways do: answers
/// are kept in the logs of whoever called.
pub async fn no_such_path() -> Problem {
    Kind::NotFound.because("There is nothing at this address. See /api/docs/ for what there is.")
}

/// The answer for a method that a path's routes do not have.
pub async fn no_such_method(method: Method) -> Problem {
    Kind::MethodNotAllowed
        .because(format!("This address does not take {method}. See /api/docs/ for what it takes."))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::Router;
    use axum::body::{Body, to_bytes};
    use axum::http::{Request, StatusCode};
    use axum::routing::post;
    use tower::ServiceExt as _;

    #[tokio::test]
    async fn an_answer_never_repeats_a_path_which_may_hold_a_secret() {
        let app = Router::new()
            .route("/gateway/{secret}/ussd", post(|| async {}))
            .fallback(no_such_path)
            .method_not_allowed_fallback(no_such_method);
        for (method, path, status) in [
            (Method::GET, "/gateway/open-sesame/ussd", StatusCode::METHOD_NOT_ALLOWED),
            (Method::PUT, "/gateway/open-sesame/ussd", StatusCode::METHOD_NOT_ALLOWED),
            (Method::POST, "/gateway/open-sesame/elsewhere", StatusCode::NOT_FOUND),
            (Method::POST, "/gateway/open-sesame/ussd/", StatusCode::NOT_FOUND),
        ] {
            let request = Request::builder().method(method).uri(path).body(Body::empty()).unwrap();
            let response = app.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), status, "{path}");
            let body = to_bytes(response.into_body(), 10_000).await.unwrap();
            let body = String::from_utf8(body.to_vec()).unwrap();
            assert!(body.contains("\"code\"") && !body.contains("sesame"), "{body}");
        }
    }
}

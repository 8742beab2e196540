//! The pages at `/api/docs/`, which show the API's description and let one try it. They are part of the program and ask no other
//! server for anything, not even whether the description is valid.

use crate::error::Kind;
use crate::openapi::DOCS_PATH;
use axum::Router;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use mizili_node::files::{File, Folder, Kept};
use rust_embed::Embed;
use std::sync::LazyLock;

/// The page, which names the others.
const PAGE: &str = "index.html";

/// Swagger UI and the page around it (`hub/assets/docs`), as the build script packs them.
#[derive(Embed)]
#[folder = "$OUT_DIR/docs"]
struct Packed;

static FOLDER: LazyLock<Folder> = LazyLock::new(|| {
    let listing = include!(concat!(env!("OUT_DIR"), "/docs.rs"));
    Folder::embedded(listing, |name| Packed::get(name).map(|file| file.data))
});

/// The routes of the pages.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let index = |headers: HeaderMap| async move { file(FOLDER.get(PAGE), &headers, Kept::Asking) };
    Router::new()
        .route(DOCS_PATH, get(|| async { Redirect::to(&format!("{DOCS_PATH}/")) }))
        .route(&format!("{DOCS_PATH}/"), get(index))
        .route(&format!("{DOCS_PATH}/{{name}}"), get(named))
        .route(&format!("{DOCS_PATH}/{{hash}}/{{name}}"), get(hashed))
}

async fn named(Path(name): Path<String>, headers: HeaderMap) -> Response {
    file(FOLDER.get(&name), &headers, Kept::Asking)
}

async fn hashed(Path((hash, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    file(FOLDER.get_hashed(&hash, &name), &headers, Kept::ForEver)
}

fn file(file: Option<&File>, headers: &HeaderMap, kept: Kept) -> Response {
    match file {
        Some(file) => file.answer(headers, kept),
        None => Kind::NotFound
            .because("There is no such page. See /api/docs/ and /api/docs/problems.")
            .into_response(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::{Body, to_bytes};
    use axum::http::{Request, StatusCode, header};
    use tower::ServiceExt as _;

    async fn ask(path: &str, encoding: &str) -> (HeaderMap, Vec<u8>) {
        let request = Request::get(path).header(header::ACCEPT_ENCODING, encoding);
        let response = routes::<()>().oneshot(request.body(Body::empty()).unwrap()).await.unwrap();
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let (parts, body) = response.into_parts();
        (parts.headers, to_bytes(body, usize::MAX).await.unwrap().to_vec())
    }

    #[tokio::test]
    async fn the_page_fits_a_phone_and_what_it_needs_is_kept_for_ever() {
        let (headers, page) = ask("/api/docs/", "").await;
        assert_eq!(headers[header::CACHE_CONTROL], "no-cache");
        let page = String::from_utf8(page).unwrap();
        assert!(page.contains("width=device-width") && page.contains("</html>"), "{page}");
        let names: Vec<_> = page.split('"').filter_map(|part| part.strip_prefix("/api/docs/")).collect();
        assert_eq!(names.len(), FOLDER.files.len() - 1, "{page}");
        let mut bytes = 0;
        for name in names {
            let (headers, body) = ask(&format!("/api/docs/{name}"), "gzip").await;
            assert!(headers[header::CACHE_CONTROL].to_str().unwrap().ends_with("immutable"), "{name}");
            bytes += body.len();
            let (_, whole) = ask(&format!("/api/docs/{name}"), "").await;
            assert_eq!(headers.contains_key(header::CONTENT_ENCODING), body.len() < whole.len(), "{name}");
        }
        assert!(bytes < 600_000, "{bytes}");
    }
}

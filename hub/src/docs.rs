//! The pages at `/api/docs/`, which show the API's description and let one try it. They are part of the program and ask no other
//! server for anything, not even whether the description is valid.

use crate::error::Kind;
use crate::openapi::{DOCS_PATH, DOCUMENT_PATH};
use axum::Router;
use axum::extract::Path;
use axum::http::HeaderMap;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::get;
use mizili_node::files::{File, Folder, Kept};
use std::sync::{Arc, LazyLock};
use utoipa_swagger_ui::Config;

/// The page, which names the others.
const PAGE: &str = "index.html";

/// The files of Swagger UI that the page needs, and their types. Others of it, such as maps for its developers, are not served.
const FILES: [(&str, &str); 8] = [
    (PAGE, "text/html; charset=utf-8"),
    ("index.css", "text/css; charset=utf-8"),
    ("swagger-ui.css", "text/css; charset=utf-8"),
    ("swagger-ui-bundle.js", "text/javascript; charset=utf-8"),
    ("swagger-ui-standalone-preset.js", "text/javascript; charset=utf-8"),
    ("swagger-initializer.js", "text/javascript; charset=utf-8"),
    ("favicon-16x16.png", "image/png"),
    ("favicon-32x32.png", "image/png"),
];

/// What the names of files on the page begin with.
const STEM: &str = "/api/docs/";

/// The page as it comes does not tell a phone to show it at the phone's own width.
const VIEWPORT: &str = "<head>\n    <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">";

static FOLDER: LazyLock<Folder> = LazyLock::new(|| {
    let config = Config::from(DOCUMENT_PATH)
        .try_it_out_enabled(true)
        .persist_authorization(true)
        .validator_url("none");
    let config = Arc::new(config);
    let files = FILES.into_iter().filter_map(|(name, content_type)| {
        let file = utoipa_swagger_ui::serve(name, config.clone()).ok().flatten()?;
        let content = match name {
            PAGE => page(&String::from_utf8_lossy(&file.bytes)).into_bytes(),
            _ => file.bytes.into_owned(),
        };
        Some((name.to_owned(), content, content_type))
    });
    Folder::new(STEM, files)
});

/// The page for a phone, and with whole names of the files that it loads.
fn page(html: &str) -> String {
    let whole = html.replace("\"./", "\"").replace("href=\"", &format!("href=\"{STEM}"));
    whole.replace("src=\"", &format!("src=\"{STEM}")).replacen("<head>", VIEWPORT, 1)
}

/// The routes of the pages.
pub(crate) fn routes<S: Clone + Send + Sync + 'static>() -> Router<S> {
    let index = |headers: HeaderMap| async move { file(FOLDER.get(PAGE), &headers, Kept::Asking).await };
    Router::new()
        .route(DOCS_PATH, get(|| async { Redirect::to(&format!("{DOCS_PATH}/")) }))
        .route(&format!("{DOCS_PATH}/"), get(index))
        .route(&format!("{DOCS_PATH}/{{name}}"), get(named))
        .route(&format!("{DOCS_PATH}/{{hash}}/{{name}}"), get(hashed))
}

async fn named(Path(name): Path<String>, headers: HeaderMap) -> Response {
    file(FOLDER.get(&name), &headers, Kept::Asking).await
}

async fn hashed(Path((hash, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    file(FOLDER.get_hashed(&hash, &name), &headers, Kept::ForEver).await
}

async fn file(file: Option<Arc<File>>, headers: &HeaderMap, kept: Kept) -> Response {
    match file {
        Some(file) => file.answer(headers, kept).await,
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
        assert_eq!(page.matches(VIEWPORT).count(), 1, "{page}");
        assert!(page.contains("</html>"), "{page}");
        let names: Vec<_> = page.split('"').filter_map(|part| part.strip_prefix(STEM)).collect();
        assert_eq!(names.len(), FILES.len() - 1, "{page}");
        let mut bytes = 0;
        for name in names {
            let (headers, body) = ask(&format!("/api/docs/{name}"), "gzip").await;
            assert!(headers[header::CACHE_CONTROL].to_str().unwrap().ends_with("immutable"), "{name}");
            bytes += body.len();
        }
        assert!(bytes < 600_000, "{bytes}");
    }
}

//! Serves the office page and the API's docs page. They are part of the program, ask no other network for anything, and run no
//! script but their own.

use crate::state::AppState;
use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use mizili_node::fallback::no_such_path;
use mizili_node::files::{File, Folder, Kept};
use rust_embed::RustEmbed;
use std::sync::{Arc, LazyLock};

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Assets;

/// Where scripts, styles and pictures are; what follows is a hash of all of them.
const ASSETS_PATH: &str = "/assets/";

static FOLDER: LazyLock<Folder> = LazyLock::new(|| {
    let files = Assets::iter().filter_map(|name| {
        Some((name.to_string(), Assets::get(&name)?.data.into_owned(), content_type(&name)?))
    });
    Folder::new(ASSETS_PATH, files)
});

/// What a page may do: load its own script, style and pictures, and call its own box. Nothing else.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The pages.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/", get(|headers: HeaderMap| page("index.html", headers)))
        .route("/assets/{hash}/{name}", get(asset))
        .route("/api/docs", get(|| async { Redirect::permanent("/api/docs/") }))
        .route("/api/docs/", get(|headers: HeaderMap| page("docs.html", headers)))
}

async fn page(name: &'static str, headers: HeaderMap) -> Response {
    file(FOLDER.get(name), &headers, Kept::Asking).await
}

async fn asset(Path((hash, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    file(FOLDER.get_hashed(&hash, &name), &headers, Kept::ForEver).await
}

async fn file(file: Option<Arc<File>>, headers: &HeaderMap, kept: Kept) -> Response {
    let Some(file) = file else { return no_such_path().await.into_response() };
    let mut response = file.answer(headers, kept).await;
    let all = response.headers_mut();
    all.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    all.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

/// Files of other kinds are not served.
fn content_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::StatusCode;

    #[test]
    fn the_pages_hold_no_inline_script_and_name_no_other_host() {
        for name in Assets::iter() {
            let text = String::from_utf8(Assets::get(&name).unwrap().data.into_owned()).unwrap();
            let links: Vec<&str> = text.match_indices("http").map(|(at, _)| &text[at..]).collect();
            let other = links.iter().find(|link| {
                (link.starts_with("http://") || link.starts_with("https://"))
                    && !link.starts_with("http://www.w3.org/")
            });
            assert_eq!(other.map(|link| &link[..40.min(link.len())]), None, "{name}");
            if name.ends_with(".html") {
                assert!(
                    !text.contains("<script>")
                        && !text.contains(" onclick=")
                        && !text.contains("javascript:"),
                    "{name}"
                );
                assert!(
                    name == "problems.html" || !(text.contains("<style") || text.contains(" style=")),
                    "{name}"
                );
            }
        }
    }

    /// Every word that this box may answer with has words in Swahili too.
    #[test]
    fn the_swahili_page_says_every_problem_in_swahili() {
        let text = Assets::get("problems.js").unwrap().data.into_owned();
        let text = String::from_utf8(text).unwrap();
        let (of_codes, of_line) = text.split_once("const OF_LINE").unwrap();
        let has = |part: &str, code: &str| part.contains(&format!(" {code}: '"));
        let of_edge = mizili_node::problem::Kind::ALL
            .iter()
            .filter(|kind| kind.is_of(mizili_node::problem::Node::Edge));
        let missing: Vec<&str> =
            of_edge.map(|kind| kind.code()).filter(|code| !has(of_codes, code)).collect();
        assert!(missing.is_empty(), "{missing:?}");
        let codes = crate::sync::CODES.iter().map(|(code, _)| *code);
        let missing: Vec<&str> = codes.filter(|code| !has(of_line, code)).collect();
        assert!(missing.is_empty(), "{missing:?}");
    }

    #[tokio::test]
    async fn a_page_asks_each_time_and_what_it_is_made_of_is_kept_for_ever() {
        let first = page("index.html", HeaderMap::new()).await;
        assert_eq!(first.status(), StatusCode::OK);
        assert_eq!(first.headers()[header::CACHE_CONTROL], "no-cache");
        let tag = first.headers()[header::ETAG].clone();
        let again = page("index.html", HeaderMap::from_iter([(header::IF_NONE_MATCH, tag)])).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        let html = axum::body::to_bytes(first.into_body(), 1 << 20).await.unwrap();
        let html = String::from_utf8(html.to_vec()).unwrap();
        let mut names = html.split('"').filter_map(|part| part.strip_prefix(ASSETS_PATH)).peekable();
        assert!(names.peek().is_some());
        for (hash, name) in names.map(|path| path.split_once('/').unwrap()) {
            let path = || Path((hash.to_owned(), name.to_owned()));
            let asset = asset(path(), HeaderMap::new()).await;
            assert_eq!(asset.status(), StatusCode::OK, "{name}");
            assert!(asset.headers()[header::CACHE_CONTROL].to_str().unwrap().ends_with("immutable"));
        }
        let old = asset(Path(("0123456789abcdef".into(), "app.js".into())), HeaderMap::new()).await;
        assert_eq!(old.status(), StatusCode::NOT_FOUND, "of another version");
    }
}

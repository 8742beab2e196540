//! Serves the office page and the API's docs page. They are part of the program, ask no other network for anything, and run no
//! script but their own.

use crate::state::AppState;
use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use rust_embed::{EmbeddedFile, RustEmbed};

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Assets;

/// What a page may do: load its own script, style and pictures, and call its own box. Nothing else.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The pages.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/", get(|headers: HeaderMap| async move { file("index.html", &headers) }))
        .route(
            "/assets/{name}",
            get(|Path(name): Path<String>, headers: HeaderMap| async move { file(&name, &headers) }),
        )
        .route("/api/docs", get(|| async { Redirect::permanent("/api/docs/") }))
        .route("/api/docs/", get(|headers: HeaderMap| async move { file("docs.html", &headers) }))
}

fn file(name: &str, headers: &HeaderMap) -> Response {
    let Some(content_type) = content_type(name) else { return StatusCode::NOT_FOUND.into_response() };
    let Some(EmbeddedFile { data, metadata }) = Assets::get(name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let hash: String = metadata.sha256_hash()[..8].iter().map(|byte| format!("{byte:02x}")).collect();
    let tag = HeaderValue::from_str(&format!("\"{hash}\"")).unwrap_or(HeaderValue::from_static("\"\""));
    let fixed = [
        (header::CONTENT_TYPE, HeaderValue::from_static(content_type)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::CACHE_CONTROL, HeaderValue::from_static("no-cache")),
        (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
        (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
        (header::ETAG, tag.clone()),
    ];
    if headers.get(header::IF_NONE_MATCH) == Some(&tag) {
        return (StatusCode::NOT_MODIFIED, fixed).into_response();
    }
    (fixed, data.into_owned()).into_response()
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

    #[test]
    fn a_page_that_the_browser_has_is_not_sent_again() {
        let first = file("index.html", &HeaderMap::new());
        assert_eq!(first.status(), StatusCode::OK);
        let tag = first.headers()[header::ETAG].clone();
        let again = file("index.html", &HeaderMap::from_iter([(header::IF_NONE_MATCH, tag)]));
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED);
        assert_eq!(file("../Cargo.toml", &HeaderMap::new()).status(), StatusCode::NOT_FOUND);
        assert_eq!(file("nothing.js", &HeaderMap::new()).status(), StatusCode::NOT_FOUND);
    }
}

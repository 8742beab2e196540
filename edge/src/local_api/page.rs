//! Serves the office page, and the API's document with its page. They are part of the program, ask no other network for anything, and run no
//! script but their own.

use crate::state::AppState;
use axum::Router;
use axum::extract::Path;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use mizili_node::fallback::no_such_path;
use mizili_node::files::{File, Folder, Kept};
use rust_embed::Embed;
use std::sync::LazyLock;

/// Where the API document is.
const DOCUMENT_PATH: &str = "/api/openapi.json";

/// The files of `edge/assets` and the API's document, as the build script packs them.
#[derive(Embed)]
#[folder = "$OUT_DIR/pages"]
struct Packed;

static FOLDER: LazyLock<Folder> = LazyLock::new(|| {
    let listing = include!(concat!(env!("OUT_DIR"), "/pages.rs"));
    Folder::embedded(listing, |name| Packed::get(name).map(|file| file.data))
});

/// What a page may do: load its own script, style and pictures, and call its own box. Nothing else.
pub const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
     form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The pages.
pub fn routes() -> Router<AppState> {
    Router::new()
        .route("/", get(|headers: HeaderMap| page("index.html", headers)))
        .route("/assets/{hash}/{name}", get(asset))
        .route(DOCUMENT_PATH, get(|headers: HeaderMap| page("openapi.json", headers)))
        .route("/api/docs", get(|| async { Redirect::permanent("/api/docs/") }))
        .route("/api/docs/", get(|headers: HeaderMap| page("docs.html", headers)))
}

async fn page(name: &'static str, headers: HeaderMap) -> Response {
    file(FOLDER.get(name), &headers, Kept::Asking).await
}

async fn asset(Path((hash, name)): Path<(String, String)>, headers: HeaderMap) -> Response {
    file(FOLDER.get_hashed(&hash, &name), &headers, Kept::ForEver).await
}

async fn file(file: Option<&File>, headers: &HeaderMap, kept: Kept) -> Response {
    let Some(file) = file else { return no_such_path().await.into_response() };
    let mut response = file.answer(headers, kept);
    let all = response.headers_mut();
    all.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY));
    all.insert(header::REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    response
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::StatusCode;
    use mizili_node::encoding::Encoding;
    use mizili_node::testing::unpacked;

    fn text(file: &File) -> String {
        String::from_utf8(file.plain().unwrap().to_vec()).unwrap()
    }

    #[test]
    fn the_pages_hold_no_inline_script_and_name_no_other_host() {
        for file in FOLDER.files.iter().filter(|file| file.listed.name != "openapi.json") {
            let (name, text) = (file.listed.name, text(file));
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
        let text = text(FOLDER.get("problems.js").unwrap());
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

    /// In every form: what a caller unpacks is what stands in the folder, with the hash in the names.
    #[tokio::test]
    async fn what_the_build_has_packed_is_what_is_in_the_folder() {
        let assets = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
        let hashed = format!("/assets/{}/", FOLDER.hash);
        let names: Vec<_> =
            std::fs::read_dir(&assets).unwrap().map(|file| file.unwrap().file_name()).collect();
        assert_eq!(names.len() + 1, FOLDER.files.len(), "the document too");
        for file in &FOLDER.files {
            let path = if file.listed.name == "openapi.json" {
                assets.join("../openapi.json")
            } else {
                assets.join(file.listed.name)
            };
            let source = std::fs::read_to_string(path).unwrap().replace("/assets/", &hashed);
            for encoding in ["identity", "br", "gzip"] {
                let headers =
                    HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_static(encoding))]);
                let answer = file.answer(&headers, Kept::ForEver);
                let packed = answer.headers().get(header::CONTENT_ENCODING).cloned();
                let bytes = axum::body::to_bytes(answer.into_body(), 1 << 20).await.unwrap();
                let by =
                    Encoding::ALL.into_iter().find(|one| packed.as_ref().is_some_and(|by| by == one.name()));
                let content = by.map_or(bytes.to_vec(), |by| unpacked(by, &bytes).unwrap());
                assert_eq!(String::from_utf8(content).unwrap(), source, "{} {encoding}", file.listed.name);
                assert!(
                    packed.is_some() || encoding == "identity" || source.len() < 1_000,
                    "{}",
                    file.listed.name
                );
            }
        }
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
        let mut names = html.split('"').filter_map(|part| part.strip_prefix("/assets/")).peekable();
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

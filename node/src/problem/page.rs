//! The page that lists every problem code of a node. It is made from the list itself, so it cannot fall behind.

use super::{Kind, Node};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use std::fmt::Write;

const TOP: &str = include_str!("../../assets/problems.html");

/// `GET /api/docs/problems` of such a node.
pub fn page(node: Node) -> Response {
    let mut rows = String::new();
    for kind in Kind::ALL.iter().filter(|kind| kind.is_of(node)) {
        let (code, status) = (kind.code(), kind.status().as_u16());
        let help = escape(kind.help());
        let title = escape(kind.title());
        // Writing to a string cannot fail.
        let _ = writeln!(
            rows,
            "<tr id=\"{code}\"><td><a href=\"#{code}\"><code>{code}</code></a><td>{status}<td><b>{title}.</b> {help}"
        );
    }
    let policy = "default-src 'none'; style-src 'unsafe-inline'";
    let headers =
        [(header::CONTENT_TYPE, "text/html; charset=utf-8"), (header::CONTENT_SECURITY_POLICY, policy)];
    (headers, TOP.replace("<!--rows-->", &rows)).into_response()
}

fn escape(text: &str) -> String {
    let html = text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    // Text between backticks is code.
    let mut out = String::new();
    for (n, part) in html.split('`').enumerate() {
        let tag = ["", "</code>", "<code>"][if n == 0 { 0 } else { 1 + n % 2 }];
        out.push_str(tag);
        out.push_str(part);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn code_and_signs_are_shown_as_text() {
        assert_eq!(escape("Send `A: <b>` & wait."), "Send <code>A: &lt;b&gt;</code> &amp; wait.");
        assert_eq!(escape("`a` and `b`"), "<code>a</code> and <code>b</code>");
    }
}

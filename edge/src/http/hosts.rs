//! Answers the office page and its API only under the names that the settings list, so that a page of another site cannot reach them
//! by giving its own name the box's address. What gateways call is not looked at: its secret is in its path.

use crate::config::Config;
use crate::http::problem::Kind;
use axum::extract::{Request, State};
use axum::http::header;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use std::net::IpAddr;
use std::sync::Arc;

/// Refuses a request under another name.
pub async fn checked(State(config): State<Arc<Config>>, request: Request, next: Next) -> Response {
    let named = request.headers().get(header::HOST).and_then(|host| host.to_str().ok());
    let host = request.uri().host().or_else(|| named.map(without_port)).unwrap_or_default();
    if is_allowed(&config, host) {
        return next.run(request).await;
    }
    let shown: String = host.chars().take(80).collect();
    Kind::OtherHost
        .because(format!(
            "This office is not called `{shown}`. If it should be, add the name to `hosts` in edge.toml."
        ))
        .into_response()
}

fn is_allowed(config: &Config, host: &str) -> bool {
    let origin = config.public_origin();
    let public =
        origin.as_deref().and_then(|origin| origin.split_once("://")).map(|(_, name)| without_port(name));
    let same = |name: &str| name.eq_ignore_ascii_case(host);
    let bare = host.trim_matches(['[', ']']);
    let is_local = same("localhost") || bare.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    config.hosts.is_empty()
        || is_local
        || public.is_some_and(same)
        || config.hosts.iter().any(|name| same(name))
}

/// The name in `name:port`; an IPv6 address stands in brackets.
fn without_port(authority: &str) -> &str {
    match authority.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) && !name.ends_with(':') => name,
        _ => authority,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_listed_names_are_answered() {
        let config = |hosts: &str| {
            let text = format!(
                "country = \"MWI\"\npublic_url = \"https://office.example.org:8443\"\nhosts = [{hosts}]"
            );
            Config::parse(&text).unwrap()
        };
        let listed = config("\"office.local\", \"192.168.1.7\"");
        for (host, expected) in [
            ("office.local:8090", true),
            ("OFFICE.local", true),
            ("192.168.1.7:8090", true),
            ("office.example.org", true),
            ("localhost:8090", true),
            ("127.0.0.1:8090", true),
            ("[::1]:8090", true),
            ("evil.example", false),
            ("office.local.evil.example", false),
            ("192.168.1.8", false),
            ("", false),
        ] {
            assert_eq!(is_allowed(&listed, without_port(host)), expected, "{host}");
        }
        assert!(is_allowed(&config(""), "anything.example"), "without a list every name is good");
    }
}

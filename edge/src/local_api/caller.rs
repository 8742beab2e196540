//! Who asks: the person at the office, from the session's cookie or a bearer token. A page of another site must not be able to
//! act with the cookie: writes with it are taken from the box's own pages alone.

use crate::config::Config;
use crate::http::problem::{ApiError, Kind, unauthorized};
use crate::node;
use crate::staff::{self, Account, Open, hash_of};
use crate::state::AppState;
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use rusqlite::Connection;
use sync_protocol::market::{Actor, ActorKind};

/// The cookie that holds the token.
pub const COOKIE: &str = "mizili_office";

/// Marks a request that a page makes by itself: it does not count as use of the session.
const PASSIVE_HEADER: &str = "x-mizili-passive";

/// Somebody who signed in at this office.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Caller {
    /// What they signed in as: `office`, or a number in E.164. Keeps apart what different people send under one key.
    pub login: String,
    /// The name to show.
    pub name: String,
    /// `office`, `clerk`, `manager` or `officer`.
    pub role: String,
    /// How commands name them.
    pub actor: Actor,
    pub(super) session: [u8; 32],
}

impl FromRequestParts<AppState> for Caller {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &AppState) -> Result<Self, ApiError> {
        let (token, by_cookie) = token_of(&parts.headers)?;
        if by_cookie && !matches!(parts.method, Method::GET | Method::HEAD) {
            must_be_same_site(&parts.headers, &state.config)?;
        }
        let Some(hash) = hash_of(&token) else { return Err(unknown_token(&token)) };
        let (now, passive) = (state.deps.clock.monotonic(), parts.headers.contains_key(PASSIVE_HEADER));
        let open = state.staff.sessions.touch(&hash, now, passive).ok_or_else(unauthorized)?;
        let found = state.db.read(move |conn| who(conn, &open, hash)).await?;
        found.ok_or_else(|| {
            state.staff.sessions.end(&hash);
            unauthorized()
        })
    }
}

/// The person, as long as the database says that the session stands.
fn who(conn: &Connection, open: &Open, session: [u8; 32]) -> Result<Option<Caller>, ApiError> {
    if open.recorded && !staff::is_recorded(conn, &session)? {
        return Ok(None);
    }
    let me = node::identity(conn)?.ok_or_else(|| Kind::NotEnrolled.error())?;
    Ok(match &open.account {
        Account::Shared(user) => {
            staff::password_hash(conn, user)?.filter(|hash| *hash == open.password_hash).map(|_| Caller {
                login: user.clone(),
                name: user.clone(),
                role: "office".to_owned(),
                actor: Actor { kind: ActorKind::Office, id: None, phone: 0 },
                session,
            })
        }
        Account::Person(id) => staff::person(conn, &me, *id)?
            .filter(|person| person.password_hash == open.password_hash)
            .map(|person| Caller {
                login: format!("+{}", person.phone),
                name: person.name,
                role: person.role.as_str().to_owned(),
                actor: Actor { kind: ActorKind::Office, id: Some(id.0), phone: person.phone },
                session,
            }),
    })
}

/// The token, and whether it came in the cookie.
fn token_of(headers: &HeaderMap) -> Result<(String, bool), ApiError> {
    if let Some(value) = headers.get(header::AUTHORIZATION) {
        let value = value.to_str().unwrap_or_default();
        let token = value.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
        let wrong = || {
            Kind::Unauthorized
                .because("`Authorization` must be `Bearer` and the token of /api/v1/office/login.")
        };
        return Ok((token.ok_or_else(wrong)?.1.trim().to_owned(), false));
    }
    cookie(headers).map(|token| (token, true)).ok_or_else(unauthorized)
}

fn cookie(headers: &HeaderMap) -> Option<String> {
    let lines = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == COOKIE).map(|(_, value)| value.to_owned())
}

fn unknown_token(token: &str) -> ApiError {
    // The hub's tokens are JWTs: three parts with points between them.
    if token.split('.').count() == 3 { Kind::HubToken.error() } else { unauthorized() }
}

/// Refuses a write that a page of another site made.
///
/// # Errors
/// 403.
pub(super) fn must_be_same_site(headers: &HeaderMap, config: &Config) -> Result<(), ApiError> {
    if is_same_site(headers, config) == Some(true) { Ok(()) } else { Err(Kind::CrossSite.error()) }
}

/// Whether a browser says that one of the box's own pages made the request; `None` when it says nothing about it. Behind a proxy the
/// `Host` header may be the proxy's own: a page of `public_url` is the box's own all the same.
pub(super) fn is_same_site(headers: &HeaderMap, config: &Config) -> Option<bool> {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or_default());
    if let Some(site) = text("sec-fetch-site") {
        return Some(site == "same-origin");
    }
    let origin = text("origin")?;
    let authority = origin.split_once("://").map(|(_, authority)| authority);
    let is_public = config.public_origin().is_some_and(|public| origin.eq_ignore_ascii_case(&public));
    Some(is_public || (authority.is_some() && authority == text("host")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn headers(pairs: &[(&'static str, &str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()))
            .collect()
    }

    #[test]
    fn a_browser_says_whose_page_it_was() {
        for (given, expected) in [
            (&[("sec-fetch-site", "same-origin")][..], Some(true)),
            (
                &[("sec-fetch-site", "cross-site"), ("origin", "http://box:8090"), ("host", "box:8090")],
                Some(false),
            ),
            (&[("sec-fetch-site", "same-site")], Some(false)),
            (&[("origin", "http://box:8090"), ("host", "box:8090")], Some(true)),
            (&[("origin", "https://office.example.org"), ("host", "office.example.org")], Some(true)),
            (&[("origin", "http://evil.example"), ("host", "box:8090")], Some(false)),
            (&[("origin", "null"), ("host", "box:8090")], Some(false)),
            (&[("origin", "null")], Some(false)),
            (&[("host", "box:8090")], None),
        ] {
            assert_eq!(is_same_site(&headers(given), &config("")), expected, "{given:?}");
        }
    }

    fn config(public_url: &str) -> Config {
        Config::parse(&format!("country = \"MWI\"\npublic_url = \"{public_url}\"")).unwrap()
    }

    #[test]
    fn a_page_of_the_public_address_is_the_boxs_own_behind_a_proxy() {
        let behind = |origin| headers(&[("origin", origin), ("host", "127.0.0.1:8090")]);
        let config = config("https://Office.example.org/");
        for (origin, expected) in [
            ("https://office.example.org", true),
            ("http://office.example.org", false),
            ("https://office.example.org.evil.example", false),
            ("https://evil.example", false),
            ("http://127.0.0.1:8090", true),
        ] {
            assert_eq!(is_same_site(&behind(origin), &config), Some(expected), "{origin}");
        }
        // What a newer browser says itself counts first.
        let cross = headers(&[("sec-fetch-site", "cross-site"), ("origin", "https://office.example.org")]);
        assert_eq!(is_same_site(&cross, &config), Some(false));
    }

    #[test]
    fn a_token_is_found_in_either_place() {
        let bearer = headers(&[("authorization", "bearer abc"), ("cookie", "mizili_office=def")]);
        assert_eq!(token_of(&bearer).unwrap(), ("abc".to_owned(), false));
        let cookie = headers(&[("cookie", "a=b; mizili_office=def; c=d")]);
        assert_eq!(token_of(&cookie).unwrap(), ("def".to_owned(), true));
        assert_eq!(token_of(&HeaderMap::new()).unwrap_err().kind(), Kind::Unauthorized);
        assert_eq!(
            token_of(&headers(&[("authorization", "Basic abc")])).unwrap_err().kind(),
            Kind::Unauthorized
        );
        assert_eq!(unknown_token("eyJh.eyJz.c2ln").kind(), Kind::HubToken);
        assert_eq!(unknown_token("eyJh").kind(), Kind::Unauthorized);
    }
}

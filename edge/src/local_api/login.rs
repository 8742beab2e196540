//! Signing in and out at the office, over HTTP.

use super::caller::{COOKIE, Caller, is_same_site};
use super::phone;
use crate::db::DbError;
use crate::http::problem::{ApiError, Kind};
use crate::node;
use crate::staff::{self, Account};
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mizili_node::address::Place;
use mizili_node::body::Body;
use mizili_node::name::tidy;
use mizili_node::openapi::answers::{BadCredentials, TooManyAttempts};
use mizili_node::password;
use mizili_node::query::{NoParams, Params};
use serde::{Deserialize, Serialize};
use sync_protocol::phone::Phone;
use utoipa::ToSchema;

/// Longest name that is looked at, in characters.
const NAME_MAX_CHARS: usize = 80;

/// Who signs in.
#[derive(Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OfficeLogin {
    /// `office`, or the phone number of a clerk, manager or officer of this cooperative, as dialled at home or with `+`.
    #[schema(example = "office")]
    pub user: String,
    /// The office password.
    #[schema(example = "correct horse")]
    pub password: String,
}

/// Who is signed in.
#[derive(Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OfficePerson {
    /// What they signed in as.
    #[schema(example = "office")]
    pub user: String,
    /// The name to show.
    pub name: String,
    /// `office`, `clerk`, `manager` or `officer`.
    #[schema(example = "office")]
    pub role: String,
}

/// An open session.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct OfficeSession {
    /// For programs: send it as `Authorization: Bearer TOKEN`. Browsers have it in a cookie.
    pub token: String,
    /// Seconds that the session may be left alone before it ends.
    #[schema(example = 1800)]
    pub idle_s: u64,
    /// Who is signed in.
    pub person: OfficePerson,
}

/// No such name, or not its password: which of the two is not said.
fn wrong() -> ApiError {
    Kind::BadCredentials.because("The name (or phone number) or the password is wrong.")
}

/// An account with the password that it must show.
pub(super) struct Found {
    pub(super) account: Account,
    pub(super) hash: String,
    pub(super) person: OfficePerson,
}

/// Sign in
///
/// Wrong passwords for a name make the next try from the same address wait longer; where the name has signed in before, it is answered
/// later and not refused. The session ends when it is left alone (30 minutes, unless the box is
/// set otherwise), when the box starts again, or when the password changes.
#[utoipa::path(post, path = "/api/v1/office/login", operation_id = "sign_in", tag = "Office", request_body = OfficeLogin,
    responses((status = 200, body = OfficeSession), BadCredentials, TooManyAttempts,
        (status = 403, description = "`cross_site`")))]
pub async fn login(
    State(state): State<AppState>,
    place: Place,
    headers: HeaderMap,
    _: Params<NoParams>,
    Body(given): Body<OfficeLogin>,
) -> Result<Response, ApiError> {
    let name: String = tidy(&given.user).chars().take(NAME_MAX_CHARS).collect();
    if name.is_empty() {
        return Err(ApiError::invalid("/user", "Write `office`, or your phone number."));
    }
    let phone = phone::read(&name, &state.config).ok();
    let number = phone.as_ref().map(Phone::number);
    let shown = phone.map_or_else(|| "no number".to_owned(), |phone| phone.masked());
    let checked = if is_same_site(&headers, &state.config) == Some(false) {
        Err(Kind::CrossSite.error())
    } else if given.password.len() > password::MAX_BYTES {
        // Nobody has such a one, so it is neither looked at nor counted.
        Err(wrong())
    } else {
        check(&state, place, name, number, &given.password).await
    };
    if let Err(error) = &checked {
        // One line for each, for whoever looks after the box. What was typed as a name may have been a password.
        tracing::warn!(phone = shown, address = %place, code = error.kind().code(), "a sign-in failed");
    }
    Ok(open(&state, &headers, place, checked?).await)
}

/// The account whose password it is.
pub(super) async fn check(
    state: &AppState,
    place: Place,
    name: String,
    number: Option<u64>,
    password: &str,
) -> Result<Found, ApiError> {
    let (line, user) =
        (place.line(), number.map_or_else(|| name.to_lowercase(), |number| format!("+{number}")));
    let (asked_line, asked_user) = (line.clone(), user.clone());
    let found = state.db.read(move |conn| {
        let is_known = staff::is_known_line(conn, &asked_user, &asked_line)?;
        Ok::<_, ApiError>((find(conn, &name, number)?, is_known))
    });
    let (found, is_known) = found.await?;
    let attempt = state.staff.throttle.begin(&user, &line, is_known, state.deps.clock.monotonic())?;
    // A try that has begun is looked at to its end, also where whoever made it hangs up meanwhile: else it would count as a wrong one.
    let (state, password) = (state.clone(), password.to_owned());
    let looked = tokio::spawn(async move {
        let office = &state.staff;
        state.deps.clock.pause(attempt.put_off).await;
        let hash = found.as_ref().map(|found| found.hash.as_str());
        match office.passwords.verify(&password, hash).await {
            Ok(true) => {
                office.throttle.forgive(attempt);
                found.ok_or_else(wrong)
            }
            Ok(false) => Err(wrong()),
            Err(error) => {
                office.throttle.take_back(attempt);
                Err(error)
            }
        }
    });
    looked.await.map_err(ApiError::internal)?
}

fn find(conn: &rusqlite::Connection, name: &str, number: Option<u64>) -> Result<Option<Found>, ApiError> {
    let me = node::identity(conn)?.ok_or_else(|| Kind::NotEnrolled.error())?;
    if let Some(number) = number {
        let person = staff::person_by_phone(conn, &me, number)?;
        return Ok(person.map(|person| Found {
            account: Account::Person(person.id),
            hash: person.password_hash,
            person: OfficePerson {
                user: format!("+{number}"),
                name: person.name,
                role: person.role.as_str().to_owned(),
            },
        }));
    }
    let user = name.to_lowercase();
    let hash = staff::password_hash(conn, &user)?;
    Ok(hash.map(|hash| Found {
        account: Account::Shared(user.clone()),
        hash,
        person: OfficePerson { user: user.clone(), name: user, role: "office".to_owned() },
    }))
}

/// Opens the session, and puts it on record where the disk allows: people can sign in and read while it does not.
pub(super) async fn open(state: &AppState, headers: &HeaderMap, place: Place, found: Found) -> Response {
    let sessions = &state.staff.sessions;
    let (token, hash) = sessions.begin(&state.deps, found.account, found.hash);
    let (boot, user) = (sessions.boot.clone(), found.person.user.clone());
    let (now_s, used) = (state.deps.clock.now_s(), state.deps.clock.monotonic());
    let used_ms = i64::try_from(used.as_millis()).unwrap_or(i64::MAX);
    let line = place.line();
    let kept: Result<(), DbError> = state
        .db
        .write(move |tx| {
            staff::remember_line(tx, &user, &line)?;
            staff::record_session(tx, &hash, &user, &boot, now_s, used_ms)
        })
        .await;
    match kept {
        Ok(()) => sessions.is_recorded_now(&hash),
        Err(error) => tracing::warn!(%error, "a session is kept in memory alone"),
    }
    let cookie = set_cookie(headers, &token, None);
    let body = OfficeSession { token, idle_s: sessions.idle.as_secs(), person: found.person };
    ([(header::SET_COOKIE, cookie), (header::CACHE_CONTROL, "no-store".to_owned())], Json(body))
        .into_response()
}

/// The cookie is for this site's own requests alone, and no script can read it.
fn set_cookie(headers: &HeaderMap, token: &str, max_age_s: Option<u64>) -> String {
    // Behind something that speaks TLS the cookie stays on TLS.
    let is_tls = headers.get("x-forwarded-proto").is_some_and(|proto| proto == "https");
    let secure = if is_tls { "; Secure" } else { "" };
    let age = max_age_s.map(|s| format!("; Max-Age={s}")).unwrap_or_default();
    format!("{COOKIE}={token}; Path=/; HttpOnly; SameSite=Strict{secure}{age}")
}

/// Sign out
#[utoipa::path(post, path = "/api/v1/office/logout", operation_id = "sign_out", tag = "Office", security(("office" = []), ("cookie" = [])),
    responses((status = 204, description = "Done")))]
pub async fn logout(
    State(state): State<AppState>,
    caller: Caller,
    headers: HeaderMap,
    _: Params<NoParams>,
) -> Result<Response, ApiError> {
    state.staff.sessions.end(&caller.session);
    let gone: Result<(), DbError> =
        state.db.write(move |tx| staff::forget_sessions(tx, &[caller.session])).await;
    if let Err(error) = gone {
        tracing::warn!(%error, "an ended session stays on record; it opens nothing");
    }
    Ok((StatusCode::NO_CONTENT, [(header::SET_COOKIE, set_cookie(&headers, "", Some(0)))]).into_response())
}

/// See who is signed in
#[utoipa::path(get, path = "/api/v1/office/session", operation_id = "get_session", tag = "Office", security(("office" = []), ("cookie" = [])),
    responses((status = 200, body = OfficePerson)))]
pub async fn session(caller: Caller, _: Params<NoParams>) -> Json<OfficePerson> {
    Json(OfficePerson { user: caller.login, name: caller.name, role: caller.role })
}

//! Writes that may be sent twice. The command's id is made from the box, the caller, the route and the `Idempotency-Key`, so a repeat
//! is the same command, and the log of commands answers it; no second record of answers is needed.

use crate::commands;
use crate::http::problem::{ApiError, Kind};
use crate::local_api::Caller;
use crate::node;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mizili_node::idempotency::{self, KEY_HEADER, REPLAY_HEADER};
use rusqlite::Connection;
use serde::Serialize;
use sync_protocol::ids::{CommandId, Stream, derived};
use uuid::Uuid;

/// A request that may be sent twice, by its key.
pub(super) struct Attempt {
    /// Who asks, for good: a login may become another person's.
    person: String,
    login: String,
    route: &'static str,
    key: String,
}

impl Attempt {
    /// From the headers.
    ///
    /// # Errors
    /// No key, or one that is too long or not printable.
    pub(super) fn read(headers: &HeaderMap, route: &'static str, caller: &Caller) -> Result<Self, ApiError> {
        let key = idempotency::key(headers)?.to_owned();
        let login = caller.login.clone();
        let person = caller.actor.id.map_or_else(|| login.clone(), |id| id.to_string());
        Ok(Self { person, login, route, key })
    }

    /// As [`Attempt::read`] where a key is welcome and not needed.
    ///
    /// # Errors
    /// A key that cannot be used.
    pub(super) fn read_optional(
        headers: &HeaderMap,
        route: &'static str,
        caller: &Caller,
    ) -> Result<Option<Self>, ApiError> {
        headers.contains_key(&KEY_HEADER).then(|| Self::read(headers, route, caller)).transpose()
    }

    /// The id of the command that it stands for. Where it was made before, by an earlier incarnation of this box, or by a program that
    /// left edge and incarnation out, that command's id: else an answer that was lost before would be asked for twice.
    ///
    /// # Errors
    /// Those of the database; a box that was never enrolled.
    pub(super) fn id(&self, conn: &Connection) -> Result<CommandId, ApiError> {
        let me = node::identity(conn)?.ok_or_else(|| Kind::NotEnrolled.error())?;
        let of = |incarnation| {
            CommandId(Stream { edge: me.edge, incarnation }.keyed(&self.person, self.route, &self.key))
        };
        for id in (1..=me.incarnation).rev().map(of).chain([self.old_id()]) {
            if commands::is_known(conn, id)? {
                return Ok(id);
            }
        }
        Ok(of(me.incarnation))
    }

    /// As ids were made before protocol minor 2.
    fn old_id(&self) -> CommandId {
        let owner = derived(&self.login, Uuid::nil());
        CommandId(derived(&format!("{} {}", self.route, self.key), owner))
    }
}

/// What is said of a thing that was made, now or before.
pub(super) struct Made<T> {
    pub(super) id: Uuid,
    pub(super) body: T,
    pub(super) repeated: bool,
}

impl<T: Serialize> Made<T> {
    /// 201, with the address of what was made.
    pub(super) fn respond(self, home: &str) -> Response {
        let mut response = (StatusCode::CREATED, axum::Json(self.body)).into_response();
        if let Ok(location) = HeaderValue::from_str(&format!("{home}/{}", self.id)) {
            response.headers_mut().insert(header::LOCATION, location);
        }
        if self.repeated {
            response.headers_mut().insert(REPLAY_HEADER, HeaderValue::from_static("true"));
        }
        response
    }
}

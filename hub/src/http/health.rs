//! Says whether the hub runs, and whether it can serve.

use crate::db::q;
use crate::error::{ApiError, Kind};
use crate::migrations::MIGRATOR;
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use mizili_node::health::Health;
use mizili_node::query::{NoParams, Params};
use sqlx::{PgConnection, Row};
use std::collections::HashSet;

/// Whether the hub runs
///
/// Answers as long as the program does, also while the database is away.
#[utoipa::path(get, path = "/healthz", tag = "Health", responses((status = 200, body = Health)))]
pub async fn healthz(_: Params<NoParams>) -> Json<Health> {
    Health::ok()
}

/// Whether the hub can serve
///
/// 200 when the database answers and has every migration; else 503 with the reason.
#[utoipa::path(get, path = "/readyz", tag = "Health", responses((status = 200, body = Health)))]
pub async fn readyz(State(state): State<AppState>, _: Params<NoParams>) -> Result<Json<Health>, ApiError> {
    let applied = state.db.read(&state.deps, |mut conn| async move { applied(&mut conn).await }).await?;
    let missing = MIGRATOR.iter().filter(|step| !applied.contains(&step.version)).count();
    if missing > 0 {
        let detail = format!("The database lacks {missing} migrations. Run `mizili-hub migrate`.");
        return Err(Kind::Unavailable.because(detail).into());
    }
    Ok(Health::ok())
}

async fn applied(conn: &mut PgConnection) -> Result<HashSet<i64>, sqlx::Error> {
    let there =
        q("SELECT to_regclass('_sqlx_migrations') IS NOT NULL AS there").fetch_one(&mut *conn).await?;
    if !there.try_get("there")? {
        return Ok(HashSet::new());
    }
    let rows = q("SELECT version FROM _sqlx_migrations WHERE success").fetch_all(conn).await?;
    rows.iter().map(|row| row.try_get("version")).collect()
}

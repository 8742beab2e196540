//! For whom a command is decided: what the database has to say about a cooperative.

use crate::db::Cells;
use crate::db::{int, q};
use sqlx::PgConnection;
use sync_protocol::ids::{CooperativeId, EdgeId, Holder};
use sync_protocol::market::Context;

/// The context of a command made at the hub: by a person over REST, or by an operator. `clerk` says that the person works for
/// the cooperative; `admin`, that they may act for any. What a listing taken in at the hub shares with the cooperative's office
/// goes to its oldest living edge that is no national node.
///
/// # Errors
/// Those of the database.
pub async fn hub_context(
    conn: &mut PgConnection,
    cooperative: Option<CooperativeId>,
    clerk: bool,
    admin: bool,
) -> Result<Context, sqlx::Error> {
    let mut context = Context {
        place: Holder::Hub,
        origin: Holder::Hub,
        cooperative,
        clerk,
        admin,
        share_with: None,
        hub_share_percent: 100,
    };
    let Some(cooperative) = cooperative else { return Ok(context) };
    let row = q("SELECT c.hub_share_percent, (SELECT min(e.id) FROM edges e WHERE e.cooperative_id = c.id
            AND e.enrolled_at IS NOT NULL AND e.revoked_at IS NULL AND NOT e.national)
        FROM cooperatives c WHERE c.id = $1")
    .bind(int(cooperative.0)?)
    .fetch_optional(conn)
    .await?;
    if let Some(row) = &row {
        let cells = Cells::of("cooperatives", row);
        context.hub_share_percent = percent(&cells, 0)?;
        context.share_with = cells.number_or_null(1)?.map(EdgeId);
    }
    Ok(context)
}

/// A column that holds 0 to 100.
pub(super) fn percent(cells: &Cells<'_>, at: usize) -> Result<u8, sqlx::Error> {
    u8::try_from(cells.number(at)?).map_err(|_| cells.misfit(at))
}

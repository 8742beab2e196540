//! What waits before a command of a stream: the edge's commands that are still open, and what they would have made or given back.

use super::{clash, store};
use crate::commands::Incoming;
use crate::db::Cells;
use crate::db::{int, q};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};
use std::collections::HashMap;
use sync_protocol::ids::{CommandId, EdgeId, Holder, ListingId, OrderId, Stream};
use sync_protocol::market::{Aggregates, Blocked, Body, Command, Context};
use uuid::Uuid;

/// What the edge's commands would have done that are still open, of this stream below a sequence number and of earlier ones. They mean
/// what the edge's later ones mean by the same ids.
pub(super) async fn blocked_before(
    conn: &mut PgConnection,
    stream: Stream,
    seq: u64,
    context: impl Fn(&Command) -> Context,
    renames: &HashMap<Uuid, Uuid>,
) -> Result<Blocked, sqlx::Error> {
    let rows =
        q("SELECT seq, id, made_at_s, actor_kind, actor_id, actor_phone, kind, body, clash_id FROM commands
        WHERE edge_id = $1 AND (incarnation < $2 OR incarnation = $2 AND seq < $3)
            AND verdict IN ('held', 'quarantined', 'unsupported')")
        .bind(int(stream.edge.0)?)
        .bind(int(stream.incarnation)?)
        .bind(seq as i64)
        .fetch_all(&mut *conn)
        .await?;
    let mut open = Vec::with_capacity(rows.len());
    for row in &rows {
        let mut command = clash::renamed(&store::command(row)?, renames);
        // Its edge knows it by the id that it came with.
        if let Some(claimed) = Cells::of("commands", row).get::<Option<Uuid>>(8)? {
            command.id = CommandId(renames.get(&claimed).copied().unwrap_or(claimed));
        }
        open.push(command);
    }
    let of = |command| (command, context(command));
    let mut blocked = Blocked::none();
    for aggregates in aggregates(conn, stream.edge, open.iter().map(of)).await? {
        blocked.add(&aggregates);
    }
    Ok(blocked)
}

/// The aggregates of a command that waits from now on. What the transaction has written is seen.
pub(super) async fn of_one(
    conn: &mut PgConnection,
    edge: EdgeId,
    Incoming { command, context, .. }: &Incoming,
) -> Result<Aggregates, sqlx::Error> {
    let of_it = aggregates(conn, edge, [(command, *context)].into_iter()).await?;
    Ok(of_it.into_iter().next().unwrap_or_default())
}

async fn aggregates<'a>(
    conn: &mut PgConnection,
    edge: EdgeId,
    commands: impl Iterator<Item = (&'a Command, Context)> + Clone,
) -> Result<Vec<Aggregates>, sqlx::Error> {
    let taken_back =
        commands.clone().filter_map(|(command, _)| Body::from_raw(&command.body).ok()??.gives_back_at_once());
    let taken_back: Vec<Uuid> = taken_back.map(|order| order.0).collect();
    let sold = if taken_back.is_empty() { HashMap::new() } else { sold_by(conn, edge, taken_back).await? };
    let of = |(command, context): (&Command, Context)| {
        Aggregates::of(command, &context, |order| sold.get(&order).copied())
    };
    Ok(commands.map(of).collect())
}

/// Of orders those that spent the edge's own units, with their listings. An order's cancel that waits has changed neither yet.
pub(super) async fn sold_by(
    conn: &mut PgConnection,
    edge: EdgeId,
    orders: Vec<Uuid>,
) -> Result<HashMap<OrderId, ListingId>, sqlx::Error> {
    let rows = q("SELECT id, listing_id FROM orders WHERE id = ANY($1) AND holder = $2")
        .bind(orders)
        .bind(int(Holder::Edge(edge).code())?)
        .fetch_all(conn)
        .await?;
    let listing_of = |row: &PgRow| Ok((OrderId(row.try_get("id")?), ListingId(row.try_get("listing_id")?)));
    rows.iter().map(listing_of).collect()
}

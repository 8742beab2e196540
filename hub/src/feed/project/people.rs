//! Projections of cooperatives and people: members, aliases, the office's own users, and an edge's settings.

use super::{Standing, Standings};
use crate::db::q;
use crate::rows::{self, Cells};
use sqlx::PgConnection;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CooperativeId, EdgeId, MemberId, RegionId, UserId};
use sync_protocol::market::{Alias, Cooperative, EdgeSettings, OfficeRole, OfficeUser};

/// `id, name, country, region_id, currency, hub_share_percent` of `cooperatives`.
pub(super) fn cooperative(row: &sqlx::postgres::PgRow) -> Result<Cooperative, sqlx::Error> {
    let cells = Cells::of("cooperatives", row);
    Ok(Cooperative {
        id: CooperativeId(cells.number(0)?),
        name: cells.get(1)?,
        country: cells.country(2)?,
        region: cells.number_or_null(3)?.map(RegionId),
        currency: cells.currency(4)?,
        hub_share_percent: cells.number(5)?,
    })
}

pub(super) async fn cooperatives(conn: &mut PgConnection, ids: &[i32]) -> Standings {
    let rows =
        q("SELECT id, name, country, region_id, currency, hub_share_percent FROM cooperatives WHERE id = ANY($1)")
            .bind(ids)
            .fetch_all(conn)
            .await?;
    let standing = |row| {
        let cooperative = cooperative(row)?;
        Ok(Standing::new(Bucket::Coop(cooperative.id), &cooperative))
    };
    rows.iter().map(standing).collect()
}

pub(super) async fn members(conn: &mut PgConnection, ids: &[uuid::Uuid]) -> Standings {
    let rows = q(
        "SELECT id, cooperative_id, name, phone, language, registered_at_s FROM members WHERE id = ANY($1)",
    )
    .bind(ids)
    .fetch_all(conn)
    .await?;
    let standing = |row| {
        let member = rows::member(row)?;
        Ok(Standing::new(Bucket::Coop(member.cooperative), &member))
    };
    rows.iter().map(standing).collect()
}

pub(super) async fn aliases(conn: &mut PgConnection, ids: &[uuid::Uuid]) -> Standings {
    let rows = q("SELECT from_id, to_id, cooperative_id FROM member_aliases WHERE from_id = ANY($1)")
        .bind(ids)
        .fetch_all(conn)
        .await?;
    let standing = |row| {
        let cells = Cells::of("member_aliases", row);
        let alias = Alias { from: MemberId(cells.get(0)?), to: MemberId(cells.get(1)?) };
        Ok(Standing::new(Bucket::Coop(CooperativeId(cells.number(2)?)), &alias))
    };
    rows.iter().map(standing).collect()
}

/// Only who works for a cooperative and has an office password; of the passwords only that one's hash. A clerk signs in as a
/// clerk, an admin who is attached to a cooperative as its manager.
pub(super) async fn office_users(conn: &mut PgConnection, ids: &[uuid::Uuid]) -> Standings {
    let rows = q("SELECT id, cooperative_id, name, phone, role, office_password_hash, disabled FROM users
        WHERE id = ANY($1) AND role IN ('clerk', 'admin') AND cooperative_id IS NOT NULL AND office_password_hash <> ''
            AND phone IS NOT NULL")
    .bind(ids)
    .fetch_all(conn)
    .await?;
    let standing = |row| {
        let cells = Cells::of("users", row);
        let user = OfficeUser {
            id: UserId(cells.get(0)?),
            cooperative: CooperativeId(cells.number(1)?),
            name: cells.get(2)?,
            phone: cells.count(3)?,
            role: if cells.get::<&str>(4)? == "admin" { OfficeRole::Manager } else { OfficeRole::Clerk },
            password_hash: cells.get(5)?,
            disabled: cells.get(6)?,
        };
        Ok(Standing::new(Bucket::Coop(user.cooperative), &user))
    };
    rows.iter().map(standing).collect()
}

pub(super) async fn edge_settings(conn: &mut PgConnection, ids: &[i32]) -> Standings {
    let rows = q("SELECT e.id, e.cooperative_id, c.country, c.currency, e.national, e.name
        FROM edges e JOIN cooperatives c ON c.id = e.cooperative_id WHERE e.id = ANY($1)")
    .bind(ids)
    .fetch_all(conn)
    .await?;
    let standing = |row| {
        let cells = Cells::of("edges", row);
        let settings = EdgeSettings {
            id: EdgeId(cells.number(0)?),
            cooperative: CooperativeId(cells.number(1)?),
            country: cells.country(2)?,
            currency: cells.currency(3)?,
            national: cells.get(4)?,
            name: cells.get(5)?,
        };
        Ok(Standing::new(Bucket::Edge(settings.id), &settings))
    };
    rows.iter().map(standing).collect()
}

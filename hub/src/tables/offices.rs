//! `cooperatives`, `users` as far as they work at offices, and `edges` as far as each is told of itself.

use super::keys::Keys;
use super::table::{Catalogue, Standing, Standings, Table, View, ints, read_all, stand, uuids};
use crate::db::{Cells, q};
use sqlx::PgConnection;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CooperativeId, EdgeId, RegionId, UserId};
use sync_protocol::market::{Cooperative, EdgeSettings, OfficeRole, OfficeUser};
use sync_protocol::row::Key;

/// The columns that [`Table::read`] reads of a [`Cooperative`], of `cooperatives t`.
macro_rules! cooperative_columns {
    () => {
        "t.id, t.name, t.country, t.region_id, t.currency, t.hub_share_percent"
    };
}
pub(crate) use cooperative_columns;

impl Table for Cooperative {
    const TABLE: &'static str = "cooperatives";
    const KEYS: Keys = Keys::Int("SELECT id FROM cooperatives WHERE id > $1 ORDER BY id LIMIT $2");
    const CATALOGUE: Catalogue = Catalogue::Itself;

    fn read(cells: &Cells<'_>) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: CooperativeId(cells.number(0)?),
            name: cells.get(1)?,
            country: cells.country(2)?,
            region: cells.number_or_null(3)?.map(RegionId),
            currency: cells.currency(4)?,
            hub_share_percent: cells.number(5)?,
        })
    }

    /// Others see all of it, where it has a region.
    async fn standing(conn: &mut PgConnection, view: View, keys: &[Key]) -> Standings {
        let sql = concat!("SELECT ", cooperative_columns!(), " FROM cooperatives t WHERE t.id = ANY($1)");
        let rows = q(sql).bind(ints(keys)).fetch_all(conn).await?;
        let mut standings = Vec::with_capacity(rows.len());
        for cooperative in read_all::<Self>(&rows) {
            let cooperative = cooperative?;
            let bucket = match view {
                View::Home => Some(Bucket::Coop(cooperative.id)),
                View::Catalogue => cooperative.region.map(Bucket::Catalogue),
            };
            standings.extend(bucket.map(|bucket| Standing::new(bucket, &cooperative)));
        }
        Ok(standings)
    }
}

impl Table for OfficeUser {
    const TABLE: &'static str = "users";
    const KEYS: Keys =
        Keys::Uuid("SELECT id FROM users WHERE id > $1 AND cooperative_id IS NOT NULL ORDER BY id LIMIT $2");
    const CATALOGUE: Catalogue = Catalogue::Nothing;

    /// A clerk signs in as a clerk, an admin who is attached to a cooperative as its manager.
    fn read(cells: &Cells<'_>) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: UserId(cells.get(0)?),
            cooperative: CooperativeId(cells.number(1)?),
            name: cells.get(2)?,
            phone: cells.count(3)?,
            role: if cells.get::<&str>(4)? == "admin" { OfficeRole::Manager } else { OfficeRole::Clerk },
            password_hash: cells.get(5)?,
            disabled: cells.get(6)?,
        })
    }

    /// Only who works for a cooperative and has an office password; of the passwords only that one's hash.
    async fn standing(conn: &mut PgConnection, _: View, keys: &[Key]) -> Standings {
        let rows = q("SELECT id, cooperative_id, name, phone, role, office_password_hash, disabled FROM users
            WHERE id = ANY($1) AND role IN ('clerk', 'admin') AND cooperative_id IS NOT NULL AND office_password_hash <> ''
                AND phone IS NOT NULL")
        .bind(uuids(keys))
        .fetch_all(conn)
        .await?;
        stand::<Self>(&rows, |user| Bucket::Coop(user.cooperative))
    }
}

impl Table for EdgeSettings {
    const TABLE: &'static str = "edges";
    const KEYS: Keys = Keys::Int("SELECT id FROM edges WHERE id > $1 ORDER BY id LIMIT $2");
    const CATALOGUE: Catalogue = Catalogue::Nothing;

    fn read(cells: &Cells<'_>) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: EdgeId(cells.number(0)?),
            cooperative: CooperativeId(cells.number(1)?),
            country: cells.country(2)?,
            currency: cells.currency(3)?,
            national: cells.get(4)?,
            name: cells.get(5)?,
        })
    }

    async fn standing(conn: &mut PgConnection, _: View, keys: &[Key]) -> Standings {
        let rows = q("SELECT e.id, e.cooperative_id, c.country, c.currency, e.national, e.name
            FROM edges e JOIN cooperatives c ON c.id = e.cooperative_id WHERE e.id = ANY($1)")
        .bind(ints(keys))
        .fetch_all(conn)
        .await?;
        stand::<Self>(&rows, |settings| Bucket::Edge(settings.id))
    }
}

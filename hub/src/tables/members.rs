//! `members` and `member_aliases`: who belongs to a cooperative, and which ids gave way to which.

use super::columns::{column, fitting_column};
use super::keys::Keys;
use super::rows::Rows;
use super::table::{
    Again, Brought, Catalogue, Loaded, Standing, Standings, Table, View, Written, put_all, stand, uuids,
};
use super::wanted::Wanted;
use crate::db::{Cells, int, phone, q};
use jiff::Timestamp;
use jiff_sqlx::ToSqlx;
use sqlx::PgConnection;
use std::collections::BTreeSet;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CooperativeId, MemberId};
use sync_protocol::market::{Alias, Entity, Facts, Listing, Member, Needs, WorkingSet};
use sync_protocol::row::Key;
use sync_protocol::value::Fields;
use uuid::Uuid;

macro_rules! columns {
    () => {
        "id, cooperative_id, name, phone, language, registered_at_s"
    };
}

impl Table for Member {
    const TABLE: &'static str = "members";
    const KEYS: Keys = Keys::Uuid("SELECT id FROM members WHERE id > $1 ORDER BY id LIMIT $2");
    const CATALOGUE: Catalogue = Catalogue::Nothing;

    fn read(cells: &Cells<'_>) -> Result<Self, sqlx::Error> {
        Ok(Self {
            id: MemberId(cells.get(0)?),
            cooperative: CooperativeId(cells.number(1)?),
            name: cells.get(2)?,
            phone: cells.count(3)?,
            language: cells.get(4)?,
            registered_at_s: cells.get(5)?,
        })
    }

    async fn standing(conn: &mut PgConnection, _: View, keys: &[Key]) -> Standings {
        let sql = concat!("SELECT ", columns!(), " FROM members WHERE id = ANY($1)");
        let rows = q(sql).bind(uuids(keys)).fetch_all(conn).await?;
        stand::<Self>(&rows, |member| Bucket::Coop(member.cooperative))
    }
}

impl Loaded for Member {
    const FOUND_BY: &'static [&'static [u16]] = &[&[Self::COOPERATIVE.number(), Self::PHONE.number()]];

    /// By id, through the aliases in the set, and by number. Locked only where one is registered.
    async fn load(conn: &mut PgConnection, wanted: &Wanted, set: &mut WorkingSet) -> Result<(), sqlx::Error> {
        let asked = wanted.uuids::<Self>();
        let ids: BTreeSet<Uuid> = asked.iter().flat_map(|id| [*id, set.resolve(MemberId(*id)).0]).collect();
        let ids: Vec<Uuid> = ids.into_iter().collect();
        let (mut cooperatives, mut phones, mut is_looked_for) = (Vec::new(), Vec::new(), false);
        for search in wanted.found::<Self>() {
            is_looked_for = true;
            let (cooperative, number) = (Self::COOPERATIVE.number(), Self::PHONE.number());
            let of = search.value::<CooperativeId>(cooperative).zip(search.value::<u64>(number));
            // A number that fits no column is no number; the command's own check refuses it.
            if let Some((cooperative, Ok(number))) = of.map(|(of, number)| (of, phone(number))) {
                cooperatives.push(int(cooperative.0)?);
                phones.push(number);
            }
        }
        let rows = if is_looked_for {
            q(concat!(
                "SELECT ",
                columns!(),
                " FROM members WHERE id = ANY($1 || ARRAY(SELECT m.id FROM members m
                    JOIN unnest($2::int[], $3::bigint[]) AS p (cooperative_id, phone)
                    ON m.cooperative_id = p.cooperative_id AND m.phone = p.phone))
                ORDER BY id FOR NO KEY UPDATE"
            ))
            .bind(ids)
            .bind(cooperatives)
            .bind(phones)
            .fetch_all(conn)
            .await?
        } else if ids.is_empty() {
            return Ok(());
        } else {
            let sql = concat!("SELECT ", columns!(), " FROM members WHERE id = ANY($1)");
            q(sql).bind(ids).fetch_all(conn).await?
        };
        put_all::<Self>(&rows, set)
    }
}

impl Written for Member {
    async fn write(
        conn: &mut PgConnection,
        rows: &Rows,
        _: &Facts,
        at: Timestamp,
    ) -> Result<Vec<(u16, Key, Fields)>, sqlx::Error> {
        let Some(rows) = rows.to_write::<Self>()? else { return Ok(Vec::new()) };
        q("INSERT INTO members AS m (id, cooperative_id, name, phone, language, registered_at_s, recorded_at)
            SELECT t.*, $7 FROM unnest($1::uuid[], $2::int[], $3::text[], $4::bigint[], $5::text[], $6::bigint[]) AS t
            ON CONFLICT (id) DO UPDATE SET name = excluded.name, language = excluded.language")
        .bind(column!(rows, (m, _) => m.id.0))
        .bind(fitting_column!(rows, (m, _) => int(m.cooperative.0)))
        .bind(column!(rows, (m, _) => m.name.as_str()))
        .bind(fitting_column!(rows, (m, _) => phone(m.phone)))
        .bind(column!(rows, (m, _) => m.language.as_str()))
        .bind(column!(rows, (m, _) => m.registered_at_s))
        .bind(at.to_sqlx())
        .execute(conn)
        .await?;
        Ok(Vec::new())
    }
}

impl Again for Member {
    fn may_stand(&self, own: CooperativeId) -> bool {
        self.cooperative == own
    }

    fn stands_under(&self) -> Needs {
        Needs::default().found([Self::of_number(self.cooperative, self.phone)])
    }

    /// One whose number was registered again since gives way to the member that has it now, as in a registration: whatever names the one
    /// means the other.
    async fn stand(
        &self,
        conn: &mut PgConnection,
        brought: &Brought<'_>,
        also: &mut Vec<(Bucket, u16, Key)>,
    ) -> Result<bool, sqlx::Error> {
        let done = q("INSERT INTO members (id, cooperative_id, name, phone, language, registered_at_s) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT DO NOTHING")
    .bind(self.id.0)
    .bind(int(self.cooperative.0)?)
    .bind(&self.name)
    .bind(phone(self.phone)?)
    .bind(&self.language)
    .bind(self.registered_at_s)
    .execute(&mut *conn)
    .await?;
        if done.rows_affected() > 0 {
            return Ok(true);
        }
        let gave_way = q("INSERT INTO member_aliases AS a (from_id, to_id, cooperative_id) SELECT $1, id, cooperative_id FROM members
        WHERE cooperative_id = $2 AND phone = $3 AND NOT EXISTS (SELECT FROM members WHERE id = $1)
        ON CONFLICT (from_id) DO UPDATE SET to_id = a.to_id")
    .bind(self.id.0)
    .bind(int(self.cooperative.0)?)
    .bind(phone(self.phone)?)
    .execute(conn)
    .await?;
        let gave_way = gave_way.rows_affected() > 0;
        if gave_way {
            also.push((brought.bucket, Alias::NUMBER, Key::Uuid(self.id.0)));
        }
        Ok(gave_way)
    }
}

impl Table for Alias {
    const TABLE: &'static str = "member_aliases";
    const KEYS: Keys =
        Keys::Uuid("SELECT from_id FROM member_aliases WHERE from_id > $1 ORDER BY from_id LIMIT $2");
    const CATALOGUE: Catalogue = Catalogue::Nothing;

    fn read(cells: &Cells<'_>) -> Result<Self, sqlx::Error> {
        Ok(Self { from: MemberId(cells.get(0)?), to: MemberId(cells.get(1)?) })
    }

    async fn standing(conn: &mut PgConnection, _: View, keys: &[Key]) -> Standings {
        let rows = q("SELECT from_id, to_id, cooperative_id FROM member_aliases WHERE from_id = ANY($1)")
            .bind(uuids(keys))
            .fetch_all(conn)
            .await?;
        let standing = |row| {
            let cells = Cells::of(Self::TABLE, row);
            Ok(Standing::new(Bucket::Coop(CooperativeId(cells.number(2)?)), &Self::read(&cells)?))
        };
        rows.iter().map(standing).collect()
    }
}

impl Loaded for Alias {
    /// Those of members who are asked for, and of who offers the listings in the set.
    async fn load(conn: &mut PgConnection, wanted: &Wanted, set: &mut WorkingSet) -> Result<(), sqlx::Error> {
        let sellers = set.all::<Listing>().filter_map(|listing| listing.seller).map(|id| id.0);
        let asked: BTreeSet<Uuid> = wanted.uuids::<Member>().into_iter().chain(sellers).collect();
        if asked.is_empty() {
            return Ok(());
        }
        let rows = q("SELECT from_id, to_id FROM member_aliases WHERE from_id = ANY($1)")
            .bind(asked.into_iter().collect::<Vec<_>>())
            .fetch_all(conn)
            .await?;
        put_all::<Self>(&rows, set)
    }
}

impl Written for Alias {
    async fn write(
        conn: &mut PgConnection,
        rows: &Rows,
        _: &Facts,
        _: Timestamp,
    ) -> Result<Vec<(u16, Key, Fields)>, sqlx::Error> {
        let Some(rows) = rows.to_write::<Self>()? else { return Ok(Vec::new()) };
        q("INSERT INTO member_aliases (from_id, to_id, cooperative_id)
            SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::int[])
            ON CONFLICT (from_id) DO UPDATE SET to_id = excluded.to_id")
        .bind(column!(rows, (a, _) => a.from.0))
        .bind(column!(rows, (a, _) => a.to.0))
        .bind(fitting_column!(rows, (_, beside) => int(beside.cooperative.0)))
        .execute(conn)
        .await?;
        Ok(Vec::new())
    }
}

impl Again for Alias {
    fn may_stand(&self, _: CooperativeId) -> bool {
        true
    }

    fn stands_under(&self) -> Needs {
        Needs::default()
    }

    /// Whom it gave way to may have given way himself.
    async fn stand(
        &self,
        conn: &mut PgConnection,
        brought: &Brought<'_>,
        _: &mut Vec<(Bucket, u16, Key)>,
    ) -> Result<bool, sqlx::Error> {
        let done =
            q("INSERT INTO member_aliases (from_id, to_id, cooperative_id) SELECT $1, id, $3 FROM members
        WHERE id = $2 OR id = (SELECT to_id FROM member_aliases WHERE from_id = $2) ON CONFLICT DO NOTHING")
            .bind(self.from.0)
            .bind(self.to.0)
            .bind(int(brought.own.0)?)
            .execute(conn)
            .await?;
        Ok(done.rows_affected() > 0)
    }
}

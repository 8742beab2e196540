//! Names that were kept before names had one form (`node::name`) are put into it, once for each database: one that looks like another is
//! found by it again. What another row of the same name keeps from that is left as it is and named in the log, for a person.

use crate::bad_rows::{BadRows, OfARow as _};
use crate::db::Cells;
use crate::db::{Db, q, q_scalar, retrying};
use crate::feed::{FeedError, publish, where_they_stand};
use mizili_node::deps::Deps;
use mizili_node::name::tidy;
use sync_protocol::market::{
    Commodity, Cooperative, EdgeSettings, Entity, Listing, Market, Member, OfficeUser, Order, Region, Unit,
};
use sync_protocol::row::Key;
use uuid::Uuid;

/// The form in which names are kept. Another form is another number: then all are looked through again.
const FORM: i64 = 1;
/// The row of `job_cursors` that says in which form all names are.
const JOB: &str = "names";
/// Names that are read at once.
const PAGE_ROWS: usize = 10_000;
/// Names that one transaction changes.
const CHUNK_ROWS: usize = 200;

/// A column of names: how those are found that may be in another form, the elder first, and how they are written.
struct Column {
    entity: u16,
    select: &'static str,
    update: &'static str,
}

macro_rules! column {
    ($entity:ident, $table:literal, $id:literal, $column:literal) => {
        Column {
            entity: $entity::NUMBER,
            // Letters that nobody sees (sync-protocol's `is_invisible`), spaces of other kinds, spaces at the ends or in a row.
            select: concat!(
                "SELECT id::text, ", $column, " FROM ", $table, " WHERE (", $column, " IS NOT NFC NORMALIZED OR ", $column, " ~ '",
                r"[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\u2800\u3164",
                r"\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff",
                r"\u00a0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000]|^\s|\s$|  ') AND ($2::text IS NULL OR ", $table, ".id > $2::", $id, ") ORDER BY ",
                $table, ".id LIMIT $1"
            ),
            update: concat!(
                "UPDATE ", $table, " t SET ", $column, " = n.new FROM unnest($1::text[], $2::text[], $3::text[]) AS n (id, old, new)
                 WHERE t.id = n.id::", $id, " AND t.", $column, " = n.old RETURNING t.id::text"
            ),
        }
    };
}

const COLUMNS: [Column; 14] = [
    column!(Region, "regions", "int", "name"),
    column!(Commodity, "commodities", "int", "name"),
    column!(Commodity, "commodities", "int", "name_sw"),
    column!(Commodity, "commodities", "int", "name_ny"),
    column!(Commodity, "commodities", "int", "name_fr"),
    column!(Unit, "units", "int", "code"),
    column!(Market, "markets", "int", "name"),
    column!(Market, "markets", "int", "district"),
    column!(Cooperative, "cooperatives", "int", "name"),
    column!(EdgeSettings, "edges", "int", "name"),
    column!(OfficeUser, "users", "uuid", "name"),
    column!(Member, "members", "uuid", "name"),
    column!(Listing, "listings", "uuid", "title"),
    column!(Order, "orders", "uuid", "buyer_name"),
];

/// A name in another form than it is kept in by now.
struct Untidy {
    id: String,
    old: String,
    new: String,
}

/// Puts all names into the form of today, if they are not in it for certain. Gives how many it changed.
///
/// # Errors
/// Those of the database. What was changed before stands; the next try goes on.
pub async fn put_into_form(db: &Db, deps: &Deps) -> Result<usize, FeedError> {
    if form_of_all(db).await? >= FORM {
        return Ok(0);
    }
    let (mut bad, mut changed) = (BadRows::of(JOB), 0);
    for column in &COLUMNS {
        let mut after = None;
        loop {
            let Page { untidy, last } = page(db, column, after.as_deref()).await?;
            for chunk in untidy.chunks(CHUNK_ROWS) {
                changed += match change(db, deps, column, chunk).await {
                    Err(error) if error.is_of_a_row() => {
                        one_by_one(db, deps, column, chunk, &mut bad).await?
                    }
                    done => done?,
                };
            }
            if last.is_none() {
                break;
            }
            after = last;
        }
    }
    note(db).await?;
    Ok(changed)
}

async fn one_by_one(
    db: &Db,
    deps: &Deps,
    column: &Column,
    chunk: &[Untidy],
    bad: &mut BadRows,
) -> Result<usize, FeedError> {
    let mut done = 0;
    for one in chunk {
        let changed = change(db, deps, column, std::slice::from_ref(one)).await;
        let row = format_args!("entity {} {} {:?}", column.entity, one.id, one.old);
        done += bad.sift(row, changed)?.unwrap_or(0);
    }
    Ok(done)
}

/// Names that are to be changed, of so many that were looked at.
struct Page {
    untidy: Vec<Untidy>,
    /// The id of the last one that was looked at, where there are more.
    last: Option<String>,
}

async fn page(db: &Db, column: &Column, after: Option<&str>) -> Result<Page, FeedError> {
    let mut tx = db.begin().await?;
    let rows = q(column.select).bind(PAGE_ROWS as i64).bind(after).fetch_all(&mut *tx).await?;
    tx.commit().await?;
    let mut untidy = Vec::with_capacity(rows.len());
    let last = rows.last().filter(|_| rows.len() == PAGE_ROWS);
    let last = last.map(|row| Cells::of("names", row).get(0)).transpose()?;
    for row in &rows {
        let cells = Cells::of("names", row);
        let (id, old): (String, String) = (cells.get(0)?, cells.get(1)?);
        let new = tidy(&old);
        // One of which nothing would be left stays what it is.
        if new != old && !new.is_empty() {
            untidy.push(Untidy { id, old, new });
        }
    }
    Ok(Page { untidy, last })
}

/// Writes names, and publishes the rows that have them.
async fn change(db: &Db, deps: &Deps, column: &Column, names: &[Untidy]) -> Result<usize, FeedError> {
    retrying(deps, || async {
        let mut tx = db.begin().await?;
        let all = |of: fn(&Untidy) -> &String| names.iter().map(of).cloned().collect::<Vec<String>>();
        let rows = q(column.update)
            .bind(all(|name| &name.id))
            .bind(all(|name| &name.old))
            .bind(all(|name| &name.new))
            .fetch_all(&mut *tx)
            .await?;
        let mut keys = Vec::with_capacity(rows.len());
        for row in &rows {
            let cells = Cells::of("names", row);
            keys.push(key(cells.get(0)?).ok_or_else(|| cells.misfit(0))?);
        }
        let touched = where_they_stand(&mut tx, column.entity, &keys).await?;
        publish(&mut tx, &touched).await?;
        db.commit_and_tell(tx, &touched.moved()).await?;
        Ok(keys.len())
    })
    .await
}

fn key(id: &str) -> Option<Key> {
    id.parse().map(Key::Int).ok().or_else(|| id.parse::<Uuid>().map(Key::Uuid).ok())
}

async fn form_of_all(db: &Db) -> Result<i64, sqlx::Error> {
    let mut tx = db.begin().await?;
    let sql = "SELECT coalesce(max(version), 0) FROM job_cursors WHERE job = $1 AND bucket = 'form'";
    let form = q_scalar(sql).bind(JOB).fetch_one(&mut *tx).await?;
    tx.commit().await?;
    Ok(form)
}

async fn note(db: &Db) -> Result<(), sqlx::Error> {
    let mut tx = db.begin().await?;
    q("INSERT INTO job_cursors (job, bucket, version) VALUES ($1, 'form', $2)
        ON CONFLICT (job, bucket) DO UPDATE SET version = excluded.version")
    .bind(JOB)
    .bind(FORM)
    .execute(&mut *tx)
    .await?;
    tx.commit().await
}

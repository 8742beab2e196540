//! What the hub says of each replicated table, once: its name and columns, how a row is read, where it stands, how commands find and
//! lock rows of it, and how they write them.

use super::keys::Keys;
use super::rows::Rows;
use super::wanted::Wanted;
use crate::db::Cells;
use jiff::Timestamp;
use sqlx::PgConnection;
use sqlx::postgres::PgRow;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::CooperativeId;
use sync_protocol::market::{Entity, Facts, Needs, Settable, WorkingSet};
use sync_protocol::row::{Key, Row};
use sync_protocol::value::Fields;
use uuid::Uuid;

/// A table of rows that edges see.
pub(crate) trait Table: Entity {
    /// Its name in the database.
    const TABLE: &'static str;
    /// How its rows are told apart and listed.
    const KEYS: Keys;
    /// What of it other cooperatives of the region see.
    const CATALOGUE: Catalogue;

    /// A row, from the columns that its file names, in their order.
    ///
    /// # Errors
    /// Names a column that does not fit.
    fn read(cells: &Cells<'_>) -> Result<Self, sqlx::Error>;

    /// Where the rows of these keys stand in a view. A key without an answer stands nowhere. Reads only; to be called in a fresh
    /// statement after the buckets are locked, or its answer may be out of date before it is written.
    async fn standing(conn: &mut PgConnection, view: View, keys: &[Key]) -> Standings;
}

/// A table that commands read.
pub(crate) trait Loaded: Table {
    /// The fields, ascending, by which commands may look for its rows: [`Loaded::load`] answers each.
    const FOUND_BY: &'static [&'static [u16]] = &[];

    /// Puts into the set what is wanted of it, and what is known beside its rows; locked where a command may change it. One statement
    /// for each kind of question, however many rows.
    async fn load(conn: &mut PgConnection, wanted: &Wanted, set: &mut WorkingSet) -> Result<(), sqlx::Error>;

    /// Rows of tables that are locked before this one and stand beside rows of it, see [`Entity::BESIDE`].
    async fn beside(_: &mut PgConnection, _: &Wanted) -> Result<Vec<(u16, Key)>, sqlx::Error> {
        Ok(Vec::new())
    }
}

/// A table that commands write.
pub(crate) trait Written: Table + Settable {
    /// Writes what commands have set of it, the last state of each row, in one statement. Returns the rows that it put where none was,
    /// with all that the feed would read of them: nobody else can have changed these.
    async fn write(
        conn: &mut PgConnection,
        rows: &Rows,
        facts: &Facts,
        at: Timestamp,
    ) -> Result<Vec<(u16, Key, Fields)>, sqlx::Error>;
}

/// A table whose rows offices bring back to a hub that was restored from a backup and has forgotten them. Whatever commands write is one:
/// it says what happened.
pub(crate) trait Again: Written {
    /// Whether it may stand here again from a cooperative's bucket.
    fn may_stand(&self, own: CooperativeId) -> bool;

    /// The rows under whose locks it stands again: a statement that waits for a row looks at everything else as it was before it waited,
    /// so they are waited for first.
    fn stands_under(&self) -> Needs;

    /// Lets it stand where nothing was done here since the restore. Returns whether it changed anything; what it changed beside itself is
    /// added to `also`.
    async fn stand(
        &self,
        conn: &mut PgConnection,
        brought: &Brought<'_>,
        also: &mut Vec<(Bucket, u16, Key)>,
    ) -> Result<bool, sqlx::Error>;
}

/// How a row came back.
pub(crate) struct Brought<'a> {
    /// The cooperative whose office brought it.
    pub(crate) own: CooperativeId,
    /// Where it stood: that cooperative's bucket.
    pub(crate) bucket: Bucket,
    pub(crate) entity: u16,
    /// Its key, as it is stored.
    pub(crate) id: &'a [u8],
    /// The row that stands here is the backup's own up to this version.
    pub(crate) unchanged_upto: i64,
    /// The version under which an earlier state of it was let stand; 0 for none.
    pub(crate) published: i64,
}

/// What other cooperatives of a region see.
pub(crate) enum Catalogue {
    /// Nothing of this table, and nothing of it changes what they see.
    Nothing,
    /// Its rows, in another form.
    Itself,
    /// Nothing of it; but a row of it changes what they see of another: of which, it says.
    Changes(fn(&Row) -> Option<(u16, Uuid)>),
}

/// Which of a thing's buckets are meant. The two differ in content and in who writes them, so they are asked for apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum View {
    /// Where it belongs, in full: written by whoever changes it.
    Home,
    /// What other cooperatives see of it, in `catalogue:R`: written by a job.
    Catalogue,
}

impl View {
    /// The one of a bucket.
    pub(crate) fn of(bucket: Bucket) -> Self {
        if matches!(bucket, Bucket::Catalogue(_)) { Self::Catalogue } else { Self::Home }
    }
}

/// A row as it should stand in the feed.
pub(crate) struct Standing {
    pub(crate) bucket: Bucket,
    pub(crate) key: Key,
    pub(crate) fields: Fields,
}

impl Standing {
    pub(super) fn new<E: Entity>(bucket: Bucket, entity: &E) -> Self {
        Self { bucket, key: entity.key(), fields: entity.to_fields() }
    }
}

/// What a view of a table came to.
pub(crate) type Standings = Result<Vec<Standing>, sqlx::Error>;

/// What rows say that begin with the columns of their table's file.
pub(crate) fn read_all<E: Table>(rows: &[PgRow]) -> impl Iterator<Item = Result<E, sqlx::Error>> {
    rows.iter().map(|row| E::read(&Cells::of(E::TABLE, row)))
}

/// Rows where they stand, of a table of which each says that itself.
pub(super) fn stand<E: Table>(rows: &[PgRow], bucket: impl Fn(&E) -> Bucket) -> Standings {
    read_all::<E>(rows).map(|row| row.map(|row| Standing::new(bucket(&row), &row))).collect()
}

/// Puts rows of a table into the set.
pub(super) fn put_all<E: Table>(rows: &[PgRow], set: &mut WorkingSet) -> Result<(), sqlx::Error> {
    for row in read_all::<E>(rows) {
        set.put(&row?);
    }
    Ok(())
}

/// Keys of the kind that the entity has; another kind stands nowhere.
pub(super) fn ints(keys: &[Key]) -> Vec<i32> {
    let int = |key: &Key| if let Key::Int(n) = key { i32::try_from(*n).ok() } else { None };
    keys.iter().filter_map(int).collect()
}

/// As [`ints`].
pub(super) fn uuids(keys: &[Key]) -> Vec<Uuid> {
    keys.iter().filter_map(|key| if let Key::Uuid(id) = key { Some(*id) } else { None }).collect()
}

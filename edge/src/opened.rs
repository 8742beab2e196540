//! Opens this box's database with all that is derived from it and kept beside it: the index of rows, and the high-water file by which a
//! copy is noticed.

use crate::db::{Db, DbError};
use crate::{node, replica};
use rusqlite::Transaction;
use std::path::Path;

impl Db {
    /// Opens the database in a data folder, makes both where they are missing, and brings the schema and what is derived up to date.
    ///
    /// A file that can be read but not written opens too: then every write fails by name, and succeeds again once it can.
    ///
    /// # Errors
    /// When the file can be neither written nor read, is damaged, or was written by a newer version.
    pub fn open(data_dir: &Path) -> Result<Self, DbError> {
        Self::open_with(data_dir, up_to_date)
    }
}

fn up_to_date(tx: &Transaction<'_>, data_dir: &Path) -> Result<(), DbError> {
    replica::refresh_index(tx)?;
    node::note_high_water(tx, data_dir)
}

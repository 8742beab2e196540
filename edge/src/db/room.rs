//! Whether the data folder's disk takes anything, found out by trying. The database's own errors and small writes do not always
//! tell: free pages inside the file are written on a full disk too.

use super::DbError;
use std::fs::OpenOptions;
use std::io::{self, Write as _};
use std::path::Path;

/// Made and taken away again; what a kill left is used anew.
const FILE_NAME: &str = "room.check";

/// More than one block of any usual file system.
const TRIED_BYTES: usize = 8 << 10;

/// Writes a small file in the data folder, up to the disk, and takes it away.
///
/// # Errors
/// What kept it from being written: as for a write to the database.
pub(super) fn try_disk(data_dir: &Path) -> Result<(), DbError> {
    let path = data_dir.join(FILE_NAME);
    let tried = write(&path);
    let removed = std::fs::remove_file(&path);
    tried?;
    match removed {
        // Another program tried at the same moment.
        Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error.into()),
        _ => Ok(()),
    }
}

fn write(path: &Path) -> io::Result<()> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(path)?;
    // Not zeros, which some file systems store in no room at all.
    file.write_all(&[0xA5; TRIED_BYTES])?;
    file.sync_all()
}

/// SQLite says "disk I/O error" where it cannot lengthen a file of its log: gives the error a better name where the disk is just
/// full, or closed to writing.
pub(super) fn named(error: DbError, data_dir: &Path) -> DbError {
    match error {
        DbError::Disk(_) => match try_disk(data_dir) {
            Err(cause @ (DbError::Full | DbError::ReadOnly)) => cause,
            _ => error,
        },
        error => error,
    }
}

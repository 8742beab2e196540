//! Secrets of the hub that lie in its data folder, in files that only the hub's user can read. A secret that is there is never
//! written over.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::fs;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// The text of a file, made on first use: so many bytes in base64, with `fill` as the source of randomness.
///
/// # Errors
/// When the file can be neither read nor made.
pub(crate) fn read_or_make<const BYTES: usize>(
    path: &Path,
    fill: impl FnOnce(&mut [u8]),
) -> io::Result<String> {
    match fs::read_to_string(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            let mut secret = [0u8; BYTES];
            fill(&mut secret);
            make(path, &URL_SAFE_NO_PAD.encode(secret))?;
            // Another process may have been first: what is in the file counts.
            fs::read_to_string(path)
        }
        read => read,
    }
}

/// Makes the file whole or not at all, and never over another.
fn make(path: &Path, text: &str) -> io::Result<()> {
    let draft = path.with_extension(format!("{}.new", std::process::id()));
    let mut file = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&draft)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    let linked = fs::hard_link(&draft, path);
    fs::remove_file(&draft)?;
    match linked {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
        // Where another process was first, it may not have come to the next line yet.
        _ => {}
    }
    sync_folder_of(path)
}

/// Puts the name of a file or a folder on the disk, whatever is in it. Without that a power cut takes it, and with it keys that
/// edges have pinned already.
///
/// # Errors
/// When the folder around it cannot be synced.
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| *folder != Path::new("")).unwrap_or(Path::new("."));
    match fs::File::open(folder) {
        // A folder may be open to making things in it and closed to reading: then there is no way to sync it.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        opened => opened?.sync_all(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    #[test]
    fn a_secret_is_made_once_and_only_its_owner_reads_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        let first = read_or_make::<32>(&path, |secret| secret.fill(7)).unwrap();
        assert_eq!(URL_SAFE_NO_PAD.decode(&first).unwrap(), [7; 32]);
        assert_eq!(read_or_make::<32>(&path, |secret| secret.fill(9)).unwrap(), first);
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        // Whoever comes second leaves what the first has made, and nothing beside it.
        make(&path, "another").unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), first);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}

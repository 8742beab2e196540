//! Small files in the data folder that are not the database: private keys, and what is written whole or not at all. What is
//! here must never be in a log or an answer.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

/// A private key in a file of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SecretFile {
    /// Ed25519: shows the hub who this edge is.
    Signing,
    /// X25519: opens bundles sealed to this edge.
    Bundle,
}

impl SecretFile {
    fn name(self) -> &'static str {
        match self {
            Self::Signing => "signing.key",
            Self::Bundle => "bundle.key",
        }
    }
}

/// Keeps a private key in a file that only its owner may read (mode 0600), on disk when this returns.
///
/// # Errors
/// Those of the file system.
pub fn save_secret(data_dir: &Path, which: SecretFile, key: &[u8; 32]) -> io::Result<()> {
    write_whole(data_dir, which.name(), key)
}

/// Reads a private key; `None` when there is none.
///
/// # Errors
/// Those of the file system; `InvalidData` when the file does not have 32 bytes.
pub fn load_secret(data_dir: &Path, which: SecretFile) -> io::Result<Option<[u8; 32]>> {
    let Some(bytes) = read_whole(data_dir, which.name())? else { return Ok(None) };
    let bad = || {
        io::Error::new(
            io::ErrorKind::InvalidData,
            format!("{} is damaged: it must have 32 bytes", which.name()),
        )
    };
    bytes.try_into().map(Some).map_err(|_| bad())
}

/// Writes a small file so that after any crash there is either the old one or the new one.
pub(crate) fn write_whole(data_dir: &Path, name: &str, bytes: &[u8]) -> io::Result<()> {
    let draft = data_dir.join(format!("{name}.new"));
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&draft)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    std::fs::rename(&draft, data_dir.join(name))?;
    File::open(data_dir)?.sync_all()
}

/// Reads a small file; `None` when there is none. At most 4 KiB are looked at.
pub(crate) fn read_whole(data_dir: &Path, name: &str) -> io::Result<Option<Vec<u8>>> {
    let file = match File::open(data_dir.join(name)) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(error),
    };
    let mut bytes = Vec::new();
    file.take(4_096).read_to_end(&mut bytes)?;
    Ok(Some(bytes))
}

/// Writes a file that only its owner may read, synced to disk and in one step: never half of it, never the old mode.
///
/// # Errors
/// What the system says.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    match fs::remove_file(&beside) {
        Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(e),
        _ => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&beside)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    fs::rename(&beside, path)?;
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => File::open(dir)?.sync_all(),
        _ => Ok(()),
    }
}

/// Makes the data folder where it is missing, for its owner alone: it holds phone numbers and keys.
pub(crate) fn make_private_dir(data_dir: &Path) -> io::Result<()> {
    if data_dir.is_dir() {
        return Ok(());
    }
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(data_dir)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_and_nobody_else_may_read_it() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(load_secret(dir.path(), SecretFile::Signing).unwrap(), None);
        save_secret(dir.path(), SecretFile::Signing, &[7; 32]).unwrap();
        save_secret(dir.path(), SecretFile::Signing, &[8; 32]).unwrap();
        assert_eq!(load_secret(dir.path(), SecretFile::Signing).unwrap(), Some([8; 32]));
        assert_eq!(load_secret(dir.path(), SecretFile::Bundle).unwrap(), None);
        let mode = std::os::unix::fs::PermissionsExt::mode(
            &dir.path().join("signing.key").metadata().unwrap().permissions(),
        );
        assert_eq!(mode & 0o777, 0o600);
        std::fs::write(dir.path().join("bundle.key"), b"short").unwrap();
        assert!(load_secret(dir.path(), SecretFile::Bundle).is_err());
    }

    #[test]
    #[cfg(unix)]
    fn a_private_file_is_the_owner_s_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x");
        write_private(&path, b"one").unwrap();
        write_private(&path, b"two").unwrap();
        assert_eq!(fs::read(&path).unwrap(), b"two");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1, "nothing is left beside it");
    }
}

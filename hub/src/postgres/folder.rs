//! The files round a cluster: its folder's layout, the socket's place, and the locks that processes share.
//! It must never leave a folder readable by other accounts, nor follow a folder that somebody else made.

use super::account::{Account, effective_uid};
use super::error::{PostgresError, at};
use std::fs::{File, Permissions, TryLockError};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// The port names the socket's file; nothing listens on a network.
pub(super) const PORT: u16 = 5432;
/// Longest path of a Unix socket in bytes, without the closing zero: Linux's `sun_path`.
const SOCKET_PATH_MAX_BYTES: usize = 107;
/// A log larger than this is put aside (one older log is kept) before a start.
const LOG_MAX_BYTES: u64 = 8 * 1024 * 1024;

/// Paths of one cluster.
#[derive(Debug, Clone)]
pub(super) struct Folder {
    /// Absolute, without links.
    pub(super) dir: PathBuf,
    /// Folder of the socket.
    pub(super) socket: PathBuf,
}

impl Folder {
    /// Makes the folder if it is missing and resolves it.
    pub(super) fn open(dir: &Path) -> Result<Self, PostgresError> {
        std::fs::DirBuilder::new().recursive(true).mode(0o700).create(dir).map_err(at(dir))?;
        let dir = dir.canonicalize().map_err(at(dir))?;
        let me = effective_uid()?;
        // The server's account walks from its data folder to its socket folder through this one.
        if me == 0 && std::fs::metadata(&dir).map_err(at(&dir))?.uid() == 0 {
            std::fs::set_permissions(&dir, Permissions::from_mode(0o711)).map_err(at(&dir))?;
        }
        let socket = socket_folder(&dir, me);
        Ok(Self { dir, socket })
    }

    /// The cluster itself.
    pub(super) fn data(&self) -> PathBuf {
        self.dir.join("data")
    }

    /// Where a cluster is made before it gets its name: one that is there under its name is whole.
    pub(super) fn unfinished(&self) -> PathBuf {
        self.dir.join("data.unfinished")
    }

    /// The server's log.
    pub(super) fn log(&self) -> PathBuf {
        self.dir.join("postgres.log")
    }

    /// Held for the length of a start or a stop, so that two processes never do either at once.
    pub(super) fn start_lock(&self) -> PathBuf {
        self.dir.join("start.lock")
    }

    /// Held shared by everyone who uses the server. Whoever can hold it alone is the last.
    pub(super) fn users_lock(&self) -> PathBuf {
        self.dir.join("users.lock")
    }

    /// Major version of the cluster, or nothing where there is none yet.
    pub(super) fn made_by(&self) -> Result<Option<u32>, PostgresError> {
        let data = self.data();
        if !data.exists() {
            return Ok(None);
        }
        let version = std::fs::read_to_string(data.join("PG_VERSION"));
        let major = version.ok().and_then(|text| text.trim().parse().ok());
        major.map(Some).ok_or(PostgresError::NotACluster { dir: data })
    }

    /// The first line of `postmaster.pid`: the process that runs, or ran, the server.
    pub(super) fn pid(&self) -> Option<u32> {
        let text = std::fs::read_to_string(self.pid_file()).ok()?;
        text.lines().next()?.trim().parse().ok()
    }

    /// Where the server leaves its process id.
    pub(super) fn pid_file(&self) -> PathBuf {
        self.data().join("postmaster.pid")
    }

    /// The other place where it does.
    pub(super) fn socket_lock(&self) -> PathBuf {
        self.socket.join(format!(".s.PGSQL.{PORT}.lock"))
    }

    /// Makes the folder of the socket, private to `account`.
    pub(super) fn prepare_socket(&self, account: &Account) -> Result<(), PostgresError> {
        if let Some(parent) = self.socket.parent()
            && parent != self.dir
        {
            prepare_runtime(parent, effective_uid()?)?;
        }
        account.private_folder(&self.socket)
    }

    /// The socket's folder as the server, which works inside its data folder, is told it.
    pub(super) fn socket_setting(&self) -> String {
        if self.socket.starts_with(&self.dir) {
            "../socket".into()
        } else {
            // Made by `socket_folder`: plain letters only, nothing to escape.
            self.socket.display().to_string()
        }
    }

    /// Opens the log for adding to, after putting a large one aside.
    pub(super) fn open_log(&self) -> Result<File, PostgresError> {
        let log = self.log();
        if std::fs::metadata(&log).is_ok_and(|found| found.len() > LOG_MAX_BYTES) {
            std::fs::rename(&log, self.dir.join("postgres.log.old")).map_err(at(&log))?;
        }
        File::options().create(true).append(true).mode(0o600).open(&log).map_err(at(log))
    }
}

/// Opens a lock file, which is never deleted: a lock on a deleted file excludes nobody.
pub(super) fn lock_file(path: &Path) -> Result<File, PostgresError> {
    File::options().create(true).append(true).mode(0o600).open(path).map_err(at(path))
}

/// A lock that nobody else holds, given back when this goes, or when the process ends, however it does. Closing the file alone might not:
/// a process that another thread is about to start has a copy of it for a moment, and with it the lock.
#[derive(Debug)]
pub(super) struct Alone(File);

impl Drop for Alone {
    fn drop(&mut self) {
        if let Err(error) = self.0.unlock() {
            tracing::warn!(%error, "a lock of the private Postgres is given back late");
        }
    }
}

/// Waits for the lock, without holding up the runtime.
pub(super) async fn lock_alone(path: PathBuf) -> Result<Alone, PostgresError> {
    let file = lock_file(&path)?;
    match file.try_lock() {
        Ok(()) => return Ok(Alone(file)),
        Err(TryLockError::WouldBlock) => {}
        Err(TryLockError::Error(error)) => return Err(at(path)(error)),
    }
    tracing::debug!(lock = %path.display(), "waiting for another process");
    let waited = tokio::task::spawn_blocking(move || file.lock().map(|()| Alone(file))).await;
    waited.map_err(std::io::Error::other).and_then(|locked| locked).map_err(at(path))
}

/// Takes the lock if nobody else holds it in any way.
pub(super) fn try_lock_alone(path: &Path) -> Result<Option<Alone>, PostgresError> {
    let file = lock_file(path)?;
    match file.try_lock() {
        Ok(()) => Ok(Some(Alone(file))),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(at(path)(error)),
    }
}

/// Inside the cluster's folder where the path is short enough; else below a folder of this user's own.
/// Every process of this user finds the same place.
fn socket_folder(dir: &Path, me: u32) -> PathBuf {
    let inside = dir.join("socket");
    if inside.join(format!(".s.PGSQL.{PORT}")).as_os_str().len() <= SOCKET_PATH_MAX_BYTES {
        return inside;
    }
    let base = if me == 0 { "/run/mizili".into() } else { format!("/tmp/mizili-{me}") };
    PathBuf::from(base).join(format!("{:016x}", fnv1a(dir.as_os_str().as_encoded_bytes())))
}

/// FNV-1a, because the name must not change with the compiler: another build has to find the same socket.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

/// Makes the folder that holds sockets with short paths; refuses one that another account put there first.
fn prepare_runtime(base: &Path, me: u32) -> Result<(), PostgresError> {
    let mode = if me == 0 { 0o711 } else { 0o700 };
    match std::fs::DirBuilder::new().mode(mode).create(base) {
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        made => made.map_err(at(base))?,
    }
    let found = std::fs::symlink_metadata(base).map_err(at(base))?;
    if !found.is_dir() || found.uid() != me {
        return Err(PostgresError::NotOwner {
            dir: base.to_path_buf(),
            owner: format!("user {}", found.uid()),
            advice: "Use a data folder with a shorter path, or have that folder removed.",
        });
    }
    std::fs::set_permissions(base, Permissions::from_mode(mode)).map_err(at(base))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_socket_moves_out_of_a_deep_folder_only() {
        let fits = "d".repeat(SOCKET_PATH_MAX_BYTES - "//socket/.s.PGSQL.5432".len());
        let fits = Path::new("/").join(fits);
        assert_eq!(socket_folder(&fits, 7), fits.join("socket"));
        let deep = PathBuf::from(format!("{}x", fits.display()));
        assert_eq!(socket_folder(&deep, 7).parent(), Some(Path::new("/tmp/mizili-7")));
        assert_eq!(socket_folder(&deep, 0).parent(), Some(Path::new("/run/mizili")));
        let other = PathBuf::from(format!("{}y", fits.display()));
        assert_ne!(socket_folder(&deep, 7), socket_folder(&other, 7));
    }

    #[test]
    fn the_hash_is_the_published_one() {
        assert_eq!(fnv1a(b""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn a_runtime_folder_that_is_a_link_is_refused() {
        let root = tempfile::tempdir().unwrap();
        let me = effective_uid().unwrap();
        std::fs::create_dir(root.path().join("real")).unwrap();
        std::os::unix::fs::symlink(root.path().join("real"), root.path().join("link")).unwrap();
        prepare_runtime(&root.path().join("fresh"), me).unwrap();
        prepare_runtime(&root.path().join("fresh"), me).unwrap();
        let error = prepare_runtime(&root.path().join("link"), me).unwrap_err();
        assert!(matches!(error, PostgresError::NotOwner { .. }), "{error}");
    }

    #[tokio::test]
    async fn who_gives_a_lock_up_gives_it_up_though_a_copy_of_its_file_is_open() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("lock");
        let lock = lock_alone(path.clone()).await.unwrap();
        // As a process has that another thread is about to start.
        let _copy = lock.0.try_clone().unwrap();
        assert!(try_lock_alone(&path).unwrap().is_none());
        drop(lock);
        assert!(try_lock_alone(&path).unwrap().is_some());
    }
}

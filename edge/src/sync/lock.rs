//! One exchange at a time for a data directory, one running `serve` and one `enrol`: locks on files, which the system frees when their
//! holder ends, however it ends. A disk that takes nothing must not keep a `serve` from running. Other processes of the same box
//! (`sync --once`, `status`) go by them.

use crate::files::make_private_dir;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Seek as _, Write as _};
use std::net::SocketAddr;
use std::path::Path;
use std::time::Duration;

/// Held during an exchange.
const EXCHANGE_FILE: &str = "sync.lock";

/// Held by a running `serve`; holds the address it listens on, and on a second line that for gateways where they have one of their own.
const SERVE_FILE: &str = "serve.lock";

/// Held by a running `enrol`. Where that leaves nothing behind it goes too, so a lock on it counts only while it is the file of that name.
pub(crate) const ENROL_FILE: &str = "enrol.lock";

/// What an [`ENROL_FILE`] says that is held in the folder of a box, of which no try takes anything away.
const OF_A_BOX: &str = "box";

/// How often a waiter looks again.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// Looks for a place that is taken before it is called so: another command may be asking for it at this moment.
const PLACE_TRIES: u32 = 20;

/// A lock that is freed when this is dropped.
#[derive(Debug)]
pub struct Held {
    file: Option<File>,
    /// The data folder itself, held beside the file, which may not be there to be held.
    _folder: Option<File>,
}

fn open(data_dir: &Path, name: &str) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create(true).truncate(false).open(data_dir.join(name))
}

fn try_hold(file: File) -> io::Result<Option<File>> {
    match file.try_lock() {
        Ok(()) => Ok(Some(file)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(e)) => Err(e),
    }
}

/// Waits until no other exchange of this box is under way, at most that long. `None` when one still is.
///
/// # Errors
/// When the file cannot be opened.
pub async fn exchange(data_dir: &Path, patience: Duration) -> io::Result<Option<Held>> {
    let mut left = patience;
    loop {
        if let Some(file) = try_hold(open(data_dir, EXCHANGE_FILE)?)? {
            return Ok(Some(Held { file: Some(file), _folder: None }));
        }
        if left.is_zero() {
            return Ok(None);
        }
        let step = LOOK_EVERY.min(left);
        tokio::time::sleep(step).await;
        left -= step;
    }
}

/// Takes the place of the one `serve` of this data directory. `None` when another holds it. Also where nothing can be written:
/// then by the file as it is and by the folder, which are locked without a write.
///
/// # Errors
/// When the folder cannot be opened, or the file for another reason than that nothing can be written.
pub fn serving(data_dir: &Path) -> io::Result<Option<Held>> {
    let file = match open(data_dir, SERVE_FILE) {
        Ok(file) => match try_hold(file)? {
            Some(file) => Some(file),
            None => return Ok(None),
        },
        Err(error) if takes_nothing(&error) => {
            tracing::warn!(%error, "nothing can be written to the data folder");
            match File::open(data_dir.join(SERVE_FILE)).and_then(try_hold) {
                Ok(None) => return Ok(None),
                Ok(file) => file,
                // None was ever made, or a file system that locks only what is open for writing.
                Err(_) => None,
            }
        }
        Err(error) => return Err(error),
    };
    let folder = match try_hold(File::open(data_dir)?) {
        Ok(None) => return Ok(None),
        Ok(folder) => folder,
        Err(_) => None,
    };
    if file.is_none() && folder.is_none() {
        tracing::warn!("cannot tell whether another serve of this data folder is running");
    }
    Ok(Some(Held { file, _folder: folder }))
}

/// Looks again and again for a place that others hold for a moment only. `None` when it stays taken.
///
/// # Errors
/// Those of `look`.
pub async fn patiently<T>(mut look: impl FnMut() -> io::Result<Option<T>>) -> io::Result<Option<T>> {
    for _ in 0..PLACE_TRIES {
        if let Some(place) = look()? {
            return Ok(Some(place));
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
    Ok(None)
}

/// Keeps what lies in a data folder from being taken away while it is opened: no try to enrol begins meanwhile. `None` while one is under
/// way that may take it away. Makes nothing.
///
/// # Errors
/// When the lock cannot be looked at.
pub fn entering(data_dir: &Path) -> io::Result<Option<Held>> {
    let path = data_dir.join(ENROL_FILE);
    let mut file = match File::open(&path) {
        Ok(file) => file,
        // No try is under way: each makes it before anything else.
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Some(Held::nothing())),
        Err(error) => return Err(error),
    };
    match file.try_lock_shared() {
        Ok(()) if is_file_of(&file, &path)? => Ok(Some(Held { file: Some(file), _folder: None })),
        // A try has just ended, and has taken it away.
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => {
            let mut of = String::new();
            file.read_to_string(&mut of)?;
            Ok((of == OF_A_BOX).then(Held::nothing))
        }
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// Takes the place of the one `enrol` of this data directory, which is made where it is missing. `None` when another holds it.
///
/// # Errors
/// When the folder cannot be made, or nothing in it.
pub fn enrolling(data_dir: &Path) -> io::Result<Option<Held>> {
    loop {
        make_private_dir(data_dir)?;
        let file = match open(data_dir, ENROL_FILE) {
            // Another try has just ended and taken all that it made away.
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            opened => opened?,
        };
        let Some(file) = try_hold(file)? else { return Ok(None) };
        if is_file_of(&file, &data_dir.join(ENROL_FILE))? {
            // What an earlier try said was of what lay there then.
            file.set_len(0)?;
            return Ok(Some(Held { file: Some(file), _folder: None }));
        }
    }
}

fn is_file_of(file: &File, path: &Path) -> io::Result<bool> {
    use std::os::unix::fs::MetadataExt as _;
    let held = file.metadata()?;
    match path.metadata() {
        Ok(named) => Ok((named.dev(), named.ino()) == (held.dev(), held.ino())),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn takes_nothing(error: &io::Error) -> bool {
    use io::ErrorKind as K;
    let kinds = [K::ReadOnlyFilesystem, K::PermissionDenied, K::StorageFull, K::QuotaExceeded];
    kinds.contains(&error.kind())
}

impl Held {
    /// Where there is nothing to be held.
    fn nothing() -> Self {
        Self { file: None, _folder: None }
    }

    /// Says of a try to enrol that it is one in the folder of a box, which others may go on to open. Where that cannot be written, they
    /// wait until it has ended.
    pub(crate) fn is_of_a_box(&mut self) {
        let told = self.file.as_mut().map_or(Ok(()), |file| write_over(file, OF_A_BOX));
        if let Err(error) = told {
            tracing::warn!(%error, "other commands are not told that this enrol takes nothing away");
        }
    }

    /// Lets others know where this `serve` listens, for as long as it holds its place. Where that cannot be written, they take it
    /// for not running, rather than being led to where an earlier one listened.
    pub fn announce(&mut self, page: SocketAddr, gateways: Option<SocketAddr>) {
        let gateways = gateways.map_or(String::new(), |gateways| format!("\n{gateways}"));
        let told = match &mut self.file {
            Some(file) => write_over(file, &format!("{page}{gateways}")),
            None => Err(io::Error::new(io::ErrorKind::NotFound, "its file could not be made")),
        };
        if let Err(error) = told {
            tracing::warn!(%error, "other commands are not told that this serve is running");
            self.file = None;
        }
    }
}

fn write_over(file: &mut File, text: &str) -> io::Result<()> {
    let mut before = String::new();
    file.rewind()?;
    // What is no text is written over.
    if file.read_to_string(&mut before).is_ok() && before == text {
        return Ok(());
    }
    file.rewind()?;
    // Over what is there, before anything is cut off: that needs no room on a full disk.
    file.write_all(text.as_bytes())?;
    file.set_len(text.len() as u64)
}

/// Where a `serve` listens.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Serving {
    /// For people and their programs.
    pub page: SocketAddr,
    /// For gateways; the same where they have none of their own.
    pub gateways: SocketAddr,
}

/// Where a running `serve` of this data directory has its page; `None` when none runs, also when one was killed.
pub fn running_serve(data_dir: &Path) -> Option<SocketAddr> {
    running(data_dir).map(|serving| serving.page)
}

/// Where a running `serve` of this data directory listens; `None` when none runs, also when one was killed.
pub fn running(data_dir: &Path) -> Option<Serving> {
    let mut file = File::open(data_dir.join(SERVE_FILE)).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {}
        Ok(()) | Err(TryLockError::Error(_)) => return None,
    }
    let mut text = String::new();
    file.read_to_string(&mut text).ok()?;
    let (page, gateways) = text.split_once('\n').unwrap_or((&text, &text));
    Some(Serving { page: page.parse().ok()?, gateways: gateways.parse().ok()? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing_disk::SmallDisk;

    #[tokio::test]
    async fn one_holds_it_and_the_next_gets_it_afterwards() {
        let dir = tempfile::tempdir().unwrap();
        let first = exchange(dir.path(), Duration::ZERO).await.unwrap().unwrap();
        assert!(exchange(dir.path(), Duration::ZERO).await.unwrap().is_none());
        drop(first);
        assert!(exchange(dir.path(), Duration::ZERO).await.unwrap().is_some());
    }

    #[tokio::test]
    async fn a_waiter_gets_it_when_it_is_freed() {
        let dir = tempfile::tempdir().unwrap();
        let first = exchange(dir.path(), Duration::ZERO).await.unwrap().unwrap();
        let path = dir.path().to_owned();
        let waiter =
            tokio::spawn(async move { exchange(&path, Duration::from_secs(60)).await.unwrap().is_some() });
        tokio::task::yield_now().await;
        drop(first);
        assert!(waiter.await.unwrap());
    }

    #[test]
    fn one_enrols_and_what_was_taken_away_is_nobodys_place() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("box");
        let first = enrolling(&folder).unwrap().unwrap();
        assert!(enrolling(&folder).unwrap().is_none());
        // Who waited for the file of a try that left nothing holds nothing.
        let waited = open(&folder, ENROL_FILE).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        drop(first);
        let waited = try_hold(waited).unwrap().unwrap();
        let next = enrolling(&folder).unwrap().unwrap();
        assert!(!is_file_of(&waited, &folder.join(ENROL_FILE)).unwrap());
        drop(next);
        assert!(enrolling(&folder).unwrap().is_some());
    }

    #[test]
    fn nothing_is_opened_that_a_try_may_take_away_and_no_try_begins_meanwhile() {
        let dir = tempfile::tempdir().unwrap();
        assert!(entering(dir.path()).unwrap().is_some());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0, "who opens makes nothing");
        let mut first = enrolling(dir.path()).unwrap().unwrap();
        assert!(entering(dir.path()).unwrap().is_none());
        first.is_of_a_box();
        assert!(entering(dir.path()).unwrap().is_some());
        drop(first);
        let (entered, another) = (entering(dir.path()).unwrap().unwrap(), entering(dir.path()).unwrap());
        assert!(another.is_some() && enrolling(dir.path()).unwrap().is_none());
        drop((entered, another));
        let _next = enrolling(dir.path()).unwrap().unwrap();
        assert!(entering(dir.path()).unwrap().is_none(), "what another try said is not believed");
    }

    #[test]
    fn a_serve_is_found_while_it_runs_and_not_after() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(running_serve(dir.path()), None);
        let address: SocketAddr = "127.0.0.1:8090".parse().unwrap();
        let mut held = serving(dir.path()).unwrap().unwrap();
        held.announce("192.168.100.100:18090".parse().unwrap(), None);
        held.announce(address, None);
        assert!(serving(dir.path()).unwrap().is_none());
        assert_eq!(running(dir.path()), Some(Serving { page: address, gateways: address }));
        let gateways: SocketAddr = "[::1]:8091".parse().unwrap();
        held.announce(address, Some(gateways));
        assert_eq!(running(dir.path()), Some(Serving { page: address, gateways }));
        drop(held);
        assert_eq!(running_serve(dir.path()), None, "what a killed one left is not believed");
    }

    #[test]
    fn one_that_could_make_no_file_keeps_its_place_by_the_folder() {
        let dir = tempfile::tempdir().unwrap();
        let held = serving(dir.path()).unwrap().unwrap();
        std::fs::remove_file(dir.path().join(SERVE_FILE)).unwrap();
        assert!(serving(dir.path()).unwrap().is_none());
        drop(held);
        assert!(serving(dir.path()).unwrap().is_some());
    }

    #[test]
    fn a_disk_closed_to_writing_keeps_nobody_from_serving_and_two_are_told_apart() {
        let Some(disk) = SmallDisk::new() else { return };
        let address: SocketAddr = "127.0.0.1:8090".parse().unwrap();
        let other: SocketAddr = "127.0.0.1:8091".parse().unwrap();
        disk.close_to_writing(true);
        let mut held = serving(disk.path()).unwrap().unwrap();
        held.announce(address, None);
        assert!(serving(disk.path()).unwrap().is_none());
        drop(held);
        disk.close_to_writing(false);
        serving(disk.path()).unwrap().unwrap().announce(address, None);
        disk.close_to_writing(true);
        for (listen, told) in [(address, Some(address)), (other, None)] {
            let mut held = serving(disk.path()).unwrap().unwrap();
            held.announce(listen, None);
            assert!(serving(disk.path()).unwrap().is_none());
            assert_eq!(running_serve(disk.path()), told, "nobody is led to where an earlier one listened");
        }
    }

    #[test]
    fn a_full_disk_keeps_nobody_from_serving() {
        let Some(disk) = SmallDisk::new() else { return };
        disk.fill();
        let mut held = serving(disk.path()).unwrap().unwrap();
        held.announce("127.0.0.1:8090".parse().unwrap(), None);
        assert!(serving(disk.path()).unwrap().is_none());
        assert_eq!(running_serve(disk.path()), None);
        drop(held);
        disk.make_room();
        serving(disk.path()).unwrap().unwrap().announce("127.0.0.1:8090".parse().unwrap(), None);
        disk.fill();
        let mut held = serving(disk.path()).unwrap().unwrap();
        let other: SocketAddr = "127.0.0.1:80".parse().unwrap();
        held.announce(other, None);
        assert_eq!(running_serve(disk.path()), Some(other), "there is room where the address was");
    }
}

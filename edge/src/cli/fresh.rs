//! The data folder of one try to enrol, which nobody else may use for that meanwhile. What a try made in a folder in which there was no
//! box yet is taken away again unless it is kept. Must never touch what was there before, nor what another try has made.

use crate::db::Db;
use crate::sync::lock::{self, Held};
use std::collections::BTreeSet;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::{fs, io};

/// What was in the folder before.
pub(super) struct Fresh {
    folder: PathBuf,
    /// The names in it; none where it was not there.
    before: Option<BTreeSet<OsString>>,
    /// Whether a box is there: then nothing is taken away.
    is_box: bool,
    is_kept: bool,
    /// Until everything is taken away: what another try makes is never in sight of this one.
    _place: Held,
}

impl Fresh {
    /// Takes a folder for a try, before anything is made there; `None` while another has it. What is in the folder of a box is kept in
    /// any case.
    ///
    /// # Errors
    /// When nothing can be made there.
    pub(super) fn take(folder: &Path) -> io::Result<Option<Self>> {
        let was_there = folder.exists();
        let Some(mut place) = lock::enrolling(folder)? else { return Ok(None) };
        let now = names(folder);
        let is_box = Db::is_in(folder) || now.is_err();
        if is_box {
            place.is_of_a_box();
        }
        let before =
            now.ok().filter(|_| was_there).map(|names| names.into_iter().filter(not_the_lock).collect());
        Ok(Some(Self { folder: folder.to_owned(), before, is_box, is_kept: false, _place: place }))
    }

    /// Whether what is there now stays.
    pub(super) fn keep(&mut self, is_kept: bool) {
        self.is_kept = is_kept;
    }
}

impl Drop for Fresh {
    /// Whoever is told that it did not work can do nothing more about files that stay behind; so a failure here is not said.
    fn drop(&mut self) {
        if self.is_box || self.is_kept {
            return;
        }
        let was_there = |name: &OsString| self.before.as_ref().is_some_and(|before| before.contains(name));
        for name in names(&self.folder).unwrap_or_default().iter().filter(|name| !was_there(name)) {
            if not_the_lock(name) {
                let _ = fs::remove_file(self.folder.join(name));
            }
        }
        // Last: from here on the folder is another try's.
        let _ = fs::remove_file(self.folder.join(lock::ENROL_FILE));
        if self.before.is_none() {
            let _ = fs::remove_dir(&self.folder);
        }
    }
}

fn not_the_lock(name: &OsString) -> bool {
    name != lock::ENROL_FILE
}

fn names(folder: &Path) -> io::Result<BTreeSet<OsString>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn take(folder: &Path) -> Fresh {
        Fresh::take(folder).unwrap().unwrap()
    }

    #[test]
    fn what_a_try_may_take_away_is_opened_by_nobody_else() {
        let dir = tempfile::tempdir().unwrap();
        let fresh = take(dir.path());
        drop(Db::open(dir.path()).unwrap());
        assert!(lock::entering(dir.path()).unwrap().is_none());
        drop(fresh);
        drop(Db::open(dir.path()).unwrap());
        let _of_a_box = take(dir.path());
        assert!(lock::entering(dir.path()).unwrap().is_some(), "nothing of it is taken away");
    }

    #[test]
    fn what_a_try_made_goes_and_what_was_there_stays() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("box");
        let fresh = take(&folder);
        drop(Db::open(&folder).unwrap());
        assert!(Db::is_in(&folder));
        assert!(Fresh::take(&folder).unwrap().is_none(), "a second try makes and takes away nothing");
        assert!(Db::is_in(&folder));
        drop(fresh);
        assert!(!folder.exists());
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("edge.toml"), "").unwrap();
        let fresh = take(&folder);
        drop(Db::open(&folder).unwrap());
        drop(fresh);
        assert_eq!(names(&folder).unwrap(), BTreeSet::from(["edge.toml".into()]));
        let mut kept = take(&folder);
        drop(Db::open(&folder).unwrap());
        kept.keep(true);
        drop(kept);
        // A box is never taken away, whatever becomes of a try in its folder.
        drop(take(&folder));
        assert!(Db::is_in(&folder) && folder.join("edge.toml").exists());
    }
}

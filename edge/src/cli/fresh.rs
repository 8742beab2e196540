//! A data folder in which there was no box yet: what a try to enrol made there is taken away again unless it is kept. Must never touch
//! what was there before.

use crate::db::Db;
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
}

impl Fresh {
    /// Looks at a folder, before anything is made there. What is in the folder of a box is kept in any case.
    pub(super) fn look(folder: &Path) -> Self {
        let before = names(folder).ok();
        let is_box = Db::is_in(folder) || (folder.exists() && before.is_none());
        Self { folder: folder.to_owned(), before, is_box, is_kept: false }
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
            let _ = fs::remove_file(self.folder.join(name));
        }
        if self.before.is_none() {
            let _ = fs::remove_dir(&self.folder);
        }
    }
}

fn names(folder: &Path) -> io::Result<BTreeSet<OsString>> {
    fs::read_dir(folder)?.map(|entry| Ok(entry?.file_name())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_try_made_goes_and_what_was_there_stays() {
        let dir = tempfile::tempdir().unwrap();
        let folder = dir.path().join("box");
        let fresh = Fresh::look(&folder);
        drop(Db::open(&folder).unwrap());
        assert!(Db::is_in(&folder));
        drop(fresh);
        assert!(!folder.exists());
        fs::create_dir(&folder).unwrap();
        fs::write(folder.join("edge.toml"), "").unwrap();
        let fresh = Fresh::look(&folder);
        drop(Db::open(&folder).unwrap());
        drop(fresh);
        assert_eq!(names(&folder).unwrap(), BTreeSet::from(["edge.toml".into()]));
        let mut kept = Fresh::look(&folder);
        drop(Db::open(&folder).unwrap());
        kept.keep(true);
        drop(kept);
        // A box is never taken away, whatever becomes of a try in its folder.
        drop(Fresh::look(&folder));
        assert!(Db::is_in(&folder) && folder.join("edge.toml").exists());
    }
}

//! A small disk of its own for a test: it can be filled up, and closed to writing. Only an administrator can make one; a test
//! goes on without it where it cannot, and says so. Never part of what an operator runs.

use std::fs::File;
use std::io::Write as _;
use std::path::Path;
use std::process::Command;
use tempfile::TempDir;

const FILLER: &str = "filler";

/// A file system of a few MiB in memory, gone with this.
pub(crate) struct SmallDisk {
    dir: TempDir,
}

impl SmallDisk {
    /// `None` where this user cannot make one.
    pub(crate) fn new() -> Option<Self> {
        let dir = tempfile::tempdir().unwrap();
        let made =
            Command::new("mount").args(["-t", "tmpfs", "-o", "size=4m", "tmpfs"]).arg(dir.path()).output();
        if made.is_ok_and(|output| output.status.success()) {
            return Some(Self { dir });
        }
        println!("skipped: no disk can be made by this user");
        None
    }

    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Takes up what is free, to the last byte.
    pub(crate) fn fill(&self) {
        let mut filler = File::create(self.path().join(FILLER)).unwrap();
        while filler.write_all(&[1; 4_096]).is_ok() {}
        assert!(filler.write_all(&[1]).is_err());
    }

    pub(crate) fn make_room(&self) {
        std::fs::remove_file(self.path().join(FILLER)).unwrap();
    }

    /// Nothing may be open for writing.
    pub(crate) fn close_to_writing(&self, closed: bool) {
        let how = if closed { "remount,ro" } else { "remount,rw" };
        let done = Command::new("mount").args(["-o", how]).arg(self.path()).status().unwrap();
        assert!(done.success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a test that failed may have left a file open.
        drop(Command::new("umount").arg("-l").arg(self.path()).status());
    }
}

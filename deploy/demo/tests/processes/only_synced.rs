//! A disk that keeps only what was synced. Preloaded into a program, it takes the place of `fsync` and `fdatasync` and keeps, in a
//! shadow folder, what a power cut at this instant would leave of one folder: of each file what it held at its last sync, and the
//! names that the folder had at its own last sync. Not part of any crate: the test compiles this file alone. It must never let a
//! sync pass that it could not keep: then it ends the program.
//!
//! ```text
//! <shadow>/files/<inode>-<birth>    what the file held when it was last synced
//! <shadow>/names                    a line for each name: <inode>-<birth> <name>
//! <shadow>/lies                     while this file is there, syncs do nothing: a disk that lies
//! ```

use std::ffi::{c_int, c_long};
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// The folder on that disk, absolute and without links.
const FOLDER: &str = "ONLY_SYNCED_FOLDER";
/// What a power cut leaves of it.
const SHADOW: &str = "ONLY_SYNCED_SHADOW";

#[cfg(target_arch = "x86_64")]
const CALLS: (c_long, c_long) = (74, 75);
#[cfg(target_arch = "aarch64")]
const CALLS: (c_long, c_long) = (82, 83);

unsafe extern "C" {
    fn syscall(number: c_long, ...) -> c_long;
}

#[unsafe(no_mangle)]
pub extern "C" fn fsync(fd: c_int) -> c_int {
    sync(CALLS.0, fd)
}

#[unsafe(no_mangle)]
pub extern "C" fn fdatasync(fd: c_int) -> c_int {
    sync(CALLS.1, fd)
}

fn sync(call: c_long, fd: c_int) -> c_int {
    match kept(fd) {
        Ok(true) => 0,
        // SAFETY: both calls take one descriptor and touch no memory of this process.
        Ok(false) => unsafe { syscall(call, fd) as c_int },
        Err(error) => {
            eprintln!("the disk of the test failed: {error}");
            std::process::abort();
        }
    }
}

/// Keeps what the descriptor stands for. False where it is not on this disk: then the real sync has to be done. Here there is
/// none, for the shadow is the disk, and a test that waits for the real one is slow.
fn kept(fd: c_int) -> io::Result<bool> {
    let handle = PathBuf::from(format!("/proc/self/fd/{fd}"));
    let (Some(folder), Some(shadow)) = (std::env::var_os(FOLDER), std::env::var_os(SHADOW)) else {
        return Ok(false);
    };
    let (folder, shadow) = (PathBuf::from(folder), PathBuf::from(shadow));
    // A descriptor that is none is the real call's to refuse.
    let Ok(path) = fs::read_link(&handle) else { return Ok(false) };
    let is_folder = path == folder;
    if !is_folder && path.parent() != Some(&*folder) {
        return Ok(false);
    }
    if shadow.join("lies").exists() {
        return Ok(true);
    }
    // One sync at a time, of all programs: an older copy must not take the place of a newer one.
    let turn = File::create(shadow.join("turn"))?;
    turn.lock()?;
    let draft = shadow.join("draft");
    if is_folder {
        fs::write(&draft, names(&folder)?)?;
        fs::rename(draft, shadow.join("names"))?;
    } else {
        // By its descriptor: the name may be another's by now.
        let meta = fs::metadata(&handle)?;
        fs::copy(&handle, &draft)?;
        fs::rename(draft, shadow.join("files").join(key(&meta)))?;
    }
    Ok(true)
}

fn names(folder: &Path) -> io::Result<String> {
    let mut names = String::new();
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let name = entry.file_name().into_string().map_err(|_| io::Error::other("a name that is no text"))?;
        match entry.metadata() {
            Ok(meta) if meta.is_file() => names.push_str(&format!("{} {name}\n", key(&meta))),
            Ok(_) => return Err(io::Error::other(format!("{name} is no file"))),
            // Removed since it was listed.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => return Err(error),
        }
    }
    Ok(names)
}

/// A number of a file that was removed is soon another file's; its birth tells them apart.
fn key(meta: &fs::Metadata) -> String {
    let birth = meta.created().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    format!("{}-{}", meta.ino(), birth.map_or(0, |since| since.as_nanos()))
}

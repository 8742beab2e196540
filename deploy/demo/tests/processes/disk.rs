//! The disk on which an office keeps its data in a test: after a power cut it holds what was synced, and of what was not, at
//! most some scraps. See `only_synced.rs`, which runs inside the office's program.

use crate::chance::Chance;
use anyhow::{Context, Result, ensure};
use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::fs::{self, Permissions};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::UNIX_EPOCH;

/// What a disk writes as a whole.
const SECTOR_BYTES: usize = 512;

/// A disk with one folder.
pub(crate) struct Disk {
    library: PathBuf,
    folder: PathBuf,
    shadow: PathBuf,
}

/// What a power cut leaves of writes that were not synced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Scraps {
    /// Nothing.
    None,
    /// Any of the sectors, in no order; new names or old ones.
    Some,
}

impl Disk {
    /// Makes the disk below `home`; `folder` need not be there yet.
    pub(crate) fn new(home: &Path, folder: &Path) -> Result<Self> {
        fs::create_dir_all(folder)?;
        fs::set_permissions(folder, Permissions::from_mode(0o700))?;
        let shadow = home.join("disk");
        fs::create_dir_all(shadow.join("files"))?;
        let disk =
            Self { library: compile(home)?, folder: folder.canonicalize()?, shadow: shadow.canonicalize()? };
        disk.all_is_synced()?;
        Ok(disk)
    }

    /// What a program that uses the disk needs in its environment.
    pub(crate) fn variables(&self) -> Vec<(OsString, OsString)> {
        [
            ("LD_PRELOAD", &self.library),
            ("ONLY_SYNCED_FOLDER", &self.folder),
            ("ONLY_SYNCED_SHADOW", &self.shadow),
        ]
        .map(|(name, value)| (name.into(), value.into()))
        .into()
    }

    /// From now on the disk says that it has synced, and has not; or keeps its word again.
    pub(crate) fn lie(&self, lies: bool) -> Result<()> {
        let file = self.shadow.join("lies");
        if lies {
            fs::write(file, "")?
        } else {
            fs::remove_file(file)?
        }
        Ok(())
    }

    /// What is in the folder after the power came back. The programs that used it have been killed before.
    pub(crate) fn power_cut(&self, scraps: Scraps, chance: &mut Chance) -> Result<()> {
        let live = self.live()?;
        let mut names = self.synced_names()?;
        if scraps == Scraps::Some && chance.once_in(2) {
            // The folder's newest names had reached the disk by themselves.
            names = live.iter().map(|(name, file)| (name.clone(), file.key.clone())).collect();
        }
        let unsynced: HashMap<&str, &File> = live.values().map(|file| (&*file.key, file)).collect();
        let mut left = Vec::new();
        for (name, key) in names {
            let synced = match fs::read(self.shadow.join("files").join(&key)) {
                Ok(bytes) => bytes,
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
                Err(error) => return Err(error.into()),
            };
            let file = unsynced.get(&*key);
            let bytes = match file {
                Some(file) if scraps == Scraps::Some => mixed(&synced, &file.bytes, chance),
                _ => synced,
            };
            left.push((name, bytes, file.map_or(0o600, |file| file.mode)));
        }
        for name in live.keys() {
            fs::remove_file(self.folder.join(name))?;
        }
        for (name, bytes, mode) in left {
            let path = self.folder.join(name);
            fs::write(&path, bytes)?;
            fs::set_permissions(path, Permissions::from_mode(mode))?;
        }
        self.all_is_synced()
    }

    /// What is in the folder now is on the disk.
    fn all_is_synced(&self) -> Result<()> {
        fs::remove_dir_all(self.shadow.join("files"))?;
        fs::create_dir(self.shadow.join("files"))?;
        let files: Vec<PathBuf> = self.live()?.into_keys().map(|name| self.folder.join(name)).collect();
        self.sh("sync \"$@\"", &[files, vec![self.folder.clone()]].concat())
    }

    /// Runs a script as a program that uses the disk.
    fn sh(&self, script: &str, arguments: &[PathBuf]) -> Result<()> {
        let mut command = Command::new("sh");
        command.args(["-ec", script, "sh"]).args(arguments).envs(self.variables()).current_dir(&self.folder);
        let output = command.output().context("cannot run sh")?;
        ensure!(output.status.success(), "{script}: {}", String::from_utf8_lossy(&output.stderr));
        Ok(())
    }

    fn synced_names(&self) -> Result<BTreeMap<String, String>> {
        let names = fs::read_to_string(self.shadow.join("names"))?;
        let split = |line: &str| line.split_once(' ').map(|(key, name)| (name.to_owned(), key.to_owned()));
        names.lines().map(|line| split(line).context("a broken list of names")).collect()
    }

    fn live(&self) -> Result<BTreeMap<String, File>> {
        let mut files = BTreeMap::new();
        for entry in fs::read_dir(&self.folder)? {
            let entry = entry?;
            let meta = entry.metadata()?;
            let name = entry.file_name().into_string().ok().context("a name that is no text")?;
            let birth = meta.created().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
            let key = format!("{}-{}", meta.ino(), birth.map_or(0, |since| since.as_nanos()));
            let mode = meta.permissions().mode() & 0o777;
            files.insert(name, File { key, mode, bytes: fs::read(entry.path())? });
        }
        Ok(files)
    }
}

/// A file as programs saw it.
struct File {
    key: String,
    mode: u32,
    bytes: Vec<u8>,
}

/// Some of the sectors that were written since the last sync, in no order, and any length in between.
fn mixed(synced: &[u8], written: &[u8], chance: &mut Chance) -> Vec<u8> {
    let (least, most) = (synced.len().min(written.len()), synced.len().max(written.len()));
    let length = least + chance.below((most - least) as u64 + 1) as usize;
    let mut bytes = vec![0; length];
    for (n, sector) in bytes.chunks_mut(SECTOR_BYTES).enumerate() {
        let from = if chance.once_in(2) { synced } else { written };
        let part = from.get(n * SECTOR_BYTES..).unwrap_or_default();
        let len = part.len().min(sector.len());
        sector[..len].copy_from_slice(&part[..len]);
    }
    bytes
}

fn compile(home: &Path) -> Result<PathBuf> {
    let rustc = std::env::var_os("RUSTC").unwrap_or_else(|| "rustc".into());
    let library = home.join("libonly_synced.so");
    let source = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/processes/only_synced.rs");
    let mut command = Command::new(&rustc);
    command.args(["--edition", "2024", "--crate-type", "cdylib", "-C", "panic=abort", "-D", "warnings"]);
    let output = command.arg("-o").arg(&library).arg(source).output().with_context(|| {
        let rustc = rustc.display();
        format!("this test needs the Rust compiler, and {rustc} cannot be run: name it in the variable RUSTC")
    })?;
    ensure!(output.status.success(), "only_synced.rs: {}", String::from_utf8_lossy(&output.stderr));
    Ok(library)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is in the folder, in the order of names.
    fn listing(disk: &Disk) -> Vec<(String, String)> {
        let live = disk.live().unwrap();
        let mut files: Vec<_> = live
            .into_iter()
            .map(|(name, file)| (name, String::from_utf8_lossy(&file.bytes).into_owned()))
            .collect();
        files.sort();
        files
    }

    fn after(script: &str, scraps: Scraps, seed: u64) -> Vec<(String, String)> {
        let home = tempfile::tempdir().unwrap();
        let disk = Disk::new(home.path(), &home.path().join("data")).unwrap();
        disk.sh("printf old >kept; printf old >moved; sync kept moved .", &[]).unwrap();
        disk.sh(script, &[]).unwrap();
        disk.power_cut(scraps, &mut Chance::new(seed)).unwrap();
        listing(&disk)
    }

    fn files(files: &[(&str, &str)]) -> Vec<(String, String)> {
        files.iter().map(|(name, text)| ((*name).to_owned(), (*text).to_owned())).collect()
    }

    #[test]
    fn what_was_not_synced_is_gone_and_what_was_is_there() {
        let old = files(&[("kept", "old"), ("moved", "old")]);
        for unsynced in [
            "printf more >>kept",
            "printf new >new; sync new",
            "printf new >new; sync .; rm new; sync .; printf new >new",
            "rm kept",
            "printf new >moved.new; sync moved.new; mv moved.new moved",
            "touch ../data.file; sync ../data.file; printf x >../data/kept",
        ] {
            assert_eq!(after(unsynced, Scraps::None, 0), old, "{unsynced}");
        }
        for (synced, there) in [
            ("printf more >>kept; sync -d kept; printf lost >>kept", [("kept", "oldmore"), ("moved", "old")]),
            ("printf new >m; sync m; mv m moved; sync .", [("kept", "old"), ("moved", "new")]),
            ("printf new >n; sync .; rm moved; mv n moved; sync .", [("kept", "old"), ("moved", "")]),
        ] {
            assert_eq!(after(synced, Scraps::None, 0), files(&there), "{synced}");
        }
        assert_eq!(after("rm moved; sync .", Scraps::None, 0), files(&[("kept", "old")]));
    }

    #[test]
    fn scraps_are_some_of_what_was_written() {
        let script = "printf old >a; sync a; printf new >>kept; rm moved; printf n >m; sync m; mv m moved";
        let found: std::collections::HashSet<_> =
            (0..16).map(|seed| after(script, Scraps::Some, seed)).collect();
        let texts = |name: &str| -> std::collections::BTreeSet<String> {
            found.iter().flatten().filter(|(n, _)| n == name).map(|(_, text)| text.clone()).collect()
        };
        let kept = texts("kept");
        assert!(kept.contains("old") && kept.len() > 2, "{kept:?}");
        // What is longer by itself holds what was written, or nothing.
        assert!(kept.iter().all(|text| "oldnew".starts_with(text.trim_end_matches('\0'))), "{kept:?}");
        assert_eq!(
            texts("moved").into_iter().collect::<Vec<_>>(),
            ["n", "old"],
            "one or the other, never half"
        );
    }
}

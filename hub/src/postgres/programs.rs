//! Finds the server programs that the machine has: `initdb`, `pg_ctl` and `postgres`, all of one version.
//! It must never download or install anything.

use super::error::PostgresError;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The oldest major version that will do: Debian 12's. Tests use `create database … strategy`, new in 15.
const LEAST_MAJOR: u32 = 15;
const NEEDED: [&str; 3] = ["initdb", "pg_ctl", "postgres"];

/// Where to look.
#[derive(Debug, Clone)]
pub(super) struct Places {
    /// Debian's folder, with one folder for each major version.
    pub(super) versioned: PathBuf,
    /// Other folders, in order: those of PATH, then what `pg_config` names.
    pub(super) others: Vec<PathBuf>,
}

/// One version's programs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Programs {
    bin: PathBuf,
    /// Major version, for instance 15.
    pub(super) major: u32,
}

impl Places {
    /// The places of this machine.
    pub(super) fn of_this_machine() -> Self {
        let path = std::env::var_os("PATH").unwrap_or_default();
        let mut others: Vec<PathBuf> = std::env::split_paths(&path).filter(|p| p.is_absolute()).collect();
        others.extend(pg_config_bin());
        Self { versioned: PathBuf::from("/usr/lib/postgresql"), others }
    }
}

impl Programs {
    /// The newest programs; or, where a cluster of major version `made_by` exists, those of that version.
    ///
    /// # Errors
    /// [`PostgresError::NotInstalled`], or [`PostgresError::WrongVersion`] naming `dir`.
    pub(super) fn find(places: &Places, dir: &Path, made_by: Option<u32>) -> Result<Self, PostgresError> {
        let mut found = versioned(&places.versioned);
        found.extend(places.others.iter().filter_map(|bin| unversioned(bin)));
        found.retain(|programs| programs.major >= LEAST_MAJOR);
        if let Some(made_by) = made_by
            && !found.is_empty()
        {
            found.retain(|programs| programs.major == made_by);
            return found
                .into_iter()
                .next()
                .ok_or_else(|| PostgresError::WrongVersion { dir: dir.to_path_buf(), made_by });
        }
        // Debian's own folders come first among equals.
        found.into_iter().rev().max_by_key(|programs| programs.major).ok_or_else(|| {
            PostgresError::NotInstalled {
                least: LEAST_MAJOR,
                looked_in: format!("{}/*/bin, PATH and pg_config", places.versioned.display()),
            }
        })
    }

    /// Full path of one of the programs.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.bin.join(name)
    }
}

fn versioned(root: &Path) -> Vec<Programs> {
    let Ok(entries) = std::fs::read_dir(root) else { return Vec::new() };
    entries
        .flatten()
        .filter_map(|entry| {
            let major = entry.file_name().to_str()?.parse().ok()?;
            let bin = entry.path().join("bin");
            has_all(&bin).then_some(Programs { bin, major })
        })
        .collect()
}

/// A folder whose name does not tell the version: the server is asked.
fn unversioned(bin: &Path) -> Option<Programs> {
    if !has_all(bin) {
        return None;
    }
    let output = Command::new(bin.join("postgres")).arg("--version").output().ok()?;
    let major = major_of(&String::from_utf8_lossy(&output.stdout))?;
    Some(Programs { bin: bin.to_path_buf(), major })
}

fn has_all(bin: &Path) -> bool {
    NEEDED.iter().all(|name| bin.join(name).is_file())
}

fn pg_config_bin() -> Option<PathBuf> {
    let output = Command::new("pg_config").arg("--bindir").output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    let bin = PathBuf::from(OsString::from(text.trim()));
    bin.is_absolute().then_some(bin)
}

/// The major version in `postgres (PostgreSQL) 15.18 (Debian …)`.
fn major_of(version: &str) -> Option<u32> {
    let number = version.split_once("(PostgreSQL) ")?.1;
    number.split(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn install(bin: &Path, says: &str) {
        std::fs::create_dir_all(bin).unwrap();
        for name in NEEDED {
            let file = bin.join(name);
            std::fs::write(&file, format!("#!/bin/sh\necho 'postgres (PostgreSQL) {says}'\n")).unwrap();
            std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o755)).unwrap();
        }
    }

    fn places(root: &Path) -> Places {
        Places { versioned: root.join("debian"), others: vec![root.join("elsewhere")] }
    }

    #[test]
    fn the_newest_complete_installation_wins() {
        let root = tempfile::tempdir().unwrap();
        install(&root.path().join("debian/15/bin"), "15.1");
        install(&root.path().join("debian/17/bin"), "17.2");
        std::fs::create_dir_all(root.path().join("debian/18/bin")).unwrap();
        let found = Programs::find(&places(root.path()), Path::new("/d"), None).unwrap();
        assert_eq!(found.major, 17);
        assert_eq!(found.program("initdb"), root.path().join("debian/17/bin/initdb"));
    }

    #[test]
    fn an_installation_elsewhere_is_asked_for_its_version() {
        let root = tempfile::tempdir().unwrap();
        install(&root.path().join("debian/15/bin"), "15.1");
        install(&root.path().join("elsewhere"), "16beta2 (built by hand)");
        let found = Programs::find(&places(root.path()), Path::new("/d"), None).unwrap();
        assert_eq!(found.major, 16);
    }

    #[test]
    fn a_cluster_keeps_to_the_version_that_made_it() {
        let root = tempfile::tempdir().unwrap();
        install(&root.path().join("debian/15/bin"), "15.1");
        install(&root.path().join("debian/17/bin"), "17.2");
        let at = places(root.path());
        assert_eq!(Programs::find(&at, Path::new("/d"), Some(15)).unwrap().major, 15);
        let error = Programs::find(&at, Path::new("/d"), Some(16)).unwrap_err();
        assert!(matches!(error, PostgresError::WrongVersion { made_by: 16, .. }));
        assert!(error.to_string().contains("`postgresql-16`"), "{error}");
    }

    #[test]
    fn nothing_or_only_an_old_one_names_the_package() {
        let root = tempfile::tempdir().unwrap();
        install(&root.path().join("debian/13/bin"), "13.9");
        for made_by in [None, Some(13)] {
            let error = Programs::find(&places(root.path()), Path::new("/d"), made_by).unwrap_err();
            assert!(error.to_string().contains("apt-get install postgresql"), "{error}");
            assert!(error.to_string().contains("DATABASE_URL"), "{error}");
        }
    }
}

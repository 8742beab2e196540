//! Builds the two programs as this test was built, once, and gives each test a folder in which they stay as they are although
//! somebody builds anew meanwhile.

use anyhow::{Context, Result, anyhow, ensure};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::time::SystemTime;
use tempfile::TempDir;

/// The variable that names a folder of programs to test instead, such as those of a release.
const PROGRAMS_VARIABLE: &str = "MIZILI_PROCESSES_PROGRAMS";

const NAMES: [&str; 2] = ["mizili-hub", "mizili-edge"];

/// A folder with both programs.
pub(crate) fn folder() -> Result<TempDir> {
    static BUILT: OnceLock<Result<PathBuf, String>> = OnceLock::new();
    let built = BUILT.get_or_init(|| match std::env::var_os(PROGRAMS_VARIABLE) {
        Some(folder) => Ok(folder.into()),
        None => build().map_err(|error| format!("{error:#}")),
    });
    let built = built.as_ref().map_err(|error| anyhow!("{error}"))?;
    let folder = TempDir::new_in(env!("CARGO_TARGET_TMPDIR"))?;
    for name in NAMES {
        let (from, to) = (built.join(name), folder.path().join(name));
        // A second name for the same file costs nothing.
        std::fs::hard_link(&from, &to).or_else(|_| std::fs::copy(&from, &to).map(|_| ()))?;
    }
    Ok(folder)
}

/// Where this test was built: `<target>/<profile>`, or `<target>/<machine>/<profile>`.
fn build() -> Result<PathBuf> {
    let own = std::env::current_exe()?;
    let built = own.parent().and_then(Path::parent).context("this test is not in a target folder")?;
    // With all the workspace's tests they were just built, and building them alone would take other features of what they stand on.
    if NAMES.iter().all(|name| is_fresh(&built.join(name))) {
        return Ok(built.to_owned());
    }
    let profile = built.file_name().and_then(|name| name.to_str()).context("no profile")?;
    let mut above = built.parent().context("no target folder")?;
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args(["build", "--quiet", "--profile", if profile == "debug" { "dev" } else { profile }]);
    cargo.args(NAMES.iter().flat_map(|name| ["-p", name]));
    if !above.join("CACHEDIR.TAG").exists() {
        let machine = above.file_name().context("no target folder")?;
        cargo.arg("--target").arg(machine);
        above = above.parent().context("no target folder")?;
    }
    cargo.arg("--target-dir").arg(above);
    cargo.args(std::env::var("CARGOFLAGS").unwrap_or_default().split_whitespace());
    cargo.current_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("../.."));
    let output = cargo.output().context("cannot run cargo")?;
    ensure!(
        output.status.success(),
        "the programs could not be built:\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    Ok(built.to_owned())
}

/// Folders of everything that the programs are made of.
const SOURCES: [&str; 5] = ["sync-protocol", "node", "hub", "edge", "migrations"];

/// Whether a program is there and newer than its sources.
fn is_fresh(program: &Path) -> bool {
    let built = program.metadata().and_then(|meta| meta.modified());
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    built
        .is_ok_and(|built| SOURCES.iter().all(|folder| all_older(&root.join(folder), built).unwrap_or(false)))
}

fn all_older(folder: &Path, than: SystemTime) -> std::io::Result<bool> {
    for entry in std::fs::read_dir(folder)? {
        let (path, meta) = entry.and_then(|entry| Ok((entry.path(), entry.metadata()?)))?;
        // Tests are no part of a program.
        let is_older = match meta.is_dir() {
            true => path.ends_with("tests") || all_older(&path, than)?,
            false => meta.modified()? < than,
        };
        if !is_older {
            return Ok(false);
        }
    }
    Ok(true)
}

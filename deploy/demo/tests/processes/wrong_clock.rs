//! A clock that can be set while a program runs: a library that is loaded before the program answers for the system's clock. The
//! monotonic clock stays as it is, as on a real box.

use anyhow::{Context, Result};
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where Debian's package `faketime` puts the library, below the folder of the machine's kind.
const LIBRARY: &str = "faketime/libfaketimeMT.so.1";

/// One box's clock.
pub(crate) struct WrongClock {
    library: PathBuf,
    file: PathBuf,
}

impl WrongClock {
    /// A clock that is right until it is set. `folder` is the box's.
    pub(crate) fn at(folder: &Path) -> Result<Self> {
        let found =
            std::fs::read_dir("/usr/lib")?.filter_map(Result::ok).map(|kind| kind.path().join(LIBRARY));
        let library = found.into_iter().find(|library| library.exists());
        let library = library.context("the package `faketime` is not installed: run deploy/setup")?;
        let clock = Self { library, file: folder.join("clock") };
        clock.set("+0")?;
        Ok(clock)
    }

    /// Variables for the program.
    pub(crate) fn variables(&self) -> Vec<(OsString, OsString)> {
        let variable = |name: &str, value: &Path| (name.into(), value.into());
        vec![
            variable("LD_PRELOAD", &self.library),
            variable("FAKETIME_TIMESTAMP_FILE", &self.file),
            variable("FAKETIME_CACHE_DURATION", Path::new("1")),
            variable("FAKETIME_DONT_FAKE_MONOTONIC", Path::new("1")),
        ]
    }

    /// Sets it, from the next second on: `-40d`, `+14y`.
    pub(crate) fn set(&self, offset: &str) -> Result<()> {
        // A reader never sees half of it.
        let draft = self.file.with_extension("draft");
        std::fs::write(&draft, offset)?;
        Ok(std::fs::rename(draft, &self.file)?)
    }
}

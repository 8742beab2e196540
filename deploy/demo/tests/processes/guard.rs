//! Sees to it that no process outlives its test, however the test ends: a small script waits for that.

use anyhow::{Context, Result};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};

const SCRIPT: &str = include_str!("guard.sh");

/// Ends what was started below a folder, and removes the folder, when it is dropped or this process is gone.
pub(crate) struct Guard(Child);

impl Guard {
    pub(crate) fn of(home: &Path) -> Result<Self> {
        let mut command = Command::new("sh");
        command.args(["-c", SCRIPT, "mizili-test-guard"]).arg(home);
        // A group of its own: it has to outlive a Ctrl-C.
        command.process_group(0).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        Ok(Self(command.spawn().context("cannot run sh")?))
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}

#[test]
fn what_a_test_leaves_behind_is_ended_and_nothing_else() {
    let home = tempfile::tempdir().unwrap();
    let file = home.path().join("file");
    std::fs::write(&file, "").unwrap();
    let ours = || Command::new("tail").arg("-f").arg(&file).spawn().unwrap();
    let (mut listed, mut not_listed) = (ours(), ours());
    let mut other = Command::new("tail").args(["-f", "/dev/null"]).spawn().unwrap();
    std::fs::write(home.path().join("started"), format!("{}\n{}\n", listed.id(), other.id())).unwrap();
    drop(Guard::of(home.path()).unwrap());
    assert!(!listed.wait().unwrap().success());
    assert!(!home.path().exists());
    for left in [&mut not_listed, &mut other] {
        assert!(left.try_wait().unwrap().is_none(), "it was not ours to end");
        left.kill().unwrap();
        left.wait().unwrap();
    }
}

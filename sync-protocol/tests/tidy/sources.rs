//! The files of the workspace as they lie, and how a rule about them fails.

use std::path::{Path, PathBuf};

const TEXT: [&str; 13] =
    ["rs", "toml", "md", "sql", "sh", "html", "js", "css", "svg", "yml", "yaml", "ftl", "txt"];
/// Scripts without a name ending.
const SCRIPTS: [&str; 4] = ["Makefile", "run", "setup", "run-peers"];

/// A text file of the workspace; the path is relative and with forward strokes.
pub(crate) struct Source {
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    pub(crate) fn is_rust(&self) -> bool {
        self.path.ends_with(".rs")
    }

    /// What comes before the tests at the end of the file.
    pub(crate) fn production(&self) -> &str {
        const TESTS: &str = "\n#[cfg(test)]\nmod ";
        let Some((before, tests)) = self.text.rsplit_once(TESTS) else { return &self.text };
        let is_block = tests.lines().next().is_some_and(|line| line.ends_with('{'));
        if is_block { before } else { &self.text }
    }
}

pub(crate) fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap().to_path_buf()
}

pub(crate) fn sources() -> Vec<Source> {
    let mut found = Vec::new();
    walk(&root(), &mut found);
    let names: Vec<_> = found.iter().map(|source| source.path.as_str()).collect();
    for known in [
        "sync-protocol/tests/tidy/main.rs",
        "node/src/lib.rs",
        "hub/src/lib.rs",
        "edge/src/lib.rs",
        ".ci/run",
        "Makefile",
    ] {
        assert!(names.contains(&known), "the walk misses {known}");
    }
    found
}

/// Build folders mark themselves with a file; other hidden folders than CI's are not the project's.
fn walk(folder: &Path, found: &mut Vec<Source>) {
    if folder.join("CACHEDIR.TAG").exists() {
        return;
    }
    for entry in std::fs::read_dir(folder).unwrap() {
        let entry = entry.unwrap();
        let (path, name) = (entry.path(), entry.file_name());
        let name = name.to_string_lossy();
        if entry.file_type().unwrap().is_dir() {
            if (!name.starts_with('.') || name == ".ci") && !["target", "node_modules"].contains(&&*name) {
                walk(&path, found);
            }
            continue;
        }
        let ending = path.extension().and_then(|ending| ending.to_str());
        let is_text = ending.map_or(SCRIPTS.contains(&&*name), |ending| TEXT.contains(&ending));
        if is_text {
            let path_text = path.strip_prefix(root()).unwrap().to_string_lossy().into_owned();
            let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{path_text}: {error}"));
            found.push(Source { path: path_text, text });
        }
    }
}

/// Fails with all offenders at once.
pub(crate) fn demand(rule: &str, offenders: &[String]) {
    assert!(offenders.is_empty(), "{rule}:\n  {}", offenders.join("\n  "));
}

pub(crate) fn offenders(rule: &str, broken: impl Fn(&Source) -> Option<String>) {
    let found: Vec<_> = sources()
        .iter()
        .filter_map(|source| broken(source).map(|what| format!("{}: {what}", source.path)))
        .collect();
    demand(rule, &found);
}

//! Who writes replicated tables: everybody who does has to go through the feed. The check finds what went past it in a running
//! hub; this finds a writer before it runs.

use mizili_hub::tables::NAMES;
use std::fs;
use std::path::{Path, PathBuf};

fn source_files(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            source_files(&path, found);
        } else if path.extension().is_some_and(|e| e == "rs") {
            found.push(path);
        }
    }
}

/// The replicated tables that a source text writes.
fn written(text: &str) -> Vec<&'static str> {
    let words: Vec<&str> =
        text.split(|c: char| !(c.is_alphanumeric() || c == '_')).filter(|w| !w.is_empty()).collect();
    let writes = |table: &str| {
        words.windows(3).any(|w| {
            let names = |at: usize| w[at] == table;
            matches!(w[0], "INSERT" | "insert") && matches!(w[1], "INTO" | "into") && names(2)
                || matches!(w[0], "DELETE" | "delete") && matches!(w[1], "FROM" | "from") && names(2)
                || matches!(w[0], "UPDATE" | "update") && names(1)
        })
    };
    NAMES.iter().copied().filter(|table| writes(table)).collect()
}

fn publishes(folder: &Path) -> bool {
    let mut files = Vec::new();
    source_files(folder, &mut files);
    let calls = |text: &str| text.contains(" publish(") || text.contains("(publish(");
    files.iter().any(|file| calls(&fs::read_to_string(file).unwrap()))
}

#[test]
fn whoever_writes_a_replicated_table_publishes() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = Vec::new();
    source_files(&root, &mut files);
    let mut writers = 0;
    for file in &files {
        let name = file.strip_prefix(&root).unwrap().to_string_lossy();
        if name.contains("tests") {
            continue;
        }
        let text = fs::read_to_string(file).unwrap();
        let mut tables = written(&text);
        if name.starts_with("tables") {
            // These have to publish nothing by themselves: whoever calls them does.
            continue;
        }
        if text.contains("tables::write(") {
            tables.push("what commands set");
        }
        if tables.is_empty() {
            continue;
        }
        writers += 1;
        // The SQL and the transaction that publishes may be two files of one folder, or of the one above.
        let near =
            file.ancestors().skip(1).take(2).filter(|folder| folder.starts_with(&root) && *folder != root);
        assert!(
            near.into_iter().any(publishes),
            "src/{name} writes {tables:?}, and nothing near it calls feed::publish"
        );
    }
    assert!(writers >= 5, "the search finds the writers that there are");
}

#[test]
fn the_search_knows_a_write_when_it_sees_one() {
    assert_eq!(written("q(\"INSERT INTO members AS m (id)\")"), ["members"]);
    assert_eq!(written("UPDATE prices p SET x = 1; delete from orders"), ["prices", "orders"]);
    assert!(written("SELECT * FROM members FOR NO KEY UPDATE").is_empty());
    assert!(written("DELETE FROM refresh_tokens").is_empty());
}

//! Every sentence that the box may say of a field that is wrong has one in Swahili on the page. The sentences are taken from the program's
//! text itself: a new one without its Swahili fails here.

use crate::Office;
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Where fields are judged. What stands there after `because(` is said of a whole request, by its code.
const PLACES: &[&str] = &[
    "sync-protocol/src/market",
    "sync-protocol/src/phone.rs",
    "sync-protocol/src/units.rs",
    "node/src/body.rs",
    "node/src/market",
    "node/src/password.rs",
    "node/src/phone.rs",
    "node/src/problem/mod.rs",
    "node/src/weak_password.rs",
    "edge/src/local_api",
    "edge/src/staff",
];

fn files(place: &Path, found: &mut Vec<PathBuf>) {
    if place.is_dir() {
        for entry in std::fs::read_dir(place).unwrap() {
            files(&entry.unwrap().path(), found);
        }
    } else if place.extension().is_some_and(|ending| ending == "rs") && !place.ends_with("tests.rs") {
        found.push(place.to_owned());
    }
}

/// The texts in quotes of a program, each with what stands before it.
fn quoted(code: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    let (mut before, mut rest) = (String::new(), code);
    while let Some((plain, after)) = rest.split_once('"') {
        before.push_str(plain);
        let mut text = String::new();
        let mut letters = after.char_indices();
        let end = loop {
            match letters.next() {
                Some((_, '\\')) => text.extend(letters.next().map(|(_, letter)| letter)),
                Some((at, '"')) => break at + 1,
                Some((_, letter)) => text.push(letter),
                None => return found,
            }
        };
        found.push((before.trim_end().to_owned(), text));
        rest = &after[end..];
    }
    found
}

/// A sentence as it might be said: with something in each of its places.
fn filled(text: &str) -> String {
    let mut out = String::new();
    for (n, part) in text.split('{').enumerate() {
        out.push_str(if n == 0 { part } else { "5" });
        if n > 0 {
            out.push_str(part.split_once('}').map_or("", |(_, rest)| rest));
        }
    }
    out
}

fn sentences() -> Vec<String> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut all = Vec::new();
    for place in PLACES {
        let mut found = Vec::new();
        files(&root.join(place), &mut found);
        assert!(!found.is_empty(), "{place} is gone");
        for file in found {
            let text = std::fs::read_to_string(&file).unwrap();
            let code = text.split("#[cfg(test)]").next().unwrap();
            let is_code = |line: &&str| !line.trim_start().starts_with("//");
            let code = code.lines().filter(is_code).collect::<Vec<_>>().join("\n");
            for (before, text) in quoted(&code) {
                let is_error = before.ends_with("#[error(");
                let is_elsewhere = ["because(", "because(format!(", "=", "because(concat!("];
                let is_sentence =
                    text.starts_with(char::is_uppercase) && text.ends_with('.') && text.contains(' ');
                if is_error {
                    let (first, rest) = text.split_at(1);
                    all.push(format!("{}{rest}.", first.to_uppercase()));
                } else if is_sentence && !is_elsewhere.iter().any(|end| before.ends_with(end)) {
                    all.push(filled(&text));
                }
            }
        }
    }
    all.sort();
    all.dedup();
    all
}

/// How sentences begin that are said of a whole request, by its code.
const NOT_OF_FIELDS: &[&str] = &["Nothing is left.", "Only 5", "The body is too long."];

/// A second one of a name would take the place of the first, in both languages, and no test of one section would notice.
#[test]
fn no_word_of_the_page_is_there_twice_and_both_languages_have_the_same() {
    let text =
        std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("assets/words.js")).unwrap();
    let keys = |language: &str| {
        let (_, block) = text.split_once(&format!("\n  {language}: {{\n")).unwrap();
        let block = block.split("\n  },").next().unwrap();
        // What stands in quotes is no key.
        let code: String = block.split('\'').step_by(2).collect::<Vec<_>>().join(" ");
        let names =
            code.split(':').map(|part| part.rsplit([' ', ',', '\n']).next().unwrap_or_default().to_owned());
        names.filter(|name| !name.is_empty()).collect::<Vec<String>>()
    };
    let (english, swahili) = (keys("en"), keys("sw"));
    assert!(english.len() > 150, "{}", english.len());
    for list in [&english, &swahili] {
        let mut seen = std::collections::BTreeSet::new();
        let twice: Vec<_> = list.iter().filter(|name| !seen.insert(*name)).collect();
        assert!(twice.is_empty(), "{twice:?}");
    }
    let sorted = |mut list: Vec<String>| {
        list.sort();
        list
    };
    assert_eq!(sorted(english), sorted(swahili));
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sentence_about_a_field_has_one_in_swahili() {
    let sentences = sentences();
    assert!(sentences.len() > 30, "{sentences:?}");
    for known in ["Must be more than zero.", "Is missing.", "Write a phone number.", "Is not the password."] {
        assert!(sentences.iter().any(|sentence| sentence == known), "{known}");
    }
    let office = Office::open().await;
    let page = &office.browser;
    let own = "[...document.scripts].find(script => script.src.endsWith('/app.js')).src";
    page.value(&format!(
        "import({own}.replace('app.js', 'words.js')).then(words => {{ window.words = words; }})"
    ))
    .await;
    page.until("!!window.words").await;
    page.value("window.words.setLanguage('sw')").await;
    let is_elsewhere = |sentence: &&String| NOT_OF_FIELDS.iter().any(|begins| sentence.starts_with(begins));
    let wanted: Vec<&String> = sentences.iter().filter(|sentence| !is_elsewhere(sentence)).collect();
    let missing =
        page.value(&format!("{}.filter(said => window.words.ofField(said) === said)", json!(wanted))).await;
    assert_eq!(missing, Value::Array(Vec::new()), "no Swahili in words.js");
    office.end().await;
}

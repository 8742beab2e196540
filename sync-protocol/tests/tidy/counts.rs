//! That nothing is left out of the place where it is counted: what a compiler does not miss, and nobody would.

use crate::sources::{Source, demand, root, sources};

/// The name of each handler that a file describes: what its description says, or the function's.
fn operations(text: &str) -> Vec<String> {
    let described = text.split("#[utoipa::path(").skip(1);
    let name = |after: &str| {
        let (attribute, function) = after.split_once("async fn ")?;
        let said = attribute.split_once("operation_id = \"").map(|(_, id)| id.split('"').next());
        let own = function.split(|c: char| !(c.is_alphanumeric() || c == '_')).next();
        said.unwrap_or(own).map(str::to_owned)
    };
    described.filter_map(name).collect()
}

/// A handler that no router names answers nobody.
#[test]
fn every_described_handler_is_in_its_document() {
    let all = sources();
    let (mut missing, mut counted) = (Vec::new(), 0);
    for crate_name in ["edge", "hub"] {
        let document = std::fs::read_to_string(root().join(crate_name).join("openapi.json")).unwrap();
        let source = format!("{crate_name}/src/");
        for source in all.iter().filter(|file| file.is_rust() && file.path.starts_with(&source)) {
            for operation in operations(&source.text) {
                counted += 1;
                if !document.contains(&format!("\"operationId\": \"{operation}\"")) {
                    missing.push(format!("{}: {operation}", source.path));
                }
            }
        }
    }
    demand("Name a handler in its router, and write the document anew", &missing);
    assert!(counted > 50, "{counted}");
}

/// The word behind `before`, in each place where a text has that.
fn words_after<'a>(text: &'a str, before: &str) -> Vec<&'a str> {
    let words = text
        .split(before)
        .skip(1)
        .map(|after| after.split(|c: char| !(c.is_alphanumeric() || c == '_')).next().unwrap_or_default());
    words.collect()
}

/// The entities that a file declares: the name before its number and word, `Order = 14 "order", id …`.
fn entities(text: &str) -> Vec<&str> {
    let names = text.split("entity! {").skip(1).filter_map(|after| {
        let mut lines = after.lines().map(str::trim).filter(|line| !line.starts_with("///"));
        lines.find_map(|line| line.split_once(" = ")).map(|(name, _)| name)
    });
    names.collect()
}

/// What stands in neither list travels nowhere: an entity that no index, audit or golden file knows, a command that nobody can send.
#[test]
fn every_entity_and_every_command_is_in_the_protocols_lists() {
    let all = sources();
    let market = "sync-protocol/src/market/";
    let lists = &all.iter().find(|file| file.path == format!("{market}mod.rs")).unwrap().text;
    let (_, lists) = lists.split_once("entity::entities! {").unwrap();
    let listed = |name: &str| lists.split(|c: char| !c.is_alphanumeric()).any(|word| word == name);
    let (mut missing, mut counted) = (Vec::new(), 0);
    for source in all.iter().filter(|file| file.is_rust() && file.path.starts_with(market)) {
        let declared =
            entities(&source.text).into_iter().chain(words_after(&source.text, "\nimpl Rule for "));
        for name in declared {
            counted += 1;
            if !listed(name) {
                missing.push(format!("{}: {name}", source.path));
            }
        }
    }
    demand("Name it in the lists of sync-protocol/src/market/mod.rs", &missing);
    assert!(counted >= 21, "{counted}");
}

/// A thing that has no word there has soon two in the code.
#[test]
fn every_entity_has_its_word_in_the_glossary() {
    let all = sources();
    let glossary = &all.iter().find(|file| file.path == "docs/glossary.md").unwrap().text.to_lowercase();
    let of_market = |file: &&Source| file.is_rust() && file.path.starts_with("sync-protocol/src/market/");
    let mut missing = Vec::new();
    for source in all.iter().filter(of_market) {
        for name in entities(&source.text) {
            // `EdgeSettings` is "edge settings" in a sentence.
            let words: String = name.chars().fold(String::new(), |words, letter| {
                let space = if letter.is_uppercase() && !words.is_empty() { " " } else { "" };
                words + space + &letter.to_lowercase().to_string()
            });
            if !glossary.contains(&words) {
                missing.push(format!("{}: {words}", source.path));
            }
        }
    }
    demand("Say in docs/glossary.md what it is", &missing);
}

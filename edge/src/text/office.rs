//! The sentences of the office in each language: Fluent files, embedded, read once. A sentence that a language lacks comes in
//! English. No sentence that a clerk reads about the market stands in the code; labels of the page are with the page.

pub(crate) mod why;

use super::Lang;
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use std::sync::LazyLock;
use sync_protocol::units::Quantity;
use unic_langid::LanguageIdentifier;

static BUNDLES: LazyLock<Vec<FluentBundle<FluentResource>>> =
    LazyLock::new(|| Lang::ALL.iter().map(|lang| bundle(*lang)).collect());

fn source(lang: Lang) -> &'static str {
    match lang {
        Lang::En => include_str!("../../locales/en/office.ftl"),
        Lang::Sw => include_str!("../../locales/sw/office.ftl"),
    }
}

fn bundle(lang: Lang) -> FluentBundle<FluentResource> {
    let locale: LanguageIdentifier = lang.code().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![locale]);
    bundle.set_use_isolating(false);
    // A line that cannot be read is left out; the tests refuse it.
    let resource = FluentResource::try_new(source(lang).to_owned()).unwrap_or_else(|(resource, _)| resource);
    bundle.add_resource_overriding(resource);
    bundle
}

/// A sentence with its values, in a language or else in English.
pub fn say(lang: Lang, id: &str, values: &[(&str, &str)]) -> String {
    let mut args = FluentArgs::with_capacity(values.len());
    for (name, value) in values {
        args.set(*name, FluentValue::from(*value));
    }
    let place = |lang: Lang| Lang::ALL.iter().position(|one| *one == lang).unwrap_or(0);
    [lang, Lang::En]
        .into_iter()
        .find_map(|lang| {
            let bundle = BUNDLES.get(place(lang))?;
            let pattern = bundle.get_message(id)?.value()?;
            Some(bundle.format_pattern(pattern, Some(&args), &mut Vec::new()).into_owned())
        })
        .unwrap_or_else(|| id.to_owned())
}

/// A quantity with its unit: `25 KG`, and `2 × 90 KG` where the unit begins with a number.
pub fn quantity(quantity: Quantity, unit: &str) -> String {
    let joint = if unit.starts_with(|c: char| c.is_ascii_digit()) { " × " } else { " " };
    format!("{quantity}{joint}{unit}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    /// Ids of a language's sentences, each with its sorted values.
    fn sentences(lang: Lang) -> BTreeMap<String, Vec<String>> {
        FluentResource::try_new(source(lang).to_owned()).unwrap_or_else(|(_, errors)| panic!("{errors:?}"));
        let lines = source(lang).lines().filter(|line| !line.starts_with('#'));
        let pairs = lines.filter_map(|line| line.split_once(" = "));
        pairs
            .map(|(id, text)| {
                let mut values: Vec<String> = text
                    .split("{ $")
                    .skip(1)
                    .map(|part| part.split(" }").next().unwrap().to_owned())
                    .collect();
                values.sort();
                (id.to_owned(), values)
            })
            .collect()
    }

    #[test]
    fn every_language_has_every_sentence_with_the_same_values() {
        let english = sentences(Lang::En);
        assert!(english.len() > 40, "the file is read");
        for lang in Lang::ALL {
            assert_eq!(sentences(*lang), english, "{}", lang.code());
        }
    }

    #[test]
    fn every_sentence_is_used_and_every_used_one_is_there() {
        let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut code = String::new();
        let mut folders = ["local_api", "told", "text/office"].map(|place| folder.join(place)).to_vec();
        while let Some(folder) = folders.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else {
                    code.push_str(&std::fs::read_to_string(path).unwrap());
                }
            }
        }
        let english = sentences(Lang::En);
        let unused: Vec<_> = english.keys().filter(|id| !code.contains(&format!("\"{id}\""))).collect();
        assert!(unused.is_empty(), "no code says {unused:?}");
        let prefixes = ["status-", "stock-", "did-", "who-", "why-", "order-", "field-"];
        let quoted = code.split('"').filter(|part| {
            prefixes.iter().any(|prefix| part.starts_with(prefix))
                && part.chars().all(|c| c.is_ascii_lowercase() || c == '-')
        });
        let missing: Vec<_> =
            quoted.filter(|id| !english.contains_key(*id) && !prefixes.contains(id)).collect();
        assert!(missing.is_empty(), "no sentence {missing:?}");
    }

    #[test]
    fn nothing_inner_is_said_to_a_clerk() {
        for lang in Lang::ALL {
            let text = source(*lang).to_lowercase();
            for word in ["digest", "quarantin", "replica", "verdict", "sync"] {
                assert!(!text.contains(word), "{}: {word}", lang.code());
            }
        }
    }

    #[test]
    fn values_are_filled_in() {
        let kg = quantity(Quantity::units(25), "KG");
        assert_eq!(
            say(Lang::En, "stock-sell", &[("quantity", &kg)]),
            "You can sell 25 KG here at any time, also without a line."
        );
        assert!(say(Lang::Sw, "stock-sell", &[("quantity", &kg)]).contains("25 KG"));
        assert_eq!(quantity(Quantity::units(2), "90 KG"), "2 × 90 KG");
        assert_eq!(say(Lang::Sw, "no-such", &[]), "no-such");
    }
}

//! Finds and fills in the texts: Fluent files, read once, embedded in the binary.
//!
//! A message that a language lacks comes in English, whole. Never fails: what is missing everywhere is shown by its name,
//! and a test refuses that. Isolation marks are off: they are outside the telephone alphabet and would double the price of every text.

use super::{Lang, Msg};
use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use std::sync::LazyLock;
use unic_langid::LanguageIdentifier;

/// The texts of all languages.
pub struct Messages {
    /// By the place of the language in [`Lang::ALL`].
    bundles: Vec<FluentBundle<FluentResource>>,
    /// The same without variables, by the places of the language and of the message: every screen shows several of them.
    plain: Vec<Vec<String>>,
}

static MESSAGES: LazyLock<Messages> = LazyLock::new(Messages::read);

impl Messages {
    /// The texts, read at the first call and kept.
    pub fn get() -> &'static Self {
        &MESSAGES
    }

    fn read() -> Self {
        Self::of(Lang::ALL.iter().map(|lang| bundle(*lang, lang.sources())).collect())
    }

    fn of(bundles: Vec<FluentBundle<FluentResource>>) -> Self {
        let mut messages = Self { bundles, plain: Vec::new() };
        let of = |lang: &Lang| Msg::ALL.iter().map(|msg| messages.fill(*lang, *msg, &[])).collect();
        messages.plain = Lang::ALL.iter().map(of).collect();
        messages
    }

    /// A message without variables.
    pub fn text(&self, lang: Lang, msg: Msg) -> String {
        self.plain(lang, msg).to_owned()
    }

    /// The same, to be put into another text.
    pub fn plain(&self, lang: Lang, msg: Msg) -> &str {
        let plain = self.plain.get(lang.index()).and_then(|texts| texts.get(msg.index()));
        // Every message of every language is there.
        plain.map_or_else(|| msg.id(), String::as_str)
    }

    /// A message with its variables. A variable that the message does not use is ignored.
    pub fn fill(&self, lang: Lang, msg: Msg, values: &[(&str, &str)]) -> String {
        let mut args = FluentArgs::with_capacity(values.len());
        for (name, value) in values {
            args.set(*name, FluentValue::from(*value));
        }
        [lang, Lang::En]
            .into_iter()
            .find_map(|lang| {
                let bundle = self.bundles.get(lang.index())?;
                let pattern = bundle.get_message(msg.id())?.value()?;
                let mut errors = Vec::new();
                Some(bundle.format_pattern(pattern, Some(&args), &mut errors).into_owned())
            })
            .unwrap_or_else(|| msg.id().to_owned())
    }
}

fn bundle(lang: Lang, sources: &[&str]) -> FluentBundle<FluentResource> {
    let locale: LanguageIdentifier = lang.code().parse().unwrap_or_default();
    let mut bundle = FluentBundle::new_concurrent(vec![locale]);
    bundle.set_use_isolating(false);
    for source in sources {
        // A line that cannot be read is left out; the tests refuse it.
        let resource = FluentResource::try_new((*source).to_owned()).unwrap_or_else(|(resource, _)| resource);
        bundle.add_resource_overriding(resource);
    }
    bundle
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::text::gsm7;
    use fluent_bundle::FluentError;
    use std::collections::{BTreeMap, BTreeSet};

    /// Message ids of a language with the variables that each uses.
    fn messages_of(lang: Lang) -> BTreeMap<String, BTreeSet<String>> {
        let mut out = BTreeMap::new();
        for source in lang.sources() {
            FluentResource::try_new((*source).to_owned())
                .unwrap_or_else(|(_, errors)| panic!("{}: {errors:?}", lang.code()));
            let mut current = String::new();
            for line in source.lines() {
                if let Some((id, _)) = line.split_once(" =").filter(|_| !line.starts_with([' ', '#', '-'])) {
                    current = id.to_owned();
                    assert!(
                        out.insert(current.clone(), BTreeSet::new()).is_none(),
                        "{}: {id} is there twice",
                        lang.code()
                    );
                }
                let line = if line.starts_with('#') { "" } else { line };
                for part in line.split("{ $").skip(1) {
                    let name = part.split(" }").next().unwrap_or_default().to_owned();
                    out.get_mut(&current).unwrap().insert(name);
                }
                assert!(!line.contains("{$"), "write {{ $name }} with spaces: {line}");
            }
        }
        out
    }

    #[test]
    fn every_language_has_every_message_and_no_other() {
        let wanted: BTreeSet<String> = Msg::ALL.iter().map(|msg| msg.id().to_owned()).collect();
        assert_eq!(wanted.len(), Msg::ALL.len(), "an id is there twice");
        for lang in Lang::ALL {
            let there: BTreeSet<String> = messages_of(*lang).into_keys().collect();
            let missing: Vec<_> = wanted.difference(&there).collect();
            let extra: Vec<_> = there.difference(&wanted).collect();
            assert!(
                missing.is_empty() && extra.is_empty(),
                "{}: missing {missing:?}, extra {extra:?}",
                lang.code()
            );
        }
    }

    #[test]
    fn every_language_uses_the_same_variables() {
        let english = messages_of(Lang::En);
        for lang in Lang::ALL {
            for (id, variables) in messages_of(*lang) {
                assert_eq!(Some(&variables), english.get(&id), "{}: {id}", lang.code());
            }
        }
    }

    #[test]
    fn every_message_is_written_in_the_telephone_alphabet() {
        for lang in Lang::ALL {
            for msg in Msg::ALL {
                let text = Messages::get().text(*lang, *msg);
                let plain: String = text.chars().filter(|c| !"{}".contains(*c)).collect();
                assert_eq!(
                    gsm7::septets(&plain),
                    Some(plain.chars().count()),
                    "{} {}: {text}",
                    lang.code(),
                    msg.id()
                );
            }
        }
    }

    #[test]
    fn every_message_is_used() {
        fn read(folder: &std::path::Path, out: &mut String) {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    read(&path, out);
                } else if path.extension().is_some_and(|e| e == "rs") && !path.ends_with("msg.rs") {
                    out.push_str(&std::fs::read_to_string(path).unwrap());
                }
            }
        }
        let mut code = String::new();
        read(&std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut code);
        let used = |msg: &Msg| {
            let name = format!("Msg::{msg:?}");
            code.match_indices(&name)
                .any(|(at, _)| !code[at + name.len()..].starts_with(|c: char| c.is_alphanumeric()))
        };
        let unused: Vec<_> = Msg::ALL.iter().filter(|msg| !used(msg)).collect();
        assert!(unused.is_empty(), "no code shows {unused:?}");
    }

    #[test]
    fn a_missing_message_comes_in_english_and_a_lost_one_by_its_name() {
        let english = bundle(Lang::En, &["nav-back = Back"]);
        let messages = Messages::of(vec![english, bundle(Lang::Sw, &[""])]);
        assert_eq!(messages.text(Lang::Sw, Msg::NavBack), "Back");
        assert_eq!(messages.text(Lang::Sw, Msg::NavHome), "nav-home");
    }

    #[test]
    fn variables_are_filled_in_without_marks() {
        let messages = Messages::get();
        let text = messages.fill(Lang::En, Msg::ResumeGo, &[("what", "sell 50 kg Maize"), ("unused", "x")]);
        assert_eq!(text, "Go on with: sell 50 kg Maize");
        assert!(gsm7::encodable(&text));
        let mut errors: Vec<FluentError> = Vec::new();
        let bundle = &messages.bundles[0];
        let pattern = bundle.get_message(Msg::ResumeGo.id()).unwrap().value().unwrap();
        bundle.format_pattern(pattern, None, &mut errors);
        assert_eq!(errors.len(), 1, "a variable that is not given is an error the tests can see");
    }
}

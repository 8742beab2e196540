//! Golden bytes: what travels, as hexadecimal files in a folder for each version, and the values that they stand for.
//!
//! They hold the wire format still: a change that alters them breaks nodes in the field. Every version's files are read by every
//! later one, and a released version's never change. New forms are samples of the newest version, `v0_2.rs`; their files are
//! written with `UPDATE=1 cargo test -p sync-protocol --test golden`, which touches no other folder.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

mod sample;
mod v0_1;
mod v0_2;

use minicbor::Decode;
use sample::{Sample, Value, read};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use sync_protocol::bucket::Bucket;
use sync_protocol::market::{self, Body, COMMANDS, ENTITIES, ListingPost, RawBody};
use sync_protocol::row::{Key, Row};
use sync_protocol::session::{Link, MINOR_VERSION};
use sync_protocol::wire::frame::FrameReader;
use sync_protocol::wire::message::Message;
use sync_protocol::wire::rows::{Reach, Rows};

/// One version of the protocol.
struct Version {
    folder: &'static str,
    samples: fn() -> Vec<Sample>,
    /// BLAKE3 over names and contents of its files once it is released; nobody may change those any more.
    released: Option<&'static str>,
}

/// All of them, the newest last.
const VERSIONS: &[Version] = &[
    Version {
        folder: "v0.1",
        samples: v0_1::samples,
        released: Some("2824903f3007d7c77611763b8b051efb888beb7d6a0919d17a6b8c4a146e44eb"),
    },
    Version { folder: "v0.2", samples: newest, released: None },
];

/// The samples of the newest version: its forms, and of what has none of its own, the one by which the market tries it.
fn newest() -> Vec<Sample> {
    let mut all = v0_2::samples();
    let named: BTreeSet<String> =
        all.iter().chain(&v0_1::samples()).map(|sample| sample.name.clone()).collect();
    for (entity, key, fields) in market::samples() {
        let row = Row { entity, key, version: 7, body: Some(fields) };
        all.extend(Sample::entity("", row).into_iter().filter(|sample| !named.contains(&sample.name)));
    }
    for body in Body::samples(sample::id(1)) {
        all.extend(Some(Sample::command("", body)).filter(|sample| !named.contains(&sample.name)));
    }
    all
}

impl Version {
    fn path(&self) -> PathBuf {
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(self.folder)
    }

    /// Names (without their ending) and contents of the files, sorted.
    fn files(&self) -> Vec<(String, String)> {
        let file = |file: std::io::Result<fs::DirEntry>| {
            let path = file.unwrap().path();
            let name = path.file_stem().unwrap().to_string_lossy().into_owned();
            (name, fs::read_to_string(&path).unwrap())
        };
        let mut files: Vec<_> = fs::read_dir(self.path()).expect("its folder").map(file).collect();
        files.sort();
        files
    }
}

fn hex(bytes: &[u8]) -> String {
    let lines: Vec<String> =
        bytes.chunks(32).map(|line| line.iter().map(|b| format!("{b:02x}")).collect()).collect();
    lines.join("\n") + "\n"
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Writes the newest version's files when asked to.
fn update() {
    let newest = VERSIONS.last().unwrap();
    if std::env::var_os("UPDATE").is_some() && newest.released.is_none() {
        fs::create_dir_all(newest.path()).unwrap();
        for sample in (newest.samples)() {
            let path = newest.path().join(format!("{}.hex", sample.name));
            fs::write(path, hex(&sample.value.to_bytes())).unwrap();
        }
    }
}

#[test]
fn every_sample_has_its_kept_bytes_and_they_are_read_as_what_they_stood_for() {
    update();
    for version in VERSIONS {
        let mut samples = (version.samples)();
        samples.sort_by(|a, b| a.name.cmp(&b.name));
        let files = version.files();
        let names = |names: Vec<&String>| names.into_iter().cloned().collect::<Vec<_>>();
        assert_eq!(
            names(samples.iter().map(|sample| &sample.name).collect()),
            names(files.iter().map(|(name, _)| name).collect()),
            "{}: a sample without a file (UPDATE=1 writes the newest version's), or a file without a sample",
            version.folder
        );
        for (sample, (name, kept)) in samples.iter().zip(&files) {
            let of = format!("{}/{name}", version.folder);
            assert_eq!(sample.value.read_alike(&unhex(kept)), sample.value, "{of} is read as something else");
            assert_eq!(hex(&sample.value.to_bytes()), *kept, "the bytes of {of} have changed");
        }
    }
}

#[test]
fn files_of_released_versions_never_change() {
    for version in VERSIONS {
        let Some(released) = version.released else { continue };
        let mut hasher = blake3::Hasher::new();
        for (name, kept) in version.files() {
            hasher.update(format!("{name}\n{kept}").as_bytes());
        }
        assert_eq!(hasher.finalize().to_hex().as_str(), released, "{}", version.folder);
    }
}

#[test]
fn every_entity_command_and_message_has_a_sample() {
    let mut seen: BTreeSet<String> = BTreeSet::new();
    let mut kinds = BTreeSet::new();
    for sample in VERSIONS.iter().flat_map(|version| (version.samples)()) {
        if let Value::Message(message) = &sample.value {
            kinds.insert(kind(message));
        }
        seen.insert(sample.name);
    }
    for (_, name) in ENTITIES {
        assert!(
            seen.contains(&format!("entity_{name}")),
            "{name} has no sample: add one to the newest version"
        );
    }
    for (_, name) in COMMANDS {
        let file = format!("command_{}", name.replace('.', "_"));
        assert!(seen.contains(&file), "{name} has no sample: add one to the newest version");
    }
    assert_eq!(kinds, MESSAGES.into(), "a message has no sample: add one to the newest version");
}

/// Every kind of message.
const MESSAGES: [&str; 13] = [
    "audit",
    "close",
    "commands",
    "complete",
    "end",
    "hello",
    "news",
    "prove",
    "refusal",
    "rows",
    "slot sums",
    "verdicts",
    "welcome",
];

fn kind(message: &Message) -> &'static str {
    match message {
        Message::Hello(_) => "hello",
        Message::Commands(_) => "commands",
        Message::Audit(_) => "audit",
        Message::End => "end",
        Message::News(_) => "news",
        Message::Welcome(_) => "welcome",
        Message::Verdicts(_) => "verdicts",
        Message::Rows(_) => "rows",
        Message::Complete(_) => "complete",
        Message::SlotSums(_) => "slot sums",
        Message::Close(_) => "close",
        Message::Refusal(_) => "refusal",
        Message::Prove(_) => "prove",
        Message::Unknown(_) => "unknown",
    }
}

#[test]
fn the_newest_folder_is_that_of_this_builds_minor() {
    assert_eq!(VERSIONS.last().unwrap().folder, format!("v0.{MINOR_VERSION}"));
}

/// [`Message::Close`] as v0.1 read it.
#[derive(Decode)]
#[expect(dead_code, reason = "what matters is that it can be read")]
struct CloseOfV01 {
    #[n(0)]
    link: Link,
    #[n(1)]
    more: bool,
    #[n(2)]
    clock_s: i64,
    #[n(3)]
    retry_after_s: u32,
}

/// [`ListingPost`] as v0.1 read it, as far as it is looked at here.
#[derive(Decode)]
struct ListingPostOfV01 {
    #[n(4)]
    quantity_milli: i64,
}

#[test]
fn the_version_before_reads_the_new_forms_and_passes_over_what_it_does_not_know() {
    for sample in v0_2::samples() {
        match &sample.value {
            Value::Message(message @ Message::Close(_)) => {
                let mut reader = FrameReader::default();
                reader.push(&message.to_bytes());
                let frame = reader.next_frame().unwrap().unwrap();
                assert_eq!(minicbor::decode::<CloseOfV01>(&frame.body).unwrap().retry_after_s, 30);
            }
            Value::Command(body @ Body::ListingPost(ListingPost { quantity_milli, .. })) => {
                let old: ListingPostOfV01 = minicbor::decode(&body.to_raw().bytes).unwrap();
                assert_eq!(old.quantity_milli, *quantity_milli);
            }
            _ => {}
        }
    }
}

#[test]
fn a_newer_writers_fields_entities_and_kinds_are_kept_or_skipped() {
    // A field and an entity that this version does not know travel unchanged.
    let mut fields = sync_protocol::value::Fields::new();
    fields.set(900, sync_protocol::value::Value::Text("new"));
    let row = Row { entity: 999, key: Key::Int(1), version: 3, body: Some(fields) };
    let rows = Message::Rows(Rows {
        bucket: Bucket::Global,
        reach: Reach::Delta,
        after: 0,
        upto: 3,
        rows: vec![row],
    });
    assert_eq!(read(&rows.to_bytes()), rows);
    // A message kind that this version does not know is skipped, not an error.
    assert_eq!(read(&Message::Unknown(99).to_bytes()), Message::Unknown(99));
    // A command that this version does not know is no error either: it waits as unsupported.
    assert_eq!(Body::from_raw(&RawBody { kind: 900, bytes: vec![0xff] }), Ok(None));
    assert!(Body::from_raw(&RawBody { kind: 5, bytes: vec![0xff] }).is_err());
}

//! Packs the files that are part of the programs while these are built: pages, scripts, pictures. What it writes are a folder to embed and a
//! Rust expression for `include!` that lists it, of the types in `node/src/files.rs`. It is for build scripts and must never be part of a program.

pub mod archive;

use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::Path;

/// A file of a page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// Its name, without a folder.
    pub name: String,
    /// What is in it.
    pub content: Vec<u8>,
}

/// One file. The build is run again when it changes.
///
/// # Errors
/// When it cannot be read.
pub fn source(path: &str) -> io::Result<Source> {
    watch(path);
    let name = Path::new(path).file_name().unwrap_or_default().to_string_lossy().into_owned();
    Ok(Source { name, content: fs::read(path)? })
}

/// Files of a folder, sorted by name. The build is run again when one of them changes.
///
/// # Errors
/// When the folder cannot be read.
pub fn sources(folder: &str) -> io::Result<Vec<Source>> {
    watch(folder);
    let mut list = Vec::new();
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        list.push(Source { name, content: fs::read(&path)? });
    }
    list.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(list)
}

/// Has the build run again when something changes.
#[expect(clippy::print_stdout, reason = "cargo reads there what a build script wants")]
fn watch(path: impl std::fmt::Display) {
    println!("cargo:rerun-if-changed={path}");
}

/// Writes into `out` the folder `NAME`, with these files in the forms in which they are kept, and `NAME.rs`, a `Listing` of them. In them each `stem` is followed by the hash of all. So a page names its
/// scripts, and they each other, under names that a browser may keep for ever.
///
/// # Errors
/// When a file is of a kind that no page has, or cannot be written.
pub fn write_folder(out: &Path, name: &str, stem: &str, files: Vec<Source>) -> io::Result<()> {
    let hash = hash_of_all(&files);
    let typed = |file: Source| match content_type(&file.name) {
        Some(content_type) => Ok((file, content_type)),
        None => Err(io::Error::other(format!("no page has files like {}", file.name))),
    };
    let files = files.into_iter().map(typed).collect::<io::Result<Vec<_>>>()?;
    let mut code = format!("mizili_node::files::Listing {{ hash: {hash:?}, files: &[\n");
    let folder = out.join(name);
    // What an earlier build left there is not embedded.
    if folder.exists() {
        fs::remove_dir_all(&folder)?;
    }
    fs::create_dir_all(&folder)?;
    for (Source { name: file, content }, content_type) in files {
        let content = match String::from_utf8(content) {
            Ok(text) => text.replace(stem, &format!("{stem}{hash}/")).into_bytes(),
            Err(binary) => binary.into_bytes(),
        };
        write_forms(&folder, &file, &content)?;
        let tag = short_hash(&content);
        let _ = writeln!(
            code,
            "mizili_node::files::Listed {{ name: {file:?}, content_type: {content_type:?}, tag: {tag:?} }},"
        );
    }
    code.push_str("] }\n");
    fs::write(out.join(format!("{name}.rs")), code)
}

/// Writes `NAME.rs` into `out`: the names and texts of the files of a folder, sorted by name.
///
/// # Errors
/// When a file cannot be read or written.
pub fn write_texts(out: &Path, name: &str, folder: &Path) -> io::Result<()> {
    watch(folder.display());
    let mut files: Vec<_> = fs::read_dir(folder)?.collect::<Result<_, _>>()?;
    files.sort_by_key(fs::DirEntry::file_name);
    let mut code = "&[\n".to_owned();
    for file in files {
        // The text and not its path: a checkout that was moved keeps what was built in it.
        let text = fs::read_to_string(file.path())?;
        let _ = writeln!(code, "({:?}, {text:?}),", file.file_name().to_string_lossy());
    }
    code.push_str("]\n");
    fs::write(out.join(format!("{name}.rs")), code)
}

/// Writes the forms in which a file is kept. What packing makes hardly smaller, such as a picture or a few words, is kept as it is; the
/// rest is kept packed alone, as `NAME.br` and `NAME.gz`, and unpacked for the rare caller who takes neither form.
fn write_forms(folder: &Path, name: &str, content: &[u8]) -> io::Result<()> {
    let (brotli, gzip) = (brotli(content)?, gzip(content)?);
    if gzip.len() * 10 > content.len() * 9 {
        return fs::write(folder.join(name), content);
    }
    fs::write(folder.join(format!("{name}.br")), brotli)?;
    fs::write(folder.join(format!("{name}.gz")), gzip)
}

fn brotli(content: &[u8]) -> io::Result<Vec<u8>> {
    let params =
        brotli::enc::BrotliEncoderParams { quality: 9, size_hint: content.len(), ..Default::default() };
    let mut packed = Vec::new();
    brotli::BrotliCompress(&mut &*content, &mut packed, &params)?;
    Ok(packed)
}

fn gzip(content: &[u8]) -> io::Result<Vec<u8>> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    packer.write_all(content)?;
    packer.finish()
}

fn hash_of_all(files: &[Source]) -> String {
    let mut hasher = blake3::Hasher::new();
    for Source { name, content } in files {
        hasher.update(name.as_bytes()).update(&[0]).update(blake3::hash(content).as_bytes());
    }
    hasher.finalize().to_hex()[..16].to_owned()
}

fn short_hash(content: &[u8]) -> String {
    blake3::hash(content).to_hex()[..16].to_owned()
}

fn content_type(name: &str) -> Option<&'static str> {
    Some(match name.rsplit_once('.')?.1 {
        "html" => "text/html; charset=utf-8",
        "css" => "text/css; charset=utf-8",
        "js" => "text/javascript; charset=utf-8",
        "svg" => "image/svg+xml",
        "png" => "image/png",
        "json" => "application/json",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn source(name: &str, text: &str) -> Source {
        Source { name: name.to_owned(), content: text.as_bytes().to_vec() }
    }

    #[test]
    fn the_hash_of_all_changes_with_any_name_and_any_byte() {
        let files = [source("a.js", "let a"), source("b.js", "let b")];
        let hash = hash_of_all(&files);
        assert_eq!(hash.len(), 16);
        for other in [
            [source("a.js", "let a"), source("b.js", "let c")],
            [source("a.js", "let a"), source("c.js", "let b")],
        ] {
            assert_ne!(hash_of_all(&other), hash);
        }
    }

    #[test]
    fn files_of_no_known_kind_end_the_build_before_anything_is_written() {
        let out = std::env::temp_dir().join(format!("mizili-packing-{}", std::process::id()));
        let error = write_folder(&out, "page", "/assets/", vec![source("a.exe", "")]);
        assert_eq!(error.unwrap_err().to_string(), "no page has files like a.exe");
        assert!(!out.exists());
    }

    #[test]
    fn texts_are_kept_whole_and_need_their_folder_no_more() {
        let out = std::env::temp_dir().join(format!("mizili-texts-{}", std::process::id()));
        let folder = out.join("steps");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join("2.sql"), "-- second\n").unwrap();
        fs::write(folder.join("1.sql"), "SELECT 'a\\b', \"é\";\n").unwrap();
        write_texts(&out, "steps", &folder).unwrap();
        let code = fs::read_to_string(out.join("steps.rs")).unwrap();
        fs::remove_dir_all(&out).unwrap();
        let texts =
            "&[\n(\"1.sql\", \"SELECT 'a\\\\b', \\\"é\\\";\\n\"),\n(\"2.sql\", \"-- second\\n\"),\n]\n";
        assert_eq!(code, texts);
    }
}

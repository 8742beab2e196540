//! Packs the office page, the API's document and its page, which are part of the program.

use mizili_packing::{source, sources, write_folder};
use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    let mut pages = sources("assets")?;
    pages.push(source("openapi.json")?);
    write_folder(&out, "pages", "/assets/", pages)
}

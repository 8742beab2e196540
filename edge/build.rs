//! Packs the office page and the API's docs page, which are part of the program.

use std::path::PathBuf;

fn main() -> std::io::Result<()> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    mizili_packing::write_folder(&out, "pages", "/assets/", mizili_packing::sources("assets")?)
}

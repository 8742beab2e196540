//! Packs the API's docs pages, and lists the steps of the schema; both are part of the program.

use mizili_packing::{Source, archive, sources, write_folder, write_texts};
use std::io;
use std::path::{Path, PathBuf};
use utoipa_swagger_ui_vendored::SWAGGER_UI_VENDORED;

/// The files of Swagger UI that the page needs. The page itself and how it begins are the hub's own.
const FILES: [&str; 5] = [
    "swagger-ui.css",
    "swagger-ui-bundle.js",
    "swagger-ui-standalone-preset.js",
    "favicon-16x16.png",
    "favicon-32x32.png",
];

fn main() -> io::Result<()> {
    let out = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default());
    let mut docs = sources("assets/docs")?;
    for name in FILES {
        let content = archive::file(SWAGGER_UI_VENDORED, &format!("/dist/{name}"))?;
        docs.push(Source { name: name.to_owned(), content });
    }
    write_folder(&out, "docs", "/api/docs/", docs)?;
    write_texts(&out, "steps", Path::new("../migrations/hub"))
}

//! That nothing is left out of the place where it is counted: what a compiler does not miss, and nobody would.

use crate::sources::{demand, root, sources};

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

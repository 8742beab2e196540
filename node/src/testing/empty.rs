//! Which texts of requests an API's description does not let be empty, so that a test sends each of them empty: a node must not take
//! what its description refuses. It reads a document and asks nobody.

use super::document::{NAMED, operations};
use serde_json::Value;

/// A text of a request that has something in it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Filled {
    /// The operation's `operationId`.
    pub operation: String,
    /// In capitals.
    pub method: String,
    /// With `{id}` in it where it has one.
    pub path: String,
    /// Where in the request.
    pub stands: Stands,
}

/// Where in a request a text stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Stands {
    /// After the `?`, by this name.
    Query(String),
    /// In this header.
    Header(String),
    /// In the JSON body, at this pointer.
    Body(String),
}

/// A request that is right but for one text, which is empty.
#[derive(Clone, Debug)]
pub struct Asked {
    /// With what stands after the `?`.
    pub path: String,
    /// Beside those that say who asks.
    pub headers: Vec<(String, String)>,
    /// None where the operation takes none.
    pub body: Option<Value>,
}

impl Filled {
    /// The request with this text empty, at the thing of that id. `body` gives what the operation of that name takes.
    pub fn asked(&self, id: &str, body: impl FnOnce(&str) -> Value) -> Asked {
        let mut headers =
            vec![("idempotency-key".to_owned(), "k".to_owned()), ("if-match".to_owned(), "*".to_owned())];
        let mut body = (self.method != "GET").then(|| body(&self.operation));
        let mut path = self.path.replace("{id}", id);
        match &self.stands {
            Stands::Query(name) => path.push_str(&format!("?{name}=")),
            Stands::Header(name) => {
                headers.retain(|(other, _)| !name.eq_ignore_ascii_case(other));
                headers.push((name.clone(), String::new()));
            }
            Stands::Body(pointer) => {
                if let Some(text) = body.as_mut().and_then(|body| body.pointer_mut(pointer)) {
                    *text = Value::from("");
                }
            }
        }
        Asked { path, headers, body }
    }

    /// Whether an answer says that this text is wrong.
    pub fn is_refused(&self, status: u16, problem: &Value) -> bool {
        match &self.stands {
            Stands::Query(_) => status == 400,
            // RFC 6585: what has to be sent with it and is not.
            Stands::Header(name) => status == if name == "If-Match" { 428 } else { 400 },
            Stands::Body(pointer) => {
                let errors = problem["errors"].as_array().into_iter().flatten();
                status == 422 && errors.into_iter().any(|error| error["pointer"] == pointer.as_str())
            }
        }
    }
}

/// All of them, also those that may be left out.
pub fn filled(document: &Value) -> Vec<Filled> {
    let mut found = Vec::new();
    for (path, method, operation) in operations(document) {
        let mut stands = Vec::new();
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap_or_default().to_owned();
            match parameter["in"].as_str() {
                _ if may_be_empty(document, &parameter["schema"]) => {}
                Some("query") => stands.push(Stands::Query(name)),
                Some("header") => stands.push(Stands::Header(name)),
                _ => {}
            }
        }
        let body = &operation["requestBody"]["content"]["application/json"]["schema"];
        within(document, body, "", &mut stands);
        found.extend(stands.into_iter().map(|stands| Filled {
            operation: operation["operationId"].as_str().unwrap_or_default().to_owned(),
            method: method.to_uppercase(),
            path: path.clone(),
            stands,
        }));
    }
    found
}

/// The fields of a schema and of what they hold.
fn within(document: &Value, schema: &Value, pointer: &str, stands: &mut Vec<Stands>) {
    for schema in alternatives(document, schema) {
        for (name, field) in schema["properties"].as_object().into_iter().flatten() {
            let pointer = format!("{pointer}/{name}");
            within(document, field, &pointer, stands);
            if is_text(document, field) && !may_be_empty(document, field) {
                stands.push(Stands::Body(pointer));
            }
        }
    }
}

/// What a schema may be, without what it is called.
fn alternatives<'d>(document: &'d Value, schema: &'d Value) -> Vec<&'d Value> {
    let many = schema["oneOf"].as_array().into_iter().flatten();
    many.chain([schema])
        .map(|one| match one["$ref"].as_str().and_then(|of| of.strip_prefix(NAMED)) {
            Some(name) => &document["components"]["schemas"][name],
            None => one,
        })
        .collect()
}

fn is_text(document: &Value, schema: &Value) -> bool {
    let is =
        |kind: &Value| kind == "string" || kind.as_array().is_some_and(|all| all.contains(&"string".into()));
    alternatives(document, schema).into_iter().any(|one| is(&one["type"]))
}

/// No pattern, format or choice of ours is met by nothing.
fn may_be_empty(document: &Value, schema: &Value) -> bool {
    let lets = |one: &&Value| {
        let has = |key: &str| one.get(key).is_some();
        !has("pattern") && !has("format") && !has("enum") && one["minLength"].as_u64().unwrap_or(0) == 0
    };
    is_text(document, schema) && alternatives(document, schema).iter().all(lets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_text_with_something_in_it_is_found_where_it_stands() {
        let text = |more: &str, value: Value| json!({ "type": ["string", "null"], more: value });
        let document = json!({
            "paths": { "/things": { "post": {
                "operationId": "make_thing",
                "parameters": [
                    { "in": "query", "name": "q", "schema": text("minLength", json!(1)) },
                    { "in": "query", "name": "free", "schema": text("minLength", json!(0)) },
                    { "in": "query", "name": "limit", "schema": { "type": "integer" } },
                    { "in": "header", "name": "Key", "schema": { "$ref": "#/components/schemas/Word" } },
                    { "in": "path", "name": "id", "schema": text("format", json!("uuid")) }
                ],
                "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/New" } } } }
            } } },
            "components": { "schemas": {
                "Word": text("enum", json!(["a"])),
                "Price": { "type": "object", "properties": { "currency": text("pattern", json!("^[A-Z]{3}$")), "amount": { "type": "integer" } } },
                "New": { "type": "object", "properties": {
                    "phone": text("minLength", json!(1)),
                    "price": { "oneOf": [{ "$ref": "#/components/schemas/Price" }, { "type": "null" }] },
                    "title": text("maxLength", json!(80)),
                    "word": { "$ref": "#/components/schemas/Word" }
                } }
            } }
        });
        let found = filled(&document);
        assert!(
            found.iter().all(|one| (one.method.as_str(), one.operation.as_str()) == ("POST", "make_thing"))
        );
        let body = |pointer: &str| Stands::Body(pointer.to_owned());
        let stands: Vec<_> = found.into_iter().map(|one| one.stands).collect();
        let query = |name: &str| Stands::Query(name.to_owned());
        let expected = [
            query("q"),
            query("limit"),
            Stands::Header("Key".to_owned()),
            body("/phone"),
            body("/price/currency"),
            body("/word"),
        ];
        assert_eq!(stands, expected);
    }
}

//! What an API's description must be for clients to be made from it: what a request takes is bounded, and each thing is one named type.
//! It judges a document and changes nothing.

use serde_json::{Map, Value};
use std::collections::{BTreeMap, BTreeSet};

/// The beginning of a reference to a named type.
pub(super) const NAMED: &str = "#/components/schemas/";

/// Everything that is wrong with a document, as sentences for whoever wrote a route; empty where nothing is.
pub fn faults(document: &Value) -> Vec<String> {
    let none = Map::new();
    let schemas = document["components"]["schemas"].as_object().unwrap_or(&none);
    let mut faults = operations_without_a_name_of_their_own(document);
    if schemas.is_empty() || document["paths"].as_object().is_none_or(Map::is_empty) {
        faults.push("there is nothing in it".to_owned());
    }
    faults.extend(operations_without_words(document));
    faults.extend(unbounded(document, schemas));
    faults.extend(pages_of_what_has_no_name(schemas));
    faults.extend(things_of_two_names(schemas));
    faults.extend(things_without_a_name(document, schemas));
    faults.extend(names_without_a_thing(document, schemas));
    faults
}

/// Each operation of a document, with its path and method.
pub fn operations(document: &Value) -> impl Iterator<Item = (&String, &String, &Value)> {
    let items = document["paths"].as_object().into_iter().flatten();
    items.flat_map(|(path, item)| {
        item.as_object().into_iter().flatten().map(move |(method, operation)| (path, method, operation))
    })
}

/// The paths of the lists that have pages.
pub fn paged(document: &Value) -> Vec<String> {
    let has_cursor = |operation: &Value| {
        let parameters = operation["parameters"].as_array();
        parameters.is_some_and(|all| all.iter().any(|parameter| parameter["name"] == "cursor"))
    };
    let lists =
        operations(document).filter(|(_, method, operation)| *method == "get" && has_cursor(operation));
    lists.map(|(path, ..)| path.clone()).collect()
}

/// Made clients call operations by these: one each, and nothing but small letters.
fn operations_without_a_name_of_their_own(document: &Value) -> Vec<String> {
    let mut seen = BTreeSet::new();
    let mut wrong = Vec::new();
    for (path, method, operation) in operations(document) {
        let name = operation["operationId"].as_str().unwrap_or_default();
        let is_name = !name.is_empty() && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
        if !is_name || !seen.insert(name) {
            wrong.push(format!("{method} {path}: the name '{name}' is none, or another operation's"));
        }
    }
    wrong
}

/// A person reads what an operation does, and what each of its answers means.
fn operations_without_words(document: &Value) -> Vec<String> {
    let has_words = |value: &Value| value.as_str().is_some_and(|words| !words.is_empty());
    let mut wrong = Vec::new();
    for (path, method, operation) in operations(document) {
        if !has_words(&operation["summary"]) || !operation["tags"].is_array() {
            wrong.push(format!("{method} {path} has no summary or stands under nothing"));
        }
        for (status, answer) in operation["responses"].as_object().into_iter().flatten() {
            if !has_words(&answer["description"]) {
                wrong.push(format!("{method} {path}: {status} has no words"));
            }
        }
    }
    wrong
}

/// Every number that a request takes has bounds, every text a length, pattern, format or choice.
fn unbounded(document: &Value, schemas: &Map<String, Value>) -> Vec<String> {
    let mut open = Vec::new();
    let mut look = |place: String, schema: &Value| {
        let has = |key: &str| schema.get(key).is_some();
        let is = |kind: &str| {
            schema["type"] == kind || schema["type"].as_array().is_some_and(|all| all.contains(&kind.into()))
        };
        let is_bounded_text = has("pattern") || has("enum") || has("format") || has("maxLength");
        if (is("integer") && !(has("minimum") && has("maximum"))) || (is("string") && !is_bounded_text) {
            open.push(format!("{place} has no bounds, see node/src/openapi/words.rs: {schema}"));
        }
    };
    for (path, _, operation) in operations(document) {
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            look(format!("{path} {}", parameter["name"]), &parameter["schema"]);
        }
        let body = &operation["requestBody"]["content"]["application/json"]["schema"]["$ref"];
        let Some(name) = body.as_str().and_then(|of| of.strip_prefix(NAMED)) else { continue };
        for (field, schema) in
            schemas.get(name).and_then(|of| of["properties"].as_object()).into_iter().flatten()
        {
            look(format!("{name}.{field}"), schema);
        }
    }
    open
}

fn pages_of_what_has_no_name(schemas: &Map<String, Value>) -> Vec<String> {
    let pages = schemas.iter().filter_map(|(name, schema)| Some((name.strip_prefix("Page_")?, schema)));
    let is_inline = |(item, schema): &(&str, &Value)| {
        schema["properties"]["items"]["items"]["$ref"] != format!("{NAMED}{item}")
    };
    pages.filter(is_inline).map(|(item, _)| format!("a page's items are not `{item}` by name")).collect()
}

/// A shape, without the sentences about it.
fn shape(schema: &Value) -> Value {
    match schema {
        Value::Object(object) => {
            let kept = object
                .iter()
                .filter(|(key, _)| !matches!(key.as_str(), "description" | "example" | "examples"));
            Value::Object(kept.map(|(key, value)| (key.clone(), shape(value))).collect())
        }
        Value::Array(list) => Value::Array(list.iter().map(shape).collect()),
        other => other.clone(),
    }
}

fn things_of_two_names(schemas: &Map<String, Value>) -> Vec<String> {
    let mut by_shape: BTreeMap<String, Vec<&str>> = BTreeMap::new();
    for (name, schema) in schemas {
        by_shape.entry(shape(schema).to_string()).or_default().push(name);
    }
    let twice = by_shape.into_values().filter(|names| names.len() > 1);
    twice.map(|names| format!("one shape has several names: {}", names.join(", "))).collect()
}

/// Objects, and choices that stand in more than one place, are named: else each place becomes a type of its own.
fn things_without_a_name(document: &Value, schemas: &Map<String, Value>) -> Vec<String> {
    let mut choices: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut wrong = Vec::new();
    each(&document["paths"], "paths", &mut |place, value| {
        if is_object(value) {
            wrong.push(format!("an object without a name at {place}"));
        }
        note_choice(&mut choices, place, value);
    });
    for (name, schema) in schemas {
        each(schema, name, &mut |place, value| {
            if place != name && is_object(value) {
                wrong.push(format!("an object without a name at {place}"));
            }
            note_choice(&mut choices, place, value);
        });
    }
    let twice = choices.into_iter().filter(|(_, places)| places.len() > 1);
    wrong.extend(
        twice.map(|(words, places)| format!("the choice {words} has no name at {}", places.join(", "))),
    );
    wrong
}

fn is_object(schema: &Value) -> bool {
    schema["type"] == "object" && schema["properties"].is_object()
}

fn note_choice(choices: &mut BTreeMap<String, Vec<String>>, place: &str, schema: &Value) {
    if let Some(words) = schema["enum"].as_array() {
        choices.entry(Value::Array(words.clone()).to_string()).or_default().push(place.to_owned());
    }
}

fn each(value: &Value, place: &str, look: &mut impl FnMut(&str, &Value)) {
    look(place, value);
    match value {
        Value::Object(object) => {
            object.iter().for_each(|(key, value)| each(value, &format!("{place}/{key}"), look));
        }
        Value::Array(list) => {
            list.iter().enumerate().for_each(|(n, value)| each(value, &format!("{place}/{n}"), look));
        }
        _ => {}
    }
}

fn names_without_a_thing(document: &Value, schemas: &Map<String, Value>) -> Vec<String> {
    let mut used = BTreeSet::new();
    each(document, "", &mut |_, value| {
        used.extend(value["$ref"].as_str().and_then(|of| of.strip_prefix(NAMED)).map(str::to_owned));
    });
    let unused =
        schemas.keys().filter(|name| !used.contains(*name)).map(|name| format!("`{name}` is used nowhere"));
    let missing =
        used.iter().filter(|name| !schemas.contains_key(*name)).map(|name| format!("`{name}` is not there"));
    unused.chain(missing).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    /// A document of one route, changed.
    fn with(change: impl FnOnce(&mut Value)) -> Vec<String> {
        let thing = json!({ "type": "object", "properties": { "id": { "type": "integer", "minimum": 0, "maximum": 9 } } });
        let answer = json!({ "200": { "description": "They.", "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Page_Thing" } } } } });
        let mut document = json!({
            "paths": { "/things": {
                "get": { "operationId": "list_things", "summary": "See them", "tags": ["Things"], "responses": answer },
                "post": { "operationId": "make_thing", "summary": "Make one", "tags": ["Things"], "responses": {},
                          "requestBody": { "content": { "application/json": { "schema": { "$ref": "#/components/schemas/Thing" } } } } }
            } },
            "components": { "schemas": {
                "Thing": thing,
                "Page_Thing": { "type": "object", "properties": { "items": { "type": "array", "items": { "$ref": "#/components/schemas/Thing" } } } }
            } }
        });
        change(&mut document);
        faults(&document)
    }

    #[test]
    fn each_fault_is_seen() {
        assert_eq!(with(|_| {}), Vec::<String>::new());
        let seen = |what: &str, change: &dyn Fn(&mut Value)| {
            let found = with(|document| change(document));
            assert!(found.len() == 1 && found[0].contains(what), "{what}: {found:?}");
        };
        seen("is none", &|d| d["paths"]["/things"]["post"]["operationId"] = "list_things".into());
        seen("no summary", &|d| d["paths"]["/things"]["get"]["summary"] = "".into());
        seen("no words", &|d| d["paths"]["/things"]["post"]["responses"] = json!({ "201": {} }));
        seen("no bounds", &|d| {
            d["components"]["schemas"]["Thing"]["properties"]["id"] = json!({ "type": "integer" })
        });
        seen("no bounds", &|d| {
            d["components"]["schemas"]["Thing"]["properties"]["name"] = json!({ "type": "string" })
        });
        seen("several names", &|d| {
            let mut other = d["components"]["schemas"]["Thing"].clone();
            other["description"] = "The same.".into();
            d["components"]["schemas"]["Other"] = other;
            d["components"]["schemas"]["Page_Thing"]["properties"]["other"] =
                json!({ "$ref": "#/components/schemas/Other" });
        });
        seen("without a name", &|d| {
            let inline = json!({ "type": "object", "properties": { "a": { "type": "boolean" } } });
            d["components"]["schemas"]["Thing"]["properties"]["part"] = inline;
        });
        seen("has no name", &|d| {
            let choice = json!({ "type": "string", "enum": ["a", "b"] });
            d["components"]["schemas"]["Thing"]["properties"]["state"] = choice.clone();
            d["paths"]["/things"]["get"]["parameters"] = json!([{ "name": "state", "schema": choice }]);
        });
        seen("is used nowhere", &|d| d["components"]["schemas"]["Alone"] = json!({ "type": "object" }));
        seen("is not there", &|d| {
            d["components"]["schemas"]["Thing"]["properties"]["gone"] =
                json!({ "$ref": "#/components/schemas/Gone" });
        });
    }
}

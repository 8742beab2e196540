//! What the routes of both nodes need not say themselves in an API's description (OpenAPI 3.1): what any body and any query may be
//! answered with, that a GET may be answered by 304, the headers of each answer, what a field of a name promises, and a word for each
//! success. It adds and never takes away.

mod headers;
mod words;

use crate::problem::{Kind, PROBLEM_JSON};
use std::collections::BTreeMap;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::schema::{ArrayItems, Object, Schema};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};

/// The header by which a write may be sent twice, as parameters are written.
pub(crate) const KEY_PARAMETER: &str = "Idempotency-Key";

/// Choices that have a name, as they come up.
type Choices = BTreeMap<&'static str, Schema>;

type Answers = BTreeMap<String, RefOr<Response>>;

/// Completes each route of a document.
pub fn complete(document: &mut OpenApi) {
    let mut choices = Choices::new();
    for item in document.paths.paths.values_mut() {
        item.get.iter_mut().for_each(may_be_unchanged);
        each_operation(item, |operation| complete_route(operation, &mut choices));
        each_operation(item, headers::complete);
    }
    let components = document.components.get_or_insert_default();
    for (name, schema) in &mut components.schemas {
        if let RefOr::T(Schema::Object(object)) = schema {
            complete_schema(name, object, &mut choices);
        }
    }
    components.schemas.extend(choices.into_iter().map(|(name, schema)| (name.to_owned(), schema.into())));
}

/// Does something to each operation of a path.
pub fn each_operation(item: &mut PathItem, change: impl FnMut(&mut Operation)) {
    let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
    operations.into_iter().flatten().for_each(change);
}

/// A page's items are the named thing, so that a client that is made from the description has one type for it.
fn complete_schema(name: &str, object: &mut Object, choices: &mut Choices) {
    if let Some(item) = name.strip_prefix("Page_")
        && let Some(RefOr::T(Schema::Array(items))) = object.properties.get_mut("items")
    {
        items.items = ArrayItems::RefOrSchema(Box::new(Ref::from_schema_name(item).into()));
    }
    for (field, of) in &mut object.properties {
        choices.extend(words::of_field(name, field, of));
    }
}

/// Adds problems to what a route may answer with, each under its status, beside those that are there.
pub fn may_answer(operation: &mut Operation, kinds: &[Kind]) {
    let answers: &mut Answers = &mut operation.responses.responses;
    for kind in kinds {
        let answer = answers.entry(kind.status().as_str().to_owned()).or_insert_with(|| problem().into());
        let code = format!("`{}`", kind.code());
        if let RefOr::T(answer) = answer
            && !answer.description.contains(&code)
        {
            let comma = if answer.description.is_empty() { "" } else { ", " };
            answer.description = format!("{}{comma}{code}", answer.description);
        }
    }
}

fn problem() -> Response {
    let content = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
    ResponseBuilder::new().content(PROBLEM_JSON, content).build()
}

fn complete_route(operation: &mut Operation, choices: &mut Choices) {
    if operation.request_body.is_some() {
        let kinds = [
            Kind::MalformedJson,
            Kind::Truncated,
            Kind::TooSlow,
            Kind::TooLarge,
            Kind::UnsupportedMediaType,
            Kind::Invalid,
        ];
        may_answer(operation, &kinds);
    }
    let parameters = operation.parameters.as_deref().unwrap_or_default();
    let is_query = |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query);
    let is_key = |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(parameter) if parameter.name == KEY_PARAMETER);
    let (has_query, has_key) = (parameters.iter().any(is_query), parameters.iter().any(is_key));
    // Every route refuses parameters that it does not know.
    may_answer(operation, &[Kind::UnknownParameter]);
    if has_query {
        may_answer(operation, &[Kind::InvalidParameter]);
    }
    if has_key {
        may_answer(operation, &[Kind::InvalidHeader, Kind::IdempotencyKeyReused]);
    }
    let id = operation.operation_id.clone().unwrap_or_default();
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter
            && let Some(schema) = &mut parameter.schema
        {
            choices.extend(words::of_parameter(&id, &parameter.name, schema));
        }
    }
    for (status, answer) in &mut operation.responses.responses {
        if let RefOr::T(answer) = answer
            && answer.description.is_empty()
        {
            answer.description = if status == "201" { "Made" } else { "As asked" }.to_owned();
        }
    }
}

fn may_be_unchanged(operation: &mut Operation) {
    let answers: &mut Answers = &mut operation.responses.responses;
    let gives_json = answers.get("200").is_some_and(
        |answer| matches!(answer, RefOr::T(answer) if answer.content.contains_key("application/json")),
    );
    if gives_json {
        let words = "Nothing has changed since the ETag in `If-None-Match`; no body";
        let unchanged = ResponseBuilder::new().description(words).build();
        answers.entry("304".to_owned()).or_insert_with(|| unchanged.into());
    }
}

//! What the routes of both nodes need not say themselves in an API's description (OpenAPI 3.1): what any body, query, id and header
//! may be answered with, that a GET may be answered by 304, the headers of each answer, what a field of a name promises, a word for
//! each success, and the shape of each failure. It adds and never takes away. What several routes say is in [`answers`].

pub mod answers;
mod headers;
mod words;

use crate::api::Problem;
use crate::problem::{Kind, PROBLEM_JSON};
use std::collections::BTreeMap;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn, PathItem};
use utoipa::openapi::schema::{ArrayItems, Object, Schema};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Required, Response, ResponseBuilder};
use utoipa::{PartialSchema, ToSchema};

/// The header by which a write may be sent twice, as parameters are written.
pub(crate) const KEY_PARAMETER: &str = "Idempotency-Key";
/// The header that names what a change was made from.
const GUARD_PARAMETER: &str = "If-Match";

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
    // No route names it, see `answers`.
    let mut shapes = vec![(Problem::name().into_owned(), Problem::schema())];
    Problem::schemas(&mut shapes);
    components.schemas.extend(shapes);
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
        let answer =
            answers.entry(kind.status().as_str().to_owned()).or_insert_with(|| Response::default().into());
        let code = format!("`{}`", kind.code());
        if let RefOr::T(answer) = answer
            && !answer.description.contains(&code)
        {
            let comma = if answer.description.is_empty() { "" } else { ", " };
            answer.description = format!("{}{comma}{code}", answer.description);
        }
    }
}

fn complete_route(operation: &mut Operation, choices: &mut Choices) {
    say_what_follows(operation);
    let id = operation.operation_id.clone().unwrap_or_default();
    for parameter in operation.parameters.iter_mut().flatten() {
        if let RefOr::T(parameter) = parameter
            && let Some(schema) = &mut parameter.schema
        {
            choices.extend(words::of_parameter(&id, &parameter.name, schema));
        }
    }
    for (status, answer) in &mut operation.responses.responses {
        if let RefOr::T(answer) = answer {
            complete_answer(status, answer);
        }
    }
}

/// The problems that a route may answer with because of what it takes: a body, parameters, headers.
fn say_what_follows(operation: &mut Operation) {
    let parameters = operation.parameters.as_deref().unwrap_or_default();
    let has = |fits: fn(&Parameter) -> bool| {
        parameters.iter().any(|parameter| matches!(parameter, RefOr::T(parameter) if fits(parameter)))
    };
    let has_query = has(|p| p.parameter_in == ParameterIn::Query);
    let has_id = has(|p| p.parameter_in == ParameterIn::Path);
    let has_key = has(|p| p.name == KEY_PARAMETER);
    let needs_key = has(|p| p.name == KEY_PARAMETER && p.required == Required::True);
    let needs_guard = has(|p| p.name == GUARD_PARAMETER && p.required == Required::True);
    if needs_key {
        may_answer(operation, &[Kind::IdempotencyKeyRequired]);
    }
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
    // Every route refuses parameters that it does not know.
    may_answer(operation, &[Kind::UnknownParameter]);
    if has_query {
        may_answer(operation, &[Kind::InvalidParameter]);
    }
    if has_key {
        may_answer(operation, &[Kind::InvalidHeader, Kind::IdempotencyKeyReused]);
    }
    if has_id {
        may_answer(operation, &[Kind::NotFound]);
    }
    if needs_guard {
        may_answer(operation, &[Kind::PreconditionFailed, Kind::PreconditionRequired]);
    }
}

/// A success has words, a failure a shape.
fn complete_answer(status: &str, answer: &mut Response) {
    if answer.description.is_empty() {
        answer.description = if status == "201" { "Made" } else { "As asked" }.to_owned();
    }
    if status.starts_with(['4', '5']) && answer.content.is_empty() {
        let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
        answer.content.insert(PROBLEM_JSON.to_owned(), problem.into());
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

//! What the routes of both nodes need not say themselves in an API's description (OpenAPI 3.1): what any body and any query may be
//! answered with, that a GET may be answered by 304, and a word for each success. It adds and never takes away.

use crate::problem::{Kind, PROBLEM_JSON};
use std::collections::BTreeMap;
use utoipa::openapi::path::{Operation, Parameter, ParameterIn};
use utoipa::openapi::{ContentBuilder, OpenApi, Ref, RefOr, Response, ResponseBuilder};

type Answers = BTreeMap<String, RefOr<Response>>;

/// Completes each route of a document.
pub fn complete(document: &mut OpenApi) {
    for item in document.paths.paths.values_mut() {
        item.get.iter_mut().for_each(may_be_unchanged);
        let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
        operations.into_iter().flatten().for_each(complete_route);
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

fn complete_route(operation: &mut Operation) {
    if operation.request_body.is_some() {
        may_answer(
            operation,
            &[Kind::MalformedJson, Kind::TooSlow, Kind::TooLarge, Kind::UnsupportedMediaType],
        );
    }
    let parameters = operation.parameters.as_deref().unwrap_or_default();
    let is_query = |parameter: &RefOr<Parameter>| matches!(parameter, RefOr::T(parameter) if parameter.parameter_in == ParameterIn::Query);
    if parameters.iter().any(is_query) {
        may_answer(operation, &[Kind::UnknownParameter, Kind::InvalidParameter]);
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

//! The routes of products.

use super::app;
use crate::auth::Caller;
use crate::error::ApiError;
use crate::http::idempotency::Attempt;
use crate::state::AppState;
use axum::extract::State;
use axum::http::{HeaderMap, header};
use axum::response::Response;
use mizili_node::api::Page;
use mizili_node::body::Body;
use mizili_node::etag::header_value;
use mizili_node::id::PathId;
use mizili_node::idempotency::KEY_HEADER;
use mizili_node::market::products::{NewProduct, Product, ProductChange, ProductQuery, etag, with_etag};
use mizili_node::openapi::answers::{NotAllowed, ProductChanged};
use mizili_node::query::{NoParams, Params};
use uuid::Uuid;

/// List products
///
/// Newest first. `available` is what can be bought here at once; the rest of `total` is held at offices.
#[utoipa::path(get, path = "/api/v1/products", operation_id = "list_products", tag = "Products", params(ProductQuery),
    responses((status = 200, body = Page<Product>)))]
pub async fn list(State(state): State<AppState>, query: Params<ProductQuery>) -> Result<Response, ApiError> {
    let (filter, slice) = query.given.read("hub.products")?;
    let page = app::list(&state, &filter, &slice).await?;
    Ok(page.respond(&query.address))
}

/// See a product
#[utoipa::path(get, path = "/api/v1/products/{id}", operation_id = "get_product", tag = "Products", params(("id" = Uuid, Path, description = "The product.")),
    responses((status = 200, body = Product, headers(("ETag" = String, description = "Send it in `If-Match` to change the product.")))))]
pub async fn get(
    State(state): State<AppState>,
    PathId(id): PathId<Uuid>,
    _: Params<NoParams>,
) -> Result<Response, ApiError> {
    Ok(with_etag(&app::get(&state, id).await?))
}

/// Offer a product
///
/// By a clerk of the cooperative, an admin, or a farmer who is a member of it. A share of it goes to the cooperative's office at
/// once, to be sold there also without a network. With an `Idempotency-Key`, a retry with the same key gets the first answer.
#[utoipa::path(post, path = "/api/v1/products", operation_id = "offer_product", tag = "Products", security(("token" = [])), request_body = NewProduct,
    params(("Idempotency-Key" = Option<String>, Header, description = "A text of your own, the same on every retry.")),
    responses((status = 201, body = Product), NotAllowed))]
pub async fn post(
    State(state): State<AppState>,
    caller: Caller,
    _: Params<NoParams>,
    headers: HeaderMap,
    Body(new): Body<NewProduct>,
) -> Result<Response, ApiError> {
    let given = headers.contains_key(&KEY_HEADER);
    let attempt =
        given.then(|| Attempt::read(&headers, "POST /api/v1/products", caller.id, &new)).transpose()?;
    let answer = app::post(&state, &caller, attempt.as_ref(), &new).await?;
    let tag = answer.made::<Product>().map(|made| header_value(&etag(&made)));
    let mut response = answer.respond("/api/v1/products");
    if let Some(tag) = tag {
        // So that it can be changed at once, without being read first.
        response.headers_mut().insert(header::ETAG, tag);
    }
    Ok(response)
}

/// Change a product, or take it off sale
///
/// Send the ETag of the product in `If-Match`. Orders made before keep their price.
#[utoipa::path(patch, path = "/api/v1/products/{id}", operation_id = "change_product", tag = "Products", security(("token" = [])), request_body = ProductChange,
    params(("id" = Uuid, Path, description = "The product."), ("If-Match" = String, Header, description = "The product's ETag.")),
    responses((status = 200, body = Product), NotAllowed, ProductChanged))]
pub async fn change(
    State(state): State<AppState>,
    caller: Caller,
    PathId(id): PathId<Uuid>,
    _: Params<NoParams>,
    headers: HeaderMap,
    Body(change): Body<ProductChange>,
) -> Result<Response, ApiError> {
    Ok(with_etag(&app::change(&state, &caller, id, &headers, &change).await?))
}

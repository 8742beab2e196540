//! Products as this office sees them: its own and those of other cooperatives around. Reading only; see `sell.rs` for the rest.

use super::filter::{self, Ids, passes};
use super::me::Me;
use super::names::{Names, commodity_names};
use crate::db::DbError;
use crate::http::problem::ApiError;
use crate::market_view::left_milli;
use crate::replica;
use crate::state::AppState;
use axum::extract::State;
use axum::response::Response;
use mizili_node::api::Page;
use mizili_node::id::PathId;
use mizili_node::market::products::{Product, ProductFilter, ProductQuery, with_etag};
use mizili_node::query::{NoParams, Params};
use mizili_node::text::{money, rfc3339};
use rusqlite::Connection;
use sync_protocol::market::{Commodity, Listing};
use sync_protocol::row::Key;
use sync_protocol::units::Quantity;
use uuid::Uuid;

/// Cooperatives are kept by their numbers as the hub writes them.
type Filter = ProductFilter<u32>;

/// The sort key of a list: when it was posted, and the id, both downwards.
type ListKey = (i64, Uuid);

/// List products
///
/// Newest first: this cooperative's and those of others around. `available` is what this office can sell at once, also without a
/// line; the rest of `total` can be asked for.
#[utoipa::path(get, path = "/api/v1/products", operation_id = "list_products", tag = "Products", params(ProductQuery),
    responses((status = 200, body = Page<Product>)))]
pub async fn list(State(state): State<AppState>, query: Params<ProductQuery>) -> Result<Response, ApiError> {
    let (filter, slice) = query.given.read("office.products")?;
    let page = state.db.read(move |conn| {
        let (me, mut names) = (Me::load(conn)?, Names::new(conn));
        let mut found = matching(conn, &mut names, &filter)?;
        found.sort_unstable_by_key(|listing| std::cmp::Reverse(key(listing)));
        slice.cut_whole(
            found,
            key,
            |a, b| b.cmp(a),
            |listing| Ok::<_, ApiError>(show(conn, &me, &mut names, &listing)?),
        )
    });
    Ok(page.await?.respond(&query.address))
}

/// See a product
#[utoipa::path(get, path = "/api/v1/products/{id}", operation_id = "get_product", tag = "Products", params(("id" = Uuid, Path, description = "The product.")),
    responses((status = 200, body = Product, headers(("ETag" = String, description = "Send it in `If-Match` to change the product.")))))]
pub async fn get(
    State(state): State<AppState>,
    PathId(id): PathId<Uuid>,
    _: Params<NoParams>,
) -> Result<Response, ApiError> {
    let product = state.db.read(move |conn| {
        let listing: Listing =
            replica::get(conn, Key::Uuid(id))?.ok_or_else(|| ApiError::not_found("product"))?;
        Ok::<_, ApiError>(show(conn, &Me::load(conn)?, &mut Names::new(conn), &listing)?)
    });
    Ok(with_etag(&product.await?))
}

fn key(listing: &Listing) -> ListKey {
    (listing.posted_at_s, listing.id.0)
}

fn matching(conn: &Connection, names: &mut Names<'_>, filter: &Filter) -> Result<Vec<Listing>, ApiError> {
    let commodities = filter::commodities(conn, filter.commodity.as_ref())?;
    let crops = filter::crops(conn, filter.crop.as_deref())?;
    let regions = filter::regions(conn, filter.region.as_ref())?;
    let named: Ids = match &filter.words {
        None => None,
        Some(words) => {
            let all = replica::all::<Commodity>(conn)?;
            let found = all.iter().filter(|c| filter::mentions(Some(words), commodity_names(c)));
            Some(found.map(|c| c.id.0).collect())
        }
    };
    let mut found = Vec::new();
    for listing in replica::all_readable::<Listing>(conn)? {
        let commodity = listing.commodity.0;
        let fits = filter.status.is_none_or(|status| status == listing.status)
            && filter.cooperative.is_none_or(|id| id == listing.cooperative.0)
            && passes(&commodities, commodity)
            && passes(&crops, commodity);
        if fits && seller_fits(names, filter, &regions, &named, &listing)? {
            found.push(listing);
        }
    }
    Ok(found)
}

/// Whether region, country and words fit.
fn seller_fits(
    names: &mut Names<'_>,
    filter: &Filter,
    regions: &Ids,
    named: &Ids,
    listing: &Listing,
) -> Result<bool, DbError> {
    if regions.is_none() && filter.country.is_none() && filter.words.is_none() {
        return Ok(true);
    }
    let seller = names.cooperative_row(listing.cooperative)?;
    let (region, country) = (seller.and_then(|coop| coop.region), seller.map(|coop| coop.country));
    let words = filter.words.as_deref();
    Ok((regions.is_none() || region.is_some_and(|region| passes(regions, region.0)))
        && filter
            .country
            .as_deref()
            .is_none_or(|wanted| country.is_some_and(|country| country.as_str() == wanted))
        && (words.is_none()
            || passes(named, listing.commodity.0)
            || filter::mentions(
                words,
                [listing.title.as_str(), seller.map_or("", |coop| coop.name.as_str())],
            )))
}

/// As it is shown at this office.
pub(super) fn show(
    conn: &Connection,
    me: &Me,
    names: &mut Names<'_>,
    listing: &Listing,
) -> Result<Product, DbError> {
    let commodity = names.commodity(listing.commodity)?;
    let name = if listing.title.is_empty() { commodity.clone() } else { listing.title.clone() };
    let own = listing.cooperative == me.identity.cooperative;
    let available = if own { me.can_sell(conn, listing.id)? } else { Quantity::ZERO };
    let region = names.cooperative_row(listing.cooperative)?.and_then(|coop| coop.region);
    Ok(Product {
        id: listing.id.0,
        name,
        commodity_id: listing.commodity.0,
        commodity,
        unit_id: listing.unit.0,
        unit: names.unit(listing.unit)?,
        price: money(listing.price_minor, listing.currency),
        available,
        total: total(conn, listing)?,
        cooperative_id: listing.cooperative.0,
        cooperative: names.cooperative(listing.cooperative)?,
        region: names.region(region)?,
        seller_id: listing.seller.map(|seller| seller.0),
        seller: listing.seller.map_or(Ok(None), |seller| names.member(seller.0))?,
        status: listing.status.as_str().to_owned(),
        posted_at: rfc3339(listing.posted_at_s),
    })
}

/// What all holders together have, also what the hub has yet to hear of; of another cooperative's product, what the hub said it
/// could sell.
fn total(conn: &Connection, listing: &Listing) -> Result<Quantity, DbError> {
    if let Some(available) = listing.available {
        return Ok(available.max(Quantity::ZERO));
    }
    Ok(Quantity(left_milli(conn, listing.id)?))
}

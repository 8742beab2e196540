//! Products: their shape, the parameters of their list, the commands that a request asks for when one is offered or changed, and the
//! ETag.

use crate::api::{FieldProblem, Money, quantity};
use crate::etag::{header_value, versioned};
use crate::name::tidy;
use crate::page::Slice;
use crate::problem::{Problem, field, fields};
use crate::query::{self, IdOrName};
use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::str::FromStr;
use sync_protocol::market::{
    Body, ListingEdit, ListingPost, ListingStatus, ListingWithdraw, TextChange, WholeChange,
};
use sync_protocol::units::Quantity;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Something for sale.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Product {
    /// Its id.
    pub id: Uuid,
    /// Its own name, or its commodity's.
    #[schema(example = "Maize")]
    pub name: String,
    /// The commodity.
    pub commodity_id: u32,
    /// The commodity's English name.
    pub commodity: String,
    /// The unit that price and quantity are in.
    pub unit_id: u32,
    /// The unit as people write it.
    #[schema(example = "KG")]
    pub unit: String,
    /// Price of one unit.
    pub price: Money,
    /// What can be bought here at once: at the hub the hub's units, at an office the office's.
    #[serde(with = "quantity")]
    #[schema(value_type = String, example = "25")]
    pub available: Quantity,
    /// What all holders together have, where this node knows it. The rest can be asked for.
    #[serde(with = "quantity")]
    #[schema(value_type = String, example = "50")]
    pub total: Quantity,
    /// The cooperative that sells.
    pub cooperative_id: u32,
    /// Its name.
    pub cooperative: String,
    /// Its region, where known.
    pub region: Option<String>,
    /// The member who offers it, if one does.
    pub seller_id: Option<Uuid>,
    /// That member's name, at the office of the member's cooperative.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub seller: Option<String>,
    /// `active` or `withdrawn`.
    pub status: String,
    /// When it was posted, RFC 3339, UTC.
    pub posted_at: String,
}

/// A new product.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProduct {
    /// The commodity, see `/commodities`.
    pub commodity_id: u32,
    /// The unit, see `/units`.
    pub unit_id: u32,
    /// A name of its own; empty to use the commodity's.
    #[serde(default)]
    pub title: String,
    /// How much is taken in.
    #[serde(with = "quantity")]
    #[schema(value_type = String, example = "50")]
    pub quantity: Quantity,
    /// Price of one unit.
    pub price: Money,
    /// The selling cooperative; the caller's own when left out.
    #[serde(default)]
    pub cooperative_id: Option<u32>,
}

/// A change of a product. Send the product's ETag in `If-Match`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProductChange {
    /// New price of one unit.
    #[serde(default)]
    pub price: Option<Money>,
    /// New name.
    #[serde(default)]
    pub title: Option<String>,
    /// `withdrawn` takes it off sale.
    #[serde(default)]
    pub status: Option<String>,
}

/// How a list of products is narrowed.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct ProductQuery {
    /// A commodity's id, or its whole name in any language.
    commodity: Option<String>,
    /// The beginning of a commodity's name in any language, such as `maize` or `chimanga`.
    crop: Option<String>,
    /// A region's id or name.
    region: Option<String>,
    /// ISO 3166-1 alpha-3.
    country: Option<String>,
    /// A cooperative's id.
    #[param(value_type = Option<i32>)]
    cooperative: Option<String>,
    /// `active` (the default), `withdrawn` or `any`.
    status: Option<String>,
    /// A text within the product's, commodity's or cooperative's name.
    q: Option<String>,
    /// Items of a page, 1 to 100; 50 by default.
    #[param(value_type = Option<u32>)]
    limit: Option<String>,
    /// Of the page before: follow `next`.
    cursor: Option<String>,
}

/// What a list of products is narrowed to. `I` is the number by which the node keeps cooperatives.
#[derive(Clone, Debug)]
pub struct ProductFilter<I> {
    /// A commodity of that id or name.
    pub commodity: Option<IdOrName>,
    /// The beginning of a commodity's name in any language.
    pub crop: Option<String>,
    /// A region of that id or name.
    pub region: Option<IdOrName>,
    /// ISO 3166-1 alpha-3.
    pub country: Option<String>,
    /// The cooperative that sells.
    pub cooperative: Option<I>,
    /// `None` for any.
    pub status: Option<ListingStatus>,
    /// Words of the title or of the commodity's or cooperative's name.
    pub words: Option<String>,
}

impl ProductQuery {
    /// What it narrows a list to, and which page. `list` names the list in its cursors, see [`Slice::read`].
    ///
    /// # Errors
    /// Names the parameter that is wrong.
    pub fn read<I, K>(&self, list: &'static str) -> Result<(ProductFilter<I>, Slice<K>), Problem>
    where
        I: FromStr,
        K: Serialize + DeserializeOwned,
    {
        let slice = Slice::read(list, self.limit.as_deref(), self.cursor.as_deref())?;
        Ok((self.filter()?, slice))
    }

    fn filter<I: FromStr>(&self) -> Result<ProductFilter<I>, Problem> {
        let status = match self.status.as_deref() {
            None => Some(ListingStatus::Active),
            Some("any") => None,
            Some(word) => {
                let wrong = || Problem::parameter("status", "must be active, withdrawn or any.");
                Some(ListingStatus::parse(word).ok_or_else(wrong)?)
            }
        };
        Ok(ProductFilter {
            commodity: query::id_or_name("commodity", self.commodity.as_deref())?,
            crop: query::text("crop", self.crop.as_deref())?,
            region: query::id_or_name("region", self.region.as_deref())?,
            country: query::country("country", self.country.as_deref())?,
            cooperative: query::id("cooperative", self.cooperative.as_deref())?,
            status,
            words: query::text("q", self.q.as_deref())?,
        })
    }
}

/// The ETag of a product: what can be edited of it, and all of it.
pub fn etag(product: &Product) -> String {
    versioned(&(&product.name, &product.price, &product.status), product)
}

/// A product as an answer, with its ETag.
pub fn with_etag(product: &Product) -> Response {
    ([(header::ETAG, header_value(&etag(product)))], Json(product)).into_response()
}

/// The command that offers a new product as the listing of that id, for a member where there is a seller.
pub fn posting(listing: Uuid, new: &NewProduct, seller: Option<Uuid>) -> ListingPost {
    ListingPost {
        listing,
        commodity: new.commodity_id,
        unit: new.unit_id,
        title: tidy(&new.title),
        quantity_milli: new.quantity.0,
        price_minor: new.price.amount,
        currency: new.price.currency.to_ascii_uppercase(),
        seller,
        hub_milli: None,
    }
}

/// What is wrong with a quantity of a unit that can be had in steps of so many thousandths; nothing for most.
pub fn in_steps(pointer: &str, quantity: Quantity, step_milli: i64) -> Option<FieldProblem> {
    let fits = quantity.0 % step_milli.max(1) == 0;
    let step = match Quantity(step_milli) {
        Quantity(1_000) => "a whole number".to_owned(),
        step => format!("a multiple of {step}"),
    };
    (!fits).then(|| field(pointer, format!("Must be {step}: this is counted in pieces.")))
}

/// What can be changed of a listing, as it stands now.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    /// Its id.
    pub listing: Uuid,
    /// The price of one unit, in minor units of the currency.
    pub price_minor: i64,
    /// The currency's code, which no change changes.
    pub currency: &'a str,
    /// The title as it was given; empty for none.
    pub title: &'a str,
}

impl Standing<'_> {
    /// The commands that a change comes to, with what stands now as what the caller saw; one at least.
    ///
    /// # Errors
    /// Everything that is wrong with the change, at once.
    pub fn changed(&self, change: &ProductChange) -> Result<Vec<Body>, Problem> {
        let mut wrong = Vec::new();
        let mut bodies: Vec<Body> = Vec::new();
        let price = change.price.as_ref();
        if price.is_some_and(|price| !price.currency.eq_ignore_ascii_case(self.currency)) {
            wrong.push(field("/price/currency", format!("This product is sold in {}.", self.currency)));
        }
        let title = change.title.as_ref();
        let edit = ListingEdit {
            listing: self.listing,
            price_minor: price.map(|price| WholeChange { old: self.price_minor, new: price.amount }),
            title: title.map(|title| TextChange { old: self.title.to_owned(), new: tidy(title) }),
        };
        if edit.price_minor.is_some() || edit.title.is_some() {
            bodies.push(edit.into());
        }
        match change.status.as_deref().map(ListingStatus::parse) {
            None => {}
            Some(Some(ListingStatus::Withdrawn)) => {
                bodies.push(ListingWithdraw { listing: self.listing }.into());
            }
            Some(_) => wrong.push(field("/status", "Can only be set to `withdrawn`.")),
        }
        if bodies.is_empty() && wrong.is_empty() {
            wrong.push(field("", "Say what to change: price, title or status."));
        }
        wrong.extend(bodies.iter().flat_map(|body| fields(body.check())));
        if wrong.is_empty() { Ok(bodies) } else { Err(Problem::fields(wrong)) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTING: Uuid = Uuid::from_u128(5);
    const NOW: Standing<'_> =
        Standing { listing: LISTING, price_minor: 45_000, currency: "MWK", title: "White maize" };

    fn priced(amount: i64, currency: &str) -> ProductChange {
        ProductChange {
            price: Some(Money { amount, currency: currency.to_owned() }),
            ..ProductChange::default()
        }
    }

    fn wrong(change: &ProductChange) -> Vec<String> {
        let json = NOW.changed(change).unwrap_err().to_json();
        let errors = json["errors"].as_array().unwrap();
        errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn a_change_is_one_edit_that_says_what_stood_before() {
        let title = Some(" Yellow maize ".to_owned());
        let change = ProductChange { title, ..priced(50_000, "mwk") };
        let edit = ListingEdit {
            listing: LISTING,
            price_minor: Some(WholeChange { old: 45_000, new: 50_000 }),
            title: Some(TextChange { old: "White maize".to_owned(), new: "Yellow maize".to_owned() }),
        };
        assert_eq!(NOW.changed(&change).unwrap(), [edit.clone().into()]);
        let change = ProductChange { status: Some("withdrawn".to_owned()), ..change };
        let withdraw = ListingWithdraw { listing: LISTING };
        assert_eq!(NOW.changed(&change).unwrap(), [edit.into(), withdraw.into()]);
    }

    #[test]
    fn half_a_head_is_no_quantity() {
        assert_eq!(in_steps("/quantity", Quantity(500), 1_000).unwrap().pointer, "/quantity");
        assert_eq!(in_steps("/quantity", Quantity(2_000), 1_000), None);
        let said = |step| in_steps("/quantity", Quantity(300), step).unwrap().detail;
        assert_eq!(said(1_000), "Must be a whole number: this is counted in pieces.");
        assert_eq!(said(250), "Must be a multiple of 0.25: this is counted in pieces.", "a dozen's");
        assert_eq!(in_steps("/quantity", Quantity(1), 1), None);
    }

    #[test]
    fn everything_that_is_wrong_is_said_at_once() {
        assert_eq!(wrong(&ProductChange::default()), [""]);
        let sold = ProductChange { status: Some("sold".to_owned()), ..priced(-1, "KES") };
        assert_eq!(wrong(&sold), ["/price/currency", "/status", "/price/amount"]);
    }
}

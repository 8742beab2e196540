//! What is the same at both nodes when a product is offered, changed or shown: the commands that a request asks for, and the ETag.
//! Whether any of it may be done is for the commands to decide, never for this.

use crate::api::FieldProblem;
use crate::api::market::{NewProduct, Product, ProductChange};
use crate::etag::{header_value, versioned};
use crate::name::tidy;
use crate::problem::{Problem, field, fields};
use axum::Json;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use sync_protocol::market::{
    Body, ListingEdit, ListingPost, ListingStatus, ListingWithdraw, TextChange, WholeChange,
};
use sync_protocol::units::Quantity;
use uuid::Uuid;

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

/// What is wrong with an order of what the buyer offers: there is nobody to sell it to him.
pub const OWN_OFFER: &str = "This is the buyer's own offer.";

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
    use crate::api::Money;

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

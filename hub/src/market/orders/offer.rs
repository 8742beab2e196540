//! What a product is offered at, as an order is worded and answered by it: the product itself as it stands under its lock, and the
//! names that go with it. Reads nothing but a name that is new.

use super::db::{self, Named};
use crate::db::int;
use crate::names::kept::Kept;
use sqlx::PgConnection;
use sync_protocol::market::Listing;

/// See the module.
pub(crate) struct Offer {
    pub(crate) price_minor: i64,
    pub(crate) currency: String,
    /// The product's own name, or its commodity's.
    pub(crate) product: String,
    pub(crate) unit: String,
    /// The steps in which the unit can be had, in thousandths.
    pub(crate) step_milli: i64,
}

impl Offer {
    /// The offer of a product. What has no name among those that are kept is read in the caller's transaction: whoever holds a
    /// connection must not wait for another.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn of(
        conn: &mut PgConnection,
        kept: &Kept,
        listing: &Listing,
    ) -> Result<Self, sqlx::Error> {
        let named = match (kept.commodity(listing.commodity), kept.unit(listing.unit)) {
            (Some(commodity), Some(unit)) => Named {
                commodity: commodity.to_owned(),
                unit: unit.code.clone(),
                step_milli: unit.base.step_milli(unit.factor_milli),
            },
            _ => db::named(conn, int(listing.commodity.0)?, int(listing.unit.0)?).await?,
        };
        let product = if listing.title.is_empty() { named.commodity } else { listing.title.clone() };
        Ok(Self {
            price_minor: listing.price_minor,
            currency: listing.currency.as_str().to_owned(),
            product,
            unit: named.unit,
            step_milli: named.step_milli,
        })
    }
}

//! Products: what cooperatives and their members sell. A product is a listing, in the words of the commands and of the edges.

pub mod app;
pub mod db;
pub mod http;
use mizili_node::market::products::{Product, Standing};
use mizili_node::text::{money, rfc3339};
use sync_protocol::market::Listing;
use sync_protocol::units::Quantity;

/// A listing with what is said of it, as it is read.
pub(crate) struct ProductRow {
    pub(crate) listing: Listing,
    /// The name of its commodity, and so on.
    pub(crate) commodity: String,
    pub(crate) unit: String,
    pub(crate) cooperative: String,
    pub(crate) region: Option<String>,
    pub(crate) hub_milli: i64,
    pub(crate) total_milli: i64,
}

impl ProductRow {
    /// What can be changed of it, as it stands.
    pub(crate) fn standing(&self) -> Standing<'_> {
        Standing {
            listing: self.listing.id.0,
            price_minor: self.listing.price_minor,
            currency: self.listing.currency.as_str(),
            title: &self.listing.title,
        }
    }

    /// As it is shown. A holder who sold more than it had shows nothing, not less than nothing.
    pub(crate) fn show(self) -> Product {
        let listing = self.listing;
        let name = if listing.title.is_empty() { self.commodity.clone() } else { listing.title };
        Product {
            id: listing.id.0,
            name,
            commodity_id: listing.commodity.0,
            commodity: self.commodity,
            unit_id: listing.unit.0,
            unit: self.unit,
            price: money(listing.price_minor, listing.currency.as_str()),
            available: Quantity(self.hub_milli.max(0)),
            total: Quantity(self.total_milli.max(0)),
            cooperative_id: listing.cooperative.0,
            cooperative: self.cooperative,
            region: self.region,
            seller_id: listing.seller.map(|seller| seller.0),
            // Who offers it is known at the office; the hub shows it to anybody.
            seller: None,
            status: listing.status.as_str().to_owned(),
            posted_at: rfc3339(listing.posted_at_s),
        }
    }
}

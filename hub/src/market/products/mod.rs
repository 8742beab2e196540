//! Products: what cooperatives and their members sell. A product is a listing, in the words of the commands and of the edges.

pub mod app;
pub mod db;
pub mod http;

use mizili_node::api::market::Product;
use mizili_node::product::Standing;
use mizili_node::text::{money, rfc3339};
use sync_protocol::market::ListingStatus;
use sync_protocol::units::Quantity;
use uuid::Uuid;

/// A listing with what is said of it, as it is read.
pub(crate) struct ProductRow {
    pub(crate) id: Uuid,
    pub(crate) title: String,
    pub(crate) commodity: i32,
    pub(crate) commodity_name: String,
    pub(crate) unit: i32,
    pub(crate) unit_code: String,
    pub(crate) price_minor: i64,
    pub(crate) currency: String,
    pub(crate) cooperative: i32,
    pub(crate) cooperative_name: String,
    pub(crate) region: Option<String>,
    pub(crate) seller: Option<Uuid>,
    pub(crate) status: ListingStatus,
    pub(crate) posted_at_s: i64,
    pub(crate) hub_milli: i64,
    pub(crate) total_milli: i64,
}

impl ProductRow {
    /// What can be changed of it, as it stands.
    pub(crate) fn standing(&self) -> Standing<'_> {
        Standing {
            listing: self.id,
            price_minor: self.price_minor,
            currency: &self.currency,
            title: &self.title,
        }
    }

    /// As it is shown. A holder who sold more than it had shows nothing, not less than nothing.
    pub(crate) fn show(self) -> Product {
        let name = if self.title.is_empty() { self.commodity_name.clone() } else { self.title };
        Product {
            id: self.id,
            name,
            commodity_id: self.commodity.cast_unsigned(),
            commodity: self.commodity_name,
            unit_id: self.unit.cast_unsigned(),
            unit: self.unit_code,
            price: money(self.price_minor, &self.currency),
            available: Quantity(self.hub_milli.max(0)),
            total: Quantity(self.total_milli.max(0)),
            cooperative_id: self.cooperative.cast_unsigned(),
            cooperative: self.cooperative_name,
            region: self.region,
            seller_id: self.seller,
            // Who offers it is known at the office; the hub shows it to anybody.
            seller: None,
            status: self.status.as_str().to_owned(),
            posted_at: rfc3339(self.posted_at_s),
        }
    }
}

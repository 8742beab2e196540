//! An outside book of what people were told, kept by nobody in the system.

use crate::stock::Change;
use std::collections::{BTreeMap, BTreeSet};
use sync_protocol::ids::{CommandId, EdgeId, ListingId, OrderId};
use sync_protocol::market::Certainty;

/// What people were told.
#[derive(Default)]
pub(crate) struct Book {
    /// The types of the commands that edges took.
    pub(crate) drawn: BTreeSet<u16>,
    /// Everybody whose act an edge took: which edge, and whether it was called done or only asked.
    pub(crate) told: BTreeMap<CommandId, (EdgeId, Certainty)>,
    /// When the final word on an act was first seen at its edge, in true seconds.
    pub(crate) settled: BTreeMap<CommandId, i64>,
    /// Orders that were taken in at the hub, and cancelled there.
    pub(crate) cancelled_at_the_hub: BTreeSet<OrderId>,
    /// What was taken in with a listing, or at the hub.
    pub(crate) taken_in: BTreeMap<ListingId, i64>,
    /// Changes of the stock that an edge took, but for those that take another back.
    pub(crate) changes: BTreeMap<CommandId, Change>,
    /// Orders that an edge confirmed from its own units.
    pub(crate) sold: BTreeMap<OrderId, (ListingId, i64)>,
    /// Those of them that were taken back before they left the edge.
    pub(crate) taken_back: BTreeSet<OrderId>,
}

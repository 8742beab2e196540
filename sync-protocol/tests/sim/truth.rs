//! What an edge counts as its own beside what is there: what the hub holds for it, once everything that the edge has said, and the hub has
//! not decided for good, is decided.

use crate::check::lost_to_a_count;
use crate::edge::Edge;
use crate::world::World;
use sync_protocol::ids::{Holder, ListingId};
use sync_protocol::market::{Body, Command, Effect, Listing, StockEntry, WorkingSet};

/// An edge that counts something as given back before the hub's rows say so counts no more than will be there.
pub(crate) fn nobody_counts_what_is_not_there(world: &World) {
    for edge in world.edges.iter().filter(|edge| edge.is_complete()) {
        let listings = edge.given_back_at_once();
        if listings.is_empty() {
            continue;
        }
        let truth = decided(world, edge);
        let holder = Holder::Edge(edge.id);
        for listing in listings {
            // An operator may have put its posting aside.
            let is_gone = !truth.has::<Listing>(listing);
            if is_gone || lost_to_a_count(world, listing, holder) {
                continue;
            }
            let (counted, there) = (edge.spendable(listing), truth.available(listing, holder));
            assert!(
                counted <= there,
                "edge {} counts {counted} of {listing}, and {there} are there for it",
                edge.id
            );
        }
    }
}

/// The hub's books with all that waits of an edge.
fn decided(world: &World, edge: &Edge) -> WorkingSet {
    let mut set = world.hub.set.clone();
    let context = world.hub.context(Holder::Edge(edge.id), edge.coop);
    let stream = &world.hub.streams[&edge.id];
    let waits =
        |command: &&Command| command.seq > stream.links.applied_seq || stream.open.contains_key(&command.seq);
    for command in edge.log.values().map(|logged| &logged.command).filter(waits) {
        let body = Body::from_raw(&command.body).unwrap().unwrap();
        if let Ok(decision) = body.decide(command, &context, &set) {
            set.apply(&decision.effects);
        }
    }
    set
}

impl Edge {
    /// Listings of which something was taken back here that the hub has not booked yet.
    pub(crate) fn given_back_at_once(&self) -> Vec<ListingId> {
        let entries = self.local().filter(|effect| effect.at_once).filter_map(Effect::read::<StockEntry>);
        entries.filter(|entry| entry.id.takes_back().is_some()).map(|entry| entry.listing).collect()
    }
}

//! Recognises a command that has taken effect already: the same one again after an answer was lost. It is answered as it was the
//! first time, and changes nothing.
//!
//! Edges' commands are recognised by their stream before they come here; this is for REST, and for what an edge offers again
//! under a new incarnation after the hub has forgotten its body.

use super::load::Existing;
use mizili_node::name::tidy;
use sync_protocol::ids::{ListingId, MemberId, OrderId};
use sync_protocol::market::{Adjustment, Body, Command, Context, EntryId, WorkingSet};
use sync_protocol::units::Quantity;

/// Whether everything that the command would make is there, and is what it would make.
pub(super) fn is_repeat(
    command: &Command,
    body: &Body,
    context: &Context,
    set: &WorkingSet,
    existing: &Existing,
) -> bool {
    match body {
        // The order's id is the command's, so only the content is compared that a person could have changed.
        Body::OrderPlace(b) => set.orders.get(&OrderId(command.id.0)).is_some_and(|order| {
            order.listing.0 == b.listing
                && order.quantity.0 == b.quantity_milli
                && order.unit_price_minor == b.unit_price_minor
                && tidy(&order.buyer_name) == b.buyer_name
        }),
        // Taken back twice is once, by the ids of what it moves.
        Body::StockAdjust(b) if b.undoes.is_some() => false,
        // The entries' id is the command's.
        Body::StockAdjust(b) => {
            let made = |step| existing.entries.get(&EntryId { of: command.id.0, step });
            match b.found {
                Adjustment::Intake(q) => made(EntryId::INTAKE) == Some(&Quantity(q)),
                Adjustment::WriteOff(q) => made(EntryId::WRITTEN_OFF) == Some(&Quantity(-q)),
                Adjustment::Count { .. } => {
                    existing.entries.keys().any(|entry| entry.of == command.id.0 && entry.is_of_a_change())
                }
            }
        }
        // The listing's id is its own: another command with that id is another posting, unless all of it is the same.
        Body::ListingPost(b) => {
            let intake = existing.entries.get(&EntryId { of: b.listing, step: EntryId::INTAKE });
            let same_quantity = intake == Some(&Quantity(b.quantity_milli));
            same_quantity
                && set.listings.get(&ListingId(b.listing)).is_some_and(|listing| {
                    Some(listing.cooperative) == context.cooperative
                        && listing.commodity.0 == b.commodity
                        && listing.unit.0 == b.unit
                        && listing.seller == b.seller.map(|seller| set.resolve(MemberId(seller)))
                        && listing.posted_at_s == command.made_at_s
                })
        }
        // Setting the same again is harmless by itself.
        Body::MemberRegister(_) | Body::ListingEdit(_) | Body::ListingWithdraw(_) | Body::OrderCancel(_) => {
            false
        }
    }
}

/// Whether what the command would make is there as something else, by another road than this command: an id that is another's.
pub(super) fn is_taken(
    command: &Command,
    body: &Body,
    context: &Context,
    set: &WorkingSet,
    existing: &Existing,
) -> bool {
    let is_there = match body {
        Body::OrderPlace(_) => set.orders.contains_key(&OrderId(command.id.0)),
        Body::ListingPost(b) => set.listings.contains_key(&ListingId(b.listing)),
        Body::StockAdjust(_) => existing.entries.keys().any(|entry| entry.of == command.id.0),
        Body::MemberRegister(_) | Body::ListingEdit(_) | Body::ListingWithdraw(_) | Body::OrderCancel(_) => {
            false
        }
    };
    is_there && !is_repeat(command, body, context, set, existing)
}

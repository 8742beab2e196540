//! `listing.withdraw`: takes a listing off sale. Its units stay where they are; orders made before stand.

use super::edit::{listing_needs, listing_to_change};
use crate::ids::CommandId;
use crate::market::{
    Actor, Certainty, Command, Context, Decision, EffectRow, Invalid, ListingStatus, Needs, WorkingSet,
};
use crate::verdict::{Reject, RejectCode};
use crate::wire::cbor::uuid_bytes;
use minicbor::{Decode, Encode};
use uuid::Uuid;

/// Withdraws a listing.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ListingWithdraw {
    /// The listing.
    #[cbor(n(0), with = "uuid_bytes")]
    pub listing: Uuid,
}

impl ListingWithdraw {
    pub(in crate::market) fn check(&self) -> Vec<Invalid> {
        Vec::new()
    }

    pub(in crate::market) fn needs(&self, _: CommandId, actor: &Actor, _: &Context) -> Needs {
        listing_needs(self.listing, actor)
    }

    pub(in crate::market) fn decide(
        &self,
        command: &Command,
        context: &Context,
        set: &WorkingSet,
    ) -> Result<Decision, Reject> {
        let mut decision = Decision::new(Certainty::Request);
        match listing_to_change(self.listing, command, context, set) {
            // Withdrawn by two people, or twice: what both wanted holds.
            Err(Reject { code: RejectCode::Withdrawn, .. }) => {}
            Err(refusal) => return Err(refusal),
            Ok(listing) => {
                let mut listing = listing.clone();
                listing.status = ListingStatus::Withdrawn;
                decision.set(EffectRow::Listing(listing), true);
            }
        }
        Ok(decision)
    }
}

//! `listing.withdraw`: takes a listing off sale. Its units stay where they are; orders made before stand.

use super::edit::{listing_to_change, needs};
use crate::cbor::uuid_bytes;
use crate::ids::{CommandId, ListingId};
use crate::market::check::Invalid;
use crate::market::{
    Actor, Certainty, Command, Context, Decision, Form, Listing, ListingStatus, Made, Needs, Rule, WorkingSet,
};
use crate::verdict::{Reject, RejectCode};
use minicbor::{Decode, Encode};
use uuid::Uuid;

/// Withdraws a listing.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ListingWithdraw {
    /// The listing.
    #[cbor(n(0), with = "uuid_bytes")]
    pub listing: Uuid,
}

impl Rule for ListingWithdraw {
    const REFUSES: &'static [RejectCode] = &[RejectCode::NotFound, RejectCode::NotAllowed];

    fn check(&self) -> Vec<Invalid> {
        Vec::new()
    }

    fn needs(&self, _: CommandId, actor: &Actor, _: &Context) -> Needs {
        needs(self.listing, actor)
    }

    fn decide(&self, command: &Command, context: &Context, set: &WorkingSet) -> Result<Decision, Reject> {
        let mut decision = Decision::new(Certainty::Request);
        match listing_to_change(self.listing, command, context, set) {
            // Withdrawn by two people, or twice: what both wanted holds.
            Err(Reject { code: RejectCode::Withdrawn, .. }) => {}
            Err(refusal) => return Err(refusal),
            Ok(listing) => decision.set(&Listing { status: ListingStatus::Withdrawn, ..listing }, true),
        }
        Ok(decision)
    }

    fn about(&self, _: CommandId) -> Uuid {
        self.listing
    }

    fn makes(&self, _: CommandId) -> Option<Made> {
        None
    }

    // Setting the same again is harmless by itself.
    fn is_repeat(&self, _: &Command, _: &Context, _: &WorkingSet, _: Form) -> bool {
        false
    }

    fn is_awaited(&self, _: &Context, set: &WorkingSet) -> bool {
        set.may_come::<Listing>(ListingId(self.listing))
    }

    fn renamed(self, new: &dyn Fn(Uuid) -> Uuid) -> Self {
        Self { listing: new(self.listing) }
    }

    fn names(&mut self) -> Vec<&mut String> {
        Vec::new()
    }

    fn sample(about: Uuid) -> Self {
        Self { listing: about }
    }
}

//! `listing.edit`: changes fields of a listing. Each field carries the value that was seen, so that two people do not undo each
//! other unseen, and two offline edits in a row do not fight.

use crate::cbor::uuid_bytes;
use crate::ids::{CommandId, ListingId};
use crate::market::check::{self, Invalid};
use crate::market::{
    Actor, Certainty, Command, Context, Decision, Form, Listing, ListingStatus, Made, Member, Needs, Rule,
    WorkingSet,
};
use crate::verdict::{Conflict, Reject, RejectCode};
use minicbor::{Decode, Encode};
use uuid::Uuid;

/// A change of a whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, Decode)]
pub struct WholeChange {
    /// What the person saw.
    #[n(0)]
    pub old: i64,
    /// What the person wants.
    #[n(1)]
    pub new: i64,
}

/// A change of a text.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct TextChange {
    /// What the person saw.
    #[n(0)]
    pub old: String,
    /// What the person wants.
    #[n(1)]
    pub new: String,
}

/// Edits a listing's price or title.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ListingEdit {
    /// The listing.
    #[cbor(n(0), with = "uuid_bytes")]
    pub listing: Uuid,
    /// Price of one unit, in minor units.
    #[n(1)]
    pub price_minor: Option<WholeChange>,
    /// A name of its own, or empty.
    #[n(2)]
    pub title: Option<TextChange>,
}

impl Rule for ListingEdit {
    const REFUSES: &'static [RejectCode] =
        &[RejectCode::NotFound, RejectCode::NotAllowed, RejectCode::Withdrawn, RejectCode::Conflict];

    fn check(&self) -> Vec<Invalid> {
        let nothing = self.price_minor.is_none() && self.title.is_none();
        check::all([
            nothing.then(|| Invalid { pointer: "", message: "Say what to change: price or title.".into() }),
            self.price_minor.and_then(|c| check::price("/price/amount", c.new)),
            self.title.as_ref().and_then(|c| check::text("/title", &c.new, true)),
        ])
    }

    fn needs(&self, _: CommandId, actor: &Actor, _: &Context) -> Needs {
        needs(self.listing, actor)
    }

    fn decide(&self, command: &Command, context: &Context, set: &WorkingSet) -> Result<Decision, Reject> {
        let mut listing = listing_to_change(self.listing, command, context, set)?;
        let mut conflicts = Vec::new();
        let mut changed = 0;
        if let Some(change) = self.price_minor {
            if listing.price_minor == change.old || listing.price_minor == change.new {
                listing.price_minor = change.new;
                changed += 1;
            } else {
                let (current, wanted) = (listing.price_minor.to_string(), change.new.to_string());
                conflicts.push(Conflict::new("price_minor", &current, &wanted));
            }
        }
        if let Some(change) = &self.title {
            if listing.title == change.old || listing.title == change.new {
                listing.title = change.new.trim().to_owned();
                changed += 1;
            } else {
                conflicts.push(Conflict::new("title", &listing.title, &change.new));
            }
        }
        if changed == 0 {
            let args = conflicts.into_iter().flat_map(|c| [c.field, c.current]);
            return Err(Reject::with(RejectCode::Conflict, args));
        }
        let mut decision = Decision::new(Certainty::Request);
        decision.applied.conflicts = conflicts;
        decision.set(&listing, true);
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
        Self { listing: new(self.listing), ..self }
    }

    fn names(&mut self) -> Vec<&mut String> {
        self.title.iter_mut().flat_map(|title| [&mut title.old, &mut title.new]).collect()
    }

    /// A title that was kept before titles had one form is seen as what it looks like: whoever has seen that has seen what stands.
    fn as_it_stands(&mut self, set: &WorkingSet, form: Form) {
        if let Some(title) = &mut self.title
            && let Some(listing) = set.get::<Listing>(ListingId(self.listing))
        {
            let looks_like = form(&listing.title);
            if looks_like == title.old || looks_like == title.new {
                title.old = listing.title;
            }
        }
    }

    fn sample(about: Uuid) -> Self {
        Self { listing: about, price_minor: Some(WholeChange { old: 1, new: 2 }), title: None }
    }
}

/// What changing a listing reads.
pub(in crate::market) fn needs(listing: Uuid, actor: &Actor) -> Needs {
    Needs::of::<Listing>(ListingId(listing)).rows::<Member>(actor.member())
}

/// The listing, if it still stands and this actor may change it.
pub(super) fn listing_to_change(
    listing: Uuid,
    command: &Command,
    context: &Context,
    set: &WorkingSet,
) -> Result<Listing, Reject> {
    let listing = set.get::<Listing>(ListingId(listing)).ok_or_else(|| Reject::new(RejectCode::NotFound))?;
    let own_office = context.cooperative == Some(listing.cooperative);
    let actor = command.actor.member().map(|member| set.resolve(member));
    let own_listing = own_office && actor.is_some() && actor == listing.seller.map(|s| set.resolve(s));
    if !(context.admin || own_listing || own_office && context.clerk) {
        return Err(Reject::new(RejectCode::NotAllowed));
    }
    if listing.status != ListingStatus::Active {
        return Err(Reject::new(RejectCode::Withdrawn));
    }
    Ok(listing)
}

//! `listing.post`: produce is taken in and offered. The units are shared at once between the office and the hub. How, is a fact that
//! travels: the office has sold by it before the hub hears of it, and the setting may be another by then.

use crate::cbor::{uuid_bytes, uuid_bytes_opt};
use crate::ids::{CommandId, CommodityId, Holder, ListingId, MemberId, UnitId};
use crate::market::check::{self, Invalid};
use crate::market::reference::in_steps;
use crate::market::{
    Actor, ActorKind, Certainty, Command, Commodity, Context, Decision, EntryId, EntryKind, Form, Listing,
    ListingStatus, Made, Member, Needs, Rule, StockEntry, Unit, WorkingSet,
};
use crate::units::{Currency, Quantity};
use crate::verdict::{Reject, RejectCode};
use minicbor::{Decode, Encode};
use uuid::Uuid;

/// Offers a quantity of a commodity at a price for one unit.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct ListingPost {
    /// The listing's id.
    #[cbor(n(0), with = "uuid_bytes")]
    pub listing: Uuid,
    /// What it is.
    #[n(1)]
    pub commodity: u32,
    /// What one unit of it is.
    #[n(2)]
    pub unit: u32,
    /// A name of its own, or empty.
    #[n(3)]
    pub title: String,
    /// How much, in thousandths of the unit.
    #[n(4)]
    pub quantity_milli: i64,
    /// Price of one unit, in minor units.
    #[n(5)]
    pub price_minor: i64,
    /// ISO 4217.
    #[n(6)]
    pub currency: String,
    /// The member who offers it; none when the cooperative does.
    #[cbor(n(7), with = "uuid_bytes_opt", has_nil)]
    pub seller: Option<Uuid>,
    /// How much of it the office that took it in gave to the hub at once, in thousandths. `None` from an office of before minor
    /// 2, and from the hub: whoever decides works it out by the cooperative's setting.
    #[n(8)]
    pub hub_milli: Option<i64>,
}

impl Rule for ListingPost {
    const REFUSES: &'static [RejectCode] = &[
        RejectCode::NotAllowed,
        RejectCode::UnknownCommodity,
        RejectCode::UnknownUnit,
        RejectCode::Invalid,
        RejectCode::Duplicate,
    ];

    fn check(&self) -> Vec<Invalid> {
        let currency = Currency::new(&self.currency).is_none();
        check::all([
            check::quantity("/quantity", Quantity(self.quantity_milli)),
            check::price("/price/amount", self.price_minor),
            check::text("/title", &self.title, true),
            self.hub_milli
                .and_then(|part| check::part("/hub_quantity", Quantity(part), Quantity(self.quantity_milli))),
            currency.then(|| Invalid {
                pointer: "/price/currency",
                message: "Must be an ISO 4217 code, such as MWK.".into(),
            }),
        ])
    }

    fn needs(&self, _: CommandId, actor: &Actor, _: &Context) -> Needs {
        Needs::of::<Listing>(ListingId(self.listing))
            .row::<Commodity>(CommodityId(self.commodity))
            .row::<Unit>(UnitId(self.unit))
            .rows::<Member>(self.seller.map(MemberId).into_iter().chain(actor.member()))
            .steps::<StockEntry>([self.listing])
    }

    fn decide(&self, command: &Command, context: &Context, set: &WorkingSet) -> Result<Decision, Reject> {
        let cooperative = context.cooperative.ok_or_else(|| Reject::new(RejectCode::NotAllowed))?;
        let seller = self.seller.map(|s| set.resolve(MemberId(s)));
        let own = command.actor.kind == ActorKind::Member
            && command.actor.member().map(|member| set.resolve(member)) == seller;
        if !(own || context.clerk || context.admin) {
            return Err(Reject::new(RejectCode::NotAllowed));
        }
        if !set.has::<Commodity>(CommodityId(self.commodity)) {
            return Err(Reject::with(RejectCode::UnknownCommodity, ["/commodity_id".to_owned()]));
        }
        if !set.has::<Unit>(UnitId(self.unit)) {
            return Err(Reject::with(RejectCode::UnknownUnit, ["/unit_id".to_owned()]));
        }
        if context.is_entered_here() {
            in_steps(set, UnitId(self.unit), Quantity(self.quantity_milli))?;
        }
        let id = ListingId(self.listing);
        if set.has::<Listing>(id) {
            return Err(Reject::new(RejectCode::Duplicate));
        }
        let currency = Currency::new(&self.currency).ok_or_else(|| Reject::new(RejectCode::Invalid))?;
        let mut decision = Decision::new(Certainty::Record);
        let listing = Listing {
            id,
            cooperative,
            commodity: CommodityId(self.commodity),
            unit: UnitId(self.unit),
            title: self.title.trim().to_owned(),
            price_minor: self.price_minor,
            currency,
            seller,
            status: ListingStatus::Active,
            posted_at_s: command.made_at_s,
            available: None,
        };
        decision.set(&listing, true);
        self.take_in(&mut decision, context);
        Ok(decision)
    }

    fn about(&self, _: CommandId) -> Uuid {
        self.listing
    }

    fn makes(&self, _: CommandId) -> Option<Made> {
        Some(Made::row::<Listing>(ListingId(self.listing)))
    }

    /// The listing's id is its own: another command with that id is another posting, unless all of it is the same.
    fn is_repeat(&self, command: &Command, context: &Context, set: &WorkingSet, _: Form) -> bool {
        let intake = set.get::<StockEntry>(EntryId { of: self.listing, step: EntryId::INTAKE });
        let is_the_same = |listing: Listing| {
            Some(listing.cooperative) == context.cooperative
                && listing.commodity.0 == self.commodity
                && listing.unit.0 == self.unit
                && listing.seller == self.seller.map(|seller| set.resolve(MemberId(seller)))
                && listing.posted_at_s == command.made_at_s
        };
        intake.is_some_and(|intake| intake.quantity.0 == self.quantity_milli)
            && set.get::<Listing>(ListingId(self.listing)).is_some_and(is_the_same)
    }

    // It needs nothing that was there before.
    fn is_awaited(&self, _: &Context, _: &WorkingSet) -> bool {
        false
    }

    fn renamed(self, new: &dyn Fn(Uuid) -> Uuid) -> Self {
        Self { listing: new(self.listing), seller: self.seller.map(new), ..self }
    }

    fn names(&mut self) -> Vec<&mut String> {
        vec![&mut self.title]
    }

    /// How it was shared is found, not asked for.
    fn as_asked(&self) -> Self {
        Self { hub_milli: None, ..self.clone() }
    }

    fn sample(about: Uuid) -> Self {
        Self {
            listing: about,
            commodity: 1,
            unit: 1,
            title: String::new(),
            quantity_milli: 1,
            price_minor: 1,
            currency: "MWK".into(),
            seller: None,
            hub_milli: None,
        }
    }
}

impl ListingPost {
    /// How much of a posting an office gives to the hub, by its cooperative's setting.
    pub fn hub_part(&self, hub_share_percent: u8) -> Quantity {
        Quantity(self.quantity_milli).whole_share(hub_share_percent)
    }

    /// The intake, and the share that the one who took it in gives to the other side.
    fn take_in(&self, decision: &mut Decision, context: &Context) {
        let whole = Quantity(self.quantity_milli);
        let by_setting = self.hub_part(context.hub_share_percent);
        // Who posts at the hub decides there; only an office can have given before.
        let hub_part = match context.origin {
            Holder::Edge(_) => self.hub_milli.map_or(by_setting, Quantity),
            Holder::Hub => by_setting,
        };
        let (giver, receiver, given) = match context.origin {
            Holder::Edge(_) => (context.origin, Some(Holder::Hub), hub_part),
            Holder::Hub => (Holder::Hub, context.share_with.map(Holder::Edge), whole.minus(hub_part)),
        };
        let mut entry = |step, holder, quantity, kind| {
            let id = EntryId { of: self.listing, step };
            let at_once = holder == context.place;
            let row = StockEntry { id, listing: ListingId(self.listing), holder, quantity, kind };
            decision.set(&row, at_once);
        };
        entry(EntryId::INTAKE, giver, whole, EntryKind::Intake);
        if let Some(receiver) = receiver.filter(|_| given > Quantity::ZERO) {
            entry(EntryId::GIVEN, giver, given.negated(), EntryKind::Transfer);
            entry(EntryId::RECEIVED, receiver, given, EntryKind::Transfer);
        }
    }
}

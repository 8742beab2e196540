//! What people do: at offices, on the page and by phone, and at the hub, as buyers and as clerks. Whatever is acknowledged goes into the
//! tally, with what the person was told.

use super::Days;
use super::tally::{Told, What};
use crate::goods::{self, BUYER, FRAGILE, ODD, POISON};
use crate::office::Office;
use mizili_edge::commands::SubmitError;
use sync_protocol::ids::{CommandId, CooperativeId, ListingId};
use sync_protocol::market::{
    Actor, Body, Certainty, Listing, ListingEdit, ListingPost, ListingWithdraw, Order, OrderCancel,
    OrderPlace, WholeChange,
};
use sync_protocol::verdict::Verdict;
use uuid::Uuid;

/// Numbers of people with phones.
const PHONES: [u64; 3] = [BUYER, 265_888_000_002, 265_888_000_003];
/// Listings at an office above which nobody posts another: units shall run out and be fought over.
const LISTINGS_MAX: usize = 6;

impl Days {
    fn phone(&mut self) -> u64 {
        PHONES[self.chance.below(PHONES.len())]
    }

    pub(super) fn units(&mut self) -> i64 {
        1 + self.chance.below(9) as i64
    }

    /// A name that breaks the hub, now and then.
    fn name(&mut self) -> String {
        match self.chance.below(30) {
            0..3 => POISON.into(),
            3 => ODD.into(),
            _ => String::new(),
        }
    }

    pub(super) async fn act_at_an_office(&mut self) {
        let at = self.chance.below(self.world.offices.len());
        if self.world.offices[at].buckets().await.is_empty() {
            // Before the first catch-up nothing is known here to act on.
            return;
        }
        for _ in 0..=self.chance.below(3) {
            match self.chance.below(20) {
                0..3 => self.post(at).await,
                3..8 => self.order(at).await,
                8..11 => self.cancel(at).await,
                11..16 => self.adjust(at).await,
                _ => self.edit(at).await,
            }
        }
    }

    pub(super) async fn some_listing(&mut self, at: usize) -> Option<Listing> {
        let listings = self.world.offices[at].listings().await;
        self.chance.one_of(&listings).cloned()
    }

    async fn some_order(&mut self, at: usize) -> Option<Order> {
        let orders = self.world.offices[at].orders().await;
        self.chance.one_of(&orders).cloned()
    }

    async fn post(&mut self, at: usize) {
        if self.world.offices[at].listings().await.len() >= LISTINGS_MAX {
            return;
        }
        let listing = self.world.offices[at].new_id();
        let units = 4 + 2 * self.chance.below(10) as i64;
        // Now and then one that cannot be changed or withdrawn until that is mended.
        let title = if self.chance.once_in(3) { FRAGILE.into() } else { self.name() };
        let post = ListingPost { title, ..goods::post(listing, units) };
        let what = What::Post { listing, milli: post.quantity_milli };
        self.tell(at, goods::CLERK, post, what).await;
    }

    async fn order(&mut self, at: usize) {
        let Some(listing) = self.some_listing(at).await else { return };
        // On the page, with a buyer's number or without one, or by phone.
        let phone = self.phone();
        let (actor, buyer_phone) = match self.chance.below(3) {
            0 => (goods::CLERK, 0),
            1 => (goods::CLERK, phone),
            _ => (goods::caller(phone), 0),
        };
        let order = OrderPlace {
            buyer_phone,
            buyer_name: self.name(),
            unit_price_minor: listing.price_minor,
            ..goods::order(listing.id, self.units())
        };
        let is_across = listing.cooperative != self.world.offices[at].cooperative;
        let what = What::Order { listing: listing.id.0, milli: order.quantity_milli };
        let told = self.tell(at, actor, order, what).await;
        self.happened.orders_across += u64::from(told && is_across);
    }

    async fn cancel(&mut self, at: usize) {
        let Some(order) = self.some_order(at).await else { return };
        let actor = match order.buyer_phone {
            phone if phone != 0 && self.chance.once_in(2) => goods::caller(phone),
            _ => goods::CLERK,
        };
        let by = if actor == goods::CLERK { 0 } else { actor.phone };
        let what = What::Cancel { order: order.id.0, buyer: order.buyer_phone, by };
        self.tell(at, actor, OrderCancel::new(order.id.0), what).await;
    }

    async fn edit(&mut self, at: usize) {
        let Some(listing) = self.some_listing(at).await else { return };
        let id = listing.id.0;
        // Rather what has not had its answer.
        if self.chance.once_in(if self.tally.is_answered(id) { 6 } else { 2 }) {
            self.tell(at, goods::CLERK, ListingWithdraw { listing: id }, What::Withdraw { listing: id })
                .await;
            return;
        }
        let change = WholeChange { old: listing.price_minor, new: 400 + 100 * self.chance.below(3) as i64 };
        let edit = ListingEdit { listing: id, price_minor: Some(change), title: None };
        self.tell(at, goods::CLERK, edit, What::Other { listing: id }).await;
    }

    /// Somebody acts, and what he is told is noted. Whether it was taken.
    pub(super) async fn tell(&mut self, at: usize, actor: Actor, body: impl Into<Body>, what: What) -> bool {
        let office: &Office = &self.world.offices[at];
        let (id, body) = (CommandId(office.new_id()), body.into());
        let phone = match &body {
            Body::OrderPlace(order) if order.buyer_phone != 0 => order.buyer_phone,
            _ if actor == goods::CLERK => 0,
            _ => actor.phone,
        };
        match office.act_as(id, actor, body).await {
            Ok(taken) => {
                let is_sure = taken.certainty == Certainty::Record;
                self.tally.told(Told { office: at, id: id.0, is_sure, phone, what });
                true
            }
            // Said at once, and nothing is kept of it.
            Err(SubmitError::Rejected(_) | SubmitError::NotComplete) => false,
            Err(other) => panic!("office {at}: {other}"),
        }
    }

    pub(super) async fn act_at_the_hub(&mut self) {
        for _ in 0..=self.chance.below(3) {
            match self.chance.below(7) {
                0 | 1 => self.post_at_the_hub().await,
                2..5 => self.order_at_the_hub().await,
                _ => self.cancel_at_the_hub().await,
            }
        }
    }

    async fn post_at_the_hub(&mut self) {
        if self.world.listings_at_the_hub().await >= LISTINGS_MAX as i64 {
            return;
        }
        let cooperative = CooperativeId(1 + self.chance.below(2) as u32);
        let (id, listing) = (self.world.deps.ids.uuid_v7(), self.world.deps.ids.uuid_v7());
        let post = goods::post(listing, 4 + 2 * self.chance.below(10) as i64);
        let (milli, clerk) = (post.quantity_milli, goods::user(265_991_000_001));
        let said = self.world.at_the_hub_as(clerk, Some(cooperative), id, post).await;
        if matches!(said, Ok(Verdict::Applied(_))) {
            self.tally.taken_in_at_the_hub(listing, milli);
        }
    }

    async fn order_at_the_hub(&mut self) {
        let listings = self.world.column::<Uuid>("SELECT id FROM listings ORDER BY id").await;
        let Some(listing) = self.chance.one_of(&listings).copied() else { return };
        let unit_price_minor = self.world.price_at_the_hub(ListingId(listing)).await;
        let (id, phone) = (self.world.deps.ids.uuid_v7(), self.phone());
        let order = OrderPlace {
            buyer_phone: phone,
            unit_price_minor,
            ..goods::order(ListingId(listing), self.units())
        };
        let milli = order.quantity_milli;
        let said = self.world.at_the_hub_as(goods::user(phone), None, id, order).await;
        if matches!(said, Ok(Verdict::Applied(_))) {
            self.tally.ordered_at_the_hub(id, milli);
        }
    }

    /// The buyer takes an order back, wherever it was made, or a clerk of the cooperative that sells.
    async fn cancel_at_the_hub(&mut self) {
        let orders = self.world.column::<Uuid>("SELECT id FROM orders ORDER BY id").await;
        let Some(order) = self.chance.one_of(&orders).copied() else { return };
        let find = format!("FROM orders WHERE id = '{order}'");
        let (buyer, seller) = (
            self.world.count(format!("SELECT buyer_phone {find}")).await,
            self.world.count(format!("SELECT cooperative_id::bigint {find}")).await,
        );
        let by_buyer = buyer != 0 && self.chance.once_in(2);
        let (actor, cooperative) = match by_buyer {
            true => (goods::user(buyer.unsigned_abs()), None),
            false => (goods::user(265_991_000_001), Some(CooperativeId(seller as u32))),
        };
        let id = self.world.deps.ids.uuid_v7();
        let said = self.world.at_the_hub_as(actor, cooperative, id, OrderCancel::new(order)).await;
        if matches!(said, Ok(Verdict::Applied(_))) {
            self.tally.cancelled_at_the_hub(order);
            let count = match by_buyer {
                true => &mut self.happened.cancels_by_buyers_at_the_hub,
                false => &mut self.happened.cancels_by_clerks_at_the_hub,
            };
            *count += 1;
        }
    }
}

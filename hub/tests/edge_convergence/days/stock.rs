//! Changes of the stock at an office: an intake, a loss, a count above, at or below what is sold, and the undo of the last one, whatever
//! has become of it; and what of each listing has to be somewhere at the end.

use super::Days;
use super::tally::{End, Tally, What};
use crate::goods;
use crate::world::World;
use anyhow::{Context, Result, ensure};
use mizili_edge::commands as edge_commands;
use mizili_edge::commands::Adjusted;
use mizili_edge::replica;
use mizili_edge::stock;
use std::collections::{BTreeMap, BTreeSet};
use sync_protocol::ids::{Holder, ListingId};
use sync_protocol::market::{Adjustment, Listing, Order, OrderStatus, StockAdjust};
use sync_protocol::units::Quantity;
use sync_protocol::verdict::Verdict;
use uuid::Uuid;

/// Thousandths that break the hub which takes them away from somebody, unless that was mended: see [`goods::lay_out_poison`].
const ODD_MILLI: i64 = goods::POISON_MILLI;

impl Days {
    pub(super) async fn adjust(&mut self, at: usize) {
        if self.chance.once_in(3) && self.undo(at).await {
            return;
        }
        let Some(listing) = self.some_listing(at).await else { return };
        let milli = 1000 * self.units();
        let (found, what) = match self.chance.below(6) {
            0 => (Adjustment::Intake(milli), What::Adjust { listing: listing.id.0, milli }),
            1 => (Adjustment::WriteOff(milli), What::Adjust { listing: listing.id.0, milli: -milli }),
            kind => self.count(at, &listing, milli, kind).await,
        };
        let adjust = StockAdjust { listing: listing.id.0, found, reason: String::new(), undoes: None };
        self.tell(at, goods::CLERK, adjust, what).await;
    }

    /// More is there; less, but by no more than is free here; or so little that something of it is sold.
    async fn count(&mut self, at: usize, listing: &Listing, milli: i64, kind: usize) -> (Adjustment, What) {
        let (id, me) = (listing.id, Holder::Edge(self.world.offices[at].edge));
        let seen = self.world.offices[at].read(move |conn| {
            let held = stock::holdings(conn, id)?;
            let orders: Vec<Order> = replica::find(conn, Order::LISTING, &id)?;
            Ok((held, orders))
        });
        let (held, orders) = seen.await;
        let own = held.iter().find(|(holder, _)| *holder == me).map_or(0, |(_, own)| own.0);
        let free: i64 = held.iter().map(|(_, quantity)| quantity.0).sum();
        let is_open = |order: &&Order| matches!(order.status, OrderStatus::Confirmed | OrderStatus::Short);
        let sold: i64 = orders.iter().filter(is_open).map(|order| order.quantity.0).sum();
        let odd = if self.chance.once_in(2) { ODD_MILLI } else { 0 };
        let moved = match kind {
            2 => milli,
            3 => -(milli.min(own - 1000) + odd).clamp(0, own.max(0)),
            _ => -free - milli,
        };
        let expected_milli = (free + sold).max(0);
        let counted_milli = (expected_milli + moved).max(0);
        let what = What::Count { listing: id.0, milli: counted_milli - expected_milli };
        (Adjustment::Count { counted_milli, expected_milli }, what)
    }

    /// Takes back the last change of a listing that was made here, if there is one that can be. Whether it was taken.
    async fn undo(&mut self, at: usize) -> bool {
        let last = self.world.offices[at].read(edge_commands::last_adjusted).await;
        let mut last: Vec<(ListingId, Adjusted)> = last.into_iter().collect();
        last.retain(|(_, change)| change.undoes.is_none());
        last.sort_by_key(|(_, change)| change.id);
        let Some((listing, change)) = self.chance.one_of(&last).cloned() else { return false };
        let id = change.id;
        let state = self.world.offices[at]
            .read(move |conn| edge_commands::outcome(conn, sync_protocol::ids::CommandId(id)))
            .await;
        let verdict = state.and_then(|state| state.verdict);
        // What is said of it is not what counts.
        let found = Adjustment::Intake(Quantity::units(900).0);
        let undo = StockAdjust { listing: listing.0, found, reason: String::new(), undoes: Some(id) };
        let told = self.tell(at, goods::CLERK, undo, What::Undo { listing: listing.0, of: id }).await;
        let count = match verdict {
            None => &mut self.happened.undone_unanswered,
            Some(Verdict::Applied(_)) => &mut self.happened.undone_applied,
            Some(_) => &mut self.happened.undone_waiting,
        };
        *count += u64::from(told);
        told
    }
}

impl Tally {
    /// Orders that are short at the hub, each for a reason: a count that stands found less than was sold, or one took what
    /// their office had sold meanwhile.
    pub(super) async fn made_short(&self, world: &World) -> Result<BTreeSet<Uuid>> {
        let mut short = BTreeSet::new();
        let by_a_count = "SELECT id::text || ' ' || short_by::text FROM orders WHERE short_by IS NOT NULL";
        for line in world.texts(by_a_count).await {
            let (order, count) = line.split_once(' ').context("no count")?;
            let (order, count): (Uuid, Uuid) = (order.parse()?, count.parse()?);
            let stands = self.is_applied(count) && !self.is_undone(count);
            ensure!(stands, "order {order} is short by a count that does not stand: {count}");
            short.insert(order);
        }
        let meanwhile = "SELECT o.id::text FROM orders o WHERE o.status = 3 AND EXISTS (
            SELECT FROM stock_entries s WHERE s.listing_id = o.listing_id AND s.holder = o.holder AND s.kind IN (6, 7))";
        for order in world.texts(meanwhile).await {
            short.insert(order.parse()?);
        }
        Ok(short)
    }

    /// What was taken in of each listing is held by somebody or sold, each unit once.
    pub(super) async fn units_add_up(&self, world: &World) -> Result<()> {
        let mut taken_in = self.taken_in_at_the_hub.clone();
        for told in self.told.iter().filter(|told| self.ends.get(&told.id) == Some(&End::Applied)) {
            let (listing, milli) = match told.what {
                What::Post { listing, milli } => (listing, milli),
                What::Adjust { listing, .. } | What::Count { listing, .. } => {
                    (listing, self.moved(world, told.id, &told.what).await?)
                }
                _ => continue,
            };
            *taken_in.entry(listing).or_default() += milli;
        }
        let sum = |from| format!("(SELECT coalesce(sum(quantity_milli), 0)::bigint FROM {from})");
        let held = sum("stock_entries WHERE listing_id = l.id");
        let (confirmed, short) = (OrderStatus::Confirmed.code(), OrderStatus::Short.code());
        let sold = sum(&format!("orders WHERE listing_id = l.id AND status IN ({confirmed}, {short})"));
        for line in
            world.texts(format!("SELECT l.id::text || ' ' || ({held} + {sold}) FROM listings l")).await
        {
            let (id, milli) = line.split_once(' ').context("no sum")?;
            let (id, milli): (Uuid, i64) = (id.parse()?, milli.parse()?);
            let wanted = taken_in.remove(&id).unwrap_or(0);
            ensure!(milli == wanted, "of {id} {wanted} were taken in, and {milli} are held or sold");
        }
        let nowhere: BTreeMap<_, _> = taken_in.into_iter().filter(|(_, milli)| *milli != 0).collect();
        ensure!(nowhere.is_empty(), "taken in, and nowhere: {nowhere:?}");
        Ok(())
    }

    /// What a change moved, in thousandths: what was said, nothing where it was taken back; and of a count that found less, no more than
    /// that, for what is missing beyond is sold.
    async fn moved(&self, world: &World, change: Uuid, what: &What) -> Result<i64> {
        let booked = format!(
            "SELECT coalesce(sum(quantity_milli), 0)::bigint FROM stock_entries WHERE of_id = '{change}'"
        );
        let booked = world.count(booked).await;
        let is_undone = self.is_undone(change);
        let is_right = match what {
            _ if is_undone => booked == 0,
            What::Count { milli, .. } if *milli < 0 => (*milli..=0).contains(&booked),
            What::Adjust { milli, .. } | What::Count { milli, .. } => booked == *milli,
            _ => true,
        };
        ensure!(is_right, "{change} moved {booked}, and was undone: {is_undone}: {what:?}");
        Ok(booked)
    }

    fn is_applied(&self, command: Uuid) -> bool {
        self.ends.get(&command) == Some(&End::Applied)
    }

    /// Counts that were put aside, and of those the ones that had been taken back.
    pub(super) fn counts_put_aside(&self) -> (u64, u64) {
        let counts = self.told.iter().filter(|told| matches!(told.what, What::Count { .. }));
        let aside: Vec<Uuid> =
            counts.map(|told| told.id).filter(|id| self.ends.get(id) == Some(&End::Dismissed)).collect();
        let undone = aside.iter().filter(|id| self.is_undone(**id)).count();
        (aside.len() as u64, undone as u64)
    }
}

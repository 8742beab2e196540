//! What an account may reserve whose number nobody has confirmed, and who is told that it is not: anybody can type a number, and must
//! not be able to take a cooperative's whole produce off sale with it.

use super::db;
use crate::auth::Caller;
use crate::auth::caller::Role;
use crate::error::{Kind, Problem};
use crate::feed::{Touched, publish};
use crate::news::Moved;
use sqlx::PgConnection;
use std::collections::{BTreeSet, HashMap};
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{ListingId, UserId};
use sync_protocol::market::{Entity, Order};
use sync_protocol::row::Key;
use sync_protocol::units::Quantity;
use uuid::Uuid;

/// Orders of one account that are not fetched yet, at most.
const ORDERS_MAX: i64 = 10;
/// Units of one product that all such accounts together may always reserve: what a household buys. Accounts cost nothing.
const UNITS_FREE_MILLI: i64 = 20_000;

/// What accounts whom nobody has confirmed have reserved, as one transaction goes on. Nobody else is in it.
#[derive(Default)]
pub(crate) struct Reserved {
    /// Orders of each account that are not fetched yet. The accounts are locked.
    open: HashMap<UserId, i64>,
    /// Units of each product that all such accounts together have not got yet.
    together: HashMap<ListingId, Quantity>,
}

impl Reserved {
    /// Locks the accounts of those callers whom nobody has confirmed, and counts their orders. To be asked before a product is locked.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn lock<'a>(
        conn: &mut PgConnection,
        callers: impl Iterator<Item = &'a Caller>,
    ) -> Result<Self, sqlx::Error> {
        let accounts: BTreeSet<Uuid> = callers.filter(|caller| is_bound(caller)).map(|c| c.id.0).collect();
        if accounts.is_empty() {
            return Ok(Self::default());
        }
        let accounts: Vec<Uuid> = accounts.into_iter().collect();
        let mut open = db::lock_and_count_open(conn, &accounts).await?;
        accounts.iter().for_each(|account| {
            open.entry(UserId(*account)).or_default();
        });
        Ok(Self { open, together: HashMap::new() })
    }

    /// Reads what is reserved of products that such callers order. They are locked: of two orders at once, by whichever accounts, the
    /// second sees the first.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn read(
        &mut self,
        conn: &mut PgConnection,
        orders: impl Iterator<Item = (&Caller, ListingId)>,
    ) -> Result<(), sqlx::Error> {
        let of: BTreeSet<Uuid> =
            orders.filter(|(caller, _)| self.open.contains_key(&caller.id)).map(|(_, of)| of.0).collect();
        if !of.is_empty() {
            self.together = db::reserved(conn, &of.into_iter().collect::<Vec<_>>()).await?;
        }
        Ok(())
    }

    /// Lets an order pass if its caller is confirmed, or too much is not reserved with it. `left` is what the hub can still sell of the
    /// product.
    ///
    /// # Errors
    /// 403 `unconfirmed`, with what to do.
    pub(crate) fn check(
        &self,
        caller: &Caller,
        listing: ListingId,
        quantity: Quantity,
        left: Quantity,
    ) -> Result<(), Problem> {
        let Some(orders) = self.open.get(&caller.id) else { return Ok(()) };
        let together = self.together.get(&listing).copied().unwrap_or_default();
        refusal(*orders, together, left, quantity).map_or(Ok(()), Err)
    }

    /// Takes in an order that was placed.
    pub(crate) fn add(&mut self, caller: &Caller, listing: ListingId, quantity: Quantity) {
        let Some(orders) = self.open.get_mut(&caller.id) else { return };
        *orders += 1;
        let together = self.together.entry(listing).or_default();
        together.0 = together.0.saturating_add(quantity.0);
    }
}

fn is_bound(caller: &Caller) -> bool {
    !caller.phone_confirmed && matches!(caller.role, Role::Buyer | Role::Farmer)
}

/// Tells the sellers of an account's orders whether its number is confirmed now: the mark stands on each order, and offices see it. In
/// the transaction that changes the account; whom to tell after the commit.
///
/// # Errors
/// Those of the database.
pub(crate) async fn tell_sellers(conn: &mut PgConnection, account: UserId) -> Result<Moved, sqlx::Error> {
    let mut touched = Touched::new();
    for (order, seller, buyer) in db::places_of_orders_by(conn, account).await? {
        for cooperative in [Some(seller), buyer].into_iter().flatten() {
            touched.add(Bucket::Coop(cooperative), Order::NUMBER, Key::Uuid(order.0));
        }
    }
    publish(conn, &touched).await.map_err(sqlx::Error::from)?;
    Ok(touched.moved())
}

/// Of one product at most half of what the hub could sell but for the orders of all such accounts.
fn refusal(orders: i64, together: Quantity, left: Quantity, quantity: Quantity) -> Option<Problem> {
    let most = (left.0.max(0).saturating_add(together.0) / 2).max(UNITS_FREE_MILLI);
    // More than there is: the market's own rule says how much that is.
    let is_there = quantity <= left;
    let what = if orders >= ORDERS_MAX {
        format!("at most {ORDERS_MAX} orders that were not fetched yet")
    } else if is_there && together.0.saturating_add(quantity.0) > most {
        format!("at most {} of this product, with all others whose numbers are not confirmed", Quantity(most))
    } else {
        return None;
    };
    let detail = format!(
        "Until somebody has confirmed that your phone number is yours, you can reserve {what}. Ask the cooperative or the operator to confirm it."
    );
    Some(Kind::Unconfirmed.because(detail))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_household_buys_and_nobody_takes_all() {
        let ok = |orders, together: i64, left: i64, quantity: i64| {
            refusal(orders, Quantity::units(together), Quantity::units(left), Quantity::units(quantity))
                .is_none()
        };
        assert!(ok(0, 0, 25, 20) && ok(9, 0, 1_000, 500) && ok(0, 300, 700, 200));
        assert!(!ok(10, 0, 1_000, 1), "too many orders");
        assert!(!ok(0, 0, 1_000, 501) && !ok(0, 300, 700, 201), "more than half, at once or bit by bit");
        assert!(!ok(0, 20, 20, 1), "the free units are there once, not once for each account");
        assert!(ok(0, 0, -5, 20), "what is left is said by the market's own rule");
    }
}

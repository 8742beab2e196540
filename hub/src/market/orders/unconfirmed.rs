//! What an account may reserve whose number nobody has confirmed, and who is told that it is not: anybody can type a number, and must
//! not be able to take a cooperative's whole produce off sale with it.

use super::db::{self, Reserved};
use crate::auth::Caller;
use crate::auth::caller::Role;
use crate::error::{ApiError, Kind, Problem};
use crate::feed::{Touched, publish};
use crate::news::Moved;
use sqlx::PgConnection;
use sync_protocol::bucket::Bucket;
use sync_protocol::entity::{Entity, Order};
use sync_protocol::ids::UserId;
use sync_protocol::row::Key;
use sync_protocol::units::Quantity;
use uuid::Uuid;

/// Orders of one account that are not fetched yet, at most.
const ORDERS_MAX: i64 = 10;
/// Units of one product that all such accounts together may always reserve: what a household buys. Accounts cost nothing.
const UNITS_FREE_MILLI: i64 = 20_000;

/// Open orders of a caller whom nobody has confirmed, whose account is locked from now on; `None` for anybody else. To be asked before
/// the product is locked.
///
/// # Errors
/// Those of the database.
pub(crate) async fn lock(conn: &mut PgConnection, caller: &Caller) -> Result<Option<i64>, ApiError> {
    if caller.phone_confirmed || !matches!(caller.role, Role::Buyer | Role::Farmer) {
        return Ok(None);
    }
    Ok(Some(db::lock_and_count_open(conn, caller.id).await?))
}

/// Lets an order pass if its caller is confirmed, or too much is not reserved with it. The product is locked: of two orders at once, by
/// whichever accounts, the second sees the first.
///
/// # Errors
/// 403 `unconfirmed`, with what to do; those of the database.
pub(crate) async fn check(
    conn: &mut PgConnection,
    orders: Option<i64>,
    listing: Uuid,
    quantity: Quantity,
) -> Result<(), ApiError> {
    let Some(orders) = orders else { return Ok(()) };
    let reserved = db::reserved(conn, listing).await?;
    Ok(refusal(orders, reserved, quantity).map_or(Ok(()), Err)?)
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
fn refusal(orders: i64, reserved: Reserved, quantity: Quantity) -> Option<Problem> {
    let Reserved { together_milli, left_milli } = reserved;
    let most = (left_milli.max(0).saturating_add(together_milli) / 2).max(UNITS_FREE_MILLI);
    // More than there is: the market's own rule says how much that is.
    let is_there = quantity.0 <= left_milli;
    let what = if orders >= ORDERS_MAX {
        format!("at most {ORDERS_MAX} orders that were not fetched yet")
    } else if is_there && together_milli.saturating_add(quantity.0) > most {
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
            let reserved = Reserved { together_milli: together * 1_000, left_milli: left * 1_000 };
            refusal(orders, reserved, Quantity(quantity * 1_000)).is_none()
        };
        assert!(ok(0, 0, 25, 20) && ok(9, 0, 1_000, 500) && ok(0, 300, 700, 200));
        assert!(!ok(10, 0, 1_000, 1), "too many orders");
        assert!(!ok(0, 0, 1_000, 501) && !ok(0, 300, 700, 201), "more than half, at once or bit by bit");
        assert!(!ok(0, 20, 20, 1), "the free units are there once, not once for each account");
        assert!(ok(0, 0, -5, 20), "what is left is said by the market's own rule");
    }
}

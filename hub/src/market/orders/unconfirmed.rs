//! What an account may reserve whose number nobody has confirmed: anybody can type a number, and must not be able to take a
//! cooperative's whole produce off sale with it.

use super::db::{self, Reserved};
use crate::auth::Caller;
use crate::auth::caller::Role;
use crate::error::{ApiError, Kind, Problem};
use sqlx::PgConnection;
use sync_protocol::units::Quantity;
use uuid::Uuid;

/// Orders that are not fetched yet, at most.
const ORDERS_MAX: i64 = 10;
/// Units of one product that are always allowed: what a household buys.
const UNITS_FREE_MILLI: i64 = 20_000;

/// Lets an order pass if the caller is confirmed, or has not reserved too much with it; otherwise 403 `unconfirmed`, with what to
/// do. To be asked before the product is locked.
///
/// # Errors
/// Those of the database.
pub(crate) async fn check(
    conn: &mut PgConnection,
    caller: &Caller,
    listing: Uuid,
    quantity: Quantity,
) -> Result<Option<Problem>, ApiError> {
    if caller.phone_confirmed || !matches!(caller.role, Role::Buyer | Role::Farmer) {
        return Ok(None);
    }
    let reserved = db::reserved(conn, caller.id, listing).await?;
    Ok(refusal(&reserved, quantity))
}

/// Of one product at most half of what the hub could sell but for this account's own orders.
fn refusal(reserved: &Reserved, quantity: Quantity) -> Option<Problem> {
    let half = (reserved.left_milli.max(0).saturating_add(reserved.of_product_milli)) / 2;
    let most = half.max(UNITS_FREE_MILLI);
    // More than there is: the market's own rule says how much that is.
    let is_there = quantity.0 <= reserved.left_milli;
    let what = if reserved.orders >= ORDERS_MAX {
        format!("at most {ORDERS_MAX} orders that were not fetched yet")
    } else if is_there && reserved.of_product_milli.saturating_add(quantity.0) > most {
        format!("at most {} of this product", Quantity(most))
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
        let ok = |orders, own: i64, left: i64, quantity: i64| {
            let reserved = Reserved { orders, of_product_milli: own * 1_000, left_milli: left * 1_000 };
            refusal(&reserved, Quantity(quantity * 1_000)).is_none()
        };
        assert!(ok(0, 0, 25, 20) && ok(9, 0, 1_000, 500) && ok(0, 300, 700, 200));
        assert!(!ok(10, 0, 1_000, 1), "too many orders");
        assert!(!ok(0, 0, 1_000, 501) && !ok(0, 300, 700, 201), "more than half, at once or bit by bit");
        assert!(ok(0, 0, -5, 20), "what is left is said by the market's own rule");
    }
}

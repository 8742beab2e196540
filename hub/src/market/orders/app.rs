//! Orders that are there: who may see and cancel them. An order is seen by the account that made it, by the cooperative that sells, by
//! admins, and by whoever's number it was made under, once an operator vouched for that number.

use super::OrderRow;
use super::db::{self, Filter, Visible};
use crate::auth::Caller;
use crate::commands::{ApplyError, Unknown, may_come};
use crate::error::{ApiError, Problem};
use crate::market::act::{Act, Done, decide, in_one};
use crate::market::newest::Newest;
use crate::state::AppState;
use mizili_node::market::orders::Order;
use mizili_node::page::{Cut, Slice};
use sync_protocol::ids::CommandId;
use sync_protocol::market::OrderCancel;
use uuid::Uuid;

/// Whose orders the caller sees.
fn visible(caller: &Caller) -> Visible {
    Visible {
        all: caller.is_admin(),
        cooperative: caller.office(),
        user: Some(caller.id),
        phone: Some(caller.phone).filter(|_| caller.phone_confirmed),
    }
}

fn may_see(caller: &Caller, row: &OrderRow) -> bool {
    let visible = visible(caller);
    visible.all
        || visible.cooperative == Some(row.order.cooperative)
        || row.buyer_user == Some(caller.id.0)
        || visible.phone == Some(row.order.buyer_phone)
}

/// A page of orders that the caller may see.
pub(crate) async fn list(
    state: &AppState,
    caller: &Caller,
    filter: &Filter,
    slice: &Slice<Newest>,
) -> Result<Cut<Order>, ApiError> {
    let rows = state.db.read(&state.deps, |mut conn| async move {
        db::list(&mut conn, &visible(caller), filter, slice.after, slice.fetch()).await
    });
    let rows = rows.await?;
    Ok(slice.cut(rows.into_iter().map(|(key, row)| (key, row.show())).collect()))
}

/// One order. One that the caller may not see is answered like one that is not there.
pub(crate) async fn get(state: &AppState, caller: &Caller, id: Uuid) -> Result<Order, ApiError> {
    let row = state.db.read(&state.deps, |mut conn| async move { db::get(&mut conn, id).await }).await?;
    let row = row.filter(|row| may_see(caller, row)).ok_or_else(|| Problem::not_found("order"))?;
    Ok(row.show())
}

/// Takes an order back. Doing so twice is one cancellation.
pub(crate) async fn cancel(state: &AppState, caller: &Caller, id: Uuid) -> Result<Order, ApiError> {
    let (command, made_at_s) = (CommandId(state.deps.ids.uuid_v7()), state.deps.clock.now_s());
    in_one(state, |mut tx| async move {
        let known = db::get(&mut tx, id).await?;
        // It may come, and stand then.
        let of_none = Unknown { orders: vec![id], ..Unknown::default() };
        if known.is_none() && may_come(&mut tx, &of_none, &[]).await?.contains(&id) {
            return Err(ApplyError::Awaited.into());
        }
        let row = known.filter(|row| may_see(caller, row)).ok_or_else(|| Problem::not_found("order"))?;
        let mut actor = caller.actor();
        if row.buyer_user == Some(caller.id.0) {
            // Whoever ordered for somebody may take it back for them.
            actor.phone = row.order.buyer_phone;
        }
        let cooperative =
            caller.office().or_else(|| Some(row.order.cooperative).filter(|_| caller.is_admin()));
        let act = Act { caller, actor, cooperative, made_at_s };
        let cancel = OrderCancel::new(id);
        let moved = decide(&state.deps, &mut tx, &act, vec![(command, cancel.into())]).await?;
        let moved = moved.map_err(|reject| Problem::refused(&reject, ""))?;
        let row = db::get(&mut tx, id).await?.ok_or_else(|| Problem::not_found("order"))?;
        Ok(Done { tx, answer: row.show(), moved })
    })
    .await
}

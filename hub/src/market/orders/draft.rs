//! An order about to be placed, as somebody who is signed in asks for it: whom it is for, and what is wrong with it before anything is
//! looked up. Everybody who is signed in may order. Asks no database.

use super::offer::Offer;
use crate::auth::Caller;
use crate::auth::caller::Role;
use crate::error::{self, Problem, field};
use crate::http::idempotency::Attempt;
use mizili_node::api::FieldProblem;
use mizili_node::deps::Deps;
use mizili_node::market::orders::{NewOrder, OWN_OFFER};
use mizili_node::market::products::in_steps;
use mizili_node::name::tidy;
use mizili_node::phone::read_optional;
use sync_protocol::country::Country;
use sync_protocol::ids::{CommandId, ListingId, OrderId};
use sync_protocol::market::{Body, Channel, OrderPlace, Source};
use sync_protocol::units::Quantity;

/// See the module.
pub(crate) struct Draft {
    pub(crate) caller: Caller,
    pub(crate) attempt: Attempt,
    new: NewOrder,
    pub(crate) buyer_phone: u64,
    buyer_name: String,
    /// The same on every try, like the time.
    pub(crate) id: CommandId,
    pub(crate) made_at_s: i64,
}

impl Draft {
    /// # Errors
    /// Names each field that is wrong.
    pub(crate) fn read(
        deps: &Deps,
        caller: Caller,
        attempt: Attempt,
        new: NewOrder,
    ) -> Result<Self, Problem> {
        let mut wrong = Vec::new();
        let buyer_phone = buyer_phone(&caller, &new).map_err(|problem| wrong.push(problem)).unwrap_or(0);
        let own_name = if new.buyer_phone.is_none() { caller.name.as_str() } else { "" };
        let buyer_name = tidy(new.buyer_name.as_deref().unwrap_or(own_name));
        let (id, made_at_s) = (CommandId(deps.ids.uuid_v7()), deps.clock.now_s());
        let draft = Self { caller, attempt, new, buyer_phone, buyer_name, id, made_at_s };
        wrong.extend(
            error::fields(draft.body().check()).into_iter().filter(|w| w.pointer != "/unit_price/amount"),
        );
        if draft.new.unit_price.as_ref().is_some_and(|price| price.amount <= 0) {
            wrong.push(field("/unit_price/amount", "The price must be more than zero."));
        }
        if wrong.is_empty() { Ok(draft) } else { Err(Problem::fields(wrong)) }
    }

    /// What it is made of.
    pub(crate) fn listing(&self) -> ListingId {
        ListingId(self.new.product_id)
    }

    /// The order that comes of it.
    pub(crate) fn order(&self) -> OrderId {
        OrderId(self.id.0)
    }

    /// The command, at any price: what it needs does not hang on that, which is read with the product.
    pub(crate) fn body(&self) -> Body {
        self.body_at(1)
    }

    /// The command at the price that the buyer saw, or today's.
    ///
    /// # Errors
    /// What is wrong with it beside the product. `is_own` says that the buyer is who offers it.
    pub(crate) fn body_for(&self, offer: &Offer, is_own: bool) -> Result<Body, Problem> {
        let body = self.body_at(self.price(offer)?);
        let mut wrong = error::fields(body.check());
        wrong.extend(in_steps("/quantity", self.new.quantity, offer.step_milli));
        if is_own {
            let pointer = if self.new.buyer_phone.is_some() { "/buyer_phone" } else { "/product_id" };
            wrong.push(field(pointer, OWN_OFFER));
        }
        if wrong.is_empty() { Ok(body) } else { Err(Problem::fields(wrong)) }
    }

    /// How much is asked for.
    pub(crate) fn quantity(&self) -> Quantity {
        self.new.quantity
    }

    fn body_at(&self, unit_price_minor: i64) -> Body {
        let body = OrderPlace {
            listing: self.new.product_id,
            quantity_milli: self.new.quantity.0,
            unit_price_minor,
            source: Source::Ask,
            buyer_phone: self.buyer_phone,
            buyer_name: self.buyer_name.clone(),
            channel: Channel::Rest.code(),
        };
        body.into()
    }

    fn price(&self, offer: &Offer) -> Result<i64, Problem> {
        match &self.new.unit_price {
            None => Ok(offer.price_minor),
            Some(price) if price.currency.eq_ignore_ascii_case(&offer.currency) => Ok(price.amount),
            Some(_) => Err(Problem::invalid(
                "/unit_price/currency",
                format!("This product is sold in {}.", offer.currency),
            )),
        }
    }
}

/// The number that owns the order: the caller's, or for an office the one it orders for.
fn buyer_phone(caller: &Caller, new: &NewOrder) -> Result<u64, FieldProblem> {
    // As dialled at home, in the country of whoever orders.
    let home = Country::by_international_number(&caller.phone.to_string());
    let given = read_optional("/buyer_phone", new.buyer_phone.as_deref(), home)?;
    let Some(phone) = given.map(|phone| phone.number()) else { return Ok(caller.phone) };
    let for_others = matches!(caller.role, Role::Clerk | Role::Admin);
    if for_others || phone == caller.phone {
        return Ok(phone);
    }
    Err(field("/buyer_phone", "Only an office can order for somebody else; leave it out."))
}

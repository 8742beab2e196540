//! Does what a caller confirmed: one command, in the caller's transaction, with the receipt where it is sure at once.

use super::store;
use crate::commands::{self, Submission, SubmitError};
use crate::db::DbError;
use crate::market_view::{NotHere, language_of, member_of, not_here, outcome_of};
use crate::node;
use crate::notices;
use crate::text::Lang;
use crate::text::why::Rejection;
use crate::time;
use crate::ussd::{Act, Intent, NotTaken, Outcome};
use mizili_node::deps::Deps;
use rusqlite::Transaction;
use sync_protocol::ids::{CommandId, CooperativeId, OrderId};
use sync_protocol::market::{
    Actor, ActorKind, Body, Certainty, Channel, Cooperative, ListingPost, ListingWithdraw, Member,
    MemberRegister, OrderCancel, OrderPlace, Source,
};
use sync_protocol::row::Key;

/// Executes an intent. An id that was executed before gives its outcome again. What `walker` does on the page's phone is recorded as
/// theirs, done at the office.
///
/// # Errors
/// Those of the database: then nothing was done.
pub(super) fn execute(
    tx: &Transaction<'_>,
    deps: &Deps,
    intent: &Intent,
    lang: Lang,
    walker: Option<&Actor>,
) -> Result<Outcome, DbError> {
    let Some(me) = node::identity(tx)? else { return Ok(Outcome::NotTaken(NotTaken::Paused)) };
    let phone = intent.phone.number();
    let member = member_of(tx, me.cooperative, phone)?;
    if let (Act::SetLanguage { lang }, None) = (&intent.act, &member) {
        store::put_language(tx, phone, *lang)?;
        return Ok(Outcome::Done);
    }
    if member.is_none() && language_of(tx, None, phone)? != Some(lang) {
        // The verdict, when it comes, speaks as the call did.
        store::put_language(tx, phone, lang)?;
    }
    let channel = if walker.is_some() { Channel::Office } else { Channel::Ussd };
    let Some(body) = body(tx, &intent.act, phone, member.as_ref(), me.cooperative, channel)? else {
        return Ok(Outcome::NotTaken(NotTaken::Paused));
    };
    let caller = || Actor {
        kind: if member.is_some() { ActorKind::Member } else { ActorKind::Caller },
        id: member.as_ref().map(|member| member.id.0),
        phone,
    };
    let caller_phone = if walker.is_some() { phone } else { 0 };
    let actor = walker.cloned().unwrap_or_else(caller);
    let is_order = matches!(body, Body::OrderPlace(_));
    if let Some(why) = refused_here(tx, intent, &body)? {
        return Ok(Outcome::Rejected(why));
    }
    let submission =
        Submission { id: CommandId(intent.command_id), actor, body, clerk: walker.is_some(), caller_phone };
    match commands::submit(tx, deps, submission) {
        Ok(taken) if taken.repeated => {
            let known = outcome_of(tx, intent.command_id)?;
            Ok(known.unwrap_or(Outcome::Asked { reference: None }))
        }
        Ok(taken) => match taken.certainty {
            Certainty::Record if is_order => {
                notices::receipt(tx, OrderId(intent.command_id), &time::now(tx, deps.clock.read())?)?;
                Ok(Outcome::Confirmed { reference: None })
            }
            Certainty::Record => Ok(Outcome::Done),
            Certainty::Request => Ok(Outcome::Asked { reference: None }),
        },
        Err(SubmitError::Rejected(reject)) => Ok(Outcome::Rejected(Rejection::from(&reject))),
        Err(SubmitError::Db(error)) => Err(error),
        Err(SubmitError::Forgotten { .. }) => Ok(Outcome::Rejected(Rejection::Duplicate)),
        Err(SubmitError::ShutOut) => Ok(Outcome::NotTaken(NotTaken::Closed)),
        Err(
            error @ (SubmitError::NotEnrolled
            | SubmitError::NotComplete
            | SubmitError::HubFirst
            | SubmitError::HubTooOld
            | SubmitError::LogFull),
        ) => {
            tracing::warn!(%error, "an act by phone was not taken");
            Ok(Outcome::NotTaken(NotTaken::Paused))
        }
    }
}

/// Why an order is not taken here, if it is not.
fn refused_here(tx: &Transaction<'_>, intent: &Intent, body: &Body) -> Result<Option<Rejection>, DbError> {
    let Body::OrderPlace(order) = body else { return Ok(None) };
    let why = not_here(tx, CommandId(intent.command_id), order, intent.phone.number())?;
    Ok(why.map(|why| match why {
        NotHere::Only(left) => Rejection::NotEnough { left_milli: Some(left.0) },
        NotHere::Own => Rejection::Own,
    }))
}

/// The command that an act is; `None` where this office does not know yet in what currency it sells.
fn body(
    tx: &Transaction<'_>,
    act: &Act,
    phone: u64,
    member: Option<&Member>,
    cooperative: CooperativeId,
    channel: Channel,
) -> Result<Option<Body>, DbError> {
    Ok(Some(match act {
        Act::RegisterMember { member_id, name, lang } => {
            let (name, language) = (name.clone(), lang.code().to_owned());
            MemberRegister { member: *member_id, phone, name, language }.into()
        }
        Act::SetLanguage { lang } => {
            let (member, name) = member.map_or_else(Default::default, |m| (m.id.0, m.name.clone()));
            MemberRegister { member, phone, name, language: lang.code().to_owned() }.into()
        }
        Act::PostListing { listing_id, commodity, unit, quantity_milli, price_minor } => {
            let Some(office) = crate::replica::get::<Cooperative>(tx, Key::Int(cooperative.0))? else {
                return Ok(None);
            };
            ListingPost {
                listing: *listing_id,
                commodity: *commodity,
                unit: *unit,
                title: String::new(),
                quantity_milli: *quantity_milli,
                price_minor: *price_minor,
                currency: office.currency.as_str().to_owned(),
                seller: member.map(|member| member.id.0),
                hub_milli: None,
            }
            .into()
        }
        Act::WithdrawListing { listing } => ListingWithdraw { listing: *listing }.into(),
        Act::PlaceOrder { order_id: _, listing, quantity_milli, unit_price_minor } => OrderPlace {
            listing: *listing,
            quantity_milli: *quantity_milli,
            unit_price_minor: *unit_price_minor,
            // Whose units is chosen when the command is taken.
            source: Source::Ask,
            buyer_phone: phone,
            buyer_name: member.map_or_else(String::new, |member| member.name.clone()),
            channel: channel.code(),
        }
        .into(),
        Act::CancelOrder { order } => OrderCancel::new(*order).into(),
    }))
}

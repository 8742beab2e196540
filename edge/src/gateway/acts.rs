//! Does what a caller confirmed: one command, in the caller's transaction, with the receipt where it is sure at once.

use super::store;
use crate::commands::{self, Submission, SubmitError};
use crate::db::DbError;
use crate::market_view::{NotHere, language_of, member_of, not_here, outcome_of};
use crate::node;
use crate::replica;
use crate::text::Lang;
use crate::text::why::Rejection;
use crate::time;
use crate::told;
use crate::ussd::{Becomes, Intent, NotTaken, Outcome, Who};
use mizili_node::deps::Deps;
use rusqlite::Transaction;
use sync_protocol::ids::{CommandId, Id as _};
use sync_protocol::market::{Actor, ActorKind, Body, Certainty, Channel, Cooperative};

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
    if member.is_none() && language_of(tx, None, phone)? != Some(lang) {
        // The verdict, when it comes, speaks as the call did.
        store::put_language(tx, phone, lang)?;
    }
    let office: Option<Cooperative> = replica::get(tx, me.cooperative.to_key())?;
    let who = Who {
        phone,
        member: member.as_ref(),
        channel: if walker.is_some() { Channel::Office } else { Channel::Ussd },
        currency: office.map(|office| office.currency),
    };
    let body = match intent.plan.becomes(intent.command_id, &who) {
        Some(Becomes::Command(body)) => body,
        Some(Becomes::Note(lang)) => {
            store::put_language(tx, phone, lang)?;
            return Ok(Outcome::Done { reference: None });
        }
        None => return Ok(Outcome::NotTaken(NotTaken::Paused)),
    };
    let caller = || Actor {
        kind: if member.is_some() { ActorKind::Member } else { ActorKind::Caller },
        id: member.as_ref().map(|member| member.id.0),
        phone,
    };
    let caller_phone = if walker.is_some() { phone } else { 0 };
    let actor = walker.cloned().unwrap_or_else(caller);
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
        Ok(taken) if taken.certainty == Certainty::Record => {
            told::receipt(tx, CommandId(intent.command_id), &time::now(tx, deps.clock.read())?)?;
            Ok(Outcome::Done { reference: None })
        }
        Ok(_) => Ok(Outcome::Asked { reference: None }),
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

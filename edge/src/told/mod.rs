//! What is said of the fate of a command: to the person by SMS, once, in their language, in the transaction that learnt it, and on the
//! office's page. What there is to say is in a file for each noun, with how each of its commands is told; here is when.
//!
//! A command is marked as told in the transaction that queues its message, and by nothing else: where there is nobody to tell, or
//! nothing to say, that is noted in words of its own. How something ended that was taken back here before is nothing to say. The words come from what the command kept of its thing, so that a listing that
//! has left this node in between is still named. What took effect is told once its rows are here, as they stand by then: an order may have
//! been taken back since. Nothing here sends.

mod fate;
mod listings;
mod members;
mod orders;
mod sms;
mod stock;
#[cfg(test)]
mod tests;
mod wanted;

pub use orders::{changed, tell_changes};
pub(crate) use wanted::wanted;

use crate::commands::{self, CommandState, Unsaid};
use crate::db::{DbError, pass_over};
use crate::time::Now;
use fate::Fate;
use rusqlite::Transaction;
use sms::{Said, Sms, Word, send};
use sync_protocol::each_command;
use sync_protocol::ids::CommandId;
use sync_protocol::market::Body;
use wanted::Wanted;

/// Commands that are looked at in one go.
const UNTOLD_AT_ONCE: usize = 256;

/// How a type of command is told.
trait Told {
    /// What was wanted, for the office's list of refusals.
    fn wanted(&self, words: &Wanted<'_>) -> String;

    /// What there is to tell of the hub's final word, and whom; nothing where it only confirms what was said.
    fn news(&self, fate: &Fate<'_>) -> Result<Option<Sms>, DbError>;

    /// What is told at once of one that is sure.
    fn receipt(&self, _: &Fate<'_>) -> Option<Sms> {
        None
    }

    /// Tells of what became of its thing while the hub's word on it was not told yet. Gives how many messages were queued.
    fn tell_later(&self, _: &Transaction<'_>, _: &CommandState, _: &Now) -> Result<u64, DbError> {
        Ok(0)
    }
}

fn told(body: &Body) -> &dyn Told {
    each_command!(body, it => it)
}

/// Tells of every final verdict that nobody was told of yet. To be called after [`commands::settle`], in the same transaction: when
/// verdicts have come, and when rows have. Gives how many messages were queued.
///
/// # Errors
/// Those of the database.
pub fn tell(tx: &Transaction<'_>, now: &Now) -> Result<u64, DbError> {
    let mut queued = 0;
    loop {
        let list = commands::untold(tx, UNTOLD_AT_ONCE)?;
        for (seq, state) in &list {
            let said = match state {
                Some(state) => pass_over(say_verdict(tx, state, now))?,
                None => None,
            };
            let said = said.unwrap_or(Said::Not(Unsaid::Unreadable));
            queued += u64::from(said == Said::Queued);
            match said {
                Said::Queued | Said::Before => commands::mark_told(tx, *seq, now.best_s)?,
                Said::Not(why) => commands::mark_unsaid(tx, *seq, why)?,
            }
            if let Some(state) = state
                && let Ok(Some(body)) = Body::from_raw(&state.command.body)
            {
                queued += told(&body).tell_later(tx, state, now)?;
            }
        }
        if list.len() < UNTOLD_AT_ONCE {
            return Ok(queued);
        }
    }
}

/// The receipt for an act that is sure at once, where one is given. In the act's own transaction. True when one was queued.
///
/// # Errors
/// Those of the database.
pub fn receipt(tx: &Transaction<'_>, id: CommandId, now: &Now) -> Result<bool, DbError> {
    let Some(state) = commands::outcome(tx, id)? else { return Ok(false) };
    let Ok(Some(body)) = Body::from_raw(&state.command.body) else { return Ok(false) };
    let fate = Fate::read(tx, &state, false)?;
    let Some(sms) = told(&body).receipt(&fate) else { return Ok(false) };
    let said = send(tx, Word::Receipt, id.0, &sms, fate.thing.as_ref(), now)?;
    Ok(said == Said::Queued)
}

/// Queues what there is to tell of one verdict.
fn say_verdict(tx: &Transaction<'_>, state: &CommandState, now: &Now) -> Result<Said, DbError> {
    let is_taken_back = commands::is_taken_back(tx, state)?;
    if is_taken_back {
        commands::note_taken_back(tx, state.command.seq)?;
    }
    let nothing = Said::Not(Unsaid::Nothing);
    let Ok(Some(body)) = Body::from_raw(&state.command.body) else { return Ok(nothing) };
    let fate = Fate::read(tx, state, is_taken_back)?;
    let Some(sms) = told(&body).news(&fate)? else { return Ok(nothing) };
    let id = state.command.id.0;
    let (word, about) = match sms.ends {
        Some((thing, how)) => (Word::End(how), thing),
        None if state.was_told_otherwise => (Word::Other(state.verdict_number), id),
        None => (Word::Verdict, id),
    };
    let said = send(tx, word, about, &sms, fate.thing.as_ref(), now)?;
    if let (Some(is_short), None) = (sms.leaves_short, said.unsaid()) {
        commands::mark_standing(tx, state.command.seq, is_short)?;
    }
    Ok(said)
}

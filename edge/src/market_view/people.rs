//! What belongs to one number: who it is, its offers, its orders, and what became of an act.

use super::{View, db, unreadable};
use crate::commands::{self, CommandState};
use crate::db::DbError;
use crate::replica;
use crate::text::Lang;
use crate::text::why::Rejection;
use crate::ussd::Outcome;
use crate::ussd::market::{self, Caller, People, Read};
use rusqlite::Connection;
use sync_protocol::ids::CommandId;
use sync_protocol::market::{Alias, Certainty, Member, Order};
use sync_protocol::phone::Phone;
use sync_protocol::row::Key;
use sync_protocol::verdict::Verdict;
use uuid::Uuid;

/// The member of an office with this number. One that gave way to another under the same number is not meant.
pub(crate) fn member_of(
    conn: &Connection,
    cooperative: sync_protocol::ids::CooperativeId,
    phone: u64,
) -> Result<Option<Member>, DbError> {
    for member in replica::find(conn, Member::PHONE, &phone)? {
        let gave_way = replica::get::<Alias>(conn, Key::Uuid(member.id.0))?.is_some();
        if member.cooperative == cooperative && !gave_way {
            return Ok(Some(member));
        }
    }
    Ok(None)
}

/// The language that a number is spoken to in; `None` where it chose none.
pub(crate) fn language_of(
    conn: &Connection,
    member: Option<&Member>,
    phone: u64,
) -> Result<Option<Lang>, DbError> {
    if let Some(lang) = member.and_then(|member| Lang::from_code(&member.language)) {
        return Ok(Some(lang));
    }
    Ok(db::number_language(conn, phone)?.and_then(|code| Lang::from_code(&code)))
}

/// What became of an act, as a screen says it; `None` when it was never taken.
pub(crate) fn outcome_of(conn: &Connection, id: Uuid) -> Result<Option<Outcome>, DbError> {
    Ok(commands::outcome(conn, CommandId(id))?.map(|state| outcome(&state)))
}

fn outcome(state: &CommandState) -> Outcome {
    let done = Outcome::Done { reference: None };
    let asked = Outcome::Asked { reference: None };
    match &state.verdict {
        // Sold, but there was not enough: nobody may call that sure, and an SMS says the rest.
        Some(Verdict::Applied(applied)) if applied.short => asked,
        Some(Verdict::Applied(_)) => done,
        Some(Verdict::Rejected(reject)) => Outcome::Rejected(Rejection::from(reject)),
        Some(Verdict::Dismissed) => Outcome::Rejected(Rejection::Other),
        None | Some(Verdict::Held | Verdict::Quarantined | Verdict::Unsupported) => match state.certainty {
            Certainty::Record => done,
            Certainty::Request => asked,
        },
    }
}

impl View<'_> {
    /// Whether anything here is of a number: a member, or an order. What cannot be read counts for nothing.
    pub(crate) fn knows(&self, phone: u64) -> Result<bool, DbError> {
        Ok(!replica::find_readable(self.conn, Member::PHONE, &phone)?.is_empty()
            || !replica::find_readable(self.conn, Order::BUYER_PHONE, &phone)?.is_empty())
    }

    /// The member of this office with a number.
    pub(crate) fn member(&self, phone: u64) -> Result<Option<Member>, DbError> {
        match &self.reference.own {
            Some(own) => member_of(self.conn, own.cooperative, phone),
            None => Ok(None),
        }
    }

    pub(super) fn who_calls(&self, phone: u64) -> Result<market::Caller, DbError> {
        let member = self.member(phone)?;
        let lang = language_of(self.conn, member.as_ref(), phone)?;
        let member = member.map(|member| market::Member { id: member.id.0, name: member.name });
        Ok(market::Caller { member, lang })
    }
}

impl People for View<'_> {
    fn caller(&self, phone: &Phone) -> Read<Caller> {
        self.who_calls(phone.number()).map_err(unreadable)
    }
}

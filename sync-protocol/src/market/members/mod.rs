//! Members of a cooperative, known by phone number.

mod register;
#[cfg(test)]
mod tests;

pub use register::MemberRegister;

use super::entity::{Sample, Settled, entity};
use super::set::{Search, WorkingSet};
use crate::bucket::Bucket;
use crate::ids::{CooperativeId, MemberId, hub_born};

/// Aliases that one id is followed through.
const ALIASES_MAX: usize = 4;

entity! {
    /// A member of a cooperative, known by phone number. In `coop:C`.
    Member = 8 "member", id id: MemberId;
    beside [id => Alias];
    {
        /// The cooperative.
        1 cooperative: CooperativeId as COOPERATIVE,
        /// Name as the person gave it.
        2 name: String,
        /// E.164 without the plus sign, as a number.
        3 phone: u64 => PHONE,
        /// Language code: `en`, `sw`, `ny`, `fr`.
        4 language: String,
        /// Registered at, seconds since 1970 UTC, as the registering node claimed.
        5 registered_at_s: i64,
    }
}

entity! {
    /// Says that a member id registered offline is a member whom the hub already knew. In `coop:C`; later commands resolve through it.
    Alias = 9 "alias", id from: MemberId;
    beside [TO => Member];
    {
        /// The member that stays.
        1 to: MemberId as TO,
    }
}

impl Settled for Member {
    fn home(&self, _: &WorkingSet) -> Option<Vec<Bucket>> {
        Some(vec![Bucket::Coop(self.cooperative)])
    }
}

impl Settled for Alias {
    fn home(&self, set: &WorkingSet) -> Option<Vec<Bucket>> {
        set.get::<Member>(set.resolve(self.to))?.home(set)
    }
}

impl Member {
    /// Finds those of a cooperative with a number.
    pub fn of_number(cooperative: CooperativeId, phone: u64) -> Search {
        Search::by(Self::PHONE, &phone).and(Self::COOPERATIVE, &cooperative)
    }
}

impl WorkingSet {
    /// The member that an id stands for, through at most a few aliases.
    pub fn resolve(&self, member: MemberId) -> MemberId {
        let mut at = member;
        for _ in 0..ALIASES_MAX {
            match self.get::<Alias>(at) {
                Some(alias) if alias.to != at => at = alias.to,
                _ => break,
            }
        }
        at
    }

    /// The member of a cooperative who has a number. One that gave way to another under the same number is not the one that is meant.
    pub fn member_of_number(&self, cooperative: CooperativeId, phone: u64) -> Option<MemberId> {
        let known = self.find::<Member>(&Member::of_number(cooperative, phone));
        known.into_iter().map(|member| member.id).rfind(|id| !self.has::<Alias>(*id))
    }
}

impl Sample for Member {
    fn sample() -> Self {
        Self {
            id: MemberId(hub_born(2)),
            cooperative: CooperativeId(12),
            name: "Chikondi".into(),
            phone: 265_991_234_567,
            language: "ny".into(),
            registered_at_s: 1_700_000_000,
        }
    }
}

impl Sample for Alias {
    fn sample() -> Self {
        Self { from: MemberId(hub_born(3)), to: MemberId(hub_born(2)) }
    }
}

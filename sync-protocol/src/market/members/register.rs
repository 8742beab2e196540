//! `member.register`: a person joins, or a member changes name or language.

use crate::ids::{CommandId, MemberId};
use crate::market::check::{self, Invalid};
use crate::market::{
    Actor, Alias, Certainty, Command, Context, Decision, EffectRow, Member, Needs, WorkingSet,
};
use crate::verdict::{Reject, RejectCode};
use crate::wire::cbor::uuid_bytes;
use minicbor::{Decode, Encode};
use uuid::Uuid;

/// Registers a member of the stream's cooperative by phone number.
#[derive(Clone, Debug, PartialEq, Eq, Encode, Decode)]
pub struct MemberRegister {
    /// The member's id.
    #[cbor(n(0), with = "uuid_bytes")]
    pub member: Uuid,
    /// The number: E.164 without the plus sign.
    #[n(1)]
    pub phone: u64,
    /// The name as given.
    #[n(2)]
    pub name: String,
    /// Language code.
    #[n(3)]
    pub language: String,
}

impl MemberRegister {
    pub(in crate::market) fn check(&self) -> Vec<Invalid> {
        let name = check::text("/name", &self.name, false);
        [check::phone("/phone", self.phone, false), name, check::language("/language", &self.language)]
            .into_iter()
            .flatten()
            .collect()
    }

    pub(in crate::market) fn needs(&self, _: CommandId, _: &Actor, context: &Context) -> Needs {
        Needs {
            members: [MemberId(self.member)].into(),
            phones: context.cooperative.map(|coop| (coop, self.phone)).into_iter().collect(),
            ..Needs::default()
        }
    }

    pub(in crate::market) fn decide(
        &self,
        command: &Command,
        context: &Context,
        set: &WorkingSet,
    ) -> Result<Decision, Reject> {
        let cooperative = context.cooperative.ok_or_else(|| Reject::new(RejectCode::NotAllowed))?;
        let id = set.resolve(MemberId(self.member));
        let known = set.by_phone.get(&(cooperative, self.phone)).copied().filter(|known| *known != id);
        let mut decision = Decision::new(Certainty::Record);
        if let Some(known) = known {
            if set.members.contains_key(&id) {
                // Two members cannot share a number; a change of number is settled at the office.
                return Err(Reject::new(RejectCode::Duplicate));
            }
            decision.applied.alias = Some(known);
            decision.set(EffectRow::Alias(Alias { from: id, to: known }), true);
            return Ok(decision);
        }
        let before = set.members.get(&id);
        if before.is_some_and(|m| m.cooperative != cooperative || m.phone != self.phone) {
            return Err(Reject::new(RejectCode::NotAllowed));
        }
        let registered_at_s = before.map_or(command.made_at_s, |m| m.registered_at_s);
        let member = Member {
            id,
            cooperative,
            name: self.name.trim().to_owned(),
            phone: self.phone,
            language: self.language.clone(),
            registered_at_s,
        };
        decision.set(EffectRow::Member(member), true);
        Ok(decision)
    }
}

//! `member.register`: a person joins, or a member changes name or language.

use crate::cbor::uuid_bytes;
use crate::ids::{CommandId, MemberId};
use crate::market::check::{self, Invalid};
use crate::market::{
    Actor, Alias, Certainty, Command, Context, Decision, Form, Made, Member, Needs, Rule, WorkingSet,
};
use crate::verdict::{Reject, RejectCode};
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

impl Rule for MemberRegister {
    const REFUSES: &'static [RejectCode] = &[RejectCode::NotAllowed, RejectCode::Duplicate];

    fn check(&self) -> Vec<Invalid> {
        check::all([
            check::phone("/phone", self.phone, false),
            check::text("/name", &self.name, false),
            check::language("/language", &self.language),
        ])
    }

    fn needs(&self, _: CommandId, _: &Actor, context: &Context) -> Needs {
        let of_number = context.cooperative.map(|cooperative| Member::of_number(cooperative, self.phone));
        Needs::of::<Member>(MemberId(self.member)).found(of_number)
    }

    fn decide(&self, command: &Command, context: &Context, set: &WorkingSet) -> Result<Decision, Reject> {
        let cooperative = context.cooperative.ok_or_else(|| Reject::new(RejectCode::NotAllowed))?;
        let id = set.resolve(MemberId(self.member));
        let known = set.member_of_number(cooperative, self.phone).filter(|known| *known != id);
        let mut decision = Decision::new(Certainty::Record);
        let before = set.get::<Member>(id);
        if let Some(known) = known {
            if before.is_some() {
                // Two members cannot share a number; a change of number is settled at the office.
                return Err(Reject::new(RejectCode::Duplicate));
            }
            decision.applied.alias = Some(known);
            decision.set(&Alias { from: id, to: known }, true);
            return Ok(decision);
        }
        if before.as_ref().is_some_and(|m| m.cooperative != cooperative || m.phone != self.phone) {
            return Err(Reject::new(RejectCode::NotAllowed));
        }
        let member = Member {
            id,
            cooperative,
            name: self.name.trim().to_owned(),
            phone: self.phone,
            language: self.language.clone(),
            registered_at_s: before.map_or(command.made_at_s, |m| m.registered_at_s),
        };
        decision.set(&member, true);
        Ok(decision)
    }

    fn about(&self, _: CommandId) -> Uuid {
        self.member
    }

    fn makes(&self, _: CommandId) -> Option<Made> {
        Some(Made::row::<Member>(MemberId(self.member)))
    }

    // Setting the same again is harmless by itself.
    fn is_repeat(&self, _: &Command, _: &Context, _: &WorkingSet, _: Form) -> bool {
        false
    }

    /// A member who is there already changes name or language by it.
    fn is_taken(&self, _: &Command, _: &Context, _: &WorkingSet, _: Form) -> bool {
        false
    }

    // It needs nothing that was there before.
    fn is_awaited(&self, _: &Context, _: &WorkingSet) -> bool {
        false
    }

    fn renamed(self, new: &dyn Fn(Uuid) -> Uuid) -> Self {
        Self { member: new(self.member), ..self }
    }

    fn names(&mut self) -> Vec<&mut String> {
        vec![&mut self.name]
    }

    fn sample(about: Uuid) -> Self {
        Self { member: about, phone: 265_991_234_567, name: "Chikondi".into(), language: "ny".into() }
    }
}

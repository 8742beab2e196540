//! Members of a cooperative, known by phone number.

mod register;

pub use register::MemberRegister;

use super::entity::{entity, uuid_key};
use crate::ids::{CooperativeId, MemberId};
use crate::row::Key;

entity! {
    /// A member of a cooperative, known by phone number. In `coop:C`.
    Member = 8 "member", key id: MemberId => |id| Key::Uuid(id.0), |key| uuid_key(key).map(MemberId);
    index [3];
    {
        /// The cooperative.
        1 cooperative: CooperativeId,
        /// Name as the person gave it.
        2 name: String,
        /// E.164 without the plus sign, as a number.
        3 phone: u64,
        /// Language code: `en`, `sw`, `ny`, `fr`.
        4 language: String,
        /// Registered at, seconds since 1970 UTC, as the registering node claimed.
        5 registered_at_s: i64,
    }
}

entity! {
    /// Says that a member id registered offline is a member whom the hub already knew. In `coop:C`; later commands resolve through it.
    Alias = 9 "alias", key from: MemberId => |id| Key::Uuid(id.0), |key| uuid_key(key).map(MemberId);
    index [];
    {
        /// The member that stays.
        1 to: MemberId,
    }
}

//! Cooperatives, members, people who work at an office, and an edge's own settings.

use super::field::{codes, entity};
use crate::bucket::CountryCode;
use crate::ids::{CooperativeId, EdgeId, MemberId, RegionId, UserId};
use crate::row::Key;
use crate::units::Currency;
use uuid::Uuid;

fn int_key(key: Key) -> Option<u32> {
    if let Key::Int(n) = key { Some(n) } else { None }
}
fn uuid_key(key: Key) -> Option<Uuid> {
    if let Key::Uuid(id) = key { Some(id) } else { None }
}

entity! {
    /// A farmers' cooperative. In its own `coop:C`, and in `catalogue:R` for others to read.
    Cooperative = 7 "cooperative", key id: CooperativeId => |id| Key::Int(id.0), |key| int_key(key).map(CooperativeId);
    index [];
    {
        /// Name.
        1 name: String,
        /// Its country.
        2 country: CountryCode,
        /// Its region.
        3 region: Option<RegionId>,
        /// The currency it sells in.
        4 currency: Currency,
        /// Percent of each listing that goes to the hub for phones and the web; the rest stays at the office.
        5 hub_share_percent: u32,
    }
}

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

codes! {
    /// What a person may do at an office.
    OfficeRole { Clerk = 1 "clerk", Manager = 2 "manager", Officer = 3 "officer" }
}

entity! {
    /// A person who signs in at the office page. Only the argon2id hash of the office password is here. In `coop:C`.
    OfficeUser = 10 "office_user", key id: UserId => |id| Key::Uuid(id.0), |key| uuid_key(key).map(UserId);
    index [3];
    {
        /// The cooperative.
        1 cooperative: CooperativeId,
        /// Name.
        2 name: String,
        /// E.164 without the plus sign, as a number.
        3 phone: u64,
        /// What the person may do.
        4 role: OfficeRole,
        /// argon2id, in PHC string form; empty until an office password is set.
        5 password_hash: String,
        /// Whether the account was closed.
        6 disabled: bool,
    }
}

entity! {
    /// What the hub tells one edge about itself. In `edge:E`.
    EdgeSettings = 11 "edge_settings", key id: EdgeId => |id| Key::Int(id.0), |key| int_key(key).map(EdgeId);
    index [];
    {
        /// The cooperative whose office it is.
        1 cooperative: CooperativeId,
        /// Its country: completes local phone numbers.
        2 country: CountryCode,
        /// The currency it sells in.
        3 currency: Currency,
        /// Whether it subscribes to everything (a national USSD node).
        4 national: bool,
        /// What people call it; empty where it has no name.
        5 name: String,
    }
}

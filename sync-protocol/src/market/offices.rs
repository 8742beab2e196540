//! Cooperatives, the people who work at their offices, and an edge's own settings.

use super::entity::{entity, int_key, uuid_key};
use crate::bucket::CountryCode;
use crate::field::codes;
use crate::ids::{CooperativeId, EdgeId, RegionId, UserId};
use crate::row::Key;
use crate::units::Currency;

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

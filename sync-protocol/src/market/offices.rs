//! Cooperatives, the people who work at their offices, and an edge's own settings.

use super::entity::{Sample, entity};
use crate::bucket::CountryCode;
use crate::field::codes;
use crate::ids::{CooperativeId, EdgeId, RegionId, UserId, hub_born};
use crate::units::Currency;

entity! {
    /// A farmers' cooperative. In its own `coop:C`, and in `catalogue:R` for others to read.
    Cooperative = 7 "cooperative", id id: CooperativeId;
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
    OfficeUser = 10 "office_user", id id: UserId;
    {
        /// The cooperative.
        1 cooperative: CooperativeId,
        /// Name.
        2 name: String,
        /// E.164 without the plus sign, as a number.
        3 phone: u64 => PHONE,
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
    EdgeSettings = 11 "edge_settings", id id: EdgeId;
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

impl Sample for Cooperative {
    fn sample() -> Self {
        Self {
            id: CooperativeId(12),
            name: "Mbewu".into(),
            country: CountryCode::MWI,
            region: Some(RegionId(3)),
            currency: Currency::MWK,
            hub_share_percent: 50,
        }
    }
}

impl Sample for OfficeUser {
    fn sample() -> Self {
        Self {
            id: UserId(hub_born(4)),
            cooperative: CooperativeId(12),
            name: "Grace".into(),
            phone: 265_881_234_567,
            role: OfficeRole::Clerk,
            password_hash: "$argon2id$".into(),
            disabled: true,
        }
    }
}

impl Sample for EdgeSettings {
    fn sample() -> Self {
        Self {
            id: EdgeId(4),
            cooperative: CooperativeId(12),
            country: CountryCode::MWI,
            currency: Currency::MWK,
            national: true,
            name: "Mbewu office".into(),
        }
    }
}

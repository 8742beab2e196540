//! Typed identities. Hub-given things have small integers, things born offline have UUIDs.
//!
//! A new kind of id is one line in a macro below, which makes it a key of rows and a field of them as well; nothing here makes an id from a clock or a random source.

use crate::field::{int_field, present_field, small, uuid_of};
use crate::row::Key;
use crate::value::Value;
use std::fmt;
use uuid::Uuid;

/// What identifies the rows of an entity.
pub trait Id: Copy {
    /// As a row's key.
    fn to_key(self) -> Key;
    /// The inverse; `None` for a key of another kind.
    fn from_key(key: Key) -> Option<Self>;
}

macro_rules! small_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub u32);
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }
        impl Id for $name {
            fn to_key(self) -> Key { Key::Int(self.0) }
            fn from_key(key: Key) -> Option<Self> { if let Key::Int(id) = key { Some(Self(id)) } else { None } }
        }
        int_field! { $name => |id| i64::from(id.0), |n| small(n).map($name); }
    )+};
}

macro_rules! uuid_ids {
    ($($(#[$doc:meta])* $name:ident),+ $(,)?) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
        pub struct $name(pub Uuid);
        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result { self.0.fmt(f) }
        }
        impl From<Uuid> for $name { fn from(id: Uuid) -> Self { Self(id) } }
        impl Id for $name {
            fn to_key(self) -> Key { Key::Uuid(self.0) }
            fn from_key(key: Key) -> Option<Self> { if let Key::Uuid(id) = key { Some(Self(id)) } else { None } }
        }
        present_field! { $name => |id| Value::Uuid(id.0), |v| uuid_of(v).map($name); }
    )+};
}

small_ids! {
    /// One edge node. 0 is never given to an edge: as a [`Holder`] it means the hub.
    EdgeId,
    /// One cooperative.
    CooperativeId,
    /// One region of a country (first-level division, as the price source names it).
    RegionId,
    /// One physical market.
    MarketId,
    /// One commodity.
    CommodityId,
    /// One selling or price unit, such as `KG` or `90 KG`.
    UnitId,
    /// One price series: market, commodity, unit, price type and currency together.
    SeriesId,
}

uuid_ids! {
    /// One command; made before the first attempt to act, the same on every retry.
    CommandId,
    /// One cooperative member.
    MemberId,
    /// One listing (a product, in the REST API's words).
    ListingId,
    /// One order.
    OrderId,
    /// One person with an account at the hub.
    UserId,
}

/// Who holds units of stock: the hub or one edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Holder {
    /// Units that phones and the web buy from.
    Hub,
    /// Units that only this edge may sell, also while it is cut off.
    Edge(EdgeId),
}

impl Holder {
    /// The number stored and sent: 0 for the hub, else the edge's.
    pub fn code(self) -> u32 {
        match self {
            Self::Hub => 0,
            Self::Edge(edge) => edge.0,
        }
    }

    /// The inverse of [`Holder::code`].
    pub fn from_code(code: u32) -> Self {
        if code == 0 { Self::Hub } else { Self::Edge(EdgeId(code)) }
    }
}

int_field! { Holder => |holder| i64::from(holder.code()), |n| small(n).map(Holder::from_code); }

/// One ordered line of commands: an edge in one incarnation. A restored or cloned disk goes on as the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Stream {
    /// The edge.
    pub edge: EdgeId,
    /// Counts from 1.
    pub incarnation: u32,
}

/// First eight bytes of every id that the hub itself hands out: "Mizili" and the UUID version 8 mark.
const HUB_BORN_HIGH: u64 = 0x4d69_7a69_6c69_8000;
/// The variant bits of RFC 9562 in the low half.
const VARIANT: u64 = 0x8000_0000_0000_0000;

/// A UUID (version 8) for a thing born at the hub, from a database sequence. Such ids shrink to a byte or two on the wire.
pub const fn hub_born(number: u64) -> Uuid {
    Uuid::from_u64_pair(HUB_BORN_HIGH, VARIANT | (number & !(3 << 62)))
}

impl Stream {
    /// The id of the command that a request with a key of its own stands for: who asked, where, and the key. The same key is
    /// another's at another office, in another incarnation of the box, and from another person: offices number their receipts
    /// alike, and clerks their orders.
    pub fn keyed(self, person: &str, route: &str, key: &str) -> Uuid {
        let purpose = format!("key {}/{} {person} {route} {key}", self.edge, self.incarnation);
        derived(&purpose, Uuid::nil())
    }
}

/// A UUID (version 8) derived from a purpose and an id, the same on both sides, for what an effect creates.
pub fn derived(purpose: &str, of: Uuid) -> Uuid {
    let mut hasher = blake3::Hasher::new();
    hasher.update(purpose.as_bytes()).update(&[0]).update(of.as_bytes());
    let mut bytes = [0u8; 16];
    bytes.copy_from_slice(&hasher.finalize().as_bytes()[..16]);
    uuid::Builder::from_custom_bytes(bytes).into_uuid()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hub_born_ids_are_valid_version_8_uuids_in_order() {
        let (a, b) = (hub_born(1), hub_born(2));
        assert_eq!(a.get_version_num(), 8);
        assert_eq!(a.get_variant(), uuid::Variant::RFC4122);
        assert!(a < b);
    }

    #[test]
    fn a_key_is_another_command_at_another_office_in_another_incarnation_and_of_another_person() {
        let of = |edge, incarnation, person, route, key| {
            Stream { edge: EdgeId(edge), incarnation }.keyed(person, route, key)
        };
        let one = of(1, 1, "office", "POST /orders", "INV-0001");
        assert_eq!(one, of(1, 1, "office", "POST /orders", "INV-0001"));
        for other in [
            of(2, 1, "office", "POST /orders", "INV-0001"),
            of(1, 2, "office", "POST /orders", "INV-0001"),
            of(1, 1, "clerk", "POST /orders", "INV-0001"),
            of(1, 1, "office", "POST /products", "INV-0001"),
            of(1, 1, "office", "POST /orders", "INV-0002"),
            of(11, 1, "office", "POST /orders", "INV-0001"),
        ] {
            assert_ne!(one, other);
        }
    }

    #[test]
    fn derived_ids_depend_on_purpose_and_parent() {
        let parent = hub_born(7);
        assert_eq!(derived("x", parent), derived("x", parent));
        assert_ne!(derived("x", parent), derived("y", parent));
        assert_eq!(derived("x", parent).get_version_num(), 8);
    }
}

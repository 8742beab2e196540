//! JSON shapes that the hub's and the edge's REST APIs share and that are no noun's; the nouns' are in [`crate::market`].
//!
//! Money is `{"amount": minor units, "currency": ISO 4217}`; a quantity is a decimal string; times are RFC 3339 in UTC. What hub and
//! edge say to each other is the protocol's, not here.

use serde::{Deserialize, Serialize};
use sync_protocol::units::Quantity;
use utoipa::ToSchema;

/// An amount of money.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Money {
    /// Minor units (cents, tambala).
    #[schema(example = 52_000)]
    pub amount: i64,
    /// ISO 4217 code.
    #[schema(example = "MWK")]
    pub currency: String,
}

/// One page of a list. Follow `next` until it is missing.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The items.
    pub items: Vec<T>,
    /// Path and query of the next page; missing on the last.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub next: Option<String>,
}

/// An RFC 9457 problem: why a request was refused and what to do.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Problem {
    /// A stable name of the kind of problem, as a relative URI.
    #[serde(rename = "type")]
    #[schema(example = "/api/docs/problems#not_enough")]
    pub kind: String,
    /// The kind in words.
    pub title: String,
    /// The HTTP status.
    pub status: u16,
    /// What happened and what to do.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detail: Option<String>,
    /// A code for programs, the same as the last part of `type`.
    pub code: String,
    /// What is wrong with each field, for a 422.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub errors: Vec<FieldProblem>,
}

/// What is wrong with one field.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldProblem {
    /// JSON pointer (RFC 6901) into the request body, or `?name` for a query parameter.
    #[schema(example = "/quantity")]
    pub pointer: String,
    /// What to write instead.
    pub detail: String,
}

/// A quantity as a decimal string of at most three decimals, such as `"2.5"`. A JSON number is taken too when it is exact.
pub mod quantity {
    use super::Quantity;
    use serde::de::{Error, Visitor};
    use serde::{Deserializer, Serializer};

    /// Writes a string.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(q: &Quantity, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(q)
    }

    struct Either;
    impl Visitor<'_> for Either {
        type Value = Quantity;
        fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("a quantity such as \"2.5\"")
        }
        fn visit_str<E: Error>(self, v: &str) -> Result<Quantity, E> {
            v.parse().map_err(E::custom)
        }
        fn visit_u64<E: Error>(self, v: u64) -> Result<Quantity, E> {
            self.visit_str(&v.to_string())
        }
        fn visit_i64<E: Error>(self, v: i64) -> Result<Quantity, E> {
            self.visit_str(&v.to_string())
        }
        fn visit_f64<E: Error>(self, v: f64) -> Result<Quantity, E> {
            self.visit_str(&v.to_string())
        }
    }

    /// Reads a string or a number.
    ///
    /// # Errors
    /// When it is no exact quantity.
    pub fn deserialize<'de, D: Deserializer<'de>>(d: D) -> Result<Quantity, D::Error> {
        d.deserialize_any(Either)
    }
}

//! Buckets: the unit of replication and of scope. The hub alone decides which buckets an edge has.

use crate::field::{present_field, text_of};
use crate::ids::{CooperativeId, EdgeId, RegionId};
use crate::value::Value;
use std::fmt;
use std::str::FromStr;

/// A country as its ISO 3166-1 alpha-3 code, upper case.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CountryCode([u8; 3]);

impl CountryCode {
    /// Malawi.
    pub const MWI: Self = Self(*b"MWI");

    /// Three ASCII letters, any case; `None` for anything else.
    pub fn new(text: &str) -> Option<Self> {
        let bytes: [u8; 3] = text.as_bytes().try_into().ok()?;
        bytes.iter().all(u8::is_ascii_alphabetic).then(|| Self(bytes.map(|b| b.to_ascii_uppercase())))
    }

    /// The three letters.
    pub fn as_str(&self) -> &str {
        std::str::from_utf8(&self.0).unwrap_or("???")
    }
}

impl fmt::Display for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
impl fmt::Debug for CountryCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

present_field! { CountryCode => |code| Value::Text(code.as_str()), |v| text_of(v).and_then(CountryCode::new); }

/// One bucket. The text form (`coop:12`) is what databases store and logs show.
///
/// The order of variants is the order in which reads look for one id in several buckets,
/// see [`Bucket::read_rank`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bucket {
    /// Settings of one edge.
    Edge(EdgeId),
    /// Members, listings, stock entries and orders of one cooperative.
    Coop(CooperativeId),
    /// What other cooperatives of a region offer.
    Catalogue(RegionId),
    /// Markets and prices of a region.
    Region(RegionId),
    /// Markets and prices of a country that have no region.
    Country(CountryCode),
    /// Commodities and units.
    Global,
}

impl Bucket {
    /// Kind and number as sent: see [`Bucket::from_code`].
    pub fn code(self) -> (u8, u32) {
        match self {
            Self::Global => (0, 0),
            Self::Country(CountryCode([a, b, c])) => (1, u32::from_be_bytes([0, a, b, c])),
            Self::Region(region) => (2, region.0),
            Self::Catalogue(region) => (3, region.0),
            Self::Coop(coop) => (4, coop.0),
            Self::Edge(edge) => (5, edge.0),
        }
    }

    /// The inverse of [`Bucket::code`]; `None` for a kind this version does not know.
    pub fn from_code(kind: u8, number: u32) -> Option<Self> {
        Some(match kind {
            0 if number == 0 => Self::Global,
            1 => {
                let [_, letters @ ..] = number.to_be_bytes();
                Self::Country(CountryCode::new(std::str::from_utf8(&letters).ok()?)?)
            }
            2 => Self::Region(RegionId(number)),
            3 => Self::Catalogue(RegionId(number)),
            4 => Self::Coop(CooperativeId(number)),
            5 => Self::Edge(EdgeId(number)),
            _ => return None,
        })
    }

    /// Where one id stands in several buckets, the row in the bucket of the lowest rank is read.
    pub fn read_rank(self) -> u8 {
        match self {
            Self::Edge(_) => 0,
            Self::Coop(_) => 1,
            Self::Catalogue(_) => 2,
            Self::Region(_) => 3,
            Self::Country(_) => 4,
            Self::Global => 5,
        }
    }

    /// Which bucket is served first: what an office sells from, then prices, then the rest.
    pub fn serve_rank(self) -> u8 {
        match self {
            Self::Edge(_) => 0,
            Self::Coop(_) => 1,
            Self::Global => 2,
            Self::Region(_) | Self::Country(_) => 3,
            Self::Catalogue(_) => 4,
        }
    }
}

impl fmt::Display for Bucket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Global => f.write_str("global"),
            Self::Country(country) => write!(f, "country:{country}"),
            Self::Region(region) => write!(f, "region:{region}"),
            Self::Catalogue(region) => write!(f, "catalogue:{region}"),
            Self::Coop(coop) => write!(f, "coop:{coop}"),
            Self::Edge(edge) => write!(f, "edge:{edge}"),
        }
    }
}

/// A text that names no bucket.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' names no bucket")]
pub struct BadBucket(pub String);

impl FromStr for Bucket {
    type Err = BadBucket;
    fn from_str(text: &str) -> Result<Self, BadBucket> {
        let bad = || BadBucket(text.chars().take(40).collect());
        if text == "global" {
            return Ok(Self::Global);
        }
        let (kind, of) = text.split_once(':').ok_or_else(bad)?;
        let number = || of.parse::<u32>().map_err(|_| bad());
        Ok(match kind {
            "country" => Self::Country(CountryCode::new(of).ok_or_else(bad)?),
            "region" => Self::Region(RegionId(number()?)),
            "catalogue" => Self::Catalogue(RegionId(number()?)),
            "coop" => Self::Coop(CooperativeId(number()?)),
            "edge" => Self::Edge(EdgeId(number()?)),
            _ => return Err(bad()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_and_code_forms_come_back() {
        let all = [
            Bucket::Global,
            Bucket::Country(CountryCode::new("mwi").unwrap()),
            Bucket::Region(RegionId(3)),
            Bucket::Catalogue(RegionId(3)),
            Bucket::Coop(CooperativeId(12)),
            Bucket::Edge(EdgeId(4)),
        ];
        for bucket in all {
            assert_eq!(bucket.to_string().parse(), Ok(bucket));
            let (kind, number) = bucket.code();
            assert_eq!(Bucket::from_code(kind, number), Some(bucket));
        }
        assert!("coop:x".parse::<Bucket>().is_err());
        assert_eq!(Bucket::from_code(9, 1), None);
    }
}

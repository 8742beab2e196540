//! Addresses and ranges of addresses, as settings name them.

use serde::Deserialize;
use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

/// One address, or a range such as `196.201.214.0/24`.
#[derive(Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct AddressRange {
    first: IpAddr,
    prefix_bits: u8,
}

impl AddressRange {
    /// Whether the address lies in the range. An IPv4 address written as IPv6 counts as IPv4.
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.first.to_canonical(), address.to_canonical()) {
            (IpAddr::V4(first), IpAddr::V4(address)) => {
                let shift = 32 - u32::from(self.prefix_bits);
                let head = |ip: u32| ip.checked_shr(shift).unwrap_or(0);
                head(first.to_bits()) == head(address.to_bits())
            }
            (IpAddr::V6(first), IpAddr::V6(address)) => {
                let shift = 128 - u32::from(self.prefix_bits);
                let head = |ip: u128| ip.checked_shr(shift).unwrap_or(0);
                head(first.to_bits()) == head(address.to_bits())
            }
            _ => false,
        }
    }
}

impl FromStr for AddressRange {
    type Err = String;
    fn from_str(text: &str) -> Result<Self, String> {
        let bad = || format!("'{text}' is no address: write one such as 196.201.214.200 or 196.201.214.0/24");
        let (first, prefix) = match text.split_once('/') {
            Some((first, prefix)) => (first, Some(prefix)),
            None => (text, None),
        };
        let first = first.parse::<IpAddr>().map_err(|_| bad())?.to_canonical();
        let most = if first.is_ipv4() { 32 } else { 128 };
        let prefix_bits = match prefix {
            Some(prefix) => prefix.parse::<u8>().map_err(|_| bad())?,
            None => most,
        };
        if prefix_bits > most { Err(bad()) } else { Ok(Self { first, prefix_bits }) }
    }
}

impl TryFrom<String> for AddressRange {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl fmt::Debug for AddressRange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.first, self.prefix_bits)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_hold_what_they_say() {
        let holds =
            |range: &str, ip: &str| range.parse::<AddressRange>().unwrap().contains(ip.parse().unwrap());
        assert!(holds("196.201.214.0/24", "196.201.214.200"));
        assert!(!holds("196.201.214.0/24", "196.201.215.1"));
        assert!(holds("196.201.214.200", "196.201.214.200") && !holds("196.201.214.200", "196.201.214.201"));
        assert!(holds("0.0.0.0/0", "8.8.8.8") && !holds("0.0.0.0/0", "::1"));
        assert!(holds("10.0.0.0/8", "::ffff:10.1.2.3"), "IPv4 written as IPv6");
        assert!(holds("2001:db8::/32", "2001:db8::1") && holds("::/0", "2001:db8::1"));
        assert!("10.0.0".parse::<AddressRange>().is_err());
    }
}

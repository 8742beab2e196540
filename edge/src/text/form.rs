//! Reads `application/x-www-form-urlencoded` bodies, as gateways post them.
//!
//! Bounded in bytes and fields; what is not valid is kept as it is written, never a reason to fail: a gateway that gets an
//! error sends the same again.

use std::borrow::Cow;
use sync_protocol::country::Country;
use sync_protocol::phone::{Phone, read};

/// Longest body that is read, in bytes. A callback is a few hundred.
pub const BODY_MAX_BYTES: usize = 16 << 10;

/// Most fields that are read; the rest is ignored.
pub const FIELDS_MAX: usize = 64;

/// A callback that cannot be used, in words for the log and for whoever set the gateway up.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// A field that must be there is not.
    #[error("the field '{0}' is missing: check the gateway's callback settings")]
    Missing(&'static str),
    /// A field is longer than any real one.
    #[error("the field '{0}' is too long")]
    TooLong(&'static str),
    /// A phone number that is none.
    #[error("the field '{field}' is no phone number: {why}")]
    Phone {
        /// The field's name.
        field: &'static str,
        /// What is wrong with it.
        why: sync_protocol::phone::PhoneError,
    },
    /// The whole body is larger than any real one.
    #[error("the body is larger than {BODY_MAX_BYTES} bytes")]
    BodyTooLong,
    /// The body did not come whole, or not in time: it has to be brought again.
    #[error("the body did not come whole")]
    NotWhole,
}

/// The fields of a body, in the order they came.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fields<'a>(Vec<(Cow<'a, str>, Cow<'a, str>)>);

impl<'a> Fields<'a> {
    /// Reads a body.
    ///
    /// # Errors
    /// Only when it is larger than [`BODY_MAX_BYTES`].
    pub fn read(body: &'a [u8]) -> Result<Self, FormError> {
        if body.len() > BODY_MAX_BYTES {
            return Err(FormError::BodyTooLong);
        }
        let pairs = body.split(|b| *b == b'&').filter(|pair| !pair.is_empty()).take(FIELDS_MAX);
        Ok(Self(
            pairs
                .map(|pair| match pair.iter().position(|b| *b == b'=') {
                    Some(at) => (decode(&pair[..at]), decode(&pair[at + 1..])),
                    None => (decode(pair), Cow::Borrowed("")),
                })
                .collect(),
        ))
    }

    /// The first field of that name.
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_ref())
    }

    /// A field that must be there and be no longer than `max_bytes`; it may be empty.
    ///
    /// # Errors
    /// When it is missing or longer.
    pub fn need(&self, name: &'static str, max_bytes: usize) -> Result<&str, FormError> {
        let value = self.get(name).ok_or(FormError::Missing(name))?;
        if value.len() > max_bytes { Err(FormError::TooLong(name)) } else { Ok(value) }
    }

    /// The same, and not empty.
    ///
    /// # Errors
    /// When it is missing, empty or longer.
    pub fn need_some(&self, name: &'static str, max_bytes: usize) -> Result<&str, FormError> {
        let value = self.need(name, max_bytes)?;
        if value.is_empty() { Err(FormError::Missing(name)) } else { Ok(value) }
    }
}

impl Fields<'_> {
    /// A phone number, completed by the gateway's country where it is local. A gateway that does not encode the plus sign of a whole
    /// number sends what a form reads as a space before its digits.
    ///
    /// # Errors
    /// When it is missing, longer than `max_bytes`, or no number.
    pub fn phone(&self, name: &'static str, max_bytes: usize, home: &Country) -> Result<Phone, FormError> {
        let raw = self.need_some(name, max_bytes)?;
        let undecoded =
            raw.strip_prefix(' ').filter(|rest| rest.starts_with(|c: char| matches!(c, '1'..='9')));
        let read = match undecoded {
            Some(digits) => read(&format!("+{digits}"), Some(home)),
            None => read(raw, Some(home)),
        };
        read.map_err(|why| FormError::Phone { field: name, why })
    }
}

impl<'a, K: Into<Cow<'a, str>>, V: Into<Cow<'a, str>>> FromIterator<(K, V)> for Fields<'a> {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().take(FIELDS_MAX).map(|(key, value)| (key.into(), value.into())).collect())
    }
}

fn decode(text: &[u8]) -> Cow<'_, str> {
    if !text.iter().any(|byte| matches!(byte, b'+' | b'%')) {
        return String::from_utf8_lossy(text);
    }
    let mut out = Vec::with_capacity(text.len());
    let mut at = 0;
    while at < text.len() {
        let hex = |place: usize| text.get(place).and_then(|b| (*b as char).to_digit(16));
        match (text[at], hex(at + 1), hex(at + 2)) {
            (b'+', _, _) => out.push(b' '),
            (b'%', Some(high), Some(low)) => {
                // Two hexadecimal digits are at most 255.
                out.push((high * 16 + low) as u8);
                at += 2;
            }
            (byte, _, _) => out.push(byte),
        }
        at += 1;
    }
    Cow::Owned(match String::from_utf8(out) {
        Ok(text) => text,
        Err(error) => String::from_utf8_lossy(error.as_bytes()).into_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn reads_a_callback() {
        let body = b"sessionId=ATUid_abc&serviceCode=*384*1234%23&phoneNumber=%2B254711000111&networkCode=63902&text=";
        let fields = Fields::read(body).unwrap();
        assert_eq!(fields.get("serviceCode"), Some("*384*1234#"));
        assert_eq!(fields.get("phoneNumber"), Some("+254711000111"));
        assert_eq!(fields.need("text", 10), Ok(""));
        assert_eq!(fields.need_some("text", 10), Err(FormError::Missing("text")));
        assert_eq!(fields.need("nothing", 10), Err(FormError::Missing("nothing")));
        assert_eq!(fields.need("sessionId", 3), Err(FormError::TooLong("sessionId")));
    }

    #[test]
    fn a_plus_sign_that_was_not_encoded_is_still_one() {
        let malawi = Country::by_iso3("MWI").unwrap();
        let phone = |body: &str| {
            let fields = Fields::read(body.as_bytes()).unwrap();
            fields.phone("from", 64, malawi).map(|phone| phone.as_str().to_owned()).ok()
        };
        assert_eq!(phone("from=+260971234567&to=21512").as_deref(), Some("+260971234567"));
        assert_eq!(phone("from=%2B260971234567").as_deref(), Some("+260971234567"));
        assert_eq!(phone("from=+265991234567").as_deref(), Some("+265991234567"));
        assert_eq!(
            phone("from=+0991234567").as_deref(),
            Some("+265991234567"),
            "a space before a local number"
        );
        assert_eq!(phone("from=+21512"), None);
    }

    #[test]
    fn keeps_what_is_not_valid() {
        let fields = Fields::read(b"a=%zz%4&b=1+2%20%3D&c&=x&&d=%FF").unwrap();
        assert_eq!(fields.get("a"), Some("%zz%4"));
        assert_eq!(fields.get("b"), Some("1 2 ="));
        assert_eq!(fields.get("c"), Some(""));
        assert_eq!(fields.get("d"), Some("\u{fffd}"));
    }

    #[test]
    fn is_bounded() {
        assert_eq!(Fields::read(&vec![b'a'; BODY_MAX_BYTES + 1]), Err(FormError::BodyTooLong));
        let many = "a=1&".repeat(1000);
        let many = Fields::read(many.as_bytes()).unwrap();
        assert_eq!(many.0.len(), FIELDS_MAX);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read(body in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = Fields::read(&body).unwrap();
        }
    }
}

//! The value model of a replicated row: numbered fields of four types, and their canonical bytes.
//!
//! Codec, feed and replica know rows only in this form, so an entity or a field they have never heard of travels,
//! is stored and is counted in digests like any other.

use crate::wire::bytes::{Reader, WireError, Writer};
use uuid::Uuid;

/// One field's value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Any whole number: counts, minor units, milli-units, days, months, codes, 0/1 for yes and no.
    Int(i64),
    /// UTF-8 text.
    Text(Box<str>),
    /// Opaque bytes.
    Bytes(Box<[u8]>),
    /// An identity born offline or derived from one.
    Uuid(Uuid),
}

impl Value {
    /// The type's number on the wire, 0 to 3.
    pub fn type_code(&self) -> u8 {
        match self {
            Self::Int(_) => 0,
            Self::Text(_) => 1,
            Self::Bytes(_) => 2,
            Self::Uuid(_) => 3,
        }
    }
}

/// The fields of one row, sorted by field number, each number at most once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Fields(Vec<(u16, Value)>);

impl Fields {
    /// No fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Room for `n` fields without growing.
    pub fn with_capacity(n: usize) -> Self {
        Self(Vec::with_capacity(n))
    }

    /// Sets a field, in place of an earlier value.
    pub fn set(&mut self, number: u16, value: Value) {
        match self.0.last() {
            Some((last, _)) if *last >= number => match self.0.binary_search_by_key(&number, |f| f.0) {
                Ok(at) => self.0[at].1 = value,
                Err(at) => self.0.insert(at, (number, value)),
            },
            _ => self.0.push((number, value)),
        }
    }

    /// The field's value, if it is present.
    pub fn get(&self, number: u16) -> Option<&Value> {
        self.0.binary_search_by_key(&number, |f| f.0).ok().map(|at| &self.0[at].1)
    }

    /// All fields in order of number.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &(u16, Value)> {
        self.0.iter()
    }

    /// How many fields are present.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Canonical bytes: for each present field in order, `varint(number * 4 + type)`, then the value (zigzag varint; length and
    /// bytes; 16 bytes). Absent fields take nothing. These bytes are what digests cover and what both databases keep.
    pub fn to_canonical(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.0.len() * 6);
        self.write_canonical(&mut out);
        out
    }

    /// Appends [`Fields::to_canonical`]: whoever needs the bytes of many rows one after the other takes one buffer for all.
    pub fn write_canonical(&self, bytes: &mut Vec<u8>) {
        let mut out = Writer::after(std::mem::take(bytes));
        for (number, value) in &self.0 {
            out.varint(u64::from(*number) << 2 | u64::from(value.type_code()));
            match value {
                Value::Int(v) => out.zigzag(*v),
                Value::Text(v) => out.bytes(v.as_bytes()),
                Value::Bytes(v) => out.bytes(v),
                Value::Uuid(v) => out.raw(v.as_bytes()),
            }
        }
        *bytes = out.into_bytes();
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// Refuses what [`Fields::to_canonical`] would not write: fields out of order, bad UTF-8, a length past the end.
    pub fn from_canonical(bytes: &[u8]) -> Result<Self, WireError> {
        let mut input = Reader::new(bytes);
        let mut fields = Self::new();
        while !input.is_at_end() {
            let head = input.varint()?;
            let number = u16::try_from(head >> 2).map_err(|_| WireError::Malformed("field number"))?;
            if fields.0.last().is_some_and(|(last, _)| *last >= number) {
                return Err(WireError::Malformed("fields out of order"));
            }
            let value = match head & 3 {
                0 => Value::Int(input.zigzag()?),
                1 => Value::Text(input.text()?.into()),
                2 => Value::Bytes(input.bytes()?.into()),
                _ => Value::Uuid(Uuid::from_bytes(input.array()?)),
            };
            fields.0.push((number, value));
        }
        Ok(fields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_bytes_come_back_and_do_not_depend_on_the_order_of_setting() {
        let mut a = Fields::new();
        a.set(3, Value::Text("Chimanga".into()));
        a.set(1, Value::Int(-5));
        a.set(9, Value::Bytes(Box::new([1, 2])));
        a.set(1, Value::Int(7));
        let mut b = Fields::new();
        b.set(1, Value::Int(7));
        b.set(9, Value::Bytes(Box::new([1, 2])));
        b.set(3, Value::Text("Chimanga".into()));
        assert_eq!(a.to_canonical(), b.to_canonical());
        assert_eq!(Fields::from_canonical(&a.to_canonical()), Ok(b));
    }

    #[test]
    fn what_would_not_be_written_is_refused() {
        assert!(Fields::from_canonical(&[8, 2, 4, 2]).is_err(), "fields out of order");
        assert!(Fields::from_canonical(&[5, 0xff, 0xff, 0xff, 0xff, 0x0f]).is_err(), "a text of 4 GiB");
        assert!(Fields::from_canonical(&[5, 1, 0xff]).is_err(), "not UTF-8");
    }
}

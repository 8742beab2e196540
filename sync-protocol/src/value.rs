//! The value model of a replicated row: numbered fields of four types, and their canonical bytes.
//!
//! Codec, feed and replica know rows only in this form, so an entity or a field they have never heard of travels,
//! is stored and is counted in digests like any other.

use crate::bytes::{Reader, WireError, Writer, text, unzigzag};
use std::cmp::Ordering;
use uuid::Uuid;

/// One field's value. Texts and bytes are borrowed from where they stand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Value<'a> {
    /// Any whole number: counts, minor units, milli-units, days, months, codes, 0/1 for yes and no.
    Int(i64),
    /// UTF-8 text.
    Text(&'a str),
    /// Opaque bytes.
    Bytes(&'a [u8]),
    /// An identity born offline or derived from one.
    Uuid(Uuid),
}

impl Value<'_> {
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

/// The fields of one row, sorted by field number, each number at most once. They are their canonical bytes and nothing beside: a
/// row goes from the wire to the disk, and back, as it is.
///
/// Canonical bytes: for each present field in order, `varint(number * 4 + type)`, then the value (zigzag varint; length and
/// bytes; 16 bytes). Absent fields take nothing. These bytes are what digests cover and what both databases keep.
#[derive(Clone, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fields(Vec<u8>);

impl Fields {
    /// No fields.
    pub fn new() -> Self {
        Self::default()
    }

    /// Room for so many bytes without growing.
    pub fn with_capacity(bytes: usize) -> Self {
        Self(Vec::with_capacity(bytes))
    }

    /// Sets a field, in place of an earlier value.
    pub fn set(&mut self, number: u16, value: Value<'_>) {
        let mut input = Reader::new(&self.0);
        let (mut from, mut upto) = (0, 0);
        while let Ok((other, _)) = read_field(&mut input) {
            let end = self.0.len() - input.remaining();
            match other.cmp(&number) {
                Ordering::Less => (from, upto) = (end, end),
                Ordering::Equal => upto = end,
                Ordering::Greater => break,
            }
        }
        let behind = if upto < self.0.len() { self.0.split_off(upto) } else { Vec::new() };
        self.0.truncate(from);
        self.append(number, value);
        self.0.extend_from_slice(&behind);
    }

    /// Sets a field of a higher number than all that are here.
    pub(crate) fn append(&mut self, number: u16, value: Value<'_>) {
        let mut out = Writer::after(std::mem::take(&mut self.0));
        out.varint(u64::from(number) << 2 | u64::from(value.type_code()));
        match value {
            Value::Int(v) => out.zigzag(v),
            Value::Text(v) => out.bytes(v.as_bytes()),
            Value::Bytes(v) => out.bytes(v),
            Value::Uuid(v) => out.raw(v.as_bytes()),
        }
        self.0 = out.into_bytes();
    }

    /// The field's value, if it is present.
    pub fn get(&self, number: u16) -> Option<Value<'_>> {
        self.iter()
            .take_while(|(other, _)| *other <= number)
            .find(|(other, _)| *other == number)
            .map(|(_, v)| v)
    }

    /// All fields in order of number.
    pub fn iter(&self) -> impl Iterator<Item = (u16, Value<'_>)> {
        let mut input = Reader::new(&self.0);
        // What is here was written or read by the functions of this file: it ends at its end.
        std::iter::from_fn(move || read_field(&mut input).ok())
    }

    /// For reading them one after the other.
    pub fn in_order(&self) -> InOrder<'_> {
        InOrder { input: Reader::new(&self.0), next: None }
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The canonical bytes.
    pub fn canonical(&self) -> &[u8] {
        &self.0
    }

    /// Reads canonical bytes.
    ///
    /// # Errors
    /// Refuses what is not canonical: fields out of order, bad UTF-8, a length past the end, a number written longer than it is.
    pub fn from_canonical(bytes: &[u8]) -> Result<Self, WireError> {
        let mut input = Reader::new(bytes);
        let mut last = None;
        while !input.is_at_end() {
            let (number, _) = read_field(&mut input)?;
            if last.is_some_and(|last| last >= number) {
                return Err(WireError::Malformed("fields out of order"));
            }
            last = Some(number);
        }
        Ok(Self(bytes.to_vec()))
    }
}

/// A walk along the fields, for whoever asks for them in the order of their numbers: each is read once, however many are asked for.
pub struct InOrder<'a> {
    input: Reader<'a>,
    /// Read, and of a higher number than was asked for.
    next: Option<(u16, Value<'a>)>,
}

impl<'a> InOrder<'a> {
    /// The field's value, if it is present. Numbers have to be asked for in order: one below another that was asked for is not found.
    pub fn get(&mut self, number: u16) -> Option<Value<'a>> {
        loop {
            // What is here was written or read by the functions of this file: it ends at its end.
            let (here, value) = self.next.take().or_else(|| read_field(&mut self.input).ok())?;
            match here.cmp(&number) {
                Ordering::Less => {}
                Ordering::Equal => return Some(value),
                Ordering::Greater => {
                    self.next = Some((here, value));
                    return None;
                }
            }
        }
    }
}

impl std::fmt::Debug for Fields {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.iter()).finish()
    }
}

fn read_field<'a>(input: &mut Reader<'a>) -> Result<(u16, Value<'a>), WireError> {
    let head = input.shortest_varint()?;
    let number = u16::try_from(head >> 2).map_err(|_| WireError::Malformed("field number"))?;
    let value = match head & 3 {
        0 => Value::Int(unzigzag(input.shortest_varint()?)),
        3 => Value::Uuid(Uuid::from_bytes(input.array()?)),
        kind => {
            let length = usize::try_from(input.shortest_varint()?).map_err(|_| WireError::Truncated)?;
            let bytes = input.take(length)?;
            if kind == 1 { Value::Text(text(bytes)?) } else { Value::Bytes(bytes) }
        }
    };
    Ok((number, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn canonical_bytes_come_back_and_do_not_depend_on_the_order_of_setting() {
        let mut a = Fields::new();
        a.set(3, Value::Text("Chimanga"));
        a.set(1, Value::Int(-5));
        a.set(9, Value::Bytes(&[1, 2]));
        a.set(1, Value::Int(7));
        let mut b = Fields::new();
        b.set(1, Value::Int(7));
        b.set(9, Value::Bytes(&[1, 2]));
        b.set(3, Value::Int(0));
        b.set(3, Value::Text("Chimanga"));
        assert_eq!(a.canonical(), b.canonical());
        assert_eq!(a.iter().map(|(number, _)| number).collect::<Vec<_>>(), [1, 3, 9]);
        assert_eq!((a.get(3), a.get(4), a.get(10)), (Some(Value::Text("Chimanga")), None, None));
        let mut walk = a.in_order();
        let walked = [2, 3, 8, 9, 12].map(|number| walk.get(number));
        assert_eq!(walked, [None, Some(Value::Text("Chimanga")), None, Some(Value::Bytes(&[1, 2])), None]);
        assert_eq!(Fields::from_canonical(a.canonical()), Ok(b));
    }

    #[test]
    fn what_would_not_be_written_is_refused() {
        assert!(Fields::from_canonical(&[8, 2, 4, 2]).is_err(), "fields out of order");
        assert!(Fields::from_canonical(&[5, 0xff, 0xff, 0xff, 0xff, 0x0f]).is_err(), "a text of 4 GiB");
        assert!(Fields::from_canonical(&[5, 1, 0xff]).is_err(), "not UTF-8");
        assert!(Fields::from_canonical(&[4, 0x82, 0]).is_err(), "a number that is written longer than it is");
        assert!(Fields::from_canonical(&[5, 0x81, 0, b'x']).is_err(), "a length that is");
    }
}

//! Rows as they are replicated: a key, a version and a payload; and the digest over a set of them.

use crate::bytes::WireError;
use crate::value::Fields;
use uuid::Uuid;

/// A row's identity within its entity.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Key {
    /// A hub-given number.
    Int(u32),
    /// Two numbers, such as a price series and a month.
    Pair(u32, u32),
    /// Born offline, or derived.
    Uuid(Uuid),
    /// The n-th immutable entry of an aggregate.
    Step(Uuid, u32),
}

impl Key {
    /// Bytes that sort as the key does within one kind: a kind byte, then big-endian parts. At most 21 bytes.
    pub fn to_bytes(self) -> KeyBytes {
        let mut out = KeyBytes { len: 0, bytes: [0; 21] };
        match self {
            Self::Int(a) => out.push(&[1]).push(&a.to_be_bytes()),
            Self::Pair(a, b) => out.push(&[2]).push(&a.to_be_bytes()).push(&b.to_be_bytes()),
            Self::Uuid(id) => out.push(&[3]).push(id.as_bytes()),
            Self::Step(id, step) => out.push(&[4]).push(id.as_bytes()).push(&step.to_be_bytes()),
        };
        out
    }

    /// The inverse of [`Key::to_bytes`].
    ///
    /// # Errors
    /// When the kind is unknown or the length does not fit it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, WireError> {
        let bad = WireError::Malformed("row key");
        let number =
            |at: usize| -> Option<u32> { Some(u32::from_be_bytes(bytes.get(at..at + 4)?.try_into().ok()?)) };
        let uuid = || -> Option<Uuid> { Uuid::from_slice(bytes.get(1..17)?).ok() };
        let key = match (bytes.first(), bytes.len()) {
            (Some(1), 5) => number(1).map(Self::Int),
            (Some(2), 9) => number(1).zip(number(5)).map(|(a, b)| Self::Pair(a, b)),
            (Some(3), 17) => uuid().map(Self::Uuid),
            (Some(4), 21) => uuid().zip(number(17)).map(|(id, step)| Self::Step(id, step)),
            _ => None,
        };
        key.ok_or(bad)
    }

    /// The kind byte of [`Key::to_bytes`].
    pub fn kind(self) -> u8 {
        match self {
            Self::Int(_) => 1,
            Self::Pair(..) => 2,
            Self::Uuid(_) => 3,
            Self::Step(..) => 4,
        }
    }
}

/// A key's bytes, without an allocation.
#[derive(Clone, Copy)]
pub struct KeyBytes {
    len: u8,
    bytes: [u8; 21],
}

impl KeyBytes {
    fn push(&mut self, part: &[u8]) -> &mut Self {
        let at = usize::from(self.len);
        self.bytes[at..at + part.len()].copy_from_slice(part);
        self.len += part.len() as u8;
        self
    }
}

impl std::ops::Deref for KeyBytes {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.bytes[..usize::from(self.len)]
    }
}

/// One replicated row as a frame carries it. A deleted row keeps its key and version and has no body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// The entity's number, see [`crate::market`].
    pub entity: u16,
    /// The row's identity within the entity.
    pub key: Key,
    /// The bucket's version at which this state was committed.
    pub version: u64,
    /// The fields; `None` says that the row is gone.
    pub body: Option<Fields>,
}

impl Row {
    /// The row's share of its bucket's digest; nothing for a deleted row.
    pub fn hash(&self) -> Option<RowHash> {
        self.body.as_ref().map(|body| RowHash::of(self.entity, self.key, self.version, body.canonical()))
    }
}

/// Bytes of a row, with its entity, key and version, that are put together before they are hashed.
const HASHED_AT_ONCE_BYTES: usize = 256;

/// First 16 bytes of BLAKE3 over entity, key, version and canonical payload, as a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RowHash(pub u128);

impl RowHash {
    /// Hashes `entity (2 bytes, little-endian) · key length (1) · key · version (8, little-endian) · payload`.
    pub fn of(entity: u16, key: Key, version: u64, canonical: &[u8]) -> Self {
        let key = key.to_bytes();
        let mut whole = [0u8; HASHED_AT_ONCE_BYTES];
        whole[..2].copy_from_slice(&entity.to_le_bytes());
        whole[2] = key.len() as u8;
        whole[3..3 + key.len()].copy_from_slice(&key);
        let at = 3 + key.len();
        whole[at..at + 8].copy_from_slice(&version.to_le_bytes());
        let head = at + 8;
        // Most rows are short, and hashing them in one piece takes half the time.
        let hash = match whole.get_mut(head..head + canonical.len()) {
            Some(rest) => {
                rest.copy_from_slice(canonical);
                blake3::hash(&whole[..head + canonical.len()])
            }
            None => blake3::Hasher::new().update(&whole[..head]).update(canonical).finalize(),
        };
        let mut first = [0u8; 16];
        first.copy_from_slice(&hash.as_bytes()[..16]);
        Self(u128::from_le_bytes(first))
    }
}

/// Which of 256 slots a row stands in, at a depth: the first byte of BLAKE3(entity, key), split further by the next.
pub fn slot(entity: u16, key: Key) -> [u8; 2] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&entity.to_le_bytes()).update(&key.to_bytes());
    let hash = hasher.finalize();
    [hash.as_bytes()[0], hash.as_bytes()[1]]
}

/// A sum over the live rows of a set: the same for the same rows in any order.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Digest {
    /// Sum of row hashes modulo 2^128.
    pub sum: u128,
    /// How many live rows.
    pub count: u64,
}

impl Digest {
    /// Takes one row in.
    pub fn add(&mut self, hash: RowHash) {
        self.sum = self.sum.wrapping_add(hash.0);
        self.count = self.count.wrapping_add(1);
    }

    /// Takes one row out.
    pub fn remove(&mut self, hash: RowHash) {
        self.sum = self.sum.wrapping_sub(hash.0);
        self.count = self.count.wrapping_sub(1);
    }

    /// 24 bytes: sum, then count, little-endian.
    pub fn to_bytes(self) -> [u8; 24] {
        let mut out = [0; 24];
        out[..16].copy_from_slice(&self.sum.to_le_bytes());
        out[16..].copy_from_slice(&self.count.to_le_bytes());
        out
    }

    /// The inverse of [`Digest::to_bytes`]; `None` when the length is not 24.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (sum, count) = bytes.split_at_checked(16)?;
        Some(Self {
            sum: u128::from_le_bytes(sum.try_into().ok()?),
            count: u64::from_le_bytes(count.try_into().ok()?),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::hub_born;

    #[test]
    fn keys_come_back_and_sort_as_bytes() {
        for key in [Key::Int(5), Key::Pair(1, u32::MAX), Key::Uuid(hub_born(3)), Key::Step(hub_born(3), 2)] {
            assert_eq!(Key::from_bytes(&key.to_bytes()), Ok(key));
        }
        assert!(*Key::Pair(1, 9).to_bytes() < *Key::Pair(2, 0).to_bytes());
        assert!(Key::from_bytes(&[1, 0]).is_err());
        assert!(Key::from_bytes(&[]).is_err());
    }

    #[test]
    fn a_row_is_hashed_alike_at_any_length() {
        let key = Key::Step(hub_born(3), 2);
        for length in [0, 1, 200, 223, 224, 225, 5_000] {
            let payload = vec![7; length];
            let mut all = vec![14, 0, 21];
            all.extend_from_slice(&key.to_bytes());
            all.extend_from_slice(&9u64.to_le_bytes());
            all.extend_from_slice(&payload);
            let first: [u8; 16] = blake3::hash(&all).as_bytes()[..16].try_into().unwrap();
            assert_eq!(RowHash::of(14, key, 9, &payload), RowHash(u128::from_le_bytes(first)), "{length}");
        }
    }

    #[test]
    fn a_digest_forgets_what_is_removed_and_ignores_order() {
        let hash = |n| RowHash::of(1, Key::Int(n), u64::from(n), &[1, 2]);
        let (mut a, mut b) = (Digest::default(), Digest::default());
        a.add(hash(1));
        a.add(hash(2));
        a.add(hash(3));
        a.remove(hash(2));
        b.add(hash(3));
        b.add(hash(1));
        assert_eq!(a, b);
        assert_eq!(Digest::from_bytes(&a.to_bytes()), Some(a));
    }
}

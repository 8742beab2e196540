//! A bucket's digests as they are kept in its own row: one for each entity, so that no other row has to be locked.

use crate::db::misfit;
use std::collections::BTreeMap;
use sync_protocol::row::Digest;

/// Bytes of one entity's digest: number (2, little-endian), sum (16), count (8).
const ENTRY_BYTES: usize = 26;

/// Digests by entity number.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Digests(BTreeMap<u16, Digest>);

impl Digests {
    /// From the column.
    ///
    /// # Errors
    /// When the bytes are not whole entries.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, sqlx::Error> {
        let (entries, rest) = bytes.as_chunks::<ENTRY_BYTES>();
        if !rest.is_empty() {
            return Err(misfit("buckets", "digests"));
        }
        let entry = |bytes: &[u8; ENTRY_BYTES]| {
            let digest = Digest::from_bytes(&bytes[2..]).ok_or_else(|| misfit("buckets", "digests"))?;
            Ok((u16::from_le_bytes([bytes[0], bytes[1]]), digest))
        };
        entries.iter().map(entry).collect::<Result<_, _>>().map(Self)
    }

    /// As the column. An entity without live rows takes nothing.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(self.0.len() * ENTRY_BYTES);
        for (entity, digest) in self.0.iter().filter(|(_, digest)| **digest != Digest::default()) {
            out.extend_from_slice(&entity.to_le_bytes());
            out.extend_from_slice(&digest.to_bytes());
        }
        out
    }

    /// One entity's, to change.
    pub fn of(&mut self, entity: u16) -> &mut Digest {
        self.0.entry(entity).or_default()
    }

    /// All entities that have live rows.
    pub fn iter(&self) -> impl Iterator<Item = (u16, Digest)> {
        self.0
            .iter()
            .filter(|(_, digest)| **digest != Digest::default())
            .map(|(entity, digest)| (*entity, *digest))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sync_protocol::row::{Key, RowHash};

    #[test]
    fn digests_come_back_and_an_empty_one_takes_nothing() {
        let mut digests = Digests::default();
        let hash = RowHash::of(6, Key::Pair(1, 2), 3, &[4]);
        digests.of(6).add(hash);
        digests.of(2).add(hash);
        digests.of(2).remove(hash);
        let bytes = digests.to_bytes();
        assert_eq!(bytes.len(), ENTRY_BYTES);
        let back = Digests::from_bytes(&bytes).unwrap();
        assert_eq!(back.iter().collect::<Vec<_>>(), digests.iter().collect::<Vec<_>>());
        assert!(Digests::from_bytes(&bytes[1..]).is_err());
    }
}

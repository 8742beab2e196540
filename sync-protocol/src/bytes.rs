//! The smallest pieces of the wire: varints, zigzag numbers, length-prefixed bytes. Reading is bounded and never panics.

/// What is wrong with bytes that came from outside. Each is final for the frame it stands in: the connection ends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WireError {
    /// The input ends inside a value.
    #[error("the data ends in the middle")]
    Truncated,
    /// A stated size is larger than this version takes.
    #[error("{what} of {size} is over the limit of {limit}")]
    TooLarge {
        /// What was too large.
        what: &'static str,
        /// The size stated.
        size: u64,
        /// The limit, see [`crate::limits`].
        limit: u64,
    },
    /// The checksum does not fit the bytes.
    #[error("the checksum does not fit: the data was damaged on the way")]
    Checksum,
    /// Bytes that no writer of this protocol makes.
    #[error("malformed {0}")]
    Malformed(&'static str),
}

/// Appends to a growing buffer.
#[derive(Default)]
pub struct Writer(Vec<u8>);

impl Writer {
    /// An empty buffer with room for `n` bytes.
    pub fn with_capacity(n: usize) -> Self {
        Self(Vec::with_capacity(n))
    }

    /// Goes on behind bytes that are there.
    pub fn after(bytes: Vec<u8>) -> Self {
        Self(bytes)
    }

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.0
    }

    /// Bytes so far.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether nothing was written.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// One byte.
    pub fn byte(&mut self, byte: u8) {
        self.0.push(byte);
    }

    /// Bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.0.extend_from_slice(bytes);
    }

    /// LEB128: seven bits a byte, low first, high bit set on all but the last.
    pub fn varint(&mut self, mut n: u64) {
        while n >= 0x80 {
            self.0.push(n as u8 | 0x80);
            n >>= 7;
        }
        self.0.push(n as u8);
    }

    /// A signed number, small ones short whatever the sign.
    pub fn zigzag(&mut self, n: i64) {
        self.varint(zigzag(n));
    }

    /// A length and that many bytes.
    pub fn bytes(&mut self, bytes: &[u8]) {
        self.varint(bytes.len() as u64);
        self.raw(bytes);
    }
}

/// Maps a signed number to an unsigned one: 0, -1, 1, -2 become 0, 1, 2, 3.
pub fn zigzag(n: i64) -> u64 {
    ((n << 1) ^ (n >> 63)) as u64
}

/// The inverse of [`zigzag`].
pub fn unzigzag(n: u64) -> i64 {
    (n >> 1) as i64 ^ -((n & 1) as i64)
}

/// Reads from a slice and keeps its place.
#[derive(Clone)]
pub struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    /// At the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Whether everything was read.
    pub fn is_at_end(&self) -> bool {
        self.rest.is_empty()
    }

    /// Bytes not yet read.
    pub fn remaining(&self) -> usize {
        self.rest.len()
    }

    /// The next `n` bytes.
    ///
    /// # Errors
    /// [`WireError::Truncated`] when there are fewer.
    pub fn take(&mut self, n: usize) -> Result<&'a [u8], WireError> {
        let (head, rest) = self.rest.split_at_checked(n).ok_or(WireError::Truncated)?;
        self.rest = rest;
        Ok(head)
    }

    /// The next `N` bytes as an array.
    ///
    /// # Errors
    /// [`WireError::Truncated`] when there are fewer.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N], WireError> {
        self.take(N)?.try_into().map_err(|_| WireError::Truncated)
    }

    /// One byte.
    ///
    /// # Errors
    /// [`WireError::Truncated`] at the end.
    pub fn byte(&mut self) -> Result<u8, WireError> {
        Ok(self.array::<1>()?[0])
    }

    /// A LEB128 number of at most 64 bits.
    ///
    /// # Errors
    /// Truncated, or more bits than fit.
    pub fn varint(&mut self) -> Result<u64, WireError> {
        let mut n = 0u64;
        for shift in (0..64).step_by(7) {
            let byte = self.byte()?;
            let bits = u64::from(byte & 0x7f);
            if shift == 63 && bits > 1 {
                break;
            }
            n |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(n);
            }
        }
        Err(WireError::Malformed("number"))
    }

    /// As [`Reader::varint`], of bytes in which each number has one form.
    ///
    /// # Errors
    /// As there, and where it is written longer than it is.
    pub fn shortest_varint(&mut self) -> Result<u64, WireError> {
        let before = self.rest;
        let n = self.varint()?;
        let written = &before[..before.len() - self.rest.len()];
        if matches!(written, [_, .., 0]) { Err(WireError::Malformed("number")) } else { Ok(n) }
    }

    /// A varint that must fit 32 bits.
    ///
    /// # Errors
    /// Truncated, or larger.
    pub fn varint32(&mut self) -> Result<u32, WireError> {
        u32::try_from(self.varint()?).map_err(|_| WireError::Malformed("number"))
    }

    /// A signed number.
    ///
    /// # Errors
    /// As [`Reader::varint`].
    pub fn zigzag(&mut self) -> Result<i64, WireError> {
        Ok(unzigzag(self.varint()?))
    }

    /// A length and that many bytes; the length is checked against what is there before anything is copied.
    ///
    /// # Errors
    /// Truncated when the length points past the end.
    pub fn bytes(&mut self) -> Result<&'a [u8], WireError> {
        let len = usize::try_from(self.varint()?).map_err(|_| WireError::Truncated)?;
        self.take(len)
    }

    /// A length and that much UTF-8.
    ///
    /// # Errors
    /// Truncated, or not UTF-8.
    pub fn text(&mut self) -> Result<&'a str, WireError> {
        text(self.bytes()?)
    }
}

/// Bytes that must be UTF-8.
///
/// # Errors
/// They are not.
pub fn text(bytes: &[u8]) -> Result<&str, WireError> {
    std::str::from_utf8(bytes).map_err(|_| WireError::Malformed("text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_come_back_at_every_width() {
        for n in (0..64).flat_map(|b| [1u64 << b, (1u64 << b) - 1]).chain([u64::MAX]) {
            let mut out = Writer::default();
            out.varint(n);
            out.zigzag(n as i64);
            let bytes = out.into_bytes();
            let mut input = Reader::new(&bytes);
            assert_eq!(input.varint(), Ok(n));
            assert_eq!(input.zigzag(), Ok(n as i64));
            assert!(input.is_at_end());
        }
    }

    #[test]
    fn an_endless_number_is_refused() {
        assert_eq!(Reader::new(&[0xff; 12]).varint(), Err(WireError::Malformed("number")));
        assert_eq!(Reader::new(&[0x80]).varint(), Err(WireError::Truncated));
    }
}

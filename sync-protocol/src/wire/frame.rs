//! The envelope: kind, length, checksum, body. The same on a connection and in a file; nothing here knows its carrier.
//!
//! `kind (1) · body length (varint) · checksum (4) · body`. The kind's high bit says that the body is `expanded length (varint)
//! · zstd data`. The checksum is the first four bytes of BLAKE3 over the kind and the body as sent.

use crate::bytes::{Reader, WireError, Writer};
use crate::limits::{FRAME_BODY_MAX_BYTES, FRAME_EXPANDED_MAX_BYTES};

const COMPRESSED: u8 = 0x80;
/// Bodies shorter than this are sent as they are: zstd's own head would eat the gain.
const COMPRESS_FROM_BYTES: usize = 96;
/// Longest envelope before the body: kind, three length bytes, checksum.
const HEAD_MAX_BYTES: usize = 1 + 10 + 4;

/// One frame as it travels, its body expanded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What the body is, see [`crate::wire::message`]; below 128.
    pub kind: u8,
    /// The body, expanded.
    pub body: Vec<u8>,
}

/// Appends a frame to `out`, compressed at `level` (1 to 19) when that is shorter.
pub fn write(out: &mut Vec<u8>, kind: u8, body: &[u8], level: i32) {
    let packed = (body.len() >= COMPRESS_FROM_BYTES)
        .then(|| zstd::bulk::compress(body, level).ok())
        .flatten()
        .map(|packed| {
            let mut with_length = Writer::with_capacity(packed.len() + 4);
            with_length.varint(body.len() as u64);
            with_length.raw(&packed);
            with_length.into_bytes()
        })
        .filter(|packed| packed.len() < body.len());
    let (kind, body) = match &packed {
        Some(packed) => (kind | COMPRESSED, packed.as_slice()),
        None => (kind, body),
    };
    let mut head = Writer::with_capacity(HEAD_MAX_BYTES);
    head.byte(kind);
    head.varint(body.len() as u64);
    head.raw(&checksum(kind, body));
    out.extend_from_slice(&head.into_bytes());
    out.extend_from_slice(body);
}

fn checksum(kind: u8, body: &[u8]) -> [u8; 4] {
    let mut hasher = blake3::Hasher::new();
    hasher.update(&[kind]).update(body);
    let hash = hasher.finalize();
    let [a, b, c, d, ..] = *hash.as_bytes();
    [a, b, c, d]
}

/// Takes frames out of bytes that arrive in any pieces. Holds at most one frame.
#[derive(Default)]
pub struct FrameReader {
    buffer: Vec<u8>,
    start: usize,
}

impl FrameReader {
    /// Adds what arrived.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next whole frame, or `None` until more arrives.
    ///
    /// # Errors
    /// A length over the limit, a checksum that does not fit, or a body that does not expand. Each ends the connection.
    pub fn next_frame(&mut self) -> Result<Option<Frame>, WireError> {
        let mut input = Reader::new(&self.buffer[self.start..]);
        let before = input.remaining();
        let (kind, length) = match (input.byte(), input.varint()) {
            (Ok(kind), Ok(length)) => (kind, length),
            (_, Err(WireError::Malformed(what))) => return Err(WireError::Malformed(what)),
            _ => return Ok(None),
        };
        if length > FRAME_BODY_MAX_BYTES as u64 {
            return Err(WireError::TooLarge {
                what: "frame",
                size: length,
                limit: FRAME_BODY_MAX_BYTES as u64,
            });
        }
        let (Ok(sum), Ok(body)) = (input.array::<4>(), input.take(length as usize)) else { return Ok(None) };
        if sum != checksum(kind, body) {
            return Err(WireError::Checksum);
        }
        let frame = Frame { kind: kind & !COMPRESSED, body: expand(kind, body)? };
        self.start += before - input.remaining();
        Ok(Some(frame))
    }

    /// To be called when no more will come.
    ///
    /// # Errors
    /// [`WireError::Truncated`] when a frame was begun and not ended.
    pub fn finish(&self) -> Result<(), WireError> {
        if self.start == self.buffer.len() { Ok(()) } else { Err(WireError::Truncated) }
    }
}

fn expand(kind: u8, body: &[u8]) -> Result<Vec<u8>, WireError> {
    if kind & COMPRESSED == 0 {
        return Ok(body.to_vec());
    }
    let mut input = Reader::new(body);
    let size = input.varint()?;
    if size > FRAME_EXPANDED_MAX_BYTES as u64 {
        return Err(WireError::TooLarge {
            what: "expanded frame",
            size,
            limit: FRAME_EXPANDED_MAX_BYTES as u64,
        });
    }
    let packed = input.take(input.remaining())?;
    let out =
        zstd::bulk::decompress(packed, size as usize).map_err(|_| WireError::Malformed("compressed data"))?;
    if out.len() as u64 == size { Ok(out) } else { Err(WireError::Malformed("expanded length")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn frames_come_back_however_they_are_cut(
            bodies in prop::collection::vec(prop::collection::vec(0u8..4, 0..400), 1..5),
            cut in 1usize..60,
        ) {
            let mut bytes = Vec::new();
            for (kind, body) in (1u8..).zip(&bodies) { write(&mut bytes, kind, body, 3); }
            let (mut reader, mut got) = (FrameReader::default(), Vec::new());
            for piece in bytes.chunks(cut) {
                reader.push(piece);
                while let Some(frame) = reader.next_frame().unwrap() { got.push(frame.body); }
            }
            prop_assert!(reader.finish().is_ok());
            prop_assert_eq!(got, bodies);
        }

        #[test]
        fn any_bytes_are_a_frame_or_an_error(bytes in prop::collection::vec(any::<u8>(), 0..100)) {
            let mut reader = FrameReader::default();
            reader.push(&bytes);
            while let Ok(Some(_)) = reader.next_frame() {}
        }
    }

    #[test]
    fn damage_cuts_and_giants_are_named() {
        let mut bytes = Vec::new();
        write(&mut bytes, 3, b"hello", 3);
        let mut damaged = bytes.clone();
        *damaged.last_mut().unwrap() ^= 1;
        let read = |bytes: &[u8]| {
            let mut reader = FrameReader::default();
            reader.push(bytes);
            reader.next_frame().and_then(|frame| reader.finish().map(|()| frame))
        };
        assert_eq!(read(&damaged), Err(WireError::Checksum));
        assert_eq!(read(&bytes[..bytes.len() - 1]), Err(WireError::Truncated));
        let giant = [3, 0xff, 0xff, 0xff, 0xff, 0x0f];
        assert!(matches!(read(&giant), Err(WireError::TooLarge { what: "frame", .. })));
    }

    #[test]
    fn a_bomb_is_refused() {
        let bomb = zstd::bulk::compress(&vec![0u8; 64 << 20], 19).unwrap();
        let mut body = Writer::default();
        body.varint(64 << 20);
        body.raw(&bomb);
        let body = body.into_bytes();
        assert!(matches!(expand(COMPRESSED, &body), Err(WireError::TooLarge { .. })));
        let mut lying = Writer::default();
        lying.varint(10);
        lying.raw(&bomb);
        assert_eq!(expand(COMPRESSED, &lying.into_bytes()), Err(WireError::Malformed("compressed data")));
    }
}

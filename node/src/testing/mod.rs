//! Support for tests of both nodes.

pub mod document;
pub mod empty;
pub mod log;
pub mod wait;

use crate::encoding::Encoding;
use std::io::{self, Read as _};

/// What was packed.
///
/// # Errors
/// When it was not packed in this way.
pub fn unpacked(encoding: Encoding, bytes: &[u8]) -> io::Result<Vec<u8>> {
    let mut out = Vec::new();
    match encoding {
        Encoding::Brotli => brotli::BrotliDecompress(&mut &*bytes, &mut out)?,
        Encoding::Zstd => out = zstd::stream::decode_all(bytes)?,
        Encoding::Gzip => drop(flate2::read::GzDecoder::new(bytes).read_to_end(&mut out)?),
    }
    Ok(out)
}

//! Helpers for CBOR (minicbor) shapes: how typed ids and exact numbers stand in them.

use crate::bytes::WireError;
use minicbor::{Decode, Encode};

/// The bytes of a shape. Writing to memory cannot fail.
pub(super) fn to_bytes<T: Encode<()>>(shape: &T) -> Vec<u8> {
    minicbor::to_vec(shape).unwrap_or_default()
}

/// The shape in bytes; `what` names it in the error.
pub(super) fn from_bytes<'b, T: Decode<'b, ()>>(body: &'b [u8], what: &'static str) -> Result<T, WireError> {
    minicbor::decode(body).map_err(|_| WireError::Malformed(what))
}

/// A UUID as a 16-byte string.
pub mod uuid_bytes {
    use minicbor::decode::Error as DecodeError;
    use minicbor::encode::{Error as EncodeError, Write};
    use minicbor::{Decoder, Encoder};
    use uuid::Uuid;

    /// Writes the 16 bytes.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn encode<C, W: Write>(
        id: &Uuid,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        e.bytes(id.as_bytes())?.ok()
    }

    /// Reads 16 bytes.
    ///
    /// # Errors
    /// When there are more or fewer.
    pub fn decode<'b, C>(d: &mut Decoder<'b>, _: &mut C) -> Result<Uuid, DecodeError> {
        Uuid::from_slice(d.bytes()?).map_err(|_| DecodeError::message("a UUID has 16 bytes"))
    }
}

/// A UUID that may be missing.
pub mod uuid_bytes_opt {
    use minicbor::decode::Error as DecodeError;
    use minicbor::encode::{Error as EncodeError, Write};
    use minicbor::{Decoder, Encoder};
    use uuid::Uuid;

    /// Writes the 16 bytes, or null.
    ///
    /// # Errors
    /// Those of the writer.
    pub fn encode<C, W: Write>(
        id: &Option<Uuid>,
        e: &mut Encoder<W>,
        _: &mut C,
    ) -> Result<(), EncodeError<W::Error>> {
        match id {
            Some(id) => e.bytes(id.as_bytes())?.ok(),
            None => e.null()?.ok(),
        }
    }

    /// Reads 16 bytes, or null.
    ///
    /// # Errors
    /// When there are more or fewer.
    pub fn decode<'b, C>(d: &mut Decoder<'b>, ctx: &mut C) -> Result<Option<Uuid>, DecodeError> {
        if d.datatype()? == minicbor::data::Type::Null {
            d.null()?;
            return Ok(None);
        }
        super::uuid_bytes::decode(d, ctx).map(Some)
    }

    /// A field of an older writer, or a left-out one, is missing.
    pub fn nil() -> Option<Option<Uuid>> {
        Some(None)
    }

    /// Whether it may be left out.
    pub fn is_nil(id: &Option<Uuid>) -> bool {
        id.is_none()
    }
}

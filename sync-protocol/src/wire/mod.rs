//! Bytes of the protocol. The only place that turns meaning into bytes and back; shapes here are frozen once released.

pub mod bytes;
pub mod cbor;
pub mod column;
pub mod frame;
pub mod message;
pub mod rows;

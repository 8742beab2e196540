//! Bytes of the protocol. The only place that turns meaning into bytes and back; shapes here are frozen once released.

mod batch;
pub mod column;
mod compare;
pub mod frame;
mod kind;
pub mod message;
pub mod rows;
mod unfold;

pub use unfold::Size;

//! The numbers of messages' kinds, and which way each goes. A node decodes what its other side sends, and nothing else: what the
//! hub may send is larger than anything that is owed to whoever asks it.

/// Kinds below this go up, from an edge to the hub; the others come down.
pub(super) const DOWN_FROM: u8 = 16;

pub(super) const HELLO: u8 = 1;
pub(super) const COMMANDS: u8 = 2;
pub(super) const AUDIT: u8 = 3;
pub(super) const END: u8 = 4;
pub(super) const NEWS: u8 = 5;
pub(super) const WELCOME: u8 = 16;
pub(super) const VERDICTS: u8 = 17;
pub(super) const ROWS: u8 = 18;
pub(super) const COMPLETE: u8 = 19;
pub(super) const SLOT_SUMS: u8 = 20;
pub(super) const CLOSE: u8 = 21;
pub(super) const REFUSAL: u8 = 22;
pub(super) const PROVE: u8 = 23;

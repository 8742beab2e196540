//! SQL of the price importer. Plain text, unnamed statements, a whole chunk at a time; it decides nothing.

pub(super) mod imports;
pub(super) mod prices;
pub(super) mod reference;

//! What the market knows and decides, one folder for each noun.

pub mod prices;

//! Market prices: where they come from and what is asked of them.

pub mod wfp;

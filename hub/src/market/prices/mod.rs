//! Market prices: where they come from and what is asked of them.

pub mod app;
pub mod db;
pub mod http;
pub mod import;
pub mod wfp;

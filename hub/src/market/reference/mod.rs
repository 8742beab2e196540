//! The lists that everything else refers to: commodities, units, markets, regions. They come with the prices; nobody edits them
//! here. Everybody may read them.

pub mod app;
pub mod db;
pub mod http;

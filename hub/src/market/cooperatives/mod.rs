//! Cooperatives: who sells. Everybody may see them; an operator makes them on the command line.

pub mod app;
pub mod db;
pub mod http;

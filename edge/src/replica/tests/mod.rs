//! The replica against a simple model of it and of the hub, on real SQLite files.

mod frames;
mod reads;
mod repair;

//! The replica against a simple model of it and of the hub, on real SQLite files.

mod digests;
mod frames;
mod model;
mod reads;
mod repair;
mod support;

//! What all handlers of this box share beyond what every node does: its errors as problems, and whether it can serve.

pub mod health;
pub mod problem;

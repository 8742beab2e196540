//! What all handlers of this box share beyond what every node does: its errors as problems, whether it can serve, and under which
//! names.

pub(crate) mod answers;
pub mod hosts;
pub mod problem;

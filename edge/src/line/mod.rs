//! The line that carries requests out of this box, to the hub and to gateways: TLS, and what can go wrong with it.

pub mod tls;

use std::time::Duration;

/// Why the line did not carry something.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum LineError {
    /// No connection came about.
    #[error("cannot reach the hub: {0}")]
    Unreachable(String),
    /// The connection ended in the middle.
    #[error("the line was cut: {0}")]
    Cut(String),
    /// Nothing moved for too long.
    #[error("nothing came over the line for {} seconds", .0.as_secs())]
    Silent(Duration),
    /// The hub's certificate does not prove that it is the hub.
    #[error("the hub's certificate was not accepted: {0}")]
    Certificate(String),
}

/// Why a connection cannot even be tried.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The certificates of this machine are no use.
    #[error(transparent)]
    Line(#[from] LineError),
    /// Something that should not happen.
    #[error("{0}")]
    Unexpected(String),
}

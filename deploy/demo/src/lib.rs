//! What the demo and the tests of the real programs share: the programs, a line between them, a phone, a client of the APIs.
//! It must never reach into a node: whatever is asked here, anybody outside could ask.

pub mod answer;
pub mod api;
pub mod line;
pub mod nodes;
pub mod phone;

/// Makes TLS available to this process. Needed once, before the first client; more often does no harm.
pub fn install_crypto() {
    // Fails only when it is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

//! SMS, the pure part: what an incoming text asks for, what the answer says, what a gateway's forms mean.
//!
//! Sends nothing and stores nothing: the outbox does. Every answer fits one SMS, so its price is known.

pub mod africastalking;
mod answer;
#[cfg(test)]
mod tests;

pub use answer::{ANSWERS_MAX_PER_HOUR, Answer, Consent, Incoming, Recent, UNKNOWN_SILENCE_S, answer};

//! The dialled menu, as a pure machine: screen, what was gathered and input give the next screen and at most one intent.
//!
//! No clock, no random source, no database, no network: [`Engine`] gets the time, an id source and a [`Market`] to read
//! from. It never acts by itself: an [`Intent`] is handed out, the caller executes it durably and gives back the
//! [`Outcome`], and only then does a screen say that something was done.
//!
//! For one request of a gateway:
//! 1. [`africastalking::turn`] makes a [`Turn`] of the form;
//! 2. the caller reads the [`Session`] of (gateway, session id); where there is none, the [`Draft`] of the phone number;
//! 3. [`Engine::turn`] gives a [`Step`]. For [`Next::Act`] the caller executes the intent and calls [`Engine::finish`];
//! 4. the caller stores the step's session and draft, in one transaction with the act where there was one;
//! 5. [`africastalking::body`] makes the answer.

pub mod acts;
pub mod africastalking;
mod answer;
mod dated;
mod engine;
pub(crate) mod examples;
mod finish;
mod intent;
mod lists;
pub mod market;
pub mod menus;
mod price_text;
mod run;
mod session;
mod settings;
pub mod thing;
mod turn;
mod view;

#[cfg(test)]
pub(crate) mod fake;
#[cfg(test)]
pub(crate) mod tests;

pub use acts::{Becomes, Plan, Who};
pub(crate) use engine::month_of;
pub use engine::{Engine, Next, Step};
pub use intent::{Intent, NotTaken, Outcome};
pub use market::{Market, ReadError};
pub use menus::Screen;
pub(crate) use price_text::{Voice, facts, oldest};
pub use session::{Draft, Reply, Session};
pub use settings::{DRAFT_WINDOW_S, OLD_AFTER_MONTHS, Settings};
pub use turn::{Turn, TurnText};

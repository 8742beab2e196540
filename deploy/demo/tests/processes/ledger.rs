//! What people were told, as they noted it down themselves. Only what was answered is in it.

use std::sync::{Mutex, MutexGuard, PoisonError};

/// How somebody got an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// An app, at the hub.
    App,
    /// A clerk, at the office.
    Office,
    /// A phone with this number, at the office.
    Phone(String),
}

/// An order that was taken.
#[derive(Clone, Debug)]
pub(crate) struct Order {
    pub(crate) by: By,
    /// Its id, where one was told. A phone is told none: there its number and the quantity, never the same twice, stand for it.
    pub(crate) id: Option<String>,
    pub(crate) product: String,
    /// Whole units.
    pub(crate) quantity: u64,
    /// Whether the answer was "confirmed"; else it was "asked".
    pub(crate) is_confirmed: bool,
}

/// An offer that was taken.
#[derive(Clone, Debug)]
pub(crate) struct Offer {
    pub(crate) by: By,
    /// Its id, where one was told; else the price, never the same twice, stands for it.
    pub(crate) id: Option<String>,
    /// Whole units.
    pub(crate) quantity: u64,
    /// In hundredths.
    pub(crate) price: u64,
}

/// All of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pages {
    pub(crate) orders: Vec<Order>,
    pub(crate) offers: Vec<Offer>,
    /// How many were told that they get nothing.
    pub(crate) refused: usize,
}

impl Pages {
    /// How many answers there were.
    pub(crate) fn answers(&self) -> usize {
        self.orders.len() + self.offers.len() + self.refused
    }
}

/// Shared by all who are told something.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<Pages>);

impl Ledger {
    pub(crate) fn write(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn copy(&self) -> Pages {
        self.write().clone()
    }
}

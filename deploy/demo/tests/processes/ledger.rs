//! What people were told, as they noted it down themselves. Only what was answered is in it.

use crate::chance::Chance;
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
    /// What a phone calls it, such as `5 kg Gold`; empty where it was no phone.
    pub(crate) what: String,
    /// Whether the answer was "confirmed"; else it was "asked".
    pub(crate) is_confirmed: bool,
    /// What was said when somebody took it back, if anybody did or tried.
    pub(crate) cancel: Option<Cancel>,
}

/// What was said to somebody who took an order back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cancel {
    /// Nothing yet, or nothing that tells: it was tried, and may stand or not.
    Tried,
    /// It is cancelled.
    Done,
    /// It is asked, and an SMS will come.
    Asked,
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
        self.orders.len() + self.offers.len() + self.refused + self.cancelled()
    }

    /// How many were told that their order is cancelled, or that this is asked.
    pub(crate) fn cancelled(&self) -> usize {
        self.orders.iter().filter(|order| matches!(order.cancel, Some(Cancel::Done | Cancel::Asked))).count()
    }
}

/// Shared by all who are told something.
#[derive(Default)]
pub(crate) struct Ledger(Mutex<Pages>);

impl Ledger {
    pub(crate) fn write(&self) -> MutexGuard<'_, Pages> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// One of the newest orders of some kind that nobody took back yet.
    pub(crate) fn one_to_cancel(
        &self,
        of: impl Fn(&Order) -> bool,
        newest: usize,
        chance: &mut Chance,
    ) -> Option<Order> {
        let pages = self.write();
        let standing = pages.orders.iter().rev().filter(|order| of(order)).take(newest);
        let standing: Vec<&Order> = standing.filter(|order| order.cancel.is_none()).collect();
        (!standing.is_empty()).then(|| (*chance.one_of(&standing)).clone())
    }

    /// Notes what was said when an order was taken back; what was said first stands.
    pub(crate) fn note_cancel(&self, cancel: Cancel, is_it: impl Fn(&Order) -> bool) {
        let mut pages = self.write();
        let order = pages.orders.iter_mut().find(|order| is_it(order));
        if let Some(order) = order.filter(|order| matches!(order.cancel, None | Some(Cancel::Tried))) {
            order.cancel = Some(cancel);
        }
    }

    pub(crate) fn copy(&self) -> Pages {
        self.write().clone()
    }
}

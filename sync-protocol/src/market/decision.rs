//! What deciding a command came to, and the rows that it sets.

use super::entity::{Entity, Settable};
use crate::row::Key;
use crate::value::Fields;
use crate::verdict::Applied;

/// Whether the hub may still refuse.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Certainty {
    /// It says what happened. The hub applies it, and flags it where it breaks a rule.
    Record,
    /// It asks. The hub may refuse; a screen must not say "done".
    Request,
}

/// One row that a command sets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Effect {
    /// The entity's number.
    pub entity: u16,
    /// The row's key.
    pub key: Key,
    /// What it holds from now on.
    pub fields: Fields,
    /// Whether an increase of stock counts at the edge before the hub has answered. Decreases always do.
    pub at_once: bool,
}

impl Effect {
    /// Sets a row.
    pub fn of<E: Settable>(row: &E, at_once: bool) -> Self {
        Self { entity: E::NUMBER, key: row.key(), fields: row.to_fields(), at_once }
    }

    /// The row, if it is one of that entity.
    pub fn read<E: Entity>(&self) -> Option<E> {
        (self.entity == E::NUMBER).then(|| E::from_fields(self.key, &self.fields).ok()).flatten()
    }
}

/// What deciding a command came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Decision {
    /// Whether the hub may still refuse; meaningful at an edge.
    pub certainty: Certainty,
    /// What is said of it.
    pub applied: Applied,
    /// What it sets.
    pub effects: Vec<Effect>,
}

impl Decision {
    /// One that sets nothing yet.
    pub(super) fn new(certainty: Certainty) -> Self {
        Self { certainty, applied: Applied::default(), effects: Vec::new() }
    }

    /// Sets a row.
    pub(super) fn set<E: Settable>(&mut self, row: &E, at_once: bool) {
        self.effects.push(Effect::of(row, at_once));
    }

    /// Rows of an entity that it sets.
    pub fn rows<E: Entity>(&self) -> impl Iterator<Item = E> {
        self.effects.iter().filter_map(Effect::read)
    }
}

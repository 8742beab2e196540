//! The rows that a batch of commands sets: the last state of each alone, in the order in which tables are written, rows in order of id.

use std::collections::BTreeMap;
use sync_protocol::ids::CooperativeId;
use sync_protocol::market::{ActorKind, Command, Effect, Entity};
use sync_protocol::row::Key;
use uuid::Uuid;

/// See the module.
#[derive(Default)]
pub(crate) struct Rows {
    sets: BTreeMap<(u16, Key), Set>,
    /// Whether every statement is run, also where there is nothing to write: to try whether it can be.
    pub(super) tries_all: bool,
}

/// A row that is set.
struct Set {
    effect: Effect,
    beside: Beside,
}

/// What is known of a row that is set, beside what it holds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Beside {
    /// The cooperative in whose bucket it stands.
    pub(crate) cooperative: CooperativeId,
    /// Whether it was there before the batch.
    pub(crate) was_there: bool,
    /// The account that made it over REST by a command of its own id.
    pub(crate) user: Option<Uuid>,
    /// Whether nobody had confirmed that account's number when this was asked; whether that still holds, the feed asks under its lock.
    pub(crate) is_unconfirmed: bool,
}

impl Rows {
    /// None, with which every statement is tried.
    pub(crate) fn to_try() -> Self {
        Self { tries_all: true, ..Self::default() }
    }

    /// Takes in one row that a command sets. An entry that is there is never another: the first state of it stays.
    pub(crate) fn add(
        &mut self,
        effect: &Effect,
        command: &Command,
        is_unconfirmed: bool,
        cooperative: CooperativeId,
        was_there: bool,
    ) {
        let of_user = command.actor.kind == ActorKind::User && effect.key == Key::Uuid(command.id.0);
        let user = command.actor.id.filter(|_| of_user);
        let beside = Beside { cooperative, was_there, user, is_unconfirmed: is_unconfirmed && of_user };
        let place = (effect.entity, effect.key);
        match self.sets.get_mut(&place) {
            None => drop(self.sets.insert(place, Set { effect: effect.clone(), beside })),
            Some(_) if matches!(effect.key, Key::Step(..)) => {}
            Some(set) => {
                set.effect = effect.clone();
                set.beside.user = set.beside.user.or(beside.user);
                set.beside.is_unconfirmed |= beside.is_unconfirmed;
            }
        }
    }

    /// The rows of an entity, where there is anything to write of it, or to try.
    ///
    /// # Errors
    /// As [`Rows::of`].
    pub(super) fn to_write<E: Entity>(&self) -> Result<Option<Vec<(E, Beside)>>, sqlx::Error> {
        let rows = self.of::<E>()?;
        Ok(Some(rows).filter(|rows| !rows.is_empty() || self.tries_all))
    }

    /// The rows of an entity.
    ///
    /// # Errors
    /// One does not fit it: a bug in the command that set it.
    pub(crate) fn of<E: Entity>(&self) -> Result<Vec<(E, Beside)>, sqlx::Error> {
        let from = (E::NUMBER, Key::Int(0));
        let of = self.sets.range(from..).take_while(|((entity, _), _)| *entity == E::NUMBER);
        let row = |((_, key), set): (&(u16, Key), &Set)| {
            let row = E::from_fields(*key, &set.effect.fields).map_err(|e| sqlx::Error::Encode(e.into()))?;
            Ok((row, set.beside))
        };
        of.map(row).collect()
    }
}

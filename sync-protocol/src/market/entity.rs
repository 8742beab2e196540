//! What a replicated entity is: a number, a key and numbered fields, of which a struct is a typed view.

use crate::bucket::Bucket;
use crate::field::{Field, FieldError};
use crate::ids::Id;
use crate::market::WorkingSet;
use crate::row::Key;
use crate::value::Fields;
use std::marker::PhantomData;

/// A typed view of a replicated row.
pub trait Entity: Sample {
    /// What identifies a row.
    type Id: Id;
    /// The number on the wire; never reused.
    const NUMBER: u16;
    /// The name in logs and errors.
    const NAME: &'static str;
    /// Fields that a replica keeps an index on.
    const INDEXED: &'static [u16];
    /// Rows that are needed wherever one of these is: the row that a field names (field 0: that has the same id), and its entity's
    /// number. Nobody asks for them: an edge reads them of itself, and at the hub each table's file does.
    const BESIDE: &'static [(u16, u16)];
    /// The field that names the thing of which sums are kept that hang on rows of this entity, if there are any: whoever keeps them adds
    /// them up again when such a row came, changed or went.
    const SUMMED_BY: Option<u16>;
    /// The row's identity.
    fn id(&self) -> Self::Id;
    /// The row's fields, canonical: default values left out.
    fn to_fields(&self) -> Fields;
    /// From a row.
    ///
    /// # Errors
    /// Names the field that does not fit.
    fn from_fields(key: Key, fields: &Fields) -> Result<Self, FieldError>;
    /// The row's key.
    fn key(&self) -> Key {
        self.id().to_key()
    }
}

/// One of them with every field filled in, for tests and for the bytes that are kept of each version.
pub trait Sample: Sized {
    /// Always the same.
    fn sample() -> Self;
}

/// A row that commands set. Those that do stand in the list of [`crate::market`].
pub trait Settable: Settled {}

/// Where such a row stands, and what follows when one was set.
pub trait Settled: Entity {
    /// The buckets where it stands, the one of its own cooperative first; `None` where that is not in the working set. The same at the
    /// hub, in the simulation and in every answer that names where an effect stands.
    fn home(&self, set: &WorkingSet) -> Option<Vec<Bucket>>;

    /// Takes the row into the working set of the batch, with whatever is known by it beside.
    fn enter(&self, set: &mut WorkingSet) {
        set.put(self);
    }
}

/// A row that a command may wait for where it is not known yet, see [`WorkingSet::may_come`]. The hub looks for each of these in places of
/// their own, `hub/src/commands/may_come.rs`: an entity is one of them once it is looked for there.
pub trait Awaited: Settled {}

/// A numbered field of an entity, by name and type: for whoever looks for rows by it.
pub struct Column<E, V> {
    number: u16,
    of: PhantomData<fn(&E) -> V>,
}

impl<E: Entity, V: Field> Column<E, V> {
    /// Made beside the entity's fields alone.
    pub(super) const fn new(number: u16) -> Self {
        Self { number, of: PhantomData }
    }

    /// The field's number.
    pub const fn number(&self) -> u16 {
        self.number
    }
}

impl<E, V> Clone for Column<E, V> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<E, V> Copy for Column<E, V> {}

impl<E: Entity, V> std::fmt::Debug for Column<E, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}", E::NAME, self.number)
    }
}

/// A column that a replica keeps an index on: where its rows are looked for.
pub struct Index<E, V>(Column<E, V>);

impl<E: Entity, V: Field> Index<E, V> {
    /// Made beside the entity's fields alone.
    pub(super) const fn new(number: u16) -> Self {
        Self(Column::new(number))
    }

    /// The field's number.
    pub const fn number(&self) -> u16 {
        self.0.number()
    }
}

impl<E, V> Clone for Index<E, V> {
    fn clone(&self) -> Self {
        *self
    }
}
impl<E, V> Copy for Index<E, V> {}

impl<E, V> From<Index<E, V>> for Column<E, V> {
    fn from(index: Index<E, V>) -> Self {
        index.0
    }
}

impl<E: Entity, V> std::fmt::Debug for Index<E, V> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// Whether each number is above the one before it.
pub(super) const fn ascend(numbers: &[u16]) -> bool {
    let mut at = 1;
    while at < numbers.len() {
        if numbers[at - 1] >= numbers[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// Declares an entity: its number, its id, its numbered fields, which of them are columns with a name (`as`), by which of them a replica
/// finds rows (`=>`), and which rows are always needed beside one.
///
/// A field's number and type never change once released; a new field gets the next number and a default.
macro_rules! entity {
    (
        $(#[$doc:meta])*
        $name:ident = $number:literal $text:literal, id $id:ident: $id_type:ty;
        $(beside [$($of:tt => $beside:ident),+];)?
        $(summed by $summed:ident;)?
        { $($(#[$fdoc:meta])* $field_number:literal $field:ident: $field_type:ty $(as $column:ident)? $(=> $index:ident)?),+ $(,)? }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            /// The row's identity.
            pub $id: $id_type,
            $($(#[$fdoc])* pub $field: $field_type,)+
        }

        impl $name {
            $($(
                #[doc = concat!("The field `", stringify!($field), "`.")]
                pub const $column: $crate::market::Column<Self, $field_type> = $crate::market::Column::new($field_number);
            )?)+
            $($(
                #[doc = concat!("The field `", stringify!($field), "`, which is indexed.")]
                pub const $index: $crate::market::Index<Self, $field_type> = $crate::market::Index::new($field_number);
            )?)+
        }

        impl $crate::market::Entity for $name {
            type Id = $id_type;
            const NUMBER: u16 = $number;
            const NAME: &'static str = $text;
            const INDEXED: &'static [u16] = &[$($(Self::$index.number(),)?)+];
            const BESIDE: &'static [(u16, u16)] =
                &[$($(($crate::market::entity::beside!($of), <$crate::market::$beside as $crate::market::Entity>::NUMBER)),+)?];
            const SUMMED_BY: Option<u16> = { let by: &[u16] = &[$(Self::$summed.number())?]; by.first().copied() };
            fn id(&self) -> $id_type { self.$id }
            fn to_fields(&self) -> $crate::value::Fields {
                let mut fields = $crate::value::Fields::with_capacity([$($field_number),+].len() * 6);
                $($crate::field::Field::put(&self.$field, &mut fields, $field_number);)+
                fields
            }
            fn from_fields(key: $crate::row::Key, fields: &$crate::value::Fields)
                -> Result<Self, $crate::field::FieldError> {
                use $crate::field::{Field, FieldError};
                use $crate::ids::Id;
                const { assert!($crate::market::entity::ascend(&[$($field_number),+])) };
                let bad = |field| FieldError { entity: $text, field };
                let mut fields = fields.in_order();
                Ok(Self {
                    $id: <$id_type as Id>::from_key(key).ok_or_else(|| bad("key"))?,
                    $($field: <$field_type as Field>::take(&mut fields, $field_number).ok_or_else(|| bad(stringify!($field)))?,)+
                })
            }
        }
    };
}
pub(super) use entity;

/// The number of the field that names a row beside: a column, or 0 for the row's own id.
macro_rules! beside {
    (id) => {
        0
    };
    ($column:ident) => {
        Self::$column.number()
    };
}
pub(super) use beside;

/// Declares the entities of this version: those that the hub alone sets and edges see, and those that commands set.
macro_rules! entities {
    (seen: [$($seen:ident),+ $(,)?], set: [$($set:ident),+ $(,)?] $(,)?) => {
        /// Number and name of every entity of this version.
        pub const ENTITIES: &[(u16, &str)] =
            &[$(($seen::NUMBER, $seen::NAME),)+ $(($set::NUMBER, $set::NAME)),+];

        /// The numbers of those that commands set.
        pub const SETTABLE: &[u16] = &[$($set::NUMBER),+];

        $(impl Settable for $set {})+

        /// The fields of an entity that a replica indexes; none for one this version does not know.
        pub fn indexed_fields(number: u16) -> &'static [u16] {
            match number {
                $($seen::NUMBER => $seen::INDEXED,)+
                $($set::NUMBER => $set::INDEXED,)+
                _ => &[],
            }
        }

        /// The rows that are needed beside one of an entity, see [`Entity::BESIDE`]; none for one this version does not know.
        pub fn needed_beside(number: u16) -> &'static [(u16, u16)] {
            match number {
                $($seen::NUMBER => $seen::BESIDE,)+
                $($set::NUMBER => $set::BESIDE,)+
                _ => &[],
            }
        }

        /// The field by which sums hang on rows of an entity, see [`Entity::SUMMED_BY`].
        pub fn summed_by(number: u16) -> Option<u16> {
            match number {
                $($seen::NUMBER => $seen::SUMMED_BY,)+
                $($set::NUMBER => $set::SUMMED_BY,)+
                _ => None,
            }
        }

        /// The entity's name; `None` for one this version does not know.
        pub fn entity_name(number: u16) -> Option<&'static str> {
            ENTITIES.iter().find(|(n, _)| *n == number).map(|(_, name)| *name)
        }

        /// Whether a row is what its entity says: `false` for an entity that this version does not know.
        ///
        /// # Errors
        /// Names the field that does not fit.
        pub fn fits(number: u16, key: $crate::row::Key, fields: &$crate::value::Fields) -> Result<bool, $crate::field::FieldError> {
            match number {
                $($seen::NUMBER => $seen::from_fields(key, fields).map(|_| true),)+
                $($set::NUMBER => $set::from_fields(key, fields).map(|_| true),)+
                _ => Ok(false),
            }
        }

        /// Where a row stands that commands set, see [`Settled::home`]; `None` for every other.
        pub fn home(
            number: u16, key: $crate::row::Key, fields: &$crate::value::Fields, set: &WorkingSet,
        ) -> Option<Vec<$crate::bucket::Bucket>> {
            match number {
                $($set::NUMBER => $set::from_fields(key, fields).ok()?.home(set),)+
                _ => None,
            }
        }

        /// Takes a row into the working set that a command sets.
        fn enter(effect: &Effect, set: &mut WorkingSet) {
            match effect.entity {
                $($set::NUMBER => if let Some(row) = effect.read::<$set>() { row.enter(set) },)+
                other => debug_assert!(false, "no command sets entity {other}"),
            }
        }

        /// A filled-in row of every entity.
        pub fn samples() -> Vec<(u16, $crate::row::Key, $crate::value::Fields)> {
            fn row<E: Entity>() -> (u16, $crate::row::Key, $crate::value::Fields) {
                let sample = E::sample();
                (E::NUMBER, sample.key(), sample.to_fields())
            }
            vec![$(row::<$seen>(),)+ $(row::<$set>()),+]
        }
    };
}
pub(super) use entities;

//! What a replicated entity is: a number, a key and numbered fields, of which a struct is a typed view.

use crate::field::FieldError;
use crate::row::Key;
use crate::value::Fields;
use uuid::Uuid;

/// A typed view of a replicated row.
pub trait Entity: Sized {
    /// The number on the wire; never reused.
    const NUMBER: u16;
    /// The name in logs and errors.
    const NAME: &'static str;
    /// Fields that a replica keeps an index on.
    const INDEXED: &'static [u16];
    /// The row's key.
    fn key(&self) -> Key;
    /// The row's fields, canonical: default values left out.
    fn to_fields(&self) -> Fields;
    /// From a row.
    ///
    /// # Errors
    /// Names the field that does not fit.
    fn from_fields(key: Key, fields: &Fields) -> Result<Self, FieldError>;
}

/// The number of a key that is one.
pub(super) fn int_key(key: Key) -> Option<u32> {
    if let Key::Int(n) = key { Some(n) } else { None }
}

/// The UUID of a key that is one.
pub(super) fn uuid_key(key: Key) -> Option<Uuid> {
    if let Key::Uuid(id) = key { Some(id) } else { None }
}

/// Whether each number is above the one before it.
pub(crate) const fn ascend(numbers: &[u16]) -> bool {
    let mut at = 1;
    while at < numbers.len() {
        if numbers[at - 1] >= numbers[at] {
            return false;
        }
        at += 1;
    }
    true
}

/// Declares an entity: its number, its key, its numbered fields, and which of them a replica indexes.
///
/// A field's number and type never change once released; a new field gets the next number and a default.
macro_rules! entity {
    (
        $(#[$doc:meta])*
        $name:ident = $number:literal $text:literal, key $key:ident: $key_type:ty => $to_key:expr, $from_key:expr;
        index [$($index:literal),*];
        { $($(#[$fdoc:meta])* $field_number:literal $field:ident: $field_type:ty),+ $(,)? }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq)]
        pub struct $name {
            /// The row's identity.
            pub $key: $key_type,
            $($(#[$fdoc])* pub $field: $field_type,)+
        }
        impl $crate::market::entity::Entity for $name {
            const NUMBER: u16 = $number;
            const NAME: &'static str = $text;
            const INDEXED: &'static [u16] = &[$($index),*];
            fn key(&self) -> $crate::row::Key { let to: fn(&$key_type) -> $crate::row::Key = $to_key; to(&self.$key) }
            fn to_fields(&self) -> $crate::value::Fields {
                let mut fields = $crate::value::Fields::with_capacity([$($field_number),+].len() * 6);
                $($crate::field::Field::put(&self.$field, &mut fields, $field_number);)+
                fields
            }
            fn from_fields(key: $crate::row::Key, fields: &$crate::value::Fields)
                -> Result<Self, $crate::field::FieldError> {
                use $crate::field::{Field, FieldError};
                let from: fn($crate::row::Key) -> Option<$key_type> = $from_key;
                const { assert!($crate::market::entity::ascend(&[$($field_number),+])) };
                let bad = |field| FieldError { entity: $text, field };
                let mut fields = fields.in_order();
                Ok(Self {
                    $key: from(key).ok_or_else(|| bad("key"))?,
                    $($field: <$field_type as Field>::take(&mut fields, $field_number).ok_or_else(|| bad(stringify!($field)))?,)+
                })
            }
        }
    };
}
pub(crate) use entity;

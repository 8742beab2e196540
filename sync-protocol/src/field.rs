//! How a typed field becomes a [`Value`] and back, and the macro that declares lists of codes.

use crate::units::{Currency, Month, Quantity};
use crate::value::{Fields, InOrder, Value};
use uuid::Uuid;

/// A stored row that does not fit its entity: damage, or a bug; never a person's mistake.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{entity} row: field {field} does not fit")]
pub struct FieldError {
    /// The entity's name.
    pub entity: &'static str,
    /// The field's name, or `key`.
    pub field: &'static str,
}

/// A type that a field can have. Canonical form leaves out a field whose value [`Field::is_default`].
pub trait Field: Sized {
    /// The value as replicated.
    fn to_value(&self) -> Value<'_>;
    /// Whether the field is left out.
    fn is_default(&self) -> bool;
    /// From what was replicated; `None` when it does not fit.
    fn from_value(value: Value<'_>) -> Option<Self>;
    /// What an absent field means; `None` where the field must be present.
    fn absent() -> Option<Self>;

    /// Adds the field unless it is default.
    fn put(&self, fields: &mut Fields, number: u16) {
        if !self.is_default() {
            fields.set(number, self.to_value());
        }
    }

    /// Reads the field; those of lower numbers were read before.
    fn take(fields: &mut InOrder<'_>, number: u16) -> Option<Self> {
        fields.get(number).map_or_else(Self::absent, Self::from_value)
    }
}

/// Makes fields of types that are whole numbers: default is zero.
macro_rules! int_field {
    ($($t:ty => $to:expr, $from:expr;)+) => {$(
        impl $crate::field::Field for $t {
            fn to_value(&self) -> $crate::value::Value<'_> { let to: fn(&$t) -> i64 = $to; $crate::value::Value::Int(to(self)) }
            fn is_default(&self) -> bool { self.to_value() == $crate::value::Value::Int(0) }
            fn from_value(value: $crate::value::Value<'_>) -> Option<Self> {
                let from: fn(i64) -> Option<$t> = $from;
                if let $crate::value::Value::Int(v) = value { from(v) } else { None }
            }
            fn absent() -> Option<Self> { Self::from_value($crate::value::Value::Int(0)) }
        }
    )+};
}
pub(crate) use int_field;

/// Makes fields of types that have no default: they must be present.
macro_rules! present_field {
    ($($t:ty => $to:expr, $from:expr;)+) => {$(
        impl $crate::field::Field for $t {
            fn to_value(&self) -> $crate::value::Value<'_> { let to: fn(&$t) -> $crate::value::Value<'_> = $to; to(self) }
            fn is_default(&self) -> bool { false }
            fn from_value(value: $crate::value::Value<'_>) -> Option<Self> {
                let from: fn($crate::value::Value<'_>) -> Option<$t> = $from;
                from(value)
            }
            fn absent() -> Option<Self> { None }
        }
    )+};
}
pub(crate) use present_field;

/// A whole number that is small and not negative.
pub(crate) fn small(n: i64) -> Option<u32> {
    u32::try_from(n).ok()
}

/// A value that is a UUID.
pub(crate) fn uuid_of(value: Value<'_>) -> Option<Uuid> {
    if let Value::Uuid(v) = value { Some(v) } else { None }
}

/// A value that is a text.
pub(crate) fn text_of(value: Value<'_>) -> Option<&str> {
    if let Value::Text(v) = value { Some(v) } else { None }
}

int_field! {
    i64 => |v| *v, Some;
    u32 => |v| i64::from(*v), small;
    u64 => |v| *v as i64, |n| Some(n as u64);
    bool => |v| i64::from(*v), |n| Some(n != 0);
    Quantity => |v| v.0, |n| Some(Quantity(n));
    Month => |v| i64::from(v.0), |n| small(n).map(Month);
}

present_field! {
    Uuid => |v| Value::Uuid(*v), uuid_of;
    Currency => |v| Value::Text(v.as_str()), |v| text_of(v).and_then(Currency::new);
}

impl Field for String {
    fn to_value(&self) -> Value<'_> {
        Value::Text(self)
    }
    fn is_default(&self) -> bool {
        self.is_empty()
    }
    fn from_value(value: Value<'_>) -> Option<Self> {
        if let Value::Text(v) = value { Some(v.to_string()) } else { None }
    }
    fn absent() -> Option<Self> {
        Some(Self::new())
    }
}

/// A field that may be missing. A present zero or empty text is kept apart from a missing one.
impl<T: Field> Field for Option<T> {
    fn to_value(&self) -> Value<'_> {
        self.as_ref().map_or(Value::Int(0), Field::to_value)
    }
    fn is_default(&self) -> bool {
        self.is_none()
    }
    fn from_value(value: Value<'_>) -> Option<Self> {
        T::from_value(value).map(Some)
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
}

/// Declares a list of codes. A code of a newer version comes back as `Other` and is kept.
macro_rules! codes {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $code:literal $text:literal),+ $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum $name {
            $($(#[$vdoc])* #[doc = concat!("`", $text, "`")] $variant,)+
            /// A code that this version does not know.
            Other(u32),
        }
        impl $name {
            /// The number stored and sent.
            pub fn code(self) -> u32 {
                match self { $(Self::$variant => $code,)+ Self::Other(code) => code }
            }
            /// The inverse of `code`.
            pub fn from_code(code: u32) -> Self {
                match code { $($code => Self::$variant,)+ other => Self::Other(other) }
            }
            /// The word used in JSON and logs.
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $text,)+ Self::Other(_) => "other" }
            }
            /// The inverse of `as_str`; `None` for an unknown word.
            pub fn parse(text: &str) -> Option<Self> {
                match text { $($text => Some(Self::$variant),)+ _ => None }
            }
            /// All codes this version knows.
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];
        }
        impl $crate::field::Field for $name {
            fn to_value(&self) -> $crate::value::Value<'_> { $crate::value::Value::Int(i64::from(self.code())) }
            fn is_default(&self) -> bool { self.code() == 0 }
            fn from_value(value: $crate::value::Value<'_>) -> Option<Self> {
                if let $crate::value::Value::Int(v) = value { u32::try_from(v).ok().map(Self::from_code) } else { None }
            }
            fn absent() -> Option<Self> { Some(Self::from_code(0)) }
        }
    };
}
pub(crate) use codes;

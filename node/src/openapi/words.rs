//! What a field or parameter of a name promises in an API's description, beyond its type: one word means one thing everywhere, so its
//! bounds, pattern or choices are said once, here. It adds to what the types say and takes nothing away; the checks themselves are
//! where the values are read.

use crate::query::TEXT_MAX_CHARS;
use sync_protocol::limits::NAME_MAX_CHARS;
use utoipa::Number;
use utoipa::openapi::schema::{KnownFormat, ObjectBuilder, Schema, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{Ref, RefOr};

/// What a text looks like.
#[derive(Clone, Copy)]
enum Text {
    /// RFC 3339.
    Time,
    /// Fits a pattern.
    Like(&'static str),
    /// One of these words.
    Of(&'static [&'static str]),
    /// One of the words of a named choice, which stands in several places and is one type.
    Named(&'static Choice),
    /// So many characters.
    Long(usize, usize),
}

/// Words to choose from that are a type of their own.
struct Choice {
    name: &'static str,
    about: &'static str,
    words: &'static [&'static str],
}

/// How far an order is.
static ORDER_STATUS: Choice = Choice {
    name: "OrderStatus",
    about: "How far an order is. `asked` is not confirmed; `refused` is said at an office alone.",
    words: &["asked", "confirmed", "short", "cancelled", "fulfilled", "refused"],
};
/// What became of an SMS.
static MESSAGE_STATE: Choice = Choice {
    name: "MessageState",
    about: "What became of an SMS.",
    words: &["queued", "sending", "sent", "delivered", "failed", "cancelled"],
};
/// The languages of the office page.
static OFFICE_LANGUAGE: Choice =
    Choice { name: "OfficeLanguage", about: "English or Swahili.", words: &["en", "sw"] };

const CODE_OF_THREE: Text = Text::Like("^[A-Za-z]{3}$");
/// A quantity that is asked for.
const AMOUNT: Text = Text::Like(r"^\d+(\.\d{1,3})?$");
/// A quantity that is said; a balance may be below nought.
const DECIMAL: Text = Text::Like(r"^-?\d+(\.\d{1,3})?$");
const MONTH: Text = Text::Like(r"^\d{4}-(0[1-9]|1[0-2])$");
const LANGUAGES: Text = Text::Of(&["en", "sw", "ny", "fr"]);
const ORDER_STATES: Text = Text::Named(&ORDER_STATUS);
const MESSAGE_STATES: Text = Text::Named(&MESSAGE_STATE);
/// A new password; the longest is bytes, and no character has less than one.
const NEW_PASSWORD: Text = Text::Long(crate::password::MIN_CHARS, crate::password::MAX_BYTES);
/// A name as people and things have them.
const NAME: Text = Text::Long(1, NAME_MAX_CHARS);
/// A token: random bytes in base64.
const TOKEN: Text = Text::Like("^[A-Za-z0-9_.-]+$");

/// What a text promises, by `Schema.field` or by the field's name alone.
fn field_text(schema: &str, field: &str) -> Option<Text> {
    Some(match (schema, field) {
        ("Order", "status") => ORDER_STATES,
        ("Order", "channel") => Text::Of(&["rest", "ussd", "sms", "office"]),
        ("Product", "status") => Text::Of(&["active", "withdrawn"]),
        ("ProductChange", "status") => Text::Of(&["withdrawn"]),
        ("Health", "status") => Text::Of(&["ok"]),
        ("Tokens", "token_type") => Text::Of(&["Bearer"]),
        ("Tokens" | "OfficeSession", "access_token" | "token") | ("Tokens", "refresh_token") => TOKEN,
        ("Unit", "base") => Text::Of(&["kg", "l", "piece", "unknown"]),
        ("StockChange", "kind") => Text::Of(&["taken_in", "written_off", "counted"]),
        ("Message", "state") => MESSAGE_STATES,
        ("Message", "kind") => Text::Of(&["reply", "receipt", "verdict"]),
        ("OfficeStatus", "held_back") => Text::Of(&["count", "hear", "copied", "shut_out", "revoked"]),
        ("OfficePerson", "role") => Text::Of(&["office", "clerk", "manager", "officer"]),
        ("User" | "NewUser", "language") => LANGUAGES,
        ("NewUser", "password") | (_, "new_password") => NEW_PASSWORD,
        ("Login" | "OfficeLogin", "password") | (_, "current_password") => Text::Long(0, 1_024),
        ("RefreshToken", "refresh_token") => Text::Long(1, 1_024),
        ("NewUser", "name") => NAME,
        ("NewProduct" | "ProductChange", "title")
        | ("NewOrder", "buyer_name")
        | ("StockChange", "reason") => Text::Long(0, NAME_MAX_CHARS),
        ("OfficeLogin", "user") => Text::Long(1, 1_024),
        ("NewUser" | "Login" | "OfficeCall", "phone") | ("NewOrder", "buyer_phone") => Text::Long(1, 64),
        (_, "phone" | "buyer_phone" | "to") => Text::Like(r"^\+[1-9]\d{7,14}$"),
        (_, "last_contact" | "last_try" | "not_before") => Text::Time,
        (_, "currency" | "country") => CODE_OF_THREE,
        ("NewOrder" | "NewProduct" | "StockChange", "quantity") | (_, "unheard") => AMOUNT,
        (_, "quantity" | "available" | "total" | "factor" | "expected") => DECIMAL,
        (_, "month") => MONTH,
        (_, field) if field.ends_with("_at") => Text::Time,
        _ => return None,
    })
}

/// What a text after the `?` or in a header promises, by `operation` and name.
fn parameter_text(operation: &str, name: &str) -> Option<Text> {
    Some(match (operation, name) {
        ("list_orders", "status") => ORDER_STATES,
        ("list_products", "status") => Text::Of(&["active", "withdrawn", "any"]),
        ("list_messages", "state") => MESSAGE_STATES,
        (_, "lang") => Text::Named(&OFFICE_LANGUAGE),
        (_, "country") => CODE_OF_THREE,
        (_, "from" | "to") => MONTH,
        (_, "cursor") => Text::Like("^[A-Za-z0-9_-]{1,400}$"),
        (_, "Idempotency-Key") => Text::Like("^[!-~]{1,200}$"),
        (_, "commodity" | "market" | "region" | "crop" | "q" | "price_type") => Text::Long(1, TEXT_MAX_CHARS),
        (_, "after") => Text::Long(1, 200),
        (_, "If-Match") => Text::Long(1, 1_024),
        _ => return None,
    })
}

/// The bounds of a whole number, by name: ids are what the hub's columns hold.
fn number(name: &str) -> Option<(isize, isize)> {
    const ID_MAX: isize = i32::MAX as isize;
    Some(match name {
        "limit" => (1, crate::page::LIMIT_MAX as isize),
        "amount" => (0, isize::MAX),
        "cooperative" | "id" => (0, ID_MAX),
        name if name.ends_with("_id") => (0, ID_MAX),
        _ => return None,
    })
}

/// Says it of a field. Gives the named choice that it now refers to.
pub(super) fn of_field(schema: &str, field: &str, of: &mut RefOr<Schema>) -> Option<(&'static str, Schema)> {
    said(of, field_text(schema, field), number(field))
}

/// Says it of a parameter. Gives the named choice that it now refers to.
pub(super) fn of_parameter(
    operation: &str,
    name: &str,
    of: &mut RefOr<Schema>,
) -> Option<(&'static str, Schema)> {
    if name == "limit"
        && let RefOr::T(Schema::Object(object)) = of
    {
        object.default = Some(crate::page::LIMIT_DEFAULT.into());
    }
    said(of, parameter_text(operation, name), number(name))
}

fn said(
    of: &mut RefOr<Schema>,
    text: Option<Text>,
    number: Option<(isize, isize)>,
) -> Option<(&'static str, Schema)> {
    let RefOr::T(Schema::Object(object)) = of else { return None };
    let is = |of: Type| match &object.schema_type {
        SchemaType::Type(one) => *one == of,
        SchemaType::Array(many) => many.contains(&of),
        SchemaType::AnyValue => false,
    };
    if is(Type::Integer)
        && let Some((least, most)) = number
    {
        object.minimum = Some(Number::Int(least));
        object.maximum = Some(Number::Int(most));
    }
    let (is_text, may_be_null) = (is(Type::String), is(Type::Null));
    // What has a format of its own, such as an id, has said all.
    let text = text.filter(|_| is_text && object.format.is_none())?;
    match text {
        Text::Time => object.format = Some(SchemaFormat::KnownFormat(KnownFormat::DateTime)),
        Text::Like(pattern) => object.pattern = Some(pattern.to_owned()),
        Text::Long(least, most) => (object.min_length, object.max_length) = (Some(least), Some(most)),
        Text::Of(words) => {
            let null = may_be_null.then_some(serde_json::Value::Null);
            object.enum_values = Some(words.iter().map(|word| (*word).into()).chain(null).collect());
        }
        // Whether a parameter is there is not said by its type.
        Text::Named(choice) => {
            let description = object.description.take();
            let mut reference = Ref::from_schema_name(choice.name);
            reference.description = description.unwrap_or_default();
            *of = reference.into();
            return Some((choice.name, choice.schema()));
        }
    }
    None
}

impl Choice {
    fn schema(&self) -> Schema {
        let words = self.words.iter().copied();
        let of = ObjectBuilder::new().schema_type(Type::String).enum_values(Some(words));
        of.description(Some(self.about)).build().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use sync_protocol::market::{Channel, ListingStatus, OfficeRole, OrderStatus, UnitBase};
    use sync_protocol::phone::{PHONE_MAX_DIGITS, PHONE_MIN_DIGITS};

    fn said(schema: &str, field: &str) -> BTreeSet<&'static str> {
        match field_text(schema, field) {
            Some(Text::Of(words)) => words.iter().copied().collect(),
            Some(Text::Named(choice)) => choice.words.iter().copied().collect(),
            _ => panic!("{schema}.{field}"),
        }
    }

    #[test]
    fn choices_are_those_of_the_types_and_what_a_node_adds() {
        /// The words of a type, and what a node says beside them.
        fn words<T: Copy>(
            all: &[T],
            word: fn(T) -> &'static str,
            more: &[&'static str],
        ) -> BTreeSet<&'static str> {
            all.iter().map(|one| word(*one)).chain(more.iter().copied()).collect()
        }
        // Refused by the hub before it was one, as an office shows it.
        assert_eq!(said("Order", "status"), words(OrderStatus::ALL, OrderStatus::as_str, &["refused"]));
        assert_eq!(said("Order", "channel"), words(Channel::ALL, Channel::as_str, &[]));
        assert_eq!(said("Product", "status"), words(ListingStatus::ALL, ListingStatus::as_str, &[]));
        assert_eq!(said("Unit", "base"), words(UnitBase::ALL, UnitBase::as_str, &["unknown"]));
        // Who signs in by the office's own password.
        assert_eq!(said("OfficePerson", "role"), words(OfficeRole::ALL, OfficeRole::as_str, &["office"]));
    }

    #[test]
    fn a_phone_number_has_as_many_digits_as_its_reader_takes() {
        let Some(Text::Like(pattern)) = field_text("User", "phone") else { panic!("no pattern") };
        assert_eq!(pattern, format!(r"^\+[1-9]\d{{{},{}}}$", PHONE_MIN_DIGITS - 1, PHONE_MAX_DIGITS - 1));
    }
}

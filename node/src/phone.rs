//! Phone numbers in requests: the protocol's reader, with what is wrong as a problem that points at the field. Both nodes read with
//! it; which country a number without a code is of is for each to say.

use crate::api::FieldProblem;
use crate::problem::field;
use sync_protocol::country::Country;
use sync_protocol::phone::{Phone, PhoneError, read};

/// Reads a number. `pointer` is the field that it stands in.
///
/// # Errors
/// What to write instead.
pub fn read_field(pointer: &str, raw: &str, home: Option<&Country>) -> Result<Phone, FieldProblem> {
    read(raw, home).map_err(|error| field(pointer, error.sentence()))
}

/// Reads a number that may be left out. An empty text is none: whoever sends it meant to send something, or has to leave the field out.
///
/// # Errors
/// What to write instead.
pub fn read_optional(
    pointer: &str,
    raw: Option<&str>,
    home: Option<&Country>,
) -> Result<Option<Phone>, FieldProblem> {
    let or_none = |error| match error {
        PhoneError::Empty => field(pointer, "Write a phone number, or leave it out."),
        other => field(pointer, other.sentence()),
    };
    raw.map(|raw| read(raw, home).map_err(or_none)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_may_be_left_out_is_not_written_empty() {
        assert_eq!(read_optional("/phone", None, None), Ok(None));
        let whole = read_optional("/phone", Some("+265 991 234 567"), None).unwrap().unwrap();
        assert_eq!(whole.as_str(), "+265991234567");
        for raw in ["", "  ", "\u{2068}\u{2069}"] {
            let wrong = read_optional("/phone", Some(raw), None).unwrap_err();
            assert_eq!(
                (wrong.pointer.as_str(), wrong.detail.contains("leave it out")),
                ("/phone", true),
                "{raw:?}"
            );
        }
    }
}

//! Phone numbers in requests at the office: whole, or as dialled at home, completed by the box's country.

use crate::config::Config;
use mizili_node::api::FieldProblem;
use mizili_node::phone;
use sync_protocol::country::Country;
use sync_protocol::phone::{Phone, PhoneError};

/// Reads a number.
///
/// # Errors
/// What does not fit, with what to do.
pub fn read(raw: &str, config: &Config) -> Result<Phone, PhoneError> {
    sync_protocol::phone::read(raw, Country::by_iso3(&config.country))
}

/// Reads a number of a body. `pointer` is the field that it stands in.
///
/// # Errors
/// What to write instead.
pub fn read_field(pointer: &str, raw: &str, config: &Config) -> Result<Phone, FieldProblem> {
    phone::read_field(pointer, raw, Country::by_iso3(&config.country))
}

/// Reads a number of a body that may be left out.
///
/// # Errors
/// What to write instead.
pub fn read_optional(
    pointer: &str,
    raw: Option<&str>,
    config: &Config,
) -> Result<Option<Phone>, FieldProblem> {
    phone::read_optional(pointer, raw, Country::by_iso3(&config.country))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_completed_by_the_country_of_the_box() {
        let config = Config::parse("country = \"MWI\"").unwrap();
        for raw in ["0991 234 567", "+265 991 234 567", "265991234567"] {
            assert_eq!(read_field("/buyer_phone", raw, &config).unwrap().as_str(), "+265991234567", "{raw}");
        }
        for raw in ["", "hello", "099", "1e30"] {
            let wrong = read_field("/buyer_phone", raw, &config).unwrap_err();
            assert!(wrong.pointer == "/buyer_phone" && wrong.detail.ends_with('.'), "{wrong:?}");
        }
    }
}

//! Phone numbers in requests at the office: E.164, or as dialled at home, completed by the box's country.

use crate::config::Config;
use crate::http::problem::field;
use sync_protocol::api::FieldProblem;
use sync_protocol::country::Country;
use sync_protocol::phone::{Phone, PhoneError, to_e164};

/// Reads a number.
///
/// # Errors
/// What does not fit, with what to do.
pub fn read(raw: &str, config: &Config) -> Result<Phone, PhoneError> {
    match Country::by_iso3(&config.country) {
        Some(c) => to_e164(raw, c.calling_code, c.trunk_prefix, c.mobile_digits),
        // The settings were checked when they were read, so there always is a country; a whole number needs none.
        None => Phone::parse(raw.trim()),
    }
}

/// Reads a number of a body. `pointer` is the field that it stands in.
///
/// # Errors
/// What to write instead.
pub fn read_field(pointer: &str, raw: &str, config: &Config) -> Result<Phone, FieldProblem> {
    read(raw, config).map_err(|error| {
        let text = error.to_string();
        let first: String = text.chars().next().map(|c| c.to_uppercase().collect()).unwrap_or_default();
        let rest: String = text.chars().skip(1).collect();
        field(pointer, format!("{first}{rest}."))
    })
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

//! Phone numbers in requests: E.164, or a local number together with its country.

use crate::error::field;
use sync_protocol::api::FieldProblem;
use sync_protocol::country::Country;
use sync_protocol::phone::{Phone, PhoneError, to_e164};

/// A calling code that no number has: numbers with a plus sign are then taken as they are.
const NO_CALLING_CODE: &str = "-";

/// Reads a number. `pointer` is the field that it stands in.
///
/// # Errors
/// What to write instead.
pub fn read_phone(pointer: &str, raw: &str, country: Option<&str>) -> Result<Phone, FieldProblem> {
    let wrong = |error: PhoneError| {
        let text = error.to_string();
        let (first, rest) = text.split_at(1);
        field(pointer, format!("{}{rest}.", first.to_uppercase()))
    };
    if let Some(code) = country {
        let country = Country::by_iso3(code).ok_or_else(|| {
            let known: Vec<_> = sync_protocol::country::COUNTRIES.iter().map(|c| c.iso3).collect();
            field("/country", format!("Must be one of {}, or left out.", known.join(", ")))
        })?;
        return to_e164(raw, country.calling_code, country.trunk_prefix, country.mobile_digits)
            .map_err(wrong);
    }
    let trimmed = raw.trim_start();
    if trimmed.bytes().next().is_some_and(|b| b.is_ascii_digit()) && !trimmed.starts_with("00") {
        let detail = "Write the number with a plus sign and its country code, such as +265991234567, or name the `country`.";
        return Err(field(pointer, detail));
    }
    let phone = to_e164(raw, NO_CALLING_CODE, "", &[]).map_err(wrong)?;
    // A country that is known has a rule for the length.
    match Country::by_international_number(&phone.as_str()[1..]) {
        Some(c) => to_e164(phone.as_str(), c.calling_code, c.trunk_prefix, c.mobile_digits).map_err(wrong),
        None => Ok(phone),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_completed_by_its_country_or_whole_already() {
        for (raw, country, whole) in [
            ("+265 991 234 567", None, "+265991234567"),
            ("00265991234567", None, "+265991234567"),
            ("+265 0991234567", None, "+265991234567"),
            ("0991 234 567", Some("MWI"), "+265991234567"),
            ("+254712345678", Some("mwi"), "+254712345678"),
            ("+4930123456", None, "+4930123456"),
        ] {
            assert_eq!(read_phone("/phone", raw, country).unwrap().as_str(), whole, "{raw}");
        }
    }

    #[test]
    fn what_is_no_number_is_pointed_at() {
        for raw in ["", "hello", "0991234567", "+26599", "+2659912345678901", "991234567", "+", "1e30"] {
            let wrong = read_phone("/phone", raw, None).unwrap_err();
            assert_eq!(wrong.pointer, "/phone", "{raw}");
            assert!(wrong.detail.ends_with('.'), "{}", wrong.detail);
        }
        assert_eq!(read_phone("/phone", "0991234567", Some("XXX")).unwrap_err().pointer, "/country");
    }
}

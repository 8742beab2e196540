//! Phone numbers in requests: whole, or as dialled in a country that the request names.

use crate::error::field;
use mizili_node::api::FieldProblem;
use mizili_node::phone::read_field;
use sync_protocol::country::{COUNTRIES, Country};
use sync_protocol::phone::Phone;

/// Reads a number. `pointer` is the field that it stands in; `country` is the ISO 3166 code of where it is dialled, if the request
/// names one.
///
/// # Errors
/// What to write instead.
pub fn read_phone(pointer: &str, raw: &str, country: Option<&str>) -> Result<Phone, FieldProblem> {
    let unknown = || {
        let known: Vec<_> = COUNTRIES.iter().map(|c| c.iso3).collect();
        field("/country", format!("Must be one of {}, or left out.", known.join(", ")))
    };
    let home = country.map(|code| Country::by_iso3(code).ok_or_else(unknown)).transpose()?;
    read_field(pointer, raw, home)
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
            ("+2540712345678", Some("MWI"), "+254712345678"),
            ("+2540712345678", None, "+254712345678"),
            ("\u{202a}+265990000101\u{202c}", None, "+265990000101"),
            ("\u{2068}+265990000103\u{2069}", None, "+265990000103"),
            ("+265990000109\u{fe0f}", None, "+265990000109"),
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

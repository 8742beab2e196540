//! The languages that farmers' screens and messages come in.
//!
//! To add one: a variant here, its line in each `match` below, its folder in `edge/locales`. The tests then name every
//! message that is missing and every screen that is too long.

use serde::{Deserialize, Serialize};

/// A language. The serialised form is its code.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Lang {
    /// English; also what a missing message falls back to.
    #[default]
    #[serde(rename = "en")]
    En,
    /// Swahili.
    #[serde(rename = "sw")]
    Sw,
}

impl Lang {
    /// All languages, in the order in which menus offer them. The order is part of learnt dial codes: add at the end.
    pub const ALL: &'static [Self] = &[Self::En, Self::Sw];

    /// ISO 639-1 code, as rows keep it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::En => "en",
            Self::Sw => "sw",
        }
    }

    /// The language of a code, in any case, with or without a region (`sw`, `SW`, `sw-KE`); `None` for one that has no texts.
    pub fn from_code(code: &str) -> Option<Self> {
        let main = code.trim().split(['-', '_']).next().unwrap_or_default();
        Self::ALL.iter().copied().find(|lang| lang.code().eq_ignore_ascii_case(main))
    }

    /// Its place in [`Lang::ALL`].
    pub(crate) const fn index(self) -> usize {
        self as usize
    }

    /// The sources of its texts, one for each file.
    pub(super) const fn sources(self) -> &'static [&'static str] {
        match self {
            Self::En => {
                &[include_str!("../../locales/en/ussd.ftl"), include_str!("../../locales/en/sms.ftl")]
            }
            Self::Sw => {
                &[include_str!("../../locales/sw/ussd.ftl"), include_str!("../../locales/sw/sms.ftl")]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_lead_back_and_places_are_in_order() {
        for (place, lang) in Lang::ALL.iter().enumerate() {
            assert_eq!(lang.index(), place);
            assert_eq!(Lang::from_code(lang.code()), Some(*lang));
        }
        assert_eq!(Lang::from_code("SW-ke"), Some(Lang::Sw));
        assert_eq!(Lang::from_code("xx"), None);
        assert_eq!(Lang::from_code(""), None);
    }
}

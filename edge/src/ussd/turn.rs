//! One request of a gateway, in the same form for all of them, and what is new in it.

use sync_protocol::phone::Phone;

/// One request of a gateway.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    /// The gateway's name for this call; the same for all its turns.
    pub session_id: String,
    /// Who calls.
    pub phone: Phone,
    /// What was dialled, such as `*384*55#`; for the caller to compare with what is configured. May be empty.
    pub service_code: String,
    /// Mobile country and network code, such as `63902`. May be empty.
    pub network: String,
    /// What was typed.
    pub text: TurnText,
}

/// What was typed, in one of the two ways in which gateways tell it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TurnText {
    /// Everything so far, joined by `*`.
    Cumulative(String),
    /// The last input alone.
    Last {
        /// What was typed; on the first turn what was dialled behind the code, or empty.
        input: String,
        /// Whether the gateway says that the call starts.
        start: bool,
        /// The turn's number, where the gateway counts: tells a repeat from the same key twice.
        sequence: Option<u32>,
    },
}

/// What a request means for a call that is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum News<'a> {
    /// The same as before, or older: the stored answer goes out again and nothing happens.
    Repeat,
    /// One new input.
    Input(&'a str),
    /// It does not continue what we know: a call that starts anew with this text.
    Restart(&'a str),
}

impl TurnText {
    /// Compares with what the last turn of the call had: its whole text, or its number.
    pub(super) fn news<'a>(&'a self, last_text: &str, last_sequence: Option<u32>) -> News<'a> {
        match self {
            Self::Cumulative(text) => match text.strip_prefix(last_text) {
                Some("") => News::Repeat,
                // The rest is one input even with asterisks in it: a person typed it on one screen.
                Some(rest) if last_text.is_empty() => News::Input(rest),
                Some(rest) => match rest.strip_prefix('*') {
                    Some(input) => News::Input(input),
                    None => News::Restart(text),
                },
                // A turn from before the last one, delivered late.
                None if last_text.starts_with(text.as_str()) => News::Repeat,
                None => News::Restart(text),
            },
            Self::Last { sequence: Some(now), .. } if last_sequence == Some(*now) => News::Repeat,
            Self::Last { input, start: true, .. } => News::Restart(input),
            Self::Last { sequence: Some(now), .. } if last_sequence.is_some_and(|last| *now < last) => {
                News::Repeat
            }
            Self::Last { input, .. } => News::Input(input),
        }
    }

    /// What a call that is not known starts with.
    pub(super) fn first(&self) -> &str {
        match self {
            Self::Cumulative(text) => text,
            Self::Last { input, .. } => input,
        }
    }

    /// What to compare the next turn with.
    pub(super) fn remember(&self) -> (String, Option<u32>) {
        match self {
            Self::Cumulative(text) => (text.clone(), None),
            Self::Last { sequence, .. } => (String::new(), *sequence),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn news(last: &str, text: &str) -> String {
        match TurnText::Cumulative(text.to_owned()).news(last, None) {
            News::Repeat => "repeat".to_owned(),
            News::Input(input) => format!("input {input}"),
            News::Restart(text) => format!("restart {text}"),
        }
    }

    #[test]
    fn the_new_input_is_what_follows_the_last_text() {
        for (last, text, meaning) in [
            ("", "1", "input 1"),
            ("1", "1*2", "input 2"),
            ("1*2", "1*2", "repeat"),
            ("", "", "repeat"),
            // Asterisks as values, and after asterisks.
            ("7*a*b", "7*a*b*****", "input ****"),
            ("7*a*b*****", "7*a*b******x", "input x"),
            ("7", "7*", "input "),
            ("7", "7**", "input *"),
            // Typed on one screen: one input.
            ("1", "1*2*3", "input 2*3"),
            // Late repeats.
            ("1*2*3", "1*2", "repeat"),
            ("1*2", "", "repeat"),
            // Something else under the same name.
            ("1*2", "3", "restart 3"),
            ("1*2", "1*25", "restart 1*25"),
        ] {
            assert_eq!(news(last, text), meaning, "{last:?} then {text:?}");
        }
    }

    #[test]
    fn gateways_that_send_the_last_input_are_told_apart_by_number() {
        let last = |input: &str, start, sequence| TurnText::Last { input: input.to_owned(), start, sequence };
        assert_eq!(last("1", false, Some(2)).news("", Some(2)), News::Repeat);
        assert_eq!(last("1", false, Some(1)).news("", Some(2)), News::Repeat);
        assert_eq!(last("1", false, Some(3)).news("", Some(2)), News::Input("1"));
        assert_eq!(last("1", false, None).news("", None), News::Input("1"));
        assert_eq!(last("", true, None).news("", None), News::Restart(""));
        assert_eq!(last("", true, Some(1)).news("", Some(1)), News::Repeat);
        assert_eq!(last("", true, Some(1)).news("", Some(4)), News::Restart(""));
    }
}

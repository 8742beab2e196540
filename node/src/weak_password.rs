//! Passwords that everybody tries first: the common ones, what stands in a row on a keyboard, and the person's own phone number. Only
//! asked when a password is chosen, never when one is shown. The words were put together for this project.

use crate::api::FieldProblem;
use crate::name::one_form;
use crate::password;
use crate::problem::field;

/// Words that are no password, also with figures or signs behind them: lower case, letters alone.
const COMMON: [&str; 72] = [
    "abc",
    "abcd",
    "access",
    "admin",
    "administrator",
    "adgjmptw",
    "angel",
    "arsenal",
    "baby",
    "barcelona",
    "baseball",
    "batman",
    "changeit",
    "changeme",
    "charlie",
    "chelsea",
    "chocolate",
    "computer",
    "cooperative",
    "default",
    "demo",
    "dragon",
    "family",
    "farmer",
    "football",
    "freedom",
    "god",
    "google",
    "guest",
    "hello",
    "iloveyou",
    "internet",
    "jesus",
    "jesuschrist",
    "karibu",
    "karibuni",
    "kenya",
    "letmein",
    "liverpool",
    "login",
    "lovely",
    "malawi",
    "manchester",
    "market",
    "master",
    "michael",
    "mizili",
    "monkey",
    "mypassword",
    "nakupenda",
    "nenosiri",
    "newpassword",
    "ninja",
    "nokia",
    "office",
    "pass",
    "passw",
    "password",
    "phone",
    "princess",
    "qazwsx",
    "samsung",
    "secret",
    "shadow",
    "starwars",
    "sunshine",
    "superman",
    "tanzania",
    "test",
    "trustno",
    "welcome",
    "whatever",
];

/// Keys that stand beside each other.
const ROWS: [&str; 8] = [
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "azertyuiop",
    "qwertzuiop",
    "1qaz2wsx3edc4rfv",
    "1q2w3e4r5t6y7u8i9o0p",
    "147258369",
];

/// The fewest figures by which a phone number is known again.
const NUMBER_MIN_DIGITS: usize = 6;

/// What is wrong with a new password, if anything. `phone` is the person's number, E.164 without the plus sign.
pub fn problem(pointer: &str, new: &str, phone: Option<u64>) -> Option<FieldProblem> {
    let weak = || weakness(new, phone).map(|detail| field(pointer, detail));
    password::problem(pointer, new).or_else(weak)
}

/// Whether a person may choose this password; if not, why.
///
/// # Errors
/// The reason, as a sentence.
pub fn usable(new: &str) -> Result<(), String> {
    problem("", new, None).map_or(Ok(()), |problem| Err(problem.detail))
}

/// Why a password is among the first that anybody would try; `None` if it is not.
pub fn weakness(new: &str, phone: Option<u64>) -> Option<&'static str> {
    const COMMON_TEXT: &str = "Is one of the passwords that everybody tries first. Take three or four words that do not belong together.";
    const NUMBER_TEXT: &str = "Must not be a phone number: everybody knows it. Take three or four words that do not belong together.";
    let text = plain(&one_form(new));
    if phone.is_some_and(|phone| is_number(new, phone)) {
        return Some(NUMBER_TEXT);
    }
    let word: String = text.chars().filter(|c| c.is_alphabetic()).collect();
    let is_common = COMMON.contains(&word.as_str()) || COMMON.contains(&written_otherwise(&text).as_str());
    let is_weak =
        is_common || is_run(&text) || is_repeated(&text) || ROWS.iter().any(|row| is_of_row(&text, row));
    is_weak.then_some(COMMON_TEXT)
}

/// In lower case, without what people put between.
fn plain(text: &str) -> String {
    text.to_lowercase().chars().filter(|c| !c.is_whitespace() && !"-_.,:;/+#".contains(*c)).collect()
}

/// Letters that people write as figures and signs, as letters; without what then stands behind.
fn written_otherwise(text: &str) -> String {
    let letter = |c| match c {
        '0' => 'o',
        '1' | '!' => 'i',
        '3' => 'e',
        '4' | '@' => 'a',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    };
    let end = text.trim_end_matches(|c: char| !c.is_alphabetic());
    end.chars().map(letter).filter(|c| c.is_alphabetic()).collect()
}

/// Whether it is the number, whole or as dialled at home, or hardly more than that.
fn is_number(text: &str, phone: u64) -> bool {
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let bare = digits.trim_start_matches('0');
    let others = text.chars().filter(|c| c.is_alphabetic()).count();
    let phone = phone.to_string();
    let is_end = bare.len() >= NUMBER_MIN_DIGITS && phone.ends_with(bare);
    let national = &phone[phone.len().saturating_sub(8)..];
    others <= 3 && (is_end || bare.contains(national))
}

/// Whether each character is the next one, or each the one before: 12345678, hgfedcba.
fn is_run(text: &str) -> bool {
    let codes: Vec<i64> = text.chars().map(|c| i64::from(u32::from(c))).collect();
    // 1234567890 ends with what stands last on the keyboard.
    let step = |pair: &[i64]| {
        if pair == [57, 48] {
            1
        } else if pair == [48, 57] {
            -1
        } else {
            pair[1] - pair[0]
        }
    };
    let runs = |by: i64| codes.windows(2).all(|pair| step(pair) == by);
    runs(1) || runs(-1)
}

/// Whether it is something short over and over: aaaaaaaa, 12121212, abc1abc1.
fn is_repeated(text: &str) -> bool {
    let chars: Vec<char> = text.chars().collect();
    (1..=4)
        .any(|unit| chars.len() >= unit * 2 && chars.iter().enumerate().all(|(at, c)| *c == chars[at % unit]))
}

/// Whether it is a piece of a row of keys, forwards or backwards, with nothing but figures behind.
fn is_of_row(text: &str, row: &str) -> bool {
    let backwards: String = row.chars().rev().collect();
    let letters = text.trim_end_matches(|c: char| c.is_ascii_digit());
    [text, letters]
        .iter()
        .any(|text| text.chars().count() >= 5 && (row.contains(text) || backwards.contains(text)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PHONE: Option<u64> = Some(265_991_234_567);

    #[test]
    fn what_everybody_tries_first_is_refused() {
        for bad in [
            "password",
            "Password1",
            "P@ssw0rd",
            "passw0rd!",
            "PASSWORD 123",
            "12345678",
            "1234567890",
            "87654321",
            "abcdefgh",
            "aaaaaaaa",
            "12121212",
            "abcabcabc",
            "abc1abc1",
            "qwertyui",
            "qwerty123",
            "poiuytrewq",
            "asdfghjkl",
            "1q2w3e4r",
            "iloveyou",
            "welcome1",
            "malawi2026",
            "Mizili-2026",
            "office123",
            "Karibuni 1",
            "letmein!!",
            "changeme",
        ] {
            assert!(weakness(bad, None).is_some(), "{bad}");
        }
    }

    #[test]
    fn ones_own_number_is_refused_however_it_is_written() {
        for bad in [
            "+265991234567",
            "265 991 234 567",
            "0991234567",
            "991234567",
            "099-123-4567",
            "0991234567a",
            "x0991234567",
        ] {
            assert!(weakness(bad, PHONE).is_some(), "{bad}");
            assert!(weakness(bad, Some(265_888_000_111)).is_none(), "another's number: {bad}");
        }
    }

    #[test]
    fn others_are_taken() {
        for good in [
            "correct horse",
            "office words",
            "chimanga 2026",
            "gift of rain",
            "nsima ndi nyemba",
            "x7-Kq.92m",
            "20261203 rain",
        ] {
            assert_eq!(weakness(good, PHONE), None, "{good}");
        }
        assert!(
            problem("/password", "short", None).is_some_and(|problem| problem.detail.contains("at least"))
        );
        assert!(problem("/password", "password", None).is_some_and(|problem| problem.pointer == "/password"));
    }
}

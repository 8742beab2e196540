//! Reads what stands after the `?`. A parameter that is not known is an error that names it, never ignored: a misspelt filter
//! would show everything.

use crate::name::tidy;
use crate::problem::{Kind, Problem};
use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use serde::de::DeserializeOwned;
use std::any::TypeId;
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Display;
use std::str::FromStr;
use std::sync::{PoisonError, RwLock};
use sync_protocol::units::Month;
use utoipa::IntoParams;

/// The query parameters as a `T`, whose fields are all `Option<String>`, and the address they came with. The checks of
/// single values are [`number`], [`month`] and their like, so that each error names its parameter.
#[derive(Debug)]
pub struct Params<T> {
    /// The parameters.
    pub given: T,
    /// Path and parameters: what the next page's address is made of.
    pub address: Address,
}

/// An address whose cursor can be put in place.
#[derive(Clone, Debug, Default)]
pub struct Address {
    path: String,
    query: String,
}

impl Address {
    /// The address with this cursor.
    pub fn with_cursor(&self, cursor: &str) -> String {
        let others = form_urlencoded::parse(self.query.as_bytes()).filter(|(name, _)| name != "cursor");
        let mut query = form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(others).append_pair("cursor", cursor);
        format!("{}?{}", self.path, query.finish())
    }
}

impl<S: Send + Sync, T: DeserializeOwned + IntoParams + 'static> FromRequestParts<S> for Params<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Problem> {
        read(parts.uri.path(), parts.uri.query().unwrap_or_default())
    }
}

fn read<T: DeserializeOwned + IntoParams + 'static>(path: &str, query: &str) -> Result<Params<T>, Problem> {
    let known = known::<T>();
    let mut seen: Vec<Cow<'_, str>> = Vec::with_capacity(known.len());
    for (name, _) in form_urlencoded::parse(query.as_bytes()) {
        if !known.iter().any(|k| *k == name) {
            return Err(unknown(&name, known));
        }
        if seen.contains(&name) {
            return Err(Problem::parameter(&name, "is there twice; give it once."));
        }
        seen.push(name);
    }
    let given = serde_urlencoded::from_str(query).map_err(Problem::internal)?;
    Ok(Params { given, address: Address { path: path.to_owned(), query: query.to_owned() } })
}

/// The names of the parameters of a `T`: made once, for a description of parameters is much larger than a request.
fn known<T: IntoParams + 'static>() -> &'static [String] {
    static KNOWN: RwLock<BTreeMap<TypeId, &'static [String]>> = RwLock::new(BTreeMap::new());
    let of = TypeId::of::<T>();
    if let Some(names) = KNOWN.read().unwrap_or_else(PoisonError::into_inner).get(&of) {
        return names;
    }
    let names = || T::into_params(|| None).into_iter().map(|parameter| parameter.name).collect::<Vec<_>>();
    KNOWN.write().unwrap_or_else(PoisonError::into_inner).entry(of).or_insert_with(|| names().leak())
}

fn unknown(name: &str, known: &[String]) -> Problem {
    let name: String = name.chars().take(80).collect();
    let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
    Kind::UnknownParameter
        .because(format!("There is no parameter `{name}` here. There are: {known}."))
        .member("parameter", name)
}

/// For routes that take no parameters: any is an error.
#[derive(Debug, serde::Deserialize, IntoParams)]
pub struct NoParams {}

/// A whole number.
///
/// # Errors
/// Names the parameter.
pub fn number<N: FromStr>(name: &str, value: Option<&str>) -> Result<Option<N>, Problem> {
    value.map(|v| v.parse().map_err(|_| Problem::parameter(name, "must be a whole number."))).transpose()
}

/// The id of a thing that the hub numbers, as whatever number the node keeps it by.
///
/// # Errors
/// Names the parameter.
pub fn id<N: FromStr>(name: &str, value: Option<&str>) -> Result<Option<N>, Problem> {
    let fits =
        |v: &str| v.bytes().all(|b| b.is_ascii_digit()) && v.parse::<u32>().is_ok_and(|id| id <= ID_MAX);
    let wrong = || Problem::parameter(name, "must be an id: a whole number.");
    value.map(|v| Some(v).filter(|v| fits(v)).and_then(|v| v.parse().ok()).ok_or_else(wrong)).transpose()
}

/// `true` or `false`.
///
/// # Errors
/// Names the parameter.
pub fn boolean(name: &str, value: Option<&str>) -> Result<Option<bool>, Problem> {
    value.map(|v| v.parse().map_err(|_| Problem::parameter(name, "must be true or false."))).transpose()
}

/// A month, `YYYY-MM`.
///
/// # Errors
/// Names the parameter.
pub fn month(name: &str, value: Option<&str>) -> Result<Option<Month>, Problem> {
    let read = |v: &str| {
        let is_number = |text: &str, digits| text.len() == digits && text.bytes().all(|b| b.is_ascii_digit());
        let (year, month) =
            v.split_once('-').filter(|(year, month)| is_number(year, 4) && is_number(month, 2))?;
        Month::new(year.parse().ok()?, month.parse().ok()?)
    };
    let wrong = || Problem::parameter(name, "must be a month such as 2022-06.");
    value.map(|v| read(v).ok_or_else(wrong)).transpose()
}

/// Characters of a text after the `?`, at most.
pub(crate) const TEXT_MAX_CHARS: usize = 200;

/// The largest id of a thing that the hub numbers: what its columns hold.
const ID_MAX: u32 = i32::MAX.cast_unsigned();

/// A thing's id or its name, whichever was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum IdOrName {
    /// Its number.
    Id(u32),
    /// Its name, trimmed.
    Name(String),
}

impl IdOrName {
    /// The number, if that was given.
    pub fn id(this: Option<&Self>) -> Option<u32> {
        if let Some(Self::Id(id)) = this { Some(*id) } else { None }
    }

    /// The name, if that was given.
    pub fn name(this: Option<&Self>) -> Option<&str> {
        if let Some(Self::Name(name)) = this { Some(name) } else { None }
    }

    /// Whether a thing of this id and one of these names is meant. Names are compared whole, in any case.
    pub fn means<'n>(&self, id: u32, names: impl IntoIterator<Item = &'n str>) -> bool {
        match self {
            Self::Id(wanted) => *wanted == id,
            Self::Name(wanted) => {
                let wanted = wanted.to_lowercase();
                names.into_iter().any(|name| !name.is_empty() && name.to_lowercase() == wanted)
            }
        }
    }
}

impl Display for IdOrName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Id(id) => write!(f, "the id {id}"),
            Self::Name(name) => write!(f, "the name '{}'", name.chars().take(80).collect::<String>()),
        }
    }
}

/// A thing's id or its name.
///
/// # Errors
/// Names the parameter when it is empty or no number that an id can be.
pub fn id_or_name(name: &str, value: Option<&str>) -> Result<Option<IdOrName>, Problem> {
    let Some(value) = value else { return Ok(None) };
    is_short(name, value)?;
    let value = value.trim();
    if value.is_empty() {
        return Err(Problem::parameter(name, "must not be empty; leave it out to see all."));
    }
    if value.bytes().all(|b| b.is_ascii_digit()) {
        let id = value.parse().ok().filter(|id| *id <= ID_MAX);
        let large = || Problem::parameter(name, "is no id: the number is too large.");
        return id.map(|id| Some(IdOrName::Id(id))).ok_or_else(large);
    }
    text(name, Some(value)).map(|value| value.map(IdOrName::Name))
}

/// A text to look for, in the form in which names are kept: not empty, without NUL.
///
/// # Errors
/// Names the parameter.
pub fn text(name: &str, value: Option<&str>) -> Result<Option<String>, Problem> {
    let Some(value) = value else { return Ok(None) };
    is_short(name, value)?;
    let value = tidy(value);
    if value.is_empty() || value.contains('\0') {
        return Err(not_a_text(name));
    }
    Ok(Some(value))
}

/// A text is counted as it came, before anything is taken off it: that is what the description promises.
fn is_short(name: &str, value: &str) -> Result<(), Problem> {
    if value.chars().count() > TEXT_MAX_CHARS { Err(not_a_text(name)) } else { Ok(()) }
}

fn not_a_text(name: &str) -> Problem {
    Problem::parameter(
        name,
        format!("must be a text of 1 to {TEXT_MAX_CHARS} characters; leave it out to see all."),
    )
}

/// An ISO 3166-1 alpha-3 country code, in capitals.
///
/// # Errors
/// Names the parameter.
pub fn country(name: &str, value: Option<&str>) -> Result<Option<String>, Problem> {
    let wrong = || Problem::parameter(name, "must be a country code of three letters, such as MWI.");
    let read = |v: &str| sync_protocol::bucket::CountryCode::new(v).map(|c| c.as_str().to_owned());
    value.map(|v| read(v).ok_or_else(wrong)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, serde::Deserialize, IntoParams)]
    struct Filter {
        commodity: Option<String>,
        limit: Option<String>,
        cursor: Option<String>,
    }

    #[test]
    fn unknown_and_repeated_parameters_are_named() {
        let error = read::<Filter>("/x", "comodity=Maize").unwrap_err();
        assert_eq!(error.kind(), Kind::UnknownParameter);
        assert!(
            error.to_string().contains("comodity") && error.to_string().contains("commodity, limit"),
            "{error}"
        );
        assert!(read::<Filter>("/x", "limit=1&limit=2").unwrap_err().to_string().contains("limit"));
        assert_eq!(read::<NoParams>("/x", "a=1").unwrap_err().kind(), Kind::UnknownParameter);
    }

    #[test]
    fn the_next_address_keeps_the_filters() {
        let params = read::<Filter>("/p", "commodity=Maize+%26+flour&cursor=old&limit=5").unwrap();
        assert_eq!(params.given.commodity.as_deref(), Some("Maize & flour"));
        assert_eq!(params.given.cursor.as_deref(), Some("old"));
        assert_eq!(params.given.limit.as_deref(), Some("5"));
        assert_eq!(params.address.with_cursor("new"), "/p?commodity=Maize+%26+flour&limit=5&cursor=new");
    }

    #[test]
    fn values_are_read_exactly_or_refused_by_name() {
        assert_eq!(month("from", Some("2022-06")).unwrap(), Month::new(2022, 6));
        for bad in ["2022-6", "2022-13", "22-06", "2022/06", "+022-06", "", "2022-06-01"] {
            assert!(month("from", Some(bad)).unwrap_err().to_string().contains("`from`"), "{bad}");
        }
        assert_eq!(id_or_name("m", Some("12")).unwrap(), Some(IdOrName::Id(12)));
        assert_eq!(id_or_name("m", Some(" Lilongwe ")).unwrap(), Some(IdOrName::Name("Lilongwe".to_owned())));
        assert!(IdOrName::Name("chimanga".to_owned()).means(7, ["Maize", "", "Chimanga"]));
        assert!(!IdOrName::Name("chi".to_owned()).means(7, ["Maize", "Chimanga"]));
        assert!(IdOrName::Id(7).means(7, []) && !IdOrName::Id(8).means(7, ["8"]));
        for large in ["2147483648", "4294967296", "99999999999"] {
            assert!(id_or_name("m", Some(large)).is_err(), "{large}");
        }
        assert_eq!(text("q", Some("Cho\u{301}kwe\u{200b}")).unwrap().as_deref(), Some("Chókwe"));
        assert!(text("q", Some("\u{200b}")).is_err());
        assert!(id_or_name("m", Some("a\0b")).is_err());
        for long in ["0", " ", "a"].map(|letter| format!("{}7", letter.repeat(TEXT_MAX_CHARS))) {
            assert!(id_or_name("m", Some(&long)).is_err() && text("q", Some(&long)).is_err(), "{long}");
        }
        assert!(country("c", Some("Malawi")).is_err());
        assert_eq!(id::<i32>("c", Some("2147483647")).unwrap(), Some(i32::MAX));
        for bad in ["-1", "+1", "2147483648", "", "1.0", "x"] {
            assert!(id::<u32>("c", Some(bad)).is_err(), "{bad}");
        }
    }
}

//! Pages of lists: an opaque keyset cursor, stable while rows come and go, and never more than a hundred items. A cursor names its
//! list: that of another one, or one that nobody was given, is refused and never guessed at.

use super::query::{Address, number};
use crate::api::Page;
use crate::problem::Problem;
use axum::Json;
use axum::http::{HeaderName, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::cmp::Ordering;

/// Items of a page when the client does not say.
pub const LIMIT_DEFAULT: u32 = 50;
/// Most items of a page: a page must stay small on a slow line.
pub const LIMIT_MAX: u32 = 100;

/// Longest cursor that is looked at.
const CURSOR_MAX_BYTES: usize = 400;

/// Where a page begins and how long it is. `K` is the sort key of the last item of the page before. A key that is read is a
/// client's word: what its type takes must be fit for a query as it is.
#[derive(Clone, Debug)]
pub struct Slice<K> {
    /// The list that its cursors are for.
    list: &'static str,
    /// The key after which the page begins; `None` for the first page.
    pub after: Option<K>,
    /// Most items.
    pub limit: u32,
}

impl<K: Serialize + DeserializeOwned> Slice<K> {
    /// From the parameters `limit` and `cursor`. `list` names the list in its cursors: a name for each order of each list, also
    /// where two nodes have a list at one address and sort it otherwise.
    ///
    /// # Errors
    /// Names the parameter that is wrong.
    pub fn read(list: &'static str, limit: Option<&str>, cursor: Option<&str>) -> Result<Self, Problem> {
        let limit = number("limit", limit)?.unwrap_or(LIMIT_DEFAULT);
        if !(1..=LIMIT_MAX).contains(&limit) {
            return Err(Problem::parameter("limit", format!("must be between 1 and {LIMIT_MAX}.")));
        }
        Ok(Self { list, after: cursor.map(|cursor| decode(list, cursor)).transpose()?, limit })
    }

    /// How many rows to fetch: one more than the page holds says whether there is a next one.
    pub fn fetch(&self) -> i64 {
        i64::from(self.limit) + 1
    }

    /// Cuts the rows that were fetched, as many as [`Slice::fetch`] says, into a page.
    pub fn cut<T>(&self, mut rows: Vec<(K, T)>) -> Cut<T> {
        let limit = self.limit as usize;
        let more = rows.len() > limit;
        rows.truncate(limit);
        let next = rows.last().filter(|_| more).map(|(key, _)| encode(self.list, key));
        Cut { items: rows.into_iter().map(|(_, item)| item).collect(), next }
    }

    /// Cuts a page out of a whole list that is in its order. Only the items of the page are made from the rows.
    ///
    /// # Errors
    /// Those of `make`.
    pub fn cut_whole<R, T, E>(
        &self,
        rows: Vec<R>,
        key: impl Fn(&R) -> K,
        order: impl Fn(&K, &K) -> Ordering,
        mut make: impl FnMut(R) -> Result<T, E>,
    ) -> Result<Cut<T>, E> {
        let limit = self.limit as usize;
        let is_later =
            |row: &R| self.after.as_ref().is_none_or(|after| order(&key(row), after) == Ordering::Greater);
        let start = rows.iter().position(is_later).unwrap_or(rows.len());
        let more = rows.len() - start > limit;
        let last = rows.get((start + limit).saturating_sub(1)).filter(|_| more);
        let next = last.map(|row| encode(self.list, &key(row)));
        let items: Result<Vec<T>, E> = rows.into_iter().skip(start).take(limit).map(&mut make).collect();
        Ok(Cut { items: items?, next })
    }
}

/// A page's items, and the cursor of the next page if there is one.
#[derive(Clone, Debug)]
pub struct Cut<T> {
    /// The items.
    pub items: Vec<T>,
    /// The next page's cursor.
    pub next: Option<String>,
}

impl<T: Serialize> Cut<T> {
    /// The answer: a [`Page`], with the next page's address in the body and in a `Link` header.
    pub fn respond(self, address: &Address) -> Response {
        let next = self.next.map(|cursor| address.with_cursor(&cursor));
        let link: Option<[(HeaderName, HeaderValue); 1]> = next
            .as_ref()
            .and_then(|next| HeaderValue::from_str(&format!("<{next}>; rel=\"next\"")).ok())
            .map(|value| [(header::LINK, value)]);
        let body = Json(Page { items: self.items, next });
        match link {
            Some(link) => (link, body).into_response(),
            None => body.into_response(),
        }
    }
}

fn encode<K: Serialize>(list: &str, key: &K) -> String {
    // A key is numbers and texts: writing it to memory cannot fail.
    URL_SAFE_NO_PAD.encode(serde_json::to_vec(&(list, key)).unwrap_or_default())
}

fn decode<K: DeserializeOwned>(list: &str, cursor: &str) -> Result<K, Problem> {
    let wrong = || {
        Problem::parameter(
            "cursor",
            "is not one of this list. Follow `next` as it is, or leave the cursor out.",
        )
    };
    if cursor.len() > CURSOR_MAX_BYTES {
        return Err(wrong());
    }
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| wrong())?;
    let (of, key) = serde_json::from_slice::<(String, K)>(&bytes).map_err(|_| wrong())?;
    if of == list { Ok(key) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cut_whole(slice: &Slice<u32>, rows: &[u32]) -> Cut<u32> {
        slice.cut_whole(rows.to_vec(), |row| *row, |a, b| b.cmp(a), Ok::<u32, Problem>).unwrap()
    }

    #[test]
    fn a_page_knows_whether_there_is_a_next_one() {
        let slice = Slice::<(i64, u32)>::read("things", Some("2"), None).unwrap();
        assert_eq!(slice.fetch(), 3);
        let full = slice.cut(vec![((9, 1), "a"), ((8, 2), "b"), ((7, 3), "c")]);
        assert_eq!(full.items, ["a", "b"]);
        let next = Slice::<(i64, u32)>::read("things", None, full.next.as_deref()).unwrap();
        assert_eq!(next.after, Some((8, 2)));
        assert!(slice.cut(vec![((9, 1), "a"), ((8, 2), "b")]).next.is_none());
    }

    #[test]
    fn a_page_of_a_whole_list_begins_after_the_one_before() {
        let slice = Slice::<u32>::read("things", Some("2"), None).unwrap();
        let full = cut_whole(&slice, &[9, 8, 7]);
        assert_eq!(full.items, [9, 8]);
        let next = Slice::<u32>::read("things", Some("2"), full.next.as_deref()).unwrap();
        assert_eq!(next.after, Some(8));
        // What was the last of the page before is gone, and a new one stands on top: nothing is missed or shown twice.
        let last = cut_whole(&next, &[10, 9, 7, 6]);
        assert_eq!((last.items, last.next.is_some()), (vec![7, 6], false));
        assert!(cut_whole(&slice, &[9, 8]).next.is_none());
        assert!(cut_whole(&slice, &[]).items.is_empty());
    }

    #[test]
    fn limits_and_cursors_out_of_range_are_named() {
        for bad in ["0", "101", "-1", "x", "1e3", "99999999999"] {
            let error = Slice::<u32>::read("things", Some(bad), None).unwrap_err();
            assert!(error.to_string().contains("`limit`"), "{error}");
        }
        for bad in ["", "%%%", "bm8", &"A".repeat(5000)] {
            let error = Slice::<u32>::read("things", None, Some(bad)).unwrap_err();
            assert!(error.to_string().contains("`cursor`"), "{error}");
        }
    }

    #[test]
    fn a_cursor_is_good_for_its_own_list_alone() {
        let next = Slice::<u32>::read("markets", Some("1"), None).unwrap().cut(vec![(1, "a"), (2, "b")]).next;
        assert_eq!(Slice::<u32>::read("markets", None, next.as_deref()).unwrap().after, Some(1));
        let error = Slice::<u32>::read("regions", None, next.as_deref()).unwrap_err();
        assert!(error.to_string().contains("`cursor`"), "{error}");
        // One from before cursors named their lists.
        assert!(Slice::<u32>::read("markets", None, Some(&URL_SAFE_NO_PAD.encode("1"))).is_err());
    }
}

//! The text of a list, put together from the filters that are set. A filter that is not set leaves no trace in it: a plan that is
//! kept must be right for every use of its text, which no plan is for `$1 IS NULL OR column = $1`. Only the program's own texts
//! go in; what people sent is bound.
//!
//! Combinations that are asked for again and again are kept by each connection; rare ones are planned each time, or they would
//! push out the others.

use super::statements;
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Arguments, AssertSqlSafe, Encode, PgConnection, Postgres, Type};
use std::fmt::Write;

/// Sizes to which pages are rounded up, one row more included. The number stands in the text: a plan for any size would be made
/// for a tenth of the table.
const SIZES: [u32; 3] = [21, 51, 101];

/// See the module.
pub struct Narrowed {
    sql: String,
    arguments: PgArguments,
    bound: Result<usize, BoxDynError>,
    rare: bool,
}

impl Narrowed {
    /// Begins a text.
    pub fn of(beginning: &'static str) -> Self {
        Self { sql: beginning.to_owned(), arguments: PgArguments::default(), bound: Ok(0), rare: false }
    }

    /// Goes on.
    pub fn then(mut self, text: &'static str) -> Self {
        self.sql.push_str(text);
        self
    }

    /// Goes on with a text in which each `?` stands for the value.
    pub fn with<'t, T: Encode<'t, Postgres> + Type<Postgres>>(
        mut self,
        text: &'static str,
        value: T,
    ) -> Self {
        self.bound = self.bound.and_then(|bound| {
            self.arguments.add(value)?;
            let number = bound + 1;
            for (at, part) in text.split('?').enumerate() {
                if at > 0 {
                    write!(self.sql, "${number}")?;
                }
                self.sql.push_str(part);
            }
            Ok(number)
        });
        self
    }

    /// The same for a filter that may not be set.
    pub fn maybe<'t, T: Encode<'t, Postgres> + Type<Postgres>>(
        self,
        text: &'static str,
        value: Option<T>,
    ) -> Self {
        match value {
            Some(value) => self.with(text, value),
            None => self,
        }
    }

    /// A filter that few set.
    pub fn rarely<'t, T: Encode<'t, Postgres> + Type<Postgres>>(
        mut self,
        text: &'static str,
        value: Option<T>,
    ) -> Self {
        self.rare |= value.is_some();
        self.maybe(text, value)
    }

    /// Ids, of which a row has one: by `one` where there is a single one, which an index can be walked along for, and else by `any`.
    pub fn among(self, one: &'static str, any: &'static str, ids: Option<&[i32]>) -> Self {
        match ids {
            None => self,
            Some([id]) => self.with(one, *id),
            Some(ids) => self.with(any, ids),
        }
    }

    /// Says whether this combination is asked for too seldom to be kept.
    pub fn rare_if(mut self, rare: bool) -> Self {
        self.rare |= rare;
        self
    }

    /// Goes on with a number of rows, at least so many.
    pub fn at_least(mut self, text: &'static str, rows: i64) -> Self {
        let size = SIZES.into_iter().find(|size| i64::from(*size) >= rows);
        self.rare |= size.is_none();
        self.sql.push_str(text);
        // A text is where a number cannot fail to go.
        let _ = write!(self.sql, " {}", size.map_or(rows, i64::from));
        self
    }

    /// The text and whether it is kept.
    pub fn text(&self) -> (&str, bool) {
        (&self.sql, !self.rare)
    }

    /// Runs it.
    ///
    /// # Errors
    /// Those of the database; a value that cannot be sent.
    pub async fn fetch_all(self, conn: &mut PgConnection) -> Result<Vec<PgRow>, sqlx::Error> {
        self.bound.map_err(sqlx::Error::Encode)?;
        let kept = !self.rare && statements::are_named();
        sqlx::query_with(AssertSqlSafe(self.sql), self.arguments).persistent(kept).fetch_all(conn).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_filter_that_is_not_set_leaves_no_trace() {
        let list = |crop: Option<i32>, words: Option<&str>, rows| {
            Narrowed::of("SELECT * FROM t WHERE true")
                .maybe(" AND crop = ?", crop)
                .rarely(" AND strpos(a, ?) + strpos(b, ?) > 0", words)
                .at_least(" LIMIT", rows)
        };
        let of = |list: &Narrowed| (list.text().0.to_owned(), list.text().1);
        assert_eq!(of(&list(None, None, 2)), ("SELECT * FROM t WHERE true LIMIT 21".to_owned(), true));
        let both = "SELECT * FROM t WHERE true AND crop = $1 AND strpos(a, $2) + strpos(b, $2) > 0 LIMIT 101";
        assert_eq!(of(&list(Some(7), Some("x"), 101)), (both.to_owned(), false));
        let (text, kept) = of(&list(Some(7), None, i64::MAX));
        assert!(text.ends_with(&i64::MAX.to_string()) && !kept, "all of them, for an operator: {text}");
    }

    #[test]
    fn one_id_is_walked_along_and_several_are_searched() {
        let among = |ids| Narrowed::of("").among("a = ?", "a = ANY(?)", ids).text().0.to_owned();
        assert_eq!(among(None), "");
        assert_eq!(among(Some(&[4][..])), "a = $1");
        assert_eq!(among(Some(&[4, 5][..])), "a = ANY($1)");
    }
}

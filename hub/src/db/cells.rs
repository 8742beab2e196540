//! One row of a query's answer, read column by column. A stored value that does not fit is an error that names table and column;
//! nothing is guessed. Which columns a table's rows are read from, and in which order, says its file in `tables/` alone.

use sqlx::postgres::PgRow;
use sqlx::{Decode, Postgres, Row, Type};
use sync_protocol::bucket::{Bucket, CountryCode};
use sync_protocol::ids::RegionId;
use sync_protocol::units::Currency;

/// One row of a table, read column by column.
#[derive(Clone, Copy)]
pub struct Cells<'r> {
    table: &'static str,
    row: &'r PgRow,
    /// The column that counts as the first.
    from: usize,
}

impl<'r> Cells<'r> {
    /// A row, and the table's name for errors.
    pub fn of(table: &'static str, row: &'r PgRow) -> Self {
        Self { table, row, from: 0 }
    }

    /// What stands after so many columns.
    #[must_use]
    pub fn after(self, columns: usize) -> Self {
        Self { from: self.from + columns, ..self }
    }

    /// A column as Postgres has it.
    ///
    /// # Errors
    /// Another type, or NULL.
    pub fn get<T: Decode<'r, Postgres> + Type<Postgres>>(&self, at: usize) -> Result<T, sqlx::Error> {
        self.row.try_get(self.from + at)
    }

    /// An `int` column that is never negative.
    ///
    /// # Errors
    /// It is.
    pub fn number(&self, at: usize) -> Result<u32, sqlx::Error> {
        u32::try_from(self.get::<i32>(at)?).map_err(|_| self.misfit(at))
    }

    /// An `int` column that is never negative and may be NULL.
    ///
    /// # Errors
    /// It is negative.
    pub fn number_or_null(&self, at: usize) -> Result<Option<u32>, sqlx::Error> {
        let number = self.get::<Option<i32>>(at)?;
        number.map(|n| u32::try_from(n).map_err(|_| self.misfit(at))).transpose()
    }

    /// A `bigint` column that is never negative: a version, a sequence number, a phone number.
    ///
    /// # Errors
    /// It is negative.
    pub fn count(&self, at: usize) -> Result<u64, sqlx::Error> {
        u64::try_from(self.get::<i64>(at)?).map_err(|_| self.misfit(at))
    }

    /// A currency.
    ///
    /// # Errors
    /// No three letters.
    pub fn currency(&self, at: usize) -> Result<Currency, sqlx::Error> {
        Currency::new(self.get(at)?).ok_or_else(|| self.misfit(at))
    }

    /// A country.
    ///
    /// # Errors
    /// No three letters.
    pub fn country(&self, at: usize) -> Result<CountryCode, sqlx::Error> {
        CountryCode::new(self.get(at)?).ok_or_else(|| self.misfit(at))
    }

    /// The bucket of what stands in a region, or in a country where there is none.
    ///
    /// # Errors
    /// No country.
    pub fn place(&self, region_at: usize, country_at: usize) -> Result<Bucket, sqlx::Error> {
        Ok(match self.number_or_null(region_at)? {
            Some(region) => Bucket::Region(RegionId(region)),
            None => Bucket::Country(self.country(country_at)?),
        })
    }

    /// That a column holds what it never should.
    pub fn misfit(&self, at: usize) -> sqlx::Error {
        use sqlx::Column;
        let column = self.row.columns().get(self.from + at).map_or("?", |c| c.name());
        sqlx::Error::Decode(format!("{}.{column} holds a value that does not fit", self.table).into())
    }
}

/// A phone number: at most fifteen digits, so it fits any column.
pub fn phone(number: u64) -> Result<i64, sqlx::Error> {
    i64::try_from(number).map_err(|_| sqlx::Error::Encode("a phone number does not fit its column".into()))
}

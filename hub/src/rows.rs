//! Turns rows of the hub's tables into the entities of the protocol, for whoever reads them: projections of the feed and the
//! working set of commands. Each function says which columns it wants, in order. A stored value that does not fit is an error
//! that names table and column; nothing is guessed.

use crate::db::misfit;
use sqlx::postgres::PgRow;
use sqlx::{Decode, Postgres, Row, Type};
use sync_protocol::bucket::{Bucket, CountryCode};
use sync_protocol::ids::{
    CommodityId, CooperativeId, Holder, ListingId, MemberId, OrderId, RegionId, UnitId,
};
use sync_protocol::market::{
    Channel, EntryId, EntryKind, Listing, ListingStatus, Member, Order, OrderStatus, StockEntry, UnitBase,
};
use sync_protocol::units::{Currency, Quantity};
use uuid::Uuid;

/// One row of a table, read column by column.
#[derive(Clone, Copy)]
pub struct Cells<'r> {
    table: &'static str,
    row: &'r PgRow,
}

impl<'r> Cells<'r> {
    /// A row, and the table's name for errors.
    pub fn of(table: &'static str, row: &'r PgRow) -> Self {
        Self { table, row }
    }

    /// A column as Postgres has it.
    ///
    /// # Errors
    /// Another type, or NULL.
    pub fn get<T: Decode<'r, Postgres> + Type<Postgres>>(&self, at: usize) -> Result<T, sqlx::Error> {
        self.row.try_get(at)
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
        let column = self.row.columns().get(at).map_or("?", |c| c.name());
        sqlx::Error::Decode(format!("{}.{column} holds a value that does not fit", self.table).into())
    }
}

/// A phone number: at most fifteen digits, so it fits any column.
pub fn phone(number: u64) -> Result<i64, sqlx::Error> {
    i64::try_from(number).map_err(|_| sqlx::Error::Encode("a phone number does not fit its column".into()))
}

/// `id, cooperative_id, name, phone, language, registered_at_s` of `members`.
pub fn member(row: &PgRow) -> Result<Member, sqlx::Error> {
    let cells = Cells::of("members", row);
    Ok(Member {
        id: MemberId(cells.get(0)?),
        cooperative: CooperativeId(cells.number(1)?),
        name: cells.get(2)?,
        phone: cells.count(3)?,
        language: cells.get(4)?,
        registered_at_s: cells.get(5)?,
    })
}

/// `id, cooperative_id, commodity_id, unit_id, title, price_minor, currency, seller_id, status, posted_at_s` of `listings`.
pub fn listing(row: &PgRow) -> Result<Listing, sqlx::Error> {
    let cells = Cells::of("listings", row);
    Ok(Listing {
        id: ListingId(cells.get(0)?),
        cooperative: CooperativeId(cells.number(1)?),
        commodity: CommodityId(cells.number(2)?),
        unit: UnitId(cells.number(3)?),
        title: cells.get(4)?,
        price_minor: cells.get(5)?,
        currency: cells.currency(6)?,
        seller: cells.get::<Option<Uuid>>(7)?.map(MemberId),
        status: ListingStatus::from_code(cells.number(8)?),
        posted_at_s: cells.get(9)?,
        available: None,
    })
}

/// `of_id, step, listing_id, holder, quantity_milli, kind` of `stock_entries`.
pub fn stock_entry(row: &PgRow) -> Result<StockEntry, sqlx::Error> {
    let cells = Cells::of("stock_entries", row);
    Ok(StockEntry {
        id: EntryId { of: cells.get(0)?, step: cells.number(1)? },
        listing: ListingId(cells.get(2)?),
        holder: Holder::from_code(cells.number(3)?),
        quantity: Quantity(cells.get(4)?),
        kind: EntryKind::from_code(cells.number(5)?),
    })
}

/// `id, listing_id, cooperative_id, quantity_milli, unit_price_minor, currency, holder, buyer_phone, buyer_name,
/// buyer_cooperative_id, status, channel, placed_at_s, odd_price` of `orders`. What offices
/// are told beside it is added where it is told.
pub fn order(row: &PgRow) -> Result<Order, sqlx::Error> {
    let cells = Cells::of("orders", row);
    Ok(Order {
        id: OrderId(cells.get(0)?),
        listing: ListingId(cells.get(1)?),
        cooperative: CooperativeId(cells.number(2)?),
        quantity: Quantity(cells.get(3)?),
        unit_price_minor: cells.get(4)?,
        currency: cells.currency(5)?,
        holder: cells.number_or_null(6)?.map(Holder::from_code),
        buyer_phone: cells.count(7)?,
        buyer_name: cells.get(8)?,
        buyer_cooperative: cells.number_or_null(9)?.map(CooperativeId),
        status: OrderStatus::from_code(cells.number(10)?),
        channel: Channel::from_code(cells.number(11)?),
        placed_at_s: cells.get(12)?,
        odd_price: cells.get(13)?,
        buyer_unconfirmed: false,
        recorded_at_s: None,
    })
}

/// The steps in which the unit of a row can be had, in thousandths; `None` where there is no unit.
pub(crate) fn step_milli(row: &PgRow) -> Result<Option<i64>, sqlx::Error> {
    let (base, factor): (Option<i32>, Option<i64>) = (row.try_get("base")?, row.try_get("factor_milli")?);
    let (Some(base), Some(factor)) = (base, factor) else { return Ok(None) };
    let base = u32::try_from(base).map_err(|_| misfit("units", "base"))?;
    Ok(Some(UnitBase::from_code(base).step_milli(factor)))
}

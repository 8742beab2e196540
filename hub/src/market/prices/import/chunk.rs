//! One chunk of a file in one transaction: what it refers to, its prices, what they were before, and the feed.
//!
//! The same chunk twice changes nothing the second time; so a transaction whose commit went unseen may be tried again,
//! and an import that broke off may be begun anew. Nothing may be written outside the transaction that is handed in.

use std::collections::BTreeMap;

use sqlx::PgConnection;
use sync_protocol::bucket::CountryCode;
use sync_protocol::ids::SeriesId;
use sync_protocol::market::{Entity, Price, PriceFlags};
use sync_protocol::units::Month;

use super::db::prices as sql;
use super::error::ImportError;
use super::plan::{Incoming, Objected, SeriesPlan, Stored, plan_series};
use super::reference::{Ids, Preparation, bucket, price_key};
use super::scan::{Catalogue, Priced};
use super::words::Words;
use super::{Precedence, SOURCE, db};
use crate::db::misfit;
use crate::feed::{Touched, prices::touch_window, publish};
use crate::news::Moved;

/// What is fixed for all chunks of an import.
pub(super) struct Setting {
    pub(super) import_id: i32,
    pub(super) country: CountryCode,
    pub(super) precedence: Precedence,
    pub(super) words: Words,
}

/// What a chunk did.
#[derive(Debug, Default)]
pub(super) struct Applied {
    pub(super) new: u64,
    pub(super) changed: u64,
    pub(super) unchanged: u64,
    /// Prices that stood there before and are in the file.
    pub(super) matched: u64,
    /// By the catalogue's number of the series.
    pub(super) objections: Vec<(u32, Objected)>,
    /// To be told after the commit.
    pub(super) moved: Moved,
}

/// Stores a chunk's prices. `ids` learns what it lacked. `looks` where an earlier try has failed: the feed then looks at what stands of
/// prices that are new to the tables, too.
pub(super) async fn apply(
    connection: &mut PgConnection,
    setting: &Setting,
    catalogue: &Catalogue,
    ids: &mut Ids,
    chunk: &[Priced],
    looks: bool,
) -> Result<Applied, ImportError> {
    db::imports::lock(connection, SOURCE, catalogue.country.iso3).await?;
    let mut touched = Touched::new();
    let by_series = by_series(chunk);
    let mut preparation = Preparation {
        catalogue,
        words: &setting.words,
        precedence: setting.precedence,
        country: setting.country,
        connection: &mut *connection,
        ids: &mut *ids,
        touched: &mut touched,
    };
    preparation.run(&by_series.keys().copied().collect()).await?;
    let mut work = Work { setting, ids, connection, touched: &mut touched, made: Vec::new() };
    let mut applied = work.prices(&by_series).await?;
    if looks {
        touched.look_at_all();
    }
    publish(connection, &touched).await.map_err(ImportError::Feed)?;
    applied.moved = touched.moved();
    Ok(applied)
}

/// A chunk's prices by series, in the order of lines.
fn by_series(chunk: &[Priced]) -> BTreeMap<u32, Vec<Incoming>> {
    let mut by_series: BTreeMap<u32, Vec<Incoming>> = BTreeMap::new();
    for price in chunk {
        by_series.entry(price.series).or_default().push(Incoming {
            line: price.line,
            month: price.month.0,
            price_minor: price.price_minor,
            flags: price.flags,
            repeated: price.repeated,
        });
    }
    by_series
}

struct Work<'a> {
    setting: &'a Setting,
    ids: &'a Ids,
    connection: &'a mut PgConnection,
    touched: &'a mut Touched,
    /// The prices that are new to the tables, of those that the feed keeps.
    made: Vec<Price>,
}

impl Work<'_> {
    async fn prices(&mut self, by_series: &BTreeMap<u32, Vec<Incoming>>) -> Result<Applied, ImportError> {
        // In the order of ids: so are prices stored, and so do neighbours in the feed get neighbouring versions.
        let mut order: Vec<(i32, u32, &[Incoming])> = Vec::with_capacity(by_series.len());
        for (&place, incoming) in by_series {
            let id = self.ids.series(place).ok_or(sqlx::Error::RowNotFound)?;
            order.push((id, place, incoming));
        }
        order.sort_unstable_by_key(|(id, ..)| *id);
        let series_ids: Vec<i32> = order.iter().map(|(id, ..)| *id).collect();
        let info = sql::series_info(self.connection, &series_ids).await?;
        let stored = sql::around(self.connection, &stretches(&order)).await?;

        let mut applied = Applied::default();
        let mut writes = Writes::default();
        for (id, place, incoming) in order {
            let stored = stored.get(&id).map_or(&[][..], Vec::as_slice);
            let plan = plan_series(stored, incoming, self.setting.precedence);
            let info = info.get(&id).ok_or_else(|| misfit("price_series", "market_id"))?;
            writes.take(id, info, &plan)?;
            self.touch(id, info, &plan)?;
            applied.new += plan.inserts.len() as u64;
            applied.changed += plan.updates.iter().filter(|update| update.before.is_some()).count() as u64;
            applied.unchanged += plan.unchanged;
            applied.matched += plan.matched;
            applied.objections.extend(plan.objections.into_iter().map(|objected| (place, objected)));
        }
        self.write(writes).await?;
        // After the windows, which name what the feed lacks.
        for price in &self.made {
            self.touched.made(Price::NUMBER, price.key(), &price.to_fields());
        }
        Ok(applied)
    }

    /// Names the prices that change and that the feed keeps or has kept until now.
    fn touch(&mut self, id: i32, info: &sql::SeriesInfo, plan: &SeriesPlan) -> Result<(), sqlx::Error> {
        let bucket = bucket(self.setting.country, info.region_id)?;
        let newest = newest_after(info, plan);
        let is_kept = |price: &&Stored| price.month + info.history_months > newest;
        for price in plan.updates.iter().map(|update| &update.now).filter(is_kept) {
            self.touched.add(bucket, Price::NUMBER, price_key(id, price.month)?);
        }
        for price in plan.inserts.iter().filter(is_kept) {
            let series = SeriesId(u32::try_from(id).map_err(|_| misfit("price_series", "id"))?);
            let flags = PriceFlags(price.flags);
            let price = Price { at: (series, Month(price.month)), price_minor: price.price_minor, flags };
            self.touched.add(bucket, Price::NUMBER, price.key());
            self.made.push(price);
        }
        Ok(())
    }

    async fn write(&mut self, writes: Writes) -> Result<(), ImportError> {
        let import_id = self.setting.import_id;
        if !writes.inserts.is_empty() {
            sql::insert(self.connection, import_id, writes.inserts).await?;
        }
        if !writes.updates.is_empty() {
            sql::update(self.connection, import_id, writes.updates).await?;
        }
        if !writes.revisions.is_empty() {
            sql::insert_revisions(self.connection, import_id, writes.revisions).await?;
        }
        if !writes.newest.is_empty() {
            sql::advance(self.connection, &writes.newest).await?;
            let advanced: Vec<i32> = writes.newest.iter().map(|(id, _)| *id).collect();
            touch_windows(self.connection, self.touched, &advanced).await?;
        }
        Ok(())
    }
}

/// Names the prices that leave the months that the feed keeps, or come back into them.
pub(super) async fn touch_windows(
    connection: &mut PgConnection,
    touched: &mut Touched,
    series_ids: &[i32],
) -> Result<(), sqlx::Error> {
    let id = |id: &i32| u32::try_from(*id).map(SeriesId).map_err(|_| misfit("price_series", "id"));
    let ids: Vec<SeriesId> = series_ids.iter().map(id).collect::<Result<_, _>>()?;
    touch_window(connection, touched, &ids).await
}

fn newest_after(info: &sql::SeriesInfo, plan: &SeriesPlan) -> u32 {
    plan.inserts.last().map_or(info.newest_month, |price| price.month.max(info.newest_month))
}

fn stretches(order: &[(i32, u32, &[Incoming])]) -> Vec<sql::Stretch> {
    let stretch = |(id, _, incoming): &(i32, u32, &[Incoming])| {
        let months = || incoming.iter().map(|price| price.month);
        Some((*id, months().min()?, months().max()?))
    };
    order.iter().filter_map(stretch).collect()
}

/// What a chunk writes.
#[derive(Default)]
struct Writes {
    inserts: sql::Rows,
    updates: sql::Rows,
    revisions: sql::Rows,
    newest: Vec<(i32, u32)>,
}

impl Writes {
    fn take(&mut self, id: i32, info: &sql::SeriesInfo, plan: &SeriesPlan) -> Result<(), sqlx::Error> {
        for price in &plan.inserts {
            self.inserts.push(id, price, true)?;
        }
        for update in &plan.updates {
            self.updates.push(id, &update.now, update.before.is_some())?;
            if let Some(before) = &update.before {
                self.revisions.push(id, before, true)?;
            }
        }
        let newest = newest_after(info, plan);
        if newest > info.newest_month {
            self.newest.push((id, newest));
        }
        Ok(())
    }
}

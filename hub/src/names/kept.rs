//! The small tables as they are kept: by id for what is shown, by name for what is asked for. Plain values; it asks nobody but
//! where it is read.

use super::{Asked, Meant};
use crate::db::q;
use crate::tables::{read_all, unit_columns};
use mizili_node::query::IdOrName;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use std::collections::HashMap;
use sync_protocol::ids::{CommodityId, MarketId, UnitId};
use sync_protocol::market::Unit;

/// All names, as of some versions of their buckets.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    /// Name and version of each bucket in which they stand.
    versions: Vec<(String, i64)>,
    commodities: HashMap<i32, String>,
    /// In every language.
    commodities_by_name: ByName,
    units: HashMap<i32, Unit>,
    markets: HashMap<i32, Market>,
    markets_by_name: ByName,
    regions: HashMap<i32, String>,
    regions_by_name: ByName,
}

/// The ids of what is called so, in order; by the name in small letters.
type ByName = HashMap<String, Vec<i32>>;

/// A market.
#[derive(Debug)]
pub(crate) struct Market {
    pub(crate) name: String,
    pub(crate) country: String,
    pub(crate) region: Option<i32>,
}

/// A parameter that names nothing, what it says, and the list to look in.
pub(crate) type Unknown<'a> = (&'static str, &'a IdOrName, &'static str);

impl Kept {
    pub(crate) fn commodity(&self, id: CommodityId) -> Option<&str> {
        self.commodities.get(&id.0.cast_signed()).map(String::as_str)
    }

    pub(crate) fn unit(&self, id: UnitId) -> Option<&Unit> {
        self.units.get(&id.0.cast_signed())
    }

    pub(crate) fn market(&self, id: MarketId) -> Option<&Market> {
        self.markets.get(&id.0.cast_signed())
    }

    pub(crate) fn region(&self, id: i32) -> Option<&str> {
        self.regions.get(&id).map(String::as_str)
    }

    /// The ids of some markets, in order.
    pub(crate) fn markets_where(&self, is: impl Fn(i32, &Market) -> bool) -> Vec<i32> {
        sorted(self.markets.iter().filter(|(id, market)| is(**id, market)).map(|(id, _)| *id))
    }

    /// What is asked for, in ids.
    ///
    /// # Errors
    /// What names nothing. The beginning of a name that nothing has is no error: people type it letter by letter.
    pub(crate) fn meant<'a>(&self, asked: Asked<'a>) -> Result<Meant, Unknown<'a>> {
        let all = |ids: Vec<i32>, unknown: Unknown<'a>| if ids.is_empty() { Err(unknown) } else { Ok(ids) };
        let commodity = |given: &'a IdOrName| {
            let ids = ids(given, &self.commodities, &self.commodities_by_name);
            all(ids, ("commodity", given, "commodities"))
        };
        let market = |given: &'a IdOrName| {
            all(ids(given, &self.markets, &self.markets_by_name), ("market", given, "markets"))
        };
        let region = |given: &'a IdOrName| {
            all(ids(given, &self.regions, &self.regions_by_name), ("region", given, "regions"))
        };
        let mut commodities = asked.commodity.map(commodity).transpose()?;
        if let Some(beginning) = asked.crop {
            let begun = self.begun(beginning);
            commodities = Some(match commodities {
                Some(named) => named.into_iter().filter(|id| begun.contains(id)).collect(),
                None => begun,
            });
        }
        Ok(Meant {
            commodities,
            markets: asked.market.map(market).transpose()?,
            regions: asked.region.map(region).transpose()?,
        })
    }

    /// Commodities one of whose names begins so.
    fn begun(&self, beginning: &str) -> Vec<i32> {
        let beginning = beginning.to_lowercase();
        let begun = self.commodities_by_name.iter().filter(|(name, _)| name.starts_with(&beginning));
        sorted(begun.flat_map(|(_, ids)| ids).copied())
    }

    /// Reads the tables; `None` where the buckets stand as they did `before`.
    pub(super) async fn read(
        conn: &mut PgConnection,
        before: Option<&Self>,
    ) -> Result<Option<Self>, sqlx::Error> {
        // Before the tables: what moves meanwhile is read again the next time.
        let rows = q("SELECT name, version FROM buckets
            WHERE name = 'global' OR name BETWEEN 'country:' AND 'country;' OR name BETWEEN 'region:' AND 'region;' ORDER BY name")
        .fetch_all(&mut *conn)
        .await?;
        let versions = rows.iter().map(|row| Ok((row.try_get("name")?, row.try_get("version")?)));
        let versions: Vec<(String, i64)> = versions.collect::<Result<_, sqlx::Error>>()?;
        if before.is_some_and(|before| before.versions == versions) {
            return Ok(None);
        }
        let (commodities, commodities_by_name) = commodities(conn).await?;
        let (markets, regions) = (markets(conn).await?, regions(conn).await?);
        Ok(Some(Self {
            versions,
            commodities,
            commodities_by_name,
            units: units(conn).await?,
            markets_by_name: by_name(markets.iter().map(|(id, market)| (*id, market.name.as_str()))),
            markets,
            regions_by_name: by_name(regions.iter().map(|(id, name)| (*id, name.as_str()))),
            regions,
        }))
    }
}

fn sorted(ids: impl Iterator<Item = i32>) -> Vec<i32> {
    let mut ids: Vec<i32> = ids.collect();
    ids.sort_unstable();
    ids.dedup();
    ids
}

fn by_name<'a>(names: impl Iterator<Item = (i32, &'a str)>) -> ByName {
    let mut found = ByName::new();
    for (id, name) in names.filter(|(_, name)| !name.is_empty()) {
        found.entry(name.to_lowercase()).or_default().push(id);
    }
    found.into_iter().map(|(name, ids)| (name, sorted(ids.into_iter()))).collect()
}

fn ids<T>(given: &IdOrName, there: &HashMap<i32, T>, by_name: &ByName) -> Vec<i32> {
    match given {
        IdOrName::Id(id) => i32::try_from(*id).ok().filter(|id| there.contains_key(id)).into_iter().collect(),
        IdOrName::Name(name) => by_name.get(&name.to_lowercase()).cloned().unwrap_or_default(),
    }
}

// Of these only what is kept is read, so that nothing else of a row can take all names away.

async fn commodities(conn: &mut PgConnection) -> Result<(HashMap<i32, String>, ByName), sqlx::Error> {
    let rows = q("SELECT id, name, name_sw, name_ny, name_fr FROM commodities").fetch_all(conn).await?;
    let (mut commodities, mut names) = (HashMap::new(), Vec::new());
    for row in &rows {
        let id = row.try_get("id")?;
        commodities.insert(id, row.try_get("name")?);
        for column in ["name", "name_sw", "name_ny", "name_fr"] {
            names.push((id, row.try_get(column)?));
        }
    }
    Ok((commodities, by_name(names.into_iter())))
}

async fn units(conn: &mut PgConnection) -> Result<HashMap<i32, Unit>, sqlx::Error> {
    let rows = q(concat!("SELECT ", unit_columns!(), " FROM units t")).fetch_all(conn).await?;
    read_all::<Unit>(&rows).map(|unit| unit.map(|unit| (unit.id.0.cast_signed(), unit))).collect()
}

async fn markets(conn: &mut PgConnection) -> Result<HashMap<i32, Market>, sqlx::Error> {
    let rows = q("SELECT id, name, country, region_id FROM markets").fetch_all(conn).await?;
    let of = |row: &PgRow| {
        let (name, country) = (row.try_get("name")?, row.try_get("country")?);
        Ok((row.try_get("id")?, Market { name, country, region: row.try_get("region_id")? }))
    };
    rows.iter().map(of).collect()
}

async fn regions(conn: &mut PgConnection) -> Result<HashMap<i32, String>, sqlx::Error> {
    let rows = q("SELECT id, name FROM regions").fetch_all(conn).await?;
    rows.iter().map(|row| Ok((row.try_get("id")?, row.try_get("name")?))).collect()
}

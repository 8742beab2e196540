//! Puts the data set into a hub, by the hub's own library: prices in steps of the importer's size and order, each published to
//! the feed as an import does it; products by the same command that a person's request becomes; catalogues by the hub's job.
//!
//! Two settings are the bench's own: every month stays in the feed, so that all prices are replicated, and every region is a
//! neighbour of every other, so that one ordinary office has them all.

use crate::data::Dataset;
use crate::tell;
use anyhow::{Context as _, Result, ensure};
use mizili_hub::bad_rows::BadRows;
use mizili_hub::commands::{Incoming, apply_batch};
use mizili_hub::config::{Config, Opened};
use mizili_hub::db::{Db, Transaction, q, q_scalar};
use mizili_hub::feed::{Touched, publish};
use mizili_hub::jobs::catalogue;
use mizili_node::deps::Deps;
use sqlx::PgConnection;
use std::collections::HashSet;
use std::path::Path;
use std::time::Instant;
use sync_protocol::bucket::{Bucket, CountryCode};
use sync_protocol::ids::{CommandId, CooperativeId, Holder, RegionId, hub_born};
use sync_protocol::market::{
    self, Actor, ActorKind, Body, Command, Context, Entity, ListingPost, PriceFlags,
};
use sync_protocol::row::Key;
use sync_protocol::units::Quantity;
use sync_protocol::verdict::Verdict;

/// Where all of it is taken to be.
pub(crate) const COUNTRY: &str = "KEN";
/// Its currency, in which products are sold.
const CURRENCY: &str = "KES";
/// Prices stored and published in one transaction, as an import does.
const PRICES_A_STEP: usize = 5_000;
/// Products posted in one transaction.
const PRODUCTS_A_STEP: usize = 1_000;
/// So many neighbours a region has outside the bench. The last region keeps to it.
const NEIGHBOURS_OF_ONE: usize = 4;
/// When the products were posted, seconds since 1970 UTC: 2024-06-01, as in the data set.
const POSTED_AT_S: i64 = 1_717_200_000;

/// Opens a hub's database as its own commands do, beside a `serve` or without.
pub(crate) async fn open(hub_dir: &Path) -> Result<Opened> {
    Config { data_dir: hub_dir.to_path_buf(), database_url: None, direct_url: None }.open().await
}

/// Fills a hub that is empty; does nothing to one that was filled.
pub(crate) async fn fill(hub_dir: &Path, data: &Dataset) -> Result<()> {
    let opened = open(hub_dir).await?;
    let filled = fill_db(&opened.db, data).await;
    opened.close().await?;
    filled
}

async fn fill_db(db: &Db, data: &Dataset) -> Result<()> {
    let mut tx = db.begin().await?;
    let there: i64 = q_scalar("SELECT count(*) FROM listings").fetch_one(&mut *tx).await?;
    tx.commit().await?;
    if there >= data.products.len() as i64 {
        return Ok(());
    }
    ensure!(there == 0, "this hub has {there} products of another fill; give it an empty data folder");
    let began = Instant::now();
    places(db, data).await.context("places and names")?;
    prices(db, data).await.context("prices")?;
    products(db, data).await.context("products")?;
    while catalogue::run_once(db, &Deps::real(), &mut BadRows::of("fill")).await.context("catalogues")? > 0 {}
    let mut tx = db.begin().await?;
    q("ANALYZE").execute(&mut *tx).await?;
    tx.commit().await?;
    tell(&format!(
        "The hub has {} prices and {} products, after {:.0} s.",
        data.prices.len(),
        data.products.len(),
        began.elapsed().as_secs_f64()
    ));
    Ok(())
}

async fn commit(mut tx: Transaction, touched: &Touched) -> Result<()> {
    publish(&mut tx, touched).await?;
    tx.commit().await?;
    Ok(())
}

/// Ids from 1, one for each member of a list.
fn ids(count: usize) -> Result<Vec<i32>> {
    Ok((1..=i32::try_from(count)?).collect())
}

/// The id of the thing at a place of a list.
fn id(place: usize) -> Result<i32> {
    Ok(i32::try_from(place)? + 1)
}

fn region(place: usize) -> Result<Bucket> {
    Ok(Bucket::Region(RegionId(u32::try_from(place)? + 1)))
}

async fn places(db: &Db, data: &Dataset) -> Result<()> {
    let country = Bucket::Country(CountryCode::new(COUNTRY).context("a country")?);
    let mut touched = Touched::new();
    let mut tx = db.begin().await?;
    q("UPDATE hub SET price_history_months = 100000").execute(&mut *tx).await?;
    q("INSERT INTO regions (id, country, name) OVERRIDING SYSTEM VALUE
        SELECT t.id, $3, t.name FROM unnest($1::int[], $2::text[]) AS t (id, name)")
    .bind(ids(data.regions.len())?)
    .bind(&data.regions)
    .bind(COUNTRY)
    .execute(&mut *tx)
    .await?;
    neighbours(&mut tx, data.regions.len()).await?;
    q("INSERT INTO commodities (id, name, category, on_menus) OVERRIDING SYSTEM VALUE
        SELECT t.id, t.name, 'cereals and tubers', true FROM unnest($1::int[], $2::text[]) AS t (id, name)")
    .bind(ids(data.commodities.len())?)
    .bind(&data.commodities)
    .execute(&mut *tx)
    .await?;
    q("INSERT INTO units (id, code, base, factor_milli) OVERRIDING SYSTEM VALUE
        SELECT t.id, t.code, 1, 1000 FROM unnest($1::int[], $2::text[]) AS t (id, code)")
    .bind(ids(data.units.len())?)
    .bind(&data.units)
    .execute(&mut *tx)
    .await?;
    q("INSERT INTO markets (id, country, name, region_id) OVERRIDING SYSTEM VALUE
        SELECT t.id, $4, t.name, t.region FROM unnest($1::int[], $2::text[], $3::int[]) AS t (id, name, region)")
    .bind(ids(data.markets.len())?)
    .bind(data.markets.iter().map(|market| market.name.as_str()).collect::<Vec<_>>())
    .bind(data.markets.iter().map(|market| id(market.region)).collect::<Result<Vec<_>>>()?)
    .bind(COUNTRY)
    .execute(&mut *tx)
    .await?;
    q("INSERT INTO cooperatives (id, name, country, region_id, currency) OVERRIDING SYSTEM VALUE
        SELECT t.id, t.name, $4, t.region, $5 FROM unnest($1::int[], $2::text[], $3::int[]) AS t (id, name, region)")
    .bind(ids(data.cooperatives.len())?)
    // The data set repeats names; a country's cooperatives have different ones.
    .bind(data.cooperatives.iter().zip(1..).map(|(one, n)| format!("{} {n}", one.name)).collect::<Vec<_>>())
    .bind(data.cooperatives.iter().map(|one| id(one.region)).collect::<Result<Vec<_>>>()?)
    .bind(COUNTRY)
    .bind(CURRENCY)
    .execute(&mut *tx)
    .await?;
    let mut each = |count: usize, bucket: &dyn Fn(usize) -> Result<Bucket>, entity| -> Result<()> {
        for place in 0..count {
            touched.add(bucket(place)?, entity, Key::Int(u32::try_from(place)? + 1));
        }
        Ok(())
    };
    let coop = |place| Ok(Bucket::Coop(CooperativeId(u32::try_from(place)? + 1)));
    each(data.regions.len(), &|_| Ok(country), market::Region::NUMBER)?;
    each(data.commodities.len(), &|_| Ok(Bucket::Global), market::Commodity::NUMBER)?;
    each(data.units.len(), &|_| Ok(Bucket::Global), market::Unit::NUMBER)?;
    each(data.markets.len(), &|place| region(data.markets[place].region), market::Market::NUMBER)?;
    each(data.cooperatives.len(), &coop, market::Cooperative::NUMBER)?;
    commit(tx, &touched).await
}

/// Every region is a neighbour of every other, but for the last one.
async fn neighbours(conn: &mut PgConnection, regions: usize) -> Result<()> {
    q("INSERT INTO region_neighbours (region_id, neighbour_id)
        SELECT a.id, b.id FROM regions a JOIN regions b ON a.id <> b.id
        WHERE a.id < $1 OR a.id = $1 AND b.id <= $2")
    .bind(i32::try_from(regions)?)
    .bind(i32::try_from(NEIGHBOURS_OF_ONE)?)
    .execute(conn)
    .await?;
    Ok(())
}

async fn prices(db: &Db, data: &Dataset) -> Result<()> {
    let mut tx = db.begin().await?;
    let mut newest = vec![0; data.series.len()];
    for price in &data.prices {
        newest[price.series] = newest[price.series].max(i32::try_from(price.month.0)?);
    }
    let column = |of: &dyn Fn(&crate::data::Series) -> usize| -> Result<Vec<i32>> {
        data.series.iter().map(|series| id(of(series))).collect()
    };
    q("INSERT INTO price_series (id, market_id, commodity_id, unit_id, price_type, currency, source, newest_month)
        OVERRIDING SYSTEM VALUE
        SELECT t.id, t.market, t.commodity, t.unit, t.type, t.currency, 'wfp', t.newest
        FROM unnest($1::int[], $2::int[], $3::int[], $4::int[], $5::text[], $6::text[], $7::int[])
            AS t (id, market, commodity, unit, type, currency, newest)")
    .bind(ids(data.series.len())?)
    .bind(column(&|series| series.market)?)
    .bind(column(&|series| series.commodity)?)
    .bind(column(&|series| series.unit)?)
    .bind(data.series.iter().map(|series| series.price_type.as_str()).collect::<Vec<_>>())
    .bind(data.series.iter().map(|series| series.currency.as_str()).collect::<Vec<_>>())
    .bind(newest)
    .execute(&mut *tx)
    .await?;
    tx.commit().await?;
    let mut begun = HashSet::new();
    for part in data.prices.chunks(PRICES_A_STEP) {
        let mut tx = db.begin().await?;
        let mut touched = Touched::new();
        for price in part {
            let number = u32::try_from(price.series)? + 1;
            let bucket = region(data.markets[data.series[price.series].market].region)?;
            if begun.insert(price.series) {
                touched.add(bucket, market::PriceSeries::NUMBER, Key::Int(number));
            }
            touched.add(bucket, market::Price::NUMBER, Key::Pair(number, price.month.0));
        }
        q("INSERT INTO prices (series_id, month, price_minor, flags, import_id)
            SELECT *, $4, 1 FROM unnest($1::int[], $2::int[], $3::bigint[])")
        .bind(part.iter().map(|price| id(price.series)).collect::<Result<Vec<_>>>()?)
        .bind(part.iter().map(|price| Ok(i32::try_from(price.month.0)?)).collect::<Result<Vec<_>>>()?)
        .bind(part.iter().map(|price| price.price_minor).collect::<Vec<_>>())
        .bind(i32::try_from(PriceFlags::ACTUAL.0)?)
        .execute(&mut *tx)
        .await?;
        commit(tx, &touched).await?;
    }
    Ok(())
}

async fn products(db: &Db, data: &Dataset) -> Result<()> {
    let deps = Deps::real();
    let mut posts = Vec::with_capacity(data.products.len());
    for (place, product) in data.products.iter().enumerate() {
        let body = Body::from(ListingPost {
            listing: hub_born(place as u64 + 1),
            commodity: u32::try_from(product.commodity)? + 1,
            unit: u32::try_from(product.unit)? + 1,
            title: product.name.clone(),
            quantity_milli: Quantity::units(product.quantity).0,
            price_minor: product.price_minor,
            currency: product.currency.clone(),
            seller: None,
            hub_milli: None,
        });
        let actor = Actor { kind: ActorKind::User, id: Some(hub_born(1)), phone: 0 };
        let id = CommandId(deps.ids.uuid_v7());
        let command = Command { id, seq: 0, made_at_s: POSTED_AT_S, actor, body: body.to_raw() };
        // An admin at the hub takes it in for a cooperative without an office: the hub holds every unit.
        let context = Context {
            place: Holder::Hub,
            origin: Holder::Hub,
            cooperative: Some(CooperativeId(u32::try_from(product.cooperative)? + 1)),
            clerk: false,
            admin: true,
            share_with: None,
            hub_share_percent: 100,
        };
        posts.push(Incoming { command, context, is_new: true, is_unconfirmed: false });
    }
    for part in posts.chunks(PRODUCTS_A_STEP) {
        let mut tx = db.begin().await?;
        let outcomes = apply_batch(&mut tx, &deps, part).await?;
        let refused = outcomes.iter().find(|outcome| !matches!(outcome.verdict, Verdict::Applied(_)));
        ensure!(refused.is_none(), "a product was refused: {refused:?}");
        tx.commit().await?;
    }
    let mut tx = db.begin().await?;
    q("SELECT setval('hub_born_ids', $1)").bind(data.products.len() as i64 + 1).execute(&mut *tx).await?;
    Ok(tx.commit().await?)
}

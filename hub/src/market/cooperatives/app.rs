//! Rules of cooperatives: everybody may see them, an operator makes them.

use super::db;
use crate::db::{Db, retrying};
use crate::error::{ApiError, Kind, Problem};
use crate::feed::{Touched, publish};
use crate::market::reference::db::Filter;
use crate::market::users::app::name_problem;
use crate::numbers;
use crate::state::AppState;
use mizili_node::deps::Deps;
use mizili_node::market::cooperatives::Cooperative;
use mizili_node::market::reference::PlaceFilter;
use mizili_node::name::tidy;
use mizili_node::page::{Cut, Slice};
use std::sync::OnceLock;
use sync_protocol::bucket::{Bucket, CountryCode};
use sync_protocol::country::{COUNTRIES, Country};
use sync_protocol::ids::{CooperativeId, RegionId};
use sync_protocol::market::{self, Entity};
use sync_protocol::row::Key;

/// A page of cooperatives.
pub(crate) async fn list(
    state: &AppState,
    filter: PlaceFilter,
    slice: &Slice<u32>,
) -> Result<Cut<Cooperative>, ApiError> {
    let filter = &Filter::page(filter, slice);
    let items = state.db.read(&state.deps, |mut conn| async move { db::find(&mut conn, filter).await });
    let items = items.await?;
    Ok(slice.cut(items.into_iter().map(|item| (item.id, item)).collect()))
}

/// One cooperative.
pub(crate) async fn get(state: &AppState, id: i32) -> Result<Cooperative, ApiError> {
    let filter = &Filter::one(id);
    let items = state.db.read(&state.deps, |mut conn| async move { db::find(&mut conn, filter).await });
    let item = items.await?.pop();
    Ok(item.ok_or_else(|| Problem::not_found("cooperative"))?)
}

/// A cooperative that an operator makes.
#[derive(Clone, Debug)]
pub struct NewCooperative {
    /// Its name.
    pub name: String,
    /// ISO 3166-1 alpha-3.
    pub country: String,
    /// The name of its region.
    pub region: Option<String>,
    /// Percent of each listing that goes to the hub.
    pub hub_share_percent: u8,
}

/// Makes a cooperative, by an operator at the hub's command line. A region must be one of the country's; as long as none of the
/// country is known (no prices were imported yet), it is made.
///
/// # Errors
/// A country or region that is not known, with those that are; a name that is taken.
pub async fn add(db: &Db, deps: &Deps, new: &NewCooperative) -> Result<Cooperative, ApiError> {
    let name = &*tidy(&new.name);
    if let Some(wrong) = name_problem("/name", name) {
        return Err(Problem::fields(vec![wrong]).into());
    }
    let country = Country::by_iso3(&new.country).ok_or_else(|| {
        let known: Vec<_> = COUNTRIES.iter().map(|c| format!("{} ({})", c.iso3, c.name)).collect();
        Problem::invalid(
            "/country",
            format!("There is no country {}. There are: {}.", new.country, known.join(", ")),
        )
    })?;
    // Of a try that came to its commit, which may take effect unseen: the next one then finds what that made.
    let first_id = OnceLock::new();
    retrying(deps, || async {
        let mut tx = db.begin().await?;
        let mut touched = Touched::new();
        let region = match new.region.as_deref().map(tidy) {
            None => None,
            Some(name) => Some(region(&mut tx, country, &name, &mut touched).await?),
        };
        let id = match first_id.get() {
            Some(id) => *id,
            None => numbers::COOPERATIVES.next(&mut tx).await?,
        };
        let is_made = db::insert(&mut tx, id, name, country, region, new.hub_share_percent).await?;
        if !is_made && first_id.get().is_none() {
            return Err(numbers::COOPERATIVES.taken(id).into());
        }
        let number = id.cast_unsigned();
        touched.add(Bucket::Coop(CooperativeId(number)), market::Cooperative::NUMBER, Key::Int(number));
        publish(&mut tx, &touched).await.map_err(sqlx::Error::from)?;
        let made = db::find(&mut tx, &Filter::one(id)).await?.pop();
        let mut moved = touched.moved();
        db::national_edges(&mut tx, country.iso3)
            .await?
            .into_iter()
            .for_each(|edge| moved.add(Bucket::Edge(edge)));
        first_id.get_or_init(|| id);
        tx.commit().await?;
        db.tell(&moved);
        Ok::<_, ApiError>(
            made.ok_or_else(|| Problem::internal("a cooperative is not there after its insert"))?,
        )
    })
    .await
}

/// The id of a region, by name; made where the country has none yet.
async fn region(
    conn: &mut sqlx::PgConnection,
    country: &Country,
    name: &str,
    touched: &mut Touched,
) -> Result<i32, ApiError> {
    let known = db::regions(conn, country.iso3).await?;
    if let Some((id, _)) = known.iter().find(|(_, known)| known.to_lowercase() == name.to_lowercase()) {
        return Ok(*id);
    }
    if !known.is_empty() {
        let names: Vec<_> = known.into_iter().map(|(_, name)| name).collect();
        let detail = format!(
            "There is no region '{name}' in {}. There are: {}. More come with an import of the country's prices.",
            country.name,
            names.join(", ")
        );
        return Err(Problem::invalid("/region", detail).into());
    }
    if let Some(wrong) = name_problem("/region", name) {
        return Err(Problem::fields(vec![wrong]).into());
    }
    let id = db::insert_region(conn, country.iso3, name).await?;
    let code = CountryCode::new(country.iso3)
        .ok_or_else(|| Kind::Internal.because("a country's code is no code"))?;
    let number = RegionId(id.cast_unsigned()).0;
    touched.add(Bucket::Country(code), market::Region::NUMBER, Key::Int(number));
    Ok(id)
}

/// All cooperatives, for an operator.
///
/// # Errors
/// Those of the database.
pub async fn all(db: &Db) -> Result<Vec<Cooperative>, sqlx::Error> {
    let mut tx = db.begin().await?;
    let all = db::find(&mut tx, &Filter { limit: i64::MAX, ..Filter::default() }).await?;
    tx.commit().await?;
    Ok(all)
}

//! Names of commodities, units, markets and regions, kept in the process: a list is asked for by ids alone, and what it shows is
//! named here. These tables are small and change when prices are imported. Nothing else of the market is ever kept.
//!
//! Whoever reads looks at the versions of the buckets in which they stand when that was not done for a moment, and reads the
//! tables again where one has moved. A name or an id that is not here is looked for at once, before anybody is told so.

pub(crate) mod kept;

use crate::db::{Db, misfit};
use crate::error::{ApiError, Problem};
use kept::Kept;
use mizili_node::deps::Deps;
use mizili_node::query::IdOrName;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, Instant};
use tokio::sync::Mutex;

/// How long nobody looks again whether something was renamed.
const LOOK: Duration = Duration::from_secs(2);

/// See the module.
#[derive(Default)]
pub struct Names {
    kept: RwLock<Option<Arc<Kept>>>,
    /// Held by whoever looks; when somebody last did.
    looked: Mutex<Option<Instant>>,
}

/// What a list is narrowed to, as people say it.
#[derive(Clone, Copy, Default)]
pub(crate) struct Asked<'a> {
    pub(crate) commodity: Option<&'a IdOrName>,
    /// The beginning of a commodity's name.
    pub(crate) crop: Option<&'a str>,
    pub(crate) market: Option<&'a IdOrName>,
    pub(crate) region: Option<&'a IdOrName>,
}

/// The same in ids; `None` where a list is not narrowed so.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Meant {
    pub(crate) commodities: Option<Vec<i32>>,
    pub(crate) markets: Option<Vec<i32>>,
    pub(crate) regions: Option<Vec<i32>>,
}

impl Names {
    /// The names as they stood a moment ago at most.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn now(&self, db: &Db, deps: &Deps) -> Result<Arc<Kept>, sqlx::Error> {
        let there = self.kept();
        let mut looked = match (&there, self.looked.try_lock()) {
            (_, Ok(looked)) => looked,
            // Somebody looks already.
            (Some(kept), Err(_)) => return Ok(kept.clone()),
            (None, Err(_)) => self.looked.lock().await,
        };
        if let (Some(kept), Some(at)) = (self.kept(), *looked)
            && at.elapsed() < LOOK
        {
            return Ok(kept);
        }
        let kept = Box::pin(self.look(db, deps)).await?;
        *looked = Some(Instant::now());
        Ok(kept)
    }

    /// The names as they stand now: for whoever met an id or a name that is not kept. Nobody's misspelling makes the hub read tables
    /// that stand where they stood.
    ///
    /// # Errors
    /// Those of the database.
    pub(crate) async fn again(&self, db: &Db, deps: &Deps) -> Result<Arc<Kept>, sqlx::Error> {
        let mut looked = self.looked.lock().await;
        let kept = Box::pin(self.look(db, deps)).await?;
        *looked = Some(Instant::now());
        Ok(kept)
    }

    /// The names, and what a list is narrowed to in ids.
    ///
    /// # Errors
    /// Names the parameter that names nothing; those of the database.
    pub(crate) async fn meant(
        &self,
        db: &Db,
        deps: &Deps,
        asked: Asked<'_>,
    ) -> Result<(Arc<Kept>, Meant), ApiError> {
        let kept = self.now(db, deps).await?;
        if let Ok(meant) = kept.meant(asked) {
            return Ok((kept, meant));
        }
        let kept = self.again(db, deps).await?;
        let meant = kept.meant(asked).map_err(|(parameter, given, list)| {
            Problem::parameter(parameter, format!("nothing has {given}. See /api/v1/{list}."))
        })?;
        Ok((kept, meant))
    }

    /// What `show` makes of rows with the names that are kept, or where one of them is not (`None`) with those that stand now.
    ///
    /// # Errors
    /// Those of the database; a row that refers to nothing.
    pub(crate) async fn shown<T>(
        &self,
        db: &Db,
        deps: &Deps,
        kept: &Kept,
        show: impl Fn(&Kept) -> Option<T>,
    ) -> Result<T, sqlx::Error> {
        if let Some(shown) = show(kept) {
            return Ok(shown);
        }
        let kept = self.again(db, deps).await?;
        show(&kept).ok_or_else(|| misfit("a list", "an id"))
    }

    fn kept(&self) -> Option<Arc<Kept>> {
        self.kept.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Reads the tables, unless the buckets stand where they stood. To be boxed: nearly every request finds them here, and need not carry
    /// the room that this takes.
    async fn look(&self, db: &Db, deps: &Deps) -> Result<Arc<Kept>, sqlx::Error> {
        let before = self.kept();
        let before = before.as_deref();
        let read = db.read(deps, |mut conn| async move { Kept::read(&mut conn, before).await }).await?;
        let mut kept = self.kept.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(read) = read {
            *kept = Some(Arc::new(read));
        }
        Ok(kept.get_or_insert_with(Arc::default).clone())
    }
}

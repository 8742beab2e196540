//! Collects the rows that a batch sets, and where each stands.

use super::{ApplyError, Incoming};
use crate::feed::Touched;
use crate::tables::{self, Rows};
use mizili_node::deps::Deps;
use sqlx::PgConnection;
use sync_protocol::bucket::Bucket;
use sync_protocol::market::{Effect, Facts, WorkingSet, home};

/// What a batch sets.
#[derive(Default)]
pub(super) struct Effects {
    /// The names of what is set, for the feed.
    pub(super) touched: Touched,
    rows: Rows,
}

impl Effects {
    /// Takes in one row that a command sets. `set` has it already. Returns the buckets where it stands.
    pub(super) fn add(
        &mut self,
        effect: &Effect,
        incoming: &Incoming,
        set: &WorkingSet,
        was_there: bool,
    ) -> Result<Vec<Bucket>, ApplyError> {
        let Incoming { command, is_unconfirmed, .. } = incoming;
        let astray = || ApplyError::Poison(format!("an effect of {} stands in no cooperative", command.id));
        let buckets = home(effect.entity, effect.key, &effect.fields, set).ok_or_else(astray)?;
        buckets.iter().for_each(|bucket| self.touched.add(*bucket, effect.entity, effect.key));
        let Some(Bucket::Coop(cooperative)) = buckets.first().copied() else { return Err(astray()) };
        self.rows.add(effect, command, *is_unconfirmed, cooperative, was_there);
        Ok(buckets)
    }

    /// Writes everything, and notes what the feed has to ask nobody about because it was made here.
    pub(super) async fn write(
        &mut self,
        conn: &mut PgConnection,
        deps: &Deps,
        facts: &Facts,
    ) -> Result<(), sqlx::Error> {
        for (entity, key, fields) in tables::write(conn, &self.rows, facts, deps.clock.now()).await? {
            self.touched.made(entity, key, &fields);
        }
        Ok(())
    }

    /// Runs each table's statements, also where there is nothing to write.
    pub(super) async fn write_whatever(conn: &mut PgConnection, deps: &Deps) -> Result<(), sqlx::Error> {
        tables::write(conn, &Rows::to_try(), &Facts::default(), deps.clock.now()).await?;
        Ok(())
    }
}

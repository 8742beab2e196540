//! The operator's desk: what waits at the hub is looked at, mended and tried again, or put aside, by the ways that the commands of the
//! hub's program go.

use super::Days;
use super::faults::DAY_S;
use crate::goods::clear_poison;
use anyhow::{Result, ensure};
use mizili_hub::commands::stream::desk::{self, Waiting};
use mizili_hub::commands::stream::{Quarantined, dismiss, retry_quarantined};
use mizili_hub::jobs;
use std::time::Duration;
use uuid::Uuid;

/// Exchanges after which a command that only the hub is to blame for is set aside at the latest, and some for the line.
const TRIES_MAX: usize = 12;
/// Seconds after which every regular job has its turn.
const HOUR_S: i64 = 3_600;

impl Days {
    /// One command that waits is mended and tried again, tried as it is, or put aside.
    pub(super) async fn operator_looks(&mut self) -> Result<()> {
        let waiting = self.waiting().await;
        let aside: Vec<&Waiting> = waiting.iter().filter(|w| w.state == "quarantined").collect();
        let Some(one) = self.chance.one_of(&aside).copied() else { return Ok(()) };
        let (stream, seq) = desk::place(one);
        let (db, deps) = (&self.world.db, &self.world.deps);
        if self.is_broken {
            // Nothing can be tried now, and nothing is judged for it.
            ensure!(retry_quarantined(db, deps, stream, seq).await.is_ok_and(|n| n == 0), "{one:?}");
            return Ok(());
        }
        match self.chance.below(6) {
            0..2 => {
                self.happened.dismissed += dismiss(db, deps, stream, seq).await?.min(1) as u64;
                self.tally.dismissed(one.id);
            }
            2 => {
                // What broke it has not gone. It may have become one that is refused before it comes to that: an offer that is gone.
                self.happened.retried += retry_quarantined(db, deps, stream, seq).await? as u64;
                let word =
                    self.world.texts(format!("SELECT verdict FROM commands WHERE id = '{}'", one.id)).await;
                let is_open = matches!(word[0].as_str(), "quarantined" | "held");
                ensure!(
                    is_open || word == ["rejected"],
                    "it is as broken as before, and is {word:?}: {one:?}"
                );
            }
            _ => {
                self.mend_one(one.id).await;
                let (db, deps) = (&self.world.db, &self.world.deps);
                let changed = retry_quarantined(db, deps, stream, seq).await?;
                ensure!(changed > 0, "it is mended, and was not decided: {one:?}");
                self.happened.retried += changed as u64;
            }
        }
        Ok(())
    }

    /// Mends what breaks over one command.
    async fn mend_one(&self, command: Uuid) {
        let makes = self.tally.makes(command);
        self.world.sql(format!("INSERT INTO mended VALUES ('{makes}') ON CONFLICT DO NOTHING")).await;
    }

    async fn waiting(&self) -> Vec<Waiting> {
        desk::list(&self.world.db, None).await.unwrap()
    }

    /// Everybody comes to the hub while it is as it is; then everything is mended, and what was put aside is tried again.
    pub(super) async fn mend(&mut self) -> Result<()> {
        if self.is_broken {
            self.toggle_the_break().await;
        }
        let ours = "UPDATE command_failures SET first_failed_at = first_failed_at - interval '11 minutes'";
        for at in 0..self.world.offices.len() {
            self.world.offices[at].line.mend();
            self.world.offices[at].line.deliver_held().await;
            for n in 0.. {
                match self.world.offices[at].sync().await {
                    Ok(_) => {
                        self.tally.look(&self.world).await?;
                        break;
                    }
                    Err(error) => ensure!(n < TRIES_MAX && error.is_temporary(), "edge {}: {error}", at + 1),
                }
                self.world.sql(ours).await;
            }
        }
        for one in self.waiting().await {
            let count = match one.state.as_str() {
                "held" => &mut self.happened.held,
                "quarantined" if one.ours => &mut self.happened.ours,
                "quarantined" => &mut self.happened.quarantined,
                _ => continue,
            };
            *count += 1;
        }
        clear_poison(&self.world).await;
        // The hub's regular jobs have their turn: what waited may have waited for what came to another office.
        self.pass(HOUR_S);
        let (db, deps) = (&self.world.db, &self.world.deps);
        let quarantined = jobs::retry_quarantined(db, deps, Quarantined::All).await?;
        self.happened.retried += (quarantined + jobs::retry_held(db, deps).await?) as u64;
        self.catch_up().await?;
        self.world.heal().await
    }

    /// Everybody comes to the hub once, and what each of them hears is looked at.
    async fn catch_up(&mut self) -> Result<()> {
        for at in 0..self.world.offices.len() {
            self.world.offices[at].line.mend();
            self.world.offices[at].sync().await?;
            self.tally.look(&self.world).await?;
        }
        Ok(())
    }

    /// Two months in which nothing happens: logs are pruned by what the hub says, whatever the clocks of the boxes do.
    pub(super) async fn two_quiet_months(&mut self) -> Result<()> {
        for office in &self.world.offices {
            office.set_wall_s(super::wrong_clock(&mut self.chance));
        }
        self.world.heal().await?;
        self.tally.look(&self.world).await?;
        for _ in 0..12 {
            self.world.pass(Duration::from_secs(5 * DAY_S.unsigned_abs()));
            self.tally.pass(5 * DAY_S);
            self.world.heal().await?;
            self.tally.look(&self.world).await?;
        }
        let left: u64 = self.tally.still_logged(&self.world).await;
        let offices = self.world.offices.len() as u64;
        ensure!(
            left <= offices,
            "{left} commands are in the logs of {offices} offices after two quiet months"
        );
        Ok(())
    }
}

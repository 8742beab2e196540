//! What goes wrong: boxes that are switched off, clocks that say anything, lines that break, a hub's database that is altered, old
//! things that are forgotten in the midst of it; and a count of what really happened.

use super::Days;
use super::tally::Tally;
use crate::chance::Chance;
use crate::office::Start;
use crate::world::World;
use anyhow::{Result, ensure};
use mizili_hub::bad_rows::BadRows;
use mizili_hub::jobs::catalogue;
use mizili_hub::jobs::prune::prune_once;
use mizili_hub::sync::edges::scope_of;
use mizili_node::deps::HandClock;
use std::time::Duration;

pub(super) const DAY_S: i64 = 86_400;

/// What clocks of boxes say: twenty years ago, forty days ago, in fourteen years, no chip at all, a wrong time zone, and the truth.
const CLOCKS: [i64; 6] = [
    HandClock::START_S - 20 * 365 * DAY_S,
    HandClock::START_S - 40 * DAY_S,
    HandClock::START_S + 14 * 365 * DAY_S,
    DAY_S,
    HandClock::START_S - 3 * 3_600,
    HandClock::START_S,
];

/// By how much the hub's clock, which is its database's, is off for a moment.
const HUB_JUMPS_S: [i64; 3] = [14 * 365 * DAY_S, -40 * DAY_S, 3 * 3_600];

/// Longest time that passes at once: long enough that logs grow old within one seed.
const PASSES_MAX_S: usize = 12 * DAY_S as usize;

/// One of the wrong clocks.
pub(super) fn wrong_clock(chance: &mut Chance) -> i64 {
    CLOCKS[chance.below(CLOCKS.len())] + chance.below(DAY_S as usize) as i64
}

/// Declares the counts, all of one type, once.
macro_rules! happened {
    ($($(#[$doc:meta])* $name:ident,)+) => {
        /// What really happened. A run in which something never did proves nothing about it.
        #[derive(Debug, Default)]
        pub(super) struct Happened {
            $($(#[$doc])* pub(super) $name: u64,)+
        }

        impl Happened {
            pub(super) fn add(&mut self, other: &Self) {
                $(self.$name += other.$name;)+
            }

            /// Fails where something never happened, but for what needs three things to fall together.
            pub(super) fn everything_did(&self) -> Result<()> {
                let rare = ["counts_put_aside", "undone_waiting", "withdrawn_in_vain"];
                $(ensure!(self.$name > 0 || rare.contains(&stringify!($name)), "this never happened: {}", stringify!($name));)+
                Ok(())
            }
        }
    };
}

happened! {
    cuts,
    /// Of those the ones inside a frame.
    cuts_inside,
    /// Requests that somebody on the way kept, and that came later.
    late_requests,
    restarts,
    /// A box's wall clock was set, forwards or back.
    jumps,
    /// The hub's was.
    hub_jumps,
    /// An exchange with the second hub.
    at_the_second_hub,
    /// Time in which no command could be taken at all.
    breaks,
    cancels_by_buyers_at_the_hub,
    cancels_by_clerks_at_the_hub,
    /// Cancels at an office that took effect at the hub.
    cancels_at_offices,
    /// Orders at one office of what another cooperative's office offers.
    orders_across,
    /// Commands that an operator found quarantined, by their own fault.
    quarantined,
    /// The same, by the hub's.
    ours,
    /// Commands that were found waiting for another one.
    held,
    /// Commands that were tried again with success.
    retried,
    dismissed,
    /// People who were told that it is done, and that it is asked.
    sure,
    asked,
    /// People who were told later that they do not get it.
    refused,
    /// Changes of the stock that were taken back: before their answer, after it, and while they waited at the hub.
    undone_unanswered,
    undone_applied,
    undone_waiting,
    /// Counts that an operator put aside.
    counts_put_aside,
    /// Counts that found less than was sold.
    found_less,
    /// Refusals of offers and their changes that nobody has to look at, and withdrawals that were refused.
    withdrawn_before,
    withdrawn_in_vain,
    /// Commands that left an office's log.
    pruned_at_offices,
    /// Commands whose bodies, or which altogether, were forgotten at the hub.
    pruned_at_the_hub,
}

impl Happened {
    /// Adds what can be counted at the end.
    pub(super) async fn count(&mut self, world: &World, tally: &Tally) {
        self.cuts += world.cuts();
        self.cuts_inside += world.offices.iter().map(|office| office.line.cuts_inside()).sum::<u64>();
        self.pruned_at_offices += tally.pruned();
        (self.sure, self.asked, self.refused) = tally.kinds();
        self.cancels_at_offices += tally.cancels_at_offices();
        self.counts_put_aside += tally.counts_put_aside().0;
        self.found_less += tally.found_less.len() as u64;
        (self.withdrawn_before, self.withdrawn_in_vain) = tally.withdrawn.counted();
    }
}

impl Days {
    pub(super) async fn something_happens_to_a_box(&mut self) {
        let at = self.chance.below(self.world.offices.len());
        let wall_s = wrong_clock(&mut self.chance);
        if self.chance.once_in(2) {
            self.world.offices[at].set_wall_s(wall_s);
            self.happened.jumps += 1;
        } else {
            let start = Start { seed: 1_000 + self.chance.below(1_000_000) as u64, wall_s };
            self.world.offices[at].restart(start).await;
            self.happened.restarts += 1;
        }
    }

    pub(super) async fn something_happens_to_the_hub(&mut self) {
        match self.chance.below(10) {
            0..4 => {
                let seconds = 1 + self.chance.below(PASSES_MAX_S) as i64;
                self.pass(seconds);
                // Failures are dated by the real database's clock, which no test moves.
                self.world
                    .sql("UPDATE command_failures SET first_failed_at = first_failed_at - interval '11 minutes'")
                    .await;
            }
            4 | 5 => self.forget().await,
            6 | 7 if !self.is_broken => self.toggle_the_break().await,
            6 | 7 => {}
            _ => self.hub_clock_jumps().await,
        }
    }

    pub(super) fn pass(&mut self, seconds: i64) {
        self.world.pass(Duration::from_secs(seconds.unsigned_abs()));
        self.tally.pass(seconds);
    }

    /// The hub forgets what is old.
    async fn forget(&mut self) {
        let (db, deps) = (&self.world.db, &self.world.deps);
        let pruned = prune_once(db, deps, scope_of).await.unwrap();
        assert_eq!(pruned.bad, 0, "{pruned:?}");
        self.happened.pruned_at_the_hub += pruned.bodies + pruned.commands;
    }

    /// For a moment the database's clock is years off: jobs run, offices come. Then it is set right again.
    async fn hub_clock_jumps(&mut self) {
        let by_s = *self.chance.one_of(&HUB_JUMPS_S).unwrap_or(&0);
        self.world.set_hubs_ahead(by_s);
        self.forget().await;
        let at = self.chance.below(self.world.offices.len());
        // What comes of it is looked at with everything else.
        let _ = self.world.offices[at].sync().await;
        self.world.set_hubs_ahead(-by_s);
        self.tally.hub_jumped(at);
        self.happened.hub_jumps += 1;
    }

    /// Somebody alters the hub's database under it, or puts it right again.
    pub(super) async fn toggle_the_break(&mut self) {
        let (from, to) = if self.is_broken { ("gone", "quantity_milli") } else { ("quantity_milli", "gone") };
        self.world.sql(format!("ALTER TABLE stock_entries RENAME COLUMN {from} TO {to}")).await;
        self.is_broken = !self.is_broken;
        self.happened.breaks += u64::from(self.is_broken);
    }

    /// One exchange with whichever hub, over a line on which anything may happen.
    pub(super) async fn exchange(&mut self) -> Result<()> {
        let at = self.chance.below(self.world.offices.len());
        let hub = self.chance.below(2);
        self.world.lead(at, hub);
        self.happened.at_the_second_hub += hub as u64;
        let line = &self.world.offices[at].line;
        if self.chance.once_in(4) {
            self.happened.late_requests += line.deliver_held().await as u64;
        }
        line.hold_requests(self.chance.once_in(6));
        // Heads and first frames are near the beginning; a first sync is some thousand bytes long.
        let far = if self.chance.once_in(3) { 6_000 } else { 300 };
        let (request, response) = match self.chance.below(4) {
            0 => (Some(self.chance.below(far / 2)), None),
            1 => (None, Some(self.chance.below(far))),
            _ => (None, None),
        };
        line.cut_request_after(request);
        line.cut_response_after(response);
        if self.chance.once_in(2) && !self.is_broken {
            // What others offer comes by a job.
            catalogue::run_once(&self.world.db, &self.world.deps, &mut BadRows::of("days")).await?;
        }
        let ended = self.world.offices[at].sync().await;
        if let Err(error) = ended {
            ensure!(error.is_temporary(), "edge {}: {error}", at + 1);
        }
        Ok(())
    }
}

//! The outside tally: what people were told, kept by nobody in the system. Each act that was acknowledged has exactly one last word, in
//! the outbox or on the page, and it is what stands at the hub. Each unit that was taken in is somewhere, once.

mod last_words;

use super::faults::DAY_S;
use super::withdrawn::{Did, Withdrawn, Word};
use crate::office::Office;
use crate::world::World;
use anyhow::{Context, Result, ensure};
use std::collections::{BTreeMap, BTreeSet};
use uuid::Uuid;

/// Days for which what became of an act can be asked for at its office, by the hub's word.
const KEPT_DAYS: i64 = 30;
/// Days by which one clock of the hub that was wrong for a moment may put an office's count of days forward.
const JUMP_DAYS: i64 = 7;

/// What somebody was told of.
#[derive(Clone, Debug)]
pub(super) enum What {
    Post {
        listing: Uuid,
        milli: i64,
    },
    Order {
        listing: Uuid,
        milli: i64,
    },
    /// `by` is the number of whoever took the order back by phone; 0 for a clerk.
    Cancel {
        order: Uuid,
        buyer: u64,
        by: u64,
    },
    Adjust {
        listing: Uuid,
        milli: i64,
    },
    /// So much more was counted than expected, or less.
    Count {
        listing: Uuid,
        milli: i64,
    },
    /// A change of the stock is taken back.
    Undo {
        listing: Uuid,
        of: Uuid,
    },
    Withdraw {
        listing: Uuid,
    },
    Other {
        listing: Uuid,
    },
}

/// An act that was acknowledged.
#[derive(Clone, Debug)]
pub(super) struct Told {
    pub(super) office: usize,
    pub(super) id: Uuid,
    /// "Done"; else "asked".
    pub(super) is_sure: bool,
    /// Whom the last word goes to; 0 for somebody who looks at the page.
    pub(super) phone: u64,
    pub(super) what: What,
}

/// How an act ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    Applied,
    Rejected,
    Dismissed,
}

#[derive(Default)]
pub(super) struct Tally {
    pub(super) told: Vec<Told>,
    /// The hub's final word on each command, as it was first seen.
    pub(super) ends: BTreeMap<Uuid, End>,
    /// When an office first had the final word on an act, in true seconds since the beginning.
    settled: BTreeMap<Uuid, i64>,
    /// Acts that have left their office's log.
    gone: BTreeSet<Uuid>,
    /// Commands that an operator put aside.
    dismissed: BTreeSet<Uuid>,
    pub(super) taken_in_at_the_hub: BTreeMap<Uuid, i64>,
    ordered_at_the_hub: BTreeMap<Uuid, i64>,
    cancelled_at_the_hub: BTreeSet<Uuid>,
    /// Orders that were taken back at their own office before the hub's word on them was there: no word is due on the order any more,
    /// unless taking it back was refused.
    cancelled_unanswered: BTreeSet<Uuid>,
    /// Counts that found less than was sold.
    pub(super) found_less: BTreeSet<Uuid>,
    /// What of offers and their changes nobody has to look at.
    pub(super) withdrawn: Withdrawn,
    now_s: i64,
    /// How often the hub's clock was wrong when an office came, by office.
    hub_jumps: BTreeMap<usize, i64>,
}

impl Tally {
    pub(super) fn told(&mut self, told: Told) {
        if let What::Cancel { order, .. } = told.what {
            let is_it = |other: &&Told| other.id == order && other.office == told.office;
            if self.told.iter().any(|other| is_it(&other)) && !self.settled.contains_key(&order) {
                self.cancelled_unanswered.insert(order);
            }
        }
        let about_an_offer = match told.what {
            What::Post { listing, .. } => Some((listing, Did::Post)),
            What::Other { listing } => Some((listing, Did::Change)),
            What::Withdraw { listing } => Some((listing, Did::Withdraw)),
            _ => None,
        };
        if let Some((listing, did)) = about_an_offer {
            self.withdrawn.told(told.office, told.id, listing, did);
        }
        self.told.push(told);
    }

    pub(super) fn dismissed(&mut self, command: Uuid) {
        self.dismissed.insert(command);
    }

    pub(super) fn taken_in_at_the_hub(&mut self, listing: Uuid, milli: i64) {
        self.taken_in_at_the_hub.insert(listing, milli);
    }

    pub(super) fn ordered_at_the_hub(&mut self, order: Uuid, milli: i64) {
        self.ordered_at_the_hub.insert(order, milli);
    }

    pub(super) fn cancelled_at_the_hub(&mut self, order: Uuid) {
        self.cancelled_at_the_hub.insert(order);
    }

    pub(super) fn pass(&mut self, seconds: i64) {
        self.now_s += seconds;
    }

    pub(super) fn hub_jumped(&mut self, office: usize) {
        *self.hub_jumps.entry(office).or_default() += 1;
    }

    /// Seconds for which an office remembers at least what was settled there.
    fn kept_s(&self, office: usize) -> i64 {
        (KEPT_DAYS - JUMP_DAYS * self.hub_jumps.get(&office).copied().unwrap_or(0)) * DAY_S
    }

    /// What a command would make or change: its order, or its listing.
    pub(super) fn makes(&self, command: Uuid) -> Uuid {
        let told = self.told.iter().find(|told| told.id == command);
        match told.map(|told| &told.what) {
            Some(What::Post { listing, .. } | What::Other { listing } | What::Withdraw { listing }) => {
                *listing
            }
            _ => command,
        }
    }

    /// Whether the office that posted a listing, if one did, has the hub's word on that.
    pub(super) fn is_answered(&self, listing: Uuid) -> bool {
        let is_its_post =
            |told: &&Told| matches!(told.what, What::Post { listing: made, .. } if made == listing);
        self.told.iter().find(is_its_post).is_none_or(|post| self.settled.contains_key(&post.id))
    }

    /// How many were told that it is done, that it is asked, and later that they do not get it.
    pub(super) fn kinds(&self) -> (u64, u64, u64) {
        let count = |is: &dyn Fn(&&Told) -> bool| self.told.iter().filter(is).count() as u64;
        let is_refused = |told: &&Told| self.ends.get(&told.id) == Some(&End::Rejected);
        (count(&|told| told.is_sure), count(&|told| !told.is_sure), count(&is_refused))
    }

    pub(super) fn cancels_at_offices(&self) -> u64 {
        let took_effect = |told: &&Told| {
            matches!(told.what, What::Cancel { .. }) && self.ends.get(&told.id) == Some(&End::Applied)
        };
        self.told.iter().filter(took_effect).count() as u64
    }

    pub(super) fn pruned(&self) -> u64 {
        self.gone.len() as u64
    }

    /// Notes what can be seen of the acts so far: a final word never becomes another one, and what became of an act stays for as long as
    /// it can be asked for.
    pub(super) async fn look(&mut self, world: &World) -> Result<()> {
        let decided = "SELECT id::text || ' ' || verdict FROM commands WHERE verdict IN ('applied', 'rejected', 'dismissed')";
        for line in world.texts(decided).await {
            let (id, word) = line.split_once(' ').context("no word")?;
            let end = match word {
                "applied" => End::Applied,
                "rejected" => End::Rejected,
                _ => End::Dismissed,
            };
            let first = *self.ends.entry(id.parse()?).or_insert(end);
            ensure!(first == end, "the hub said {first:?} of {id}, and now {end:?}");
        }
        for (at, office) in world.offices.iter().enumerate() {
            self.look_at(at, office).await?;
        }
        Ok(())
    }

    async fn look_at(&mut self, at: usize, office: &Office) -> Result<()> {
        let words = "SELECT lower(hex(id)) || ' ' || verdict || ' ' || (conflicts IS NOT NULL)
            FROM command WHERE settled_at_s IS NOT NULL";
        let mut heard = BTreeMap::new();
        for line in office.column::<String>(words).await {
            let [id, verdict, in_part] = line.split(' ').collect::<Vec<_>>()[..] else {
                anyhow::bail!("{line}")
            };
            let word = match (verdict, in_part) {
                ("applied", "0") => Word::Taken,
                ("applied", _) => Word::InPart,
                _ => Word::Refused,
            };
            heard.insert(id.parse()?, word);
        }
        self.withdrawn.heard(at, &heard);
        for id in
            office.column::<String>("SELECT lower(hex(id)) FROM command WHERE kind = 7 AND short = 1").await
        {
            self.found_less.insert(id.parse()?);
        }
        let logged: Vec<String> =
            office.column("SELECT lower(hex(id)) || ' ' || (settled_at_s IS NOT NULL) FROM command").await;
        let logged: BTreeMap<Uuid, bool> = logged
            .iter()
            .filter_map(|line| line.split_once(' '))
            .map(|(id, settled)| Ok((id.parse()?, settled == "1")))
            .collect::<Result<_>>()?;
        let mut gone = Vec::new();
        for told in self.told.iter().filter(|told| told.office == at && !self.gone.contains(&told.id)) {
            match logged.get(&told.id) {
                Some(true) => {
                    self.settled.entry(told.id).or_insert(self.now_s);
                }
                Some(false) => {
                    ensure!(!self.settled.contains_key(&told.id), "{told:?} was settled, and waits again");
                }
                None => {
                    let since = self.settled.get(&told.id).copied();
                    let since = since.with_context(|| format!("{told:?} is forgotten without an answer"))?;
                    let age_s = self.now_s - since;
                    ensure!(age_s >= self.kept_s(at), "{told:?} is forgotten after {age_s} s");
                    gone.push(told.id);
                }
            }
        }
        self.gone.extend(gone);
        Ok(())
    }

    pub(super) async fn still_logged(&self, world: &World) -> u64 {
        let mut left = 0;
        for office in &world.offices {
            left += office.column::<u64>("SELECT count(*) FROM command").await[0];
        }
        left
    }

    /// Whether somebody took back a change of the stock, and the hub has heard that.
    pub(super) fn is_undone(&self, change: Uuid) -> bool {
        let takes_back = |told: &Told| {
            matches!(told.what, What::Undo { of, .. } if of == change)
                && self.ends.get(&told.id) == Some(&End::Applied)
        };
        self.told.iter().any(takes_back)
    }
}

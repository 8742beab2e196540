//! The outside tally: what people were told, kept by nobody in the system. Each act that was acknowledged has exactly one last word, in
//! the outbox or on the page, and it is what stands at the hub. Each unit that was taken in is somewhere, once.

use super::faults::DAY_S;
use super::withdrawn::{Did, Withdrawn, Word};
use crate::office::Office;
use crate::world::World;
use anyhow::{Context, Result, ensure};
use mizili_edge::commands as edge_commands;
use mizili_edge::commands::CommandState;
use mizili_edge::replica;
use std::collections::{BTreeMap, BTreeSet};
use sync_protocol::entity::{Order, OrderStatus};
use sync_protocol::ids::CommandId;
use sync_protocol::row::Key;
use sync_protocol::verdict::Verdict;
use uuid::Uuid;

/// Days for which what became of an act can be asked for at its office, by the hub's word.
const KEPT_DAYS: i64 = 30;
/// Days by which one clock of the hub that was wrong for a moment may put an office's count of days forward.
const JUMP_DAYS: i64 = 7;

/// By which a message is known that tells a buyer of an order that is short.
const SHORT_WORD: &str = "There is not enough for your order";

fn is_short_word(said: &[String]) -> bool {
    matches!(said, [only] if only.contains(SHORT_WORD))
}

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

    /// Whoever was told that the answer would come has got it, once, and it is the hub's; who was told that it is done hears no more.
    pub(super) async fn everybody_has_one_last_word(&self, world: &World) -> Result<()> {
        let short = self.made_short(world).await?;
        for told in &self.told {
            let end = self.ends.get(&told.id).with_context(|| format!("the hub never heard of {told:?}"))?;
            if told.is_sure && *end != End::Applied {
                ensure!(self.was_undone(told, *end), "{told:?} was told to be done, and ended as {end:?}");
            }
            let office = &world.offices[told.office];
            let said = async |about: String| -> Vec<String> {
                office.column(format!("SELECT phone || ' ' || text FROM sms_out WHERE about = '{about}' AND kind = 'verdict'")).await
            };
            let order = if let What::Cancel { order, .. } = told.what { order } else { told.id };
            let (own, of_its_end) =
                (said(told.id.to_string()).await, said(format!("{order}/cancelled")).await);
            self.is_the_last_word(told, *end, &own, &of_its_end)?;
            self.its_end_was_told(office, told).await?;
            self.how_it_stands_was_told(office, told, &short).await?;
            let is_off = self.is_taken_back(told) || self.withdrawn.is_off(told.id);
            stands_on_the_page(office, told, *end, is_off, self.may_be_over(told)).await?;
        }
        self.orders_are_as_told(world).await
    }

    /// What was done by an office can only be undone by an operator who put it, or what it needs, aside.
    fn was_undone(&self, told: &Told, end: End) -> bool {
        let (What::Post { listing, .. }
        | What::Order { listing, .. }
        | What::Adjust { listing, .. }
        | What::Count { listing, .. }
        | What::Undo { listing, .. }
        | What::Withdraw { listing }
        | What::Other { listing }) = told.what
        else {
            return end == End::Dismissed;
        };
        let is_its_post =
            |other: &&Told| matches!(other.what, What::Post { listing: made, .. } if made == listing);
        let post = self.told.iter().find(is_its_post);
        end == End::Dismissed || post.is_some_and(|post| self.dismissed.contains(&post.id))
    }

    /// Whether an act was settled so long ago that its office need not show it any more, though it may still remember it.
    fn may_be_over(&self, told: &Told) -> bool {
        self.settled.get(&told.id).is_some_and(|at_s| self.now_s - at_s >= self.kept_s(told.office))
    }

    /// Whether somebody at its office took an order back before the answer, and the hub has not refused that.
    fn is_taken_back(&self, told: &Told) -> bool {
        let took_it_back = |other: &Told| {
            matches!(other.what, What::Cancel { order, .. } if order == told.id)
                && other.office == told.office
                && self.ends.get(&other.id) == Some(&End::Applied)
        };
        self.cancelled_unanswered.contains(&told.id) && self.told.iter().any(took_it_back)
    }

    /// `own` is what was said of the act, `of_its_end` that its order is cancelled: that is said once, whoever brought it about.
    fn is_the_last_word(&self, told: &Told, end: End, own: &[String], of_its_end: &[String]) -> Result<()> {
        let is_off = self.cancelled_at_the_hub.contains(&told.id)
            || self
                .told
                .iter()
                .any(|other| matches!(other.what, What::Cancel { order, .. } if order == told.id));
        let is_of_its_end = own.is_empty() && (matches!(told.what, What::Cancel { .. }) || is_off);
        // An order that is off is what whoever wanted it off wanted.
        let hears_its_end = is_of_its_end && !of_its_end.is_empty();
        let is_refused = end != End::Applied && !hears_its_end;
        // Who acts at the page looks there; a cancel is told to the buyer, unless he made it and was told that it is done.
        let (phone, is_told) = match told.what {
            What::Order { .. } => (told.phone, !self.is_taken_back(told) && (is_refused || !told.is_sure)),
            What::Cancel { buyer: 0, by, .. } => (by, end != End::Applied || !told.is_sure),
            What::Cancel { buyer, by, .. } => (buyer, end != End::Applied || !told.is_sure || by != buyer),
            What::Post { .. }
            | What::Adjust { .. }
            | What::Count { .. }
            | What::Undo { .. }
            | What::Withdraw { .. }
            | What::Other { .. } => (0, false),
        };
        // A count may have made it short before its own word was here.
        let is_short_word =
            matches!(told.what, What::Order { .. }) && end == End::Applied && is_short_word(own);
        let is_told = (is_told || is_short_word) && phone != 0;
        let expected = usize::from(is_told);
        // Who need not hear of this act may have heard of another that ended the order.
        let said = if is_of_its_end && is_told { of_its_end } else { own };
        ensure!(of_its_end.len() < 2, "{told:?} ended as {end:?}, and was told 1 times: {of_its_end:?}");
        ensure!(said.len() == expected, "{told:?} ended as {end:?}, and was told {expected} times: {said:?}");
        for text in said {
            ensure!(text.starts_with(&format!("{phone} ")), "{told:?}: somebody else was told: {text}");
            ensure!(text.contains("NOT") == is_refused, "{told:?} ended as {end:?}, and was told: {text}");
        }
        Ok(())
    }

    /// Whose order became short, or is covered again, has heard that last, and each word once, as long as its office remembers the order.
    async fn how_it_stands_was_told(
        &self,
        office: &Office,
        told: &Told,
        short: &BTreeSet<Uuid>,
    ) -> Result<()> {
        let id = told.id;
        let is_cancel = |other: &Told| matches!(other.what, What::Cancel { order, .. } if order == id);
        let is_due = told.phone != 0
            && matches!(told.what, What::Order { .. })
            && self.ends.get(&id) == Some(&End::Applied)
            && !self.cancelled_at_the_hub.contains(&id)
            && !self.gone.contains(&id)
            && !self.told.iter().any(is_cancel);
        if !is_due {
            return Ok(());
        }
        let words = format!(
            "SELECT text FROM sms_out WHERE kind = 'verdict' AND (about = '{id}' OR about LIKE '{id}/standing/%') ORDER BY id"
        );
        let said: Vec<String> = office.column(words).await;
        let is_short = said.last().is_some_and(|text| text.contains(SHORT_WORD));
        ensure!(is_short == short.contains(&id), "{told:?} is short: {}, and heard {said:?}", !is_short);
        ensure!(said.windows(2).all(|two| two[0] != two[1]), "{told:?} heard the same twice: {said:?}");
        Ok(())
    }

    /// Whose order was taken back at the hub, and not here, heard last that it is off, as long as its office remembers the order.
    async fn its_end_was_told(&self, office: &Office, told: &Told) -> Result<()> {
        let id = told.id;
        let is_cancel = |other: &Told| matches!(other.what, What::Cancel { order, .. } if order == id);
        let is_due = told.phone != 0
            && matches!(told.what, What::Order { .. })
            && self.cancelled_at_the_hub.contains(&id)
            && !self.gone.contains(&id)
            && !self.told.iter().any(is_cancel);
        if !is_due {
            return Ok(());
        }
        let last = format!(
            "SELECT text FROM sms_out WHERE about IN ('{id}', '{id}/cancelled') ORDER BY id DESC LIMIT 1"
        );
        let said: Vec<String> = office.column(last).await;
        ensure!(
            said.first().is_some_and(|text| text.contains("is cancelled")),
            "{told:?} was taken back at the hub: {said:?}"
        );
        Ok(())
    }

    /// Whether somebody took back a change of the stock, and the hub has heard that.
    pub(super) fn is_undone(&self, change: Uuid) -> bool {
        let takes_back = |told: &Told| {
            matches!(told.what, What::Undo { of, .. } if of == change)
                && self.ends.get(&told.id) == Some(&End::Applied)
        };
        self.told.iter().any(takes_back)
    }

    /// At the hub stand the orders that somebody was told of, each as he was told, and no others.
    async fn orders_are_as_told(&self, world: &World) -> Result<()> {
        let short = self.made_short(world).await?;
        let mut standing: BTreeMap<Uuid, (OrderStatus, i64)> = BTreeMap::new();
        for line in world.texts("SELECT id::text || ' ' || status || ' ' || quantity_milli FROM orders").await
        {
            let [id, status, milli] = line.split(' ').collect::<Vec<_>>()[..] else {
                anyhow::bail!("{line}")
            };
            standing.insert(id.parse()?, (OrderStatus::from_code(status.parse()?), milli.parse()?));
        }
        let mut off = self.cancelled_at_the_hub.clone();
        let mut on = self.ordered_at_the_hub.clone();
        for told in &self.told {
            let is_applied = self.ends.get(&told.id) == Some(&End::Applied);
            match told.what {
                What::Order { milli, .. } if is_applied => drop(on.insert(told.id, milli)),
                What::Cancel { order, .. } if is_applied => drop(off.insert(order)),
                _ => {}
            }
        }
        let lost: Vec<_> = on.keys().filter(|id| !standing.contains_key(id)).collect();
        ensure!(lost.is_empty(), "people were told of orders that are not at the hub: {lost:?}");
        for (id, there) in standing {
            let milli = on.get(&id).with_context(|| format!("nobody was told of order {id}"))?;
            let status = match (off.contains(&id), short.contains(&id)) {
                (true, _) => OrderStatus::Cancelled,
                (false, true) => OrderStatus::Short,
                (false, false) => OrderStatus::Confirmed,
            };
            ensure!(
                there == (status, *milli),
                "order {id} is {there:?}, and people were told {status:?} {milli}"
            );
        }
        Ok(())
    }
}

/// What is in the log says what the hub said; what was refused is shown for as long as it is there, unless it was taken back before; an
/// order is shown as it stands.
async fn stands_on_the_page(
    office: &Office,
    told: &Told,
    end: End,
    is_taken_back: bool,
    may_be_over: bool,
) -> Result<()> {
    let id = told.id;
    let read = office.read(move |conn| {
        let state = edge_commands::outcome(conn, CommandId(id))?;
        let is_shown = edge_commands::refusals(conn)?.iter().any(|state| state.command.id.0 == id);
        let refused = edge_commands::refused_orders(conn, None)?;
        let refused = refused.iter().find(|order| order.id.0 == id).map(|order| order.was_taken_back);
        Ok((state, is_shown, refused, replica::get::<Order>(conn, Key::Uuid(id))?.is_some()))
    });
    let read: (Option<CommandState>, bool, Option<bool>, bool) = read.await;
    let (state, is_refused_there, refused, stands) = read;
    let Some(state) = state else { return Ok(()) };
    let here = match &state.verdict {
        Some(Verdict::Applied(_)) => End::Applied,
        Some(Verdict::Rejected(_)) => End::Rejected,
        Some(Verdict::Dismissed) => End::Dismissed,
        other => anyhow::bail!("{told:?} ended as {end:?}, and the office has {other:?}"),
    };
    ensure!(here == end, "{told:?} ended as {end:?}, and the office has {here:?}");
    let is_in_part =
        matches!(&state.verdict, Some(Verdict::Applied(applied)) if !applied.conflicts.is_empty());
    let is_due = !is_taken_back && (end != End::Applied || is_in_part);
    ensure!(
        is_refused_there == is_due || (may_be_over && !is_refused_there),
        "{told:?} ended as {end:?}, and the page shows a refusal: {is_refused_there}"
    );
    if matches!(told.what, What::Order { .. }) {
        ensure!(
            stands == (end == End::Applied),
            "{told:?} ended as {end:?}, and the list of orders has it: {stands}"
        );
        ensure!(
            refused == (end != End::Applied).then_some(is_taken_back),
            "{told:?} ended as {end:?}, and the list of orders has it as cancelled: {refused:?}"
        );
    }
    Ok(())
}

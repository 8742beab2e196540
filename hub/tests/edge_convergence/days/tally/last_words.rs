//! What people heard last, beside what stands: each act that was acknowledged has one last word, in the outbox or on the page, and the orders
//! at the hub are those that somebody was told of.

use super::{End, Tally, Told, What};
use crate::office::Office;
use crate::world::World;
use anyhow::{Context, Result, ensure};
use mizili_edge::commands as edge_commands;
use mizili_edge::commands::CommandState;
use mizili_edge::replica;
use std::collections::{BTreeMap, BTreeSet};
use sync_protocol::ids::CommandId;
use sync_protocol::market::{Order, OrderStatus};
use sync_protocol::row::Key;
use sync_protocol::verdict::Verdict;
use uuid::Uuid;

/// By which a message is known that tells a buyer of an order that is short.
const SHORT_WORD: &str = "There is not enough for your order";

fn is_short_word(said: &[String]) -> bool {
    matches!(said, [only] if only.contains(SHORT_WORD))
}

impl Tally {
    /// Whoever was told that the answer would come has got it, once, and it is the hub's; who was told that it is done hears no more.
    pub(in crate::days) async fn everybody_has_one_last_word(&self, world: &World) -> Result<()> {
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

//! The kept sums of stock beside the spend rule, on real SQLite, whatever an office and the hub do in whatever order: sales and their
//! cancels, intakes, losses and counts and the undo of those, of which the hub puts some aside and books some with less.

use super::overlay::{BUCKET, HERE, applied, order, settled_listing};
use crate::commands::Submitted;
use crate::node;
use crate::replica;
use crate::stock;
use crate::testing::{TestEdge, clerk, entry, live};
use proptest::prelude::*;
use std::collections::HashMap;
use sync_protocol::ids::{CommandId, Holder, ListingId, OrderId};
use sync_protocol::market::{
    Adjustment, Effect, Entity, EntryId, EntryKind, Order, OrderStatus, StockAdjust, StockEntry,
};
use sync_protocol::row::Row;
use sync_protocol::session::MINOR_WITH_FACTS;
use sync_protocol::units::Quantity;
use sync_protocol::verdict::Verdict;

/// One thing that happens at an office or on the line.
#[derive(Clone, Debug)]
enum Act {
    Order(i64),
    Cancel(usize),
    TakeIn(i64),
    Spoilt(i64),
    /// So many more are there than can be sold, or less.
    Count(i64),
    /// The last change of the stock is taken back.
    Undo,
    Send,
    Rows,
    Verdict,
    /// The hub puts aside what has sold or taken something away.
    PutAside,
    /// The hub finds so much less to take away than the office did.
    BookLess(i64),
    HubSells(i64),
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        (1i64..15).prop_map(Act::Order),
        (0usize..8).prop_map(Act::Cancel),
        (1i64..10).prop_map(Act::TakeIn),
        (1i64..10).prop_map(Act::Spoilt),
        (-12i64..6).prop_map(Act::Count),
        Just(Act::Undo),
        Just(Act::Undo),
        Just(Act::Send),
        Just(Act::Rows),
        Just(Act::Verdict),
        Just(Act::PutAside),
        (1i64..6).prop_map(Act::BookLess),
        (1i64..5).prop_map(Act::HubSells),
    ]
}

/// What the hub has still to send for one command: rows and the verdict.
struct Answer {
    seq: u64,
    effects: Vec<Effect>,
    stands_at: u64,
    is_sent: bool,
    has_rows: bool,
    has_verdict: bool,
}

impl Answer {
    /// Whether the hub may still think otherwise of it.
    fn is_open(&self) -> bool {
        self.is_sent && !self.has_rows && !self.has_verdict
    }

    /// The entries by which it takes something from this office.
    fn takes(&self) -> impl Iterator<Item = EntryId> {
        let takes = |e: &StockEntry| e.quantity < Quantity::ZERO && e.id.takes_back().is_none();
        self.effects.iter().filter_map(Effect::read::<StockEntry>).filter(takes).map(|entry| entry.id)
    }
}

/// A change of the stock that can be taken back.
struct Change {
    id: CommandId,
    /// By which entry, and by how many thousandths.
    moved: Option<(EntryId, i64)>,
    is_undone: bool,
}

struct Schedule {
    edge: TestEdge,
    listing: ListingId,
    orders: Vec<OrderId>,
    answers: Vec<Answer>,
    changes: Vec<Change>,
    /// What the hub booked where it was not what the office did: 0 where it put it aside.
    booked: HashMap<EntryId, i64>,
    hub_orders: u64,
}

impl Schedule {
    fn new() -> Self {
        let edge = TestEdge::with_market();
        edge.write(|tx| node::set_hub_minor(tx, MINOR_WITH_FACTS));
        let listing = settled_listing(&edge);
        let (orders, answers, changes) = (Vec::new(), Vec::new(), Vec::new());
        Self { edge, listing, orders, answers, changes, booked: HashMap::new(), hub_orders: 0 }
    }

    fn change(&mut self, found: Adjustment, undoes: Option<CommandId>) -> Option<Submitted> {
        let undoes = undoes.map(|id| id.0);
        let adjust = StockAdjust { listing: self.listing.0, found, reason: String::new(), undoes };
        let id = CommandId(self.edge.deps().ids.uuid_v7());
        let submitted = self.edge.submit_as(id, clerk(), true, adjust).ok()?;
        if undoes.is_none() {
            let mut entries = submitted.decision.rows::<StockEntry>();
            let entry = entries.find(|entry| entry.id.step != EntryId::MISSING);
            let moved = entry.map(|entry| (entry.id, entry.quantity.0));
            self.changes.push(Change { id, moved, is_undone: false });
        }
        Some(submitted)
    }

    fn count(&mut self, units: i64) -> Option<Submitted> {
        let expected_milli = Quantity::units(20).0;
        let counted_milli = expected_milli + Quantity::units(units).0;
        self.change(Adjustment::Count { counted_milli, expected_milli }, None)
    }

    fn undo(&mut self) -> Option<Submitted> {
        let at = self.changes.len().checked_sub(1).filter(|at| !self.changes[*at].is_undone)?;
        let of = self.changes[at].id;
        // What is said of it is not what counts.
        let submitted = self.change(Adjustment::Intake(Quantity::units(99).0), Some(of))?;
        self.changes[at].is_undone = true;
        Some(submitted)
    }

    /// The rows that the hub makes of a command, by what it has booked of others.
    fn rows(&self, answer: &Answer) -> Vec<Row> {
        let put_aside = |of: uuid::Uuid| self.booked.get(&EntryId { of, step: EntryId::SOLD }) == Some(&0);
        let row = |effect: &Effect| match effect.entity {
            StockEntry::NUMBER => {
                let mut entry = effect.read::<StockEntry>()?;
                // The hub takes that from others.
                if entry.id.step % EntryId::UNDONE == EntryId::MISSING {
                    return None;
                }
                let back = entry.id.takes_back().and_then(|id| Some(-self.booked.get(&id)?));
                let milli = back.or(self.booked.get(&entry.id).copied()).unwrap_or(entry.quantity.0);
                entry.quantity = Quantity(milli);
                (milli != 0).then(|| live(&entry))
            }
            Order::NUMBER => {
                effect.read::<Order>().filter(|order| !put_aside(order.id.0)).map(|order| live(&order))
            }
            _ => None,
        };
        answer.effects.iter().filter_map(row).collect()
    }

    fn send_rows(&mut self) {
        let next = |answer: &Answer| {
            answer.is_sent && !answer.has_rows && (answer.has_verdict || !self.rows(answer).is_empty())
        };
        if let Some(at) = self.answers.iter().position(next) {
            let rows = self.rows(&self.answers[at]);
            self.answers[at].has_rows = true;
            if !rows.is_empty() {
                self.answers[at].stands_at = self.edge.feed(BUCKET, rows);
            }
        }
    }

    /// A verdict may come before its rows: they will be the next ones.
    fn say(&mut self) {
        let Some(at) = self.answers.iter().position(|a| a.is_sent && !a.has_verdict) else { return };
        let before = self.answers[..=at].iter().filter(|a| !a.has_rows);
        let waits: usize = before.map(|answer| self.rows(answer).len()).sum();
        let answer = &mut self.answers[at];
        let stands_at =
            if answer.has_rows { answer.stands_at } else { self.edge.head(BUCKET) + waits as u64 };
        answer.has_verdict = true;
        self.edge.verdict(answer.seq, applied(), &[(BUCKET, stands_at)]);
    }

    fn put_aside(&mut self) {
        let takes = |answer: &Answer| answer.is_open() && answer.takes().next().is_some();
        let Some(at) = self.answers.iter().position(takes) else { return };
        let taken: Vec<EntryId> = self.answers[at].takes().collect();
        self.booked.extend(taken.into_iter().map(|id| (id, 0)));
        self.answers[at].has_rows = true;
        self.answers[at].has_verdict = true;
        self.edge.verdict(self.answers[at].seq, Verdict::Dismissed, &[]);
    }

    fn book_less(&mut self, units: i64) {
        let open = self.answers.iter().filter(|answer| answer.is_open());
        let written_off = open.flat_map(Answer::takes).find(|id| id.step == EntryId::WRITTEN_OFF);
        let change =
            self.changes.iter().find(|c| written_off.is_some() && c.moved.map(|m| m.0) == written_off);
        if let Some((id, milli)) = change.and_then(|change| change.moved) {
            self.booked.insert(id, (milli + Quantity::units(units).0).min(0));
        }
    }

    fn does(&mut self, act: Act) {
        let milli = |units| Quantity::units(units).0;
        let submitted = match act {
            Act::Order(units) => self.edge.place_order(self.listing, units).ok().map(|(order, submitted)| {
                self.orders.push(order);
                submitted
            }),
            Act::Cancel(at) => self.orders.get(at).and_then(|order| self.edge.cancel_order(*order).ok()),
            Act::TakeIn(units) => self.change(Adjustment::Intake(milli(units)), None),
            Act::Spoilt(units) => self.change(Adjustment::WriteOff(milli(units)), None),
            Act::Count(units) => self.count(units),
            Act::Undo => self.undo(),
            Act::Send => {
                self.edge.write(|tx| crate::commands::mark_sent(tx, u64::MAX >> 1));
                self.answers.iter_mut().for_each(|answer| answer.is_sent = true);
                None
            }
            Act::Rows => {
                self.send_rows();
                None
            }
            Act::Verdict => {
                self.say();
                None
            }
            Act::PutAside => {
                self.put_aside();
                None
            }
            Act::BookLess(units) => {
                self.book_less(units);
                None
            }
            Act::HubSells(units) => {
                self.hub_sells(units);
                None
            }
        };
        if let Some(submitted) = submitted {
            let (effects, stands_at) = (submitted.decision.effects, self.edge.head(BUCKET));
            let (is_sent, has_rows, has_verdict) = (false, false, false);
            let seq = submitted.seq;
            self.answers.push(Answer { seq, effects, stands_at, is_sent, has_rows, has_verdict });
        }
    }

    /// Rows already promised to a verdict come first.
    fn hub_sells(&mut self, units: i64) {
        if self.answers.iter().all(|answer| !answer.has_verdict || answer.has_rows) {
            self.hub_orders += 1;
            let of = sync_protocol::ids::hub_born(1_000 + self.hub_orders);
            let sold = entry(of, EntryId::SOLD, self.listing, Holder::Hub, -units, EntryKind::Sale);
            self.edge.feed(BUCKET, vec![live(&sold)]);
        }
    }

    /// What this office has ever had, less what is gone: what was taken back, or put aside, or not found, never went.
    fn had_milli(&self) -> i64 {
        let moved = |change: &Change| match change.moved {
            Some((id, milli)) if !change.is_undone => self.booked.get(&id).copied().unwrap_or(milli),
            _ => 0,
        };
        Quantity::units(25).0 + self.changes.iter().map(moved).sum::<i64>()
    }

    fn sold_milli(&self) -> i64 {
        let orders = self.orders.iter().filter_map(|id| order(&self.edge, *id));
        let sold = orders.filter(|o| o.holder == Some(HERE) && o.status == OrderStatus::Confirmed);
        sold.map(|order| order.quantity.0).sum()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    /// Whatever happens in whatever order, the kept sums are what adding up gives, and this office never spends a unit twice: what it
    /// may spend is at most what it has had, less what it sold and what is gone.
    #[test]
    fn kept_sums_never_go_stale_and_no_unit_is_spent_twice(acts in prop::collection::vec(act(), 1..40)) {
        let mut all = Schedule::new();
        let id = all.listing;
        for act in acts {
            all.does(act);
            let kept = all.edge.read(|conn| stock::holdings(conn, id));
            all.edge.write(move |tx| replica::forget_sums_of(tx, id.0));
            prop_assert_eq!(&kept, &all.edge.read(|conn| stock::holdings(conn, id)), "a kept sum went stale");
            all.edge.write(move |tx| stock::holdings_kept(tx, id));
            let (free, sold, had) = (all.edge.spendable(id, HERE), all.sold_milli(), all.had_milli());
            prop_assert!(free >= Quantity::ZERO && free.0 + sold <= had, "{} free, {} sold, {} had", free, sold, had);
        }
    }
}

/// What takes away and is then put aside at the hub gives nothing by what took it back here, however long that still waits.
#[test]
fn what_is_put_aside_at_the_hub_gives_nothing_back_a_second_time() {
    for take in [Act::Count(-5), Act::Spoilt(5)] {
        let mut all = Schedule::new();
        for act in [take, Act::Send, Act::Undo, Act::Send] {
            all.does(act);
        }
        assert_eq!(all.edge.spendable(all.listing, HERE), Quantity::units(25));
        all.does(Act::PutAside);
        assert_eq!(all.edge.spendable(all.listing, HERE), Quantity::units(25), "thirty were never there");
        let (_, asked) = all.edge.place_order(all.listing, 26).unwrap();
        assert_eq!(asked.certainty, sync_protocol::market::Certainty::Request);
    }
    // The same of an order that was taken back before it left.
    let mut all = Schedule::new();
    for act in [Act::Order(20), Act::Cancel(0), Act::Send] {
        all.does(act);
    }
    assert_eq!(all.edge.spendable(all.listing, HERE), Quantity::units(25));
    all.does(Act::PutAside);
    assert_eq!(all.edge.spendable(all.listing, HERE), Quantity::units(25));
}

#[test]
fn where_the_hub_books_less_less_comes_back() {
    let mut all = Schedule::new();
    for act in [Act::Count(-5), Act::Undo, Act::Send, Act::BookLess(3), Act::Rows] {
        all.does(act);
        assert!(all.edge.spendable(all.listing, HERE) <= Quantity::units(25));
    }
    // Its own row is still on the way.
    assert_eq!(all.edge.spendable(all.listing, HERE), Quantity::units(25));
    all.does(Act::Rows);
    assert_eq!(all.edge.spendable(all.listing, HERE), Quantity::units(25));
}
/// A version that counted what takes an entry back without that entry has kept a sum with units that nobody has.
#[test]
fn a_sum_that_an_earlier_version_kept_is_added_up_anew() {
    let listing = ListingId(uuid::uuid!("019ca869-5000-7164-8a25-da5ad31754e2"));
    let edge = TestEdge::empty().restart(|dir| {
        std::fs::remove_file(dir.join("edge.db")).unwrap();
        let before = rusqlite::Connection::open(dir.join("edge.db")).unwrap();
        before.execute_batch(include_str!("kept_sums.sql")).unwrap();
        let sums: Vec<u8> = before.query_row("SELECT sums FROM stock_sum", [], |row| row.get(0)).unwrap();
        assert!(sums.ends_with(&Quantity::units(30).0.to_le_bytes()), "thirty, as it was kept");
    });
    assert_eq!(edge.spendable(listing, HERE), Quantity::units(25));
}

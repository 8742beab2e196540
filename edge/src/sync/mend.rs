//! Finding and mending rows that differ from the hub's: from the sums of 256 slots to the sums within one, to its rows.
//!
//! Costs a few KiB for one wrong row among a hundred thousand. Never fetches a bucket anew, and never touches what is waiting
//! to be sent. The plan ([`Mending`]) is pure; the functions below it read and write sums of rows on disk.

use crate::db::DbError;
use crate::replica;
use rusqlite::{Connection, Transaction};
use std::collections::{BTreeMap, BTreeSet, HashSet, VecDeque};
use sync_protocol::bucket::Bucket;
use sync_protocol::market;
use sync_protocol::row::{Digest, Key, RowHash, slot};
use sync_protocol::wire::message::Audit;
use sync_protocol::wire::rows::{Reach, Rows};

/// Questions in one exchange, of both kinds.
const AUDITS_MAX: usize = 64;

/// Questions for sums in one exchange: each brings 2 KiB.
const SUMS_MAX: usize = 8;

/// Exchanges spent on mending before the box goes on with other work; the next run goes on where this one stopped.
const ROUNDS_MAX: u32 = 24;

/// An entity of a bucket.
pub(super) type Part = (Bucket, u16);

/// What is known to differ, and what has to be asked next so that both sides become equal.
#[derive(Debug)]
pub(super) struct Mending {
    queue: VecDeque<Audit>,
    /// Parts that differ, or did until they were mended and nobody has said since that they are equal.
    suspect: BTreeSet<Part>,
    /// Parts about which something came in this exchange, after which they need not begin from the top.
    handled: HashSet<Part>,
    rounds_left: u32,
}

impl Mending {
    /// Begins with parts that are known or feared to differ.
    pub(super) fn new(suspect: impl IntoIterator<Item = Part>) -> Self {
        let suspect: BTreeSet<Part> = suspect.into_iter().collect();
        Self {
            queue: suspect.iter().map(from_the_top).collect(),
            suspect,
            handled: HashSet::new(),
            rounds_left: ROUNDS_MAX,
        }
    }

    /// The questions for the next exchange.
    pub(super) fn begin_round(&mut self) -> Vec<Audit> {
        self.handled.clear();
        let (mut now, mut later, mut sums) = (Vec::new(), VecDeque::new(), 0);
        for audit in self.queue.drain(..) {
            let is_sums = audit.slot.len() < 2;
            if self.rounds_left > 0 && now.len() < AUDITS_MAX && !(is_sums && sums == SUMS_MAX) {
                sums += usize::from(is_sums);
                now.push(audit);
            } else {
                later.push_back(audit);
            }
        }
        self.queue = later;
        if !now.is_empty() {
            self.rounds_left = self.rounds_left.saturating_sub(1);
        }
        now
    }

    /// The digests of these buckets were compared at a complete point, and these parts of them differ.
    pub(super) fn compared(&mut self, buckets: &[Bucket], differing: &[Part]) {
        let is_known = |part: &Part| !buckets.contains(&part.0) || differing.contains(part);
        self.suspect.retain(is_known);
        self.queue.retain(|audit| is_known(&(audit.bucket, audit.entity)));
        self.suspect.extend(differing);
    }

    /// Sums came. Gives whether any slot differs.
    pub(super) fn sums_came(&mut self, of: &Audit, ours: &[u64], theirs: &[u64]) -> bool {
        self.handled.insert((of.bucket, of.entity));
        let pairs = ours.iter().zip(theirs);
        let differing: Vec<u8> =
            (0u8..=255).zip(pairs).filter(|(_, (a, b))| a != b).map(|(i, _)| i).collect();
        for within in &differing {
            let slot = of.slot.iter().chain([within]).copied().collect();
            self.queue.push_back(Audit { bucket: of.bucket, entity: of.entity, slot });
        }
        if differing.is_empty() && of.slot.is_empty() {
            self.suspect.remove(&(of.bucket, of.entity));
        }
        !differing.is_empty()
    }

    /// Rows were put right. The next comparison, or the next answer about the part, tells whether that was all.
    pub(super) fn mended(&mut self, part: Part) {
        self.handled.insert(part);
    }

    /// The exchange has ended: what differs and was not asked about in it begins from the top.
    pub(super) fn end_round(&mut self) {
        for part in &self.suspect {
            let is_asked = self.queue.iter().any(|audit| (audit.bucket, audit.entity) == *part);
            if !is_asked && !self.handled.contains(part) {
                self.queue.push_back(from_the_top(part));
            }
        }
    }

    /// Whether another exchange is worth it now.
    pub(super) fn has_work(&self) -> bool {
        self.rounds_left > 0 && !self.suspect.is_empty()
    }

    /// Whether nothing is known to differ.
    pub(super) fn is_equal(&self) -> bool {
        self.suspect.is_empty()
    }
}

fn from_the_top(part: &Part) -> Audit {
    Audit { bucket: part.0, entity: part.1, slot: Vec::new() }
}

/// Adds up all rows on disk of the buckets that are whole and gives those parts whose kept sum is another: a bit that
/// flipped on the disk shows here and nowhere else.
pub(super) fn recounted(conn: &Connection) -> Result<Vec<(Part, Digest)>, DbError> {
    let mut wrong = Vec::new();
    for part in parts(conn)? {
        let sum = replica::recount(conn, part.0, part.1)?;
        if sum != replica::digest(conn, part.0, part.1)? {
            wrong.push((part, sum));
        }
    }
    Ok(wrong)
}

/// The known entities, and those that the replica holds, of the buckets that are whole.
fn parts(conn: &Connection) -> Result<Vec<Part>, DbError> {
    let mut found: BTreeSet<Part> = BTreeSet::new();
    let sql = "SELECT name, entity FROM bucket LEFT JOIN digest ON bucket = number WHERE reached IS NULL";
    let mut statement = conn.prepare_cached(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let name: String = row.get(0)?;
        let bucket: Bucket = name.parse().map_err(|_| DbError::bad_value("bucket", "name", &name))?;
        found.extend(row.get::<_, Option<u16>>(1)?.map(|entity| (bucket, entity)));
        found.extend(market::ENTITIES.iter().map(|(number, _)| (bucket, *number)));
    }
    Ok(found.into_iter().collect())
}

/// Keeps a sum that was added up from the rows on disk. The bucket is compared until it is said to be equal, also where the line fails
/// now or the box is switched off.
pub(super) fn keep_sum(tx: &Transaction<'_>, (bucket, entity): Part, sum: Digest) -> Result<(), DbError> {
    let name = bucket.to_string();
    tx.prepare_cached("UPDATE bucket SET verified = 0 WHERE name = ?1")?.execute([&name])?;
    if sum == Digest::default() {
        let sql =
            "DELETE FROM digest WHERE bucket = (SELECT number FROM bucket WHERE name = ?1) AND entity = ?2";
        tx.prepare_cached(sql)?.execute((name, entity))?;
    } else {
        let sql = "INSERT OR REPLACE INTO digest (bucket, entity, sum) SELECT number, ?2, ?3 FROM bucket WHERE name = ?1";
        tx.prepare_cached(sql)?.execute((name, entity, sum.to_bytes()))?;
    }
    Ok(())
}

/// How many rows a repair is about to change: others, missing ones, and ones too many.
pub(super) fn rows_to_mend(conn: &Connection, frame: &Rows) -> Result<u64, DbError> {
    let Reach::Repair { entity, slot: at, .. } = frame.reach else { return Ok(0) };
    let mut here: BTreeMap<Key, (u64, RowHash)> = BTreeMap::new();
    let mut statement = conn.prepare_cached(
        "SELECT id, version, payload FROM replica WHERE entity = ?1 AND payload IS NOT NULL
         AND bucket = (SELECT number FROM bucket WHERE name = ?2)",
    )?;
    let mut rows = statement.query((entity, frame.bucket.to_string()))?;
    while let Some(row) = rows.next()? {
        let bad = || DbError::bad_value("replica", "id", entity);
        let key = Key::from_bytes(row.get_ref(0)?.as_blob().map_err(|_| bad())?).map_err(|_| bad())?;
        if slot(entity, key) == at {
            let payload =
                row.get_ref(2)?.as_blob().map_err(|_| DbError::bad_value("replica", "payload", entity))?;
            let version = row.get(1)?;
            here.insert(key, (version, RowHash::of(entity, key, version, payload)));
        }
    }
    let mut changed = 0;
    for row in frame.rows.iter().filter(|row| row.entity == entity && slot(entity, row.key) == at) {
        let before = here.remove(&row.key).map(|(_, hash)| hash);
        changed += u64::from(before != row.hash());
    }
    let too_many = here.values().filter(|(version, _)| replica::covers(frame.span(), *version));
    Ok(changed + too_many.count() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use sync_protocol::ids::CooperativeId;

    const PART: Part = (Bucket::Coop(CooperativeId(1)), 4);

    fn sums(wrong: &[u8]) -> Vec<u64> {
        let mut sums = vec![7; 256];
        wrong.iter().for_each(|at| sums[usize::from(*at)] = 8);
        sums
    }

    fn ask(slot: &[u8]) -> Audit {
        Audit { bucket: PART.0, entity: PART.1, slot: slot.to_vec() }
    }

    #[test]
    fn one_wrong_row_is_asked_for_in_three_steps() {
        let mut mending = Mending::new([]);
        assert!(mending.begin_round().is_empty() && !mending.has_work() && mending.is_equal());
        mending.compared(&[PART.0], &[PART]);
        mending.end_round();
        assert!(mending.has_work());
        assert_eq!(mending.begin_round(), [ask(&[])]);
        mending.compared(&[PART.0], &[PART]);
        assert!(mending.sums_came(&ask(&[]), &sums(&[9]), &sums(&[])));
        mending.end_round();
        assert_eq!(mending.begin_round(), [ask(&[9])]);
        assert!(mending.sums_came(&ask(&[9]), &sums(&[]), &sums(&[200])));
        mending.end_round();
        assert_eq!(mending.begin_round(), [ask(&[9, 200])]);
        mending.mended(PART);
        mending.compared(&[PART.0], &[PART]);
        mending.end_round();
        assert!(mending.has_work() && !mending.is_equal(), "it is compared once more");
        assert!(mending.begin_round().is_empty());
        mending.compared(&[PART.0], &[]);
        mending.end_round();
        assert!(!mending.has_work() && mending.is_equal());
    }

    #[test]
    fn a_hub_that_compares_nothing_is_asked_until_the_sums_agree() {
        let mut mending = Mending::new([PART]);
        assert_eq!(mending.begin_round(), [ask(&[])]);
        assert!(mending.sums_came(&ask(&[]), &sums(&[9]), &sums(&[])));
        mending.end_round();
        assert_eq!(mending.begin_round(), [ask(&[9])]);
        mending.mended(PART);
        mending.end_round();
        assert!(mending.begin_round().is_empty(), "a complete point may tell for nothing");
        mending.end_round();
        assert_eq!(mending.begin_round(), [ask(&[])]);
        assert!(!mending.sums_came(&ask(&[]), &sums(&[]), &sums(&[])));
        mending.end_round();
        assert!(mending.is_equal() && !mending.has_work());
    }

    #[test]
    fn an_answer_that_did_not_come_begins_from_the_top_and_not_for_ever() {
        let mut mending = Mending::new([PART]);
        for _ in 0..ROUNDS_MAX {
            assert!(mending.has_work());
            assert_eq!(mending.begin_round(), [ask(&[])]);
            mending.compared(&[PART.0], &[PART]);
            mending.end_round();
        }
        assert!(!mending.has_work() && !mending.is_equal());
        assert!(mending.begin_round().is_empty());
    }

    #[test]
    fn one_exchange_asks_for_a_bounded_amount() {
        let mut mending = Mending::new([PART]);
        let all: Vec<u8> = (0..=255).collect();
        assert_eq!(mending.begin_round().len(), 1);
        assert!(mending.sums_came(&ask(&[]), &sums(&all), &sums(&[])));
        assert_eq!(mending.begin_round().len(), SUMS_MAX);
        assert!(mending.sums_came(&ask(&[1]), &sums(&all), &sums(&[])));
        let asked = mending.begin_round();
        assert!(asked.len() <= AUDITS_MAX && asked.iter().filter(|a| a.slot.len() < 2).count() <= SUMS_MAX);
    }
}

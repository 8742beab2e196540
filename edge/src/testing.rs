//! A whole edge for tests: a real SQLite file in a folder of its own, ids and time that a test controls, and a market to try things
//! on, fed in as the hub would send it. It must never be part of what an operator runs.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set up its edge should stop at once"
)]

mod sample;

pub use sample::*;

use crate::commands::{self, Submission, SubmitError, Submitted};
use crate::db::{Db, DbError};
use crate::node::{self, Identity};
use crate::replica;
use crate::stock;
use crate::time;
use mizili_node::deps::{Clock as _, Deps, HandClock};
use rusqlite::{Connection, Transaction};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CommandId, Holder, ListingId, OrderId};
use sync_protocol::market::{Actor, Body, EdgeSettings, ListingPost, OrderCancel, Region};
use sync_protocol::row::Row;
use sync_protocol::session::{Judged, Link};
use sync_protocol::units::Quantity;
use sync_protocol::verdict::{Numbered, Verdict};
use sync_protocol::wire::message::Welcome;
use sync_protocol::wire::rows::{Reach, Rows};
use tempfile::TempDir;

/// An edge in a folder that goes with it.
pub struct TestEdge {
    dir: TempDir,
    db: Option<Db>,
    deps: Deps,
    clock: Arc<HandClock>,
    heads: RefCell<HashMap<Bucket, u64>>,
    verdicts: RefCell<u64>,
}

impl TestEdge {
    /// An edge before enrolment.
    pub fn empty() -> Self {
        Self::with_seed(1)
    }

    /// As [`TestEdge::empty`], with other ids.
    pub fn with_seed(seed: u64) -> Self {
        let dir = tempfile::tempdir().expect("a folder for the test");
        let (deps, clock) = Deps::fixed_with_clock(seed);
        let db = Db::open(dir.path()).expect("a new database");
        let at = clock.read();
        db.write_blocking(move |tx| time::note(tx, at)).expect("time begins");
        Self { dir, db: Some(db), deps, clock, heads: RefCell::default(), verdicts: RefCell::default() }
    }

    /// Enrolled and with its scope, but nothing fetched yet.
    pub fn enrolled() -> Self {
        let edge = Self::empty();
        edge.db()
            .write_blocking(|tx| crate::sync::streams::enrol(tx, &identity(), &first_link(), 1))
            .unwrap();
        edge.take_scope(&scope());
        edge
    }

    /// Enrolled and fetched: reference data, prices, the cooperative and its people, another cooperative's listing.
    pub fn with_market() -> Self {
        let edge = Self::enrolled();
        edge.feed_market();
        edge
    }

    /// The database.
    pub fn db(&self) -> &Db {
        self.db.as_ref().expect("open until it is closed")
    }

    /// Its folder.
    pub fn data_dir(&self) -> &Path {
        self.dir.path()
    }

    /// Time and ids.
    pub fn deps(&self) -> &Deps {
        &self.deps
    }

    /// The clock, to be moved.
    pub fn clock(&self) -> &HandClock {
        &self.clock
    }

    /// Closes and opens the database, as a restart does.
    #[must_use]
    pub fn reopen(self) -> Self {
        self.restart(|_| ())
    }

    /// As [`TestEdge::reopen`], with something done to the folder in between.
    #[must_use]
    pub fn restart(mut self, meanwhile: impl FnOnce(&Path)) -> Self {
        drop(self.db.take());
        meanwhile(self.dir.path());
        self.db = Some(Db::open(self.dir.path()).expect("the database opens again"));
        self
    }

    /// Reads, and stops the test where that fails.
    pub fn read<T, E: From<DbError> + Debug>(&self, f: impl FnOnce(&Connection) -> Result<T, E>) -> T {
        self.db().read_blocking(f).expect("the read succeeds")
    }

    /// Writes in one transaction, and stops the test where that fails.
    pub fn write<T, E>(&self, f: impl FnOnce(&Transaction<'_>) -> Result<T, E> + Send + 'static) -> T
    where
        T: Send + 'static,
        E: From<DbError> + Debug + Send + 'static,
    {
        self.db().write_blocking(f).expect("the write succeeds")
    }

    /// Takes a scope, as a `Welcome` states it.
    pub fn take_scope(&self, scope: &[Bucket]) {
        let welcome = Welcome { epoch: 1, scope: scope.to_vec() };
        self.heads.borrow_mut().retain(|bucket, _| scope.contains(bucket));
        self.write(move |tx| -> Result<(), replica::ReplicaError> {
            replica::take_scope(tx, &welcome)?;
            node::set_epoch(tx, welcome.epoch)?;
            commands::settle(tx)?;
            Ok(())
        });
    }

    /// Sends rows of one bucket as the next delta, each at a version of its own. Gives the bucket's new head.
    pub fn feed(&self, bucket: Bucket, rows: Vec<Row>) -> u64 {
        let after = self.head(bucket);
        let rows: Vec<Row> = (after + 1..).zip(rows).map(|(version, row)| Row { version, ..row }).collect();
        let upto = after + rows.len() as u64;
        let judged = self.apply(Rows { bucket, reach: Reach::Delta, after, upto, rows });
        assert!(matches!(judged, Judged::Apply(_)), "the next delta of {bucket} is taken: {judged:?}");
        self.heads.borrow_mut().insert(bucket, upto);
        upto
    }

    /// The head of a bucket as far as [`TestEdge::feed`] has moved it.
    pub fn head(&self, bucket: Bucket) -> u64 {
        self.heads.borrow().get(&bucket).copied().unwrap_or(0)
    }

    /// Applies any frame, and settles in the same transaction.
    pub fn apply(&self, frame: Rows) -> Judged {
        self.write(move |tx| -> Result<Judged, replica::ReplicaError> {
            let judged = replica::apply_rows(tx, &replica::Ready::of(&frame))?;
            commands::settle(tx)?;
            Ok(judged)
        })
    }

    /// Enrols the same edge again: a new incarnation, whose verdicts are counted from 1.
    pub fn enrol_again(&self) {
        let me = self.read(node::identity).expect("enrolled");
        let next = Identity { incarnation: me.incarnation + 1, ..me };
        self.verdicts.replace(0);
        self.db().write_blocking(move |tx| crate::sync::streams::enrol(tx, &next, &first_link(), 1)).unwrap();
    }

    /// Sends the next verdict, and settles in the same transaction. `seq` is the command's number here.
    pub fn verdict(&self, seq: u64, verdict: Verdict, stands_at: &[(Bucket, u64)]) {
        let number = *self.verdicts.borrow() + 1;
        self.verdicts.replace(number);
        let seq = seq - self.read(node::stream_base);
        let (list, now_s) =
            ([Numbered { number, seq, verdict, stands_at: stands_at.to_vec() }], self.deps.clock.now_s());
        self.write(move |tx| -> Result<(), commands::VerdictError> {
            commands::record_verdicts(tx, &list, now_s)?;
            commands::settle(tx)?;
            Ok(())
        });
    }

    /// Takes an act, with a new id.
    ///
    /// # Errors
    /// Why it was not taken.
    pub fn submit(&self, actor: Actor, clerk: bool, body: impl Into<Body>) -> Result<Submitted, SubmitError> {
        self.submit_as(CommandId(self.deps.ids.uuid_v7()), actor, clerk, body)
    }

    /// Takes an act under a given id.
    ///
    /// # Errors
    /// Why it was not taken.
    pub fn submit_as(
        &self,
        id: CommandId,
        actor: Actor,
        clerk: bool,
        body: impl Into<Body>,
    ) -> Result<Submitted, SubmitError> {
        let (deps, submission) =
            (self.deps.clone(), Submission { id, actor, body: body.into(), clerk, caller_phone: 0 });
        self.db().write_blocking(move |tx| commands::submit(tx, &deps, submission))
    }

    /// Posts whole kilograms of maize for the cooperative; half of them go to the hub.
    pub fn post_listing(&self, units: i64) -> ListingId {
        let listing = self.deps.ids.uuid_v7();
        let post = ListingPost {
            listing,
            commodity: MAIZE.0,
            unit: KG.0,
            title: String::new(),
            quantity_milli: Quantity::units(units).0,
            price_minor: PRICE_MINOR,
            currency: "MWK".to_owned(),
            seller: None,
            hub_milli: None,
        };
        self.submit(clerk(), true, post).expect("the listing is taken");
        ListingId(listing)
    }

    /// Orders whole units at the usual price, by a caller's number.
    ///
    /// # Errors
    /// Why it was not taken.
    pub fn place_order(&self, listing: ListingId, units: i64) -> Result<(OrderId, Submitted), SubmitError> {
        let id = CommandId(self.deps.ids.uuid_v7());
        let order = order_of(listing, units);
        self.submit_as(id, caller(), false, order).map(|submitted| (OrderId(id.0), submitted))
    }

    /// Cancels an order by the caller who made it.
    ///
    /// # Errors
    /// Why it was not taken.
    pub fn cancel_order(&self, order: OrderId) -> Result<Submitted, SubmitError> {
        self.submit(caller(), false, OrderCancel::new(order.0))
    }

    /// What a holder may spend of a listing.
    pub fn spendable(&self, listing: ListingId, holder: Holder) -> Quantity {
        self.read(|conn| stock::spendable(conn, listing, holder))
    }

    /// Sends the sample market.
    pub fn feed_market(&self) {
        self.feed(
            Bucket::Edge(EDGE),
            vec![live(&EdgeSettings {
                id: EDGE,
                cooperative: COOP,
                country: malawi(),
                currency: kwacha(),
                national: false,
                name: String::new(),
            })],
        );
        self.feed(Bucket::Global, sample::global_rows());
        self.feed(
            Bucket::Country(malawi()),
            vec![live(&Region { id: REGION, name: "Central Region".into(), country: malawi() })],
        );
        self.feed(Bucket::Region(REGION), sample::region_rows());
        self.feed(Bucket::Coop(COOP), sample::coop_rows());
        self.feed(
            Bucket::Catalogue(REGION),
            vec![live(&coop(OTHER_COOP, "Dowa Growers")), live(&other_listing())],
        );
    }
}

/// Who [`TestEdge::enrolled`] is.
pub fn identity() -> Identity {
    Identity {
        edge: EDGE,
        incarnation: 1,
        cooperative: COOP,
        national: false,
        hub_url: "http://127.0.0.1:1".to_owned(),
        hub_keys: vec![[1; 32], [2; 32]],
    }
}

/// The buckets of [`TestEdge::enrolled`].
pub fn scope() -> Vec<Bucket> {
    vec![
        Bucket::Edge(EDGE),
        Bucket::Coop(COOP),
        Bucket::Global,
        Bucket::Region(REGION),
        Bucket::Country(malawi()),
        Bucket::Catalogue(REGION),
    ]
}

/// The link that enrolment hands out.
pub fn first_link() -> Link {
    Link { number: 0, random: [5; 16], mac: [6; 16] }
}

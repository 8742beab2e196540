//! One office: a box with its disk, its clock and its line, and short ways to act there and to look. It asserts nothing about a market.

use crate::goods;
use crate::line::Line;
use mizili_edge::commands as edge_commands;
use mizili_edge::commands::{Submission, SubmitError, Submitted};
use mizili_edge::config::Senders;
use mizili_edge::db::{Db as EdgeDb, DbError};
use mizili_edge::identity::Identity;
use mizili_edge::line::tls::BestTime;
use mizili_edge::replica;
use mizili_edge::stock;
use mizili_edge::sync::enrol::Enrolment;
use mizili_edge::sync::{Bounds, Check, ExchangeReport, SyncError, Syncer};
use mizili_node::deps::{Deps, HandClock};
use rusqlite::Connection;
use std::sync::Arc;
use std::time::Duration;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CommandId, CooperativeId, EdgeId, Holder, ListingId};
use sync_protocol::market::{Actor, ActorKind, Body, Entity, Listing, Order, Price};
use sync_protocol::units::Quantity;
use tempfile::TempDir;
use tokio::sync::watch;
use uuid::Uuid;

/// A row as both sides keep it: entity, id, version, canonical payload.
pub(crate) type KeptRow = (i64, Vec<u8>, i64, Vec<u8>);

/// A box with its disk, and its line.
pub(crate) struct Office {
    pub(crate) line: Arc<Line>,
    pub(crate) edge: EdgeId,
    pub(crate) cooperative: CooperativeId,
    syncer: Syncer,
    deps: Deps,
    clock: Arc<HandClock>,
    /// Starts of the machine after its first.
    starts: u8,
    dir: TempDir,
}

/// How a machine comes up.
#[derive(Clone, Copy)]
pub(crate) struct Start {
    /// Names the ids that it makes.
    pub(crate) seed: u64,
    /// What its wall clock says, seconds since 1970 UTC.
    pub(crate) wall_s: i64,
}

impl Start {
    /// With a clock that is right.
    pub(crate) fn right(seed: u64) -> Self {
        Self { seed, wall_s: HandClock::START_S }
    }
}

impl Office {
    pub(crate) async fn open(dir: TempDir, line: Arc<Line>, start: Start, code: Option<&str>) -> Self {
        Self::switch_on(dir, line, start, 0, code).await
    }

    /// Switches a box on whose machine was started so many times before.
    async fn switch_on(dir: TempDir, line: Arc<Line>, start: Start, starts: u8, code: Option<&str>) -> Self {
        let db = EdgeDb::open(dir.path()).unwrap();
        let (deps, clock) = Deps::fixed_with_clock(start.seed);
        (0..starts).for_each(|_| clock.reboot());
        clock.set_wall_s(start.wall_s);
        // As a program that stays does when it starts.
        let at = deps.clock.read();
        db.write(move |tx| mizili_edge::time::note(tx, at)).await.unwrap();
        if let Some(code) = code {
            let enrolment = Enrolment {
                db: &db,
                deps: &deps,
                data_dir: dir.path(),
                transport: &*line,
                insecure_http: false,
                same_hub: false,
            };
            enrolment.run(code, Some("a password for tests")).await.unwrap();
        }
        let me = db.read(mizili_edge::node::identity).await.unwrap().unwrap();
        let syncer = Syncer {
            senders: Senders::default(),
            identity: Arc::new(Identity::load(dir.path()).unwrap()),
            time: Arc::new(BestTime::new(deps.clock.clone(), None, 0)),
            transport: line.clone(),
            enrolled_at: me.hub_url,
            data_dir: dir.path().to_owned(),
            deps: deps.clone(),
            changed: watch::Sender::new(0),
            db,
        };
        Self { line, edge: me.edge, cooperative: me.cooperative, syncer, deps, clock, starts, dir }
    }

    /// The machine is switched off and on: everything in memory is gone, and its wall clock says anything.
    pub(crate) async fn restart(&mut self, start: Start) {
        let dir = std::mem::replace(&mut self.dir, tempfile::tempdir().unwrap());
        let starts = self.starts.wrapping_add(1);
        *self = Self::switch_on(dir, Arc::clone(&self.line), start, starts, None).await;
    }

    /// Somebody, or something, sets the wall clock.
    pub(crate) fn set_wall_s(&self, wall_s: i64) {
        self.clock.set_wall_s(wall_s);
    }

    /// Time passes here.
    pub(crate) fn pass(&self, time: Duration) {
        self.clock.advance(time);
    }

    pub(crate) fn new_id(&self) -> Uuid {
        self.deps.ids.uuid_v7()
    }

    async fn run(&self, check: Check) -> Result<ExchangeReport, SyncError> {
        let bounds =
            Bounds { lock_patience: Duration::from_secs(30), work: None, check, hold_commands: false };
        self.syncer.run_once(bounds).await
    }

    pub(crate) async fn sync(&self) -> Result<ExchangeReport, SyncError> {
        self.run(Check::Moved).await
    }

    pub(crate) async fn sync_and_recount(&self) -> Result<ExchangeReport, SyncError> {
        self.run(Check::Disk).await
    }

    /// A clerk acts.
    pub(crate) async fn act(&self, body: impl Into<Body>) -> Result<Submitted, SubmitError> {
        self.act_as(CommandId(self.new_id()), goods::CLERK, body.into()).await
    }

    /// Somebody acts under an id of his own.
    pub(crate) async fn act_as(
        &self,
        id: CommandId,
        actor: Actor,
        body: Body,
    ) -> Result<Submitted, SubmitError> {
        let deps = self.deps.clone();
        let submission =
            Submission { id, actor, body, clerk: actor.kind == ActorKind::Office, caller_phone: 0 };
        self.syncer.db.write(move |tx| edge_commands::submit(tx, &deps, submission)).await
    }

    /// Many acts at once, in one transaction of the box.
    pub(crate) async fn act_often(&self, bodies: Vec<Body>) {
        let deps = self.deps.clone();
        let stored = self.syncer.db.write(move |tx| {
            for body in bodies {
                let id = CommandId(deps.ids.uuid_v7());
                let submission = Submission { id, actor: goods::CLERK, body, clerk: true, caller_phone: 0 };
                edge_commands::submit(tx, &deps, submission)?;
            }
            Ok::<_, SubmitError>(())
        });
        stored.await.unwrap();
    }

    pub(crate) async fn post_listing(&self, units: i64) -> ListingId {
        let listing = self.new_id();
        self.act(goods::post(listing, units)).await.unwrap();
        ListingId(listing)
    }

    /// Shows the hub what it may have forgotten.
    pub(crate) async fn rejoin(&self) -> Result<u32, SyncError> {
        self.syncer.rejoin().await
    }

    /// Leaves with the hub what it has not heard of, as a box does that was shut out.
    pub(crate) async fn leave(&self) -> Result<u64, SyncError> {
        self.syncer.leave().await
    }

    /// A statement on the box's own file.
    pub(crate) async fn sql(&self, sql: impl Into<String>) {
        let sql = sql.into();
        self.syncer.db.write(move |tx| Ok::<_, DbError>(tx.execute_batch(&sql)?)).await.unwrap();
    }

    pub(crate) async fn order(&self, listing: ListingId, units: i64) -> Result<Submitted, SubmitError> {
        self.act(goods::order(listing, units)).await
    }

    /// What stands on the disk.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        read: impl FnOnce(&Connection) -> Result<T, DbError> + Send + 'static,
    ) -> T {
        self.syncer.db.read(read).await.unwrap()
    }

    /// The first column of a query, row by row.
    pub(crate) async fn column<T: rusqlite::types::FromSql + Send + 'static>(
        &self,
        sql: impl Into<String>,
    ) -> Vec<T> {
        let sql = sql.into();
        self.read(move |conn| {
            let mut statement = conn.prepare(&sql)?;
            let values = statement.query_map([], |row| row.get(0))?.collect::<Result<_, _>>()?;
            Ok(values)
        })
        .await
    }

    /// Changes the disk past all books. Gives how many rows changed.
    pub(crate) async fn damage(&self, sql: impl Into<String>) -> usize {
        let sql = sql.into();
        self.syncer.db.write(move |tx| Ok::<_, DbError>(tx.execute(&sql, [])?)).await.unwrap()
    }

    /// One byte of one price's payload changes on the disk.
    pub(crate) async fn damage_one_price(&self) {
        let of = format!("entity = {}", Price::NUMBER);
        let first = format!("SELECT min(id) FROM replica WHERE {of}");
        let sql = format!("UPDATE replica SET payload = x'04c801' WHERE {of} AND id = ({first})");
        assert_eq!(self.damage(sql).await, 1);
    }

    /// The verdict's word on each command of the log, in order; empty for one that waits.
    pub(crate) async fn words(&self) -> Vec<String> {
        self.column("SELECT coalesce(verdict, '') FROM command ORDER BY seq").await
    }

    /// What the box knows of the hub's version.
    pub(crate) async fn hub_minor(&self) -> u16 {
        self.read(mizili_edge::node::hub_minor).await
    }

    /// Acts that have no final verdict here.
    pub(crate) async fn unsettled(&self) -> u64 {
        self.column("SELECT count(*) FROM command WHERE settled_at_s IS NULL").await[0]
    }

    pub(crate) async fn spendable(&self, listing: ListingId) -> Quantity {
        let holder = Holder::Edge(self.edge);
        self.read(move |conn| stock::spendable(conn, listing, holder)).await
    }

    pub(crate) async fn listings(&self) -> Vec<Listing> {
        self.read(replica::all::<Listing>).await
    }

    pub(crate) async fn orders(&self) -> Vec<Order> {
        self.read(replica::all::<Order>).await
    }

    pub(crate) async fn is_complete(&self) -> bool {
        let own = Bucket::Coop(self.cooperative);
        self.read(move |conn| replica::is_complete(conn, own)).await
    }

    pub(crate) async fn buckets(&self) -> Vec<Bucket> {
        self.read(replica::cursors).await.into_iter().map(|c| c.bucket).collect()
    }

    pub(crate) async fn has_only_rows_of(&self, buckets: &[Bucket]) -> bool {
        let others =
            "SELECT count(*) FROM replica r LEFT JOIN bucket b ON b.number = r.bucket WHERE b.number IS NULL";
        self.column::<i64>(others).await == [0] && self.buckets().await == buckets
    }

    pub(crate) async fn rows(&self, bucket: Bucket) -> Vec<KeptRow> {
        let name = bucket.to_string();
        self.read(move |conn| {
            let mut statement = conn.prepare(
                "SELECT entity, id, version, payload FROM replica WHERE bucket = (SELECT number FROM bucket WHERE name = ?1)
                 AND payload IS NOT NULL ORDER BY entity, id",
            )?;
            let rows = statement.query_map([name], |r| Ok((r.get(0)?, r.get(1)?, r.get(2)?, r.get(3)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
        .await
    }

    /// Somebody types a code in at the box.
    pub(crate) async fn enrol_with(&self, code: &str) -> Result<(), SyncError> {
        let enrolment = Enrolment {
            db: &self.syncer.db,
            deps: &self.deps,
            data_dir: self.dir.path(),
            transport: &*self.line,
            insecure_http: false,
            same_hub: false,
        };
        enrolment.run(code, None).await.map(|_| ())
    }

    /// What it signed in with is gone, as after a day without a line.
    pub(crate) fn forget_its_session(&self) {
        std::fs::remove_file(self.dir.path().join("session.token")).unwrap();
    }

    /// Products that a person has to count here.
    pub(crate) async fn to_count(&self) -> Vec<ListingId> {
        self.read(mizili_edge::node::counts::to_count).await
    }

    pub(crate) async fn is_in_doubt(&self) -> bool {
        self.read(mizili_edge::node::doubt).await.is_some()
    }

    pub(crate) async fn copy_of_the_disk(&self) -> TempDir {
        let copy = tempfile::tempdir().unwrap();
        for file in std::fs::read_dir(self.dir.path()).unwrap() {
            let file = file.unwrap();
            if file.file_type().unwrap().is_file() {
                std::fs::copy(file.path(), copy.path().join(file.file_name())).unwrap();
            }
        }
        copy
    }
}

//! The sync driver against a hub in memory: every fault that a line or a disk can have, then both sides must be equal.

mod commands;
mod cuts;
mod enrolment;
mod http;
mod https;
mod hub;
mod mending;
mod refusals;
mod rows;
mod running;
mod telling;

use super::{Bounds, Check, ExchangeReport, SyncError, Syncer};
use crate::config::Senders;
use crate::db::Db;
use crate::identity::Identity;
use crate::line::tls::BestTime;
use crate::node;
use crate::replica;
use crate::sync::streams;
use crate::testing::{self, TestEdge, live};
use hub::FakeHub;
use mizili_node::deps::Deps;
use std::sync::Arc;
use std::time::Duration;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::SeriesId;
use sync_protocol::market::{Commodity, EdgeSettings, Price, PriceFlags, Unit, UnitBase};
use sync_protocol::row::{Digest, Row};
use sync_protocol::units::Month;
use tokio::sync::watch;

/// An edge, the hub it is enrolled with, and what carries between them.
struct Bed {
    edge: TestEdge,
    hub: Arc<FakeHub>,
    syncer: Syncer,
}

const REGION: Bucket = Bucket::Region(testing::REGION);
const COOP: Bucket = Bucket::Coop(testing::COOP);

impl Bed {
    /// Enrolled, nothing fetched.
    fn new() -> Self {
        let (edge, hub) = (TestEdge::empty(), Arc::new(FakeHub::new()));
        let me = node::Identity { hub_keys: vec![hub.public_key()], ..testing::identity() };
        let link = hub.first_link();
        edge.db().write_blocking(move |tx| streams::enrol(tx, &me, &link, 1)).unwrap();
        let identity = Identity::load_or_create(edge.data_dir(), edge.deps()).unwrap();
        hub.know(identity.public_key());
        let syncer = syncer(&edge, &hub, identity);
        Self { edge, hub, syncer }
    }

    /// Both sides hold a market with this many prices.
    async fn with_prices(n: u32) -> Self {
        let bed = Self::new();
        bed.hub.write(COOP, vec![live(&testing::coop(testing::COOP, "Mitundu Farmers"))]);
        bed.hub.write(REGION, prices(1, n));
        let report = bed.sync().await.unwrap();
        assert!(report.digests_equal, "{report:?}");
        bed
    }

    /// Both sides hold what a listing of maize needs.
    async fn with_market() -> Self {
        let bed = Self::new();
        let maize = Commodity {
            id: testing::MAIZE,
            name: "Maize".into(),
            category: "cereals and tubers".into(),
            name_sw: String::new(),
            name_ny: String::new(),
            name_fr: String::new(),
            on_menus: true,
        };
        let kilogram =
            Unit { id: testing::KG, code: "KG".into(), base: UnitBase::Kilogram, factor_milli: 1_000 };
        let settings = EdgeSettings {
            id: testing::EDGE,
            cooperative: testing::COOP,
            country: testing::malawi(),
            currency: testing::kwacha(),
            national: false,
            name: String::new(),
        };
        bed.hub.write(Bucket::Global, vec![live(&maize), live(&kilogram)]);
        bed.hub.write(Bucket::Edge(testing::EDGE), vec![live(&settings)]);
        bed.hub.write(COOP, vec![live(&testing::coop(testing::COOP, "Mitundu Farmers"))]);
        bed.sync().await.unwrap();
        bed
    }

    async fn sync(&self) -> Result<ExchangeReport, SyncError> {
        self.sync_checking(Check::Moved).await
    }

    /// With a count of all rows on disk.
    async fn sync_recounting(&self) -> Result<ExchangeReport, SyncError> {
        self.sync_checking(Check::Disk).await
    }

    async fn sync_checking(&self, check: Check) -> Result<ExchangeReport, SyncError> {
        let bounds = Bounds { lock_patience: Duration::ZERO, work: None, check, hold_commands: false };
        self.syncer.run_once(bounds).await
    }

    /// Every bucket of the hub's scope is here, row for row, by the rows on disk.
    fn assert_equal(&self) {
        let state = self.hub.lock();
        let cursors = self.edge.read(replica::cursors);
        assert_eq!(cursors.iter().map(|c| c.bucket).collect::<Vec<_>>(), state.scope);
        for cursor in cursors {
            let Some(feed) = state.feeds.get(&cursor.bucket) else { continue };
            assert_eq!((cursor.upto, cursor.reached), (feed.head, None), "{}", cursor.bucket);
            for (number, name) in sync_protocol::market::ENTITIES {
                let mut there = Digest::default();
                feed.rows
                    .values()
                    .filter(|row| row.entity == *number)
                    .filter_map(Row::hash)
                    .for_each(|h| there.add(h));
                let (on_disk, kept) = self.edge.read(|conn| {
                    let on_disk = replica::recount(conn, cursor.bucket, *number)?;
                    Ok::<_, crate::db::DbError>((on_disk, replica::digest(conn, cursor.bucket, *number)?))
                });
                assert_eq!((on_disk, kept), (there, there), "{name} in {}", cursor.bucket);
            }
        }
    }

    /// Commands that have no verdict here.
    fn waiting(&self) -> u64 {
        self.edge.read(crate::commands::tally).unsettled()
    }

    /// Rows that wait beside the replica for their commands' verdicts.
    fn local_rows(&self) -> u64 {
        self.edge.read(|conn| {
            Ok::<u64, crate::db::DbError>(
                conn.query_row("SELECT count(*) FROM local_row", [], |row| row.get(0))?,
            )
        })
    }
}

fn syncer(edge: &TestEdge, hub: &Arc<FakeHub>, identity: Identity) -> Syncer {
    syncer_of(edge.db().clone(), edge.deps().clone(), hub.clone(), identity)
}

fn syncer_of(db: Db, deps: Deps, hub: Arc<FakeHub>, identity: Identity) -> Syncer {
    Syncer {
        data_dir: db.data_dir().to_owned(),
        transport: hub,
        enrolled_at: testing::identity().hub_url,
        identity: Arc::new(identity),
        time: Arc::new(BestTime::new(deps.clock.clone(), None, 0)),
        senders: Senders::default(),
        changed: watch::channel(0).0,
        db,
        deps,
    }
}

/// Prices of one series, one for each month from the year 2000 on.
fn prices(series: u32, n: u32) -> Vec<Row> {
    let first = Month::new(2000, 1).unwrap();
    let price = |i: u32| Price {
        at: (SeriesId(series), Month(first.0 + i)),
        price_minor: 30_000 + i64::from(i) * 7,
        flags: PriceFlags::ACTUAL,
    };
    (0..n).map(|i| live(&price(i))).collect()
}

//! A whole edge for tests: a real SQLite file in a folder of its own, ids and time that a test controls, and a market to try things
//! on, fed in as the hub would send it. It must never be part of what an operator runs.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set up its edge should stop at once"
)]

use crate::commands::{self, Submission, SubmitError, Submitted};
use crate::db::{Db, DbError};
use crate::node::{self, Identity};
use crate::replica;
use crate::time;
use mizili_node::deps::{Clock as _, Deps, HandClock};
use rusqlite::{Connection, Transaction};
use std::cell::RefCell;
use std::collections::HashMap;
use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;
use sync_protocol::bucket::{Bucket, CountryCode};
use sync_protocol::command::{Actor, ActorKind, Body, ListingPost, OrderCancel, OrderPlace, Source};
use sync_protocol::entity::{
    Channel, Commodity, Cooperative, EdgeSettings, Entity, EntryId, EntryKind, Listing, ListingStatus,
    Market, Member, OfficeRole, OfficeUser, Order, OrderStatus, Price, PriceFlags, PriceSeries, Region,
    StockEntry, Unit, UnitBase,
};
use sync_protocol::ids::{
    CommandId, CommodityId, CooperativeId, EdgeId, Holder, ListingId, MarketId, MemberId, OrderId, RegionId,
    SeriesId, UnitId, UserId, hub_born,
};
use sync_protocol::row::{Key, Row};
use sync_protocol::session::{Judged, Link};
use sync_protocol::units::{Currency, Month, Quantity};
use sync_protocol::verdict::{Numbered, Verdict};
use sync_protocol::wire::message::Welcome;
use sync_protocol::wire::rows::{Reach, Rows};
use tempfile::TempDir;

/// The edge's number.
pub const EDGE: EdgeId = EdgeId(3);
/// Its cooperative.
pub const COOP: CooperativeId = CooperativeId(12);
/// A cooperative of the same region whose listings it sees.
pub const OTHER_COOP: CooperativeId = CooperativeId(13);
/// Its region.
pub const REGION: RegionId = RegionId(2);
/// Maize, with prices at [`LILONGWE`] and [`MITUNDU`].
pub const MAIZE: CommodityId = CommodityId(51);
/// Beans, with no price anywhere.
pub const BEANS: CommodityId = CommodityId(52);
/// One kilogram.
pub const KG: UnitId = UnitId(5);
/// A market of the region.
pub const LILONGWE: MarketId = MarketId(1);
/// Another.
pub const MITUNDU: MarketId = MarketId(2);
/// Retail maize at Lilongwe, 36 months to 2022-06.
pub const MAIZE_LILONGWE: SeriesId = SeriesId(100);
/// Retail maize at Mitundu, 12 months to 2026-02.
pub const MAIZE_MITUNDU: SeriesId = SeriesId(101);
/// A member of the cooperative: Mercy Banda.
pub const MEMBER_PHONE: u64 = 265_991_234_567;
/// Somebody without membership.
pub const CALLER_PHONE: u64 = 265_888_000_111;
/// The price of what [`TestEdge::post_listing`] posts, in minor units.
pub const PRICE_MINOR: i64 = 45_000;

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
        edge.db().write_blocking(|tx| node::enrol(tx, &identity(), &first_link(), 1)).unwrap();
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
        self.db().write_blocking(move |tx| node::enrol(tx, &next, &first_link(), 1)).unwrap();
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
        self.read(|conn| replica::spendable(conn, listing, holder))
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
        self.feed(Bucket::Global, global_rows());
        self.feed(
            Bucket::Country(malawi()),
            vec![live(&Region { id: REGION, name: "Central Region".into(), country: malawi() })],
        );
        self.feed(Bucket::Region(REGION), region_rows());
        self.feed(Bucket::Coop(COOP), coop_rows());
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

/// Malawi.
pub fn malawi() -> CountryCode {
    CountryCode::new("MWI").unwrap()
}

/// Its currency.
pub fn kwacha() -> Currency {
    Currency::new("MWK").unwrap()
}

/// A row to send; the version is set by [`TestEdge::feed`].
pub fn live<E: Entity>(entity: &E) -> Row {
    Row { entity: E::NUMBER, key: entity.key(), version: 0, body: Some(entity.to_fields()) }
}

/// A row that is gone; the version is set by [`TestEdge::feed`].
pub fn gone<E: Entity>(key: Key) -> Row {
    Row { entity: E::NUMBER, key, version: 0, body: None }
}

/// A clerk at the office page.
pub fn clerk() -> Actor {
    Actor { kind: ActorKind::Office, id: Some(hub_born(900)), phone: 265_991_000_001 }
}

/// Somebody who calls and is no member.
pub fn caller() -> Actor {
    Actor { kind: ActorKind::Caller, id: None, phone: CALLER_PHONE }
}

/// Mercy Banda, a member.
pub fn member() -> Actor {
    Actor { kind: ActorKind::Member, id: Some(member_id().0), phone: MEMBER_PHONE }
}

/// Her id.
pub fn member_id() -> MemberId {
    MemberId(hub_born(700))
}

/// An order of whole units at the usual price, made by USSD.
pub fn order_of(listing: ListingId, units: i64) -> OrderPlace {
    OrderPlace {
        listing: listing.0,
        quantity_milli: Quantity::units(units).0,
        unit_price_minor: PRICE_MINOR,
        source: Source::Ask,
        buyer_phone: 0,
        buyer_name: String::new(),
        channel: 1,
    }
}

/// A stock entry as the hub sends it.
pub fn entry(
    of: uuid::Uuid,
    step: u32,
    listing: ListingId,
    holder: Holder,
    units: i64,
    kind: EntryKind,
) -> StockEntry {
    StockEntry { id: EntryId { of, step }, listing, holder, quantity: Quantity::units(units), kind }
}

/// A cooperative of the region that shares half of what it takes in.
pub fn coop(id: CooperativeId, name: &str) -> Cooperative {
    Cooperative {
        id,
        name: name.to_owned(),
        country: malawi(),
        region: Some(REGION),
        currency: kwacha(),
        hub_share_percent: 50,
    }
}

/// What [`OTHER_COOP`] offers: 40 kg of beans at the hub.
pub fn other_listing() -> Listing {
    Listing {
        id: ListingId(hub_born(500)),
        cooperative: OTHER_COOP,
        commodity: BEANS,
        unit: KG,
        title: String::new(),
        price_minor: PRICE_MINOR,
        currency: kwacha(),
        seller: None,
        status: ListingStatus::Active,
        posted_at_s: HandClock::START_S - 86_400,
        available: Some(Quantity::units(40)),
    }
}

fn global_rows() -> Vec<Row> {
    let commodity = |id, name: &str, name_sw: &str, name_ny: &str| Commodity {
        id,
        name: name.to_owned(),
        category: "cereals and tubers".to_owned(),
        name_sw: name_sw.to_owned(),
        name_ny: name_ny.to_owned(),
        name_fr: String::new(),
        on_menus: true,
    };
    vec![
        live(&commodity(MAIZE, "Maize", "Mahindi", "Chimanga")),
        live(&commodity(BEANS, "Beans", "Maharagwe", "Nyemba")),
        live(&Unit { id: KG, code: "KG".to_owned(), base: UnitBase::Kilogram, factor_milli: 1_000 }),
        live(&Unit {
            id: UnitId(6),
            code: "90 KG".to_owned(),
            base: UnitBase::Kilogram,
            factor_milli: 90_000,
        }),
    ]
}

fn region_rows() -> Vec<Row> {
    let market = |id, name: &str| Market {
        id,
        name: name.to_owned(),
        country: malawi(),
        region: Some(REGION),
        district: "Lilongwe".to_owned(),
        latitude_e5: Some(-1_396_000),
        longitude_e5: Some(3_378_000),
    };
    let series = |id, market| PriceSeries {
        id,
        market,
        commodity: MAIZE,
        unit: KG,
        price_type: "Retail".to_owned(),
        currency: kwacha(),
    };
    let prices = |series: SeriesId, newest: Month, months: u32| {
        (0..months).rev().map(move |back| {
            let at = (series, Month(newest.0 - back));
            live(&Price { at, price_minor: 30_000 - i64::from(back) * 100, flags: PriceFlags::ACTUAL })
        })
    };
    let mut rows = vec![
        live(&market(LILONGWE, "Lilongwe")),
        live(&market(MITUNDU, "Mitundu")),
        live(&series(MAIZE_LILONGWE, LILONGWE)),
        live(&series(MAIZE_MITUNDU, MITUNDU)),
    ];
    rows.extend(prices(MAIZE_LILONGWE, Month::new(2022, 6).unwrap(), 36));
    rows.extend(prices(MAIZE_MITUNDU, Month::new(2026, 2).unwrap(), 12));
    rows
}

fn coop_rows() -> Vec<Row> {
    let member = Member {
        id: member_id(),
        cooperative: COOP,
        name: "Mercy Banda".to_owned(),
        phone: MEMBER_PHONE,
        language: "en".to_owned(),
        registered_at_s: HandClock::START_S - 1_000_000,
    };
    let clerk = OfficeUser {
        id: UserId(hub_born(900)),
        cooperative: COOP,
        name: "Chisomo Phiri".to_owned(),
        phone: 265_991_000_001,
        role: OfficeRole::Clerk,
        password_hash: String::new(),
        disabled: false,
    };
    vec![live(&coop(COOP, "Mitundu Farmers")), live(&member), live(&clerk)]
}

/// An order that somebody placed at the hub, of what another cooperative sells; the hub says when it recorded it.
pub fn web_order(number: u64) -> Order {
    Order {
        id: OrderId(hub_born(number)),
        listing: other_listing().id,
        cooperative: COOP,
        quantity: Quantity::units(2),
        unit_price_minor: PRICE_MINOR,
        currency: kwacha(),
        holder: Some(Holder::Hub),
        buyer_phone: CALLER_PHONE,
        buyer_name: "Grace Banda".into(),
        buyer_cooperative: None,
        status: OrderStatus::Confirmed,
        channel: Channel::Rest,
        placed_at_s: 1_700_000_000,
        odd_price: false,
        buyer_unconfirmed: false,
        recorded_at_s: Some(1_700_000_001),
    }
}

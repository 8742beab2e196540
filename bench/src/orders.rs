//! Writes orders at an edge while it is cut off, by the edge's own function: each is decided there, kept in its log, and waits
//! for the hub. They ask for units that the hub holds, so that the hub has to check each.
//!
//! They are spread as the peers' are (one for each of 10,000 products of 2,000 cooperatives, 1 to 9 units), but over three days:
//! ids made at one moment would have less in them than real ones.

use anyhow::{Context as _, Result, ensure};
use jiff::Timestamp;
use mizili_edge::commands::{Submission, submit};
use mizili_edge::db::{Db, DbError};
use mizili_edge::replica;
use mizili_node::deps::{Clock, Deps, Ids, Uptime};
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;
use sync_protocol::ids::{CommandId, hub_born};
use sync_protocol::market::{Actor, ActorKind, Body, Channel, Listing, MemberRegister, OrderPlace, Source};
use sync_protocol::row::Key;
use sync_protocol::units::Quantity;
use sync_protocol::verdict::Reject;
use uuid::Uuid;

/// Over how long the orders were made.
const MADE_WITHIN_S: i64 = 3 * 86_400;
/// Orders of one transaction; a real office has one in each.
const A_STEP: usize = 1_000;
/// Members of the office, whose orders these are.
pub(crate) const MEMBERS: u64 = 200;
/// The first member's number.
const FIRST_PHONE: u64 = 254_700_000_001;

/// A clock that walks through the time in which the orders were made.
struct Past {
    at_ms: AtomicI64,
    real: Arc<dyn Clock>,
}

impl Clock for Past {
    fn now(&self) -> Timestamp {
        Timestamp::from_millisecond(self.at_ms.load(Ordering::Relaxed)).unwrap_or(Timestamp::UNIX_EPOCH)
    }

    fn monotonic(&self) -> Duration {
        self.real.monotonic()
    }

    fn pause(&self, time: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.real.pause(time)
    }

    fn uptime(&self) -> Uptime {
        self.real.uptime()
    }
}

/// Ids as they would have been made then.
struct PastIds {
    clock: Arc<Past>,
    real: Arc<dyn Ids>,
}

impl Ids for PastIds {
    fn uuid_v7(&self) -> Uuid {
        let at_ms = u64::try_from(self.clock.at_ms.load(Ordering::Relaxed)).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(at_ms, &self.real.random()).into_uuid()
    }

    fn fill(&self, out: &mut [u8]) {
        self.real.fill(out);
    }
}

/// What the edge's functions are handed, and the hand on the clock.
fn past() -> (Deps, Arc<Past>) {
    let real = Deps::real();
    let began_ms = real.clock.now().as_millisecond() - MADE_WITHIN_S * 1_000;
    let clock = Arc::new(Past { at_ms: AtomicI64::new(began_ms), real: real.clock });
    let ids = Arc::new(PastIds { clock: clock.clone(), real: real.ids });
    (Deps { clock: clock.clone(), ids }, clock)
}

fn member(number: u64) -> Actor {
    let phone = FIRST_PHONE + number;
    Actor {
        kind: ActorKind::Member,
        id: Some(sync_protocol::ids::derived("bench member", hub_born(phone))),
        phone,
    }
}

/// Registers the office's members; to be synced before the orders are written, so that only these are measured.
pub(crate) fn register_members(edge_dir: &Path) -> Result<()> {
    let (deps, _) = past();
    let acts = (0..MEMBERS).map(|number| {
        let actor = member(number);
        let body = MemberRegister {
            member: actor.id.unwrap_or_default(),
            phone: actor.phone,
            name: format!("Member {number}"),
            language: "en".to_owned(),
        };
        (actor, Body::from(body))
    });
    let acts: Vec<_> = acts.collect();
    let db = open(edge_dir)?;
    db.write_blocking(move |tx| acts.into_iter().try_for_each(|(actor, body)| put(tx, &deps, actor, body)))
}

/// Writes so many orders; returns when they are on disk.
pub(crate) fn write(edge_dir: &Path, count: u32) -> Result<()> {
    let db = open(edge_dir)?;
    let (deps, clock) = past();
    let step_ms = MADE_WITHIN_S * 1_000 / i64::from(count.max(1));
    let products = u64::from(db.read_blocking(products)?);
    ensure!(products > 0, "this edge has no products: sync it first");
    let all: Vec<u64> = (0..u64::from(count)).collect();
    for part in all.chunks(A_STEP) {
        let (part, deps, clock) = (part.to_vec(), deps.clone(), clock.clone());
        db.write_blocking(move |tx| {
            for number in part {
                clock.at_ms.fetch_add(step_ms, Ordering::Relaxed);
                let id = hub_born(number % products + 1);
                let listing: Listing = replica::get(tx, Key::Uuid(id))?.context("a product is missing")?;
                let order = OrderPlace {
                    listing: id,
                    quantity_milli: Quantity::units(1 + (number % 9) as i64).0,
                    unit_price_minor: listing.price_minor,
                    source: Source::Ask,
                    buyer_phone: 0,
                    buyer_name: String::new(),
                    channel: Channel::Ussd.code(),
                };
                put(tx, &deps, member(number % MEMBERS), order.into())?;
            }
            Ok::<_, anyhow::Error>(())
        })?;
    }
    Ok(())
}

fn open(edge_dir: &Path) -> Result<Db> {
    Db::open(edge_dir).with_context(|| format!("no edge in {}", edge_dir.display()))
}

fn products(conn: &rusqlite::Connection) -> Result<u32> {
    let sql = "SELECT count(DISTINCT id) FROM replica WHERE entity = ?1 AND payload IS NOT NULL";
    let number = <Listing as sync_protocol::market::Entity>::NUMBER;
    Ok(conn.query_row(sql, [number], |row| row.get(0)).map_err(DbError::from)?)
}

fn put(tx: &rusqlite::Transaction<'_>, deps: &Deps, actor: Actor, body: Body) -> Result<()> {
    let submission =
        Submission { id: CommandId(deps.ids.uuid_v7()), actor, body, clerk: false, caller_phone: 0 };
    match submit(tx, deps, submission) {
        Ok(_) => Ok(()),
        Err(mizili_edge::commands::SubmitError::Rejected(Reject { code, args })) => {
            anyhow::bail!("the edge refused it: {} {args:?}", code.as_str())
        }
        Err(error) => Err(error.into()),
    }
}

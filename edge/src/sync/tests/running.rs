//! The background loop: sends what people here do, fetches when the hub has news, goes on after a failure, stops when told.

use super::*;
use crate::db::DbError;
use crate::sync::client::Transport;
use crate::sync::run::{Loop, Woken, poll};
use crate::sync::{keep, run};
use mizili_node::testing::wait::{in_time, until};
use std::path::Path;
use sync_protocol::market::Price;

struct Running {
    bed: Bed,
    handle: run::SyncHandle,
    stop: watch::Sender<bool>,
    task: tokio::task::JoinHandle<()>,
}

async fn started(bed: Bed) -> Running {
    let (stop, stopping) = watch::channel(false);
    let identity = Identity::load(bed.edge.data_dir()).unwrap();
    let (handle, task) = keep::start(keep::opened(syncer(&bed.edge, &bed.hub, identity)), stopping);
    Running { bed, handle, stop, task }
}

impl Running {
    /// Waits until something that the loop brings about is so.
    async fn until(&self, what: impl Fn(&Bed) -> bool) {
        let mut changed = self.handle.changed();
        let waiting = async {
            while !what(&self.bed) {
                changed.changed().await.unwrap();
            }
        };
        in_time(waiting).await;
    }

    async fn end(self) {
        self.stop.send(true).unwrap();
        in_time(self.task).await.unwrap();
    }
}

fn has_price(bed: &Bed, series: u32) -> bool {
    !bed.edge.read(|conn| replica::newest::<Price>(conn, series, 1)).is_empty()
}

#[tokio::test]
async fn news_and_commands_go_both_ways_without_anybody_asking() {
    let running = started(Bed::with_market().await).await;
    running.bed.hub.write(REGION, prices(1, 30));
    running.until(|bed| has_price(bed, 1)).await;
    running.bed.edge.post_listing(50);
    running.until(|bed| bed.waiting() == 0).await;
    running.bed.hub.write(REGION, prices(2, 3));
    running.until(|bed| has_price(bed, 2)).await;
    running.end().await;
}

#[tokio::test]
async fn a_poll_has_a_body_once_the_hub_has_said_that_it_knows_of_them() {
    for (minor, has_body) in [(None, false), (Some(2), true)] {
        let bed = Bed::with_market().await;
        bed.hub.lock().minor = minor;
        bed.hub.write(REGION, prices(1, 3));
        let running = started(bed).await;
        running.until(|bed| has_price(bed, 1)).await;
        // An exchange may bring what a poll would have told of: the poll comes after it.
        let polls = |hub: &hub::State| (hub.polls_with_a_body > 0, hub.polls_without > 0);
        until(async || polls(&running.bed.hub.lock()) != (false, false)).await;
        assert_eq!(polls(&running.bed.hub.lock()), (has_body, !has_body), "{minor:?}");
        running.bed.hub.write(REGION, prices(2, 3));
        running.until(|bed| has_price(bed, 2)).await;
        running.end().await;
    }
}

#[tokio::test]
async fn a_wish_ends_a_pause_after_a_failure() {
    let bed = Bed::new();
    bed.hub.lock().faults.offline = true;
    bed.hub.write(REGION, prices(1, 3));
    let running = started(bed).await;
    until(async || running.bed.edge.read(crate::sync::state::load).failure.is_some()).await;
    running.bed.hub.lock().faults.offline = false;
    running.handle.wake();
    running.until(|bed| has_price(bed, 1)).await;
    running.end().await;
}

#[tokio::test]
async fn what_another_process_fetched_is_told_here_too() {
    let bed = Bed::with_market().await;
    bed.hub.lock().deaf = true;
    let hellos = bed.hub.lock().hellos.len();
    let running = started(bed).await;
    until(async || running.bed.hub.lock().hellos.len() > hellos).await;
    // The loop's run has ended when its lock is free again.
    let lock = crate::sync::lock::exchange(running.bed.edge.data_dir(), Duration::from_secs(60)).await;
    drop(lock.unwrap().expect("the loop's run ends"));
    running.bed.edge.clock().advance(Duration::from_secs(60));
    running.bed.hub.write(REGION, prices(1, 3));
    let mut changed = running.handle.changed();
    changed.mark_unchanged();
    let patient = Bounds {
        lock_patience: Duration::from_secs(60),
        work: None,
        check: Check::Moved,
        hold_commands: false,
    };
    assert_eq!(running.bed.syncer.run_once(patient).await.unwrap().rows, 3);
    running.until(|_| changed.has_changed().unwrap()).await;
    running.end().await;
}

#[tokio::test]
async fn rows_go_on_coming_while_commands_are_held_and_commands_are_offered_again() {
    let bed = Bed::with_market().await;
    bed.hub.lock().faults.halted = true;
    let running = started(bed).await;
    running.bed.edge.post_listing(50);
    running.bed.hub.write(REGION, prices(1, 3));
    running.until(|bed| has_price(bed, 1)).await;
    running.bed.hub.write(REGION, prices(2, 3));
    running.until(|bed| has_price(bed, 2)).await;
    assert_eq!(running.bed.waiting(), 1);
    running.bed.hub.lock().faults.halted = false;
    // Whenever the loop began to hold them, this is after it.
    let edge = &running.bed.edge;
    let later = async {
        while running.bed.waiting() > 0 {
            edge.clock().advance(Duration::from_secs(16 * 60));
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(120), later).await.expect("commands are offered again");
    running.end().await;
}

#[tokio::test]
async fn what_was_enrolled_anew_goes_on_without_a_new_start() {
    let bed = Bed::with_market().await;
    let open = {
        let (db, deps, hub) = (bed.edge.db().clone(), bed.edge.deps().clone(), bed.hub.clone());
        move || -> keep::Opening {
            let identity = Identity::load(db.data_dir()).map_err(SyncError::from);
            let opened = identity.map(|identity| syncer_of(db.clone(), deps.clone(), hub.clone(), identity));
            Box::pin(async move { opened })
        }
    };
    // The keys are lost: the box works, without the hub.
    let lose_keys = |dir: &Path| {
        for file in ["signing.key", "bundle.key"] {
            std::fs::remove_file(dir.join(file)).unwrap();
        }
    };
    let dir = bed.edge.data_dir().to_owned();
    lose_keys(&dir);
    let (stop, stopping) = watch::channel(false);
    let (handle, task) = keep::start(open, stopping);
    let running = Running { bed, handle, stop, task };
    running.bed.edge.post_listing(50);
    // What an enrolment does, twice: before the loop could begin, and while it runs.
    for _ in 0..2 {
        let identity = Identity::load_or_create(&dir, running.bed.edge.deps()).unwrap();
        running.bed.hub.know(identity.public_key());
        running.until(|bed| bed.waiting() == 0).await;
        lose_keys(&dir);
        running.bed.hub.end_session();
        running.bed.edge.post_listing(50);
    }
    running.end().await;
}

#[tokio::test]
async fn what_cannot_be_read_is_no_new_enrolment() {
    let bed = Bed::new();
    let identity = Identity::load(bed.edge.data_dir()).unwrap();
    let (_stop, stopping) = watch::channel(false);
    let mut running = Loop::new(syncer(&bed.edge, &bed.hub, identity), Arc::default(), stopping);
    assert!(!running.is_outdated().await);
    let set = |sql: &'static str| {
        bed.edge.write(move |tx| -> Result<(), DbError> { Ok(tx.execute(sql, []).map(|_| ())?) });
    };
    set("ALTER TABLE node RENAME TO away");
    assert!(!running.is_outdated().await);
    set("ALTER TABLE away RENAME TO node");
    // Before the loop looked for the first time is since it was opened.
    bed.edge.write(|tx| crate::node::set_hub_url(tx, "https://another.example.org"));
    assert!(running.is_outdated().await);
}

#[tokio::test]
async fn a_hub_that_asks_for_time_is_not_hurried_by_a_run_that_has_more_to_fetch() {
    let bed = Bed::new();
    let identity = Identity::load(bed.edge.data_dir()).unwrap();
    let (_stop, stopping) = watch::channel(false);
    let mut running = Loop::new(syncer(&bed.edge, &bed.hub, identity), Arc::default(), stopping);
    let unfinished = |retry_after| ExchangeReport { retry_after, is_unfinished: true, ..Default::default() };
    assert_eq!(running.after(Ok(unfinished(None))).await, Woken::Go);
    assert!(!running.holds_commands());
    assert_eq!(running.after(Ok(unfinished(Some(Duration::from_secs(10))))).await, Woken::Go);
    assert!(running.holds_commands(), "rows go on coming, commands wait");
    bed.edge.clock().advance(Duration::from_secs(60));
    assert!(!running.holds_commands());
}

#[tokio::test]
async fn a_poll_asks_no_other_hub_than_that_of_the_enrolment() {
    let bed = Bed::with_market().await;
    let asked = async |at: String| {
        let transport: Arc<dyn Transport> = bed.hub.clone();
        in_time(poll(transport, bed.edge.db().clone(), bed.edge.data_dir().to_owned(), at)).await
    };
    let of_before = asked("https://one.of.before.example.org".to_owned()).await;
    assert!(matches!(of_before, Err(SyncError::EnrolledAnew)), "{of_before:?}");
    let hub = bed.hub.lock();
    assert_eq!((hub.polls_with_a_body, hub.polls_without), (0, 0));
}

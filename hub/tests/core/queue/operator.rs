//! What an operator sees of jobs and may do about one, also at the command line.

use super::bench::{Act, Bench, Do, SECOND};
use mizili_hub::queue::NewJob;
use mizili_hub::queue::desk::{self, Told};

#[tokio::test]
async fn an_operator_tries_again_or_puts_aside() {
    let bench = Bench::new().await;
    let (db, deps) = (&bench.world.db, &bench.world.deps);
    let dead = bench.act(Do::Die).await;
    let waits = bench.act(Do::FailUntil(1_000)).await;
    bench.round().await;
    let shown = desk::list(db, deps, false).await.unwrap();
    assert_eq!(shown.iter().map(|job| (job.id, job.state.as_str())).collect::<Vec<_>>(), [(dead, "dead")]);
    assert_eq!(
        (shown[0].kind.as_str(), shown[0].attempts, shown[0].last_error.as_deref()),
        ("act", 1, Some("never"))
    );
    assert_eq!(desk::list(db, deps, true).await.unwrap().len(), 2);
    bench.world.clock.advance(SECOND * 1_061);
    assert_eq!(desk::list(db, deps, false).await.unwrap().len(), 2, "one is late");
    assert_eq!(desk::retry(db, deps, dead).await.unwrap(), Told::Done);
    assert_eq!(bench.world.texts("SELECT state || attempts FROM jobs WHERE attempts = 0").await, ["ready0"]);
    assert_eq!(bench.round().await, 2, "the other one is due by now");
    assert_eq!(desk::dismiss(db, deps, waits).await.unwrap(), Told::Done);
    assert_eq!(desk::dismiss(db, deps, dead).await.unwrap(), Told::Done);
    assert_eq!(desk::retry(db, deps, dead).await.unwrap(), Told::Unknown);
    assert_eq!(desk::dismiss(db, deps, dead).await.unwrap(), Told::Unknown);

    // A dead one is no open one; of those of one key the last is kept, and none once one is done.
    let keyed = |what| NewJob::<Act>::now(what).keyed("k");
    for _ in 0..2 {
        bench.put(keyed(Do::Die)).await;
        bench.round().await;
    }
    assert_eq!(bench.jobs().await, ["dead 1 never"]);
    let dead = desk::list(db, deps, false).await.unwrap()[0].id;
    bench.put(keyed(Do::Wait)).await;
    assert_eq!(desk::retry(db, deps, dead).await.unwrap(), Told::Replaced);
    let worker = bench.worker();
    tokio::join!(async { worker.round().await.unwrap() }, async {
        bench.until_running(1).await;
        let running = desk::list(db, deps, true).await.unwrap();
        let running = running.iter().find(|job| job.state == "running").unwrap().id;
        assert_eq!(desk::retry(db, deps, running).await.unwrap(), Told::Runs);
        assert_eq!(desk::dismiss(db, deps, running).await.unwrap(), Told::Runs);
        bench.hand.gate.send_replace(true);
    });
    assert!(bench.jobs().await.is_empty());
}

#[tokio::test]
async fn an_operator_does_so_at_the_command_line() {
    let bench = Bench::new().await;
    let (one, other) = (bench.act(Do::Die).await.to_string(), bench.act(Do::Die).await.to_string());
    bench.round().await;
    let listed = bench.world.told(&["jobs", "list"]);
    assert_eq!(
        (listed.len(), &listed[0]["state"], &listed[0]["last_error"]),
        (2, &"dead".into(), &"never".into())
    );
    assert_eq!(bench.world.told(&["jobs", "retry", &one])[0]["done"], "retry");
    assert_eq!(bench.world.told(&["jobs", "dismiss", &other, "--yes"])[0]["done"], "dismiss");
    assert_eq!(bench.jobs().await, ["ready 0 never"]);
}

//! A seeded simulation of the pure protocol: one hub, a few edges, and a network that cuts, repeats and delays, with edges killed
//! at any step. Then it heals, and every invariant is checked.
//!
//! Replay one seed with `SIM_SEED=17 cargo test -p sync-protocol --test sim`; run more with `SIM_SEEDS=100000`.

#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test")]

mod check;
mod edge;
mod hub;
mod random;
mod world;

use world::World;

/// Seeds of an ordinary run.
const SEEDS: u64 = 500;
/// Steps of one seed before the network heals.
const STEPS: usize = 300;

fn number(variable: &str) -> Option<u64> {
    std::env::var(variable).ok().and_then(|text| text.parse().ok())
}

fn run(seed: u64) -> World {
    let mut world = World::new(seed);
    for _ in 0..STEPS {
        world.step();
        check::always(&world);
    }
    world.heal();
    check::when_quiet(&world);
    world
}

#[test]
fn every_invariant_holds_over_random_schedules() {
    let seeds: Vec<u64> = number("SIM_SEED")
        .map_or_else(|| (1..=number("SIM_SEEDS").unwrap_or(SEEDS)).collect(), |seed| vec![seed]);
    let mut faults = world::Faults::default();
    for seed in &seeds {
        match std::panic::catch_unwind(|| run(*seed)) {
            Ok(world) => faults.add(&world.faults),
            Err(cause) => {
                eprintln!(
                    "\nseed {seed} failed; replay it with\n  SIM_SEED={seed} cargo test -p sync-protocol --test sim\n"
                );
                std::panic::resume_unwind(cause);
            }
        }
    }
    println!("{} seeds: {faults:?}", seeds.len());
    // A run in which nothing went wrong would prove nothing.
    if seeds.len() > 50 {
        assert!(
            faults.cut_requests > 50
                && faults.cut_responses > 50
                && faults.copies > 20
                && faults.kills > 20
                && faults.late_requests > 20,
            "{faults:?}"
        );
        assert!(faults.gaps > 20 && faults.too_late > 5, "{faults:?}");
        assert!(
            faults.scope_changes > 20
                && faults.refused > 20
                && faults.sold_offline > 50
                && faults.shorts == 0,
            "{faults:?}"
        );
    }
}

//! Random days: what people do at offices and at the hub, what goes wrong meanwhile, and at the end a comparison of what stands with
//! what people were told. The same promises as in the pure simulation, checked on what is really stored.

mod acts;
mod faults;
mod noticed;
mod operator;
mod stock;
mod tally;
mod withdrawn;

use crate::chance::Chance;
use crate::goods::lay_out_poison;
use crate::office::Start;
use crate::world::World;
use anyhow::{Context, Result};
use faults::{Happened, wrong_clock};
use tally::Tally;

/// Seeds of an ordinary run: each makes a database and three boxes.
const SEEDS: u64 = 16;
/// Acts, exchanges and faults of one seed before everything is mended.
const STEPS: usize = 110;
/// The cooperatives of the offices. Of the two of one cooperative the older shares what the hub takes in.
const COOPERATIVES: [u32; 3] = [1, 1, 2];

/// The days of one seed.
struct Days {
    world: World,
    chance: Chance,
    tally: Tally,
    happened: Happened,
    /// Whether the hub's database is one with which no command can be taken now.
    is_broken: bool,
}

impl Days {
    async fn begin(seed: u64) -> Self {
        let mut chance = Chance::new(seed);
        let offices: Vec<(u32, Start)> = (1..)
            .zip(COOPERATIVES)
            .map(|(n, cooperative)| {
                (cooperative, Start { seed: seed * 10 + n, wall_s: wrong_clock(&mut chance) })
            })
            .collect();
        let world = World::with_two_hubs(&offices).await;
        lay_out_poison(&world).await;
        for at in 0..world.offices.len() {
            // One of the others has its first catch-up over a bad line.
            if !chance.once_in(3) {
                let _ = world.offices[at].sync().await;
            }
        }
        let happened = Happened::default();
        Self { world, chance, tally: Tally::default(), happened, is_broken: false }
    }

    /// One act, or one exchange, or one thing that goes wrong.
    async fn step(&mut self) -> Result<()> {
        if self.is_broken && self.chance.once_in(4) {
            self.toggle_the_break().await;
        }
        match self.chance.below(60) {
            0..22 => self.act_at_an_office().await,
            22..29 => self.act_at_the_hub().await,
            29..33 => self.something_happens_to_a_box().await,
            33..40 => self.something_happens_to_the_hub().await,
            40..45 => self.operator_looks().await?,
            _ => self.exchange().await?,
        }
        self.world.nobody_spends_what_it_lacks().await?;
        self.tally.look(&self.world).await
    }

    /// Everything is mended, everybody catches up, and all has to hold.
    async fn end(&mut self) -> Result<()> {
        self.mend().await?;
        let world = &self.world;
        world.all_is_settled().await?;
        world.both_sides_are_equal().await?;
        world.nothing_was_oversold().await?;
        self.tally.look(world).await?;
        self.tally.everybody_has_one_last_word(world).await?;
        self.tally.units_add_up(world).await?;
        self.two_quiet_months().await?;
        self.world.both_sides_are_equal().await
    }
}

async fn run(seed: u64) -> Result<Happened> {
    let mut days = Days::begin(seed).await;
    for n in 0..STEPS {
        days.step().await.with_context(|| format!("step {n}"))?;
    }
    days.end().await?;
    days.happened.count(&days.world, &days.tally).await;
    Ok(days.happened)
}

/// A number that somebody has set. One that cannot be read ends the run, which would be another than was asked for.
fn number(variable: &str) -> Option<u64> {
    std::env::var_os(variable).map(|text| read(variable, &text.to_string_lossy()))
}

fn read(variable: &str, text: &str) -> u64 {
    text.trim().parse().unwrap_or_else(|_| panic!("{variable} must be a whole number, not '{text}'"))
}

#[test]
fn a_seed_that_cannot_be_read_is_not_taken_for_another() {
    assert_eq!(read("FIRST_SEED", "1000"), 1_000);
    for wrong in ["", "1e5", "-1", "seed"] {
        let told = std::panic::catch_unwind(|| read("SEED", wrong)).unwrap_err();
        let told = told.downcast_ref::<String>().unwrap();
        assert_eq!(*told, format!("SEED must be a whole number, not '{wrong}'"));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn random_days_end_equal_never_oversold_and_with_one_last_word_for_everybody() {
    let first = number("FIRST_SEED").unwrap_or(1);
    let seeds: Vec<u64> = number("SEED")
        .map_or_else(|| (first..first + number("SEEDS").unwrap_or(SEEDS)).collect(), |seed| vec![seed]);
    assert!(!seeds.is_empty(), "SEEDS must be at least 1");
    let mut happened = Happened::default();
    let mut failed = Vec::new();
    for seed in &seeds {
        match run(*seed).await {
            Ok(more) => happened.add(&more),
            Err(error) => {
                println!(
                    "SEED={seed} cargo test -p mizili-hub --test edge_convergence random_days: {error:#}"
                );
                failed.push(*seed);
            }
        }
    }
    println!("{} seeds: {happened:?}", seeds.len());
    assert!(failed.is_empty(), "seeds {failed:?} failed");
    // A run in which nothing went wrong would prove nothing.
    if seeds.len() as u64 >= SEEDS {
        happened.everything_did().unwrap();
    }
}

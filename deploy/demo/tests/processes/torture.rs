//! Everything at once, for as long as told: three offices of two cooperatives, two hubs on one database, apps, clerks and phones;
//! kills, cuts, lines that lead to the other hub, clocks that jump. At the end everybody's notes are compared with what stands there.
//!
//! `make torture MINUTES=30`. Every choice follows from the seed; when each falls depends on the machine.

use crate::audit::{self, TakenIn, Told};
use crate::chance::{Chance, SEED_VARIABLE};
use crate::clients::{Crowd, Office};
use crate::farmers::join;
use crate::kills::goods_of;
use crate::market::{Market, add_cooperative, add_user, in_a_market, phone_at};
use crate::wrong_clock::WrongClock;
use anyhow::{Context, Result, ensure};
use mizili_demo::api::Api;
use mizili_demo::line::Line;
use mizili_demo::nodes::Nodes;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// How long it goes on.
const MINUTES_VARIABLE: &str = "MIZILI_TORTURE_MINUTES";
/// More than anybody can order.
const PLENTY: u64 = 50_000_000;
/// Longest quiet time between two blows, in milliseconds.
const QUIET_MS: u64 = 3_000;
/// What clocks of boxes say: a battery that is empty, one that was changed, a wrong year typed in.
const CLOCKS: [&str; 5] = ["+0", "-20y", "-40d", "+14y", "-3h"];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn torture() {
    let minutes = std::env::var_os(MINUTES_VARIABLE).map_or(1.0, |text| {
        let text = text.to_string_lossy();
        text.parse().unwrap_or_else(|_| panic!("{MINUTES_VARIABLE} must be a number, not '{text}'"))
    });
    in_a_market("torture", async |market, seed| {
        eprintln!("{minutes} minutes of torture; {SEED_VARIABLE}={seed} makes the same choices again");
        let mut chance = Chance::new(seed);
        let mut town = Town::open(market, &mut chance).await?;
        let blows = town.suffer(market, Duration::from_secs_f64(60.0 * minutes), &mut chance).await?;
        let told = town.compare(market).await?;
        eprintln!("{blows} blows, {told} answers, and all of them hold");
        Ok(())
    })
    .await;
}

/// One office: its box, its line to a hub, its clock, and the people who come there.
struct Branch {
    /// `None`: the market's own.
    nodes: Option<Nodes>,
    line: Line,
    clock: WrongClock,
    office: Arc<Office>,
    crowd: Crowd,
    is_cut: bool,
}

struct Town {
    branches: Vec<Branch>,
    other_hub: Nodes,
    taken_in: TakenIn,
}

/// What happens to whom.
#[derive(Clone, Copy, Debug)]
enum Blow {
    KillOffice(usize),
    KillHub,
    KillOtherHub,
    Cut(usize),
    Mend(usize),
    Lead(usize),
    Jump(usize),
}

impl Branch {
    fn nodes<'a>(&'a self, market: &'a Market) -> &'a Nodes {
        self.nodes.as_ref().unwrap_or(&market.nodes)
    }

    fn nodes_mut<'a>(&'a mut self, market: &'a mut Market) -> &'a mut Nodes {
        self.nodes.as_mut().unwrap_or(&mut market.nodes)
    }

    /// Enrols a box, opens its office, and lets a clerk at the hub take in what is sold. `nodes` is `None` for the market's own
    /// box.
    async fn open(
        market: &mut Market,
        mut nodes: Option<Nodes>,
        cooperative: &str,
        (clerk, titles): (&Api, [&str; 3]),
    ) -> Result<(Self, TakenIn)> {
        let line = Line::lay(market.nodes.hub_address.clone()).await?;
        let own = nodes.as_mut().unwrap_or(&mut market.nodes);
        let home = own.data_dir("mizili-edge").parent().context("no home")?.to_owned();
        let clock = WrongClock::at(&home)?;
        own.edge_variables = clock.variables();
        let own = nodes.as_ref().unwrap_or(&market.nodes);
        let password = market.enrol(own, cooperative, &line.address).await?;
        let office = Arc::new(Office::new(&own.edge_address, &password));
        let (goods, taken_in) = goods_of(market, clerk, titles, PLENTY).await?;
        let own = nodes.as_mut().unwrap_or(&mut market.nodes);
        own.start_edge().await?;
        audit::settle(own).await?;
        Ok((Self { nodes, line, clock, office, crowd: Crowd::steady(goods), is_cut: false }, taken_in))
    }
}

impl Town {
    async fn open(market: &mut Market, chance: &mut Chance) -> Result<Self> {
        let mut other_hub = market.nodes.another_hub()?;
        other_hub.start_hub().await?;
        let neighbour = add_cooperative(&market.nodes, "Dowa Growers").await?;
        let of_neighbour = ["--cooperative", neighbour.as_str()];
        let their_clerk = add_user(&market.nodes, "+265991000004", "clerk", &of_neighbour).await?;
        let (own, clerk) = (market.cooperative.clone(), market.clerk.again());
        let mut taken_in = TakenIn::new();
        let mut branches = Vec::new();
        // Of two offices of one cooperative the older holds its share; the other has to ask.
        let plan = [
            (own.clone(), &clerk, ["Gold", "Ruby", "Jade"], "+265888123401"),
            (own, &clerk, ["Amber", "Pearl", "Opal"], "+265888123402"),
            (neighbour, &their_clerk, ["Ivory", "Coral", "Onyx"], "+265888123403"),
        ];
        for (n, (cooperative, clerk, titles, phone)) in plan.into_iter().enumerate() {
            let nodes = match n {
                0 => None,
                n => {
                    let home = market.home().join(format!("office-{n}"));
                    std::fs::create_dir(&home)?;
                    Some(market.nodes.another_office(&home)?)
                }
            };
            let (mut branch, sold) = Branch::open(market, nodes, &cooperative, (clerk, titles)).await?;
            taken_in.extend(sold);
            let phone = phone_at(branch.nodes(market), phone).await?;
            join(&phone, "Esnart Mvula").await?;
            branch.crowd.farmer(phone, chance.fork());
            let (clerks, apps) = [("clerk-0", "app-0"), ("clerk-1", "app-1"), ("clerk-2", "app-2")][n];
            branch.crowd.clerk(&branch.office, clerks, chance.fork());
            // Apps come to either hub.
            let hub = if n == 1 { &other_hub.hub_address } else { &market.nodes.hub_address };
            branch.crowd.app(&market.buyer.elsewhere(hub), &clerk.elsewhere(hub), apps, chance.fork());
            branches.push(branch);
        }
        Ok(Self { branches, other_hub, taken_in })
    }

    /// Blow after blow until the time is over. Gives how many.
    async fn suffer(&mut self, market: &mut Market, time: Duration, chance: &mut Chance) -> Result<u64> {
        let begun = Instant::now();
        let mut blows = 0;
        while begun.elapsed() < time {
            tokio::time::sleep(chance.moment(QUIET_MS)).await;
            let blow = self.next(chance);
            self.strike(market, blow, chance).await.with_context(|| format!("{blow:?}, blow {blows}"))?;
            blows += 1;
            for branch in &mut self.branches {
                branch.crowd.are_well().await?;
            }
        }
        Ok(blows)
    }

    fn next(&self, chance: &mut Chance) -> Blow {
        let n = chance.below(self.branches.len() as u64) as usize;
        match chance.below(12) {
            0..3 => Blow::KillOffice(n),
            3 => Blow::KillHub,
            4 => Blow::KillOtherHub,
            5..8 if self.branches[n].is_cut => Blow::Mend(n),
            5..8 => Blow::Cut(n),
            8..10 => Blow::Lead(n),
            _ => Blow::Jump(n),
        }
    }

    async fn strike(&mut self, market: &mut Market, blow: Blow, chance: &mut Chance) -> Result<()> {
        match blow {
            Blow::KillOffice(n) => {
                let nodes = self.branches[n].nodes_mut(market);
                nodes.kill_edge().await?;
                if chance.once_in(2) {
                    // Also while it starts.
                    nodes.launch_edge()?;
                    tokio::time::sleep(chance.moment(300)).await;
                    nodes.kill_edge().await?;
                }
                nodes.start_edge().await?;
            }
            Blow::KillHub => again(&mut market.nodes, chance).await?,
            Blow::KillOtherHub => again(&mut self.other_hub, chance).await?,
            Blow::Cut(n) => {
                self.branches[n].line.cut();
                self.branches[n].is_cut = true;
            }
            Blow::Mend(n) => {
                self.branches[n].line.mend();
                self.branches[n].is_cut = false;
            }
            Blow::Lead(n) => {
                let hubs = [&market.nodes.hub_address, &self.other_hub.hub_address];
                let hub = *chance.one_of(&hubs);
                self.branches[n].line.lead_to(hub);
            }
            Blow::Jump(n) => {
                let offset = *chance.one_of(&CLOCKS);
                self.branches[n].clock.set(offset)?;
            }
        }
        Ok(())
    }

    /// Lets everybody finish, brings all together and compares. Gives how many answers there were.
    async fn compare(mut self, market: &mut Market) -> Result<usize> {
        for branch in &mut self.branches {
            branch.line.mend();
        }
        for branch in &mut self.branches {
            branch.crowd.go_home().await?;
        }
        // Twice: what one office sends may be news for another.
        for _ in 0..2 {
            for branch in &self.branches {
                audit::settle(branch.nodes(market)).await?;
            }
        }
        let mut all_told = Vec::new();
        for branch in &self.branches {
            let told = branch.crowd.ledger.copy();
            let confirmed = told.orders.iter().filter(|order| order.is_confirmed).count();
            let cancelled = told.cancelled();
            ensure!(
                confirmed > 10 && cancelled > 0,
                "too little happened: {confirmed} orders, {cancelled} cancels"
            );
            audit::office_remembers(&branch.office, &told, &branch.crowd.ledger).await?;
            all_told.push(Told { office: &branch.office, told });
        }
        audit::all_is_as_told(market, &all_told, &self.taken_in).await?;
        Ok(all_told.iter().map(|told| told.told.answers()).sum())
    }
}

async fn again(hub: &mut Nodes, chance: &mut Chance) -> Result<()> {
    hub.kill_hub().await?;
    tokio::time::sleep(chance.moment(500)).await;
    hub.start_hub().await?;
    Ok(())
}

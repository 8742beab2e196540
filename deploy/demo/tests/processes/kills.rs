//! Kills at any instant while people act: nobody who was told something may find it gone, changed or done twice.

use crate::audit::{self, TakenIn, Told};
use crate::chance::Chance;
use crate::clients::{Crowd, Goods, Office};
use crate::farmers::join;
use crate::market::{Market, all, in_a_market};
use anyhow::{Context, Result, ensure};
use mizili_demo::answer::count;
use mizili_demo::api::Api;
use mizili_demo::line::Line;
use std::sync::Arc;

/// What happens to whom.
#[derive(Clone, Copy, Debug)]
enum Blow {
    KillOffice,
    KillHub,
    CutLine,
}

const BLOWS: [Blow; 11] = [
    Blow::KillOffice,
    Blow::KillOffice,
    Blow::KillOffice,
    Blow::KillOffice,
    Blow::KillOffice,
    Blow::KillHub,
    Blow::KillHub,
    Blow::KillHub,
    Blow::CutLine,
    Blow::CutLine,
    Blow::CutLine,
];

/// Plenty of two, and some of a third; half of each is the office's to sell.
const PLENTY: u64 = 500_000;
const SCARCE: u64 = 240;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_people_were_told_survives_every_kill_and_holds_once() {
    in_a_market("kills", async |market, seed| {
        let mut chance = Chance::new(seed);
        let line = Line::lay(market.nodes.hub_address.clone()).await?;
        let cooperative = market.cooperative.clone();
        let password = market.enrol(&market.nodes, &cooperative, &line.address).await?;
        let (goods, taken_in) = goods(market).await?;
        market.nodes.start_edge().await?;
        audit::settle(&market.nodes).await?;
        let office = Arc::new(Office::new(&market.nodes.edge_address, &password));
        let mut crowd = Crowd::new(goods);
        for number in ["+265888123401", "+265888123402"] {
            let phone = market.phone(number).await?;
            join(&phone, "Esnart Mvula").await?;
            crowd.farmer(phone, chance.fork());
        }
        crowd.clerk(&office, "clerk-1", chance.fork());
        crowd.clerk(&office, "clerk-2", chance.fork());
        crowd.app(&market.buyer, &market.clerk, "app-1", chance.fork());
        crowd.app(&market.buyer, &market.clerk, "app-2", chance.fork());
        let mut blows = BLOWS;
        chance.shuffle(&mut blows);
        for blow in blows {
            crowd.act(4 + chance.below(24) as usize).await?;
            tokio::time::sleep(chance.moment(60)).await;
            strike(market, &line, blow, &mut crowd, &mut chance)
                .await
                .with_context(|| format!("{blow:?}"))?;
        }
        crowd.act(5).await?;
        crowd.go_home().await?;
        eprintln!("home {:?} {}", std::time::Instant::now(), crowd.ledger.write().answers());
        audit::settle(&market.nodes).await?;
        let told = crowd.ledger.copy();
        let confirmed = told.orders.iter().filter(|order| order.is_confirmed).count();
        ensure!(confirmed > 20 && !told.offers.is_empty(), "too little happened: {confirmed} orders");
        audit::office_remembers(&office, &told, &crowd.ledger).await?;
        audit::all_is_as_told(market, &[Told { office: &office, told }], &taken_in).await
    })
    .await;
}

async fn strike(
    market: &mut Market,
    line: &Line,
    blow: Blow,
    crowd: &mut Crowd,
    chance: &mut Chance,
) -> Result<()> {
    match blow {
        Blow::KillOffice => {
            market.nodes.kill_edge().await?;
            if chance.once_in(2) {
                // Also while it starts.
                market.nodes.launch_edge()?;
                tokio::time::sleep(chance.moment(150)).await;
                market.nodes.kill_edge().await?;
            }
            market.nodes.start_edge().await?;
        }
        Blow::KillHub => {
            market.nodes.kill_hub().await?;
            tokio::time::sleep(chance.moment(300)).await;
            market.nodes.start_hub().await?;
        }
        Blow::CutLine => {
            line.cut();
            crowd.act(1 + chance.below(12) as usize).await?;
            line.mend();
        }
    }
    Ok(())
}

/// What people order in these tests.
pub(crate) async fn goods(market: &Market) -> Result<(Goods, TakenIn)> {
    goods_of(market, &market.clerk, ["Gold", "Ruby", "Jade"], PLENTY).await
}

/// What people order of some cooperative: so much of two, and some of a third.
pub(crate) async fn goods_of(
    market: &Market,
    clerk: &Api,
    titles: [&str; 3],
    much: u64,
) -> Result<(Goods, TakenIn)> {
    let mut taken_in = TakenIn::new();
    let mut plenty = Vec::new();
    let [one, two, few] = titles;
    for title in [one, two] {
        let id = market.offer_by(clerk, title, much).await?;
        taken_in.insert(id.clone(), much);
        plenty.push((id, title.to_owned()));
    }
    let scarce = market.offer_by(clerk, few, SCARCE).await?;
    taken_in.insert(scarce.clone(), SCARCE);
    let commodities = all(&market.clerk, "/commodities?limit=100").await?;
    let beans = commodities.iter().find(|item| item["name"] == "Beans").context("no beans")?;
    Ok((Goods { plenty, scarce, other: (count(beans, "id")?, market.kilogram) }, taken_in))
}

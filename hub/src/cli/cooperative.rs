//! `mizili-hub cooperative`.

use super::Common;
use crate::error::ApiError;
use crate::market::cooperatives::app::{self, NewCooperative};
use anyhow::Result;
use clap::{Args, Subcommand};
use serde::Serialize;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make a cooperative.
    #[command(after_help = "Example:
  mizili-hub cooperative add --name 'Kasungu Growers' --country MWI --region 'Central Region'

The region must be one of the country's regions in the imported prices.
Before any were imported, the first one is made; the others come with the import.
Prints the cooperative's number, which `user add` and `edge add` ask for.")]
    Add(Add),
    /// List all cooperatives.
    #[command(after_help = "Example:
  mizili-hub cooperative list")]
    List(Common),
}

#[derive(Args)]
pub(super) struct Add {
    #[command(flatten)]
    common: Common,
    /// Its name.
    #[arg(long)]
    name: String,
    /// Country code of three letters, such as MWI.
    #[arg(long)]
    country: String,
    /// Name of its region.
    #[arg(long)]
    region: Option<String>,
    /// Percent of each new listing that goes to the hub for phones and the web; the office keeps the rest.
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u8).range(0..=100))]
    hub_share: u8,
}

#[derive(Serialize)]
struct Named {
    id: u32,
    name: String,
}

pub(super) async fn run(command: Command) -> Result<()> {
    match command {
        Command::Add(args) => add(args).await,
        Command::List(common) => list(&common).await,
    }
}

async fn add(args: Add) -> Result<()> {
    let opened = args.common.open_or_make().await?;
    let new = NewCooperative {
        name: args.name,
        country: args.country,
        region: args.region,
        hub_share_percent: args.hub_share,
    };
    let made = app::add(&opened.db, &opened.deps(), &new).await;
    opened.close().await?;
    let made = made?;
    let (id, name) = (made.id, made.name);
    let words = format!(
        "Cooperative {id}: {name}, {} ({}).",
        made.region.as_deref().unwrap_or("no region"),
        made.country
    );
    args.common.output().result(&Named { id, name }, || words)
}

async fn list(common: &Common) -> Result<()> {
    let opened = common.open().await?;
    let all = app::all(&opened.db).await.map_err(ApiError::from);
    opened.close().await?;
    for one in all? {
        let words = format!(
            "{:>5}  {}, {} ({})",
            one.id,
            one.name,
            one.region.as_deref().unwrap_or("no region"),
            one.country
        );
        common.output().result(&one, || words)?;
    }
    Ok(())
}

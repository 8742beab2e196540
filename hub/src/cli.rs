//! The hub's command line. Every command works whether or not `serve` is running, over the same functions as the API.
//!
//! With `--json` a command prints one JSON object a line on standard output and nothing else there; without it, words for people.
//! Logs and errors go to standard error.

mod backup;
mod commands;
mod cooperative;
mod edge;
mod jobs;
mod keys;
mod output;
mod prices;
mod salvage;
mod user;
mod user_care;

use crate::config::{Config, Opened};
use crate::db::Statements;
use crate::error::ApiError;
use crate::postgres::environment::leave_foreign_settings;
use crate::serve::{self, Secrets};
use anyhow::{Context as _, Result, bail};
use clap::{Args, CommandFactory as _, Parser, Subcommand};
use mizili_node::address::{AddressRange, Proxies, listen_address};
use mizili_node::manual::{self, Shell};
use mizili_node::problem::one_line;
use mizili_node::prompt;
use mizili_node::streams::start_log;
use output::Output;
use serde_json::json;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

const PORT_DEFAULT: u16 = 8080;

/// How long a command waits for its database: long enough to make one on a slow disk, or for one that repairs itself after a crash.
const OPEN_PATIENCE: Duration = Duration::from_secs(60);

/// How long a command that asks or changes one thing may take after that.
const PATIENCE: Duration = Duration::from_secs(60);

/// The hub of a marketplace for farmers' cooperatives: its API, its database, and what offices sync with.
#[derive(Parser)]
#[command(
    name = "mizili-hub",
    version,
    about,
    after_help = "Examples:
  mizili-hub serve
  mizili-hub prices import --source wfp wfp_food_prices_mwi.csv
  mizili-hub cooperative add --name 'Kasungu Growers' --country MWI --region 'Central Region'
  mizili-hub user add --phone +265991234567 --role admin
  mizili-hub edge add --cooperative 1

Without DATABASE_URL the hub keeps a private PostgreSQL in its data folder; the server programs must be installed."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the hub until Ctrl-C.
    #[command(after_help = "Examples:
  mizili-hub serve
  mizili-hub serve --data-dir /var/lib/mizili --listen 0.0.0.0:8080
  DATABASE_URL=postgres://mizili@db/mizili PORT=80 mizili-hub serve

It is ready when /readyz answers 200. The API's pages are at /api/docs/.")]
    Serve(Serve),
    /// Bring the database up to date.
    #[command(after_help = "Examples:
  mizili-hub migrate
  DATABASE_URL=postgres://mizili@pooler/mizili DATABASE_DIRECT_URL=postgres://mizili@db/mizili mizili-hub migrate

Safe to run again, and while hubs serve. Through a pooler in transaction mode, set DATABASE_DIRECT_URL.")]
    Migrate(Common),
    /// Print the API's description (OpenAPI 3.1).
    #[command(after_help = "Example:
  mizili-hub openapi > openapi.json")]
    Openapi(Common),
    /// Cooperatives: add, list.
    #[command(subcommand)]
    Cooperative(cooperative::Command),
    /// Accounts of people: add, confirm a number, list, close, open, new password, give a number free.
    #[command(subcommand)]
    User(user::Command),
    /// Edges, the boxes at cooperatives' offices: add, list, new code, resume, revoke, write off.
    #[command(subcommand)]
    Edge(edge::Command),
    /// What offices sent and the hub has not decided: list, show, retry, dismiss.
    #[command(subcommand)]
    Commands(commands::Command),
    /// Work that the hub does by itself: list what failed or is late, retry, dismiss.
    #[command(subcommand)]
    Jobs(jobs::Command),
    /// Copies of the database that were tried: mark, unmark, list.
    #[command(subcommand)]
    Backup(backup::Command),
    /// What offices brought back after a restore from a backup: list, show, retry.
    #[command(subcommand)]
    Salvage(salvage::Command),
    /// The hub's keys towards edges: show, replace.
    #[command(subcommand)]
    Keys(keys::Command),
    /// Market prices: import.
    #[command(subcommand)]
    Prices(prices::Command),
    /// Print what makes a shell complete this program's words.
    #[command(after_help = "Examples:
  mizili-hub completions bash | sudo tee /usr/share/bash-completion/completions/mizili-hub > /dev/null
  mizili-hub completions fish > ~/.config/fish/completions/mizili-hub.fish")]
    Completions(Completions),
    /// Write the manual pages, one for each command.
    #[command(after_help = "Examples:
  mizili-hub man --out ~/.local/share/man/man1
  man mizili-hub-serve")]
    Man(Man),
}

#[derive(Args)]
struct Completions {
    #[command(flatten)]
    common: Common,
    /// The shell.
    shell: Shell,
}

#[derive(Args)]
struct Man {
    #[command(flatten)]
    common: Common,
    /// Folder that the pages are written to; it is made if it is not there.
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

/// What every command takes.
#[derive(Args, Clone)]
struct Common {
    /// Folder of everything the hub keeps on this machine.
    #[arg(long, value_name = "DIR", env = "MIZILI_HUB_DATA", default_value = "./mizili-hub-data")]
    data_dir: PathBuf,
    /// Print JSON, one object a line, and nothing else on standard output.
    #[arg(long)]
    json: bool,
    /// Address of the database; without it, a private PostgreSQL in the data folder.
    #[arg(long, value_name = "URL", env = "DATABASE_URL", hide_env_values = true)]
    database_url: Option<String>,
    /// Address of the same database without a transaction-mode pooler, for migrations and the listener.
    #[arg(
        long,
        value_name = "URL",
        env = "DATABASE_DIRECT_URL",
        hide_env_values = true,
        requires = "database_url"
    )]
    database_direct_url: Option<String>,
}

impl Common {
    fn config(&self) -> Config {
        let given = |url: &Option<String>| url.clone().filter(|url| !url.is_empty());
        Config {
            data_dir: self.data_dir.clone(),
            database_url: given(&self.database_url),
            direct_url: given(&self.database_direct_url),
        }
    }

    /// Opens the database of a hub that is there, for a command that looks at it or changes something of it. It makes none.
    async fn open(&self) -> Result<Opened> {
        let config = self.config();
        config.check_data_dir()?;
        if config.is_new() {
            bail!(
                "there is no hub in {}. If yours is elsewhere, name its folder with --data-dir; `mizili-hub serve` makes a new one",
                config.data_dir().display()
            );
        }
        self.open_or_make().await
    }

    /// Opens the database, for a command that may be the first of a new hub. Says so where it makes one: a script that names
    /// another folder than the hub's would wonder.
    async fn open_or_make(&self) -> Result<Opened> {
        let config = self.config();
        config.check_data_dir()?;
        if config.is_new() {
            output::hint(&format!(
                "No hub was in {} yet: its database is made there. If yours is elsewhere, name its folder with --data-dir.",
                config.data_dir().display()
            ));
        }
        match tokio::time::timeout(OPEN_PATIENCE, config.open()).await {
            Ok(opened) => opened,
            Err(_) => bail!("the database has not answered for {} seconds", OPEN_PATIENCE.as_secs()),
        }
    }

    fn output(&self) -> Output {
        Output { json: self.json }
    }
}

#[derive(Args)]
struct Serve {
    #[command(flatten)]
    common: Common,
    /// Address and port to listen on; port 0 takes a free one. By default 127.0.0.1:8080, or all addresses on PORT.
    #[arg(long, value_name = "ADDR", value_parser = listen_address)]
    listen: Option<SocketAddr>,
    /// Port to listen on, on all addresses, where `--listen` is not given.
    #[arg(long, env = "PORT", hide = true)]
    port: Option<u16>,
    /// Proxies in front of the hub on other machines, such as 10.0.0.0/8: they say where a request comes from (X-Forwarded-For). Those
    /// on this machine are believed without. Wrong passwords are counted by that address.
    #[arg(long, value_name = "RANGE", env = "MIZILI_TRUSTED_PROXIES", value_delimiter = ',')]
    trust_proxy: Vec<AddressRange>,
    /// Secret that signs access tokens, of at least 32 characters; without it one is made and kept in the data folder.
    #[arg(long, env = "MIZILI_JWT_SECRET", hide = true, hide_env_values = true)]
    jwt_secret: Option<String>,
    /// The hub's keys towards edges; without them, some are made and kept in the data folder.
    #[arg(long, env = "MIZILI_HUB_KEYS", hide = true, hide_env_values = true)]
    hub_keys: Option<String>,
    /// How statements are sent to the database: named ones are planned once and kept; unnamed ones pass through poolers in
    /// transaction mode that keep none, such as PgBouncer before 1.21. By default that is found out at the start; with `named` the hub
    /// does not start where they are not kept.
    #[arg(long, value_enum, value_name = "HOW", env = "MIZILI_STATEMENTS", default_value = "auto")]
    statements: Statements,
}

/// Runs the command line; the process's exit status.
pub fn main() -> ExitCode {
    if let Err(error) = leave_foreign_settings() {
        output::hint(&format!(
            "Error: the program cannot be begun without the variables of Postgres: {error}"
        ));
        return ExitCode::FAILURE;
    }
    let command = Cli::parse().command;
    let quiet = if matches!(command, Command::Serve(_)) { "info" } else { "error" };
    start_log(&format!("{quiet},sqlx=warn"), true);
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return failed(&error.into()),
    };
    let ended = runtime.block_on(async {
        tokio::select! {
            done = run(command) => done,
            () = prompt::stopped() => Err(anyhow::anyhow!("stopped")),
        }
    });
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => failed(&error),
    }
}

/// The number of something that the hub has numbered: an edge, a cooperative.
fn number(text: &str) -> Result<u32, String> {
    text.parse().map_err(|_| "give its number, as the list of them shows it".to_owned())
}

fn failed(error: &anyhow::Error) -> ExitCode {
    output::hint(&format!("Error: {}", words(error)));
    ExitCode::FAILURE
}

/// An error on one line. What the API would answer is said without what lies behind it, and by the command's own options.
fn words(error: &anyhow::Error) -> String {
    let Some(refused) = error.downcast_ref::<ApiError>().filter(|refused| !refused.is_temporary()) else {
        return one_line(error.as_ref());
    };
    let text = refused.to_string();
    let (text, listed) = text.split_once(": see /api/").unwrap_or((&text, ""));
    // What the API has a list of, the command line has too.
    let list =
        if listed.starts_with("v1/cooperatives") { ": `mizili-hub cooperative list` shows all" } else { "" };
    match text.strip_prefix('/').and_then(|rest| rest.split_once(": ")) {
        Some((field, said)) => {
            let option = field.trim_end_matches("_id").trim_end_matches("_percent").replace('_', "-");
            format!("--{option}: {said}{list}")
        }
        None => format!("{text}{list}"),
    }
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Serve(args) => {
            let proxies = Proxies::new(args.trust_proxy);
            let secrets = Secrets { jwt: args.jwt_secret, hub_keys: args.hub_keys };
            let from_port = |port| SocketAddr::from((Ipv4Addr::UNSPECIFIED, port));
            let here = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), PORT_DEFAULT);
            let listen = args.listen.or(args.port.map(from_port)).unwrap_or(here);
            serve::run(&args.common.config(), &secrets, args.statements, proxies, listen).await
        }
        Command::Migrate(common) => migrate(&common).await,
        Command::Openapi(common) => {
            let text = crate::router::document_text()?;
            // One object a line, for whoever asked for that; else as it stands in the repository.
            let text = if common.json {
                format!("{}\n", serde_json::from_str::<serde_json::Value>(&text)?)
            } else {
                text
            };
            output::print(&text)
        }
        Command::Cooperative(command) => in_time(cooperative::run(command)).await,
        Command::User(command) => user::run(command).await,
        Command::Edge(command) if command.asks() => edge::run(command).await,
        Command::Edge(command) => in_time(edge::run(command)).await,
        Command::Commands(command) => commands::run(command).await,
        Command::Jobs(command) if command.asks() => jobs::run(command).await,
        Command::Jobs(command) => in_time(jobs::run(command)).await,
        Command::Backup(command) => in_time(backup::run(command)).await,
        Command::Salvage(command) if command.asks() => salvage::run(command).await,
        Command::Salvage(command) => in_time(salvage::run(command)).await,
        Command::Keys(command) => keys::run(command).await,
        Command::Prices(command) => prices::run(command).await,
        Command::Completions(args) => {
            let script = manual::completions(Cli::command(), args.shell);
            let value = json!({ "shell": args.shell.to_string(), "script": script });
            args.common.output().result(&value, || script.trim_end().to_owned())
        }
        Command::Man(args) => {
            let pages = manual::pages(Cli::command(), &args.out)
                .with_context(|| format!("cannot write manual pages to {}", args.out.display()))?;
            let words = || format!("The manual has {} pages, in {}.", pages.len(), args.out.display());
            args.common.output().result(&json!({ "pages": pages }), words)
        }
    }
}

/// A database that hangs must not make a script hang.
async fn in_time(command: impl Future<Output = Result<()>>) -> Result<()> {
    match tokio::time::timeout(OPEN_PATIENCE + PATIENCE, command).await {
        Ok(ended) => ended,
        Err(_) => bail!("the database has not answered for {} seconds", PATIENCE.as_secs()),
    }
}

async fn migrate(common: &Common) -> Result<()> {
    let opened = common.open_or_make().await?;
    let migrated = crate::db::migrate(opened.db.direct_url()).await.context("a migration failed");
    opened.close().await?;
    migrated?;
    common.output().words("The database is up to date.")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Columns of a line of help: one that is broken is broken near here, and none goes on behind the others.
    const HELP_COLUMNS: usize = 128;

    fn leaves(command: &clap::Command, path: &str, out: &mut Vec<(String, clap::Command)>) {
        for sub in command.get_subcommands() {
            let path = format!("{path} {}", sub.get_name());
            if sub.has_subcommands() {
                leaves(sub, &path, out);
            } else {
                out.push((path, sub.clone()));
            }
        }
    }

    #[test]
    fn every_command_has_a_data_folder_json_and_examples() {
        let mut root = Cli::command();
        root.build();
        root.clone().debug_assert();
        let mut all = Vec::new();
        leaves(&root, "mizili-hub", &mut all);
        all.retain(|(path, _)| !path.contains(" help"));
        assert!(all.len() >= 9, "{}", all.len());
        for (path, command) in all {
            for flag in ["data_dir", "json"] {
                assert!(command.get_arguments().any(|a| a.get_id() == flag), "{path} lacks {flag}");
            }
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains("Example") && help.contains(&path), "{path} lacks an example");
            assert!(command.get_about().is_some(), "{path} lacks a description");
            let lines = help.lines().map(|line| line.chars().count());
            assert!(
                lines.max().is_some_and(|most| most <= HELP_COLUMNS),
                "{path}: a line is broken badly: {help}"
            );
        }
    }
}

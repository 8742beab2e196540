//! The command line of the edge: what an operator or a script can ask of the box, whether or not `serve` is running.
//!
//! With `--json` standard output holds one JSON object a line and nothing else; what is for people, and every error, goes to
//! standard error then. No command prints a secret that it did not just make, except the gateways' addresses, which are one.

mod enrol;
mod fresh;
pub mod password;
mod status;
mod sync;
mod ussd;

use crate::db::Db;
use crate::line::tls;
use crate::node;
use crate::serve;
use crate::sync::{SyncError, lock};
use anyhow::{Context as _, bail};
use clap::{CommandFactory as _, Parser, Subcommand};
use mizili_node::address::listen_address;
use mizili_node::deps::Deps;
use mizili_node::folder::{self, Other};
use mizili_node::manual::{self, Shell};
use mizili_node::problem::one_line;
use mizili_node::prompt;
use mizili_node::streams::{print, start_log, tell};
use serde_json::json;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Where a box keeps everything unless told otherwise.
const DEFAULT_DATA_DIR: &str = "./mizili-edge-data";

#[derive(Debug, Parser)]
#[command(
    name = "mizili-edge",
    version,
    about = "The node of a cooperative's office: it goes on working when the line to the hub does not",
    after_help = "A new box, from nothing:\n  \
        1. The operator of the hub runs:  mizili-hub edge add --cooperative 12\n  \
        2. Here, with the code it prints: mizili-edge enrol --hub https://hub.example.org --code K7M0-2XYL-9QRT\n  \
        3. Then, and at every start:      mizili-edge serve\n\n\
        How things stand:                 mizili-edge status\n\
        Try the phone menus here:         mizili-edge ussd --phone +265999123456\n\n\
        All of them take --data-dir DIR; the variable MIZILI_EDGE_DATA says the same."
)]
struct Cli {
    #[command(subcommand)]
    command: Command,

    /// The folder in which this box keeps everything
    #[arg(long, global = true, env = "MIZILI_EDGE_DATA", default_value = DEFAULT_DATA_DIR, value_name = "DIR")]
    data_dir: PathBuf,

    /// Print one JSON object a line on standard output, for programs
    #[arg(long, global = true)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Make this box known to a hub, with the one-time code that the hub's operator gave out
    Enrol(enrol::EnrolArgs),
    /// Run the box: office page, local API, phone menus, sync with the hub
    Serve(ServeArgs),
    /// Exchange with the hub now
    Sync(sync::SyncArgs),
    /// Say how things stand: last contact, what is waiting, the addresses for the phone company
    Status(status::StatusArgs),
    /// Walk the phone menus in this terminal, as a caller would
    Ussd(ussd::UssdArgs),
    /// Set a new office password
    Password(password::PasswordArgs),
    /// Print what makes a shell complete this program's words
    Completions(CompletionsArgs),
    /// Write the manual pages, one for each command
    Man(ManArgs),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    mizili-edge completions bash | sudo tee /usr/share/bash-completion/completions/mizili-edge > /dev/null\n  \
    mizili-edge completions fish > ~/.config/fish/completions/mizili-edge.fish")]
struct CompletionsArgs {
    /// The shell
    shell: Shell,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    mizili-edge man --out ~/.local/share/man/man1\n  \
    man mizili-edge-serve")]
struct ManArgs {
    /// Folder that the pages are written to; it is made if it is not there
    #[arg(long, value_name = "DIR")]
    out: PathBuf,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    mizili-edge serve                                   listens where edge.toml says, usually on this machine only\n  \
    mizili-edge serve --listen 0.0.0.0:8090             for the whole office network\n\n\
    It is ready when http://ADDR/readyz answers 200. Ctrl-C or SIGTERM stops it; nothing is lost either way.")]
struct ServeArgs {
    /// Where to listen, such as 127.0.0.1:8090; port 0 takes a free one
    #[arg(long, value_name = "ADDR", value_parser = listen_address)]
    listen: Option<SocketAddr>,
}

/// Whose data folder the box's must not be.
const HUB: Other = Other { program: "mizili-hub", signs: &["postgres", "hub-keys", "jwt-secret"] };

/// Where a command works.
struct Place {
    data_dir: PathBuf,
    deps: Deps,
}

impl Place {
    /// Opens the database of a box that is enrolled; makes nothing where there is none.
    async fn open_enrolled(&self) -> anyhow::Result<Db> {
        self.check()?;
        if !Db::is_in(&self.data_dir) {
            return Err(self.not_enrolled());
        }
        let shown = self.data_dir.display();
        let entered = lock::patiently(|| lock::entering(&self.data_dir)).await;
        let Some(_entered) = entered.with_context(|| format!("cannot use the data folder {shown}"))? else {
            bail!("{shown} is being enrolled; wait until that has ended")
        };
        // What was there may have been a try's that was refused, and gone with it.
        if !Db::is_in(&self.data_dir) {
            return Err(self.not_enrolled());
        }
        let db = self.open()?;
        match db.read(node::identity).await? {
            Some(_) => Ok(db),
            None => Err(self.not_enrolled()),
        }
    }

    fn not_enrolled(&self) -> anyhow::Error {
        let searched = self.data_dir.display();
        anyhow::Error::new(SyncError::NotEnrolled).context(format!("no enrolled box in {searched}"))
    }

    /// Refuses what cannot be a box's data folder, before anything is made there.
    fn check(&self) -> anyhow::Result<()> {
        folder::check(&self.data_dir, HUB).map_err(anyhow::Error::msg)
    }

    fn open(&self) -> anyhow::Result<Db> {
        Db::open(&self.data_dir).with_context(|| format!("cannot open {}", self.data_dir.display()))
    }

    fn path(&self) -> &Path {
        &self.data_dir
    }
}

/// Standard output: words for people, or lines of JSON for programs.
struct Out {
    json: bool,
}

impl Out {
    /// Says one thing in the form that was asked for.
    fn say(&mut self, json: &serde_json::Value, words: &str) -> anyhow::Result<()> {
        let line = if self.json { json.to_string() } else { words.to_owned() };
        print(&format!("{line}\n")).context("cannot write to standard output")
    }
}

/// Runs the command line of this process.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    // Commands other than `serve` say only what a person should see.
    start_log(if matches!(cli.command, Command::Serve(_)) { "info" } else { "error" }, false);
    tls::install_provider();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
    let ended = match runtime {
        Ok(runtime) => runtime.block_on(async {
            tokio::select! {
                done = run(cli) => done,
                () = prompt::stopped() => Err(anyhow::anyhow!("stopped")),
            }
        }),
        Err(error) => Err(anyhow::Error::new(error).context("cannot start")),
    };
    match ended {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            tell(&format!("mizili-edge: {}", one_line(error.as_ref())));
            ExitCode::FAILURE
        }
    }
}

async fn run(cli: Cli) -> anyhow::Result<()> {
    let place = Place { data_dir: cli.data_dir, deps: Deps::real() };
    let mut out = Out { json: cli.json };
    match cli.command {
        Command::Enrol(args) => enrol::run(args, &place, &mut out).await,
        Command::Serve(args) => {
            let db = place.open_enrolled().await?;
            serve::run(db, place.deps, args.listen).await
        }
        Command::Sync(args) => sync::run(args, &place, &mut out).await,
        Command::Status(args) => status::run(args, &place, &mut out).await,
        Command::Ussd(args) => ussd::run(args, &place, &mut out).await,
        Command::Password(args) => password::run(args, &place, &mut out).await,
        Command::Completions(CompletionsArgs { shell }) => {
            let script = manual::completions(Cli::command(), shell);
            out.say(&json!({ "shell": shell.to_string(), "script": script }), script.trim_end())
        }
        Command::Man(ManArgs { out: folder }) => {
            let pages = manual::pages(Cli::command(), &folder)
                .with_context(|| format!("cannot write manual pages to {}", folder.display()))?;
            let words = format!("The manual has {} pages, in {}.", pages.len(), folder.display());
            out.say(&json!({ "pages": pages }), &words)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::fresh::Fresh;
    use super::*;

    #[test]
    fn every_command_takes_the_same_options_and_has_examples() {
        let mut cli = Cli::command();
        cli.build();
        cli.clone().debug_assert();
        for command in cli.get_subcommands().filter(|c| c.get_name() != "help") {
            let name = command.get_name();
            let has = |wanted: &str| command.get_arguments().any(|arg| arg.get_long() == Some(wanted));
            assert!(has("data-dir") && has("json"), "{name}");
            let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
            assert!(help.contains(&format!("mizili-edge {name}")), "{name} has no example");
        }
    }

    #[test]
    fn an_error_is_one_line_without_repeats() {
        let error = anyhow::anyhow!("the disk\nis full")
            .context("cannot open x: the disk is full")
            .context("cannot start");
        assert_eq!(one_line(error.as_ref()), "cannot start: cannot open x: the disk is full");
    }

    #[tokio::test]
    async fn what_a_try_to_enrol_may_take_away_again_is_not_opened() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place { data_dir: dir.path().join("box"), deps: Deps::fixed(1) };
        let fresh = Fresh::take(place.path()).unwrap().unwrap();
        std::fs::write(place.path().join("edge.db"), "").unwrap();
        let waits = one_line(place.open_enrolled().await.err().unwrap().as_ref());
        assert!(waits.ends_with("box is being enrolled; wait until that has ended"), "{waits}");
        assert_eq!(
            std::fs::metadata(place.path().join("edge.db")).unwrap().len(),
            0,
            "nothing was made of it"
        );
        // Refused while somebody waits: what has gone is not made anew.
        let refused = async { drop(fresh) };
        let (waited, ()) = tokio::join!(place.open_enrolled(), refused);
        let waited = one_line(waited.err().unwrap().as_ref());
        assert!(waited.contains("not enrolled") && !place.path().exists(), "{waited}");
        // Kept: then it is opened.
        let mut fresh = Fresh::take(place.path()).unwrap().unwrap();
        std::fs::write(place.path().join("edge.db"), "").unwrap();
        fresh.keep(true);
        drop(fresh);
        drop(place.open_enrolled().await.err().unwrap());
        assert!(std::fs::metadata(place.path().join("edge.db")).unwrap().len() > 0);
    }

    #[tokio::test]
    async fn a_folder_without_a_box_is_named_and_stays_empty() {
        let dir = tempfile::tempdir().unwrap();
        let place = Place { data_dir: dir.path().join("none"), deps: Deps::fixed(1) };
        let error = one_line(place.open_enrolled().await.err().unwrap().as_ref());
        assert!(error.contains("not enrolled") && error.contains("mizili-edge enrol"), "{error}");
        assert!(!place.path().exists());
        let empty = Place { data_dir: dir.path().to_owned(), deps: Deps::fixed(1) };
        assert!(one_line(empty.open_enrolled().await.err().unwrap().as_ref()).contains("not enrolled"));
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 0);
        std::fs::write(dir.path().join("hub-keys"), "").unwrap();
        let hubs = one_line(empty.open_enrolled().await.err().unwrap().as_ref());
        assert!(hubs.contains("holds the data of mizili-hub"), "{hubs}");
    }
}

//! `mizili-hub user`. A password is never an argument: it would stand in the list of processes.

use super::output::hint;
use super::{Common, number, user_care};
use crate::auth::caller::Role;
use crate::config::Opened;
use crate::error::{ApiError, Kind};
use crate::market::users::User;
use crate::market::users::app::{self, NewAccount, NewPasswords};
use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand, ValueEnum};
use mizili_node::password::Passwords;
use mizili_node::prompt;
use serde::Serialize;
use std::io::{BufRead, IsTerminal};
use uuid::Uuid;

#[derive(Subcommand)]
pub(super) enum Command {
    /// Make an account. Its phone number counts as confirmed.
    #[command(after_help = "Examples:
  mizili-hub user add --phone +265991234567 --role admin
  mizili-hub user add --phone 0991234567 --country MWI --role clerk --cooperative 1 --name 'Grace Banda'
  printf '%s\\n' 'correct horse' | mizili-hub user add --phone +265991234567 --role admin --json
  printf '%s\\n%s\\n' 'correct horse' 'office words' | mizili-hub user add --phone +265991234567 \\
      --role clerk --cooperative 1 --office-password-stdin

The password is asked for on a terminal, else it is the first line of standard input. A clerk's office password is for
the page at the office; it works offline, and should be another than the password here. On a terminal it is asked for too;
else, with --office-password-stdin, it is the second line of standard input.")]
    Add(Add),
    /// Confirm that a number belongs to the account that registered with it.
    #[command(after_help = "Example:
  mizili-hub user confirm --phone +265991234567

Whoever registers over the API may type any number. Once it is confirmed, the orders that were made by phone under it,
and the membership with it, belong to the account. Ask the person first, by calling that number.")]
    Confirm(user_care::Whose),
    /// List accounts, one a line.
    #[command(after_help = "Examples:
  mizili-hub user list
  mizili-hub user list --json | grep '\"phone_confirmed\":false'")]
    List(Common),
    /// Close an account: it is signed out everywhere, at its office too.
    #[command(after_help = "Examples:
  mizili-hub user disable --phone +265991234567
  mizili-hub user disable --phone +265991234567 --yes

It asks where nobody else could sign in as an administrator.")]
    Disable(user_care::Sure),
    /// Open an account again that was closed.
    #[command(after_help = "Example:
  mizili-hub user enable --phone +265991234567")]
    Enable(user_care::Whose),
    /// Give an account a new password.
    #[command(after_help = "Examples:
  mizili-hub user password --phone +265991234567
  printf '%s\\n%s\\n' 'battery staple' 'office words' | mizili-hub user password --phone +265991234567 \\
      --office-password-stdin

The password is asked for on a terminal, else it is the first line of standard input. The account is signed out everywhere.")]
    Password(user_care::Password),
    /// Give a phone number free that a stranger registered.
    #[command(after_help = "Examples:
  mizili-hub user release --phone +265991234567
  mizili-hub user release --phone +265991234567 --yes

It says whose account it is and asks. The account that has the number is closed and loses it; what it did stays.
The number's owner can register then. Ask the person first, by calling that number.")]
    Release(user_care::Sure),
}

#[derive(Clone, Copy, ValueEnum)]
enum RoleArg {
    Buyer,
    Farmer,
    Clerk,
    Admin,
}

#[derive(Args)]
pub(super) struct Add {
    #[command(flatten)]
    whose: user_care::Whose,
    /// What the account may do.
    #[arg(long)]
    role: RoleArg,
    /// The person's name; the phone number if it is left out.
    #[arg(long)]
    name: Option<String>,
    /// Number of the cooperative that a clerk works for. (A farmer sells as a member; the office registers members.)
    #[arg(long, value_name = "ID", value_parser = number)]
    cooperative: Option<u32>,
    /// Language: en, sw, ny or fr.
    #[arg(long, default_value = "en")]
    language: String,
    /// Read a clerk's office password from standard input too, on the line after the password.
    #[arg(long)]
    office_password_stdin: bool,
}

#[derive(Serialize)]
struct Made {
    id: Uuid,
}

pub(super) async fn run(command: Command) -> Result<()> {
    match command {
        Command::Add(args) => add(args).await,
        Command::Confirm(args) => confirm(args).await,
        Command::List(common) => user_care::list(&common).await,
        Command::Disable(args) => user_care::disable(args).await,
        Command::Enable(args) => user_care::enable(args).await,
        Command::Password(args) => user_care::password(args).await,
        Command::Release(args) => user_care::release(args).await,
    }
}

async fn add(args: Add) -> Result<()> {
    let role = match args.role {
        RoleArg::Buyer => Role::Buyer,
        RoleArg::Farmer => Role::Farmer,
        RoleArg::Clerk => Role::Clerk,
        RoleArg::Admin => Role::Admin,
    };
    if args.office_password_stdin && role != Role::Clerk {
        bail!(
            "only clerks have an office password: leave --office-password-stdin out, or make it --role clerk"
        );
    }
    let user_care::Whose { common, phone, country } = args.whose;
    let name = args.name.unwrap_or_else(|| phone.clone());
    let account =
        NewAccount { phone, country, role, name, cooperative: args.cooperative, language: args.language };
    // What can be seen to be wrong is said before a password is asked for, and nothing is made before one was given.
    app::check_new(&account).map_err(|wrong| in_words(wrong.into()))?;
    common.config().check_data_dir()?;
    let read = async || read_passwords(args.office_password_stdin, role == Role::Clerk).await;
    let read_first = if common.config().is_new() { Some(read().await?) } else { None };
    let opened = common.open_or_make().await?;
    let made = async {
        let passwords = match read_first {
            Some(passwords) => passwords,
            None => {
                let free = app::would_add(&opened.db, &opened.deps(), &account).await;
                free.map_err(in_words)?;
                read().await?
            }
        };
        added(&opened, &account, passwords).await
    }
    .await;
    opened.close().await?;
    let user = made?;
    common.output().result(&Made { id: user.id }, || {
        format!("Account {} for {}, {}.", user.id, user.phone, role.as_str())
    })
}

async fn added(
    opened: &Opened,
    account: &NewAccount,
    (own, office): (String, Option<String>),
) -> Result<User> {
    let chosen = NewPasswords { own, office };
    let made = app::add(&opened.db, &opened.deps(), &Passwords::new(1), account, &chosen).await;
    made.map_err(in_words)
}

async fn confirm(args: user_care::Whose) -> Result<()> {
    let opened = args.common.open().await?;
    let confirmed = app::confirm(&opened.db, &opened.deps(), &args.phone, args.country.as_deref()).await;
    opened.close().await?;
    let user = confirmed.map_err(in_words)?;
    args.common
        .output()
        .result(&Made { id: user.id }, || format!("{} is confirmed for account {}.", user.phone, user.id))
}

/// An API's error in the words of the command line: fields are flags here.
pub(super) fn in_words(error: ApiError) -> anyhow::Error {
    if error.kind() == Kind::PhoneTaken {
        return anyhow::anyhow!("there is an account with this phone number already");
    }
    error.into()
}

/// The password and the office password: asked for on a terminal, else lines of standard input. `new_clerk`: at a terminal the office
/// password is asked for without being told to, for a clerk without one cannot sign in at the office.
pub(super) async fn read_passwords(office: bool, new_clerk: bool) -> Result<(String, Option<String>)> {
    if std::io::stdin().is_terminal() {
        let first = ask("Password").await?;
        return Ok((first, if office || new_clerk { Some(ask("Office password").await?) } else { None }));
    }
    let mut lines = std::io::stdin().lock().lines();
    let mut line = |what: &str| -> Result<String> {
        let line = lines.next().transpose().context("cannot read standard input")?.unwrap_or_default();
        let line = line.trim_end_matches('\r').to_owned();
        if line.is_empty() {
            bail!("no {what} on standard input: write it on a line of its own");
        }
        Ok(line)
    };
    Ok((line("password")?, if office { Some(line("office password")?) } else { None }))
}

async fn ask(what: &str) -> Result<String> {
    Ok(prompt::new_password(what, hint).await?)
}

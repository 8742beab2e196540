//! `mizili-hub user list|disable|enable|password|release`: what an operator does with accounts that are there. A password is never an
//! argument: it would stand in the list of processes.

use super::Common;
use super::user::{in_words, read_passwords};
use crate::config::Opened;
use crate::market::users::User;
use crate::market::users::care::{self, Standing};
use crate::market::users::db::Account;
use anyhow::Result;
use clap::Args;
use mizili_node::password::Passwords;
use mizili_node::prompt;
use serde::Serialize;
use sync_protocol::phone::Phone;
use uuid::Uuid;

/// The account of a number.
#[derive(Args)]
pub(super) struct Whose {
    #[command(flatten)]
    pub(super) common: Common,
    /// With the country code, or as dialled at home together with --country.
    #[arg(long)]
    pub(super) phone: String,
    /// Country code of three letters, completes a local number.
    #[arg(long)]
    pub(super) country: Option<String>,
}

/// The account of a number, for what should not happen by a slip.
#[derive(Args)]
pub(super) struct Sure {
    #[command(flatten)]
    whose: Whose,
    /// Do not ask.
    #[arg(long)]
    yes: bool,
}

#[derive(Args)]
pub(super) struct Password {
    #[command(flatten)]
    whose: Whose,
    /// Read a clerk's new office password from standard input too, on the line after the password.
    #[arg(long)]
    office_password_stdin: bool,
}

#[derive(Serialize)]
struct Done {
    id: Uuid,
}

pub(super) async fn list(common: &Common) -> Result<()> {
    let opened = common.open().await?;
    let listed = print_all(common, &opened.db).await;
    opened.close().await?;
    listed
}

async fn print_all(common: &Common, db: &crate::db::Db) -> Result<()> {
    let mut after = None;
    loop {
        let accounts = care::list(db, after).await?;
        let Some(last) = accounts.last() else { break };
        after = Some(last.id);
        for account in &accounts {
            common.output().result(account, || line(account))?;
        }
    }
    if after.is_none() {
        return common.output().words("There is no account yet. Make one with `mizili-hub user add`.");
    }
    Ok(())
}

fn line(account: &Account) -> String {
    let phone = account.phone.as_deref().unwrap_or("(number given free)");
    let confirmed = if account.phone_confirmed { "confirmed" } else { "not confirmed" };
    let cooperative = account.cooperative_id.map(|id| format!(", cooperative {id}")).unwrap_or_default();
    let role = account.role.as_str();
    format!("{phone:<16}  {}  {role}{cooperative}, {confirmed}: {}", account.state, account.name)
}

/// Closes an account; asks where nobody could sign in as an administrator then.
pub(super) async fn disable(args: Sure) -> Result<()> {
    let words =
        |phone: &Phone, _| format!("The account of {} is closed and signed out everywhere.", phone.as_str());
    surely(args, disabled, words).await
}

/// Does something to the account of a number that should not happen by a slip.
async fn surely(
    Sure { whose, yes }: Sure,
    act: impl AsyncFnOnce(&Opened, &Phone, bool) -> Result<Uuid>,
    words: impl FnOnce(&Phone, Uuid) -> String,
) -> Result<()> {
    let phone = number(&whose)?;
    let opened = whose.common.open().await?;
    let done = act(&opened, &phone, yes).await;
    opened.close().await?;
    let id = done?;
    whose.common.output().result(&Done { id }, || words(&phone, id))
}

async fn disabled(opened: &Opened, phone: &Phone, is_confirmed: bool) -> Result<Uuid> {
    let standing = care::standing(&opened.db, phone).await.map_err(in_words)?;
    if standing.is_last_admin {
        let question = format!(
            "{} is the last administrator that can sign in. Shall the account be closed?",
            called(&standing, phone)
        );
        prompt::sure(question, is_confirmed).await?;
    }
    let user = care::close(&opened.db, &opened.deps(), phone, standing.agreed(is_confirmed)).await;
    let user = user.map_err(in_words)?;
    Ok(user.id)
}

pub(super) async fn enable(args: Whose) -> Result<()> {
    let phone = number(&args)?;
    let opened = args.common.open().await?;
    let done = care::open(&opened.db, &opened.deps(), &phone).await;
    opened.close().await?;
    let user = done.map_err(in_words)?;
    args.common.output().result(&Done { id: user.id }, || format!("The account of {} is open.", user.phone))
}

fn number(whose: &Whose) -> Result<Phone> {
    care::number(&whose.phone, whose.country.as_deref()).map_err(|error| in_words(error.into()))
}

pub(super) async fn password(args: Password) -> Result<()> {
    let Password { whose: args, office_password_stdin } = args;
    let phone = number(&args)?;
    let opened = args.common.open().await?;
    let done = renewed(&opened, &phone, office_password_stdin).await;
    opened.close().await?;
    let user = done?;
    args.common.output().result(&Done { id: user.id }, || {
        format!("{} has a new password and is signed out everywhere.", user.phone)
    })
}

/// Whether there is such an account is said before a password is asked for.
async fn renewed(opened: &Opened, phone: &Phone, office: bool) -> Result<User> {
    // And it is that one's alone, however long somebody thinks about it.
    let whose = (phone, care::standing(&opened.db, phone).await.map_err(in_words)?.agreed(true));
    let (password, office) = read_passwords(office, false).await?;
    let (deps, pool) = (opened.deps(), Passwords::new(1));
    let done = care::set_password(&opened.db, &deps, &pool, whose, &password, office.as_deref()).await;
    done.map_err(in_words)
}

/// Gives a number free when somebody has confirmed whose it is: there is no way back.
pub(super) async fn release(args: Sure) -> Result<()> {
    let words =
        |phone: &Phone, id| format!("{} is free: account {id} is closed and has no number.", phone.as_str());
    surely(args, released, words).await
}

async fn released(opened: &Opened, phone: &Phone, is_confirmed: bool) -> Result<Uuid> {
    let standing = care::standing(&opened.db, phone).await.map_err(in_words)?;
    let mut question = String::new();
    if standing.account.phone_confirmed {
        question.push_str("The number was CONFIRMED to be this person's own. ");
    }
    if standing.is_last_admin {
        question.push_str("This is the last administrator that can sign in. ");
    }
    let whom = called(&standing, phone);
    question
        .push_str(&format!("Shall {whom} lose the number, and the account be closed? There is no way back."));
    prompt::sure(question, is_confirmed).await?;
    let id = care::release(&opened.db, &opened.deps(), phone, standing.agreed(is_confirmed)).await;
    Ok(id.map_err(in_words)?.0)
}

/// An account in words: `Grace Banda (+265991234567, clerk, number confirmed, 2 open orders)`.
fn called(standing: &Standing, phone: &Phone) -> String {
    let Standing { account, open_orders, .. } = standing;
    let confirmed = if account.phone_confirmed { "confirmed" } else { "not confirmed" };
    let orders = match open_orders {
        0 => "no open orders".to_owned(),
        1 => "1 open order".to_owned(),
        many => format!("{many} open orders"),
    };
    let (name, role) = (&account.name, account.role.as_str());
    format!("{name} ({}, {role}, number {confirmed}, {orders})", phone.as_str())
}

//! `mizili-hub user list|disable|enable|password|release`: what an operator does with accounts that are there. A password is never an
//! argument: it would stand in the list of processes.

use super::Common;
use super::user::{in_words, read_passwords};
use crate::market::users::care;
use crate::market::users::db::Account;
use anyhow::Result;
use clap::Args;
use mizili_node::password::Passwords;
use serde::Serialize;
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

pub(super) async fn close(args: Whose, closed: bool) -> Result<()> {
    let phone = care::number(&args.phone, args.country.as_deref()).map_err(|error| in_words(error.into()))?;
    let opened = args.common.open().await?;
    let done = care::set_closed(&opened.db, &opened.deps(), &phone, closed).await;
    opened.close().await?;
    let user = done.map_err(in_words)?;
    let words = if closed { "is closed and signed out everywhere" } else { "is open" };
    args.common.output().result(&Done { id: user.id }, || format!("The account of {} {words}.", user.phone))
}

pub(super) async fn password(args: Password) -> Result<()> {
    let Password { whose: args, office_password_stdin } = args;
    let phone = care::number(&args.phone, args.country.as_deref()).map_err(|error| in_words(error.into()))?;
    let (password, office) = read_passwords(office_password_stdin).await?;
    let opened = args.common.open().await?;
    let (deps, pool) = (opened.deps(), Passwords::new(1));
    let done = care::set_password(&opened.db, &deps, &pool, &phone, &password, office.as_deref()).await;
    opened.close().await?;
    let user = done.map_err(in_words)?;
    args.common.output().result(&Done { id: user.id }, || {
        format!("{} has a new password and is signed out everywhere.", user.phone)
    })
}

pub(super) async fn release(args: Whose) -> Result<()> {
    let phone = care::number(&args.phone, args.country.as_deref()).map_err(|error| in_words(error.into()))?;
    let opened = args.common.open().await?;
    let done = care::release(&opened.db, &opened.deps(), &phone).await;
    opened.close().await?;
    let id = done.map_err(in_words)?;
    args.common.output().result(&Done { id: id.0 }, || {
        format!("{} is free: account {} is closed and has no number.", phone.as_str(), id.0)
    })
}

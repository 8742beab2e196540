//! What becomes of accounts after they were made: a new password, by the person or an operator; closing and opening; and giving a
//! number free that belongs to somebody else. What an office knows of the person goes to the office in the same transaction.

use crate::auth::app::{is_password, open_session};
use crate::auth::caller::{Caller, Role};
use crate::auth::db::lock;
use crate::auth::pair::Tokens;
use crate::auth::phone::read_phone;
use crate::auth::throttle;
use crate::db::{Db, retrying};
use crate::error::{ApiError, Kind, Problem, unauthorized};
use crate::feed::{Touched, publish};
use crate::market::orders::{db as orders, unconfirmed};
use crate::market::users::db::{self, Account};
use crate::market::users::{PasswordChange, User};
use crate::news::Moved;
use crate::state::AppState;
use crate::token::Whose;
use mizili_node::address::Place;
use mizili_node::deps::Deps;
use mizili_node::password::Passwords;
use mizili_node::weak_password;
use sqlx::PgConnection;
use std::sync::OnceLock;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CooperativeId, UserId};
use sync_protocol::market::{Entity, OfficeUser};
use sync_protocol::phone::Phone;
use sync_protocol::row::Key;
use uuid::Uuid;

/// Accounts that are read at once.
const PAGE: i64 = 500;

/// The next accounts after one, in the order of their ids, which is about that of their making; empty at the end.
///
/// # Errors
/// Those of the database.
pub async fn list(db: &Db, after: Option<Uuid>) -> Result<Vec<Account>, ApiError> {
    let mut tx = db.begin().await?;
    let accounts = db::list(&mut tx, after, PAGE).await?;
    tx.commit().await?;
    Ok(accounts)
}

/// What somebody should know before an account is closed.
#[derive(Clone, Debug)]
pub struct Standing {
    /// The account.
    pub account: Account,
    /// Its orders that are not done with.
    pub open_orders: i64,
    /// Whether no other administrator could sign in without it.
    pub is_last_admin: bool,
}

impl Standing {
    /// What is agreed to by somebody who was shown this, or who said `beforehand` that it be done whatever stands there.
    #[must_use]
    pub fn agreed(&self, beforehand: bool) -> Agreed {
        Agreed {
            account: UserId(self.account.id),
            is_admin: self.account.role == Role::Admin,
            is_confirmed: beforehand || self.account.phone_confirmed,
            is_last_admin: beforehand || self.is_last_admin,
        }
    }
}

/// What somebody has agreed to close or change. A question may stand for minutes, and others act meanwhile: what he was not shown stays.
#[derive(Clone, Copy, Debug)]
pub struct Agreed {
    account: UserId,
    /// A role never changes.
    is_admin: bool,
    /// Also where its number was confirmed to be the person's own.
    is_confirmed: bool,
    /// Also where nobody could sign in as an administrator then.
    is_last_admin: bool,
}

/// How the account of a number stands.
///
/// # Errors
/// No account has that number.
pub async fn standing(db: &Db, phone: &Phone) -> Result<Standing, ApiError> {
    let mut tx = db.begin().await?;
    let account = db::by_phone(&mut tx, phone.number()).await?.ok_or_else(|| nobody_has(phone))?;
    let id = UserId(account.id);
    let open_orders = orders::count_open(&mut tx, &[id.0]).await?.remove(&id).unwrap_or(0);
    let is_admin = account.role == Role::Admin && account.state == "open";
    let is_last_admin = is_admin && !db::has_other_admin(&mut tx, id).await?;
    tx.commit().await?;
    Ok(Standing { account, open_orders, is_last_admin })
}

/// Closes an account: it is signed out at once, everywhere.
///
/// # Errors
/// No account has that number, or it does not stand as was agreed any more.
pub async fn close(db: &Db, deps: &Deps, phone: &Phone, agreed: Agreed) -> Result<User, ApiError> {
    changed(db, deps, phone, Some(agreed), async |conn, id| {
        db::set_disabled(conn, id, true).await?;
        db::end_sessions(conn, id).await.map(drop)
    })
    .await
}

/// Opens an account again.
///
/// # Errors
/// No account has that number.
pub async fn open(db: &Db, deps: &Deps, phone: &Phone) -> Result<User, ApiError> {
    changed(db, deps, phone, None, async |conn, id| db::set_disabled(conn, id, false).await).await
}

/// A new password, by an operator; and one for the office, where it is a clerk's. Every session ends, and what was counted of wrong
/// tries is forgotten.
///
/// # Errors
/// No account has that number, or another than was agreed; a password that cannot be used.
pub async fn set_password(
    db: &Db,
    deps: &Deps,
    passwords: &Passwords,
    (phone, agreed): (&Phone, Agreed),
    password: &str,
    office_password: Option<&str>,
) -> Result<User, ApiError> {
    let number = Some(phone.number());
    let mut wrong: Vec<_> = weak_password::problem("password", password, number).into_iter().collect();
    wrong.extend(office_password.and_then(|new| weak_password::problem("office password", new, number)));
    if !wrong.is_empty() {
        return Err(Problem::fields(wrong).into());
    }
    let hash = passwords.hash(deps, password).await?;
    let office_hash = match office_password {
        Some(new) => Some(passwords.hash(deps, new).await?),
        None => None,
    };
    changed(db, deps, phone, Some(agreed), async |conn, id| {
        db::set_password(conn, id, &hash).await?;
        if let Some(office_hash) = &office_hash {
            db::set_office_password(conn, id, office_hash).await?;
        }
        throttle::forget_number(conn, phone.number()).await?;
        db::end_sessions(conn, id).await.map(drop)
    })
    .await
}

/// Takes the number from the account that has it, and closes the account: its owner can register now.
///
/// # Errors
/// No account has that number, or it does not stand as was agreed any more.
pub async fn release(db: &Db, deps: &Deps, phone: &Phone, agreed: Agreed) -> Result<UserId, ApiError> {
    // By an earlier try, which may have taken effect unseen: then the account has the number no more.
    let before = OnceLock::new();
    let released = retrying(deps, || async {
        let mut tx = db.begin().await?;
        let (id, cooperative) = match (locked(&mut tx, phone, Some(agreed)).await, before.get()) {
            (Err(error), Some(id)) if error.kind() == Kind::NotFound => return Ok(*id),
            (found, _) => found?,
        };
        if db::is_confirmed(&mut tx, id).await? && !agreed.is_confirmed {
            return Err(changed_since(phone, "was confirmed to be this person's own").into());
        }
        db::release(&mut tx, id).await?;
        db::end_sessions(&mut tx, id).await?;
        throttle::forget_number(&mut tx, phone.number()).await?;
        let mut moved = tell_office(&mut tx, id, cooperative).await?;
        moved.extend(&unconfirmed::tell_sellers(&mut tx, id).await?);
        before.get_or_init(|| id);
        db.commit_and_tell(tx, &moved).await?;
        Ok::<_, ApiError>(id)
    });
    released.await
}

/// A number as an operator types it.
///
/// # Errors
/// What to write instead.
pub fn number(phone: &str, country: Option<&str>) -> Result<Phone, Problem> {
    read_phone("phone", phone, country).map_err(|wrong| Problem::invalid("phone", wrong.detail))
}

/// One's own password, changed by showing the old one. Every session ends but the one that begins with the answer.
pub(crate) async fn change_own(
    state: &AppState,
    caller: &Caller,
    place: Place,
    change: &PasswordChange,
) -> Result<Tokens, ApiError> {
    if change.office && caller.office().is_none() {
        return Err(Problem::invalid(
            "/office",
            "Is for clerks, who have a password for the page at their office.",
        )
        .into());
    }
    if let Some(wrong) = weak_password::problem("/new_password", &change.new_password, Some(caller.phone)) {
        return Err(Problem::fields(vec![wrong]).into());
    }
    let old =
        state.db.read(&state.deps, |mut conn| async move { db::password_hash(&mut conn, caller.id).await });
    let old = old.await?.ok_or_else(unauthorized)?;
    let shown = is_password(state, &place.line(), caller.phone, &change.current_password, Some(&old)).await;
    let shown = shown.and_then(|right| right.ok_or_else(|| not_yours().into()));
    if let Err(error) = shown {
        let code = error.kind().code();
        tracing::warn!(user = %caller.id, address = %place, code, "a change of password was refused");
        return Err(error);
    }
    let hash = state.auth.passwords.hash(&state.deps, &change.new_password).await?;
    let cooperative = caller.cooperative.filter(|_| change.office);
    let changed = retrying(&state.deps, || async {
        let mut tx = state.db.begin().await?;
        // Sessions that begin meanwhile wait, and end with the others; and of two changes at once the second has shown an old password.
        let now = lock(&mut tx, caller.id).await?.map(|(_, now)| now);
        if !now.is_some_and(|now| now == old || now == hash) {
            return Err(not_yours().into());
        }
        if change.office {
            db::set_office_password(&mut tx, caller.id, &hash).await?;
        } else {
            db::set_password(&mut tx, caller.id, &hash).await?;
        }
        let sign_outs = db::end_sessions(&mut tx, caller.id).await?;
        let tokens = open_session(state, &mut tx, Whose { user: caller.id, sign_outs }).await?;
        let moved = tell_office(&mut tx, caller.id, cooperative).await?;
        state.db.commit_and_tell(tx, &moved).await?;
        Ok::<_, ApiError>(tokens)
    });
    let tokens = changed.await?;
    tracing::info!(user = %caller.id, address = %place, office = change.office, "a password was changed");
    Ok(tokens)
}

fn not_yours() -> Problem {
    Problem::invalid("/current_password", "Is not your password.")
}

/// Changes the account of a number, where it stands as was agreed, and tells its office.
async fn changed(
    db: &Db,
    deps: &Deps,
    phone: &Phone,
    agreed: Option<Agreed>,
    change: impl AsyncFn(&mut PgConnection, UserId) -> Result<(), sqlx::Error>,
) -> Result<User, ApiError> {
    let changed = retrying(deps, || async {
        let mut tx = db.begin().await?;
        let (id, cooperative) = locked(&mut tx, phone, agreed).await?;
        change(&mut tx, id).await?;
        let moved = tell_office(&mut tx, id, cooperative).await?;
        let user = db::get(&mut tx, id).await?;
        tx.commit().await?;
        db.tell(&moved);
        Ok::<_, ApiError>(user.ok_or_else(|| Problem::internal("an account is not there after its update"))?)
    });
    changed.await
}

/// The account of a number and its cooperative, locked, where it stands as was agreed.
async fn locked(
    conn: &mut PgConnection,
    phone: &Phone,
    agreed: Option<Agreed>,
) -> Result<(UserId, Option<CooperativeId>), ApiError> {
    // All of them, and before the account: of two that are closed at once one is the last.
    let admins = match agreed {
        Some(Agreed { is_admin: true, is_last_admin: false, .. }) => db::lock_admins(conn).await?,
        _ => Vec::new(),
    };
    let found = db::lock_by_phone(conn, phone.number()).await?.ok_or_else(|| nobody_has(phone))?;
    let Some(Agreed { account, .. }) = agreed else { return Ok(found) };
    if found.0 != account {
        let detail = format!(
            "{} has another account by now than the one that you were shown; look again.",
            phone.as_str()
        );
        return Err(Kind::NotFound.because(detail).into());
    }
    if admins == [account] {
        return Err(changed_since(phone, "became that of the last administrator that can sign in").into());
    }
    Ok(found)
}

fn changed_since(phone: &Phone, what: &str) -> Problem {
    Kind::Conflict.because(format!("{} {what} since you were asked; look again.", phone.as_str()))
}

fn nobody_has(phone: &Phone) -> Problem {
    Kind::NotFound.because(format!("No account has the number {}.", phone.as_str()))
}

/// Publishes what the office knows of an account; whom to tell after the commit.
async fn tell_office(
    conn: &mut PgConnection,
    id: UserId,
    cooperative: Option<CooperativeId>,
) -> Result<Moved, sqlx::Error> {
    let Some(cooperative) = cooperative else { return Ok(Moved::default()) };
    let mut touched = Touched::new();
    touched.add(Bucket::Coop(cooperative), OfficeUser::NUMBER, Key::Uuid(id.0));
    publish(conn, &touched).await.map_err(sqlx::Error::from)?;
    Ok(Moved::from_iter([Bucket::Coop(cooperative)]))
}

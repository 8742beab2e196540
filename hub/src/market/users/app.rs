//! Rules of accounts: who may register as what.

use crate::auth::caller::{Caller, Role};
use crate::auth::phone::read_phone;
use crate::db::{Db, retrying};
use crate::error::{ApiError, Kind, Problem, field, unauthorized};
use crate::feed::{Touched, publish};
use crate::market::orders::unconfirmed;
use crate::market::users::db::{self, NewRow};
use crate::market::users::{NewUser, User};
use crate::state::AppState;
use mizili_node::api::FieldProblem;
use mizili_node::deps::Deps;
use mizili_node::name::tidy;
use mizili_node::password::Passwords;
use mizili_node::weak_password;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CooperativeId, UserId};
use sync_protocol::limits::NAME_MAX_CHARS;
use sync_protocol::market::{Entity, OfficeUser};
use sync_protocol::phone::Phone;
use sync_protocol::row::Key;
use sync_protocol::text::is_visible;

/// Languages that people can be served in.
pub const LANGUAGES: [&str; 4] = ["en", "sw", "ny", "fr"];

/// Makes an account for somebody who asks for one: a buyer or a farmer, nothing more.
pub(crate) async fn register(state: &AppState, new: NewUser) -> Result<User, ApiError> {
    let role = new.role.unwrap_or(Role::Buyer);
    let language = new.language.as_deref().unwrap_or("en");
    let mut wrong = Vec::new();
    let phone =
        read_phone("/phone", &new.phone, new.country.as_deref()).map_err(|problem| wrong.push(problem)).ok();
    wrong.extend(weak_password::problem("/password", &new.password, phone.as_ref().map(Phone::number)));
    wrong.extend(name_problem("/name", &new.name));
    if !LANGUAGES.contains(&language) {
        wrong.push(field("/language", "Must be en, sw, ny or fr."));
    }
    if !matches!(role, Role::Buyer | Role::Farmer) {
        wrong.push(field(
            "/role",
            "Must be buyer or farmer. Accounts of clerks and admins are made by the operator.",
        ));
    }
    if new.cooperative_id.is_some() && role == Role::Buyer {
        wrong.push(field("/cooperative_id", "Is for farmers; leave it out."));
    }
    if new.cooperative_id.is_some_and(|id| i32::try_from(id).is_err()) {
        wrong.push(field("/cooperative_id", "There is no such cooperative: see /api/v1/cooperatives."));
    }
    let Some(phone) = phone.filter(|_| wrong.is_empty()) else {
        return Err(Problem::fields(wrong).into());
    };
    let password_hash = state.auth.passwords.hash(&state.deps, &new.password).await?;
    let (id, name) = (UserId(state.deps.ids.uuid_v7()), tidy(&new.name));
    let row = NewRow {
        id,
        phone: phone.number(),
        phone_confirmed: false,
        name: &name,
        role,
        cooperative: new.cooperative_id.map(CooperativeId),
        language,
        password_hash: &password_hash,
        office_password_hash: "",
        created_at: state.deps.clock.now(),
    };
    let user = retrying(&state.deps, || async {
        let mut tx = state.db.begin().await?;
        db::insert(&mut tx, &row).await?;
        let user = db::get(&mut tx, id)
            .await?
            .ok_or_else(|| Problem::internal("an account is not there after its insert"))?;
        tx.commit().await?;
        Ok::<_, ApiError>(user)
    });
    let user = user.await?;
    tracing::info!(user = %id, phone = phone.masked(), role = role.as_str(), "an account was made");
    Ok(user)
}

/// What is wrong with a person's name, if anything.
pub(crate) fn name_problem(pointer: &str, name: &str) -> Option<FieldProblem> {
    let detail = if name.trim().is_empty() {
        "Must not be empty.".to_owned()
    } else if !is_visible(name) {
        "Must hold something that can be seen.".to_owned()
    } else if name.chars().count() > NAME_MAX_CHARS {
        format!("Must have at most {NAME_MAX_CHARS} characters.")
    } else if name.chars().any(char::is_control) {
        "Must not hold control characters.".to_owned()
    } else {
        return None;
    };
    Some(field(pointer, detail))
}

/// The caller's own account.
pub(crate) async fn me(state: &AppState, caller: &Caller) -> Result<User, ApiError> {
    let user = state.db.read(&state.deps, |mut conn| async move { db::get(&mut conn, caller.id).await });
    let user = user.await?;
    Ok(user.ok_or_else(unauthorized)?)
}

/// An account that an operator makes.
#[derive(Clone)]
pub struct NewAccount {
    /// As typed.
    pub phone: String,
    /// Completes a local number.
    pub country: Option<String>,
    /// What it may do.
    pub role: Role,
    /// The person's name.
    pub name: String,
    /// The cooperative of a clerk or farmer.
    pub cooperative: Option<u32>,
    /// `en`, `sw`, `ny` or `fr`.
    pub language: String,
}

/// Passwords of an account that an operator makes.
pub struct NewPasswords {
    /// The password.
    pub own: String,
    /// The password for the page at the office, of a clerk.
    pub office: Option<String>,
}

/// Whether a database takes an account, whatever its passwords: nothing is changed. For who would have to type them in vain.
///
/// # Errors
/// What is wrong with it; a number that has an account; a cooperative that there is not.
pub async fn would_add(db: &Db, deps: &Deps, new: &NewAccount) -> Result<(), ApiError> {
    let phone = check_new(new)?;
    let mut tx = db.begin().await?;
    db::insert(&mut tx, &row(deps, new, &phone, &tidy(&new.name), ("", ""))).await?;
    Ok(tx.rollback().await?)
}

fn row<'a>(
    deps: &Deps,
    new: &'a NewAccount,
    phone: &Phone,
    name: &'a str,
    (password_hash, office_password_hash): (&'a str, &'a str),
) -> NewRow<'a> {
    NewRow {
        id: UserId(deps.ids.uuid_v7()),
        phone: phone.number(),
        phone_confirmed: true,
        name,
        role: new.role,
        cooperative: new.cooperative.map(CooperativeId),
        language: &new.language,
        password_hash,
        office_password_hash,
        created_at: deps.clock.now(),
    }
}

/// Makes an account of any role, by an operator at the hub's command line. A clerk's goes to the cooperative's office too, with
/// the office password's hash alone.
///
/// # Errors
/// What is wrong with it; a number that has an account.
pub async fn add(
    db: &Db,
    deps: &Deps,
    passwords: &Passwords,
    new: &NewAccount,
    chosen: &NewPasswords,
) -> Result<User, ApiError> {
    let phone = check_new(new)?;
    check_passwords(chosen, &phone)?;
    let hash = passwords.hash(deps, &chosen.own).await?;
    let office_hash = match &chosen.office {
        Some(password) => passwords.hash(deps, password).await?,
        None => String::new(),
    };
    let name = tidy(&new.name);
    let row = row(deps, new, &phone, &name, (&hash, &office_hash));
    retrying(deps, || async {
        let mut tx = db.begin().await?;
        db::insert(&mut tx, &row).await?;
        let mut touched = Touched::new();
        if let Some(cooperative) = row.cooperative.filter(|_| row.role == Role::Clerk) {
            touched.add(Bucket::Coop(cooperative), OfficeUser::NUMBER, Key::Uuid(row.id.0));
            publish(&mut tx, &touched).await.map_err(sqlx::Error::from)?;
        }
        let user = db::get(&mut tx, row.id).await?;
        tx.commit().await?;
        db.tell(&touched.moved());
        Ok::<_, ApiError>(user.ok_or_else(|| Problem::internal("an account is not there after its insert"))?)
    })
    .await
}

fn check_passwords(chosen: &NewPasswords, phone: &Phone) -> Result<(), Problem> {
    let number = Some(phone.number());
    let own = weak_password::problem("password", &chosen.own, number);
    let office = chosen.office.as_deref().and_then(|p| weak_password::problem("office password", p, number));
    all_of(own.into_iter().chain(office).collect())
}

/// Looks at an account that an operator is about to make, as far as can be told without a database and passwords.
///
/// # Errors
/// What is wrong with it.
pub fn check_new(new: &NewAccount) -> Result<Phone, Problem> {
    let mut wrong = Vec::new();
    let phone =
        read_phone("phone", &new.phone, new.country.as_deref()).map_err(|problem| wrong.push(problem)).ok();
    wrong.extend(name_problem("name", &new.name));
    if !LANGUAGES.contains(&new.language.as_str()) {
        wrong.push(field("language", "Must be en, sw, ny or fr."));
    }
    match new.role {
        Role::Clerk if new.cooperative.is_none() => {
            wrong.push(field("cooperative", "A clerk needs a cooperative."))
        }
        Role::Buyer | Role::Admin if new.cooperative.is_some() => {
            wrong.push(field("cooperative", "Is for clerks and farmers; leave it out."));
        }
        _ if new.cooperative.is_some_and(|id| i32::try_from(id).is_err()) => {
            wrong.push(field(
                "cooperative",
                "There is no such cooperative: `mizili-hub cooperative list` shows all.",
            ));
        }
        _ => {}
    }
    all_of(wrong)?;
    phone.ok_or_else(|| Problem::internal("a number is neither read nor refused"))
}

/// All that is wrong, on one line; well where nothing is.
fn all_of(wrong: Vec<FieldProblem>) -> Result<(), Problem> {
    if wrong.is_empty() {
        return Ok(());
    }
    let words: Vec<_> =
        wrong.iter().map(|w| format!("{}: {}", w.pointer.trim_start_matches('/'), w.detail)).collect();
    Err(Problem::fields(wrong).detail(words.join(" ")))
}

/// Notes that a number is its account's own, by an operator at the hub's command line.
///
/// # Errors
/// No account has that number.
pub async fn confirm(db: &Db, deps: &Deps, phone: &str, country: Option<&str>) -> Result<User, ApiError> {
    let phone =
        read_phone("phone", phone, country).map_err(|wrong| Problem::invalid("phone", wrong.detail))?;
    retrying(deps, || confirm_once(db, &phone)).await
}

async fn confirm_once(db: &Db, phone: &Phone) -> Result<User, ApiError> {
    let mut tx = db.begin().await?;
    let id = db::confirm(&mut tx, phone.number()).await?;
    let id =
        id.ok_or_else(|| Kind::NotFound.because(format!("No account has the number {}.", phone.as_str())))?;
    let moved = unconfirmed::tell_sellers(&mut tx, id).await?;
    let user = db::get(&mut tx, id).await?;
    tx.commit().await?;
    db.tell(&moved);
    Ok(user.ok_or_else(|| Problem::internal("an account is not there after its update"))?)
}

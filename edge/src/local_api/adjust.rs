//! Telling what was found in the store: more taken in, some spoilt, or a count. It says what happened, so it holds at once here;
//! only a count that finds less than was sold is for the hub to settle.

use super::attempt::Attempt;
use super::names::Names;
use super::sell::reused;
use super::stock::{COUNTED, StockLine, TAKEN_IN, WRITTEN_OFF, changed_line};
use crate::commands::{self, Submission, SubmitError};
use crate::db::DbError;
use crate::http::answers::NotTaken;
use crate::http::problem::{self, ApiError, Kind};
use crate::local_api::Caller;
use crate::replica;
use crate::state::AppState;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue};
use axum::response::{IntoResponse, Response};
use mizili_node::api::{FieldProblem, quantity};
use mizili_node::body::Body as JsonBody;
use mizili_node::deps::Deps;
use mizili_node::market::products::in_steps;
use mizili_node::name::tidy;
use mizili_node::openapi::answers::{NotAllowed, NotFound};
use mizili_node::query::{Params, boolean};
use rusqlite::Transaction;
use serde::{Deserialize, Serialize};
use sync_protocol::ids::ListingId;
use sync_protocol::market::{Actor, Adjustment, Body, Listing, StockAdjust};
use sync_protocol::row::Key;
use sync_protocol::units::Quantity;
use sync_protocol::verdict::RejectCode;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StockChange {
    /// The product.
    pub product_id: Uuid,
    /// `taken_in` (so much more), `written_off` (so much was spoilt or lost) or `counted` (so much is there).
    #[schema(example = "counted")]
    pub kind: String,
    /// How much, in the product's unit.
    #[serde(with = "quantity")]
    #[schema(value_type = String, example = "48")]
    pub quantity: Quantity,
    /// For a count: what should be there, as `expected` of the stock said when counting began.
    #[serde(default)]
    #[schema(example = "50")]
    pub expected: Option<String>,
    /// For a count: how much of what is there was sold before and is in no order that this office knows, such as after an old copy of
    /// its data was put back. It is no longer for sale.
    #[serde(default)]
    #[schema(example = "5")]
    pub unheard: Option<String>,
    /// The `id` of the product's last change, to take that one back: then `kind` and `quantity` are its `undo_kind` and `undo_quantity`. What
    /// comes back is exactly what it moved, and the orders that it made short are confirmed again.
    #[serde(default)]
    pub undoes: Option<Uuid>,
    /// Why, in the person's words.
    #[serde(default)]
    pub reason: String,
}

/// Whether to do it.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StockChangeQuery {
    /// `true` to be told whether it would be taken: then nothing is changed, and the product is answered as it stands.
    #[param(value_type = Option<bool>)]
    check: Option<String>,
}

/// Change the stock
///
/// Send an `Idempotency-Key` of your own, the same on every retry: a count must not count twice.
#[utoipa::path(post, path = "/api/v1/office/stock/adjust", operation_id = "adjust_stock", tag = "Office", security(("office" = []), ("cookie" = [])), request_body = StockChange,
    params(StockChangeQuery, ("Idempotency-Key" = String, Header, description = "A text of your own, such as a UUID, the same on every retry.")),
    responses((status = 200, body = StockLine), NotAllowed, NotFound, NotTaken,
        (status = 409, description = "`not_enough` (with `available`); a count at a box that the hub does not let in: `shut_out`")))]
pub async fn adjust(
    State(state): State<AppState>,
    caller: Caller,
    Params { given: query, .. }: Params<StockChangeQuery>,
    headers: HeaderMap,
    JsonBody(change): JsonBody<StockChange>,
) -> Result<Response, ApiError> {
    let attempt = Attempt::read(&headers, "POST /api/v1/office/stock/adjust", &caller)?;
    let is_check = boolean("check", query.check.as_deref())?.unwrap_or(false);
    let asked = Asked { attempt, body: draft(&change)?, change, actor: caller.actor };
    let deps = state.deps.clone();
    let done = state.db.write(move |tx| {
        let before = if is_check { Some(asked.standing(tx)?) } else { None };
        let done = asked.make(tx, &deps)?;
        before.map_or(Ok(done), |line| Err(Stop::Checked(Box::new(line))))
    });
    let (line, is_repeat) = match done.await {
        Ok(done) => done,
        Err(Stop::Checked(line)) => (*line, false),
        Err(Stop::Refused(error)) => return Err(error),
    };
    let mut response = Json(line).into_response();
    if is_repeat {
        response.headers_mut().insert("idempotent-replay", HeaderValue::from_static("true"));
    }
    Ok(response)
}

/// A change that somebody asks for.
struct Asked {
    attempt: Attempt,
    change: StockChange,
    body: StockAdjust,
    actor: Actor,
}

impl Asked {
    fn listing(&self, tx: &Transaction<'_>) -> Result<Listing, ApiError> {
        let listing = replica::get(tx, Key::Uuid(self.change.product_id))?;
        listing.ok_or_else(|| ApiError::not_found("product"))
    }

    /// The product as it stands.
    fn standing(&self, tx: &Transaction<'_>) -> Result<StockLine, ApiError> {
        changed_line(tx, &mut Names::new(tx), &self.listing(tx)?)
    }

    /// Refuses to take back what is not the last change, or has been taken back: what came after it may rest on it.
    fn last_is_meant(&self, tx: &Transaction<'_>) -> Result<(), ApiError> {
        let Some(undone) = self.change.undoes else { return Ok(()) };
        let changes = commands::last_adjusted(tx)?;
        let last = changes.get(&ListingId(self.change.product_id));
        if last.is_some_and(|last| last.id == undone && last.undoes.is_none()) {
            return Ok(());
        }
        let message = "This is not the last change of the product any more: look at the stock again.";
        Err(ApiError::fields(vec![problem::field("/undoes", message)]))
    }

    /// The product as it is now, and whether it was so already.
    fn make(self, tx: &Transaction<'_>, deps: &Deps) -> Result<(StockLine, bool), ApiError> {
        let listing = self.listing(tx)?;
        let id = self.attempt.id(tx)?;
        let is_repeat = commands::is_known(tx, id)?;
        if !is_repeat {
            self.last_is_meant(tx)?;
        }
        let body = Body::from(self.body);
        let mut names = Names::new(tx);
        if is_repeat && commands::outcome(tx, id)?.is_none() {
            // So long ago, or by a box that was replaced since, that it is in no log any more.
            if commands::is_the_same(tx, id, &body)? == Some(false) {
                return Err(Kind::IdempotencyKeyReused.error());
            }
            return Ok((changed_line(tx, &mut names, &listing)?, true));
        }
        // What is taken back is what was moved, whatever is said here.
        let is_free = is_repeat || self.change.undoes.is_some();
        let step_milli = if is_free { 1 } else { names.step_milli(listing.unit)? };
        if let Some(wrong) = in_steps("/quantity", self.change.quantity, step_milli) {
            return Err(ApiError::fields(vec![wrong]));
        }
        let submission = Submission { id, actor: self.actor, body, clerk: true, caller_phone: 0 };
        let unit = names.unit(listing.unit)?;
        commands::submit(tx, deps, submission).map_err(|error| match error {
            SubmitError::Rejected(reject) if reject.code == RejectCode::NotEnough => {
                ApiError::refused(&reject, &unit)
            }
            other => reused(other, is_repeat),
        })?;
        Ok((changed_line(tx, &mut names, &listing)?, is_repeat))
    }
}

/// Why nothing of it is kept.
enum Stop {
    Refused(ApiError),
    /// It would have been taken; this is the product as it stands.
    Checked(Box<StockLine>),
}

impl From<ApiError> for Stop {
    fn from(error: ApiError) -> Self {
        Self::Refused(error)
    }
}

impl From<DbError> for Stop {
    fn from(error: DbError) -> Self {
        Self::Refused(error.into())
    }
}

fn draft(change: &StockChange) -> Result<StockAdjust, ApiError> {
    let mut wrong = Vec::new();
    let expected = read("/expected", change.expected.as_deref()).unwrap_or_else(|problem| {
        wrong.push(problem);
        Some(Quantity::ZERO)
    });
    let unheard = unheard(change, &mut wrong);
    let counted_milli = change.quantity.0 - unheard.0;
    let found = match (change.kind.as_str(), expected) {
        (TAKEN_IN, None) => Adjustment::Intake(change.quantity.0),
        (WRITTEN_OFF, None) => Adjustment::WriteOff(change.quantity.0),
        (COUNTED, Some(expected)) => Adjustment::Count { counted_milli, expected_milli: expected.0 },
        (COUNTED, None) => {
            wrong.push(problem::field("/expected", "Say what should be there: `expected` of the stock."));
            Adjustment::Count { counted_milli, expected_milli: 0 }
        }
        (TAKEN_IN | WRITTEN_OFF, Some(_)) => {
            wrong.push(problem::field("/expected", "Only a count has it; leave it out."));
            Adjustment::Intake(change.quantity.0)
        }
        _ => {
            wrong.push(problem::field("/kind", "Must be taken_in, written_off or counted."));
            Adjustment::Intake(change.quantity.0)
        }
    };
    let mut reason = tidy(&change.reason);
    if unheard > Quantity::ZERO {
        let why = format!("{unheard} sold, in no order here");
        reason = if reason.is_empty() { why } else { format!("{why}; {reason}") };
    }
    let body = StockAdjust { listing: change.product_id, found, reason, undoes: change.undoes };
    let in_json = |mut problem: FieldProblem| {
        if problem.pointer == "/counted" {
            problem.pointer = "/quantity".to_owned();
        }
        problem
    };
    wrong.extend(problem::fields(Body::from(body.clone()).check()).into_iter().map(in_json));
    if wrong.is_empty() { Ok(body) } else { Err(ApiError::fields(wrong)) }
}

/// A quantity that may be left out. An empty text is none.
fn read(pointer: &str, text: Option<&str>) -> Result<Option<Quantity>, FieldProblem> {
    let unread = |error| problem::field(pointer, format!("Cannot be read: {error}."));
    text.map(|text| text.parse().map_err(unread)).transpose()
}

/// What was sold before and is in no order here: none, unless a count says so.
fn unheard(change: &StockChange, wrong: &mut Vec<FieldProblem>) -> Quantity {
    let parsed = match read("/unheard", change.unheard.as_deref()) {
        Ok(None) => return Quantity::ZERO,
        Ok(Some(quantity)) => quantity,
        Err(problem) => {
            wrong.push(problem);
            return Quantity::ZERO;
        }
    };
    let why = match change.kind.as_str() {
        COUNTED if (Quantity::ZERO..=change.quantity).contains(&parsed) => return parsed,
        COUNTED => "Must be between zero and what was counted.",
        _ => "Only a count has it; leave it out.",
    };
    wrong.push(problem::field("/unheard", why));
    Quantity::ZERO
}

#[cfg(test)]
mod tests {
    use super::*;

    fn change(kind: &str, quantity: i64, expected: Option<&str>) -> StockChange {
        StockChange {
            product_id: Uuid::nil(),
            kind: kind.to_owned(),
            quantity: Quantity::units(quantity),
            expected: expected.map(str::to_owned),
            unheard: None,
            undoes: None,
            reason: String::new(),
        }
    }

    fn wrong(kind: &str, quantity: i64, expected: Option<&str>) -> Vec<String> {
        let json = draft(&change(kind, quantity, expected)).unwrap_err().to_json();
        let errors = json["errors"].as_array().unwrap();
        errors.iter().map(|error| error["pointer"].as_str().unwrap().to_owned()).collect()
    }

    #[test]
    fn each_kind_has_its_own_needs() {
        assert_eq!(draft(&change("taken_in", 5, None)).unwrap().found, Adjustment::Intake(5_000));
        assert_eq!(draft(&change("written_off", 5, None)).unwrap().found, Adjustment::WriteOff(5_000));
        let count = Adjustment::Count { counted_milli: 0, expected_milli: 50_000 };
        assert_eq!(draft(&change("counted", 0, Some("50"))).unwrap().found, count);
        let of_them = |kind, unheard: &str| StockChange {
            unheard: Some(unheard.to_owned()),
            ..change(kind, 48, (kind == "counted").then_some("50"))
        };
        let found = draft(&of_them("counted", "5")).unwrap();
        assert_eq!(found.found, Adjustment::Count { counted_milli: 43_000, expected_milli: 50_000 });
        assert_eq!(found.reason, "5 sold, in no order here");
        for (kind, unheard) in
            [("counted", "49"), ("counted", "-1"), ("counted", "some"), ("counted", ""), ("taken_in", "5")]
        {
            let json = draft(&of_them(kind, unheard)).unwrap_err().to_json();
            assert_eq!(json["errors"][0]["pointer"], "/unheard", "{kind} {unheard}");
        }
        assert_eq!(wrong("counted", 5, None), ["/expected"]);
        assert_eq!(wrong("counted", 5, Some("many")), ["/expected"]);
        assert_eq!(wrong("counted", -5, Some("5")), ["/quantity"]);
        assert_eq!(wrong("taken_in", 0, None), ["/quantity"]);
        assert_eq!(wrong("written_off", 5, Some("5")), ["/expected"]);
        assert_eq!(wrong("stolen", 0, None), ["/kind", "/quantity"]);
    }
}

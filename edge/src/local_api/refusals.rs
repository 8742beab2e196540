//! What the hub refused of the things done here, in plain words: who wanted what, and why not. A refusal is never silent.

use super::names::Names;
use super::stock::lang;
use crate::commands::{self, CommandState, REFUSED_SHOWN_S};
use crate::db::DbError;
use crate::http::problem::ApiError;
use crate::office::Caller;
use crate::office::words::{quantity as with_unit, say};
use crate::state::AppState;
use crate::text::{Lang, numbers};
use axum::extract::State;
use axum::response::Response;
use mizili_node::page::Slice;
use mizili_node::query::Params;
use mizili_node::text::{phone_text, rfc3339};
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use sync_protocol::api::{Page, Problem};
use sync_protocol::command::{ActorKind, Adjustment, Body, name};
use sync_protocol::entity::Order;
use sync_protocol::ids::{CommodityId, ListingId, UnitId};
use sync_protocol::row::Key;
use sync_protocol::units::{Currency, Quantity};
use sync_protocol::verdict::{Conflict, Reject, RejectCode, Verdict};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// In which language, and which page.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RefusalQuery {
    /// `en` (the default) or `sw`.
    lang: Option<String>,
    /// Items of a page, 1 to 100; 50 by default.
    #[param(value_type = Option<u32>)]
    limit: Option<String>,
    /// Of the page before: follow `next`.
    cursor: Option<String>,
}

/// Something that the hub refused, or took only in part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Refusal {
    /// The id of what was done; of an order, the order's.
    pub id: Uuid,
    /// What kind of thing it was, such as `order.place`.
    #[schema(example = "order.place")]
    pub kind: String,
    /// What was wanted.
    #[schema(example = "Order of 10 KG Maize")]
    pub what: String,
    /// Who wanted it.
    #[schema(example = "+265991234567 by phone")]
    pub who: String,
    /// Why it was refused.
    #[schema(example = "Only 5 KG were left at the hub.")]
    pub why: String,
    /// The reason for programs, such as `not_enough`; `dismissed` when the hub's operator put it aside.
    #[schema(example = "not_enough")]
    pub code: String,
    /// Whether some of it was taken all the same.
    pub in_part: bool,
    /// When it was done here, RFC 3339, UTC, by this box's clock.
    pub made_at: String,
    /// When the hub's answer came, RFC 3339, UTC, by this box's clock.
    pub refused_at: String,
    /// Whether the person was told, by SMS or on a screen.
    pub told: bool,
}

/// See what was refused
///
/// Of the last 30 days, newest first, with the changes of which only a part was taken.
#[utoipa::path(get, path = "/api/v1/office/refusals", operation_id = "list_refusals", tag = "Office", security(("office" = []), ("cookie" = [])), params(RefusalQuery),
    responses((status = 200, body = Page<Refusal>),
        (status = 400, body = Problem, description = "`unknown_parameter`, `invalid_parameter`", content_type = "application/problem+json"),
        (status = 401, body = Problem, description = "`unauthorized`, `hub_token`", content_type = "application/problem+json")))]
pub async fn list(
    State(state): State<AppState>,
    _: Caller,
    query: Params<RefusalQuery>,
) -> Result<Response, ApiError> {
    let given = &query.given;
    let slice =
        Slice::<(i64, u64)>::read("office.refusals", given.limit.as_deref(), given.cursor.as_deref())?;
    let (lang, now_s) = (lang(given.lang.as_deref())?, state.deps.clock.now_s());
    let page = state.db.read(move |conn| {
        let states = commands::refusals(conn, now_s.saturating_sub(REFUSED_SHOWN_S))?;
        let key = |state: &CommandState| (state.settled_at_s.unwrap_or(0), state.command.seq);
        let mut names = Names::new(conn);
        slice.cut_whole(
            states,
            key,
            |a, b| b.cmp(a),
            |state| Ok::<_, ApiError>(show(conn, &mut names, &state, lang)?),
        )
    });
    Ok(page.await?.respond(&query.address))
}

fn show(
    conn: &Connection,
    names: &mut Names<'_>,
    state: &CommandState,
    lang: Lang,
) -> Result<Refusal, DbError> {
    let command = &state.command;
    let body = Body::from_raw(&command.body).ok().flatten();
    let listing = body.as_ref().map(|body| listing_of(conn, body)).transpose()?.flatten();
    let listing = listing.map(|id| names.listing(id)).transpose()?.flatten();
    let unit = listing.as_ref().map(|listing| names.unit(listing.unit)).transpose()?.unwrap_or_default();
    let currency = listing.as_ref().map(|listing| listing.currency);
    let (why, code, in_part) = match &state.verdict {
        Some(Verdict::Rejected(reject)) => {
            (why(lang, Some(reject), &unit, currency), reject.code.as_str().to_owned(), false)
        }
        Some(Verdict::Applied(applied)) => {
            let clashes = applied.conflicts.iter().map(|clash| conflict(lang, clash, currency));
            (clashes.collect::<Vec<_>>().join(" "), RejectCode::Conflict.as_str().to_owned(), true)
        }
        _ => (why(lang, None, &unit, currency), "dismissed".to_owned(), false),
    };
    Ok(Refusal {
        id: command.id.0,
        kind: name(command.body.kind).unwrap_or("unknown").to_owned(),
        what: what(conn, names, lang, body.as_ref(), command.actor.kind)?,
        who: who(names, lang, state)?,
        why,
        code,
        in_part,
        made_at: rfc3339(command.made_at_s),
        refused_at: rfc3339(state.settled_at_s.unwrap_or(0)),
        told: state.told_at_s.is_some(),
    })
}

/// The listing that a command is about, if it is about one that can be here.
fn listing_of(conn: &Connection, body: &Body) -> Result<Option<ListingId>, DbError> {
    Ok(match body {
        Body::OrderPlace(order) => Some(ListingId(order.listing)),
        Body::ListingPost(post) => Some(ListingId(post.listing)),
        Body::ListingEdit(edit) => Some(ListingId(edit.listing)),
        Body::ListingWithdraw(withdraw) => Some(ListingId(withdraw.listing)),
        Body::StockAdjust(adjust) => Some(ListingId(adjust.listing)),
        Body::OrderCancel(cancel) => ordered(conn, cancel.order)?.map(|(listing, _)| listing),
        Body::MemberRegister(_) => None,
    })
}

/// What an order is of, standing or in the log alone.
fn ordered(conn: &Connection, order: Uuid) -> Result<Option<(ListingId, Quantity)>, DbError> {
    if let Some(order) = crate::replica::get::<Order>(conn, Key::Uuid(order))? {
        return Ok(Some((order.listing, order.quantity)));
    }
    let stored = commands::outcome(conn, sync_protocol::ids::CommandId(order))?;
    Ok(match stored.map(|stored| Body::from_raw(&stored.command.body)) {
        Some(Ok(Some(Body::OrderPlace(order)))) => {
            Some((ListingId(order.listing), Quantity(order.quantity_milli)))
        }
        _ => None,
    })
}

/// What was wanted, in words.
fn what(
    conn: &Connection,
    names: &mut Names<'_>,
    lang: Lang,
    body: Option<&Body>,
    actor: ActorKind,
) -> Result<String, DbError> {
    let mut of = |listing: Uuid, milli: Option<i64>| -> Result<String, DbError> {
        let (product, unit) = names.product(ListingId(listing))?;
        Ok(milli.map_or(product.clone(), |milli| format!("{} {product}", with_unit(Quantity(milli), &unit))))
    };
    let (id, thing) = match body {
        None => ("did-unknown", String::new()),
        Some(Body::MemberRegister(register)) => {
            return Ok(say(lang, "did-member-register", &[("name", &register.name)]));
        }
        Some(Body::ListingPost(post)) => {
            // A refused offer left no listing to look up: its own words say what it was.
            let name = names.commodity(CommodityId(post.commodity))?;
            let name = if post.title.is_empty() { name } else { post.title.clone() };
            let amount = with_unit(Quantity(post.quantity_milli), &names.unit(UnitId(post.unit))?);
            ("did-listing-post", format!("{amount} {name}"))
        }
        Some(Body::ListingEdit(edit)) => ("did-listing-edit", of(edit.listing, None)?),
        Some(Body::ListingWithdraw(withdraw)) => ("did-listing-withdraw", of(withdraw.listing, None)?),
        Some(Body::OrderPlace(order)) => {
            let thing = of(order.listing, Some(order.quantity_milli))?;
            // Whoever stood at the counter has to be found again; who called is told by who wanted it.
            let parts = [Some(order.buyer_name.clone()), phone_text(order.buyer_phone)];
            let buyer: Vec<String> = parts.into_iter().flatten().filter(|part| !part.is_empty()).collect();
            if actor == ActorKind::Office && !buyer.is_empty() {
                let values = [("what", thing.as_str()), ("buyer", &buyer.join(", "))];
                return Ok(say(lang, "did-order-place-for", &values));
            }
            ("did-order-place", thing)
        }
        Some(Body::OrderCancel(cancel)) => {
            let thing = match ordered(conn, cancel.order)? {
                Some((listing, quantity)) => of(listing.0, Some(quantity.0))?,
                None => String::new(),
            };
            ("did-order-cancel", thing)
        }
        Some(Body::StockAdjust(adjust)) => match adjust.found {
            Adjustment::Intake(milli) => ("did-stock-intake", of(adjust.listing, Some(milli))?),
            Adjustment::WriteOff(milli) => ("did-stock-write-off", of(adjust.listing, Some(milli))?),
            Adjustment::Count { counted_milli, .. } => {
                ("did-stock-count", of(adjust.listing, Some(counted_milli))?)
            }
        },
    };
    Ok(say(lang, id, &[("what", &thing)]))
}

/// Who wanted it.
fn who(names: &Names<'_>, lang: Lang, state: &CommandState) -> Result<String, DbError> {
    let actor = &state.command.actor;
    let name = match (actor.kind, actor.id) {
        (ActorKind::Member, Some(id)) => names.member(id)?,
        (ActorKind::Office | ActorKind::User, Some(id)) => names.office_user(id)?,
        _ => None,
    };
    let by_phone = |phone: String| say(lang, "who-phone", &[("phone", &phone)]);
    Ok(match (name, actor.kind) {
        (Some(name), _) => name,
        (None, ActorKind::Office) => say(lang, "who-office", &[]),
        (None, _) => phone_text(actor.phone).map_or_else(|| say(lang, "who-office", &[]), by_phone),
    })
}

/// Why the hub refused something, in words; `None` when its operator put it aside.
pub(super) fn why(lang: Lang, reject: Option<&Reject>, unit: &str, currency: Option<Currency>) -> String {
    let Some(reject) = reject else { return say(lang, "why-dismissed", &[]) };
    let arg = |n: usize| reject.args.get(n).map(String::as_str).unwrap_or_default();
    match reject.code {
        RejectCode::Invalid => say(lang, "why-invalid", &[]),
        RejectCode::NotEnough => match arg(0).parse::<Quantity>() {
            Ok(left) if left > Quantity::ZERO => {
                say(lang, "why-not-enough", &[("left", &with_unit(left, unit))])
            }
            _ => say(lang, "why-nothing-left", &[]),
        },
        RejectCode::NotFound => say(lang, "why-not-found", &[]),
        RejectCode::Withdrawn => say(lang, "why-withdrawn", &[]),
        RejectCode::Conflict if reject.args.len() >= 2 => {
            let (field, current, wanted) = (arg(0).to_owned(), arg(1).to_owned(), String::new());
            conflict(lang, &Conflict { field, current, wanted }, currency)
        }
        RejectCode::Conflict => say(lang, "why-conflict-plain", &[]),
        RejectCode::NotAllowed => say(lang, "why-not-allowed", &[]),
        RejectCode::PriceChanged => say(lang, "why-price-changed", &[("price", &price(arg(0), currency))]),
        RejectCode::TooLate => say(lang, "why-too-late", &[]),
        RejectCode::UnknownCommodity => say(lang, "why-unknown-commodity", &[]),
        RejectCode::UnknownUnit => say(lang, "why-unknown-unit", &[]),
        RejectCode::Duplicate => say(lang, "why-duplicate", &[]),
        RejectCode::Other(_) => say(lang, "why-other", &[]),
    }
}

fn conflict(lang: Lang, clash: &Conflict, currency: Option<Currency>) -> String {
    let (field, current) = match clash.field.as_str() {
        "price_minor" => (say(lang, "field-price", &[]), price(&clash.current, currency)),
        "title" => (say(lang, "field-title", &[]), format!("\"{}\"", clash.current)),
        other => (other.to_owned(), clash.current.clone()),
    };
    say(lang, "why-conflict", &[("field", &field), ("current", &current)])
}

/// Minor units in a text as money; as they are where the currency is not known here.
fn price(minor: &str, currency: Option<Currency>) -> String {
    match (minor.parse::<i64>(), currency) {
        (Ok(minor), Some(currency)) => numbers::money(minor, currency),
        _ => minor.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_a_sentence_in_every_language() {
        let kwacha = Currency::new("MWK");
        for lang in Lang::ALL {
            for code in RejectCode::ALL {
                let reject = Reject::with(*code, ["5".to_owned(), "6".to_owned()]);
                let text = why(*lang, Some(&reject), "KG", kwacha);
                assert!(
                    text.ends_with('.') && text.len() > 10 && !text.contains("why-"),
                    "{} {text}",
                    lang.code()
                );
            }
            assert!(why(*lang, None, "", None).ends_with('.'));
        }
        let left = |args: &[&str]| {
            let reject = Reject::with(RejectCode::NotEnough, args.iter().map(|arg| (*arg).to_owned()));
            why(Lang::En, Some(&reject), "KG", None)
        };
        assert_eq!(left(&["5"]), "Only 5 KG were left at the hub.");
        assert_eq!(left(&["0"]), "Nothing was left at the hub.");
        assert_eq!(left(&[]), "Nothing was left at the hub.");
        let changed = Reject::with(RejectCode::PriceChanged, ["52000".to_owned()]);
        assert_eq!(why(Lang::En, Some(&changed), "KG", kwacha), "The price had changed to MWK 520.");
    }
}

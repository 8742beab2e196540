//! What is in the store, and who may sell it: the answer to "why can I sell only 25 of my 50?", in words.

use super::lang::lang;
use super::me::Me;
use super::names::Names;
use super::orders::{Sold, short_of, sold};
use super::products::show;
use crate::commands::{self, Adjusted};
use crate::db::DbError;
use crate::http::problem::ApiError;
use crate::local_api::Caller;
use crate::node::{self, Doubt};
use crate::replica;
use crate::state::AppState;
use crate::stock;
use crate::text::Lang;
use crate::text::office::{quantity as with_unit, say};
use axum::extract::State;
use axum::response::Response;
use mizili_node::api::{Page, quantity};
use mizili_node::market::products::Product;
use mizili_node::page::Slice;
use mizili_node::query::Params;
use mizili_node::text::rfc3339;
use rusqlite::Connection;
use serde::{Deserialize, Serialize};
use sync_protocol::ids::{Holder, ListingId};
use sync_protocol::market::{Adjustment, Listing, ListingStatus};
use sync_protocol::units::Quantity;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// The kinds of a change, as requests name them.
pub(super) const TAKEN_IN: &str = "taken_in";
pub(super) const WRITTEN_OFF: &str = "written_off";
pub(super) const COUNTED: &str = "counted";

/// Which part of the stock is asked for, and in which language it is explained.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
pub struct StockQuery {
    /// `true` for those alone that a person has to count before this office may sell them; `false` for the others.
    #[param(value_type = Option<bool>)]
    to_count: Option<String>,
    /// A product's id, for that one alone.
    #[param(value_type = Option<Uuid>)]
    product: Option<String>,
    /// The language of the explanation: `en` (the default) or `sw`.
    lang: Option<String>,
    /// Items of a page, 1 to 100; 50 by default.
    #[param(value_type = Option<u32>)]
    limit: Option<String>,
    /// Of the page before: follow `next`.
    cursor: Option<String>,
}

/// The stock of one product.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StockLine {
    /// The product.
    pub product: Product,
    /// What this office can sell at once, also without a line.
    #[serde(with = "quantity")]
    #[schema(value_type = String, example = "25")]
    pub can_sell: Quantity,
    /// What this office holds. It is more than it can sell while something stands in the way; the explanation says what.
    #[serde(with = "quantity")]
    #[schema(value_type = String, example = "25")]
    pub held_here: Quantity,
    /// What is for the hub to sell, to phones and the web; also what it has yet to hear of.
    #[serde(with = "quantity")]
    #[schema(value_type = String, example = "25")]
    pub held_by_hub: Quantity,
    /// What other offices hold.
    #[serde(with = "quantity")]
    #[schema(value_type = String, example = "0")]
    pub held_by_others: Quantity,
    /// What is sold, by whomever, and not fetched yet.
    #[serde(with = "quantity")]
    #[schema(value_type = String, example = "0")]
    pub sold_not_fetched: Quantity,
    /// What comes back when the hub has heard of orders that were cancelled here.
    #[serde(with = "quantity")]
    #[schema(value_type = String, example = "0")]
    pub coming_back: Quantity,
    /// What a count should find: what is free by the books, and what is sold and not fetched.
    #[serde(with = "quantity")]
    #[schema(value_type = String, example = "50")]
    pub expected: Quantity,
    /// Whether a person has to count it before this office may sell of it.
    pub count_needed: bool,
    /// The last change of it that was made at this office; missing where none is known any more.
    pub last_change: Option<StockLastChange>,
    /// All of this in plain sentences.
    pub explanation: Vec<String>,
}

/// A change of the stock that was made at this office.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StockLastChange {
    /// Its id.
    pub id: Uuid,
    /// `taken_in`, `written_off` or `counted`. Of one that took another back: which way it went.
    #[schema(example = "counted")]
    pub kind: String,
    /// How much, in the product's unit. Of one that took another back: how much that one had moved, as far as is known here.
    #[serde(with = "quantity")]
    #[schema(value_type = String, example = "48")]
    pub quantity: Quantity,
    /// How much more or less is there by it, as far as is known here: `undo_kind` says which way back. A count that found less than was
    /// sold moves less than it found missing, and the orders that it makes short are none of it.
    #[serde(with = "quantity")]
    #[schema(value_type = String, example = "2")]
    pub moved: Quantity,
    /// The `id` of the change that this one took back, if it took one back.
    pub undoes: Option<Uuid>,
    /// Why, as it was written down.
    pub reason: String,
    /// When it was made, RFC 3339, UTC, as far as this box knew.
    pub made_at: String,
    /// The kind of the change that takes it back, `taken_in` or `written_off`, to be sent with this one's `id` as `undoes`; missing where it
    /// moved nothing, and of one that took another back.
    #[schema(example = "taken_in")]
    pub undo_kind: Option<String>,
    /// How much that one is of: what this one said. What comes back is what it moved.
    #[serde(with = "quantity")]
    #[schema(value_type = String, example = "2")]
    pub undo_quantity: Quantity,
}

impl StockLastChange {
    fn load(conn: &Connection, listing: ListingId, change: &Adjusted) -> Result<Self, DbError> {
        let said = change.said_milli();
        let (kind, milli, moved, undo_kind) = match (change.undoes, change.found) {
            (Some(undone), _) => {
                let (_, taken) = stock::moved(conn, listing, undone)?;
                // What took another back is not taken back itself.
                (if taken > Quantity::ZERO { WRITTEN_OFF } else { TAKEN_IN }, taken.0, taken, None)
            }
            (None, found) => {
                let (kind, milli) = match found {
                    Adjustment::Intake(milli) => (TAKEN_IN, milli),
                    Adjustment::WriteOff(milli) => (WRITTEN_OFF, milli),
                    Adjustment::Count { counted_milli, .. } => (COUNTED, counted_milli),
                };
                let undo_kind = match said {
                    0 => None,
                    1.. => Some(WRITTEN_OFF),
                    _ => Some(TAKEN_IN),
                };
                (kind, milli, stock::moved(conn, listing, change.id)?.0, undo_kind)
            }
        };
        Ok(Self {
            id: change.id,
            kind: kind.to_owned(),
            quantity: Quantity(milli.saturating_abs()),
            moved: Quantity(moved.0.saturating_abs()),
            undoes: change.undoes,
            reason: change.reason.clone(),
            made_at: rfc3339(change.made_at_s),
            undo_kind: undo_kind.map(str::to_owned),
            undo_quantity: Quantity(if change.undoes.is_some() { milli } else { said }.saturating_abs()),
        })
    }
}

/// See the stock
///
/// For each product of this cooperative: what is held here, what the hub holds for phones and the web, what is sold and not
/// fetched, and an explanation in words. Newest first; products off sale only while something of them is left.
#[utoipa::path(get, path = "/api/v1/office/stock", operation_id = "list_stock", tag = "Office", security(("office" = []), ("cookie" = [])), params(StockQuery),
    responses((status = 200, body = Page<StockLine>)))]
pub async fn list(
    State(state): State<AppState>,
    _: Caller,
    query: Params<StockQuery>,
) -> Result<Response, ApiError> {
    let given = &query.given;
    let slice = Slice::<(i64, Uuid)>::read("office.stock", given.limit.as_deref(), given.cursor.as_deref())?;
    let lang = lang(given.lang.as_deref())?;
    let wanted = |text: &str| {
        text.parse::<Uuid>().map_err(|_| ApiError::parameter("product", "must be a product's id."))
    };
    let product = given.product.as_deref().map(wanted).transpose()?;
    let to_count = match given.to_count.as_deref() {
        None => None,
        Some("true") => Some(true),
        Some("false") => Some(false),
        Some(_) => return Err(ApiError::parameter("to_count", "must be true or false.")),
    };
    let page = state.db.read(move |conn| {
        let (me, mut names) = (Me::load(conn)?, Names::in_language(conn, lang));
        let mut listings = own(conn, &me)?;
        if let Some(to_count) = to_count {
            let left = node::counts::to_count(conn)?;
            listings.retain(|listing| left.contains(&listing.id) == to_count);
        }
        listings.retain(|listing| product.is_none_or(|id| id == listing.id.0));
        let key = |listing: &Listing| (listing.posted_at_s, listing.id.0);
        listings.sort_unstable_by_key(|listing| std::cmp::Reverse(key(listing)));
        let changes = commands::last_adjusted(conn)?;
        let show = |listing: Listing| {
            let last = changes.get(&listing.id);
            let last = last.map(|last| StockLastChange::load(conn, listing.id, last)).transpose()?;
            Ok::<_, ApiError>(StockLine { last_change: last, ..line(conn, &me, &mut names, &listing, lang)? })
        };
        slice.cut_whole(listings, key, |a, b| b.cmp(a), show)
    });
    Ok(page.await?.respond(&query.address))
}

/// The cooperative's products, without those that are off sale and gone.
fn own(conn: &Connection, me: &Me) -> Result<Vec<Listing>, ApiError> {
    let mut list = replica::all::<Listing>(conn)?;
    list.retain(|listing| listing.cooperative == me.identity.cooperative);
    let mut kept = Vec::new();
    for listing in list {
        let is_left = || -> Result<bool, ApiError> {
            let held = stock::holdings(conn, listing.id)?;
            Ok(held.iter().any(|(_, quantity)| *quantity != Quantity::ZERO)
                || sold(conn, me, listing.id)?.not_fetched > Quantity::ZERO)
        };
        if listing.status == ListingStatus::Active || is_left()? {
            kept.push(listing);
        }
    }
    Ok(kept)
}

/// Units that count nowhere until the hub has heard of them.
#[derive(Clone, Copy, Debug, Default)]
struct OnItsWay {
    to_hub: Quantity,
    back_here: Quantity,
}

/// The stock of one listing, with the last change of it.
pub(super) fn changed_line(
    conn: &Connection,
    names: &mut Names<'_>,
    listing: &Listing,
) -> Result<StockLine, ApiError> {
    let changes = commands::last_adjusted(conn)?;
    let last =
        changes.get(&listing.id).map(|last| StockLastChange::load(conn, listing.id, last)).transpose()?;
    Ok(StockLine { last_change: last, ..line(conn, &Me::load(conn)?, names, listing, Lang::En)? })
}

/// The stock of one listing, without the last change of it.
fn line(
    conn: &Connection,
    me: &Me,
    names: &mut Names<'_>,
    listing: &Listing,
    lang: Lang,
) -> Result<StockLine, ApiError> {
    let product = show(conn, me, names, listing)?;
    let (mut own, mut hub, mut others) = (Quantity::ZERO, Quantity::ZERO, Quantity::ZERO);
    let sold = sold(conn, me, listing.id)?;
    // Where a holder has sold more than the books know of, all of that is among what is sold, and so much less is to be there. What
    // another's books lack for another reason is no matter of a count here.
    let mut expected = sold.not_fetched;
    for (holder, quantity) in stock::holdings(conn, listing.id)? {
        if holder == me.holder() {
            own = quantity;
            expected = expected.plus(quantity);
            continue;
        }
        let beyond =
            if quantity < Quantity::ZERO { short_of(conn, holder, listing.id)? } else { Quantity::ZERO };
        expected = expected.plus(quantity.max(beyond.negated()));
        match holder {
            Holder::Hub => hub = quantity.max(Quantity::ZERO),
            Holder::Edge(_) => others = others.plus(quantity.max(Quantity::ZERO)),
        }
    }
    let mut way = OnItsWay::default();
    for (holder, quantity) in stock::on_its_way(conn, listing.id)? {
        expected = expected.plus(quantity);
        match holder {
            Holder::Hub => way.to_hub = way.to_hub.plus(quantity),
            edge if edge == me.holder() => way.back_here = way.back_here.plus(quantity),
            Holder::Edge(_) => others = others.plus(quantity),
        }
    }
    hub = hub.plus(way.to_hub);
    let doubt = me.doubt_about(conn, listing.id)?;
    let must_count = node::counts::is_to_be_counted(conn, listing.id)?;
    let line = StockLine {
        can_sell: product.available,
        held_here: own.max(Quantity::ZERO),
        held_by_hub: hub,
        held_by_others: others,
        sold_not_fetched: sold.not_fetched,
        coming_back: way.back_here,
        expected: expected.max(Quantity::ZERO),
        count_needed: must_count && listing.status == ListingStatus::Active,
        last_change: None,
        explanation: Vec::new(),
        product,
    };
    Ok(StockLine { explanation: explain(&line, me, doubt, sold, way, lang), ..line })
}

/// Why so much can be sold here, and no more.
fn explain(
    line: &StockLine,
    me: &Me,
    doubt: Option<Doubt>,
    sold: Sold,
    way: OnItsWay,
    lang: Lang,
) -> Vec<String> {
    let unit = line.product.unit.as_str();
    let mut sentences = Vec::new();
    let mut tell = |id: &str, quantity: Quantity| {
        let percent = me.cooperative.as_ref().map_or(0, |coop| coop.hub_share_percent).to_string();
        let values = [("quantity", with_unit(quantity, unit)), ("percent", percent)];
        sentences.push(say(lang, id, &values.each_ref().map(|(name, value)| (*name, value.as_str()))));
    };
    if line.product.status != ListingStatus::Active.as_str() {
        tell("stock-withdrawn", Quantity::ZERO);
        return sentences;
    }
    match doubt {
        Some(Doubt::Rewound) if line.count_needed => tell("stock-rewound", Quantity::ZERO),
        Some(Doubt::Rewound) => tell("stock-rewound-unheard", Quantity::ZERO),
        Some(Doubt::Copied) => tell("stock-copied", Quantity::ZERO),
        Some(Doubt::ShutOut(_)) => tell("stock-shut-out", Quantity::ZERO),
        None if !me.is_complete => tell("stock-fetching", Quantity::ZERO),
        None if sold.short => tell("stock-short", Quantity::ZERO),
        None if line.can_sell > Quantity::ZERO => tell("stock-sell", line.can_sell),
        None => tell("stock-sell-nothing", Quantity::ZERO),
    }
    if line.held_by_hub > Quantity::ZERO {
        tell("stock-hub", line.held_by_hub);
        if !matches!(doubt, Some(Doubt::ShutOut(_))) {
            tell("stock-ask", Quantity::ZERO);
        }
    } else {
        tell("stock-hub-nothing", Quantity::ZERO);
    }
    for (id, quantity) in [
        ("stock-other", line.held_by_others),
        ("stock-sold", line.sold_not_fetched),
        ("stock-coming", line.coming_back),
        ("stock-unheard", way.to_hub),
    ] {
        if quantity > Quantity::ZERO {
            tell(id, quantity);
        }
    }
    sentences
}

//! At the end, with the line up: what people were told is compared with what the hub and the office say.

use crate::clients::Office;
use crate::ledger::{By, Cancel, Ledger, Order, Pages};
use crate::market::{Market, all};
use anyhow::{Context, Result, ensure};
use mizili_demo::answer::{count, text};
use mizili_demo::api::Api;
use mizili_demo::nodes::Nodes;
use serde_json::Value;
use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

/// How long both sides may take to agree.
const SETTLED_WITHIN: Duration = Duration::from_secs(90);

/// Exchanges until nothing waits and both sides hold the same.
pub(crate) async fn settle(nodes: &Nodes) -> Result<Value> {
    let begun = Instant::now();
    loop {
        let exchanged = nodes.ask("mizili-edge", &["sync", "--once"], "").await;
        let status = nodes.ask("mizili-edge", &["status"], "").await?;
        let is_equal = exchanged.as_ref().is_ok_and(|report| report["digests_equal"] == true);
        if is_equal && status["pending"] == 0 && status["digests_equal"] == true && status["complete"] == true
        {
            ensure!(
                status["at_operator"] == 0 && status["held_back"].is_null() && status["mended_rows"] == 0,
                "settled, but not well: {status}"
            );
            return Ok(status);
        }
        ensure!(begun.elapsed() < SETTLED_WITHIN, "never settled: {exchanged:?}, {status}");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
}

/// An order, as a node lists it.
#[derive(Debug)]
struct Listed {
    id: String,
    product: String,
    quantity: u64,
    status: String,
    phone: Option<String>,
    channel: String,
    synced: bool,
}

fn listed(items: &[Value]) -> Result<Vec<Listed>> {
    let orders: Vec<Listed> = items
        .iter()
        .map(|item| {
            Ok(Listed {
                id: text(item, "id")?.to_owned(),
                product: text(item, "product_id")?.to_owned(),
                quantity: whole(item, "quantity")?,
                status: text(item, "status")?.to_owned(),
                phone: item["buyer_phone"].as_str().map(str::to_owned),
                channel: text(item, "channel")?.to_owned(),
                synced: item["synced"] == true,
            })
        })
        .collect::<Result<_>>()?;
    let ids: HashSet<&String> = orders.iter().map(|order| &order.id).collect();
    ensure!(ids.len() == orders.len(), "an order is listed twice");
    Ok(orders)
}

fn whole(item: &Value, field: &str) -> Result<u64> {
    text(item, field)?.parse().with_context(|| format!("{field} of {item} is not whole"))
}

/// The one listed order that an answer was about.
fn find<'a>(orders: &'a [Listed], told: &Order) -> Result<Option<&'a Listed>> {
    let is_it = |order: &&Listed| match (&told.id, &told.by) {
        (Some(id), _) => order.id == *id,
        (None, By::Phone(number)) => {
            order.channel == "ussd" && order.phone.as_ref() == Some(number) && order.quantity == told.quantity
        }
        (None, _) => false,
    };
    let found: Vec<&Listed> = orders.iter().filter(is_it).collect();
    ensure!(found.len() <= 1, "{told:?} stands more than once: {found:?}");
    let found = found.first().copied();
    if let Some(order) = found {
        let is_same = order.product == told.product && order.quantity == told.quantity;
        ensure!(is_same, "{told:?} became another order: {order:?}");
    }
    Ok(found)
}

/// Everything that the office told people is there, whatever the hub has heard of it. Where people go on meanwhile, an order may have been
/// taken back since they `told`: the ledger `now` says so.
pub(crate) async fn office_remembers(office: &Office, told: &Pages, now: &Ledger) -> Result<()> {
    // It may have been started anew.
    office.sign_out().await;
    let api = office.sign_in().await?;
    let orders = listed(&all(&api, "/orders?limit=100").await?)?;
    let now = now.copy();
    // Pages are only ever added to.
    for (order, now) in told.orders.iter().zip(&now.orders).filter(|(order, _)| order.by != By::App) {
        let found = find(&orders, order)?.with_context(|| format!("the office forgot {order:?}"))?;
        let cancel = if order.cancel == now.cancel { order.cancel } else { Some(Cancel::Tried) };
        let is_kept = match (cancel, order.is_confirmed) {
            (Some(Cancel::Tried), true) => ["confirmed", "cancelled"].contains(&&*found.status),
            (Some(Cancel::Tried), false) => true,
            (Some(_), true) => found.status == "cancelled",
            (Some(_), false) => ["cancelled", "refused"].contains(&&*found.status),
            (None, true) => found.status == "confirmed",
            (None, false) => found.status != "cancelled",
        };
        ensure!(is_kept, "the office told of {order:?} and now says {found:?}");
    }
    let products = all(&api, "/products?limit=100").await?;
    for offer in told.offers.iter().filter(|offer| offer.by != By::App) {
        let is_it = |p: &&Value| match &offer.id {
            Some(id) => p["id"] == **id,
            None => {
                p["price"]["amount"] == offer.price && whole(p, "total").is_ok_and(|q| q == offer.quantity)
            }
        };
        ensure!(products.iter().any(|p| is_it(&p)), "the office forgot {offer:?}");
    }
    Ok(())
}

/// What was taken in of the goods that people order, by product.
pub(crate) type TakenIn = HashMap<String, u64>;

/// An office, and what people were told there.
pub(crate) struct Told<'a> {
    pub(crate) office: &'a Office,
    pub(crate) told: Pages,
}

/// Everything that anybody was told holds at the hub, once, and nothing else does.
pub(crate) async fn all_is_as_told(market: &Market, all_told: &[Told<'_>], taken_in: &TakenIn) -> Result<()> {
    let at_hub = listed(&all(&market.admin, "/orders?limit=100").await?)?;
    let mut matched = HashSet::new();
    let mut at_offices = Vec::new();
    for Told { office, told } in all_told {
        let api = office.sign_in().await?;
        let at_office = listed(&all(&api, "/orders?limit=100").await?)?;
        hold_once(told, &at_hub, &at_office, &mut matched)?;
        last_words(&api, told, &at_office).await?;
        at_offices.extend(at_office);
    }
    let stray: Vec<_> = at_hub.iter().filter(|order| !matched.contains(&order.id)).collect();
    ensure!(stray.is_empty(), "nobody was told of {stray:?}");
    let (waiting, at_office_only): (Vec<_>, Vec<_>) =
        at_offices.iter().filter(|order| order.status != "refused").partition(|order| !order.synced);
    ensure!(waiting.is_empty(), "settled, and yet waiting: {waiting:?}");
    let unknown: Vec<_> = at_office_only.iter().filter(|order| !matched.contains(&order.id)).collect();
    ensure!(unknown.is_empty(), "an office alone has {unknown:?}");
    nothing_was_sold_twice(market, all_told, &at_hub, taken_in).await?;
    offers_stand_once(market, all_told).await
}

/// What was told at one office stands at the hub, each under an order of its own.
fn hold_once(
    told: &Pages,
    at_hub: &[Listed],
    at_office: &[Listed],
    matched: &mut HashSet<String>,
) -> Result<()> {
    for order in &told.orders {
        let found = find(at_hub, order)?;
        let shown = if order.by == By::App { found } else { find(at_office, order)? };
        let verdict = shown.map(|order| order.status.as_str());
        let wanted = match (order.cancel, verdict) {
            (None, _) | (Some(Cancel::Tried), Some("confirmed")) => "confirmed",
            (Some(_), _) => "cancelled",
        };
        match (order.is_confirmed, verdict, found) {
            (_, Some(here), Some(at_hub)) if here == wanted && at_hub.status == wanted => {
                ensure!(matched.insert(at_hub.id.clone()), "two answers became one order: {at_hub:?}");
            }
            // Refused; taken back before that came it is cancelled to whoever asks.
            (false, Some("refused"), None) if matches!(order.cancel, None | Some(Cancel::Tried)) => {}
            (false, Some("cancelled"), None) if order.cancel.is_some() => {
                matched.extend(shown.map(|order| order.id.clone()));
            }
            other => anyhow::bail!("{order:?} ended as {other:?}"),
        }
    }
    Ok(())
}

/// The verdicts that an office told by SMS: to whom, about what, which words; the newest first.
async fn verdicts_told(api: &Api) -> Result<Vec<Word>> {
    let mut words = Vec::new();
    for message in all(api, "/office/messages?limit=100").await? {
        if message["kind"] == "verdict" {
            let part = |field| text(&message, field).map(str::to_owned);
            words.push(Word { to: part("to")?, about: part("about")?, text: part("text")? });
        }
    }
    Ok(words)
}

/// An SMS.
#[derive(Debug)]
struct Word {
    to: String,
    about: String,
    text: String,
}

/// Whoever was told by phone that it was asked, an order or its end, has exactly one SMS that says how it ended; whoever was told that
/// it is done has none that says otherwise.
async fn last_words(api: &Api, told: &Pages, at_office: &[Listed]) -> Result<()> {
    let words = verdicts_told(api).await?;
    for order in &told.orders {
        let By::Phone(number) = &order.by else { continue };
        let Some(found) = find(at_office, order)? else { continue };
        let of_order: Vec<&Word> = words.iter().filter(|word| word.about == found.id).collect();
        let cancelled = format!("Your order is cancelled: {}.", order.what);
        let is_of_cancel = |word: &&Word| word.to == *number && word.text == cancelled;
        let of_cancel = words.iter().filter(|word| word.about != found.id).filter(is_of_cancel).count();
        if order.cancel == Some(Cancel::Tried) {
            continue;
        }
        let is_right = match (order.is_confirmed, order.cancel, found.status.as_str(), &*of_order) {
            (true, _, _, []) => true,
            (false, None, "confirmed", [word]) => word.text.contains("CONFIRMED"),
            (false, _, "refused", [word]) => !word.text.contains("CONFIRMED"),
            // Nothing had left the office: there was nothing to confirm.
            (false, Some(Cancel::Done), "cancelled", []) => true,
            // It may have been confirmed before it was taken back, and never after that.
            (false, Some(Cancel::Asked), "cancelled", []) => true,
            (false, Some(Cancel::Asked), "cancelled", [word]) => {
                let newest = words.iter().find(|word| word.about == found.id || is_of_cancel(word));
                word.text.contains("CONFIRMED") && newest.is_some_and(|newest| newest.text == cancelled)
            }
            _ => false,
        };
        ensure!(is_right, "{order:?} ended as {found:?}, and the SMS said {of_order:?}");
        let wanted = usize::from(order.cancel == Some(Cancel::Asked));
        ensure!(of_cancel == wanted, "{order:?} ended as {found:?}, and {of_cancel} SMS said '{cancelled}'");
    }
    Ok(())
}

async fn nothing_was_sold_twice(
    market: &Market,
    told: &[Told<'_>],
    at_hub: &[Listed],
    taken_in: &TakenIn,
) -> Result<()> {
    let is_promised = |order: &&Order| order.is_confirmed && order.cancel.is_none();
    for (product, taken_in) in taken_in {
        let orders = told.iter().flat_map(|told| &told.told.orders);
        let confirmed: u64 =
            orders.filter(|o| is_promised(o) && o.product == *product).map(|o| o.quantity).sum();
        ensure!(confirmed <= *taken_in, "{confirmed} of {product} were promised, {taken_in} were there");
        let sold = at_hub.iter().filter(|o| o.product == *product && o.status != "cancelled");
        let sold: u64 = sold.map(|o| o.quantity).sum();
        let left = whole(&market.admin.get(&format!("/products/{product}")).await?, "total")?;
        ensure!(sold + left == *taken_in, "of {taken_in} {product} {sold} are sold and {left} left");
    }
    Ok(())
}

async fn offers_stand_once(market: &Market, told: &[Told<'_>]) -> Result<()> {
    let offers: Vec<_> = told.iter().flat_map(|told| &told.told.offers).collect();
    let products = all(&market.admin, "/products?limit=100&commodity=Beans").await?;
    for offer in &offers {
        let is_it = |p: &&Value| match &offer.id {
            Some(id) => p["id"] == **id,
            None => p["price"]["amount"] == offer.price && p["seller_id"].is_string(),
        };
        let found: Vec<&Value> = products.iter().filter(is_it).collect();
        ensure!(found.len() == 1, "{offer:?} stands {} times: {found:?}", found.len());
        let (quantity, price) = (whole(found[0], "total")?, count(&found[0]["price"], "amount")?);
        ensure!((quantity, price) == (offer.quantity, offer.price), "{offer:?} became {}", found[0]);
    }
    ensure!(products.len() == offers.len(), "{} offers of {}", products.len(), offers.len());
    Ok(())
}

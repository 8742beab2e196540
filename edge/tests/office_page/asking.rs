//! A button that asks once more before it acts goes on asking, whatever comes on the page meanwhile: who presses it again has answered.

use crate::Office;
use mizili_edge::testing::TestEdge;
use serde_json::json;
use sync_protocol::ids::ListingId;

/// Keeps the clock from it that lets a button rest that nobody pressed again: `window.rest()` lets it.
const NO_REST: &str = "const later = window.setTimeout;
    window.setTimeout = (act, ms, ...more) => ms === 6000 ? (window.rest = act, 1e9) : later(act, ms, ...more);";

const LEFT: u8 = 0;
const ROWS: &str = "document.querySelectorAll('#order-table tbody tr').length";

/// An office with so many orders of a kilogram each, its page open at a section.
async fn with_orders(orders: usize, section: &str) -> (Office, ListingId) {
    let edge = TestEdge::with_market();
    let listing = edge.post_listing(500);
    for _ in 0..orders {
        edge.place_order(listing, 1).unwrap();
    }
    let office = Office::signed_in_at(edge).await;
    office.browser.before_every_page(NO_REST).await;
    office.browser.open(&office.url).await;
    office.browser.shows("#standing", "Nothing is lost.").await;
    office.section(section).await;
    (office, listing)
}

/// Three more orders come, one after the other: when the page says that it has heard of the third, it has dealt with the first two.
async fn news(office: &Office, listing: ListingId) {
    for _ in 0..3 {
        let (_, order) = office.edge.place_order(listing, 1).unwrap();
        office.browser.shows("#line", &format!("{} waiting", order.seq)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_about_to_be_cancelled_is_asked_about_until_that_is_answered() {
    let (office, listing) = with_orders(60, "orders").await;
    let page = &office.browser;
    page.until(format!("{ROWS} === 50")).await;
    let third = "#order-table tbody tr:nth-child(3) button";
    let asks = format!("document.querySelector({})?.innerText === 'Really cancel?'", json!(third));
    page.press(third, LEFT, &[]).await;
    page.until(asks.clone()).await;
    let order = "document.querySelector('#order-table tbody tr:nth-child(3)').dataset.order";
    let order = page.value(order).await;
    news(&office, listing).await;
    assert_eq!(page.value(&asks).await, json!(true), "whatever others order");
    page.press("#order-more", LEFT, &[]).await;
    page.until(format!("{ROWS} > 50")).await;
    assert_eq!(page.value(&asks).await, json!(true), "whatever is shown behind it");
    let twice =
        "new Set([...document.querySelectorAll('#order-table tbody tr')].map(e => e.dataset.order)).size";
    assert_eq!(page.value(twice).await, page.value(ROWS).await, "nothing is shown twice");
    page.press(third, LEFT, &[]).await;
    page.shows("#orders-said .good", "Cancelled").await;
    let row = format!("#order-table tr[data-order={order}]");
    page.shows(&row, "Cancelled").await;
    // Nobody answers the next one: then it rests, and what has come meanwhile is shown.
    page.click("#order-table tbody tr:nth-child(1) button").await;
    page.until("!!document.querySelector('#order-table .danger')").await;
    news(&office, listing).await;
    page.until("!!document.querySelector('#order-table .danger')").await;
    let newest = "document.querySelector('#order-table tbody tr').dataset.order";
    let before = page.value(newest).await;
    page.value("window.rest()").await;
    page.until(format!("{newest} !== {before} && !document.querySelector('#order-table .danger')")).await;
    office.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_had_more_orders_shown_goes_on_seeing_them_whatever_comes() {
    let (office, listing) = with_orders(60, "orders").await;
    let page = &office.browser;
    page.until(format!("{ROWS} === 50")).await;
    page.press("#order-more", LEFT, &[]).await;
    page.until(format!("{ROWS} === 60")).await;
    // What is drawn between is seen as well.
    let watch = format!(
        "(window.least = 60, new MutationObserver(() => {{ window.least = Math.min(window.least, {ROWS}); }})
            .observe(document.querySelector('#order-table tbody'), {{ childList: true }}), true)"
    );
    page.value(&watch).await;
    page.value("document.activeElement.blur()").await;
    news(&office, listing).await;
    page.until(format!("{ROWS} === 63")).await;
    assert_eq!(page.value("window.least").await, json!(60));
    assert_eq!(page.value("document.querySelector('#order-more').hidden").await, json!(true));
    office.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_product_that_is_about_to_go_off_sale_is_asked_about_until_that_is_answered() {
    let (office, listing) = with_orders(0, "stock").await;
    let page = &office.browser;
    let asks = "[...document.querySelectorAll('#stock-list button')].some(e => e.innerText === 'Really take it off sale?')";
    let button = "#stock-list details.change form > button";
    page.click("#stock-list details.change summary").await;
    page.press(button, LEFT, &[]).await;
    page.until(asks).await;
    news(&office, listing).await;
    assert_eq!(page.value(asks).await, json!(true), "whatever others order");
    page.press(button, LEFT, &[]).await;
    page.shows("#stock-list", "off sale").await;
    office.end().await;
}

//! The stock as a clerk changes it: a count is never made by a slip, and what was written down can be taken back. Whose an offer is, and
//! what is off sale, is plain to see.

use crate::Office;
use mizili_edge::testing::{COOP, EDGE, MAIZE, TestEdge, live, member_id, other_listing, web_order};
use serde_json::json;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{Holder, ListingId, hub_born};
use sync_protocol::market::{Listing, Order, OrderStatus};

const CHANGE: &str = "#stock-list details.change";

async fn begin_change(office: &Office, kind: &str, quantity: &str) {
    let page = &office.browser;
    page.choose(&format!("{CHANGE} select"), kind).await;
    page.write(&format!("{CHANGE} input"), &format!("{quantity}\u{e007}")).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_that_takes_much_away_is_asked_about_and_can_be_undone() {
    let office = Office::signed_in().await;
    let page = &office.browser;
    office.offer("50").await;
    page.until(format!("document.querySelector('{CHANGE} select').value === ''")).await;
    // Without saying what happened, nothing happens.
    page.click(&format!("{CHANGE} summary")).await;
    page.write(&format!("{CHANGE} input"), "40\u{e007}").await;
    assert_eq!(page.value("document.querySelector('#stock-said').innerText").await, json!(""));
    page.choose(&format!("{CHANGE} select"), "Counted").await;
    page.click(&format!("{CHANGE} button[type=submit]")).await;
    page.shows(&format!("{CHANGE} [role=alert]"), "That takes away 10 KG of 50 KG, more than a tenth.").await;
    page.shows("#stock-list .legend", "25 KG").await;
    page.picture("count-asked").await;
    page.click(&format!("{CHANGE} button[type=submit]")).await;
    page.shows("#stock-said .good", "Written down").await;
    page.shows("#stock-list .legend", "15 KG").await;
    // It is taken back where it is shown, also by who opens the page later.
    page.shows(&format!("{CHANGE} .last"), "Last: Counted 40 KG").await;
    page.picture("count-undo").await;
    page.open(&office.url).await;
    page.shows("#standing", "Nothing is lost.").await;
    office.section("stock").await;
    page.click(&format!("{CHANGE} summary")).await;
    page.click(&format!("{CHANGE} .last button")).await;
    page.shows("#stock-said .good", "Undone").await;
    page.shows("#stock-list .legend", "25 KG").await;
    page.shows("#stock-said .good", "Counted 40 KG").await;
    // That was no intake, and is not taken back itself.
    page.shows(&format!("{CHANGE} .last"), "Last: a change was undone").await;
    page.shows(&format!("{CHANGE} .last"), "10 KG came back.").await;
    assert_eq!(
        page.value(&format!("document.querySelectorAll('{CHANGE} .last button').length")).await,
        json!(0)
    );
    // A small difference is not asked about.
    begin_change(&office, "Counted", "48").await;
    page.shows("#stock-said .good", "Counted 48 KG").await;
    page.shows(&format!("{CHANGE} .last"), "Last: Counted 48 KG").await;
    page.click(&format!("{CHANGE} .last button")).await;
    page.until("document.querySelector('#stock-said').innerText.includes('Undone')").await;
    page.shows("#stock-said .good", "Counted 48 KG").await;
    // What was taken in is taken back by writing it off.
    begin_change(&office, "Took in", "5").await;
    page.shows("#stock-said .good", "Took in 5 KG").await;
    page.shows(&format!("{CHANGE} .last"), "Last: Took in 5 KG").await;
    page.click(&format!("{CHANGE} .last button")).await;
    page.until("document.querySelector('#stock-said').innerText.includes('Undone')").await;
    page.shows("#stock-said .good", "Took in 5 KG").await;
    page.shows(&format!("{CHANGE} .last"), "5 KG went again.").await;
    page.picture("count-undone").await;
    page.choose("#language", "Kiswahili").await;
    page.shows(&format!("{CHANGE} .last"), "Mara ya mwisho: badiliko lilitenguliwa").await;
    office.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_count_below_what_is_sold_gives_back_what_it_took() {
    let edge = TestEdge::with_market();
    let listing = edge.post_listing(50);
    edge.place_order(listing, 20).unwrap();
    let office = Office::signed_in_at(edge).await;
    let page = &office.browser;
    office.section("stock").await;
    page.shows("#stock-list .legend .here", "5 KG").await;
    page.click(&format!("{CHANGE} summary")).await;
    begin_change(&office, "Counted", "10").await;
    page.shows(&format!("{CHANGE} [role=alert]"), "That takes away 40 KG of 50 KG").await;
    page.click(&format!("{CHANGE} button[type=submit]")).await;
    page.shows("#stock-list .legend .here", "0 KG").await;
    page.click(&format!("{CHANGE} .last button")).await;
    page.shows("#stock-said .good", "Undone").await;
    page.shows("#stock-list .legend .here", "5 KG").await;
    page.shows(&format!("{CHANGE} .last"), "5 KG came back.").await;
    page.picture("count-undone-sold").await;
    office.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn where_an_order_is_short_stock_and_orders_say_how_it_is_settled() {
    let edge = TestEdge::with_market();
    let listing = edge.post_listing(50);
    let holder = Some(Holder::Edge(EDGE));
    edge.feed(
        Bucket::Coop(COOP),
        vec![live(&Order { listing, holder, status: OrderStatus::Short, ..web_order(71) })],
    );
    let office = Office::signed_in_at(edge).await;
    let page = &office.browser;
    page.size(390, 800).await;
    for (language, stock, order) in [
        ("English", "cancel the order that is short, under Orders", "Else cancel this order"),
        ("Kiswahili", "futa oda iliyopungua", "La sivyo futa oda hii"),
    ] {
        page.choose("#language", language).await;
        office.section("stock").await;
        page.until("document.querySelector('#stock-list details.why') !== null").await;
        if page.value("document.querySelector('#stock-list details.why').open").await == json!(false) {
            page.click("#stock-list details.why summary").await;
        }
        page.shows("#stock-list details.why", stock).await;
        page.picture(&format!("short-stock-{language}")).await;
        office.section("orders").await;
        page.shows("#order-table tbody tr:first-child", order).await;
        page.picture(&format!("short-order-{language}")).await;
    }
    office.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_would_be_refused_is_said_to_be_and_not_asked_about() {
    let office = Office::signed_in().await;
    let page = &office.browser;
    office.offer("50").await;
    page.click(&format!("{CHANGE} summary")).await;
    let said = format!("{CHANGE} [role=alert]");
    begin_change(&office, "Spoilt or lost", "5000").await;
    page.shows(&format!("{said} .bad"), "NOT taken").await;
    page.shows(&format!("{said} .bad"), "25 KG").await;
    let words = page.value(&format!("document.querySelector('{said}').innerText")).await;
    assert!(!words.as_str().unwrap().contains("Is it right?"), "{words}");
    page.picture("spoilt-too-much").await;
    // Looking changed nothing; what can be is asked about, and done once.
    page.shows("#stock-list .legend", "25 KG").await;
    begin_change(&office, "Spoilt or lost", "20").await;
    page.shows(&said, "That takes away 20 KG of 50 KG, more than a tenth.").await;
    let gap = format!(
        "(() => {{ const form = document.querySelector('{CHANGE} form'); return form.lastElementChild.getBoundingClientRect().top - form.querySelector('[role=alert]').getBoundingClientRect().bottom; }})()"
    );
    assert!(
        page.value(&gap).await.as_f64().unwrap() >= 8.0,
        "what takes it off sale lies against the question"
    );
    page.shows("#stock-list .legend", "25 KG").await;
    page.click(&format!("{CHANGE} button[type=submit]")).await;
    page.shows("#stock-said .good", "Spoilt or lost 20 KG").await;
    page.shows("#stock-list .legend", "5 KG").await;
    office.end().await;
}

/// A market in which a member offers maize; which offer that is.
fn with_a_members_offer() -> (TestEdge, ListingId) {
    let edge = TestEdge::with_market();
    let id = ListingId(hub_born(501));
    let seller = Some(member_id());
    let offer =
        Listing { id, cooperative: COOP, commodity: MAIZE, seller, available: None, ..other_listing() };
    edge.feed(Bucket::Coop(COOP), vec![live(&offer)]);
    (edge, id)
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_of_one_name_are_told_apart_in_the_list_of_orders_and_where_one_is_taken() {
    let (edge, id) = with_a_members_offer();
    edge.place_order(id, 1).unwrap();
    let office = Office::signed_in_at(edge).await;
    let page = &office.browser;
    let which = "[...document.querySelectorAll('#order-table .at-title')].map(e => e.innerText.replace(/\\s+/g, ' ').trim())";
    office.section("orders").await;
    page.until(format!("{which}.length === 1")).await;
    let alone = page.value(which).await;
    assert_eq!(alone, json!(["1 KG Maize"]));
    office.offer("50").await;
    office.section("orders").await;
    page.until(format!("{which}.some(text => text.includes('of Mercy Banda, MWK '))")).await;
    // What is chosen stands there whole, however small the screen.
    page.size(360, 900).await;
    let own = "[...document.querySelector('#order-product').options].find(o => o.text.startsWith('Maize, '))";
    page.value(&format!("(() => {{ const list = document.querySelector('#order-product'); list.value = {own}.value; list.dispatchEvent(new Event('input')); }})()")).await;
    page.shows("#order-chosen", "Maize, MWK 450 / KG – 25 KG here").await;
    page.nothing_lies_beside().await;
    page.picture("orders-namesakes-360").await;
    page.size(1280, 900).await;
    page.picture("orders-namesakes-1280").await;
    page.choose("#language", "Kiswahili").await;
    page.until(format!("{which}.some(text => text.startsWith('1 KG Mahindi'))")).await;
    office.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_members_offer_carries_the_name_and_what_is_off_sale_says_nothing_else() {
    let (edge, _) = with_a_members_offer();
    let office = Office::signed_in_at(edge).await;
    let page = &office.browser;
    office.offer("50").await;
    page.shows("#stock-list", "Maize of Mercy Banda").await;
    page.write("#stock-words", "mercy").await;
    page.until("document.querySelectorAll('#stock-list article').length === 1").await;
    page.write("#stock-words", "cassava").await;
    page.shows("#stock-list", "Nothing like that is here.").await;
    page.write("#stock-words", "").await;
    page.until("document.querySelectorAll('#stock-list article').length === 2").await;
    office.section("orders").await;
    page.until("[...document.querySelector('#order-product').options].some(o => o.text.startsWith('Maize of Mercy Banda, '))").await;
    office.section("stock").await;
    page.write("#stock-words", "maize").await;
    let own = "#stock-list article:not(:has(h2 small))";
    page.click(&format!("{own} details.change summary")).await;
    page.click(&format!("{own} details.change .quiet")).await;
    page.click(&format!("{own} details.change .danger")).await;
    page.shows(own, "This is off sale.").await;
    let words = page.value(&format!("document.querySelector('{own}').innerText")).await;
    assert!(!words.as_str().unwrap().contains("You can sell"), "{words}");
    page.choose("#stock-status", "off sale").await;
    page.until("document.querySelectorAll('#stock-list article').length === 1").await;
    page.picture("stock-off-sale").await;
    office.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_swahili_page_is_swahili_when_something_is_wrong() {
    let office = Office::open().await;
    let page = &office.browser;
    page.choose("#language", "Kiswahili").await;
    page.write("#password", "wrong\u{e007}").await;
    page.shows("#sign-in-said .bad", "Jina (au namba ya simu) au neno la siri si sahihi.").await;
    office.sign_in_words("Hakuna kilichopotea.").await;
    office.section("stock").await;
    page.click("#offer summary").await;
    page.choose("#offer-crop", "Mahindi").await;
    page.choose("#offer-unit", "KG").await;
    page.write("#offer-quantity", "0").await;
    page.write("#offer-price", "450\u{e007}").await;
    page.shows("#offer-said .bad", "Lazima iwe zaidi ya sifuri.").await;
    page.write("#offer-quantity", "5\u{e007}").await;
    page.shows("#offer-said .good", "Iko sokoni").await;
    // Crops have one name, in the lists and in what is said.
    page.shows("#offer-said .good", "Mahindi: ").await;
    office.section("orders").await;
    office.order("1").await;
    page.shows("#order-said .good", "1 KG Mahindi").await;
    page.write("#order-phone", "+99912345678").await;
    office.order("1").await;
    page.shows("#order-said .bad", "Hakuna nchi yenye namba inayoanza hivi").await;
    page.shows("#order-phone-wrong", "Hakuna nchi").await;
    // What was said in one language, or to one person, is not left for the next.
    page.choose("#language", "English").await;
    page.until("!document.querySelector('main .wrong, main [aria-invalid]')").await;
    office.order("1").await;
    page.shows("#order-phone-wrong", "No country").await;
    page.click("#sign-out").await;
    page.until("!document.querySelector('main .wrong, main [aria-invalid], #order-said .notice')").await;
    office.end().await;
}

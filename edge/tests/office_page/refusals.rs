//! What the hub refused, on the page: it is ticked off by who has dealt with it, and stays so. And orders are found again among many.

use crate::Office;
use mizili_edge::testing::{COOP, TestEdge, live};
use serde_json::json;
use sync_protocol::bucket::Bucket;
use sync_protocol::market::{Channel, Order, OrderStatus};
use sync_protocol::verdict::{Applied, Reject, RejectCode, Verdict};

/// Two orders that the hub refused, and two that stand.
async fn with_refusals() -> Office {
    let edge = TestEdge::with_market();
    let listing = edge.post_listing(50);
    let (_, first) = edge.place_order(listing, 40).unwrap();
    let (_, second) = edge.place_order(listing, 45).unwrap();
    edge.place_order(listing, 3).unwrap();
    for seq in [first.seq, second.seq] {
        edge.verdict(seq, Verdict::Rejected(Reject::with(RejectCode::NotEnough, ["25".to_owned()])), &[]);
    }
    Office::signed_in_at(edge).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_is_ticked_off_put_back_and_stays_as_it_is_when_the_page_is_opened_again() {
    let office = with_refusals().await;
    let page = &office.browser;
    let open = "document.querySelectorAll('#refusals > .scroll tr').length";
    page.until(format!("{open} === 2")).await;
    page.shows("#standing-figures", "Refused, to look at").await;
    page.picture("refusals").await;
    page.click("#refusals > .scroll tr button").await;
    page.until(format!("{open} === 1")).await;
    page.shows("#refusals details summary", "Ticked off in the last 30 days (1)").await;
    page.open(&office.url).await;
    page.until(format!("{open} === 1")).await;
    page.choose("#language", "Kiswahili").await;
    page.click("#refusals > .scroll tr button").await;
    page.shows("#refusals", "Yote yameshughulikiwa.").await;
    page.click("#refusals details summary").await;
    page.size(390, 800).await;
    page.nothing_lies_beside().await;
    page.picture("refusals-ticked-swahili-narrow").await;
    page.click("#refusals details tr button").await;
    page.until(format!("{open} === 1")).await;
    // It is the box that knows: another program on the same file sees the same.
    let ticked: i64 = office.edge.read(|conn| {
        Ok::<_, mizili_edge::db::DbError>(conn.query_row(
            "SELECT count(*) FROM command WHERE ticked = 1",
            [],
            |row| row.get(0),
        )?)
    });
    assert_eq!(ticked, 1);
    office.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_refused_after_the_box_was_enrolled_again_stands_first() {
    let office = with_refusals().await;
    let page = &office.browser;
    page.until("document.querySelectorAll('#refusals > .scroll tr').length === 2").await;
    let listing = office.edge.read(mizili_edge::replica::all::<sync_protocol::market::Listing>)[0].clone();
    // Its verdicts are counted from 1 again.
    office.edge.enrol_again();
    let (_, order) = office.edge.place_order(listing.id, 44).unwrap();
    let no = Reject::with(RejectCode::NotEnough, ["25".to_owned()]);
    office.edge.verdict(order.seq, Verdict::Rejected(no), &[]);
    page.open(&office.url).await;
    page.until("document.querySelectorAll('#refusals > .scroll tr').length === 3").await;
    let first = "[...document.querySelectorAll('#refusals .at-title')].map(e => e.firstChild.textContent)";
    assert_eq!(
        page.value(first).await,
        json!(["Order of 44 KG Maize", "Order of 45 KG Maize", "Order of 40 KG Maize"])
    );
    office.end().await;
}

/// What was said of an order above the list does not go on saying what the list knows better.
#[tokio::test(flavor = "multi_thread")]
async fn what_was_said_of_an_order_follows_what_becomes_of_it() {
    let office = Office::signed_in().await;
    let page = &office.browser;
    office.offer("50").await;
    office.section("orders").await;
    let last = || office.edge.read(mizili_edge::node::highest_seq);
    for (language, refused, why) in [
        ("English", "Refused", "Only 25 KG were left at the hub."),
        ("Kiswahili", "Imekataliwa", "Zilibaki 25 KG tu kwenye kituo kikuu."),
    ] {
        page.choose("#language", language).await;
        office.order("40").await;
        page.until("document.querySelector('#order-said .wait') !== null").await;
        let no = Reject::with(RejectCode::NotEnough, ["25".to_owned()]);
        office.edge.verdict(last(), Verdict::Rejected(no), &[]);
        office.heard();
        page.shows("#order-table tbody tr:first-child .tag", refused).await;
        page.shows("#order-said .bad", refused).await;
        page.shows("#order-said .bad", why).await;
        page.until("document.querySelector('#order-said .wait') === null").await;
    }
    page.picture("order-followed").await;
    page.choose("#language", "English").await;
    // One that is cancelled further down is not called confirmed above.
    office.order("1").await;
    page.shows("#order-said .good", "Confirmed").await;
    page.click_when_asked("#order-table tbody tr:first-child button", "Really cancel?").await;
    page.shows("#orders-said .good", "Cancelled").await;
    page.shows("#order-said .good", "Cancelled").await;
    // What is called cancelled follows too: the hub has the order by now and is to agree, and then it does not.
    let order = office.edge.read(mizili_edge::replica::all::<Order>).pop().unwrap();
    office.edge.feed(Bucket::Coop(COOP), vec![live(&Order { status: OrderStatus::Confirmed, ..order })]);
    office.heard();
    for place in ["#order-said", "#orders-said"] {
        page.shows(&format!("{place} .wait"), "Cancellation asked for").await;
    }
    office.edge.verdict(last() - 1, Verdict::Applied(Applied::default()), &[]);
    office.edge.verdict(last(), Verdict::Rejected(Reject::new(RejectCode::TooLate)), &[]);
    office.heard();
    for place in ["#order-said", "#orders-said"] {
        page.shows(&format!("{place} .good"), "Confirmed").await;
    }
    // A try that the browser holds back is not said to have gone wrong: that was the one before.
    office.section("standing").await;
    page.click("#change summary").await;
    page.write("#change-old", "wrong").await;
    page.write("#change-new", "three unlikely words\u{e007}").await;
    page.until("document.querySelector('#change-said .bad') !== null").await;
    page.value("(() => { document.querySelector('#change-new').value = ''; return null; })()").await;
    page.click("#change-form button").await;
    page.until("document.querySelector('#change-said .bad') === null").await;
    office.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn orders_are_found_by_words_numbers_and_status_and_an_odd_price_is_flagged() {
    let office = with_refusals().await;
    let page = &office.browser;
    let listing = office.edge.read(mizili_edge::replica::all::<sync_protocol::market::Listing>)[0].clone();
    let order = |n: u64, buyer_name: &str, odd_price| {
        live(&Order {
            id: sync_protocol::ids::OrderId(sync_protocol::ids::hub_born(9_000 + n)),
            listing: listing.id,
            cooperative: COOP,
            quantity: sync_protocol::units::Quantity::units(1),
            unit_price_minor: 100,
            currency: listing.currency,
            holder: None,
            buyer_phone: 265_991_000_100 + n,
            buyer_name: buyer_name.to_owned(),
            buyer_cooperative: None,
            status: OrderStatus::Confirmed,
            channel: Channel::Rest,
            placed_at_s: 1_000_000 + n.cast_signed(),
            odd_price,
            buyer_unconfirmed: false,
            recorded_at_s: Some(1_000_000 + n.cast_signed()),
        })
    };
    let mut rows: Vec<_> = (0..120).map(|n| order(n, "Somebody", false)).collect();
    rows.push(order(500, "Chikondi Banda", true));
    office.edge.feed(Bucket::Coop(COOP), rows);
    office.section("orders").await;
    let shown = "document.querySelectorAll('#order-table tbody tr').length";
    page.until(format!("{shown} === 50")).await;
    page.write("#order-words", "chikondi").await;
    page.until(format!("{shown} === 1")).await;
    page.shows("#order-table .flag", "Not at the price of the offer: ask who sold it.").await;
    page.picture("orders-searched").await;
    // Typed letter by letter that is one question, and not one for each letter.
    let asked = "performance.getEntriesByType('resource').filter((entry) => entry.name.includes('/api/v1/orders?')).length";
    let type_it = "performance.clearResourceTimings(); const words = document.querySelector('#order-words');
        for (const word of ['s', 'so', 'som', 'some', 'somebody']) { words.value = word; words.dispatchEvent(new Event('input')); }";
    page.value(&format!("(() => {{ {type_it} return null; }})()")).await;
    page.until(format!("{shown} === 120")).await;
    assert_eq!(page.value(asked).await, json!(2), "two pages, once");
    page.write("#order-words", "0991000107").await;
    page.until(format!("{shown} === 1")).await;
    page.shows("#order-table", "+265991000107").await;
    page.write("#order-words", "").await;
    page.choose("#order-filter", "Refused").await;
    page.until(format!("{shown} === 2")).await;
    page.write("#order-words", "nothing of the kind").await;
    page.shows("#order-none", "There are no such orders.").await;
    assert_eq!(page.value("document.querySelector('#order-more').hidden").await, json!(true));
    page.choose("#language", "Kiswahili").await;
    page.write("#order-words", "").await;
    page.choose("#order-filter", "Zote").await;
    page.write("#order-words", "chikondi").await;
    page.shows("#order-table .flag", "Si kwa bei ya sokoni: muulize aliyeuza.").await;
    page.size(390, 800).await;
    page.nothing_lies_beside().await;
    page.picture("orders-searched-swahili-narrow").await;
    office.end().await;
}

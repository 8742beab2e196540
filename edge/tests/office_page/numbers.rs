//! Numbers that a clerk types: read as on a phone, and what can mean two things is refused with words at the field.

use crate::Office;
use serde_json::{Value, json};

/// The cases that the reader of phones is held to, too.
const CASES: &str = include_str!("../numbers.json");

#[tokio::test(flavor = "multi_thread")]
async fn what_people_type_is_read_or_refused_as_a_phone_does() {
    let office = Office::open().await;
    let page = &office.browser;
    let own = "[...document.scripts].find(script => script.src.endsWith('/app.js')).src";
    let load = format!(
        "import({own}.replace('app.js', 'numbers.js')).then(numbers => {{ window.numbers = numbers; }})"
    );
    page.value(&load).await;
    page.until("!!window.numbers").await;
    for case in serde_json::from_str::<Vec<Value>>(CASES).unwrap() {
        let read = page
            .value(&format!(
                "(({{ value = null, wrong = null }}) => ({{ value, wrong }}))(numbers.read({}, {}))",
                case["typed"], case["decimals"]
            ))
            .await;
        assert_eq!(read, json!({ "value": case["value"], "wrong": case["wrong"] }), "{case}");
    }
    office.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_thousand_with_a_comma_is_refused_at_the_field_and_nothing_is_done() {
    let office = Office::signed_in().await;
    let page = &office.browser;
    office.offer("2000").await;
    page.choose("#offer-crop", "Maize").await;
    page.choose("#offer-unit", "KG").await;
    page.write("#offer-quantity", "2,000").await;
    page.write("#offer-price", "24,000\u{e007}").await;
    page.shows("#offer-quantity-wrong", "This can mean two things. Write 2000 or 2.").await;
    page.shows("#offer-price-wrong", "This can mean two things. Write 24000 or 24.").await;
    page.shows("#offer-said .bad", "NOT taken").await;
    assert_eq!(page.value("document.querySelectorAll('#stock-list article').length").await, json!(1));
    page.picture("numbers-offer").await;
    // What the smaller number could not be, nobody is told to write: a price has two decimals, and a space is no point.
    page.write("#offer-quantity", "1 000").await;
    page.write("#offer-price", "800.555\u{e007}").await;
    page.shows("#offer-quantity-wrong", "Write 1000, with nothing between the digits.").await;
    page.shows("#offer-price-wrong", "Write 800555, with nothing between the digits.").await;
    page.click("#stock-list details.change summary").await;
    page.choose("#stock-list details.change select", "Counted").await;
    page.write("#stock-list details.change input", "1,990\u{e007}").await;
    page.shows("#stock-list details.change .wrong", "Write 1990 or 1.99.").await;
    page.shows("#stock-list details.change [role=alert] .bad", "NOT taken").await;
    office.section("orders").await;
    // Said as soon as the field is left, before anything is sent.
    page.choose("#order-product", "Maize").await;
    page.write("#order-quantity", "1,000\t").await;
    page.shows("#order-quantity-wrong", "Write 1000 or 1.").await;
    page.shows("#order-hint", "Write 1000 or 1.").await;
    page.click("#order-form button[type=submit]").await;
    page.shows("#order-said .bad", "Quantity: This can mean two things.").await;
    page.choose("#language", "Kiswahili").await;
    office.order("1,000").await;
    page.shows("#order-said .bad", "Kiasi: Hii inaweza kumaanisha mambo mawili. Andika 1000 au 1.").await;
    page.shows("#order-none", "Bado hakuna oda. Pokea oda hapo juu.").await;
    office.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_button_stays_under_the_mouse_that_leaves_a_wrong_number_and_what_was_said_before_goes() {
    let office = Office::signed_in().await;
    let page = &office.browser;
    office.section("stock").await;
    page.click("#offer summary").await;
    page.choose("#offer-crop", "Maize").await;
    page.choose("#offer-unit", "KG").await;
    page.write("#offer-quantity", "50").await;
    page.write("#offer-price", "24,000").await;
    // From the field straight to the button: the press leaves the field, and the click has to arrive.
    page.press("#offer-form button", 0, &[]).await;
    page.shows("#offer-said .bad", "NOT taken").await;
    page.shows("#offer-price-wrong", "Write 24000 or 24.").await;
    page.write("#offer-price", "450").await;
    page.press("#offer-form button", 0, &[]).await;
    page.shows("#offer-said .good", "On offer").await;
    page.until("document.querySelectorAll('#stock-list article').length === 1").await;
    // Whoever begins with the next thing is not told of the last one any more.
    page.click("#stock-list details.change summary").await;
    page.write("#stock-list details.change input", "0,5x").await;
    page.until("!document.querySelector('#offer-said .notice')").await;
    page.choose("#stock-list details.change select", "Took in").await;
    page.click("#stock-list details.change button[type=submit]").await;
    page.shows("#stock-list details.change [role=alert] .bad", "NOT taken").await;
    page.write("#offer-quantity", "1").await;
    page.until("!document.querySelector('#stock-list details.change [role=alert] .notice')").await;
    office.end().await;
}

//! Offers that are alike in name, seller and price: a clerk sees which is which, where they are listed, chosen and ordered. And how much of
//! one can be ordered is said alike by page and box.

use crate::Office;
use serde_json::{Value, json};
use std::time::Duration;

const TITLES: &str =
    "[...document.querySelectorAll('#stock-list h2')].map(e => e.innerText.replace(/\\s+/g, ' ').trim())";
const CHOICES: &str = "[...document.querySelector('#order-product').options].map(o => o.text.split(' – ')[0]).filter(text => text.startsWith('Maize'))";

fn texts(list: Value) -> Vec<String> {
    list.as_array().unwrap().iter().map(|text| text.as_str().unwrap().to_owned()).collect()
}

fn all_differ(list: &[String]) -> bool {
    list.iter().enumerate().all(|(at, text)| !list[..at].contains(text))
}

#[tokio::test(flavor = "multi_thread")]
async fn offers_alike_in_name_and_price_are_told_apart_by_when_they_were_made() {
    let office = Office::signed_in().await;
    let page = &office.browser;
    office.offer("50").await;
    page.until(format!("{TITLES}.length === 1")).await;
    assert_eq!(page.value(TITLES).await, json!(["Maize"]), "nothing more where there is one alone");
    office.edge.clock().advance(Duration::from_secs(20 * 60));
    for count in [2, 3] {
        page.choose("#offer-crop", "Maize").await;
        page.choose("#offer-unit", "KG").await;
        page.write("#offer-quantity", "50").await;
        page.write("#offer-price", "450").await;
        page.click("#offer-form button").await;
        page.until(format!("{TITLES}.length === {count}")).await;
    }
    // Two of them at one moment: the end of their number says which.
    let titles = texts(page.value(TITLES).await);
    assert!(
        all_differ(&titles) && titles.iter().all(|text| text.starts_with("Maize offered ")),
        "{titles:?}"
    );
    assert_eq!(titles.iter().filter(|text| text.ends_with(')')).count(), 2, "{titles:?}");
    page.size(400, 900).await;
    page.nothing_lies_beside().await;
    page.picture("stock-alike-400").await;
    office.section("orders").await;
    page.until(format!("{CHOICES}.length === 3")).await;
    let choices = texts(page.value(CHOICES).await);
    assert!(all_differ(&choices), "{choices:?}");
    // Each can be told in the list of orders too.
    page.size(1280, 900).await;
    for (at, choice) in choices.iter().enumerate() {
        page.value(&format!("(() => {{ const list = document.querySelector('#order-product'); list.selectedIndex = [...list.options].findIndex(o => o.text.startsWith({})); list.dispatchEvent(new Event('input')); }})()", json!(choice))).await;
        page.write("#order-quantity", "1").await;
        page.click("#order-form button[type=submit]").await;
        page.until(format!("document.querySelectorAll('#order-table tbody tr').length === {}", at + 1)).await;
    }
    let rows = "[...document.querySelectorAll('#order-table .at-title')].map(e => e.innerText)";
    let rows = texts(page.value(rows).await);
    assert!(all_differ(&rows), "{rows:?}");
    page.picture("orders-alike-1280").await;
    office.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn more_than_there_is_in_all_is_not_asked_for() {
    let office = Office::signed_in().await;
    let page = &office.browser;
    office.offer("100").await;
    office.section("orders").await;
    page.choose("#order-product", "Maize").await;
    page.write("#order-quantity", "500").await;
    page.shows("#order-hint", "Only 100 KG are left in all.").await;
    office.order("500").await;
    page.shows("#order-said .bad", "Only 100 KG are left.").await;
    assert_eq!(page.value("document.querySelectorAll('#order-table tbody tr').length").await, json!(0));
    page.write("#order-quantity", "100").await;
    page.shows("#order-hint", "The hub will be asked").await;
    office.end().await;
}

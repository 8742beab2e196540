//! Every section of the page on a phone's, a tablet's and an office's screen, in both languages, with much on it: nothing lies beside the
//! screen. With `MIZILI_SHOTS=FOLDER` each is kept as a picture for a person to look at.

use crate::Office;
use crate::browser::Browser;
use mizili_edge::db::DbError;
use mizili_edge::testing::{MAIZE_LILONGWE, MAIZE_MITUNDU, REGION, TestEdge, clerk, live};
use sync_protocol::bucket::Bucket;
use sync_protocol::market::{Adjustment, Price, PriceFlags, StockAdjust};
use sync_protocol::units::Month;
use sync_protocol::verdict::{Reject, RejectCode, Verdict};

const WIDTHS: [u32; 3] = [360, 800, 1280];

/// Orders in every state, a refusal, a count, and SMS that reach nobody.
fn with_much() -> TestEdge {
    let edge = TestEdge::with_market();
    // Prices whose numbers are long beside the curve.
    let newest = [(MAIZE_LILONGWE, Month::new(2022, 6)), (MAIZE_MITUNDU, Month::new(2026, 2))];
    let long = newest.map(|(series, month)| {
        live(&Price { at: (series, month.unwrap()), price_minor: 32_667, flags: PriceFlags::ACTUAL })
    });
    edge.feed(Bucket::Region(REGION), long.to_vec());
    let listing = edge.post_listing(50);
    let (_, refused) = edge.place_order(listing, 45).unwrap();
    let (_, ticked) = edge.place_order(listing, 44).unwrap();
    for order in [&refused, &ticked] {
        let no = Reject::with(RejectCode::NotEnough, ["25".to_owned()]);
        edge.verdict(order.seq, Verdict::Rejected(no), &[]);
    }
    let (cancelled, _) = edge.place_order(listing, 2).unwrap();
    edge.cancel_order(cancelled).unwrap();
    edge.place_order(listing, 3).unwrap();
    edge.place_order(listing, 30).unwrap();
    let found = Adjustment::Count { counted_milli: 47_000, expected_milli: 50_000 };
    let count = StockAdjust { listing: listing.0, found, reason: String::new(), undoes: None };
    edge.submit(clerk(), true, count).unwrap();
    edge.write(move |tx| -> Result<(), DbError> {
        tx.execute("UPDATE command SET ticked = 1 WHERE seq = ?1", [ticked.seq])?;
        tx.execute(
            "INSERT INTO sms_out (phone, text, segments, kind, about, state, note, not_before_s, created_at_s, changed_at_s)
             VALUES (265991234567, 'x', 1, 'receipt', 'a', 'cancelled', 'it could not be sent for a week', 0, 0, 0)",
            [],
        )?;
        Ok(())
    });
    edge
}

/// Looks at what is shown on each screen.
async fn look(page: &Browser, name: &str, language: &str) {
    for width in WIDTHS {
        page.size(width, 900).await;
        page.nothing_lies_beside().await;
        page.picture(&format!("screen-{name}-{language}-{width}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_section_fits_every_screen_in_both_languages() {
    let office = Office::open_at(with_much()).await;
    let page = &office.browser;
    look(page, "sign-in", "en").await;
    office.sign_in().await;
    for (language, name) in [("en", "English"), ("sw", "Kiswahili")] {
        page.choose("#language", name).await;
        page.until(format!("document.documentElement.lang === '{language}'")).await;
        office.section("standing").await;
        page.until("document.querySelectorAll('#refusals > .scroll tr').length === 1").await;
        page.value("document.querySelectorAll('#standing details').forEach(d => { d.open = true; })").await;
        look(page, "standing", language).await;
        office.section("prices").await;
        page.until("document.querySelectorAll('#price-table tbody tr').length === 2").await;
        page.click("#price-table tbody button").await;
        page.until("document.querySelectorAll('#price-history circle').length > 1").await;
        page.until("document.querySelector('.chart').textContent.includes('326.67')").await;
        page.size(360, 900).await;
        page.until("[...document.querySelectorAll('.chart text')].every((text) => text.getBBox().x >= 0)")
            .await;
        look(page, "prices", language).await;
        office.section("stock").await;
        page.until("!!document.querySelector('#stock-list details.change .last')").await;
        page.value("document.querySelectorAll('#stock details').forEach(d => { d.open = true; })").await;
        look(page, "stock", language).await;
        office.section("orders").await;
        page.until("document.querySelectorAll('#order-table tbody tr').length === 5").await;
        look(page, "orders", language).await;
        office.section("phone").await;
        page.until("document.querySelector('#phone-number').value !== ''").await;
        page.click("#phone-call").await;
        page.until("document.querySelector('#screen').innerText.length > 20").await;
        look(page, "phone", language).await;
        page.click("#phone-end").await;
    }
    page.open(&format!("{}/api/docs/", office.url)).await;
    page.shows("#operations", "/api/v1/market-prices").await;
    page.value("document.querySelectorAll('#operations details').forEach((d, n) => { d.open = n < 2; })")
        .await;
    look(page, "docs", "en").await;
    office.end().await;
}

/// Where nothing was looked for, nothing was missed.
#[tokio::test(flavor = "multi_thread")]
async fn a_list_that_is_empty_says_so_and_one_in_which_nothing_was_found_says_that() {
    let office = Office::signed_in_at(TestEdge::enrolled()).await;
    let page = &office.browser;
    let lists = [
        (
            "prices",
            "#price-none",
            "No prices have come from the hub yet.",
            "Bado hakuna bei kutoka kituo kikuu.",
        ),
        (
            "stock",
            "#stock-list",
            "Nothing is on offer yet. Offer a product above.",
            "Bado hakuna kilicho sokoni. Weka bidhaa hapo juu.",
        ),
        (
            "orders",
            "#order-none",
            "There are no orders yet. Take one above.",
            "Bado hakuna oda. Pokea oda hapo juu.",
        ),
    ];
    for (section, place, english, swahili) in lists {
        office.section(section).await;
        page.shows(place, english).await;
        page.nothing_lies_beside().await;
        page.picture(&format!("empty-{section}")).await;
        page.choose("#language", "Kiswahili").await;
        page.shows(place, swahili).await;
        page.picture(&format!("empty-{section}-swahili")).await;
        page.choose("#language", "English").await;
    }
    page.choose("#order-filter", "Confirmed").await;
    page.shows("#order-none", "There are no such orders.").await;
    page.choose("#order-filter", "All").await;
    page.shows("#order-none", "There are no orders yet.").await;
    page.write("#order-words", "maize").await;
    page.shows("#order-none", "There are no such orders.").await;
    office.end().await;
}

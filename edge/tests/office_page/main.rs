//! The office page in a real browser, served by a real edge: what a clerk does and sees. Set `MIZILI_SHOTS=FOLDER` to keep pictures.
#![expect(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod alike;
mod asking;
mod browser;
mod clerk;
mod counting;
mod floor;
mod numbers;
mod refusals;
mod screens;
mod sentences;
mod silence;
mod tabs;

use axum::Router;
use browser::Browser;
use mizili_edge::config::Config;
use mizili_edge::db::DbError;
use mizili_edge::node::set_hub_minor;
use mizili_edge::serve::router::router;
use mizili_edge::staff::password::{hashed, store};
use mizili_edge::state::AppState;
use mizili_edge::sync::run::SyncHandle;
use mizili_edge::testing::TestEdge;
use serde_json::json;
use std::net::SocketAddr;
use sync_protocol::session::MINOR_VERSION;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio::task::JoinHandle;

const PASSWORD: &str = "chimanga 2026";

/// An edge that listens, and a browser that looks at it.
struct Office {
    edge: TestEdge,
    url: String,
    browser: Browser,
    server: JoinHandle<()>,
    from_hub: watch::Sender<u64>,
}

impl Office {
    async fn open() -> Self {
        Self::open_at(TestEdge::with_market()).await
    }

    async fn open_at(edge: TestEdge) -> Self {
        Self::served(edge, |router| router).await
    }

    /// With something done to what the edge serves.
    async fn served(edge: TestEdge, change: impl FnOnce(Router) -> Router) -> Self {
        let hash = hashed(PASSWORD, edge.deps()).await.unwrap();
        edge.write(move |tx| store(tx, "office", &hash, 0));
        // As after an exchange with a hub of today.
        edge.write(|tx| set_hub_minor(tx, MINOR_VERSION));
        let config = Config::parse(
            "country = \"MWI\"\n[[gateway]]\nkind = \"africastalking\"\nname = \"test\"\nsecret = \"0123456789abcdef\"\n",
        );
        let (from_hub, changed) = watch::channel(0);
        let sync = SyncHandle::told_by(changed);
        let state = AppState::new(edge.db().clone(), edge.deps().clone(), config.unwrap(), sync);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let app = change(router(state)).into_make_service_with_connect_info::<SocketAddr>();
        let server = tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
        let browser = Browser::start().await;
        browser.open(&url).await;
        Self { edge, url, browser, server, from_hub }
    }

    async fn signed_in() -> Self {
        Self::signed_in_at(TestEdge::with_market()).await
    }

    async fn signed_in_at(edge: TestEdge) -> Self {
        let office = Self::open_at(edge).await;
        office.sign_in().await;
        office
    }

    async fn sign_in(&self) {
        self.sign_in_words("Nothing is lost.").await;
    }

    /// The same, with what the page says then in another language.
    async fn sign_in_words(&self, words: &str) {
        self.browser.write("#password", &format!("{PASSWORD}\u{e007}")).await;
        self.browser.shows("#standing", words).await;
    }

    /// What the edge was given counts as heard from the hub: the page looks again.
    fn heard(&self) {
        self.from_hub.send_modify(|heard| *heard += 1);
    }

    async fn section(&self, name: &str) {
        self.browser.click(&format!("#nav a[href='#{name}']")).await;
        self.browser.until(&format!("document.activeElement === document.querySelector('#{name} h1')")).await;
    }

    /// Offers maize on the page.
    async fn offer(&self, kilograms: &str) {
        let page = &self.browser;
        self.section("stock").await;
        page.click("#offer summary").await;
        page.choose("#offer-crop", "Maize").await;
        page.choose("#offer-unit", "KG").await;
        page.write("#offer-quantity", kilograms).await;
        page.write("#offer-price", "450").await;
        page.click("#offer-form button").await;
        page.shows("#offer-said .good", "On offer").await;
    }

    async fn order(&self, kilograms: &str) {
        let page = &self.browser;
        let is_swahili = page.value("document.documentElement.lang === 'sw'").await == json!(true);
        page.choose("#order-product", if is_swahili { "Mahindi" } else { "Maize" }).await;
        page.write("#order-quantity", kilograms).await;
        page.write("#order-name", "Esnart Phiri").await;
        page.click("#order-form button[type=submit]").await;
    }

    async fn end(self) {
        self.browser.end().await;
        self.server.abort();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_is_said_and_the_right_one_shows_how_things_stand() {
    let office = Office::open().await;
    let page = &office.browser;
    page.write("#password", "wrong\u{e007}").await;
    page.shows("#sign-in-said .bad", "The name (or phone number) or the password is wrong.").await;
    page.picture("sign-in").await;
    page.size(390, 800).await;
    page.choose("#language", "Kiswahili").await;
    page.nothing_lies_beside().await;
    page.picture("sign-in-swahili-narrow").await;
    page.choose("#language", "English").await;
    page.size(1280, 900).await;
    page.write("#password", &format!("{PASSWORD}\u{e007}")).await;
    page.shows("#standing", "Nothing is waiting to be sent.").await;
    page.shows("#standing", "There has been no contact with the hub yet.").await;
    page.shows("#office-name", "Mitundu Farmers").await;
    page.picture("standing-fresh").await;
    page.open(&office.url).await;
    page.shows("#standing", "Nothing is lost.").await;
    let text = page.value("document.body.innerText.toLowerCase()").await;
    for word in ["digest", "quarantin", "replica", "verdict"] {
        assert!(!text.as_str().unwrap().contains(word), "{word}");
    }
    page.click("#sign-out").await;
    page.until("document.querySelector('#sign-in').checkVisibility() && !document.querySelector('#nav').checkVisibility()").await;
    office.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_from_what_is_here_is_confirmed_and_one_for_more_is_only_asked() {
    let office = Office::signed_in().await;
    let page = &office.browser;
    office.offer("50").await;
    page.shows("#stock-list", "Why can I sell only 25 KG of my 50 KG?").await;
    page.picture("stock-offered").await;
    office.section("orders").await;
    page.choose("#order-product", "Maize").await;
    page.write("#order-quantity", "20").await;
    page.shows("#order-hint", "it is sold at once. Total MWK 9,000").await;
    office.order("20").await;
    page.shows("#order-said .good", "Confirmed").await;
    page.shows("#order-table", "Esnart Phiri").await;
    page.choose("#order-product", "Maize").await;
    page.write("#order-quantity", "10").await;
    page.shows("#order-hint", "This office holds 5 KG. The hub will be asked").await;
    office.order("10").await;
    page.shows("#order-said .wait", "Asked, not confirmed").await;
    page.until("document.querySelectorAll('#order-table tbody tr').length === 2").await;
    let told = "[...document.querySelectorAll('#order-table .tag')].map(e => e.innerText).sort()";
    assert_eq!(page.value(told).await, json!(["… Asked, not confirmed", "✓ Confirmed"]));
    page.picture("orders").await;
    // The button asks once more before it cancels.
    let row = "#order-table tr:has(.tag.good)";
    page.click_when_asked(&format!("{row} button"), "Really cancel?").await;
    page.shows("#orders-said .good", "Cancelled").await;
    page.shows("#order-product", "25 KG here").await;
    office.section("standing").await;
    page.shows("#standing-words", "4 things are waiting to be sent.").await;
    page.picture("standing").await;
    office.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_stock_is_explained_and_counted() {
    let office = Office::signed_in().await;
    let page = &office.browser;
    office.offer("50").await;
    page.click("#stock-list details.why summary").await;
    page.shows("#stock-list", "You can sell 25 KG here at any time, also without a line.").await;
    page.shows("#stock-list", "25 KG are kept for buyers who order by phone or on the web").await;
    page.click("#stock-list details.change summary").await;
    page.choose("#stock-list details.change select", "Counted").await;
    page.shows("#stock-list details.change", "There should be 50 KG.").await;
    page.picture("stock-explained").await;
    page.write("#stock-list details.change input", "48\u{e007}").await;
    page.shows("#stock-said .good", "Written down").await;
    page.shows("#stock-list .legend", "23 KG").await;
    page.choose("#stock-list details.change select", "Counted").await;
    page.write("#stock-list details.change input", "x\u{e007}").await;
    page.shows("#stock-list [role=alert] .bad", "NOT taken").await;
    office.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn prices_are_shown_with_their_age_and_their_history() {
    let office = Office::signed_in().await;
    let page = &office.browser;
    office.section("prices").await;
    page.until("document.querySelectorAll('#price-table tbody tr').length === 2").await;
    page.choose("#price-market", "Lilongwe").await;
    page.until("document.querySelectorAll('#price-table tbody tr').length === 1").await;
    page.shows("#price-table", "Jun 2022").await;
    page.shows("#price-table .tag", "old").await;
    page.shows("#prices .source", "Source: WFP via HDX").await;
    page.click("#price-table tbody button").await;
    page.until("document.querySelectorAll('#price-history circle').length === 36").await;
    page.picture("prices").await;
    page.choose("#language", "Kiswahili").await;
    page.shows("#nav", "Hali ilivyo").await;
    page.shows("#price-table", "Mahindi").await;
    page.shows("#prices .source", "Chanzo: WFP kupitia HDX").await;
    office.section("standing").await;
    page.shows("#standing-words", "Hakuna kilichopotea.").await;
    page.picture("standing-swahili").await;
    office.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_full_disk_did_not_keep_is_called_not_taken() {
    let office = Office::signed_in().await;
    let page = &office.browser;
    office.offer("50").await;
    office.edge.write(|tx| -> Result<(), DbError> {
        let now: i64 = tx.query_row("PRAGMA page_count", [], |row| row.get(0))?;
        let _: i64 = tx.query_row(&format!("PRAGMA max_page_count = {now}"), [], |row| row.get(0))?;
        Ok(())
    });
    office.section("orders").await;
    // There may be room for a few orders still.
    for _ in 0..100 {
        office.order("0.1").await;
        page.until("!document.querySelector('#order-form button[type=submit]').disabled && document.querySelector('#order-said .notice')").await;
        if page.value("!!document.querySelector('#order-said .bad')").await == json!(true) {
            break;
        }
    }
    page.shows("#order-said .bad", "NOT taken").await;
    page.shows("#order-said .bad", "the disk of this box is full").await;
    page.picture("disk-full").await;
    office.section("stock").await;
    page.shows("#stock-list", "Maize").await;
    office.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_others_do_appears_by_itself_and_a_session_that_ended_asks_to_sign_in() {
    let office = Office::signed_in().await;
    let page = &office.browser;
    office.section("orders").await;
    page.shows("#order-none", "There are no orders yet. Take one above.").await;
    let listing = office.edge.post_listing(50);
    office.edge.place_order(listing, 3).unwrap();
    page.shows("#order-table", "3 KG Maize").await;
    page.shows("#line", "2 waiting").await;
    office.edge.write(|tx| -> Result<(), DbError> {
        tx.execute("DELETE FROM office_session", [])?;
        Ok(())
    });
    page.shows("#sign-in-said", "You were signed out. Please sign in again.").await;
    office.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_api_is_described_by_a_page_of_the_box_itself() {
    let office = Office::open().await;
    let page = &office.browser;
    page.open(&format!("{}/api/docs/", office.url)).await;
    page.shows("#operations", "/api/v1/market-prices").await;
    page.click("#operations .operation:has(.path):nth-of-type(1) summary").await;
    page.picture("docs").await;
    let shapes = page.value("document.querySelectorAll('#schemas details').length").await;
    assert!(shapes.as_u64().is_some_and(|count| count > 20), "{shapes}");
    office.end().await;
}

/// Presses the key that stands before a choice on the screen, and Send. Waits for the next screen.
async fn choose(page: &Browser, choice: &str) {
    page.until(format!("document.querySelector('#screen').innerText.includes({})", json!(choice))).await;
    let screen = page.value("document.querySelector('#screen').innerText").await;
    let screen = screen.as_str().unwrap().to_owned();
    let line = screen.lines().find(|line| line.contains(choice)).unwrap();
    for key in line.chars().take_while(char::is_ascii_digit) {
        page.click(&format!("#keypad button[data-key='{key}']")).await;
    }
    page.click("#phone-send").await;
    page.until(format!("document.querySelector('#screen').innerText !== {}", json!(screen))).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_visitor_walks_the_menus_on_the_phone_of_the_page() {
    let office = Office::signed_in().await;
    let page = &office.browser;
    office.section("phone").await;
    page.until("!document.querySelector('#phone-call').disabled").await;
    page.write("#phone-number", "0991 234 567").await;
    page.click("#phone-call").await;
    page.shows("#screen", "Prices").await;
    page.picture("phone").await;
    choose(page, "Prices").await;
    choose(page, "Maize").await;
    choose(page, "Lilongwe").await;
    page.shows("#screen", "OLD: Jun 2022 (WFP)").await;
    let count = page.value("Number(document.querySelector('#screen-count').innerText.split(' ')[0])").await;
    assert!(count.as_u64().is_some_and(|count| (20..=182).contains(&count)), "{count}");
    page.picture("phone-price").await;
    page.click("#phone-end").await;
    page.shows("#call-state", "The call has ended").await;
    page.until(
        "document.querySelector('#phone-input').disabled && !document.querySelector('#phone-call').disabled",
    )
    .await;
    office.end().await;
}

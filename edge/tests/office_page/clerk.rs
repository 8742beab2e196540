//! What a clerk must be able to read off the page: which of two things is meant, what is wrong and where, what matters on a small
//! screen, and that no word on it is a programmer's.

use crate::Office;
use crate::browser::Browser;
use mizili_edge::db::DbError;
use mizili_edge::node::counts;
use mizili_edge::staff::password::hashed;
use mizili_edge::sync::{LineError, SyncError};
use mizili_edge::testing::{COOP, TestEdge, clerk_of, live, web_order};
use rusqlite::Transaction;
use serde_json::{Value, json};
use std::time::Duration;
use sync_protocol::bucket::Bucket;
use sync_protocol::bytes::WireError;
use sync_protocol::ids::{CommodityId, UnitId};
use sync_protocol::market::{Commodity, Order, Unit, UnitBase};
use sync_protocol::wire::message::{Refusal, RefusalCode};

/// What a list offers: each group's name with its choices, and the choices without a group under "".
async fn choices(page: &Browser, select: &str) -> Value {
    page.value(&format!(
        "Object.entries(Object.groupBy(document.querySelector({}).options, o => o.closest('optgroup')?.label ?? ''))
           .map(([group, options]) => [group, options.map(o => o.text)])",
        json!(select)
    ))
    .await
}

/// A second kind of maize that Swahili calls the same, and a fuel that has no business here.
fn with_namesakes() -> TestEdge {
    let edge = TestEdge::with_market();
    let commodity = |id, name: &str, name_sw: &str| {
        live(&Commodity {
            id: CommodityId(id),
            name: name.to_owned(),
            category: "cereals and tubers".to_owned(),
            name_sw: name_sw.to_owned(),
            name_ny: String::new(),
            name_fr: String::new(),
            on_menus: true,
        })
    };
    let unit = |id, code: &str, factor_milli| {
        live(&Unit { id: UnitId(id), code: code.to_owned(), base: UnitBase::Kilogram, factor_milli })
    };
    edge.feed(
        Bucket::Global,
        vec![
            commodity(53, "Maize (white)", "Mahindi"),
            commodity(54, "Fuel (diesel)", "Dizeli"),
            unit(7, "400 G", 400),
        ],
    );
    edge
}

#[tokio::test(flavor = "multi_thread")]
async fn crops_of_the_same_name_are_told_apart_and_what_is_known_here_comes_first() {
    let office = Office::signed_in_at(with_namesakes()).await;
    let page = &office.browser;
    office.section("prices").await;
    page.until("document.querySelectorAll('#price-table tbody tr').length === 2").await;
    assert_eq!(choices(page, "#price-crop").await, json!([["", ["All crops", "Maize"]]]));
    office.section("stock").await;
    page.click("#offer summary").await;
    page.until("document.querySelectorAll('#offer-unit optgroup').length === 2").await;
    assert_eq!(
        choices(page, "#offer-crop").await,
        json!([
            ["", ["Choose…"]],
            ["Priced or on sale here", ["Maize"]],
            ["All other crops", ["Beans", "Fuel (diesel)", "Maize (white)"]]
        ])
    );
    assert_eq!(
        choices(page, "#offer-unit").await,
        json!([["", ["Choose…"]], ["Used here", ["KG"]], ["All other units", ["400 G", "90 KG"]]])
    );
    // What the office has on sale is near too; its choice outlives a change of the language.
    page.choose("#offer-crop", "Beans").await;
    page.choose("#offer-unit", "90 KG").await;
    page.write("#offer-quantity", "3").await;
    page.write("#offer-price", "40500").await;
    page.click("#offer-form button").await;
    page.shows("#offer-said .good", "On offer").await;
    page.choose("#offer-crop", "Maize (white)").await;
    page.choose("#language", "Kiswahili").await;
    page.until("document.querySelector('#offer-crop optgroup')?.label === 'Yenye bei au yanayouzwa hapa'")
        .await;
    assert_eq!(
        choices(page, "#offer-crop").await,
        json!([
            ["", ["Chagua…"]],
            ["Yenye bei au yanayouzwa hapa", ["Maharagwe", "Mahindi – Maize"]],
            ["Mazao mengine yote", ["Dizeli", "Mahindi – Maize (white)"]]
        ])
    );
    assert_eq!(page.value("document.querySelector('#offer-crop').value").await, json!("53"));
    page.picture("stock-swahili").await;
    office.section("prices").await;
    page.shows("#price-table", "Mahindi – Maize").await;
    page.picture("prices-swahili").await;
    office.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_field_is_named_as_the_page_names_it_and_marked_where_it_is() {
    let office = Office::signed_in().await;
    let page = &office.browser;
    office.offer("50").await;
    office.section("orders").await;
    page.write("#order-phone", "12").await;
    office.order("-1").await;
    page.shows("#order-said .bad", "Quantity: ").await;
    page.shows("#order-quantity-wrong", "").await;
    page.picture("order-wrong").await;
    office.order("0").await;
    page.shows("#order-said .bad", "Quantity: Must be more than zero.").await;
    page.shows("#order-said .bad", "Buyer’s phone number: The phone number is too short").await;
    page.shows("#order-quantity-wrong", "Must be more than zero.").await;
    page.shows("#order-phone-wrong", "The phone number is too short").await;
    let described = "document.querySelector('#order-quantity').getAttribute('aria-describedby')";
    assert_eq!(page.value(described).await, json!("order-hint order-quantity-wrong"));
    assert_eq!(page.value("document.activeElement.id").await, json!("order-quantity"));
    page.choose("#language", "Kiswahili").await;
    office.order("0").await;
    page.shows("#order-said .bad", "Kiasi: Lazima iwe zaidi ya sifuri.").await;
    page.picture("order-wrong-swahili").await;
    page.write("#order-phone", "").await;
    office.order("1").await;
    page.shows("#order-said .good", "Imethibitishwa").await;
    page.until("!document.querySelector('.wrong')").await;
    assert_eq!(page.value(described).await, json!("order-hint"));
    assert!(
        page.value("document.querySelector('#order-product').value").await != "",
        "what was chosen stays"
    );
    office.section("stock").await;
    page.choose("#offer-crop", "Maharagwe").await;
    page.choose("#offer-unit", "KG").await;
    page.write("#offer-quantity", "0").await;
    page.write("#offer-price", "0").await;
    page.click("#offer-form button").await;
    page.shows("#offer-price-wrong", "Bei lazima iwe zaidi ya sifuri.").await;
    page.shows("#offer-said .bad", "Bei ya kipimo kimoja: Bei lazima iwe zaidi ya sifuri.").await;
    page.picture("offer-wrong-swahili").await;
    let text = page.value("document.body.innerText").await;
    assert!(!text.as_str().unwrap().contains("/quantity"), "{text}");
    office.end().await;
}

/// Puts what stopped the last try where the loop that speaks with the hub puts it.
fn stopped_by(office: &Office, error: &SyncError) {
    let (code, words) = (error.code(), error.to_string());
    office.edge.write(move |tx| -> Result<(), DbError> {
        tx.execute(
            "UPDATE sync_state SET attempt_at_s = 1, error_code = ?1, error_text = ?2",
            [code, &words],
        )?;
        Ok(())
    });
}

/// What passes by itself, with what the page says of it; and refusals that do not.
fn what_stops_an_exchange() -> (Vec<(SyncError, &'static str)>, Vec<SyncError>) {
    let passing = [
        (
            LineError::Unreachable("Connection refused (os error 111)".into()).into(),
            "The hub cannot be reached.",
        ),
        (LineError::Cut("end of file".into()).into(), "The hub cannot be reached."),
        (LineError::Silent(Duration::from_secs(30)).into(), "The hub cannot be reached."),
    ];
    let refused = |code| SyncError::Refused(Refusal { code, detail: String::new() });
    let (later, lasting): (Vec<_>, Vec<_>) =
        RefusalCode::ALL.iter().copied().map(refused).partition(SyncError::is_temporary);
    let later = later.into_iter().chain([
        SyncError::Busy { retry_after: None },
        WireError::Truncated.into(),
        SyncError::Locked,
    ]);
    let passing =
        passing.into_iter().chain(later.map(|error| (error, "The last try did not come to its end.")));
    (passing.collect(), lasting)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_that_is_down_is_no_trouble_and_what_needs_a_person_stands_at_the_top() {
    let office = Office::signed_in().await;
    let page = &office.browser;
    let (passing, lasting) = what_stops_an_exchange();
    for (error, words) in passing {
        assert!(error.is_temporary(), "{error}");
        stopped_by(&office, &error);
        page.click("#nav a[href='#standing']").await;
        page.until(format!(
            "document.querySelector('#box details').textContent.includes({}) && document.querySelector('#box').innerText.includes({})",
            json!(error.to_string()), json!(words)
        ))
        .await;
        page.shows("#box", "Everything is kept and sent later.").await;
        let text = page.value("document.body.innerText").await;
        let text = text.as_str().unwrap();
        assert!(!text.contains("os error") && !text.contains("NOT everything"), "{text}");
    }
    page.picture("standing-no-line").await;
    for error in lasting {
        stopped_by(&office, &error);
        page.click("#nav a[href='#standing']").await;
        page.shows("#standing-words .bad", &error.to_string()[1..]).await;
        page.shows("#box", "See the top of this page.").await;
    }
    for (error, words) in [
        (
            SyncError::BadCode { edge: None },
            "The code is wrong, used or has expired. Ask the operator for a new one",
        ),
        (SyncError::Storage(DbError::Full), "The disk is full: make room, then try again"),
    ] {
        stopped_by(&office, &error);
        // It appears by itself, and at the top of every section.
        page.shows("#standing-words .bad", "NOT everything is well:").await;
        page.shows("#standing-words .bad", words).await;
        page.shows("#line", "NOT everything is well").await;
        page.shows("#box", "See the top of this page.").await;
        let text = page.value("document.body.innerText").await;
        assert!(!text.as_str().unwrap().contains("The last try went well"), "{text}");
    }
    page.picture("standing-trouble").await;
    // A line that is down takes nothing away of what the hub has said.
    for (code, words) in [(1, "The hub does not let this box in"), (2, "operator has ended this box")] {
        stopped_by(&office, &LineError::Cut("end of file".into()).into());
        office.edge.write(move |tx| -> Result<(), DbError> {
            Ok(tx
                .execute("INSERT OR REPLACE INTO node (key, value) VALUES ('shut_out', ?1)", [code])
                .map(drop)?)
        });
        page.shows("#standing-words .bad", words).await;
        page.shows("#line", "NOT everything is well").await;
        let text = page.value("document.body.innerText").await;
        let text = text.as_str().unwrap();
        assert!(!text.contains("Work goes on") && !text.contains("Nothing is lost"), "{text}");
        page.picture(&format!("standing-shut-out-{code}")).await;
    }
    stopped_by(&office, &SyncError::Storage(DbError::Full));
    office.edge.write(|tx| -> Result<(), DbError> {
        Ok(tx.execute("DELETE FROM node WHERE key = 'shut_out'", []).map(drop)?)
    });
    page.choose("#language", "Kiswahili").await;
    page.shows("#standing-words .bad", "SI kila kitu kiko sawa:").await;
    page.size(390, 800).await;
    page.nothing_lies_beside().await;
    page.picture("standing-trouble-swahili-narrow").await;
    office.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn messages_that_were_given_up_are_not_forgotten() {
    let edge = TestEdge::with_market();
    edge.write(|tx| -> Result<(), DbError> {
        let sql = "INSERT INTO sms_out (phone, text, segments, kind, about, state, note, not_before_s, created_at_s, changed_at_s)
                   VALUES (265991234567, 'x', 1, 'receipt', ?1, 'cancelled', ?2, 0, 0, 0)";
        tx.execute(sql, ["a", "it could not be sent for a week"])?;
        tx.execute(sql, ["b", "the receiver sent STOP"])?;
        Ok(())
    });
    let office = Office::signed_in_at(edge).await;
    let page = &office.browser;
    page.shows(
        "#standing-words",
        "1 SMS of the last 30 days could not be sent for a week and was given up: nobody got it.",
    )
    .await;
    page.choose("#language", "Kiswahili").await;
    page.shows("#standing-words", "SMS 1 ya siku 30 zilizopita haikuweza kutumwa kwa wiki nzima").await;
    office.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_open_tab_and_the_link_to_the_content_leave_the_page_where_it_is() {
    let office = Office::signed_in().await;
    let page = &office.browser;
    page.size(390, 500).await;
    page.click("#nav a[href='#standing']").await;
    page.click("#nav a[href='#standing']").await;
    page.until("document.activeElement === document.querySelector('#standing h1') && scrollY === 0").await;
    office.section("orders").await;
    page.value("document.querySelector('.skip').click()").await;
    page.until("location.hash === '#main'").await;
    page.until("document.querySelector('#orders').checkVisibility() && !document.querySelector('#standing').checkVisibility()").await;
    page.click("#nav a[href='#orders']").await;
    page.until("scrollY === 0").await;
    office.end().await;
}

/// Whether what matters of a row is on the screen and can be pressed without scrolling sideways.
async fn is_in_sight(page: &Browser, selector: &str) {
    page.until(format!(
        "(() => {{ const e = document.querySelector({}); if (!e?.checkVisibility()) return false;
           e.scrollIntoView({{ block: 'center', inline: 'nearest' }});
           const b = e.getBoundingClientRect(), top = document.elementFromPoint(b.left + b.width / 2, b.top + b.height / 2);
           return b.left >= 0 && b.right <= innerWidth && scrollX === 0 && (top === e || e.contains(top)); }})()",
        json!(selector)
    ))
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_phone_nothing_that_matters_lies_beside_the_screen() {
    let office = Office::signed_in().await;
    let page = &office.browser;
    office.offer("50").await;
    office.section("orders").await;
    page.write("#order-phone", "0991 234 567").await;
    office.order("20").await;
    page.shows("#order-said .good", "Confirmed").await;
    office.order("10").await;
    page.shows("#order-said .wait", "Asked, not confirmed").await;
    let filter = page.value("[...document.querySelector('#order-filter').options].map(o => o.text)").await;
    assert!(!filter.to_string().contains("Fetched"), "{filter}");
    for (language, suffix) in [("English", ""), ("Kiswahili", "-swahili")] {
        page.choose("#language", language).await;
        for (width, height, size) in [(1280, 800, "wide"), (768, 1024, "tablet"), (390, 800, "narrow")] {
            page.size(width, height).await;
            for name in ["standing", "prices", "stock", "orders", "phone"] {
                office.section(name).await;
                let row = match name {
                    "prices" => "#price-table tbody tr",
                    "stock" => "#stock-list article",
                    "orders" => "#order-table tbody tr",
                    "phone" => "#keypad",
                    _ => "#standing-figures",
                };
                page.until(format!("document.querySelector({})?.checkVisibility()", json!(row))).await;
                assert_eq!(
                    page.value("scrollY").await,
                    json!(0),
                    "{name}: the top of the page is to be seen"
                );
                page.nothing_lies_beside().await;
                page.picture(&format!("{name}-{size}{suffix}")).await;
            }
            office.section("orders").await;
            for part in [".tag.good", ".tag.wait", "tr:has(.tag.good) button", ".at-sum"] {
                is_in_sight(page, &format!("#order-table {part}")).await;
            }
            office.section("prices").await;
            for part in [".at-sum", ".at-right", ".tag", "button"] {
                is_in_sight(page, &format!("#price-table tbody {part}")).await;
            }
        }
    }
    office.end().await;
}

/// The disk is an older copy.
const IN_DOUBT: &str = "INSERT OR REPLACE INTO node (key, value) VALUES ('doubt', 1)";

/// The disk is an older copy, and the hub was heard since: what there should be is known.
fn in_doubt(tx: &Transaction<'_>) -> Result<(), DbError> {
    tx.execute(IN_DOUBT, [])?;
    counts::list(tx)
}

/// An old copy of the disk was put back: what this box sold in between is known to nobody here.
#[tokio::test(flavor = "multi_thread")]
async fn what_has_to_be_counted_stands_at_the_top_with_a_button_that_leads_to_its_count() {
    let office = Office::signed_in().await;
    let page = &office.browser;
    office.offer("50").await;
    office.edge.write(|tx| tx.execute(IN_DOUBT, []).map(|_| ()).map_err(DbError::from));
    office.section("standing").await;
    page.shows("#standing", "connect this office, then count the stock").await;
    office.edge.write(in_doubt);
    office.section("standing").await;
    page.shows("#standing", "until a product is counted, the hub is asked for every new order of it").await;
    office.section("stock").await;
    page.shows("#stock-to-count", "Please count (1 left).").await;
    page.shows("#stock-list", "Why can I sell only 0 KG of my 50 KG?").await;
    // All fifty are named, and none of those that wait for a count is shown as one to sell.
    page.shows("#stock-list .legend .here", "0 KG here, to sell now").await;
    page.shows("#stock-list .legend .uncounted", "25 KG here, to be counted first").await;
    let parts = "[...document.querySelectorAll('#stock-list .parts span')].map(e => e.className)";
    assert_eq!(page.value(parts).await, json!(["uncounted", "hub"]));
    page.picture("stock-waits").await;
    page.size(400, 900).await;
    page.picture("stock-waits-400").await;
    page.size(1280, 900).await;
    page.click("#stock-to-count button").await;
    page.until("document.activeElement.id.startsWith('quantity-')").await;
    page.picture("stock-to-count").await;
    page.write("#stock-list input[id^=quantity]", "48").await;
    page.write("#stock-list input[id^=unheard]", "2").await;
    page.click("#stock-list .change button[type=submit]").await;
    page.shows("#stock-said .good", "Counted 48").await;
    page.until("document.querySelector('#stock-to-count').innerText === ''").await;
    page.shows("#stock-list", "Why can I sell only 21 KG of my 46 KG?").await;
    page.choose("#language", "Kiswahili").await;
    office.edge.write(in_doubt);
    office.section("standing").await;
    office.section("stock").await;
    page.shows("#stock-to-count", "Tafadhali hesabu (bado 1).").await;
    page.size(390, 800).await;
    page.nothing_lies_beside().await;
    page.picture("stock-to-count-swahili-narrow").await;
    office.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn whose_number_nobody_confirmed_is_marked_in_both_languages() {
    let office = Office::signed_in().await;
    let page = &office.browser;
    let order = Order { buyer_unconfirmed: true, ..web_order(71) };
    office.edge.feed(Bucket::Coop(COOP), vec![live(&order), live(&web_order(72))]);
    office.section("orders").await;
    page.shows("#order-table", "Number not confirmed: call before you set anything aside.").await;
    let marked = "[...document.querySelectorAll('#order-table tbody tr')].filter((r) => r.innerText.includes('confirmed:')).length";
    assert_eq!(page.value(marked).await, json!(1), "the other buyer is known");
    page.picture("orders-unconfirmed").await;
    page.choose("#language", "Kiswahili").await;
    page.shows("#order-table", "Namba haijathibitishwa: piga simu kabla ya kutenga bidhaa.").await;
    office.end().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_whose_password_is_kept_at_the_hub_is_told_where_to_change_it() {
    let edge = TestEdge::with_market();
    let password_hash = hashed("nyemba 2026", edge.deps()).await.unwrap();
    edge.feed(Bucket::Coop(COOP), vec![live(&clerk_of(COOP, password_hash))]);
    let office = Office::open_at(edge).await;
    let page = &office.browser;
    let shown =
        async |what: &str| page.value(&format!("document.querySelector('{what}').checkVisibility()")).await;
    page.write("#user", "0991000001").await;
    page.write("#password", "nyemba 2026\u{e007}").await;
    page.shows("#change-elsewhere", "Your own password is kept at the hub.").await;
    assert_eq!(shown("#change").await, json!(false));
    page.click("#sign-out").await;
    page.write("#user", "office").await;
    office.sign_in().await;
    assert_eq!((shown("#change").await, shown("#change-elsewhere").await), (json!(true), json!(false)));
    office.end().await;
}

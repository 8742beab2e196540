//! Looking at the market: prices with their age, products, lists, pages, ETags. Nobody has to sign in for it.

use crate::support::{Office, ids};
use mizili_edge::serve::router::document;
use mizili_edge::testing::{TestEdge, live, malawi};
use mizili_node::testing::document::paged;
use serde_json::{Value, json};
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::RegionId;
use sync_protocol::market::Region;
use sync_protocol::verdict::{Reject, RejectCode, Verdict};

async fn prices(office: &Office, query: &str) -> Value {
    office.look(&format!("/api/v1/market-prices?{query}")).await.ok()
}

#[tokio::test]
async fn the_newest_price_of_each_market_comes_with_its_month_and_age() {
    let office = Office::closed(TestEdge::with_market()).await;
    let list = prices(&office, "commodity=Maize").await;
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    assert_eq!(
        (&items[0]["market"], &items[0]["month"], &items[0]["old"]),
        (&json!("Mitundu"), &json!("2026-02"), &json!(false))
    );
    let old = &items[1];
    assert_eq!(
        (&old["market"], &old["month"], &old["old"], &old["age_months"]),
        (&json!("Lilongwe"), &json!("2022-06"), &json!(true), &json!(45))
    );
    assert_eq!(old["price"], json!({ "amount": 30_000, "currency": "MWK" }));
    assert_eq!(old["price_per_base"], json!({ "amount": 30_000, "currency": "MWK" }));
    assert_eq!(old["change_permille"], 3, "100 of 29,900");
    assert_eq!(
        (&old["source"], &old["flags"], &old["region"]),
        (&json!("WFP via HDX"), &json!(["actual"]), &json!("Central Region"))
    );
    for query in [
        "commodity=chimanga&market=lilongwe",
        "commodity=51&market=1",
        "market=Lilongwe&region=2",
        "market=LILONGWE&price_type=retail&country=mwi&latest=true",
    ] {
        let found = prices(&office, query).await;
        assert_eq!(found["items"], json!([old]), "{query}");
    }
    assert_eq!(prices(&office, "price_type=Wholesale").await["items"], json!([]));
}

#[tokio::test]
async fn a_history_is_narrowed_by_months_and_read_page_by_page() {
    let office = Office::closed(TestEdge::with_market()).await;
    let year = prices(&office, "market=Lilongwe&from=2021-07&to=2022-06").await;
    let months: Vec<&str> =
        year["items"].as_array().unwrap().iter().map(|p| p["month"].as_str().unwrap()).collect();
    assert_eq!((months.len(), months[0], months[11]), (12, "2022-06", "2021-07"));
    let (mut path, mut seen, mut pages) =
        ("/api/v1/market-prices?latest=false&limit=20".to_owned(), Vec::new(), 0);
    loop {
        let answer = office.look(&path).await;
        let link = answer.headers.get("link").map(|link| link.to_str().unwrap().to_owned());
        let page = answer.ok();
        seen.extend(
            page["items"]
                .as_array()
                .unwrap()
                .iter()
                .map(|p| (p["market"].to_string(), p["month"].to_string())),
        );
        pages += 1;
        let Some(next) = page["next"].as_str() else { break };
        assert_eq!(link.unwrap(), format!("<{next}>; rel=\"next\""));
        next.clone_into(&mut path);
    }
    assert_eq!((seen.len(), pages), (48, 3));
    seen.dedup();
    assert_eq!(seen.len(), 48, "nothing comes twice");
}

#[tokio::test]
async fn what_is_asked_wrongly_is_named() {
    let office = Office::closed(TestEdge::with_market()).await;
    for (path, code, pointer) in [
        ("/api/v1/market-prices?comodity=Maize", "unknown_parameter", None),
        ("/api/v1/market-prices?commodity=Unobtainium", "invalid_parameter", Some("?commodity")),
        ("/api/v1/market-prices?market=Atlantis", "invalid_parameter", Some("?market")),
        ("/api/v1/market-prices?region=99", "invalid_parameter", Some("?region")),
        ("/api/v1/market-prices?from=2022", "invalid_parameter", Some("?from")),
        ("/api/v1/market-prices?from=2022-02&to=2022-01", "invalid_parameter", Some("?to")),
        ("/api/v1/market-prices?latest=true&to=2022-01", "invalid_parameter", Some("?latest")),
        ("/api/v1/market-prices?latest=maybe", "invalid_parameter", Some("?latest")),
        ("/api/v1/products?limit=0", "invalid_parameter", Some("?limit")),
        ("/api/v1/products?limit=101", "invalid_parameter", Some("?limit")),
        ("/api/v1/products?cursor=abc", "invalid_parameter", Some("?cursor")),
        ("/api/v1/products?status=gone", "invalid_parameter", Some("?status")),
        ("/api/v1/products?country=Malawi", "invalid_parameter", Some("?country")),
        ("/api/v1/products?limit=1&limit=2", "invalid_parameter", Some("?limit")),
        ("/healthz?x=1", "unknown_parameter", None),
    ] {
        let answer = office.look(path).await;
        assert_eq!(answer.problem(), (400, code), "{path}");
        if let Some(pointer) = pointer {
            assert_eq!(answer.pointers(), [pointer], "{path}");
        }
    }
    for path in [
        "/api/v1/products/x",
        "/api/v1/products/018f3e6a-7c1b-7d2a-9e30-5a6b7c8d9e0f",
        "/api/v1/markets/77",
        "/api/v1/nothing",
    ] {
        assert_eq!(office.look(path).await.problem(), (404, "not_found"), "{path}");
    }
    assert_eq!(
        office.send("DELETE", "/api/v1/products", &[], None).await.problem(),
        (405, "method_not_allowed")
    );
}

#[tokio::test]
async fn products_show_what_is_here_and_what_can_be_asked_for() {
    let office = Office::open().await;
    let own = office.offer(50).await;
    let list = office.look("/api/v1/products").await.ok();
    assert_eq!(list["items"].as_array().unwrap().len(), 2);
    let first = &list["items"][0];
    assert_eq!(first["id"], own.as_str(), "newest first");
    assert_eq!(
        (&first["available"], &first["total"], &first["unit"]),
        (&json!("25"), &json!("50"), &json!("KG"))
    );
    assert_eq!(
        (&first["cooperative"], &first["region"]),
        (&json!("Mitundu Farmers"), &json!("Central Region"))
    );
    let other = &list["items"][1];
    assert_eq!(
        (&other["name"], &other["available"], &other["total"]),
        (&json!("Beans"), &json!("0"), &json!("40"))
    );
    for (query, count) in [
        ("crop=chim", 1),
        ("crop=be", 1),
        ("crop=zz", 0),
        ("commodity=Nyemba", 1),
        ("cooperative=13", 1),
        ("region=Central%20Region", 2),
        ("country=MWI", 2),
        ("country=KEN", 0),
        ("q=dowa", 1),
        ("q=maha", 1),
        ("q=nothing", 0),
        ("status=withdrawn", 0),
        ("status=any", 2),
    ] {
        let found = office.look(&format!("/api/v1/products?{query}")).await.ok();
        assert_eq!(found["items"].as_array().unwrap().len(), count, "{query}");
    }
    let page = office.look("/api/v1/products?limit=1").await.ok();
    let next = office.look(page["next"].as_str().unwrap()).await.ok();
    assert_eq!((ids(&page), ids(&next)), (vec![own.as_str()], vec![other["id"].as_str().unwrap()]));
    assert!(next.get("next").is_none());
}

#[tokio::test]
async fn an_answer_that_the_client_has_is_not_sent_again() {
    let office = Office::open().await;
    let product = office.offer(50).await;
    for path in [
        "/api/v1/products",
        &format!("/api/v1/products/{product}"),
        "/api/v1/market-prices",
        "/api/openapi.json",
    ] {
        let first = office.look(path).await;
        let tag = first.headers["etag"].to_str().unwrap().to_owned();
        let again = office.send("GET", path, &[("if-none-match", &tag)], None).await;
        assert_eq!((again.status.as_u16(), again.text.as_str()), (304, ""), "{path}");
    }
    let path = format!("/api/v1/products/{product}");
    let tag = office.look(&path).await.headers["etag"].to_str().unwrap().to_owned();
    office.order(&product, 5).await.ok();
    let changed = office.send("GET", &path, &[("if-none-match", &tag)], None).await;
    assert_eq!(changed.ok()["available"], "20");
}

#[tokio::test]
async fn the_lists_have_what_the_hub_sent() {
    let office = Office::closed(TestEdge::with_market()).await;
    for (path, count) in [
        ("commodities", 2),
        ("commodities?q=mahar", 1),
        ("units", 2),
        ("units?q=90", 1),
        ("markets", 2),
        ("markets?q=lil", 1),
        ("markets?region=Central+Region", 2),
        ("regions", 1),
        ("cooperatives", 2),
        ("cooperatives?q=mitundu", 1),
        ("markets?country=KEN", 0),
    ] {
        let list = office.look(&format!("/api/v1/{path}")).await.ok();
        assert_eq!(list["items"].as_array().unwrap().len(), count, "{path}");
    }
    let maize = office.look("/api/v1/commodities/51").await.ok();
    assert_eq!(maize["names"], json!({ "ny": "Chimanga", "sw": "Mahindi" }));
    assert_eq!(
        office.look("/api/v1/units/6").await.ok(),
        json!({ "id": 6, "code": "90 KG", "base": "kg", "factor": "90" })
    );
    assert_eq!(office.look("/api/v1/markets/1").await.ok()["latitude"], -13.96);
    assert_eq!(office.look("/api/v1/cooperatives/12").await.ok()["currency"], "MWK");
    assert_eq!(office.look("/api/v1/regions/2").await.ok()["name"], "Central Region");
}

#[tokio::test]
async fn a_box_that_belongs_to_nobody_says_so() {
    let office = Office::closed(TestEdge::empty()).await;
    office.look("/healthz").await.ok();
    assert_eq!(office.look("/readyz").await.problem(), (503, "not_enrolled"));
    assert_eq!(office.look("/api/v1/products").await.problem(), (503, "not_enrolled"));
    assert_eq!(office.sign_in("office", "x").await.problem(), (503, "not_enrolled"));
}

/// An office with two things at least in each of its lists.
async fn full() -> Office {
    let office = Office::open().await;
    office.edge.feed(
        Bucket::Country(malawi()),
        vec![live(&Region { id: RegionId(7), name: "Northern Region".into(), country: malawi() })],
    );
    // For the lists of stock, orders and receipts.
    for _ in 0..2 {
        let product = office.offer(50).await;
        let order = json!({ "product_id": product, "quantity": "1", "buyer_phone": "0888000111" });
        office.post("/api/v1/orders", order).await.ok();
    }
    // What the hub refuses: every second of these four is an order.
    for seq in [2, 4] {
        office.edge.verdict(
            seq,
            Verdict::Rejected(Reject::with(RejectCode::NotEnough, ["1".to_owned()])),
            &[],
        );
    }
    office
}

#[tokio::test]
async fn another_lists_cursor_is_refused_also_the_hubs() {
    let office = full().await;
    let lists = paged(&serde_json::to_value(document()).unwrap());
    assert!(lists.len() >= 11, "{lists:?}");
    let mut cursors = Vec::new();
    for list in &lists {
        let page = office.get(&format!("{list}?limit=1")).await.ok();
        let next = page["next"].as_str();
        let next = next.unwrap_or_else(|| panic!("{list} needs two items: make them in `full`: {page}"));
        cursors.push((list.as_str(), next.split_once("cursor=").unwrap().1.to_owned()));
    }
    // `["hub.orders", [1767225600000000, "00000000-0000-0000-0000-000000000001"]]`
    let hubs =
        "WyJodWIub3JkZXJzIixbMTc2NzIyNTYwMDAwMDAwMCwiMDAwMDAwMDAtMDAwMC0wMDAwLTAwMDAtMDAwMDAwMDAwMDAxIl1d";
    cursors.push(("hub", hubs.to_owned()));
    for (of, cursor) in &cursors {
        for list in &lists {
            let answer = office.get(&format!("{list}?cursor={cursor}")).await;
            if of == list {
                answer.ok();
            } else {
                assert_eq!(
                    (answer.problem(), answer.pointers()),
                    ((400, "invalid_parameter"), vec!["?cursor"]),
                    "{of} at {list}"
                );
            }
        }
    }
}

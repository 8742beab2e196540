//! Market prices: the newest, the history, their age, pages.

use crate::noun::{Noun, OPEN, Walk};
use crate::reference;
use crate::support::TestHub;
use axum::http::Method;
use serde_json::{Value, json};

pub(crate) const NOUN: Noun = Noun {
    routes: &[(Method::GET, "/api/v1/market-prices", OPEN)],
    fill: |hub| Box::pin(fill(hub)),
    country: "
        INSERT INTO price_series (market_id, commodity_id, unit_id, price_type, currency, source, newest_month)
            SELECT m, c, 1, 'Retail', 'MWK', 'wfp', 24300 FROM generate_series(1, 420) m, generate_series(1, 11) c
            ON CONFLICT DO NOTHING;
        INSERT INTO prices (series_id, month, price_minor, flags, import_id)
            SELECT s.id, 24300 - n, 100, 1, 1 FROM price_series s, generate_series(0, 21) n ON CONFLICT DO NOTHING;
        INSERT INTO price_revisions (series_id, month, import_id, price_minor, flags)
            SELECT series_id, month, 1, 90, 1 FROM prices;",
    walks: &[
        Walk::open(
            "/api/v1/market-prices?commodity=Crop 5&market=Market 7",
            "s.commodity_id = $1 AND s.market_id = $2 ORDER",
            "price_series_commodity",
        ),
        Walk::open(
            "/api/v1/market-prices?commodity=Crop 5&market=Market 7",
            "s.commodity_id = $1 AND s.market_id = $2 ORDER",
            "prices_pkey",
        ),
        Walk::open(
            "/api/v1/market-prices?commodity=5&market=7&from=2024-01",
            "s.market_id = $2 AND p.month >= $3 ORDER",
            "prices_pkey",
        ),
        Walk::open(
            "/api/v1/market-prices?market=7",
            "WHERE true AND s.market_id = $1 ORDER",
            "price_series_key",
        ),
    ],
    ..Noun::NOTHING
};

/// Months since the year 0.
fn month(year: u32, month: u32) -> u32 {
    year * 12 + month - 1
}

/// The clock stands in March 2026.
async fn hub() -> TestHub {
    let hub = TestHub::with_market().await;
    reference::fill(&hub).await;
    fill(&hub).await;
    hub
}

/// What was paid at the market towns. Nothing is told apart by an id.
async fn fill(hub: &TestHub) -> String {
    let series = [
        // market, commodity, unit, type, currency: prices by month
        ((1, 1, 1, "Retail", "MWK"), vec![(month(2022, 5), 48_000, 1), (month(2022, 6), 52_000, 3)]),
        (
            (2, 1, 1, "Retail", "MWK"),
            vec![(month(2025, 11), 60_000, 1), (month(2025, 12), 61_000, 1), (month(2026, 1), 30_500, 5)],
        ),
        ((3, 1, 2, "Wholesale", "KES"), vec![(month(2025, 11), 450_000, 1)]),
        ((4, 2, 3, "Retail", "KES"), vec![(month(2026, 2), 5_000, 2)]),
    ];
    for (id, ((market, commodity, unit, price_type, currency), prices)) in (1..).zip(series) {
        let newest = prices.last().unwrap().0;
        hub.sql(&format!(
            "INSERT INTO price_series (market_id, commodity_id, unit_id, price_type, currency, source, newest_month)
             VALUES ({market}, {commodity}, {unit}, '{price_type}', '{currency}', 'wfp', {newest})"
        ))
        .await;
        for (month, price, flags) in prices {
            hub.sql(&format!("INSERT INTO prices VALUES ({id}, {month}, {price}, {flags}, 1)")).await;
        }
    }
    String::new()
}

async fn list(hub: &TestHub, query: &str) -> Vec<Value> {
    let json = hub.get(&format!("/api/v1/market-prices?{query}")).send().await.is(200).json();
    json["items"].as_array().unwrap().clone()
}

#[tokio::test]
async fn the_newest_price_is_shown_with_its_age() {
    let hub = hub().await;
    let prices = list(&hub, "commodity=maize&market=lilongwe").await;
    assert_eq!(
        prices,
        [json!({
            "commodity_id": 1, "commodity": "Maize", "market_id": 1, "market": "Lilongwe", "region": "Central Region",
            "country": "MWI", "unit": "KG", "price_type": "Retail", "month": "2022-06", "age_months": 45, "old": true,
            "price": { "amount": 52_000, "currency": "MWK" }, "price_per_base": { "amount": 52_000, "currency": "MWK" },
            "change_permille": 83, "flags": ["actual", "aggregate"], "source": "WFP via HDX",
        })]
    );
    let mzuzu = list(&hub, "commodity=1&market=2").await;
    assert_eq!(mzuzu[0]["month"], "2026-01");
    assert_eq!(mzuzu[0]["old"], false);
    assert_eq!(mzuzu[0]["change_permille"], -500);
    assert_eq!(mzuzu[0]["flags"], json!(["actual", "suspect"]));
    let mombasa = list(&hub, "market=Mombasa").await;
    assert_eq!(mombasa[0]["price_per_base"]["amount"], 5_000, "90 KG for 4,500 shillings");
    assert_eq!(mombasa[0]["old"], true, "four months");
    assert!(mombasa[0].get("change_permille").is_none());
    let hola = list(&hub, "market=hola").await;
    assert_eq!(hola[0]["region"], Value::Null);
    assert!(hola[0].get("price_per_base").is_none(), "a bunch has no weight");
}

#[tokio::test]
async fn the_newest_of_every_series_comes_newest_first() {
    let hub = hub().await;
    let months = async |query: &str| {
        list(&hub, query).await.iter().map(|p| p["month"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(months("").await, ["2026-02", "2026-01", "2025-11", "2022-06"]);
    assert_eq!(months("latest=true&country=mwi").await, ["2026-01", "2022-06"]);
    assert_eq!(months("region=Northern+Region").await, ["2026-01"]);
    assert_eq!(months("region=3").await, ["2025-11"]);
    assert_eq!(months("commodity=chimanga&price_type=wholesale").await, ["2025-11"]);
}

#[tokio::test]
async fn a_history_has_every_month_between_two() {
    let hub = hub().await;
    let months = async |query: &str| {
        list(&hub, query).await.iter().map(|p| p["month"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(months("commodity=maize&market=mzuzu&latest=false").await, ["2026-01", "2025-12", "2025-11"]);
    assert_eq!(months("commodity=maize&market=mzuzu&from=2025-12").await, ["2026-01", "2025-12"]);
    assert_eq!(months("commodity=maize&from=2025-11&to=2025-12").await, ["2025-12", "2025-11", "2025-11"]);
    assert_eq!(months("to=2022-05").await, ["2022-05"]);
    assert!(months("from=2026-03").await.is_empty());
}

#[tokio::test]
async fn pages_hold_every_price_once() {
    let hub = hub().await;
    for query in ["latest=false&limit=2", "limit=1", "commodity=maize&limit=3&from=2022-01"] {
        let whole = list(
            &hub,
            &query
                .replace("limit=1", "limit=100")
                .replace("limit=2", "limit=100")
                .replace("limit=3", "limit=100"),
        )
        .await;
        let mut seen = Vec::new();
        let mut at = Some(format!("/api/v1/market-prices?{query}"));
        while let Some(path) = at {
            let page = hub.get(&path).send().await.is(200).json();
            seen.extend(page["items"].as_array().unwrap().clone());
            at = page["next"].as_str().map(str::to_owned);
        }
        assert_eq!(seen, whole, "{query}");
    }
}

#[tokio::test]
async fn what_cannot_be_answered_names_the_parameter() {
    let hub = hub().await;
    for (query, parameter) in [
        ("commodity=maiz", "?commodity"),
        ("market=Lilongwee", "?market"),
        ("region=Narnia", "?region"),
        ("commodity=999", "?commodity"),
        ("from=2022", "?from"),
        ("to=2022-13", "?to"),
        ("from=2022-06&to=2022-05", "?to"),
        ("latest=true&from=2022-06", "?latest"),
        ("latest=yes", "?latest"),
        ("limit=0", "?limit"),
        ("limit=1000", "?limit"),
        ("cursor=nonsense", "?cursor"),
        ("country=Malawi", "?country"),
        ("market=", "?market"),
        ("market=1&market=2", "?market"),
    ] {
        let problem =
            hub.get(&format!("/api/v1/market-prices?{query}")).send().await.problem(400, "invalid_parameter");
        assert_eq!(problem["errors"][0]["pointer"], parameter, "{query}");
    }
    // Known, but nothing to show.
    assert!(list(&hub, "commodity=beans&market=lilongwe").await.is_empty());
}

//! The lists that everything else refers to, and cooperatives.

use crate::noun::{Noun, OPEN};
use crate::support::TestHub;
use axum::http::Method;
use serde_json::json;

pub(crate) const NOUN: Noun = Noun {
    routes: &[
        (Method::GET, "/api/v1/commodities", OPEN),
        (Method::GET, "/api/v1/commodities/{id}", OPEN),
        (Method::GET, "/api/v1/units", OPEN),
        (Method::GET, "/api/v1/units/{id}", OPEN),
        (Method::GET, "/api/v1/markets", OPEN),
        (Method::GET, "/api/v1/markets/{id}", OPEN),
        (Method::GET, "/api/v1/regions", OPEN),
        (Method::GET, "/api/v1/regions/{id}", OPEN),
        (Method::GET, "/api/v1/cooperatives", OPEN),
        (Method::GET, "/api/v1/cooperatives/{id}", OPEN),
    ],
    fill: |hub| Box::pin(fill(hub)),
    country: "
        INSERT INTO regions (country, name) SELECT 'MWI', 'Region ' || n FROM generate_series(1, 50) n;
        INSERT INTO commodities (name, category, on_menus) SELECT 'Crop ' || n, 'cereals', true FROM generate_series(1, 60) n;
        INSERT INTO markets (country, name, region_id) SELECT 'MWI', 'Market ' || n, 1 + n % 50 FROM generate_series(1, 420) n;
        INSERT INTO cooperatives (name, country, region_id, currency)
            SELECT 'Cooperative ' || n, 'MWI', 4 + n % 50, 'MWK' FROM generate_series(1, 2000) n;",
    // As many as somebody has typed in, or an import of places and crops has: they do not grow with what is sold.
    small: &["regions", "region_neighbours", "commodities", "units", "markets", "cooperatives"],
    ..Noun::NOTHING
};

/// The market towns; all else is there already.
pub(crate) async fn fill(hub: &TestHub) -> String {
    hub.sql(
        "INSERT INTO markets (country, name, region_id) VALUES
             ('MWI', 'Lilongwe', 1), ('MWI', 'Mzuzu', 2), ('KEN', 'Mombasa', 3), ('KEN', 'Hola', NULL)",
    )
    .await;
    "1".to_owned()
}

#[tokio::test]
async fn lists_are_narrowed_paged_and_single_things_are_found() {
    let hub = TestHub::with_market().await;
    hub.sql("INSERT INTO markets (country, name, region_id, district, latitude_e5, longitude_e5) VALUES ('MWI', 'Lilongwe', 1, 'Lilongwe', -1398333, 3378333), ('KEN', 'Hola', NULL, '', NULL, NULL)").await;
    let items =
        async |path: &str| hub.get(path).send().await.is(200).json()["items"].as_array().unwrap().clone();
    assert_eq!(items("/api/v1/commodities").await.len(), 4);
    assert_eq!(
        items("/api/v1/commodities?q=chim").await[0]["names"],
        json!({ "fr": "maïs", "ny": "chimanga", "sw": "mahindi" })
    );
    assert_eq!(
        items("/api/v1/units?q=90").await,
        [json!({ "id": 2, "code": "90 KG", "base": "kg", "factor": "90" })]
    );
    assert_eq!(items("/api/v1/markets?region=central+region").await[0]["latitude"], json!(-13.98333));
    assert_eq!(items("/api/v1/markets?country=KEN").await[0]["district"], json!(null));
    assert_eq!(items("/api/v1/regions?country=MWI").await.len(), 2);
    assert_eq!(items("/api/v1/cooperatives?region=2").await[0]["name"], "Mzuzu Farmers");
    assert_eq!(items("/api/v1/cooperatives?q=grow").await[0]["currency"], "MWK");
    for path in ["commodities", "units", "markets", "regions", "cooperatives"] {
        let list = items(&format!("/api/v1/{path}?limit=100")).await;
        let one = hub.get(&format!("/api/v1/{path}/{}", list[0]["id"])).send().await.is(200);
        assert_eq!(one.json(), list[0]);
        let first = hub.get(&format!("/api/v1/{path}?limit=1")).send().await.is(200).json();
        let next = items(first["next"].as_str().unwrap()).await;
        assert_eq!(next, [list[1].clone()], "{path}");
        for unknown in ["99", "0", "-1", "99999999999", "maize", "1.5", "%00"] {
            hub.get(&format!("/api/v1/{path}/{unknown}")).send().await.problem(404, "not_found");
        }
    }
}

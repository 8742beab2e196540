//! The lists that everything else refers to, and cooperatives.

use crate::support::TestHub;
use serde_json::json;

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

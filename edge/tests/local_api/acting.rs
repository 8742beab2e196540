//! Orders at the office: taking and cancelling them; what is sold, what is only asked, what is wrong.

use crate::support::{Office, PASSWORD, ids, started, with};
use mizili_edge::db::DbError;
use mizili_edge::replica;
use mizili_edge::testing::{CALLER_PHONE, COOP, MEMBER_PHONE, live, member_id};
use serde_json::{Value, json};
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::ListingId;
use sync_protocol::market::Listing;
use sync_protocol::row::Key;
use sync_protocol::verdict::{Applied, Reject, RejectCode, Verdict};

const PRODUCTS: &str = "/api/v1/products";

const ORDERS: &str = "/api/v1/orders";

#[tokio::test]
async fn what_is_held_is_sold_and_what_is_not_is_only_asked_for() {
    let office = Office::open().await;
    let product = office.offer(50).await;
    let sold = office.order(&product, 20).await;
    assert_eq!(sold.status, 201);
    let id = sold.json["id"].as_str().unwrap().to_owned();
    assert_eq!(sold.headers["location"], format!("{ORDERS}/{id}"));
    assert_eq!(
        (&sold.json["status"], &sold.json["synced"], &sold.json["channel"], &sold.json["buyer_name"]),
        (&json!("confirmed"), &json!(false), &json!("office"), &json!("Walk-in"))
    );
    assert_eq!(sold.json["total"], json!({ "amount": 900_000, "currency": "MWK" }));
    let asked = office.order(&product, 10).await.ok();
    assert_eq!(asked["status"], "asked", "only 5 are left here");
    let now = office.get(&format!("{PRODUCTS}/{product}")).await.ok();
    assert_eq!((&now["available"], &now["total"]), (&json!("5"), &json!("30")));
    assert_eq!(office.get(&format!("{ORDERS}/{id}")).await.ok(), sold.json);
    let beans = office.get("/api/v1/products?crop=beans").await.ok();
    assert_eq!(office.order(ids(&beans)[0], 3).await.ok()["status"], "asked", "another cooperative's");
    let list = office.get(ORDERS).await.ok();
    assert_eq!(list["items"].as_array().unwrap().len(), 3);
    assert_eq!(
        office.get(&format!("{ORDERS}?status=asked&cooperative=12")).await.ok()["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        office.get(&format!("{ORDERS}?product={product}&limit=1")).await.ok()["items"]
            .as_array()
            .unwrap()
            .len(),
        1
    );
}

#[tokio::test]
async fn more_than_there_is_anywhere_is_refused_at_once() {
    let office = Office::open().await;
    let product = office.offer(50).await;
    let refused = office.order(&product, 51).await;
    assert_eq!(refused.problem(), (409, "not_enough"));
    assert_eq!(
        (&refused.json["detail"], &refused.json["available"]),
        (&json!("Only 50 KG are left."), &json!("50"))
    );
    assert_eq!(office.order(&product, 50).await.ok()["status"], "asked", "half of it lies at the hub");
    // Another cooperative's catalogue says forty.
    let beans = office.get("/api/v1/products?crop=beans").await.ok();
    assert_eq!(office.order(ids(&beans)[0], 41).await.problem(), (409, "not_enough"));
    assert_eq!(office.order(ids(&beans)[0], 40).await.ok()["status"], "asked");
    // Whose data may be older than what was done does not know how much there is.
    let rewound = "INSERT INTO node (key, value) VALUES ('doubt', 1)";
    office.edge.write(move |tx| Ok::<_, DbError>(tx.execute(rewound, []).map(|_| ())?));
    assert_eq!(office.order(&product, 500).await.ok()["status"], "asked");
}

#[tokio::test]
async fn nobody_is_sold_what_he_offers_himself() {
    let office = Office::open().await;
    let product = office.offer(50).await;
    let id = ListingId(product.parse().unwrap());
    let row: Listing = office.edge.read(move |conn| replica::get(conn, Key::Uuid(id.0))).unwrap();
    let mine = Listing { seller: Some(member_id()), ..row };
    office.edge.feed(Bucket::Coop(COOP), vec![live(&mine)]);
    let drop_local = "DELETE FROM local_row WHERE entity = 13";
    office.edge.write(move |tx| Ok::<_, DbError>(tx.execute(drop_local, []).map(|_| ())?));
    let order = |phone: Option<u64>| {
        let body = json!({ "product_id": product, "quantity": "1" });
        match phone {
            Some(phone) => with_phone(body, phone),
            None => body,
        }
    };
    let refused = office.post_as("own", ORDERS, order(Some(MEMBER_PHONE))).await;
    assert_eq!((refused.status.as_u16(), refused.pointers()), (422, vec!["/buyer_phone"]));
    assert_eq!(refused.json["errors"][0]["detail"], "This is the buyer's own offer.");
    for (key, phone) in [("nobody", None), ("another", Some(CALLER_PHONE))] {
        assert_eq!(office.post_as(key, ORDERS, order(phone)).await.ok()["status"], "confirmed");
    }
}

fn with_phone(mut body: Value, phone: u64) -> Value {
    body["buyer_phone"] = json!(format!("+{phone}"));
    body
}

#[tokio::test]
async fn an_order_that_comes_twice_is_one_and_gets_the_first_answer() {
    let mut office = Office::open().await;
    let product = office.offer(50).await;
    let body = json!({ "product_id": product, "quantity": "2", "buyer_phone": "0991 234 567" });
    let first = office.post_as("k1", ORDERS, body.clone()).await;
    assert_eq!((first.status.as_u16(), &first.json["buyer_phone"]), (201, &json!("+265991234567")));
    // Much happens in between: a new price, and the order itself is cancelled.
    office
        .patch(
            &format!("{PRODUCTS}/{product}"),
            "*",
            json!({ "price": { "amount": 60_000, "currency": "MWK" } }),
        )
        .await
        .ok();
    office.post(&format!("{ORDERS}/{}/cancel", first.json["id"].as_str().unwrap()), json!({})).await.ok();
    let again = office.post_as("k1", ORDERS, body.clone()).await;
    assert_eq!((again.status.as_u16(), &again.json), (201, &first.json));
    assert_eq!(again.headers["idempotent-replay"], "true");
    for other in [
        with(body.clone(), "/quantity", json!("3")),
        with(body.clone(), "/buyer_phone", json!("0991 234 568")),
        json!({ "product_id": product, "quantity": "2", "buyer_phone": "0991 234 567", "buyer_name": "Mercy" }),
        json!({ "product_id": product, "quantity": "2", "buyer_phone": "0991 234 567", "unit_price": { "amount": 60_000, "currency": "MWK" } }),
    ] {
        assert_eq!(
            office.post_as("k1", ORDERS, other.clone()).await.problem(),
            (422, "idempotency_key_reused"),
            "{other}"
        );
    }
    assert_eq!(office.get(ORDERS).await.ok()["items"].as_array().unwrap().len(), 1);
    office.app = started(&office.edge);
    office.token = office.sign_in("office", PASSWORD).await.ok()["token"].as_str().unwrap().to_owned();
    assert_eq!(office.post_as("k1", ORDERS, body).await.json, first.json, "also after a restart");
}

#[tokio::test]
async fn what_is_wrong_with_an_order_is_pointed_at() {
    let office = Office::open().await;
    let product = office.offer(50).await;
    let order = |quantity: Value| json!({ "product_id": product, "quantity": quantity });
    for bad in [json!("0"), json!("-3"), json!(1e30), json!("x"), json!("0.0001"), json!("1000000001")] {
        let answer = office.post(ORDERS, order(bad.clone())).await;
        assert_eq!((answer.status.as_u16(), answer.pointers()), (422, vec!["/quantity"]), "{bad}");
    }
    for (name, bad, pointer) in [
        ("buyer_phone", json!("hello"), "/buyer_phone"),
        ("buyer_phone", json!("099"), "/buyer_phone"),
        ("buyer_name", json!("x".repeat(81)), "/buyer_name"),
        ("unit_price", json!({ "amount": -1, "currency": "MWK" }), "/unit_price/amount"),
        ("unit_price", json!({ "amount": 45_000, "currency": "KES" }), "/unit_price/currency"),
        ("colour", json!("red"), "/colour"),
    ] {
        let mut body = order(json!("1"));
        body[name] = bad;
        let answer = office.post(ORDERS, body).await;
        assert_eq!((answer.status.as_u16(), answer.pointers()), (422, vec![pointer]), "{name}");
    }
    let mut body = order(json!("1"));
    body["unit_price"] = json!({ "amount": 44_000, "currency": "MWK" });
    let changed = office.post(ORDERS, body).await;
    assert_eq!(changed.problem(), (409, "price_changed"));
    assert_eq!(changed.json["unit_price"], json!({ "amount": 45_000, "currency": "MWK" }));
    let nothing = json!({ "product_id": "018f3e6a-7c1b-7d2a-9e30-5a6b7c8d9e0f", "quantity": "1" });
    assert_eq!(office.post(ORDERS, nothing).await.problem(), (404, "not_found"));
    let bearer = format!("Bearer {}", office.token);
    let keyless = office.send("POST", ORDERS, &[("authorization", &bearer)], Some(order(json!("1")))).await;
    assert_eq!(keyless.problem(), (400, "idempotency_key_required"));
    assert_eq!(office.post_as("a b", ORDERS, order(json!("1"))).await.problem(), (400, "invalid_header"));
    assert!(office.get(ORDERS).await.ok()["items"].as_array().unwrap().is_empty(), "none was taken");
}

#[tokio::test]
async fn a_cancellation_is_certain_only_for_what_never_left() {
    let office = Office::open().await;
    let product = office.offer(50).await;
    let (one, two) = (office.order(&product, 10).await.ok(), office.order(&product, 5).await.ok());
    let path = |order: &Value| format!("{ORDERS}/{}/cancel", order["id"].as_str().unwrap());
    let gone = office.post(&path(&one), json!({})).await.ok();
    assert_eq!((&gone["status"], gone.get("reason")), (&json!("cancelled"), None));
    assert_eq!(
        office.get(&format!("{PRODUCTS}/{product}")).await.ok()["available"],
        "20",
        "its units are back"
    );
    assert_eq!(office.post(&path(&one), json!({})).await.ok(), gone, "twice does no harm");
    // The hub has the other one: its cancellation is asked for.
    let (order, sale) = office.edge.read(|conn| sent_rows(conn, two["id"].as_str().unwrap()));
    office.edge.feed(Bucket::Coop(COOP), vec![order, sale]);
    assert_eq!(office.get(&format!("{ORDERS}/{}", two["id"].as_str().unwrap())).await.ok()["synced"], true);
    let asked = office.post(&path(&two), json!({})).await.ok();
    assert_eq!((&asked["status"], &asked["synced"]), (&json!("cancelled"), &json!(false)));
    assert!(asked["reason"].as_str().unwrap().contains("not agreed"), "{asked}");
    assert_eq!(
        office.get(&format!("{PRODUCTS}/{product}")).await.ok()["available"],
        "20",
        "its units are not"
    );
    let stock = office.get("/api/v1/office/stock").await.ok();
    assert_eq!(stock["items"][0]["coming_back"], "5");
    assert_eq!(
        office
            .post(&format!("{ORDERS}/018f3e6a-7c1b-7d2a-9e30-5a6b7c8d9e0f/cancel"), json!({}))
            .await
            .problem()
            .0,
        404
    );
}

/// An order and its sale as the hub would send them back.
fn sent_rows(
    conn: &rusqlite::Connection,
    id: &str,
) -> Result<(sync_protocol::row::Row, sync_protocol::row::Row), mizili_edge::db::DbError> {
    use mizili_edge::{replica, testing::live};
    use sync_protocol::market::{EntryId, Order, StockEntry};
    use sync_protocol::row::Key;
    let id: uuid::Uuid = id.parse().unwrap();
    let order: Order = replica::get(conn, Key::Uuid(id))?.unwrap();
    let sale: StockEntry = replica::get(conn, Key::Step(id, EntryId::SOLD))?.unwrap();
    Ok((live(&order), live(&sale)))
}

/// Whoever asks again because no answer came is not told that it was refused: see the order, and the list.
#[tokio::test]
async fn cancelling_twice_does_no_harm_either_where_the_hub_refused_the_order_in_between() {
    let office = Office::open().await;
    let product = office.offer(50).await;
    let asked = office.order(&product, 40).await.ok();
    let order = format!("{ORDERS}/{}", asked["id"].as_str().unwrap());
    let cancel = format!("{order}/cancel");
    assert_eq!(office.post(&cancel, json!({})).await.ok()["status"], "cancelled");
    office.edge.verdict(1, Verdict::Applied(Applied::default()), &[]);
    let no = Reject::with(RejectCode::NotEnough, ["25".to_owned()]);
    office.edge.verdict(2, Verdict::Rejected(no), &[]);
    office.edge.verdict(3, Verdict::Applied(Applied::default()), &[]);
    office.edge.write(|tx| {
        let now = mizili_edge::time::Now { best_s: 0, lived_s: 0, heard_s: 0 };
        mizili_edge::told::tell(tx, &now).map(|_| ())
    });
    let stands = office.get(&order).await.ok();
    assert_eq!(
        (&stands["status"], stands.get("reason")),
        (&json!("cancelled"), None),
        "no row of it is left"
    );
    assert_eq!(office.post(&cancel, json!({})).await.ok(), stands);
}

#[tokio::test]
async fn one_order_is_explained_in_the_language_of_who_asks_as_the_list_is() {
    let office = Office::open().await;
    let product = office.offer(50).await;
    let (one, two) = (office.order(&product, 5).await.ok(), office.order(&product, 40).await.ok());
    let id = |order: &Value| order["id"].as_str().unwrap().to_owned();
    let (order, sale) = office.edge.read(|conn| sent_rows(conn, &id(&one)));
    office.edge.feed(Bucket::Coop(COOP), vec![order, sale]);
    office.edge.verdict(1, Verdict::Applied(Applied::default()), &[]);
    office.edge.verdict(2, Verdict::Applied(Applied::default()), &[]);
    let no = Reject::with(RejectCode::NotEnough, ["25".to_owned()]);
    office.edge.verdict(3, Verdict::Rejected(no), &[]);
    let bearer = format!("Bearer {}", office.token);
    let headers = [("authorization", bearer.as_str()), ("accept-language", "sw")];
    let cancel = format!("{ORDERS}/{}/cancel", id(&one));
    let cancelled = office.send("POST", &cancel, &headers, Some(json!({}))).await.ok();
    assert_eq!(cancelled["reason"], "Kituo kikuu bado hakijakubali kufuta.");
    let list = office.send("GET", ORDERS, &headers, None).await.ok();
    for order in [&one, &two] {
        let alone = office.send("GET", &format!("{ORDERS}/{}", id(order)), &headers, None).await.ok();
        assert!(list["items"].as_array().unwrap().contains(&alone), "{alone} in {list}");
    }
}

#[tokio::test]
async fn a_refusal_reaches_the_order_and_the_list_with_its_reason() {
    let office = Office::open().await;
    let product = office.offer(50).await;
    office.patch(&format!("{PRODUCTS}/{product}"), "*", json!({ "title": "Grade A" })).await.ok();
    let asked = office.order(&product, 40).await.ok();
    let id = asked["id"].as_str().unwrap();
    let coop = Bucket::Coop(COOP);
    office.edge.verdict(1, Verdict::Applied(Applied::default()), &[(coop, office.edge.head(coop) + 9)]);
    office.edge.verdict(
        2,
        Verdict::Rejected(Reject::with(RejectCode::Conflict, ["title".into(), "Best".into()])),
        &[],
    );
    let no = Reject::with(RejectCode::NotEnough, ["25".to_owned()]);
    office.edge.verdict(3, Verdict::Rejected(no), &[]);
    let order = office.get(&format!("{ORDERS}/{id}")).await.ok();
    assert_eq!(
        (&order["status"], &order["reason"]),
        (&json!("refused"), &json!("Only 25 KG were left at the hub."))
    );
    assert_eq!(order["total"], json!({ "amount": 1_800_000, "currency": "MWK" }));
    assert_eq!(ids(&office.get(&format!("{ORDERS}?status=refused")).await.ok()), [id]);
    assert_eq!(ids(&office.get(ORDERS).await.ok()), [id]);
    assert_eq!(office.post(&format!("{ORDERS}/{id}/cancel"), json!({})).await.problem(), (409, "too_late"));
    let list = office.get("/api/v1/office/refusals").await.ok();
    let items = list["items"].as_array().unwrap();
    assert_eq!(items.len(), 2);
    let of = |kind: &str| items.iter().find(|item| item["kind"] == kind).unwrap();
    let refused = of("order.place");
    assert_eq!(
        (&refused["what"], &refused["why"]),
        (&json!("Order of 40 KG Maize for Walk-in"), &json!("Only 25 KG were left at the hub."))
    );
    assert_eq!(
        (&refused["who"], &refused["code"], &refused["in_part"]),
        (&json!("the office"), &json!("not_enough"), &json!(false))
    );
    let edit = of("listing.edit");
    assert_eq!(edit["why"], "Somebody else had changed it: the name is now \"Best\".");
    let swahili = office.get("/api/v1/office/refusals?lang=sw&limit=1").await.ok();
    assert!(swahili["items"][0]["what"].as_str().unwrap().starts_with("Oda ya"), "{swahili}");
    assert!(swahili["next"].is_string());
}

#[tokio::test]
async fn the_pages_phone_walks_the_menus_and_what_it_does_is_done_at_the_office() {
    const PATH: &str = "/api/v1/office/phone";
    let office = Office::open().await;
    let step = async |text: &str| {
        office.post(PATH, json!({ "phone": "0991 234 567", "call": "one", "text": text })).await.ok()
    };
    let home = step("").await;
    assert_eq!(
        (home["more"].as_bool(), step("").await),
        (Some(true), home.clone()),
        "the same step, the same screen"
    );
    assert!(home["text"].as_str().unwrap().len() > 20, "{home}");
    office.offer(50).await;
    // Buy, the first crop, the first offer, 2 of it, yes.
    let mut text = String::new();
    let mut last = home;
    for key in ["3", "1", "1", "2", "1"] {
        text = if text.is_empty() { key.to_owned() } else { format!("{text}*{key}") };
        last = step(&text).await;
    }
    assert!(last["text"].as_str().unwrap().contains("CONFIRMED"), "{last}");
    assert_eq!(step(&text).await, last, "done once");
    let orders = office.get("/api/v1/orders").await.ok();
    assert_eq!(orders["items"].as_array().unwrap().len(), 1, "{orders}");
    let order = &orders["items"][0];
    assert_eq!((&order["channel"], &order["buyer_phone"]), (&json!("office"), &json!("+265991234567")));
    let body = json!({ "phone": "0991 234 567", "call": "one", "text": "" });
    assert_eq!(office.send("POST", PATH, &[], Some(body)).await.problem(), (401, "unauthorized"));
    for (field, bad) in [("phone", json!("hello")), ("call", json!("")), ("text", json!("1*".repeat(600)))] {
        let mut body = json!({ "phone": "0991 234 567", "call": "one", "text": "" });
        body[field] = bad;
        assert_eq!(office.post(PATH, body).await.pointers(), [format!("/{field}")]);
    }
}

//! How things stand: status, stock with its explanation, changes of the stock.

use crate::support::{Office, config};
use mizili_edge::commands::HUB_TOO_OLD;
use mizili_edge::db::DbError;
use mizili_edge::node;
use mizili_edge::sync::CODES;
use mizili_edge::testing::{COOP, EDGE, live, web_order};
use mizili_edge::time;
use serde_json::{Value, json};
use std::time::Duration;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{EdgeId, Holder, ListingId, OrderId, hub_born};
use sync_protocol::market::{EntryId, EntryKind, Order, OrderStatus, StockEntry};
use sync_protocol::units::Quantity;

const STATUS: &str = "/api/v1/office/status";
const STOCK: &str = "/api/v1/office/stock";
const ADJUST: &str = "/api/v1/office/stock/adjust";

fn sentences(value: &Value) -> String {
    value.as_array().unwrap().iter().map(|s| s.as_str().unwrap()).collect::<Vec<_>>().join(" ")
}

#[tokio::test]
async fn the_status_says_what_waits_and_when_the_hub_was_heard() {
    let office = Office::open().await;
    let fresh = office.get(STATUS).await.ok();
    assert_eq!((&fresh["waiting"], &fresh["last_contact"]), (&json!(0), &Value::Null));
    assert!(
        sentences(&fresh["summary"]).starts_with("Nothing is waiting to be sent. There has been no contact")
    );
    assert_eq!(fresh["cooperative"]["name"], "Mitundu Farmers");
    let gateway = &config().gateways[0];
    assert_eq!(fresh["gateways"][0]["name"], gateway.name);
    assert!(!fresh.to_string().contains(&gateway.secret), "whoever is signed in could act as the gateway");
    let product = office.offer(50).await;
    office.order(&product, 1).await.ok();
    // The hub's clock is an hour ahead of the box's.
    let at = office.edge.deps().clock.read();
    office.edge.write(move |tx| time::heard(tx, at, at.wall_s + 3_600));
    office.edge.clock().advance(Duration::from_secs(120));
    let status = office.get(STATUS).await.ok();
    assert_eq!((&status["waiting"], &status["last_contact_age_s"]), (&json!(2), &json!(120)));
    assert_eq!(status["last_contact"], "2026-03-01T09:00:00Z");
    assert_eq!(status["in_touch"], false, "nothing listens to the hub here");
    let words = sentences(&status["summary"]);
    assert!(
        words.starts_with(
            "2 things are waiting to be sent. Last contact: 2026-03-01T09:00:00Z. Nothing is lost."
        ),
        "{words}"
    );
    assert!(
        sentences(&office.get(&format!("{STATUS}?lang=sw")).await.ok()["summary"]).starts_with("Mambo 2")
    );
    assert_eq!(office.get(&format!("{STATUS}?lang=xx")).await.pointers(), ["?lang"]);
}

#[tokio::test]
async fn what_is_wrong_is_said_in_a_sentence_and_in_a_word_of_the_list() {
    let office = Office::open().await;
    let told = async || {
        let status = office.get(STATUS).await.ok();
        (status["problem"].clone(), status["problem_code"].clone())
    };
    assert_eq!(told().await, (Value::Null, Value::Null));
    let stopped_by = |code: &'static str, words: &'static str| {
        office.edge.write(move |tx| -> Result<(), DbError> {
            tx.execute("UPDATE sync_state SET error_code = ?1, error_text = ?2", [code, words])?;
            Ok(())
        });
    };
    stopped_by("offline", "cannot reach the hub: refused");
    assert_eq!(told().await, (json!("cannot reach the hub: refused"), json!("offline")));
    stopped_by("of_a_later_version", "nobody here knows this");
    assert_eq!(told().await, (json!("nobody here knows this"), json!("other")));
}

#[test]
fn the_description_lists_every_word_with_its_meaning() {
    let document = serde_json::to_value(mizili_edge::serve::router::document()).unwrap();
    let field = &document["components"]["schemas"]["OfficeStatus"]["properties"]["problem_code"];
    let words: Vec<Value> = CODES.iter().map(|(code, _)| json!(code)).chain([Value::Null]).collect();
    assert_eq!((&field["enum"], &field["type"]), (&json!(words), &json!(["string", "null"])));
    let description = field["description"].as_str().unwrap();
    for (code, meaning) in CODES {
        assert!(description.contains(&format!("`{code}` ({meaning})")), "{description}");
    }
}

#[tokio::test]
async fn the_stock_answers_why_only_25_of_50_can_be_sold() {
    let office = Office::open().await;
    let product = office.offer(50).await;
    office.order(&product, 20).await.ok();
    let list = office.get(STOCK).await.ok();
    assert_eq!(list["items"].as_array().unwrap().len(), 1, "the own cooperative's alone");
    let line = &list["items"][0];
    let figures = [
        "can_sell",
        "held_here",
        "held_by_hub",
        "held_by_others",
        "sold_not_fetched",
        "coming_back",
        "expected",
    ];
    assert_eq!(figures.map(|name| line[name].as_str().unwrap()), ["5", "5", "25", "0", "20", "0", "50"]);
    let words = sentences(&line["explanation"]);
    for part in [
        "You can sell 5 KG here",
        "25 KG are kept for buyers who order by phone",
        "When a product is offered, 50 of every 100",
        "20 KG are sold",
    ] {
        assert!(words.contains(part), "{words}");
    }
    let one = office.get(&format!("{STOCK}?product={product}&lang=sw")).await.ok();
    assert!(sentences(&one["items"][0]["explanation"]).contains("Unaweza kuuza 5 KG"));
    office.order(&product, 5).await.ok();
    let words = sentences(&office.get(STOCK).await.ok()["items"][0]["explanation"]);
    assert!(words.starts_with("Nothing is left here that you can sell at once."), "{words}");
}

#[tokio::test]
async fn where_an_order_is_short_the_clerk_reads_what_ends_that_and_it_does() {
    let office = Office::open().await;
    let product = office.offer(50).await;
    let listing = ListingId(product.parse().unwrap());
    let order = Order { listing, holder: Some(Holder::Edge(EDGE)), ..web_order(71) };
    let told = async |status: OrderStatus, query: &str| {
        office.edge.feed(Bucket::Coop(COOP), vec![live(&Order { status, ..order.clone() })]);
        let stock = office.get(&format!("{STOCK}{query}")).await.ok();
        (sentences(&stock["items"][0]["explanation"]), stock["items"][0]["can_sell"].clone())
    };
    let (words, can_sell) = told(OrderStatus::Short, "").await;
    let undo_first =
        "Was the last count wrong? Undo it. Is it all there though nobody counted wrong? Count it";
    for part in [undo_first, "cancel the order that is short, under Orders", "count this again"] {
        assert!(words.contains(part), "{words}");
    }
    assert_eq!(can_sell, "0");
    let (words, _) = told(OrderStatus::Short, "?lang=sw").await;
    for part in ["Itengue", "futa oda iliyopungua", "hesabu bidhaa hii tena"] {
        assert!(words.contains(part), "{words}");
    }
    let (words, can_sell) = told(OrderStatus::Cancelled, "").await;
    assert!(words.starts_with("You can sell 25 KG here") && can_sell == "25", "{words}");
}

/// What was sold beyond the books lies there, like everything that is sold, until it is fetched.
#[tokio::test]
async fn a_count_expects_what_is_sold_and_no_more_where_more_was_sold_than_the_books_know_of() {
    let office = Office::open().await;
    let product = office.offer(50).await;
    let (listing, holder) = (ListingId(product.parse().unwrap()), Holder::Edge(EDGE));
    let order = Order { listing, holder: Some(holder), status: OrderStatus::Short, ..web_order(71) };
    let id = EntryId { of: order.id.0, step: EntryId::SOLD };
    let sale = StockEntry { id, listing, holder, quantity: Quantity::units(-31), kind: EntryKind::Sale };
    let order = Order { quantity: Quantity::units(31), ..order };
    office.edge.feed(Bucket::Coop(COOP), vec![live(&order), live(&sale)]);
    let line = async || {
        let line = office.get(STOCK).await.ok()["items"][0].clone();
        ["held_here", "held_by_others", "sold_not_fetched", "expected"].map(|name| line[name].clone())
    };
    assert_eq!(line().await, [json!("0"), json!("0"), json!("31"), json!("50")]);
    // Another office's books are no other.
    let holder = Holder::Edge(EdgeId(EDGE.0 + 1));
    let order =
        Order { id: OrderId(hub_born(72)), holder: Some(holder), quantity: Quantity::units(4), ..order };
    let id = EntryId { of: order.id.0, step: EntryId::SOLD };
    let beyond = StockEntry { id, holder, quantity: Quantity::units(-4), ..sale };
    office.edge.feed(Bucket::Coop(COOP), vec![live(&order), live(&beyond)]);
    assert_eq!(line().await, [json!("0"), json!("0"), json!("35"), json!("50")]);
    // Where nothing was sold, it is no matter of a count here what another's books lack.
    let id = EntryId { of: hub_born(73), step: EntryId::WRITTEN_OFF };
    let loss = StockEntry { id, quantity: Quantity::units(-9), kind: EntryKind::WriteOff, ..beyond.clone() };
    // Nor does what was sold of what the books have explain it.
    let sure = OrderStatus::Confirmed;
    let sure =
        Order { id: OrderId(hub_born(74)), status: sure, quantity: Quantity::units(10), ..order.clone() };
    office.edge.feed(Bucket::Coop(COOP), vec![live(&loss), live(&sure)]);
    assert_eq!(line().await, [json!("0"), json!("0"), json!("45"), json!("60")]);
    office.edge.write(move |tx| node::counts::uncounted(tx, listing));
    let left = office.get(&format!("{STOCK}?to_count=true")).await.ok();
    assert_eq!(left["items"][0]["count_needed"], true, "{left}");
    assert_eq!(office.get(STATUS).await.ok()["to_count"], 1);
    let count = json!({ "product_id": product, "kind": "counted", "quantity": "67", "expected": "60" });
    let counted = office.post(ADJUST, count).await.ok();
    assert_eq!((&counted["held_here"], &counted["expected"]), (&json!("1"), &json!("67")));
}

#[tokio::test]
async fn what_is_said_of_a_change_and_of_its_undoing_is_what_they_moved() {
    let office = Office::open().await;
    office.edge.write(|tx| node::set_hub_minor(tx, 2));
    let product = office.offer(50).await;
    office.order(&product, 20).await.ok();
    let change =
        |kind: &str, quantity: &str| json!({ "product_id": product, "kind": kind, "quantity": quantity });
    let last = async |body: Value| {
        let line = office.post(ADJUST, body).await.ok();
        ["kind", "quantity", "moved", "undo_kind", "undo_quantity", "undoes", "id"]
            .map(|name| line["last_change"][name].clone())
    };
    // Five are free here; the rest of the forty is the hub's to settle.
    let mut count = change("counted", "10");
    count["expected"] = json!("50");
    let counted = last(count).await;
    assert_eq!(
        counted[..6],
        [json!("counted"), json!("10"), json!("5"), json!("taken_in"), json!("40"), Value::Null]
    );
    let mut undo = change("taken_in", "40");
    undo["undoes"] = counted[6].clone();
    let undone = last(undo).await;
    assert_eq!(
        undone[..6],
        [json!("taken_in"), json!("5"), json!("5"), Value::Null, json!("5"), counted[6].clone()]
    );
    let taken_in = last(change("taken_in", "7")).await;
    assert_eq!(taken_in[..3], [json!("taken_in"), json!("7"), json!("7")]);
    let mut undo = change("written_off", "7");
    undo["undoes"] = taken_in[6].clone();
    assert_eq!(last(undo).await[..3], [json!("written_off"), json!("7"), json!("7")]);
}

#[tokio::test]
async fn the_stock_is_changed_once_and_only_by_what_can_be() {
    let office = Office::open().await;
    let product = office.offer(50).await;
    let change =
        |kind: &str, quantity: &str| json!({ "product_id": product, "kind": kind, "quantity": quantity });
    let more = office.post_as("m", ADJUST, change("taken_in", "10")).await;
    assert_eq!((more.status.as_u16(), &more.json["held_here"]), (200, &json!("35")));
    let again = office.post_as("m", ADJUST, change("taken_in", "10")).await;
    assert_eq!(
        (&again.json["held_here"], again.headers["idempotent-replay"].as_bytes()),
        (&json!("35"), &b"true"[..])
    );
    assert_eq!(
        office.post_as("m", ADJUST, change("taken_in", "11")).await.problem(),
        (422, "idempotency_key_reused")
    );
    let spoilt = office.post(ADJUST, change("written_off", "5")).await.ok();
    assert_eq!((&spoilt["held_here"], &spoilt["expected"]), (&json!("30"), &json!("55")));
    let too_much = office.post(ADJUST, change("written_off", "31")).await;
    assert_eq!(too_much.problem(), (409, "not_enough"));
    assert_eq!(
        (&too_much.json["available"], &too_much.json["detail"]),
        (&json!("30"), &json!("Only 30 KG are left."))
    );
    let mut count = change("counted", "53");
    count["expected"] = spoilt["expected"].clone();
    let counted = office.post(ADJUST, count).await.ok();
    assert_eq!((&counted["held_here"], &counted["expected"]), (&json!("28"), &json!("53")));
    let last = &office.get(STOCK).await.ok()["items"][0]["last_change"];
    assert_eq!(last, &counted["last_change"]);
    let told = ["kind", "quantity", "undo_kind", "undo_quantity"].map(|name| &last[name]);
    assert_eq!(told, [&json!("counted"), &json!("53"), &json!("taken_in"), &json!("2")]);
    let mut undo = change("taken_in", "2");
    undo["undoes"] = last["id"].clone();
    // A hub that nobody has heard of, or that is too old, would take in what is said, whatever was moved.
    let too_old = office.post(ADJUST, undo.clone()).await;
    assert_eq!(
        (too_old.pointers(), too_old.json["errors"][0]["detail"].as_str()),
        (vec!["/undoes"], Some(HUB_TOO_OLD))
    );
    office.edge.write(|tx| node::set_hub_minor(tx, 2));
    let back = office.post(ADJUST, undo.clone()).await.ok();
    assert_eq!((&back["held_here"], &back["last_change"]["undo_kind"]), (&json!("30"), &json!(null)));
    // From another page it would be taken back twice, and what took it back is not taken back itself.
    assert_eq!(office.post(ADJUST, undo.clone()).await.pointers(), ["/undoes"]);
    undo["undoes"] = back["last_change"]["id"].clone();
    assert_eq!(office.post(ADJUST, undo).await.pointers(), ["/undoes"]);
    for (body, pointers) in [
        (change("counted", "5"), vec!["/expected"]),
        (change("stolen", "5"), vec!["/kind"]),
        (change("taken_in", "-5"), vec!["/quantity"]),
    ] {
        assert_eq!(office.post(ADJUST, body).await.pointers(), pointers);
    }
    let beans = office.get("/api/v1/products?crop=beans").await.ok();
    let foreign = json!({ "product_id": beans["items"][0]["id"], "kind": "taken_in", "quantity": "1" });
    assert_eq!(office.post(ADJUST, foreign).await.problem(), (403, "not_allowed"));
}

#[tokio::test]
async fn what_a_person_has_to_count_is_listed_until_it_is_counted() {
    let office = Office::open().await;
    let (product, other) = (office.offer(50).await, office.offer(20).await);
    let of = |which: &'static str| {
        let office = &office;
        async move {
            office.get(&format!("{STOCK}?to_count={which}")).await.ok()["items"].as_array().unwrap().len()
        }
    };
    assert_eq!((of("true").await, of("false").await), (0, 2));
    office.edge.write(|tx| -> Result<(), DbError> {
        Ok(tx.execute("INSERT INTO node (key, value) VALUES ('doubt', 1)", []).map(|_| ())?)
    });
    // Before the hub was heard nobody knows what there should be: no count is taken, and none is asked for.
    assert_eq!(office.get("/api/v1/office/status").await.ok()["held_back"], "hear");
    let count = json!({ "product_id": product, "kind": "counted", "quantity": "50", "expected": "50" });
    assert_eq!(office.post(ADJUST, count).await.problem(), (503, "hub_first"));
    office.edge.write(mizili_edge::node::counts::list);
    let status = office.get("/api/v1/office/status").await.ok();
    assert_eq!((&status["held_back"], &status["to_count"]), (&json!("count"), &json!(2)));
    assert_eq!((of("true").await, of("false").await), (2, 0));
    assert_eq!(office.get(&format!("{STOCK}?to_count=maybe")).await.problem(), (400, "invalid_parameter"));
    let count = json!({ "product_id": product, "kind": "counted", "quantity": "50", "expected": "50", "unheard": "5" });
    let counted = office.post(ADJUST, count).await.ok();
    assert_eq!((&counted["count_needed"], &counted["can_sell"]), (&json!(false), &json!("20")));
    let left = office.get(&format!("{STOCK}?to_count=true")).await.ok();
    assert_eq!(
        (&left["items"][0]["product"]["id"], &left["items"][0]["can_sell"]),
        (&json!(other), &json!("0"))
    );
    assert_eq!(left["items"].as_array().unwrap().len(), 1);
}

#[tokio::test]
async fn why_nothing_is_sold_from_here_is_said_in_words_that_the_document_lists() {
    let office = Office::open().await;
    let product = office.offer(50).await;
    let document = office.get("/api/openapi.json").await.ok();
    let listed = &document["components"]["schemas"]["OfficeStatus"]["properties"]["held_back"]["enum"];
    for (key, code, word) in [("doubt", 2, "copied"), ("shut_out", 1, "shut_out"), ("shut_out", 2, "revoked")]
    {
        office.edge.write(move |tx| -> Result<(), DbError> {
            Ok(tx
                .execute("INSERT OR REPLACE INTO node (key, value) VALUES (?1, ?2)", (key, code))
                .map(drop)?)
        });
        let status = office.get("/api/v1/office/status").await.ok();
        assert_eq!(status["held_back"], word);
        assert!(listed.as_array().unwrap().contains(&json!(word)), "{listed}");
        let summary = status["summary"].to_string();
        assert!(!summary.contains("Nothing is lost"), "{summary}");
        let line = office.get(STOCK).await.ok()["items"][0].clone();
        assert_eq!((&line["product"]["id"], &line["can_sell"]), (&json!(product), &json!("0")), "{word}");
        let is_asked = line["explanation"].to_string().contains("the hub is asked, and the answer comes");
        let count = json!({ "product_id": product, "kind": "counted", "quantity": "50", "expected": "50" });
        let counted = office.post(ADJUST, count).await;
        assert_eq!(is_asked, word == "copied");
        match word {
            "copied" => drop(counted.ok()),
            // To wait for the hub would help nobody.
            _ => assert_eq!(counted.problem(), (409, "shut_out"), "{}", counted.text),
        }
    }
}

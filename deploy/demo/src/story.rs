//! The story, step by step. Each step reads its figures from the running system and checks that it went as told.

use anyhow::{Context, Result, ensure};
use mizili_demo::answer::{count, text, until};
use mizili_demo::api::Api;
use mizili_demo::line::Line;
use mizili_demo::nodes::Nodes;
use mizili_demo::phone::Phone;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Instant;

const ADMIN: &str = "+265991000001";
const CLERK: &str = "+265991000002";
const BUYER: &str = "+265991000003";
const SECOND_BUYER: &str = "+265991000004";
const FARMER: &str = "+265888123456";
const NEIGHBOUR: &str = "+265999654321";
const PASSWORD: &str = "maize and beans";

fn say(text: impl AsRef<str>) {
    println!("   {}", text.as_ref());
}

fn chapter(number: usize, title: &str) {
    println!("\n{number}. {title}");
}

/// What later steps need of earlier ones.
struct Day {
    line: Line,
    clerk: Api,
    buyer: Api,
    second_buyer: Api,
    office: Api,
    farmer: Phone,
    neighbour: Phone,
    seed: String,
    office_password: String,
}

/// Tells the whole day.
pub(crate) async fn tell(nodes: &mut Nodes, once: bool) -> Result<()> {
    println!("Mizili: one day at a cooperative in Malawi, with the real programs and real prices.");
    start_hub(nodes).await?;
    import_prices(nodes).await?;
    let mut day = open_office(nodes).await?;
    read_price(&day).await?;
    cut_off(&day).await?;
    kill(nodes, &mut day).await?;
    line_back(nodes, &day).await?;
    stay(nodes, &day, once).await
}

async fn start_hub(nodes: &mut Nodes) -> Result<()> {
    chapter(1, "The hub starts, with a PostgreSQL of its own");
    let took = nodes.start_hub().await?;
    say(format!("ready after {:.1} s at http://{}", took.as_secs_f64(), nodes.hub_address));
    Ok(())
}

async fn import_prices(nodes: &Nodes) -> Result<()> {
    chapter(2, "It imports the World Food Programme's prices of Malawi and Kenya (Source: WFP via HDX)");
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../hub/data/prices");
    let files =
        ["wfp_food_prices_mwi.csv", "wfp_food_prices_ken.csv"].map(|f| folder.join(f).display().to_string());
    let reports =
        nodes.run("mizili-hub", &["prices", "import", "--source", "wfp", &files[0], &files[1]], "").await?;
    let expected = [("Malawi", 20_644, 17_709, 2_364, 571), ("Kenya", 26_745, 26_745, 0, 0)];
    ensure!(reports.len() == expected.len(), "{} reports for two files", reports.len());
    for (report, (country, read, accepted, forecasts, quarantined)) in reports.iter().zip(expected) {
        let seconds = report["seconds"].as_f64().context("no seconds")?;
        say(format!(
            "{country}: {} rows read, {} accepted, {} forecasts skipped, {} quarantined (another country's currency), {:.1} s",
            report["read"], report["accepted"], report["forecast_skipped"], report["quarantined"], seconds
        ));
        ensure!(
            (count(report, "read")?, count(report, "accepted")?) == (read, accepted)
                && (count(report, "forecast_skipped")?, count(report, "quarantined")?)
                    == (forecasts, quarantined),
            "{country} was counted differently: {report}"
        );
    }
    Ok(())
}

async fn open_office(nodes: &mut Nodes) -> Result<Day> {
    chapter(3, "A cooperative opens an office in the Central Region, and its box is enrolled");
    let add =
        ["cooperative", "add", "--name", "Mbewu Farmers", "--country", "MWI", "--region", "Central Region"];
    let cooperative = nodes.ask("mizili-hub", &add, "").await?;
    let id = count(&cooperative, "id")?.to_string();
    let password = format!("{PASSWORD}\n");
    nodes.ask("mizili-hub", &["user", "add", "--phone", ADMIN, "--role", "admin"], &password).await?;
    nodes
        .ask(
            "mizili-hub",
            &["user", "add", "--phone", CLERK, "--role", "clerk", "--cooperative", &id],
            &password,
        )
        .await?;
    let edge = nodes.ask("mizili-hub", &["edge", "add", "--cooperative", &id], "").await?;
    let code = text(&edge, "code")?;
    say(format!(
        "{} has the number {id}; its box gets the one-time code {code}",
        text(&cooperative, "name")?
    ));

    let line = Line::lay(nodes.hub_address.clone()).await?;
    let enrolled = nodes.ask("mizili-edge", &["enrol", "--hub", &line.address, "--code", code], "").await?;
    let office_password = text(&enrolled, "office_password")?.to_owned();
    let report = nodes.ask("mizili-edge", &["sync", "--once"], "").await?;
    let (up, down) = line.bytes();
    say(format!(
        "first sync: {} rows in {:.2} s, {up} bytes up and {down} down on the line, digests equal: {}",
        report["rows"],
        report["seconds"].as_f64().context("no seconds")?,
        report["digests_equal"]
    ));
    ensure!(count(&report, "rows")? > 1_000 && report["digests_equal"] == true, "the first sync: {report}");
    let took = nodes.start_edge().await?;
    say(format!(
        "the office's node serves after {:.1} s at http://{}",
        took.as_secs_f64(),
        nodes.edge_address
    ));

    let status = nodes.ask("mizili-edge", &["status"], "").await?;
    let gateway = &status["gateways"][0];
    let url = |field: &str| -> Result<String> {
        let url = text(gateway, field)?;
        let path = url.split_once("/gateway/").map_or(url, |(_, path)| path);
        Ok(format!("http://{}/gateway/{path}", nodes.edge_address))
    };
    let (ussd, sms) = (url("ussd_url")?, url("sms_url")?);
    let clerk = sign_in(nodes, CLERK).await?;
    let buyer = register(nodes, BUYER, "Grace Banda").await?;
    let second_buyer = register(nodes, SECOND_BUYER, "Peter Phiri").await?;
    let office = office_sign_in(nodes, &office_password).await?;
    let maize = item(&clerk.get("/commodities?limit=100").await?, "name", "Maize")?;
    let kilogram = item(&clerk.get("/units?limit=100").await?, "code", "KG")?;
    let seed = post_seed(nodes, &clerk, maize, kilogram).await?;
    let (farmer, neighbour) = (Phone::new(FARMER, &ussd, &sms), Phone::new(NEIGHBOUR, &ussd, &sms));
    Ok(Day { line, clerk, buyer, second_buyer, office, farmer, neighbour, seed, office_password })
}

fn item(page: &Value, field: &str, wanted: &str) -> Result<u32> {
    let items = page["items"].as_array().context("no items")?;
    let found =
        items.iter().find(|i| i[field] == wanted).with_context(|| format!("no {wanted} in the list"))?;
    Ok(count(found, "id")? as u32)
}

async fn sign_in(nodes: &Nodes, phone: &str) -> Result<Api> {
    Api::sign_in(&nodes.hub_address, phone, PASSWORD).await
}

async fn register(nodes: &Nodes, phone: &str, name: &str) -> Result<Api> {
    let new = json!({"phone": phone, "name": name, "password": PASSWORD, "role": "buyer"});
    Api::at(&nodes.hub_address).post("/users", new, None).await?;
    sign_in(nodes, phone).await
}

async fn office_sign_in(nodes: &Nodes, password: &str) -> Result<Api> {
    let session = Api::at(&nodes.edge_address)
        .post("/office/login", json!({"user": "office", "password": password}), None)
        .await?;
    Ok(Api::signed_in(&nodes.edge_address, text(&session, "token")?))
}

/// The clerk offers 50 kg of seed at the hub; half of it is the office's to sell, whatever happens to the line.
async fn post_seed(nodes: &Nodes, clerk: &Api, maize: u32, kilogram: u32) -> Result<String> {
    let price = json!({"amount": 120_000, "currency": "MWK"});
    let seed = json!({"commodity_id": maize, "unit_id": kilogram, "title": "Maize seed", "quantity": "50", "price": price});
    let seed = clerk.post("/products", seed, Some("demo-seed")).await?;
    let id = text(&seed, "id")?.to_owned();
    let (office, path) = (Api::at(&nodes.edge_address), format!("/products/{id}"));
    let there = until("the seed at the office", || async {
        let (status, product) = office.send(Method::GET, &path, None, None).await?;
        Ok((status == StatusCode::OK && product["available"] == "25").then_some(product))
    })
    .await?;
    say(format!(
        "50 kg of seed are offered: the hub can sell {} and the office {}",
        text(&seed, "available")?,
        text(&there, "available")?
    ));
    ensure!(seed["available"] == "25", "the hub should hold 25: {seed}");
    Ok(id)
}

async fn read_price(day: &Day) -> Result<()> {
    chapter(4, "A farmer dials in and reads the price of maize in Lilongwe");
    let mut session = day.farmer.dial().await?;
    session.choose("Prices").await?;
    session.choose("Maize").await?;
    session.choose("Lilongwe").await?;
    println!("{}", session.shown());
    ensure!(
        session.screen.contains("2022") && session.screen.to_lowercase().contains("old"),
        "month or age is missing"
    );
    Ok(())
}

async fn join(phone: &Phone, name: &str) -> Result<()> {
    let mut session = phone.dial().await?;
    session.choose("Me").await?;
    session.choose("Register").await?;
    session.enter(name).await?;
    session.choose("English").await?;
    session.choose("Yes").await?;
    ensure!(session.screen.contains("registered"), "{}", session.screen);
    Ok(())
}

async fn cut_off(day: &Day) -> Result<()> {
    chapter(5, "The line to the hub is cut; the telephone operator still reaches the office");
    day.line.cut();
    join(&day.neighbour, "Chikondi Phiri").await?;
    join(&day.farmer, "Esnart Mvula").await?;
    neighbour_buys(day).await?;
    phones_buy_at_the_hub(day).await?;
    farmer_sells(day).await?;
    let before = messages(day).await?.len();
    day.farmer.text("PRICE MAIZE LILONGWE").await?;
    let answer =
        until("the answer by SMS", || async { Ok(messages(day).await?.into_iter().nth(before)) }).await?;
    say(format!("SMS \"PRICE MAIZE LILONGWE\" is answered: \"{}\"", text(&answer, "text")?));
    ensure!(text(&answer, "text")?.contains("Lilongwe"), "{answer}");
    say("Now the office's own internet goes too. The page in the office goes on:");
    let order = json!({"product_id": day.seed, "quantity": "3", "buyer_phone": "+265881112223", "buyer_name": "Walk-in"});
    let order = day.office.post("/orders", order, Some("demo-office")).await?;
    say(format!(
        "a clerk orders {} kg for a visitor: {}",
        text(&order, "quantity")?,
        text(&order, "status")?
    ));
    ensure!(order["status"] == "confirmed" && order["synced"] == false, "{order}");
    Ok(())
}

/// Messages that the office has sent or is about to send, oldest first.
async fn messages(day: &Day) -> Result<Vec<Value>> {
    let page = day.office.get("/office/messages?limit=100").await?;
    let mut items = page["items"].as_array().context("no items")?.clone();
    items.sort_by_key(|m| m["id"].to_string());
    Ok(items)
}

async fn neighbour_buys(day: &Day) -> Result<()> {
    let mut session = day.neighbour.dial().await?;
    session.choose("Buy").await?;
    session.choose("Maize").await?;
    if session.screen.contains("which offer") {
        session.choose("seed").await?;
    }
    session.enter("20").await?;
    println!("{}", session.shown());
    session.choose("Yes").await?;
    println!("{}", session.shown());
    ensure!(session.screen.contains("CONFIRMED"), "the neighbour's order was not confirmed");
    say("a neighbour's 20 kg are confirmed at once: the office holds 25, whatever the hub does");
    Ok(())
}

async fn phones_buy_at_the_hub(day: &Day) -> Result<()> {
    let order = |quantity: &str| json!({"product_id": day.seed, "quantity": quantity});
    let first = day.buyer.post("/orders", order("20"), Some("demo-first")).await?;
    say(format!("at the hub, meanwhile, an app orders 20 kg: {}", text(&first, "status")?));
    ensure!(first["status"] == "confirmed", "{first}");
    let (status, problem) =
        day.second_buyer.send(Method::POST, "/orders", Some(order("10")), Some("demo-second")).await?;
    say(format!("a second app asks for 10: {status}, \"{}\"", text(&problem, "detail")?));
    ensure!(status == StatusCode::CONFLICT && text(&problem, "detail")?.contains('5'), "{problem}");
    Ok(())
}

async fn farmer_sells(day: &Day) -> Result<()> {
    let mut session = day.farmer.dial().await?;
    session.choose("Sell").await?;
    session.choose("Offer").await?;
    session.choose("Maize").await?;
    session.choose("kg").await?;
    session.enter("50").await?;
    session.enter("650").await?;
    session.choose("Yes").await?;
    println!("{}", session.shown());
    ensure!(session.screen.contains("50"), "the farmer's maize was not offered");
    say("a farmer offers 50 kg of maize");
    Ok(())
}

/// What must survive: orders, products, and what waits for the line.
async fn memory(nodes: &Nodes, day: &Day) -> Result<(Value, Value, u64)> {
    let orders = day.office.get("/orders?limit=100").await?["items"].clone();
    let products = day.office.get("/products?limit=100").await?["items"].clone();
    let status = nodes.ask("mizili-edge", &["status"], "").await?;
    Ok((orders, products, count(&status, "pending")?))
}

async fn kill(nodes: &mut Nodes, day: &mut Day) -> Result<()> {
    chapter(6, "Somebody pulls the plug of the office's box (SIGKILL)");
    let before = memory(nodes, day).await?;
    nodes.kill_edge().await?;
    let took = nodes.start_edge().await?;
    // A restart ends the sessions at the office.
    day.office = office_sign_in(nodes, &day.office_password).await?;
    let after = memory(nodes, day).await?;
    ensure!(after == before, "something is not as it was");
    let (orders, pending) = (after.0.as_array().map_or(0, Vec::len), after.2);
    say(format!(
        "up again after {:.1} s: {orders} orders and {pending} things waiting for the line, all as before",
        took.as_secs_f64()
    ));
    Ok(())
}

async fn line_back(nodes: &Nodes, day: &Day) -> Result<()> {
    chapter(7, "The line is back");
    let (up, down) = day.line.bytes();
    let waiting = count(&nodes.ask("mizili-edge", &["status"], "").await?, "pending")?;
    let started = Instant::now();
    day.line.mend();
    let report = nodes.ask("mizili-edge", &["sync", "--once"], "").await?;
    let status = until("everything settled", || async {
        let status = nodes.ask("mizili-edge", &["status"], "").await?;
        Ok((status["pending"] == 0 && status["digests_equal"] == true).then_some(status))
    })
    .await?;
    let (up, down) = (day.line.bytes().0 - up, day.line.bytes().1 - down);
    say(format!(
        "{waiting} commands were answered in {:.2} s: {} refused; {up} bytes up and {down} down; digests equal: {}",
        started.elapsed().as_secs_f64(),
        status["rejected"],
        status["digests_equal"]
    ));
    // The box looks for the line by itself, and may be faster than the command that asks it to.
    say(if report["commands"] == 0 {
        "(the box had noticed by itself that the line was back)".to_owned()
    } else {
        format!(
            "(`mizili-edge sync --once`: {} commands, {} rows, {} round trips)",
            report["commands"], report["rows"], report["round_trips"]
        )
    });
    ensure!(status["rejected"] == 0, "nothing should have been refused: {status}");
    let orders = day.clerk.get("/orders?limit=100").await?;
    let orders = orders["items"].as_array().context("no items")?;
    for order in orders {
        say(format!(
            "at the hub: {} kg of {}, {} by {}",
            text(order, "quantity")?,
            text(order, "product")?,
            text(order, "status")?,
            text(order, "channel")?
        ));
    }
    let from = |channel: &str| {
        orders.iter().filter(|o| o["channel"] == channel && o["status"] == "confirmed").count()
    };
    ensure!(
        (from("ussd"), from("office"), from("rest")) == (1, 1, 1),
        "three orders, by phone, office and app"
    );
    let messages = messages(day).await?;
    for message in &messages {
        say(format!(
            "SMS to {} ({}): \"{}\"",
            text(message, "to")?,
            text(message, "state")?,
            text(message, "text")?
        ));
    }
    ensure!(!messages.is_empty(), "no SMS in the outbox");
    Ok(())
}

async fn stay(nodes: &Nodes, day: &Day, once: bool) -> Result<()> {
    chapter(8, "Have a look yourself");
    let (hub, edge) = (&nodes.hub_address, &nodes.edge_address);
    say(format!("API docs of the hub     http://{hub}/api/docs/"));
    say(format!(
        "page of the office      http://{edge}/   (user: office, password: {})",
        day.office_password
    ));
    say(format!("demo user               {BUYER}, password: {PASSWORD}"));
    say(format!("a token of that user    {} (for 15 minutes)", day.buyer.token()));
    say(format!("curl 'http://{hub}/api/v1/market-prices?commodity=Maize&market=Lilongwe&latest=true'"));
    say(format!("curl 'http://{edge}/api/v1/products?limit=5'"));
    say(format!("curl -H 'Authorization: Bearer {}' 'http://{hub}/api/v1/orders'", day.buyer.token()));
    if once {
        say("All of it ends now, because of ONCE=1; without that it stays up until Ctrl-C.");
    } else {
        say("Ctrl-C ends everything.");
        std::future::pending::<()>().await;
    }
    Ok(())
}

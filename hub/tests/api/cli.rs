//! The real program: what its commands print, with `serve` running and without.

use crate::program::{Served, fails, fails_by_clap, json, run, with_stdin};
use serde_json::Value;
use std::path::Path;

#[tokio::test]
async fn an_operators_day() {
    let dir = tempfile::tempdir().unwrap();
    let dir = &dir.path().join("hub");
    for words in [&["cooperative", "list"][..], &["edge", "list"], &["edge", "code", "1"]] {
        fails(&run(dir, words), "there is no hub in");
    }
    assert!(!dir.exists(), "who looks makes nothing");
    // Before `serve` ever ran: the folder and the database are made.
    let add = [
        "cooperative",
        "add",
        "--name",
        "Kasungu Growers",
        "--country",
        "MWI",
        "--region",
        "Central Region",
        "--json",
    ];
    let made = run(dir, &add);
    assert_eq!(json(&made), [serde_json::json!({ "id": 1, "name": "Kasungu Growers" })]);
    let told = String::from_utf8_lossy(&made.stderr);
    assert!(told.contains("No hub was in") && told.contains("--data-dir"), "{told}");

    let served = Served::start(dir);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let get = async |path: &str| reqwest::get(format!("http://{}{path}", served.1)).await.unwrap();
    assert_eq!(get("/readyz").await.status(), 200);
    let cooperative: Value =
        serde_json::from_str(&get("/api/v1/cooperatives/1").await.text().await.unwrap()).unwrap();
    assert_eq!(cooperative["region"], "Central Region");

    // While it runs.
    fails(&run(dir, &add), "A cooperative of that name is there already");
    let elsewhere = ["cooperative", "add", "--name", "Coast", "--country", "MWI", "--region", "Coast"];
    fails(
        &run(dir, &elsewhere),
        "Error: --region: There is no region 'Coast' in Malawi. There are: Central Region. More come with an import of the country's prices.",
    );
    fails(&run(dir, &elsewhere), "There are: Central Region");
    fails(&run(dir, &["cooperative", "add", "--name", "X", "--country", "Malawi"]), "MWI (Malawi)");
    let words = run(dir, &["cooperative", "list"]);
    assert_eq!(String::from_utf8_lossy(&words.stdout), "    1  Kasungu Growers, Central Region (MWI)\n");

    let by_name = ["edge", "add", "--cooperative", "Kasungu"];
    fails_by_clap(&run(dir, &by_name), "give its number, as the list of them shows it");

    accounts(dir, &served.1).await;
    edges(dir);
    prices(dir);
    let units: Value =
        serde_json::from_str(&get("/api/v1/market-prices?commodity=maize").await.text().await.unwrap())
            .unwrap();
    assert_eq!(units["items"][0]["market"], "Lilongwe");
    assert!(served.stop().success());
    // After it: the database was stopped, and is started for the command.
    assert_eq!(json(&run(dir, &["cooperative", "list", "--json"])).len(), 1);
    assert!(run(dir, &["migrate", "--json"]).stdout.is_empty());
}

async fn accounts(dir: &Path, address: &str) {
    let admin = ["user", "add", "--phone", "+265991234567", "--role", "admin", "--json"];
    fails(&with_stdin(dir, &admin, ""), "no password on standard input");
    fails(&with_stdin(dir, &admin, "short\n"), "at least 8 characters");
    let made = json(&with_stdin(dir, &admin, "correct horse\n"));
    assert!(made[0]["id"].as_str().unwrap().parse::<uuid::Uuid>().is_ok());
    fails(&with_stdin(dir, &admin, "correct horse\n"), "an account with this phone number already");
    let client = reqwest::Client::new();
    let login = client.post(format!("http://{}/api/v1/auth/login", address));
    let login = login
        .header("content-type", "application/json")
        .body(r#"{"phone": "+265991234567", "password": "correct horse"}"#);
    assert_eq!(login.send().await.unwrap().status(), 200);

    let clerk = [
        "user",
        "add",
        "--phone",
        "0991234568",
        "--country",
        "MWI",
        "--role",
        "clerk",
        "--cooperative",
        "1",
        "--name",
        "Grace",
        "--office-password-stdin",
        "--json",
    ];
    assert_eq!(json(&with_stdin(dir, &clerk, "correct horse\noffice words\n")).len(), 1);
    fails(
        &with_stdin(dir, &["user", "add", "--phone", "+265991234569", "--role", "clerk"], "correct horse\n"),
        "A clerk needs a cooperative",
    );
    fails(&run(dir, &["user", "confirm", "--phone", "+265990000000"]), "No account has the number");
    assert_eq!(json(&run(dir, &["user", "confirm", "--phone", "+265991234568", "--json"])).len(), 1);
}

fn edges(dir: &Path) {
    let added = json(&run(dir, &["edge", "add", "--cooperative", "1", "--json"]));
    let code = added[0]["code"].as_str().unwrap();
    assert_eq!((added[0]["id"].as_u64(), code.len()), (Some(1), 14));
    assert_eq!(added[0].as_object().unwrap().len(), 2);
    fails(&run(dir, &["edge", "add", "--cooperative", "9"]), "There is no cooperative 9");
    let again = json(&run(dir, &["edge", "code", "1", "--json"]));
    assert_ne!(again[0]["code"].as_str().unwrap(), code);
    json(&run(dir, &["edge", "add", "--cooperative", "1", "--national", "--json"]));
    let named = json(&run(dir, &["edge", "name", "1", " Market store ", "--json"]));
    assert_eq!((named[0]["id"].as_u64(), named[0]["name"].as_str()), (Some(1), Some("Market store")));
    fails(&run(dir, &["edge", "name", "9", "x"]), "There is no edge 9");
    for nothing in [" ", "\u{200b}", "\u{202e}\u{3164}"] {
        fails_by_clap(&run(dir, &["edge", "name", "1", nothing]), "at least one letter that can be seen");
        fails_by_clap(&run(dir, &["edge", "add", "--cooperative", "1", "--name", nothing]), "can be seen");
    }
    let tidy = json(&run(dir, &["edge", "name", "1", "\u{202b}Cho\u{301}kwe\u{200b}  store", "--json"]));
    assert_eq!(tidy[0]["name"], "Chókwe store");
    json(&run(dir, &["edge", "name", "1", "Market store", "--json"]));
    fails(
        &run(dir, &["edge", "revoke", "1"]),
        "Shall Edge 1 \"Market store\" of Kasungu Growers get nothing and change nothing from now on?",
    );
    assert_eq!(json(&run(dir, &["edge", "list", "--json"]))[0]["state"], "waiting", "nothing was done");
    let revoked = json(&run(dir, &["edge", "revoke", "1", "--yes", "--json"]));
    assert_eq!(
        (revoked[0]["id"].as_u64(), revoked[0]["cooperative"].as_str()),
        (Some(1), Some("Kasungu Growers"))
    );
    fails(&run(dir, &["edge", "code", "1"]), "was revoked");
    fails(&run(dir, &["edge", "revoke", "9", "--yes"]), "There is no edge 9");
    let list = json(&run(dir, &["edge", "list", "--json"]));
    let states: Vec<_> =
        list.iter().map(|e| (e["id"].as_u64().unwrap(), e["state"].as_str().unwrap())).collect();
    assert_eq!(states, [(2, "waiting"), (1, "revoked")], "worst first");
    assert_eq!(list[1]["name"], "Market store");
    assert_eq!((list[0]["last_contact"].clone(), list[0]["lag"].clone()), (Value::Null, Value::Null));
}

const PRICES: &str = "date,admin1,admin2,market,latitude,longitude,category,commodity,unit,priceflag,pricetype,currency,price,usdprice
2022-05-15,Central Region,Lilongwe,Lilongwe,-13.98,33.78,cereals and tubers,Maize,KG,actual,Retail,MWK,250.0,0.3
2022-06-15,Central Region,Lilongwe,Lilongwe,-13.98,33.78,cereals and tubers,Maize,KG,actual,Retail,MWK,260.0,0.3
2022-07-15,Central Region,Lilongwe,Lilongwe,-13.98,33.78,cereals and tubers,Maize,KG,forecast,Retail,MWK,0.0,0.0
";

fn prices(dir: &Path) {
    let file = dir.join("wfp_food_prices_mwi.csv");
    std::fs::write(&file, PRICES).unwrap();
    let words = ["prices", "import", "--source", "wfp", file.to_str().unwrap(), "--json"];
    let report = json(&run(dir, &words)).remove(0);
    let mut names: Vec<_> = report.as_object().unwrap().keys().map(String::as_str).collect();
    names.sort_unstable();
    let expected = [
        "accepted",
        "changed",
        "file",
        "forecast_skipped",
        "new",
        "quarantined",
        "read",
        "refused",
        "seconds",
        "unchanged",
    ];
    assert_eq!(names, expected);
    assert_eq!(
        (report["read"].as_u64(), report["accepted"].as_u64(), report["forecast_skipped"].as_u64()),
        (Some(3), Some(2), Some(1))
    );
    assert_eq!(json(&run(dir, &words))[0]["unchanged"], 2);
    let missing = run(dir, &["prices", "import", "--source", "wfp", "no_such_file_mwi.csv"]);
    fails(&missing, "no_such_file_mwi.csv");
    let odd = run(dir, &["prices", "import", "--source", "wfp", "--country", "XXX", file.to_str().unwrap()]);
    fails(&odd, "there is no country XXX");
    // What was lost is said in the last line, and by the exit status.
    std::fs::write(&file, PRICES.replace("MWK,260.0", "MWK,-260.0")).unwrap();
    let part = run(dir, &words);
    assert!(!part.status.success(), "{part:?}");
    let last = String::from_utf8_lossy(&part.stderr).lines().last().unwrap().to_owned();
    assert!(
        last.starts_with("Error: ")
            && last.ends_with("not taken: 1 of 3 rows was refused; mend that and import the file again"),
        "{last}"
    );
    std::fs::write(&file, PRICES.replace("MWK,260.0", "SOS,260.0")).unwrap();
    let aside = run(dir, &words);
    assert!(aside.status.success());
    let last = String::from_utf8_lossy(&aside.stderr).lines().last().unwrap().to_owned();
    assert!(last.ends_with("not taken: 1 of 3 rows is in another country's currency"), "{last}");
    // Nothing of a file with separated thousands is taken.
    std::fs::write(&file, PRICES.replace("MWK,260.0", "MWK,\"2,450.00\"")).unwrap();
    fails(&run(dir, &words), "line 3 writes a number as \"2,450.00\"");
    std::fs::write(&file, PRICES).unwrap();
    // A file of another country than was said: a script must hear of it by the exit status.
    let other = run(
        dir,
        &["prices", "import", "--source", "wfp", "--country", "KEN", file.to_str().unwrap(), "--json"],
    );
    assert!(!other.status.success());
    assert!(String::from_utf8_lossy(&other.stdout).contains("\"accepted\":0"));
}

#[test]
fn the_document_is_printed_without_a_database() {
    let dir = tempfile::tempdir().unwrap();
    let output = run(&dir.path().join("none"), &["openapi"]);
    assert_eq!(String::from_utf8(output.stdout).unwrap(), mizili_hub::router::document_text().unwrap());
    assert!(!dir.path().join("none").exists());
}

/// What stops something has a command that opens it, and says so in words.
#[tokio::test]
async fn what_is_stuck_is_named_with_the_command_that_opens_it() {
    let dir = tempfile::tempdir().unwrap();
    let dir = &dir.path().join("hub");
    let add = [
        "cooperative",
        "add",
        "--name",
        "Kasungu",
        "--country",
        "MWI",
        "--region",
        "Central Region",
        "--json",
    ];
    json(&run(dir, &add));
    json(&run(dir, &["edge", "add", "--cooperative", "1", "--json"]));
    let nothing = run(dir, &["commands", "list"]);
    assert!(String::from_utf8_lossy(&nothing.stdout).contains("Nothing waits"), "{nothing:?}");
    let id = "01890a5d-ac96-774b-bcce-b302099a8057";
    fails(&run(dir, &["commands", "dismiss", id, "--yes"]), "`mizili-hub commands list` shows all that wait");
    let tried = json(&run(dir, &["commands", "retry", "--all", "--json"]));
    assert_eq!((&tried[0]["decided"], &tried[0]["waiting"]), (&0.into(), &0.into()));
    let resumed = run(dir, &["edge", "resume", "1"]);
    assert!(String::from_utf8_lossy(&resumed.stdout).contains("was not stopped"), "{resumed:?}");
    nothing_is_said_of_what_is_not_there(dir);
    for (words, shown) in [
        (["commands", "retry"], "--edge <EDGE>"),
        (["commands", "retry"], "`mizili-hub commands list`"),
        (["commands", "dismiss"], "`mizili-hub commands list`"),
        (["commands", "show"], "`mizili-hub commands list`"),
    ] {
        for more in [None, Some("--help")] {
            let said = run(dir, &words.into_iter().chain(more).collect::<Vec<_>>());
            let said = [said.stdout, said.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
            assert!(said.contains(shown), "{words:?} {more:?}: {said}");
        }
    }
    let brought = run(dir, &["salvage", "list"]);
    assert!(String::from_utf8_lossy(&brought.stdout).contains("nothing was forgotten"), "{brought:?}");
    assert!(run(dir, &["salvage", "show", "1", "--left", "--json"]).stdout.is_empty());
    copies(dir);
    // The first hub that serves notes its keys; one without them makes no others, and does not serve until some are made the database's.
    assert!(Served::start(dir).stop().success());
    let before = json(&run(dir, &["keys", "show", "--json"])).remove(0);
    assert_eq!((&before["trusted"], &before["database"]), (&true.into(), &before["keys"]));
    std::fs::rename(dir.join("hub-keys"), dir.join("put-away")).unwrap();
    let refused = run(dir, &["serve", "--listen", "127.0.0.1:0"]);
    fails(&refused, "there are no keys in");
    fails(&refused, "mizili-hub keys replace --new");
    // Nor does who looks.
    let none = json(&run(dir, &["keys", "show", "--json"])).remove(0);
    assert_eq!(
        (&none["keys"], &none["trusted"], &none["database"]),
        (&Value::Null, &false.into(), &before["keys"])
    );
    // On a machine without any, or the wrong one, a yes is not enough for keys that no office trusts.
    fails(&run(dir, &["keys", "replace", "--yes"]), "add --new");
    assert!(!dir.join("hub-keys").exists());
    fails(&run(dir, &["keys", "replace", "--new"]), "give --yes");
    let replaced = json(&run(dir, &["keys", "replace", "--new", "--yes", "--json"])).remove(0);
    assert_ne!(replaced["keys"], before["keys"]);
    assert!(Served::start(dir).stop().success());
}

/// A number that is no edge's, or no cooperative's, is a slip: whoever made it must not read that all is well.
fn nothing_is_said_of_what_is_not_there(dir: &Path) {
    for none in ["99", "4294967295"] {
        let of_an_edge: [&[&str]; 11] = [
            &["commands", "list", "--edge", none],
            &["commands", "list", "--edge", none, "--json"],
            &["commands", "retry", "--edge", none],
            &["salvage", "show", none],
            &["salvage", "dismiss", none, "--all"],
            &["salvage", "dismiss", none, "--all", "--yes"],
            &["edge", "code", none],
            &["edge", "resume", none],
            &["edge", "name", none, "Store"],
            &["edge", "revoke", none],
            &["edge", "write-off", none],
        ];
        for words in of_an_edge {
            let said = format!("There is no edge {none}. `mizili-hub edge list` shows all.");
            fails(&run(dir, words), &said);
        }
        let said = format!("There is no cooperative {none}");
        fails(&run(dir, &["edge", "add", "--cooperative", none]), &said);
        let clerk = ["user", "add", "--phone", "+265991234569", "--role", "clerk", "--cooperative", none];
        fails(&with_stdin(dir, &clerk, "correct horse\n"), "There is no such cooperative");
    }
    // An edge as which no box was ever enrolled holds nothing: nobody is asked about that, also once it was revoked.
    json(&run(dir, &["edge", "add", "--cooperative", "1", "--json"]));
    let write_off = ["edge", "write-off", "2"];
    fails(&run(dir, &write_off), "No box was ever enrolled as edge 2, so it holds nothing to write off");
    json(&run(dir, &["edge", "revoke", "2", "--yes", "--json"]));
    let said = run(dir, &write_off);
    assert!(said.status.success(), "{said:?}");
    assert_eq!(
        String::from_utf8_lossy(&said.stdout),
        "Edge 2 of Kasungu holds nothing that could be written off.\n"
    );
}

/// Copies of the database that were tried.
fn copies(dir: &Path) {
    let none = run(dir, &["backup", "list"]);
    assert!(String::from_utf8_lossy(&none.stdout).contains("mizili-hub backup mark"), "{none:?}");
    fails(&run(dir, &["backup", "mark", "--taken", "2999-01-01T00:00:00Z"]), "has not come yet");
    fails_by_clap(&run(dir, &["backup", "mark", "--taken", "yesterday"]), "--taken");
    json(&run(dir, &["backup", "mark", "--taken", "2026-03-01T02:00:00Z", "--note", "tape 7", "--json"]));
    let both = json(&run(dir, &["backup", "mark", "--taken", "2026-03-02T02:00:00+02:00", "--json"]));
    let taken: Vec<_> = both
        .iter()
        .map(|mark| (mark["taken_at"].as_str().unwrap(), mark["note"].as_str().unwrap()))
        .collect();
    assert_eq!(taken, [("2026-03-02T00:00:00Z", ""), ("2026-03-01T02:00:00Z", "tape 7")]);
    let words = String::from_utf8(run(dir, &["backup", "list"]).stdout).unwrap();
    assert!(words.lines().nth(1).unwrap().ends_with("offices need not keep"), "{words}");
    // A slip is taken back by the time that the list shows.
    fails(
        &run(dir, &["backup", "unmark", "--taken", "2026-03-01T02:00:01Z"]),
        "`mizili-hub backup list` shows all",
    );
    let left = json(&run(dir, &["backup", "unmark", "--taken", "2026-03-01T02:00:00Z", "--json"]));
    assert_eq!((left.len(), &left[0]["taken_at"]), (1, &"2026-03-02T00:00:00Z".into()));
    let none = run(dir, &["backup", "unmark", "--taken", "2026-03-02T00:00:00Z"]);
    assert!(String::from_utf8_lossy(&none.stdout).contains("No copy is recorded"), "{none:?}");
}

#[test]
fn a_shell_and_a_manual_know_every_command() {
    let dir = tempfile::tempdir().unwrap();
    let script = run(dir.path(), &["completions", "bash"]);
    let script = String::from_utf8(script.stdout).unwrap();
    assert!(script.contains("cooperative") && script.contains("--data-dir"), "{script}");
    let pages = dir.path().join("man1");
    let said = json(&run(dir.path(), &["man", "--json", "--out", pages.to_str().unwrap()]));
    assert!(
        said[0]["pages"].as_array().unwrap().iter().any(|page| page == "mizili-hub-edge-add.1"),
        "{said:?}"
    );
    assert!(
        std::fs::read_to_string(pages.join("mizili-hub-edge-add.1")).unwrap().contains("one\\-time code")
    );
    fails(&run(dir.path(), &["man", "--out", "/dev/null/x"]), "cannot write manual pages to /dev/null/x");
}

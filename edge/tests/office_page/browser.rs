//! A headless browser, driven over WebDriver: what a person at the office does with mouse and keys. It starts its own driver on a
//! free port with a fresh profile and ends both.

use base64::Engine as _;
use serde_json::{Value, json};
use std::path::PathBuf;
use std::process::Stdio;
use std::time::Duration;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::process::{Child, Command};

/// Where Debian puts the browser.
const BROWSER: &str = "/usr/bin/chromium";
/// Milliseconds that a condition may take to come true.
const PATIENCE_MS: u64 = 30_000;
/// WebDriver's name for a reference to an element.
const ELEMENT: &str = "element-6066-11e4-a52e-4f735466cecf";

const FLAGS: [&str; 11] = [
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--lang=en-GB",
    "--window-size=1280,900",
];

/// One window of one browser.
pub(crate) struct Browser {
    http: reqwest::Client,
    session: String,
    _driver: Child,
    _profile: TempDir,
}

/// A driver, and the port that it listens on. It asks for the same port at two addresses, of which another program may have one: then it
/// ends, and another one is started.
async fn driver() -> (Child, String) {
    const TRIES: usize = 5;
    for _ in 0..TRIES {
        let mut driver = Command::new("chromedriver")
            .arg("--port=0")
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("chromedriver is installed: run deploy/setup");
        let mut lines = BufReader::new(driver.stdout.take().unwrap()).lines();
        while let Some(line) = lines.next_line().await.unwrap() {
            if let Some((_, port)) = line.split_once("successfully on port ") {
                return (driver, port.trim_end_matches('.').to_owned());
            }
        }
    }
    panic!("chromedriver does not start")
}

impl Browser {
    pub(crate) async fn start() -> Self {
        // Another test of this program may have installed it before.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (driver, port) = driver().await;
        let profile = tempfile::tempdir().unwrap();
        let mut flags: Vec<String> = FLAGS.iter().map(|flag| (*flag).to_owned()).collect();
        flags.push(format!("--user-data-dir={}", profile.path().display()));
        let options = json!({ "binary": BROWSER, "args": flags });
        let wanted = json!({ "goog:chromeOptions": options, "goog:loggingPrefs": { "browser": "ALL" }, "timeouts": { "script": PATIENCE_MS } });
        let http = reqwest::Client::builder().no_proxy().build().unwrap();
        let base = format!("http://127.0.0.1:{port}/session");
        let body = json!({ "capabilities": { "alwaysMatch": wanted } });
        let answer: Value = http.post(&base).json(&body).send().await.unwrap().json().await.unwrap();
        let id = answer["value"]["sessionId"].as_str().unwrap_or_else(|| panic!("no browser: {answer}"));
        Self { http, session: format!("{base}/{id}"), _driver: driver, _profile: profile }
    }

    async fn post(&self, path: &str, body: Value) -> Value {
        let answer = self.http.post(format!("{}{path}", self.session)).json(&body).send().await.unwrap();
        let status = answer.status();
        let answer: Value = answer.json().await.unwrap();
        assert!(status.is_success(), "{path} {body}: {}", answer["value"]["message"]);
        answer["value"].clone()
    }

    pub(crate) async fn open(&self, url: &str) {
        self.post("/url", json!({ "url": url })).await;
    }

    /// Shows the page as a screen of this size does; a narrow one is a phone's.
    pub(crate) async fn size(&self, width: u32, height: u32) {
        let screen =
            json!({ "width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 700 });
        self.command("Emulation.setDeviceMetricsOverride", screen).await;
        self.until(format!("innerWidth === {width}")).await;
    }

    async fn command(&self, name: &str, parameters: Value) -> Value {
        self.post("/goog/cdp/execute", json!({ "cmd": name, "params": parameters })).await
    }

    /// Stops the test where something lies beside the screen, or where one could scroll sideways to it. Tables and texts that are moved
    /// beneath the finger may.
    #[track_caller]
    pub(crate) fn nothing_lies_beside(&self) -> impl Future<Output = ()> {
        let place = std::panic::Location::caller();
        async move {
            let beside = self
                .value(
                    "[...document.querySelectorAll('body *')].filter(e => {
                       if (!e.checkVisibility() || e.closest('.visually-hidden, .skip, .cards thead, .operation .scroll, pre')) return false;
                       const box = e.getBoundingClientRect();
                       return box.width > 1 && (box.left < -1 || box.right > innerWidth + 1);
                     }).map(e => e.outerHTML.slice(0, 120))",
                )
                .await;
            assert_eq!(beside, json!([]), "{place}");
            assert_eq!(
                self.value("document.documentElement.scrollWidth <= innerWidth").await,
                json!(true),
                "{place}"
            );
        }
    }

    /// The value of an expression of the page.
    pub(crate) async fn value(&self, expression: &str) -> Value {
        self.post("/execute/sync", json!({ "script": format!("return {expression}"), "args": [] })).await
    }

    /// Waits until an expression of the page is true; stops the test, with what the page shows, when it does not come true.
    #[track_caller]
    pub(crate) fn until<E: Into<String>>(&self, expression: E) -> impl Future<Output = ()> {
        let expression = expression.into();
        let place = std::panic::Location::caller();
        let script = format!(
            "const done = arguments[0], end = Date.now() + {};
             const look = () => {{
               let is = false; try {{ is = {expression}; }} catch {{}}
               if (is || Date.now() > end) done(!!is); else setTimeout(look, 20);
             }}; look();",
            PATIENCE_MS - 2_000
        );
        async move {
            let is_true = self.post("/execute/async", json!({ "script": script, "args": [] })).await;
            if is_true != json!(true) {
                let shown = self.value("document.body.innerText").await;
                panic!("{place}: never came true: {expression}\n{}", shown.as_str().unwrap_or_default());
            }
        }
    }

    /// Waits until a text stands in an element that is shown.
    #[track_caller]
    pub(crate) fn shows(&self, selector: &str, text: &str) -> impl Future<Output = ()> {
        let (selector, text) = (json!(selector), json!(text));
        self.until(format!("[...document.querySelectorAll({selector})].some(e => e.checkVisibility() && e.innerText.includes({text}))"))
    }

    async fn element(&self, selector: &str) -> String {
        self.until(format!("document.querySelector({})?.checkVisibility()", json!(selector))).await;
        let found = self.post("/element", json!({ "using": "css selector", "value": selector })).await;
        found[ELEMENT].as_str().unwrap().to_owned()
    }

    /// Clicks what the selector names. Found and clicked in one go: news may draw a list anew at any moment.
    pub(crate) async fn click(&self, selector: &str) {
        let selector = json!(selector);
        self.until(format!(
            "(() => {{ const e = document.querySelector({selector}); if (!e?.checkVisibility() || e.disabled) return false; e.click(); return true; }})()"
        ))
        .await;
    }

    /// Clicks a button that asks before it acts, and again when it has asked. In one go: news may draw it anew at any moment, and after
    /// some seconds it has forgotten that it asked.
    pub(crate) async fn click_when_asked(&self, selector: &str, question: &str) {
        let (selector, question) = (json!(selector), json!(question));
        self.until(format!(
            "(() => {{ const e = document.querySelector({selector}); if (!e?.checkVisibility() || e.disabled) return false;
               e.click(); if (e.innerText !== {question}) return false; e.click(); return true; }})()"
        ))
        .await;
    }

    /// Presses a button of the mouse (0 is the left one, 1 the middle one) on what the selector names, as a hand does it: what is pressed
    /// gets the focus, and a link is followed. Keys are held meanwhile.
    pub(crate) async fn press(&self, selector: &str, button: u8, keys: &[&str]) {
        let selector = json!(selector);
        self.until(format!(
            "(() => {{ const e = document.querySelector({selector}); if (!e?.checkVisibility()) return false;
               e.scrollIntoView({{ block: 'center' }}); const at = e.getBoundingClientRect();
               window.middle = [at.left + at.width / 2, at.top + at.height / 2].map(Math.round); return true; }})()"
        ))
        .await;
        // By where it is, as a hand does: what is drawn anew meanwhile is there still.
        let middle = self.value("window.middle").await;
        let pause = || json!({ "type": "pause" });
        let each =
            |kind: &str| keys.iter().map(|key| json!({ "type": kind, "value": key })).collect::<Vec<_>>();
        let hand = [
            json!({ "type": "pointerMove", "origin": "viewport", "x": middle[0], "y": middle[1] }),
            json!({ "type": "pointerDown", "button": button }),
            json!({ "type": "pointerUp", "button": button }),
        ];
        let held = [each("keyDown"), hand.iter().map(|_| pause()).collect(), each("keyUp")].concat();
        let hand: Vec<Value> = keys.iter().map(|_| pause()).chain(hand).collect();
        let actions = json!([{ "type": "key", "id": "keys", "actions": held }, { "type": "pointer", "id": "hand", "actions": hand }]);
        self.post("/actions", json!({ "actions": actions })).await;
    }

    /// The tabs and windows that are open, as soon as they are so many.
    pub(crate) async fn tabs(&self, count: usize) -> Vec<String> {
        let all = async {
            loop {
                let answer: Value = self
                    .http
                    .get(format!("{}/window/handles", self.session))
                    .send()
                    .await
                    .unwrap()
                    .json()
                    .await
                    .unwrap();
                let tabs: Vec<String> = serde_json::from_value(answer["value"].clone()).unwrap();
                if tabs.len() == count {
                    return tabs;
                }
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        };
        let patience = Duration::from_millis(PATIENCE_MS);
        tokio::time::timeout(patience, all).await.unwrap_or_else(|_| panic!("there were never {count} tabs"))
    }

    /// Goes on in another tab.
    pub(crate) async fn turn_to(&self, tab: &str) {
        self.post("/window", json!({ "handle": tab })).await;
    }

    /// Types in place of what stands there. `\u{e007}` is Enter.
    pub(crate) async fn write(&self, selector: &str, text: &str) {
        let element = self.element(selector).await;
        self.post(&format!("/element/{element}/clear"), json!({})).await;
        self.post(&format!("/element/{element}/value"), json!({ "text": text })).await;
    }

    /// Chooses the option whose text begins so.
    pub(crate) async fn choose(&self, selector: &str, beginning: &str) {
        let (select, beginning) = (json!(selector), json!(beginning));
        let option = format!(
            "[...document.querySelector({select}).options].find(o => o.text.startsWith({beginning}))"
        );
        self.until(format!("!!{option}")).await;
        let script = format!(
            "(() => {{ const s = document.querySelector({select}); s.value = {option}.value;
               s.dispatchEvent(new Event('input', {{ bubbles: true }})); s.dispatchEvent(new Event('change', {{ bubbles: true }})); }})()"
        );
        self.value(&script).await;
    }

    /// Keeps a picture of the whole page where `MIZILI_SHOTS` names a folder.
    pub(crate) async fn picture(&self, name: &str) {
        let Some(folder) = std::env::var_os("MIZILI_SHOTS").map(PathBuf::from) else { return };
        let clip = self
            .value(
                "({ x: 0, y: 0, width: innerWidth, height: document.documentElement.scrollHeight, scale: 1 })",
            )
            .await;
        let wanted = json!({ "format": "png", "captureBeyondViewport": true, "clip": clip });
        let answer = self.command("Page.captureScreenshot", wanted).await;
        let png = base64::engine::general_purpose::STANDARD.decode(answer["data"].as_str().unwrap()).unwrap();
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::write(folder.join(format!("{name}.png")), png).unwrap();
    }

    /// Runs a script before anything of every page from here on.
    pub(crate) async fn before_every_page(&self, script: &str) {
        self.command("Page.addScriptToEvaluateOnNewDocument", json!({ "source": script })).await;
    }

    /// Ends the browser, whatever the page complained about.
    pub(crate) async fn leave(&self) {
        self.http.delete(&self.session).send().await.unwrap();
    }

    /// Ends the browser. What the page complained about must be nothing: no broken script, nothing that its own policy forbids.
    pub(crate) async fn end(self) {
        let complaints = self.post("/se/log", json!({ "type": "browser" })).await;
        let severe: Vec<&str> = complaints
            .as_array()
            .unwrap()
            .iter()
            .filter(|line| line["level"] == "SEVERE")
            .map(|line| line["message"].as_str().unwrap_or_default())
            // A refusal by the box is shown on the page; the browser notes it too.
            .filter(|message| !message.contains("Failed to load resource"))
            .collect();
        assert!(severe.is_empty(), "{severe:?}");
        self.http.delete(&self.session).send().await.unwrap();
    }
}

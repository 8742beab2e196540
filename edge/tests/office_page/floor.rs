//! The oldest browsers that the page is for: Chrome 80 and Firefox 78. Its scripts use nothing newer; where a browser is older still,
//! or a script cannot be read, a plain sentence says so.

use crate::Office;
use axum::Router;
use axum::http::header;
use axum::routing::get;
use mizili_edge::testing::TestEdge;
use serde_json::json;
use std::path::Path;

/// Calls that came after the floor, as they are written.
const NEWER_CALLS: &[&str] = &[
    ".at(",
    ".replaceChildren(",
    ".replaceAll(",
    ".findLast(",
    ".findLastIndex(",
    ".toSorted(",
    ".toReversed(",
    ".toSpliced(",
    ".with(",
    ".checkVisibility(",
    ".isWellFormed(",
    ".showPopover(",
    ".setHTML(",
    "Object.hasOwn(",
    "Object.groupBy(",
    "Map.groupBy(",
    "Array.fromAsync(",
    "Promise.any(",
    "Promise.withResolvers(",
    "Promise.try(",
    "structuredClone(",
    "reportError(",
    "randomUUID(",
    "AbortSignal.timeout(",
    "AbortSignal.any(",
    "URL.canParse(",
    "URL.parse(",
    "WeakRef(",
    "FinalizationRegistry(",
    "Intl.DisplayNames",
    "Intl.Segmenter",
    "Intl.DurationFormat",
    "Iterator.from(",
    "query.size",
    "navigator.userAgentData",
    "scheduler.",
    ".union(",
    ".intersection(",
    ".difference(",
    ".isSubsetOf(",
    ":has(",
    ":where(",
    ":is(",
];

/// What style sheets gained after it. `:focus-visible` is known to neither: a rule that names it alone is lost.
const NEWER_STYLE: &[&str] = &[
    ":has(",
    ":is(",
    ":where(",
    "padding-inline:",
    "padding-block:",
    "margin-inline:",
    "margin-block:",
    "inset:",
    "inset-",
    "aspect-ratio",
    "accent-color",
    "content-visibility",
    "@layer",
    "@container",
    "@property",
    "color-mix(",
    "dvh",
    "svh",
    "text-wrap:",
    "overflow: clip",
    "scrollbar-gutter",
    "&",
];

/// Syntax that came after it.
const NEWER_SYNTAX: &[&str] = &[
    "??=",
    "||=",
    "&&=",
    "static {",
    "this.#",
    "export * as",
    "import.meta.resolve",
    "} with {",
    " using ",
    "(?<!",
    "(?<=",
];

fn scripts() -> Vec<(String, String)> {
    let found = assets("js");
    assert!(found.len() > 8, "{found:?}");
    found
}

/// Name and text of each asset of an ending.
fn assets(ending: &str) -> Vec<(String, String)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("assets");
    let mut found: Vec<(String, String)> = std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|of| of == ending))
        .map(|path| {
            (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read_to_string(path).unwrap())
        })
        .collect();
    found.sort();
    found
}

/// A script without its comments, so that they may say what they like.
fn code(text: &str) -> String {
    text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n")
}

/// Whether something is waited for outside every async function, which a module may do only since Chrome 89.
fn waits_at_the_top(code: &str) -> bool {
    // For each open brace, whether its line had said so far that what follows is async.
    let mut open: Vec<bool> = Vec::new();
    for (at, letter) in code.char_indices() {
        let line = &code[code[..at].rfind('\n').map_or(0, |end| end + 1)..at];
        match letter {
            '{' => open.push(line.contains("async")),
            '}' => drop(open.pop()),
            'a' if code[at..].starts_with("await ") => {
                let begins = line.chars().next_back().is_none_or(|c| !c.is_alphanumeric() && c != '_');
                if begins && !line.contains("async") && !open.iter().any(|is_async| *is_async) {
                    return true;
                }
            }
            _ => {}
        }
    }
    false
}

#[test]
fn scripts_use_nothing_newer_than_the_floor() {
    for (name, text) in scripts() {
        let code = code(&text);
        for newer in NEWER_CALLS.iter().chain(NEWER_SYNTAX) {
            assert!(!code.contains(newer), "{name} uses `{newer}`, which Chrome 80 or Firefox 78 lacks");
        }
        assert!(!waits_at_the_top(&code), "{name} waits outside every function");
    }
    // The one that tells the older ones keeps to what all of them know.
    let (_, floor) = scripts().into_iter().find(|(name, _)| name == "floor.js").unwrap();
    for newer in ["=>", "const ", "let ", "`", "?.", "??", "async", "class ", "import ", "..."] {
        assert!(!code(&floor).contains(newer), "floor.js uses `{newer}`");
    }
}

/// The rules of a style sheet: what each is for, and what it says. Those inside a media query are rules like any other.
fn rules(style: &str) -> Vec<(String, String)> {
    let mut plain = String::new();
    for (n, part) in style.split("/*").enumerate() {
        plain.push_str(if n == 0 { part } else { part.split_once("*/").map_or("", |(_, rest)| rest) });
    }
    let body = |part: &str| part.rsplit_once('{').map(|(of, says)| (of.to_owned(), says.to_owned()));
    plain
        .split('}')
        .filter_map(body)
        .map(|(of, says)| (of.trim().to_owned(), says.trim().to_owned()))
        .collect()
}

/// What a rule uses that came after the floor.
fn newer_style(of: &str, says: &str) -> Option<&'static str> {
    let newer = NEWER_STYLE.iter().find(|newer| of.contains(*newer) || says.contains(*newer));
    let has_gap = says.contains("gap:") && !says.contains("display: grid");
    let only_visible = of.contains(":focus-visible") && !of.contains(":not(:focus-visible)");
    newer.copied().or(has_gap.then_some("gap outside a grid")).or(only_visible.then_some(":focus-visible"))
}

#[test]
fn style_sheets_use_nothing_newer_than_the_floor() {
    let sheets = assets("css");
    assert!(sheets.len() >= 2, "{sheets:?}");
    for (name, text) in sheets {
        let rules = rules(&text);
        assert!(rules.len() > 8, "{name}");
        for (of, says) in rules {
            // A grid keeps its gap where a media query only changes its columns.
            let says = says.replace("gap: 0;", "");
            assert_eq!(newer_style(&of, &says), None, "{name}: {of}");
        }
    }
    let seen = |rule: &str| rules(rule).iter().any(|(of, says)| newer_style(of, says).is_some());
    for newer in [
        ".row > div:has(> button) { flex: 0 0 auto; }",
        "@media (max-width: 44rem) { .inner { padding-inline: .9rem; } }",
        ".bar { display: flex; gap: 1rem; }",
        ":focus-visible { outline: 3px solid; }",
    ] {
        assert!(seen(newer), "{newer}");
    }
    assert!(!seen(
        ".figures { display: grid; gap: 1rem; } /* no :has() here */ :focus:not(:focus-visible) { outline: none; }"
    ));
}

#[test]
fn what_is_newer_is_seen() {
    for (code, waits) in [
        ("const doc = await fetch('/x');", true),
        ("try {\n  await begin();\n} catch (e) {}", true),
        ("async function a() { if (b) { await c(); } }", false),
        ("const f = (act) => async () => {\n  try { await act(); } catch {}\n};", false),
        ("class A { async send(x) { return await x; } }", false),
        ("const all = async (x) => await x;", false),
        ("function b() { return 1; }\nawait b();", true),
    ] {
        assert_eq!(waits_at_the_top(code), waits, "{code}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_page_works_without_calls_that_are_newer() {
    let office = Office::open().await;
    let page = &office.browser;
    // What drives the browser needs some of them itself: they fail for the page's scripts alone.
    let lacking = "
        const lacks = (holder, name) => {
          const whole = holder[name];
          holder[name] = function (...given) {
            if (new Error().stack.includes('/assets/')) throw new TypeError(`${name} is not a function`);
            return whole.apply(this, given);
          };
        };
        for (const name of ['hasOwn', 'groupBy']) lacks(Object, name);
        for (const name of ['at', 'findLast', 'findLastIndex', 'toSorted', 'toReversed', 'with']) lacks(Array.prototype, name);
        for (const name of ['at', 'replaceAll']) lacks(String.prototype, name);
        for (const name of ['replaceChildren', 'checkVisibility']) lacks(Element.prototype, name);
        for (const name of ['structuredClone', 'reportError']) lacks(window, name);
        lacks(Promise, 'any'); lacks(AbortSignal, 'timeout'); lacks(crypto.constructor.prototype, 'randomUUID');";
    page.before_every_page(lacking).await;
    page.open(&office.url).await;
    office.sign_in().await;
    office.offer("50").await;
    office.section("orders").await;
    office.order("20").await;
    page.shows("#order-said .good", "Confirmed").await;
    office.section("prices").await;
    page.click("#price-table tbody button").await;
    page.until("document.querySelectorAll('#price-history circle').length === 12").await;
    page.open(&format!("{}/api/docs/", office.url)).await;
    page.shows("#operations", "/api/v1/market-prices").await;
    office.end().await;
}

/// The page with one of its scripts replaced by one that does not parse, as an older browser finds it.
fn with_unreadable(router: Router) -> Router {
    let broken = || async { ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], "const x = ;") };
    Router::new().route("/assets/{hash}/stock.js", get(broken)).fallback_service(router)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_browser_that_is_too_old_is_told_so() {
    let office = Office::served(TestEdge::with_market(), with_unreadable).await;
    let page = &office.browser;
    page.shows("#too-old", "This page cannot run in this browser. It needs Chrome 80").await;
    page.shows("#too-old", "Ukurasa huu hauwezi kufanya kazi").await;
    page.picture("too-old").await;
    office.server.abort();
    page.leave().await;
}

/// The page with one section that calls what is not there, as a browser finds it that is a little too old.
fn with_stumbling(router: Router) -> Router {
    let script = "export async function show() { Object.isNewerThanThis(); }";
    let broken = move || async move { ([(header::CONTENT_TYPE, "text/javascript; charset=utf-8")], script) };
    Router::new().route("/assets/{hash}/phone.js", get(broken)).fallback_service(router)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_goes_wrong_later_is_said_too() {
    let office = Office::served(TestEdge::with_market(), with_stumbling).await;
    let page = &office.browser;
    office.sign_in().await;
    assert_eq!(page.value("document.querySelector('#stumbled').hidden").await, json!(true));
    page.click("#nav a[href='#phone']").await;
    page.shows("#stumbled", "Something on this page did not work. Load the page again").await;
    assert_eq!(page.value("document.querySelector('#too-old').hidden").await, json!(true));
    office.server.abort();
    page.leave().await;
}

//! What a noun tells those tests that ask every route, fill every list or look at every table: one constant in the test file of each
//! noun. `main.rs` lists them.

use crate::NOUNS;
use crate::support::{Answer, TestHub, Who};
use axum::http::{HeaderName, Method};
use futures_util::future::LocalBoxFuture;
use mizili_node::testing::document::operations;
use serde_json::Value;

/// Statuses for [`Who::ALL`] in its order: nobody, buyer, farmer, clerk, clerk of another cooperative, admin.
pub(crate) type Statuses = [u16; 6];

pub(crate) const OPEN: Statuses = [200; 6];
pub(crate) const SIGNED_IN: Statuses = [401, 200, 200, 200, 200, 200];

/// See the module. What a noun has none of it takes from [`Noun::NOTHING`].
pub(crate) struct Noun {
    /// Its routes, and what each kind of caller gets there.
    pub(crate) routes: &'static [(Method, &'static str, Statuses)],
    /// Puts two at least into each of its lists, on a hub that has those of the nouns before it. Gives what `{id}` is in its paths: of the
    /// clerk's cooperative, and the buyer's own.
    pub(crate) fill: for<'a> fn(&'a TestHub) -> LocalBoxFuture<'a, String>,
    /// What the operation of that name takes from somebody, with each text that may be left out; `None` for one it does not know.
    /// It is given what `fill` gave, and the operation's name last.
    pub(crate) body: for<'a> fn(&'a TestHub, &'a str, Who, &'a str) -> LocalBoxFuture<'a, Option<Value>>,
    /// SQL that fills its tables with as much as a country has. The nouns before it have done so.
    pub(crate) country: &'static str,
    /// Its tables that stay small even then: they may be read from end to end.
    pub(crate) small: &'static [&'static str],
    /// Which indexes its lists have to walk along.
    pub(crate) walks: &'static [Walk],
}

/// A list that somebody asks for in a country, a part of the statement that answers it, and the index that it has to walk along.
pub(crate) struct Walk {
    pub(crate) who: Who,
    pub(crate) address: &'static str,
    pub(crate) part: &'static str,
    pub(crate) index: &'static str,
}

impl Walk {
    /// Of a list that anybody may ask for.
    pub(crate) const fn open(address: &'static str, part: &'static str, index: &'static str) -> Self {
        Self { who: Who::Anonymous, address, part, index }
    }
}

impl Noun {
    pub(crate) const NOTHING: Self = Self {
        routes: &[],
        fill: |_| Box::pin(std::future::ready(String::new())),
        body: |_, _, _, _| Box::pin(std::future::ready(None)),
        country: "",
        small: &[],
        walks: &[],
    };
}

/// What is no noun's: whether the hub runs.
pub(crate) const HEALTH: Noun =
    Noun { routes: &[(Method::GET, "/healthz", OPEN), (Method::GET, "/readyz", OPEN)], ..Noun::NOTHING };

/// The document of the routes.
pub(crate) fn document() -> Value {
    serde_json::to_value(mizili_hub::router::document()).unwrap()
}

/// An operation of the document.
fn operation<'d>(document: &'d Value, method: &Method, path: &str) -> &'d Value {
    let is_it = |of: &str, by: &str| of == path && by.eq_ignore_ascii_case(method.as_str());
    let found = operations(document).find(|(of, by, _)| is_it(of, by));
    found.unwrap_or_else(|| panic!("the document has no {method} {path}")).2
}

/// A hub with some of every noun.
pub(crate) struct World {
    pub(crate) hub: TestHub,
    /// What `{id}` is in the paths of each noun.
    ids: Vec<String>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let hub = TestHub::with_market().await;
        let mut ids = Vec::new();
        for noun in NOUNS {
            ids.push((noun.fill)(&hub).await);
        }
        Self { hub, ids }
    }

    /// The noun that a route is of, and what `{id}` is there.
    fn noun_of(&self, method: &Method, path: &str) -> (&'static Noun, &str) {
        let has = |noun: &Noun| noun.routes.iter().any(|(by, of, _)| by == method && *of == path);
        let at = NOUNS.iter().position(has);
        let at = at.unwrap_or_else(|| panic!("no noun in main.rs has {method} {path}"));
        (&NOUNS[at], &self.ids[at])
    }

    /// What `{id}` is in a path.
    pub(crate) fn id_at(&self, method: &Method, path: &str) -> &str {
        self.noun_of(method, path).1
    }

    /// What a route takes from somebody.
    pub(crate) async fn body(&self, method: &Method, path: &str, who: Who) -> Value {
        let (noun, id) = self.noun_of(method, path);
        let document = document();
        let name = operation(&document, method, path)["operationId"].as_str().unwrap();
        let body = (noun.body)(&self.hub, id, who, name).await;
        body.unwrap_or_else(|| panic!("say what {name} takes: `body` of the noun that has {method} {path}"))
    }

    /// Asks as the document says that it is asked, with all that a right request has.
    pub(crate) async fn ask(&self, method: &Method, path: &str, who: Who) -> Answer {
        let document = document();
        let operation = operation(&document, method, path);
        let mut call = self.hub.call(method.clone(), &path.replace("{id}", self.id_at(method, path))).by(who);
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            let name = parameter["name"].as_str().unwrap();
            let value = match (parameter["in"].as_str().unwrap(), name) {
                ("header", "Idempotency-Key") => self.hub.state.deps.ids.uuid_v7().to_string(),
                ("header", "If-Match") => "*".to_owned(),
                _ if parameter["required"] != true || name == "id" => continue,
                _ => panic!("say here what {method} {path} is asked with as {parameter}"),
            };
            call = call.header(name.parse::<HeaderName>().unwrap(), &value);
        }
        if operation["requestBody"].is_object() {
            call = call.json(&self.body(method, path, who).await);
        }
        call.send().await
    }
}

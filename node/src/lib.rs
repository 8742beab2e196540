//! What a hub and an edge have in common as servers: time and ids from outside, the JSON shapes that both APIs serve, problems,
//! bodies, query parameters, pages, ETags, what an API's description says of all routes, where a request comes from, passwords,
//! asking for one, how long a guesser waits, the market's nouns in JSON, taking connections, how long a request may
//! take, writes that may be sent twice, data folders, standard output and the log. It knows HTTP; of the market it knows what a request may ask
//! for, and decides nothing. It must never know a database: what needs one stays with
//! its node.

pub mod address;
pub mod api;
pub mod around;
pub mod body;
pub mod deps;
pub mod encoding;
pub mod etag;
pub mod failures;
pub mod fallback;
pub mod files;
pub mod folder;
pub mod health;
pub mod id;
pub mod idempotency;
pub mod manual;
pub mod market;
pub mod name;
pub mod openapi;
pub mod page;
pub mod password;
pub mod patience;
pub mod phone;
pub mod problem;
pub mod prompt;
pub mod query;
pub mod serve;
pub mod stop;
pub mod streams;
#[cfg(any(test, feature = "testing"))]
pub mod testing;
pub mod text;
pub mod throttle;
pub mod unharmed;
pub mod weak_password;

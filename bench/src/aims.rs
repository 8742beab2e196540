//! What is aimed at, and the peers' figures that some aims are a part of. The peers were measured by bench/run-peers on two
//! cores; run it to see them beside ours on one machine.

/// Rows a second of json-poll's first sync.
pub(crate) const JSON_POLL_SYNC_ROWS_S: f64 = 31_000.0;

/// Bytes of json-poll's first sync, both ways, in gzip.
pub(crate) const JSON_POLL_SYNC_BYTES: f64 = 1_619_000.0;

/// Bytes of json-poll's push of 10,000 orders, both ways.
pub(crate) const JSON_POLL_PUSH_BYTES: f64 = 2_014_000.0;

/// How many times json-poll's speed the first sync should reach.
pub(crate) const SYNC_TIMES_JSON_POLL: f64 = 3.0;

/// Bytes of a price row in bulk.
pub(crate) const PRICE_ROW_BYTES: f64 = 6.0;

/// Bytes of a product row in bulk.
pub(crate) const PRODUCT_ROW_BYTES: f64 = 20.0;

/// Bytes of one of a thousand changed prices.
pub(crate) const CHANGED_PRICE_BYTES: f64 = 8.0;

/// Seconds that `sync --once` takes for them as a process.
pub(crate) const CHANGED_BY_PROCESS_S: f64 = 0.10;

/// Orders a second, each checked and answered.
pub(crate) const ORDERS_S: f64 = 2_500.0;

/// How many times as long an order may take with 2,000 offices waiting as with none.
pub(crate) const WAITING_SLOWER: f64 = 1.1;

/// Bytes of an exchange without news.
pub(crate) const QUIET_BYTES: f64 = 300.0;

/// The part of a static nginx answer's rate that the price walk should reach.
pub(crate) const USSD_OF_NGINX: f64 = 1.0 / 3.0;

/// Milliseconds in process that half of all screens take at most.
pub(crate) const USSD_P50_MS: f64 = 0.5;

/// Milliseconds in process that 99 of 100 screens take at most.
pub(crate) const USSD_P99_MS: f64 = 5.0;

/// Resident memory of an idle edge, MiB.
pub(crate) const EDGE_MEMORY_MIB: f64 = 32.0;

/// Resident memory of an edge after 300 wrong sign-ins, MiB.
pub(crate) const EDGE_AFTER_SIGNINS_MIB: f64 = 48.0;

/// The same of a hub.
pub(crate) const HUB_AFTER_SIGNINS_MIB: f64 = 96.0;

/// Size of the edge's release binary, MB.
pub(crate) const EDGE_BINARY_MB: f64 = 15.0;

/// Rows a second of an import into Postgres, rows of the feed included.
pub(crate) const IMPORT_ROWS_S: f64 = 20_000.0;

/// The part of pgbench's rate, with the same statements, that a list of products and the latest price over REST should reach.
pub(crate) const REST_READ_OF_PGBENCH: f64 = 1.0 / 3.0;

/// The part of the rate of a pgbench script that writes the same rows that orders over REST should reach.
pub(crate) const REST_ORDER_OF_PGBENCH: f64 = 0.5;

/// The part of a bare SQLite insert of the same rows that the first sync should reach.
pub(crate) const SYNC_OF_SQLITE: f64 = 0.35;

/// How many times a bare Postgres insert, one order a transaction, the push of orders should reach.
pub(crate) const ORDERS_TIMES_POSTGRES: f64 = 3.0;

//! Every bound of the protocol, with its unit and its reason.

/// Compressed bytes of one frame's body. A frame is held in memory whole on a small box.
pub const FRAME_BODY_MAX_BYTES: usize = 1 << 20;

/// Bytes of one frame's body once expanded: stops a small frame from growing without end.
pub const FRAME_EXPANDED_MAX_BYTES: usize = 4 << 20;

/// Bytes of the texts and lists of one frame as they stand in memory, those that it says once for many each time: a small box holds
/// a frame whole.
pub const FRAME_UNFOLDED_MAX_BYTES: usize = 64 << 20;

/// Rows in one frame.
pub const FRAME_ROWS_MAX: usize = 32_768;

/// Values (rows times columns) in one frame: a constant column costs few bytes and many values.
pub const FRAME_CELLS_MAX: usize = 400_000;

/// Bytes of a small frame, for 2G: what is sent again after a cut stays short.
pub const FRAME_TARGET_MIN_BYTES: usize = 2 << 10;

/// Bytes of a frame on a fast link.
pub const FRAME_TARGET_MAX_BYTES: usize = 256 << 10;

/// Commands in one batch, which the hub applies in one transaction.
pub const BATCH_COMMANDS_MAX: usize = 1_000;

/// Bytes of one command's body.
pub const COMMAND_BODY_MAX_BYTES: usize = 16 << 10;

/// Commands one exchange may carry up before it is the rows' turn.
pub const EXCHANGE_COMMANDS_MAX: usize = 20_000;

/// Rows of one delta that are read in one snapshot and end in a complete point.
pub const COMPLETE_DELTA_MAX_ROWS: u64 = 10_000;

/// Commands that may wait at an edge. A year of a busy office, and a bound on the file.
pub const PENDING_COMMANDS_MAX: u64 = 500_000;

/// Buckets one edge may have: a national node of a large country and its neighbours.
pub const SCOPE_BUCKETS_MAX: usize = 4_096;

/// Bytes of a long poll's body: two numbers of at most ten bytes for each bucket, and the frame around them.
pub const NEWS_BODY_MAX_BYTES: usize = 20 * SCOPE_BUCKETS_MAX + 64;

/// Months of price history that the feed keeps for each series, counted from the series' own newest month.
pub const PRICE_HISTORY_MONTHS: u32 = 36;

/// Characters of a person's, product's or cooperative's name.
pub const NAME_MAX_CHARS: usize = 80;

/// Bytes of a text that one node makes for another to read: what an edit found instead, what a refusal's sentence needs, a line for
/// the log. Long enough for any name, and short enough that a verdict with all of its texts fits every frame.
pub const TEXT_MAX_BYTES: usize = 512;

/// Texts of one verdict.
pub const VERDICT_TEXTS_MAX: usize = 12;

/// Verdicts in one frame: an edge keeps them in one transaction, however few bytes they take.
pub const FRAME_VERDICTS_MAX: usize = 4_096;

/// A text, without what goes beyond [`TEXT_MAX_BYTES`].
pub fn bounded(text: &str) -> String {
    text[..text.floor_char_boundary(TEXT_MAX_BYTES)].to_owned()
}

/// The largest quantity anyone may enter, in thousandths of a unit: a billion units.
pub const QUANTITY_MAX_MILLI: i64 = 1_000_000_000_000;

/// The largest price of one unit, in minor units of its currency.
pub const PRICE_MAX_MINOR: i64 = 1_000_000_000_000;

/// Minor versions apart at which hub and edge still sync.
pub const VERSION_WINDOW: u16 = 2;

const _: () = assert!(FRAME_TARGET_MIN_BYTES < FRAME_TARGET_MAX_BYTES);
const _: () = assert!(NEWS_BODY_MAX_BYTES < FRAME_BODY_MAX_BYTES);
const _: () = assert!(FRAME_TARGET_MAX_BYTES < FRAME_BODY_MAX_BYTES);
const _: () = assert!(BATCH_COMMANDS_MAX <= EXCHANGE_COMMANDS_MAX);
const _: () = assert!(NAME_MAX_CHARS * 4 <= TEXT_MAX_BYTES);
// Whatever a single thing holds, it fits the smallest frame that is ever cut: a verdict with all its texts, a command.
const _: () = assert!(TEXT_MAX_BYTES * VERDICT_TEXTS_MAX + COMMAND_BODY_MAX_BYTES < FRAME_BODY_MAX_BYTES / 2);
// As many verdicts as a frame may have, all with the same full texts, need no cut for what they unfold to.
const _: () = assert!(
    FRAME_VERDICTS_MAX * VERDICT_TEXTS_MAX * (TEXT_MAX_BYTES + size_of::<String>())
        < FRAME_UNFOLDED_MAX_BYTES
);
const _: () = assert!(FRAME_EXPANDED_MAX_BYTES < FRAME_UNFOLDED_MAX_BYTES);
// A scope is one message: twenty bytes are more than any bucket's name takes.
const _: () = assert!(SCOPE_BUCKETS_MAX * 20 < FRAME_BODY_MAX_BYTES / 2);
// A total (quantity times price, in thousandths of a minor unit) must fit 128 bits with room to spare.
const _: () = assert!((QUANTITY_MAX_MILLI as i128) * (PRICE_MAX_MINOR as i128) < i128::MAX / 1_000_000);

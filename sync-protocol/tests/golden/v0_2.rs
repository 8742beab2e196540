//! What the files of v0.2 stand for: the forms that are new in this version. What has not changed since v0.1 has its samples there.
//! A new form is added here; what is new altogether has one by itself (`main.rs`). Its file is written with `UPDATE=1 cargo test -p sync-protocol --test golden`.

use super::sample::{self, Sample, id, mwi, mwk};
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{CooperativeId, EdgeId, Holder, ListingId, OrderId, RegionId};
use sync_protocol::market::{
    Adjustment, Body, Channel, EdgeSettings, ListingPost, Order, OrderStatus, StockAdjust,
};
use sync_protocol::session::{BucketCursor, Issuer};
use sync_protocol::units::Quantity;
use sync_protocol::wire::message::{Close, Hello, Message, Standing, StuckSms, cursors_to_bytes, scope_hash};
use sync_protocol::wire::rows::{Reach, Rows};

/// All of them.
pub(crate) fn samples() -> Vec<Sample> {
    let mut all = vec![
        Sample::message("close", close(None)),
        // Two copies of the hub's database were tried.
        Sample::message("close_backed_up", close(Some(1_699_900_000))),
        Sample::message("news", news()),
        Sample::message("hello", hello()),
        Sample::message("rows_repair", repaired_part()),
        // The office has said what it gives to the hub; the hub does not work it out again.
        Sample::command("", posted(Some(25_000))),
        // The whole stays at the office. Not the same as an older office's silence.
        Sample::command("whole", posted(Some(0))),
        // A count is taken back: what it moved, whatever this says it was.
        Sample::command("undo", undo()),
    ];
    all.extend(Sample::entity("", sample::row(&order())));
    all.extend(Sample::entity("unconfirmed", sample::row(&unconfirmed())));
    all.extend(Sample::entity("", sample::row(&named_edge())));
    all
}

/// Sold by an office at a price that the listing never had.
fn order() -> Order {
    Order {
        id: OrderId(id(5)),
        listing: ListingId(id(1)),
        cooperative: CooperativeId(12),
        quantity: Quantity(2_500),
        unit_price_minor: 1,
        currency: mwk(),
        holder: Some(Holder::Edge(EdgeId(4))),
        buyer_phone: 265_991_234_567,
        buyer_name: String::new(),
        buyer_cooperative: None,
        status: OrderStatus::Confirmed,
        channel: Channel::Office,
        placed_at_s: 1_700_000_000,
        odd_price: true,
        buyer_unconfirmed: false,
        recorded_at_s: None,
    }
}

/// Ordered by an account at the hub whose number nobody has confirmed. The hub says when it recorded it.
fn unconfirmed() -> Order {
    let recorded_at_s = Some(1_700_000_100);
    Order { channel: Channel::Rest, odd_price: false, buyer_unconfirmed: true, recorded_at_s, ..order() }
}

/// A box has a name, which an older hub never gives.
fn named_edge() -> EdgeSettings {
    EdgeSettings {
        id: EdgeId(4),
        cooperative: CooperativeId(7),
        country: mwi(),
        currency: mwk(),
        national: false,
        name: "Market store".into(),
    }
}

/// The hub says which minor it speaks.
fn close(backed_up_s: Option<i64>) -> Message {
    let link = Issuer { key: &[1; 32], edge: 4, incarnation: 1 }.issue(9, [2; 16]);
    let (clock_s, minor) = (1_700_000_001, Some(2));
    Message::Close(Close { link, more: false, clock_s, retry_after_s: 30, minor, backed_up_s })
}

/// Three SMS wait at an office that has no account to send them with.
fn hello() -> Message {
    Message::Hello(Hello {
        minor: 2,
        incarnation: 1,
        link: Issuer { key: &[1; 32], edge: 4, incarnation: 1 }.issue(8, [2; 16]),
        highest_seq: 7,
        verdicts_upto: 3,
        epoch: 1,
        scope: scope_hash(&[Bucket::Global]),
        cursors: cursors_to_bytes(&[BucketCursor { bucket: Bucket::Global, upto: 7, reached: None }]),
        clock_s: 1_700_000_000,
        room_bytes: 100_000,
        frame_bytes: 2_048,
        want_points: false,
        proof: Vec::new(),
        stuck_sms: Some(StuckSms { count: 3, age_s: 90_000 }),
        refused_left: Some(2),
    })
}

/// The middle of a slot that is mended in parts.
fn repaired_part() -> Message {
    let reach = Reach::Repair { entity: 14, slot: [1, 2], head: 90 };
    Message::Rows(Rows { bucket: Bucket::Global, reach, after: 20, upto: 40, rows: Vec::new() })
}

/// Where an edge stands that waits: one bucket whole, and one that a first snapshot still walks down.
fn news() -> Message {
    let at = |bucket, upto, reached| BucketCursor { bucket, upto, reached };
    let (global, region) = (Bucket::Global, Bucket::Region(RegionId(3)));
    let cursors = [at(global, 7, None), at(region, 300, Some(20))];
    let cursors = cursors_to_bytes(&cursors);
    Message::News(Standing { scope: scope_hash(&[global, region]), cursors, verdicts_upto: 12 })
}

fn undo() -> Body {
    StockAdjust {
        listing: id(1),
        found: Adjustment::Intake(90_000),
        reason: "undone".into(),
        undoes: Some(id(7)),
    }
    .into()
}

fn posted(hub_milli: Option<i64>) -> Body {
    ListingPost {
        listing: id(1),
        commodity: 5,
        unit: 1,
        title: String::new(),
        quantity_milli: 50_000,
        price_minor: 52_000,
        currency: "MWK".into(),
        seller: None,
        hub_milli,
    }
    .into()
}

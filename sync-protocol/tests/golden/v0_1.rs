//! What the files of v0.1 stand for. Released: nothing here is added or changed but what new types force, and then only so that the
//! bytes stay what they are. A new form is a sample of the newest version.

use super::sample::{self, Sample, id, mwi, mwk};
use std::collections::BTreeMap;
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::{
    CommandId, CommodityId, CooperativeId, EdgeId, Holder, ListingId, MarketId, MemberId, OrderId, RegionId,
    SeriesId, UnitId, UserId,
};
use sync_protocol::market::{
    Actor, ActorKind, Adjustment, Alias, Body, Channel, Command, Commodity, Cooperative, EdgeSettings,
    Entity, EntryId, EntryKind, Listing, ListingEdit, ListingPost, ListingStatus, ListingWithdraw, Market,
    Member, MemberRegister, OfficeRole, OfficeUser, Order, OrderCancel, OrderPlace, OrderStatus, Price,
    PriceFlags, PriceSeries, Region, Source, StockAdjust, StockEntry, TextChange, Unit, UnitBase,
    WholeChange,
};
use sync_protocol::row::{Key, Row};
use sync_protocol::session::{BucketCursor, Issuer};
use sync_protocol::units::{Month, Quantity};
use sync_protocol::verdict::{Applied, Conflict, Numbered, Reject, RejectCode, Verdict};
use sync_protocol::wire::message::{
    Audit, BucketPoint, Close, Hello, Message, Refusal, RefusalCode, SlotSums, Welcome, cursors_to_bytes,
    scope_hash,
};
use sync_protocol::wire::rows::{Reach, Rows};

/// All of them.
pub(crate) fn samples() -> Vec<Sample> {
    let mut all: Vec<Sample> =
        messages().into_iter().map(|(name, message)| Sample::message(name, message)).collect();
    for row in entities().into_values() {
        all.extend(Sample::entity("", row));
    }
    all.extend(bodies().into_iter().map(|body| Sample::command("", body)));
    all
}

/// One filled-in row of every entity, by number.
#[expect(clippy::too_many_lines, reason = "one of each, as released")]
fn entities() -> BTreeMap<u16, Row> {
    fn row<E: Entity + PartialEq>(entity: &E) -> (u16, Row) {
        (E::NUMBER, sample::row(entity))
    }
    let (coop, listing) = (CooperativeId(12), ListingId(id(1)));
    [
        row(&Commodity {
            id: CommodityId(5),
            name: "Maize".into(),
            category: "cereals and tubers".into(),
            name_sw: "Mahindi".into(),
            name_ny: "Chimanga".into(),
            name_fr: "Maïs".into(),
            on_menus: true,
        }),
        row(&Unit { id: UnitId(2), code: "90 KG".into(), base: UnitBase::Kilogram, factor_milli: 90_000 }),
        row(&Region { id: RegionId(3), name: "Central Region".into(), country: mwi() }),
        row(&Market {
            id: MarketId(9),
            name: "Lilongwe".into(),
            country: mwi(),
            region: Some(RegionId(3)),
            district: "Lilongwe".into(),
            latitude_e5: Some(-1_398_333),
            longitude_e5: Some(0),
        }),
        row(&PriceSeries {
            id: SeriesId(77),
            market: MarketId(9),
            commodity: CommodityId(5),
            unit: UnitId(1),
            price_type: "Retail".into(),
            currency: mwk(),
        }),
        row(&Price {
            at: (SeriesId(77), Month::new(2022, 6).unwrap()),
            price_minor: 22_650,
            flags: PriceFlags::ACTUAL.with(PriceFlags::SUSPECT),
        }),
        row(&Cooperative {
            id: coop,
            name: "Mbewu".into(),
            country: mwi(),
            region: Some(RegionId(3)),
            currency: mwk(),
            hub_share_percent: 50,
        }),
        row(&Member {
            id: MemberId(id(2)),
            cooperative: coop,
            name: "Chikondi".into(),
            phone: 265_991_234_567,
            language: "ny".into(),
            registered_at_s: 1_700_000_000,
        }),
        row(&Alias { from: MemberId(id(3)), to: MemberId(id(2)) }),
        row(&OfficeUser {
            id: UserId(id(4)),
            cooperative: coop,
            name: "Grace".into(),
            phone: 265_881_234_567,
            role: OfficeRole::Clerk,
            password_hash: "$argon2id$".into(),
            disabled: false,
        }),
        row(&EdgeSettings {
            id: EdgeId(4),
            cooperative: coop,
            country: mwi(),
            currency: mwk(),
            national: false,
            name: String::new(),
        }),
        row(&Listing {
            id: listing,
            cooperative: coop,
            commodity: CommodityId(5),
            unit: UnitId(1),
            title: "Seed maize".into(),
            price_minor: 52_000,
            currency: mwk(),
            seller: Some(MemberId(id(2))),
            status: ListingStatus::Withdrawn,
            posted_at_s: 1_700_000_000,
            available: Some(Quantity::units(25)),
        }),
        row(&StockEntry {
            id: EntryId { of: listing.0, step: EntryId::GIVEN },
            listing,
            holder: Holder::Edge(EdgeId(4)),
            quantity: Quantity::units(-25),
            kind: EntryKind::Transfer,
        }),
        row(&Order {
            id: OrderId(id(5)),
            listing,
            cooperative: coop,
            quantity: Quantity(2_500),
            unit_price_minor: 52_000,
            currency: mwk(),
            holder: Some(Holder::Hub),
            buyer_phone: 265_991_234_567,
            buyer_name: "Grace".into(),
            buyer_cooperative: Some(CooperativeId(13)),
            status: OrderStatus::Asked,
            channel: Channel::Ussd,
            placed_at_s: 1_700_000_000,
            odd_price: false,
            buyer_unconfirmed: false,
            recorded_at_s: None,
        }),
    ]
    .into()
}

fn bodies() -> Vec<Body> {
    let listing = id(1);
    vec![
        MemberRegister {
            member: id(2),
            phone: 265_991_234_567,
            name: "Chikondi".into(),
            language: "ny".into(),
        }
        .into(),
        ListingPost {
            listing,
            commodity: 5,
            unit: 1,
            title: String::new(),
            quantity_milli: 50_000,
            price_minor: 52_000,
            currency: "MWK".into(),
            seller: Some(id(2)),
            hub_milli: None,
        }
        .into(),
        ListingEdit {
            listing,
            price_minor: Some(WholeChange { old: 52_000, new: 50_000 }),
            title: Some(TextChange { old: String::new(), new: "Seed maize".into() }),
        }
        .into(),
        ListingWithdraw { listing }.into(),
        OrderPlace {
            listing,
            quantity_milli: 20_000,
            unit_price_minor: 52_000,
            source: Source::Held,
            buyer_phone: 0,
            buyer_name: String::new(),
            channel: 1,
        }
        .into(),
        OrderCancel::new(id(5)).into(),
        StockAdjust {
            listing,
            found: Adjustment::Count { counted_milli: 40_000, expected_milli: 50_000 },
            reason: "rats".into(),
            undoes: None,
        }
        .into(),
    ]
}

fn commands() -> Vec<Command> {
    let actor = Actor { kind: ActorKind::Member, id: Some(id(2)), phone: 265_991_234_567 };
    let command = |(seq, body): (u64, Body)| Command {
        id: CommandId(id(100 + u128::from(seq))),
        seq,
        made_at_s: 1_700_000_000,
        actor,
        body: body.to_raw(),
    };
    (1..).zip(bodies()).map(command).collect()
}

#[expect(clippy::too_many_lines, reason = "one of each, as released")]
fn messages() -> Vec<(&'static str, Message)> {
    let bucket = Bucket::Coop(CooperativeId(12));
    let link = Issuer { key: &[1; 32], edge: 4, incarnation: 1 }.issue(9, [2; 16]);
    let scope = vec![
        Bucket::Edge(EdgeId(4)),
        Bucket::Global,
        Bucket::Country(mwi()),
        Bucket::Region(RegionId(3)),
        bucket,
    ];
    let cursor = |bucket: &Bucket| BucketCursor {
        bucket: *bucket,
        upto: 300,
        reached: (*bucket == Bucket::Global).then_some(40),
    };
    let cursors: Vec<_> = scope.iter().map(cursor).collect();
    let audit = Audit { bucket, entity: 14, slot: vec![0xab] };
    let applied = Verdict::Applied(Applied {
        short: false,
        alias: Some(MemberId(id(2))),
        conflicts: vec![Conflict { field: "title".into(), current: "a".into(), wanted: "b".into() }],
    });
    let verdicts = vec![
        Numbered { number: 1, seq: 1, verdict: applied, stands_at: vec![(bucket, 12)] },
        Numbered {
            number: 2,
            seq: 2,
            verdict: Verdict::Applied(Applied::default()),
            stands_at: vec![(bucket, 13)],
        },
        Numbered {
            number: 3,
            seq: 3,
            verdict: Verdict::Applied(Applied::default()),
            stands_at: vec![(bucket, 13)],
        },
        Numbered {
            number: 4,
            seq: 4,
            verdict: Verdict::Rejected(Reject::with(RejectCode::NotEnough, ["5".into()])),
            stands_at: Vec::new(),
        },
        Numbered { number: 5, seq: 5, verdict: Verdict::Quarantined, stands_at: Vec::new() },
    ];
    let mut rows: Vec<Row> =
        (0u64..).zip(entities().into_values()).map(|(n, row)| Row { version: 1 + n, ..row }).collect();
    rows.push(Row { entity: 6, key: Key::Pair(77, 24_200), version: 40, body: None });
    let hello = Hello {
        minor: 1,
        incarnation: 1,
        link: link.clone(),
        highest_seq: 7,
        verdicts_upto: 3,
        epoch: 1,
        scope: scope_hash(&scope),
        cursors: cursors_to_bytes(&cursors),
        clock_s: 1_700_000_000,
        room_bytes: 100_000,
        frame_bytes: 2_048,
        want_points: true,
        proof: vec![3; 16],
        stuck_sms: None,
        refused_left: None,
    };
    vec![
        ("hello", Message::Hello(hello)),
        ("commands", Message::Commands(commands())),
        ("audit", Message::Audit(audit.clone())),
        ("end", Message::End),
        ("welcome", Message::Welcome(Welcome { epoch: 1, scope })),
        ("verdicts", Message::Verdicts(verdicts)),
        ("rows", Message::Rows(Rows { bucket, reach: Reach::Delta, after: 0, upto: 40, rows: rows.clone() })),
        (
            "rows_snapshot",
            Message::Rows(Rows {
                bucket,
                reach: Reach::Snapshot { head: 60 },
                after: 0,
                upto: 50,
                rows: rows[..5].to_vec(),
            }),
        ),
        (
            "rows_repair",
            Message::Rows(Rows {
                bucket,
                reach: Reach::Repair { entity: 14, slot: [1, 2], head: 50 },
                after: 0,
                upto: 50,
                rows: Vec::new(),
            }),
        ),
        (
            "complete",
            Message::Complete(vec![BucketPoint { bucket, head: 40, sums: vec![(13, 5), (14, u64::MAX)] }]),
        ),
        ("slot_sums", Message::SlotSums(SlotSums { of: audit, head: 40, sums: (0..256).collect() })),
        ("prove", Message::Prove([8; 16])),
        (
            "close",
            Message::Close(Close {
                link,
                more: true,
                clock_s: 1_700_000_001,
                retry_after_s: 0,
                minor: None,
                backed_up_s: None,
            }),
        ),
        ("refusal", Message::Refusal(Refusal { code: RefusalCode::SequenceReused, detail: "seq 3".into() })),
    ]
}

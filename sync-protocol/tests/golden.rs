//! Golden bytes: one sample of every message, entity and command of this version, as hexadecimal files in `tests/golden/v0.1`.
//!
//! They hold the wire format still: a change that alters them breaks nodes in the field. Files of released versions are kept, and
//! every later version must read them. A new sample is written with `UPDATE=1 cargo test -p sync-protocol --test golden`.
#![expect(clippy::unwrap_used, clippy::expect_used, reason = "a test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use sync_protocol::bucket::{Bucket, CountryCode};
use sync_protocol::command::{
    ALL as ALL_COMMANDS, Actor, ActorKind, Adjustment, Body, Command, ListingEdit, ListingPost,
    ListingWithdraw, MemberRegister, OrderCancel, OrderPlace, RawBody, Source, StockAdjust, TextChange,
    WholeChange,
};
use sync_protocol::entity::{
    ALL as ALL_ENTITIES, Alias, Channel, Commodity, Cooperative, EdgeSettings, Entity, EntryId, EntryKind,
    Listing, ListingStatus, Market, Member, OfficeRole, OfficeUser, Order, OrderStatus, Price, PriceFlags,
    PriceSeries, Region, StockEntry, Unit, UnitBase,
};
use sync_protocol::ids::{
    CommandId, CommodityId, CooperativeId, EdgeId, Holder, ListingId, MarketId, MemberId, OrderId, RegionId,
    SeriesId, UnitId, UserId,
};
use sync_protocol::row::{Key, Row, RowHash};
use sync_protocol::session::{BucketCursor, Issuer};
use sync_protocol::units::{Currency, Month, Quantity};
use sync_protocol::verdict::{Applied, Conflict, Numbered, Reject, RejectCode, Verdict};
use sync_protocol::wire::frame::FrameReader;
use sync_protocol::wire::message::{
    Audit, BucketPoint, Close, Hello, Message, Refusal, RefusalCode, SlotSums, Welcome, cursors_to_bytes,
    scope_hash,
};
use sync_protocol::wire::rows::{Reach, Rows};
use uuid::Uuid;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/v0.1")
}

fn hex(bytes: &[u8]) -> String {
    let lines: Vec<String> =
        bytes.chunks(32).map(|line| line.iter().map(|b| format!("{b:02x}")).collect()).collect();
    lines.join("\n") + "\n"
}

fn unhex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text.bytes().filter(u8::is_ascii_hexdigit).collect();
    digits.chunks(2).map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap()).collect()
}

/// Compares with the file, or writes it when asked to.
fn hold(name: &str, bytes: &[u8]) {
    let path = folder().join(format!("{name}.hex"));
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(folder()).unwrap();
        fs::write(&path, hex(bytes)).unwrap();
    }
    let kept = fs::read_to_string(&path).unwrap_or_else(|_| String::new());
    assert_eq!(
        hex(bytes),
        kept,
        "the bytes of {name} have changed, or its file is missing (UPDATE=1 writes it)"
    );
}

fn id(n: u128) -> Uuid {
    Uuid::from_u128(0x0192_0000_0000_7000_8000_0000_0000_0000 + n)
}

fn mwk() -> Currency {
    Currency::new("MWK").unwrap()
}

fn mwi() -> CountryCode {
    CountryCode::new("MWI").unwrap()
}

/// One filled-in row of every entity, by number.
fn entities() -> BTreeMap<u16, (&'static str, Row)> {
    fn row<E: Entity>(entity: &E) -> (u16, (&'static str, Row)) {
        let row = Row { entity: E::NUMBER, key: entity.key(), version: 7, body: Some(entity.to_fields()) };
        assert!(E::from_fields(row.key, &entity.to_fields()).is_ok());
        (E::NUMBER, (E::NAME, row))
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
        (0u64..).zip(entities().into_values()).map(|(n, (_, row))| Row { version: 1 + n, ..row }).collect();
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
                reach: Reach::Repair { entity: 14, slot: [1, 2] },
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
        ("close", Message::Close(Close { link, more: true, clock_s: 1_700_000_001, retry_after_s: 0 })),
        ("refusal", Message::Refusal(Refusal { code: RefusalCode::SequenceReused, detail: "seq 3".into() })),
    ]
}

fn read(bytes: &[u8]) -> Message {
    let mut reader = FrameReader::default();
    reader.push(bytes);
    let frame = reader.next_frame().unwrap().expect("a whole frame");
    reader.finish().unwrap();
    Message::from_frame(&frame).unwrap()
}

#[test]
fn every_message_has_golden_bytes_and_comes_back() {
    for (name, message) in messages() {
        let bytes = message.to_bytes();
        hold(&format!("message_{name}"), &bytes);
        assert_eq!(read(&bytes), message, "{name}");
    }
}

#[test]
fn every_entity_has_golden_bytes_and_a_golden_hash() {
    let samples = entities();
    for (number, name) in ALL_ENTITIES {
        let (_, row) = samples.get(number).unwrap_or_else(|| panic_without_sample(name));
        let canonical = row.body.as_ref().unwrap().to_canonical();
        hold(&format!("entity_{name}"), &canonical);
        hold(
            &format!("entity_{name}_hash"),
            &RowHash::of(*number, row.key, row.version, &canonical).0.to_le_bytes(),
        );
    }
}

#[expect(clippy::panic, reason = "a test")]
fn panic_without_sample<T>(name: &str) -> T {
    panic!("{name} has no sample here: add one")
}

#[test]
fn every_command_has_golden_bytes_and_comes_back() {
    let samples: BTreeMap<u16, Body> = bodies().into_iter().map(|b| (b.kind(), b)).collect();
    for (number, name) in ALL_COMMANDS {
        let body = samples.get(number).unwrap_or_else(|| panic_without_sample(name));
        let raw = body.to_raw();
        hold(&format!("command_{}", name.replace('.', "_")), &raw.bytes);
        assert_eq!(Body::from_raw(&raw), Ok(Some(body.clone())));
    }
}

#[test]
fn kept_files_of_every_version_still_decode() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden");
    let mut seen = 0;
    for version in fs::read_dir(root).unwrap() {
        for file in fs::read_dir(version.unwrap().path()).unwrap() {
            let path = file.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if name.starts_with("message_") {
                read(&unhex(&fs::read_to_string(&path).unwrap()));
                seen += 1;
            }
        }
    }
    assert!(seen >= messages().len());
}

#[test]
fn a_newer_writers_fields_entities_and_kinds_are_kept_or_skipped() {
    // A field and an entity that this version does not know travel unchanged.
    let mut fields = sync_protocol::value::Fields::new();
    fields.set(900, sync_protocol::value::Value::Text("new".into()));
    let row = Row { entity: 999, key: Key::Int(1), version: 3, body: Some(fields) };
    let rows = Message::Rows(Rows {
        bucket: Bucket::Global,
        reach: Reach::Delta,
        after: 0,
        upto: 3,
        rows: vec![row],
    });
    assert_eq!(read(&rows.to_bytes()), rows);
    // A message kind that this version does not know is skipped, not an error.
    assert_eq!(read(&Message::Unknown(99).to_bytes()), Message::Unknown(99));
    // A command that this version does not know is no error either: it waits as unsupported.
    assert_eq!(Body::from_raw(&RawBody { kind: 900, bytes: vec![0xff] }), Ok(None));
    assert!(Body::from_raw(&RawBody { kind: 5, bytes: vec![0xff] }).is_err());
}

//! No message of any content exceeds its limit, and every one comes back as it was: each kind at its largest, lists cut by the sizer.
#![expect(clippy::unwrap_used, reason = "a test")]

use proptest::prelude::*;
use sync_protocol::bucket::{Bucket, CountryCode};
use sync_protocol::ids::{CommandId, CooperativeId, EdgeId, MemberId, RegionId, hub_born};
use sync_protocol::limits::{
    BATCH_COMMANDS_MAX, COMMAND_BODY_MAX_BYTES, FRAME_BODY_MAX_BYTES, FRAME_TARGET_MIN_BYTES,
    FRAME_VERDICTS_MAX, NAME_MAX_CHARS, SCOPE_BUCKETS_MAX, TEXT_MAX_BYTES, VERDICT_TEXTS_MAX, bounded,
};
use sync_protocol::market::{Actor, ActorKind, Command, RawBody};
use sync_protocol::row::{Key, Row};
use sync_protocol::session::{BucketCursor, Issuer, Sizer};
use sync_protocol::value::{Fields, Value};
use sync_protocol::verdict::{Applied, Conflict, Numbered, Reject, RejectCode, Verdict};
use sync_protocol::wire::frame::FrameReader;
use sync_protocol::wire::message::{
    Audit, BucketPoint, Close, Hello, Message, Refusal, RefusalCode, SlotSums, Standing, StuckSms, Welcome,
    cursors_to_bytes,
};
use sync_protocol::wire::rows::{Reach, Rows};

/// Numbers that look random: nothing that compresses.
struct Noise(u64);

impl Noise {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 ^ (self.0 >> 33)
    }

    /// Text of so many characters, of two to four bytes each.
    fn text(&mut self, chars: usize) -> String {
        (0..chars).map(|_| char::from_u32(0x1_0000 + self.next() as u32 % 0xf000).unwrap()).collect()
    }

    fn bytes(&mut self, n: usize) -> Vec<u8> {
        (0..n).map(|_| self.next() as u8).collect()
    }
}

/// What the other side reads of one frame: it has to take it.
fn read(frame: &[u8]) -> Message {
    let mut reader = FrameReader::default();
    reader.push(frame);
    let read = reader.next_frame().unwrap().unwrap();
    reader.finish().unwrap();
    Message::from_frame(&read).unwrap()
}

/// How a verdict is filled.
#[derive(Clone, Copy, Debug)]
enum Filled {
    Equal,
    Numbered,
    Refused,
    Conflicts,
}

fn verdict(filled: Filled, n: u64, noise: &mut Noise) -> Numbered {
    let bucket = Bucket::Coop(CooperativeId(u32::MAX));
    let text = |noise: &mut Noise| noise.text(TEXT_MAX_BYTES);
    let (verdict, stands_at) = match filled {
        Filled::Equal => (Verdict::Applied(Applied::default()), vec![(bucket, 7)]),
        Filled::Numbered => (Verdict::Applied(Applied::default()), vec![(bucket, n)]),
        Filled::Refused => {
            let args = (0..2 * VERDICT_TEXTS_MAX).map(|_| text(noise)).collect::<Vec<_>>();
            (Verdict::Rejected(Reject::with(RejectCode::Conflict, args)), Vec::new())
        }
        Filled::Conflicts => {
            let conflicts = (0..2).map(|_| Conflict::new("title", &text(noise), &text(noise))).collect();
            let alias = Some(MemberId(hub_born(noise.next() >> 2)));
            (
                Verdict::Applied(Applied { short: true, alias, conflicts }),
                vec![(bucket, n), (Bucket::Global, n)],
            )
        }
    };
    Numbered { number: n, seq: n, verdict, stands_at }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn verdicts_are_cut_and_all_arrive(
        runs in prop::collection::vec(
            (prop_oneof![Just(Filled::Equal), Just(Filled::Numbered), Just(Filled::Refused), Just(Filled::Conflicts)], 1usize..700),
            1..5,
        ),
        frame_bytes in prop_oneof![Just(0usize), 0usize..400_000],
        seed in any::<u64>(),
    ) {
        let mut noise = Noise(seed);
        let mut list = Vec::new();
        for (filled, count) in runs {
            let count = match filled { Filled::Equal => count * 20, Filled::Numbered => count * 4, _ => count };
            for _ in 0..count { list.push(verdict(filled, list.len() as u64 + 1, &mut noise)); }
        }
        let mut sizer = Sizer::new(frame_bytes);
        sizer.begin(1);
        let frames = sizer.all(&list, FRAME_VERDICTS_MAX, |part| Message::Verdicts(part.to_vec()));
        let mut back = Vec::new();
        for frame in &frames {
            let Message::Verdicts(part) = read(frame) else { panic!("another kind") };
            prop_assert!(part.len() <= FRAME_VERDICTS_MAX);
            prop_assert!(part.len() == 1 || frame.len() <= FRAME_TARGET_MIN_BYTES.max(frame_bytes), "{}", frame.len());
            back.extend(part);
        }
        prop_assert_eq!(back, list);
    }

    #[test]
    fn commands_are_cut_and_all_arrive(
        sizes in prop::collection::vec(prop_oneof![0usize..60, Just(COMMAND_BODY_MAX_BYTES)], 1..150),
        frame_bytes in 0usize..400_000,
        seed in any::<u64>(),
    ) {
        let mut noise = Noise(seed);
        let commands: Vec<Command> = (1..).zip(&sizes).map(|(seq, size)| Command {
            id: CommandId(hub_born(noise.next() >> 2)),
            seq,
            made_at_s: noise.next() as i64,
            actor: Actor { kind: ActorKind::Member, id: Some(hub_born(noise.next() >> 2)), phone: noise.next() },
            body: RawBody { kind: u16::MAX, bytes: noise.bytes(*size) },
        }).collect();
        let mut sizer = Sizer::new(frame_bytes);
        sizer.begin(1);
        let mut back = Vec::new();
        for frame in sizer.all(&commands, BATCH_COMMANDS_MAX, |part| Message::Commands(part.to_vec())) {
            let Message::Commands(part) = read(&frame) else { panic!("another kind") };
            back.extend(part);
        }
        prop_assert_eq!(back, commands);
    }

    #[test]
    fn rows_are_cut_and_cover_the_page_without_gap_or_overlap(
        sizes in prop::collection::vec(prop_oneof![1usize..4, Just(NAME_MAX_CHARS), Just(40 * NAME_MAX_CHARS)], 0..400),
        down in any::<bool>(),
        frame_bytes in 0usize..300_000,
        seed in any::<u64>(),
    ) {
        let mut noise = Noise(seed);
        let mut version = 100;
        let rows: Vec<Row> = sizes.iter().map(|size| {
            version += 1 + noise.next() % 3;
            let mut fields = Fields::new();
            fields.set(1, Value::Text(&noise.text(*size)));
            Row { entity: 13, key: Key::Uuid(hub_born(version)), version, body: (!noise.next().is_multiple_of(9) || down).then_some(fields) }
        }).collect();
        let (after, upto) = (90, version + 7);
        let reach = if down { Reach::Snapshot { head: upto } } else { Reach::Delta };
        let page = Rows { bucket: Bucket::Global, reach, after, upto, rows };
        let mut sizer = Sizer::new(frame_bytes);
        sizer.begin(12);
        let (mut low, mut high, mut back) = (after, upto, Vec::new());
        for frame in sizer.rows(&page) {
            let Message::Rows(part) = read(&frame) else { panic!("another kind") };
            prop_assert_eq!((part.bucket, part.reach), (page.bucket, page.reach));
            if down {
                prop_assert_eq!(part.upto, high);
                high = part.after;
                back.splice(0..0, part.rows);
            } else {
                prop_assert_eq!(part.after, low);
                low = part.upto;
                back.extend(part.rows);
            }
        }
        prop_assert_eq!(if down { high } else { low }, if down { after } else { upto });
        prop_assert_eq!(back, page.rows);
    }

    #[test]
    fn a_slot_that_is_mended_is_cut_and_covered_from_its_head_to_nothing(
        sizes in prop::collection::vec(prop_oneof![1usize..4, Just(NAME_MAX_CHARS), Just(40 * NAME_MAX_CHARS)], 0..300),
        frame_bytes in 0usize..300_000,
        seed in any::<u64>(),
    ) {
        let mut noise = Noise(seed);
        let mut version = 0;
        let rows: Vec<Row> = sizes.iter().map(|size| {
            version += 1 + noise.next() % 3;
            let mut fields = Fields::new();
            fields.set(1, Value::Text(&noise.text(*size)));
            Row { entity: 13, key: Key::Uuid(hub_born(version)), version, body: Some(fields) }
        }).collect();
        let head = version + 7;
        let page = Rows { bucket: Bucket::Global, reach: Reach::Repair { entity: 13, slot: [1, 2], head }, after: 0, upto: head, rows };
        let mut sizer = Sizer::new(frame_bytes);
        sizer.begin(12);
        let (mut high, mut back) = (head, Vec::new());
        for frame in sizer.rows(&page) {
            let Message::Rows(part) = read(&frame) else { panic!("another kind") };
            prop_assert!(part.rows.len() < 2 || frame.len() <= FRAME_TARGET_MIN_BYTES.max(frame_bytes), "{}", frame.len());
            prop_assert_eq!((part.bucket, part.reach, part.upto), (page.bucket, page.reach, high));
            prop_assert!(part.rows.iter().all(|row| (part.after + 1..=part.upto).contains(&row.version)));
            high = part.after;
            back.splice(0..0, part.rows);
        }
        prop_assert_eq!((high, back), (0, page.rows));
    }
}

/// A scope of the largest buckets there are.
fn scope() -> Vec<Bucket> {
    let country = CountryCode::new("ZWE").unwrap();
    let many = (0..SCOPE_BUCKETS_MAX as u32 - 3).map(|n| match n % 3 {
        0 => Bucket::Region(RegionId(u32::MAX - n)),
        1 => Bucket::Catalogue(RegionId(u32::MAX - n)),
        _ => Bucket::Coop(CooperativeId(u32::MAX - n)),
    });
    [Bucket::Edge(EdgeId(u32::MAX)), Bucket::Global, Bucket::Country(country)]
        .into_iter()
        .chain(many)
        .collect()
}

#[test]
fn points_of_the_widest_scope_are_cut_and_all_arrive() {
    let mut noise = Noise(3);
    let mut point = |bucket: &Bucket| BucketPoint {
        bucket: *bucket,
        head: u64::MAX,
        sums: (0..40).map(|e| (e, noise.next())).collect(),
    };
    let points: Vec<BucketPoint> = scope().iter().map(&mut point).collect();
    let whole = Message::Complete(points.clone()).to_bytes();
    assert!(whole.len() > FRAME_BODY_MAX_BYTES, "in one frame nobody would take them: {}", whole.len());
    let mut sizer = Sizer::new(usize::MAX);
    let frames = sizer.all(&points, SCOPE_BUCKETS_MAX, |part| Message::Complete(part.to_vec()));
    let back: Vec<BucketPoint> = frames
        .iter()
        .flat_map(|frame| match read(frame) {
            Message::Complete(part) => part,
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(back, points);
}

#[test]
fn messages_that_are_one_piece_fit_at_their_largest() {
    let mut noise = Noise(5);
    let scope = scope();
    let link = Issuer { key: &[1; 32], edge: u32::MAX, incarnation: u32::MAX }.issue(u64::MAX, [255; 16]);
    let cursor =
        |bucket: &Bucket| BucketCursor { bucket: *bucket, upto: u64::MAX, reached: Some(u64::MAX - 1) };
    let cursors: Vec<BucketCursor> = scope.iter().map(cursor).collect();
    let audit = Audit { bucket: scope[0], entity: u16::MAX, slot: vec![255; 2] };
    let all = [
        Message::Hello(Hello {
            minor: u16::MAX,
            incarnation: u32::MAX,
            link: link.clone(),
            highest_seq: u64::MAX,
            verdicts_upto: u64::MAX,
            epoch: u32::MAX,
            scope: u32::MAX,
            cursors: cursors_to_bytes(&cursors),
            clock_s: i64::MIN,
            room_bytes: u32::MAX,
            frame_bytes: u32::MAX,
            want_points: true,
            proof: vec![255; 16],
            stuck_sms: Some(StuckSms { count: u32::MAX, age_s: u64::MAX }),
            refused_left: Some(u32::MAX),
        }),
        Message::News(Standing {
            scope: u32::MAX,
            cursors: cursors_to_bytes(&cursors),
            verdicts_upto: u64::MAX,
        }),
        Message::Audit(audit.clone()),
        Message::End,
        Message::Welcome(Welcome { epoch: u32::MAX, scope }),
        Message::SlotSums(SlotSums {
            of: Audit { slot: vec![255], ..audit },
            head: u64::MAX,
            sums: (0..256).map(|_| noise.next()).collect(),
        }),
        Message::Close(Close {
            link,
            more: true,
            clock_s: i64::MIN,
            retry_after_s: u32::MAX,
            minor: Some(u16::MAX),
            backed_up_s: Some(i64::MIN),
        }),
        Message::Refusal(Refusal::new(RefusalCode::Other(u32::MAX), &noise.text(100_000))),
        Message::Prove([255; 16]),
    ];
    for message in all {
        assert_eq!(read(&message.to_bytes()), message);
    }
}

#[test]
fn texts_are_cut_where_they_are_made_and_never_within_a_character() {
    let long = "ŵ".repeat(TEXT_MAX_BYTES);
    for n in 0..4 {
        let text = format!("{}{long}", "a".repeat(n));
        let cut = bounded(&text);
        assert!(cut.len() <= TEXT_MAX_BYTES && cut.len() + 2 > TEXT_MAX_BYTES && text.starts_with(&cut));
    }
    let reject = Reject::with(RejectCode::Invalid, (0..99).map(|_| long.clone()));
    assert_eq!((reject.args.len(), reject.args[0].len()), (VERDICT_TEXTS_MAX, TEXT_MAX_BYTES));
    assert!(Conflict::new("title", &long, &long).wanted.len() <= TEXT_MAX_BYTES);
    assert!(Refusal::new(RefusalCode::Busy, &long).detail.len() <= TEXT_MAX_BYTES);
    let name = "ŵ".repeat(NAME_MAX_CHARS);
    assert_eq!(bounded(&name), name, "no name is cut");
}

#[test]
fn what_is_said_once_for_many_is_cut_by_what_it_unfolds_to() {
    let text = "x".repeat(40 << 10);
    let mut fields = Fields::new();
    fields.set(1, Value::Text(&text));
    let row = |version| Row { entity: 13, key: Key::Int(7), version, body: Some(fields.clone()) };
    let rows: Vec<Row> = (1..=3_000).map(row).collect();
    let page = Rows { bucket: Bucket::Global, reach: Reach::Delta, after: 0, upto: 3_000, rows };
    let mut sizer = Sizer::new(usize::MAX);
    sizer.begin(1);
    let back = sizer.rows(&page).into_iter().map(|frame| match read(&frame) {
        Message::Rows(part) => part.rows.len(),
        other => panic!("{other:?}"),
    });
    assert_eq!(back.sum::<usize>(), page.rows.len());
}

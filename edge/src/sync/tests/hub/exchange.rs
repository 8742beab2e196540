//! What the hub makes of an exchange: commands are taken once and decided, and what is new since the cursors is answered, after the faults
//! had their way with it. Nothing here knows of a line.

use super::{Feed, State};
use crate::testing::{COOP, EDGE};
use sync_protocol::bucket::Bucket;
use sync_protocol::ids::Holder;
use sync_protocol::market::{Body, Command, Context, Effect};
use sync_protocol::row::{Row, slot};
use sync_protocol::session::{BucketCursor, Link, Page, next_pages};
use sync_protocol::verdict::{Numbered, Reject, RejectCode, Verdict};
use sync_protocol::wire::message::*;
use sync_protocol::wire::rows::{Reach, Rows};

impl State {
    pub(super) fn take(&mut self, command: Command) {
        self.arrived.push(command.seq);
        if command.seq <= self.link.applied_seq {
            let known = &self.taken[command.seq as usize - 1];
            assert_eq!(known.body_hash(), command.body_hash(), "one number, one command");
            return;
        }
        assert_eq!(command.seq, self.link.applied_seq + 1, "no gap in the stream");
        self.link.applied_seq = command.seq;
        let context = Context {
            place: Holder::Hub,
            origin: Holder::Edge(EDGE),
            cooperative: Some(COOP),
            clerk: true,
            admin: false,
            share_with: None,
            hub_share_percent: 50,
        };
        let body = Body::from_raw(&command.body).unwrap().unwrap();
        let decided = match &body {
            // A test's way to be refused.
            Body::ListingPost(post) if post.quantity_milli == 13_000 => {
                Err(Reject::new(RejectCode::NotAllowed))
            }
            _ => body.decide(&command, &context, &self.set),
        };
        let (verdict, stands_at) = match decided {
            Ok(decision) => {
                self.set.apply(&decision.effects);
                let feed = self.feeds.entry(Bucket::Coop(COOP)).or_default();
                for effect in &decision.effects {
                    feed.put(row_of(effect));
                }
                (Verdict::Applied(decision.applied), vec![(Bucket::Coop(COOP), feed.head)])
            }
            Err(reject) => (Verdict::Rejected(reject), Vec::new()),
        };
        self.verdicts.push(Numbered {
            number: self.verdicts.len() as u64 + 1,
            seq: command.seq,
            verdict,
            stands_at,
        });
        self.taken.push(command);
    }

    pub(super) fn answer(&self, hello: &Hello, audits: &[Audit], link: Link) -> Vec<Message> {
        let mut out = Vec::new();
        let close = |more| {
            let (clock_s, backed_up_s) = (1_772_352_600, None);
            Message::Close(Close { link, more, clock_s, retry_after_s: 0, minor: self.minor, backed_up_s })
        };
        let is_elsewhere = hello.scope != scope_hash(&self.scope) || hello.epoch != self.epoch;
        if is_elsewhere {
            out.push(Message::Welcome(Welcome { epoch: self.epoch, scope: self.scope.clone() }));
        }
        let verdicts = self.verdicts[hello.verdicts_upto as usize..].to_vec();
        if !verdicts.is_empty() {
            out.push(Message::Verdicts(verdicts));
        }
        let cursors = match hello.cursors.as_slice() {
            [] => self.scope.iter().copied().map(BucketCursor::new).collect(),
            _ if is_elsewhere => {
                out.push(close(true));
                return out;
            }
            cursors => cursors_from_bytes(cursors, &self.scope).unwrap(),
        };
        let empty = Feed::default();
        let feed = |bucket: &Bucket| self.feeds.get(bucket).unwrap_or(&empty);
        out.extend(audits.iter().map(|audit| answer_audit(audit, feed(&audit.bucket))));
        let pages = next_pages(cursors.iter().map(|c| (*c, feed(&c.bucket).head)).collect());
        let mut left = 4 * self.frame_rows;
        for page in &pages {
            for frame in frames(page, feed(&page.cursor.bucket), self.frame_rows) {
                if left > 0 {
                    left = left.saturating_sub(frame.rows.len().max(1));
                    out.push(Message::Rows(frame));
                }
            }
        }
        if left > 0 {
            let moved =
                |c: &&BucketCursor| hello.want_points || c.upto != feed(&c.bucket).head || !c.is_whole();
            let point =
                |bucket: Bucket| BucketPoint { bucket, head: feed(&bucket).head, sums: feed(&bucket).sums() };
            let points: Vec<_> = cursors.iter().filter(moved).map(|c| point(c.bucket)).collect();
            if !points.is_empty() {
                out.push(Message::Complete(points));
            }
        }
        out.push(close(left == 0));
        out
    }

    /// The bytes of an answer, after the faults had their way with it.
    pub(super) fn spoil(&mut self, mut answer: Vec<Message>) -> Vec<u8> {
        if let Some(place) = self.faults.lose_frame.take() {
            let frames = answer.iter().enumerate().filter(|(_, m)| matches!(m, Message::Rows(_)));
            let at = frames.map(|(at, _)| at).nth(place).expect("a frame to lose");
            answer.remove(at);
        }
        if self.faults.doubled {
            let last = answer.pop().unwrap();
            answer = answer.into_iter().flat_map(|m| [m.clone(), m]).chain([last]).collect();
        }
        let mut bytes: Vec<u8> = answer.iter().flat_map(Message::to_bytes).collect();
        if let Some(at) = self.faults.damage_at.take() {
            bytes[at] ^= 0x10;
        }
        bytes
    }
}

fn row_of(effect: &Effect) -> Row {
    let Effect { entity, key, fields, .. } = effect.clone();
    Row { entity, key, version: 0, body: Some(fields) }
}

fn frames(page: &Page, feed: &Feed, rows_max: usize) -> Vec<Rows> {
    let bucket = page.cursor.bucket;
    let rows = feed.between(page.after, page.upto, page.reach != Reach::Delta);
    let mut frames = Vec::new();
    if page.reach == Reach::Delta {
        let mut after = page.after;
        for chunk in rows.chunks(rows_max) {
            let upto = chunk.last().unwrap().version;
            frames.push(Rows { bucket, reach: page.reach, after, upto, rows: chunk.to_vec() });
            after = upto;
        }
        if let Some(last) = frames.last_mut() {
            last.upto = page.upto;
        }
    } else {
        let mut upto = page.upto;
        for chunk in rows.rchunks(rows_max) {
            let after = chunk[0].version - 1;
            frames.push(Rows { bucket, reach: page.reach, after, upto, rows: chunk.to_vec() });
            upto = after;
        }
        if let Some(last) = frames.last_mut() {
            last.after = 0;
        }
    }
    frames
}

fn answer_audit(audit: &Audit, feed: &Feed) -> Message {
    let live = feed.rows.values().filter(|row| row.entity == audit.entity && row.body.is_some());
    if let [first, second] = audit.slot[..] {
        let at = [first, second];
        let rows = live.filter(|row| slot(row.entity, row.key) == at).cloned().collect();
        let reach = Reach::Repair { entity: audit.entity, slot: at, head: feed.head };
        return Message::Rows(Rows { bucket: audit.bucket, reach, after: 0, upto: feed.head, rows });
    }
    let mut sums = vec![0u64; 256];
    for row in live {
        let [first, second] = slot(row.entity, row.key);
        let into = match audit.slot.first() {
            None => first,
            Some(named) if *named == first => second,
            Some(_) => continue,
        };
        let sum = &mut sums[usize::from(into)];
        *sum = sum.wrapping_add(row.hash().unwrap().0 as u64);
    }
    Message::SlotSums(SlotSums { of: audit.clone(), head: feed.head, sums })
}

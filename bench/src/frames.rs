//! What an exchange's answer was made of: bytes by kind of frame and of bucket, and how many rows these brought. It reads the
//! same bytes that the edge did; it never asks either side.

use crate::proxy::Seen;
use crate::web::{bodies_of_http2, responses};
use anyhow::{Context as _, Result};
use std::collections::BTreeMap;
use sync_protocol::bucket::Bucket;
use sync_protocol::bytes::Reader;
use sync_protocol::market::{Entity, Listing, Price};
use sync_protocol::wire::frame::FrameReader;
use sync_protocol::wire::message::Message;

/// Sums over the frames of some answers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Tally {
    /// Bytes of frames by what they are, envelopes included.
    pub(crate) bytes: BTreeMap<&'static str, u64>,
    /// Rows by entity.
    pub(crate) rows: BTreeMap<u16, u64>,
}

/// Frames of buckets that hold prices, with their markets and series.
pub(crate) const PRICES: &str = "prices";
/// Frames of catalogues: products, and who sells them.
pub(crate) const PRODUCTS: &str = "products";

impl Tally {
    /// Takes what came down apart.
    pub(crate) fn of(seen: &Seen) -> Result<Self> {
        let mut tally = Self::default();
        for stream in &seen.answers {
            let bodies: Vec<Vec<u8>> = if stream.starts_with(b"HTTP/1") {
                // Frames are the only answers without a content type.
                let responses = responses(stream)?.into_iter();
                responses.filter(|r| r.status == 200 && r.content_type.is_none()).map(|r| r.body).collect()
            } else {
                // No frame is of the kind that JSON begins with.
                bodies_of_http2(stream)?.into_iter().filter(|body| !body.starts_with(b"{")).collect()
            };
            for body in &bodies {
                tally.add(body)?;
            }
        }
        Ok(tally)
    }

    fn add(&mut self, mut body: &[u8]) -> Result<()> {
        while !body.is_empty() {
            let length = envelope_bytes(body).context("an answer that ends in a frame")?;
            let (envelope, rest) = body.split_at(length);
            body = rest;
            let mut reader = FrameReader::default();
            reader.push(envelope);
            let frame = reader.next_frame()?.context("a frame that is not whole")?;
            let message = Message::from_frame(&frame)?;
            *self.bytes.entry(what(&message)).or_default() += length as u64;
            if let Message::Rows(frame) = &message {
                for row in &frame.rows {
                    *self.rows.entry(row.entity).or_default() += 1;
                }
            }
        }
        Ok(())
    }

    /// Bytes of one kind.
    pub(crate) fn bytes_of(&self, what: &str) -> u64 {
        self.bytes.get(what).copied().unwrap_or(0)
    }

    /// Price rows that came.
    pub(crate) fn prices(&self) -> u64 {
        self.rows.get(&Price::NUMBER).copied().unwrap_or(0)
    }

    /// Product rows that came.
    pub(crate) fn products(&self) -> u64 {
        self.rows.get(&Listing::NUMBER).copied().unwrap_or(0)
    }

    /// Its parts in words, the largest first.
    pub(crate) fn words(&self) -> String {
        let mut parts: Vec<_> = self.bytes.iter().collect();
        parts.sort_by_key(|(_, bytes)| std::cmp::Reverse(**bytes));
        let parts: Vec<_> = parts.iter().map(|(what, bytes)| format!("{what} {bytes}")).collect();
        parts.join(", ")
    }
}

/// Bytes of the first frame with its envelope; `None` where it is not whole.
fn envelope_bytes(bytes: &[u8]) -> Option<usize> {
    let mut input = Reader::new(bytes);
    input.byte().ok()?;
    let length = usize::try_from(input.varint().ok()?).ok()?;
    input.take(4 + length).ok()?;
    Some(bytes.len() - input.remaining())
}

fn what(message: &Message) -> &'static str {
    match message {
        Message::Rows(rows) => match rows.bucket {
            Bucket::Region(_) | Bucket::Country(_) => PRICES,
            Bucket::Catalogue(_) => PRODUCTS,
            Bucket::Coop(_) => "own cooperative",
            Bucket::Edge(_) | Bucket::Global => "settings and names",
        },
        Message::Verdicts(_) => "verdicts",
        Message::Complete(_) => "points to compare",
        Message::Welcome(_) => "scope",
        Message::Close(_) => "close",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use sync_protocol::ids::{RegionId, SeriesId};
    use sync_protocol::market::PriceFlags;
    use sync_protocol::row::Row;
    use sync_protocol::units::Month;
    use sync_protocol::wire::rows::{Reach, Rows};

    #[test]
    fn frames_are_told_apart_and_add_up() {
        let price = |n| Price { at: (SeriesId(1), Month(n)), price_minor: 100, flags: PriceFlags::ACTUAL };
        let row = |n| Row {
            entity: Price::NUMBER,
            key: price(n).key(),
            version: u64::from(n),
            body: Some(price(n).to_fields()),
        };
        let rows = (1..=40).map(row).collect();
        let frame =
            Rows { bucket: Bucket::Region(RegionId(2)), reach: Reach::Delta, after: 0, upto: 40, rows };
        let mut body = Message::Rows(frame).to_bytes();
        let of_prices = body.len() as u64;
        Message::End.write(&mut body);
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n", body.len());
        let json = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 2\r\n\r\n{}";
        let stream = [json, head.as_bytes(), body.as_slice()].concat();
        let mut seen = Seen::default();
        seen.answers = vec![stream, Vec::new()];
        let tally = Tally::of(&seen).unwrap();
        assert_eq!((tally.prices(), tally.products(), tally.bytes_of(PRICES)), (40, 0, of_prices));
        assert_eq!(tally.bytes.values().sum::<u64>(), body.len() as u64);
    }
}

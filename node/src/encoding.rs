//! How an answer's bytes are packed for the line: gzip, brotli or zstd, whichever the caller prefers and understands. It decides
//! nothing about what may be packed; answers to posts never are, for they may hold secrets beside what a caller sent.

use axum::http::{HeaderMap, HeaderValue, header};
use std::io::{self, Write as _};

/// The least that is packed, in bytes: below it the head alone is larger than what would be saved.
pub const LEAST_BYTES: usize = 600;

/// A way to pack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Brotli: the smallest for text.
    Brotli,
    /// Zstandard.
    Zstd,
    /// gzip: understood by everything.
    Gzip,
}

impl Encoding {
    /// All of them, the best for text first.
    pub const ALL: [Self; 3] = [Self::Brotli, Self::Zstd, Self::Gzip];

    /// Its name in `Accept-Encoding` and `Content-Encoding`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Zstd => "zstd",
            Self::Gzip => "gzip",
        }
    }

    /// What a caller takes and prefers; `None` for bytes as they are.
    pub fn wanted(headers: &HeaderMap) -> Option<Self> {
        Self::wanted_of(headers, &Self::ALL)
    }

    /// The same of what there is, the best first.
    pub fn wanted_of(headers: &HeaderMap, offered: &[Self]) -> Option<Self> {
        let given: Vec<(String, u16)> = headers
            .get_all(header::ACCEPT_ENCODING)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(weighed)
            .collect();
        let weight = |name: &str| {
            let of = |name: &str| given.iter().find(|(given, _)| given == name).map(|(_, weight)| *weight);
            of(name).or_else(|| of("*")).unwrap_or(0)
        };
        let plain = given.iter().find(|(name, _)| name == "identity").map_or(0, |(_, weight)| *weight);
        // Of equal ones the last is taken by `max_by_key`.
        let best = offered.iter().copied().rev().max_by_key(|one| weight(one.name()))?;
        (weight(best.name()) > 0 && weight(best.name()) >= plain).then_some(best)
    }

    /// Packs bytes: a millisecond for an answer of an ordinary size.
    ///
    /// # Errors
    /// None that a caller could act on.
    pub fn pack(self, bytes: &[u8]) -> io::Result<Vec<u8>> {
        match self {
            Self::Brotli => {
                let params = brotli::enc::BrotliEncoderParams {
                    quality: 4,
                    size_hint: bytes.len(),
                    ..Default::default()
                };
                let mut out = Vec::with_capacity(bytes.len() / 4);
                brotli::BrotliCompress(&mut &*bytes, &mut out, &params)?;
                Ok(out)
            }
            Self::Zstd => zstd::bulk::compress(bytes, 3),
            Self::Gzip => {
                let level = flate2::Compression::new(5);
                let mut out = flate2::write::GzEncoder::new(Vec::with_capacity(bytes.len() / 4), level);
                out.write_all(bytes)?;
                out.finish()
            }
        }
    }

    /// The tag of the packed bytes, from that of the bytes as they are: another representation, so another tag.
    pub fn tag(self, plain: &HeaderValue) -> HeaderValue {
        let text = plain.to_str().unwrap_or_default();
        let tagged = text.strip_suffix('"').map(|open| format!("{open}.{}\"", self.name()));
        tagged.and_then(|text| text.parse().ok()).unwrap_or_else(|| plain.clone())
    }
}

/// One item of `Accept-Encoding`: its name, and its weight in thousandths.
fn weighed(item: &str) -> (String, u16) {
    let mut parts = item.split(';').map(str::trim);
    let name = parts.next().unwrap_or_default().to_ascii_lowercase();
    let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(Some(1.0), |q| q.parse::<f32>().ok());
    let name = if name == "x-gzip" { "gzip".to_owned() } else { name };
    (name, (weight.unwrap_or(0.0).clamp(0.0, 1.0) * 1_000.0) as u16)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::unpacked;

    fn wanted(value: &str) -> Option<&'static str> {
        let headers =
            HeaderMap::from_iter([(header::ACCEPT_ENCODING, HeaderValue::from_str(value).unwrap())]);
        Encoding::wanted(&headers).map(Encoding::name)
    }

    #[test]
    fn what_the_caller_prefers_is_taken_and_nothing_that_it_did_not_name() {
        assert_eq!(Encoding::wanted(&HeaderMap::new()), None);
        for (value, expected) in [
            ("gzip, deflate, br, zstd", Some("br")),
            ("gzip, deflate", Some("gzip")),
            ("gzip;q=1.0, br;q=0.5", Some("gzip")),
            ("br;q=0, *", Some("zstd")),
            ("*", Some("br")),
            ("identity", None),
            ("identity;q=1, gzip;q=0.5", None),
            ("deflate", None),
            ("X-GZIP", Some("gzip")),
            ("gzip;q=oops", None),
            ("", None),
        ] {
            assert_eq!(wanted(value), expected, "{value}");
        }
    }

    #[test]
    fn what_is_packed_can_be_unpacked_and_is_smaller() {
        let text =
            "{\"commodity\":\"Maize\",\"market\":\"Lilongwe\",\"price\":{\"amount\":25000}}".repeat(200);
        let bytes = text.as_bytes();
        for encoding in Encoding::ALL {
            let packed = encoding.pack(bytes).unwrap();
            assert!(packed.len() < bytes.len() / 20, "{encoding:?}: {}", packed.len());
            assert_eq!(unpacked(encoding, &packed).unwrap(), bytes);
        }
    }

    #[test]
    fn each_representation_has_a_tag_of_its_own() {
        let plain = HeaderValue::from_static("\"abc-def\"");
        assert_eq!(Encoding::Gzip.tag(&plain), "\"abc-def.gzip\"");
        assert_eq!(Encoding::Brotli.tag(&plain), "\"abc-def.br\"");
    }
}

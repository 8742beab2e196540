//! One-time enrolment codes: readable aloud, too long to guess, dead after seven days. Wrong ones slow down whoever types them and
//! nobody else: a code that strangers could end by guessing would keep an office from being opened.
//!
//! A code is twelve symbols in three groups. The first two pick the edge, so that a wrong try can be put beside it; the other ten hold
//! 50 random bits.

use sync_protocol::ids::EdgeId;
use sync_protocol::session::identity::{CODE_ALPHABET, CODE_SYMBOLS, normal_code, pick};

/// Days after which a code is dead.
pub const VALID_DAYS: i32 = 7;

/// A new code for an edge, such as `0K7M-2XYZ-9QRT`.
pub fn generate(edge: EdgeId, random: [u8; 8]) -> String {
    let symbols = pick(edge) << 50 | u64::from_le_bytes(random) & ((1 << 50) - 1);
    let text: Vec<u8> =
        (0..CODE_SYMBOLS).rev().map(|i| CODE_ALPHABET[(symbols >> (5 * i) & 31) as usize]).collect();
    let groups: Vec<_> = text.chunks(4).map(String::from_utf8_lossy).collect();
    groups.join("-")
}

/// What the database keeps of a code.
pub fn hash(code: &str) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"mizili enrolment code\0").update(normal_code(code).as_bytes());
    hasher.finalize().as_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sync_protocol::session::identity::code_pick as picks;

    #[test]
    fn a_code_picks_its_edge_and_survives_being_read_aloud() {
        let code = generate(EdgeId(1030), [0xff; 8]);
        assert_eq!(code.len(), 14);
        assert_eq!(picks(&code), Some(1030 % 1024));
        assert_eq!(picks(&code.to_lowercase().replace('-', " ")), Some(6));
        assert_eq!(hash(&code), hash(&code.to_lowercase()));
        assert_ne!(generate(EdgeId(1), [1; 8]), generate(EdgeId(1), [2; 8]));
        assert_eq!(picks("hello"), None);
        assert_eq!(picks("0K7M-2XYZ-9QR!"), None);
    }
}

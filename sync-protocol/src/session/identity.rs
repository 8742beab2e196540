//! What hub and edge sign to show who they are. Making keys and signatures is left to whoever holds them.

use crate::ids::EdgeId;

/// What the hub signs (Ed25519, its current identity key) when it hands out a challenge: the edge checks it against the keys
/// that it has pinned, so that nobody else can play the hub, and then pins the keys, current and next, that are signed with it.
pub fn hub_challenge(edge: u32, incarnation: u32, keys: &[[u8; 32]], challenge: &[u8]) -> Vec<u8> {
    let mut out =
        message(b"mizili hub challenge v1\0", edge, incarnation, &(keys.len() as u32).to_le_bytes());
    out.extend_from_slice(keys.as_flattened());
    out.extend_from_slice(challenge);
    out
}

/// What the edge signs (Ed25519, the key made at enrolment) to turn a challenge into a session.
pub fn edge_session(edge: u32, incarnation: u32, challenge: &[u8]) -> Vec<u8> {
    message(b"mizili edge session v1\0", edge, incarnation, challenge)
}

/// What a revoked edge signs (the key made at enrolment) to show that what it leaves with the hub is its own: the challenge, and the
/// BLAKE3 hash of the frame that holds its commands.
pub fn left_behind(edge: u32, incarnation: u32, challenge: &[u8], frame: &[u8]) -> Vec<u8> {
    let mut out = message(b"mizili edge left v1\0", edge, incarnation, blake3::hash(frame).as_bytes());
    out.extend_from_slice(challenge);
    out
}

/// What an edge signs (the key made at enrolment) when a hub that was restored from a backup asks it what it has: the challenge, its own
/// link, and the BLAKE3 hash of the rows that it brings.
pub fn after_restore(edge: u32, incarnation: u32, challenge: &[u8], link: u64, rows: &[u8]) -> Vec<u8> {
    let mut out = message(b"mizili edge restored v1\0", edge, incarnation, blake3::hash(rows).as_bytes());
    out.extend_from_slice(&link.to_le_bytes());
    out.extend_from_slice(challenge);
    out
}

/// What the edge signs at enrolment to show that it holds the key it offers: the code's letters and digits and the key.
pub fn enrolment(code: &str, public_key: &[u8]) -> Vec<u8> {
    let mut out = b"mizili enrolment v1\0".to_vec();
    out.extend_from_slice(normal_code(code).as_bytes());
    out.push(0);
    out.extend_from_slice(public_key);
    out
}

/// An enrolment code as it is compared: upper case, without the dashes and spaces people add, and with the letters that are
/// easily misheard or misread for digits taken as those (O as 0, I and L as 1).
pub fn normal_code(code: &str) -> String {
    code.chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| match c.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            c => c,
        })
        .collect()
}

/// The letters and digits of a code: no I, L, O, U, nothing that is misheard or misread (Crockford's base 32).
pub const CODE_ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// How many of them a code has.
pub const CODE_SYMBOLS: usize = 12;

/// The number that a code's first two symbols hold: that of the edge it is for, see [`pick`]. `None` when it is no code at all.
pub fn code_pick(code: &str) -> Option<u64> {
    let code = normal_code(code);
    let value = |c: u8| CODE_ALPHABET.iter().position(|a| *a == c).map(|at| at as u64);
    if code.len() != CODE_SYMBOLS || code.bytes().any(|c| value(c).is_none()) {
        return None;
    }
    let mut first = code.bytes().filter_map(value);
    Some(first.next()? << 5 | first.next()?)
}

/// The number by which a code names its edge: so that a wrong try can be counted against it, and another edge's code is noticed before
/// it is used up.
pub fn pick(edge: EdgeId) -> u64 {
    u64::from(edge.0) % 1024
}

fn message(purpose: &[u8], edge: u32, incarnation: u32, challenge: &[u8]) -> Vec<u8> {
    let mut out = purpose.to_vec();
    out.extend_from_slice(&edge.to_le_bytes());
    out.extend_from_slice(&incarnation.to_le_bytes());
    out.extend_from_slice(challenge);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_read_aloud_is_the_same_code() {
        assert_eq!(normal_code(" k7m0-2xyl "), "K7M02XY1");
        assert_ne!(hub_challenge(1, 1, &[], b"x"), edge_session(1, 1, b"x"));
    }
}

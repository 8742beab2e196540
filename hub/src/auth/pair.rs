//! A pair of tokens as it is made: the same few bytes always make the same pair, so that an answer which was lost can be given again.
//! They are kept sealed with the refresh token that asked for them, which only its holder has: whoever reads the database has nothing.

use crate::error::Problem;
use crate::token::{ACCESS_LIFETIME_S, TokenKey, Whose};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use mizili_node::deps::Deps;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A pair of tokens.
#[derive(Debug, Serialize, Deserialize, ToSchema)]
pub struct Tokens {
    /// Send it as `Authorization: Bearer TOKEN`.
    pub access_token: String,
    /// `Bearer`.
    #[schema(example = "Bearer")]
    pub token_type: String,
    /// Seconds until the access token expires.
    #[schema(example = 900)]
    pub expires_in_s: i64,
    /// Works once, at `/auth/refresh`, for the next pair.
    pub refresh_token: String,
}

/// What a pair is made of.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Pair {
    secret: [u8; 32],
    issued_at_s: i64,
}

/// A pair as the row of the refresh token that it answers keeps it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Sealed {
    pub(crate) secret: [u8; 32],
    pub(crate) issued_at_s: i64,
}

impl Pair {
    /// A new one, issued now.
    pub(crate) fn new(deps: &Deps) -> Self {
        Self { secret: deps.ids.random(), issued_at_s: deps.clock.now_s() }
    }

    /// Its tokens, for a user.
    pub(crate) fn show(&self, key: &TokenKey, whose: Whose) -> Result<Tokens, Problem> {
        // Two access tokens of one second differ by it, and it tells nothing of the secret.
        let id = blake3::derive_key("mizili access token id", &self.secret);
        let jti = uuid::Builder::from_random_bytes(std::array::from_fn(|at| id[at])).into_uuid();
        Ok(Tokens {
            access_token: key.issue_to(whose, self.issued_at_s, jti)?,
            token_type: "Bearer".to_owned(),
            expires_in_s: ACCESS_LIFETIME_S,
            refresh_token: self.refresh_token(),
        })
    }

    /// The hash under which its refresh token is kept.
    pub(crate) fn refresh_hash(&self) -> Vec<u8> {
        hash(&self.refresh_token())
    }

    fn refresh_token(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.secret)
    }

    /// Sealed with the refresh token that it answers. Each token seals one pair, once.
    pub(crate) fn seal(&self, with: &str) -> Sealed {
        Sealed { secret: mixed(self.secret, with), issued_at_s: self.issued_at_s }
    }

    /// The inverse of [`Pair::seal`], with the same token.
    pub(crate) fn unseal(sealed: &Sealed, with: &str) -> Self {
        Self { secret: mixed(sealed.secret, with), issued_at_s: sealed.issued_at_s }
    }
}

/// The bytes with a pad that only the token's holder can make: twice is none.
fn mixed(bytes: [u8; 32], with: &str) -> [u8; 32] {
    let pad = blake3::derive_key("mizili refresh token's successor", with.as_bytes());
    std::array::from_fn(|at| bytes[at] ^ pad[at])
}

/// The hash under which a refresh token is kept.
pub(crate) fn hash(token: &str) -> Vec<u8> {
    let mut hasher = blake3::Hasher::new();
    hasher.update(b"mizili refresh token\0").update(token.as_bytes());
    hasher.finalize().as_bytes().to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sync_protocol::ids::UserId;
    use uuid::Uuid;

    #[test]
    fn a_pair_comes_out_of_its_seal_with_the_same_token_alone() {
        let pair = Pair::new(&Deps::fixed(1));
        let sealed = pair.seal("first");
        assert!(Pair::unseal(&sealed, "first") == pair && Pair::unseal(&sealed, "second") != pair);
        assert_ne!(sealed.secret, pair.secret);
        let key = TokenKey::new(&[1; 32]);
        let whose = Whose { user: UserId(Uuid::from_u128(7)), sign_outs: 0 };
        let show = |pair: &Pair| serde_json::to_string(&pair.show(&key, whose).unwrap()).unwrap();
        assert_eq!(show(&pair), show(&Pair::unseal(&sealed, "first")));
        assert_ne!(show(&pair), show(&Pair::new(&Deps::fixed(2))));
    }
}

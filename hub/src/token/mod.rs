//! Access tokens: JWTs of a quarter of an hour, signed with a key of this hub. They say who it is and nothing else: role and
//! cooperative are looked up at each request, so that a change counts at once.

mod hs256;

use crate::error::{Kind, Problem};
use crate::secret_file;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation, decode, encode};
use serde::{Deserialize, Serialize};
use std::fmt;
use std::io;
use std::path::Path;
use sync_protocol::ids::UserId;
use uuid::Uuid;

/// Seconds that an access token lasts.
pub const ACCESS_LIFETIME_S: i64 = 15 * 60;

/// Fewest bytes of the secret: what HS256 signs with must not be guessed.
const SECRET_MIN_BYTES: usize = 32;
const ISSUER: &str = "mizili-hub";
/// File in the data folder.
const FILE: &str = "jwt-secret";

#[derive(Serialize, Deserialize)]
struct Claims {
    iss: String,
    sub: Uuid,
    iat: i64,
    exp: i64,
    /// Makes two tokens of one second differ.
    jti: Uuid,
    /// How often the account had been signed out everywhere. Hubs before this one said nothing, which is never.
    #[serde(default)]
    outs: i32,
}

/// Whose a token is, and from when.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Whose {
    /// The account.
    pub user: UserId,
    /// How often it had been signed out everywhere when the token was issued: after the next time the token is worth nothing.
    pub sign_outs: i32,
}

/// Why the secret could not be had.
#[derive(Debug, thiserror::Error)]
pub enum SecretError {
    /// It is too short to be safe.
    #[error(
        "{0} is too short: a secret needs at least {SECRET_MIN_BYTES} characters, such as the output of `openssl rand -hex 32`"
    )]
    Short(String),
    /// The file could not be read or made.
    #[error("cannot read or make {0}: {1}")]
    Io(String, io::Error),
}

/// The key that signs and checks access tokens.
#[derive(Clone)]
pub struct TokenKey {
    sign: EncodingKey,
    check: DecodingKey,
}

impl fmt::Debug for TokenKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TokenKey")
    }
}

impl TokenKey {
    /// From a secret.
    pub fn new(secret: &[u8]) -> Self {
        hs256::install();
        Self { sign: EncodingKey::from_secret(secret), check: DecodingKey::from_secret(secret) }
    }

    /// From the text of `MIZILI_JWT_SECRET` if there is one (several hubs share it), else from a file in the data folder that
    /// only the hub's user can read, made on first use with `fill` as the source of randomness.
    ///
    /// # Errors
    /// A secret that is too short, or a file that cannot be read or made.
    pub fn load(
        variable: Option<&str>,
        data_dir: &Path,
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<Self, SecretError> {
        if let Some(secret) = variable {
            return Self::checked(secret, "MIZILI_JWT_SECRET");
        }
        let path = data_dir.join(FILE);
        let name = path.display().to_string();
        let text = secret_file::read_or_make::<SECRET_MIN_BYTES>(&path, fill)
            .map_err(|error| SecretError::Io(name.clone(), error))?;
        Self::checked(&text, &name)
    }

    fn checked(secret: &str, name: &str) -> Result<Self, SecretError> {
        let secret = secret.trim().as_bytes();
        if secret.len() < SECRET_MIN_BYTES {
            Err(SecretError::Short(name.to_owned()))
        } else {
            Ok(Self::new(secret))
        }
    }

    /// A token for a user who was never signed out everywhere.
    ///
    /// # Errors
    /// None that a caller could act on.
    pub fn issue(&self, user: UserId, now_s: i64, jti: Uuid) -> Result<String, Problem> {
        self.issue_to(Whose { user, sign_outs: 0 }, now_s, jti)
    }

    /// A token for a user.
    ///
    /// # Errors
    /// None that a caller could act on.
    pub fn issue_to(&self, whose: Whose, now_s: i64, jti: Uuid) -> Result<String, Problem> {
        let claims = Claims {
            iss: ISSUER.to_owned(),
            sub: whose.user.0,
            iat: now_s,
            exp: now_s + ACCESS_LIFETIME_S,
            jti,
            outs: whose.sign_outs,
        };
        encode(&Header::new(Algorithm::HS256), &claims, &self.sign).map_err(Problem::internal)
    }

    /// Whom a token names. Whether the account has been signed out everywhere since is for whoever reads it to see.
    ///
    /// # Errors
    /// 401: expired, an edge's, or none of ours.
    pub fn check(&self, token: &str, now_s: i64) -> Result<Whose, Problem> {
        if is_edge_token(token) {
            return Err(Kind::EdgeToken.error());
        }
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_issuer(&[ISSUER]);
        // By the hub's own clock, below.
        validation.validate_exp = false;
        let claims = decode::<Claims>(token, &self.check, &validation)
            .map_err(|error| {
                Kind::Unauthorized
                    .because("This access token is not valid here. Log in again.")
                    .caused_by(error)
            })?
            .claims;
        if claims.exp <= now_s {
            return Err(Kind::TokenExpired.error());
        }
        Ok(Whose { user: UserId(claims.sub), sign_outs: claims.outs })
    }
}

/// Whether it looks like the token of an edge or of its office: random bytes in base64 or hex, without the dots of a JWT.
fn is_edge_token(token: &str) -> bool {
    let alphabet = |b: u8| b.is_ascii_alphanumeric() || b == b'-' || b == b'_' || b == b'=';
    (20..=100).contains(&token.len()) && token.bytes().all(alphabet)
}

#[cfg(test)]
mod tests {
    use super::*;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use std::fs;

    const USER: UserId = UserId(Uuid::from_u128(7));

    #[test]
    fn a_token_names_its_user_until_it_expires() {
        let key = TokenKey::new(&[1; 32]);
        let token = key.issue(USER, 1_000, Uuid::from_u128(1)).unwrap();
        assert_eq!(key.check(&token, 1_000 + ACCESS_LIFETIME_S - 1).unwrap().user, USER);
        assert_eq!(key.check(&token, 1_000 + ACCESS_LIFETIME_S).unwrap_err().kind(), Kind::TokenExpired);
        assert_eq!(TokenKey::new(&[2; 32]).check(&token, 1_000).unwrap_err().kind(), Kind::Unauthorized);
        let whose = Whose { user: USER, sign_outs: 3 };
        assert_eq!(key.check(&key.issue_to(whose, 1_000, Uuid::nil()).unwrap(), 1_000).unwrap(), whose);
        assert_eq!(key.check("", 0).unwrap_err().kind(), Kind::Unauthorized);
        assert_eq!(key.check("a.b.c", 0).unwrap_err().kind(), Kind::Unauthorized);
    }

    #[test]
    fn a_token_without_a_signature_is_refused() {
        let encode = |json: &str| URL_SAFE_NO_PAD.encode(json);
        let claims = encode(&format!(
            r#"{{"iss":"mizili-hub","sub":"{USER}","iat":0,"exp":9999999999,"jti":"{USER}"}}"#
        ));
        let token = format!("{}.{claims}.", encode(r#"{"alg":"none","typ":"JWT"}"#));
        assert_eq!(TokenKey::new(&[1; 32]).check(&token, 0).unwrap_err().kind(), Kind::Unauthorized);
    }

    #[test]
    fn an_edges_token_is_told_so() {
        let key = TokenKey::new(&[1; 32]);
        for token in
            [URL_SAFE_NO_PAD.encode([7; 16]), URL_SAFE_NO_PAD.encode([7; 32]), "0123456789abcdef".repeat(4)]
        {
            assert_eq!(key.check(&token, 0).unwrap_err().kind(), Kind::EdgeToken, "{token}");
        }
    }

    #[test]
    fn the_secret_is_made_once_and_a_short_one_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let first = TokenKey::load(None, dir.path(), |secret| secret.fill(7)).unwrap();
        let again = TokenKey::load(None, dir.path(), |secret| secret.fill(9)).unwrap();
        let token = first.issue(USER, 0, Uuid::nil()).unwrap();
        assert_eq!(again.check(&token, 1).unwrap().user, USER);
        assert!(matches!(TokenKey::load(Some("short"), dir.path(), |_| ()), Err(SecretError::Short(_))));
        fs::write(dir.path().join(FILE), "damaged").unwrap();
        assert!(matches!(TokenKey::load(None, dir.path(), |_| ()), Err(SecretError::Short(_))));
    }
}

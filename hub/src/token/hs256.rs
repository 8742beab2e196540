//! HS256 for `jsonwebtoken`, with ring, which signs for TLS already. Nothing else is signed or taken: a key or a token of another
//! algorithm is refused.
//!
//! The crate's own choices bring RSA and elliptic curves, which this hub never uses and which take longer to build than the hub.

use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind};
use jsonwebtoken::signature::{self, Signer, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};
use ring::hmac;

static PROVIDER: CryptoProvider = CryptoProvider {
    signer_factory: |algorithm, key| Ok(Box::new(Hs256::for_signing(*algorithm, key)?)),
    verifier_factory: |algorithm, key| Ok(Box::new(Hs256::for_checking(*algorithm, key)?)),
    key_utils: KeyUtils::new_unimplemented(),
};

/// Makes this the process's way of signing. Harmless when it is so already.
pub(super) fn install() {
    let _already = PROVIDER.install_default();
}

struct Hs256(hmac::Key);

impl Hs256 {
    fn for_signing(algorithm: Algorithm, key: &EncodingKey) -> Result<Self, Error> {
        Self::of(algorithm, key.family() == Algorithm::HS256.family(), key.as_bytes())
    }

    fn for_checking(algorithm: Algorithm, key: &DecodingKey) -> Result<Self, Error> {
        Self::of(algorithm, key.family() == Algorithm::HS256.family(), key.try_get_as_bytes()?)
    }

    fn of(algorithm: Algorithm, is_secret: bool, secret: &[u8]) -> Result<Self, Error> {
        if algorithm == Algorithm::HS256 && is_secret {
            Ok(Self(hmac::Key::new(hmac::HMAC_SHA256, secret)))
        } else {
            Err(ErrorKind::InvalidAlgorithm.into())
        }
    }
}

impl Signer<Vec<u8>> for Hs256 {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, signature::Error> {
        Ok(hmac::sign(&self.0, message).as_ref().to_vec())
    }
}

impl Verifier<Vec<u8>> for Hs256 {
    fn verify(&self, message: &[u8], tag: &Vec<u8>) -> Result<(), signature::Error> {
        hmac::verify(&self.0, message, tag).map_err(|_| signature::Error::new())
    }
}

impl JwtSigner for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

impl JwtVerifier for Hs256 {
    fn algorithm(&self) -> Algorithm {
        Algorithm::HS256
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7515, appendix A.1: key, signing input and signature of an HS256 token.
    #[test]
    fn signs_and_checks_as_the_standard_does() {
        let key = DecodingKey::from_base64_secret(
            "AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ+EstJQLr/T+1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow==",
        )
        .unwrap();
        let message = b"eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ";
        let tag = [
            116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212, 37, 77, 105,
            214, 191, 240, 91, 88, 5, 88, 83, 132, 141, 121,
        ];
        let check = Hs256::for_checking(Algorithm::HS256, &key).unwrap();
        check.verify(message, &tag.to_vec()).unwrap();
        assert!(check.verify(message, &tag[..31].to_vec()).is_err());
        let sign = EncodingKey::from_secret(key.try_get_as_bytes().unwrap());
        let made = Hs256::for_signing(Algorithm::HS256, &sign).unwrap().try_sign(message).unwrap();
        assert_eq!(made, tag);
    }

    #[test]
    fn takes_no_other_algorithm_and_no_other_key() {
        let secret = EncodingKey::from_secret(&[1; 32]);
        assert!(Hs256::for_signing(Algorithm::HS512, &secret).is_err());
        assert!(Hs256::for_signing(Algorithm::HS256, &EncodingKey::from_ed_der(&[1; 32])).is_err());
        assert!(Hs256::for_checking(Algorithm::HS256, &DecodingKey::from_ed_der(&[1; 32])).is_err());
    }
}

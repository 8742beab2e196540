//! The hub's own secrets: the key under which links are made, and the Ed25519 keys, current and next, that edges pin.
//!
//! They live outside the database, so that a restored backup cannot bring back old ones. From `MIZILI_HUB_KEYS` where several
//! hubs share them, else in a file that only the hub's user can read.

use crate::secret_file;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ed25519_dalek::{Signer, SigningKey};
use std::io;
use std::path::Path;

/// File in the data folder.
const FILE: &str = "hub-keys";
const LEN: usize = 96;

/// Why the keys could not be had.
#[derive(Debug, thiserror::Error)]
pub enum KeysError {
    /// The variable or the file does not hold three keys.
    #[error(
        "{0} does not hold the hub's keys (96 bytes in base64): restore it from a backup; edges trust no other keys. Where there is \
         none, move the file away, and run `mizili-hub keys replace --new` to go on with new ones"
    )]
    Malformed(String),
    /// The file could not be read or made.
    #[error("cannot read or make {0}: {1}")]
    Io(String, io::Error),
}

/// The hub's secrets.
pub struct HubKeys {
    /// Key of the links' MACs and of challenges.
    pub link: [u8; 32],
    current: SigningKey,
    next: SigningKey,
}

impl HubKeys {
    /// From the text of `MIZILI_HUB_KEYS` if there is one, else from the data folder, where they are made on first use with
    /// `fill` as the source of randomness.
    ///
    /// # Errors
    /// When what is there is not three keys, or the file cannot be read or made.
    pub fn load(
        variable: Option<&str>,
        data_dir: &Path,
        fill: impl FnOnce(&mut [u8]),
    ) -> Result<Self, KeysError> {
        if let Some(text) = variable {
            return Self::parse(text, "MIZILI_HUB_KEYS");
        }
        let path = data_dir.join(FILE);
        let name = path.display().to_string();
        let text = secret_file::read_or_make::<LEN>(&path, fill)
            .map_err(|error| KeysError::Io(name.clone(), error))?;
        Self::parse(&text, &name)
    }

    /// As [`HubKeys::load`], where they are there; none are made.
    ///
    /// # Errors
    /// As there.
    pub fn read(variable: Option<&str>, data_dir: &Path) -> Result<Option<Self>, KeysError> {
        if let Some(text) = variable {
            return Self::parse(text, "MIZILI_HUB_KEYS").map(Some);
        }
        let path = data_dir.join(FILE);
        let name = path.display().to_string();
        match std::fs::read_to_string(&path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(KeysError::Io(name, error)),
            Ok(text) => Self::parse(&text, &name).map(Some),
        }
    }

    /// Where [`HubKeys::load`] has them from, for people.
    pub fn place(variable: Option<&str>, data_dir: &Path) -> String {
        variable.map_or_else(|| data_dir.join(FILE).display().to_string(), |_| "MIZILI_HUB_KEYS".to_owned())
    }

    fn parse(text: &str, name: &str) -> Result<Self, KeysError> {
        let bytes = URL_SAFE_NO_PAD.decode(text.trim()).ok();
        let parts = bytes.as_deref().filter(|b| b.len() == LEN).and_then(|b| {
            let (link, rest) = b.split_first_chunk::<32>()?;
            let (current, rest) = rest.split_first_chunk::<32>()?;
            Some((*link, *current, *rest.first_chunk::<32>()?))
        });
        let (link, current, next) = parts.ok_or_else(|| KeysError::Malformed(name.to_owned()))?;
        Ok(Self { link, current: SigningKey::from_bytes(&current), next: SigningKey::from_bytes(&next) })
    }

    /// The public keys, current and next.
    pub fn public(&self) -> [[u8; 32]; 2] {
        [&self.current, &self.next].map(|key| key.verifying_key().to_bytes())
    }

    /// What tells these keys from others, for people and the database: eight groups of four letters and digits. It gives nothing
    /// of the keys away.
    pub fn fingerprint(&self) -> String {
        let mut hasher = blake3::Hasher::new_derive_key("mizili hub keys' fingerprint 2026");
        hasher.update(&self.link);
        self.public().iter().for_each(|key| {
            hasher.update(key);
        });
        let hex = hasher.finalize().to_hex();
        let groups: Vec<&str> = (0..8).map(|at| &hex[4 * at..4 * at + 4]).collect();
        groups.join("-")
    }

    /// Signs with the current key.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.current.sign(message).to_bytes()
    }

    /// A MAC under a key derived for one purpose.
    pub fn mac(&self, purpose: &str, message: &[u8]) -> [u8; 16] {
        let key = blake3::derive_key(purpose, &self.link);
        let mut mac = [0; 16];
        mac.copy_from_slice(&blake3::keyed_hash(&key, message).as_bytes()[..16]);
        mac
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn keys_are_made_once_and_damage_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let first = HubKeys::load(None, dir.path(), |secret| secret.fill(7)).unwrap();
        let again = HubKeys::load(None, dir.path(), |secret| secret.fill(9)).unwrap();
        assert_eq!(first.public(), again.public());
        assert_eq!(first.mac("a", b"x"), again.mac("a", b"x"));
        assert_ne!(first.mac("a", b"x"), first.mac("b", b"x"));
        let other = HubKeys::parse(&URL_SAFE_NO_PAD.encode([8; LEN]), "x").unwrap();
        assert_eq!(first.fingerprint(), again.fingerprint());
        assert_ne!(first.fingerprint(), other.fingerprint());
        assert_eq!(first.fingerprint().len(), 39);
        fs::write(dir.path().join(FILE), "short").unwrap();
        assert!(matches!(HubKeys::load(None, dir.path(), |_| ()), Err(KeysError::Malformed(_))));
    }
}

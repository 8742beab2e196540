//! The box's own keys: who it is to the hub, and what sealed bundles for it are closed with.
//!
//! Both secrets lie in files that only their owner may read, outside the database, so that a copy of the database is not a
//! copy of the identity. A secret must never reach a log, an error or an answer.

use crate::files::{SecretFile, load_secret, save_secret};
use ed25519_dalek::{Signer as _, SigningKey};
use mizili_node::deps::Deps;
use std::io;
use std::path::{Path, PathBuf};

/// Why the keys cannot be used. The text of each says what to do.
#[derive(Debug, thiserror::Error)]
pub enum IdentityError {
    /// There are no keys: the box was never enrolled, or their files are lost.
    #[error("the keys of this box are missing from {}. If it was never enrolled, run: mizili-edge enrol --hub URL --code CODE. If they were lost, the same with a new code (mizili-hub edge code); the box keeps what it has", .0.display())]
    Missing(PathBuf),
    /// A file is not what this program wrote.
    #[error("a key in {} is damaged ({cause}). Put it back from a backup, or move that file away and enrol again with a new code (mizili-hub edge code); the box keeps what it has", data_dir.display())]
    Damaged {
        /// The data directory.
        data_dir: PathBuf,
        /// Which file, and how.
        cause: io::Error,
    },
    /// A file cannot be read or written.
    #[error("cannot use the keys in {}: {cause}", data_dir.display())]
    File {
        /// The data directory.
        data_dir: PathBuf,
        /// What the system said.
        cause: io::Error,
    },
}

/// The box's keys.
pub struct Identity {
    signing: SigningKey,
    /// The bundle key is kept as an Ed25519 seed of its own: its scalar is the X25519 secret, and the curve's birational map
    /// gives the X25519 public key, so no second curve library is needed.
    bundle: SigningKey,
}

impl Identity {
    /// Makes new keys without storing them.
    pub fn generate(deps: &Deps) -> Self {
        Self::from_seeds((deps.ids.random(), deps.ids.random()))
    }

    /// Reads the keys of a data directory.
    ///
    /// # Errors
    /// When they are missing, damaged or cannot be read.
    pub fn load(data_dir: &Path) -> Result<Self, IdentityError> {
        let (signing, bundle) = (read(data_dir, SecretFile::Signing)?, read(data_dir, SecretFile::Bundle)?);
        signing.zip(bundle).map(Self::from_seeds).ok_or_else(|| IdentityError::Missing(data_dir.to_owned()))
    }

    /// The keys of a data directory, made and stored where there are none: an enrolment whose answer was lost is tried
    /// again with the same keys.
    ///
    /// # Errors
    /// When an existing file is damaged, or none can be written.
    pub fn load_or_create(data_dir: &Path, deps: &Deps) -> Result<Self, IdentityError> {
        let seed = |which| match read(data_dir, which)? {
            Some(seed) => Ok(seed),
            None => {
                let seed = deps.ids.random();
                save_secret(data_dir, which, &seed).map_err(|cause| failed(data_dir, cause))?;
                Ok(seed)
            }
        };
        Ok(Self::from_seeds((seed(SecretFile::Signing)?, seed(SecretFile::Bundle)?)))
    }

    fn from_seeds((signing, bundle): ([u8; 32], [u8; 32])) -> Self {
        Self { signing: SigningKey::from_bytes(&signing), bundle: SigningKey::from_bytes(&bundle) }
    }

    /// The Ed25519 public key that the hub knows the box by.
    pub fn public_key(&self) -> [u8; 32] {
        self.signing.verifying_key().to_bytes()
    }

    /// The X25519 public key that bundles for this box are sealed to.
    pub fn bundle_public_key(&self) -> [u8; 32] {
        self.bundle.verifying_key().to_montgomery().to_bytes()
    }

    /// The X25519 secret that opens sealed bundles.
    pub fn bundle_secret(&self) -> [u8; 32] {
        self.bundle.to_scalar_bytes()
    }

    /// Signs with the Ed25519 key. What is signed always begins with its purpose, see `sync_protocol::session::identity`.
    pub fn sign(&self, message: &[u8]) -> [u8; 64] {
        self.signing.sign(message).to_bytes()
    }
}

fn read(data_dir: &Path, which: SecretFile) -> Result<Option<[u8; 32]>, IdentityError> {
    load_secret(data_dir, which).map_err(|cause| failed(data_dir, cause))
}

fn failed(data_dir: &Path, cause: io::Error) -> IdentityError {
    let data_dir = data_dir.to_owned();
    match cause.kind() {
        io::ErrorKind::InvalidData => IdentityError::Damaged { data_dir, cause },
        _ => IdentityError::File { data_dir, cause },
    }
}

impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Identity").field("public_key", &self.signing.verifying_key()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ed25519_dalek::VerifyingKey;
    use std::fs;

    #[test]
    fn keys_are_made_once_and_come_back() {
        let dir = tempfile::tempdir().unwrap();
        let deps = Deps::fixed(1);
        assert!(matches!(Identity::load(dir.path()), Err(IdentityError::Missing(_))));
        let made = Identity::load_or_create(dir.path(), &deps).unwrap();
        let read = Identity::load_or_create(dir.path(), &deps).unwrap();
        assert_eq!(made.public_key(), read.public_key());
        assert_eq!(made.bundle_public_key(), read.bundle_public_key());
        assert_ne!(made.public_key(), Identity::generate(&deps).public_key());
        let key = VerifyingKey::from_bytes(&read.public_key()).unwrap();
        let signature = ed25519_dalek::Signature::from_bytes(&made.sign(b"hello"));
        assert!(key.verify_strict(b"hello", &signature).is_ok());
        assert!(key.verify_strict(b"hullo", &signature).is_err());
    }

    #[test]
    fn a_damaged_file_is_named_and_never_replaced() {
        let dir = tempfile::tempdir().unwrap();
        let deps = Deps::fixed(1);
        Identity::load_or_create(dir.path(), &deps).unwrap();
        let file = dir.path().join("signing.key");
        fs::write(&file, "something else").unwrap();
        let error = Identity::load_or_create(dir.path(), &deps).unwrap_err();
        assert!(matches!(error, IdentityError::Damaged { .. }), "{error}");
        assert_eq!(fs::read_to_string(&file).unwrap(), "something else");
    }

    #[test]
    fn the_bundle_key_is_an_x25519_key() {
        // RFC 7748: both sides reach one shared secret. Montgomery's ladder by the curve library that Ed25519 brings.
        let deps = Deps::fixed(1);
        let (ours, theirs) = (Identity::generate(&deps), Identity::generate(&deps));
        let shared = |secret: &Identity, public: &Identity| {
            public.bundle.verifying_key().to_montgomery().mul_clamped(secret.bundle_secret()).to_bytes()
        };
        assert_eq!(shared(&ours, &theirs), shared(&theirs, &ours));
        assert_ne!(shared(&ours, &theirs), [0; 32]);
    }

    #[test]
    fn no_secret_is_shown() {
        let made = Identity::from_seeds(([0xab; 32], [0xcd; 32]));
        let shown = format!("{made:?}").to_lowercase();
        assert!(!shown.contains("abab") && !shown.contains("171, 171") && !shown.contains("cdcd"), "{shown}");
    }
}

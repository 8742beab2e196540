//! Argon2id over buffers that are kept: as many as hashes run at once, each used again. The allocator must never see a buffer of
//! 19 MiB come and go with every sign-in: it gives such memory back late or not at all, and a node would grow with each guess.

use argon2::password_hash::phc::{Output, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use std::sync::{Mutex, PoisonError};

/// The buffers that no hash uses at the moment.
#[derive(Debug, Default)]
pub(super) struct Buffers(Mutex<Vec<Vec<Block>>>);

impl Buffers {
    /// The PHC string of a password by today's parameters.
    pub(super) fn hash(&self, password: &str, salt: &[u8; 16]) -> Result<String, argon2::Error> {
        let params = Params::default();
        let mut bytes = [0; Params::DEFAULT_OUTPUT_LEN];
        let argon2 = Argon2::new(Algorithm::default(), Version::default(), params.clone());
        self.lend(params.block_count(), |blocks| {
            argon2.hash_password_into_with_memory(password.as_bytes(), salt, &mut bytes, blocks)
        })?;
        let encoding = |_| argon2::Error::OutputTooLong;
        let hash = PasswordHash {
            algorithm: Algorithm::default().ident(),
            version: Some(Version::default().into()),
            params: (&params).try_into().map_err(encoding)?,
            salt: Some(Salt::new(salt).map_err(|_| argon2::Error::SaltTooLong)?),
            hash: Some(Output::new(&bytes).map_err(|_| argon2::Error::OutputTooLong)?),
        };
        Ok(hash.to_string())
    }

    /// Whether a PHC string is that of a password, by the parameters that it names. No where it is none.
    pub(super) fn verify(&self, password: &str, hash: &str) -> bool {
        let Ok(hash) = PasswordHash::new(hash) else { return false };
        let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else { return false };
        let (Ok(algorithm), Ok(version), Ok(params)) = (
            Algorithm::try_from(hash.algorithm.as_str()),
            hash.version.map_or(Ok(Version::default()), Version::try_from),
            Params::try_from(&hash),
        ) else {
            return false;
        };
        let blocks = params.block_count();
        let mut bytes = [0; Output::MAX_LENGTH];
        let Some(out) = bytes.get_mut(..expected.len()) else { return false };
        let argon2 = Argon2::new(algorithm, version, params);
        let hashed = self.lend(blocks, |blocks| {
            argon2.hash_password_into_with_memory(password.as_bytes(), salt, &mut *out, blocks)
        });
        // Two outputs are compared in the same time whatever they are.
        hashed.is_ok() && Output::new(out).is_ok_and(|made| made == *expected)
    }

    /// Lends a buffer of so many blocks. What a hash of other parameters needs beyond today's size is not kept.
    fn lend<T>(&self, count: usize, work: impl FnOnce(&mut [Block]) -> T) -> T {
        let kept_count = Params::DEFAULT.block_count();
        let mut blocks = self.kept().pop().unwrap_or_default();
        blocks.resize(count.max(kept_count), Block::new());
        let done = work(&mut blocks[..count]);
        if blocks.len() == kept_count {
            self.kept().push(blocks);
        }
        done
    }

    fn kept(&self) -> std::sync::MutexGuard<'_, Vec<Vec<Block>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the kept buffers lie.
    #[cfg(test)]
    pub(super) fn places(&self) -> Vec<*const Block> {
        self.kept().iter().map(|blocks| blocks.as_ptr()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use argon2::{PasswordHasher as _, PasswordVerifier as _};

    #[test]
    fn a_buffer_that_was_used_before_gives_what_a_fresh_one_gives() {
        let buffers = Buffers::default();
        for (password, salt) in [("correct horse", [1; 16]), ("battery staple", [2; 16]), ("", [3; 16])] {
            let made = buffers.hash(password, &salt).unwrap();
            let fresh: PasswordHash =
                Argon2::default().hash_password_with_salt(password.as_bytes(), &salt).unwrap();
            assert_eq!(made, fresh.to_string());
            assert!(buffers.verify(password, &made) && !buffers.verify("another", &made));
            let made = PasswordHash::new(&made).unwrap();
            Argon2::default().verify_password(password.as_bytes(), &made).unwrap();
        }
        assert_eq!(buffers.places().len(), 1);
    }

    #[test]
    fn a_hash_of_other_parameters_is_checked_and_leaves_nothing_behind() {
        let buffers = Buffers::default();
        for (memory, kept) in [(64, 1), (Params::DEFAULT_M_COST * 2, 0)] {
            let params = Params::new(memory, 1, 1, None).unwrap();
            let other = Argon2::new(Algorithm::Argon2i, Version::V0x10, params);
            let hash: PasswordHash = other.hash_password_with_salt(b"correct horse", &[5; 16]).unwrap();
            let hash = hash.to_string();
            assert!(buffers.verify("correct horse", &hash) && !buffers.verify("wrong", &hash), "{hash}");
            assert_eq!(buffers.places().len(), kept, "{hash}");
        }
    }
}

//! Hashes of passwords: argon2id in memory that is allocated once and reused.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};
use data_encoding::HEXLOWER;
use sha2::{Digest as _, Sha256};

/// The most memory that a stored hash may ask for. It is more than three times what `keyfob account
/// add` asks for, and what RFC 9106 recommends where memory is scarce.
const MAX_MEMORY_KIB: u32 = 64 * 1024;
/// The same in argon2's blocks of a KiB.
const MAX_MEMORY_BLOCKS: usize = MAX_MEMORY_KIB as usize;
/// The most passes over that memory that a stored hash may ask for.
const MAX_PASSES: u32 = 10;

/// The memory of hashes. The first hash allocates it, and it is kept for the next ones. Memory for
/// each hash would stay with the allocator of each thread that freed it.
///
/// It reserves addresses for the largest hash, and the system gives pages for those that are made.
/// So it never moves, and is returned to the system when it is dropped: glibc maps what is larger
/// than 32 MiB by itself, whatever was freed before.
#[derive(Default)]
pub(super) struct Memory(Vec<Block>);

impl Memory {
    /// Whether nothing was hashed in it.
    pub(super) const fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Hashes a password with a fresh salt, to a PHC string.
    ///
    /// Errors: the operating system has no randomness.
    pub(super) fn hash(&mut self, password: &[u8]) -> Result<String, String> {
        let argon2 = Argon2::default();
        let (algorithm, version, params) = (Algorithm::default(), Version::default(), argon2.params());
        let mut salt = [0; Salt::RECOMMENDED_LENGTH];
        getrandom::fill(&mut salt).map_err(|error| error.to_string())?;
        let describe = |error: &dyn std::fmt::Display| format!("the password could not be hashed: {error}");
        let hash = PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: ParamsString::try_from(params).map_err(|error| describe(&error))?,
            salt: Some(Salt::new(&salt).map_err(|error| describe(&error))?),
            hash: Some(self.output(&argon2, password, &salt, Params::DEFAULT_OUTPUT_LEN)?),
        };
        Ok(hash.to_string())
    }

    /// Whether a PHC string is the hash of this password, in constant time. The parameters are
    /// those of the string, up to [`MAX_MEMORY_KIB`] and [`MAX_PASSES`].
    ///
    /// Errors: what is wrong with the string, for the log.
    pub(super) fn verify(&mut self, password: &[u8], hash: &str) -> Result<bool, String> {
        let describe = |error: &dyn std::fmt::Display| format!("is not an argon2 hash: {error}");
        let hash = PasswordHash::new(hash).map_err(|error| describe(&error))?;
        let algorithm = Algorithm::try_from(hash.algorithm.as_str()).map_err(|error| describe(&error))?;
        let version = hash.version.map_or(Ok(Version::default()), Version::try_from).map_err(|error| describe(&error))?;
        let params = Params::try_from(&hash).map_err(|error| describe(&error))?;
        let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else { return Err("lacks its salt or its output".to_owned()) };
        let (memory, passes) = (params.m_cost(), params.t_cost());
        if memory > MAX_MEMORY_KIB || passes > MAX_PASSES {
            return Err(format!(
                "asks for {memory} KiB and {passes} passes; {MAX_MEMORY_KIB} KiB and {MAX_PASSES} passes are allowed"
            ));
        }
        // `Output` is compared in constant time.
        Ok(self.output(&Argon2::new(algorithm, version, params), password, salt, expected.len())? == *expected)
    }

    fn output(&mut self, argon2: &Argon2<'_>, password: &[u8], salt: &[u8], length: usize) -> Result<Output, String> {
        let blocks = argon2.params().block_count();
        if self.0.len() < blocks {
            let most = MAX_MEMORY_BLOCKS.max(blocks);
            // A system that counts reserved memory may refuse that much.
            let reserved = self.0.try_reserve_exact(most.saturating_sub(self.0.len()));
            reserved
                .or_else(|_| self.0.try_reserve_exact(blocks.saturating_sub(self.0.len())))
                .map_err(|error| format!("no memory for a hash: {error}"))?;
            self.0.resize(blocks, Block::new());
        }
        let mut output = [0; Output::MAX_LENGTH];
        let output = output.get_mut(..length).ok_or("its output is too long")?;
        argon2.hash_password_into_with_memory(password, salt, output, &mut self.0).map_err(|error| error.to_string())?;
        Output::new(output).map_err(|error| error.to_string())
    }
}

/// Hashes a password for the store: argon2id, as a PHC string.
///
/// Errors: the operating system has no randomness.
pub fn hash_password(password: &str) -> Result<String, String> {
    Memory::default().hash(password.as_bytes())
}

/// Hashes a token for the store. A token has 256 random bits, so a fast hash is enough.
pub fn hash_token(token: &str) -> String {
    HEXLOWER.encode(&Sha256::digest(token.as_bytes()))
}

#[cfg(test)]
mod tests {
    use argon2::PasswordVerifier as _;

    use super::*;

    #[test]
    fn hash_is_argon2id_with_a_salt_of_its_own_and_other_programs_verify_it() {
        let mut memory = Memory::default();
        let (hash, other) = (memory.hash(b"right").unwrap(), memory.hash(b"right").unwrap());
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && hash != other, "{hash}");
        assert!(Argon2::default().verify_password(b"right", hash.as_str()).is_ok());
        assert!(Argon2::default().verify_password(b"wrong", hash.as_str()).is_err());
        assert_eq!((memory.verify(b"right", &hash), memory.verify(b"wrong", &hash)), (Ok(true), Ok(false)));
        assert_eq!(memory.0.len(), 19_456);
    }

    /// From the tests of the reference implementation,
    /// <https://github.com/P-H-C/phc-winner-argon2>, for the password `password`.
    #[test]
    fn stored_hash_is_verified_with_its_own_parameters() {
        let mut memory = Memory::default();
        for hash in [
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
            "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA",
            "$argon2i$v=16$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY",
        ] {
            assert_eq!(memory.verify(b"password", hash), Ok(true), "{hash}");
            assert_eq!(memory.verify(b"passwort", hash), Ok(false), "{hash}");
        }
    }

    #[test]
    fn stored_hash_that_asks_for_too_much_or_is_malformed_is_refused_and_takes_no_memory() {
        let mut memory = Memory::default();
        let rest = "c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        let (too_much_memory, too_many_passes) = ("asks for 4194304 KiB and 2 passes", "asks for 256 KiB and 4000000000 passes");
        for (hash, expected) in [
            (format!("$argon2id$v=19$m=4194304,t=2,p=1${rest}"), too_much_memory),
            (format!("$argon2id$v=19$m=256,t=4000000000,p=1${rest}"), too_many_passes),
            (format!("$argon2id$v=19$m=4,t=2,p=1${rest}"), "is not an argon2 hash"),
            (format!("$scrypt$ln=1,r=8,p=1${rest}"), "is not an argon2 hash"),
            ("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ".to_owned(), "lacks"),
            ("a password".to_owned(), "is not an argon2 hash"),
            (String::new(), "is not an argon2 hash"),
        ] {
            let error = memory.verify(b"password", &hash).unwrap_err();
            assert!(error.contains(expected), "{hash}: {error}");
        }
        assert_eq!(memory.0.capacity(), 0);
    }
}

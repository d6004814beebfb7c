//! Hashes of passwords: argon2id in an area of memory that is made once and used again.

use argon2::password_hash::phc::{Output, ParamsString, PasswordHash, Salt};
use argon2::{Algorithm, Argon2, Block, Params, Version};

/// The most memory that a stored hash may ask for, in KiB: more than three times what `keyfob
/// account add` asks for, and what RFC 9106 recommends where memory is scarce.
const MEMORY: u32 = 64 * 1024;
/// How often a stored hash may go through that memory.
const PASSES: u32 = 10;

/// The memory that hashing takes. It is made by the first hash and kept: a fresh one for each hash
/// stays with the allocator of the thread that freed it, and so would be held as often as there are
/// threads.
#[derive(Default)]
pub(super) struct Area(Vec<Block>);

impl Area {
    /// The hash of a password as a PHC string, with a fresh salt. Errors: the operating system gave
    /// no randomness.
    pub(super) fn hash(&mut self, password: &[u8]) -> Result<String, String> {
        let argon2 = Argon2::default();
        let (algorithm, version, params) = (Algorithm::default(), Version::default(), argon2.params());
        let mut salt = [0; Salt::RECOMMENDED_LENGTH];
        getrandom::fill(&mut salt).map_err(|error| error.to_string())?;
        let fault = |error: &dyn std::fmt::Display| format!("the password could not be hashed: {error}");
        let hash = PasswordHash {
            algorithm: algorithm.ident(),
            version: Some(version.into()),
            params: ParamsString::try_from(params).map_err(|error| fault(&error))?,
            salt: Some(Salt::new(&salt).map_err(|error| fault(&error))?),
            hash: Some(self.output(&argon2, password, &salt, Params::DEFAULT_OUTPUT_LEN)?),
        };
        Ok(hash.to_string())
    }

    /// Whether a PHC string is the hash of this password, in constant time. Its own parameters
    /// count, up to [`MEMORY`] and [`PASSES`]. Errors: what is wrong with the string, for the log.
    pub(super) fn verify(&mut self, password: &[u8], hash: &str) -> Result<bool, String> {
        let fault = |error: &dyn std::fmt::Display| format!("is no hash of argon2: {error}");
        let hash = PasswordHash::new(hash).map_err(|error| fault(&error))?;
        let algorithm = Algorithm::try_from(hash.algorithm.as_str()).map_err(|error| fault(&error))?;
        let version = hash.version.map_or(Ok(Version::default()), Version::try_from).map_err(|error| fault(&error))?;
        let params = Params::try_from(&hash).map_err(|error| fault(&error))?;
        let (Some(salt), Some(expected)) = (&hash.salt, &hash.hash) else { return Err("lacks its salt or its output".to_owned()) };
        let (memory, passes) = (params.m_cost(), params.t_cost());
        if memory > MEMORY || passes > PASSES {
            return Err(format!("asks for {memory} KiB and {passes} passes; {MEMORY} KiB and {PASSES} passes are allowed"));
        }
        // The comparison of `Output` takes the same time whatever is in it.
        Ok(self.output(&Argon2::new(algorithm, version, params), password, salt, expected.len())? == *expected)
    }

    fn output(&mut self, argon2: &Argon2<'_>, password: &[u8], salt: &[u8], length: usize) -> Result<Output, String> {
        let blocks = argon2.params().block_count();
        if self.0.len() < blocks {
            self.0.reserve_exact(blocks.saturating_sub(self.0.len()));
            self.0.resize(blocks, Block::new());
        }
        let mut output = [0; Output::MAX_LENGTH];
        let output = output.get_mut(..length).ok_or("its output is too long")?;
        argon2.hash_password_into_with_memory(password, salt, output, &mut self.0).map_err(|error| error.to_string())?;
        Output::new(output).map_err(|error| error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use argon2::PasswordVerifier as _;

    use super::*;

    #[test]
    fn a_hash_is_argon2id_with_a_salt_of_its_own_and_other_programs_verify_it() {
        let mut area = Area::default();
        let (hash, other) = (area.hash(b"right").unwrap(), area.hash(b"right").unwrap());
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$") && hash != other, "{hash}");
        assert!(Argon2::default().verify_password(b"right", hash.as_str()).is_ok());
        assert!(Argon2::default().verify_password(b"wrong", hash.as_str()).is_err());
        assert_eq!((area.verify(b"right", &hash), area.verify(b"wrong", &hash)), (Ok(true), Ok(false)));
        assert_eq!(area.0.len(), 19_456);
    }

    /// Of the tests of the reference implementation, <https://github.com/P-H-C/phc-winner-argon2>,
    /// for the password `password`.
    #[test]
    fn a_stored_hash_is_verified_with_its_own_parameters() {
        let mut area = Area::default();
        for hash in [
            "$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4",
            "$argon2id$v=19$m=256,t=2,p=2$c29tZXNhbHQ$bQk8UB/VmZZF4Oo79iDXuL5/0ttZwg2f/5U52iv1cDc",
            "$argon2i$v=19$m=65536,t=2,p=1$c29tZXNhbHQ$wWKIMhR9lyDFvRz9YTZweHKfbftvj+qf+YFY4NeBbtA",
            "$argon2i$v=16$m=256,t=2,p=1$c29tZXNhbHQ$/U3YPXYsSb3q9XxHvc0MLxur+GP960kN9j7emXX8zwY",
        ] {
            assert_eq!(area.verify(b"password", hash), Ok(true), "{hash}");
            assert_eq!(area.verify(b"passwort", hash), Ok(false), "{hash}");
        }
    }

    #[test]
    fn a_stored_hash_that_asks_for_too_much_or_is_none_is_refused_and_takes_no_memory() {
        let mut area = Area::default();
        let rest = "c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4";
        let (memory, passes) = ("asks for 4194304 KiB and 2 passes", "asks for 256 KiB and 4000000000 passes");
        for (hash, told) in [
            (format!("$argon2id$v=19$m=4194304,t=2,p=1${rest}"), memory),
            (format!("$argon2id$v=19$m=256,t=4000000000,p=1${rest}"), passes),
            (format!("$argon2id$v=19$m=4,t=2,p=1${rest}"), "is no hash"),
            (format!("$scrypt$ln=1,r=8,p=1${rest}"), "is no hash"),
            ("$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ".to_owned(), "lacks"),
            ("a password".to_owned(), "is no hash"),
            (String::new(), "is no hash"),
        ] {
            let fault = area.verify(b"password", &hash).unwrap_err();
            assert!(fault.contains(told), "{hash}: {fault}");
        }
        assert_eq!(area.0.capacity(), 0);
    }
}

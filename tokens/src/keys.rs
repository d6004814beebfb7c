//! What the caller gives to decrypt a file with.

use std::fmt;

use zeroize::Zeroizing;

/// A pre-shared key, a password, both or neither; wiped on drop.
#[derive(Clone, Default)]
pub struct Keys {
    key: Option<Zeroizing<Vec<u8>>>,
    password: Option<Zeroizing<String>>,
}

impl Keys {
    /// No key: files that are not encrypted can be read.
    pub fn new() -> Self {
        Self::default()
    }

    /// With a pre-shared key, or a key that was derived already.
    #[must_use]
    pub fn with_key(self, key: &[u8]) -> Self {
        Self { key: Some(Zeroizing::new(key.to_vec())), ..self }
    }

    /// With a password.
    #[must_use]
    pub fn with_password(self, password: &str) -> Self {
        Self { password: Some(Zeroizing::new(password.to_owned())), ..self }
    }

    pub(crate) fn key(&self) -> Option<&[u8]> {
        self.key.as_ref().map(|key| key.as_slice())
    }

    pub(crate) fn password(&self) -> Option<&str> {
        self.password.as_ref().map(|password| password.as_str())
    }
}

impl fmt::Debug for Keys {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Keys {{ key: {}, password: {} }}", self.key.is_some(), self.password.is_some())
    }
}

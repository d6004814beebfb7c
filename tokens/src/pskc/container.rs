//! What a PSKC file says once for all of its keys: cipher, derivation, MAC.

use zeroize::Zeroizing;

use crate::pskc::crypt::{Cipher, Derivation, HmacHash};
use crate::text::{base64, decimal};
use crate::xml::Element;
use crate::{ErrorKind, Keys};

/// Where the key comes from.
#[derive(Debug)]
enum Source {
    PreShared,
    Password(Derivation),
}

#[derive(Debug)]
struct Mac {
    hash: HmacHash,
    /// The MAC's own key, encrypted; without it the encryption key serves.
    key: Option<(Cipher, Vec<u8>)>,
    /// Whether the element is the drafts'. Their MACs may be over the plain value.
    is_draft: bool,
}

/// The settings of a container, and the keys that follow from them.
#[derive(Debug)]
pub(crate) struct Container {
    keys: Keys,
    /// Nothing said is a pre-shared key.
    source: Option<Source>,
    /// The drafts: one cipher for all values.
    cipher: Option<Cipher>,
    iv: Option<Vec<u8>>,
    mac: Option<Mac>,
    key: Option<Zeroizing<Vec<u8>>>,
    mac_key: Option<Zeroizing<Vec<u8>>>,
}

impl Container {
    pub(crate) fn new(keys: &Keys) -> Self {
        Self { keys: keys.clone(), source: None, cipher: None, iv: None, mac: None, key: None, mac_key: None }
    }

    /// Takes a child of the container that is no package. What it does not know it passes over.
    pub(crate) fn set(&mut self, element: Element<'_>) -> Result<(), ErrorKind> {
        match element.name().to_ascii_lowercase().as_str() {
            "encryptionkey" => self.set_key(element),
            "encryptionmethod" => self.set_method(element),
            name @ ("macmethod" | "digestmethod") => {
                let algorithm = element.attribute("Algorithm").unwrap_or_default();
                self.set_mac(algorithm, element.child("MACKey"), name == "digestmethod")
            }
            "macalgorithm" => self.set_mac(element.text(), None, true),
            _ => Ok(()),
        }
    }

    fn set_key(&mut self, element: Element<'_>) -> Result<(), ErrorKind> {
        if self.source.is_some() {
            return Err(ErrorKind::Repeated("the encryption key"));
        }
        if element.descendant("X509Data").is_some() || element.descendant("RSAKeyValue").is_some() {
            return Err(ErrorKind::Certificate);
        }
        let Some(derived) = element.descendant("DerivedKey") else {
            self.source = Some(Source::PreShared);
            return Ok(());
        };
        let incomplete = || ErrorKind::Derivation("the file says too little about it; ask for another file");
        let method = derived.child("KeyDerivationMethod").ok_or_else(incomplete)?;
        let algorithm = method.attribute("Algorithm").ok_or_else(incomplete)?;
        if !algorithm.to_ascii_lowercase().ends_with("#pbkdf2") {
            return Err(ErrorKind::Derivation("the file uses another method than PBKDF2; ask for another file"));
        }
        let parameters = method.child("PBKDF2-params").ok_or_else(incomplete)?;
        let salt = parameters.child("Salt").and_then(|salt| salt.child_text("Specified")).ok_or_else(incomplete)?;
        let number = |name, field| parameters.child_text(name).ok_or_else(incomplete).and_then(|text| decimal(text, field));
        // python-pskc writes the name between the tags.
        let named = |prf: Element<'_>| prf.attribute("Algorithm").unwrap_or(prf.text()).to_owned();
        let prf = parameters.child("PRF").map(named).filter(|name| !name.is_empty());
        let unknown = ErrorKind::Derivation("its hash is not known; ask for another file");
        self.source = Some(Source::Password(Derivation {
            salt: base64(salt).ok_or_else(incomplete)?.to_vec(),
            iterations: number("IterationCount", "the iteration count")?,
            key_bytes: usize::try_from(number("KeyLength", "the key length")?).unwrap_or(0),
            hash: prf.map_or(Some(HmacHash::Sha1), |name| HmacHash::from_uri(&name)).ok_or(unknown)?,
        }));
        Ok(())
    }

    fn set_method(&mut self, element: Element<'_>) -> Result<(), ErrorKind> {
        let algorithm = element.attribute("Algorithm").unwrap_or("NONE");
        if !algorithm.eq_ignore_ascii_case("NONE") {
            self.cipher = Some(Cipher::from_uri(algorithm)?);
        }
        if let Some(iv) = element.child_text("IV") {
            self.iv = Some(base64(iv).ok_or(ErrorKind::Decryption)?.to_vec());
        }
        Ok(())
    }

    fn set_mac(&mut self, algorithm: &str, key: Option<Element<'_>>, is_draft: bool) -> Result<(), ErrorKind> {
        // python-pskc leaves the name out where it uses key wrap, which needs no MAC.
        if algorithm.is_empty() {
            return Ok(());
        }
        if self.mac.is_some() {
            return Err(ErrorKind::Repeated("the MAC method"));
        }
        let hash = HmacHash::from_uri(algorithm).ok_or_else(|| ErrorKind::MacAlgorithm(algorithm.to_owned()))?;
        self.mac = Some(Mac { hash, key: key.map(encrypted).transpose()?, is_draft });
        Ok(())
    }

    fn load_key(&mut self) -> Result<(), ErrorKind> {
        if self.key.is_none() {
            self.key = Some(match (&self.source, self.keys.key(), self.keys.password()) {
                (Some(Source::Password(derivation)), _, Some(password)) => derivation.derive(password.as_bytes())?,
                (_, Some(key), _) => Zeroizing::new(key.to_vec()),
                (Some(Source::Password(_)), None, None) => return Err(ErrorKind::PasswordMissing),
                (Some(Source::PreShared) | None, None, _) => return Err(ErrorKind::KeyMissing),
            });
        }
        if self.mac_key.is_none()
            && let Some(Mac { key: Some((cipher, data)), .. }) = &self.mac
            && let Some(key) = &self.key
        {
            self.mac_key = Some(cipher.decrypt(key, None, data).map_err(|_| ErrorKind::WrongKey)?);
        }
        Ok(())
    }

    /// Decrypts the value of `EncryptedValue`, once its MAC fits.
    pub(crate) fn decrypt(&mut self, value: Element<'_>, mac: Option<Element<'_>>) -> Result<Zeroizing<Vec<u8>>, ErrorKind> {
        let (cipher, data) = encrypted(value)?;
        self.decrypt_with(cipher, None, &data, mac)
    }

    /// Whether the drafts' `Value` is encrypted in this file.
    pub(crate) const fn encrypts_values(&self) -> bool {
        self.cipher.is_some()
    }

    /// Decrypts the drafts' `Value`.
    pub(crate) fn decrypt_value(&mut self, text: &str, mac: Option<Element<'_>>) -> Result<Zeroizing<Vec<u8>>, ErrorKind> {
        let data = base64(text).ok_or(ErrorKind::Decryption)?;
        let cipher = self.cipher.ok_or(ErrorKind::Decryption)?;
        let iv = self.iv.clone();
        self.decrypt_with(cipher, iv.as_deref(), &data, mac)
    }

    fn decrypt_with(
        &mut self,
        cipher: Cipher,
        iv: Option<&[u8]>,
        data: &[u8],
        mac: Option<Element<'_>>,
    ) -> Result<Zeroizing<Vec<u8>>, ErrorKind> {
        self.load_key()?;
        let key = self.key.as_deref().ok_or(ErrorKind::KeyMissing)?;
        match (&self.mac, mac) {
            (Some(Mac { hash, is_draft, .. }), Some(mac)) => {
                let mac = base64(mac.text()).ok_or(ErrorKind::Mac)?;
                let fits = |data: &[u8]| hash.verify(self.mac_key.as_deref().unwrap_or(key), data, &mac);
                if !fits(data) {
                    // What cannot be decrypted is the same error, so that errors tell nothing more.
                    let plain = if *is_draft { cipher.decrypt(key, iv, data).ok() } else { None };
                    return plain.filter(|plain| fits(plain)).ok_or(ErrorKind::Mac);
                }
            }
            _ if cipher.needs_mac() => return Err(ErrorKind::MacMissing),
            (None, Some(_)) => return Err(ErrorKind::Missing("the MAC method")),
            (_, None) => {}
        }
        cipher.decrypt(key, iv, data)
    }
}

/// Whether no other value of the file can be decrypted either.
pub(crate) const fn is_fatal(kind: &ErrorKind) -> bool {
    matches!(kind, ErrorKind::KeyMissing | ErrorKind::PasswordMissing | ErrorKind::WrongKey | ErrorKind::Derivation(_))
}

/// The cipher and the data of an encrypted value.
fn encrypted(value: Element<'_>) -> Result<(Cipher, Vec<u8>), ErrorKind> {
    let method = value.child("EncryptionMethod").ok_or(ErrorKind::Missing("the encryption method"))?;
    let scheme = method.child("EncryptionScheme").and_then(|scheme| scheme.attribute("Algorithm"));
    let algorithm = scheme.or(method.attribute("Algorithm")).ok_or(ErrorKind::Missing("the encryption method"))?;
    let cipher = Cipher::from_uri(algorithm)?;
    let data = value.child("CipherData").and_then(|data| data.child_text("CipherValue"));
    let data = data.ok_or(ErrorKind::Missing("the encrypted value"))?;
    Ok((cipher, base64(data).ok_or(ErrorKind::Decryption)?.to_vec()))
}

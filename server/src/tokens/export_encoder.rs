//! Tokens as the bytes of a file and as QR images.

use std::cell::RefCell;
use std::io::{self, Write};
use std::rc::Rc;

use clap::ValueEnum;
use getrandom::SysRng;
use keyfob_scim::qr::{self, Size};
use keyfob_tokens::{EntraWriter, Error, OathCsvWriter, PskcProtection, PskcSuite, PskcWriter, Token, UriWriter, write_migration};
use zeroize::Zeroizing;

use crate::file::Wiped;

/// The iterations of PBKDF2-HMAC-SHA-256 that OWASP asks for.
const PBKDF2_ITERATIONS: u32 = 600_000;
/// What readers take as one migration: 1,000 QR codes of 10.
const MAX_MIGRATION_TOKENS: usize = 10_000;
const MODULE_PIXELS: usize = 8;

/// The format of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum ExportFormat {
    /// XML of RFC 6030, encrypted unless --plain is given
    Pskc,
    /// otpauth:// URIs, one a line
    Uris,
    /// otpauth-migration:// URIs for Google Authenticator, 10 devices a line
    Migration,
    /// CSV of privacyIDEA and LinOTP
    OathCsv,
    /// CSV of Microsoft Entra
    Entra,
}

impl ExportFormat {
    /// What a token has and a file of this format does not say, for people.
    pub(crate) fn unsaid(self, token: &Token) -> Vec<String> {
        let mut unsaid = Vec::new();
        if matches!(self, Self::Pskc) {
            return unsaid;
        }
        if token.not_before.is_some() || token.not_after.is_some() {
            unsaid.push("has notBefore or notAfter".to_owned());
        }
        if let Some(drift) = token.drift {
            let side = if drift > 0 { "ahead" } else { "behind" };
            unsaid.push(format!("its clock is {} steps {side}", drift.unsigned_abs()));
        }
        unsaid
    }

    /// Whether files of this format may be QR images.
    pub(crate) const fn has_images(self) -> bool {
        matches!(self, Self::Uris | Self::Migration)
    }

    /// Whether files of this format need a text that identifies each token.
    const fn needs_serial(self) -> bool {
        matches!(self, Self::OathCsv | Self::Entra)
    }
}

/// How the secrets of a PSKC file are protected.
pub(crate) enum Protection {
    Plain,
    Key(Zeroizing<[u8; 32]>),
    Password(Zeroizing<String>),
}

/// One piece of an export: its bytes in the file, and its QR image if those are wanted.
#[derive(Default)]
pub(crate) struct Encoded {
    pub(crate) text: Wiped,
    pub(crate) image: Option<Wiped>,
}

/// Writes tokens in a format, piece by piece.
pub(crate) struct Encoder {
    format: ExportFormat,
    writer: Writer,
    written: Written,
    has_images: bool,
}

enum Writer {
    Pskc(Box<PskcWriter<Written, SysRng>>),
    Uris(UriWriter<Written>),
    /// A migration says in each part how many there are.
    Migration(Vec<Token>),
    OathCsv(OathCsvWriter<Written>),
    Entra(EntraWriter<Written>),
}

impl Encoder {
    /// Begins an export. Returns it with the beginning of the file. Errors: a sentence for people.
    pub(crate) fn new(
        format: ExportFormat,
        protection: &Protection,
        suite: PskcSuite,
        has_images: bool,
    ) -> Result<(Self, Encoded), String> {
        let written = Written::default();
        let output = written.clone();
        let writer = match format {
            ExportFormat::Pskc => {
                let protection = match protection {
                    Protection::Plain => PskcProtection::Plain,
                    Protection::Key(key) => PskcProtection::Key(key),
                    Protection::Password(password) => PskcProtection::Password { password, iterations: PBKDF2_ITERATIONS },
                };
                Writer::Pskc(Box::new(
                    PskcWriter::new(output, protection, suite, SysRng).map_err(|error| error.kind().to_string())?,
                ))
            }
            ExportFormat::Uris => Writer::Uris(UriWriter::new(output)),
            ExportFormat::Migration => Writer::Migration(Vec::new()),
            ExportFormat::OathCsv => Writer::OathCsv(OathCsvWriter::new(output)),
            ExportFormat::Entra => Writer::Entra(EntraWriter::new(output)),
        };
        let head = Encoded { text: written.take(), image: None };
        Ok((Self { format, writer, written, has_images }, head))
    }

    /// Encodes a token. The piece of a migration is empty: its URIs come at the end.
    ///
    /// Errors: why the format cannot hold this token; the next one may follow.
    pub(crate) fn encode(&mut self, mut token: Token) -> Result<Encoded, String> {
        if self.format.needs_serial() && token.serial.is_none() {
            token.serial.clone_from(&token.id);
        }
        let written = match &mut self.writer {
            Writer::Pskc(writer) => writer.write(&token),
            Writer::Uris(writer) => writer.write(&token),
            Writer::OathCsv(writer) => writer.write(&token),
            Writer::Entra(writer) => writer.write(&token),
            Writer::Migration(tokens) => {
                if tokens.len() >= MAX_MIGRATION_TOKENS {
                    return Err(format!("a migration has at most {MAX_MIGRATION_TOKENS} devices; choose fewer, or another format"));
                }
                // One that the format cannot hold would fail the whole.
                write_migration(std::slice::from_ref(&token), &mut SysRng).map(|_| tokens.push(token))
            }
        };
        let text = self.written.take();
        // Without its place: the caller names the device.
        written.map_err(|error: Error| error.kind().to_string())?;
        self.with_image(text)
    }

    /// Ends the export. Returns the pieces that are left.
    pub(crate) fn finish(self) -> Result<Vec<Encoded>, String> {
        let Self { writer, written, has_images, .. } = self;
        let finished = match writer {
            Writer::Pskc(writer) => writer.finish(),
            Writer::Uris(writer) => writer.finish(),
            Writer::OathCsv(writer) => writer.finish(),
            Writer::Entra(writer) => writer.finish(),
            Writer::Migration(tokens) => {
                let uris = write_migration(&tokens, &mut SysRng).map_err(|error| error.kind().to_string())?;
                let line = |uri: &Zeroizing<String>| Zeroizing::new([uri.as_bytes(), b"\n"].concat());
                return uris.iter().map(|uri| with_image(line(uri), has_images)).collect();
            }
        };
        finished.map_err(|error| error.kind().to_string())?;
        Ok(vec![Encoded { text: written.take(), image: None }])
    }

    fn with_image(&self, text: Wiped) -> Result<Encoded, String> {
        with_image(text, self.has_images && !matches!(self.writer, Writer::Migration(_)))
    }
}

/// A line with its QR image, if that is wanted.
fn with_image(text: Wiped, has_image: bool) -> Result<Encoded, String> {
    let image = || {
        let line = str::from_utf8(text.trim_ascii_end()).ok()?;
        qr::encode_png(line, Size::ModulePixels(MODULE_PIXELS))
    };
    let image = if has_image { Some(image().ok_or("its names are too long for a QR code; shorten them")?) } else { None };
    Ok(Encoded { text, image })
}

/// What a writer has written since the last take. Each write has memory of its own, so nothing
/// grows and leaves a copy of a secret behind.
#[derive(Clone, Default)]
struct Written(Rc<RefCell<Vec<Wiped>>>);

impl Written {
    fn take(&self) -> Wiped {
        let pieces = self.0.take();
        let size = pieces.iter().map(|piece| piece.len()).fold(0, usize::saturating_add);
        let mut all = Zeroizing::new(Vec::with_capacity(size));
        for piece in &pieces {
            all.extend_from_slice(piece);
        }
        all
    }
}

impl Write for Written {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut pieces = self.0.try_borrow_mut().map_err(io::Error::other)?;
        pieces.push(Zeroizing::new(bytes.to_vec()));
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

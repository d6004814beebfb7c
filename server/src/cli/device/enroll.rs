//! `keyfob enroll`: a secret, its URI and QR code, and its state file.

use std::fs;
use std::io::{self, IsTerminal as _};
use std::path::Path;
use std::process::ExitCode;

use getrandom::SysRng;
use keyfob::{Algorithm, Device, Digits, Error, Factor, Secret, Totp, UriText};
use serde_json::json;
use zeroize::Zeroizing;

use super::authenticator::{Authenticator, cautions};
use super::secret::Given;
use super::{clock, input, qr, secret, state};
use crate::cli::args::EnrollArgs;
use crate::cli::output::{self, note};
use crate::cli::result::Result;
use crate::file::{self, Wiped};

pub(crate) fn run(mut args: EnrollArgs) -> Result<ExitCode> {
    let device = authenticator(&mut args)?.into_device(clock::now(&args.clock)?);
    let period = if let Factor::Totp(totp) = device.factor() { Some(totp.period()) } else { None };
    for caution in device.digits().into_iter().flat_map(|digits| cautions(digits, period)) {
        note(&caution);
    }
    let issuer = args.issuer.as_deref().unwrap_or("keyfob");
    let user = std::env::var("USER").ok().filter(|user| !user.is_empty());
    let account = args.account.as_deref().or(user.as_deref()).unwrap_or("user");
    let uri = device.uri(issuer, account)?.to_text()?;

    // First all that may be refused, then the files, then the output: nobody scans a secret that
    // was not stored.
    let text = text(&device, &uri, issuer, account, &args)?;
    let image = args.png.as_deref().map(|path| qr::png(&uri).map(|image| (path, image))).transpose()?;
    let mut made = Made(Vec::new());
    if let Some((path, image)) = &image {
        file::create(path, image)?;
        made.0.push(path);
    }
    if let Some(path) = &args.state {
        state::create(path, &device)?;
        made.0.push(path);
    } else {
        note("nothing was stored; give --state FILE to store the device for keyfob verify --state FILE");
    }
    output::print(&text).map_err(|error| if made.0.is_empty() { error } else { format!("{error}; nothing was stored").into() })?;
    made.0.clear();
    Ok(ExitCode::SUCCESS)
}

/// The files that were made. What is left here when it is dropped is removed: an enrolment whose
/// output nobody has read is none.
struct Made<'p>(Vec<&'p Path>);

impl Drop for Made<'_> {
    fn drop(&mut self) {
        for path in &self.0 {
            let _ = fs::remove_file(path);
        }
    }
}

/// The authenticator to enrol: read, or drawn. The label of a URI is taken over where the options
/// say nothing.
fn authenticator(args: &mut EnrollArgs) -> Result<Authenticator> {
    let base = if let Some(path) = &args.secret_file {
        let text = input::secret(Some(path))?;
        let given = secret::read(&text, args.hex)?;
        if let Given::Uri(uri) = &given {
            args.issuer.get_or_insert_with(|| taken_over("issuer", uri.issuer()));
            if uri.account() != *"" {
                args.account.get_or_insert_with(|| taken_over("account", uri.account()));
            }
        }
        Authenticator::of(given)?
    } else {
        let algorithm = args.parameters.algorithm.unwrap_or_default();
        Authenticator::Totp(Totp::new(Secret::random(algorithm, &mut SysRng)?))
    };
    let counter = match &base {
        Authenticator::Totp(_) if args.hotp => args.counter.or(Some(0)),
        _ => args.counter,
    };
    base.with(&args.parameters, None, counter)
}

/// A part of a URI's label as it may be written again: without colons.
fn taken_over(part: &str, read: UriText<'_>) -> String {
    let read = read.to_string();
    if !read.contains(':') {
        return read;
    }
    let written = read.split(':').map(str::trim).filter(|piece| !piece.is_empty()).collect::<Vec<_>>().join(" ");
    note(&format!("{part}: written as \"{written}\", since a URI must have no colon there; give --{part} for another"));
    written
}

/// What is printed: an object, or the URI and, unless it goes to a file, the QR code.
fn text(device: &Device, uri: &str, issuer: &str, account: &str, args: &EnrollArgs) -> Result<Wiped> {
    if args.json {
        let (secret, period, counter) = match device.factor() {
            Factor::Totp(totp) => (totp.secret(), Some(totp.period()), None),
            Factor::Hotp(hotp) => (hotp.secret(), None, Some(device.moving_factor())),
            _ => return Err(Error::WrongKind.into()),
        };
        return output::json(json!({
            "kind": device.kind().name(),
            "uri": uri,
            "secret": secret.to_base32().as_str(),
            "issuer": issuer,
            "account": account,
            "algorithm": device.algorithm().map(Algorithm::name),
            "digits": device.digits().map(Digits::get),
            "period": period,
            "counter": counter,
        }));
    }
    let mut drawing = Zeroizing::default();
    if args.png.is_none() {
        drawing = qr::draw(uri, io::stdout().is_terminal())?;
    }
    Ok(Zeroizing::new([uri, "\n", &drawing].concat().into_bytes()))
}

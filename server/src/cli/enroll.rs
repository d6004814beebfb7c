//! `keyfob enroll`: a secret, its URI and QR code, and its state file.

use std::io::{self, IsTerminal as _};
use std::process::ExitCode;

use getrandom::SysRng;
use keyfob::{Algorithm, Device, Digits, Error, Factor, Secret, Totp, Uri, UriText};
use serde_json::json;
use zeroize::Zeroizing;

use super::args::EnrollArgs;
use super::authenticator::{Authenticator, is_uri, text_of};
use super::input::Wiped;
use super::{Result, input, note, output, qr, state};
use crate::file;

pub(crate) fn run(mut args: EnrollArgs) -> Result<ExitCode> {
    let device = authenticator(&mut args)?.into_device(input::now(&args.clock)?);
    let issuer = args.issuer.as_deref().unwrap_or("keyfob");
    let user = std::env::var("USER").ok().filter(|user| !user.is_empty());
    let account = args.account.as_deref().or(user.as_deref()).unwrap_or("user");
    let uri = device.uri(issuer, account)?.to_text()?;

    // First all that may be refused, then the files, then the output: nobody scans a secret that was not stored.
    let text = text(&device, &uri, issuer, account, &args)?;
    let image = args.png.as_deref().map(|path| qr::png(&uri).map(|image| (path, image))).transpose()?;
    if let Some((path, image)) = &image {
        file::create(path, image)?;
    }
    if let Some(path) = &args.state {
        state::create(path, &device).inspect_err(|_| {
            if let Some((path, _)) = &image {
                let _ = std::fs::remove_file(path);
            }
        })?;
    } else {
        note("nothing was stored; give --state FILE to store the device for keyfob verify --state FILE");
    }
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// The authenticator to enrol: read, or drawn. The label of a URI is taken over where the options say nothing.
fn authenticator(args: &mut EnrollArgs) -> Result<Authenticator> {
    let base = if let Some(path) = &args.secret_file {
        let bytes = input::secret(Some(path))?;
        let text = text_of(&bytes)?;
        if is_uri(text) {
            let uri = Uri::parse(text)?;
            args.issuer.get_or_insert_with(|| taken_over("issuer", uri.issuer()));
            if uri.account() != *"" {
                args.account.get_or_insert_with(|| taken_over("account", uri.account()));
            }
        }
        Authenticator::parse(text, args.hex)?
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
